/*
 * What the parts of smmap-bookkeeping share.
 */
#ifndef SMMAP_BENCH_BOOKKEEPING_H
#define SMMAP_BENCH_BOOKKEEPING_H

#include <apr_file_io.h>
#include <apr_portable.h>

#include "bench/target.h"
#include "bench/trace.h"

/** How many recorded traces can be named. */
#define BOOKS_TRACES 8

/** What the user asked for. */
typedef struct books_settings_t {
    const char *json;  /**< NULL: none; "-": standard output */
    const char *markdown; /**< NULL: none */
    const char *traces[BOOKS_TRACES]; /**< recorded ones */
    int trace_count;
    const char *directory;
    apr_size_t window_size; /**< of a recorded trace */
    apr_uint32_t references;
    apr_uint32_t most_windows;
    int repeat;
    double seconds;
    int cost;   /**< measure what a miss costs */
    int memory; /**< and what things take of memory */
    int ratios; /**< replay traces */
    int quick;
    int help;
    int version;
} books_settings_t;

/** The most targets. */
#define BOOKS_TARGETS_MOST 16

/** The run. */
typedef struct books_t {
    const books_settings_t *settings;
    tool_console_t *console;
    apr_pool_t *pool;
    const char *json;     /**< the objects so far, with commas */
    const char *markdown; /**< the table of misses so far; NULL: not wanted, or not begun */
    target_t targets[BOOKS_TARGETS_MOST];
    int target_count;
} books_t;

/** Print, unless standard output is for JSON. */
void books_print(books_t *books, const char *format, ...) TOOL_PRINTF(2, 3);
/** Add an object, its text without the braces. */
void books_add(books_t *books, const char *object);
/** Note something that is not to be more than `most`. Of several under one name the largest is
    shown at the end. what, where (in): live as long as the run. */
void books_target(books_t *books, const char *what, double most, double measured,
                  const char *where);
/** Say what failed. Always 0. */
int books_complain(books_t *books, const char *what, apr_status_t status);
/** A file that is all hole and has no name for long. 0: failed, and said so. */
int books_hole(books_t *books, apr_off_t size, apr_os_file_t *handle);
/** The same, in a pool that may go earlier. */
int books_hole_in(books_t *books, apr_off_t size, apr_os_file_t *handle, apr_pool_t *pool);

/** misscost.c: time for a miss, by the number of windows. 0: failed, and said so. */
int books_cost(books_t *books);

/** misscost.c: the same with many cursors. 0: failed, and said so. */
int books_cursors(books_t *books);

/** memorycost.c: bytes that things take. 0: failed, and said so. */
int books_memory(books_t *books);

/** replay.c: misses of the library and of other policies. 0: failed, and said so. */
int books_ratios(books_t *books);

#endif
