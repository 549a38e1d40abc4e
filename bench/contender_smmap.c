/*
 * This library, in static and in sliding mode.
 *
 * One manager, and a cursor for each lane. A byte is fetched as a program would do
 * it: with the inline access first, and where the window in use does not hold the
 * byte, by moving the cursor. Blocks are copied through a buffer.
 */
#include "bench/loop.h"

static const unsigned char *move(bench_lane_t *lane, smmap_cursor_t *cursor, apr_off_t offset)
{
    apr_status_t status = smmap_cursor_use(cursor, offset, 0);

    if (status != APR_SUCCESS) {
        lane->status = status;
        return NULL;
    }
    return smmap_cursor_at(cursor, offset);
}

BENCH_TEMPLATE const unsigned char *fetch(bench_lane_t *lane, void *state, apr_off_t offset)
{
    const unsigned char *byte = smmap_cursor_at(state, offset);

    return byte != NULL ? byte : move(lane, state, offset);
}

static const unsigned char *extent(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    smmap_cursor_t *cursor = lane->state;

    lane->status = smmap_cursor_use(cursor, offset, size);
    if (lane->status != APR_SUCCESS) {
        return NULL;
    }
    *got = smmap_cursor_size(cursor);
    return smmap_cursor_data(cursor);
}

BENCH_TEMPLATE int copy(bench_lane_t *lane, apr_off_t offset)
{
    apr_size_t got;

    lane->status = smmap_buffer_read(lane->more, offset, lane->block, BENCH_BLOCK, &got);
    return lane->status == APR_SUCCESS && got == BENCH_BLOCK;
}

static int visit(bench_lane_t *lane, const char *path, unsigned char *byte)
{
    smmap_cursor_t *cursor;

    lane->status = smmap_cursor_open(&cursor, lane->side->state, path, lane->pool);
    if (lane->status != APR_SUCCESS) {
        return 0;
    }
    lane->status = smmap_cursor_use(cursor, 0, 0);
    if (lane->status == APR_SUCCESS) {
        *byte = *smmap_cursor_at(cursor, 0);
    }
    smmap_cursor_close(cursor);
    return lane->status == APR_SUCCESS;
}

BENCH_LOOP(bench_loop_cursor_bytes, bytes, fetch)
BENCH_LOOP(bench_loop_cursor_random, random, fetch)
BENCH_LOOP(bench_loop_cursor_stream, stream, extent)
BENCH_LOOP(bench_loop_buffer_copy, copy, copy)
BENCH_LOOP(bench_loop_cursor_miss, miss, fetch)
BENCH_LOOP(bench_loop_cursor_files, files, visit)

static const char *open_mode(bench_side_t *side, smmap_mode_t mode)
{
    const bench_job_t *job = side->job;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    apr_status_t status;
    int i;

    options.mode = mode;
    options.window_size = job->window_size;
    options.max_mapped_bytes = job->max_mapped_bytes;
    options.max_regions = job->max_regions;
    options.max_open_files = job->max_open_files;
    status = smmap_manager_create(&manager, &options, side->pool);
    side->state = manager;
    for (i = 0; status == APR_SUCCESS && i < side->lane_count; i++) {
        bench_lane_t *lane = &side->lanes[i];
        smmap_cursor_t *cursor;
        smmap_buffer_t *buffer;

        if (job->workload->kind == BENCH_FILES) {
            continue;
        }
        status = smmap_cursor_open(&cursor, manager, job->data->path, lane->pool);
        lane->state = cursor;
        if (status == APR_SUCCESS && job->workload->kind == BENCH_COPY) {
            status = smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, lane->pool);
            lane->more = buffer;
        }
    }
    return status == APR_SUCCESS ? NULL : bench_side_reason(side, "the library says", status);
}

static const char *open_static(bench_side_t *side)
{
    return open_mode(side, SMMAP_MODE_STATIC);
}

static const char *open_sliding(bench_side_t *side)
{
    return open_mode(side, SMMAP_MODE_SLIDING);
}

static const char *open_hinted(bench_side_t *side)
{
    const char *skip = open_sliding(side);
    int i;

    for (i = 0; skip == NULL && i < side->lane_count; i++) {
        apr_status_t status = smmap_cursor_hint(side->lanes[i].state, SMMAP_ACCESS_SEQUENTIAL);

        if (status != APR_SUCCESS) {
            skip = bench_side_reason(side, "the library says", status);
        }
    }
    return skip;
}

static void count(bench_side_t *side, bench_counts_t *counts)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    if (smmap_manager_stats(side->state, &stats) == APR_SUCCESS) {
        counts->known = 1;
        counts->windows = stats.regions;
        counts->most_windows = stats.peak_regions;
        counts->hits = stats.hits;
        counts->misses = stats.misses;
        counts->evictions = stats.evictions;
    }
}

const bench_contender_t bench_static = {.name = "static",
                                        .title = "libsmmap, static",
                                        .threads = 1,
                                        .keeps = 1,
                                        .open = open_static,
                                        .extent = extent,
                                        .count = count,
                                        BENCH_DOES(BENCH_BYTES, bench_loop_cursor_bytes),
                                        BENCH_DOES(BENCH_RANDOM, bench_loop_cursor_random),
                                        BENCH_DOES(BENCH_STREAM, bench_loop_cursor_stream),
                                        BENCH_DOES(BENCH_FILES, bench_loop_cursor_files)};

const bench_contender_t bench_sliding = {.name = "sliding",
                                         .title = "libsmmap, sliding",
                                         .threads = 1,
                                         .keeps = 1,
                                         .open = open_sliding,
                                         .extent = extent,
                                         .count = count,
                                         BENCH_DOES(BENCH_BYTES, bench_loop_cursor_bytes),
                                         BENCH_DOES(BENCH_RANDOM, bench_loop_cursor_random),
                                         BENCH_DOES(BENCH_STREAM, bench_loop_cursor_stream),
                                         BENCH_DOES(BENCH_COPY, bench_loop_buffer_copy),
                                         BENCH_DOES(BENCH_MISS, bench_loop_cursor_miss),
                                         BENCH_DOES(BENCH_FILES, bench_loop_cursor_files)};

const bench_contender_t bench_hinted = {.name = "sliding-ahead",
                                        .title = "libsmmap, hint: in order",
                                        .threads = 1,
                                        .keeps = 1,
                                        .open = open_hinted,
                                        .extent = extent,
                                        .count = count,
                                        BENCH_DOES(BENCH_STREAM, bench_loop_cursor_stream)};
