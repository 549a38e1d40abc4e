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
 * each move: no move is quick (hit.c), and smmap__cursor_step() leaves all of them to the
 * locked path.
 *
 * Each cursor with a window has a watch, which remembers where in the program the window
 * was taken. Without memory for one the window has no place, and works.
 *
 * The ring of barred ranges is under the manager's lock; the system is asked without it.
 */
#include "core/core.h"
#include "core/paranoid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BARRED = 64 };

/* Barred ranges take address space; this much of it at most. */
#define BARRED_BYTES (APR_SIZE_MAX / 4096 * (sizeof(void *) > 4 ? 1 : 64))

struct smmap__paranoia_t {
    smmap__os_mapping_t barred[BARRED]; /* a ring; length 0: a free place */
    unsigned next;
    apr_size_t barred_bytes;
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

/* The oldest barred range, taken out of the ring; length 0: there is none. */
static smmap__os_mapping_t oldest_locked(smmap__paranoia_t *paranoia)
{
    smmap__os_mapping_t none = {NULL, 0, 0};
    unsigned i;

    for (i = 0; i < BARRED; i++) {
        smmap__os_mapping_t *place = &paranoia->barred[(paranoia->next + i) % BARRED];

        if (place->length != 0) {
            smmap__os_mapping_t found = *place;

            *place = none;
            paranoia->barred_bytes -= found.length;
            return found;
        }
    }
    return none;
}

void smmap__paranoid_unbar(smmap_manager_t *manager)
{
    smmap__os_mapping_t oldest;

    do {
        smmap__manager_lock(manager);
        oldest = oldest_locked(manager->paranoia);
        smmap__manager_unlock(manager);
        smmap__os_unbar(&oldest);
    } while (oldest.length != 0);
}

void smmap__paranoid_free(smmap_manager_t *manager)
{
    smmap__os_mapping_t oldest;

    if (manager->paranoia == NULL) {
        return;
    }
    do { /* nobody else is here any more */
        oldest = oldest_locked(manager->paranoia);
        smmap__os_unbar(&oldest);
    } while (oldest.length != 0);
    smmap__free(manager->paranoia);
}

apr_status_t smmap__paranoid_unmap(smmap_manager_t *manager, smmap__os_mapping_t *mapping)
{
    smmap__paranoia_t *paranoia = manager->paranoia;
    smmap__os_mapping_t barred = *mapping;
    smmap__os_mapping_t out = {NULL, 0, 0};

    if (mapping->memory == SMMAP__SPARE || mapping->length > BARRED_BYTES ||
        smmap__os_bar(&barred) != APR_SUCCESS) {
        return smmap__mapping_end(mapping);
    }
    memset(mapping, 0, sizeof *mapping);
    if (barred.length == 0) {
        return APR_SUCCESS;
    }
    for (;;) {
        smmap__manager_lock(manager);
        if (paranoia->barred[paranoia->next].length == 0 &&
            paranoia->barred_bytes <= BARRED_BYTES - barred.length) {
            paranoia->barred[paranoia->next] = barred;
            paranoia->barred_bytes += barred.length;
            paranoia->next = (paranoia->next + 1) % BARRED;
            smmap__manager_unlock(manager);
            return APR_SUCCESS;
        }
        out = oldest_locked(paranoia);
        smmap__manager_unlock(manager);
        smmap__os_unbar(&out);
    }
}

/* The cursor's watch is on this window from now on. The first is made here. */
static void watch(smmap__cursor_t *cursor, uintptr_t window, void *const *frames, unsigned count)
{
    smmap__watch_t **first = &cursor->manager->watches;
    smmap__watch_t *made = cursor->watch;

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
        cursor->watch = made;
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
    if (region->veiled) {
        status = smmap__os_access(&region->mapping, 1);
        region->veiled = status != APR_SUCCESS;
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
    if (cursor->watch != NULL) {
        cursor->watch->window = 0;
    }
    region = smmap__region_at_locked(manager, window);
    /* Memory of the heap may share its pages with others, and goes when it is let go of. */
    if (region != NULL && !region->veiled && region->mapping.memory != SMMAP__SPARE &&
        !smmap__pins_hold(&manager->pins, (void *)window)) {
        /* Should it fail, it can be touched as without this mode. */
        region->veiled = smmap__os_access(&region->mapping, 0) == APR_SUCCESS;
    }
    smmap__manager_unlock(manager);
}

void smmap__paranoid_forget_locked(smmap__cursor_t *cursor)
{
    smmap__watch_t *gone = cursor->watch;

    if (gone != NULL) {
        *gone->link = gone->next;
        if (gone->next != NULL) {
            gone->next->link = gone->link;
        }
        smmap__free(gone);
        cursor->watch = NULL;
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
            pinned->place != NULL ? pinned->place : "(not known)");
}

void smmap__paranoid_report(smmap_manager_t *manager)
{
    smmap_manager_pinned(manager, write_pinned, NULL);
}
