/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paranoid mode, the part of cursors: access to windows, and where they were taken.
 *
 * Access is given and taken with the manager's lock held. A cursor publishes its pin before
 * it gives access, and one that lets go takes it back only where no pin is left; so a cursor
 * that pins a region can always access it. That costs a lock and up to two system calls for
 * each move: no move is quick (hit.c), and smmap__move_lockless() leaves all of them to the
 * path with the lock.
 *
 * Each cursor with a window has a pin origin, which remembers where in the program the
 * window was taken. Without memory for one the origin is not known, and all else works. Who lets go
 * of a window as the last is noted by the backend, for the report of a pointer that is used later.
 */
#include "core/cursor/cursor.h"

#include <string.h>

/* The cursor has this window from now on. Its first origin is made here. */
SMMAP__LOCKED static void remember_locked(smmap__cursor_t *cursor, uintptr_t window,
                                          void *const *frames, unsigned count)
{
    smmap__pin_origin_t **first = &cursor->manager->pin_origins;
    smmap__pin_origin_t *made = cursor->pin_origin;

    if (made == NULL) {
        made = smmap__alloc(sizeof *made);
        if (made == NULL) {
            return;
        }
        made->next = *first;
        made->link = first;
        if (made->next != NULL) {
            made->next->link = &made->next;
        }
        *first = made;
        cursor->pin_origin = made;
    }
    made->window = window;
    made->frame_count = count;
    memcpy(made->frames, frames, count * sizeof *frames);
}

apr_status_t smmap__pin_origin_enter(smmap__cursor_t *cursor, uintptr_t window)
{
    smmap_manager_t *manager = cursor->manager;
    apr_status_t status = APR_SUCCESS;
    void *frames[SMMAP__FRAMES];
    unsigned count = smmap__os_backtrace(frames, SMMAP__FRAMES);
    smmap__region_t *region;

    smmap__manager_lock(manager);
    region = smmap__region_at_locked(manager, window);
    if (region->is_protected) {
        smmap__os_stale_forget(region->mapping.address);
        status = smmap__os_protect(&region->mapping, 1);
        region->is_protected = status != APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        remember_locked(cursor, window, frames, count);
    }
    smmap__manager_unlock(manager);
    return status;
}

/* Who touches it from now on is reported, with these frames. */
SMMAP__LOCKED static void note_locked(const smmap__region_t *region, void *const *frames,
                                      unsigned count)
{
    const smmap__path_t *path = region->file->path;
    smmap__os_stale_t stale;

    stale.address = region->mapping.address;
    stale.length = region->mapping.length;
    stale.offset = region->begin;
    stale.path = path != NULL ? smmap__path_text(path) : "";
    stale.frames = frames;
    stale.frame_count = count;
    smmap__os_stale_note(&stale);
}

void smmap__pin_origin_leave(smmap__cursor_t *cursor, uintptr_t window)
{
    smmap_manager_t *manager = cursor->manager;
    void *frames[SMMAP__FRAMES];
    unsigned count = smmap__os_backtrace(frames, SMMAP__FRAMES);
    smmap__region_t *region;

    smmap__manager_lock(manager);
    if (cursor->pin_origin != NULL) {
        cursor->pin_origin->window = 0;
    }
    region = smmap__region_at_locked(manager, window);
    /* Memory of the heap may share its pages with others, and goes when it is let go of. */
    if (region != NULL && !region->is_protected && region->mapping.memory != SMMAP__HEAP &&
        smmap__pins_on(&region->file->pins, (void *)window) == 0) {
        /* Should it fail, it can be touched as without this mode. */
        region->is_protected = smmap__os_protect(&region->mapping, 0) == APR_SUCCESS;
        if (region->is_protected) {
            note_locked(region, frames, count);
        }
    }
    smmap__manager_unlock(manager);
}

void smmap__pin_origin_forget_locked(smmap__cursor_t *cursor)
{
    smmap__pin_origin_t *gone = cursor->pin_origin;

    if (gone != NULL) {
        *gone->link = gone->next;
        if (gone->next != NULL) {
            gone->next->link = gone->link;
        }
        smmap__free(gone);
        cursor->pin_origin = NULL;
    }
}
