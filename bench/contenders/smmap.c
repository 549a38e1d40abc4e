/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * This library, in static and in sliding mode.
 *
 * One manager, and a cursor for each worker. A byte is fetched as a program would do
 * it: with the inline access first, and where the window in use does not hold the
 * byte, by moving the cursor.
 */
#include "bench/contenders/loop.h"

static const unsigned char *move(bench_worker_t *worker, smmap_cursor_t *cursor, apr_off_t offset)
{
    apr_status_t status = smmap_cursor_use(cursor, offset, 0);

    if (status != APR_SUCCESS) {
        worker->status = status;
        return NULL;
    }
    return smmap_cursor_at(cursor, offset);
}

BENCH_TEMPLATE const unsigned char *fetch(bench_worker_t *worker, void *state, apr_off_t offset)
{
    const unsigned char *byte = smmap_cursor_at(state, offset);

    return byte != NULL ? byte : move(worker, state, offset);
}

static const unsigned char *extent(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    smmap_cursor_t *cursor = worker->state;

    worker->status = smmap_cursor_use(cursor, offset, size);
    if (worker->status != APR_SUCCESS) {
        return NULL;
    }
    *got = smmap_cursor_size(cursor);
    return smmap_cursor_data(cursor);
}

BENCH_TEMPLATE int copy(bench_worker_t *worker, apr_off_t offset)
{
    apr_size_t got;

    worker->status = smmap_cursor_read(worker->state, offset, worker->block, BENCH_BLOCK, &got);
    return worker->status == APR_SUCCESS && got == BENCH_BLOCK;
}

BENCH_LOOP(bench_loop_cursor_bytes, bytes, fetch)
BENCH_LOOP(bench_loop_cursor_random, random, fetch)
BENCH_LOOP(bench_loop_cursor_stream, stream, extent)
BENCH_LOOP(bench_loop_cursor_copy, copy, copy)
BENCH_LOOP(bench_loop_cursor_miss, miss, fetch)

static const char *open_mode(bench_runner_t *runner, smmap_mode_t mode)
{
    const bench_case_t *test = runner->test;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    apr_status_t status;
    int i;

    options.mode = mode;
    options.window_size = test->window_size;
    options.max_mapped_bytes = test->max_mapped_bytes;
    options.max_regions = test->max_regions;
    status = smmap_manager_create(&manager, &options, runner->pool);
    runner->state = manager;
    for (i = 0; status == APR_SUCCESS && i < runner->worker_count; i++) {
        bench_worker_t *worker = &runner->workers[i];
        smmap_cursor_t *cursor;

        status = smmap_cursor_open(&cursor, manager, test->data->path, worker->pool);
        worker->state = cursor;
    }
    return status == APR_SUCCESS ? NULL : bench_reason(runner, "the library says", status);
}

static const char *open_static(bench_runner_t *runner)
{
    return open_mode(runner, SMMAP_MODE_STATIC);
}

static const char *open_sliding(bench_runner_t *runner)
{
    return open_mode(runner, SMMAP_MODE_SLIDING);
}

static const char *open_hinted(bench_runner_t *runner)
{
    const char *skip = open_sliding(runner);
    int i;

    for (i = 0; skip == NULL && i < runner->worker_count; i++) {
        apr_status_t status = smmap_cursor_hint(runner->workers[i].state, SMMAP_ACCESS_SEQUENTIAL);

        if (status != APR_SUCCESS) {
            skip = bench_reason(runner, "the library says", status);
        }
    }
    return skip;
}

static void count(bench_runner_t *runner, bench_counts_t *counts)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    if (smmap_manager_stats(runner->state, &stats) == APR_SUCCESS) {
        counts->known = 1;
        counts->windows = stats.regions;
        counts->most_windows = stats.peak_regions;
        counts->hits = stats.hits;
        counts->misses = stats.misses;
        counts->evictions = stats.evictions;
    }
}

const bench_contender_t bench_static = {"static",
                                        "libsmmap, static",
                                        BENCH_THREADS | BENCH_KEEPS | BENCH_WHOLE,
                                        open_static,
                                        NULL,
                                        extent,
                                        count,
                                        BENCH_DOES(BENCH_BYTES, bench_loop_cursor_bytes),
                                        BENCH_DOES(BENCH_RANDOM, bench_loop_cursor_random),
                                        BENCH_DOES(BENCH_STREAM, bench_loop_cursor_stream)};

const bench_contender_t bench_sliding = {"sliding",
                                         "libsmmap, sliding",
                                         BENCH_THREADS | BENCH_KEEPS,
                                         open_sliding,
                                         NULL,
                                         extent,
                                         count,
                                         BENCH_DOES(BENCH_BYTES, bench_loop_cursor_bytes),
                                         BENCH_DOES(BENCH_RANDOM, bench_loop_cursor_random),
                                         BENCH_DOES(BENCH_STREAM, bench_loop_cursor_stream),
                                         BENCH_DOES(BENCH_COPY, bench_loop_cursor_copy),
                                         BENCH_DOES(BENCH_MISS, bench_loop_cursor_miss)};

const bench_contender_t bench_hinted = {"sliding-ahead",
                                        "libsmmap, sequential hint",
                                        BENCH_THREADS | BENCH_KEEPS,
                                        open_hinted,
                                        NULL,
                                        extent,
                                        count,
                                        BENCH_DOES(BENCH_STREAM, bench_loop_cursor_stream)};
