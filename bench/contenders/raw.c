/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pointer into a map of the whole file: the limit for all others.
 */
#include <apr_file_io.h>
#include <apr_mmap.h>

#include "bench/contenders/loop.h"

BENCH_TEMPLATE const unsigned char *fetch(bench_worker_t *worker, void *state, apr_off_t offset)
{
    (void)worker;
    return (const unsigned char *)state + offset;
}

static const unsigned char *extent(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    *got = size;
    return fetch(worker, worker->state, offset);
}

BENCH_TEMPLATE int copy(bench_worker_t *worker, apr_off_t offset)
{
    memcpy(worker->block, fetch(worker, worker->state, offset), BENCH_BLOCK);
    return 1;
}

BENCH_LOOP(bench_loop_raw_bytes, bytes, fetch)
BENCH_LOOP(bench_loop_raw_random, random, fetch)
BENCH_LOOP(bench_loop_raw_stream, stream, extent)
BENCH_LOOP(bench_loop_raw_copy, copy, copy)

static const char *open_raw(bench_runner_t *runner)
{
    apr_file_t *file;
    apr_mmap_t *map;
    int i;
    apr_status_t status = bench_open(&file, runner->test->data->path, runner->pool);

    if (status == APR_SUCCESS) {
        status = apr_mmap_create(&map, file, 0, (apr_size_t)runner->test->data->size, APR_MMAP_READ,
                                 runner->pool);
    }
    if (status != APR_SUCCESS) {
        return bench_reason(runner, "the file cannot be mapped as a whole", status);
    }
    for (i = 0; i < runner->worker_count; i++) {
        runner->workers[i].state = map->mm;
    }
    apr_file_close(file);
    return NULL;
}

const bench_contender_t bench_raw = {"raw",
                                     "raw pointer",
                                     BENCH_THREADS | BENCH_KEEPS,
                                     open_raw,
                                     NULL,
                                     extent,
                                     NULL,
                                     BENCH_DOES(BENCH_BYTES, bench_loop_raw_bytes),
                                     BENCH_DOES(BENCH_RANDOM, bench_loop_raw_random),
                                     BENCH_DOES(BENCH_STREAM, bench_loop_raw_stream),
                                     BENCH_DOES(BENCH_COPY, bench_loop_raw_copy)};
