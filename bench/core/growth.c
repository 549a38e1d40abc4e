/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must not grow: what an operation costs where there are few of something, and many.
 *
 * Each case has two worlds, with few and with many, measured in turn (few, many, few, many). The
 * ratio is the median of those of the repetitions. It must not pass the case's ceiling. Where what
 * is measured is to be linear, the ratio is that of the costs of each. Times are processor time;
 * where threads wait for each other they are what a clock shows.
 *
 * A ceiling leaves room for noise, and for processor caches, which hold few and not many; a cost
 * that grows with what it should not grow with passes it by far.
 */
#include "bench/core/growth.h"

#include <string.h>

/* How the costs are compared with the ceiling. */
typedef enum growth_how_t {
    GROWTH_FLAT,   /* cost with many / cost with few */
    GROWTH_LINEAR, /* the same of costs divided by how many */
    GROWTH_MOST    /* the cost itself */
} growth_how_t;

typedef struct growth_case_t {
    const char *name;
    const char *unit;   /* of the cost */
    const char *beside; /* what there are few or many of */
    apr_uint32_t few;
    apr_uint32_t many;
    growth_how_t how;
    int once; /* 1: a run is a sample; 0: runs are repeated until time was spent */
    double ceiling;
    growth_step_t *open;
    growth_step_t *run;
} growth_case_t;

#define HUGE_FILE ((apr_off_t)15 << 40)

static const growth_case_t cases[] = {
    {"a hit", "ns", "outdated pinned windows", 0, 10000, GROWTH_FLAT, 0, 1.5, growth_retired_open,
     growth_hits_run},
    {"leaving an outdated window", "ns", "others of the file", 240, 24000, GROWTH_FLAT, 0, 3,
     growth_pins_open, growth_leave_run},
    {"a miss", "ns", "pinned windows, the limit", 3276, 32768, GROWTH_LINEAR, 0, 4,
     growth_full_open, growth_misses_run},
    {"a miss", "fences", "pinned windows, the limit", 3276, 32768, GROWTH_MOST, 1, 10,
     growth_full_open, growth_fences_run},
    {"listing what is pinned", "ns", "pinned windows", 3000, 30000, GROWTH_LINEAR, 0, 4,
     growth_pins_open, growth_pinned_run},
    {"dropping a file", "ns", "files", 180, 18000, GROWTH_FLAT, 0, 3, growth_files_open,
     growth_drop_run},
    {"a move, by a pool of threads", "ns", "cursors", 1000, 100000, GROWTH_FLAT, 0, 20,
     growth_pool_open, growth_pool_run},
    {"closing the oldest", "ns", "cursors of a pool", 640, 64000, GROWTH_FLAT, 0, 3, growth_make,
     growth_close_run},
    {"a hit, static mode, unmappable", "ns", "windows", 32, 2048, GROWTH_FLAT, 0, 3,
     growth_buffered_open, growth_buffered_run},
    {"a hit, auto mode, unmappable", "ns", "windows", 32, 2048, GROWTH_FLAT, 0, 3, growth_auto_open,
     growth_buffered_run},
    {"growth noticed", "ns", "pinned windows elsewhere", 300, 30000, GROWTH_FLAT, 0, 3,
     growth_log_open, growth_log_run},
    {"bookkeeping", "bytes", "bypassed reads", 3200, 320000, GROWTH_FLAT, 1, 2, growth_sparse_open,
     growth_sparse_run},
    {"a require of half the limit", "evictions", "threads that miss", 0, 4, GROWTH_FLAT, 1, 50,
     growth_starved_open, growth_starved_run},
    {"a miss of 8 threads, slow map", "ns", "files", 8, 1, GROWTH_FLAT, 1, 2, growth_slow_open,
     growth_slow_run},
};

static apr_status_t world_open(overhead_t *overhead, const growth_case_t *row, world_t *world)
{
    const smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_uint64_t before = null_backend_bytes();
    apr_status_t status;

    apr_pool_create(&world->pool, overhead->pool);
    world->options = options;
    world->options.mode = SMMAP_MODE_SLIDING;
    world->options.window_size = GROWTH_WINDOW;
    world->options.max_mapped_bytes = SMMAP_UNLIMITED;
    world->options.max_regions = SMMAP_UNLIMITED;
    world->options.max_open_files = SMMAP_UNLIMITED;
    world->others = apr_pcalloc(world->pool, (world->n + 1) * sizeof(smmap_cursor_t *));
    world->files.size = HUGE_FILE;
    null_files = world->files;
    status = row->open(world);
    world->bytes = null_backend_bytes() - before;
    return status;
}

static apr_status_t world_sample(const overhead_t *overhead, const growth_case_t *row,
                                 world_t *world, double *sample)
{
    double wanted = row->once ? 0 : overhead->settings->seconds * 1e9;
    apr_status_t status = APR_SUCCESS;

    null_files = world->files;
    if (!row->once) {
        status = row->run(world); /* the processor's caches were someone else's */
    }
    world->sum = world->count = 0;
    do {
        if (status == APR_SUCCESS) {
            status = row->run(world);
        }
    } while (status == APR_SUCCESS && world->sum < wanted);
    *sample = status == APR_SUCCESS ? world->sum / world->count : 0;
    return status;
}

static void print_row(overhead_t *overhead, const growth_case_t *row, const world_t *few,
                      const world_t *many)
{
    int repeat = overhead->settings->repeat;
    double of_few = bench_percentile(few->samples, repeat, 0.5);
    double of_many = bench_percentile(many->samples, repeat, 0.5);
    double ratios[BENCH_REPEAT_MOST];
    double measured;
    int i;

    for (i = 0; i < repeat; i++) {
        ratios[i] = few->samples[i] > 0 ? many->samples[i] / few->samples[i] : 0;
    }
    measured = row->how == GROWTH_MOST ? of_many : bench_percentile(ratios, repeat, 0.5);
    if (row->how == GROWTH_LINEAR) {
        measured *= (double)few->n / (double)many->n;
    }
    overhead_print(overhead, "  %-30s %-26s %6u %8.0f %7u %9.0f %-9s %7.2f %7.1f%s\n", row->name,
                   row->beside, (unsigned)few->n, of_few, (unsigned)many->n, of_many, row->unit,
                   measured, row->ceiling, measured > row->ceiling ? "  PASSED" : "");
    overhead_add(overhead,
                 "\"measure\":\"growth\",\"operation\":\"%s\",\"unit\":\"%s\",\"beside\":\"%s\","
                 "\"few\":%u,\"with_few\":%.1f,\"many\":%u,\"with_many\":%.1f,"
                 "\"compared\":\"%s\",\"measured\":%.4f,\"ceiling\":%.1f,\"repetitions\":%d",
                 row->name, row->unit, row->beside, (unsigned)few->n, of_few, (unsigned)many->n,
                 of_many,
                 row->how == GROWTH_FLAT     ? "ratio"
                 : row->how == GROWTH_LINEAR ? "ratio of each"
                                             : "with many",
                 measured, row->ceiling, repeat);
    overhead->passed += measured > row->ceiling;
}

static apr_status_t measure(overhead_t *overhead, const growth_case_t *row)
{
    world_t *few = apr_pcalloc(overhead->pool, 2 * sizeof *few);
    world_t *many = few + 1;
    apr_status_t status;
    int i;

    few->n = row->few;
    many->n = row->many >= 1000 && overhead->settings->quick ? row->many / 10 : row->many;
    status = world_open(overhead, row, few);
    if (status == APR_SUCCESS) {
        status = world_open(overhead, row, many);
    }
    for (i = 0; i < overhead->settings->repeat && status == APR_SUCCESS; i++) {
        status = world_sample(overhead, row, few, &few->samples[i]);
        if (status == APR_SUCCESS) {
            status = world_sample(overhead, row, many, &many->samples[i]);
        }
    }
    if (status == APR_SUCCESS) {
        print_row(overhead, row, few, many);
        apr_pool_destroy(few->pool);
        apr_pool_destroy(many->pool);
    }
    return status;
}

int overhead_growth(overhead_t *overhead)
{
    apr_size_t i;

    overhead_print(
        overhead,
        "What an operation costs beside few of something and beside many, median of %d.\n"
        "Compared: with many / with few; where that is linear, of each.\n\n"
        "  %-30s %-26s %6s %8s %7s %9s %-9s %7s %7s\n",
        overhead->settings->repeat, "", "beside", "few", "costs", "many", "costs", "", "compared",
        "ceiling");
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        apr_status_t status = measure(overhead, &cases[i]);

        if (status != APR_SUCCESS) {
            return program_fail(overhead->console, cases[i].name, status);
        }
    }
    memset(&null_files, 0, sizeof null_files);
    overhead_print(overhead, "\n");
    return 1;
}
