/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smmap-bookkeeping: what the library's own work costs, and how well it evicts.
 *
 * The core is linked with a backend that maps nothing (null_backend.c), so it can be measured
 * without an operating system: what a miss costs with a hundred windows and with a million, or
 * with many cursors (miss_cost.c), what else must not grow (growth.c), and how often there is a
 * miss, against other policies (replay.c, policy.c, trace.c, recorded.c). It needs addresses that
 * are not in use, and so a 64-bit program.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/core/growth.h"
#include "bench/core/overhead.h"
#include "cli/options.h"
#include "cli/output.h"

/* Mappings at a time: two managers of each number of windows, and some more. */
#define PLACES 2400000u

#define FIELD(name) OPTION_FIELD(overhead_settings_t, name)

static const char *set_only(const option_t *option, void *into, const char *value, apr_pool_t *pool)
{
    overhead_settings_t *settings = into;

    (void)option;
    (void)pool;
    settings->cost = strcmp(value, "cost") == 0;
    settings->ratios = strcmp(value, "ratio") == 0;
    settings->growth = strcmp(value, "growth") == 0;
    return settings->cost || settings->ratios || settings->growth ? NULL
                                                                  : "is not cost, growth or ratio";
}

static const char *add_trace(const option_t *option, void *into, const char *value,
                             apr_pool_t *pool)
{
    overhead_settings_t *settings = into;

    (void)option;
    (void)pool;
    if (settings->trace_count == OVERHEAD_TRACES) {
        return "is one trace too many";
    }
    settings->traces[settings->trace_count++] = value;
    return NULL;
}

static const option_t table[] = {
    {"only", 0, "WHAT", "cost (of a miss), growth (of costs) or ratio\n(of misses)", set_only, 0, 0,
     0},
    {"max-windows", 0, "N", "cost: at most N windows", option_int, FIELD(most_windows), 100,
     1000000},
    {"repeat", 0, "N", "cost, growth: make N repetitions, 1 to 101;\ndefault: 7", option_int,
     FIELD(repeat), 1, BENCH_REPEAT_MOST},
    {"seconds", 0, "S", "cost, growth: time of each repetition; default: 0.2", option_seconds,
     FIELD(seconds), 0, 0},
    {"references", 0, "N", "ratio: in each generated trace; default: 200000", option_int,
     FIELD(references), 1000, 1 << 30},
    {"trace", 0, "FILE", "ratio: replay FILE too, written by SMMAP_TRACE;\nup to 8 times",
     add_trace, 0, 0, 0},
    {"window-size", 0, "SIZE", "ratio: for these traces; default: 1M", option_size,
     FIELD(window_size), 1, 1 << 30},
    {"markdown", 0, "FILE", "ratio: write the table in Markdown", option_text, FIELD(markdown), 0,
     0},
    {"quick", 0, NULL, "fewer windows and shorter traces, to see that it works", option_flag,
     FIELD(quick), 0, 0},
    {"json", 0, "FILE", "write the results; -: print only them", option_text, FIELD(json), 0, 0},
    {"dir", 0, "DIR", "where empty files are made; default: for temporary files", option_text,
     FIELD(directory), 0, 0},
    {"help", 'h', NULL, "print this help", option_flag, FIELD(help), 0, 0},
    {"version", 0, NULL, "print the version", option_flag, FIELD(version), 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

static void print_help(console_t *console)
{
    console_printf(console,
                   "usage: smmap-bookkeeping [OPTION]...\n"
                   "\n"
                   "Measures the library's own cost of a miss, what must not grow, and how often\n"
                   "it misses, without an operating system.\n");
    options_help(console, "options:", table);
    console_printf(console, "\nExit codes: 0 success; 1 the library's counters do not agree with\n"
                            "what happened, or something failed, or a ratio of\n"
                            "growth passed its ceiling (not with --quick); 2 bad options.\n");
}

static int parse(overhead_settings_t *settings, int argc, const char *const *argv,
                 console_t *console, apr_pool_t *pool)
{
    options_t options = {program_name, {table, NULL}, settings, console, pool, 0, NULL};
    int quick;

    if (!options_parse(&options, argc, argv)) {
        return 0;
    }
    if (options.count > 0 && !settings->help) {
        return options_complain(
            &options, apr_psprintf(pool, "unexpected argument '%s'", options.operands[0]));
    }
    quick = settings->quick;
    if (settings->most_windows == 0) {
        settings->most_windows = quick ? 10000 : 1000000;
    }
    if (settings->references == 0) {
        settings->references = quick ? 20000 : 200000;
    }
    if (settings->repeat == 0) {
        settings->repeat = quick ? 3 : 7;
    }
    if (settings->seconds <= 0) {
        settings->seconds = quick ? 0.01 : 0.2;
    }
    settings->window_size = settings->window_size == 0
                                ? (apr_uint64_t)1 << 20
                                : (settings->window_size + 4095) / 4096 * 4096;
    return 1;
}

static int measure(overhead_t *overhead)
{
    const overhead_settings_t *settings = overhead->settings;
    apr_pool_t *pool = overhead->pool;
    int good = 1;

    null_backend_start(pool, apr_palloc(pool, PLACES * sizeof(apr_uint32_t)), PLACES,
                       settings->window_size > GROWTH_LONGEST ? (apr_size_t)settings->window_size
                                                              : GROWTH_LONGEST);
    if (settings->cost) {
        good = overhead_cost(overhead);
    }
    if (good && settings->growth) {
        good = overhead_growth(overhead);
    }
    if (good && settings->ratios) {
        good = overhead_ratios(overhead);
    }
    if (settings->json == NULL || strcmp(settings->json, "-") != 0) {
        target_print(overhead->targets, overhead->target_count, overhead->console);
    }
    if (good && settings->json != NULL) {
        const char *objects = overhead->json != NULL ? overhead->json : "";

        good = output_write(overhead->console, settings->json,
                            apr_pstrcat(pool, "[", objects, "\n]\n", NULL), pool);
    }
    if (good && overhead->markdown != NULL) {
        good = output_write(overhead->console, settings->markdown, overhead->markdown, pool);
    }
    return good && (overhead->passed == 0 || settings->quick) ? BENCH_OK : BENCH_WRONG;
}

static int run(int argc, const char *const *argv, console_t *console, apr_pool_t *pool)
{
    overhead_settings_t settings = {.cost = 1, .growth = 1, .ratios = 1};
    overhead_t overhead = {.settings = &settings, .console = console, .pool = pool};

    if (!parse(&settings, argc, argv, console, pool)) {
        return BENCH_ERROR;
    }
    if (settings.help) {
        print_help(console);
        return BENCH_OK;
    }
    if (settings.version) {
        console_printf(console, "%s %s\n", program_name, SMMAP_VERSION_STRING);
        return BENCH_OK;
    }
    if (sizeof(void *) < 8) {
        console_error(console, "%s: needs a 64-bit program\n", program_name);
        return BENCH_ERROR;
    }
    return measure(&overhead);
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main("smmap-bookkeeping", argc, argv, env, run);
}
