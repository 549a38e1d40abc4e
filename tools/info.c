/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `smmap info`: what files are to the library, and how much of them is in memory.
 *
 * A row for each file; on a terminal a line below it that shows where in the file that is; the
 * sum; then the limits in force. With --json the same as one object, in which each file has a line
 * of its own.
 */
#include <string.h>

#include <apr_strings.h>

#include "cli/output.h"
#include "cli/size.h"
#include "tools/memory.h"

/* Parts of a file, for --json. */
#define JSON_CELLS 64

/* The sums, and what the walk has to remember. */
typedef struct info_t {
    int files;
    int maps; /* how many were drawn */
    apr_uint64_t size;
    apr_uint64_t windows;
    apr_uint64_t resident;
    apr_uint64_t holes;
    int resident_known;
    int holes_known;
} info_t;

static apr_uint64_t count_windows(const smmap_manager_t *manager, apr_uint64_t size)
{
    apr_uint64_t window = smmap_manager_window_size(manager);

    return window == 0 ? size > 0 : size / window + (size % window != 0);
}

static const char *percent(const info_t *row, char *text)
{
    if (!row->resident_known || row->size == 0) {
        return "-";
    }
    apr_snprintf(text, SIZE_TEXT, "%.1f %%", 100.0 * (double)row->resident / (double)row->size);
    return text;
}

/* A number for people, or for JSON. */
static const char *show(int json, int known, apr_uint64_t number, char *text)
{
    return !known ? (json ? "null" : "unknown")
           : json ? number_format(number, text, NULL)
                  : size_format(number, text);
}

static void print_row(console_t *console, const info_t *row, const char *name)
{
    char texts[4][SIZE_TEXT];

    console_printf(console, "%10s %10s %8s %10s %8" APR_UINT64_T_FMT "  %s\n",
                   size_format(row->size, texts[0]),
                   show(0, row->resident_known, row->resident, texts[1]), percent(row, texts[2]),
                   show(0, row->holes_known, row->holes, texts[3]), row->windows, name);
}

/* '#': nearly all of the cell is in memory, '+': half of it or more, '.': less; '-': a hole. */
static void print_map(console_t *console, const tool_memory_t *memory)
{
    double cell = (double)memory->size / memory->cells;
    char map[TOOL_CELLS_MOST + 1];
    int i;

    for (i = 0; i < memory->cells; i++) {
        double part = memory->in_memory[i] / cell;

        map[i] = part > 0.995                     ? '#'
                 : part >= 0.5                    ? '+'
                 : part > 0                       ? '.'
                 : memory->hole[i] > 0.995 * cell ? '-'
                                                  : ' ';
    }
    map[memory->cells] = '\0';
    console_printf(console, console_can_color(console) ? "  [\033[32m%s\033[0m]\n" : "  [%s]\n",
                   map);
}

static void json_row(console_t *console, const info_t *row)
{
    char texts[4][SIZE_TEXT];

    console_printf(
        console, "\"size\":%s,\"resident\":%s,\"holes\":%s,\"windows\":%s",
        show(1, 1, row->size, texts[0]), show(1, row->resident_known, row->resident, texts[1]),
        show(1, row->holes_known, row->holes, texts[2]), show(1, 1, row->windows, texts[3]));
}

static void json_file(const tool_t *tool, const char *path, const info_t *row,
                      const tool_memory_t *memory, int first)
{
    console_t *console = tool->console;
    apr_pool_t *pool;
    int i;

    if (apr_pool_create(&pool, tool->pool) != APR_SUCCESS) {
        return; /* not reached: the pool ends the program when memory is out */
    }
    console_printf(console, "%s\n{\"path\":%s,", first ? "" : ",", json_quote(path, pool));
    apr_pool_destroy(pool);
    json_row(console, row);
    console_printf(console, ",\"map\":");
    for (i = 0; i < memory->cells && row->resident_known; i++) {
        console_printf(
            console, "%s%d", i == 0 ? "[" : ",",
            (int)(100.0 * memory->in_memory[i] * memory->cells / (double)memory->size + 1e-6));
    }
    console_printf(console, "%s}", !row->resident_known ? "null" : i == 0 ? "[]" : "]");
}

static void add(info_t *sum, const info_t *row)
{
    sum->files++;
    sum->size += row->size;
    sum->windows += row->windows;
    sum->resident += row->resident;
    sum->holes += row->holes;
    sum->resident_known &= row->resident_known;
    sum->holes_known &= row->holes_known;
}

/* How many cells the map of a file has; none is smaller than a granule. */
static int count_cells(const tool_t *tool, apr_off_t size)
{
    int most = tool->settings->json ? JSON_CELLS : console_columns(tool->console, 1) - 4;
    apr_off_t granules = smmap_align_up(size, smmap_granularity());

    granules = granules < 0 ? most : granules / (apr_off_t)smmap_granularity();
    most = most < 1 ? 1 : most > TOOL_CELLS_MOST ? TOOL_CELLS_MOST : most;
    return granules < most ? (int)granules : most;
}

static apr_status_t visit(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor)
{
    const tool_t *tool = walk->tool;
    info_t *sum = walk->baton;
    info_t row;
    tool_memory_t *memory;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, tool->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    memory = apr_pcalloc(pool, sizeof(*memory));
    memory->size = smmap_cursor_file_size(cursor);
    memory->cells = count_cells(tool, memory->size);
    tool_memory_holes(memory, path, walk->progress, pool);
    status = tool_memory_ask(memory, tool, path, walk->progress, pool);
    row.size = (apr_uint64_t)memory->size;
    row.windows = count_windows(tool->manager, row.size);
    row.resident = memory->resident;
    row.holes = memory->holes;
    row.resident_known = memory->resident_known;
    row.holes_known = memory->holes_known;
    if (!program_interrupted()) {
        if (tool->settings->json) {
            json_file(tool, path, &row, memory, sum->files == 0);
        } else {
            print_row(tool->console, &row, console_name(tool->console, path, pool));
            if (console_columns(tool->console, 1) > 0 && row.resident_known && row.size > 0) {
                print_map(tool->console, memory);
                sum->maps++;
            }
        }
        add(sum, &row);
    }
    apr_pool_destroy(pool);
    /* A system that cannot say what is resident is no error; "unknown" says it. */
    return APR_STATUS_IS_ENOTIMPL(status) ? APR_SUCCESS : status;
}

static void print_limits(const tool_t *tool)
{
    console_t *console = tool->console;
    tool_limit_t limits[TOOL_LIMITS_MOST];
    int count = tool_limits(tool, limits);
    char text[SIZE_TEXT];
    int i;

    console_printf(console, "\n%-18s %12s  %s\n", "limit", "value", "from");
    for (i = 0; i < count; i++) {
        console_printf(console, "%-18s %12s  %s\n", limits[i].name,
                       tool_limit_format(&limits[i], text), limits[i].from);
    }
    console_printf(console, "%-18s %12s  %s\n", "when reached",
                   tool->settings->manager.limits == SMMAP_LIMITS_HARD ? "refused" : "exceeded",
                   tool->settings->manager.limits == SMMAP_LIMITS_HARD ? "--hard-limits"
                                                                       : "default");
    console_printf(console, "%-18s %12s\n", "page size", size_format(smmap_page_size(), text));
    console_printf(console, "%-18s %12s\n", "granularity", size_format(smmap_granularity(), text));
}

/* What stands before the files. */
static void json_begin(const tool_t *tool)
{
    console_t *console = tool->console;
    tool_limit_t limits[TOOL_LIMITS_MOST];
    int count = tool_limits(tool, limits);
    char text[SIZE_TEXT];
    int i;

    console_printf(console,
                   "{\"page_size\":%" APR_SIZE_T_FMT ",\"granularity\":%" APR_SIZE_T_FMT
                   ",\"mode\":\"%s\",\n\"limits\":{\"hard\":%s",
                   smmap_page_size(), smmap_granularity(),
                   smmap_manager_mode(tool->manager) == SMMAP_MODE_STATIC ? "static" : "sliding",
                   tool->settings->manager.limits == SMMAP_LIMITS_HARD ? "true" : "false");
    for (i = 0; i < count; i++) {
        console_printf(
            console, ",\n\"%s\":{\"value\":%s,\"from\":\"%s\"}", limits[i].name,
            show(1, limits[i].value < (apr_uint64_t)SMMAP_UNLIMITED - 1, limits[i].value, text),
            limits[i].from);
    }
    console_printf(console, "},\n\"files\":[");
}

static int run(tool_t *tool)
{
    tool_settings_t settings = *tool->settings;
    info_t sum = {.resident_known = 1, .holes_known = 1};
    tool_walk_t walk = {0};
    tool_t mine = *tool;
    int good = 1;

    if (settings.recursive) {
        apr_array_header_t *paths;

        good = tool_tree_list(tool, 0, &paths);
        settings.count = paths->nelts;
        settings.operands = (const char *const *)paths->elts;
        mine.settings = &settings;
    }
    walk.tool = &mine;
    walk.visit = visit;
    walk.baton = &sum;
    if (settings.json) {
        json_begin(tool);
    } else {
        console_printf(tool->console, "%10s %10s %8s %10s %8s  %s\n", "size", "in memory", "",
                       "holes", "windows", "file");
    }
    good &= settings.count == 0 || tool_walk_files(&walk, 0);
    if (program_interrupted()) {
        return TOOL_ERROR;
    }
    if (settings.json) {
        console_printf(tool->console, "],\n\"total\":{\"files\":%d,", sum.files);
        json_row(tool->console, &sum);
        console_printf(tool->console, "}}\n");
        return good ? TOOL_OK : TOOL_ERROR;
    }
    print_row(tool->console, &sum,
              apr_psprintf(tool->pool, "total of %d file%s", sum.files, sum.files == 1 ? "" : "s"));
    if (sum.maps > 0) {
        console_printf(tool->console, "\nIn memory, from the start of the file to its end: # all, "
                                      "+ half or more, . less;\n- a hole.\n");
    }
    print_limits(tool);
    return good ? TOOL_OK : TOOL_ERROR;
}

static const option_t options[] = {{"recursive", 'r', NULL,
                                    "show all files in directories, but no links in them",
                                    option_flag, TOOL_FIELD(recursive), 0, 0},
                                   {"json", 0, NULL,
                                    "print one JSON object; sizes are in bytes, and\n"
                                    "unknown values and no limit are null",
                                    option_flag, TOOL_FIELD(json), 0, 0},
                                   {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

const tool_command_t tool_info = {
    "info",
    "[OPTION]... FILE...",
    "print sizes, how much of the files is in memory, and limits",
    "'in memory' is how much of the file the system holds in memory now; on a\n"
    "terminal a line shows where in the file. Nothing of the file is read to find\n"
    "out. 'unknown': the system does not tell; Linux tells only those who own the\n"
    "file or may write to it. Files of more than 1 TiB, which would take minutes, are\n"
    "not asked about. 'holes' is for how many bytes nothing is stored.\n"
    "\n"
    "Exit code: 0 success, 2 an error (the other files are still printed).",
    options,
    1,
    0,
    0,
    run};
