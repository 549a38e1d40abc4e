/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The miss path: mapping a window that is not mapped.
 *
 * Mapping is done with no lock held. What is being mapped is in the list of its file's
 * flights, and who wants bytes of that waits for it, so two threads that miss on one window
 * map it once; nobody else waits. Another thread may measure the file meanwhile: a window of
 * a file that has changed since we measured it is unmapped again, and the miss starts anew.
 * The manager's lock is taken three times for a miss: to look, to reserve (after the file was
 * measured), and to attach; once more where something is evicted, or the handle has to be
 * opened again. The system chooses the address. Where the window size is a multiple of 2 MiB,
 * so is each window's offset, and Linux then chooses an address that lets it use huge
 * page-table entries.
 *
 * A file that the system cannot map is read into memory, in smaller windows, and the memory
 * is a region like others. It shows the file as it was then, so such regions are given up
 * when the file's times have changed. Where the system has no room for a mapping of a file
 * that it could map, the last resort is a region of the heap's; see region/heap.c.
 */
#include "core/cursor/attempt.h"

#include <string.h>

/* May the system have refused the range for its place, whatever the file is? It counts whole pages,
   so it cannot name the end of the last one; and a 32-bit Linux has 32 bits for their number. */
static int is_out_of_reach(const smmap__attempt_t *attempt)
{
    const apr_size_t granularity = attempt->file->manager->granularity;
    apr_off_t most = smmap_align_down(SMMAP__OFFSET_MAX, granularity);

    if (sizeof(void *) < 8 && (apr_uint64_t)most >> 32 > granularity) {
        most = (apr_off_t)((apr_uint64_t)granularity << 32);
    }
    return attempt->range.end > most;
}

/* Whenever the lock was let go of the file may have been measured, and found to be of another size.
   Then no range is computed any more, and the miss starts anew. */
SMMAP__LOCKED static int has_changed(const smmap__attempt_t *attempt)
{
    return attempt->file->changes != attempt->changes;
}

SMMAP__LOCKED static int has_room(const smmap__attempt_t *attempt)
{
    const smmap_manager_t *manager = attempt->file->manager;
    const apr_size_t mapped = manager->stats.mapped_bytes;

    return mapped < manager->max_mapped_bytes &&
           (apr_uint64_t)(attempt->range.end - attempt->range.begin) <=
               manager->max_mapped_bytes - mapped;
}

/* The largest smaller range that there is room for, as nothing can go just now; where something
   could not be unmapped, the next one, as that is tried again. 0: there is none. */
SMMAP__LOCKED static int shrink_to_room(smmap__attempt_t *attempt)
{
    smmap_manager_t *manager = attempt->file->manager;

    if (has_room(attempt)) {
        return 0; /* it is there, and for others */
    }
    while (smmap__attempt_smaller(attempt)) {
        manager->stats.retries++;
        if (manager->unmap_failed != NULL || has_room(attempt)) {
            return 1;
        }
    }
    return 0;
}

/* Reserve room and map. Refused for want of memory: once unmap all that nobody pins, then try
   ever smaller windows, then memory of the heap. */
SMMAP__RELOCK static apr_status_t map_relock(smmap__attempt_t *attempt, apr_os_file_t handle,
                                             smmap__os_mapping_t *mapping)
{
    smmap_manager_t *manager = attempt->file->manager;
    apr_status_t refusal = APR_SUCCESS; /* the system's */

    smmap__limit_follow_relock(manager, (apr_size_t)(attempt->range.end - attempt->range.begin));
    for (;;) {
        apr_uint64_t length = (apr_uint64_t)(attempt->range.end - attempt->range.begin);
        apr_status_t status;

        if (has_changed(attempt)) {
            return SMMAP_ETRUNCATED;
        }
        if (length > APR_SIZE_MAX) {
            return SMMAP_ETOOLARGE;
        }
        status = smmap__budget_reserve_relock(manager, (apr_size_t)length,
                                              attempt->waits ? &attempt->waited : NULL);
        if (status != APR_SUCCESS && has_changed(attempt)) {
            return SMMAP_ETRUNCATED;
        }
        if (status == SMMAP_ELIMIT_BYTES && !attempt->copying && shrink_to_room(attempt)) {
            continue; /* what was asked for is one byte */
        }
        if (smmap__limited(status) && !attempt->copying && !attempt->waits &&
            manager->limit_wait > 0) {
            attempt->waits = 1;                  /* for the smallest piece that will do */
            smmap__manager_wake_locked(manager); /* copies that waited for us do not any more */
            continue;
        }
        if (status != APR_SUCCESS) {
            manager->stats.limit_failures += smmap__limited(status) && !attempt->copying;
            return status;
        }
        smmap__manager_unlock(manager);
        status = smmap__attempt_show(attempt, handle, (apr_size_t)length, mapping);
        if (status == APR_SUCCESS && !attempt->buffered && attempt->access != SMMAP_ACCESS_NORMAL) {
            /* A hint: where it is not taken, it is not. */
            smmap__os_advise(mapping, 0, (apr_size_t)length,
                             attempt->access == SMMAP_ACCESS_RANDOM ? SMMAP__OS_RANDOM
                                                                    : SMMAP__OS_SEQUENTIAL);
        }
        smmap__manager_lock(manager);
        if (status == APR_SUCCESS) {
            return APR_SUCCESS;
        }
        if (mapping->address != NULL) {
            manager->stats.map_failures++;
            return status; /* it keeps its room */
        }
        smmap__budget_release_locked(manager, (apr_size_t)length);
        if (has_changed(attempt)) {
            return SMMAP_ETRUNCATED;
        }
        if (APR_STATUS_IS_ENOTIMPL(status) && !attempt->buffered) {
            if (!is_out_of_reach(attempt)) {
                smmap__attempt_buffered(attempt);
            } else if (!smmap__attempt_heap(attempt)) {
                return SMMAP_ETOOLARGE;
            }
            continue;
        }
        if (!attempt->heap) {
            refusal = status;
        }
        if (smmap__exhausted(status) && !attempt->retried) {
            attempt->retried = 1;
            smmap__make_room_relock(manager);
            continue;
        }
        if (!smmap__exhausted(status)) {
            manager->stats.map_failures++;
            return status;
        }
        if (!smmap__attempt_smaller(attempt) && !smmap__attempt_heap(attempt)) {
            manager->stats.map_failures += !attempt->copying;
            return refusal;
        }
        manager->stats.retries++;
    }
}

/* A region that is mapped now is counted. */
SMMAP__LOCKED static void count_map(const smmap__attempt_t *attempt, const smmap__region_t *region)
{
    smmap_manager_t *manager = attempt->file->manager;
    smmap_stats_t *stats = &manager->stats;

    stats->maps++;
    if (attempt->buffered) {
        stats->buffered++;
        stats->buffered_regions++;
        stats->buffered_bytes += region->mapping.length;
    }
    if (attempt->heap) {
        manager->heap.regions++;
        manager->heap.bytes += region->mapping.length;
    }
    stats->over_limit +=
        stats->mapped_bytes > manager->max_mapped_bytes || stats->regions > manager->max_regions;
    stats->shrunk_maps += attempt->smaller != 0;
    if (stats->peak_mapped_bytes < stats->mapped_bytes) {
        stats->peak_mapped_bytes = stats->mapped_bytes;
    }
    if (stats->peak_regions < stats->regions) {
        stats->peak_regions = stats->regions;
    }
}

/* The file has changed while it was mapped. */
SMMAP__RELOCK static void discard_relock(const smmap__attempt_t *attempt, smmap__region_t *region)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    count_map(attempt, region);
    reclaim.regions = region;
    smmap__reclaim_relock(attempt->file->manager, &reclaim);
}

/* Map the region and make it known. NULL: the file has changed meanwhile. */
SMMAP__RELOCK static apr_status_t make_relock(smmap__attempt_t *attempt, apr_os_file_t handle,
                                              smmap__region_t **made)
{
    smmap__file_t *file = attempt->file;
    smmap_manager_t *manager = file->manager;
    apr_uint64_t number = smmap__window_number(file, attempt->offset);
    smmap__region_t *region = smmap__alloc(sizeof *region);
    apr_status_t status = region != NULL ? APR_SUCCESS : APR_ENOMEM;

    if (smmap__count_load(&file->unmappable) != 0) {
        smmap__attempt_buffered(attempt);
    } else {
        smmap__attempt_range(attempt);
    }
    if (status == APR_SUCCESS && attempt->range.on_grid) {
        status = smmap__slots_prepare(&file->grid, number);
    }
    if (status == APR_SUCCESS) {
        smmap__list_append(&file->flights, &attempt->flight);
        status = map_relock(attempt, handle, &region->mapping);
        smmap__list_remove(&attempt->flight);
    }
    if (status != APR_SUCCESS && region != NULL && region->mapping.address != NULL) {
        count_map(attempt, region); /* tried again with what else could not be unmapped */
        region->next = manager->unmap_failed;
        manager->unmap_failed = region;
        return status;
    }
    if (status != APR_SUCCESS) {
        smmap__free(region);
        return status;
    }
    region->begin = attempt->range.begin;
    region->file = file;
    if (has_changed(attempt)) {
        discard_relock(attempt, region);
        *made = NULL;
        return APR_SUCCESS;
    }
    if (attempt->range.on_grid) {
        region->slot = smmap__slots_take(&file->grid, number);
    }
    /* The pin first: nobody may evict it before its cursor has it. */
    smmap__store(attempt->pin->window, (uintptr_t)region->mapping.address);
    if (!attempt->heap) {
        smmap__region_attach_locked(region);
    } else {
        smmap__region_attach_private_locked(region, attempt->pin);
    }
    count_map(attempt, region);
    *made = region;
    return APR_SUCCESS;
}

/* The manager was destroyed while we mapped: undo it. */
SMMAP__RELOCK static apr_status_t closed_relock(smmap_manager_t *manager, smmap__pin_t *pin)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    smmap__store(pin->window, 0);
    /* Not just ours: a hit may have pinned it by now, and then it goes with that pin. */
    smmap__retire_all_locked(manager, &reclaim);
    smmap__pin_left_locked(pin, &reclaim);
    smmap__reclaim_relock(manager, &reclaim);
    return SMMAP_ECLOSED;
}

/* The attempt of another thread that is just mapping what is wanted; NULL: there is none. */
SMMAP__LOCKED static const smmap__attempt_t *in_flight(const smmap__attempt_t *attempt)
{
    const smmap__link_t *list = &attempt->file->flights;
    smmap__link_t *link = smmap__list_next(list, list);

    for (; link != NULL; link = smmap__list_next(list, link)) {
        const smmap__attempt_t *other = SMMAP__ELEMENT(link, smmap__attempt_t, flight);

        if (other->range.begin <= attempt->offset && attempt->end <= other->range.end) {
            return other;
        }
    }
    return NULL;
}

/* Wait for another thread. When that waits for room, we do. */
SMMAP__RELOCK static void wait_for_relock(smmap__attempt_t *attempt, int is_for_room)
{
    const apr_int64_t before = is_for_room ? smmap__os_clock() : 0;

    smmap__manager_wait_relock(attempt->file->manager);
    if (is_for_room) {
        attempt->waited += (smmap__os_clock() - before) / 1000;
    }
}

/* The region, as soon as another thread has mapped it, or by mapping it. NULL: the file has
   changed meanwhile. */
SMMAP__RELOCK static apr_status_t
find_or_make_relock(smmap__attempt_t *attempt, apr_os_file_t handle, smmap__region_t **region)
{
    smmap__file_t *file = attempt->file;
    smmap_manager_t *manager = file->manager;
    const smmap__attempt_t *other;
    apr_status_t status;

    *region = NULL;
    for (;;) {
        if (smmap__count_load(&manager->closed) != 0) {
            return SMMAP_ECLOSED;
        }
        if (attempt->end > smmap__offset_load(&file->size)) {
            return SMMAP_ETRUNCATED;
        }
        *region = smmap__region_find_locked(file, attempt->offset, attempt->end);
        if (*region != NULL) {
            smmap__store(attempt->pin->window, (uintptr_t)(*region)->mapping.address);
            return APR_SUCCESS;
        }
        other = in_flight(attempt);
        if (other != NULL && other->waits && attempt->copying) {
            return SMMAP_ELIMIT_BYTES; /* a copy does not wait for room */
        }
        if (other != NULL) {
            wait_for_relock(attempt, other->waits);
            continue;
        }
        attempt->changes = file->changes;
        status = make_relock(attempt, handle, region);
        if (!smmap__exhausted(status) || attempt->retried) {
            break;
        }
        attempt->retried = 1; /* what was refused is memory for its bookkeeping */
        smmap__make_room_relock(manager);
    }
    /* What was refused to a file that has changed may be granted now. */
    return status == SMMAP_ETRUNCATED && has_changed(attempt) ? APR_SUCCESS : status;
}

apr_status_t smmap__region_obtain(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t end,
                                  int whole, smmap__region_t **region)
{
    smmap__file_t *file = cursor->file;
    smmap__pin_t *pin = cursor->pin;
    smmap_manager_t *manager = file->manager;
    smmap__attempt_t attempt;
    apr_os_file_t handle;
    apr_status_t status;

    attempt.waited = 0;
    if (cursor->copying) {
        cursor->began = smmap__os_clock();
    }
    do {
        const apr_interval_time_t waited = attempt.waited; /* all in all, however often it starts */

        memset(&attempt, 0, sizeof attempt);
        attempt.waited = waited;
        attempt.file = file;
        attempt.offset = offset;
        attempt.end = whole ? end : offset + 1;
        attempt.window = manager->window_size;
        attempt.pin = pin;
        attempt.access = cursor->access;
        attempt.copying = cursor->copying;
        status = smmap__handle_enter_lock(file, cursor->path, &handle);
        if (status != APR_SUCCESS) {
            smmap__manager_unlock(manager);
            cursor->copying = 0;
            return status;
        }
        status = find_or_make_relock(&attempt, handle, region);
        if (status == APR_SUCCESS && *region != NULL && smmap__count_load(&manager->closed) != 0) {
            status = closed_relock(manager, pin);
        }
        smmap__handle_end_use_relock(file);
        smmap__manager_unlock(manager);
    } while (status == APR_SUCCESS && *region == NULL);
    if (manager->paranoia != NULL) {
        smmap__paranoid_warn(manager);
    }
    return status;
}
