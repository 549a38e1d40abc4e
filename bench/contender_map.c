/*
 * Map, look, unmap: what a program does that keeps no windows. APR maps a window as
 * large as the workload's, or a block where a block is what is wanted.
 */
#include <apr_file_io.h>
#include <apr_mmap.h>

#include "bench/loop.h"

typedef struct map_t {
    apr_file_t *file;
    apr_mmap_t *map; /* NULL: none right now */
    apr_size_t window;
    apr_off_t end;
} map_t;

/* Map the window of `size` bytes that holds an offset; the lane has no other. */
static const unsigned char *map_at(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    map_t *state = lane->state;
    apr_off_t begin = offset - offset % (apr_off_t)size;

    if (state->end - begin < (apr_off_t)size) {
        size = (apr_size_t)(state->end - begin);
    }
    lane->status =
        apr_mmap_create(&state->map, state->file, begin, size, APR_MMAP_READ, lane->pool);
    if (lane->status != APR_SUCCESS) {
        state->map = NULL;
        return NULL;
    }
    *got = size - (apr_size_t)(offset - begin);
    return (const unsigned char *)state->map->mm + (offset - begin);
}

static void unmap(bench_lane_t *lane)
{
    map_t *state = lane->state;

    if (state->map != NULL) {
        apr_mmap_delete(state->map);
        state->map = NULL;
        apr_pool_clear(lane->pool);
    }
}

static const unsigned char *extent(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    const unsigned char *data;

    unmap(lane);
    data = map_at(lane, offset, ((map_t *)lane->state)->window, got);
    if (data != NULL && *got > size) {
        *got = size;
    }
    return data;
}

/* The loops take the byte before they fetch the next one, so it has to stay till then. */
static inline const unsigned char *fetch(bench_lane_t *lane, void *state, apr_off_t offset)
{
    apr_size_t got;

    unmap(lane);
    return map_at(lane, offset, ((map_t *)state)->window, &got);
}

static inline int copy(bench_lane_t *lane, apr_off_t offset)
{
    apr_size_t got;
    const unsigned char *data = map_at(lane, offset, smmap_granularity(), &got);

    if (data != NULL) {
        memcpy(lane->block, data, BENCH_BLOCK);
    }
    unmap(lane);
    return data != NULL;
}

static int visit(bench_lane_t *lane, const char *path, unsigned char *byte)
{
    apr_file_t *file;
    apr_mmap_t *map;

    lane->status = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                                 APR_FPROT_OS_DEFAULT, lane->pool);
    if (lane->status == APR_SUCCESS) {
        lane->status =
            apr_mmap_create(&map, file, 0, sizeof(apr_uint64_t), APR_MMAP_READ, lane->pool);
    }
    if (lane->status == APR_SUCCESS) {
        *byte = *(const unsigned char *)map->mm;
    }
    apr_pool_clear(lane->pool); /* unmaps and closes */
    return lane->status == APR_SUCCESS;
}

BENCH_LOOP(bench_loop_map_random, random, fetch)
BENCH_LOOP(bench_loop_map_stream, stream, extent)
BENCH_LOOP(bench_loop_map_copy, copy, copy)
BENCH_LOOP(bench_loop_map_miss, miss, fetch)
BENCH_LOOP(bench_loop_map_files, files, visit)

static const char *open_map(bench_side_t *side)
{
    const bench_job_t *job = side->job;
    apr_size_t window = job->window_size;
    int i;

    if (job->workload->kind == BENCH_FILES) {
        return NULL;
    }
    if (window == 0 || window > ((apr_size_t)1 << 20)) {
        window = (apr_size_t)1 << 20; /* larger ones only cost more */
    }
    for (i = 0; i < side->lane_count; i++) {
        map_t *state = apr_pcalloc(side->pool, sizeof(*state));
        apr_status_t status = apr_file_open(&state->file, job->data->path,
                                            APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE,
                                            APR_FPROT_OS_DEFAULT, side->pool);

        if (status != APR_SUCCESS) {
            return bench_side_reason(side, "the file cannot be opened", status);
        }
        state->window = window;
        state->end = job->data->size;
        side->lanes[i].state = state;
    }
    return NULL;
}

static void close_map(bench_side_t *side)
{
    int i;

    for (i = 0; i < side->lane_count; i++) {
        if (side->lanes[i].state != NULL) {
            unmap(&side->lanes[i]);
        }
    }
}

const bench_contender_t bench_map_unmap = {.name = "map-unmap",
                                           .title = "map + unmap",
                                           .threads = 1,
                                           .open = open_map,
                                           .close = close_map,
                                           .extent = extent,
                                           BENCH_DOES(BENCH_RANDOM, bench_loop_map_random),
                                           BENCH_DOES(BENCH_STREAM, bench_loop_map_stream),
                                           BENCH_DOES(BENCH_COPY, bench_loop_map_copy),
                                           BENCH_DOES(BENCH_MISS, bench_loop_map_miss),
                                           BENCH_DOES(BENCH_FILES, bench_loop_map_files)};
