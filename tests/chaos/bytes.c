/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the chaos program hold: each byte tells the version it is of.
 *
 * byte = 1 + (version - 1 + noise(file, offset)) mod 255. So it is never 0, and file, offset
 * and byte give the version back. A byte that is of another file or another offset gives
 * another version, 254 times in 255.
 */
#include "chaos.h"

static unsigned noise(unsigned file, apr_off_t offset)
{
    apr_uint64_t state = ((apr_uint64_t)(file + 1) << 48) + ((apr_uint64_t)offset >> 3);
    apr_uint64_t word = stress_random(&state);

    return (unsigned)((word >> (8 * ((unsigned)offset & 7))) & 0xff) % CHAOS_VERSIONS;
}

void chaos_fill(unsigned char *to, unsigned file, unsigned version, apr_off_t offset,
                apr_size_t size)
{
    apr_size_t i;

    for (i = 0; i < size; i++) {
        to[i] = (unsigned char)(1 + (version - 1 + noise(file, offset + (apr_off_t)i)) %
                                        CHAOS_VERSIONS);
    }
}

unsigned chaos_version(const unsigned char *bytes, unsigned file, apr_off_t offset,
                       apr_size_t size, const char *what)
{
    unsigned version = 0;
    apr_size_t i;

    for (i = 0; i < size; i++) {
        apr_off_t at = offset + (apr_off_t)i;
        unsigned one;

        if (bytes[i] == 0) {
            stress_bad("%s: file %u, byte %lld, the %llu. of %llu from %lld: a zero", what, file,
                       (long long)at, (unsigned long long)i, (unsigned long long)size,
                       (long long)offset);
            return 0;
        }
        one = 1 + (bytes[i] - 1U + CHAOS_VERSIONS - noise(file, at)) % CHAOS_VERSIONS;
        if (version == 0) {
            version = one;
        } else if (one != version) {
            stress_bad("%s: file %u, byte %lld, the %llu. of %llu from %lld: of version %u, and "
                       "those before it of %u",
                       what, file, (long long)at, (unsigned long long)i,
                       (unsigned long long)size, (long long)offset, one, version);
            return 0;
        }
    }
    return version;
}
