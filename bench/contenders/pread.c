/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading with pread: 64 bytes, 4 KiB or 1 MiB at a time, into memory of the worker. One
 * descriptor is shared by all threads.
 */
#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "bench/contenders/loop.h"
#include "bench/platform.h"

#define MIB ((apr_size_t)1 << 20)

typedef struct pread_t {
    apr_os_file_t file;
    apr_off_t end;
    unsigned char *buffer;
} pread_t;

/* 0: failed, or nothing is there. */
BENCH_TEMPLATE apr_size_t read_at(bench_worker_t *worker, void *buffer, apr_size_t size,
                                  apr_off_t offset)
{
    const pread_t *state = worker->state;
    apr_size_t got = 0;

    worker->status = bench_platform_pread(state->file, buffer, size, offset, &got);
    if (worker->status == APR_SUCCESS && got == 0) {
        worker->status = APR_EOF;
    }
    return worker->status == APR_SUCCESS ? got : 0;
}

BENCH_TEMPLATE const unsigned char *fetch_sized(bench_worker_t *worker, void *state,
                                                apr_off_t offset, apr_size_t size)
{
    unsigned char *buffer = ((pread_t *)state)->buffer;

    return read_at(worker, buffer, size, offset) != 0 ? buffer : NULL;
}

static inline const unsigned char *fetch_64(bench_worker_t *worker, void *state, apr_off_t offset)
{
    return fetch_sized(worker, state, offset, 64);
}

static inline const unsigned char *fetch_4k(bench_worker_t *worker, void *state, apr_off_t offset)
{
    return fetch_sized(worker, state, offset, 4096);
}

BENCH_TEMPLATE const unsigned char *extent_sized(bench_worker_t *worker, apr_off_t offset,
                                                 apr_size_t size, apr_size_t most, apr_size_t *got)
{
    unsigned char *buffer = ((pread_t *)worker->state)->buffer;

    *got = read_at(worker, buffer, size < most ? size : most, offset);
    return *got != 0 ? buffer : NULL;
}

static const unsigned char *extent_64(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                      apr_size_t *got)
{
    return extent_sized(worker, offset, size, 64, got);
}

static const unsigned char *extent_4k(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                      apr_size_t *got)
{
    return extent_sized(worker, offset, size, 4096, got);
}

static const unsigned char *extent_1m(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                      apr_size_t *got)
{
    return extent_sized(worker, offset, size, MIB, got);
}

static inline int copy(bench_worker_t *worker, apr_off_t offset)
{
    return read_at(worker, worker->block, BENCH_BLOCK, offset) == BENCH_BLOCK;
}

BENCH_LOOP(bench_loop_pread64_bytes, bytes, fetch_64)
BENCH_LOOP(bench_loop_pread64_random, random, fetch_64)
BENCH_LOOP(bench_loop_pread4k_bytes, bytes, fetch_4k)
BENCH_LOOP(bench_loop_pread4k_random, random, fetch_4k)
BENCH_LOOP(bench_loop_pread4k_stream, stream, extent_4k)
BENCH_LOOP(bench_loop_pread4k_copy, copy, copy)
BENCH_LOOP(bench_loop_pread1m_stream, stream, extent_1m)

static const char *open_pread(bench_runner_t *runner)
{
    apr_file_t *file;
    apr_os_file_t native;
    apr_status_t status;
    unsigned char byte;
    apr_size_t got;
    int i;

    status = bench_open(&file, runner->test->data->path, runner->pool);
    if (status == APR_SUCCESS) {
        status = apr_os_file_get(&native, file);
    }
    if (status == APR_SUCCESS) {
        status = bench_platform_pread(native, &byte, 1, 0, &got);
    }
    if (status == APR_ENOTIMPL) {
        return "this system has no pread";
    }
    if (status != APR_SUCCESS) {
        return bench_reason(runner, "the file cannot be read", status);
    }
    for (i = 0; i < runner->worker_count; i++) {
        pread_t *state = apr_palloc(runner->pool, sizeof(*state));
        unsigned char *memory = apr_palloc(runner->pool, MIB + 4096);

        state->file = native;
        state->buffer = memory + (4096 - (apr_uintptr_t)memory % 4096);
        runner->workers[i].state = state;
    }
    return NULL;
}

const bench_contender_t bench_pread_64 = {"pread-64",
                                          "pread 64 B",
                                          BENCH_THREADS,
                                          open_pread,
                                          NULL,
                                          extent_64,
                                          NULL,
                                          BENCH_DOES(BENCH_BYTES, bench_loop_pread64_bytes),
                                          BENCH_DOES(BENCH_RANDOM, bench_loop_pread64_random)};

const bench_contender_t bench_pread_4k = {"pread-4k",
                                          "pread 4 KiB",
                                          BENCH_THREADS,
                                          open_pread,
                                          NULL,
                                          extent_4k,
                                          NULL,
                                          BENCH_DOES(BENCH_BYTES, bench_loop_pread4k_bytes),
                                          BENCH_DOES(BENCH_RANDOM, bench_loop_pread4k_random),
                                          BENCH_DOES(BENCH_STREAM, bench_loop_pread4k_stream),
                                          BENCH_DOES(BENCH_COPY, bench_loop_pread4k_copy)};

const bench_contender_t bench_pread_1m = {
    "pread-1m", "pread 1 MiB", BENCH_THREADS, open_pread,
    NULL,       extent_1m,     NULL,          BENCH_DOES(BENCH_STREAM, bench_loop_pread1m_stream)};
