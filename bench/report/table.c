/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The results as tables, for the terminal and in Markdown, with the same columns.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/report/report.h"
#include "cli/size.h"

/* Windows of this size can be mapped by huge page-table entries, on the usual machines. */
#define HUGE_ENTRY ((apr_uint64_t)2 << 20)

/* Three digits; a dash or nothing for what is not known. */
static const char *number(double value, const char *unknown, apr_pool_t *pool)
{
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

    if (value <= 0) {
        return unknown;
    }
    return value >= 999500 ? apr_psprintf(pool, "%.2fe6", value / 1e6)
                           : apr_psprintf(pool, "%.*f", digits, value);
}

/* "2.08 ns", "1.42 us". */
static const char *duration(double nanoseconds, apr_pool_t *pool)
{
    static const char *const units[] = {"ns", "us", "ms"};
    int unit = 0;

    while (unit < 2 && nanoseconds >= 999.5) {
        nanoseconds /= 1e3;
        unit++;
    }
    return apr_psprintf(pool, "%s %s", number(nanoseconds, "0", pool), units[unit]);
}

/* Is the amount of memory in huge page-table entries a part of this result? */
static int has_huge(const bench_result_t *result)
{
    return result->skip == NULL && (result->contender->flags & BENCH_KEEPS) != 0;
}

static const char *window_size(const bench_result_t *result, apr_pool_t *pool)
{
    char text[SIZE_TEXT];

    if (result->window_size == 0) {
        return "";
    }
    return apr_psprintf(pool, "; windows of %s", size_format(result->window_size, text));
}

static void print_huge(const bench_t *bench, const bench_results_t *results, int first,
                       apr_pool_t *pool)
{
    const char *who = "";
    int large = 0;
    int known = 0;
    int i;

    for (i = first; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];
        char text[SIZE_TEXT];

        if (!has_huge(result) || result->threads > 1) {
            continue;
        }
        large |= result->counts.known && result->window_size >= HUGE_ENTRY;
        known |= result->huge_bytes >= 0;
        if (result->huge_bytes > 0) {
            who = apr_psprintf(pool, "%s%s%s %s", who, *who != '\0' ? ", " : "",
                               result->contender->name,
                               size_format((apr_uint64_t)result->huge_bytes, text));
        }
    }
    if (*who != '\0' || large) {
        console_printf(bench->console, "  in huge page-table entries: %s\n",
                       *who != '\0' ? who
                       : known      ? "none"
                                    : "unknown on this system");
    }
}

static const char *misses(const bench_result_t *result, apr_pool_t *pool)
{
    apr_uint64_t all = result->counts.hits + result->counts.misses;

    if (!result->counts.known || all == 0 || result->workload->kind < BENCH_COPY) {
        return "-";
    }
    return apr_psprintf(pool, "%.1f %%", 100.0 * (double)result->counts.misses / (double)all);
}

static void print_row(console_t *console, const bench_results_t *results,
                      const bench_result_t *result, apr_pool_t *pool)
{
    console_printf(console, "  %-34s %7d", result->contender->title, result->threads);
    if (result->skip != NULL) {
        console_printf(console, "  skipped: %s\n", result->skip);
        return;
    }
    console_printf(console, " %9s %7.0f %% %8s %9s %8s %8s%s\n", number(result->median, "-", pool),
                   result->spread * 100, number(result->ratio_to_limit, "-", pool),
                   number(bench_result_ratio(results, result, "sliding"), "-", pool),
                   result->threads > 1 ? number(result->scaling, "-", pool) : "",
                   misses(result, pool), result->verified ? "" : "  WRONG BYTES");
}

/* The reason why nothing was measured, when there is only one; NULL: otherwise. */
static const char *common_skip(const bench_results_t *results, int first)
{
    const char *why = results->items[first].skip;
    int i;

    for (i = first; i < results->count && why != NULL; i++) {
        if (results->items[i].skip == NULL || strcmp(results->items[i].skip, why) != 0) {
            why = NULL;
        }
    }
    return why;
}

void report_table(const bench_t *bench, const bench_results_t *results, int first)
{
    console_t *console = bench->console;
    const bench_workload_t *workload;
    apr_pool_t *pool;
    int i;

    if (first == 0) {
        console_printf(console,
                       "%s %s: %d repetitions of %.0f ms for each measurement, in turns\n"
                       "ns: time of one access in one thread, median; spread: p10 to p90\n",
                       program_name, smmap_version(NULL, NULL, NULL), bench->settings->repeat,
                       bench->settings->seconds * 1000);
    }
    if (first == results->count) {
        return;
    }
    apr_pool_create(&pool, bench->pool);
    workload = results->items[first].workload;
    console_printf(console, "\n%s: %s%s\n", workload->name, workload->title,
                   window_size(&results->items[first], pool));
    if (common_skip(results, first) != NULL) {
        console_printf(console, "  skipped: %s\n", common_skip(results, first));
    } else {
        console_printf(console, "  %-34s %7s %9s %9s %8s %9s %8s %8s\n", "", "threads", "ns",
                       "spread", workload->versus, "x sliding", "scaling", "misses");
        for (i = first; i < results->count; i++) {
            print_row(console, results, &results->items[i], pool);
        }
        print_huge(bench, results, first, pool);
    }
    console_flush(console);
    apr_pool_destroy(pool);
}

static const char *markdown_row(const bench_results_t *results, const bench_result_t *result,
                                apr_pool_t *pool)
{
    char text[SIZE_TEXT];
    const char *huge = "";

    if (result->skip != NULL) {
        return apr_psprintf(pool, "| %s | %d | skipped: %s | | | | | |\n", result->contender->title,
                            result->threads, result->skip);
    }
    if (has_huge(result) && result->huge_bytes >= 0) {
        huge =
            result->huge_bytes == 0 ? "none" : size_format((apr_uint64_t)result->huge_bytes, text);
    }
    return apr_psprintf(pool, "| %s | %d | %s | %.0f %% | %s | %s | %s | %s |%s\n",
                        result->contender->title, result->threads, duration(result->median, pool),
                        result->spread * 100, number(result->ratio_to_limit, "", pool),
                        number(bench_result_ratio(results, result, "sliding"), "", pool),
                        result->threads > 1 ? number(result->scaling, "", pool) : "", huge,
                        result->verified ? "" : " WRONG BYTES |");
}

const char *report_markdown(const bench_t *bench, const bench_results_t *results,
                            const target_t *targets, int count)
{
    const bench_settings_t *settings = bench->settings;
    const bench_workload_t *last = NULL;
    apr_pool_t *pool = bench->pool;
    char size[SIZE_TEXT];
    const char *text = apr_psprintf(
        pool,
        "%d repetitions of %.0f ms for each measurement, in turns; a file of %s. An access: the\n"
        "time of one access in one thread, median; spread: from the 10th to the 90th percentile.\n",
        settings->repeat, settings->seconds * 1000,
        size_format((apr_uint64_t)bench->data.size, size));
    int i;

    if (count > 0) {
        text = apr_pstrcat(pool, text, "\n### Targets\n\n", target_markdown(targets, count, pool),
                           NULL);
    }
    for (i = 0; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];
        const bench_workload_t *workload = result->workload;

        if (workload != last) {
            text = apr_psprintf(pool,
                                "%s\n### %s\n\n%s%s\n\n"
                                "| | threads | an access | spread | %s | x sliding | scaling | "
                                "in huge entries |\n"
                                "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
                                text, workload->name, workload->title, window_size(result, pool),
                                workload->versus);
            last = workload;
        }
        text = apr_pstrcat(pool, text, markdown_row(results, result, pool), NULL);
    }
    return text;
}
