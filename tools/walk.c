/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk over the files on the command line, and over the bytes of one file.
 *
 * A file that cannot be read is no reason to leave the others out: what is wrong is
 * printed, counts for the exit code, and the walk goes on. It ends early when the
 * user wants it, when nobody reads the output, or when a command has seen enough.
 *
 * A range (--offset, --length) is meant as people mean it with head and tail: what
 * of it lies outside of a file is simply not there, and that is no error.
 *
 * One cursor is open at a time, and it is closed before the next file: the limits
 * of the manager alone decide what stays mapped and open.
 *
 * The bytes of a file are handed out as copies that smmap_cursor_read() vouches for. A window's
 * own bytes cannot be trusted while they are looked at: where the file is cut, or its disk fails,
 * there are zeroes in their place, which is known only afterwards; and a write() that meets such
 * a page fails as if the output were to blame.
 */
#include "tools/tool.h"

/* Bytes that are copied at a time: few enough to stay in the processor's cache, and many enough
   that asking for the file's size, the clock and ^C in between costs nothing. */
#define PIECE (256 * 1024)

static void report(const tool_t *tool, const char *path, apr_status_t status)
{
    char reason[256];
    apr_finfo_t info;
    int is_directory = status == SMMAP_ENOTREGULAR &&
                       apr_stat(&info, path, APR_FINFO_TYPE, tool->pool) == APR_SUCCESS &&
                       info.filetype == APR_DIR;

    if (!tool->settings->no_messages) {
        console_error(tool->console, "smmap: %s: %s\n", path[0] != '\0' ? path : "''",
                      is_directory ? "is a directory; name the files in it"
                                   : smmap_strerror(status, reason, sizeof(reason)));
    }
}

void tool_walk_range(const tool_settings_t *settings, apr_off_t size, apr_off_t *begin,
                     apr_off_t *end)
{
    *begin = settings->offset;
    if (*begin < 0) {
        *begin = -*begin < size ? size + *begin : 0;
    } else if (*begin > size) {
        *begin = size;
    }
    *end = settings->length < (apr_uint64_t)(size - *begin) ? *begin + (apr_off_t)settings->length
                                                            : size;
}

/* The bytes of a file that there are to walk over. */
static apr_uint64_t work(const void *settings, apr_off_t size)
{
    apr_off_t begin;
    apr_off_t end;

    tool_walk_range(settings, size, &begin, &end);
    return (apr_uint64_t)(end - begin);
}

int tool_walk_files(tool_walk_t *walk, int first)
{
    const tool_t *tool = walk->tool;
    const char *const *paths = tool->settings->operands + first;
    int count = tool->settings->count - first;
    int good = 1;
    apr_pool_t *pool;
    int i;

    walk->progress =
        tool_progress_create(tool->console, paths, count, work, tool->settings, tool->pool);
    walk->buffer = apr_palloc(tool->pool, PIECE);
    if (apr_pool_create(&pool, tool->pool) != APR_SUCCESS) {
        report(tool, paths[0], APR_ENOMEM);
        return 0;
    }
    for (i = 0; i < count && !walk->stop; i++) {
        smmap_cursor_t *cursor;
        apr_status_t status;

        tool_progress_file(walk->progress);
        if (!tool_progress_at(walk->progress, 0)) {
            break;
        }
        status = smmap_cursor_open(&cursor, tool->manager, paths[i], pool);
        if (status == APR_SUCCESS) {
            status = walk->visit(walk, paths[i], cursor);
        }
        apr_pool_clear(pool); /* closes the cursor */
        if (status != APR_SUCCESS) {
            report(tool, paths[i], status);
            good = 0;
        }
    }
    apr_pool_destroy(pool);
    return good;
}

apr_status_t tool_walk_bytes(const tool_walk_t *walk, smmap_cursor_t *cursor, tool_piece_t *piece,
                             void *baton)
{
    apr_status_t status = APR_SUCCESS;
    apr_off_t begin;
    apr_off_t end;
    apr_off_t at;

    tool_walk_range(walk->tool->settings, smmap_cursor_file_size(cursor), &begin, &end);
    for (at = begin; at < end && status == APR_SUCCESS;) {
        apr_off_t left;
        apr_size_t got = 0;

        if (!smmap_cursor_includes(cursor, at)) {
            status = smmap_cursor_use(cursor, at, 0);
        }
        if (at == begin) {
            /* As long as it was when this window was made: a file of /proc changes all the time. */
            tool_walk_range(walk->tool->settings, smmap_cursor_file_size(cursor), &begin, &end);
            begin = at;
        }
        if (status == APR_SUCCESS) {
            left = (smmap_cursor_end(cursor) < end ? smmap_cursor_end(cursor) : end) - at;
            if (left <= 0) {
                break;
            }
            status = smmap_cursor_read(cursor, at, walk->buffer,
                                       left < PIECE ? (apr_size_t)left : PIECE, &got);
        }
        if (got > 0 && !piece(baton, walk->buffer, got)) {
            return APR_SUCCESS;
        }
        at += (apr_off_t)got;
        if (!tool_progress_at(walk->progress, (apr_uint64_t)(at - begin))) {
            return APR_SUCCESS;
        }
    }
    /* The end was inside of the file when the walk began. */
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}
