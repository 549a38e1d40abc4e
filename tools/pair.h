/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two bytes of a pattern, looked for together.
 */
#ifndef SMMAP_TOOL_PAIR_H
#define SMMAP_TOOL_PAIR_H

#include <apr.h>

/** Two bytes and where they stand in a pattern. `mask`: 0x20 where the byte is a letter of which
    the case does not matter, and then `byte` is the small one; otherwise 0. */
typedef struct tool_pair_t {
    apr_size_t at[2];
    unsigned char byte[2];
    unsigned char mask[2];
    apr_int64_t rare; /**< above 0: the first byte is expected to be very rare */
} tool_pair_t;

/**
 * The first place from `from` to `last` where both bytes stand.
 *
 * @param pair (in, out) `rare` is changed.
 * @param data (in) bytes, as far as the pattern reaches when it starts at `last`.
 * @return the place; behind `last` when there is none.
 */
apr_size_t tool_pair_next(tool_pair_t *pair, const unsigned char *data, apr_size_t from,
                          apr_size_t last);

#endif
