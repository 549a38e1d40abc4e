/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows under contention: two threads that miss on one map it once; a hit that
 * meets an evictor; and windows that stay pinned while everything is evicted.
 */
#include "stress.h"

#include <apr_time.h>

#include <string.h>

#define ONCE_WINDOWS 16

/* A barrier for all threads of a lap; it yields. */
static atomic_uint arrived;

static void meet(unsigned round)
{
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < (round + 1) * stress.threads) {
        apr_thread_yield();
    }
}

/* All threads ask for the same at the same moment: each window, and each crossing. */
static void ask_together(stress_worker_t *worker)
{
    smmap_cursor_t *cursor = stress_open_cursor(worker, &stress.files[0]);
    unsigned round;

    for (round = 0; round < 2 * ONCE_WINDOWS; round++) {
        apr_off_t edge = (apr_off_t)((round / 2 + 1) * stress.unit);

        meet(round);
        worker->steps++;
        if (cursor == NULL) {
            continue;
        }
        worker->moves++;
        stress_went_well(worker,
                         round % 2 == 0 ? smmap_cursor_use(cursor, edge - 1, 0)
                                        : smmap_cursor_require(cursor, edge - 1, 2),
                         "the move");
        stress_shows(cursor, &stress.files[0]);
    }
    smmap_cursor_close(cursor);
}

static void once(void)
{
    apr_size_t repeat;

    stress_files(ONCE_WINDOWS + 1, 1);
    for (repeat = 0; repeat < 1 + stress.rounds / 100 && stress_goes_on(); repeat++) {
        stress_worker_t total;
        smmap_stats_t stats;

        truth_begin();
        atomic_store(&arrived, 0);
        stress_manage();
        total = stress_run(ask_together);
        stats = stress_stats();
        stress_equal("maps of as many windows and spans", stats.maps, 2 * ONCE_WINDOWS);
        stress_equal("unmaps", stats.unmaps, 0);
        stress_equal("moves", total.moves, stress.threads * 2 * ONCE_WINDOWS);
        stress_equal("hits and misses", stats.hits + stats.misses, total.moves);
        stress_settle(&total);
    }
}

/* The windows that are hot. */
static apr_size_t hot_first;
static apr_size_t hot_count;

/* Few windows, all hot, and most of the threads hit them without a pause; one thread
   collects until they have ended, so that each hit may meet an evictor. */
static atomic_uint hitting;

enum { PAUSE = 10 /* microseconds */ };

/* The first and the last bytes of a window are enough: all come and go together. */
static void hit_window(stress_worker_t *worker, smmap_cursor_t *cursor, const stress_file_t *file,
                       apr_off_t begin)
{
    const unsigned char *bytes;

    worker->moves++;
    if (stress_went_well(worker, smmap_cursor_use(cursor, begin, 0), "use")) {
        bytes = smmap_cursor_data(cursor);
        stress_same(file, begin, bytes, 8);
        stress_same(file, begin + (apr_off_t)stress.unit - 8, bytes + stress.unit - 8, 8);
    }
}

/* What crosses the end of a window is found under the manager's lock. */
static void hit_span(stress_worker_t *worker, smmap_cursor_t *cursor, const stress_file_t *file,
                     apr_off_t begin)
{
    apr_off_t offset = begin + (apr_off_t)stress.unit - 4;

    worker->moves++;
    if (stress_went_well(worker, smmap_cursor_require(cursor, offset, 8), "require")) {
        stress_same(file, offset, smmap_cursor_data(cursor), 8);
    }
}

static void hit_or_collect(stress_worker_t *worker)
{
    smmap_cursor_t *cursors[2] = {NULL, NULL};
    unsigned i;

    for (i = 0; i < 2; i++) {
        cursors[i] = stress_open_cursor(worker, &stress.files[i]);
        if (cursors[i] == NULL) {
            atomic_fetch_sub(&hitting, worker->number != 0);
            return;
        }
    }
    while (worker->number == 0 && atomic_load(&hitting) != 0) {
        stress_went_well(worker, smmap_manager_collect(stress.manager, NULL), "collect");
        worker->steps++;
        apr_sleep(PAUSE); /* or it has the manager's lock all the time */
    }
    while (worker->number != 0 && stress_more(worker)) {
        for (i = 0; i < 16; i++) {
            apr_size_t which = stress_below(worker, 2);
            apr_off_t begin =
                (apr_off_t)((hot_first + stress_below(worker, hot_count)) * stress.unit);

            (stress_below(worker, 8) == 0 ? hit_span : hit_window)(worker, cursors[which],
                                                                   &stress.files[which], begin);
        }
    }
    smmap_cursor_close(cursors[0]);
    smmap_cursor_close(cursors[1]);
    atomic_fetch_sub(&hitting, worker->number != 0);
}

static void hot(void)
{
    stress_worker_t total;

    hot_first = 0;
    hot_count = 3;
    stress_files(8, 1);
    atomic_store(&hitting, stress.threads - 1);
    stress_manage();
    total = stress_run(hit_or_collect);
    stress_settle(&total);
}

/* Files that were empty when they became known have few slots of their own; those of their other
   windows go from one window to another. */
static void grown(void)
{
    smmap_cursor_t *first[2] = {NULL, NULL};
    stress_worker_t total;
    unsigned i;

    hot_first = 4;
    hot_count = 20;
    stress_files(25, 0);
    atomic_store(&hitting, stress.threads - 1);
    stress_manage();
    memset(&total, 0, sizeof total);
    for (i = 0; i < 2; i++) {
        first[i] = stress_open_cursor(&total, &stress.files[i]);
        stress_write(&stress.files[i], 0, stress.files[i].size);
    }
    total = stress_run(hit_or_collect);
    smmap_cursor_close(first[0]);
    smmap_cursor_close(first[1]);
    stress_settle(&total);
}

/* Sleepers: cursors that stay on a window and read all of it again and again, while
   the last thread moves over all others and collects, so that they all are wanted. */
enum { SLEEPER_CURSORS = 4, LOOKS = 4 };

static void sleep_on_pins(stress_worker_t *worker)
{
    smmap_cursor_t *cursors[SLEEPER_CURSORS];
    const stress_file_t *files[SLEEPER_CURSORS];
    unsigned i;

    for (i = 0; i < SLEEPER_CURSORS; i++) {
        files[i] = &stress.files[(worker->number + i) % STRESS_FILES];
        cursors[i] = stress_open_cursor(worker, files[i]);
        if (cursors[i] == NULL) {
            return;
        }
    }
    while (stress_more(worker)) {
        unsigned moved = (unsigned)stress_below(worker, SLEEPER_CURSORS);
        apr_size_t offset = stress_below(worker, files[moved]->size);
        unsigned look;

        worker->moves++;
        stress_went_well(worker, smmap_cursor_use(cursors[moved], (apr_off_t)offset, 0), "use");
        for (look = 0; look < LOOKS; look++) {
            for (i = 0; i < SLEEPER_CURSORS; i++) {
                stress_shows(cursors[i], files[i]);
            }
            apr_thread_yield();
        }
    }
    for (i = 0; i < SLEEPER_CURSORS; i++) {
        smmap_cursor_close(cursors[i]);
    }
}

static void churn(stress_worker_t *worker)
{
    smmap_cursor_t *cursors[STRESS_FILES];
    unsigned f;

    if (!stress_open_all(worker, cursors)) {
        return;
    }
    while (stress_more(worker)) {
        for (f = 0; f < STRESS_FILES; f++) {
            apr_size_t offset = stress_below(worker, stress.files[f].size);

            worker->moves++;
            stress_went_well(worker, smmap_cursor_use(cursors[f], (apr_off_t)offset, 0), "use");
            stress_shows(cursors[f], &stress.files[f]);
            smmap_cursor_release(cursors[f]);
        }
        if (stress_below(worker, 8) == 0) {
            stress_went_well(worker, smmap_manager_collect(stress.manager, NULL), "collect");
        }
    }
    stress_close_all(cursors);
}

static void sleep_or_churn(stress_worker_t *worker)
{
    if (worker->number + 1 == stress.threads) {
        churn(worker);
    } else {
        sleep_on_pins(worker);
    }
}

static void pins(void)
{
    stress_files(24, 1);
    stress.options.limits = SMMAP_LIMITS_HARD;
    /* One region more than can be pinned, so that no thread is refused and all are wanted. */
    stress.options.max_regions = (stress.threads - 1) * SLEEPER_CURSORS + 2;
    stress.options.max_mapped_bytes = stress.options.max_regions * stress.unit;
    stress_manage();
    stress.options.max_open_files = smmap_manager_max_open_files(stress.manager);
    stress_run_watched(sleep_or_churn);
}

const stress_scenario_t stress_move[] = {
    {"once", "threads that miss on one window map it once", once},
    {"hot", "hits that meet an evictor", hot},
    {"grown", "the same in files that have grown since they became known", grown},
    {"pins", "windows that stay pinned while all are wanted", pins},
    {NULL, NULL, NULL}};
