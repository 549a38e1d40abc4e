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
 * reads as zeroes; the pages behind fault. So bytes that were lost without a fault are
 * zero, and are the last of their page that were copied. A copy looks at the last byte
 * that it took from each page, of all pages, as the file may have been cut while it was
 * under way. Where one is zero the file is measured, which costs a system call, and
 * where it ends before the copy does, the copy is made again by reading. Bytes that are
 * zero by themselves pay the call and are right.
 *
 * Between begin_guard and end_guard nobody knows which bytes are looked at, so the file
 * is measured when a window is left, and that it ends within the window is an error.
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
        status = smmap__file_measure(file, cursor->name);
        *size = smmap__offset_load(&file->size);
    }
    return status;
}

/* A fault was met at an offset in the cursor's window. Nobody is to find it any more. */
static void poison(smmap__cursor_t *cursor, apr_size_t at)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};
    smmap__region_t *region;

    cursor->fault = cursor->shown.window_begin + (apr_off_t)at + 1;
    if (smmap__forked(manager)) {
        return;
    }
    smmap__manager_lock(manager);
    manager->stats.faults++;
    region = smmap__region_at_locked(manager, (uintptr_t)cursor->shown.window_data);
    if (region != NULL && region->state == SMMAP__FOUND) {
        smmap__region_retire_locked(region);
        smmap__os_fence_heavy();
        smmap__limbo_sweep_locked(manager, &trash);
        smmap__trash_empty_locked(manager, &trash);
    }
    smmap__manager_unlock(manager);
}

/* Is the last byte that was copied of some page zero? at: of the first, in the window. */
static int may_be_cut(const unsigned char *bytes, apr_size_t at, apr_size_t size, apr_size_t page)
{
    apr_size_t end = page - at % page; /* where the first page ends */

    while (end < size) {
        if (bytes[end - 1] == 0) {
            return 1;
        }
        end += page;
    }
    return bytes[size - 1] == 0;
}

/* Is the file shorter than this, or can that not be told? */
static int may_end_before(smmap__cursor_t *cursor, apr_off_t end)
{
    apr_off_t size;

    return size_now(cursor, &size) != APR_SUCCESS || size < end;
}

apr_status_t smmap__guard_read(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                               apr_size_t size, apr_size_t *copied)
{
    const smmap_cursor_t *shown = &cursor->shown;
    apr_size_t at = (apr_size_t)(offset - shown->window_begin);
    apr_size_t fault;

    if (!smmap__os_guard_copy(to, shown->window_data, at, size, &fault) ||
        smmap__os_guard_patched(shown->window_data, &fault)) {
        poison(cursor, fault);
    } else if (!may_be_cut(to, at, size, cursor->manager->page_size) ||
               smmap__count_load(&cursor->file->unmappable) != 0 ||
               !may_end_before(cursor, offset + (apr_off_t)size)) {
        *copied = size;
        return APR_SUCCESS;
    }
    smmap_cursor_release(&cursor->shown);
    *copied = 0;
    return smmap__read_direct(cursor, offset, to, size, copied);
}

void smmap__guard_leave(smmap__cursor_t *cursor)
{
    const smmap_cursor_t *shown = &cursor->shown;
    apr_status_t status;
    apr_size_t fault;
    apr_off_t size;

    if (shown->window_data == NULL || cursor->guard_status != APR_SUCCESS ||
        smmap__count_load(&cursor->file->unmappable) != 0) {
        return;
    }
    status = size_now(cursor, &size);
    if (status == APR_SUCCESS && size < shown->window_begin + (apr_off_t)shown->window_size) {
        status = SMMAP_ETRUNCATED;
        /* All are to know. Should it fail, the next miss does it. */
        smmap__file_measure(cursor->file, cursor->name);
    }
    if (smmap__os_guard_patched(shown->window_data, &fault)) {
        poison(cursor, fault);
        status = status == SMMAP_ETRUNCATED ? status : SMMAP_EFAULT;
    }
    cursor->guard_status = status;
}

void smmap__guard_drop(smmap__cursor_t *cursor)
{
    smmap__os_guard_end(&cursor->guard);
    cursor->guarded = 0;
}

apr_status_t smmap_cursor_begin_guard(smmap_cursor_t *shown)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    apr_status_t status;

    if (cursor == NULL || cursor->guarded || cursor->manager->guard != SMMAP_GUARD_ON) {
        return APR_EINVAL;
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
