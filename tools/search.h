/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search through one file after the other.
 */
#ifndef SMMAP_TOOL_SEARCH_H
#define SMMAP_TOOL_SEARCH_H

#include "tools/patterns.h"
#include "tools/source.h"

/** The most bytes that can be wanted around a match. */
#define TOOL_CONTEXT_MOST 65536

/** A match, and the bytes around it. */
typedef struct tool_match_t {
    apr_off_t offset;
    apr_size_t length;
    apr_size_t before; /**< bytes that are kept before it */
    apr_size_t kept;   /**< bytes that are kept, with those before it; 0: none */
    apr_size_t bytes;  /**< where they begin in the bytes of tool_found_t */
} tool_match_t;

/** What was found and not yet printed. All zeroes: empty. */
typedef struct tool_found_t {
    int is_open;           /**< 1: the file could be opened */
    apr_uint64_t count;    /**< matches */
    tool_match_t *matches; /**< each of them, if they are wanted */
    apr_size_t used;
    apr_size_t room;
    unsigned char *bytes;
    apr_size_t bytes_used;
    apr_size_t bytes_room;
} tool_found_t;

/** Forget it, but for the memory; and that, too. */
void tool_found_clear(tool_found_t *found);
void tool_found_free(tool_found_t *found);

/** What to look for, and how far. */
typedef struct tool_plan_t {
    tool_patterns_plan_t patterns;
    int keeps;          /**< 1: each match is wanted; 0: how many there are */
    int keeps_bytes;    /**< 1: and its bytes */
    apr_size_t context; /**< and so many around it */
    apr_uint64_t limit; /**< matches in a file after which the search ends */
} tool_plan_t;

/**
 * What is called after each piece of a file, in which something may have been found.
 *
 * @param searched (in) bytes so far.
 * @param must_clear (in) 1: the search needs room and cannot go on without.
 * @return 0: stop.
 */
typedef int tool_search_piece_t(void *baton, tool_found_t *found, apr_uint64_t searched,
                                int must_clear);

/** A search, of one thread; opaque. */
typedef struct tool_search_t tool_search_t;

tool_search_t *tool_search_create(const tool_t *tool, const tool_plan_t *plan, apr_pool_t *pool);

/**
 * Search a file.
 *
 * @param found (in, out) empty; what is found is added.
 * @param pool (in) for what is needed meanwhile.
 * @return APR_SUCCESS, also when it was ended early; or what is wrong with the file: what was found
 *         stands before it.
 */
apr_status_t tool_search_file(tool_search_t *search, const char *path, tool_found_t *found,
                              tool_search_piece_t *piece, void *baton, apr_pool_t *pool);

#endif
