/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `smmap find`: where bytes are in files.
 *
 * The search itself is in search.c and the files below it; here is what users of grep know: the
 * options, when a file is done, and the exit code. As grep does, an error gives exit code 2 also
 * when matches were found elsewhere; only -q, which stops at the first match, gives 0 then.
 */
#include <string.h>

#include <apr_strings.h>

#include "cli/size.h"
#include "tools/crew.h"
#include "tools/print.h"

typedef struct find_t {
    const tool_t *tool;
    tool_printer_t *printer;
    apr_uint64_t count; /* matches in the file in work */
    int has_match;      /* 1: in any file */
    int good;           /* 0: something was wrong with a file */
} find_t;

static int on_found(void *baton, const char *path, const tool_found_t *found)
{
    find_t *find = baton;

    find->has_match = 1;
    find->count += found->count;
    if (find->tool->settings->print == TOOL_PRINT_OFFSETS) {
        tool_printer_matches(find->printer, path, found);
    }
    return find->tool->settings->print != TOOL_PRINT_NOTHING &&
           console_status(find->tool->console) == APR_SUCCESS;
}

static int on_done(void *baton, const char *path, int was_opened, apr_status_t status)
{
    find_t *find = baton;
    tool_print_t print = find->tool->settings->print;
    apr_uint64_t count = find->count;

    find->count = 0;
    if (program_interrupted()) {
        return 0; /* the file was not read to its end: nothing can be said about it */
    }
    if (print == TOOL_PRINT_COUNT && was_opened) {
        tool_printer_count(find->printer, path, count);
    } else if ((print == TOOL_PRINT_WITH && count > 0) ||
               (print == TOOL_PRINT_WITHOUT && count == 0 && status == APR_SUCCESS)) {
        tool_printer_path(find->printer, path);
    }
    if (status != APR_SUCCESS) {
        tool_walk_report(find->tool, path, status);
        find->good = 0;
    }
    return 1;
}

/* A pattern as it was given becomes bytes. 0: it is bad, and that was printed. */
static int read_pattern(const tool_t *tool, const char *text, struct tool_bytes_t *pattern)
{
    const char *wrong = NULL;

    pattern->bytes = apr_pmemdup(tool->pool, text, strlen(text) + 1);
    pattern->size = strlen(text);
    if (tool->settings->hex) {
        wrong = tool_pattern_unhex(text, &pattern->bytes, &pattern->size, tool->pool);
    }
    if (wrong == NULL && pattern->size == 0) {
        wrong = "is empty";
    }
    if (wrong == NULL && pattern->size > TOOL_PATTERN_MAX) {
        wrong = "is longer than 32768 bytes";
    }
    if (wrong != NULL) {
        /* A pattern of thousands of bytes is not repeated to the user. */
        console_error(tool->console,
                      "smmap find: the pattern '%.60s%s' %s\n"
                      "Try 'smmap find --help' for more information.\n",
                      text, strlen(text) > 60 ? "..." : "", wrong);
    }
    return wrong == NULL;
}

static int make_plan(const tool_t *tool, tool_plan_t *plan)
{
    const tool_settings_t *settings = tool->settings;
    tool_patterns_plan_t *patterns = &plan->patterns;
    int i;

    memset(plan, 0, sizeof(*plan));
    patterns->count = settings->patterns != NULL ? settings->patterns->nelts : 1;
    patterns->patterns =
        apr_pcalloc(tool->pool, (apr_size_t)patterns->count * sizeof(*patterns->patterns));
    patterns->folds = settings->ignore_case;
    patterns->overlap = settings->overlap;
    for (i = 0; i < patterns->count; i++) {
        const char *text = settings->patterns != NULL
                               ? APR_ARRAY_IDX(settings->patterns, i, const char *)
                               : settings->operands[0];

        if (!read_pattern(tool, text, &patterns->patterns[i])) {
            return 0;
        }
    }
    plan->keeps = settings->print == TOOL_PRINT_OFFSETS;
    plan->keeps_bytes = settings->has_context;
    plan->context = (apr_size_t)settings->context;
    plan->limit = plan->keeps || settings->print == TOOL_PRINT_COUNT ? settings->max_count : 1;
    return 1;
}

/* Where the paths begin among the operands. */
static int first_path(const tool_t *tool)
{
    return tool->settings->patterns != NULL ? 0 : 1;
}

static int reads_stdin(const tool_t *tool)
{
    const tool_settings_t *settings = tool->settings;
    int i = first_path(tool);

    if (i >= settings->count) {
        return !settings->recursive;
    }
    while (i < settings->count && strcmp(settings->operands[i], TOOL_STDIN) != 0) {
        i++;
    }
    return i < settings->count;
}

static int run(tool_t *tool)
{
    find_t find = {tool, tool_printer_create(tool), 0, 0, 1};
    tool_plan_t plan;
    tool_crew_t crew = {tool, &plan, NULL, 0, on_found, on_done, &find};
    apr_array_header_t *paths;

    if (!make_plan(tool, &plan)) {
        return TOOL_ERROR;
    }
    if (tool->settings->max_count == 0) {
        return TOOL_NONE; /* as grep: nothing can be found, so nothing is read */
    }
    if (tool->settings->offset < 0 && reads_stdin(tool)) {
        console_error(tool->console,
                      "smmap find: --offset: it is negative, but the end of standard "
                      "input is not known\n"
                      "Try 'smmap find --help' for more information.\n");
        return TOOL_ERROR;
    }
    find.good = tool_tree_list(tool, first_path(tool), &paths);
    crew.paths = (const char *const *)paths->elts;
    crew.count = paths->nelts;
    tool_crew_run(&crew);
    if (find.has_match && (find.good || tool->settings->print == TOOL_PRINT_NOTHING)) {
        return TOOL_OK;
    }
    return find.good ? TOOL_NONE : TOOL_ERROR;
}

static const char *set_print(const option_t *option, void *into, const char *value,
                             apr_pool_t *pool)
{
    tool_settings_t *settings = into;
    tool_print_t print = option->letter == 'c'   ? TOOL_PRINT_COUNT
                         : option->letter == 'l' ? TOOL_PRINT_WITH
                                                 : TOOL_PRINT_WITHOUT;

    (void)value;
    (void)pool;
    settings->conflicts += settings->print != TOOL_PRINT_OFFSETS && settings->print != print;
    settings->print = print;
    return NULL;
}

static const char *add_pattern(const option_t *option, void *field, const char *value,
                               apr_pool_t *pool)
{
    apr_array_header_t **patterns = field;

    (void)option;
    if (*patterns == NULL) {
        *patterns = apr_array_make(pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(*patterns, const char *) = value;
    return NULL;
}

static const char *set_color(const option_t *option, void *field, const char *value,
                             apr_pool_t *pool)
{
    tool_color_t *color = field;

    (void)option;
    (void)pool;
    *color = strcmp(value, "always") == 0  ? TOOL_COLOR_ALWAYS
             : strcmp(value, "never") == 0 ? TOOL_COLOR_NEVER
                                           : TOOL_COLOR_AUTO;
    return *color != TOOL_COLOR_AUTO || strcmp(value, "auto") == 0
               ? NULL
               : "is not one of auto, always and never";
}

static const char *set_context(const option_t *option, void *field, const char *value,
                               apr_pool_t *pool)
{
    ((tool_settings_t *)field)->has_context = 1;
    return option_int(option, &((tool_settings_t *)field)->context, value, pool);
}

static const option_t options[] = {
    {"pattern", 'e', "PATTERN",
     "search for this pattern; may be given more than\n"
     "once, and all that is left are files",
     add_pattern, TOOL_FIELD(patterns), 0, 0},
    {"ignore-case", 'i', NULL, "letters of ASCII match in both cases", option_flag,
     TOOL_FIELD(ignore_case), 0, 0},
    {"hex", 'x', NULL,
     "PATTERN is hexadecimal: two digits for each byte,\n"
     "with or without blanks between: 'de ad 00 ef'",
     option_flag, TOOL_FIELD(hex), 0, 0},
    {"overlap", 0, NULL, "also find matches that overlap the one before", option_flag,
     TOOL_FIELD(overlap), 0, 0},
    {"recursive", 'r', NULL,
     "search all files in directories, and below; without\n"
     "FILE: in the current one",
     option_flag, TOOL_FIELD(recursive), 0, 0},
    {"threads", 0, "N", "search N files at a time; default: 1", option_int, TOOL_FIELD(threads), 1,
     256},
    {"count", 'c', NULL, "print only the number of matches in each file", set_print, 0, 0, 0},
    {"max-count", 'm', "N", "stop reading a file after N matches", option_count,
     TOOL_FIELD(max_count), 0, ~(apr_uint64_t)0},
    {"files-with-matches", 'l', NULL, "print only the paths of files with a match", set_print, 0, 0,
     0},
    {"files-without-match", 'L', NULL, "print only the paths of files without a match", set_print,
     0, 0, 0},
    {"context", 'C', "N", "print N bytes around each match, too, at most 65536", set_context, 0, 0,
     TOOL_CONTEXT_MOST},
    {"hex-offsets", 0, NULL, "print offsets in hexadecimal digits, after '0x'", option_flag,
     TOOL_FIELD(hex_offsets), 0, 0},
    {"json", 0, NULL,
     "print one JSON object on a line for each match, or\n"
     "count, or path",
     option_flag, TOOL_FIELD(json), 0, 0},
    {"color", 0, "auto|always|never",
     "print in colours; auto, the default: on a terminal,\n"
     "if NO_COLOR is not set",
     set_color, TOOL_FIELD(color), 0, 0},
    {"offset", 0, "SIZE",
     "start at this offset of each file; negative: at so\n"
     "many bytes before its end; default: 0",
     option_offset, TOOL_FIELD(offset), 0, 0},
    {"length", 0, "SIZE",
     "search at most so many bytes of each file; a match\n"
     "must lie within them",
     option_size, TOOL_FIELD(length), 0, ~(apr_uint64_t)0},
    {"quiet", 'q', NULL, "print nothing, and stop at the first match", option_flag,
     TOOL_FIELD(quiet), 0, 0},
    {"no-filename", 'h', NULL, "print offsets and counts without the path", option_flag,
     TOOL_FIELD(no_filename), 0, 0},
    {"no-messages", 's', NULL, "suppress messages about files that cannot be read", option_flag,
     TOOL_FIELD(no_messages), 0, 0},
    {"null", 'Z', NULL,
     "print a zero byte after each path instead of ':' or\n"
     "the end of the line",
     option_flag, TOOL_FIELD(null), 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

const tool_command_t tool_find = {
    "find",
    "[OPTION]... {PATTERN | -e PATTERN...} [FILE]...",
    "find a byte pattern in files",
    "PATTERN is 1 to 32768 bytes and is matched literally, across lines. Each match\n"
    "prints a line PATH:OFFSET; the offset is decimal and counts bytes from 0. A\n"
    "match starts after the end of the one before it: 'aa' is in 'aaaa' at 0 and 2,\n"
    "with --overlap at 0, 1 and 2. Of several patterns that match at one place the\n"
    "longest counts. Without FILE, or for '-', standard input is searched.\n"
    "\n"
    "Exit code: 0 a match was found, 1 no match, 2 an error (even if there was a\n"
    "match, except with -q).",
    options,
    1,
    1,
    1,
    run};
