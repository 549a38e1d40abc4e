/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What growth.c, growth_cases.c and growth_threads.c share: a world, in which there are n of
 * something.
 */
#ifndef SMMAP_BENCH_CORE_GROWTH_H
#define SMMAP_BENCH_CORE_GROWTH_H

#include "bench/core/null_backend.h"
#include "bench/core/overhead.h"

#define GROWTH_WINDOW ((apr_size_t)4096)
/** Mappings are at most so long. */
#define GROWTH_LONGEST ((apr_size_t)1 << 20)

/** One of the two worlds of a case. */
typedef struct world_t {
    apr_uint32_t n;
    apr_pool_t *pool;
    smmap_options_t options; /**< sliding windows of GROWTH_WINDOW, without limits */
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;  /**< on file 0 */
    smmap_cursor_t **others; /**< n, where a case has them */
    null_files_t files;      /**< what the backend's are like */
    apr_uint64_t step;       /**< how often something was done */
    apr_uint64_t random;
    apr_uint64_t bytes; /**< that the core allocated for it */
    double sum;         /**< of what is measured: nanoseconds, or a number */
    double count;       /**< of operations */
    double samples[BENCH_REPEAT_MOST];
} world_t;

/** A step in making a world, or operations whose cost is added to sum and count. */
typedef apr_status_t growth_step_t(world_t *world);

/* growth_cases.c */

/** Processor time of the program, in nanoseconds. */
double growth_clock(void);
/** A number below `most`. */
apr_uint64_t growth_random(world_t *world, apr_uint64_t most);
/** Open an invented file. */
apr_status_t growth_open_file(world_t *world, unsigned number, apr_pool_t *pool,
                              smmap_cursor_t **cursor);
/** Make the manager, and the cursor on file 0. */
apr_status_t growth_make(world_t *world);
/** Make as many copies of the cursor as n says. */
apr_status_t growth_copy(world_t *world);

growth_step_t growth_pins_open;                     /**< n cursors pin n windows of file 0 */
growth_step_t growth_retired_open, growth_hits_run; /**< n windows that are out of date */
growth_step_t growth_leave_run;                     /**< leaving n windows of a file that was cut */
growth_step_t growth_full_open;                     /**< n pins, and no room for more */
growth_step_t growth_misses_run, growth_fences_run; /**< a miss: time, heavy fences */
growth_step_t growth_pinned_run;                    /**< listing the pins */
growth_step_t growth_files_open, growth_drop_run;   /**< dropping one of n files */
growth_step_t growth_close_run;                     /**< closing n cursors, oldest first */
growth_step_t growth_buffered_open, growth_buffered_run; /**< n windows of a buffered file */
growth_step_t growth_auto_open;                      /**< the same where a window may be a GiB */
growth_step_t growth_log_open, growth_log_run;       /**< a file grows beside n pins */
growth_step_t growth_sparse_open, growth_sparse_run; /**< bytes after n bypassed reads */

/* growth_threads.c */

growth_step_t growth_pool_open, growth_pool_run;       /**< a pool of threads moves n cursors */
growth_step_t growth_starved_open, growth_starved_run; /**< a large require beside n threads */
growth_step_t growth_slow_open, growth_slow_run;       /**< threads miss on n files, slow map */

#endif
