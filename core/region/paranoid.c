/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paranoid mode: a use after release faults where it happens.
 *
 * Nothing else changes: the same windows are mapped, found, counted and evicted as without
 * it. But the pages of a region can be accessed only while a cursor pins it (see
 * cursor/pin_origin.c), and the addresses of one that was unmapped are quarantined for a
 * while, so that a pointer that was kept too long does not show the bytes of another window.
 * Where the options do not say how large windows are, they are one granule, so that a walk
 * past the end of what was asked for leaves the window soon.
 *
 * Quarantined ranges are kept in a ring under the manager's lock; the system is asked
 * without it.
 */
#include "core/region/region.h"

#include <stdio.h>
#include <string.h>

/* At most QUARANTINED ranges at a time; the ring has room for more, as the system may refuse to
   take one back, and several threads may add one at the same moment. */
enum { QUARANTINED = 64, RING_SIZE = 2 * QUARANTINED };

/* They take address space; this much of it at most. */
#define QUARANTINED_BYTES (APR_SIZE_MAX / 4096 * (sizeof(void *) > 4 ? 1 : 64))

struct smmap__paranoia_t {
    smmap__os_mapping_t quarantined[RING_SIZE]; /* a ring; length 0: free */
    unsigned quarantined_count;
    unsigned next;
    apr_size_t quarantined_bytes;
    int warned; /* that a soft limit was passed */
};

int smmap__paranoid_wanted(const smmap_manager_t *manager, const smmap_options_t *options)
{
    const char *value = smmap__environment("SMMAP_PARANOID", manager->root);

    return options->paranoid || (value[0] != '\0' && strcmp(value, "0") != 0);
}

apr_status_t smmap__paranoid_open(smmap_manager_t *manager)
{
    smmap__os_stale_watch();
    manager->paranoia = smmap__alloc(sizeof *manager->paranoia);
    return manager->paranoia != NULL ? APR_SUCCESS : APR_ENOMEM;
}

/* The oldest quarantined range, taken out of the ring; length 0: there is none. */
SMMAP__LOCKED static smmap__os_mapping_t take_locked(smmap__paranoia_t *paranoia)
{
    smmap__os_mapping_t none = {NULL, 0, 0};
    unsigned i;

    for (i = 0; i < RING_SIZE; i++) {
        smmap__os_mapping_t *entry = &paranoia->quarantined[(paranoia->next + i) % RING_SIZE];

        if (entry->length != 0) {
            smmap__os_mapping_t found = *entry;

            *entry = none;
            paranoia->quarantined_bytes -= found.length;
            paranoia->quarantined_count--;
            return found;
        }
    }
    return none;
}

/* Put one in. 0: the ring is full. */
SMMAP__LOCKED static int put_locked(smmap__paranoia_t *paranoia,
                                    const smmap__os_mapping_t *quarantined)
{
    unsigned i;

    for (i = 0; i < RING_SIZE; i++) {
        unsigned at = (paranoia->next + i) % RING_SIZE;

        if (paranoia->quarantined[at].length == 0) {
            paranoia->quarantined[at] = *quarantined;
            paranoia->quarantined_bytes += quarantined->length;
            paranoia->quarantined_count++;
            paranoia->next = (at + 1) % RING_SIZE;
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
    smmap__os_stale_forget(oldest.address);
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

SMMAP__UNCHECKED void smmap__paranoid_free(smmap_manager_t *manager)
{
    smmap__os_mapping_t oldest;

    if (manager->paranoia == NULL) {
        return;
    }
    /* Nobody else is here any more. */
    for (oldest = take_locked(manager->paranoia); oldest.length != 0;
         oldest = take_locked(manager->paranoia)) {
        smmap__os_stale_forget(oldest.address);
        smmap__os_unquarantine(&oldest); /* the last attempt */
    }
    smmap__free(manager->paranoia);
}

/* Is there room for so many bytes more? */
static int has_room(smmap_manager_t *manager, apr_size_t bytes)
{
    smmap__paranoia_t *paranoia = manager->paranoia;
    int has;

    smmap__manager_lock(manager);
    has = paranoia->quarantined_count < QUARANTINED &&
          paranoia->quarantined_bytes <= QUARANTINED_BYTES - bytes;
    smmap__manager_unlock(manager);
    return has;
}

/* Another mapping may get its addresses. */
static apr_status_t unmap_at_once(smmap__os_mapping_t *mapping)
{
    smmap__os_stale_forget(mapping->address);
    return smmap__mapping_unmap(mapping);
}

apr_status_t smmap__paranoid_unmap(smmap_manager_t *manager, smmap__os_mapping_t *mapping)
{
    smmap__os_mapping_t quarantined = *mapping;
    int put;

    if (mapping->memory == SMMAP__HEAP || mapping->length > QUARANTINED_BYTES) {
        return unmap_at_once(mapping);
    }
    /* Make room first, so that nothing is left over when the system refuses. */
    while (!has_room(manager, mapping->length)) {
        if (!unquarantine_one(manager)) {
            return unmap_at_once(mapping);
        }
    }
    if (smmap__os_quarantine(&quarantined) != APR_SUCCESS) {
        return unmap_at_once(mapping);
    }
    memset(mapping, 0, sizeof *mapping);
    if (quarantined.length == 0) {
        return APR_SUCCESS;
    }
    smmap__manager_lock(manager);
    put = put_locked(manager->paranoia, &quarantined);
    smmap__manager_unlock(manager);
    if (!put) {
        smmap__os_stale_forget(quarantined.address);
        smmap__os_unquarantine(&quarantined); /* other threads filled the ring meanwhile */
    }
    return APR_SUCCESS;
}

void smmap__paranoid_warn(smmap_manager_t *manager)
{
    smmap_stats_t stats;
    apr_size_t bytes;
    apr_size_t regions;
    apr_size_t files;
    int cancel;
    int first;

    smmap__manager_lock(manager);
    stats = manager->stats;
    bytes = manager->max_mapped_bytes;
    regions = manager->max_regions;
    files = manager->max_open_files;
    first = stats.over_limit != 0 && !manager->paranoia->warned;
    manager->paranoia->warned |= first;
    smmap__manager_unlock(manager);
    if (first) {
        cancel = smmap__os_cancel_disable();
        fprintf(stderr,
                "smmap: a soft limit was passed, as all else is in use: %" APR_SIZE_T_FMT
                " of %" APR_SIZE_T_FMT " bytes mapped, %" APR_SIZE_T_FMT " of %" APR_SIZE_T_FMT
                " regions, %" APR_SIZE_T_FMT " of %" APR_SIZE_T_FMT " open files\n",
                stats.mapped_bytes, bytes, stats.regions, regions, stats.open_files, files);
        smmap__os_cancel_restore(cancel);
    }
}
