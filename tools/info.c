/*
 * `smmap info`: what a file is to the library, and how much of it is in memory.
 *
 * How much is resident is asked window by window, so that it takes as little memory
 * for a file of terabytes as for a small one. To ask about a window it has to be
 * mapped, but not touched: nothing is read from the disk.
 *
 * With --json each file is one object on a line of its own. A path there is text;
 * where it is not UTF-8, U+FFFD stands for each byte that does not fit.
 */
#include <string.h>

#include <apr_strings.h>

#include "size.h"
#include "tool.h"

typedef struct info_t {
    apr_uint64_t size;
    apr_uint64_t window_size; /* 0: static mode */
    apr_uint64_t windows;
    apr_uint64_t resident;
    int resident_known;
} info_t;

/* Count resident bytes of the whole file. */
static apr_status_t measure(const tool_walk_t *walk, smmap_cursor_t *cursor, info_t *info)
{
    apr_off_t size = smmap_cursor_file_size(cursor);
    apr_off_t at = 0;

    while (at < size) {
        apr_size_t bytes;
        apr_status_t status = smmap_cursor_use(cursor, at, 0);

        if (status == APR_SUCCESS) {
            status = smmap_cursor_resident(cursor, &bytes);
        }
        if (status != APR_SUCCESS) {
            return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
        }
        info->resident += bytes;
        at = smmap_cursor_region_begin(cursor) + (apr_off_t)smmap_cursor_region_size(cursor);
        if (!tool_progress_at(walk->progress, (apr_uint64_t)at)) {
            return APR_SUCCESS;
        }
    }
    info->resident_known = 1;
    return APR_SUCCESS;
}

/* A line with a size, for people and exactly. */
static void print_size(tool_console_t *console, const char *label, apr_uint64_t size,
                       const char *behind)
{
    char text[TOOL_SIZE_TEXT];

    if (size < 1024) {
        tool_console_printf(console, "  %-12s %d byte%s%s\n", label, (int)size,
                            size == 1 ? "" : "s", behind);
        return;
    }
    tool_console_printf(console, "  %-12s %s (%" APR_UINT64_T_FMT " bytes)%s\n", label,
                        tool_size_format(size, text), size, behind);
}

static void print_text(const tool_t *tool, const char *path, const info_t *info)
{
    tool_console_t *console = tool->console;
    char percent[TOOL_SIZE_TEXT] = "";

    tool_console_printf(console, "%s\n", path);
    print_size(console, "size", info->size, "");
    print_size(console, "page size", smmap_page_size(), "");
    print_size(console, "granularity", smmap_granularity(), "");
    if (info->window_size == 0) {
        tool_console_printf(console, "  %-12s static\n  %-12s the whole file\n", "mode",
                            "window size");
    } else {
        tool_console_printf(console, "  %-12s sliding\n", "mode");
        print_size(console, "window size", info->window_size, "");
    }
    tool_console_printf(console, "  %-12s %" APR_UINT64_T_FMT "\n", "windows", info->windows);
    if (!info->resident_known) {
        tool_console_printf(console, "  %-12s unknown\n", "resident");
        return;
    }
    if (info->size > 0) {
        apr_snprintf(percent, sizeof(percent), ", %.1f %%",
                     100.0 * (double)info->resident / (double)info->size);
    }
    print_size(console, "resident", info->resident, percent);
}

/* The length of the character of UTF-8 at `text`; 0 when there is none. */
static apr_size_t utf8_length(const unsigned char *text)
{
    apr_size_t length = text[0] < 0x80   ? 1
                        : text[0] < 0xc2 ? 0
                        : text[0] < 0xe0 ? 2
                        : text[0] < 0xf0 ? 3
                        : text[0] < 0xf5 ? 4
                                         : 0;
    apr_size_t i;

    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates, and what is above U+10FFFF. */
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return length;
}

static void print_json_text(tool_console_t *console, const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    tool_console_print(console, "\"", 1);
    while (*c != '\0') {
        apr_size_t length = utf8_length(c);

        if (length == 0) {
            tool_console_printf(console, "\\ufffd");
            length = 1;
        } else if (*c < 0x20 || *c == 0x7f) {
            tool_console_printf(console, "\\u%04x", (unsigned)*c);
        } else {
            if (*c == '"' || *c == '\\') {
                tool_console_print(console, "\\", 1);
            }
            tool_console_print(console, (const char *)c, length);
        }
        c += length;
    }
    tool_console_print(console, "\"", 1);
}

static void print_json_number(tool_console_t *console, const char *name, int known,
                              apr_uint64_t number)
{
    if (known) {
        tool_console_printf(console, ",\"%s\":%" APR_UINT64_T_FMT, name, number);
    } else {
        tool_console_printf(console, ",\"%s\":null", name);
    }
}

static void print_json(const tool_t *tool, const char *path, const info_t *info)
{
    tool_console_t *console = tool->console;

    tool_console_printf(console, "{\"path\":");
    print_json_text(console, path);
    print_json_number(console, "size", 1, info->size);
    print_json_number(console, "page_size", 1, smmap_page_size());
    print_json_number(console, "granularity", 1, smmap_granularity());
    tool_console_printf(console, ",\"mode\":\"%s\"", info->window_size == 0 ? "static" : "sliding");
    print_json_number(console, "window_size", info->window_size != 0, info->window_size);
    print_json_number(console, "windows", 1, info->windows);
    print_json_number(console, "resident", info->resident_known, info->resident);
    tool_console_printf(console, "}\n");
}

static apr_status_t visit(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor)
{
    const tool_t *tool = walk->tool;
    int *printed = walk->baton;
    info_t info;
    apr_status_t status;

    memset(&info, 0, sizeof(info));
    info.size = (apr_uint64_t)smmap_cursor_file_size(cursor);
    info.window_size = smmap_manager_window_size(tool->manager);
    info.windows = info.window_size == 0
                       ? info.size > 0
                       : info.size / info.window_size + (info.size % info.window_size != 0);
    status = measure(walk, cursor, &info);
    if (tool_progress_interrupted()) {
        return status;
    }
    if (tool->settings->json) {
        print_json(tool, path, &info);
    } else {
        if (*printed) {
            tool_console_print(tool->console, "\n", 1);
        }
        print_text(tool, path, &info);
    }
    *printed = 1;
    /* A system that cannot say what is resident is no error; "unknown" says it. */
    return APR_STATUS_IS_ENOTIMPL(status) ? APR_SUCCESS : status;
}

static int run(tool_t *tool)
{
    int printed = 0;
    tool_walk_t walk = {0};

    walk.tool = tool;
    walk.visit = visit;
    walk.baton = &printed;
    return tool_walk_files(&walk, 0) ? TOOL_OK : TOOL_ERROR;
}

static const tool_option_t options[] = {{"json", TOOL_OPT_JSON, NULL,
                                         "print a JSON object on one line for each file;\n"
                                         "sizes are in bytes, and what is not known is null"},
                                        {NULL, 0, NULL, NULL}};

const tool_command_t tool_info = {
    "info",
    "[OPTION]... FILE...",
    "print the sizes of files, their windows, and what is in memory",
    "'resident' is what the system holds of the file in memory now, whoever asked\n"
    "for it; to print it reads nothing of the file.\n"
    "\n"
    "Exit code: 0 all was printed, 2 an error (the other files are still printed).",
    options,
    1,
    0,
    run};
