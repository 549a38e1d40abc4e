/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a search gets the bytes of a file from.
 *
 * In three ways:
 *   copies   smmap_cursor_read(): of small files, which it does not map, and of all that the
 *            other two cannot read;
 *   stream   the file is read from front to back, as standard input is;
 *   windows  the bytes are looked at where they are mapped, under the cursor's guard.
 *
 * A window spares the copy, but its pages fault, and are unmapped. Which is quicker depends on the
 * processor, and on whether the system keeps the file in large pieces of memory. Nobody tells, so of
 * a large file the first pieces are taken in both ways in turn, and the rest as was quicker. With an
 * option that says how to map, it is mapped.
 *
 * Holes of a sparse file are skipped where nothing can be found in zeroes; and where something can,
 * they are not looked at in windows: on a tmpfs that would fill them with memory.
 *
 * What is copied was vouched for: by smmap_cursor_read(), and in a stream by the file's size, asked
 * for behind each read, as its manager does with the strict guard. A window is vouched for
 * afterwards, by tool_source_check(). From a file that failed there, only copies are taken.
 *
 * The bytes of a stream have the same places in the pages of memory as in those of the file: where
 * the system copies with "rep movsb", AMD's Zen 3 takes four times as long to a place that is less
 * than 32 bytes further on in its page.
 *
 * Invariant: `stream_at` is where the next byte of the stream is in the file, and the `held` bytes
 * before it are at `start`.
 */
#include "tools/source.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_time.h>

#include "cli/size.h"
#include "tools/holes.h"

/* A file of fewer bytes is copied: the library reads it without a mapping. */
#define STREAM_LEAST ((apr_off_t)64 << 10)
/* One of fewer bytes is not worth the trial. */
#define TRIAL_LEAST ((apr_off_t)8 << 20)
/* Pieces in the trial, half of them from windows. */
#define TRIALS 8
/* Windows are quicker where their pieces take at most this part of the others' time: to unmap them
   takes time, too, which is not in it. Measured on an AMD EPYC (Zen 3): 0.8, where they are no
   quicker, all in all. */
#define WINDOW_SHARE 0.6
/* Bytes that are copied at a time: they stay in the processor's cache. */
#define PIECE ((apr_size_t)256 << 10)
#define PAGE ((apr_size_t)4096) /* for the copies alone; it may be another one than the system's */
/* Bytes of a window that are guarded at a time. */
#define GUARDED ((apr_size_t)1 << 20)

typedef enum way_t { WAY_COPIES, WAY_STREAM, WAY_WINDOWS } way_t;

struct tool_source_t {
    const tool_t *tool;
    apr_size_t behind;
    unsigned char *buffer; /* at the start of a page */
    apr_size_t lead;       /* whole pages, with room for what is kept of a stream */
    apr_size_t room;       /* bytes of it; a piece more than the lead */

    smmap_cursor_t *cursor; /* NULL: standard input */
    apr_file_t *file;       /* of the stream, or NULL */
    tool_holes_t holes;     /* of the file, with the data where we are or behind it */
    int is_sized;           /* 1: its size says what may be believed */
    int may_map;            /* 1: windows are good for this file */
    int trial;              /* pieces of it that are left; 0: it is over */
    way_t way;              /* after it */
    double best[2];         /* microseconds for a byte, of the stream and of windows */
    apr_off_t stream_at;
    unsigned char *start;
    apr_size_t held;

    /* the view that is out */
    way_t now;
    apr_time_t began;
};

tool_source_t *tool_source_create(const tool_t *tool, apr_size_t before, apr_size_t behind,
                                  apr_pool_t *pool)
{
    tool_source_t *source = apr_pcalloc(pool, sizeof(*source));

    source->tool = tool;
    source->behind = behind;
    source->lead = APR_ALIGN(before + behind, PAGE);
    source->room = source->lead + PIECE;
    source->buffer = apr_palloc(pool, source->room + PAGE);
    source->buffer += (PAGE - (apr_uintptr_t)source->buffer % PAGE) % PAGE;
    source->start = source->buffer;
    return source;
}

/* Did the user say how to map? */
static int wants_windows(const tool_settings_t *settings)
{
    const smmap_options_t *given = &settings->given;

    return given->mode != SMMAP_MODE_SLIDING || given->limits != SMMAP_LIMITS_SOFT ||
           given->window_size != 0 || given->max_regions != 0 || given->max_mapped_bytes != 0;
}

/* Open it as a stream, too, and as the same file for windows. It is copied where that fails. */
static void open_stream(tool_source_t *source, const char *path, apr_pool_t *pool)
{
    apr_off_t size = smmap_cursor_file_size(source->cursor);
    smmap_cursor_t *cursor;
    apr_os_file_t native;
    apr_file_t *file;
    apr_finfo_t info;

    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_NONBLOCK,
                      APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS) {
        return;
    }
    if (apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE | APR_FINFO_CSIZE, file) !=
            APR_SUCCESS ||
        info.filetype != APR_REG || info.size < size) {
        apr_file_close(file);
        return;
    }
    if (info.csize < info.size) {
        source->may_map = 0;
        tool_holes_open(&source->holes, source->tool, file, source->cursor, pool);
    }
    if (wants_windows(source->tool->settings)) {
        if (!source->holes.is_sparse) {
            apr_file_close(file);
        }
        source->way = WAY_WINDOWS;
        return;
    }
    source->file = file;
    source->is_sized = 1;
    source->way = WAY_STREAM;
    if (source->may_map && size >= TRIAL_LEAST && apr_os_file_get(&native, file) == APR_SUCCESS &&
        smmap_cursor_open_handle(&cursor, source->tool->manager, native, pool) == APR_SUCCESS) {
        smmap_cursor_close(source->cursor);
        source->cursor = cursor;
        source->trial = TRIALS;
    }
}

/* Keep the last bytes of the stream, before the place for more; too many for that are not followed
   by more. */
static void place(tool_source_t *source, apr_size_t keep)
{
    unsigned char *kept = source->start + source->held - keep;
    apr_size_t at = source->lead + (apr_size_t)(source->stream_at % (apr_off_t)PAGE);

    source->start = source->buffer + (keep <= at ? at - keep : 0);
    memmove(source->start, kept, keep);
    source->held = keep;
}

apr_status_t tool_source_open(tool_source_t *source, const char *path, apr_off_t *begin,
                              apr_off_t *end, apr_pool_t *pool)
{
    const tool_settings_t *settings = source->tool->settings;
    apr_status_t status;

    source->cursor = NULL;
    source->file = NULL;
    memset(&source->holes, 0, sizeof(source->holes));
    source->is_sized = 0;
    source->trial = 0;
    source->best[0] = source->best[1] = -1;
    source->stream_at = 0;
    source->held = 0;
    place(source, 0);
    source->way = WAY_STREAM;
    if (strcmp(path, TOOL_STDIN) == 0) {
        tool_walk_range(settings, (apr_off_t)OFFSET_LARGEST, begin, end);
        return apr_file_open_stdin(&source->file, pool);
    }
    source->way = WAY_COPIES;
    status = tool_walk_open(source->tool, path, &source->cursor, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    source->may_map = source->tool->settings->manager.guard != SMMAP_GUARD_OFF;
    if (smmap_cursor_file_size(source->cursor) >= STREAM_LEAST || wants_windows(settings)) {
        open_stream(source, path, pool);
    }
    tool_walk_range(settings, smmap_cursor_file_size(source->cursor), begin, end);
    return APR_SUCCESS;
}

apr_off_t tool_source_skip(tool_source_t *source, apr_off_t at, apr_off_t end, apr_size_t reach)
{
    apr_off_t to;

    if (!source->holes.is_sparse || at < source->holes.data_end) {
        return at;
    }
    tool_holes_find_data(&source->holes, at, end);
    source->stream_at = -1; /* to ask moved the file to another place */
    source->held = 0;
    to = source->holes.data_begin - (apr_off_t)reach;
    if (to >= end) {
        to = end - 1; /* to read it tells whether the file still reaches there */
    }
    return to > at ? to : at;
}

int tool_source_is_large(const tool_source_t *source)
{
    return source->way != WAY_COPIES;
}

static void set_view(tool_view_t *view, const unsigned char *data, apr_off_t begin, apr_size_t size,
                     apr_status_t status)
{
    view->data = data;
    view->begin = begin;
    view->size = size;
    view->status = status;
}

static void view_copy(tool_source_t *source, apr_off_t from, apr_size_t size, tool_view_t *view)
{
    apr_size_t got = 0;
    apr_status_t status = smmap_cursor_read(source->cursor, from, source->buffer, size, &got);

    if (status == APR_SUCCESS && got < size) {
        status = SMMAP_ETRUNCATED;
    }
    set_view(view, source->buffer, from, got,
             APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status);
}

/* Read on, up to `end`. *got may be less than there is. */
static apr_status_t read_stream(tool_source_t *source, apr_off_t end, apr_size_t *got)
{
    apr_size_t room = (apr_size_t)(source->buffer + source->room - source->start) - source->held;
    apr_off_t left = end - source->stream_at;
    apr_status_t status;

    *got = left < (apr_off_t)room ? (apr_size_t)left : room;
    status = apr_file_read(source->file, source->start + source->held, got);
    if (status != APR_SUCCESS) {
        *got = 0;
    } else if (source->is_sized) {
        apr_finfo_t info;

        /* While a file is being cut, a read may find it as long as it was, and zeroes. */
        status = apr_file_info_get(&info, APR_FINFO_SIZE, source->file);
        if (status != APR_SUCCESS || info.size <= source->stream_at) {
            *got = 0;
        } else if (info.size - source->stream_at < (apr_off_t)*got) {
            *got = (apr_size_t)(info.size - source->stream_at);
        }
        if (status == APR_SUCCESS && *got == 0) {
            status = APR_EOF;
        }
    }
    source->held += *got;
    source->stream_at += (apr_off_t)*got;
    return status;
}

/* Have the stream at a place. What comes before it is dropped where one cannot seek. */
static apr_status_t go_to(tool_source_t *source, apr_off_t from)
{
    apr_status_t status = APR_SUCCESS;
    apr_size_t got;

    if (from <= source->stream_at && source->stream_at - from <= (apr_off_t)source->held) {
        place(source, (apr_size_t)(source->stream_at - from));
        return APR_SUCCESS;
    }
    if (source->is_sized) {
        source->stream_at = from;
        place(source, 0);
        return apr_file_seek(source->file, APR_SET, &from);
    }
    while (status == APR_SUCCESS && source->stream_at < from) {
        place(source, 0);
        status = read_stream(source, from, &got);
    }
    place(source, 0);
    return status;
}

static void view_stream(tool_source_t *source, apr_off_t from, apr_size_t least, apr_off_t end,
                        tool_view_t *view)
{
    apr_status_t status = go_to(source, from);

    /* A pipe gives what it has; what can be searched is searched before it is asked again. */
    while (status == APR_SUCCESS && source->stream_at < end && source->held <= least) {
        apr_size_t got;

        status = read_stream(source, end, &got);
    }
    if (APR_STATUS_IS_EOF(status)) {
        status = source->is_sized ? SMMAP_ETRUNCATED : APR_SUCCESS;
        end = source->stream_at;
    }
    set_view(view, source->start, from, source->held, status);
    view->is_end = status != APR_SUCCESS || source->stream_at >= end;
}

/* A window's bytes, or a copy of those around its end; 0: it cannot be had, or not be guarded. */
static int view_window(tool_source_t *source, apr_off_t from, apr_size_t back, apr_off_t end,
                       tool_view_t *view)
{
    apr_off_t at = from + (apr_off_t)back;
    apr_off_t window_end;
    apr_status_t status = APR_SUCCESS;

    if (smmap_cursor_at(source->cursor, at) == NULL) {
        status = smmap_cursor_use(source->cursor, at, 0);
    }
    if (status != APR_SUCCESS) {
        set_view(view, source->buffer, from, 0,
                 APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status);
        return wants_windows(source->tool->settings);
    }
    window_end = smmap_cursor_region_begin(source->cursor) +
                 (apr_off_t)smmap_cursor_region_size(source->cursor);
    if (smmap_cursor_at(source->cursor, from) == NULL ||
        (window_end < end && window_end - at <= (apr_off_t)source->behind) || !source->may_map) {
        apr_off_t reach = window_end - from + (apr_off_t)source->behind;

        if (reach > end - from) {
            reach = end - from;
        }
        view_copy(source, from, reach < (apr_off_t)source->room ? (apr_size_t)reach : source->room,
                  view);
        if (window_end < end) {
            (void)smmap_cursor_use(source->cursor, window_end, 0); /* each window is mapped once */
        }
        return 1;
    }
    if (window_end > end) {
        window_end = end;
    }
    if (window_end - at > (apr_off_t)(GUARDED + source->behind)) {
        window_end = at + (apr_off_t)(GUARDED + source->behind);
    }
    if (smmap_cursor_begin_guard(source->cursor) != APR_SUCCESS) {
        source->may_map = 0;
        return 0;
    }
    source->now = WAY_WINDOWS;
    set_view(view, smmap_cursor_at(source->cursor, from), from, (apr_size_t)(window_end - from),
             APR_SUCCESS);
    return 1;
}

void tool_source_view(tool_source_t *source, apr_off_t at, apr_size_t back, apr_off_t end,
                      tool_view_t *view)
{
    apr_off_t from = at - (apr_off_t)back;
    way_t way = source->way;

    if (source->trial > 0) {
        way = source->trial % 2 == 0 ? WAY_STREAM : WAY_WINDOWS;
    }
    source->began = source->trial > 0 ? apr_time_now() : 0;
    source->now = WAY_COPIES;
    view->is_end = 0;
    if (way != WAY_WINDOWS || !view_window(source, from, back, end, view)) {
        if (source->file != NULL) {
            source->now = WAY_STREAM;
            view_stream(source, from, back + source->behind, end, view);
        } else {
            view_copy(source, from,
                      end - from < (apr_off_t)source->room ? (apr_size_t)(end - from)
                                                           : source->room,
                      view);
        }
    }
    if (view->status != APR_SUCCESS || view->begin + (apr_off_t)view->size >= end) {
        view->is_end = 1;
    }
    view->starts = view->begin + (apr_off_t)view->size;
    if (!view->is_end) {
        view->starts -= (apr_off_t)source->behind;
    }
}

/* What a piece took, and, with the last one, which way is quicker. */
static void note_trial(tool_source_t *source, apr_off_t searched)
{
    double took = (double)(apr_time_now() - source->began) / (double)searched;
    double *best = &source->best[source->now == WAY_WINDOWS];

    if (source->now != WAY_COPIES && (*best < 0 || took < *best)) {
        *best = took;
    }
    source->trial--;
    if (source->trial == 0 && source->best[1] >= 0 &&
        source->best[1] < WINDOW_SHARE * source->best[0]) {
        source->way = WAY_WINDOWS;
    }
}

int tool_source_check(tool_source_t *source, apr_off_t searched)
{
    if (source->now == WAY_WINDOWS && smmap_cursor_end_guard(source->cursor) != APR_SUCCESS) {
        source->file = NULL;
        source->may_map = 0;
        source->trial = 0;
        source->way = WAY_COPIES;
        return 0;
    }
    if (source->trial > 0 && searched > 0) {
        note_trial(source, searched);
    }
    return 1;
}
