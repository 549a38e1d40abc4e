/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `smmap find`: where bytes are in files.
 *
 * The search itself is in scan.c and pattern.c; here is what users of grep know:
 * what is printed, when a file is done, and the exit code. As grep does, an error
 * gives exit code 2 also when matches were found elsewhere; only -q, which stops at
 * the first match, gives 0 then.
 */
#include <string.h>

#include <apr_strings.h>

#include "tools/scan.h"
#include "cli/size.h"
#include "tools/tool.h"

typedef struct find_t {
    tool_walk_t walk;
    const tool_settings_t *settings;
    console_t *console;
    tool_scan_t *scan;
    const char *path;   /* of the file in work */
    apr_off_t begin;    /* where the search in it begins */
    apr_uint64_t count; /* matches in it */
    int found;          /* 1: a match in any file */
} find_t;

static void print_path(const find_t *find, char behind)
{
    if (find->settings->null) {
        behind = '\0';
    }
    console_print(find->console, find->path, strlen(find->path));
    console_print(find->console, &behind, 1);
}

static void print_number(const find_t *find, apr_uint64_t number)
{
    char text[SIZE_TEXT];
    apr_size_t length;
    const char *digits = number_format(number, text, &length);

    if (!find->settings->no_filename) {
        print_path(find, ':');
    }
    console_print(find->console, digits, length);
    console_print(find->console, "\n", 1);
}

/* A match. 0: this file is done. */
static int on_match(void *baton, apr_off_t offset)
{
    find_t *find = baton;

    find->found = 1;
    find->count++;
    switch (find->settings->print) {
    case TOOL_PRINT_OFFSETS:
        print_number(find, (apr_uint64_t)(find->begin + offset));
        /* With matches everywhere much is printed before the piece is done. */
        if (console_status(find->console) != APR_SUCCESS) {
            return 0;
        }
        break;
    case TOOL_PRINT_COUNT:
        break;
    case TOOL_PRINT_WITH:
    case TOOL_PRINT_WITHOUT:
        return 0;
    case TOOL_PRINT_NOTHING:
        find->walk.stop = 1;
        return 0;
    }
    return find->count < find->settings->max_count;
}

static int piece(void *baton, const unsigned char *data, apr_size_t size)
{
    find_t *find = baton;

    return tool_scan_feed(find->scan, data, size);
}

static apr_status_t visit(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor)
{
    find_t *find = walk->baton;
    tool_print_t print = find->settings->print;
    apr_off_t end;
    apr_status_t status;

    tool_walk_range(find->settings, smmap_cursor_file_size(cursor), &find->begin, &end);
    find->path = path;
    find->count = 0;
    tool_scan_restart(find->scan);
    status = tool_walk_bytes(walk, cursor, piece, find);
    if (program_interrupted()) {
        return status; /* the file was not read to its end: nothing can be said about it */
    }
    if (print == TOOL_PRINT_COUNT) {
        print_number(find, find->count);
    } else if ((print == TOOL_PRINT_WITH && find->count > 0) ||
               (print == TOOL_PRINT_WITHOUT && find->count == 0 && status == APR_SUCCESS)) {
        print_path(find, '\n');
    }
    return status;
}

/* The pattern on the command line, or NULL: it is bad, and that was printed. */
static tool_pattern_t *read_pattern(const tool_t *tool)
{
    const char *text = tool->settings->operands[0];
    unsigned char *bytes = apr_pmemdup(tool->pool, text, strlen(text) + 1);
    apr_size_t size = strlen(text);
    const char *wrong = NULL;

    if (tool->settings->hex) {
        wrong = tool_pattern_unhex(text, &bytes, &size, tool->pool);
    }
    if (wrong == NULL && size == 0) {
        wrong = "is empty";
    }
    if (wrong == NULL && size > TOOL_PATTERN_MAX) {
        wrong = "is longer than 32768 bytes";
    }
    if (wrong != NULL) {
        /* A pattern of thousands of bytes is not repeated to the user. */
        console_error(tool->console,
                      "smmap find: the pattern '%.60s%s' %s\n"
                      "Try 'smmap find --help' for more information.\n",
                      text, strlen(text) > 60 ? "..." : "", wrong);
        return NULL;
    }
    return tool_pattern_create(bytes, size, tool->pool);
}

static int run(tool_t *tool)
{
    find_t find;
    tool_pattern_t *pattern = read_pattern(tool);
    int good;

    if (pattern == NULL) {
        return TOOL_ERROR;
    }
    if (tool->settings->max_count == 0) {
        return TOOL_NONE; /* as grep: nothing can be found, so nothing is read */
    }
    memset(&find, 0, sizeof(find));
    find.walk.tool = tool;
    find.walk.visit = visit;
    find.walk.baton = &find;
    find.settings = tool->settings;
    find.console = tool->console;
    find.scan = tool_scan_create(pattern, tool->settings->overlap, on_match, &find, tool->pool);
    good = tool_walk_files(&find.walk, 1);
    if (find.found && (good || tool->settings->print == TOOL_PRINT_NOTHING)) {
        return TOOL_OK;
    }
    return good ? TOOL_NONE : TOOL_ERROR;
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

static const option_t options[] = {
    {"hex", 0, NULL,
     "PATTERN is hexadecimal: two digits for each byte,\n"
     "with or without blanks between: 'de ad 00 ef'",
     option_flag, TOOL_FIELD(hex), 0, 0},
    {"overlap", 0, NULL, "also find matches that overlap the one before", option_flag,
     TOOL_FIELD(overlap), 0, 0},
    {"count", 'c', NULL, "print only the number of matches in each file", set_print, 0, 0, 0},
    {"max-count", 'm', "N", "stop reading a file after N matches", option_count,
     TOOL_FIELD(max_count), 0, ~(apr_uint64_t)0},
    {"files-with-matches", 'l', NULL, "print only the paths of files with a match", set_print, 0, 0,
     0},
    {"files-without-match", 'L', NULL, "print only the paths of files without a match", set_print,
     0, 0, 0},
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
    "[OPTION]... PATTERN FILE...",
    "find a byte pattern in files",
    "PATTERN is 1 to 32768 bytes and is matched literally, across lines. Each match\n"
    "prints a line PATH:OFFSET; the offset is decimal and counts bytes from 0. A\n"
    "match starts after the end of the one before it: 'aa' is in 'aaaa' at 0 and 2,\n"
    "with --overlap at 0, 1 and 2.\n"
    "\n"
    "Exit code: 0 a match was found, 1 no match, 2 an error (even if there was a\n"
    "match, except with -q).",
    options,
    2,
    1,
    run};
