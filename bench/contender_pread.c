/*
 * Reading with pread: 64 bytes, 4 KiB or 1 MiB at a time, into memory of the
 * lane. One descriptor is shared by all threads. And, for small files, opening, one
 * read and closing.
 */
#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "bench/loop.h"
#include "bench/platform.h"

#define MIB ((apr_size_t)1 << 20)

typedef struct pread_t {
    apr_os_file_t file;
    apr_off_t end;
    unsigned char *buffer;
} pread_t;

/* 0: failed, or nothing is there. */
BENCH_TEMPLATE apr_size_t read_at(bench_lane_t *lane, void *buffer, apr_size_t size,
                                  apr_off_t offset)
{
    const pread_t *state = lane->state;
    apr_size_t got = 0;

    lane->status = bench_platform_pread(state->file, buffer, size, offset, &got);
    if (lane->status == APR_SUCCESS && got == 0) {
        lane->status = APR_EOF;
    }
    return lane->status == APR_SUCCESS ? got : 0;
}

BENCH_TEMPLATE const unsigned char *fetch_sized(bench_lane_t *lane, void *state, apr_off_t offset,
                                                apr_size_t size)
{
    unsigned char *buffer = ((pread_t *)state)->buffer;

    return read_at(lane, buffer, size, offset) != 0 ? buffer : NULL;
}

static inline const unsigned char *fetch_64(bench_lane_t *lane, void *state, apr_off_t offset)
{
    return fetch_sized(lane, state, offset, 64);
}

static inline const unsigned char *fetch_4k(bench_lane_t *lane, void *state, apr_off_t offset)
{
    return fetch_sized(lane, state, offset, 4096);
}

BENCH_TEMPLATE const unsigned char *extent_sized(bench_lane_t *lane, apr_off_t offset,
                                                 apr_size_t size, apr_size_t most, apr_size_t *got)
{
    unsigned char *buffer = ((pread_t *)lane->state)->buffer;

    *got = read_at(lane, buffer, size < most ? size : most, offset);
    return *got != 0 ? buffer : NULL;
}

static const unsigned char *extent_64(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                      apr_size_t *got)
{
    return extent_sized(lane, offset, size, 64, got);
}

static const unsigned char *extent_4k(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                      apr_size_t *got)
{
    return extent_sized(lane, offset, size, 4096, got);
}

static const unsigned char *extent_1m(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                      apr_size_t *got)
{
    return extent_sized(lane, offset, size, MIB, got);
}

static inline int copy(bench_lane_t *lane, apr_off_t offset)
{
    return read_at(lane, lane->block, BENCH_BLOCK, offset) == BENCH_BLOCK;
}

static int visit(bench_lane_t *lane, const char *path, unsigned char *byte)
{
    apr_file_t *file;
    apr_size_t got = 1;

    lane->status = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                                 APR_FPROT_OS_DEFAULT, lane->pool);
    if (lane->status == APR_SUCCESS) {
        lane->status = apr_file_read(file, byte, &got);
        apr_file_close(file);
    }
    apr_pool_clear(lane->pool);
    return lane->status == APR_SUCCESS;
}

BENCH_LOOP(bench_loop_pread64_bytes, bytes, fetch_64)
BENCH_LOOP(bench_loop_pread64_random, random, fetch_64)
BENCH_LOOP(bench_loop_pread4k_bytes, bytes, fetch_4k)
BENCH_LOOP(bench_loop_pread4k_random, random, fetch_4k)
BENCH_LOOP(bench_loop_pread4k_stream, stream, extent_4k)
BENCH_LOOP(bench_loop_pread4k_copy, copy, copy)
BENCH_LOOP(bench_loop_pread1m_stream, stream, extent_1m)
BENCH_LOOP(bench_loop_read_files, files, visit)

static const char *open_nothing(bench_side_t *side)
{
    (void)side;
    return NULL;
}

static const char *open_pread(bench_side_t *side)
{
    apr_file_t *file;
    apr_os_file_t native;
    apr_status_t status;
    unsigned char byte;
    apr_size_t got;
    int i;

    status = apr_file_open(&file, side->job->data->path,
                           APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE,
                           APR_FPROT_OS_DEFAULT, side->pool);
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
        return bench_side_reason(side, "the file cannot be read", status);
    }
    for (i = 0; i < side->lane_count; i++) {
        pread_t *state = apr_palloc(side->pool, sizeof(*state));
        unsigned char *memory = apr_palloc(side->pool, MIB + 4096);

        state->file = native;
        state->buffer = memory + (4096 - (apr_uintptr_t)memory % 4096);
        side->lanes[i].state = state;
    }
    return NULL;
}

const bench_contender_t bench_pread_64 = {.name = "pread-64",
                                          .title = "pread 64 B",
                                          .threads = 1,
                                          .open = open_pread,
                                          .extent = extent_64,
                                          BENCH_DOES(BENCH_BYTES, bench_loop_pread64_bytes),
                                          BENCH_DOES(BENCH_RANDOM, bench_loop_pread64_random)};

const bench_contender_t bench_pread_4k = {.name = "pread-4k",
                                          .title = "pread 4 KiB",
                                          .threads = 1,
                                          .open = open_pread,
                                          .extent = extent_4k,
                                          BENCH_DOES(BENCH_BYTES, bench_loop_pread4k_bytes),
                                          BENCH_DOES(BENCH_RANDOM, bench_loop_pread4k_random),
                                          BENCH_DOES(BENCH_STREAM, bench_loop_pread4k_stream),
                                          BENCH_DOES(BENCH_COPY, bench_loop_pread4k_copy)};

const bench_contender_t bench_pread_1m = {.name = "pread-1m",
                                          .title = "pread 1 MiB",
                                          .threads = 1,
                                          .open = open_pread,
                                          .extent = extent_1m,
                                          BENCH_DOES(BENCH_STREAM, bench_loop_pread1m_stream)};

const bench_contender_t bench_open_read = {.name = "open-read",
                                           .title = "open, read, close",
                                           .threads = 1,
                                           .open = open_nothing,
                                           BENCH_DOES(BENCH_FILES, bench_loop_read_files)};
