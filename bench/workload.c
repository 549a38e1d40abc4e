/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The workloads, and what each of them needs: which file, which windows, which limits, and
 * where the accesses go.
 *
 * Windows are powers of two, as large as the file has room for, and the accesses stay in
 * those windows; so all contenders, the raw pointer too, read the same bytes.
 */
#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/platform.h"
#include "bench/zipf.h"
#include "cli/size.h"

/* The window in which single bytes are read one after the other, and the hot ones. */
#define ONE_WINDOW ((apr_uint64_t)1 << 20)
/* The part of a hot window that is read: it stays in the processor's first cache. */
#define HOT_PART ((apr_uint64_t)4096)
/* The library's own default of sliding mode. */
#define DEFAULT_WINDOW ((apr_uint64_t)1 << 30)
#define DEFAULT_LIMIT ((apr_uint64_t)8 << 30)
/* A cold pass reads no more than this. */
#define COLD_MOST ((apr_off_t)1 << 30)

#define RANDOM(name, title, windows, threads, hot)                                \
    {                                                                             \
        name, title, BENCH_RANDOM, windows, threads, hot, 0, 0, 0, "raw", "x raw" \
    }
#define STREAM(name, title, cold)                                      \
    {                                                                  \
        name, title, BENCH_STREAM, 0, 0, 0, cold, 0, 0, "raw", "x raw" \
    }
#define COPY(name, title, zipf)                                      \
    {                                                                \
        name, title, BENCH_COPY, 0, 0, 0, 0, 8, zipf, "raw", "x raw" \
    }
#define MISS(name, title, windows)                                            \
    {                                                                         \
        name, title, BENCH_MISS, windows, 0, 0, 0, 0, 0, "map-unmap", "x map" \
    }

const bench_workload_t bench_workloads[] = {
    {"bytes-in-order", "single bytes in order, inside one window", BENCH_BYTES, 1, 0, 0, 0, 0, 0,
     "raw", "x raw"},
    RANDOM("bytes-random", "single bytes at random, inside one window", 1, 0, 0),
    RANDOM("random-35", "random bytes over 35 windows", 35, 1, 0),
    RANDOM("random-650", "random bytes over 650 windows", 650, 1, 0),
    RANDOM("random-2600", "random bytes over 2600 windows", 2600, 1, 0),
    RANDOM("random-100000", "random bytes over 100 000 windows", 100000, 1, 0),
    RANDOM("hot-2", "two hot windows in turn", 2, 1, 1),
    STREAM("seq-warm", "the file in order, in memory (per 4 KiB)", 0),
    STREAM("seq-cold", "the file in order, from its disk (per 4 KiB)", 1),
    COPY("copy-uniform", "copies of 4 KiB, limit 1/8 of the file, uniform", 0),
    COPY("copy-zipf", "copies of 4 KiB, limit 1/8 of the file, Zipf 0.99", 0.99),
    MISS("miss-100", "evict and map, 100 windows kept", 100),
    MISS("miss-10000", "evict and map, 10 000 windows kept", 10000),
    MISS("miss-1000000", "evict and map, 1 000 000 windows kept", 1000000),
    {NULL, NULL, BENCH_KINDS, 0, 0, 0, 0, 0, 0, NULL, NULL}};

/* The accesses go to [0, range). */
static void aim(bench_pattern_t *pattern, apr_uint64_t range)
{
    while ((range >> pattern->unit_shift) >= ((apr_uint64_t)1 << 32)) {
        pattern->unit_shift++;
    }
    pattern->units = range >> pattern->unit_shift;
    pattern->unit_mask = ((apr_uint64_t)1 << pattern->unit_shift) - 1;
}

static const char *prepare_windows(bench_case_t *test)
{
    const bench_workload_t *workload = test->workload;
    apr_uint64_t granularity = smmap_granularity();
    apr_uint64_t size = (apr_uint64_t)test->data->size;
    apr_uint64_t most = workload->windows > 2 ? size / workload->windows : ONE_WINDOW;
    apr_uint64_t window = granularity;

    if (size / granularity < workload->windows) {
        return apr_psprintf(test->pool,
                            "the file has room for %" APR_UINT64_T_FMT " windows, not more",
                            size / granularity);
    }
    while (window * 2 <= most && window * 2 * workload->windows <= size) {
        window *= 2;
    }
    test->window_size = (apr_size_t)window;
    test->windows = workload->windows;
    test->pattern.wrap = window;
    if (workload->hot) {
        test->pattern.stride = window;
        aim(&test->pattern, HOT_PART);
    } else {
        aim(&test->pattern, window * workload->windows);
    }
    return NULL;
}

/* Windows as the library chooses them under a limit, if the user does not. */
static void choose_window(bench_case_t *test, apr_uint64_t limit)
{
    apr_uint64_t granularity = smmap_granularity();
    apr_uint64_t window = test->bench->settings->window_size;

    if (window == 0) {
        window = limit / 8 < DEFAULT_WINDOW ? limit / 8 : DEFAULT_WINDOW;
    }
    window -= window % granularity;
    test->window_size = (apr_size_t)(window > granularity ? window : granularity);
    test->max_mapped_bytes = (apr_size_t)limit;
}

static const char *prepare_stream(bench_case_t *test)
{
    apr_off_t length = test->data->size;

    if (test->workload->cold && length > COLD_MOST) {
        length = COLD_MOST;
    }
    test->pattern.length = (apr_uint64_t)length;
    choose_window(test, DEFAULT_LIMIT < APR_SIZE_MAX / 4 ? DEFAULT_LIMIT : APR_SIZE_MAX / 4);
    test->expected = bench_expect_stream(test->data, test->pattern.length);
    if (test->workload->cold && !bench_data_let_go(test->bench)) {
        return "the file could not be mapped again";
    }
    return NULL;
}

static const char *prepare_copy(bench_case_t *test)
{
    const bench_workload_t *workload = test->workload;
    apr_uint64_t limit = (apr_uint64_t)test->data->size / (apr_uint64_t)workload->part;
    apr_uint64_t all = (apr_uint64_t)test->data->size / BENCH_BLOCK;
    apr_uint32_t count = (apr_uint32_t)(all < 0xffffffffu ? all : 0xffffffffu);
    apr_uint32_t list = test->bench->settings->quick ? 1u << 16 : 1u << 20;
    apr_uint32_t *blocks = apr_palloc(test->pool, list * sizeof(*blocks));
    apr_uint32_t i;

    if (limit / 8 < smmap_granularity()) {
        return "the file is too small: an eighth of it is less than eight windows";
    }
    choose_window(test, limit);
    if (workload->zipf > 0) {
        /* What is asked for often stands anywhere in the file. */
        apr_uint32_t *order = bench_shuffle(count, 1, test->pool);
        double *table = bench_zipf_make(count, workload->zipf, test->pool);

        for (i = 0; i < list; i++) {
            blocks[i] = order[bench_zipf_pick(table, count, bench_part(2, i))];
        }
    } else {
        for (i = 0; i < list; i++) {
            blocks[i] = (apr_uint32_t)(bench_part(3, i) * (double)count);
        }
    }
    test->pattern.blocks = blocks;
    test->pattern.block_mask = list - 1;
    return NULL;
}

static const char *prepare_miss(bench_case_t *test, int *fatal)
{
    apr_uint64_t windows = test->workload->windows;
    apr_uint64_t granularity = smmap_granularity();
    apr_uint64_t memory = bench_platform_memory();

    if (test->bench->settings->quick && windows > 100000) {
        return "--quick does without";
    }
    /* In turn, and a quarter more than is kept: what comes next was just evicted. */
    test->pattern.wrap = windows + windows / 4 + 64;
    test->pattern.length = granularity;
    test->windows = windows;
    test->window_size = (apr_size_t)granularity;
    if (test->pattern.wrap > APR_SIZE_MAX / 4 / granularity) {
        return "so many windows are more than the address space";
    }
    test->max_mapped_bytes = (apr_size_t)(windows * granularity);
    test->max_regions = (apr_size_t)windows;
    if (memory != 0 && test->pattern.wrap * granularity > memory / 2) {
        return "the pages of so many windows would take more than half of the memory";
    }
    if (!bench_sparse_open(test->bench, (apr_off_t)(test->pattern.wrap * granularity))) {
        *fatal = 1;
        return "the sparse file could not be made";
    }
    test->data = &test->bench->sparse;
    return NULL;
}

const char *bench_case_prepare(bench_case_t *test, bench_t *bench, const bench_workload_t *workload,
                               apr_pool_t *pool, int *fatal)
{
    bench_case_t empty = {.bench = bench,
                          .workload = workload,
                          .max_mapped_bytes = SMMAP_UNLIMITED,
                          .max_regions = SMMAP_UNLIMITED,
                          .pool = pool};

    *test = empty;
    *fatal = 0;
    if (workload->kind == BENCH_MISS) {
        return prepare_miss(test, fatal);
    }
    if (!bench_data_open(bench)) {
        *fatal = 1;
        return "there is no file to read";
    }
    test->data = &bench->data;
    switch (workload->kind) {
    case BENCH_STREAM:
        return prepare_stream(test);
    case BENCH_COPY:
        return prepare_copy(test);
    default:
        return prepare_windows(test);
    }
}
