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
 */
#include "tools/tool.h"

/* Bytes between two looks at the clock and at ^C: some 0.1 ms of work. */
#define PIECE ((apr_size_t)1 << 20)

static void report(const tool_t *tool, const char *path, apr_status_t status)
{
    char reason[256];

    if (!tool->settings->no_messages) {
        console_error(tool->console, "smmap: %s: %s\n", path,
                      smmap_strerror(status, reason, sizeof(reason)));
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

/* Piece by piece, as long as they are wanted. */
static apr_status_t walk_pieces(const tool_walk_t *walk, smmap_cursor_t *cursor,
                                tool_piece_t *piece, void *baton)
{
    apr_off_t begin;
    apr_off_t end;
    apr_off_t at;

    tool_walk_range(walk->tool->settings, smmap_cursor_file_size(cursor), &begin, &end);
    at = begin;
    while (at < end) {
        apr_status_t status = smmap_cursor_use(cursor, at, 0);
        const unsigned char *data = smmap_cursor_data(cursor);
        apr_size_t left = smmap_cursor_size(cursor);

        if (status != APR_SUCCESS) {
            /* The end was inside of the file a moment ago. */
            return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
        }
        if (at == begin) {
            /* As long as it was when this window was made: a file of /proc changes all the time. */
            tool_walk_range(walk->tool->settings, smmap_cursor_file_size(cursor), &at, &end);
            at = begin;
        }
        if ((apr_uint64_t)left > (apr_uint64_t)(end - at)) {
            left = (apr_size_t)(end - at);
        }
        while (left > 0) {
            apr_size_t size = left < PIECE ? left : PIECE;

            if (!piece(baton, data, size)) {
                return APR_SUCCESS;
            }
            data += size;
            left -= size;
            at += (apr_off_t)size;
            if (!tool_progress_at(walk->progress, (apr_uint64_t)(at - begin))) {
                return APR_SUCCESS;
            }
        }
    }
    return APR_SUCCESS;
}

apr_status_t tool_walk_bytes(const tool_walk_t *walk, smmap_cursor_t *cursor, tool_piece_t *piece,
                             void *baton)
{
    apr_status_t guarded = smmap_cursor_begin_guard(cursor);
    apr_status_t status = walk_pieces(walk, cursor, piece, baton);

    /* What was read of a page that could not be had was zeroes; that is told now, at the end.
       On Windows pointers cannot be guarded. */
    if (guarded == APR_SUCCESS) {
        guarded = smmap_cursor_end_guard(cursor);
        return status != APR_SUCCESS ? status : guarded;
    }
    return APR_STATUS_IS_ENOTIMPL(guarded) || guarded == APR_EINVAL ? status : guarded;
}
