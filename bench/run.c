/*
 * A whole run: the workloads one after the other, each with all its contenders.
 */
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_version.h>

#include "bench/measure.h"
#include "tools/size.h"

const char *bench_program = "smmap-bench";

const bench_contender_t *const bench_contenders[] = {&bench_raw,
                                                     &bench_static,
                                                     &bench_sliding,
                                                     &bench_hinted,
                                                     &bench_list_model,
                                                     &bench_python,
                                                     &bench_gmapped,
                                                     &bench_map_unmap,
                                                     &bench_open_read,
                                                     &bench_pread_64,
                                                     &bench_pread_4k,
                                                     &bench_pread_1m,
                                                     NULL};

int bench_does(const bench_t *bench, const bench_workload_t *workload,
               const bench_contender_t *contender)
{
    return contender->loops[workload->kind] != NULL &&
           bench_name_listed(bench->settings->contenders, contender->name);
}

static void choose_threads(bench_t *bench)
{
    int most = bench->settings->threads;
    int threads;

    for (threads = 1; threads < most; threads *= 2) {
        bench->thread_counts[bench->thread_count_count++] = threads;
    }
    bench->thread_counts[bench->thread_count_count++] = most;
}

/* How many cells there are to measure. */
static void count_steps(bench_t *bench)
{
    int i;
    int j;

    for (i = 0; bench_workloads[i].name != NULL; i++) {
        const bench_workload_t *workload = &bench_workloads[i];

        if (!bench_name_listed(bench->settings->workloads, workload->name)) {
            continue;
        }
        for (j = 0; bench_contenders[j] != NULL; j++) {
            if (bench_does(bench, workload, bench_contenders[j])) {
                int counts = workload->threads && bench_contenders[j]->threads
                                 ? bench->thread_count_count
                                 : 1;

                bench->steps += (apr_uint64_t)(counts * bench->settings->repeat);
            }
        }
    }
}

void bench_workload_skip(bench_t *bench, const bench_workload_t *workload, const char *why,
                         bench_results_t *results)
{
    int counts = workload->threads ? bench->thread_count_count : 1;
    int i;
    int j;

    for (j = 0; j < counts; j++) {
        for (i = 0; bench_contenders[i] != NULL; i++) {
            bench_result_t *result;

            if (!bench_does(bench, workload, bench_contenders[i]) ||
                (j > 0 && !bench_contenders[i]->threads)) {
                continue;
            }
            result = bench_results_add(results, bench->pool);
            result->workload = workload;
            result->contender = bench_contenders[i];
            result->threads = bench->thread_counts[j];
            result->skip = apr_pstrdup(bench->pool, why);
            result->verified = 1;
            result->huge_bytes = -1;
            bench->done += (apr_uint64_t)bench->settings->repeat;
        }
    }
}

static void print_list(tool_console_t *console)
{
    int i;

    tool_console_printf(console, "Workloads:\n");
    for (i = 0; bench_workloads[i].name != NULL; i++) {
        tool_console_printf(console, "  %-16s %s\n", bench_workloads[i].name,
                            bench_workloads[i].title);
    }
    tool_console_printf(console, "\nContenders:\n");
    for (i = 0; bench_contenders[i] != NULL; i++) {
        tool_console_printf(console, "  %-16s %s\n", bench_contenders[i]->name,
                            bench_contenders[i]->title);
    }
}

/* One workload. 0: the run cannot go on. */
static int run_workload(bench_t *bench, const bench_workload_t *workload, bench_results_t *results,
                        int *failed)
{
    int first = results->count;
    apr_pool_t *pool;
    bench_job_t job;
    const char *skip;
    int went_on = 1;

    if (apr_pool_create(&pool, bench->pool) != APR_SUCCESS) {
        return 0;
    }
    skip = bench_job_prepare(&job, bench, workload, pool, failed);
    if (skip != NULL && (*failed || bench_interrupted())) {
        apr_pool_destroy(pool);
        return 0;
    }
    if (skip != NULL) {
        bench_workload_skip(bench, workload, skip, results);
    } else {
        went_on = bench_job_measure(&job, results);
    }
    apr_pool_destroy(pool);
    if (bench->settings->json == NULL || strcmp(bench->settings->json, "-") != 0) {
        if (first == 0) {
            bench_table_head(bench);
        }
        bench_table_print(bench, results, first);
    }
    return went_on;
}

static apr_status_t check_file(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT, pool);

    return status == APR_SUCCESS ? apr_file_close(file) : status;
}

/* Can the results be written at all? Better to know before than after. */
static int check_outputs(bench_t *bench)
{
    const bench_settings_t *settings = bench->settings;
    apr_status_t status = APR_SUCCESS;
    const char *path = settings->json;
    apr_finfo_t info;
    char reason[256];

    if (path != NULL && strcmp(path, "-") != 0) {
        status = check_file(path, bench->pool);
    }
    if (status == APR_SUCCESS && settings->markdown != NULL) {
        path = settings->markdown;
        status = check_file(path, bench->pool);
    }
    if (status == APR_SUCCESS && settings->svg != NULL) {
        path = settings->svg;
        status = apr_dir_make_recursive(path, APR_FPROT_OS_DEFAULT, bench->pool);
        if (status == APR_SUCCESS) {
            status = apr_stat(&info, path, APR_FINFO_TYPE, bench->pool);
        }
        if (status == APR_SUCCESS && info.filetype != APR_DIR) {
            status = APR_ENOTDIR;
        }
    }
    if (status != APR_SUCCESS) {
        tool_console_error(bench->console, "%s: %s: %s\n", bench_program, path,
                           smmap_strerror(status, reason, sizeof(reason)));
    }
    return status == APR_SUCCESS;
}

static int run_all(bench_t *bench)
{
    bench_results_t results = {NULL, 0, 0};
    target_t *targets;
    int to_stdout = bench->settings->json != NULL && strcmp(bench->settings->json, "-") == 0;
    int failed = 0;
    int i;

    if (!check_outputs(bench)) {
        return BENCH_ERROR;
    }
    count_steps(bench);
    if (bench->steps == 0) {
        tool_console_error(bench->console,
                           "%s: none of these contenders does any of "
                           "these workloads\n",
                           bench_program);
        return BENCH_ERROR;
    }
    for (i = 0; bench_workloads[i].name != NULL; i++) {
        if (bench_name_listed(bench->settings->workloads, bench_workloads[i].name) &&
            !run_workload(bench, &bench_workloads[i], &results, &failed)) {
            break;
        }
    }
    bench_data_close(bench);
    if (!to_stdout) {
        int count = bench_targets(&results, &targets, bench->pool);

        target_print(targets, count, bench->console);
    }
    if (bench->settings->markdown != NULL && !bench_markdown_write(bench, &results)) {
        failed = 1;
    }
    if (bench->settings->json != NULL && !bench_json_write(bench, &results)) {
        failed = 1;
    }
    if (bench->settings->svg != NULL && !bench_svg_write(bench, &results)) {
        failed = 1;
    }
    if (bench->wrong > 0) {
        tool_console_error(bench->console, "%s: WRONG BYTES were read in %d cells of the table\n",
                           bench_program, bench->wrong);
    }
    if (bench_interrupted()) {
        return 128 + bench_interrupted();
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
    return bench_interrupted() ? 128 + bench_interrupted() : code;
}

int bench_main(const char *program, int argc, const char *const *argv, tool_console_t *console,
               apr_pool_t *pool)
{
    bench_settings_t settings;
    bench_t bench = {.settings = &settings, .console = console, .pool = pool};

    bench_program = program;
    if (!bench_settings_parse(&settings, argc, argv, console, pool)) {
        return BENCH_ERROR;
    }
    if (settings.help) {
        bench_help_print(console);
        return BENCH_OK;
    }
    if (settings.version) {
        tool_console_printf(console, "%s %s (libsmmap %s, APR %s)\n", bench_program,
                            SMMAP_VERSION_STRING, smmap_version(NULL, NULL, NULL),
                            apr_version_string());
        return BENCH_OK;
    }
    if (settings.list) {
        print_list(console);
        return BENCH_OK;
    }
    bench_progress_start();
    choose_threads(&bench);
    return settings.instructions != NULL ? run_instructions(&bench) : run_all(&bench);
}
