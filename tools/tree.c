/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files that a command visits: with -r also those in directories, and below.
 *
 * They are listed before the first is read, so that there is a total for the bar, and in the
 * order of their names, so that the output is the same each time. As with grep, links are followed
 * where the user names them, not within a directory, so there are no loops; and what is not a
 * regular file there is left out.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "tools/source.h"

typedef struct entry_t {
    const char *path;
    apr_filetype_e type;
} entry_t;

typedef struct tree_t {
    const tool_t *tool;
    apr_array_header_t *paths;
    int good;
} tree_t;

static int compare(const void *a, const void *b)
{
    return strcmp(((const entry_t *)a)->path, ((const entry_t *)b)->path);
}

/* Its entries, or what is wrong with it. `prefix`: what stands before their names. */
static apr_status_t read_directory(const char *path, const char *prefix,
                                   apr_array_header_t *entries, apr_pool_t *pool)
{
    apr_dir_t *directory;
    apr_finfo_t info;
    apr_status_t status = apr_dir_open(&directory, path, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    for (;;) {
        entry_t *entry;

        status = apr_dir_read(&info, APR_FINFO_NAME | APR_FINFO_TYPE, directory);
        if (status != APR_SUCCESS && status != APR_INCOMPLETE) {
            break;
        }
        if (strcmp(info.name, ".") != 0 && strcmp(info.name, "..") != 0) {
            entry = apr_array_push(entries);
            entry->path = apr_pstrcat(pool, prefix, info.name, NULL);
            entry->type = info.filetype;
        }
    }
    (void)apr_dir_close(directory);
    return APR_STATUS_IS_ENOENT(status) ? APR_SUCCESS : status; /* the end of the directory */
}

static void add(tree_t *tree, const char *path)
{
    APR_ARRAY_PUSH(tree->paths, const char *) = apr_pstrdup(tree->paths->pool, path);
}

static void walk(tree_t *tree, const char *path, const char *prefix, apr_pool_t *parent)
{
    apr_array_header_t *entries;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, parent);
    int i;

    if (status == APR_SUCCESS) {
        entries = apr_array_make(pool, 64, sizeof(entry_t));
        status = read_directory(path, prefix, entries, pool);
        qsort(entries->elts, (size_t)entries->nelts, sizeof(entry_t), compare);
        for (i = 0; i < entries->nelts && !program_interrupted(); i++) {
            const entry_t *entry = &APR_ARRAY_IDX(entries, i, entry_t);

            if (entry->type == APR_REG) {
                add(tree, entry->path);
            } else if (entry->type == APR_DIR) {
                walk(tree, entry->path, apr_pstrcat(pool, entry->path, "/", NULL), pool);
            }
        }
        apr_pool_destroy(pool);
    }
    if (status != APR_SUCCESS) {
        tool_walk_report(tree->tool, path, status);
        tree->good = 0;
    }
}

int tool_tree_list(const tool_t *tool, int first, apr_array_header_t **paths)
{
    const tool_settings_t *settings = tool->settings;
    tree_t tree = {tool, apr_array_make(tool->pool, 64, sizeof(const char *)), 1};
    int i;

    for (i = first; i < settings->count; i++) {
        const char *path = settings->operands[i];
        apr_finfo_t info;

        if (settings->recursive && strcmp(path, TOOL_STDIN) != 0 &&
            apr_stat(&info, path, APR_FINFO_TYPE, tool->pool) == APR_SUCCESS &&
            info.filetype == APR_DIR) {
            apr_size_t size = strlen(path);

            walk(&tree, path,
                 path[size - 1] == '/' ? path : apr_pstrcat(tool->pool, path, "/", NULL),
                 tool->pool);
        } else {
            add(&tree, path);
        }
    }
    if (first >= settings->count && settings->recursive) {
        walk(&tree, ".", "", tool->pool);
    } else if (first >= settings->count) {
        add(&tree, TOOL_STDIN);
    }
    *paths = tree.paths;
    return tree.good;
}
