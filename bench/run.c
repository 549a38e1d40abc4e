/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole run: the workloads one after the other, each with all its contenders.
 *
 * ^C, a request to terminate and the end of a terminal are caught, so that the files that were made
 * are removed and what was measured is shown. So is the end of whoever reads the output.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_signal.h>
#include <apr_strings.h>
#include <apr_version.h>

#include "bench/bench.h"
#include "bench/main.h"
#include "bench/report/report.h"
#include "cli/output.h"

#ifdef SIGBUS /* not a signal of every C library */
/* What has to be removed when that happens. */
static const bench_t *running;

/* Most contenders read by pointers that nothing guards. Nobody else prints by stdio. */
static void on_fault(int signal_number)
{
    (void)signal_number;
    fputs("smmap bench: the file was cut short, or its disk failed, while it was measured\n",
          stderr);
    if (running->directory != NULL) {
        if (running->data.path != NULL && running->settings->file == NULL) {
            remove(running->data.path);
        }
        if (running->sparse.path != NULL) {
            remove(running->sparse.path);
        }
        remove(running->directory);
    }
    _Exit(BENCH_ERROR);
}
#endif

static void choose_threads(bench_t *bench)
{
    int threads;

    for (threads = 1; threads < bench->settings->threads; threads *= 2) {
        bench->thread_counts[bench->thread_count_count++] = threads;
    }
    bench->thread_counts[bench->thread_count_count++] = bench->settings->threads;
}

/* Call a function for each measurement of a workload; how many there are. */
static int each_measurement(bench_t *bench, const bench_workload_t *workload,
                            bench_results_t *results, const char *skip)
{
    int counts = workload->threads ? bench->thread_count_count : 1;
    int all = 0;
    int i;
    int j;

    for (j = 0; j < counts; j++) {
        for (i = 0; bench_contenders[i] != NULL; i++) {
            if (!bench_does(bench, workload, bench_contenders[i]) ||
                (j > 0 && (bench_contenders[i]->flags & BENCH_THREADS) == 0)) {
                continue;
            }
            all++;
            if (skip != NULL) {
                bench_result_t *result = bench_results_add(results, bench->pool);

                result->workload = workload;
                result->contender = bench_contenders[i];
                result->threads = bench->thread_counts[j];
                result->skip = apr_pstrdup(bench->pool, skip);
                result->verified = 1;
                result->huge_bytes = -1;
                bench->done += (apr_uint64_t)bench->settings->repeat;
            }
        }
    }
    return all;
}

static void print_list(console_t *console)
{
    int i;

    console_printf(console, "Workloads:\n");
    for (i = 0; bench_workloads[i].name != NULL; i++) {
        console_printf(console, "  %-16s %s\n", bench_workloads[i].name, bench_workloads[i].title);
    }
    console_printf(console, "\nContenders:\n");
    for (i = 0; bench_contenders[i] != NULL; i++) {
        console_printf(console, "  %-16s %s\n", bench_contenders[i]->name,
                       bench_contenders[i]->title);
    }
}

/* One workload. 0: the run cannot go on. */
static int run_workload(bench_t *bench, const bench_workload_t *workload, bench_results_t *results,
                        int *failed)
{
    int first = results->count;
    apr_pool_t *pool;
    bench_case_t test;
    const char *skip;
    int went_on = 1;

    apr_pool_create(&pool, bench->pool);
    skip = bench_case_prepare(&test, bench, workload, pool, failed);
    if (skip != NULL && (*failed || program_interrupted())) {
        apr_pool_destroy(pool);
        return 0;
    }
    if (skip != NULL) {
        each_measurement(bench, workload, results, skip);
    } else {
        went_on = bench_case_measure(&test, results);
    }
    apr_pool_destroy(pool);
    if (bench->settings->json == NULL || strcmp(bench->settings->json, "-") != 0) {
        report_table(bench, results, first);
    }
    return went_on;
}

/* Write what the settings ask for. 0: something could not be written. */
static int write_results(bench_t *bench, const bench_results_t *results)
{
    const bench_settings_t *settings = bench->settings;
    console_t *console = bench->console;
    target_t *targets = NULL;
    int count = settings->targets ? report_targets(results, &targets, bench->pool) : 0;
    int good = 1;

    if (count > 0 && (settings->json == NULL || strcmp(settings->json, "-") != 0)) {
        target_print(targets, count, console);
    }
    if (settings->markdown != NULL) {
        good = output_write(console, settings->markdown,
                            report_markdown(bench, results, targets, count), bench->pool);
    }
    if (settings->json != NULL) {
        good =
            output_write(console, settings->json, report_json(results, bench->pool), bench->pool) &&
            good;
    }
    return good;
}

/* What the measurements alone take; files have to be made and read besides. */
static void announce(const bench_t *bench)
{
    double seconds = (double)bench->steps * bench->settings->seconds * 1.1;

    if (bench->settings->json == NULL || strcmp(bench->settings->json, "-") != 0) {
        console_printf(bench->console,
                       "This takes %d seconds or more; longer on a busy machine or a slow disk.\n",
                       (int)seconds + 1);
        console_flush(bench->console);
    }
}

static int run_all(bench_t *bench)
{
    const bench_settings_t *settings = bench->settings;
    bench_results_t results = {NULL, 0, 0};
    int failed = 0;
    int i;

    /* Better to know before than after. */
    if (!output_check(bench->console, settings->json, bench->pool) ||
        !output_check(bench->console, settings->markdown, bench->pool)) {
        return BENCH_ERROR;
    }
    for (i = 0; bench_workloads[i].name != NULL; i++) {
        if (bench_name_listed(settings->workloads, bench_workloads[i].name)) {
            bench->steps +=
                (apr_uint64_t)(each_measurement(bench, &bench_workloads[i], NULL, NULL) *
                               settings->repeat);
        }
    }
    if (bench->steps == 0) {
        console_error(bench->console, "%s: none of these contenders supports these workloads\n",
                      program_name);
        return BENCH_ERROR;
    }
    if (settings->file != NULL && !bench_data_open(bench)) {
        return BENCH_ERROR;
    }
    announce(bench);
    for (i = 0; bench_workloads[i].name != NULL; i++) {
        if (bench_name_listed(settings->workloads, bench_workloads[i].name) &&
            !run_workload(bench, &bench_workloads[i], &results, &failed)) {
            break;
        }
    }
    bench_data_close(bench);
    failed |= !write_results(bench, &results);
    if (bench->wrong > 0) {
        console_error(bench->console, "%s: WRONG BYTES were read in %d measurements\n",
                      program_name, bench->wrong);
    }
    return failed ? BENCH_ERROR : bench->wrong > 0 ? BENCH_WRONG : BENCH_OK;
}

static int run_instructions(bench_t *bench)
{
    const bench_workload_t *workload = bench_workloads;
    int i = 0;
    int code;

    while (strcmp(workload->name, bench->settings->instructions) != 0) {
        workload++;
    }
    while (strcmp(bench_contenders[i]->name, bench->settings->contenders) != 0) {
        i++;
    }
    code = bench_instructions(bench, workload, bench_contenders[i]);
    bench_data_close(bench);
    return code;
}

int bench_main(const char *program, int argc, const char *const *argv, console_t *console,
               apr_pool_t *pool)
{
    bench_settings_t settings;
    bench_t bench = {.settings = &settings, .console = console, .pool = pool};

    program_name = program;
    if (!bench_settings_parse(&settings, argc, argv, console, pool)) {
        return BENCH_ERROR;
    }
    if (settings.help) {
        return BENCH_OK;
    }
    if (settings.version) {
        console_printf(console, "%s %s (libsmmap %s, APR %s)\n", program_name, SMMAP_VERSION_STRING,
                       smmap_version(NULL, NULL, NULL), apr_version_string());
        return BENCH_OK;
    }
    if (settings.list) {
        print_list(console);
        return BENCH_OK;
    }
    program_catch(SIGINT);
    program_catch(SIGTERM);
#ifdef SIGHUP
    program_catch(SIGHUP);
#endif
#ifdef SIGBUS
    running = &bench;
    apr_signal(SIGBUS, on_fault);
#endif
    choose_threads(&bench);
    return settings.instructions != NULL ? run_instructions(&bench) : run_all(&bench);
}
