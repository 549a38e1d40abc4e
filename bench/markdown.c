/*
 * The results as tables for a page, in Markdown: what stands in docs/performance.md was
 * written by this and by nobody's hand. The columns are those of the terminal.
 */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "bench/bench.h"
#include "tools/size.h"

/* "2.08 ns", "1.42 us": a time as people read it. */
static const char *duration(double nanoseconds, apr_pool_t *pool)
{
    if (nanoseconds < 999.5) {
        return apr_psprintf(pool, "%s ns", bench_number(nanoseconds, pool));
    }
    if (nanoseconds < 999500) {
        return apr_psprintf(pool, "%s us", bench_number(nanoseconds / 1e3, pool));
    }
    return apr_psprintf(pool, "%s ms", bench_number(nanoseconds / 1e6, pool));
}

static const char *ratio(double value, apr_pool_t *pool)
{
    return value > 0 ? bench_number(value, pool) : "";
}

static const char *row(const bench_results_t *results, const bench_result_t *result,
                       apr_pool_t *pool)
{
    char text[TOOL_SIZE_TEXT];
    const char *huge = "";

    if (result->skip != NULL) {
        return apr_psprintf(pool, "| %s | %d | skipped: %s | | | | | |\n", result->contender->title,
                            result->threads, result->skip);
    }
    if (result->contender->keeps && result->huge_bytes >= 0 &&
        result->workload->kind != BENCH_FILES) {
        huge = result->huge_bytes == 0 ? "none"
                                       : tool_size_format((apr_uint64_t)result->huge_bytes, text);
    }
    return apr_psprintf(pool, "| %s | %d | %s | %.0f %% | %s | %s | %s | %s |%s\n",
                        result->contender->title, result->threads, duration(result->median, pool),
                        result->spread * 100, ratio(result->ratio_to_limit, pool),
                        ratio(bench_result_ratio(results, result, "sliding"), pool),
                        result->threads > 1 ? ratio(result->scaling, pool) : "", huge,
                        result->verified ? "" : " WRONG BYTES |");
}

static const char *tables(const bench_results_t *results, apr_pool_t *pool)
{
    const bench_workload_t *last = NULL;
    const char *text = "";
    int i;

    for (i = 0; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];
        const bench_workload_t *workload = result->workload;
        const char *window = "";

        if (workload != last) {
            char size[TOOL_SIZE_TEXT];

            if (result->window_size > 0 && workload->kind != BENCH_FILES) {
                window = apr_psprintf(pool, "; windows of %s",
                                      tool_size_format(result->window_size, size));
            }
            text = apr_psprintf(pool,
                                "%s\n### %s\n\n%s%s\n\n"
                                "| | threads | an access | spread | %s | x sliding | scaling | "
                                "in huge entries |\n"
                                "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
                                text, workload->name, workload->title, window, workload->versus);
            last = workload;
        }
        text = apr_pstrcat(pool, text, row(results, result, pool), NULL);
    }
    return text;
}

int bench_markdown_write(bench_t *bench, const bench_results_t *results)
{
    const bench_settings_t *settings = bench->settings;
    const char *path = settings->markdown;
    char size[TOOL_SIZE_TEXT];
    const char *text;
    target_t *targets;
    apr_file_t *file;
    apr_status_t status;
    char reason[256];
    int count = bench_targets(results, &targets, bench->pool);

    text = apr_psprintf(
        bench->pool,
        "%d repetitions of %.0f ms for each cell, in turns; a file of %s. An access: what one\n"
        "thread needs for one, the median; spread: from the tenth to the ninetieth percentile.\n",
        settings->repeat, settings->seconds * 1000,
        tool_size_format((apr_uint64_t)bench->data.size, size));
    if (count > 0) {
        text = apr_pstrcat(bench->pool, text, "\n### Targets\n\n",
                           target_markdown(targets, count, bench->pool), NULL);
    }
    text = apr_pstrcat(bench->pool, text, tables(results, bench->pool), NULL);
    status = apr_file_open(
        &file, path, APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_WRITE | APR_FOPEN_BINARY,
        APR_FPROT_OS_DEFAULT, bench->pool);
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(file, text, strlen(text), NULL);
    }
    if (status == APR_SUCCESS) {
        status = apr_file_close(file);
    }
    if (status != APR_SUCCESS) {
        tool_console_error(bench->console, "%s: %s: %s\n", bench_program, path,
                           smmap_strerror(status, reason, sizeof(reason)));
    }
    return status == APR_SUCCESS;
}
