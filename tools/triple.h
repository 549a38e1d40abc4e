/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three bytes of a pattern, looked for together.
 */
#ifndef SMMAP_TOOL_TRIPLE_H
#define SMMAP_TOOL_TRIPLE_H

#include <apr.h>

#define TOOL_TRIPLE 3

/** The bytes and where they stand in a pattern; of a shorter one, some of them are the same. */
typedef struct tool_triple_t {
    apr_size_t at[TOOL_TRIPLE];
    unsigned char byte[TOOL_TRIPLE];
    unsigned char mask[TOOL_TRIPLE]; /**< 0x20: `byte` is a small letter, and the large one is as
                                          good; otherwise 0 */
    int folds;                       /**< 0: all masks are 0 */
    apr_int64_t rare;                /**< above 0: the first is expected to be very rare */
} tool_triple_t;

/**
 * The first place from `from` to `last` where all three stand.
 *
 * @param triple (in, out) `rare` is changed.
 * @param data (in) bytes, as far as the pattern reaches when it starts at `last`.
 * @return the place; behind `last` when there is none.
 */
apr_size_t tool_triple_next(tool_triple_t *triple, const unsigned char *data, apr_size_t from,
                            apr_size_t last);

#endif
