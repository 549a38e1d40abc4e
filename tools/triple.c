/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three bytes of a pattern, looked for together: the "generic SIMD" search of W. Mula
 * (http://0x80.pl/articles/simd-strfind.html), with bytes that are rare in the data in place of
 * the pattern's first and last, as the memchr crate of ripgrep has it; and with a third one, which
 * costs less than to compare the pattern wherever two of its common letters stand.
 *
 * Blocks of the data are compared with all three at once. The vectors are those of gcc and clang,
 * which make SSE2, NEON and the like of them; on x86-64 the same code is compiled a second time
 * for processors that have AVX2. Where the first byte is very rare, and with other compilers,
 * memchr() looks for it alone.
 */
#include "tools/triple.h"

#include <string.h>

/* The first byte is looked for alone as long as it comes less often than once in so many bytes. */
#define RARE 4096

static int is_at(const tool_triple_t *triple, const unsigned char *data)
{
    int i = 0;

    while (i < TOOL_TRIPLE && (data[triple->at[i]] | triple->mask[i]) == triple->byte[i]) {
        i++;
    }
    return i == TOOL_TRIPLE;
}

/* These go to a place at or before the next one where all of them stand, or behind `last`. */
static apr_size_t skip_by_first(const tool_triple_t *triple, const unsigned char *data,
                                apr_size_t at, apr_size_t last)
{
    const unsigned char *hit;

    if (triple->mask[0] != 0) {
        return at;
    }
    hit = memchr(data + triple->at[0] + at, triple->byte[0], last - at + 1);
    return hit != NULL ? (apr_size_t)(hit - data) - triple->at[0] : last + 1;
}

#if defined(__GNUC__)

/* Bytes of a vector, and of a block: places that are looked at before the next test. */
#define LANES 32
#define BLOCK (4 * LANES)

typedef unsigned char bytes_t __attribute__((vector_size(LANES)));
typedef unsigned long long words_t __attribute__((vector_size(LANES)));

#define INLINE static inline __attribute__((always_inline))

INLINE void fill(bytes_t *vector, unsigned char byte)
{
    *vector = (bytes_t){0} + byte;
}

/* All bits of a byte of *found are set where the byte of `data` is this one. */
INLINE void compare_one(words_t *found, const unsigned char *data, const bytes_t *wanted,
                        const bytes_t *mask, int folds)
{
    bytes_t bytes;

    memcpy(&bytes, data, sizeof(bytes));
    *found = (words_t)((folds ? bytes | *mask : bytes) == *wanted);
}

/* The same where all three stand. No loop: it would not be unrolled, and much slower. */
INLINE void compare(words_t *found, const unsigned char *const *from, apr_size_t at,
                    const bytes_t *wanted, int folds)
{
    words_t others[2];

    compare_one(found, from[0] + at, &wanted[0], &wanted[3], folds);
    compare_one(&others[0], from[1] + at, &wanted[1], &wanted[4], folds);
    compare_one(&others[1], from[2] + at, &wanted[2], &wanted[5], folds);
    *found &= others[0] & others[1];
}

/* The first byte of *found that is set; LANES: none is. */
INLINE apr_size_t first_of(const words_t *found)
{
    apr_size_t i;

    for (i = 0; i < LANES / 8; i++) {
        unsigned long long word = (*found)[i];

        if (word != 0) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            return 8 * i + (apr_size_t)__builtin_clzll(word) / 8;
#else
            return 8 * i + (apr_size_t)__builtin_ctzll(word) / 8;
#endif
        }
    }
    return LANES;
}

INLINE apr_size_t skip_blocks(const tool_triple_t *triple, const unsigned char *data, apr_size_t at,
                              apr_size_t last, int folds)
{
    const unsigned char *from[TOOL_TRIPLE];
    bytes_t wanted[2 * TOOL_TRIPLE];
    words_t found[4];
    apr_size_t i;

    for (i = 0; i < TOOL_TRIPLE; i++) {
        from[i] = data + triple->at[i];
        fill(&wanted[i], triple->byte[i]);
        fill(&wanted[TOOL_TRIPLE + i], triple->mask[i]);
    }
    for (; last - at >= BLOCK; at += BLOCK) {
        words_t any;

        /* Not a loop: that would not be unrolled, and `found` would be written to memory. */
        compare(&found[0], from, at, wanted, folds);
        compare(&found[1], from, at + LANES, wanted, folds);
        compare(&found[2], from, at + 2 * LANES, wanted, folds);
        compare(&found[3], from, at + 3 * LANES, wanted, folds);
        any = found[0] | found[1] | found[2] | found[3];
        if ((any[0] | any[1] | any[2] | any[3]) != 0) {
            for (i = 0; first_of(&found[i]) == LANES; i++) {
            }
            return at + i * LANES + first_of(&found[i]);
        }
    }
    return at;
}

INLINE apr_size_t skip_some(const tool_triple_t *triple, const unsigned char *data, apr_size_t at,
                            apr_size_t last)
{
    return triple->folds ? skip_blocks(triple, data, at, last, 1)
                         : skip_blocks(triple, data, at, last, 0);
}

static apr_size_t skip_plain(const tool_triple_t *triple, const unsigned char *data, apr_size_t at,
                             apr_size_t last)
{
    return skip_some(triple, data, at, last);
}

/* TOOL_ONE_PROCESSOR: for compilers whose own library cannot tell what the processor has. */
#if defined(__x86_64__) && !defined(TOOL_ONE_PROCESSOR)
__attribute__((target("avx2"))) static apr_size_t
skip_avx2(const tool_triple_t *triple, const unsigned char *data, apr_size_t at, apr_size_t last)
{
    return skip_some(triple, data, at, last);
}
#define SKIP (__builtin_cpu_supports("avx2") ? skip_avx2 : skip_plain)
#else
#define SKIP skip_plain
#endif

#else
#define SKIP skip_by_first
#endif

apr_size_t tool_triple_next(tool_triple_t *triple, const unsigned char *data, apr_size_t from,
                            apr_size_t last)
{
    for (; from <= last; from++) {
        apr_size_t start = from;

        if (triple->rare > 0) {
            from = skip_by_first(triple, data, from, last);
            triple->rare += (apr_int64_t)(from - start) - RARE;
        } else {
            from = SKIP(triple, data, from, last);
        }
        if (from > last || is_at(triple, data + from)) {
            break;
        }
    }
    return from;
}
