/*
 * -r: the files in the directories that the user named.
 *
 * They come in the order of their names, so that two runs print the same. What the user named is
 * taken as it is; in a directory only files and directories count, no links, devices and the like:
 * so no walk goes round in a circle, and none waits for a FIFO.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "tools/tool.h"

typedef struct tree_t {
    const tool_t *tool;
    apr_array_header_t *paths;
    int good; /* 0: a directory could not be read, and that was printed */
} tree_t;

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory, in order. */
static apr_array_header_t *read_names(tree_t *tree, const char *path, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 16, sizeof(const char *));
    apr_dir_t *directory;
    apr_finfo_t info;
    apr_status_t status = apr_dir_open(&directory, path, pool);

    while (status == APR_SUCCESS || status == APR_INCOMPLETE) {
        status = apr_dir_read(&info, APR_FINFO_NAME, directory);
        if ((status == APR_SUCCESS || status == APR_INCOMPLETE) && strcmp(info.name, ".") != 0 &&
            strcmp(info.name, "..") != 0) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(pool, info.name);
        }
    }
    if (!APR_STATUS_IS_ENOENT(status) || names->nelts == 0) {
        /* An empty directory and one that is gone end the same way. */
        if (!APR_STATUS_IS_ENOENT(status) ||
            apr_stat(&info, path, APR_FINFO_TYPE, pool) != APR_SUCCESS) {
            tree->good = program_fail(tree->tool->console, path, status);
        }
    }
    qsort(names->elts, (apr_size_t)names->nelts, sizeof(const char *), compare);
    return names;
}

static void add(tree_t *tree, const char *path, int named)
{
    apr_pool_t *pool;
    apr_finfo_t info;
    apr_status_t status;

    if (apr_pool_create(&pool, tree->tool->pool) != APR_SUCCESS) {
        return; /* not reached: the pool ends the program when memory is out */
    }
    status = apr_stat(&info, path, APR_FINFO_TYPE | (named ? 0 : APR_FINFO_LINK), pool);
    if ((status == APR_SUCCESS || status == APR_INCOMPLETE) && info.filetype == APR_DIR) {
        apr_array_header_t *names = read_names(tree, path, pool);
        const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
        int i;

        for (i = 0; i < names->nelts; i++) {
            add(tree, apr_pstrcat(pool, path, slash, APR_ARRAY_IDX(names, i, const char *), NULL),
                0);
        }
    } else if (named || (status != APR_SUCCESS && status != APR_INCOMPLETE) ||
               info.filetype == APR_REG) {
        /* What is wrong with it is said when it is opened. */
        APR_ARRAY_PUSH(tree->paths, const char *) = apr_pstrdup(tree->tool->pool, path);
    }
    apr_pool_destroy(pool);
}

int tool_tree_list(const tool_t *tool, int first, apr_array_header_t **paths)
{
    tree_t tree = {tool, apr_array_make(tool->pool, 64, sizeof(const char *)), 1};
    int i;

    for (i = first; i < tool->settings->count; i++) {
        add(&tree, tool->settings->operands[i], 1);
    }
    *paths = tree.paths;
    return tree.good;
}
