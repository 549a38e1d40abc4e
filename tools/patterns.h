/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several patterns that are searched for together.
 */
#ifndef SMMAP_TOOL_PATTERNS_H
#define SMMAP_TOOL_PATTERNS_H

#include "tools/pattern.h"

/** What is searched for, and how; may be shared by threads. */
typedef struct tool_patterns_plan_t {
    struct tool_bytes_t {
        unsigned char *bytes;
        apr_size_t size; /**< 1 to TOOL_PATTERN_MAX */
    } * patterns;
    int count;
    int folds;   /**< 1: a letter of ASCII matches in both cases */
    int overlap; /**< 1: matches may share bytes; 0: a match starts behind the one before it */
} tool_patterns_plan_t;

/** Patterns that are ready to be searched for by one thread; opaque. */
typedef struct tool_patterns_t tool_patterns_t;

/**
 * Turn hexadecimal digits into bytes. Two digits make a byte; blanks may stand between bytes.
 *
 * @param bytes (out) the bytes, from `pool`; set only on success.
 * @param size (out) how many.
 * @return NULL on success, otherwise what is wrong, as the end of a sentence.
 */
const char *tool_pattern_unhex(const char *text, unsigned char **bytes, apr_size_t *size,
                               apr_pool_t *pool);

tool_patterns_t *tool_patterns_create(const tool_patterns_plan_t *plan, apr_pool_t *pool);

/** Bytes in the longest pattern. */
apr_size_t tool_patterns_longest(const tool_patterns_t *patterns);

/** Another file begins; see tool_pattern_restart(). */
void tool_patterns_restart(tool_patterns_t *patterns, int is_large);

/**
 * Search this piece of memory from now on.
 *
 * @param from (in) where a match may start.
 * @param end (in) where none may start any more; it may reach behind it.
 */
void tool_patterns_use(tool_patterns_t *patterns, const unsigned char *data, apr_size_t size,
                       apr_size_t from, apr_size_t end);

/**
 * The next match: the first one, and of those at one place the longest.
 *
 * @param length (out) its bytes.
 * @return where it starts, or TOOL_PATTERN_NONE.
 */
apr_size_t tool_patterns_next(tool_patterns_t *patterns, apr_size_t *length);

#endif
