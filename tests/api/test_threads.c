/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads: cursors of one manager in many threads, on the same files and windows.
 * What each of them reads is compared with the file, and afterwards the counters
 * with the truth.
 *
 * A thread checks nothing by itself: it counts what is wrong, and the test looks
 * when all have ended. Each has a pool of its own, made before it starts.
 */
#include "tests/support/harness.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

#define THREADS 4
#define FILES 3

static apr_size_t unit;
static test_file_t files[FILES];
static smmap_manager_t *manager;
static atomic_int stop_now;

typedef struct worker_t {
    apr_pool_t *pool;
    apr_thread_t *thread;
    apr_uint64_t random;
    apr_size_t rounds;
    apr_size_t moves;   /* that the manager counts as a hit or a miss */
    apr_size_t refused; /* by a hard limit */
    apr_size_t bad;
    unsigned number;
} worker_t;

static worker_t workers[THREADS];

static apr_size_t below(worker_t *worker, apr_size_t most)
{
    return (apr_size_t)(random_next(&worker->random) % most);
}

static void begin(void)
{
    int f;

    unit = smmap_granularity();
    fake_set_birth(1);
    for (f = 0; f < FILES; f++) {
        char name[2] = {(char)('a' + f), '\0'};

        files[f] = file_make(name, 16 * unit + 17);
    }
    atomic_store(&stop_now, 0);
}

static void start(apr_thread_start_t work, apr_size_t rounds)
{
    unsigned i;

    memset(workers, 0, sizeof workers);
    for (i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].rounds = rounds;
        workers[i].random = random_number();
        NEED_OK(apr_pool_create(&workers[i].pool, test_pool));
    }
    for (i = 0; i < THREADS; i++) {
        NEED_OK(apr_thread_create(&workers[i].thread, NULL, work, &workers[i], test_pool));
    }
}

static apr_size_t join_all(void)
{
    apr_size_t moves = 0;
    unsigned i;

    for (i = 0; i < THREADS; i++) {
        thread_join(workers[i].thread);
        CHECK_NUMBER(workers[i].bad, 0);
        moves += workers[i].moves;
    }
    return moves;
}

static int is_refusal(apr_status_t status)
{
    return status == SMMAP_ELIMIT_BYTES || status == SMMAP_ELIMIT_REGIONS;
}

/* Moves of all kinds, with one cursor for each file and copies of them. */
static void *APR_THREAD_FUNC wander(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    smmap_cursor_t *cursors[FILES];
    apr_size_t i;
    int f;

    (void)thread;
    for (f = 0; f < FILES; f++) {
        if (smmap_cursor_open(&cursors[f], manager, files[f].path, worker->pool) != APR_SUCCESS) {
            worker->bad++;
            return NULL;
        }
    }
    for (i = 0; i < worker->rounds; i++) {
        apr_size_t which = below(worker, FILES);
        smmap_cursor_t *cursor = cursors[which];
        apr_off_t offset = (apr_off_t)below(worker, files[which].size);
        apr_size_t left = files[which].size - (apr_size_t)offset;
        apr_size_t size = 1 + below(worker, 2 * unit);
        smmap_cursor_t *copy = NULL;
        apr_status_t status = APR_SUCCESS;

        switch (below(worker, 8)) {
        case 0:
            smmap_cursor_release(cursor);
            break;
        case 1:
            status = smmap_cursor_require(cursor, offset, size < left ? size : left);
            worker->moves++;
            break;
        case 2:
            worker->bad += smmap_cursor_copy(&copy, cursor, worker->pool) != APR_SUCCESS;
            if (copy != NULL) {
                smmap_cursor_release(cursor);
                worker->bad += smmap_cursor_is_valid(copy) && !cursor_shows(copy, &files[which]);
                smmap_cursor_close(copy);
            }
            break;
        default:
            status = smmap_cursor_use(cursor, offset, size);
            worker->moves++;
            break;
        }
        if (is_refusal(status)) {
            worker->refused++;
        } else {
            worker->bad += status != APR_SUCCESS;
        }
        worker->bad += smmap_cursor_is_valid(cursor) && !cursor_shows(cursor, &files[which]);
    }
    for (f = 0; f < FILES; f++) {
        smmap_cursor_close(cursors[f]);
    }
    return NULL;
}

static void soft_limits(void)
{
    smmap_stats_t stats;
    apr_size_t moves;

    begin();
    manager = manager_sliding(unit, 6 * unit, 0, SMMAP_LIMITS_SOFT);
    start(wander, test_count(800));
    moves = join_all();
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.hits + stats.misses, moves);
    CHECK_NUMBER(stats.pinned_regions, 0);
    CHECK_NUMBER(stats.pinned_bytes, 0);
    CHECK_NUMBER(stats.cursors, 0);
    CHECK(stats.evictions > 0);
    CHECK_NUMBER(stats.limit_failures, 0);
    counts_check();
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

static void hard_limits(void)
{
    smmap_stats_t stats;
    apr_size_t refused = 0;
    unsigned i;

    begin();
    /* Twelve cursors may pin a region each, and some of three units. */
    manager = manager_sliding(unit, 8 * unit, 6, SMMAP_LIMITS_HARD);
    start(wander, test_count(800));
    join_all();
    for (i = 0; i < THREADS; i++) {
        refused += workers[i].refused;
    }
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.limit_failures, refused);
    CHECK(stats.peak_mapped_bytes <= 8 * unit);
    CHECK(stats.peak_regions <= 6);
    CHECK_NUMBER(stats.over_limit, 0);
    CHECK_NUMBER(stats.pinned_regions, 0);
    counts_check();
}

/* All threads touch all windows in turn, side by side. */
static void *APR_THREAD_FUNC sweep(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    smmap_cursor_t *cursor = NULL;
    apr_size_t window;

    (void)thread;
    if (smmap_cursor_open(&cursor, manager, files[0].path, worker->pool) != APR_SUCCESS) {
        worker->bad++;
        return NULL;
    }
    for (window = 0; window <= 16; window++) {
        worker->bad += smmap_cursor_use(cursor, (apr_off_t)(window * unit), 0) != APR_SUCCESS;
        worker->bad += !region_shows(cursor, &files[0]);
        worker->moves++;
    }
    smmap_cursor_close(cursor);
    return NULL;
}

static void mapped_once(void)
{
    apr_size_t rounds = test_count(8);
    apr_size_t i;

    begin();
    for (i = 0; i < rounds; i++) {
        smmap_stats_t stats;
        apr_size_t moves;

        manager = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
        start(sweep, 0);
        moves = join_all();
        stats = manager_stats(manager);
        CHECK_NUMBER(stats.maps, 17);
        CHECK_NUMBER(stats.regions, 17);
        CHECK_NUMBER(stats.hits + stats.misses, moves);
        CHECK_OK(manager_destroy(manager));
    }
}

/* Files are opened, used and closed with fewer handles than threads. */
static void *APR_THREAD_FUNC come_and_go(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_size_t i;

    (void)thread;
    for (i = 0; i < worker->rounds; i++) {
        apr_size_t which = below(worker, FILES);
        apr_off_t offset = (apr_off_t)below(worker, files[which].size);
        smmap_cursor_t *cursor = NULL;

        if (smmap_cursor_open(&cursor, manager, files[which].path, worker->pool) != APR_SUCCESS) {
            worker->bad++;
            continue;
        }
        worker->bad += smmap_cursor_use(cursor, offset, 0) != APR_SUCCESS;
        worker->bad += !cursor_shows(cursor, &files[which]);
        worker->bad += smmap_cursor_refresh(cursor) != APR_SUCCESS;
        if (below(worker, 20) == 0) {
            worker->bad += smmap_manager_collect(manager, NULL) != APR_SUCCESS;
        }
        worker->bad += !cursor_shows(cursor, &files[which]);
        smmap_cursor_close(cursor);
    }
    return NULL;
}

static void few_handles(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    begin();
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = unit;
    options.max_open_files = 2;
    manager = manager_make(&options);
    start(come_and_go, test_count(300));
    join_all();
    CHECK(manager_stats(manager).peak_open_files <= 2);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 0);
    CHECK_NUMBER(manager_stats(manager).stale_files, 0);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    counts_check();
}

/* Until the manager is gone. */
static void *APR_THREAD_FUNC until_closed(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    smmap_cursor_t *cursor = NULL;
    apr_status_t status = APR_SUCCESS;

    (void)thread;
    if (smmap_cursor_open(&cursor, manager, files[0].path, worker->pool) != APR_SUCCESS) {
        worker->bad++;
        return NULL;
    }
    atomic_fetch_add(&stop_now, 1);
    while (status == APR_SUCCESS) {
        smmap_cursor_t *copy = NULL;

        status = smmap_cursor_use(cursor, (apr_off_t)below(worker, files[0].size), 0);
        if (status == APR_SUCCESS) {
            worker->moves++;
            worker->bad += !region_shows(cursor, &files[0]);
            /* What a copy pins is the same, with or without a manager. */
            if (smmap_cursor_copy(&copy, cursor, worker->pool) == APR_SUCCESS) {
                worker->bad += !region_shows(copy, &files[0]);
                smmap_cursor_close(copy);
            }
        }
    }
    worker->bad += status != SMMAP_ECLOSED;
    worker->bad += smmap_cursor_is_valid(cursor) != 0;
    smmap_cursor_close(cursor);
    return NULL;
}

static void destroyed_meanwhile(void)
{
    apr_size_t rounds = test_count(8);
    apr_size_t i;

    begin();
    for (i = 0; i < rounds; i++) {
        apr_size_t pause;

        manager = manager_sliding(unit, 5 * unit, 0, SMMAP_LIMITS_SOFT);
        atomic_store(&stop_now, 0);
        start(until_closed, 0);
        while (atomic_load(&stop_now) < THREADS) {
            apr_thread_yield();
        }
        for (pause = (apr_size_t)random_below(50); pause > 0; pause--) {
            apr_thread_yield();
        }
        CHECK_OK(manager_destroy(manager));
        join_all();
        CHECK_NUMBER(fake_memory_blocks(), 0);
        CHECK_NUMBER(fake_live_mappings(), 0);
        CHECK_NUMBER(fake_live_handles(), 0);
    }
}

/* Hits that do not wait, and else moves; now and then with another cursor. */
static void *APR_THREAD_FUNC try_first(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    smmap_cursor_t *cursor;
    apr_size_t i;

    (void)thread;
    if (smmap_cursor_open(&cursor, manager, files[0].path, NULL) != APR_SUCCESS) {
        worker->bad++;
        return NULL;
    }
    for (i = 0; i < worker->rounds; i++) {
        apr_off_t offset = (apr_off_t)below(worker, files[0].size);
        apr_status_t status = smmap_cursor_try_use(cursor, offset, 0);

        if (status == SMMAP_EWOULDBLOCK) {
            status = smmap_cursor_use(cursor, offset, 0);
        }
        worker->bad += status != APR_SUCCESS || smmap_cursor_offset(cursor) != offset ||
                       !cursor_shows(cursor, &files[0]);
        if (below(worker, 50) == 0) {
            smmap_cursor_t *known;

            status = smmap_cursor_open_known(&known, manager, files[0].path, NULL);
            worker->bad += status != APR_SUCCESS;
            if (status == APR_SUCCESS) {
                smmap_cursor_close(cursor);
                cursor = known;
            }
        }
    }
    smmap_cursor_close(cursor);
    return NULL;
}

static void limits_change(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursor;
    apr_size_t i;

    begin();
    manager = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, files[0].path);
    start(try_first, test_count(3000));
    for (i = 0; i < test_count(300); i++) {
        options.max_mapped_bytes = (2 + i % 15) * unit;
        NEED_OK(smmap_manager_set_limits(manager, &options));
        NEED_OK(smmap_manager_collect_bytes(manager, unit, NULL));
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i % 16 * unit), 0));
        CHECK(cursor_shows(cursor, &files[0]));
    }
    join_all();
    smmap_cursor_close(cursor);
    NEED_OK(smmap_manager_collect_bytes(manager, SMMAP_UNLIMITED, NULL));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

static const test_case_t cases[] = {{"soft_limits", soft_limits},
                                    {"hard_limits", hard_limits},
                                    {"mapped_once", mapped_once},
                                    {"few_handles", few_handles},
                                    {"destroyed_meanwhile", destroyed_meanwhile},
                                    {"limits_change", limits_change},
                                    {NULL, NULL}};

const test_module_t test_threads = {"threads", cases};
