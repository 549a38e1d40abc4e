/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stress programs: stress-posix runs on the real backend, stress-fake on the
 * fake one. Many threads use one manager in all ways at once; each byte that they
 * get is compared with the file, each counter at the end with what must be.
 *
 *   main.c   the program: options, laps, the frame around each lap
 *   work.c   files, threads, checks, what all scenarios need
 *   watch.c  a thread that looks at the limits while the others work
 *   mix.c    scenarios with all calls at random
 *   move.c   scenarios about windows: found once, hit, pinned
 *   life.c   scenarios about managers that go, files that grow, buffers
 *   cut.c    files that shrink, on the fake backend alone
 *   posix.c  the real backend, with a count of what it has given out
 *   fake.c   the same for the fake one
 *
 * A scenario is a function that does one lap: it makes a manager, lets threads
 * work on it, and destroys it. What goes wrong is told to stress_bad() by any
 * thread at any time; the lap is then cut short and the scenario has failed.
 *
 * A lap depends on its seed alone, but for what the threads do to each other: each
 * has random numbers of its own.
 */
#ifndef SMMAP_TESTS_STRESS_H
#define SMMAP_TESTS_STRESS_H

#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include <apr.h>
#include <apr_pools.h>
#include <apr_thread_proc.h>

#include <stdatomic.h>

#include "smmap/smmap.h"

#include "tests/support/leftover.h"

enum { STRESS_FILES = 5, STRESS_MOST_THREADS = 64 };

/** A file whose bytes follow from its number and their offset. */
typedef struct stress_file_t {
    char path[4200];
    unsigned char *image; /**< what it holds, or will hold when it has grown */
    apr_size_t size;      /**< bytes in the image */
} stress_file_t;

/** What a scenario adds up over its laps. */
typedef struct stress_sums_t {
    apr_uint64_t steps;
    apr_uint64_t refused;
    apr_uint64_t hits;
    apr_uint64_t misses;
    apr_uint64_t maps;
    apr_uint64_t evictions;
    apr_uint64_t bypassed_reads;
    apr_uint64_t opens;
    apr_uint64_t samples;
} stress_sums_t;

/** The lap that is running. */
typedef struct stress_t {
    apr_uint64_t seed;
    unsigned threads;    /**< as many as were asked for */
    apr_size_t rounds;   /**< steps of each thread in a lap */
    apr_time_t deadline; /**< threads stop here; 0: when their steps are done */
    apr_pool_t *pool;    /**< lives as long as the lap */
    apr_size_t unit;     /**< the granularity, and the size of a window */
    smmap_manager_t *manager;
    smmap_options_t options; /**< it was made with */
    stress_file_t files[STRESS_FILES];
    int files_shrink;        /**< in this lap */
    atomic_size_t bad;       /**< what went wrong in this scenario so far */
    atomic_int stop;         /**< the lap is over for those who have no count of steps */
    stress_sums_t sums;
} stress_t;

extern stress_t stress;

typedef struct stress_worker_t stress_worker_t;

/** What a thread does. */
typedef void stress_work_t(stress_worker_t *worker);

/** A thread of a lap. */
struct stress_worker_t {
    stress_work_t *work;
    apr_pool_t *pool; /**< its own */
    apr_thread_t *thread;
    apr_uint64_t random;
    apr_size_t steps;
    apr_size_t moves;   /**< calls that are a hit or a miss, each */
    apr_size_t perhaps; /**< at most as many more: pieces of copying reads */
    apr_size_t refused; /**< calls that a hard limit refused */
    unsigned number;
    char padding[64];
};

/** A scenario. */
typedef struct stress_scenario_t {
    const char *name;
    const char *about;
    void (*lap)(void);
} stress_scenario_t;

/** The scenarios of these files; a list ends without a name. */
extern const stress_scenario_t stress_mix[];
extern const stress_scenario_t stress_move[];
extern const stress_scenario_t stress_life[];
extern const stress_scenario_t stress_cut[];

/** What the backend has given out. */
typedef struct stress_truth_t {
    apr_size_t bytes;    /**< mapped now */
    apr_size_t mappings; /**< now */
    apr_size_t handles;  /**< open now */
    apr_size_t peak_bytes; /**< the most since truth_begin(), never counted too low */
    apr_size_t peak_mappings;
    apr_size_t peak_handles;
    apr_size_t maps;      /**< calls that map, since then */
    const char *misuse;   /**< a call that broke the contract; NULL: none did */
} stress_truth_t;

/* work.c */

/** Make an empty directory for a program; ends the program with 2 when it cannot be made. */
void stress_directory(char *path, apr_size_t size, const char *program);
/** The value of an option; ends the program with 2 when it is no number from least to most. */
apr_uint64_t stress_number(const char *program, const char *option, const char *text,
                           apr_uint64_t least, apr_uint64_t most);

/** Something is wrong. */
void stress_bad(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The two must be equal. */
void stress_equal(const char *what, apr_uint64_t got, apr_uint64_t wanted);
/** `got` must not be more than `most`. */
void stress_most(const char *what, apr_uint64_t got, apr_uint64_t most);
/** 1: it is a success. 0: a hard limit refused it, which is counted, or it is bad. */
int stress_went_well(stress_worker_t *worker, apr_status_t status, const char *what);

/** 1 until the time of the scenario is over or something is bad. */
int stress_goes_on(void);
/** Is there another step to do? Counts it. */
int stress_more(stress_worker_t *worker);
apr_uint64_t stress_random(apr_uint64_t *state);
/** 0 .. below - 1. */
apr_size_t stress_below(stress_worker_t *worker, apr_size_t below);

/** Make the files of a lap; `present`: all of them, 0: empty, to be grown. */
void stress_files(apr_size_t windows, int present);
/** Write [from, to) of its image into a file. */
void stress_write(const stress_file_t *file, apr_size_t from, apr_size_t to);
/** A descriptor on it, or -1 (bad). */
int stress_open(const stress_file_t *file);
void stress_close(int descriptor);
/** The whole region that a cursor is on must be as in the file. 0: it is not (bad). */
int stress_shows(const smmap_cursor_t *cursor, const stress_file_t *file);
/** So must bytes that were copied, or are shown in place. */
int stress_same(const stress_file_t *file, apr_off_t offset, const void *bytes, apr_size_t size);

/** Make the manager of the lap, of stress.options. */
void stress_manage(void);
/** The manager's statistics. */
smmap_stats_t stress_stats(void);
/** A cursor on a file, in the pool of the thread; NULL: it could not be opened. */
smmap_cursor_t *stress_open_cursor(stress_worker_t *worker, const stress_file_t *file);
/** One on each file. 0: one of them could not be opened. */
int stress_open_all(stress_worker_t *worker, smmap_cursor_t *cursors[STRESS_FILES]);
void stress_close_all(smmap_cursor_t *cursors[STRESS_FILES]);
/** Start the threads of the lap and wait for them. Their counts are added up in the answer. */
stress_worker_t stress_run(stress_work_t *work);

/* account.c */

/** When all cursors are closed: nothing is pinned, the counts agree with the backend's, and
    with each other. */
void stress_agree(const smmap_stats_t *stats, const stress_truth_t *truth);
/** Collect, then the statistics must say that nothing is left. Then the manager is destroyed. */
void stress_end(void);
/** When all cursors are closed: stress_agree(), and with what the threads counted; stress_end(). */
void stress_settle(const stress_worker_t *total);
/** Of the lap, when its pool is destroyed, too, as the library, the backend and the system
    count. */
void stress_nothing_left(const leftover_t *before);

/* watch.c */

/** Look at the statistics and the truth while others work. Only with hard limits. */
void stress_watch_begin(void);
void stress_watch_end(void);
/** All three, where the limits are hard and leave room for all threads: run under the watch,
    no thread may be refused, settle. */
void stress_run_watched(stress_work_t *work);

/* posix.c, fake.c: what the backend has given out. */

/** Forget the peaks and calls so far. */
void truth_begin(void);
stress_truth_t truth_now(void);
/** That files were mapped which had just been cut is no misuse. */
void truth_forgive_late_maps(void);
/** 1 when a mapping is a copy, which stays when its file is cut short. */
int truth_copies(void);
/** Of the backend, for the reader. */
const char *truth_name(void);

#endif
