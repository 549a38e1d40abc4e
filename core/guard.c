/*
 * Guarded reads: what a fault, or zeroes behind a file's end, become.
 *
 * The backend catches the fault; see backend.h. Here is decided what follows from it.
 *
 * A region in which a fault was met is retired: nobody finds it any more, it goes with
 * its last pin, and the next use maps anew. A copy that could not be made from it is then
 * read by the system, and what that says is the answer: the bytes, when the trouble has
 * passed, or was one of mapping alone (a hole in a full tmpfs), SMMAP_ETRUNCATED, or the
 * system's own error.
 *
 * Zeroes without a fault. When a file is cut, what is left of the page in which it ends
 * reads as zeroes; the pages behind fault. So of what was lost without a fault, the byte
 * that is the last of its page among those copied is zero in the mapping, and so is the
 * last of the page, or of the window where that ends before. The backend looks at both
 * after the copy, in each page, as the file may have been cut while the copy was under
 * way. Where both are zero the file is measured, the copy made again, and, where
 * the byte is still zero, the file measured again: it may have been cut before the first
 * copy and have grown since, or be cut after the first measurement. Where it ends before
 * the copy does, it is read. Bytes that are zero by themselves pay two system calls.
 *
 * That leaves the instant in which the system clears a page's end, from the front: a copy
 * may see zeroes while the last byte is still the old one. Linux changes the size before
 * it clears (but XFS: after), so the strict guard measures before and after each copy,
 * whatever the bytes are.
 *
 * Between begin_guard and end_guard nobody knows which bytes are looked at, so the file
 * is measured when the cursor comes to a window and when it leaves it, and that it ends
 * within the window is an error.
 *
 * So one change of the size is always noticed. That a file is cut and grows again within
 * one copy, or between coming and leaving, is noticed where a page faulted meanwhile; of
 * the page in which it ended for that moment, zeroes can be seen.
 */
#include "core/core.h"

/* The file's size now; without the file's lock where its handle is open. */
static apr_status_t size_now(smmap__cursor_t *cursor, apr_off_t *size)
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

/* A fault was met at an offset in the cursor's window. Nobody is to find it any more. */
static void poison(smmap__cursor_t *cursor, apr_size_t at)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__reclaim_t reclaim = {NULL, NULL, APR_SUCCESS, 0};
    smmap__region_t *region;

    cursor->fault = cursor->shown.window_begin + (apr_off_t)at + 1;
    if (smmap__forked(manager)) {
        return;
    }
    smmap__manager_lock(manager);
    manager->stats.faults++;
    region = smmap__region_at_locked(manager, (uintptr_t)cursor->shown.window_data);
    if (region != NULL && region->state == SMMAP__ACTIVE) {
        smmap__region_retire_locked(region);
        smmap__os_fence_heavy();
        smmap__retired_sweep_locked(manager, &reclaim);
        smmap__reclaim_relock(manager, &reclaim);
    }
    smmap__manager_unlock(manager);
}

/* Nobody is to find a window in which a page was replaced, whoever asks, and whatever else
   he was reported. 1: it is one. */
static int retire_patched(smmap__cursor_t *cursor)
{
    const unsigned char *window = cursor->shown.window_data;
    apr_size_t fault;

    if (window == NULL || !smmap__os_guard_patched(window, &fault)) {
        return 0;
    }
    poison(cursor, fault);
    return 1;
}

/* Is the cursor's window no mapping? Of a file that the system once would not map, some
   windows may be mapped all the same. */
static int window_is_memory(const smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    const smmap__region_t *region;
    int is_memory;

    if (smmap__count_load(&cursor->file->unmappable) == 0) {
        return 0;
    }
    if (smmap__forked(manager)) {
        return 1; /* nothing is asked in a child */
    }
    smmap__manager_lock(manager);
    region = smmap__region_at_locked(manager, (uintptr_t)cursor->shown.window_data);
    is_memory = region != NULL && region->mapping.memory != 0;
    smmap__manager_unlock(manager);
    return is_memory;
}

/* Does the file reach so far? */
static int reaches(smmap__cursor_t *cursor, apr_off_t end)
{
    apr_off_t size;

    return size_now(cursor, &size) == APR_SUCCESS && size >= end;
}

/* The copy, with the file measured before it and, unless it was as good as certain, after
   it. 0: what was copied is not to be trusted. */
static int copy_measured(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size)
{
    const unsigned char *window = cursor->shown.window_data;
    apr_size_t at = (apr_size_t)(offset - cursor->shown.window_begin);
    apr_off_t end = offset + (apr_off_t)size;
    int is_memory = window_is_memory(cursor);
    smmap__os_copied_t made;
    apr_size_t fault;

    if (!is_memory && !reaches(cursor, end)) {
        return 0;
    }
    made = smmap__os_guard_copy(to, window, cursor->shown.window_size, at, size, &fault);
    if (made == SMMAP__OS_FAULTED) {
        poison(cursor, fault);
        return 0;
    }
    return is_memory || (made == SMMAP__OS_COPIED && cursor->manager->guard == SMMAP_GUARD_ON) ||
           reaches(cursor, end);
}

apr_status_t smmap__guard_again(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, smmap__os_copied_t made, apr_size_t *copied)
{
    if (made == SMMAP__OS_FAULTED) {
        poison(cursor, *copied);
    } else if (copy_measured(cursor, offset, to, size)) {
        *copied = size;
        return APR_SUCCESS;
    }
    smmap_cursor_release(&cursor->shown);
    *copied = 0;
    return smmap__read_direct(cursor, offset, to, size, copied);
}

void smmap__guard_enter(smmap__cursor_t *cursor)
{
    const smmap_cursor_t *shown = &cursor->shown;
    apr_off_t size;

    if (shown->window_data != NULL && cursor->guard_status == APR_SUCCESS &&
        !window_is_memory(cursor)) {
        cursor->guard_status = size_now(cursor, &size);
        if (cursor->guard_status == APR_SUCCESS &&
            size < shown->window_begin + (apr_off_t)shown->window_size) {
            cursor->guard_status = SMMAP_ETRUNCATED;
            /* All are to know. Should it fail, the next miss does it. */
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
            cursor->fault = fault; /* what was reported of first, stays */
        } else if (cursor->guard_status != SMMAP_ETRUNCATED) {
            cursor->guard_status = SMMAP_EFAULT;
        }
    }
}

void smmap__guard_drop(smmap__cursor_t *cursor)
{
    retire_patched(cursor);
    smmap__os_guard_end(&cursor->guard);
    cursor->guarded = 0;
}

apr_status_t smmap_cursor_begin_guard(smmap_cursor_t *shown)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    apr_status_t status;

    if (cursor == NULL || cursor->guarded || cursor->manager->guard == SMMAP_GUARD_OFF) {
        return APR_EINVAL;
    }
    if (smmap__forked(cursor->manager)) {
        return SMMAP_EFORKED;
    }
    if (smmap__count_load(&cursor->manager->closed) != 0) {
        return SMMAP_ECLOSED;
    }
    cursor->guard.address = &cursor->shown.window_data;
    cursor->guard.length = &cursor->shown.window_size;
    status = smmap__os_guard_begin(&cursor->guard);
    if (status == APR_SUCCESS) {
        cursor->guarded = 1;
        cursor->guard_status = APR_SUCCESS;
        smmap__guard_enter(cursor);
        cursor->slot_count = 0; /* no move is quick, so that none passes guard_leave() */
    }
    return status;
}

apr_status_t smmap_cursor_end_guard(smmap_cursor_t *shown)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;

    if (cursor == NULL || !cursor->guarded || !smmap__os_guard_end(&cursor->guard)) {
        return APR_EINVAL;
    }
    if (smmap__forked(cursor->manager)) {
        cursor->guard_status = SMMAP_EFORKED;
    }
    smmap__guard_leave(cursor);
    cursor->guarded = 0;
    cursor->slots = NULL; /* the next hit decides whether the one after it may be quick */
    if (cursor->guard_status != APR_SUCCESS) {
        smmap_cursor_release(shown);
    }
    return cursor->guard_status;
}

apr_off_t smmap_cursor_fault(const smmap_cursor_t *cursor)
{
    return cursor != NULL ? ((const smmap__cursor_t *)(const void *)cursor)->fault - 1 : -1;
}
