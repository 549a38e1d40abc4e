/*
 * The table on the terminal.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/bench.h"
#include "tools/size.h"

const char *bench_number(double number, apr_pool_t *pool)
{
    int digits = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;

    if (number >= 999500) {
        return apr_psprintf(pool, "%.2fe6", number / 1e6);
    }
    return apr_psprintf(pool, "%.*f", digits, number);
}

void bench_table_head(const bench_t *bench)
{
    const bench_settings_t *settings = bench->settings;

    tool_console_printf(bench->console,
                        "%s %s: %d repetitions of %.0f ms for each cell, in turns\n"
                        "ns: what one thread needs for one access, median; spread: p10 to p90\n",
                        bench_program, smmap_version(NULL, NULL, NULL), settings->repeat,
                        settings->seconds * 1000);
}

/* A ratio, or a dash. */
static const char *ratio(double value, apr_pool_t *pool)
{
    return value > 0 ? bench_number(value, pool) : "-";
}

static const char *misses(const bench_result_t *result, apr_pool_t *pool)
{
    apr_uint64_t all = result->counts.hits + result->counts.misses;

    if (!result->counts.known || all == 0 || result->workload->kind < BENCH_COPY) {
        return "-";
    }
    return apr_psprintf(pool, "%.1f %%", 100.0 * (double)result->counts.misses / (double)all);
}

static void print_title(bench_t *bench, const bench_result_t *result, apr_pool_t *pool)
{
    const bench_workload_t *workload = result->workload;
    char text[TOOL_SIZE_TEXT];
    const char *windows = "";

    if (workload->windows > 2 && result->window_size > 0) {
        windows = apr_psprintf(pool, " of %s", tool_size_format(result->window_size, text));
    } else if (result->window_size > 0 && workload->kind != BENCH_FILES) {
        windows =
            apr_psprintf(pool, "; windows of %s", tool_size_format(result->window_size, text));
    }
    tool_console_printf(bench->console, "\n%s: %s%s\n", workload->name, workload->title, windows);
}

/* Windows of this size can be mapped by huge page-table entries, on the usual machines. */
#define HUGE ((apr_uint64_t)2 << 20)

/* Whether huge page-table entries were in use: who had how much, and, where windows are large
   enough for them, that nobody had any. */
static void print_huge(bench_t *bench, const bench_results_t *results, int first, apr_pool_t *pool)
{
    const char *who = "";
    int large = 0;
    int known = 0;
    int i;

    for (i = first; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];
        char text[TOOL_SIZE_TEXT];

        if (result->skip != NULL || result->threads > 1 || !result->contender->keeps ||
            result->workload->kind == BENCH_FILES) {
            continue;
        }
        large |= result->counts.known && result->window_size >= HUGE;
        known |= result->huge_bytes >= 0;
        if (result->huge_bytes > 0) {
            who = apr_psprintf(pool, "%s%s%s %s", who, *who != '\0' ? ", " : "",
                               result->contender->name,
                               tool_size_format((apr_uint64_t)result->huge_bytes, text));
        }
    }
    if (*who != '\0') {
        tool_console_printf(bench->console, "  in huge page-table entries: %s\n", who);
    } else if (large) {
        tool_console_printf(bench->console, "  in huge page-table entries: %s\n",
                            known ? "none" : "not known, this system does not tell");
    }
}

static void print_row(bench_t *bench, const bench_results_t *results, const bench_result_t *result,
                      apr_pool_t *pool)
{
    if (result->skip != NULL) {
        tool_console_printf(bench->console, "  %-25s %7d  skipped: %s\n", result->contender->title,
                            result->threads, result->skip);
        return;
    }
    tool_console_printf(bench->console, "  %-25s %7d %9s %7.0f %% %8s %9s %8s %8s%s\n",
                        result->contender->title, result->threads,
                        bench_number(result->median, pool), result->spread * 100,
                        ratio(result->ratio_to_limit, pool),
                        ratio(bench_result_ratio(results, result, "sliding"), pool),
                        result->threads > 1 ? ratio(result->scaling, pool) : "",
                        misses(result, pool), result->verified ? "" : "  WRONG BYTES");
}

/* Is no cell measured, and all for one reason? */
static int all_skipped(const bench_results_t *results, int first)
{
    const char *why = results->items[first].skip;
    int i;

    for (i = first; i < results->count && why != NULL; i++) {
        if (results->items[i].skip == NULL || strcmp(results->items[i].skip, why) != 0) {
            why = NULL;
        }
    }
    return why != NULL;
}

void bench_table_print(bench_t *bench, const bench_results_t *results, int first)
{
    const bench_workload_t *workload;
    apr_pool_t *pool;
    int i;

    if (first == results->count || apr_pool_create(&pool, bench->pool) != APR_SUCCESS) {
        return;
    }
    workload = results->items[first].workload;
    print_title(bench, &results->items[first], pool);
    if (all_skipped(results, first)) {
        tool_console_printf(bench->console, "  skipped: %s\n", results->items[first].skip);
        tool_console_flush(bench->console);
        apr_pool_destroy(pool);
        return;
    }
    tool_console_printf(bench->console, "  %-25s %7s %9s %9s %8s %9s %8s %8s\n", "", "threads",
                        "ns", "spread", workload->versus, "x sliding", "scaling", "misses");
    for (i = first; i < results->count; i++) {
        print_row(bench, results, &results->items[i], pool);
    }
    print_huge(bench, results, first, pool);
    tool_console_flush(bench->console);
    apr_pool_destroy(pool);
}
