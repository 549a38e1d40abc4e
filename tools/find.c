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

#include "scan.h"
#include "size.h"
#include "tool.h"

typedef struct find_t {
    tool_walk_t walk;
    const tool_settings_t *settings;
    tool_console_t *console;
    tool_scan_t *scan;
    const char *path;   /* of the file in work */
    apr_off_t begin;    /* where the search in it begins */
    apr_uint64_t count; /* matches in it */
    int found;          /* 1: a match in any file */
} find_t;

static void print_path(const find_t *find, char behind)
{
    if (find->settings->nul) {
        behind = '\0';
    }
    tool_console_print(find->console, find->path, strlen(find->path));
    tool_console_print(find->console, &behind, 1);
}

static void print_number(const find_t *find, apr_uint64_t number)
{
    char text[TOOL_SIZE_TEXT];
    apr_size_t length;
    const char *digits = tool_number_format(number, text, &length);

    if (!find->settings->no_filename) {
        print_path(find, ':');
    }
    tool_console_print(find->console, digits, length);
    tool_console_print(find->console, "\n", 1);
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
        if (tool_console_status(find->console) != APR_SUCCESS) {
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
    if (tool_progress_interrupted()) {
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

/* The pattern on the command line, or NULL: it is bad, and that was said. */
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
        tool_console_error(tool->console,
                           "smmap find: the pattern '%.60s%s' %s\n"
                           "Try 'smmap find --help' to see what it can do.\n",
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

static const tool_option_t options[] = {
    {"hex", TOOL_OPT_HEX, NULL,
     "PATTERN is hexadecimal: two digits for a byte,\n"
     "with or without blanks between: 'de ad 00 ef'"},
    {"overlap", TOOL_OPT_OVERLAP, NULL,
     "find also matches that share bytes with the one\n"
     "before"},
    {"count", 'c', NULL, "print only how many matches each file has"},
    {"max-count", 'm', "N", "be done with a file after N matches"},
    {"files-with-matches", 'l', NULL, "print only the paths of files with a match"},
    {"files-without-match", 'L', NULL, "print only the paths of files without a match"},
    {"offset", TOOL_OPT_OFFSET, "SIZE",
     "search from this byte of each file on, counted from\n"
     "0; negative: so many bytes before its end"},
    {"length", TOOL_OPT_LENGTH, "SIZE",
     "search so many bytes of each file at most; a match\n"
     "lies in them as a whole"},
    {"quiet", 'q', NULL, "print nothing, and stop at the first match"},
    {"no-filename", 'h', NULL, "print offsets and counts without the path"},
    {"no-messages", 's', NULL, "say nothing about files that cannot be read"},
    {"null", 'Z', NULL,
     "put a zero byte behind each path, in place of ':'\n"
     "or the end of the line"},
    {NULL, 0, NULL, NULL}};

const tool_command_t tool_find = {
    "find",
    "[OPTION]... PATTERN FILE...",
    "print where a pattern of bytes is in files",
    "PATTERN is taken byte for byte: nothing in it has a special meaning, and lines\n"
    "do not matter. It has 1 to 32768 bytes. Each match gives a line PATH:OFFSET; the\n"
    "offset is decimal and counts bytes from 0. Matches are searched from the start\n"
    "of a file to its end, each behind the end of the one before: 'aa' is in 'aaaa'\n"
    "at 0 and 2, with --overlap at 0, 1 and 2.\n"
    "\n"
    "Exit code: 0 a match was found, 1 none, 2 an error (also when there was a match,\n"
    "but for -q).",
    options,
    2,
    1,
    run};
