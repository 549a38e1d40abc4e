/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traces: which windows of which files are wanted, one after the other.
 */
#ifndef SMMAP_BENCH_TRACE_H
#define SMMAP_BENCH_TRACE_H

#include <apr_pools.h>

#include "bench/core/policy.h"
#include "cli/console.h"

/** A trace. A window has a number of its own among all that occur. */
typedef struct trace_t {
    const char *name;
    policy_list_t list;
    apr_uint32_t file_count;
    apr_off_t *file_sizes;     /**< large enough for all windows of the file */
    apr_uint32_t *window_file; /**< of each window: its file */
    apr_off_t *window_begin;   /**< and where it begins there */
    apr_size_t window_size;
} trace_t;

/** The windows of a trace that is made. */
#define TRACE_WINDOWS 1000u

/** How many traces can be generated, and the i-th of them, for `room` windows that are kept. */
int trace_made_count(void);
void trace_make(trace_t *trace, int which, apr_uint32_t count, apr_size_t window_size,
                apr_uint32_t room, apr_pool_t *pool);

/**
 * Read a recorded one; see smmap/trace.h for the format.
 *
 * @return 1; 0: it cannot be read, and that was printed.
 */
int trace_read(trace_t *trace, const char *path, apr_size_t window_size, console_t *console,
               apr_pool_t *pool);

#endif
