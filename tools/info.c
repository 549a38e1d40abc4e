/*
 * `smmap info`: what a file is to the library, and how much of it is in memory.
 *
 * How much is resident is asked window by window, so that it takes as little memory
 * for a file of terabytes as for a small one. To ask about a window it has to be
 * mapped, but not touched: nothing is read from the disk. Each page is asked about, so of
 * files that would take minutes nothing is asked.
 *
 * With --json each file is one object on a line of its own. A path there is text;
 * where it is not UTF-8, U+FFFD stands for each byte that does not fit.
 */
#include <string.h>

#include <apr_strings.h>

#include "cli/output.h"
#include "cli/size.h"
#include "tools/tool.h"

typedef struct info_t {
    apr_uint64_t size;
    apr_uint64_t window_size; /* 0: static mode */
    apr_uint64_t windows;
    apr_uint64_t resident;
    int resident_known;
} info_t;

/* The largest file of which each page is asked about, which takes seconds. */
#define ASKED_MOST ((apr_off_t)1 << 40)

/* Count resident bytes of the whole file. */
static apr_status_t measure(const tool_walk_t *walk, smmap_cursor_t *cursor, info_t *info)
{
    apr_off_t size = smmap_cursor_file_size(cursor);
    apr_off_t at = 0;

    if (size > ASKED_MOST) {
        return APR_ENOTIMPL;
    }
    while (at < size) {
        apr_size_t bytes;
        apr_status_t status = smmap_cursor_use(cursor, at, 0);

        if (status == APR_SUCCESS) {
            status = smmap_cursor_resident(cursor, &bytes);
        }
        if (status == APR_SUCCESS && info->window_size == 0 &&
            smmap_cursor_region_size(cursor) < (apr_uint64_t)size) {
            /* In static mode a part of a file is a copy, as the file cannot be mapped: where that
               is in memory says nothing about the file, and to go on would read all of it. */
            status = APR_ENOTIMPL;
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
static void print_size(console_t *console, const char *label, apr_uint64_t size, const char *behind)
{
    char text[SIZE_TEXT];

    if (size < 1024) {
        console_printf(console, "  %-12s %d byte%s%s\n", label, (int)size, size == 1 ? "" : "s",
                       behind);
        return;
    }
    console_printf(console, "  %-12s %s (%" APR_UINT64_T_FMT " bytes)%s\n", label,
                   size_format(size, text), size, behind);
}

static void print_text(console_t *console, const char *path, const info_t *info)
{
    console_printf(console, "%s\n", path);
    print_size(console, "size", info->size, "");
    print_size(console, "page size", smmap_page_size(), "");
    print_size(console, "granularity", smmap_granularity(), "");
    if (info->window_size == 0) {
        console_printf(console, "  %-12s static\n  %-12s the whole file\n", "mode", "window size");
    } else {
        console_printf(console, "  %-12s sliding\n", "mode");
        print_size(console, "window size", info->window_size, "");
    }
    console_printf(console, "  %-12s %" APR_UINT64_T_FMT "\n", "windows", info->windows);
}

/* The last line, which may take a while to find out. */
static void print_resident(console_t *console, const info_t *info)
{
    char percent[SIZE_TEXT] = "";

    if (!info->resident_known) {
        console_printf(console, "  %-12s unknown\n", "resident");
        return;
    }
    if (info->size > 0) {
        apr_snprintf(percent, sizeof(percent), ", %.1f %%",
                     100.0 * (double)info->resident / (double)info->size);
    }
    print_size(console, "resident", info->resident, percent);
}

static void print_json_number(console_t *console, const char *name, int known, apr_uint64_t number)
{
    if (known) {
        console_printf(console, ",\"%s\":%" APR_UINT64_T_FMT, name, number);
    } else {
        console_printf(console, ",\"%s\":null", name);
    }
}

static void print_json(const tool_t *tool, const char *path, const info_t *info)
{
    console_t *console = tool->console;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, tool->pool) != APR_SUCCESS) {
        return; /* not reached: the pool ends the program when memory is out */
    }
    console_printf(console, "{\"path\":%s", json_quote(path, pool));
    print_json_number(console, "size", 1, info->size);
    print_json_number(console, "page_size", 1, smmap_page_size());
    print_json_number(console, "granularity", 1, smmap_granularity());
    console_printf(console, ",\"mode\":\"%s\"", info->window_size == 0 ? "static" : "sliding");
    print_json_number(console, "window_size", info->window_size != 0, info->window_size);
    print_json_number(console, "windows", 1, info->windows);
    print_json_number(console, "resident", info->resident_known, info->resident);
    console_printf(console, "}\n");
    apr_pool_destroy(pool);
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
    if (!tool->settings->json) {
        if (*printed) {
            console_print(tool->console, "\n", 1);
        }
        print_text(tool->console, path, &info);
    }
    *printed = 1;
    status = measure(walk, cursor, &info);
    if (program_interrupted()) {
        return status;
    }
    if (tool->settings->json) {
        print_json(tool, path, &info);
    } else {
        print_resident(tool->console, &info);
    }
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

static const option_t options[] = {{"json", 0, NULL,
                                    "print one JSON object for each file, on one line;\n"
                                    "sizes are in bytes, and unknown values are null",
                                    option_flag, TOOL_FIELD(json), 0, 0},
                                   {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

const tool_command_t tool_info = {
    "info",
    "[OPTION]... FILE...",
    "print the size of files, their windows, and how much is in memory",
    "'resident' is how much of the file the system holds in memory now. Nothing of\n"
    "the file is read to find out. 'unknown': the system does not tell; Linux tells\n"
    "only those who own the file or may write to it. Files of more than 1 TiB, which\n"
    "would take minutes, are not asked about.\n"
    "\n"
    "Exit code: 0 success, 2 an error (the other files are still printed).",
    options,
    1,
    0,
    0,
    run};
