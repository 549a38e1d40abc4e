/*
 * Keepers: see keeper.h.
 *
 * A keeper has a file with more windows than its manager keeps. They are visited in
 * turn, in order or scattered, which is harder on the caches, so that each visit is a
 * miss. Other cursors, when they have a window, have one behind those that are visited.
 */
#include <apr_time.h>

#include "bench/keeper.h"

/* An odd number: multiplied by it, all windows come once, far from each other. */
#define SCATTER APR_UINT64_C(0x9E3779B1)
/* Misses between two looks at the clock. */
#define CHUNK 512

static apr_status_t visit(keeper_t *keeper, apr_uint32_t count)
{
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    for (i = 0; i < count && status == APR_SUCCESS; i++) {
        apr_uint64_t window = keeper->scattered ? keeper->next * SCATTER : keeper->next;

        keeper->next++;
        status = smmap_cursor_use(keeper->cursor,
                                  (apr_off_t)((window & keeper->mask) * KEEPER_WINDOW), 1);
    }
    return status;
}

static apr_uint64_t misses_of(const keeper_t *keeper)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    smmap_manager_stats(keeper->manager, &stats);
    return stats.misses;
}

/* The other cursors. An empty one is one that had a window and let go of it. */
static apr_status_t open_others(const keeper_t *keeper)
{
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    for (i = 0; i < keeper->others && status == APR_SUCCESS; i++) {
        smmap_cursor_t *other;

        status = smmap_cursor_copy(&other, keeper->cursor, keeper->pool);
        if (status == APR_SUCCESS) {
            apr_uint64_t window = keeper->mask + 1 + i;

            status = smmap_cursor_use(other, (apr_off_t)(window * KEEPER_WINDOW), 1);
        }
        if (status == APR_SUCCESS && !keeper->pinning) {
            smmap_cursor_release(other);
        }
    }
    return status;
}

int keeper_open(books_t *books, keeper_t *keeper)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_uint64_t all = 256;
    apr_os_file_t handle;
    apr_status_t status;

    while (all < keeper->windows + keeper->windows / 4 + 64) {
        all *= 2;
    }
    keeper->mask = all - 1;
    keeper->next = 0;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = KEEPER_WINDOW;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = keeper->windows;
    if (!books_hole(books, (apr_off_t)((all + keeper->others) * KEEPER_WINDOW), &handle)) {
        return 0;
    }
    status = apr_pool_create(&keeper->pool, books->pool);
    if (status == APR_SUCCESS) {
        status = smmap_manager_create(&keeper->manager, &options, keeper->pool);
    }
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open_handle(&keeper->cursor, keeper->manager, handle, keeper->pool);
    }
    if (status == APR_SUCCESS) {
        status = open_others(keeper);
    }
    while (status == APR_SUCCESS && keeper->next < all) {
        status = visit(keeper, 64);
    }
    return status == APR_SUCCESS ? 1 : books_complain(books, "filling the windows", status);
}

void keeper_close(keeper_t *keeper)
{
    apr_pool_destroy(keeper->pool);
}

int keeper_measure(books_t *books, keeper_t *keeper, int repetition)
{
    double wanted = books->settings->seconds * APR_USEC_PER_SEC;
    apr_uint64_t missed = misses_of(keeper);
    apr_uint64_t count = 0;
    apr_status_t status = APR_SUCCESS;
    apr_time_t began;
    apr_time_t now;

    status = visit(keeper, CHUNK); /* the processor's caches were someone else's */
    missed += CHUNK;
    began = apr_time_now();
    do {
        if (status == APR_SUCCESS) {
            status = visit(keeper, CHUNK);
        }
        count += CHUNK;
        now = apr_time_now();
    } while (status == APR_SUCCESS && (double)(now - began) < wanted);
    if (status != APR_SUCCESS) {
        return books_complain(books, "a miss", status);
    }
    if (misses_of(keeper) != missed + count) {
        tool_console_error(books->console,
                           "smmap-bookkeeping: %u windows: %" APR_UINT64_T_FMT
                           " calls, but %" APR_UINT64_T_FMT " misses\n",
                           (unsigned)keeper->windows, count, misses_of(keeper) - missed);
        return 0;
    }
    keeper->samples[repetition] = (double)(now - began) * 1000.0 / (double)count;
    return 1;
}

/* As the library asks for a file's size. */
static apr_status_t ask(const asker_t *asker)
{
    apr_os_file_t handle = asker->handle;
    apr_pool_t *scratch;
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t status = apr_pool_create_unmanaged_ex(&scratch, NULL, asker->allocator);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_os_file_put(&file, &handle, APR_FOPEN_READ, scratch);
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(&info,
                                   APR_FINFO_IDENT | APR_FINFO_SIZE | APR_FINFO_TYPE |
                                       APR_FINFO_MTIME | APR_FINFO_CTIME,
                                   file);
    }
    apr_pool_destroy(scratch);
    return status;
}

int asker_open(books_t *books, asker_t *asker)
{
    return books_hole(books, (apr_off_t)KEEPER_WINDOW, &asker->handle) &&
           apr_allocator_create(&asker->allocator) == APR_SUCCESS;
}

void asker_close(asker_t *asker)
{
    apr_allocator_destroy(asker->allocator);
}

int asker_measure(books_t *books, asker_t *asker, int repetition)
{
    double wanted = books->settings->seconds * APR_USEC_PER_SEC;
    apr_status_t status = APR_SUCCESS;
    apr_uint64_t count = 0;
    apr_time_t began = apr_time_now();
    apr_time_t now;

    do {
        int i;

        for (i = 0; i < CHUNK && status == APR_SUCCESS; i++) {
            status = ask(asker);
        }
        count += CHUNK;
        now = apr_time_now();
    } while (status == APR_SUCCESS && (double)(now - began) < wanted);
    asker->samples[repetition] = (double)(now - began) * 1000.0 / (double)count;
    return status == APR_SUCCESS ? 1 : books_complain(books, "measuring a file", status);
}

double keeper_ratio(const keeper_t *keeper, const keeper_t *other, const asker_t *asker, int repeat)
{
    double ratios[BENCH_REPEAT_MOST];
    int i;

    for (i = 0; i < repeat; i++) {
        double minus = asker != NULL ? asker->samples[i] : 0;
        double base = other->samples[i] - minus;

        ratios[i] = base > 0 ? (keeper->samples[i] - minus) / base : 0;
    }
    return bench_percentile(ratios, repeat, 0.5);
}
