/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the benchmark share.
 *
 * The terms. A workload is a question ("random bytes over 650 windows"), a contender is one
 * way to read a file, a measurement is both with a number of threads. A case is a workload
 * prepared for the file at hand. A runner is a contender that was set up for a case; it has
 * a worker for each thread, and stays set up while the measurements of the case take turns,
 * A B A B.
 *
 * Each access has a number, and its place follows from the number alone, so all contenders
 * make the same accesses, and what they must have read can be computed afterwards; see
 * contenders/loop.h and expect.c.
 */
#ifndef SMMAP_BENCH_BENCH_H
#define SMMAP_BENCH_BENCH_H

#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "cli/program.h"
#include "smmap/smmap.h"

/** Exit codes. */
#define BENCH_OK 0
#define BENCH_WRONG 1 /**< bytes that were read were not those of the file */
#define BENCH_ERROR PROGRAM_ERROR

/** The most repetitions. */
#define BENCH_REPEAT_MOST 101

/** Bytes in a block, the unit of the workloads that copy or read in order. */
#define BENCH_BLOCK ((apr_size_t)4096)

/** Kinds of loops. */
typedef enum bench_kind_t {
    BENCH_BYTES,  /**< bytes in order inside one window, round and round */
    BENCH_RANDOM, /**< single bytes here and there */
    BENCH_STREAM, /**< the file from its start to its end; one access is one block */
    BENCH_COPY,   /**< whole blocks into memory of the caller */
    BENCH_MISS,   /**< one byte in each window in turn, more windows than are kept */
    BENCH_KINDS
} bench_kind_t;

/** A file to read, and what is in it. */
typedef struct bench_data_t {
    const char *path;
    apr_off_t size;             /**< what is used of it, whole blocks */
    int sparse;                 /**< 1: holes, with a word here and there */
    const unsigned char *bytes; /**< a user's file, mapped; NULL: the bytes can be computed */
} bench_data_t;

/** Where the accesses go. */
typedef struct bench_pattern_t {
    apr_off_t begin;
    apr_uint64_t units; /**< of the range, below 2^32 */
    unsigned unit_shift;
    apr_uint64_t unit_mask;
    apr_uint64_t stride;        /**< RANDOM: every other access is so much farther */
    apr_uint64_t wrap;          /**< BYTES: bytes, a power of two; MISS: windows in turn */
    apr_uint64_t length;        /**< STREAM: bytes; MISS: bytes from window to window */
    const apr_uint32_t *blocks; /**< COPY: which ones */
    apr_uint64_t block_mask;
} bench_pattern_t;

/** A workload; see workload.c. */
typedef struct bench_workload_t {
    const char *name;
    const char *title;
    bench_kind_t kind;
    apr_uint64_t windows; /**< how many the question is about; 0: it is not about that */
    int threads;          /**< 1: also with several threads */
    int hot;              /**< RANDOM: two windows, in turn */
    int cold;             /**< STREAM: the file is not in memory */
    int part;             /**< COPY: the limit is the file's size divided by this */
    double zipf;          /**< COPY: skew; 0: uniform */
    const char *limit;    /**< the contender that the others are compared with */
    const char *versus;   /**< the same, as the head of a column */
} bench_workload_t;

/** What the user asked for. */
typedef struct bench_settings_t {
    const char *file;  /**< NULL: make one */
    apr_uint64_t size; /**< of the file to make; 0: what fits */
    const char *directory;
    const char *python;
    const char *python_script; /**< contenders/python_smmap.py */
    const char *json;
    const char *markdown;
    const char *workloads; /**< names with commas; NULL: all */
    const char *contenders;
    const char *instructions; /**< a workload; NULL: measure */
    apr_uint64_t count;       /**< of accesses, with it */
    apr_uint64_t window_size; /**< of sliding mode, where the workload has none */
    int repeat;
    double seconds;
    int threads;
    int quick;
    int targets; /**< 1: show what the maintainers want to reach */
    int list;
    int help;
    int version;
} bench_settings_t;

/** The run: what everything else works with. */
typedef struct bench_t {
    const bench_settings_t *settings;
    console_t *console;
    apr_pool_t *pool;
    const char *directory; /**< for what is made; NULL: nothing was made yet */
    bench_data_t data;
    apr_pool_t *map_pool; /**< a user's file is mapped in it; NULL: there is none */
    bench_data_t sparse;
    apr_uint64_t steps; /**< for the bar: all, and done */
    apr_uint64_t done;
    apr_time_t drawn; /**< when the bar was drawn last */
    int thread_counts[16];
    int thread_count_count;
    int wrong; /**< measurements that read wrong bytes */
} bench_t;

/** A workload, ready. */
typedef struct bench_case_t {
    bench_t *bench;
    const bench_workload_t *workload;
    const bench_data_t *data;
    bench_pattern_t pattern;
    apr_size_t window_size;      /**< 0: the library's default */
    apr_size_t max_mapped_bytes; /**< or SMMAP_UNLIMITED */
    apr_size_t max_regions;
    apr_uint64_t windows;  /**< that the accesses go to; 0: it is not about that */
    apr_uint64_t expected; /**< STREAM: the sum of one pass */
    apr_pool_t *pool;
} bench_case_t;

typedef struct bench_runner_t bench_runner_t;

/** One thread of a runner. */
typedef struct bench_worker_t {
    bench_runner_t *runner;
    const bench_pattern_t *pattern;
    void *state;                 /**< the contender's */
    void *more;                  /**< the contender's, what a byte does not need */
    apr_uint64_t sum;            /**< of what was read */
    apr_uint64_t next;           /**< the number of the next access */
    apr_status_t status;         /**< why a loop ended early */
    apr_int64_t own_nanoseconds; /**< counted by a contender with a clock of its own */
    unsigned char *block;        /**< BENCH_BLOCK bytes, for copies */
    apr_pool_t *pool;            /**< no other thread touches it */

    /* of one measurement */
    apr_uint64_t first;
    apr_uint64_t count;
    apr_time_t began;
    apr_time_t ended;
    char padding[64];
} bench_worker_t;

/** Make `count` accesses from number `first` on; adds to the worker's sum. */
typedef apr_status_t bench_loop_t(bench_worker_t *worker, apr_uint64_t first, apr_uint64_t count);

/** What a contender counted. */
typedef struct bench_counts_t {
    int known;
    apr_uint64_t windows;
    apr_uint64_t most_windows; /**< there ever were */
    apr_uint64_t hits;
    apr_uint64_t misses;
    apr_uint64_t evictions;
} bench_counts_t;

/** Flags of a contender. */
#define BENCH_THREADS 1   /**< can be used by several threads at a time */
#define BENCH_KEEPS 2     /**< what was read once stays mapped, so it is touched before the start */
#define BENCH_WHOLE 4     /**< has no windows, a file is mapped as a whole */
#define BENCH_OWN_CLOCK 8 /**< worker->own_nanoseconds is the time that counts */

/** A way to read a file. */
typedef struct bench_contender_t {
    const char *name;
    const char *title;
    int flags;
    /** Set up the runner and its workers. Returns NULL, or why that is not possible. */
    const char *(*open)(bench_runner_t *runner);
    void (*close)(bench_runner_t *runner); /**< what the pools do not; NULL: nothing */
    /** Bytes from an offset on, at least one and at most `size`; they stay until the next
        call. NULL: failed, see worker->status. */
    const unsigned char *(*extent)(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got);
    void (*count)(bench_runner_t *runner, bench_counts_t *counts); /**< NULL: counts nothing */
    bench_loop_t *loops[BENCH_KINDS];                              /**< NULL: does not do that */
    const char *names[BENCH_KINDS];                                /**< of the loops */
} bench_contender_t;

/** One of the loops of a contender. */
#define BENCH_DOES(kind, loop) .loops[kind] = loop, .names[kind] = #loop

struct bench_runner_t {
    const bench_contender_t *contender;
    const bench_case_t *test;
    void *state;      /**< the contender's, shared by the workers */
    const char *skip; /**< why it is not measured; NULL: it is */
    int wrong;        /**< 1: it showed bytes that are not in the file */
    int worker_count;
    bench_worker_t *workers;
    apr_uint64_t chunk;     /**< accesses between two looks at the clock */
    apr_int64_t huge_bytes; /**< mapped with huge page-table entries; -1: not known */
    bench_counts_t counts;
    apr_pool_t *pool;
};

/** What became of a measurement. */
typedef struct bench_result_t {
    const bench_workload_t *workload;
    const bench_contender_t *contender;
    int threads;
    const char *skip; /**< why there are no numbers; NULL: there are */
    int count;        /**< repetitions */
    double *samples;  /**< nanoseconds for an access, of one thread, by repetition */
    double median;
    double low;            /**< tenth percentile */
    double high;           /**< ninetieth */
    double spread;         /**< (high - low) / median */
    double ratio_to_limit; /**< median over the repetitions; 0: there is no limit */
    double scaling;        /**< throughput against one thread; 0: not known */
    int verified;          /**< 1: all that was read was right */
    apr_uint64_t accesses;
    apr_uint64_t bytes_per_access;
    apr_uint64_t window_size;
    apr_int64_t huge_bytes;
    bench_counts_t counts;
} bench_result_t;

/** All of them, in the order of the table. */
typedef struct bench_results_t {
    bench_result_t *items;
    int count;
    int room;
} bench_results_t;

extern const bench_workload_t bench_workloads[];          /**< ends with a NULL name */
extern const bench_contender_t *const bench_contenders[]; /**< ends with NULL */

/* options.c */

/** Read the command line. 0: it is bad, and that was printed. */
int bench_settings_parse(bench_settings_t *settings, int argc, const char *const *argv,
                         console_t *console, apr_pool_t *pool);

/* data.c */

/** Open a file for reading. */
apr_status_t bench_open(apr_file_t **file, const char *path, apr_pool_t *pool);
/** The word that made files hold at each multiple of 8, by its number. */
apr_uint64_t bench_word(apr_uint64_t number);
/** What is in the file at an offset; of bench_data_word() a multiple of 8. */
apr_uint64_t bench_data_word(const bench_data_t *data, apr_off_t offset);
unsigned char bench_data_byte(const bench_data_t *data, apr_off_t offset);
/** Get the file of a run, or the other things, ready. What fails is printed. */
int bench_data_open(bench_t *bench);
/** Map a user's file anew, so that none of its pages is held by having been touched. */
int bench_data_let_go(bench_t *bench);
/** Read all of a file, so that it is in memory. */
int bench_data_read(bench_t *bench, const bench_data_t *data);
int bench_sparse_open(bench_t *bench, apr_off_t size);
/** Remove all that was made. */
void bench_data_close(bench_t *bench);

/* workload.c */

/** Make a workload ready. Returns NULL, or why it cannot be; fatal: a file could not be made,
    which was printed. */
const char *bench_case_prepare(bench_case_t *test, bench_t *bench, const bench_workload_t *workload,
                               apr_pool_t *pool, int *fatal);

/* expect.c */

/** What `count` accesses from number `first` on add up to. */
apr_uint64_t bench_expect(const bench_case_t *test, apr_uint64_t first, apr_uint64_t count);
/** What one pass over a file adds up to. */
apr_uint64_t bench_expect_stream(const bench_data_t *data, apr_uint64_t length);
/** Are the bytes at an offset those of the file? */
int bench_expect_bytes(const bench_data_t *data, apr_off_t offset, const unsigned char *bytes,
                       apr_size_t size);

/* runner.c */

/** Set a runner up, touch what stays mapped, and check some of its bytes. */
void bench_runner_open(bench_runner_t *runner, const bench_case_t *test,
                       const bench_contender_t *contender, int workers, apr_pool_t *pool);
void bench_runner_close(bench_runner_t *runner);
/** Keep the reason of a failure, to be shown: "TEXT: why". */
const char *bench_reason(bench_runner_t *runner, const char *text, apr_status_t status);

/* workers.c */

/** Find how many accesses fit between two looks at the clock. */
apr_status_t bench_calibrate(bench_runner_t *runner);
/** Run the first workers for a time, one thread each. */
apr_status_t bench_run(bench_runner_t *runner, int threads, double seconds);
/** The time of one access of one thread in that run. */
double bench_run_nanoseconds(const bench_runner_t *runner, int threads);
/** Were all its bytes right? */
int bench_run_verify(const bench_runner_t *runner, int threads);

/* measure.c cold.c instructions.c */

/** Is a name in a list with commas? NULL, the list of all, has every name. */
int bench_name_listed(const char *list, const char *name);
/** Does this run measure the contender with the workload? */
int bench_does(const bench_t *bench, const bench_workload_t *workload,
               const bench_contender_t *contender);
/** Make the measurements of a case and add them to the results. 0: interrupted or out of
    means. */
int bench_case_measure(const bench_case_t *test, bench_results_t *results);
/** One repetition with a file that is not in memory. */
void bench_cold_measure(const bench_case_t *test, bench_runner_t *runner, bench_result_t *result);
/** Exactly so many accesses by one contender; the exit code. */
int bench_instructions(bench_t *bench, const bench_workload_t *workload,
                       const bench_contender_t *contender);

/* sample.c */

/** A percentile, 0 to 1, between the samples. */
double bench_percentile(const double *samples, int count, double part);
/** Fill in median, low, high and spread. */
void bench_result_sum_up(bench_result_t *result);
/** Compare with the limit and with one thread, repetition by repetition. */
void bench_result_compare(const bench_results_t *results, bench_result_t *result);
bench_result_t *bench_results_add(bench_results_t *results, apr_pool_t *pool);
/** The result of a measurement, or NULL. */
const bench_result_t *bench_results_find(const bench_results_t *results, const char *workload,
                                         const char *contender, int threads);
/** How many times longer it takes than another contender in the same place; 0: not known. */
double bench_result_ratio(const bench_results_t *results, const bench_result_t *result,
                          const char *contender);

/* progress.c */

/** Draw the progress bar. Returns 0 when the user wants to stop. */
int bench_progress_at(bench_t *bench, const char *what);

#endif
