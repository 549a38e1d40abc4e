/*
 * The paths by which cursors were opened, made absolute, so that they lead to the same place
 * when the process has gone to another directory. They are for opening again: at first a file
 * is opened by what the caller named, which may lead elsewhere (below a directory that something
 * was mounted over), or where no absolute path does (below one that was removed).
 *
 * A path does not change. It is shared by a cursor and its copies, the file that was opened
 * by it last, and reports of pins; the count of these is under the manager's lock.
 */
#include "core/file/file.h"

#include <apr_file_info.h>
#include <apr_strings.h>

#include <string.h>

const char *smmap__path_text(const smmap__path_t *path)
{
    return (const char *)(path + 1);
}

void smmap__path_unref_locked(smmap__path_t *path)
{
    if (path != NULL && --path->users == 0) {
        smmap__free(path);
    }
}

/* The directory to put before a relative path; "" for an absolute one. On Windows a path may
   also depend on the drive that is current, or on the directory of a drive: that is added
   to *path itself. */
static apr_status_t prefix_of(const char **path, const char **prefix, apr_pool_t *scratch)
{
    const char *root;
    const char *rest = *path;
    char *here;
    apr_status_t status = apr_filepath_root(&root, &rest, 0, scratch);

    *prefix = "";
    if (status == APR_EABSOLUTE || status == APR_EINCOMPLETE) {
        status = apr_filepath_merge(&here, NULL, *path, 0, scratch);
        if (status == APR_SUCCESS) {
            *path = here;
        }
        return status;
    }
    if (status != APR_ERELATIVE) {
        return APR_SUCCESS; /* opening it gives the better error */
    }
    status = apr_filepath_get(&here, 0, scratch);
    *prefix = here;
    return status;
}

/* A path as the system resolves it, as far as its text tells. APR puts \\?\ before a long one,
   and the system takes what follows that as it stands; so a long path must have no dots, and
   one that begins with \\?\ stays as it is. Opening a bad path gives the better error. */
static const char *without_dots(const char *path, apr_pool_t *scratch)
{
    char *merged;

    if ((path[0] == '\\' || path[0] == '/') && path[1] == path[0] &&
        (path[2] == '?' || path[2] == '.')) {
        return path;
    }
    return apr_filepath_merge(&merged, NULL, path, 0, scratch) == APR_SUCCESS ? merged : path;
}

apr_status_t smmap__path_make(smmap_manager_t *manager, const char *text, smmap__path_t **path)
{
    apr_size_t text_length;
    apr_size_t prefix_length;
    apr_pool_t *scratch;
    const char *prefix;
    char *end;
    unsigned char is_lost = 0;
    apr_status_t status = smmap__scratch(manager, &scratch);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = prefix_of(&text, &prefix, scratch);
    if (!manager->lexical_dots &&
        (status != APR_SUCCESS || strlen(prefix) + 1 + strlen(text) >= APR_PATH_MAX)) {
        is_lost = *text != '/';
        prefix = "";
        status = APR_SUCCESS; /* opening it gives the better error */
    }
    if (status == APR_SUCCESS && manager->lexical_dots) {
        text = without_dots(*prefix != '\0' ? apr_pstrcat(scratch, prefix, "/", text, NULL) : text,
                            scratch);
        prefix = "";
    }
    if (status == APR_SUCCESS) {
        text_length = strlen(text);
        prefix_length = strlen(prefix);
        *path = smmap__alloc(sizeof **path + prefix_length + 1 + text_length + 1);
        if (*path != NULL) {
            (*path)->users = 1;
            (*path)->is_lost = is_lost;
            end = (char *)(*path + 1);
            memcpy(end, prefix, prefix_length);
            end += prefix_length;
            if (prefix_length != 0 && end[-1] != '/') {
                *end++ = '/';
            }
            memcpy(end, text, text_length + 1);
        } else {
            status = APR_ENOMEM;
        }
    }
    apr_pool_destroy(scratch);
    return status;
}
