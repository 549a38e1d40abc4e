/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of a path or of a handle: opening it, and finding it among those that are known.
 */
#include "core/cursor/cursor.h"

#include <string.h>

/* How often a path is opened again that names another file each time. */
enum { MOST_TRIES = 100 };

/* Join the file of a caller's handle, if it is known and open. While that handle is open no
   other file can have its id. *found stays NULL if there is none. */
SMMAP__LOCK static apr_status_t join_known_lock(smmap_manager_t *manager, apr_os_file_t native,
                                                smmap__file_t **found, smmap__identity_t *identity)
{
    smmap__file_t *file;
    apr_status_t status = smmap__identify_callers(native, identity);

    if (status == APR_SUCCESS) {
        status = smmap__identity_probe(manager, native, identity);
    }
    smmap__manager_lock(manager);
    if (status != APR_SUCCESS) {
        manager->stats.open_failures++;
    } else {
        file = smmap__file_lookup_locked(manager, identity);
        if (file != NULL && file->handle_open) {
            smmap__file_join_locked(file, 1);
            *found = file;
        }
    }
    return status;
}

/* Does the absolute path of a file that was opened by a relative one lead there, too? */
static void look_for_again(smmap__path_t *path, const char *given, const smmap__os_facts_t *opened)
{
    smmap__os_facts_t facts;

    if (path->is_lost || given == smmap__path_text(path)) {
        return;
    }
    if (smmap__os_examine_path(&facts, smmap__path_text(path)) != APR_SUCCESS) {
        path->is_lost = 1;
    } else if (facts.id != SMMAP__OS_ID_NONE) {
        path->is_lost = facts.device != opened->device || facts.inode != opened->inode;
    }
}

/* The file that was opened by a path last; NULL: there is none. */
SMMAP__LOCKED static smmap__file_t *file_of_path_locked(smmap_manager_t *manager, apr_uint64_t key,
                                                        const char *text)
{
    smmap__hash_node_t *node = smmap__hash_chain(&manager->registry.by_path, key);

    for (; node != NULL; node = node->next) {
        smmap__file_t *file = SMMAP__ELEMENT(node, smmap__file_t, by_path);

        if (!file->path->is_lost && strcmp(smmap__path_text(file->path), text) == 0) {
            return file;
        }
    }
    return NULL;
}

/* Join the file of a path without opening it, if we have it open, nothing of it has changed since
   it was measured, and everybody may read it: the process may be another user's by now. What only
   came to us as a handle is not given to those who know its path. *seen (out): what is there;
   kind: OTHER when that is not known. */
SMMAP__LOCK static void join_unchanged_lock(smmap_manager_t *manager, const char *given,
                                            smmap__path_t *path, smmap__os_facts_t *seen,
                                            smmap__file_t **found)
{
    const char *text = smmap__path_text(path);
    smmap__identity_t identity;
    smmap__file_t *file;

    smmap__manager_lock(manager);
    if (given != text || file_of_path_locked(manager, path->key, text) == NULL) {
        return;
    }
    smmap__manager_unlock(manager);
    memset(&identity, 0, sizeof identity);
    if (smmap__os_examine_path(&identity.facts, given) == APR_SUCCESS) {
        *seen = identity.facts; /* else opening it gives the error */
    }
    smmap__manager_lock(manager);
    if (seen->kind != SMMAP__OS_FILE || !seen->readable) {
        return;
    }
    file = smmap__file_lookup_locked(manager, &identity);
    if (file != NULL && file->handle_open && file->path != NULL && !file->identity.sizeless &&
        !smmap__identity_changed(&file->identity, &identity) &&
        file->identity.facts.birth == seen->birth) {
        smmap__file_join_locked(file, 0);
        *found = file;
    }
}

/* Open it, and look it up by what was opened: a moment later the path may name another file,
   and only opening shows whether we may read it. The file keeps the handle, unless it has one
   already. */
SMMAP__RELOCK static apr_status_t join_opened_relock(smmap_manager_t *manager, smmap__path_t *path,
                                                     const char *given, apr_os_file_t native,
                                                     const smmap__os_facts_t *before,
                                                     smmap__file_t **found,
                                                     smmap__identity_t *identity)
{
    apr_os_file_t handle;
    smmap__file_t *made = NULL;
    smmap__file_t *file;
    apr_int64_t generation = 0;
    apr_status_t identified = APR_SUCCESS;
    apr_status_t status = smmap__handle_reserve_relock(manager);
    int installed = 0;

    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__manager_unlock(manager);
    status = smmap__handle_open(manager, given, native, &handle, before, identity, &identified);
    if (status != APR_SUCCESS) {
        smmap__manager_lock(manager);
        smmap__handle_return_locked(manager);
        manager->stats.open_failures++;
        return status;
    }
    status = identified;
    if (status == APR_SUCCESS && given != NULL && given[0] != '/') {
        look_for_again(path, given, &identity->facts);
    }
    if (status == APR_SUCCESS && (identity->facts.size == 0 || identity->facts.invented)) {
        status = smmap__identity_probe(manager, handle, identity);
    }
    if (status == APR_SUCCESS) {
        made = smmap__file_make(manager, identity);
        status = made != NULL ? APR_SUCCESS : APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        made->canonical_path = smmap__canonical_path_of(handle);
    }
    smmap__manager_lock(manager);
    if (status == APR_SUCCESS) {
        file = smmap__file_lookup_locked(manager, identity);
        if (file != NULL && file->generation != 0) {
            smmap__manager_unlock(manager);
            generation = smmap__identity_generation(identity, handle);
            smmap__manager_lock(manager);
            file = smmap__file_lookup_locked(manager, identity);
        }
        if (file != NULL && !smmap__identity_same_locked(file, identity, generation)) {
            smmap__file_forget_locked(file);
            file = NULL;
        }
        if (file == NULL) {
            file = made;
            made = NULL;
            smmap__file_register_locked(file);
        }
        if (!file->handle_open) {
            smmap__handle_install_locked(file, handle);
            installed = 1;
        }
        smmap__file_join_locked(file, smmap__path_is_lost(path));
        *found = file;
    }
    if (!installed || made != NULL) {
        smmap__manager_unlock(manager);
        if (!installed) {
            smmap__handle_discard(manager, handle);
        }
        if (made != NULL) {
            smmap__file_free(made);
        }
        smmap__manager_lock(manager);
    }
    return status;
}

/* Was it seen to be of another size than when it was measured last, or may it have been copied to
   another layer? */
SMMAP__LOCKED static int is_other_than_known_locked(const smmap__file_t *file,
                                                    const smmap__identity_t *seen)
{
    return seen->facts.size != smmap__offset_load(&file->size) ||
           ((seen->facts.stacked || seen->sizeless) &&
            smmap__identity_changed(&file->identity, seen));
}

apr_status_t smmap__file_join(smmap_manager_t *manager, smmap__path_t *path, const char *given,
                              apr_os_file_t native, smmap__file_t **found)
{
    smmap__os_facts_t seen;
    smmap__identity_t identity;
    apr_status_t status;
    int tries = 0;

    /* To be measured a file may have to be opened once more, as others closed its handle.
       If the path names another file by then, that is not this caller's error: open that. */
    do {
        int is_unchanged = 0;

        status = APR_SUCCESS;
        *found = NULL;
        seen.kind = SMMAP__OS_OTHER;
        if (path == NULL) {
            status = join_known_lock(manager, native, found, &identity);
        } else {
            join_unchanged_lock(manager, given, path, &seen, found);
            is_unchanged = *found != NULL;
        }
        if (status == APR_SUCCESS && *found == NULL) {
            status =
                join_opened_relock(manager, path, given, native,
                                   seen.kind != SMMAP__OS_OTHER ? &seen : NULL, found, &identity);
        }
        if (status == APR_SUCCESS && !is_unchanged &&
            is_other_than_known_locked(*found, &identity)) {
            /* It grew or shrank since it was measured last. Only a measurement under
               the file's lock is in order with those of others. */
            smmap__manager_unlock(manager);
            status = smmap__file_measure(*found, path);
            smmap__manager_lock(manager);
            if (status != APR_SUCCESS) {
                if (path != NULL) {
                    path->users++; /* it stays the caller's */
                }
                smmap__file_quit_unlock(*found, path);
                continue;
            }
        }
        if (status == APR_SUCCESS && path != NULL) {
            /* Not before: when this call fails, its name goes. */
            smmap__file_set_path_locked(*found, path);
        }
        smmap__manager_unlock(manager);
    } while (status == SMMAP_ESTALE && ++tries < MOST_TRIES);
    return status;
}

apr_status_t smmap__file_join_known(smmap_manager_t *manager, const char *text,
                                    smmap__path_t **path, smmap__file_t **found)
{
    apr_uint64_t key = smmap__path_key(manager, text, strlen(text));
    apr_status_t status = SMMAP_ECLOSED;
    smmap__file_t *file;

    smmap__manager_lock(manager);
    if (smmap__count_load(&manager->closed) == 0) {
        file = file_of_path_locked(manager, key, text);
        status = file != NULL ? APR_SUCCESS : SMMAP_ENOFILE;
    }
    if (status == APR_SUCCESS) {
        smmap__file_join_locked(file, 0);
        file->path->users++;
        *path = file->path;
        *found = file;
    }
    smmap__manager_unlock(manager);
    return status;
}

void smmap__file_quit_unlock(smmap__file_t *file, smmap__path_t *path)
{
    smmap_manager_t *manager = file->manager;
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    smmap__file_leave_locked(file, smmap__path_is_lost(path), &reclaim);
    smmap__path_unref_locked(path);
    if (smmap__count_load(&manager->closed) != 0) {
        /* Its handle may have been kept for this cursor alone. */
        smmap__handle_close_idle_relock(manager);
    }
    smmap__reclaim_relock(manager, &reclaim);
    smmap__manager_unref_unlock(manager);
}
