/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guarded copies: what a fault, or zeroes past a file's end, become. Cursors that are guarded
 * for a longer time are in cursor/fault.c.
 *
 * The backend catches the fault; see backend.h. Here is decided what follows from it. The
 * region is retired, and a copy that could not be made from it is read by the system. What
 * that says is the answer: the bytes, when the trouble has passed, or was one of mapping
 * alone (a hole in a full tmpfs), SMMAP_ETRUNCATED, or the system's own error.
 *
 * Zeroes without a fault. When a file is cut, what is left of the page in which it ends
 * reads as zeroes; the pages behind fault. So of what was lost without a fault, the byte
 * that is the last of its page among those copied is zero in the mapping, and so is the
 * last of the page, or of the window where that ends before. The backend looks at both
 * after the copy, in each page, as the file may have been cut while the copy was under
 * way. Where both are zero the file is measured, the copy made again, and, where the byte
 * is still zero, the file measured again: it may have been cut before the first copy and
 * have grown since, or be cut after the first measurement. Where it ends before the copy
 * does, it is read. Bytes that are zero by themselves pay two system calls.
 *
 * That leaves the instant in which the system clears a page's end, from the front: a copy
 * may see zeroes while the last byte is still the old one. Linux changes the size before
 * it clears (but XFS: after), so the strict guard measures before and after each copy,
 * whatever the bytes are.
 *
 * So one change of the size is always noticed. That a file is cut and grows again within
 * one copy is noticed where a page faulted meanwhile; of the page in which it ended for
 * that moment, zeroes can be seen.
 */
#include "core/read/read.h"

/* Does the file reach so far? */
static int reaches(smmap__cursor_t *cursor, apr_off_t end)
{
    apr_off_t size;

    return smmap__file_size_now(cursor, &size) == APR_SUCCESS && size >= end;
}

/* The copy, with the file measured before it and, unless it was as good as certain, after
   it. 0: what was copied is not to be trusted. */
static int copy_measured(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size)
{
    const unsigned char *window = cursor->shown.window_data;
    apr_size_t at = (apr_size_t)(offset - cursor->shown.window_begin);
    apr_off_t end = offset + (apr_off_t)size;
    int is_memory = smmap__fault_is_memory(cursor);
    smmap__os_copied_t made;
    apr_size_t fault;

    if (!is_memory && !reaches(cursor, end)) {
        return 0;
    }
    made = smmap__os_guard_copy(to, window, cursor->shown.window_size, at, size, &fault);
    if (made == SMMAP__OS_FAULTED) {
        smmap__fault_retire(cursor, fault);
        return 0;
    }
    return is_memory || (made == SMMAP__OS_COPIED && cursor->manager->guard == SMMAP_GUARD_ON) ||
           reaches(cursor, end);
}

int smmap__guard_again(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size,
                       smmap__os_copied_t made, apr_size_t fault)
{
    if (made == SMMAP__OS_FAULTED) {
        smmap__fault_retire(cursor, fault);
    } else if (copy_measured(cursor, offset, to, size)) {
        return 1;
    }
    smmap_cursor_release(&cursor->shown);
    return 0;
}

apr_status_t smmap_cursor_begin_guard(smmap_cursor_t *shown)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    apr_status_t status;

    if (cursor == NULL || cursor->guarded || cursor->manager->guard == SMMAP_GUARD_OFF) {
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
        cursor->fault = 0;
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
