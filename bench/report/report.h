/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is made of the results: tables for the terminal and for a page, JSON, and targets,
 * which are ratios that should not be exceeded.
 */
#ifndef SMMAP_BENCH_REPORT_REPORT_H
#define SMMAP_BENCH_REPORT_REPORT_H

#include "bench/bench.h"

/** A target. */
typedef struct target_t {
    const char *what;  /**< what is compared with what */
    double bound;      /**< the most it may be, or the least */
    int at_least;      /**< 1: the least */
    double measured;   /**< 0: it was not measured */
    const char *where; /**< where that was, or why it was not measured; may be NULL */
} target_t;

/** Print a table of targets; the same for a page. */
void target_print(const target_t *targets, int count, console_t *console);
const char *target_markdown(const target_t *targets, int count, apr_pool_t *pool);

/** The targets of the workloads that were measured; returns how many. */
int report_targets(const bench_results_t *results, target_t **targets, apr_pool_t *pool);

/** Print the table of one workload, whose results start at `first`. */
void report_table(const bench_t *bench, const bench_results_t *results, int first);

/** Everything as a page in Markdown. */
const char *report_markdown(const bench_t *bench, const bench_results_t *results,
                            const target_t *targets, int count);

/** Everything as an array of JSON objects. */
const char *report_json(const bench_results_t *results, apr_pool_t *pool);

#endif
