/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smmap-fetchcost: what reading ahead gains, and costs.
 *
 *     smmap-fetchcost [FILE]
 *
 * FILE, or a file of 1 GiB that is made in the directory for temporary files and removed again, is
 * read in ways that take turns; printed are medians and the median of the ratios in each turn.
 * "Cold": the system was asked to forget the file before; that it did is seen by what was fetched.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "bench/bench.h"
#include "bench/platform.h"

enum { RANGES = 4096, SMALL = 4096, LARGE = 1 << 20, ROUNDS = 7, BY_HAND = 32, WAYS = 3 };

#define FILE_SIZE ((apr_off_t)1 << 30)
#define AHEAD ((apr_off_t)32 << 20)

typedef struct reading_t {
    apr_pool_t *pool;
    apr_file_t *file;
    apr_os_file_t handle;
    apr_off_t size;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_range_t ranges[RANGES];
    volatile unsigned sum;
} reading_t;

typedef apr_status_t way_t(reading_t *reading);

static apr_status_t touch(reading_t *reading)
{
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; status == APR_SUCCESS && i < RANGES; i++) {
        status = smmap_cursor_use(reading->cursor, reading->ranges[i].offset, 1);
        if (status == APR_SUCCESS) {
            reading->sum += smmap_cursor_data(reading->cursor)[0];
        }
    }
    return status;
}

static apr_status_t fetch_and_touch(reading_t *reading)
{
    apr_status_t status =
        smmap_manager_fetch(reading->manager, reading->ranges, RANGES, 0, NULL, NULL);

    return status == APR_SUCCESS ? touch(reading) : status;
}

typedef struct hand_t {
    reading_t *reading;
    int first;
    apr_thread_t *thread;
} hand_t;

static void *APR_THREAD_FUNC read_share(apr_thread_t *thread, void *data)
{
    const hand_t *hand = data;
    unsigned char bytes[SMALL];
    apr_size_t got;
    int i;

    (void)thread;
    for (i = hand->first; i < RANGES; i += BY_HAND) {
        bench_platform_pread(hand->reading->handle, bytes, SMALL, hand->reading->ranges[i].offset,
                             &got);
    }
    return NULL;
}

/* What the device can do: as many threads as anybody would start, each with its share. */
static apr_status_t by_hand(reading_t *reading)
{
    hand_t hands[BY_HAND];
    apr_status_t status = APR_SUCCESS;
    apr_status_t ended;
    apr_pool_t *pool;
    int count;
    int i;

    apr_pool_create(&pool, reading->pool);
    for (count = 0; status == APR_SUCCESS && count < BY_HAND; count++) {
        hands[count].reading = reading;
        hands[count].first = count;
        status = apr_thread_create(&hands[count].thread, NULL, read_share, &hands[count], pool);
    }
    for (i = 0; i < count - (status != APR_SUCCESS); i++) {
        apr_thread_join(&ended, hands[i].thread);
    }
    apr_pool_destroy(pool);
    return status == APR_SUCCESS ? touch(reading) : status;
}

static apr_status_t in_order(reading_t *reading)
{
    static unsigned char bytes[LARGE];
    apr_status_t status = APR_SUCCESS;
    apr_off_t at;
    apr_size_t got;

    for (at = 0; status == APR_SUCCESS && at < reading->size; at += LARGE) {
        status = bench_platform_pread(reading->handle, bytes, LARGE, at, &got);
        reading->sum += bytes[0];
    }
    return status;
}

static apr_status_t in_order_ahead(reading_t *reading)
{
    static unsigned char bytes[LARGE];
    smmap_range_t next = {NULL, 0, AHEAD};
    apr_status_t status = APR_SUCCESS;
    apr_off_t at;
    apr_size_t got;

    next.cursor = reading->cursor;
    smmap_cursor_hint(reading->cursor, SMMAP_ACCESS_NORMAL);
    for (at = 0; status == APR_SUCCESS && at < reading->size; at += LARGE) {
        if (at % (AHEAD / 2) == 0) {
            next.offset = at;
            status = smmap_manager_fetch(reading->manager, &next, 1, 0, NULL, NULL);
        }
        if (status == APR_SUCCESS) {
            status = smmap_cursor_read(reading->cursor, at, bytes, LARGE, &got);
        }
        reading->sum += bytes[0];
    }
    return status;
}

/* Open the file anew, so that nothing of it is mapped, and choose other places. */
static apr_status_t prepare(reading_t *reading, int cold)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_status_t status;
    int i;

    smmap_cursor_close(reading->cursor);
    smmap_manager_destroy(reading->manager);
    reading->cursor = NULL;
    reading->manager = NULL;
    status = cold ? bench_platform_evict(reading->handle) : APR_SUCCESS;
    if (status == APR_SUCCESS) {
        status = smmap_manager_create(&reading->manager, &options, NULL);
    }
    if (status == APR_SUCCESS) {
        status =
            smmap_cursor_open_handle(&reading->cursor, reading->manager, reading->handle, NULL);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    smmap_cursor_hint(reading->cursor, SMMAP_ACCESS_RANDOM);
    for (i = 0; i < RANGES; i++) {
        apr_uint64_t number = (apr_uint64_t)rand() << 31 ^ (apr_uint64_t)rand();

        reading->ranges[i].cursor = reading->cursor;
        reading->ranges[i].offset =
            (apr_off_t)(number % (apr_uint64_t)(reading->size / SMALL)) * SMALL;
        reading->ranges[i].length = SMALL;
    }
    return cold ? APR_SUCCESS : touch(reading); /* each page has its entry then */
}

/* Milliseconds. */
static apr_status_t measure(reading_t *reading, way_t *way, int cold, double *taken)
{
    apr_status_t status = prepare(reading, cold);
    apr_time_t begin = apr_time_now();

    if (status == APR_SUCCESS) {
        status = way(reading);
    }
    *taken = (double)(apr_time_now() - begin) / 1000;
    return status;
}

typedef struct row_t {
    const char *name;
    int cold;
    const char *names[WAYS];
    way_t *ways[WAYS];   /* the first is what the others are compared with */
    double target[WAYS]; /* how many times as fast as the first; 0: none */
} row_t;

static const row_t table[] = {{"4096 ranges of 4 KiB, random, cold",
                               1,
                               {"touched one by one", "fetched", "read by 32 threads"},
                               {touch, fetch_and_touch, by_hand},
                               {0, 4, 0}},
                              {"the same",
                               1,
                               {"read by 32 threads", "fetched", NULL},
                               {by_hand, fetch_and_touch, NULL},
                               {0, 0.8, 0}},
                              {"4096 ranges of 4 KiB, random, in memory",
                               0,
                               {"touched", "fetched", NULL},
                               {touch, fetch_and_touch, NULL},
                               {0, 1 / 1.3, 0}},
                              {"the file in order, cold",
                               1,
                               {"pread of 1 MiB", "fetched ahead", NULL},
                               {in_order, in_order_ahead, NULL},
                               {0, 1, 0}}};

static apr_status_t print_row(console_t *console, reading_t *reading, const row_t *row)
{
    double taken[WAYS][ROUNDS];
    double ratio[ROUNDS];
    apr_status_t status = APR_SUCCESS;
    int round;
    int way;

    for (round = 0; round < ROUNDS; round++) {
        for (way = 0; way < WAYS && row->ways[way] != NULL; way++) {
            status = measure(reading, row->ways[way], row->cold, &taken[way][round]);
            if (status != APR_SUCCESS) {
                return status;
            }
        }
    }
    console_printf(console, "%s\n", row->name);
    for (way = 0; way < WAYS && row->ways[way] != NULL; way++) {
        for (round = 0; round < ROUNDS; round++) {
            ratio[round] = taken[0][round] / taken[way][round];
        }
        console_printf(console, "  %-20s %10.2f ms", row->names[way],
                       bench_percentile(taken[way], ROUNDS, 0.5));
        if (way > 0) {
            double times = bench_percentile(ratio, ROUNDS, 0.5);

            console_printf(console, "  %6.2f times as fast", times);
            if (row->target[way] > 0) {
                console_printf(console, "; target %.2f %s", row->target[way],
                               times >= row->target[way] ? "met" : "missed");
            }
        }
        console_printf(console, "\n");
    }
    console_flush(console);
    return APR_SUCCESS;
}

static apr_status_t make_file(const char *path, apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, LARGE);
    apr_file_t *file;
    apr_off_t done;
    apr_status_t status = apr_file_open(
        &file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY,
        APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    memset(bytes, 7, LARGE);
    for (done = 0; status == APR_SUCCESS && done < FILE_SIZE; done += LARGE) {
        status = apr_file_write_full(file, bytes, LARGE, NULL);
    }
    if (status == APR_SUCCESS) {
        status = apr_file_sync(file); /* what is not on the disk cannot be forgotten */
    }
    apr_file_close(file);
    return status;
}

static apr_status_t rows(console_t *console, reading_t *reading, const char *path)
{
    apr_finfo_t info;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_status_t status =
        apr_file_open(&reading->file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, reading->pool);
    apr_size_t i;

    if (status == APR_SUCCESS) {
        apr_os_file_get(&reading->handle, reading->file);
        status = apr_file_info_get(&info, APR_FINFO_SIZE, reading->file);
        reading->size = info.size;
    }
    if (status == APR_SUCCESS && reading->size < LARGE) {
        status = SMMAP_ENOTREGULAR;
    }
    for (i = 0; status == APR_SUCCESS && i < sizeof(table) / sizeof(table[0]); i++) {
        status = print_row(console, reading, &table[i]);
    }
    if (status == APR_SUCCESS) {
        smmap_manager_stats(reading->manager, &stats);
        if (stats.fetched_bytes < (apr_uint64_t)reading->size / 2) {
            console_printf(console, "the system kept the file in memory: nothing here was cold\n");
        }
    }
    smmap_cursor_close(reading->cursor);
    smmap_manager_destroy(reading->manager);
    return status;
}

static int run(int argc, const char *const *argv, console_t *console, apr_pool_t *pool)
{
    reading_t *reading = apr_pcalloc(pool, sizeof *reading);
    const char *path = argc > 1 ? argv[1] : NULL;
    const char *directory;
    apr_status_t status = APR_SUCCESS;

    reading->pool = pool;
    if (path == NULL) {
        status = apr_temp_dir_get(&directory, pool);
        if (status == APR_SUCCESS) {
            path = apr_pstrcat(pool, directory, "/smmap-fetchcost.tmp", NULL);
            status = make_file(path, pool);
        }
    }
    if (status == APR_SUCCESS) {
        status = rows(console, reading, path);
    }
    if (argc <= 1 && path != NULL) {
        apr_file_remove(path, pool);
    }
    if (status != APR_SUCCESS) {
        program_fail(console, path != NULL ? path : "a file", status);
        return PROGRAM_ERROR;
    }
    return 0;
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main("smmap-fetchcost", argc, argv, env, run);
}
