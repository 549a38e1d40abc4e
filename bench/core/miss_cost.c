/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a miss costs the library itself: a victim is chosen, taken out of the tables and
 * freed, a region is made and put in, and nothing is mapped at all.
 *
 * For each number of windows there is a full manager: its file has more windows than it
 * keeps, and they are visited in turn, in order or scattered, which is harder on the caches,
 * so that each visit is a miss. All managers are alive together and measured in turn. A
 * second question is the cost with many open cursors, as eviction looks at what the cursors
 * pin.
 *
 * One thing cannot be left out: on each miss the library asks the system for the size of the
 * file, by APR. That takes the same time whatever the number of windows, and would hide how
 * the rest grows. So it is measured by itself, and ratios are shown with and without it.
 */
#include <apr_strings.h>

#include "bench/core/null_backend.h"
#include "bench/core/overhead.h"

#define WINDOW ((apr_size_t)4096)
/* An odd number: multiplied by it, all windows come once, far from each other. */
#define SCATTER APR_UINT64_C(0x9E3779B1)
/* Misses between two looks at the clock. */
#define CHUNK 512

/* The first four are set by the caller of full_open(). */
typedef struct full_manager_t {
    apr_uint32_t windows; /* that are kept */
    int scattered;        /* 1: visited at random; 0: in order */
    apr_uint32_t others;  /* cursors that are open besides the one that visits */
    int pinning;          /* 1: each of them has a window, behind those that are visited */
    apr_pool_t *pool;     /* of all that follows */
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_uint64_t mask; /* windows that are visited in turn, less one */
    apr_uint64_t next;
    double samples[BENCH_REPEAT_MOST];
} full_manager_t;

/* The one system call in a miss: how large the file is. */
typedef struct stat_baseline_t {
    apr_os_file_t handle;
    apr_allocator_t *allocator;
    double samples[BENCH_REPEAT_MOST];
} stat_baseline_t;

/* CHUNK times what is measured. */
typedef apr_status_t chunk_t(void *what);

static apr_status_t visit(void *what)
{
    full_manager_t *full = what;
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < CHUNK && status == APR_SUCCESS; i++) {
        apr_uint64_t window = full->scattered ? full->next * SCATTER : full->next;

        full->next++;
        status = smmap_cursor_use(full->cursor, (apr_off_t)((window & full->mask) * WINDOW), 1);
    }
    return status;
}

/* As the library asks for the size of a file. */
static apr_status_t ask(void *what)
{
    stat_baseline_t *baseline = what;
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < CHUNK && status == APR_SUCCESS; i++) {
        apr_os_file_t handle = baseline->handle;
        apr_pool_t *scratch;
        apr_file_t *file;
        apr_finfo_t info;

        status = apr_pool_create_unmanaged_ex(&scratch, NULL, baseline->allocator);
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
    }
    return status;
}

/* Nanoseconds of one; the number of chunks. */
static apr_status_t sample(const overhead_t *overhead, chunk_t *chunk, void *what, double *taken,
                           apr_uint64_t *chunks)
{
    double wanted = overhead->settings->seconds * APR_USEC_PER_SEC;
    apr_status_t status = chunk(what); /* the processor's caches were someone else's */
    apr_time_t began = apr_time_now();
    apr_time_t now;

    *chunks = 0;
    do {
        if (status == APR_SUCCESS) {
            status = chunk(what);
        }
        ++*chunks;
        now = apr_time_now();
    } while (status == APR_SUCCESS && (double)(now - began) < wanted);
    *taken = (double)(now - began) * 1000.0 / (double)(*chunks * CHUNK);
    return status;
}

static apr_uint64_t misses_of(const full_manager_t *full)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    smmap_manager_stats(full->manager, &stats);
    return stats.misses;
}

/* The other cursors. One that does not pin had a window and released it. */
static apr_status_t open_others(const full_manager_t *full)
{
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    for (i = 0; i < full->others && status == APR_SUCCESS; i++) {
        smmap_cursor_t *other;

        status = smmap_cursor_copy(&other, full->cursor, full->pool);
        if (status == APR_SUCCESS) {
            status = smmap_cursor_use(other, (apr_off_t)((full->mask + 1 + i) * WINDOW), 1);
        }
        if (status == APR_SUCCESS && !full->pinning) {
            smmap_cursor_release(other);
        }
    }
    return status;
}

/* 0: failed, and that was printed. */
static int full_open(overhead_t *overhead, full_manager_t *full)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_uint64_t all = CHUNK;
    apr_os_file_t handle;
    apr_status_t status;

    while (all < full->windows + full->windows / 4 + 64) {
        all *= 2;
    }
    full->mask = all - 1;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = WINDOW;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = full->windows;
    if (!overhead_hole(overhead, (apr_off_t)((all + full->others) * WINDOW), &handle)) {
        return 0;
    }
    apr_pool_create(&full->pool, overhead->pool);
    status = smmap_manager_create(&full->manager, &options, full->pool);
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open_handle(&full->cursor, full->manager, handle, full->pool);
    }
    if (status == APR_SUCCESS) {
        status = open_others(full);
    }
    while (status == APR_SUCCESS && full->next < all) {
        status = visit(full);
    }
    return status == APR_SUCCESS ? 1
                                 : program_fail(overhead->console, "filling the windows", status);
}

static int full_measure(overhead_t *overhead, full_manager_t *full, int repetition)
{
    apr_uint64_t before = misses_of(full);
    apr_uint64_t chunks;
    apr_status_t status = sample(overhead, visit, full, &full->samples[repetition], &chunks);

    if (status != APR_SUCCESS) {
        return program_fail(overhead->console, "a miss", status);
    }
    if (misses_of(full) - before != (chunks + 1) * CHUNK) {
        console_error(
            overhead->console,
            "%s: %u windows: %" APR_UINT64_T_FMT " calls, but %" APR_UINT64_T_FMT " misses\n",
            program_name, (unsigned)full->windows, (chunks + 1) * CHUNK, misses_of(full) - before);
        return 0;
    }
    return 1;
}

/* Open all managers and measure them in turns, and the baseline. 0: failed, and that was
   printed. */
static int measure_all(overhead_t *overhead, full_manager_t *managers, int count,
                       stat_baseline_t *baseline)
{
    int repetition;
    int i;

    for (i = 0; i < count; i++) {
        if (!full_open(overhead, &managers[i])) {
            return 0;
        }
    }
    if (!overhead_hole(overhead, (apr_off_t)WINDOW, &baseline->handle) ||
        apr_allocator_create(&baseline->allocator) != APR_SUCCESS) {
        return 0;
    }
    for (repetition = 0; repetition < overhead->settings->repeat; repetition++) {
        apr_uint64_t chunks;
        apr_status_t status =
            sample(overhead, ask, baseline, &baseline->samples[repetition], &chunks);

        if (status != APR_SUCCESS) {
            return program_fail(overhead->console, "asking for the size of a file", status);
        }
        for (i = 0; i < count; i++) {
            if (!full_measure(overhead, &managers[i], repetition)) {
                return 0;
            }
        }
    }
    return 1;
}

static int close_all(overhead_t *overhead, full_manager_t *managers, int count,
                     stat_baseline_t *baseline)
{
    int i;

    apr_allocator_destroy(baseline->allocator);
    for (i = 0; i < count; i++) {
        apr_pool_destroy(managers[i].pool);
    }
    overhead_print(overhead, "\n");
    if (null_backend_alive() != 0) {
        console_error(overhead->console, "%s: %" APR_UINT64_T_FMT " mappings were leaked\n",
                      program_name, null_backend_alive());
        return 0;
    }
    return 1;
}

/* How much longer than another manager's a miss takes, the median of the ratios within each
   repetition. baseline: subtracted from both; NULL: nothing is. */
static double ratio_of(const full_manager_t *full, const full_manager_t *other,
                       const stat_baseline_t *baseline, int repeat)
{
    double ratios[BENCH_REPEAT_MOST];
    int i;

    for (i = 0; i < repeat; i++) {
        double minus = baseline != NULL ? baseline->samples[i] : 0;
        double base = other->samples[i] - minus;

        ratios[i] = base > 0 ? (full->samples[i] - minus) / base : 0;
    }
    return bench_percentile(ratios, repeat, 0.5);
}

static void print_windows(overhead_t *overhead, const full_manager_t *full,
                          const full_manager_t *smallest, const stat_baseline_t *baseline)
{
    int repeat = overhead->settings->repeat;
    double asking = bench_percentile(baseline->samples, repeat, 0.5);
    double median = bench_percentile(full->samples, repeat, 0.5);
    double spread = (bench_percentile(full->samples, repeat, 0.9) -
                     bench_percentile(full->samples, repeat, 0.1)) /
                    median;
    double whole = ratio_of(full, smallest, NULL, repeat);
    double own = ratio_of(full, smallest, baseline, repeat);
    const char *order = full->scattered ? "scattered" : "in order";

    overhead_print(overhead, "  %9u  %-10s %7.0f %6.0f %% %7.0f %10.2f %13.2f\n",
                   (unsigned)full->windows, order, median, spread * 100, median - asking, whole,
                   own);
    overhead_add(overhead,
                 "\"measure\":\"miss_cost\",\"windows\":%u,\"order\":\"%s\","
                 "\"ns_per_miss\":%.1f,\"spread\":%.4f,\"ratio_to_100\":%.4f,"
                 "\"own_ns_per_miss\":%.1f,\"own_ratio_to_100\":%.4f,"
                 "\"asking_ns\":%.1f,\"repetitions\":%d",
                 (unsigned)full->windows, order, median, spread, whole, median - asking, own,
                 asking, repeat);
    if (full->windows == 1000000) {
        overhead_target(overhead, "own time of a miss, 1 000 000 windows / 100", 1.5, own, order);
    }
}

/* With more and more windows. */
static int cost_of_windows(overhead_t *overhead)
{
    static const apr_uint32_t sizes[] = {100, 1000, 10000, 100000, 1000000};
    const int size_count = sizeof(sizes) / sizeof(sizes[0]);
    full_manager_t *managers =
        apr_pcalloc(overhead->pool, 2 * (apr_size_t)size_count * sizeof(*managers));
    stat_baseline_t baseline;
    int count = 0;
    int i;

    for (i = 0; i < 2 * size_count; i++) {
        if (sizes[i % size_count] <= (apr_uint32_t)overhead->settings->most_windows) {
            managers[count].windows = sizes[i % size_count];
            managers[count++].scattered = i >= size_count;
        }
    }
    if (!measure_all(overhead, managers, count, &baseline)) {
        return 0;
    }
    overhead_print(overhead,
                   "Time of a miss (evict and map) without an operating system, median of %d.\n"
                   "own: less %.0f ns, in which the system is asked for the size of the file.\n\n"
                   "    windows  visited         ns  spread     own  x 100 win.  own x 100 win.\n",
                   overhead->settings->repeat,
                   bench_percentile(baseline.samples, overhead->settings->repeat, 0.5));
    for (i = 0; i < count; i++) {
        print_windows(overhead, &managers[i], &managers[i < count / 2 ? 0 : count / 2], &baseline);
    }
    return close_all(overhead, managers, count, &baseline);
}

/* With more and more cursors, empty and pinning; twice as many windows as cursors. */
static int cost_of_cursors(overhead_t *overhead)
{
    enum { COUNT = 4, WINDOWS = 20000 };
    full_manager_t *managers = apr_pcalloc(overhead->pool, COUNT * sizeof(*managers));
    int repeat = overhead->settings->repeat;
    stat_baseline_t baseline;
    int i;

    for (i = 0; i < COUNT; i++) {
        managers[i].windows = WINDOWS;
        managers[i].others = i % 2 == 0 ? 10 : 10000;
        managers[i].pinning = i >= 2;
    }
    if (!measure_all(overhead, managers, COUNT, &baseline)) {
        return 0;
    }
    overhead_print(overhead,
                   "The same, %d windows in order, with other cursors open.\n\n"
                   "    cursors                   ns     own   own x 10 cursors\n",
                   WINDOWS);
    for (i = 0; i < COUNT; i++) {
        const full_manager_t *full = &managers[i];
        double median = bench_percentile(full->samples, repeat, 0.5);
        double own = median - bench_percentile(baseline.samples, repeat, 0.5);
        double ratio = ratio_of(full, &managers[i - i % 2], &baseline, repeat);

        overhead_print(overhead, "  %9u  %-13s %7.0f %7.0f %18.2f\n", (unsigned)full->others,
                       full->pinning ? "with a window" : "empty", median, own, ratio);
        overhead_add(overhead,
                     "\"measure\":\"cursors\",\"cursors\":%u,\"pinning\":%s,\"windows\":%u,"
                     "\"ns_per_miss\":%.1f,\"own_ns_per_miss\":%.1f,\"own_ratio_to_10\":%.4f",
                     (unsigned)full->others, full->pinning ? "true" : "false",
                     (unsigned)full->windows, median, own, ratio);
    }
    return close_all(overhead, managers, COUNT, &baseline);
}

int overhead_cost(overhead_t *overhead)
{
    return cost_of_windows(overhead) && cost_of_cursors(overhead);
}
