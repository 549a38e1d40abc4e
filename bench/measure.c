/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measuring: the contenders of a case in turns, again and again.
 *
 * One repetition makes each measurement once, in a fixed order, so that what slows the
 * machine down for a while slows down all of them; ratios are taken within a repetition,
 * and of these the median.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/bench.h"

/* More contenders than there are. */
#define CONTENDERS_MOST 32

/* A contender with a number of threads. */
typedef struct measurement_t {
    bench_runner_t *runner;
    int threads;
    int result; /* its index */
} measurement_t;

int bench_name_listed(const char *list, const char *name)
{
    apr_size_t size = strlen(name);

    if (list == NULL) {
        return 1;
    }
    for (;;) {
        apr_size_t part = strcspn(list, ",");

        if (part == size && strncmp(list, name, size) == 0) {
            return 1;
        }
        if (list[part] == '\0') {
            return 0;
        }
        list += part + 1;
    }
}

int bench_does(const bench_t *bench, const bench_workload_t *workload,
               const bench_contender_t *contender)
{
    return contender->loops[workload->kind] != NULL &&
           bench_name_listed(bench->settings->contenders, contender->name);
}

/* One repetition with a file that is in memory. */
static void measure_warm(bench_runner_t *runner, int threads, bench_result_t *result)
{
    bench_t *bench = runner->test->bench;
    double seconds = bench->settings->seconds;
    apr_status_t status = APR_SUCCESS;
    int i;

    if (runner->test->workload->kind != BENCH_STREAM) {
        /* The processor's caches are those of the contender before. */
        status = bench_run(runner, threads, seconds / 10);
    }
    if (status == APR_SUCCESS) {
        status = bench_run(runner, threads, seconds);
    }
    if (status != APR_SUCCESS) {
        result->skip = apr_pstrdup(bench->pool, bench_reason(runner, "failed on the way", status));
        return;
    }
    result->samples[result->count++] = bench_run_nanoseconds(runner, threads);
    for (i = 0; i < threads; i++) {
        result->accesses += runner->workers[i].count;
    }
    result->verified &= bench_run_verify(runner, threads);
}

/* All repetitions. 0: interrupted. */
static int measure_all(const bench_case_t *test, const measurement_t *measurements, int count,
                       bench_results_t *results)
{
    bench_t *bench = test->bench;
    int repetition;
    int i;

    for (repetition = 0; repetition < bench->settings->repeat; repetition++) {
        for (i = 0; i < count; i++) {
            const measurement_t *measurement = &measurements[i];
            bench_result_t *result = &results->items[measurement->result];

            if (!bench_progress_at(bench, test->workload->name)) {
                return 0;
            }
            bench->done++;
            if (result->skip != NULL) {
                continue;
            }
            if (test->workload->cold) {
                bench_cold_measure(test, measurement->runner, result);
            } else {
                measure_warm(measurement->runner, measurement->threads, result);
            }
        }
    }
    return 1;
}

static void open_runner(const bench_case_t *test, bench_runner_t *runner, int workers)
{
    const bench_contender_t *contender = runner->contender;
    apr_status_t status;

    bench_progress_at(test->bench, test->workload->name);
    bench_runner_open(runner, test, contender,
                      (contender->flags & BENCH_THREADS) != 0 ? workers : 1, test->pool);
    status = runner->skip == NULL ? bench_calibrate(runner) : APR_SUCCESS;
    if (status != APR_SUCCESS) {
        runner->skip = bench_reason(runner, "failed on the way", status);
        bench_runner_close(runner);
    }
}

static void add_result(const bench_case_t *test, const measurement_t *measurement,
                       bench_results_t *results)
{
    bench_t *bench = test->bench;
    bench_result_t *result = bench_results_add(results, bench->pool);
    bench_kind_t kind = test->workload->kind;
    const bench_runner_t *runner = measurement->runner;

    result->workload = test->workload;
    result->contender = runner->contender;
    result->threads = measurement->threads;
    result->verified = !runner->wrong;
    result->samples =
        apr_pcalloc(bench->pool, (apr_size_t)bench->settings->repeat * sizeof(double));
    result->skip = runner->skip != NULL ? apr_pstrdup(bench->pool, runner->skip) : NULL;
    result->window_size = test->window_size;
    result->huge_bytes = runner->huge_bytes;
    result->bytes_per_access = kind == BENCH_STREAM || kind == BENCH_COPY ? BENCH_BLOCK : 1;
}

static void finish(bench_t *bench, const measurement_t *measurements, int count,
                   bench_results_t *results)
{
    int i;

    for (i = 0; i < count; i++) {
        bench_result_t *result = &results->items[measurements[i].result];

        result->counts = measurements[i].runner->counts;
        bench_result_sum_up(result);
        bench->wrong += result->skip == NULL && !result->verified;
    }
    for (i = 0; i < count; i++) {
        bench_result_compare(results, &results->items[measurements[i].result]);
    }
}

int bench_case_measure(const bench_case_t *test, bench_results_t *results)
{
    bench_t *bench = test->bench;
    int thread_counts = test->workload->threads ? bench->thread_count_count : 1;
    bench_runner_t *runners = apr_pcalloc(test->pool, CONTENDERS_MOST * sizeof(*runners));
    measurement_t *measurements = apr_pcalloc(
        test->pool, (apr_size_t)(CONTENDERS_MOST * thread_counts) * sizeof(*measurements));
    int runner_count = 0;
    int count = 0;
    int went_on;
    int i;
    int j;

    if (!test->workload->cold && !bench_data_read(bench, test->data)) {
        return 0;
    }
    for (i = 0; bench_contenders[i] != NULL; i++) {
        if (bench_does(bench, test->workload, bench_contenders[i])) {
            runners[runner_count].contender = bench_contenders[i];
            if (!test->workload->cold) {
                open_runner(test, &runners[runner_count], bench->thread_counts[thread_counts - 1]);
            }
            runner_count++;
        }
    }
    for (j = 0; j < thread_counts; j++) {
        for (i = 0; i < runner_count; i++) {
            measurement_t *measurement = &measurements[count];

            measurement->runner = &runners[i];
            measurement->threads = bench->thread_counts[j];
            measurement->result = results->count;
            if (measurement->threads == 1 || (runners[i].contender->flags & BENCH_THREADS) != 0) {
                add_result(test, measurement, results);
                count++;
            }
        }
    }
    went_on = measure_all(test, measurements, count, results);
    for (i = 0; i < runner_count; i++) {
        bench_runner_close(&runners[i]);
    }
    finish(bench, measurements, count, results);
    return went_on;
}
