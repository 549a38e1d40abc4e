/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much of a file is in memory and how much of it is a hole, for `smmap info`.
 *
 * A file is seen as so many parts of the same size, the cells of its map. What is resident is
 * asked window by window, with a manager of its own whose windows are not larger than a cell (nor
 * than what a file of terabytes may take), so that this takes as little memory for a large file as
 * for a small one. To ask about a window it has to be mapped, but not touched: nothing is read
 * from the disk. Each page is asked about, so of files that would take minutes nothing is asked.
 *
 * What the system does not tell stays unknown: of a file that cannot be mapped there is only a
 * copy, and where that is says nothing about the file.
 */
#include "tools/memory.h"

#include <apr_file_io.h>
#include <apr_portable.h>

#include "cli/system.h"

/* The largest file of which each page is asked about, which takes seconds; the largest window. */
#define ASKED_MOST ((apr_off_t)1 << 40)
#define WINDOW_MOST ((apr_off_t)32 << 20)

/* Share out what is in the range [begin, end) among the cells that it touches. */
static void spread(const tool_memory_t *memory, double *cells, apr_off_t begin, apr_off_t end,
                   double bytes)
{
    double cell = (double)memory->size / memory->cells;
    double part = bytes / (double)(end - begin);
    int i = (int)((double)begin / cell);

    for (; i < memory->cells && (double)i * cell < (double)end; i++) {
        double from = (double)i * cell > (double)begin ? (double)i * cell : (double)begin;
        double to = (double)(i + 1) * cell < (double)end ? (double)(i + 1) * cell : (double)end;

        if (to > from) {
            cells[i] += (to - from) * part;
        }
    }
}

static apr_status_t ask_windows(tool_memory_t *memory, smmap_manager_t *manager,
                                smmap_cursor_t *cursor, tool_progress_t *progress)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_off_t at = 0;

    while (at < memory->size) {
        apr_size_t bytes = 0;
        apr_off_t begin;
        apr_status_t status = smmap_cursor_use(cursor, at, 0);

        if (status == APR_SUCCESS) {
            status = smmap_cursor_resident(cursor, &bytes);
        }
        if (status == APR_SUCCESS) {
            status = smmap_manager_stats(manager, &stats);
        }
        if (status != APR_SUCCESS) {
            return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
        }
        if (stats.buffered != 0) {
            return APR_ENOTIMPL;
        }
        begin = at;
        at = smmap_cursor_region_begin(cursor) + (apr_off_t)smmap_cursor_region_size(cursor);
        memory->resident += bytes;
        spread(memory, memory->in_memory, begin, at, (double)bytes);
        if (!tool_progress_at(progress, (apr_uint64_t)at)) {
            return APR_SUCCESS;
        }
    }
    memory->resident_known = 1;
    return APR_SUCCESS;
}

apr_status_t tool_memory_ask(tool_memory_t *memory, const tool_t *tool, const char *path,
                             tool_progress_t *progress, apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_off_t window = memory->cells > 0 ? (memory->size - 1) / memory->cells + 1 : 1;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_status_t status;

    if (memory->size > ASKED_MOST) {
        return APR_ENOTIMPL;
    }
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = (apr_size_t)(window < WINDOW_MOST ? window : WINDOW_MOST);
    options.max_mapped_bytes = smmap_manager_max_mapped_bytes(tool->manager);
    if (options.window_size > options.max_mapped_bytes) {
        options.window_size = options.max_mapped_bytes;
    }
    options.max_regions = 1;
    options.max_open_files = 1;
    status = smmap_manager_create(&manager, &options, pool);
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open(&cursor, manager, path, pool);
    }
    return status == APR_SUCCESS ? ask_windows(memory, manager, cursor, progress) : status;
}

void tool_memory_holes(tool_memory_t *memory, const char *path, tool_progress_t *progress,
                       apr_pool_t *pool)
{
    apr_file_t *file;
    apr_os_file_t native;
    apr_off_t at = 0;
    apr_off_t begin;
    apr_off_t end;
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, pool);

    if (status == APR_SUCCESS) {
        status = apr_os_file_get(&native, file);
    }
    while (status == APR_SUCCESS && at < memory->size) {
        status = system_next_data(native, at, &begin, &end);
        if (APR_STATUS_IS_EOF(status) || (status == APR_SUCCESS && begin > memory->size)) {
            status = APR_SUCCESS;
            begin = end = memory->size;
        }
        if (status == APR_SUCCESS && begin > at) {
            memory->holes += (apr_uint64_t)(begin - at);
            spread(memory, memory->hole, at, begin, (double)(begin - at));
        }
        at = end;
        if (status == APR_SUCCESS && !tool_progress_at(progress, 0)) {
            return;
        }
    }
    memory->holes_known = status == APR_SUCCESS;
}
