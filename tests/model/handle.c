/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's handles under their limit, which files are the same, and what becomes
 * of windows when a size changes. See model.h.
 */
#include "model.h"

const path_t *model_path(const world_t *w, int path)
{
    return &w->paths[path == PATHS - 1 ? 0 : path];
}

static omanager_t *owner_of(world_t *w, int file)
{
    return &w->managers[w->files[file].manager];
}

/* Handles. */

/* Is it idle now, and since when? */
void model_idle_update(world_t *w, int file)
{
    ofile_t *it = &w->files[file];
    int idle = it->open && !it->busy && it->kept == 0;

    if (idle && !it->idle) {
        it->idle_since = ++w->serial;
    }
    it->idle = idle;
}

static void close_one(world_t *w, int file)
{
    omanager_t *manager = owner_of(w, file);

    w->files[file].open = 0;
    model_idle_update(w, file);
    model_call(w, FAKE_CLOSE); /* the handle is gone, also when that fails */
    w->live_handles--;
    manager->stats.open_files--;
    manager->stats.closes++;
}

static int oldest_idle(const world_t *w, int manager)
{
    int oldest = NONE;
    int i;

    for (i = 0; i < FILES; i++) {
        const ofile_t *file = &w->files[i];

        if (file->used && file->manager == manager && file->idle &&
            (oldest == NONE || file->idle_since < w->files[oldest].idle_since)) {
            oldest = i;
        }
    }
    return oldest;
}

void model_close_idle(world_t *w, int manager)
{
    int file;

    while ((file = oldest_idle(w, manager)) != NONE) {
        close_one(w, file);
    }
}

apr_status_t model_handle_reserve(world_t *w, int number)
{
    omanager_t *manager = &w->managers[number];

    while (manager->stats.open_files >= manager->max_files) {
        int file = oldest_idle(w, number);

        if (file != NONE) {
            close_one(w, file);
        } else if (!(manager->limits & SMMAP_LIMITS_HARD_FILES)) {
            break;
        } else {
            manager->stats.limit_failures++;
            return SMMAP_ELIMIT_FILES;
        }
    }
    manager->stats.open_files++;
    return APR_SUCCESS;
}

void model_handle_lower(world_t *w, int number)
{
    const omanager_t *manager = &w->managers[number];
    int file;

    while (manager->stats.open_files > manager->max_files &&
           (file = oldest_idle(w, number)) != NONE) {
        close_one(w, file);
    }
}

void model_install(world_t *w, int file, int inode)
{
    omanager_t *manager = owner_of(w, file);

    w->files[file].open = 1;
    w->files[file].inode = inode;
    manager->stats.opens++;
    if (manager->stats.open_files > manager->max_files) {
        manager->stats.over_limit++;
    }
    if (manager->stats.open_files > manager->stats.peak_open_files) {
        manager->stats.peak_open_files = manager->stats.open_files;
    }
    model_idle_update(w, file);
}

static apr_status_t open_once(world_t *w, int path, int native, int *inode)
{
    apr_status_t status = model_call(w, FAKE_DUP);

    if (path != NONE) {
        const path_t *there = model_path(w, path);

        if (there->kind == PATH_NONE) {
            return status != APR_SUCCESS ? status : APR_ENOENT;
        }
        if (there->kind == PATH_DIRECTORY && status != APR_SUCCESS) {
            return SMMAP_ENOTREGULAR;
        }
        native = there->kind == PATH_DIRECTORY ? DIRECTORY : there->inode;
    }
    if (status == APR_SUCCESS) {
        w->live_handles++;
        *inode = native;
    }
    return status;
}

apr_status_t model_open_handle(world_t *w, int manager, int path, int native, int *inode)
{
    apr_status_t status = open_once(w, path, native, inode);

    if (APR_STATUS_IS_EMFILE(status) || APR_STATUS_IS_ENFILE(status)) {
        model_close_idle(w, manager);
        w->managers[manager].stats.retries++;
        status = open_once(w, path, native, inode);
    }
    return status;
}

void model_handle_discard(world_t *w, int manager)
{
    model_call(w, FAKE_CLOSE);
    w->live_handles--;
    w->managers[manager].stats.open_files--;
}

/* What is a file? */

apr_status_t model_identify(world_t *w, int inode, int with_birth, identity_t *identity)
{
    apr_status_t status = model_call(w, CALL_STAT);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (inode == DIRECTORY) {
        return SMMAP_ENOTREGULAR;
    }
    identity->id = w->inodes[inode].id;
    identity->size = w->inodes[inode].size;
    identity->mtime = w->inodes[inode].mtime;
    identity->ctime = w->inodes[inode].ctime;
    identity->birth = 0;
    if (with_birth && model_call(w, FAKE_BIRTH) == APR_SUCCESS) {
        identity->birth = w->birth;
    }
    return APR_SUCCESS;
}

int model_same(const identity_t *known, const identity_t *now, int held)
{
    if (known->id != now->id) {
        return 0;
    }
    if (known->birth != 0 && now->birth != 0) {
        return known->birth == now->birth;
    }
    if (held) {
        return 1;
    }
    return known->size == now->size && known->mtime == now->mtime && known->ctime == now->ctime;
}

int model_held(const ofile_t *file)
{
    return file->open || file->regions > file->heap_regions;
}

static apr_status_t open_again(world_t *w, int file, int path)
{
    ofile_t *it = &w->files[file];
    omanager_t *manager = owner_of(w, file);
    identity_t identity;
    int inode = NONE;
    apr_status_t status = model_handle_reserve(w, it->manager);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = model_open_handle(w, it->manager, path, NONE, &inode);
    if (status != APR_SUCCESS) {
        manager->stats.open_files--;
        if (status == SMMAP_ENOTREGULAR) {
            manager->stats.stale_files++;
            return SMMAP_ESTALE;
        }
        manager->stats.open_failures++;
        return status;
    }
    status = model_identify(w, inode, 1, &identity);
    if (status == SMMAP_ENOTREGULAR) {
        manager->stats.stale_files++;
        status = SMMAP_ESTALE;
    }
    if (status == APR_SUCCESS && !model_same(&it->identity, &identity, model_held(it))) {
        manager->stats.stale_files++;
        status = SMMAP_ESTALE;
    }
    if (status != APR_SUCCESS) {
        model_handle_discard(w, it->manager);
        return status;
    }
    model_install(w, file, inode);
    return APR_SUCCESS;
}

/* Sizes. */

static void resize(world_t *w, int file, apr_off_t size)
{
    ofile_t *it = &w->files[file];
    omanager_t *manager = owner_of(w, file);
    apr_off_t old = it->size;
    int any = 0;
    int at = 0;

    it->identity.size = size;
    it->size = size;
    if (size < old) {
        manager->stats.truncated_files++;
    }
    while (at < manager->length) {
        int number = manager->queue[at];
        const oregion_t *region = &w->regions[number];
        int wrong = 0;

        if (region->file == file && size < old) {
            wrong = model_region_end(region) > size;
        } else if (region->file == file && size > old) {
            /* The last window ended with the file; now it should go on. */
            wrong = region->on_grid && (apr_off_t)region->length < model_window(w, file) &&
                    model_region_end(region) == old;
        }
        if (wrong) {
            model_queue_remove(w, number);
            model_retire(w, number);
            any = 1;
        } else {
            at++;
        }
    }
    if (any) {
        reclaim_t reclaim;

        model_reclaim_begin(&reclaim);
        model_retired_sweep(w, it->manager, &reclaim);
        model_reclaim(w, it->manager, &reclaim);
    }
}

/* The use of a handle. */

apr_status_t model_enter(world_t *w, int file, int path)
{
    ofile_t *it = &w->files[file];
    identity_t identity;
    apr_status_t status = APR_SUCCESS;

    if (owner_of(w, file)->closed) {
        return SMMAP_ECLOSED;
    }
    if (!it->open) {
        status = open_again(w, file, path);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    it->busy = 1;
    model_idle_update(w, file);
    status = model_identify(w, it->inode, 0, &identity);
    if (status != APR_SUCCESS) {
        model_leave(w, file);
        return status;
    }
    it->identity.mtime = identity.mtime;
    it->identity.ctime = identity.ctime;
    resize(w, file, identity.size);
    return APR_SUCCESS;
}

void model_leave(world_t *w, int file)
{
    w->files[file].busy = 0;
    model_idle_update(w, file);
}

apr_status_t model_measure(world_t *w, int file, int path)
{
    apr_status_t status = model_enter(w, file, path);

    if (status == APR_SUCCESS) {
        model_leave(w, file);
    }
    return status;
}
