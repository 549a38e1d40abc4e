/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cases of growth.c with one thread: how their worlds are made, and what is measured in them;
 * and what the cases with several threads need, too.
 */
#include "bench/core/growth.h"

#include <time.h>

#include <apr_strings.h>

/* Hits between two looks at the clock. */
#define CHUNK 4096

double growth_clock(void)
{
    return (double)clock() * (1e9 / (double)CLOCKS_PER_SEC);
}

apr_uint64_t growth_random(world_t *world, apr_uint64_t most)
{
    world->random = world->random * APR_UINT64_C(6364136223846793005) + 1442695040888963407;
    return (world->random >> 20) % most;
}

apr_status_t growth_open_file(world_t *world, unsigned number, apr_pool_t *pool,
                              smmap_cursor_t **cursor)
{
    char path[64];

    apr_snprintf(path, sizeof path, "%s%u", NULL_FILES, number);
    return smmap_cursor_open(cursor, world->manager, path, pool);
}

apr_status_t growth_make(world_t *world)
{
    apr_status_t status = smmap_manager_create(&world->manager, &world->options, world->pool);

    return status == APR_SUCCESS ? growth_open_file(world, 0, world->pool, &world->cursor) : status;
}

apr_status_t growth_copy(world_t *world)
{
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        status = smmap_cursor_copy(&world->others[i], world->cursor, world->pool);
    }
    return status;
}

static apr_status_t use(smmap_cursor_t *cursor, apr_uint64_t window)
{
    return smmap_cursor_use(cursor, (apr_off_t)(window * GROWTH_WINDOW), 1);
}

/* n cursors pin n windows of file 0. */
apr_status_t growth_pins_open(world_t *world)
{
    apr_status_t status = growth_make(world);
    apr_uint32_t i;

    if (status == APR_SUCCESS) {
        status = growth_copy(world);
    }
    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        status = use(world->others[i], i);
    }
    return status;
}

/* --- hits beside windows that are out of date, and pinned --- */

apr_status_t growth_retired_open(world_t *world)
{
    smmap_cursor_t *log;
    apr_status_t status = growth_make(world);
    apr_uint32_t i;

    null_files.size = 1;
    if (status == APR_SUCCESS) {
        status = growth_open_file(world, 1, world->pool, &log);
    }
    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        status = smmap_cursor_copy(&world->others[i], log, world->pool);
        if (status == APR_SUCCESS) {
            status = smmap_cursor_use(world->others[i], null_files.size - 1, 1);
        }
        null_files.size++;
        if (status == APR_SUCCESS) {
            status = smmap_cursor_refresh(log);
        }
    }
    return status;
}

apr_status_t growth_hits_run(world_t *world)
{
    double began = growth_clock();
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < CHUNK && status == APR_SUCCESS; i++) {
        status = use(world->cursor, i % 2);
    }
    world->sum += growth_clock() - began;
    world->count += CHUNK;
    return status;
}

/* --- leaving windows that are out of date --- */

/* The file was cut to `size`, or has grown to it. */
static apr_status_t resize(world_t *world, apr_off_t size)
{
    null_files.size = size;
    return smmap_cursor_refresh(world->cursor);
}

apr_status_t growth_leave_run(world_t *world)
{
    apr_off_t size = null_files.size;
    apr_status_t status = APR_SUCCESS;
    double began;
    apr_uint32_t i;

    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        status = use(world->others[i], i);
    }
    if (status == APR_SUCCESS && (status = resize(world, 0)) == APR_SUCCESS) {
        status = resize(world, size);
    }
    began = growth_clock();
    for (i = 0; i < world->n; i++) {
        smmap_cursor_release(world->others[i]);
    }
    world->sum += growth_clock() - began;
    world->count += world->n;
    return status;
}

/* --- misses beside pinned windows: as many as there may be --- */

apr_status_t growth_full_open(world_t *world)
{
    world->options.max_regions = world->n;
    return growth_pins_open(world);
}

static apr_status_t miss(world_t *world)
{
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < 8 && status == APR_SUCCESS; i++) {
        status = use(world->cursor, world->n + world->step++);
    }
    world->count += i;
    return status;
}

apr_status_t growth_misses_run(world_t *world)
{
    double began = growth_clock();
    apr_status_t status = miss(world);

    world->sum += growth_clock() - began;
    return status;
}

apr_status_t growth_fences_run(world_t *world)
{
    apr_uint64_t before = null_backend_fences();
    apr_status_t status = miss(world);

    world->sum += (double)(null_backend_fences() - before);
    return status;
}

/* --- the list of what is pinned --- */

static void see_pinned(void *context, const smmap_pinned_t *pinned)
{
    world_t *world = context;

    world->step += pinned->cursors;
}

apr_status_t growth_pinned_run(world_t *world)
{
    double began = growth_clock();
    apr_status_t status = smmap_manager_pinned(world->manager, see_pinned, world);

    world->sum += growth_clock() - began;
    world->count++;
    return status;
}

/* --- dropping one of n files --- */

apr_status_t growth_files_open(world_t *world)
{
    apr_status_t status = growth_make(world);
    apr_uint32_t i;

    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        status = growth_open_file(world, i + 1, world->pool, &world->others[i]);
        if (status == APR_SUCCESS) {
            status = use(world->others[i], 0);
            smmap_cursor_release(world->others[i]);
        }
    }
    return status;
}

apr_status_t growth_drop_run(world_t *world)
{
    apr_uint32_t number = (apr_uint32_t)growth_random(world, world->n);
    char path[64];
    double began;
    apr_status_t status;

    apr_snprintf(path, sizeof path, "%s%u", NULL_FILES, (unsigned)number + 1);
    began = growth_clock();
    status = smmap_manager_drop(world->manager, path, NULL);
    world->sum += growth_clock() - began;
    world->count++;
    if (status == APR_SUCCESS) {
        status = use(world->others[number], 0);
        smmap_cursor_release(world->others[number]);
    }
    return status;
}

/* --- closing the oldest of n cursors of one pool --- */

apr_status_t growth_close_run(world_t *world)
{
    apr_pool_t *all = world->pool;
    apr_status_t status;
    double began;
    apr_uint32_t i;

    apr_pool_create(&world->pool, all);
    status = growth_copy(world);
    began = growth_clock();
    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        smmap_cursor_close(world->others[i]);
    }
    world->sum += growth_clock() - began;
    world->count += world->n;
    apr_pool_destroy(world->pool);
    world->pool = all;
    return status;
}

/* --- hits on a file that cannot be mapped --- */

static apr_status_t open_unmappable(world_t *world, smmap_mode_t mode)
{
    apr_status_t status;
    apr_uint32_t i;

    world->options.mode = mode;
    null_files.unmappable = 1;
    null_files.size = world->files.size = (apr_off_t)world->n << 20;
    status = growth_make(world);
    for (i = 0; i < world->n && status == APR_SUCCESS; i++) {
        status = smmap_cursor_use(world->cursor, (apr_off_t)i << 20, 1);
    }
    return status;
}

apr_status_t growth_buffered_open(world_t *world)
{
    return open_unmappable(world, SMMAP_MODE_STATIC);
}

apr_status_t growth_auto_open(world_t *world)
{
    world->options.window_size = 1 << 30;
    return open_unmappable(world, SMMAP_MODE_AUTO);
}

apr_status_t growth_buffered_run(world_t *world)
{
    double began = growth_clock();
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < CHUNK && status == APR_SUCCESS; i++) {
        apr_off_t window = (apr_off_t)growth_random(world, world->n);

        status = smmap_cursor_use(world->cursor, window << 20, 1);
    }
    world->sum += growth_clock() - began;
    world->count += CHUNK;
    return status;
}

/* --- noticing that a file has grown, beside pinned windows of another --- */

apr_status_t growth_log_open(world_t *world)
{
    apr_status_t status = growth_pins_open(world);

    null_files.size = 1;
    return status == APR_SUCCESS ? growth_open_file(world, 1, world->pool, &world->cursor) : status;
}

apr_status_t growth_log_run(world_t *world)
{
    double began = growth_clock();
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < CHUNK / 16 && status == APR_SUCCESS; i++) {
        null_files.size = (apr_off_t)++world->step + 1;
        status = smmap_cursor_refresh(world->cursor);
        if (status == APR_SUCCESS) {
            status = smmap_cursor_use(world->cursor, (apr_off_t)world->step, 1);
        }
        smmap_cursor_release(world->cursor);
    }
    world->sum += growth_clock() - began;
    world->count += i;
    return status;
}

/* --- memory after n bypassed reads --- */

apr_status_t growth_sparse_open(world_t *world)
{
    apr_status_t status;
    unsigned i;

    world->options.limits = SMMAP_LIMITS_HARD;
    world->options.window_size = 65536;
    world->options.max_mapped_bytes = (apr_size_t)4 << 20;
    status = growth_make(world);
    /* Reads are bypassed when room is short; what is mapped here cannot be read. */
    for (i = 0; i < 100 && status == APR_SUCCESS; i++) {
        status = smmap_cursor_use(world->cursor, (apr_off_t)i * 65536, 1);
    }
    smmap_cursor_release(world->cursor);
    return status;
}

apr_status_t growth_sparse_run(world_t *world)
{
    const apr_off_t begin = (apr_off_t)1 << 30;
    apr_uint64_t before = null_backend_bytes();
    apr_status_t status = APR_SUCCESS;
    char to[100];

    for (; world->step < world->n && status == APR_SUCCESS; world->step++) {
        apr_uint64_t most = (apr_uint64_t)(world->files.size - begin) - sizeof to;

        status = smmap_cursor_read(world->cursor, begin + (apr_off_t)growth_random(world, most), to,
                                   sizeof to, NULL);
    }
    world->bytes += null_backend_bytes() - before;
    world->sum += (double)world->bytes;
    world->count++;
    return status;
}
