/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of smmap-bookkeeping share.
 */
#ifndef SMMAP_BENCH_CORE_OVERHEAD_H
#define SMMAP_BENCH_CORE_OVERHEAD_H

#include <apr_portable.h>

#include "bench/report/report.h"

/** How many recorded traces can be named, and how many targets there can be. */
#define OVERHEAD_TRACES 8
#define OVERHEAD_TARGETS 16

/** What the user asked for. */
typedef struct overhead_settings_t {
    const char *json;     /**< NULL: none; "-": standard output */
    const char *markdown; /**< NULL: none */
    const char *traces[OVERHEAD_TRACES];
    int trace_count;
    const char *directory;
    apr_uint64_t window_size; /**< of a recorded trace */
    int references;           /**< in each trace that is made */
    int most_windows;
    int repeat;
    double seconds;
    int cost;   /**< measure what a miss costs */
    int ratios; /**< replay traces */
    int growth; /**< measure what must not grow */
    int quick;
    int help;
    int version;
} overhead_settings_t;

/** The run. */
typedef struct overhead_t {
    const overhead_settings_t *settings;
    console_t *console;
    apr_pool_t *pool;
    const char *json;     /**< the objects so far, with commas */
    const char *markdown; /**< the table of misses so far; NULL: not wanted, or not begun */
    target_t targets[OVERHEAD_TARGETS];
    int target_count;
    int passed; /**< ceilings that were */
} overhead_t;

/** Print, unless standard output is for JSON. */
void overhead_print(overhead_t *overhead, const char *format, ...) CONSOLE_PRINTF(2, 3);
/** Add a JSON object, its text without the braces. */
void overhead_add(overhead_t *overhead, const char *format, ...) CONSOLE_PRINTF(2, 3);
/** Note something that is not to be more than `most`. Of several under one name the largest is
    shown at the end. what, where (in): live as long as the run. */
void overhead_target(overhead_t *overhead, const char *what, double most, double measured,
                     const char *where);
/** A file that is all hole and has no name for long. 0: failed, and that was printed. */
int overhead_hole(overhead_t *overhead, apr_off_t size, apr_os_file_t *handle);

/** miss_cost.c: time of a miss, by the number of windows and of cursors. 0: failed, and that was
    printed. */
int overhead_cost(overhead_t *overhead);

/** growth.c: what operations cost beside few of something and beside many. 0: failed, and that was
    printed. */
int overhead_growth(overhead_t *overhead);

/** replay.c: misses of the library and of other policies. 0: failed, and that was printed. */
int overhead_ratios(overhead_t *overhead);

#endif
