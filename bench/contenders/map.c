/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Map, look, unmap: what a program does that keeps no windows. APR maps a window as
 * large as the workload's, or a block where a block is what is wanted.
 */
#include <apr_file_io.h>
#include <apr_mmap.h>

#include "bench/contenders/loop.h"

typedef struct map_t {
    apr_file_t *file;
    apr_mmap_t *map; /* NULL: none right now */
    apr_size_t window;
    apr_off_t end;
} map_t;

/* Map the window of `size` bytes that holds an offset; the worker has no other. */
static const unsigned char *map_at(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    map_t *state = worker->state;
    apr_off_t begin = offset - offset % (apr_off_t)size;

    if (state->end - begin < (apr_off_t)size) {
        size = (apr_size_t)(state->end - begin);
    }
    worker->status =
        apr_mmap_create(&state->map, state->file, begin, size, APR_MMAP_READ, worker->pool);
    if (worker->status != APR_SUCCESS) {
        state->map = NULL;
        return NULL;
    }
    *got = size - (apr_size_t)(offset - begin);
    return (const unsigned char *)state->map->mm + (offset - begin);
}

static void unmap(bench_worker_t *worker)
{
    map_t *state = worker->state;

    if (state->map != NULL) {
        apr_mmap_delete(state->map);
        state->map = NULL;
        apr_pool_clear(worker->pool);
    }
}

static const unsigned char *extent(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    const unsigned char *data;

    unmap(worker);
    data = map_at(worker, offset, ((map_t *)worker->state)->window, got);
    if (data != NULL && *got > size) {
        *got = size;
    }
    return data;
}

/* The loops take the byte before they fetch the next one, so it has to stay till then. */
static inline const unsigned char *fetch(bench_worker_t *worker, void *state, apr_off_t offset)
{
    apr_size_t got;

    unmap(worker);
    return map_at(worker, offset, ((map_t *)state)->window, &got);
}

static inline int copy(bench_worker_t *worker, apr_off_t offset)
{
    apr_size_t got;
    const unsigned char *data = map_at(worker, offset, smmap_granularity(), &got);

    if (data != NULL) {
        memcpy(worker->block, data, BENCH_BLOCK);
    }
    unmap(worker);
    return data != NULL;
}

BENCH_LOOP(bench_loop_map_random, random, fetch)
BENCH_LOOP(bench_loop_map_stream, stream, extent)
BENCH_LOOP(bench_loop_map_copy, copy, copy)
BENCH_LOOP(bench_loop_map_miss, miss, fetch)

static const char *open_map(bench_runner_t *runner)
{
    const bench_case_t *test = runner->test;
    apr_size_t window = test->window_size;
    int i;

    if (window == 0 || window > ((apr_size_t)1 << 20)) {
        window = (apr_size_t)1 << 20; /* larger ones only cost more */
    }
    for (i = 0; i < runner->worker_count; i++) {
        map_t *state = apr_pcalloc(runner->pool, sizeof(*state));
        apr_status_t status = bench_open(&state->file, test->data->path, runner->pool);

        if (status != APR_SUCCESS) {
            return bench_reason(runner, "the file cannot be opened", status);
        }
        state->window = window;
        state->end = test->data->size;
        runner->workers[i].state = state;
    }
    return NULL;
}

static void close_map(bench_runner_t *runner)
{
    int i;

    for (i = 0; i < runner->worker_count; i++) {
        if (runner->workers[i].state != NULL) {
            unmap(&runner->workers[i]);
        }
    }
}

const bench_contender_t bench_map_unmap = {"map-unmap",
                                           "map + unmap",
                                           BENCH_THREADS,
                                           open_map,
                                           close_map,
                                           extent,
                                           NULL,
                                           BENCH_DOES(BENCH_RANDOM, bench_loop_map_random),
                                           BENCH_DOES(BENCH_STREAM, bench_loop_map_stream),
                                           BENCH_DOES(BENCH_COPY, bench_loop_map_copy),
                                           BENCH_DOES(BENCH_MISS, bench_loop_map_miss)};
