/*
 * The file of a path or of a handle: opening it, and finding it among those that are known.
 */
#include "core/cursor/cursor.h"

/* How often a path is opened again that names another file each time. */
enum { MOST_TRIES = 100 };

/* Does anything of ours keep the file's id from being given away? */
static int is_pinned(const smmap__file_t *file)
{
    return file->handle_open || smmap__file_pinned(file);
}

/* Join the file of a caller's handle, if it is known and open. While that handle is open no
   other file can have its id. *found stays NULL if there is none. */
static apr_status_t join_known(smmap_manager_t *manager, apr_os_file_t native,
                               smmap__file_t **found, apr_off_t *size)
{
    smmap__identity_t identity;
    smmap__file_t *file;
    apr_status_t status = smmap__identify(manager, native, 0, &identity);

    if (status == APR_SUCCESS) {
        identity.id = smmap__os_file_id(&identity.device, &identity.inode, native);
        status = smmap__identity_probe(manager, native, &identity);
    }
    smmap__manager_lock(manager);
    if (status != APR_SUCCESS) {
        manager->stats.open_failures++;
    } else {
        file = smmap__file_lookup_locked(manager, &identity);
        if (file != NULL && file->handle_open) {
            smmap__file_join_locked(file, 1);
            *found = file;
            *size = identity.size;
        }
    }
    smmap__manager_unlock(manager);
    return status;
}

/* Open it, and look it up by what was opened: a moment later the path may name another file,
   and only opening shows whether we may read it. The file keeps the handle, unless it has one
   already. */
static apr_status_t join_opened(smmap_manager_t *manager, const smmap__path_t *path,
                                apr_os_file_t native, smmap__file_t **found, apr_off_t *size)
{
    smmap__identity_t identity;
    apr_os_file_t handle;
    smmap__file_t *made = NULL;
    smmap__file_t *file;
    apr_status_t status;
    int installed = 0;

    smmap__manager_lock(manager);
    status = smmap__handle_reserve_relock(manager);
    smmap__manager_unlock(manager);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = smmap__handle_open(manager, path, native, &handle);
    if (status != APR_SUCCESS) {
        smmap__manager_lock(manager);
        smmap__handle_return_locked(manager);
        manager->stats.open_failures++;
        smmap__manager_unlock(manager);
        return status;
    }
    status = smmap__identify(manager, handle, 1, &identity);
    if (status == APR_SUCCESS && identity.size == 0) {
        status = smmap__identity_probe(manager, handle, &identity);
    }
    if (status == APR_SUCCESS) {
        made = smmap__file_make(manager, &identity);
        status = made != NULL ? APR_SUCCESS : APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        made->canonical_path = smmap__canonical_path_of(handle);
    }
    if (status == APR_SUCCESS) {
        smmap__manager_lock(manager);
        file = smmap__file_lookup_locked(manager, &identity);
        if (file != NULL && !smmap__identity_same(&file->identity, &identity, is_pinned(file))) {
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
        smmap__file_join_locked(file, path == NULL);
        smmap__manager_unlock(manager);
        *found = file;
        *size = identity.size;
    }
    if (!installed) {
        smmap__handle_discard(manager, handle);
    }
    if (made != NULL) {
        smmap__file_free(made);
    }
    return status;
}

/* One attempt of smmap__file_join(). */
static apr_status_t join_once(smmap_manager_t *manager, smmap__path_t *path, apr_os_file_t native,
                              smmap__file_t **found)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    smmap__file_t *file = NULL;
    apr_off_t size = 0;
    apr_status_t status = APR_SUCCESS;

    if (path == NULL) {
        status = join_known(manager, native, &file, &size);
    }
    if (status == APR_SUCCESS && file == NULL) {
        status = join_opened(manager, path, native, &file, &size);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (size != smmap__offset_load(&file->size)) {
        /* It grew or shrank since it was measured last. Only a measurement under
           the file's lock is in order with those of others. */
        status = smmap__file_measure(file, path);
    }
    smmap__manager_lock(manager);
    if (status != APR_SUCCESS) {
        smmap__file_leave_locked(file, path == NULL, &reclaim);
        smmap__reclaim_relock(manager, &reclaim);
        smmap__manager_unref_unlock(manager);
        return status;
    }
    if (path != NULL) {
        smmap__file_set_path_locked(file,
                                    path); /* not before: when this call fails, its name goes */
    }
    smmap__manager_unlock(manager);
    *found = file;
    return APR_SUCCESS;
}

apr_status_t smmap__file_join(smmap_manager_t *manager, smmap__path_t *path, apr_os_file_t native,
                              smmap__file_t **found)
{
    apr_status_t status;
    int tries = 0;

    /* To be measured a file may have to be opened once more, as others closed its handle.
       If the path names another file by then, that is not this caller's error: open that. */
    do {
        status = join_once(manager, path, native, found);
    } while (status == SMMAP_ESTALE && ++tries < MOST_TRIES);
    return status;
}
