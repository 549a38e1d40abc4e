/* SPDX-License-Identifier: BSD-3-Clause */
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
#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

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

/* Has an absolute path nothing in it that could be written in another way? */
static int is_plain(const char *path)
{
    if (*path != '/') {
        return 0;
    }
    for (; path != NULL; path = strchr(path + 1, '/')) {
        if (path[1] == '/' || path[1] == '.' || path[1] == '\0') {
            return 0;
        }
    }
    return 1;
}

/* The path without . and .., as text, and what else may be written in several ways. */
static const char *plain_of(const smmap_manager_t *manager, const char *path, apr_pool_t *scratch)
{
    char *merged;
    apr_size_t length;

    if ((!manager->lexical_dots && is_plain(path)) ||
        apr_filepath_merge(&merged, NULL, path, 0, scratch) != APR_SUCCESS) {
        return path; /* opening a path that cannot be merged fails, too */
    }
    length = strlen(merged);
    while (length > 0 && merged[length - 1] == '/') {
        merged[--length] = '\0';
    }
    return merged;
}

/* The letters of a word in lower case. */
static apr_uint64_t lower_of(apr_uint64_t word)
{
    unsigned char bytes[sizeof word];
    apr_size_t i;

    memcpy(bytes, &word, sizeof word);
    for (i = 0; i < sizeof word; i++) {
        bytes[i] = (unsigned char)apr_tolower(bytes[i]);
    }
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The key of a path is changed by 8 more bytes of it. */
static inline apr_uint64_t key_with(const smmap_manager_t *manager, apr_uint64_t key,
                                    apr_uint64_t word)
{
    key = smmap__hash_bits(key ^ (manager->case_insensitive ? lower_of(word) : word));
    return key ^ key >> 32;
}

apr_uint64_t smmap__path_key(const smmap_manager_t *manager, const char *path, apr_size_t length)
{
    /* Where the manager lies differs from run to run, so nobody makes names that have one key. */
    apr_uint64_t key = smmap__hash_bits((uintptr_t)manager) ^ length;
    apr_uint64_t word;

    for (; length >= sizeof word; length -= sizeof word, path += sizeof word) {
        memcpy(&word, path, sizeof word);
        key = key_with(manager, key, word);
    }
    for (word = 0; length > 0; length--) {
        word = word << 8 | (unsigned char)path[length - 1];
    }
    return key_with(manager, key, word);
}

/* A path with one user. */
static smmap__path_t *path_of(const smmap_manager_t *manager, const char *text, const char *plain)
{
    apr_size_t size = strlen(text) + 1;
    apr_size_t plain_size = plain != text ? strlen(plain) + 1 : 0;
    smmap__path_t *path = smmap__alloc(sizeof *path + size + plain_size);

    if (path != NULL) {
        char *end = (char *)(path + 1);

        path->users = 1;
        path->key = smmap__path_key(manager, plain, (plain_size != 0 ? plain_size : size) - 1);
        path->plain = plain != text ? end + size : end;
        memcpy(end, text, size);
        memcpy(end + size, plain, plain_size);
    }
    return path;
}

apr_status_t smmap__path_make(smmap_manager_t *manager, const char *text, smmap__path_t **path)
{
    apr_pool_t *scratch;
    const char *prefix;
    unsigned char is_lost = 0;
    apr_status_t status;

    if (manager->slash_is_root && !manager->lexical_dots && is_plain(text)) {
        *path = path_of(manager, text, text); /* nothing has to be merged */
        return *path != NULL ? APR_SUCCESS : APR_ENOMEM;
    }
    status = smmap__scratch(manager, &scratch);
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
    if (status == APR_SUCCESS) {
        if (*prefix != '\0') {
            apr_size_t length = strlen(prefix);

            text = apr_pstrcat(scratch, prefix, prefix[length - 1] != '/' ? "/" : "", text, NULL);
        }
        if (manager->lexical_dots) {
            text = without_dots(text, scratch);
        }
        *path = path_of(manager, text, plain_of(manager, text, scratch));
        status = *path != NULL ? APR_SUCCESS : APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        (*path)->is_lost = is_lost;
    }
    apr_pool_destroy(scratch);
    return status;
}
