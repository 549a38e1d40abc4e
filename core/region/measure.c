/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Using a file's handle, and measuring the file: what follows from a size that has changed.
 *
 * Each use measures, so no window is mapped past the end as it was a moment before. Only a
 * measurement with the file's lock held is in order with those of others.
 *
 * Invariant, under the manager's lock: a region that can be found does not reach past the
 * size of its file as last measured, and a region on the grid reaches to the end of its
 * window or of the file. A hit relies on the second: it computes where the window ends. So
 * the size shrinks before the regions that are too long go out of sight, and grows after the
 * one that was too short did; and a hit reads the size again after the slot.
 */
#include "core/region/region.h"

/* Nobody finds the regions of a file any more that reach past an offset. */
SMMAP__LOCKED static void retire_past_locked(smmap__file_t *file, apr_off_t end)
{
    smmap__link_t *link = smmap__list_next(&file->region_list, &file->region_list);

    while (link != NULL) {
        smmap__region_t *region = SMMAP__ELEMENT(link, smmap__region_t, file_link);

        link = smmap__list_next(&file->region_list, link);
        if (region->state == SMMAP__ACTIVE && smmap__region_end(region) > end) {
            smmap__region_retire_locked(region);
        }
    }
}

/* The last window ended with the file; unless it was full, it is too short now. */
SMMAP__LOCKED static void retire_last_locked(smmap__file_t *file, apr_off_t old_size)
{
    const smmap__word_t *slot =
        old_size > 0 ? smmap__slots_find(&file->grid, smmap__window_number(file, old_size - 1))
                     : NULL;
    uintptr_t address = slot != NULL ? smmap__load(slot) & ~SMMAP__FLAGS : 0;
    smmap__region_t *region = address != 0 ? smmap__region_at_locked(file->manager, address) : NULL;

    if (region != NULL && (apr_off_t)region->mapping.length != file->window) {
        smmap__region_retire_locked(region);
    }
}

SMMAP__LOCKED static void resize_locked(smmap__file_t *file, apr_off_t size)
{
    apr_off_t old_size = smmap__offset_load(&file->size);

    file->changes += size != old_size;
    if (size < old_size) {
        file->manager->stats.truncated_files++;
        smmap__offset_store(&file->size, size);
        retire_past_locked(file, size);
    } else if (size > old_size) {
        retire_last_locked(file, old_size);
        smmap__offset_store(&file->size, size);
    }
}

/* The file is found to be like this now, and is in use. */
SMMAP__RELOCK static void adopt_relock(smmap__file_t *file, const smmap__identity_t *now,
                                       smmap__content_t *content)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    smmap__os_facts_t *known = &file->identity.facts;

    smmap__content_unref_locked(file->content);
    file->content = content;
    if ((smmap__count_load(&file->unmappable) != 0 || known->stacked) &&
        smmap__identity_changed(&file->identity, now)) {
        retire_past_locked(file, 0); /* copies of what was there, or mappings of it */
        file->changes++;
    }
    if (known->device != now->facts.device || known->inode != now->facts.inode) {
        smmap__file_forget_locked(file); /* it is registered by these */
    }
    if (now->unmappable) {
        file->identity.unmappable = 1;
        smmap__count_store(&file->unmappable, 1);
    }
    *known = now->facts;
    smmap__count_store(&file->reads_only, now->facts.holes_fill || now->facts.remote);
    resize_locked(file, now->facts.size);
    smmap__retired_sweep_locked(file->manager, file, &reclaim);
    smmap__reclaim_relock(file->manager, &reclaim);
}

/* The handle was closed, or is just being closed: open it again, and identify the file. */
SMMAP__LOCK static apr_status_t enter_closed_lock(smmap__file_t *file, const smmap__path_t *path,
                                                  apr_os_file_t *handle, smmap__identity_t *now,
                                                  smmap__content_t **content, int *opened)
{
    smmap_manager_t *manager = file->manager;
    apr_status_t status = APR_SUCCESS;

    smmap__manager_lock(manager);
    /* Between two looks another thread may close what is idle: hence the loop. */
    do {
        if (smmap__count_load(&manager->closed) != 0) {
            status = SMMAP_ECLOSED;
        } else if (!file->handle_open) {
            status = smmap__handle_reopen_relock(file, path);
        }
    } while (status == APR_SUCCESS && !file->handle_open);
    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__handle_begin_use_locked(file);
    *opened = 1;
    *handle = file->handle;
    smmap__manager_unlock(manager);
    status = smmap__identify_again(file, *handle, now, content);
    smmap__manager_lock(manager);
    return status;
}

/* A file of an open handle is identified while we count as one of its readers, so the manager's
   lock is taken once in all. */
SMMAP__FILE_LOCKED SMMAP__LOCK static apr_status_t
enter_lock(smmap__file_t *file, const smmap__path_t *path, apr_os_file_t *handle)
{
    smmap_manager_t *manager = file->manager;
    smmap__identity_t now;
    smmap__content_t *content = NULL;
    apr_status_t status;

    /* A handle that the caller opened may be another file's after the manager's end. */
    if (smmap__count_load(&manager->closed) != 0 || !smmap__reading_begin(file, handle)) {
        int opened = 0;

        status = enter_closed_lock(file, path, handle, &now, &content, &opened);
        if (!opened) {
            return status;
        }
    } else {
        status = smmap__identify_again(file, *handle, &now, &content);
        smmap__manager_lock(manager);
        smmap__reading_end(file);
        if (smmap__count_load(&manager->closed) != 0) {
            smmap__content_unref_locked(content);
            return SMMAP_ECLOSED;
        }
        smmap__handle_begin_use_locked(file);
    }
    if (status == APR_SUCCESS) {
        adopt_relock(file, &now, content);
    } else {
        smmap__handle_end_use_relock(file);
    }
    return status;
}

apr_status_t smmap__handle_enter_lock(smmap__file_t *file, const smmap__path_t *path,
                                      apr_os_file_t *handle)
{
    apr_status_t status;

    smmap__file_lock(file);
    status = enter_lock(file, path, handle);
    smmap__file_unlock(file);
    return status;
}

void smmap__handle_leave(smmap__file_t *file)
{
    smmap__manager_lock(file->manager);
    smmap__handle_end_use_relock(file);
    smmap__manager_unlock(file->manager);
}

apr_status_t smmap__file_measure(smmap__file_t *file, const smmap__path_t *path)
{
    apr_os_file_t handle;
    apr_status_t status;

    status = smmap__handle_enter_lock(file, path, &handle);
    if (status == APR_SUCCESS) {
        smmap__handle_end_use_relock(file);
    }
    smmap__manager_unlock(file->manager);
    return status;
}
