/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's files: how cursors join and leave them. See model.h.
 */
#include "model.h"

#include <string.h>

static omanager_t *owner_of(world_t *w, int file)
{
    return &w->managers[w->files[file].manager];
}

void model_file_joined(world_t *w, int file, int by_handle)
{
    w->files[file].cursors++;
    owner_of(w, file)->references++;
    owner_of(w, file)->stats.cursors++;
    w->files[file].kept += by_handle;
    model_idle_update(w, file);
}

void model_file_leave(world_t *w, int file, int by_handle, reclaim_t *reclaim)
{
    w->files[file].cursors--;
    owner_of(w, file)->stats.cursors--;
    w->files[file].kept -= by_handle;
    model_idle_update(w, file);
    model_file_reap(w, file, reclaim);
}

void model_file_reap(world_t *w, int file, reclaim_t *reclaim)
{
    ofile_t *it = &w->files[file];

    if (it->cursors == 0 && it->regions == 0) {
        it->registered = 0;
        it->idle = 0;
        reclaim->files[reclaim->file_count++] = file;
    }
}

static int lookup(const world_t *w, int manager, apr_uint64_t id)
{
    int i;

    for (i = 0; i < FILES; i++) {
        if (w->files[i].used && w->files[i].manager == manager && w->files[i].registered &&
            w->files[i].identity.id == id) {
            return i;
        }
    }
    return NONE;
}

static int file_new(world_t *w, int manager, const identity_t *identity)
{
    apr_uint64_t windows = 1;
    ofile_t *file;
    int i;

    for (i = 0; i < FILES && w->files[i].used; i++) {
    }
    if (i == FILES) {
        w->overflow = 1;
        i = 0;
    }
    file = &w->files[i];
    memset(file, 0, sizeof *file);
    file->used = 1;
    file->manager = manager;
    file->number = ++w->managers[manager].files;
    file->identity = *identity;
    file->size = identity->size;
    file->registered = 1;
    file->first = 1;
    if (w->managers[manager].window != 0) {
        windows = (apr_uint64_t)identity->size / w->managers[manager].window + 2;
        while (file->first < 4096 && file->first <= windows) {
            file->first *= 2;
        }
    }
    file->has_first = file->first <= 4;
    if (!file->has_first) {
        /* The last words have a bit for each. */
        file->first -= (file->first + 8 * sizeof(void *) - 1) / (8 * sizeof(void *));
    }
    w->managers[manager].stats.files++;
    return i;
}

static apr_status_t read_a_byte(world_t *w, int readable)
{
    apr_status_t status = model_call(w, FAKE_READ);

    return status == APR_SUCCESS && !readable ? APR_EBADF : status;
}

/* A handle of the caller's, on a file that is known and open. */
static apr_status_t join_known(world_t *w, int manager, int native, int readable, int *found)
{
    identity_t identity = {0, 0, 0, 0, 0};
    apr_status_t status;
    int file;

    if (native < 0) {
        /* The handle is none, or on a directory. */
        status = model_call(w, CALL_STAT);
        if (status == APR_SUCCESS) {
            status = native == DIRECTORY ? SMMAP_ENOTREGULAR : APR_EBADF;
        }
    } else {
        status = model_identify(w, native, 1, &identity);
    }
    if (status == APR_SUCCESS) {
        status = read_a_byte(w, readable);
    }
    if (status != APR_SUCCESS) {
        w->managers[manager].stats.open_failures++;
        return status;
    }
    file = lookup(w, manager, identity.id);
    if (file != NONE && w->files[file].open) {
        model_file_joined(w, file, 1);
        *found = file;
    }
    return APR_SUCCESS;
}

static apr_status_t join_opened(world_t *w, int manager, int path, int native, int *found)
{
    omanager_t *owner = &w->managers[manager];
    identity_t identity;
    int inode = NONE;
    int file;
    apr_status_t status = model_handle_reserve(w, manager);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = model_open_handle(w, manager, path, native, &inode);
    if (status != APR_SUCCESS) {
        owner->stats.open_files--;
        owner->stats.open_failures++;
        return status;
    }
    status = model_identify(w, inode, 1, &identity);
    if (status == APR_SUCCESS && identity.size == 0) {
        status = read_a_byte(w, 1);
    }
    if (status == APR_SUCCESS && !model_allocate(w)) {
        status = APR_ENOMEM;
    }
    if (status != APR_SUCCESS) {
        model_handle_discard(w, manager);
        owner->stats.open_failures += status == SMMAP_ENOTREGULAR;
        return status;
    }
    file = lookup(w, manager, identity.id);
    if (file != NONE &&
        !model_same(&w->files[file].identity, &identity, model_held(&w->files[file]))) {
        w->files[file].registered = 0;
        file = NONE;
    }
    if (file == NONE) {
        file = file_new(w, manager, &identity);
    }
    if (!w->files[file].open) {
        model_install(w, file, inode);
        model_file_joined(w, file, path == NONE);
    } else {
        model_file_joined(w, file, path == NONE);
        model_handle_discard(w, manager);
    }
    *found = file;
    return APR_SUCCESS;
}

apr_status_t model_file_join(world_t *w, int manager, int path, int native, int readable, int *file)
{
    apr_status_t status = APR_SUCCESS;
    int inode;

    *file = NONE;
    if (path == NONE) {
        status = join_known(w, manager, native, readable, file);
    }
    if (status == APR_SUCCESS && *file == NONE) {
        status = join_opened(w, manager, path, native, file);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    inode = path != NONE ? model_path(w, path)->inode : native;
    if (w->files[*file].size != w->inodes[inode].size) {
        status = model_measure(w, *file, path);
    }
    if (status != APR_SUCCESS) {
        reclaim_t reclaim;

        model_reclaim_begin(&reclaim);
        model_file_leave(w, *file, path == NONE, &reclaim);
        model_reclaim(w, manager, &reclaim);
        w->managers[manager].references--; /* never the last: its creator has one */
    }
    return status;
}
