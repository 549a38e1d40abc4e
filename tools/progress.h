/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far the work is: the bar, and whether to go on at all.
 */
#ifndef SMMAP_TOOL_PROGRESS_H
#define SMMAP_TOOL_PROGRESS_H

#include "cli/console.h"

/** The work on a list of files; opaque. */
typedef struct tool_progress_t tool_progress_t;

/** How many bytes of work a file of this size is. */
typedef apr_uint64_t tool_progress_work_t(const void *baton, apr_off_t size);

/**
 * Measure the work, where a bar can be drawn.
 *
 * @param work (in) how much there is in a file.
 * @param baton (in) handed to `work`.
 */
tool_progress_t *tool_progress_create(console_t *console, const char *const *paths, int count,
                                      tool_progress_work_t *work, const void *baton,
                                      apr_pool_t *pool);

/** The work on the next file begins; to be called once for each path, in their order. */
void tool_progress_file(tool_progress_t *progress);

/**
 * So many bytes of the file's work are done. Draws the bar when it is time to, and writes
 * out what was printed a while ago, so that people and pipes see it.
 *
 * @return 1: go on; 0: stop, as the user wants it (^C) or as nobody reads the output.
 */
int tool_progress_at(tool_progress_t *progress, apr_uint64_t done);

#endif
