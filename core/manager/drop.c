/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Letting go of files by path: smmap_manager_drop().
 *
 * Windows refuses to cut, replace or delete a file while anybody maps it, and keeps
 * the name of a deleted one while anybody has it open. So a program that is going to
 * do such a thing drops the path first, and what nobody uses there goes.
 *
 * A file matches in four ways:
 * - by text: the path by which a cursor was opened on it last (file->path), without . and ..,
 *   is the given one or below it;
 * - by real path, on systems with symbolic links (POSIX): the same, where the links in the given
 *   path and in the directory of that other path now lead. Each directory is looked up once in a
 *   call, without the lock, as that may take long. What is not there any more is no link;
 * - by identity: the given path names this file now, whatever path it was opened by;
 * - by canonical path, on systems that have one (Windows): that of the given path now is
 *   compared with that of the file when it became known.
 * Files that were opened by handle alone match in the last two ways.
 *
 * What is pinned stays: the steps are those of an eviction (see base/pins.h). A file is found by
 * its path and its id. For a directory, and where there is nothing any more, all files are looked
 * at, each once; of those that match, the windows.
 */
#include "core/manager/manager.h"

#include <apr_lib.h>

#include <string.h>

/* What is to be dropped. */
typedef struct target_t {
    smmap_manager_t *manager;
    const smmap__path_t *path;
    smmap__places_t places; /* where that leads, if it is no file */
    char *canonical_path;   /* to be freed; NULL: not known */
    apr_dev_t device;       /* of the file that has this path */
    apr_uint64_t inode;
    int is_file;         /* these are known */
    smmap__link_t files; /* those that match, out of the registry's lists */
} target_t;

/* Find out what the path names now. */
static void resolve_target(target_t *target, const char *path)
{
    apr_os_file_t handle;
    smmap__os_facts_t facts;

    if (smmap__os_examine_path(&facts, path) == APR_SUCCESS) {
        target->is_file = facts.kind == SMMAP__OS_FILE;
        target->device = facts.device;
        target->inode = facts.inode;
    }
    if (smmap__os_file_open_attributes(&handle, path) != APR_SUCCESS) {
        return;
    }
    if (smmap__os_examine(&facts, handle, 1) == APR_SUCCESS) {
        target->device = facts.device;
        target->inode = facts.inode;
        target->is_file = target->is_file && facts.id != SMMAP__OS_ID_NONE;
    }
    target->canonical_path = smmap__canonical_path_of(handle);
    smmap__os_file_close(handle);
}

/* Is `path` what the prefix says, or below it? */
static int is_below(const target_t *target, const char *prefix, const char *path)
{
    for (; *prefix != '\0'; prefix++, path++) {
        if (*prefix != *path &&
            (!target->manager->case_insensitive || apr_tolower(*prefix) != apr_tolower(*path))) {
            return 0;
        }
    }
    return *path == '\0' || *path == '/';
}

SMMAP__LOCKED static int matches(const target_t *target, smmap__file_t *file)
{
    const smmap__os_facts_t *facts = &file->identity.facts;

    return (target->is_file && facts->id != SMMAP__OS_ID_NONE && facts->device == target->device &&
            facts->inode == target->inode) ||
           (target->canonical_path != NULL && file->canonical_path != NULL &&
            is_below(target, target->canonical_path, file->canonical_path)) ||
           (file->path != NULL && is_below(target, target->path->plain, file->path->plain)) ||
           smmap__places_hold_locked(&target->places, file);
}

/* Take a file if it matches. Its handle, if it is idle, is marked, and is the next to be closed: to
   close one lets the lock go, and others may open, use and close the rest meanwhile. */
SMMAP__LOCKED static void take(target_t *target, smmap__file_t *file)
{
    if (!matches(target, file)) {
        return;
    }
    smmap__list_remove(&file->link);
    smmap__list_append(&target->files, &file->link);
    if (file->is_idle) {
        file->is_dropped = 1;
        smmap__list_remove(&file->idle_link);
        smmap__list_append(target->manager->handles.idle.next, &file->idle_link); /* in front */
    }
}

SMMAP__LOCKED static void take_from(target_t *target, smmap__link_t *list)
{
    smmap__link_t *link = smmap__list_next(list, list);

    while (link != NULL) {
        smmap__file_t *file = SMMAP__ELEMENT(link, smmap__file_t, link);

        link = smmap__list_next(list, link);
        take(target, file);
    }
}

/* All files that match. Where the path is that of a file, nothing is below it. */
SMMAP__LOCKED static void take_files(target_t *target)
{
    smmap__registry_t *registry = &target->manager->registry;

    if (target->is_file && target->canonical_path == NULL) {
        smmap__hash_node_t *node = smmap__hash_chain(&registry->by_path, target->path->key);
        smmap__identity_t identity;
        smmap__file_t *file;

        for (; node != NULL; node = node->next) {
            take(target, SMMAP__ELEMENT(node, smmap__file_t, by_path));
        }
        memset(&identity, 0, sizeof identity);
        identity.facts.device = target->device;
        identity.facts.inode = target->inode;
        identity.facts.id = SMMAP__OS_ID_REUSED; /* it has one */
        file = smmap__file_lookup_locked(target->manager, &identity);
        if (file != NULL) {
            take(target, file);
        }
    } else {
        take_from(target, &registry->files);
    }
    take_from(target, &registry->forgotten);
}

/* Back into the lists of the registry. Returns how many of their regions nobody can find any
   more, but somebody pins. */
SMMAP__LOCKED static apr_size_t put_back(target_t *target)
{
    apr_size_t retired = 0;
    smmap__link_t *link;

    while ((link = smmap__list_next(&target->files, &target->files)) != NULL) {
        smmap__file_t *file = SMMAP__ELEMENT(link, smmap__file_t, link);
        smmap__link_t *regions = &file->region_list;
        smmap__link_t *at = regions;

        while ((at = smmap__list_next(regions, at)) != NULL) {
            retired += SMMAP__ELEMENT(at, smmap__region_t, file_link)->state == SMMAP__RETIRED;
        }
        smmap__list_remove(link);
        smmap__file_list_locked(file);
    }
    return retired;
}

static apr_status_t drop(target_t *target, apr_size_t *pinned)
{
    smmap_manager_t *manager = target->manager;
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    smmap__file_t *file;

    smmap__list_init(&target->files);
    smmap__manager_lock(manager);
    take_files(target);
    *pinned = smmap__evict_files_locked(manager, &target->files, &reclaim);
    *pinned += put_back(target);
    smmap__reclaim_relock(manager, &reclaim);
    while ((file = smmap__idle_first_locked(manager)) != NULL && file->is_dropped) {
        file->is_dropped = 0;
        smmap__list_remove(&file->idle_link);
        smmap__list_append(&manager->handles.idle, &file->idle_link);
        smmap__handle_close_relock(file); /* unless somebody reads by it */
    }
    smmap__manager_unlock(manager);
    return reclaim.status;
}

apr_status_t smmap_manager_drop(smmap_manager_t *manager, const char *path, apr_size_t *pinned)
{
    smmap__path_t *name;
    apr_size_t count = 0;
    apr_status_t status;
    target_t target;

    if (manager == NULL || path == NULL || *path == '\0') {
        return APR_EINVAL;
    }
    status = smmap__path_make(manager, path, &name);
    if (status != APR_SUCCESS) {
        return status;
    }
    memset(&target, 0, sizeof target);
    target.manager = manager;
    target.path = name;
    resolve_target(&target, smmap__path_text(name));
    if (!target.is_file) {
        status = smmap__places_find(&target.places, manager, smmap__path_text(name));
    }
    if (status == APR_SUCCESS) {
        status = drop(&target, &count);
    }
    smmap__places_free(&target.places);
    smmap__free(target.canonical_path);
    smmap__free(name);
    if (pinned != NULL) {
        *pinned = count;
    }
    return status;
}
