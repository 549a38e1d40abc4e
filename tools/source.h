/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a search gets the bytes of a file from.
 */
#ifndef SMMAP_TOOL_SOURCE_H
#define SMMAP_TOOL_SOURCE_H

#include "tools/tool.h"

/** An open file, or standard input; opaque. */
typedef struct tool_source_t tool_source_t;

/** Bytes of it. */
typedef struct tool_view_t {
    const unsigned char *data;
    apr_off_t begin; /**< where they are in the file */
    apr_size_t size;
    apr_off_t starts;    /**< what starts before it can be searched for here */
    int is_end;          /**< 1: nothing comes behind them */
    apr_status_t status; /**< why that is so; APR_SUCCESS: it is the end of the file */
} tool_view_t;

/**
 * Make room for the bytes of one file at a time.
 *
 * @param before (in) most bytes that are wanted before a place.
 * @param behind (in) bytes behind a place that it takes to search there.
 */
tool_source_t *tool_source_create(const tool_t *tool, apr_size_t before, apr_size_t behind,
                                  apr_pool_t *pool);

/**
 * Open a file, or standard input; and the part of it that --offset and --length leave.
 *
 * @param begin, end (out) that part.
 * @param pool (in) closes it.
 */
apr_status_t tool_source_open(tool_source_t *source, const char *path, apr_off_t *begin,
                              apr_off_t *end, apr_pool_t *pool);

/**
 * Skip the hole at a place.
 *
 * @param end (in) of what is searched, behind `at`.
 * @param reach (in) how far before the data behind the hole something can start.
 * @return the place to go on from: `at`, or one behind it and before `end`.
 */
apr_off_t tool_source_skip(tool_source_t *source, apr_off_t at, apr_off_t end, apr_size_t reach);

/** 1: it is so large that it pays to learn about its bytes. */
int tool_source_is_large(const tool_source_t *source);

/**
 * Get the bytes at a place, some before it, and those behind it up to `end`. They are good until
 * the next call, and are the file's if tool_source_check() says so.
 *
 * @param back (in) how many before it.
 */
void tool_source_view(tool_source_t *source, apr_off_t at, apr_size_t back, apr_off_t end,
                      tool_view_t *view);

/** 1: the bytes were the file's all the time. 0: they may not have been; what was found in them
    counts for nothing, and the next tool_source_view() of that place gives others.
    @param searched (in) how many of them were searched. */
int tool_source_check(tool_source_t *source, apr_off_t searched);

#endif
