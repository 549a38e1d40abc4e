/*
 * A pointer into a map of the whole file: the limit for all others.
 */
#include <apr_file_io.h>
#include <apr_mmap.h>

#include "bench/pointer.h"

BENCH_LOOP(bench_loop_raw_bytes, bytes, fetch)
BENCH_LOOP(bench_loop_raw_random, random, fetch)
BENCH_LOOP(bench_loop_raw_stream, stream, extent)
BENCH_LOOP(bench_loop_raw_copy, copy, copy)

static void set_lanes(bench_side_t *side, const void *address)
{
    int i;

    for (i = 0; i < side->lane_count; i++) {
        side->lanes[i].state = (void *)(apr_uintptr_t)address;
    }
}

static const char *open_raw(bench_side_t *side)
{
    apr_file_t *file;
    apr_mmap_t *map;
    apr_status_t status = apr_file_open(&file, side->job->data->path,
                                        APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE,
                                        APR_FPROT_OS_DEFAULT, side->pool);

    if (status == APR_SUCCESS) {
        status = apr_mmap_create(&map, file, 0, (apr_size_t)side->job->data->size, APR_MMAP_READ,
                                 side->pool);
    }
    if (status != APR_SUCCESS) {
        return bench_side_reason(side, "the file cannot be mapped as a whole", status);
    }
    set_lanes(side, map->mm);
    apr_file_close(file);
    return NULL;
}

const bench_contender_t bench_raw = {.name = "raw",
                                     .title = "raw pointer",
                                     .threads = 1,
                                     .keeps = 1,
                                     .open = open_raw,
                                     .extent = extent,
                                     BENCH_DOES(BENCH_BYTES, bench_loop_raw_bytes),
                                     BENCH_DOES(BENCH_RANDOM, bench_loop_raw_random),
                                     BENCH_DOES(BENCH_STREAM, bench_loop_raw_stream),
                                     BENCH_DOES(BENCH_COPY, bench_loop_raw_copy)};
