/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files hold that the media program reads: its own, and those of the FUSE server.
 * No byte is 0, so a zero is never true.
 */
#ifndef SMMAP_TESTS_MEDIA_BYTES_H
#define SMMAP_TESTS_MEDIA_BYTES_H

#include <stdint.h>

static inline unsigned char media_byte(uint64_t offset)
{
    uint64_t z = (offset >> 3) * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(0x94D049BB133111EB);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z ^= z >> 27;
    return (unsigned char)(1 + ((z >> (8 * (offset & 7))) & 0xff) % 255);
}

#endif
