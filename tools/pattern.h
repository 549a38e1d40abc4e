/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pattern of bytes, and the search for it in one piece of memory.
 */
#ifndef SMMAP_TOOL_PATTERN_H
#define SMMAP_TOOL_PATTERN_H

#include <apr_pools.h>

/** Most bytes in a pattern. It fits on a command line also in hexadecimal digits. */
#define TOOL_PATTERN_MAX ((apr_size_t)32768)

/** What tool_pattern_next() returns when there is no match. */
#define TOOL_PATTERN_NONE (~(apr_size_t)0)

/** A pattern that is ready to be searched for; opaque. */
typedef struct tool_pattern_t tool_pattern_t;

/**
 * Make a pattern ready.
 *
 * @param bytes (in) the bytes to search for; copied.
 * @param size (in) 1 to TOOL_PATTERN_MAX.
 * @param folds (in) 1: a letter of ASCII matches in both cases.
 */
tool_pattern_t *tool_pattern_create(const unsigned char *bytes, apr_size_t size, int folds,
                                    apr_pool_t *pool);

/** Bytes in the pattern. */
apr_size_t tool_pattern_size(const tool_pattern_t *pattern);

/** Another file begins: forget what was learned about the data before, if it is large. */
void tool_pattern_restart(tool_pattern_t *pattern, int is_large);

/**
 * The first match in `data` that starts at `from` or behind it.
 *
 * @param data (in) the bytes.
 * @param size (in) how many.
 * @param from (in) where to start; may be past the end.
 * @param known (in) how many bytes at `from` are known to be those of the pattern, from
 *        tool_pattern_step(); 0 when in doubt.
 * @return where the match starts, or TOOL_PATTERN_NONE.
 */
apr_size_t tool_pattern_next(tool_pattern_t *pattern, const unsigned char *data, apr_size_t size,
                             apr_size_t from, apr_size_t known);

/**
 * How far behind the start of a match the next one can start.
 *
 * @param overlap (in) 1: matches may share bytes; 0: they may not.
 * @param known (out) what to hand to the next tool_pattern_next().
 */
apr_size_t tool_pattern_step(tool_pattern_t *pattern, int overlap, apr_size_t *known);

#endif
