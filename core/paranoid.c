/*
 * Paranoid mode: a use after release faults where it happens.
 *
 * Nothing else changes: the same windows are mapped, found, counted and evicted as
 * without it. But the pages of a region can be touched only while a cursor pins it, and
 * the addresses of one that was unmapped stay out of use for a while, so that a pointer
 * that was kept too long does not show the bytes of another window. Where the options do
 * not say how large windows are, they are one granule, so that a walk behind the end of
 * what was asked for leaves the window soon.
 *
 * Access is given and taken with the manager's lock held. A cursor publishes its pin before
 * it gives access, and one that lets go takes it back only where no pin is left; so who is
 * pinning a region can always touch it. That costs a lock and up to two system calls for
 * each move: no move is quick (hit.c), and smmap__move_lockless() leaves all of them to the
 * locked path.
 *
 * Each cursor with a window has a watch, which remembers where in the program the window
 * was taken. Without memory for one the window has no place, and works.
 *
 * The ring of quarantined ranges is under the manager's lock; the system is asked without it.
 */
#include "core/core.h"
#include "core/paranoid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many ranges are quarantined at a time; those that the system does not take back, and those of
   threads that bar at one moment, find room, too. */
enum { QUARANTINED = 64, PLACES = 2 * QUARANTINED };

/* Barred ranges take address space; this much of it at most. */
#define QUARANTINED_BYTES (APR_SIZE_MAX / 4096 * (sizeof(void *) > 4 ? 1 : 64))

struct smmap__paranoia_t {
    smmap__os_mapping_t quarantined[PLACES]; /* a ring; length 0: a free place */
    unsigned quarantined_count;
    unsigned next;
    apr_size_t quarantined_bytes;
};

int smmap__paranoid_wanted(const smmap_options_t *options)
{
    const char *environment = getenv("SMMAP_PARANOID");

    return options->paranoid ||
           (environment != NULL && *environment != '\0' && strcmp(environment, "0") != 0);
}

apr_status_t smmap__paranoid_open(smmap_manager_t *manager)
{
    manager->paranoia = smmap__alloc(sizeof *manager->paranoia);
    return manager->paranoia != NULL ? APR_SUCCESS : APR_ENOMEM;
}

/* The oldest quarantined range, taken out of the ring; length 0: there is none. */
static smmap__os_mapping_t take_locked(smmap__paranoia_t *paranoia)
{
    smmap__os_mapping_t none = {NULL, 0, 0};
    unsigned i;

    for (i = 0; i < PLACES; i++) {
        smmap__os_mapping_t *place = &paranoia->quarantined[(paranoia->next + i) % PLACES];

        if (place->length != 0) {
            smmap__os_mapping_t found = *place;

            *place = none;
            paranoia->quarantined_bytes -= found.length;
            paranoia->quarantined_count--;
            return found;
        }
    }
    return none;
}

/* Put one in. 0: there is no place. */
static int put_locked(smmap__paranoia_t *paranoia, const smmap__os_mapping_t *quarantined)
{
    unsigned i;

    for (i = 0; i < PLACES; i++) {
        unsigned at = (paranoia->next + i) % PLACES;

        if (paranoia->quarantined[at].length == 0) {
            paranoia->quarantined[at] = *quarantined;
            paranoia->quarantined_bytes += quarantined->length;
            paranoia->quarantined_count++;
            paranoia->next = (at + 1) % PLACES;
            return 1;
        }
    }
    return 0;
}

/* Give the oldest range back. 0: there is none, or the system would not take it. */
static int unquarantine_one(smmap_manager_t *manager)
{
    smmap__os_mapping_t oldest;

    smmap__manager_lock(manager);
    oldest = take_locked(manager->paranoia);
    smmap__manager_unlock(manager);
    if (oldest.length == 0) {
        return 0;
    }
    if (smmap__os_unquarantine(&oldest) != APR_SUCCESS) {
        smmap__manager_lock(manager);
        put_locked(manager->paranoia, &oldest);
        smmap__manager_unlock(manager);
        return 0;
    }
    return 1;
}

void smmap__paranoid_unquarantine(smmap_manager_t *manager)
{
    while (unquarantine_one(manager)) {
    }
}

void smmap__paranoid_free(smmap_manager_t *manager)
{
    smmap__os_mapping_t oldest;

    if (manager->paranoia == NULL) {
        return;
    }
    /* Nobody else is here any more. */
    for (oldest = take_locked(manager->paranoia); oldest.length != 0;
         oldest = take_locked(manager->paranoia)) {
        smmap__os_unquarantine(&oldest); /* the last attempt */
    }
    smmap__free(manager->paranoia);
}

/* Is there a place for so many bytes more? */
static int has_place(smmap_manager_t *manager, apr_size_t bytes)
{
    smmap__paranoia_t *paranoia = manager->paranoia;
    int has;

    smmap__manager_lock(manager);
    has = paranoia->quarantined_count < QUARANTINED && paranoia->quarantined_bytes <= QUARANTINED_BYTES - bytes;
    smmap__manager_unlock(manager);
    return has;
}

apr_status_t smmap__paranoid_unmap(smmap_manager_t *manager, smmap__os_mapping_t *mapping)
{
    smmap__os_mapping_t quarantined = *mapping;
    int put;

    if (mapping->memory == SMMAP__HEAP || mapping->length > QUARANTINED_BYTES) {
        return smmap__mapping_unmap(mapping);
    }
    /* First a place, then what goes there: so nothing is left over when the system refuses. */
    while (!has_place(manager, mapping->length)) {
        if (!unquarantine_one(manager)) {
            return smmap__mapping_unmap(mapping);
        }
    }
    if (smmap__os_quarantine(&quarantined) != APR_SUCCESS) {
        return smmap__mapping_unmap(mapping);
    }
    memset(mapping, 0, sizeof *mapping);
    if (quarantined.length == 0) {
        return APR_SUCCESS;
    }
    smmap__manager_lock(manager);
    put = put_locked(manager->paranoia, &quarantined);
    smmap__manager_unlock(manager);
    if (!put) {
        smmap__os_unquarantine(&quarantined); /* others took the place meanwhile */
    }
    return APR_SUCCESS;
}

/* The cursor's watch is on this window from now on. The first is made here. */
static void watch(smmap__cursor_t *cursor, uintptr_t window, void *const *frames, unsigned count)
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

apr_status_t smmap__paranoid_enter(smmap__cursor_t *cursor, uintptr_t window)
{
    smmap_manager_t *manager = cursor->manager;
    apr_status_t status = APR_SUCCESS;
    void *frames[SMMAP__FRAMES];
    unsigned count = smmap__os_callers(frames, SMMAP__FRAMES);
    smmap__region_t *region;

    smmap__manager_lock(manager);
    region = smmap__region_at_locked(manager, window);
    if (region->is_protected) {
        status = smmap__os_access(&region->mapping, 1);
        region->is_protected = status != APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        watch(cursor, window, frames, count);
    }
    smmap__manager_unlock(manager);
    return status;
}

void smmap__paranoid_leave(smmap__cursor_t *cursor, uintptr_t window)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__region_t *region;

    if (smmap__forked(manager) && !smmap__fork_usable(manager)) {
        return;
    }
    smmap__manager_lock(manager);
    if (cursor->pin_origin != NULL) {
        cursor->pin_origin->window = 0;
    }
    region = smmap__region_at_locked(manager, window);
    /* Memory of the heap may share its pages with others, and goes when it is let go of. */
    if (region != NULL && !region->is_protected && region->mapping.memory != SMMAP__HEAP &&
        !smmap__pins_hold(&manager->pins, (void *)window)) {
        /* Should it fail, it can be touched as without this mode. */
        region->is_protected = smmap__os_access(&region->mapping, 0) == APR_SUCCESS;
    }
    smmap__manager_unlock(manager);
}

void smmap__paranoid_forget_locked(smmap__cursor_t *cursor)
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

static void write_pinned(void *context, const smmap_pinned_t *pinned)
{
    (void)context;
    fprintf(stderr,
            "smmap: still pinned when its manager was destroyed: %s, window at %" APR_OFF_T_FMT
            " of %" APR_SIZE_T_FMT " bytes, by %" APR_SIZE_T_FMT " cursor(s), taken at %s\n",
            pinned->path != NULL ? pinned->path : "(opened by handle)", pinned->window_begin,
            pinned->window_size, pinned->cursors,
            pinned->origin != NULL ? pinned->origin : "(not known)");
}

void smmap__paranoid_report(smmap_manager_t *manager)
{
    smmap_manager_pinned(manager, write_pinned, NULL);
}
