/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files, and the registry: which files a manager knows, told apart by what they are.
 *
 * Hard links, symbolic links and other spellings of a path share one file and its windows,
 * and a path that was replaced leads to another file.
 *
 * Invariants, under the manager's lock: no two registered files have one id; a file that
 * was found not to be the one of its id any more is forgotten, and lives on for its cursors
 * alone. A file is freed when no cursor, region or closing handle is left.
 */
#include "core/file/file.h"

/* The grid in static mode: one window, as large as a file can be; so shifted every offset is 0. */
#define STATIC_WINDOW SMMAP__OFFSET_MAX
enum { STATIC_SHIFT = 8 * sizeof(apr_off_t) - 1 };

static apr_uint64_t key_of_id(apr_dev_t device, apr_uint64_t inode)
{
    return inode ^ ((apr_uint64_t)device << 40);
}

static apr_uint64_t key_of(smmap__hash_node_t *node)
{
    const smmap__file_t *file = SMMAP__ELEMENT(node, smmap__file_t, hash);

    return key_of_id(file->identity.facts.device, file->identity.facts.inode);
}

static apr_uint64_t key_of_path(smmap__hash_node_t *node)
{
    return SMMAP__ELEMENT(node, smmap__file_t, by_path)->path->key;
}

apr_status_t smmap__registry_init(smmap__registry_t *registry)
{
    apr_status_t status = smmap__hash_init(&registry->hash, key_of);

    smmap__list_init(&registry->files);
    smmap__list_init(&registry->forgotten);
    return status != APR_SUCCESS ? status : smmap__hash_init(&registry->by_path, key_of_path);
}

smmap__file_t *smmap__file_lookup_locked(smmap_manager_t *manager,
                                         const smmap__identity_t *identity)
{
    const smmap__os_facts_t *sought = &identity->facts;
    smmap__hash_node_t *node =
        smmap__hash_chain(&manager->registry.hash, key_of_id(sought->device, sought->inode));

    if (sought->id == SMMAP__OS_ID_NONE) {
        return NULL; /* it has none of its own */
    }
    for (; node != NULL; node = node->next) {
        smmap__file_t *file = SMMAP__ELEMENT(node, smmap__file_t, hash);

        if (file->identity.facts.device == sought->device &&
            file->identity.facts.inode == sought->inode) {
            return file;
        }
    }
    return NULL;
}

void smmap__file_register_locked(smmap__file_t *file)
{
    smmap__registry_t *registry = &file->manager->registry;

    if (file->identity.facts.id != SMMAP__OS_ID_NONE) {
        smmap__hash_insert(&registry->hash, &file->hash);
        file->registered = 1;
    }
    smmap__file_list_locked(file);
    file->number = ++registry->last_number;
    file->grid.owner = file->number;
    file->stripe = registry->next_stripe++ % SMMAP__STRIPES;
    file->manager->stats.files++;
}

void smmap__file_list_locked(smmap__file_t *file)
{
    smmap__registry_t *registry = &file->manager->registry;

    smmap__list_append(file->registered || file->identity.facts.id == SMMAP__OS_ID_NONE
                           ? &registry->files
                           : &registry->forgotten,
                       &file->link);
}

void smmap__file_forget_locked(smmap__file_t *file)
{
    if (file->registered) {
        smmap__hash_remove(&file->manager->registry.hash, &file->hash);
        file->registered = 0;
        smmap__list_remove(&file->link);
        smmap__file_list_locked(file);
    }
}

smmap__file_t *smmap__file_make(smmap_manager_t *manager, const smmap__identity_t *identity)
{
    smmap__file_t *file = smmap__alloc(sizeof *file);
    apr_uint64_t windows = 1;

    if (file == NULL) {
        return NULL;
    }
    file->manager = manager;
    smmap__list_init(&file->region_list);
    smmap__list_init(&file->pins);
    smmap__list_init(&file->flights);
    file->identity = *identity;
    file->generation = identity->facts.kind == SMMAP__OS_FILE ? 0 : SMMAP__OS_GENERATION_NONE;
    smmap__offset_store(&file->size, identity->facts.size);
    smmap__count_store(&file->unmappable, identity->sizeless || identity->unmappable);
    smmap__count_store(&file->reads_only, identity->facts.holes_fill || identity->facts.remote);
    if (manager->window_size == 0) {
        file->window = STATIC_WINDOW;
        file->shift = STATIC_SHIFT;
    } else {
        file->window = (apr_off_t)manager->window_size;
        file->shift = manager->window_shift;
        /* A file that is empty now may grow; one slot would then not do. */
        windows = (apr_uint64_t)(identity->facts.size / file->window) + 2;
    }
    smmap__slots_init(&file->grid, windows, &manager->shared);
    return file;
}

void smmap__file_free(smmap__file_t *file)
{
    smmap__slots_destroy(&file->grid);
    smmap__free(file->canonical_path);
    smmap__free(file->content);
    smmap__free(file);
}

/* One more, or one less, cursor that was opened by a handle. */
SMMAP__LOCKED static void keep_handle_locked(smmap__file_t *file, int more)
{
    smmap_manager_t *manager = file->manager;

    /* A handle that is kept does not become idle when its call ends. */
    manager->handles.busy -= file->busy != 0 && file->kept == 0;
    file->kept = more ? file->kept + 1 : file->kept - 1;
    manager->handles.busy += file->busy != 0 && file->kept == 0;
    smmap__idle_update_locked(file);
    smmap__manager_wake_locked(manager);
}

void smmap__file_join_locked(smmap__file_t *file, int by_handle)
{
    file->cursors++;
    file->manager->references++;
    file->manager->stats.cursors++;
    if (by_handle) {
        keep_handle_locked(file, 1);
    }
}

void smmap__file_leave_locked(smmap__file_t *file, int by_handle, smmap__reclaim_t *reclaim)
{
    file->cursors--;
    file->manager->stats.cursors--;
    if (by_handle) {
        keep_handle_locked(file, 0);
    }
    smmap__file_reap_locked(file, reclaim);
}

void smmap__file_set_path_locked(smmap__file_t *file, smmap__path_t *path)
{
    smmap__hash_t *by_path = &file->manager->registry.by_path;

    if (path != NULL) {
        path->users++;
    }
    if (file->path != NULL) {
        smmap__hash_remove(by_path, &file->by_path);
        smmap__path_unref_locked(file->path);
    }
    file->path = path;
    if (path != NULL) {
        smmap__hash_insert(by_path, &file->by_path);
    }
}

void smmap__file_reap_locked(smmap__file_t *file, smmap__reclaim_t *reclaim)
{
    if (file->cursors > 0 || file->regions > 0 || file->closing) {
        return;
    }
    smmap__file_forget_locked(file);
    smmap__list_remove(&file->link);
    smmap__idle_remove_locked(file);
    smmap__file_set_path_locked(file, NULL);
    file->reclaim_next = reclaim->files;
    reclaim->files = file;
}

apr_size_t smmap__files_reclaim(smmap__reclaim_t *reclaim, apr_size_t *handles)
{
    apr_size_t count = 0;

    *handles = 0;
    while (reclaim->files != NULL) {
        smmap__file_t *file = reclaim->files;

        reclaim->files = file->reclaim_next;
        count++;
        if (file->handle_open) {
            apr_status_t status = smmap__os_file_close(file->handle);

            reclaim->status = reclaim->status != APR_SUCCESS ? reclaim->status : status;
            ++*handles;
        }
        smmap__file_free(file);
    }
    return count;
}

void smmap__files_reclaimed_locked(smmap_manager_t *manager, apr_size_t files, apr_size_t handles)
{
    manager->stats.files -= files;
    manager->stats.open_files -= handles;
    manager->stats.closes += handles;
}
