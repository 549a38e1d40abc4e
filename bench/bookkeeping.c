/*
 * smmap-bookkeeping: what the library's own work costs, and how well it chooses.
 *
 * The core is linked with a backend that maps nothing (null_backend.c), so it can be
 * seen without a system: what a miss costs with a hundred windows and with a million, or
 * with many cursors (misscost.c, keeper.c), what things take of memory (memorycost.c), and
 * how often there is a miss, against other policies (replay.c, policy.c, trace.c). It needs
 * addresses that nobody has, and so a 64-bit program.
 */
#include "bench/bookkeeping.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/null_backend.h"
#include "bench/program.h"
#include "tools/size.h"

/* Mappings at a time: two managers of each number of windows, and some more. */
#define PLACES 2400000u

static const char program[] = "smmap-bookkeeping";

enum {
    OPT_DIR = 256,
    OPT_HELP,
    OPT_JSON,
    OPT_MARKDOWN,
    OPT_MAX_WINDOWS,
    OPT_ONLY,
    OPT_QUICK,
    OPT_REFERENCES,
    OPT_REPEAT,
    OPT_SECONDS,
    OPT_TRACE,
    OPT_VERSION,
    OPT_WINDOW_SIZE
};

static const apr_getopt_option_t options[] = {
    {"only", OPT_ONLY, 1, "WHAT       cost (of a miss), memory or ratio (of misses)"},
    {"max-windows", OPT_MAX_WINDOWS, 1, "N   cost: not with more windows than N"},
    {"repeat", OPT_REPEAT, 1, "N        cost: measure N times, 1 to 101; default 7"},
    {"seconds", OPT_SECONDS, 1, "S       cost: for so long each time; default 0.2"},
    {"references", OPT_REFERENCES, 1, "N    ratio: in each trace that is made; default 200000"},
    {"trace", OPT_TRACE, 1, "FILE      ratio: replay FILE too, a file of SMMAP_TRACE; up to 8"},
    {"window-size", OPT_WINDOW_SIZE, 1, "SIZE  ratio: for these traces; default 1M"},
    {"markdown", OPT_MARKDOWN, 1, "FILE   ratio: write the table for a page"},
    {"quick", OPT_QUICK, 0, "fewer windows, shorter traces: to see that it works"},
    {"json", OPT_JSON, 1, "FILE       write the results; -: to standard output, and no table"},
    {"dir", OPT_DIR, 1, "DIR         where empty files are made; default: for temporary files"},
    {"help", OPT_HELP, 0, "print this help"},
    {"version", OPT_VERSION, 0, "print the version"},
    {NULL, 0, 0, NULL}};

void books_print(books_t *books, const char *format, ...)
{
    va_list arguments;
    const char *text;

    if (books->settings->json != NULL && strcmp(books->settings->json, "-") == 0) {
        return;
    }
    va_start(arguments, format);
    text = apr_pvsprintf(books->pool, format, arguments);
    va_end(arguments);
    tool_console_print(books->console, text, strlen(text));
    tool_console_flush(books->console);
}

void books_add(books_t *books, const char *object)
{
    books->json = apr_pstrcat(books->pool, books->json != NULL ? books->json : "",
                              books->json != NULL ? ",\n{" : "\n{", object, "}", NULL);
}

void books_target(books_t *books, const char *what, double most, double measured, const char *where)
{
    target_t *target = books->targets;
    target_t *end = books->targets + books->target_count;

    while (target < end && strcmp(target->what, what) != 0) {
        target++;
    }
    if (target == end) {
        if (books->target_count == BOOKS_TARGETS_MOST) {
            abort(); /* a mistake in this program */
        }
        books->target_count++;
        target->what = what;
        target->bound = most;
    }
    if (measured > target->measured) {
        target->measured = measured;
        target->where = where;
    }
}

int books_complain(books_t *books, const char *what, apr_status_t status)
{
    char reason[256];

    tool_console_error(books->console, "smmap-bookkeeping: %s: %s\n", what,
                       smmap_strerror(status, reason, sizeof(reason)));
    return 0;
}

int books_hole(books_t *books, apr_off_t size, apr_os_file_t *handle)
{
    return books_hole_in(books, size, handle, books->pool);
}

int books_hole_in(books_t *books, apr_off_t size, apr_os_file_t *handle, apr_pool_t *pool)
{
    const char *where = books->settings->directory;
    apr_status_t status = APR_SUCCESS;
    apr_file_t *file;
    char *name;

    if (where == NULL) {
        status = apr_temp_dir_get(&where, pool);
    }
    if (status != APR_SUCCESS) {
        return books_complain(books, "no directory for temporary files", status);
    }
    name = apr_pstrcat(pool, where, "/smmap-hole.XXXXXX", NULL);
    status = apr_file_mktemp(&file, name,
                             APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_READ | APR_FOPEN_WRITE |
                                 APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE | APR_FOPEN_DELONCLOSE,
                             pool);
    if (status == APR_SUCCESS) {
        /* Where it can be done now, nothing is left behind whatever happens. */
        (void)apr_file_remove(name, pool);
        status = apr_file_trunc(file, size);
    }
    if (status == APR_SUCCESS) {
        status = apr_os_file_get(handle, file);
    }
    return status == APR_SUCCESS ? 1 : books_complain(books, where, status);
}

static void print_help(tool_console_t *console)
{
    int i;

    tool_console_printf(console, "Usage: smmap-bookkeeping [OPTION]...\n"
                                 "\n"
                                 "What a miss costs the library itself, and how often it misses,\n"
                                 "measured without a system behind it.\n"
                                 "\n");
    for (i = 0; options[i].name != NULL; i++) {
        tool_console_printf(console, "  --%s %s\n", options[i].name, options[i].description);
    }
    tool_console_printf(console, "\nExit codes: 0 all is well; 1 the library's counters do not\n"
                                 "agree with what happened, or something failed; 2 bad options.\n");
}

static const char *parse_number(const char *text, apr_uint64_t least, apr_uint64_t most,
                                apr_uint64_t *number)
{
    const char *wrong = tool_size_parse(text, most, number);

    return wrong == NULL && *number < least ? "is too small" : wrong;
}

/* Returns NULL, or what is wrong with the value, as the end of a sentence. */
static const char *apply(void *into, int option, const char *value)
{
    books_settings_t *settings = into;
    apr_uint64_t number = 0;
    const char *wrong = NULL;
    char *end;

    switch (option) {
    case OPT_HELP:
        settings->help = 1;
        break;
    case OPT_VERSION:
        settings->version = 1;
        break;
    case OPT_JSON:
        settings->json = value;
        break;
    case OPT_MARKDOWN:
        settings->markdown = value;
        break;
    case OPT_DIR:
        settings->directory = value;
        break;
    case OPT_TRACE:
        if (settings->trace_count == BOOKS_TRACES) {
            return "is one trace too many";
        }
        settings->traces[settings->trace_count++] = value;
        break;
    case OPT_QUICK:
        settings->quick = 1;
        break;
    case OPT_ONLY:
        settings->cost = strcmp(value, "cost") == 0;
        settings->memory = strcmp(value, "memory") == 0;
        settings->ratios = strcmp(value, "ratio") == 0;
        return settings->cost || settings->memory || settings->ratios
                   ? NULL
                   : "is not cost, memory or ratio";
    case OPT_REPEAT:
        wrong = parse_number(value, 1, BENCH_REPEAT_MOST, &number);
        settings->repeat = (int)number;
        break;
    case OPT_MAX_WINDOWS:
        wrong = parse_number(value, 100, 1000000, &number);
        settings->most_windows = (apr_uint32_t)number;
        break;
    case OPT_REFERENCES:
        wrong = parse_number(value, 1000, (apr_uint64_t)1 << 30, &number);
        settings->references = (apr_uint32_t)number;
        break;
    case OPT_WINDOW_SIZE:
        wrong = parse_number(value, 1, (apr_uint64_t)1 << 30, &number);
        settings->window_size = (apr_size_t)((number + 4095) / 4096 * 4096);
        break;
    default: /* OPT_SECONDS */
        settings->seconds = strtod(value, &end);
        if (end == value || *end != '\0' ||
            !(settings->seconds >= 0.001 && settings->seconds <= 3600)) {
            return "is not a number between 0.001 and 3600";
        }
        break;
    }
    return wrong;
}

/* What the user did not say. */
static void fill_in(books_settings_t *settings)
{
    int quick = settings->quick;

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
    if (settings->window_size == 0) {
        settings->window_size = (apr_size_t)1 << 20;
    }
}

static int parse(books_settings_t *settings, int argc, const char *const *argv,
                 tool_console_t *console, apr_pool_t *pool)
{
    apr_getopt_t *getopt;

    if (apr_getopt_init(&getopt, pool, argc, argv) != APR_SUCCESS) {
        return program_complain(program, console, "out of memory");
    }
    if (!program_options(getopt, options, apply, settings, program, console, pool)) {
        return 0;
    }
    if (getopt->ind < argc) {
        return program_complain(
            program, console, apr_psprintf(pool, "there is no use for '%s'", argv[getopt->ind]));
    }
    fill_in(settings);
    return 1;
}

static int write_text(books_t *books, const char *path, const char *text)
{
    apr_file_t *file;
    apr_status_t status;

    if (strcmp(path, "-") == 0) {
        tool_console_print(books->console, text, strlen(text));
        return 1;
    }
    status = apr_file_open(
        &file, path, APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_WRITE | APR_FOPEN_BINARY,
        APR_FPROT_OS_DEFAULT, books->pool);
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(file, text, strlen(text), NULL);
    }
    return status == APR_SUCCESS ? 1 : books_complain(books, path, status);
}

static int run(int argc, const char *const *argv, tool_console_t *console, apr_pool_t *pool)
{
    books_settings_t settings = {.cost = 1, .memory = 1, .ratios = 1};
    books_t books = {.settings = &settings, .console = console, .pool = pool};
    int good = 1;

    if (!parse(&settings, argc, argv, console, pool)) {
        return BENCH_ERROR;
    }
    if (settings.help) {
        print_help(console);
        return BENCH_OK;
    }
    if (settings.version) {
        tool_console_printf(console, "smmap-bookkeeping %s\n", SMMAP_VERSION_STRING);
        return BENCH_OK;
    }
    if (sizeof(void *) < 8) {
        tool_console_error(console, "smmap-bookkeeping: works in 64-bit programs alone\n");
        return BENCH_ERROR;
    }
    null_backend_start(apr_palloc(pool, PLACES * sizeof(apr_uint32_t)), PLACES,
                       settings.window_size);
    if (settings.cost) {
        good = books_cost(&books) && books_cursors(&books);
    }
    if (good && settings.memory) {
        good = books_memory(&books);
    }
    if (good && settings.ratios) {
        good = books_ratios(&books);
    }
    if (settings.json == NULL || strcmp(settings.json, "-") != 0) {
        target_print(books.targets, books.target_count, console);
    }
    if (good && settings.json != NULL) {
        good = write_text(&books, settings.json,
                          apr_pstrcat(pool, "[", books.json != NULL ? books.json : "", "\n]\n",
                                      NULL));
    }
    if (good && books.markdown != NULL) {
        good = write_text(&books, settings.markdown, books.markdown);
    }
    return good ? BENCH_OK : BENCH_WRONG;
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main(program, argc, argv, env, run);
}
