/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two bytes of a pattern, looked for together: the "generic SIMD" search of W. Mula
 * (http://0x80.pl/articles/simd-strfind.html), with bytes that are rare in the data in place of
 * the pattern's first and last, as the memchr crate of ripgrep has it.
 *
 * Blocks of the data are compared with both bytes at once. The vectors are those of gcc and clang,
 * which make SSE2, NEON and the like of them; on x86-64 the same code is compiled a second time
 * for processors that have AVX2. Where the first byte is very rare, and with other compilers,
 * memchr() looks for it alone.
 */
#include "tools/pair.h"

#include <string.h>

/* The first byte is looked for alone as long as it comes less often than once in so many bytes. */
#define RARE 4096

static int is_at(const tool_pair_t *pair, const unsigned char *data, int which)
{
    return (data[pair->at[which]] | pair->mask[which]) == pair->byte[which];
}

/* These go to a place at or before the next one where both bytes stand; behind `last` when there is
   none. */
static apr_size_t skip_by_first(const tool_pair_t *pair, const unsigned char *data, apr_size_t at,
                                apr_size_t last)
{
    const unsigned char *hit;

    if (pair->mask[0] != 0) {
        return at;
    }
    hit = memchr(data + pair->at[0] + at, pair->byte[0], last - at + 1);
    return hit != NULL ? (apr_size_t)(hit - data) - pair->at[0] : last + 1;
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

/* All bits of a byte of *found are set where both bytes stand. */
INLINE void compare(words_t *found, const unsigned char *first, const unsigned char *second,
                    const bytes_t *wanted)
{
    bytes_t a;
    bytes_t b;

    memcpy(&a, first, sizeof(a));
    memcpy(&b, second, sizeof(b));
    *found = (words_t)((a | wanted[2]) == wanted[0]) & (words_t)((b | wanted[3]) == wanted[1]);
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

INLINE apr_size_t skip_blocks(const tool_pair_t *pair, const unsigned char *data, apr_size_t at,
                              apr_size_t last)
{
    const unsigned char *first = data + pair->at[0];
    const unsigned char *second = data + pair->at[1];
    bytes_t wanted[4];
    words_t found[4];
    apr_size_t i;

    for (i = 0; i < 2; i++) {
        fill(&wanted[i], pair->byte[i]);
        fill(&wanted[i + 2], pair->mask[i]);
    }
    for (; last - at >= BLOCK; at += BLOCK) {
        words_t any;

        /* Not a loop: that would not be unrolled, and `found` would be written to memory. */
        compare(&found[0], first + at, second + at, wanted);
        compare(&found[1], first + at + LANES, second + at + LANES, wanted);
        compare(&found[2], first + at + 2 * LANES, second + at + 2 * LANES, wanted);
        compare(&found[3], first + at + 3 * LANES, second + at + 3 * LANES, wanted);
        any = found[0] | found[1] | found[2] | found[3];
        if ((any[0] | any[1] | any[2] | any[3]) != 0) {
            for (i = 0; first_of(&found[i]) == LANES; i++) {
            }
            return at + i * LANES + first_of(&found[i]);
        }
    }
    return at;
}

static apr_size_t skip_plain(const tool_pair_t *pair, const unsigned char *data, apr_size_t at,
                             apr_size_t last)
{
    return skip_blocks(pair, data, at, last);
}

/* TOOL_ONE_PROCESSOR: for compilers whose own library cannot tell what the processor has. */
#if defined(__x86_64__) && !defined(TOOL_ONE_PROCESSOR)
__attribute__((target("avx2"))) static apr_size_t
skip_avx2(const tool_pair_t *pair, const unsigned char *data, apr_size_t at, apr_size_t last)
{
    return skip_blocks(pair, data, at, last);
}
#define SKIP (__builtin_cpu_supports("avx2") ? skip_avx2 : skip_plain)
#else
#define SKIP skip_plain
#endif

#else
#define SKIP skip_by_first
#endif

apr_size_t tool_pair_next(tool_pair_t *pair, const unsigned char *data, apr_size_t from,
                          apr_size_t last)
{
    for (; from <= last; from++) {
        apr_size_t start = from;

        if (pair->rare > 0) {
            from = skip_by_first(pair, data, from, last);
            pair->rare += (apr_int64_t)(from - start) - RARE;
        } else {
            from = SKIP(pair, data, from, last);
        }
        if (from > last || (is_at(pair, data + from, 0) && is_at(pair, data + from, 1))) {
            break;
        }
    }
    return from;
}
