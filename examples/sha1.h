/*
 * SHA-1, as FIPS 180-4 defines it. Git names objects and seals packs with it.
 */
#ifndef SHA1_H
#define SHA1_H

#include <apr.h>

#define SHA1_SIZE 20

/** A digest in the making. */
typedef struct sha1_t {
    apr_uint32_t hash[5];    /**< H0 to H4 of the standard */
    apr_uint64_t length;     /**< bytes that went in */
    unsigned char block[64]; /**< the bytes that wait for their block to be full */
} sha1_t;

/** Start a new digest. */
void sha1_init(sha1_t *sha1);
/** Add bytes; `data` may be NULL when `size` is 0. */
void sha1_update(sha1_t *sha1, const void *data, apr_size_t size);
/** Pad, and give the 20 bytes of the digest. The state cannot be added to afterwards. */
void sha1_final(sha1_t *sha1, unsigned char digest[SHA1_SIZE]);

#endif
