/*
 * The command line of smmap-bench.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/program.h"
#include "tools/size.h"

enum {
    OPT_CONTENDER = 256,
    OPT_DIR,
    OPT_HELP,
    OPT_INSTRUCTIONS,
    OPT_JSON,
    OPT_LIST,
    OPT_MARKDOWN,
    OPT_PYTHON,
    OPT_QUICK,
    OPT_REPEAT,
    OPT_SECONDS,
    OPT_SIZE,
    OPT_SVG,
    OPT_THREADS,
    OPT_VERSION,
    OPT_WINDOW_SIZE,
    OPT_WORKLOAD
};

static const apr_getopt_option_t options[] = {
    {"list", OPT_LIST, 0, "print the workloads and the contenders"},
    {"workload", OPT_WORKLOAD, 1, "NAME,...  only these workloads"},
    {"contender", OPT_CONTENDER, 1, "NAME,...  only these contenders"},
    {"repeat", OPT_REPEAT, 1, "N         measure each cell N times, 1 to 101; default 7"},
    {"seconds", OPT_SECONDS, 1, "S         for so long each time; default 0.2"},
    {"threads", OPT_THREADS, 1, "N         1, 2, 4, ... up to N threads; default 2"},
    {"quick", OPT_QUICK, 0, "small files, short times: to see that it works"},
    {"json", OPT_JSON, 1, "FILE      write the results; -: print them, and no table"},
    {"markdown", OPT_MARKDOWN, 1, "FILE      write the results as tables for a page"},
    {"svg", OPT_SVG, 1, "DIR       draw pictures into a directory"},
    {"size", OPT_SIZE, 1, "SIZE      of the file that is made, with K, M or G"},
    {"dir", OPT_DIR, 1, "DIR       where files are made; default: for temporary files"},
    {"window-size", OPT_WINDOW_SIZE, 1,
     "SIZE      of sliding mode, where the workload leaves it open"},
    {"python", OPT_PYTHON, 1, "PROGRAM   a Python with the package smmap; default python3"},
    {"instructions", OPT_INSTRUCTIONS, 1, "WORKLOAD  no timing: see below"},
    {"help", OPT_HELP, 0, "print this help"},
    {"version", OPT_VERSION, 0, "print the version"},
    {NULL, 0, 0, NULL}};

void bench_help_print(tool_console_t *console)
{
    int i;

    tool_console_printf(
        console,
        "usage: %s [OPTION]... [FILE]\n"
        "       %s [OPTION]... --contender NAME --instructions WORKLOAD N [FILE]\n"
        "\n"
        "Reads a file in all ways there are, and shows what each of them takes. Without\n"
        "FILE one is made that fits into memory, and removed at the end.\n"
        "\n",
        bench_program, bench_program);
    for (i = 0; options[i].name != NULL; i++) {
        tool_console_printf(console, "  --%-13s %s\n", options[i].name, options[i].description);
    }
    tool_console_printf(
        console,
        "\n"
        "Numbers are medians of the repetitions, in which the contenders take turns. The\n"
        "time is what one thread needs for one access. The spread is from the tenth to\n"
        "the ninetieth percentile, as a part of the median. Ratios are taken within each\n"
        "repetition; shown is their median. All bytes that are read are checked.\n"
        "\n"
        "With --instructions one contender makes exactly N accesses, in one call of a\n"
        "function whose name is printed, after everything was touched:\n"
        "  valgrind --tool=callgrind --toggle-collect=FUNCTION %s ...\n"
        "\n"
        "Exit codes: 0 all is well, also when something was skipped; 1 bytes that were\n"
        "read were wrong; 2 bad options, or something could not be done; 128 and\n"
        "the number of the signal, when it was one that ended it.\n",
        bench_program);
}

static int complain(tool_console_t *console, const char *what)
{
    return program_complain(bench_program, console, what);
}

int bench_name_listed(const char *list, const char *name)
{
    apr_size_t size = strlen(name);

    if (list == NULL) {
        return 1;
    }
    for (;;) {
        apr_size_t part = strcspn(list, ",");

        if (part == size && strncmp(list, name, size) == 0) {
            return 1;
        }
        if (list[part] == '\0') {
            return 0;
        }
        list += part + 1;
    }
}

static int is_name(const char *name, apr_size_t size, int workloads)
{
    int i;

    for (i = 0; workloads ? bench_workloads[i].name != NULL : bench_contenders[i] != NULL; i++) {
        const char *known = workloads ? bench_workloads[i].name : bench_contenders[i]->name;

        if (strlen(known) == size && strncmp(known, name, size) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Each name of a list must be one. */
static int check_names(tool_console_t *console, const char *option, const char *list, int workloads,
                       apr_pool_t *pool)
{
    while (list != NULL) {
        apr_size_t part = strcspn(list, ",");

        if (!is_name(list, part, workloads)) {
            return complain(
                console, apr_psprintf(pool, "--%s: there is no '%.*s'; --list shows what there is",
                                      option, (int)part, list));
        }
        list = list[part] != '\0' ? list + part + 1 : NULL;
    }
    return 1;
}

static const char *parse_number(const char *text, apr_uint64_t least, apr_uint64_t most, int *value)
{
    apr_uint64_t number = 0;
    const char *wrong = tool_count_parse(text, most, &number);

    if (wrong == NULL && number < least) {
        wrong = "is too small";
    }
    if (wrong == NULL) {
        *value = (int)number;
    }
    return wrong;
}

static const char *parse_seconds(const char *text, double *value)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0') {
        return "is not a number";
    }
    if (!(number >= 0.001 && number <= 3600)) {
        return "is not between 0.001 and 3600";
    }
    *value = number;
    return NULL;
}

/* Returns NULL, or what is wrong with the value, as the end of a sentence. */
static const char *apply(void *into, int option, const char *value)
{
    bench_settings_t *settings = into;
    apr_uint64_t number = 0;
    const char *wrong = NULL;

    switch (option) {
    case OPT_LIST:
        settings->list = 1;
        break;
    case OPT_HELP:
        settings->help = 1;
        break;
    case OPT_VERSION:
        settings->version = 1;
        break;
    case OPT_QUICK:
        settings->quick = 1;
        break;
    case OPT_WORKLOAD:
        settings->workloads = value;
        break;
    case OPT_CONTENDER:
        settings->contenders = value;
        break;
    case OPT_JSON:
        settings->json = value;
        break;
    case OPT_MARKDOWN:
        settings->markdown = value;
        break;
    case OPT_SVG:
        settings->svg = value;
        break;
    case OPT_DIR:
        settings->directory = value;
        break;
    case OPT_PYTHON:
        settings->python = value;
        break;
    case OPT_INSTRUCTIONS:
        settings->instructions = value;
        break;
    case OPT_REPEAT:
        return parse_number(value, 1, BENCH_REPEAT_MOST, &settings->repeat);
    case OPT_THREADS:
        return parse_number(value, 1, 1024, &settings->threads);
    case OPT_SECONDS:
        return parse_seconds(value, &settings->seconds);
    case OPT_SIZE:
        wrong = tool_size_parse(value, TOOL_OFF_MAX, &number);
        if (wrong == NULL && number < ((apr_uint64_t)1 << 20)) {
            wrong = "is too small; it must be 1M or more";
        }
        settings->size = (apr_off_t)number;
        break;
    default: /* OPT_WINDOW_SIZE */
        wrong = tool_size_parse(value, TOOL_SIZE_MAX / 4, &number);
        if (wrong == NULL && number == 0) {
            wrong = "must be 1 or more";
        }
        settings->window_size = (apr_size_t)number;
        break;
    }
    return wrong;
}

/* What is left on the command line. */
static int take_operands(bench_settings_t *settings, const apr_getopt_t *getopt,
                         tool_console_t *console, apr_pool_t *pool)
{
    int at = getopt->ind;

    if (settings->instructions != NULL) {
        const char *wrong;

        if (at == getopt->argc) {
            return complain(console, "--instructions: the number of accesses is missing");
        }
        wrong = tool_count_parse(getopt->argv[at], (apr_uint64_t)1 << 40, &settings->count);
        if (wrong == NULL && settings->count == 0) {
            wrong = "must be 1 or more";
        }
        if (wrong != NULL) {
            return complain(console,
                            apr_psprintf(pool, "--instructions: '%s' %s", getopt->argv[at], wrong));
        }
        if (!is_name(settings->instructions, strlen(settings->instructions), 1)) {
            return complain(console, apr_psprintf(pool, "--instructions: there is no '%s'",
                                                  settings->instructions));
        }
        if (settings->contenders == NULL || strchr(settings->contenders, ',') != NULL) {
            return complain(console, "--instructions wants one --contender");
        }
        at++;
    }
    if (at < getopt->argc) {
        settings->file = getopt->argv[at++];
    }
    if (at < getopt->argc) {
        return complain(console, apr_psprintf(pool, "'%s' is one file too many", getopt->argv[at]));
    }
    if (settings->file != NULL && settings->size != 0) {
        return complain(console, "--size is for the file that is made, but there is a FILE");
    }
    return 1;
}

int bench_settings_parse(bench_settings_t *settings, int argc, const char *const *argv,
                         tool_console_t *console, apr_pool_t *pool)
{
    bench_settings_t defaults = {.python = "python3", .threads = 2};
    apr_getopt_t *getopt;

    *settings = defaults;
    if (apr_getopt_init(&getopt, pool, argc, argv) != APR_SUCCESS) {
        return complain(console, "out of memory");
    }
    getopt->interleave = 1;
    if (!program_options(getopt, options, apply, settings, bench_program, console, pool)) {
        return 0;
    }
    if (settings->repeat == 0) {
        settings->repeat = settings->quick ? 3 : 7;
    }
    if (settings->seconds <= 0) {
        settings->seconds = settings->quick ? 0.02 : 0.2;
    }
    return check_names(console, "workload", settings->workloads, 1, pool) &&
           check_names(console, "contender", settings->contenders, 0, pool) &&
           take_operands(settings, getopt, console, pool);
}
