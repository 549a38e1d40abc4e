/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setting up a contender for a case.
 *
 * Before anything is measured, each runner has touched the pages that it keeps mapped, has
 * the windows that the workload is about, and has shown bytes from all over the file, which
 * are compared one by one. A runner that cannot do that is skipped, with the reason, and the
 * others continue.
 */
#include <apr_strings.h>

#include "bench/contenders/loop.h"
#include "bench/platform.h"

/* Places in the file that each contender has to show. */
#define PLACES 64

const char *bench_reason(bench_runner_t *runner, const char *text, apr_status_t status)
{
    char reason[256];

    return apr_pstrcat(runner->test->pool, text, ": ",
                       smmap_strerror(status, reason, sizeof(reason)), NULL);
}

/* The bytes that the accesses of a test go to: [begin, begin + this). */
static apr_uint64_t range_of(const bench_case_t *test)
{
    switch (test->workload->kind) {
    case BENCH_BYTES:
    case BENCH_RANDOM:
        return test->windows * test->window_size;
    case BENCH_STREAM:
        return test->pattern.length;
    default:
        return (apr_uint64_t)test->data->size;
    }
}

/* Have every page known to this process. */
static const char *touch(bench_runner_t *runner)
{
    bench_worker_t *worker = &runner->workers[0];
    apr_off_t end = runner->test->pattern.begin + (apr_off_t)range_of(runner->test);
    apr_off_t at = runner->test->pattern.begin;
    volatile unsigned char last = 0;

    while (at < end) {
        apr_size_t page = smmap_page_size();
        apr_size_t got;
        apr_size_t done;
        apr_size_t most =
            end - at < ((apr_off_t)1 << 30) ? (apr_size_t)(end - at) : (apr_size_t)1 << 30;
        const unsigned char *data = runner->contender->extent(worker, at, most, &got);

        if (data == NULL) {
            return bench_reason(runner, "the windows cannot all be mapped", worker->status);
        }
        for (done = 0; done < got; done += page) {
            last = data[done];
        }
        at += (apr_off_t)got;
    }
    (void)last;
    return NULL;
}

/* Compare bytes at places all over the file. 0: some are wrong. */
static int show_places(bench_runner_t *runner)
{
    bench_worker_t *worker = &runner->workers[0];
    const bench_data_t *data = runner->test->data;
    apr_uint64_t range = range_of(runner->test);
    apr_uint64_t i;

    for (i = 0; i < PLACES; i++) {
        /* The last place is the last byte. */
        apr_uint64_t at = i + 1 < PLACES ? bench_hash(i + 1) % range : range - 1;
        apr_off_t offset = runner->test->pattern.begin + (apr_off_t)at;
        apr_uint64_t left = range - at;
        apr_size_t got;
        const unsigned char *bytes = runner->contender->extent(
            worker, offset, left < BENCH_BLOCK ? (apr_size_t)left : BENCH_BLOCK, &got);

        if (bytes == NULL || !bench_expect_bytes(data, offset, bytes, got)) {
            return 0;
        }
    }
    return 1;
}

/* So many misses that each window is one that was evicted before. */
static const char *fill_windows(bench_runner_t *runner)
{
    bench_worker_t *worker = &runner->workers[0];
    const bench_case_t *test = runner->test;
    bench_counts_t counts = {0, 0, 0, 0, 0, 0};

    while (worker->next < test->pattern.wrap) {
        apr_uint64_t part = test->pattern.wrap - worker->next;
        apr_status_t status;

        part = part < 1000 ? part : 1000;
        status = runner->contender->loops[BENCH_MISS](worker, worker->next, part);
        if (status != APR_SUCCESS) {
            return bench_reason(runner, "the windows cannot all be mapped", status);
        }
        worker->next += part;
        if (!bench_progress_at(test->bench, runner->contender->name)) {
            return "interrupted";
        }
        if (runner->contender->count != NULL) {
            runner->contender->count(runner, &counts);
            if (counts.evictions > 0 && worker->next < test->windows) {
                break; /* the system did not let it go on; see check_windows() */
            }
        }
    }
    return NULL;
}

/* Are there the windows that the workload is about? */
static const char *check_windows(bench_runner_t *runner)
{
    const bench_case_t *test = runner->test;
    bench_counts_t counts = {0, 0, 0, 0, 0, 0};
    apr_uint64_t least;

    if (test->windows == 0 || runner->contender->count == NULL ||
        (runner->contender->flags & BENCH_WHOLE) != 0) {
        return NULL;
    }
    runner->contender->count(runner, &counts);
    /* Where windows are evicted, some more may go than have to. */
    least = test->workload->kind == BENCH_MISS ? test->windows - test->windows / 50 : test->windows;
    if (test->workload->kind == BENCH_MISS && least > 32) {
        least -= 32;
    }
    if (counts.windows >= least) {
        return NULL;
    }
    return apr_psprintf(test->pool,
                        "the system lets this process have %" APR_UINT64_T_FMT
                        " maps of the %" APR_UINT64_T_FMT
                        " that it takes (Linux: sysctl vm.max_map_count)",
                        counts.most_windows, test->windows);
}

static const char *get_ready(bench_runner_t *runner)
{
    const bench_contender_t *contender = runner->contender;
    bench_kind_t kind = runner->test->workload->kind;
    const char *skip = contender->open(runner);

    if (skip != NULL || runner->test->workload->cold) {
        return skip;
    }
    if (kind == BENCH_MISS) {
        if ((contender->flags & BENCH_OWN_CLOCK) != 0 && runner->test->windows > 20000) {
            return "an eviction looks at each window: filling them would take hours";
        }
        skip = (contender->flags & BENCH_KEEPS) != 0 || (contender->flags & BENCH_OWN_CLOCK) != 0
                   ? fill_windows(runner)
                   : NULL;
    } else if ((contender->flags & BENCH_KEEPS) != 0) {
        skip = touch(runner);
    }
    return skip != NULL ? skip : check_windows(runner);
}

void bench_runner_open(bench_runner_t *runner, const bench_case_t *test,
                       const bench_contender_t *contender, int workers, apr_pool_t *pool)
{
    apr_int64_t huge = bench_platform_huge();
    int i;

    memset(runner, 0, sizeof(*runner));
    runner->contender = contender;
    runner->test = test;
    runner->huge_bytes = -1;
    apr_pool_create(&runner->pool, pool);
    runner->workers = apr_pcalloc(runner->pool, (apr_size_t)workers * sizeof(*runner->workers));
    runner->worker_count = workers;
    for (i = 0; i < workers; i++) {
        bench_worker_t *worker = &runner->workers[i];
        unsigned char *memory = apr_pcalloc(runner->pool, 2 * BENCH_BLOCK);

        worker->runner = runner;
        worker->pattern = &test->pattern;
        worker->block = memory + (BENCH_BLOCK - (apr_uintptr_t)memory % BENCH_BLOCK);
        /* Each worker has numbers of its own, so that two threads do not read the same. */
        worker->next = (apr_uint64_t)i << 40;
        apr_pool_create_unmanaged_ex(&worker->pool, apr_pool_abort_get(pool), NULL);
    }
    runner->skip = get_ready(runner);
    if (runner->skip == NULL && contender->extent != NULL && !test->workload->cold &&
        test->workload->kind != BENCH_MISS && !show_places(runner)) {
        runner->wrong = 1;
    }
    if (runner->skip != NULL) {
        bench_runner_close(runner);
    } else if (huge >= 0 && (contender->flags & BENCH_KEEPS) != 0) {
        runner->huge_bytes = bench_platform_huge() - huge;
    }
}

void bench_runner_close(bench_runner_t *runner)
{
    int i;

    if (runner->pool == NULL) {
        return;
    }
    if (runner->skip == NULL && runner->contender->count != NULL) {
        runner->contender->count(runner, &runner->counts);
    }
    if (runner->contender->close != NULL) {
        runner->contender->close(runner);
    }
    for (i = 0; i < runner->worker_count; i++) {
        apr_pool_destroy(runner->workers[i].pool);
    }
    apr_pool_destroy(runner->pool);
    runner->pool = NULL;
}
