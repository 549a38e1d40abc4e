/*
 * The results as JSON: an array of objects, one for each cell.
 *
 * A cell that was skipped has the reason in "skipped", and null for its numbers.
 */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "bench/bench.h"

static const char *number(double value, apr_pool_t *pool)
{
    return value > 0 ? apr_psprintf(pool, "%.4f", value) : "null";
}

static const char *count(int known, apr_uint64_t value, apr_pool_t *pool)
{
    return known ? apr_psprintf(pool, "%" APR_UINT64_T_FMT, value) : "null";
}

static const char *object(const bench_result_t *result, apr_pool_t *pool)
{
    int there = result->skip == NULL;
    const bench_counts_t *counts = &result->counts;
    const char *head = apr_psprintf(
        pool,
        "{\"workload\":%s,\"contender\":%s,\"threads\":%d,\"ns_per_op\":%s,\"spread\":%s,"
        "\"ratio_to_limit\":%s,\"limit\":%s",
        bench_quote(result->workload->name, pool), bench_quote(result->contender->name, pool),
        result->threads, number(there ? result->median : 0, pool),
        there ? apr_psprintf(pool, "%.4f", result->spread) : "null",
        number(there ? result->ratio_to_limit : 0, pool),
        bench_quote(result->workload->limit, pool));

    return apr_pstrcat(
        pool, head, ",\"p10\":", number(there ? result->low : 0, pool),
        ",\"p90\":", number(there ? result->high : 0, pool),
        apr_psprintf(pool, ",\"repetitions\":%d", result->count),
        ",\"scaling\":", number(there ? result->scaling : 0, pool),
        ",\"accesses\":", count(there, result->accesses, pool),
        ",\"bytes_per_op\":", count(there, result->bytes_per_access, pool),
        ",\"window_size\":", count(there && result->window_size > 0, result->window_size, pool),
        ",\"windows\":", count(there && counts->known, counts->windows, pool),
        ",\"hits\":", count(there && counts->known, counts->hits, pool),
        ",\"misses\":", count(there && counts->known, counts->misses, pool),
        ",\"evictions\":", count(there && counts->known, counts->evictions, pool),
        ",\"huge_bytes\":",
        count(there && result->huge_bytes >= 0, (apr_uint64_t)result->huge_bytes, pool),
        ",\"verified\":",
        !there             ? "null"
        : result->verified ? "true"
                           : "false",
        ",\"skipped\":", there ? "null" : bench_quote(result->skip, pool), "}", NULL);
}

static apr_status_t write_all(apr_file_t *file, const bench_results_t *results, apr_pool_t *pool)
{
    apr_status_t status = apr_file_write_full(file, "[", 1, NULL);
    int i;

    for (i = 0; status == APR_SUCCESS && i < results->count; i++) {
        const char *text =
            apr_pstrcat(pool, i > 0 ? ",\n" : "\n", object(&results->items[i], pool), NULL);

        status = apr_file_write_full(file, text, strlen(text), NULL);
    }
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(file, "\n]\n", 3, NULL);
    }
    return status;
}

int bench_json_write(bench_t *bench, const bench_results_t *results)
{
    const char *path = bench->settings->json;
    apr_file_t *file;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, bench->pool);
    char reason[256];

    if (strcmp(path, "-") == 0) {
        int i;

        tool_console_print(bench->console, "[", 1);
        for (i = 0; i < results->count; i++) {
            tool_console_printf(bench->console, "%s\n%s", i > 0 ? "," : "",
                                object(&results->items[i], pool));
        }
        tool_console_print(bench->console, "\n]\n", 3);
        apr_pool_destroy(pool);
        return 1;
    }
    if (status == APR_SUCCESS) {
        status = apr_file_open(
            &file, path, APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_WRITE | APR_FOPEN_BINARY,
            APR_FPROT_OS_DEFAULT, pool);
    }
    if (status == APR_SUCCESS) {
        status = write_all(file, results, pool);
    }
    if (status != APR_SUCCESS) {
        tool_console_error(bench->console, "%s: %s: %s\n", bench_program, path,
                           smmap_strerror(status, reason, sizeof(reason)));
    }
    apr_pool_destroy(pool);
    return status == APR_SUCCESS;
}
