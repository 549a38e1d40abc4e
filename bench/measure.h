/*
 * What measure.c and its neighbours share.
 */
#ifndef SMMAP_BENCH_MEASURE_H
#define SMMAP_BENCH_MEASURE_H

#include "bench/bench.h"

/** More contenders than there are. */
#define BENCH_CONTENDERS_MOST 32

/** A cell being measured. */
typedef struct cell_t {
    bench_side_t *side;
    bench_result_t *result;
    int threads;
    int index; /**< of the result */
} cell_t;

/** Is it a cell of this run? */
int bench_does(const bench_t *bench, const bench_workload_t *workload,
               const bench_contender_t *contender);

/** Let the first lanes of a side run for a time, one thread each. */
apr_status_t bench_run(bench_side_t *side, int threads, double seconds);
/** What an access took in that run: the time of one thread for one of its own. */
double bench_run_nanoseconds(const bench_side_t *side, int threads);
/** Were all its bytes right? */
int bench_run_verify(const bench_side_t *side, int threads);

/** Measure a cell once with a file that is not in memory. */
void bench_cold_measure(const bench_job_t *job, const cell_t *cell);

/** Compare with the limit and with one thread, repetition by repetition. */
void bench_result_compare(const bench_results_t *results, bench_result_t *result);

#endif
