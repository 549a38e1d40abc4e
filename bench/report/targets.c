/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The targets: ratios of measurements of one run, and so independent of the speed of the
 * machine. Those of workloads that were not selected are left out; what was skipped is shown
 * with its reason.
 *
 * A ratio is that of the times of one access, taken within each repetition; the median.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/report/report.h"

/* A ratio of times: of `contender` to `rival`, or, where that is NULL, to the fastest of the
   two that read a file in order best. With 2 threads: of throughput, to one thread. */
typedef struct goal_t {
    const char *what;
    const char *workload;
    const char *contender;
    const char *rival;
    int threads;
    double bound;
} goal_t;

static const goal_t goals[] = {
    {"bytes in order in a window, sliding / raw", "bytes-in-order", "sliding", "raw", 1, 1.10},
    {"random bytes in a window, sliding / raw", "bytes-random", "sliding", "raw", 1, 1.10},
    {"random bytes, 35 windows, static / raw", "random-35", "static", "raw", 1, 1.05},
    {"random bytes, 650 windows, static / raw", "random-650", "static", "raw", 1, 1.05},
    {"random bytes, 2600 windows, static / raw", "random-2600", "static", "raw", 1, 1.05},
    {"random bytes, 35 windows, sliding / raw", "random-35", "sliding", "raw", 1, 2.00},
    {"random bytes, 650 windows, sliding / raw", "random-650", "sliding", "raw", 1, 2.00},
    {"random bytes, 2600 windows, sliding / raw", "random-2600", "sliding", "raw", 1, 2.00},
    {"throughput, 35 windows, 2 threads / 1", "random-35", "sliding", NULL, 2, 1.80},
    {"throughput, 650 windows, 2 threads / 1", "random-650", "sliding", NULL, 2, 1.80},
    {"throughput, 2600 windows, 2 threads / 1", "random-2600", "sliding", NULL, 2, 1.80},
    {"throughput, two hot windows, 2 threads / 1", "hot-2", "sliding", NULL, 2, 1.80},
    {"copies of 4 KiB, uniform, sliding / pread", "copy-uniform", "sliding", "pread-4k", 1, 1.10},
    {"copies of 4 KiB, Zipf 0.99, sliding / pread", "copy-zipf", "sliding", "pread-4k", 1, 1.00},
    {"throughput in order, warm, sliding / best", "seq-warm", "sliding", NULL, 1, 0.95},
    {"throughput in order, cold, sliding / best", "seq-cold", "sliding", NULL, 1, 0.95}};

/* Of two threads; beside it what the raw pointer makes of a second one, on the same machine. */
static void add_scaling(const bench_results_t *results, const bench_result_t *result,
                        target_t *target, apr_pool_t *pool)
{
    const bench_result_t *raw = bench_results_find(results, result->workload->name, "raw", 2);

    target->at_least = 1;
    target->measured = result->scaling;
    if (raw != NULL && raw->scaling > 0) {
        target->where = apr_psprintf(pool, "raw: %.2f", raw->scaling);
    }
}

/* Of reading in order: the fastest is the one that we are slowest against. */
static void add_order(const bench_results_t *results, const bench_result_t *result,
                      target_t *target)
{
    double raw = bench_result_ratio(results, result, "raw");
    double pread = bench_result_ratio(results, result, "pread-1m");
    double most = raw > pread ? raw : pread;

    target->at_least = 1;
    target->measured = raw > 0 && pread > 0 ? 1 / most : 0;
    target->where = raw <= 0 || pread <= 0 ? "not both rivals were measured"
                    : raw > pread          ? "best: raw pointer"
                                           : "best: pread 1 MiB";
}

int report_targets(const bench_results_t *results, target_t **targets, apr_pool_t *pool)
{
    apr_size_t all = sizeof(goals) / sizeof(goals[0]);
    int count = 0;
    apr_size_t i;

    *targets = apr_pcalloc(pool, all * sizeof(**targets));
    for (i = 0; i < all; i++) {
        const goal_t *goal = &goals[i];
        target_t *target = &(*targets)[count];
        const bench_result_t *result =
            bench_results_find(results, goal->workload, goal->contender, goal->threads);

        if (result == NULL) {
            continue;
        }
        count++;
        target->what = goal->what;
        target->bound = goal->bound;
        if (result->skip != NULL) {
            target->where = result->skip;
        } else if (goal->rival != NULL) {
            target->measured = bench_result_ratio(results, result, goal->rival);
        } else if (goal->threads > 1) {
            add_scaling(results, result, target, pool);
        } else {
            add_order(results, result, target);
        }
        if (target->measured <= 0 && target->where == NULL) {
            target->where = "what it is compared with was not measured";
        }
    }
    return count;
}
