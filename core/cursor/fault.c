/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guarded cursor asks about a window when it comes to it and before it leaves.
 *
 * Between begin_guard and end_guard nobody knows which bytes are looked at. So the file is
 * measured at both ends, and that it ends within the window is an error; and so is a page of
 * the window that was replaced after a fault (the backend does that, see backend.h).
 *
 * A region in which a fault was met is retired: nobody finds it any more, it goes with its
 * last pin, and the next use maps anew.
 *
 * So one change of the size is always noticed. That a file is cut and grows again between
 * coming and leaving is noticed where a page faulted meanwhile; of the page in which it
 * ended for that moment, zeroes can be seen.
 */
#include "core/cursor/cursor.h"

apr_status_t smmap__file_size_now(smmap__cursor_t *cursor, apr_off_t *size)
{
    smmap__file_t *file = cursor->file;
    apr_os_file_t handle;
    apr_status_t status;

    if (smmap__reading_begin(file, &handle)) {
        status = smmap__os_file_size(size, handle);
        smmap__reading_end(file);
    } else {
        status = smmap__file_measure(file, cursor->path);
        *size = smmap__offset_load(&file->size);
    }
    return status;
}

void smmap__fault_retire(smmap__cursor_t *cursor, apr_size_t at)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    smmap__region_t *region;

    cursor->fault = cursor->shown.window_begin + (apr_off_t)at + 1;
    smmap__manager_lock(manager);
    manager->stats.faults++;
    region = smmap__region_at_locked(manager, (uintptr_t)cursor->shown.window_data);
    if (region != NULL && region->state == SMMAP__ACTIVE) {
        smmap__region_retire_locked(region);
        smmap__retired_sweep_locked(manager, region->file, &reclaim);
        smmap__reclaim_relock(manager, &reclaim);
    }
    smmap__manager_unlock(manager);
}

/* Retire the window if a page of it was replaced, whatever else was reported. 1: one was. */
static int retire_patched(smmap__cursor_t *cursor)
{
    const unsigned char *window = cursor->shown.window_data;
    apr_size_t fault;

    if (window == NULL || !smmap__os_guard_patched(window, &fault)) {
        return 0;
    }
    smmap__fault_retire(cursor, fault);
    return 1;
}

int smmap__fault_is_memory(const smmap__cursor_t *cursor)
{
    if (smmap__count_load(&cursor->file->unmappable) == 0) {
        return 0;
    }
    return smmap__cursor_memory(cursor) != 0;
}

void smmap__guard_enter(smmap__cursor_t *cursor)
{
    const smmap_cursor_t *shown = &cursor->shown;
    apr_off_t size;

    if (shown->window_data != NULL && cursor->guard_status == APR_SUCCESS &&
        !smmap__fault_is_memory(cursor)) {
        cursor->guard_status = smmap__file_size_now(cursor, &size);
        if (cursor->guard_status == APR_SUCCESS &&
            size < shown->window_begin + (apr_off_t)shown->window_size) {
            cursor->guard_status = SMMAP_ETRUNCATED;
            /* So that all cursors know. Should it fail, the next miss does it. */
            smmap__file_measure(cursor->file, cursor->path);
        }
    }
}

void smmap__guard_leave(smmap__cursor_t *cursor)
{
    const apr_status_t before = cursor->guard_status;
    const apr_off_t fault = cursor->fault;

    smmap__guard_enter(cursor); /* the same, once more */
    if (retire_patched(cursor)) {
        if (before != APR_SUCCESS) {
            cursor->fault = fault != 0 ? fault : cursor->fault; /* that of the first one stays */
        } else {
            smmap__guard_enter(cursor); /* it may have been cut since it was measured */
            if (cursor->guard_status != SMMAP_ETRUNCATED) {
                cursor->guard_status = SMMAP_EFAULT;
            }
        }
    }
}

void smmap__guard_drop(smmap__cursor_t *cursor)
{
    retire_patched(cursor);
    smmap__os_guard_end(&cursor->guard);
    cursor->guarded = 0;
}
