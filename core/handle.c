/*
 * The native handles of files, and their limit.
 *
 * A mapping needs no handle, so a file's handle is open for two reasons alone: it
 * is in use (busy) while a window is mapped or the file is measured, or it is kept
 * for the next time, as long as the limit allows (idle). Idle handles are listed
 * by last use, and the least recently used is closed first; but for those that a
 * thread reads by without the lock (see read.c), as a read may take long, or hang.
 * Only who destroys the manager waits for these. A handle that cannot be opened
 * again, because a cursor was opened by handle, is never idle.
 *
 * A file that was closed is opened again by the path of the cursor that needs it.
 * What is found there must be the same file: see smmap__identity_same(); else
 * SMMAP_ESTALE.
 *
 * Invariant: stats.open_files counts what is open and what is reserved for opening;
 * a file is in the idle list exactly when handle_open && !busy && kept == 0.
 */
#include "core/core.h"

#include <apr_file_io.h>
#include <apr_time.h>

#include <string.h>

/* What says that it is empty, and goes on for longer than this, is no file to have windows on. */
#define COUNTED_MOST ((apr_off_t)64 * 1024 * 1024)

/* Microseconds: a read may be over by then, or hang for minutes. */
enum { WAIT_FOR_READER = 100 };

static void list_add(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;

    file->idle = 1;
    file->idle_newer = NULL;
    file->idle_older = manager->idle_newest;
    if (manager->idle_newest != NULL) {
        manager->idle_newest->idle_newer = file;
    } else {
        manager->idle_oldest = file;
    }
    manager->idle_newest = file;
}

void smmap__handle_unlist_locked(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;

    if (!file->idle) {
        return;
    }
    if (file->idle_older != NULL) {
        file->idle_older->idle_newer = file->idle_newer;
    } else {
        manager->idle_oldest = file->idle_newer;
    }
    if (file->idle_newer != NULL) {
        file->idle_newer->idle_older = file->idle_older;
    } else {
        manager->idle_newest = file->idle_older;
    }
    file->idle = 0;
}

/* Put the file where it belongs after one of the three facts has changed. */
static void list_update(smmap__file_t *file)
{
    int idle = file->handle_open && !file->busy && file->kept == 0;

    if (idle && !file->idle) {
        list_add(file);
    } else if (!idle) {
        smmap__handle_unlist_locked(file);
    }
}

/* Close the handle of a file, which is idle. is_read: somebody may be reading by it, and is
   waited for; by then the file may have a new one, whose readers are waited for, too. */
static void close_relock(smmap_manager_t *manager, smmap__file_t *file, int is_read)
{
    smmap__reclaim_t reclaim = {NULL, NULL, APR_SUCCESS, 0};
    apr_os_file_t handle = file->handle;

    file->closing++;
    file->handle_open = 0;
    smmap__replace(&file->published_handle, (uintptr_t)handle + 1, 0);
    list_update(file);
    manager->emptying++;
    smmap__manager_unlock(manager);
    /* Who reads by it counted himself before he saw that he may, so he is seen now. */
    while (is_read && smmap__count_load_ordered(&file->readers) != 0) {
        apr_sleep(WAIT_FOR_READER);
    }
    smmap__os_file_close(handle);
    smmap__manager_lock(manager);
    manager->emptying--;
    manager->stats.open_files--;
    manager->stats.closes++;
    file->closing--;
    smmap__file_reap_locked(file, &reclaim);
    smmap__reclaim_relock(manager, &reclaim);
    smmap__manager_wake_locked(manager);
}

int smmap__handle_close_relock(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;
    uintptr_t readable = (uintptr_t)file->handle + 1;

    /* In the order in which close_relock() does it; only that there is a way back. Once nobody
       was seen, whoever reads later reads by another handle. */
    smmap__replace(&file->published_handle, readable, 0);
    if (smmap__count_load_ordered(&file->readers) != 0 && !smmap__forked(manager)) {
        smmap__store(&file->published_handle, readable);
        return 0;
    }
    close_relock(manager, file, 0);
    return 1;
}

/* Close the least recently used handle that nobody reads by. 0: there is none. */
static int close_unread_relock(smmap_manager_t *manager)
{
    smmap__file_t *file = manager->idle_oldest;

    while (file != NULL && !smmap__handle_close_relock(file)) {
        file = file->idle_newer;
    }
    return file != NULL;
}

apr_size_t smmap__handle_close_idle_relock(smmap_manager_t *manager)
{
    apr_size_t count = 0;

    while (manager->idle_oldest != NULL) {
        close_relock(manager, manager->idle_oldest, !smmap__forked(manager));
        count++;
    }
    return count;
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
        if (manager->limits == SMMAP_LIMITS_SOFT) {
            break; /* counted when the handle is there */
        }
        if (manager->idle_oldest != NULL) {
            /* Somebody reads by each of them, and tells nobody when it is over. */
            smmap__manager_unlock(manager);
            apr_sleep(WAIT_FOR_READER);
            smmap__manager_lock(manager);
        } else if (manager->busy_handles > 0 || manager->emptying > 0) {
            /* In use for the length of one call; who ends it closes it for us. */
            manager->handle_waiters++;
            smmap__manager_wait_relock(manager);
            manager->handle_waiters--;
        } else {
            manager->stats.limit_failures++;
            return SMMAP_ELIMIT_FILES;
        }
    }
    manager->stats.open_files++;
    manager->busy_handles++;
    return APR_SUCCESS;
}

void smmap__handle_return_locked(smmap_manager_t *manager)
{
    manager->stats.open_files--;
    manager->busy_handles--;
    smmap__manager_wake_locked(manager);
}

void smmap__handle_install_locked(smmap__file_t *file, apr_os_file_t handle)
{
    smmap_stats_t *stats = &file->manager->stats;

    file->handle = handle;
    file->handle_open = 1;
    smmap__store(&file->published_handle, (uintptr_t)handle + 1);
    file->manager->busy_handles--;
    stats->opens++;
    stats->over_limit += stats->open_files > file->manager->max_open_files;
    if (stats->peak_open_files < stats->open_files) {
        stats->peak_open_files = stats->open_files;
    }
    list_update(file);
    smmap__manager_wake_locked(file->manager);
}

void smmap__handle_keep_locked(smmap__file_t *file, int more)
{
    smmap_manager_t *manager = file->manager;

    /* A handle that is kept does not become idle when its call ends. */
    manager->busy_handles -= file->busy && file->kept == 0;
    file->kept = more ? file->kept + 1 : file->kept - 1;
    manager->busy_handles += file->busy && file->kept == 0;
    list_update(file);
    smmap__manager_wake_locked(manager);
}

/* One attempt to get a handle of our own. */
static apr_status_t open_once(smmap_manager_t *manager, const smmap__path_t *path,
                              apr_os_file_t native, apr_os_file_t *handle)
{
    apr_finfo_t info;
    apr_pool_t *scratch;
    apr_status_t status;

    if (path == NULL) {
        return smmap__os_file_dup(handle, native);
    }
    status = smmap__scratch(manager, &scratch);
    if (status != APR_SUCCESS) {
        return status;
    }
    /* Look before opening: opening a device may already do something. */
    status = apr_stat(&info, smmap__path_text(path), APR_FINFO_TYPE, scratch);
    apr_pool_destroy(scratch);
    if (status == APR_SUCCESS && info.filetype != APR_REG && info.filetype != APR_BLK) {
        status = SMMAP_ENOTREGULAR;
    }
    return status == APR_SUCCESS ? smmap__os_file_open(handle, smmap__path_text(path)) : status;
}

apr_status_t smmap__handle_open(smmap_manager_t *manager, const smmap__path_t *path,
                                apr_os_file_t native, apr_os_file_t *handle)
{
    apr_status_t status = open_once(manager, path, native, handle);

    if (APR_STATUS_IS_EMFILE(status) || APR_STATUS_IS_ENFILE(status)) {
        smmap__manager_lock(manager);
        while (close_unread_relock(manager)) {
        }
        manager->stats.retries++;
        smmap__manager_unlock(manager);
        status = open_once(manager, path, native, handle);
    }
    return status;
}

apr_status_t smmap__handle_identify(smmap_manager_t *manager, apr_os_file_t handle, int with_birth,
                                    smmap__identity_t *identity)
{
    const apr_int32_t wanted =
        APR_FINFO_IDENT | APR_FINFO_SIZE | APR_FINFO_TYPE | APR_FINFO_MTIME | APR_FINFO_CTIME;
    apr_file_t *file;
    apr_finfo_t info;
    apr_pool_t *scratch;
    apr_status_t status = smmap__scratch(manager, &scratch);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_os_file_put(&file, &handle, APR_FOPEN_READ, scratch);
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(&info, wanted, file);
    }
    apr_pool_destroy(scratch); /* leaves the handle open: put does not own it */
    if (status != APR_SUCCESS) {
        return smmap__os_is_stream(handle) ? SMMAP_ENOTREGULAR : status;
    }
    if (info.filetype == APR_BLK && smmap__os_file_size(&info.size, handle) != APR_SUCCESS) {
        return SMMAP_ENOTREGULAR;
    }
    if (info.filetype != APR_REG && info.filetype != APR_BLK) {
        return SMMAP_ENOTREGULAR;
    }
    memset(identity, 0, sizeof *identity);
    identity->device = info.device;
    identity->inode = info.inode;
    identity->size = info.size;
    identity->mtime = info.mtime;
    identity->ctime = info.ctime;
    if (with_birth) {
        identity->id = smmap__os_file_id(&identity->device, &identity->inode, handle);
    }
    if (with_birth && smmap__os_file_birth(&identity->birth, handle) != APR_SUCCESS) {
        identity->birth = 0;
    }
    return APR_SUCCESS;
}

apr_status_t smmap__handle_count(apr_os_file_t handle, apr_off_t *size)
{
    unsigned char bytes[4096];
    apr_status_t status;
    apr_size_t nread;

    *size = 0;
    do {
        status = smmap__os_read(handle, *size, bytes, sizeof bytes, &nread);
        *size += (apr_off_t)nread;
        if (status == APR_SUCCESS && *size > COUNTED_MOST) {
            status = SMMAP_ENOTREGULAR;
        }
    } while (status == APR_SUCCESS && nread > 0);
    return status;
}

/* Identify what should be a file that is known. */
static apr_status_t identify_known(const smmap__file_t *file, apr_os_file_t handle,
                                   int with_birth, smmap__identity_t *identity)
{
    apr_status_t status = smmap__handle_identify(file->manager, handle, with_birth, identity);

    if (status == APR_SUCCESS && file->identity.sizeless) {
        status = smmap__handle_count(handle, &identity->size);
    }
    return status;
}

void smmap__handle_discard(smmap_manager_t *manager, apr_os_file_t handle)
{
    smmap__os_file_close(handle);
    smmap__manager_lock(manager);
    smmap__handle_return_locked(manager);
    smmap__manager_unlock(manager);
}

/* Open the file again, and make sure that it is the same one. The lock is held, and
   let go meanwhile. */
static apr_status_t reopen_relock(smmap__file_t *file, const smmap__path_t *path)
{
    smmap_manager_t *manager = file->manager;
    smmap__identity_t identity;
    apr_os_file_t handle;
    apr_status_t status = smmap__handle_reserve_relock(manager);

    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__manager_unlock(manager);
    status = smmap__handle_open(manager, path, 0, &handle);
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
    status = identify_known(file, handle, 1, &identity);
    smmap__manager_lock(manager);
    if (status == APR_SUCCESS &&
        !smmap__identity_same(&file->identity, &identity,
                              smmap__file_pinned(file) || file->handle_open)) {
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

/* Measure a file whose handle is in use; the lock is held, and let go meanwhile. */
static apr_status_t measure_relock(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;
    smmap__reclaim_t reclaim = {NULL, NULL, APR_SUCCESS, 0};
    smmap__identity_t identity;
    apr_status_t status;

    smmap__manager_unlock(manager);
    status = identify_known(file, file->handle, 0, &identity);
    smmap__manager_lock(manager);
    if (status == APR_SUCCESS) {
        if (smmap__count_load(&file->unmappable) != 0 &&
            (file->identity.mtime != identity.mtime || file->identity.ctime != identity.ctime)) {
            smmap__region_retire_past_locked(file, 0, &reclaim); /* copies of what was there */
        }
        file->identity.mtime = identity.mtime;
        file->identity.ctime = identity.ctime;
        smmap__file_resize_locked(file, identity.size, &reclaim);
        smmap__reclaim_relock(manager, &reclaim);
    }
    return status;
}

static void end_use_relock(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;

    file->busy = 0;
    manager->busy_handles -= file->kept == 0;
    list_update(file);
    if (smmap__count_load(&manager->closed) != 0) {
        smmap__handle_close_idle_relock(manager);
    } else if (file->idle && manager->handle_waiters > 0) {
        smmap__handle_close_relock(file); /* or the waiter finds that it is idle */
    }
    smmap__manager_wake_locked(manager);
}

apr_status_t smmap__handle_enter(smmap__file_t *file, const smmap__path_t *path,
                                 apr_os_file_t *handle)
{
    smmap_manager_t *manager = file->manager;
    apr_status_t status = APR_SUCCESS;

    smmap__manager_lock(manager);
    /* Between two looks another thread may close what is idle: hence the loop. */
    do {
        if (smmap__count_load(&manager->closed) != 0) {
            status = SMMAP_ECLOSED;
        } else if (!file->handle_open) {
            status = reopen_relock(file, path);
        }
    } while (status == APR_SUCCESS && !file->handle_open);
    if (status == APR_SUCCESS) {
        file->busy = 1;
        manager->busy_handles += file->kept == 0;
        list_update(file);
        status = measure_relock(file);
        if (status != APR_SUCCESS) {
            end_use_relock(file);
        }
    }
    *handle = file->handle;
    smmap__manager_unlock(manager);
    return status;
}

void smmap__handle_leave(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;

    smmap__manager_lock(manager);
    end_use_relock(file);
    smmap__manager_unlock(manager);
}
