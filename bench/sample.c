/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers from samples.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;

    return one < other ? -1 : one > other;
}

double bench_percentile(const double *samples, int count, double part)
{
    double sorted[BENCH_REPEAT_MOST];
    double at = part * (count - 1);
    int below = (int)at;

    memcpy(sorted, samples, (apr_size_t)count * sizeof(*sorted));
    qsort(sorted, (apr_size_t)count, sizeof(*sorted), by_size);
    if (below + 1 >= count) {
        return sorted[count - 1];
    }
    return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

void bench_result_sum_up(bench_result_t *result)
{
    if (result->count == 0) {
        if (result->skip == NULL) {
            result->skip = "interrupted";
        }
        return;
    }
    result->median = bench_percentile(result->samples, result->count, 0.5);
    result->low = bench_percentile(result->samples, result->count, 0.1);
    result->high = bench_percentile(result->samples, result->count, 0.9);
    result->spread = (result->high - result->low) / result->median;
}

/* The median of the ratios within each repetition; 0: there are none. */
static double paired_ratio(const bench_result_t *result, const bench_result_t *other)
{
    double ratios[BENCH_REPEAT_MOST];
    int count;
    int i;

    if (other == NULL || other->skip != NULL || result->skip != NULL) {
        return 0;
    }
    count = result->count < other->count ? result->count : other->count;
    for (i = 0; i < count; i++) {
        ratios[i] = result->samples[i] / other->samples[i];
    }
    return bench_percentile(ratios, count, 0.5);
}

double bench_result_ratio(const bench_results_t *results, const bench_result_t *result,
                          const char *contender)
{
    return paired_ratio(
        result, bench_results_find(results, result->workload->name, contender, result->threads));
}

void bench_result_compare(const bench_results_t *results, bench_result_t *result)
{
    double slower;

    result->ratio_to_limit = bench_result_ratio(results, result, result->workload->limit);
    slower = paired_ratio(
        result, bench_results_find(results, result->workload->name, result->contender->name, 1));
    result->scaling = slower > 0 ? result->threads / slower : 0;
}

bench_result_t *bench_results_add(bench_results_t *results, apr_pool_t *pool)
{
    if (results->count == results->room) {
        int room = results->room == 0 ? 64 : results->room * 2;
        bench_result_t *more = apr_pcalloc(pool, (apr_size_t)room * sizeof(*more));

        if (results->count > 0) {
            memcpy(more, results->items, (apr_size_t)results->count * sizeof(*more));
        }
        results->items = more;
        results->room = room;
    }
    return &results->items[results->count++];
}

const bench_result_t *bench_results_find(const bench_results_t *results, const char *workload,
                                         const char *contender, int threads)
{
    int i;

    for (i = 0; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];

        if (strcmp(result->workload->name, workload) == 0 &&
            strcmp(result->contender->name, contender) == 0 && result->threads == threads) {
            return result;
        }
    }
    return NULL;
}
