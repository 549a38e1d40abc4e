/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reclaiming: what left the manager's structures with its lock held is unmapped, closed and
 * freed with the lock let go, and then credited.
 *
 * Invariant: a region that the system would not unmap stays counted, and is tried again when
 * room is wanted the next time.
 */
#include "core/region/region.h"

/* Mappings that are handed to the backend at a time. */
enum { TOGETHER = 32 };

/* What was unmapped, by the counters that it leaves. */
typedef struct credit_t {
    apr_size_t bytes;
    apr_size_t regions;
    apr_size_t buffered_bytes;
    apr_size_t buffered_regions;
    smmap__heap_t heap;
} credit_t;

/* Take the first region off a list. */
static smmap__region_t *take_first(smmap__reclaim_t *reclaim)
{
    smmap__region_t *region = reclaim->regions;

    reclaim->regions = region->next;
    return region;
}

/* It is unmapped. */
static void credit_one(credit_t *credit, smmap__region_t *region)
{
    const apr_size_t length = region->mapping.length;
    const int memory = region->mapping.memory;

    credit->bytes += length;
    credit->regions++;
    credit->buffered_bytes += memory ? length : 0;
    credit->buffered_regions += memory ? 1 : 0;
    credit->heap.bytes += memory == SMMAP__HEAP ? length : 0;
    credit->heap.regions += memory == SMMAP__HEAP ? 1 : 0;
    smmap__free(region);
}

/* See smmap__os_unmap_run(). */
static apr_status_t unmap_run(smmap_manager_t *manager, smmap__os_mapping_t *mappings,
                              unsigned count, unsigned *done)
{
    apr_status_t status;

    if (manager->paranoia == NULL && mappings->memory != SMMAP__HEAP) {
        return smmap__os_unmap_run(mappings, count, done);
    }
    status = manager->paranoia != NULL ? smmap__paranoid_unmap(manager, mappings)
                                       : smmap__mapping_unmap(mappings);
    *done = status == APR_SUCCESS;
    return status;
}

/* Unmap the regions of a list. Returns those that the system would not. Windows that were mapped
   one after the other are often neighbours in memory, and go one after the other. */
static smmap__region_t *unmap_all(smmap_manager_t *manager, smmap__reclaim_t *reclaim,
                                  credit_t *credit)
{
    smmap__region_t *failed = NULL;

    while (reclaim->regions != NULL) {
        smmap__os_mapping_t mappings[TOGETHER];
        smmap__region_t *region = reclaim->regions;
        unsigned count = 0;
        unsigned at = 0;

        for (; region != NULL && count < TOGETHER; region = region->next) {
            mappings[count++] = region->mapping;
        }
        while (at < count) {
            unsigned done;
            apr_status_t status = unmap_run(manager, mappings + at, count - at, &done);

            at += status == APR_SUCCESS ? done : 1;
            for (; done > 0; done--) {
                credit_one(credit, take_first(reclaim));
            }
            if (status != APR_SUCCESS) {
                reclaim->status = reclaim->status != APR_SUCCESS ? reclaim->status : status;
                region = take_first(reclaim);
                region->next = failed;
                failed = region;
            }
        }
    }
    reclaim->unmapped += credit->regions;
    reclaim->bytes += credit->bytes;
    return failed;
}

SMMAP__LOCKED static void credit_locked(smmap_manager_t *manager, const credit_t *credit)
{
    manager->stats.mapped_bytes -= credit->bytes;
    manager->stats.regions -= credit->regions;
    manager->stats.buffered_bytes -= credit->buffered_bytes;
    manager->stats.buffered_regions -= credit->buffered_regions;
    manager->stats.unmaps += credit->regions;
    manager->heap.bytes -= credit->heap.bytes;
    manager->heap.regions -= credit->heap.regions;
}

SMMAP__RELOCK static void unmap_relock(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    credit_t credit = {0, 0, 0, 0, {0, 0}};
    smmap__region_t *failed;

    manager->unmapping++;
    smmap__manager_unlock(manager);
    failed = unmap_all(manager, reclaim, &credit);
    smmap__manager_lock(manager);
    while (failed != NULL) {
        smmap__region_t *next = failed->next;

        failed->next = manager->unmap_failed;
        manager->unmap_failed = failed;
        failed = next;
    }
    manager->unmapping--;
    credit_locked(manager, &credit);
    smmap__manager_wake_locked(manager);
}

void smmap__reclaim_relock(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    const int closes = reclaim->files != NULL;
    apr_size_t files;
    apr_size_t handles;

    manager->closing += (apr_size_t)closes; /* from now on: who wants a handle waits for that */
    if (reclaim->regions != NULL) {
        unmap_relock(manager, reclaim);
    }
    if (closes) {
        /* After that, as closing may hang, and nobody who wants room is to wait for it. */
        smmap__manager_unlock(manager);
        files = smmap__files_reclaim(reclaim, &handles);
        smmap__manager_lock(manager);
        manager->closing--;
        smmap__files_reclaimed_locked(manager, files, handles);
        smmap__manager_wake_locked(manager);
    }
}

void smmap__reclaim_retry_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    while (manager->unmap_failed != NULL) {
        smmap__region_t *region = manager->unmap_failed;

        manager->unmap_failed = region->next;
        region->next = reclaim->regions;
        reclaim->regions = region;
    }
}
