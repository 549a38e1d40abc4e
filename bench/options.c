/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of the benchmark.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/main.h"
#include "cli/options.h"
#include "cli/size.h"

#define FIELD(name) OPTION_FIELD(bench_settings_t, name)

const option_t bench_options[] = {
    {"list", 0, NULL, "print the workloads and the contenders", option_flag, FIELD(list), 0, 0},
    {"workload", 0, "NAME,...", "measure only these workloads", option_text, FIELD(workloads), 0,
     0},
    {"contender", 0, "NAME,...", "measure only these contenders", option_text, FIELD(contenders), 0,
     0},
    {"repeat", 0, "N", "make N repetitions, 1 to 101; default: 7", option_int, FIELD(repeat), 1,
     BENCH_REPEAT_MOST},
    {"seconds", 0, "S", "time of each repetition; default: 0.2", option_seconds, FIELD(seconds), 0,
     0},
    {"threads", 0, "N", "use 1, 2, 4, ... up to N threads; default: 2", option_int, FIELD(threads),
     1, 1024},
    {"quick", 0, NULL, "short times, at most 64 MiB of the file", option_flag, FIELD(quick), 0, 0},
    {"targets", 0, NULL, "for maintainers: compare with the targets", option_flag, FIELD(targets),
     0, 0},
    {"json", 0, "FILE", "write the results; -: print only them", option_text, FIELD(json), 0, 0},
    {"markdown", 0, "FILE", "write the results as tables in Markdown", option_text, FIELD(markdown),
     0, 0},
    {"size", 0, "SIZE", "size of the file that is made, with K, M or G", option_size, FIELD(size),
     (apr_uint64_t)1 << 20, OFFSET_LARGEST},
    {"dir", 0, "DIR", "where files are made; default: for temporary files", option_text,
     FIELD(directory), 0, 0},
    {"window-size", 0, "SIZE", "window size where the workload has none", option_size,
     FIELD(window_size), 1, SIZE_LARGEST / 4},
    {"python", 0, "PROGRAM", "a Python with the package smmap; default: python3", option_text,
     FIELD(python), 0, 0},
    {"python-script", 0, "FILE", "python_smmap.py; default: where it was installed", option_text,
     FIELD(python_script), 0, 0},
    {"instructions", 0, "NAME", "make an exact number of accesses; see below", option_text,
     FIELD(instructions), 0, 0},
    {"help", 'h', NULL, "print this help", option_flag, FIELD(help), 0, 0},
    {"version", 0, NULL, "print the version", option_flag, FIELD(version), 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

static void print_help(console_t *console)
{
    console_printf(console,
                   "usage: %s [OPTION]... [FILE]\n"
                   "       %s [OPTION]... --contender NAME --instructions WORKLOAD N [FILE]\n"
                   "\n"
                   "Measures this library and other ways to read a file. Without FILE a file that\n"
                   "fits into memory is made, and removed at the end.\n",
                   program_name, program_name);
    options_help(console, "options:", bench_options);
    console_printf(
        console,
        "\n"
        "Figures are medians of the repetitions, in which the contenders take turns. The\n"
        "time is that of one access in one thread. The spread is the distance between\n"
        "the 10th and the 90th percentile, relative to the median. Ratios are taken\n"
        "within each repetition; the median is shown. All bytes read are verified.\n"
        "Pictures are drawn from the JSON file by the script bench/plot.\n"
        "\n"
        "With --instructions one contender makes exactly N accesses, in one call of a\n"
        "function whose name is printed, after everything was touched:\n"
        "  valgrind --tool=callgrind --toggle-collect=FUNCTION %s ...\n"
        "\n"
        "Exit codes: 0 success, also when something was skipped; 1 wrong bytes were\n"
        "read; 2 bad options, or something could not be done. After a signal it ends\n"
        "by that signal.\n",
        program_name);
}

static const char *name_of(int workloads, int i)
{
    return workloads                     ? bench_workloads[i].name
           : bench_contenders[i] != NULL ? bench_contenders[i]->name
                                         : NULL;
}

const char *bench_option_name(const option_t *option, int i)
{
    int is_contender = strcmp(option->name, "contender") == 0;
    int is_workload =
        strcmp(option->name, "workload") == 0 || strcmp(option->name, "instructions") == 0;

    return is_contender || is_workload ? name_of(is_workload, i) : NULL;
}

static int is_name(const char *name, apr_size_t size, int workloads)
{
    const char *known;
    int i;

    for (i = 0; (known = name_of(workloads, i)) != NULL; i++) {
        if (strlen(known) == size && strncmp(known, name, size) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Does every name of a list exist? */
static int check_names(const options_t *options, const char *option, const char *list,
                       int workloads)
{
    while (list != NULL) {
        apr_size_t part = strcspn(list, ",");

        if (!is_name(list, part, workloads)) {
            return options_complain(
                options, apr_psprintf(options->pool, "--%s: no '%.*s'; see --list for the names",
                                      option, (int)part, list));
        }
        list = list[part] != '\0' ? list + part + 1 : NULL;
    }
    return 1;
}

/* --instructions takes the first operand. */
static int take_count(const options_t *options, bench_settings_t *settings)
{
    const char *wrong;

    if (options->count == 0) {
        return options_complain(options, "--instructions: the number of accesses is missing");
    }
    wrong = count_parse(options->operands[0], (apr_uint64_t)1 << 40, &settings->count);
    if (wrong == NULL && settings->count == 0) {
        wrong = "must be 1 or more";
    }
    if (wrong != NULL) {
        return options_complain(options, apr_psprintf(options->pool, "--instructions: '%s' %s",
                                                      options->operands[0], wrong));
    }
    if (settings->contenders == NULL || strchr(settings->contenders, ',') != NULL) {
        return options_complain(options, "--instructions needs one --contender");
    }
    return strchr(settings->instructions, ',') == NULL ||
           options_complain(options, "--instructions takes one workload");
}

static int take_operands(const options_t *options, bench_settings_t *settings)
{
    int at = settings->instructions != NULL;

    if (at > 0 && !take_count(options, settings)) {
        return 0;
    }
    if (at < options->count) {
        settings->file = options->operands[at++];
    }
    if (at < options->count) {
        return options_complain(
            options, apr_psprintf(options->pool, "too many files: '%s'", options->operands[at]));
    }
    if (settings->file != NULL && settings->size != 0) {
        return options_complain(options,
                                "--size is for the file that is made, but there is a FILE");
    }
    return 1;
}

/* Where the script is installed; a build says it. */
#ifndef BENCH_PYTHON_SCRIPT
#define BENCH_PYTHON_SCRIPT "python_smmap.py"
#endif

int bench_settings_parse(bench_settings_t *settings, int argc, const char *const *argv,
                         console_t *console, apr_pool_t *pool)
{
    const bench_settings_t defaults = {
        .python = "python3", .python_script = BENCH_PYTHON_SCRIPT, .threads = 2};
    options_t options = {program_name, {bench_options, NULL}, settings, console, pool, 0, NULL};

    *settings = defaults;
    if (!options_parse(&options, argc, argv)) {
        return 0;
    }
    if (settings->help) {
        print_help(console);
        return 1;
    }
    if (settings->repeat == 0) {
        settings->repeat = settings->quick ? 3 : 7;
    }
    if (settings->seconds <= 0) {
        settings->seconds = settings->quick ? 0.02 : 0.2;
    }
    return check_names(&options, "workload", settings->workloads, 1) &&
           check_names(&options, "contender", settings->contenders, 0) &&
           check_names(&options, "instructions", settings->instructions, 1) &&
           take_operands(&options, settings);
}
