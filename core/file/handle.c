/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The native handles of files, under their limit; and reading by one without a lock.
 *
 * A mapping needs no handle, so a file's handle is open for two reasons alone: it is in use
 * (busy) while a window is mapped or the file is measured, or it is kept for the next time,
 * as long as the limit allows (idle). The least recently used idle handle is closed first,
 * but for those that a thread reads by without the lock, as a read may take long, or hang.
 * Only the thread that destroys the manager waits for these. Measuring a file is such a read. A
 * handle that cannot be opened again, because a cursor was opened by handle, is never idle.
 *
 * A file that was closed is opened again by the path of the cursor that needs it. What is
 * found there must be the same file: see smmap__identity_same_locked(); else SMMAP_ESTALE.
 *
 * Invariant: stats.open_files counts what is open and what is reserved for opening.
 *
 * READING WITHOUT A LOCK. `published_handle` is the handle plus one, or 0; `readers` counts
 * the calls that may be using it.
 *
 *   reader (smmap__reading_begin)          closer (smmap__handle_close_relock), with the lock
 *     R1  readers += 1                       C1  published_handle = 0
 *     R2  published_handle != 0?             C2  readers == 0?
 *     R3  yes: read by it, readers -= 1      C3  yes: close it. No: publish it again
 *         no: readers -= 1, take the lock
 *
 * All four accesses are sequentially consistent, so of R1, R2 and C1, C2 at least one load
 * sees the other side's store: a reader finds 0, or the closer finds a reader.
 */
#include "core/file/file.h"

#include <apr_time.h>

/* Microseconds: a read may be over by then, or hang for minutes. */
enum { WAIT_FOR_READER = 100 };

/* C1, C2: take the handle away from readers to come. 1: nobody reads by it now. */
SMMAP__LOCKED static int unpublish_locked(smmap__file_t *file)
{
    smmap__replace(&file->published_handle, (uintptr_t)file->handle + 1, 0);
    return smmap__count_load_ordered(&file->readers) == 0;
}

/* Close a handle that was unpublished, once nobody reads by it. By then the file may have a new
   one, whose readers are waited for, too. */
SMMAP__RELOCK static void close_unpublished_relock(smmap__file_t *file, int wait_for_readers)
{
    smmap_manager_t *manager = file->manager;
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    apr_os_file_t handle = file->handle;
    int is_known = file->generation != 0 || (file->cursors == 0 && file->regions == 0);
    apr_int64_t generation;
    apr_size_t files;
    apr_size_t handles;

    file->closing++;
    file->handle_open = 0;
    smmap__idle_update_locked(file);
    manager->closing++;
    smmap__manager_unlock(manager);
    while (wait_for_readers && smmap__count_load_ordered(&file->readers) != 0) {
        smmap__sleep(WAIT_FOR_READER);
    }
    if (!is_known) {
        /* Until now the handle has kept the file's id from being given to another. */
        generation = smmap__os_generation(handle);
        smmap__manager_lock(manager);
        file->generation = generation;
        smmap__manager_unlock(manager);
    }
    smmap__os_file_close(handle);
    smmap__manager_lock(manager);
    manager->stats.open_files--;
    manager->stats.closes++;
    file->closing--;
    smmap__file_reap_locked(file, &reclaim);
    if (reclaim.files != NULL) {
        smmap__manager_unlock(manager);
        files = smmap__files_reclaim(&reclaim, &handles);
        smmap__manager_lock(manager);
        smmap__files_reclaimed_locked(manager, files, handles);
    }
    manager->closing--; /* not before: all that is counted is closed now */
    smmap__manager_wake_locked(manager);
}

int smmap__handle_close_relock(smmap__file_t *file)
{
    if (!unpublish_locked(file)) {
        smmap__store(&file->published_handle, (uintptr_t)file->handle + 1);
        return 0;
    }
    close_unpublished_relock(file, 0);
    return 1;
}

void smmap__handle_close_idle_relock(smmap_manager_t *manager)
{
    smmap__file_t *file;

    while ((file = smmap__idle_first_locked(manager)) != NULL) {
        unpublish_locked(file);
        close_unpublished_relock(file, 1);
    }
}

/* Close the least recently used handle that nobody reads by. 0: there is none. */
SMMAP__RELOCK static int close_unread_relock(smmap_manager_t *manager)
{
    smmap__file_t *file = smmap__idle_first_locked(manager);

    while (file != NULL && !smmap__handle_close_relock(file)) {
        file = smmap__idle_next_locked(file);
    }
    return file != NULL;
}

apr_status_t smmap__handle_reserve_relock(smmap_manager_t *manager)
{
    while (manager->stats.open_files >= manager->max_open_files) {
        if (smmap__count_load(&manager->closed) != 0) {
            return SMMAP_ECLOSED;
        }
        if (close_unread_relock(manager)) {
            continue; /* the lock was let go */
        }
        if (!(manager->limits & SMMAP_LIMITS_HARD_FILES)) {
            break; /* counted when the handle is there */
        }
        if (smmap__idle_first_locked(manager) != NULL) {
            /* A thread reads by each of them, and signals nobody when it is done. */
            manager->handles.waiters++;
            smmap__manager_unlock(manager);
            smmap__sleep(WAIT_FOR_READER);
            smmap__manager_lock(manager);
            manager->handles.waiters--;
        } else if (manager->handles.busy > 0 || manager->closing > 0) {
            /* In use for the length of one call; the call that ends it closes it for us. */
            manager->handles.waiters++;
            smmap__manager_wait_relock(manager);
            manager->handles.waiters--;
        } else {
            manager->stats.limit_failures++;
            return SMMAP_ELIMIT_FILES;
        }
    }
    manager->stats.open_files++;
    manager->handles.busy++;
    return APR_SUCCESS;
}

void smmap__handle_lower_relock(smmap_manager_t *manager)
{
    while (manager->stats.open_files > manager->max_open_files && close_unread_relock(manager)) {
    }
}

void smmap__handle_return_locked(smmap_manager_t *manager)
{
    manager->stats.open_files--;
    manager->handles.busy--;
    smmap__manager_wake_locked(manager);
}

void smmap__handle_install_locked(smmap__file_t *file, apr_os_file_t handle)
{
    smmap_stats_t *stats = &file->manager->stats;

    file->handle = handle;
    file->handle_open = 1;
    smmap__store(&file->published_handle, (uintptr_t)handle + 1);
    file->manager->handles.busy--;
    stats->opens++;
    stats->over_limit += stats->open_files > file->manager->max_open_files;
    if (stats->peak_open_files < stats->open_files) {
        stats->peak_open_files = stats->open_files;
    }
    smmap__idle_update_locked(file);
    smmap__manager_wake_locked(file->manager);
}

/* Why a path could not be opened: a socket cannot, nor, on Windows, can a directory. */
static apr_status_t open_error(const char *path, apr_status_t status)
{
    smmap__os_facts_t facts;

    return !APR_STATUS_IS_ENOENT(status) && smmap__os_examine_path(&facts, path) == APR_SUCCESS &&
                   facts.kind == SMMAP__OS_OTHER
               ? SMMAP_ENOTREGULAR
               : status;
}

apr_status_t smmap__handle_open(smmap_manager_t *manager, const char *path, apr_os_file_t native,
                                apr_os_file_t *handle, const smmap__os_facts_t *before,
                                smmap__identity_t *identity, apr_status_t *identified)
{
    smmap__os_facts_t seen;
    int is_last = 0;
    apr_status_t status;

    *identified = APR_SUCCESS;
    /* Where a file seen before it was opened need not be opened twice, that is cheaper. */
    if (path != NULL && before == NULL && smmap__count_load(&manager->stacked) != 0 &&
        smmap__os_examine_path(&seen, path) == APR_SUCCESS) {
        before = &seen;
    }
    for (;;) {
        status =
            path != NULL ? smmap__os_file_open(handle, path) : smmap__os_file_dup(handle, native);
        if (status == APR_SUCCESS) {
            *identified = smmap__identify(*handle, before, identity);
            if (identity->facts.stacked &&
                (APR_STATUS_IS_EMFILE(*identified) || APR_STATUS_IS_ENFILE(*identified))) {
                /* To renew it took one more. */
                status = *identified;
                smmap__os_file_close(*handle);
                if (path != NULL && before == NULL) {
                    /* What was seen can be opened again without. */
                    seen = identity->facts;
                    before = &seen;
                    continue;
                }
            }
        } else if (path != NULL) {
            status = open_error(path, status);
        }
        if (is_last || !(APR_STATUS_IS_EMFILE(status) || APR_STATUS_IS_ENFILE(status))) {
            break;
        }
        smmap__manager_lock(manager);
        if (smmap__idle_first_locked(manager) == NULL && manager->closing > 0) {
            smmap__manager_wait_relock(manager); /* another thread gives some back just now */
        }
        while (close_unread_relock(manager)) {
        }
        manager->stats.retries++;
        smmap__manager_unlock(manager);
        is_last = 1;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (*identified == SMMAP_ENOTREGULAR && path != NULL) {
        smmap__os_file_close(*handle);
        return SMMAP_ENOTREGULAR;
    }
    smmap__count_store(&manager->stacked, *identified == APR_SUCCESS && identity->facts.stacked);
    return APR_SUCCESS;
}

void smmap__handle_discard(smmap_manager_t *manager, apr_os_file_t handle)
{
    smmap__os_file_close(handle);
    smmap__manager_lock(manager);
    smmap__handle_return_locked(manager);
    smmap__manager_unlock(manager);
}

apr_status_t smmap__handle_reopen_relock(smmap__file_t *file, const smmap__path_t *path)
{
    smmap_manager_t *manager = file->manager;
    smmap__identity_t identity;
    apr_os_file_t handle;
    apr_int64_t generation = 0;
    apr_status_t identified = APR_SUCCESS;
    apr_status_t status = smmap__handle_reserve_relock(manager);

    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__manager_unlock(manager);
    status = smmap__handle_open(manager, smmap__path_text(path), 0, &handle, NULL, &identity,
                                &identified);
    if (status != APR_SUCCESS) {
        smmap__manager_lock(manager);
        smmap__handle_return_locked(manager);
        if (status == SMMAP_ENOTREGULAR) {
            manager->stats.stale_files++;
            return SMMAP_ESTALE; /* our file was one */
        }
        manager->stats.open_failures++;
        return status;
    }
    status = identified;
    if (status == APR_SUCCESS) {
        generation = smmap__identity_generation(&identity, handle);
    }
    smmap__manager_lock(manager);
    if (status == APR_SUCCESS && !smmap__identity_same_locked(file, &identity, generation)) {
        manager->stats.stale_files++;
        status = SMMAP_ESTALE;
    }
    if (status == APR_SUCCESS && !file->handle_open) {
        smmap__handle_install_locked(file, handle);
        return APR_SUCCESS;
    }
    /* It failed, or a cursor that was opened meanwhile brought a handle with it. */
    smmap__manager_unlock(manager);
    smmap__handle_discard(manager, handle);
    smmap__manager_lock(manager);
    return status;
}

void smmap__handle_begin_use_locked(smmap__file_t *file)
{
    if (file->busy++ == 0) {
        file->manager->handles.busy += file->kept == 0;
        smmap__idle_update_locked(file);
    }
}

void smmap__handle_end_use_relock(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;

    if (--file->busy == 0) {
        smmap__content_unref_locked(file->content);
        file->content = NULL;
        manager->handles.busy -= file->kept == 0;
        smmap__idle_update_locked(file);
    }
    if (smmap__count_load(&manager->closed) != 0) {
        smmap__handle_close_idle_relock(manager);
    } else if (file->is_idle && manager->handles.waiters > 0) {
        smmap__handle_close_relock(file); /* or the waiter finds that it is idle */
    }
    smmap__manager_wake_locked(manager);
}
