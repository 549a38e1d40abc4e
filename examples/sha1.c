/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-1 (FIPS 180-4, sections 4.1.1, 4.2.1, 5.1.1, 5.3.1 and 6.1).
 *
 * Whole blocks are read directly from the caller's memory, so hashing a mapped window copies
 * nothing. The message schedule is a ring of sixteen words (section 6.1.3) instead of eighty.
 *
 * SHA-1 detects damage; it does not authenticate data.
 */
#include "sha1.h"

#include <string.h>

static apr_uint32_t rotate(apr_uint32_t word, int bits)
{
    return (word << bits) | (word >> (32 - bits));
}

static apr_uint32_t get32(const unsigned char *bytes)
{
    return (apr_uint32_t)bytes[0] << 24 | (apr_uint32_t)bytes[1] << 16 |
           (apr_uint32_t)bytes[2] << 8 | (apr_uint32_t)bytes[3];
}

static void put32(unsigned char *bytes, apr_uint32_t word)
{
    bytes[0] = (unsigned char)(word >> 24);
    bytes[1] = (unsigned char)(word >> 16);
    bytes[2] = (unsigned char)(word >> 8);
    bytes[3] = (unsigned char)word;
}

/* W(t) for t >= 16, in the place of W(t - 16). */
static apr_uint32_t schedule(apr_uint32_t w[16], int t)
{
    w[t & 15] = rotate(w[(t + 13) & 15] ^ w[(t + 8) & 15] ^ w[(t + 2) & 15] ^ w[t & 15], 1);
    return w[t & 15];
}

static void add_block(sha1_t *sha1, const unsigned char *block)
{
    apr_uint32_t w[16];
    apr_uint32_t a = sha1->hash[0];
    apr_uint32_t b = sha1->hash[1];
    apr_uint32_t c = sha1->hash[2];
    apr_uint32_t d = sha1->hash[3];
    apr_uint32_t e = sha1->hash[4];
    apr_uint32_t next;
    int t;

#define STEP(f, k, word)                              \
    do {                                              \
        next = rotate(a, 5) + (f) + e + (k) + (word); \
        e = d;                                        \
        d = c;                                        \
        c = rotate(b, 30);                            \
        b = a;                                        \
        a = next;                                     \
    } while (0)

    for (t = 0; t < 16; t++) {
        w[t] = get32(block + 4 * t);
        STEP((b & c) | (~b & d), 0x5a827999u, w[t]);
    }
    for (; t < 20; t++)
        STEP((b & c) | (~b & d), 0x5a827999u, schedule(w, t));
    for (; t < 40; t++)
        STEP(b ^ c ^ d, 0x6ed9eba1u, schedule(w, t));
    for (; t < 60; t++)
        STEP((b & c) | (b & d) | (c & d), 0x8f1bbcdcu, schedule(w, t));
    for (; t < 80; t++)
        STEP(b ^ c ^ d, 0xca62c1d6u, schedule(w, t));
#undef STEP

    sha1->hash[0] += a;
    sha1->hash[1] += b;
    sha1->hash[2] += c;
    sha1->hash[3] += d;
    sha1->hash[4] += e;
}

void sha1_init(sha1_t *sha1)
{
    sha1->hash[0] = 0x67452301u;
    sha1->hash[1] = 0xefcdab89u;
    sha1->hash[2] = 0x98badcfeu;
    sha1->hash[3] = 0x10325476u;
    sha1->hash[4] = 0xc3d2e1f0u;
    sha1->length = 0;
}

void sha1_update(sha1_t *sha1, const void *data, apr_size_t size)
{
    const unsigned char *bytes = data;
    apr_size_t used = (apr_size_t)(sha1->length % 64);

    sha1->length += size;
    if (used > 0) {
        apr_size_t part = 64 - used < size ? 64 - used : size;

        if (part == 0)
            return;
        memcpy(sha1->block + used, bytes, part);
        if (used + part < 64)
            return;
        add_block(sha1, sha1->block);
        bytes += part;
        size -= part;
    }
    for (; size >= 64; bytes += 64, size -= 64)
        add_block(sha1, bytes);
    if (size > 0)
        memcpy(sha1->block, bytes, size);
}

void sha1_final(sha1_t *sha1, unsigned char digest[SHA1_SIZE])
{
    apr_uint64_t bits = sha1->length * 8;
    apr_size_t used = (apr_size_t)(sha1->length % 64);
    int i;

    sha1->block[used++] = 0x80;
    if (used > 56) { /* no room for the length: it goes into a block of its own */
        memset(sha1->block + used, 0, 64 - used);
        add_block(sha1, sha1->block);
        used = 0;
    }
    memset(sha1->block + used, 0, 56 - used);
    put32(sha1->block + 56, (apr_uint32_t)(bits >> 32));
    put32(sha1->block + 60, (apr_uint32_t)bits);
    add_block(sha1, sha1->block);
    for (i = 0; i < 5; i++)
        put32(digest + 4 * i, sha1->hash[i]);
}
