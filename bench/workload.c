/*
 * The workloads, and what each of them needs: which file, which windows, which
 * limits, and where the accesses go.
 *
 * Windows are powers of two, the largest of which the wanted number fits into the
 * file, and the accesses keep to those windows; so all contenders, the raw pointer
 * too, read the same bytes of a range that no other number of windows is behind.
 */
#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/platform.h"
#include "bench/zipf.h"
#include "tools/size.h"

/* The window in which single bytes are read one after the other, and the hot ones. */
#define ONE_WINDOW ((apr_uint64_t)1 << 20)
/* The part of a hot window that is read: it stays in the processor's first cache. */
#define HOT_PART ((apr_uint64_t)4096)
/* The library's own default of sliding mode. */
#define DEFAULT_WINDOW ((apr_uint64_t)1 << 30)
#define DEFAULT_LIMIT ((apr_uint64_t)8 << 30)
/* A cold pass reads no more than this. */
#define COLD_MOST ((apr_off_t)1 << 30)

#define MANY_FILES 100000
#define MANY_FILES_QUICK 1000

const bench_workload_t bench_workloads[] = {
    {.name = "bytes-in-order",
     .title = "single bytes in order, inside one window",
     .kind = BENCH_BYTES,
     .windows = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "bytes-random",
     .title = "single bytes at random, inside one window",
     .kind = BENCH_RANDOM,
     .windows = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "random-35",
     .title = "random bytes over 35 windows",
     .kind = BENCH_RANDOM,
     .windows = 35,
     .threads = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "random-650",
     .title = "random bytes over 650 windows",
     .kind = BENCH_RANDOM,
     .windows = 650,
     .threads = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "random-2600",
     .title = "random bytes over 2600 windows",
     .kind = BENCH_RANDOM,
     .windows = 2600,
     .threads = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "random-100000",
     .title = "random bytes over 100 000 windows",
     .kind = BENCH_RANDOM,
     .windows = 100000,
     .threads = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "hot-2",
     .title = "two hot windows in turn",
     .kind = BENCH_RANDOM,
     .windows = 2,
     .threads = 1,
     .hot = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "seq-warm",
     .title = "the file in order, in memory (per 4 KiB)",
     .kind = BENCH_STREAM,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "seq-cold",
     .title = "the file in order, from its disk (per 4 KiB)",
     .kind = BENCH_STREAM,
     .cold = 1,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "copy-uniform",
     .title = "copies of 4 KiB, limit 1/8 of the file, uniform",
     .kind = BENCH_COPY,
     .part = 8,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "copy-zipf",
     .title = "copies of 4 KiB, limit 1/8 of the file, Zipf 0.99",
     .kind = BENCH_COPY,
     .part = 8,
     .zipf = 0.99,
     .limit = "raw",
     .versus = "x raw"},
    {.name = "miss-100",
     .title = "evict and map, 100 windows kept",
     .kind = BENCH_MISS,
     .windows = 100,
     .limit = "map-unmap",
     .versus = "x map"},
    {.name = "miss-10000",
     .title = "evict and map, 10 000 windows kept",
     .kind = BENCH_MISS,
     .windows = 10000,
     .limit = "map-unmap",
     .versus = "x map"},
    {.name = "miss-1000000",
     .title = "evict and map, 1 000 000 windows kept",
     .kind = BENCH_MISS,
     .windows = 1000000,
     .limit = "map-unmap",
     .versus = "x map"},
    {.name = "files",
     .title = "open, read a byte, close: many files",
     .kind = BENCH_FILES,
     .limit = "open-read",
     .versus = "x open"},
    {.name = NULL}};

/* The accesses go to [0, range). */
static void aim(bench_pattern_t *pattern, apr_uint64_t range)
{
    while ((range >> pattern->unit_shift) >= ((apr_uint64_t)1 << 32)) {
        pattern->unit_shift++;
    }
    pattern->units = range >> pattern->unit_shift;
    pattern->unit_mask = ((apr_uint64_t)1 << pattern->unit_shift) - 1;
}

static const char *prepare_windows(bench_job_t *job)
{
    const bench_workload_t *workload = job->workload;
    apr_uint64_t granularity = smmap_granularity();
    apr_uint64_t size = (apr_uint64_t)job->data->size;
    apr_uint64_t most = workload->windows > 2 ? size / workload->windows : ONE_WINDOW;
    apr_uint64_t window = granularity;

    if (size / granularity < workload->windows) {
        return apr_psprintf(job->pool,
                            "the file has room for %" APR_UINT64_T_FMT " windows, not more",
                            size / granularity);
    }
    while (window * 2 <= most && window * 2 * workload->windows <= size) {
        window *= 2;
    }
    job->window_size = (apr_size_t)window;
    job->windows = workload->windows;
    job->pattern.wrap = window;
    if (workload->hot) {
        job->pattern.stride = window;
        aim(&job->pattern, HOT_PART);
    } else {
        aim(&job->pattern, window * workload->windows);
    }
    return NULL;
}

/* Windows as the library chooses them under a limit, if the user does not. */
static void choose_window(bench_job_t *job, apr_uint64_t limit)
{
    apr_uint64_t granularity = smmap_granularity();
    apr_uint64_t window = job->bench->settings->window_size;

    if (window == 0) {
        window = limit / 8 < DEFAULT_WINDOW ? limit / 8 : DEFAULT_WINDOW;
    }
    window -= window % granularity;
    job->window_size = (apr_size_t)(window > granularity ? window : granularity);
    job->max_mapped_bytes = (apr_size_t)limit;
}

static const char *prepare_stream(bench_job_t *job)
{
    apr_off_t length = job->data->size;

    if (job->workload->cold && length > COLD_MOST) {
        length = COLD_MOST;
    }
    job->pattern.length = (apr_uint64_t)length;
    choose_window(job, DEFAULT_LIMIT < APR_SIZE_MAX / 4 ? DEFAULT_LIMIT : APR_SIZE_MAX / 4);
    job->expected = bench_expect_stream(job->data, job->pattern.length);
    if (job->workload->cold && !bench_data_let_go(job->bench)) {
        return "the file could not be mapped again";
    }
    return NULL;
}

static const char *prepare_copy(bench_job_t *job)
{
    const bench_workload_t *workload = job->workload;
    apr_uint64_t limit = (apr_uint64_t)job->data->size / (apr_uint64_t)workload->part;
    apr_uint64_t all = (apr_uint64_t)job->data->size / BENCH_BLOCK;
    apr_uint32_t count = (apr_uint32_t)(all < 0xffffffffu ? all : 0xffffffffu);
    apr_uint32_t list = job->bench->settings->quick ? 1u << 16 : 1u << 20;
    apr_uint32_t *blocks = apr_palloc(job->pool, list * sizeof(*blocks));
    apr_uint32_t i;

    if (limit / 8 < smmap_granularity()) {
        return "the file is too small: an eighth of it is less than eight windows";
    }
    choose_window(job, limit);
    if (workload->zipf > 0) {
        /* What is asked for often stands anywhere in the file. */
        apr_uint32_t *order = bench_shuffle(count, 1, job->pool);
        double *table = bench_zipf_make(count, workload->zipf, job->pool);

        for (i = 0; i < list; i++) {
            blocks[i] = order[bench_zipf_pick(table, count, bench_part(2, i))];
        }
    } else {
        for (i = 0; i < list; i++) {
            blocks[i] = (apr_uint32_t)(bench_part(3, i) * (double)count);
        }
    }
    job->pattern.blocks = blocks;
    job->pattern.block_mask = list - 1;
    return NULL;
}

static const char *prepare_miss(bench_job_t *job, int *fatal)
{
    apr_uint64_t windows = job->workload->windows;
    apr_uint64_t granularity = smmap_granularity();
    apr_uint64_t memory = bench_platform_memory();

    if (job->bench->settings->quick && windows > 100000) {
        return "--quick does without";
    }
    /* In turn, and a quarter more than is kept: what comes next was just evicted. */
    job->pattern.wrap = windows + windows / 4 + 64;
    job->pattern.length = granularity;
    job->windows = windows;
    job->window_size = (apr_size_t)granularity;
    if (job->pattern.wrap > APR_SIZE_MAX / 4 / granularity) {
        return "so many windows are more than the address space";
    }
    job->max_mapped_bytes = (apr_size_t)(windows * granularity);
    job->max_regions = (apr_size_t)windows;
    if (memory != 0 && job->pattern.wrap * granularity > memory / 2) {
        return "the pages of so many windows would take more than half of the memory";
    }
    if (!bench_sparse_open(job->bench, (apr_off_t)(job->pattern.wrap * granularity))) {
        *fatal = 1;
        return "the sparse file could not be made";
    }
    job->data = &job->bench->sparse;
    return NULL;
}

static const char *prepare_files(bench_job_t *job, int *fatal)
{
    apr_uint32_t count = job->bench->settings->quick ? MANY_FILES_QUICK : MANY_FILES;

    if (!bench_files_open(job->bench, count)) {
        *fatal = 1;
        return "the files could not be made";
    }
    job->pattern.files = &job->bench->files;
    job->max_open_files = count / 400;
    choose_window(job, DEFAULT_LIMIT < APR_SIZE_MAX / 4 ? DEFAULT_LIMIT : APR_SIZE_MAX / 4);
    job->max_regions = SMMAP_DEFAULT;
    return NULL;
}

const char *bench_job_prepare(bench_job_t *job, bench_t *bench, const bench_workload_t *workload,
                              apr_pool_t *pool, int *fatal)
{
    bench_job_t empty = {.bench = bench,
                         .workload = workload,
                         .max_mapped_bytes = SMMAP_UNLIMITED,
                         .max_regions = SMMAP_UNLIMITED,
                         .pool = pool};

    *job = empty;
    *fatal = 0;
    if (workload->kind == BENCH_MISS) {
        return prepare_miss(job, fatal);
    }
    if (workload->kind == BENCH_FILES) {
        return prepare_files(job, fatal);
    }
    if (!bench_data_open(bench)) {
        *fatal = 1;
        return "there is no file to read";
    }
    job->data = &bench->data;
    switch (workload->kind) {
    case BENCH_STREAM:
        return prepare_stream(job);
    case BENCH_COPY:
        return prepare_copy(job);
    default:
        return prepare_windows(job);
    }
}
