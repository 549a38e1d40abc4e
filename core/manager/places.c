/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the directories really are by which files were opened, for smmap_manager_drop(): links in
 * their names lead elsewhere, and may be changed at any time, so they are looked up anew for each
 * call, each directory once. That may take long, so it is done without the manager's lock. A file
 * that comes meanwhile is in no directory that is known here.
 */
#include "core/manager/manager.h"

#include <string.h>

/* Its name, up to the last slash, stands behind it. */
struct smmap__directory_t {
    smmap__hash_node_t node; /* in `directories` */
    smmap__directory_t *next;
    apr_uint64_t key;
    apr_size_t length;
    char *real; /* to be freed; NULL: not known */
};

/* Where a path leads, to be freed; NULL: not known. Of what is not there, the nearest directory
   above that is there is looked up. */
static apr_status_t real_path_of(char **real, const char *path)
{
    const apr_size_t length = strlen(path);
    apr_size_t end = length;
    apr_size_t known;
    char found[APR_PATH_MAX];
    char text[APR_PATH_MAX];
    apr_status_t status;

    *real = NULL;
    if (length >= sizeof text) {
        return APR_SUCCESS;
    }
    memcpy(text, path, length + 1);
    while ((status = smmap__os_real_path(found, text)) != APR_SUCCESS) {
        while (end > 0 && text[end - 1] == '/') {
            end--;
        }
        while (end > 0 && text[end - 1] != '/') {
            end--;
        }
        if (!(APR_STATUS_IS_ENOENT(status) || APR_STATUS_IS_ENOTDIR(status)) || end == 0 ||
            (text[end] == '.' && text[end + strspn(text + end, "./")] == '\0')) {
            /* Of `..` in what is not there nobody knows where it led. */
            return APR_SUCCESS;
        }
        text[end] = '\0';
    }
    known = strlen(found);
    known -= known > 0 && found[known - 1] == '/'; /* the root */
    *real = smmap__alloc(known + 1 + (length - end) + 1);
    if (*real == NULL) {
        return APR_ENOMEM;
    }
    memcpy(*real, found, known);
    if (end < length) {
        (*real)[known++] = '/';
        memcpy(*real + known, path + end, length - end);
        known += length - end;
        known -= path[length - 1] == '/';
    }
    (*real)[known] = '\0';
    return APR_SUCCESS;
}

static apr_uint64_t directory_key(smmap__hash_node_t *node)
{
    return SMMAP__ELEMENT(node, smmap__directory_t, node)->key;
}

/* The directory of a path of this length, which has that key. NULL: it is new. */
static smmap__directory_t *directory_find(const smmap__places_t *places, apr_uint64_t key,
                                          const char *path, apr_size_t length)
{
    smmap__hash_node_t *node = smmap__hash_chain(&places->directories, key);

    for (; node != NULL; node = node->next) {
        smmap__directory_t *directory = SMMAP__ELEMENT(node, smmap__directory_t, node);

        if (directory->length == length && memcmp(directory + 1, path, length) == 0) {
            return directory;
        }
    }
    return NULL;
}

/* The name of a file's directory is so long, with its last slash. 0: it is not known, or is meant
   from a directory that may not be the current one any more. */
static apr_size_t directory_length(const smmap__file_t *file)
{
    const char *path = file->path != NULL ? smmap__path_text(file->path) : "";
    const char *slash = strrchr(path, '/');

    return path[0] == '/' && slash != NULL ? (apr_size_t)(slash - path) + 1 : 0;
}

SMMAP__LOCKED static apr_status_t directories_of(smmap_manager_t *manager, smmap__places_t *places,
                                                 smmap__link_t *list)
{
    smmap__link_t *link = list;

    while ((link = smmap__list_next(list, link)) != NULL) {
        smmap__file_t *file = SMMAP__ELEMENT(link, smmap__file_t, link);
        const apr_size_t length = directory_length(file);
        smmap__directory_t *directory;
        const char *path;
        apr_uint64_t key;

        if (length == 0) {
            continue;
        }
        path = smmap__path_text(file->path);
        key = smmap__path_key(manager, path, length);
        if (directory_find(places, key, path, length) != NULL) {
            continue;
        }
        directory = smmap__alloc(sizeof *directory + length + 1);
        if (directory == NULL) {
            return APR_ENOMEM;
        }
        memcpy(directory + 1, path, length);
        directory->key = key;
        directory->length = length;
        directory->next = places->first;
        places->first = directory;
        smmap__hash_insert(&places->directories, &directory->node);
    }
    return APR_SUCCESS;
}

apr_status_t smmap__places_find(smmap__places_t *places, smmap_manager_t *manager, const char *path)
{
    smmap__directory_t *directory;
    apr_status_t status = real_path_of(&places->real, path);

    if (places->real == NULL) {
        return status;
    }
    status = smmap__hash_init(&places->directories, directory_key);
    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__manager_lock(manager);
    status = directories_of(manager, places, &manager->registry.files);
    if (status == APR_SUCCESS) {
        status = directories_of(manager, places, &manager->registry.forgotten);
    }
    smmap__manager_unlock(manager);
    for (directory = places->first; directory != NULL && status == APR_SUCCESS;
         directory = directory->next) {
        status = real_path_of(&directory->real, (const char *)(directory + 1));
    }
    return status;
}

int smmap__places_hold_locked(const smmap__places_t *places, const smmap__file_t *file)
{
    const apr_size_t length = places->real != NULL ? directory_length(file) : 0;
    const smmap__directory_t *directory;
    apr_size_t above;
    apr_size_t known;
    const char *path;

    if (length == 0) {
        return 0;
    }
    path = smmap__path_text(file->path);
    directory = directory_find(places, smmap__path_key(file->manager, path, length), path, length);
    if (directory == NULL || directory->real == NULL) {
        return 0;
    }
    above = strlen(places->real);
    known = strlen(directory->real);
    if (known >= above) {
        return memcmp(places->real, directory->real, above) == 0 &&
               (known == above || directory->real[above] == '/');
    }
    return memcmp(places->real, directory->real, known) == 0 && places->real[known] == '/' &&
           strcmp(places->real + known + 1, path + length) == 0; /* the file, which is gone */
}

void smmap__places_free(smmap__places_t *places)
{
    smmap__directory_t *directory;

    while ((directory = places->first) != NULL) {
        places->first = directory->next;
        smmap__free(directory->real);
        smmap__free(directory);
    }
    smmap__hash_destroy(&places->directories);
    smmap__free(places->real);
}
