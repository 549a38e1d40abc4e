/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The results as JSON: an array of objects, one for each measurement. One that was skipped
 * has the reason in "skipped", and null for its numbers.
 */
#include <apr_strings.h>
#include <apr_tables.h>

#include "bench/report/report.h"
#include "cli/output.h"

static const char *real(int known, double value, apr_pool_t *pool)
{
    return known ? apr_psprintf(pool, "%.4f", value) : "null";
}

static const char *whole(int known, apr_uint64_t value, apr_pool_t *pool)
{
    return known ? apr_psprintf(pool, "%" APR_UINT64_T_FMT, value) : "null";
}

static const char *object(const bench_result_t *result, apr_pool_t *pool)
{
    const bench_workload_t *workload = result->workload;
    const bench_counts_t *counts = &result->counts;
    int there = result->skip == NULL;
    int counted = there && counts->known;
    const struct {
        const char *name;
        const char *value;
    } fields[] = {
        {"workload", json_quote(workload->name, pool)},
        {"contender", json_quote(result->contender->name, pool)},
        {"threads", whole(1, (apr_uint64_t)result->threads, pool)},
        {"ns_per_op", real(there, result->median, pool)},
        {"spread", real(there, result->spread, pool)},
        {"ratio_to_limit", real(there && result->ratio_to_limit > 0, result->ratio_to_limit, pool)},
        {"limit", json_quote(workload->limit, pool)},
        {"workload_title", json_quote(workload->title, pool)},
        {"contender_title", json_quote(result->contender->title, pool)},
        {"p10", real(there, result->low, pool)},
        {"p90", real(there, result->high, pool)},
        {"repetitions", whole(1, (apr_uint64_t)result->count, pool)},
        {"scaling", real(there && result->scaling > 0, result->scaling, pool)},
        {"accesses", whole(there, result->accesses, pool)},
        {"bytes_per_op", whole(there, result->bytes_per_access, pool)},
        {"window_size", whole(there && result->window_size > 0, result->window_size, pool)},
        {"windows", whole(counted, counts->windows, pool)},
        {"hits", whole(counted, counts->hits, pool)},
        {"misses", whole(counted, counts->misses, pool)},
        {"evictions", whole(counted, counts->evictions, pool)},
        {"huge_bytes",
         whole(there && result->huge_bytes >= 0, (apr_uint64_t)result->huge_bytes, pool)},
        {"verified", !there             ? "null"
                     : result->verified ? "true"
                                        : "false"},
        {"skipped", there ? "null" : json_quote(result->skip, pool)}};
    const char *text = "{";
    apr_size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        text = apr_pstrcat(pool, text, i > 0 ? ",\"" : "\"", fields[i].name, "\":", fields[i].value,
                           NULL);
    }
    return apr_pstrcat(pool, text, "}", NULL);
}

const char *report_json(const bench_results_t *results, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, results->count + 2, sizeof(const char *));
    int i;

    APR_ARRAY_PUSH(lines, const char *) = "[\n";
    for (i = 0; i < results->count; i++) {
        APR_ARRAY_PUSH(lines, const char *) = apr_pstrcat(
            pool, object(&results->items[i], pool), i + 1 < results->count ? ",\n" : "\n", NULL);
    }
    APR_ARRAY_PUSH(lines, const char *) = "]\n";
    return apr_array_pstrcat(pool, lines, 0);
}
