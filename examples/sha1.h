/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-1 (FIPS 180-4), which git uses for names of objects and checksums of packs.
 */
#ifndef SHA1_H
#define SHA1_H

#include <apr.h>

#define SHA1_SIZE 20

/** State of a digest. */
typedef struct sha1_t {
    apr_uint32_t hash[5];    /**< H0 to H4 of the standard */
    apr_uint64_t length;     /**< bytes added */
    unsigned char block[64]; /**< bytes of an incomplete block */
} sha1_t;

/** Start a new digest. */
void sha1_init(sha1_t *sha1);
/** Add bytes; `data` may be NULL when `size` is 0. */
void sha1_update(sha1_t *sha1, const void *data, apr_size_t size);
/** Finish, and store the 20 bytes of the digest. Do not add to the state afterwards. */
void sha1_final(sha1_t *sha1, unsigned char digest[SHA1_SIZE]);

#endif
