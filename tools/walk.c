/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk over the files on the command line.
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
#include <string.h>

#include <apr_strings.h>

#include "cli/utf8.h"
#include "tools/tool.h"

const char *tool_walk_name(const char *path)
{
    return strcmp(path, TOOL_STDIN) == 0 ? "(standard input)" : path[0] == '\0' ? "''" : path;
}

void tool_walk_complain(const tool_t *tool, const char *path, const char *why)
{
    if (!tool->settings->no_messages) {
        const char *name = tool_walk_name(path);

        console_error(tool->console, "smmap: %s: %s\n",
                      utf8_make_plain(apr_pstrdup(tool->pool, name), ""), why);
    }
}

void tool_walk_report(const tool_t *tool, const char *path, apr_status_t status)
{
    char reason[256];
    apr_finfo_t info;
    int is_directory = status == SMMAP_ENOTREGULAR &&
                       apr_stat(&info, path, APR_FINFO_TYPE, tool->pool) == APR_SUCCESS &&
                       info.filetype == APR_DIR;

    tool_walk_complain(tool, path,
                       is_directory
                           ? "is a directory; name the files in it (info and find also take -r)"
                           : smmap_strerror(status, reason, sizeof(reason)));
}

const char *tool_walk_directory(apr_pool_t *pool)
{
    char *path;
    apr_finfo_t here;
    apr_finfo_t there;

    if (apr_filepath_get(&path, 0, pool) != APR_SUCCESS ||
        apr_stat(&here, ".", APR_FINFO_IDENT, pool) != APR_SUCCESS ||
        apr_stat(&there, path, APR_FINFO_IDENT, pool) != APR_SUCCESS || here.inode != there.inode ||
        here.device != there.device) {
        return NULL;
    }
    return path;
}

/* The library makes a relative path absolute, each time, with three system calls. It is spared
   that; what fails is tried as it was given, as the directory may have moved. */
apr_status_t tool_walk_open(const tool_t *tool, const char *path, smmap_cursor_t **cursor,
                            apr_pool_t *pool)
{
    const char *root;
    const char *rest = path;

    if (tool->directory != NULL && path[0] != '\0' &&
        apr_filepath_root(&root, &rest, 0, pool) == APR_ERELATIVE &&
        smmap_cursor_open(cursor, tool->manager,
                          apr_pstrcat(pool, tool->directory, "/", path, NULL),
                          pool) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    return smmap_cursor_open(cursor, tool->manager, path, pool);
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

apr_uint64_t tool_walk_work(const void *settings, apr_off_t size)
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
    apr_pool_t *pool;
    int i;

    walk->progress = tool_progress_create(tool->console, paths, count, tool_walk_work,
                                          tool->settings, tool->pool);
    if (apr_pool_create(&pool, tool->pool) != APR_SUCCESS) {
        tool_walk_report(tool, paths[0], APR_ENOMEM);
        return 0;
    }
    for (i = 0; i < count && !walk->stop; i++) {
        smmap_cursor_t *cursor;
        apr_status_t status;

        tool_progress_file(walk->progress);
        if (!tool_progress_at(walk->progress, 0)) {
            break;
        }
        status = tool_walk_open(tool, paths[i], &cursor, pool);
        if (status == APR_SUCCESS) {
            status = walk->visit(walk, paths[i], cursor);
        }
        apr_pool_clear(pool); /* closes the cursor */
        if (status != APR_SUCCESS) {
            tool_walk_report(tool, paths[i], status);
            walk->failed = 1;
        }
    }
    apr_pool_destroy(pool);
    return !walk->failed;
}
