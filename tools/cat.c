/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `smmap cat`: parts of files to standard output.
 *
 * The bytes are copies that smmap_cursor_read() vouches for. A window's own bytes cannot be
 * trusted while they are looked at: where the file is cut, or its disk fails, there are zeroes in
 * their place, which is known only afterwards; and a write() that meets such a page fails as if the
 * output were to blame.
 *
 * Holes are not read: in an output that can be sought they become holes, anything else gets zeroes
 * from a buffer that stays in the processor's cache.
 */
#include <string.h>

#include <apr_file_io.h>

#include "tools/holes.h"

/* Bytes that are copied at a time: few enough to stay in the processor's cache, and many enough
   that asking for the file's size, the clock and ^C in between costs nothing. */
#define PIECE ((apr_off_t)262144)

typedef struct cat_t {
    tool_walk_t *walk;
    smmap_cursor_t *cursor;
    tool_holes_t holes; /* with the data next to where we are */
    apr_off_t begin;    /* of what is written */
    apr_off_t end;
    unsigned char *piece;
    unsigned char *zeroes;
} cat_t;

static apr_off_t less(apr_off_t a, apr_off_t b)
{
    return a < b ? a : b;
}

/* Look for holes. 0: the file has something and is the output, too. */
static int look_at(cat_t *cat, const char *path, apr_pool_t *pool)
{
    const tool_t *tool = cat->walk->tool;
    apr_file_t *file;

    memset(&cat->holes, 0, sizeof(cat->holes));
    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE,
                      APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS) {
        return 1;
    }
    tool_holes_open(&cat->holes, tool, file, cat->cursor, pool);
    return smmap_cursor_file_size(cat->cursor) == 0 || !console_is_output(tool->console, file);
}

/* Write a piece of a hole, or all of it, as far as the file still reaches. 0: stop. */
static int write_hole(cat_t *cat, apr_off_t *at, apr_status_t *status)
{
    console_t *console = cat->walk->tool->console;
    apr_off_t end = less(cat->holes.data_begin, cat->end);
    apr_size_t size;

    *status = smmap_cursor_refresh(cat->cursor);
    if (*status != APR_SUCCESS) {
        return 0;
    }
    if (smmap_cursor_file_size(cat->cursor) < end) {
        *status = SMMAP_ETRUNCATED;
        end = smmap_cursor_file_size(cat->cursor);
    }
    if (*at >= end) {
        return 1;
    }
    if (console_skip(console, end - *at)) {
        *at = end;
        return 1;
    }
    size = (apr_size_t)less(end - *at, PIECE);
    if (console_write(console, cat->zeroes, size) != APR_SUCCESS) {
        return 0;
    }
    *at += (apr_off_t)size;
    return tool_progress_at(cat->walk->progress, (apr_uint64_t)(*at - cat->begin));
}

/* Copy the next piece of data. 0: that is all. */
static int write_data(cat_t *cat, apr_off_t *at, apr_status_t *status)
{
    const tool_settings_t *settings = cat->walk->tool->settings;
    apr_off_t end;
    apr_size_t got = 0;

    if (!smmap_cursor_includes(cat->cursor, *at)) {
        *status = smmap_cursor_use(cat->cursor, *at, 0);
    }
    if (*at == cat->begin) {
        /* As long as it was when this window was made: a file of /proc changes all the time. */
        tool_walk_range(settings, smmap_cursor_file_size(cat->cursor), &cat->begin, &cat->end);
        cat->begin = *at;
        cat->holes.data_end = cat->holes.is_sparse ? cat->holes.data_end : cat->end;
    }
    end = less(less(smmap_cursor_end(cat->cursor), cat->end), cat->holes.data_end);
    if (*status == APR_SUCCESS && end > *at) {
        *status = smmap_cursor_read(cat->cursor, *at, cat->piece,
                                    (apr_size_t)less(end - *at, PIECE), &got);
    } else {
        return 0;
    }
    if (got > 0 && console_write(cat->walk->tool->console, cat->piece, got) != APR_SUCCESS) {
        return 0;
    }
    *at += (apr_off_t)got;
    return tool_progress_at(cat->walk->progress, (apr_uint64_t)(*at - cat->begin));
}

static apr_status_t visit(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor)
{
    cat_t *cat = walk->baton;
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *pool;
    apr_off_t at;

    if (apr_pool_create(&pool, walk->tool->pool) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    cat->cursor = cursor;
    if (!look_at(cat, path, pool)) {
        tool_walk_complain(walk->tool, path, "input file is output file; write to another one");
        walk->failed = 1;
        apr_pool_destroy(pool);
        return APR_SUCCESS;
    }
    tool_walk_range(walk->tool->settings, smmap_cursor_file_size(cursor), &cat->begin, &cat->end);
    at = cat->begin;
    cat->holes.data_begin = cat->holes.data_end = at;
    while (at < cat->end && status == APR_SUCCESS) {
        if (at >= cat->holes.data_end) {
            tool_holes_find_data(&cat->holes, at, cat->end);
        }
        if (at < cat->holes.data_begin ? !write_hole(cat, &at, &status)
                                       : !write_data(cat, &at, &status)) {
            break;
        }
    }
    apr_pool_destroy(pool);
    /* The end was inside of the file when the walk began. */
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}

static int run(tool_t *tool)
{
    tool_walk_t walk = {0};
    cat_t cat = {0};

    cat.walk = &walk;
    cat.piece = apr_palloc(tool->pool, (apr_size_t)PIECE);
    cat.zeroes = apr_pcalloc(tool->pool, (apr_size_t)PIECE);
    walk.tool = tool;
    walk.visit = visit;
    walk.baton = &cat;
    return tool_walk_files(&walk, 0) ? TOOL_OK : TOOL_ERROR;
}

static const option_t options[] = {{"offset", 0, "SIZE",
                                    "start at this offset of each file; negative: at so\n"
                                    "many bytes before its end; default: 0",
                                    option_offset, TOOL_FIELD(offset), 0, 0},
                                   {"length", 0, "SIZE", "write at most so many bytes of each file",
                                    option_size, TOOL_FIELD(length), 0, ~(apr_uint64_t)0},
                                   {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

const tool_command_t tool_cat = {
    "cat",
    "[OPTION]... FILE...",
    "write files, or parts of them, to standard output",
    "A range beyond the end of a file is empty, and one that starts before its first\n"
    "byte starts there; neither is an error. Holes are not read, and become holes in\n"
    "an output that is a file.\n"
    "\n"
    "Exit code: 0 success, 2 an error (the other files are still written).",
    options,
    1,
    0,
    0,
    run};
