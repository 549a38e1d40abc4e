/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's world: calls of the system that fail on demand, regions and their states,
 * and how they are reclaimed. See model.h.
 */
#include "model.h"

#include <string.h>

int model_allocate(world_t *w)
{
    return ++w->allocation != w->allocation_fails;
}

apr_int64_t model_takes(const world_t *w, int call)
{
    static const apr_int64_t takes[CALLS] = {
        [FAKE_MAP] = 90000, [FAKE_UNMAP] = 50000, [FAKE_READ] = 1900};

    return w->clock_goes ? takes[call] : 0;
}

apr_status_t model_call(world_t *w, int call)
{
    fault_t *fault = &w->faults[call];

    w->clock += model_takes(w, call);
    fault->calls++;
    if (fault->at != 0 &&
        (fault->calls == fault->at || (fault->calls > fault->at && fault->forever))) {
        return fault->status;
    }
    return APR_SUCCESS;
}

void model_keep_first(apr_status_t *first, apr_status_t status)
{
    if (*first == APR_SUCCESS) {
        *first = status;
    }
}

/* Windows. */

apr_off_t model_window(const world_t *w, int file)
{
    apr_size_t window = w->managers[w->files[file].manager].window;

    return window != 0 ? (apr_off_t)window : (apr_off_t)(~(apr_uint64_t)0 >> 1);
}

apr_uint64_t model_number(const world_t *w, int file, apr_off_t offset)
{
    return (apr_uint64_t)(offset / model_window(w, file));
}

/* Regions. */

int model_region_new(world_t *w)
{
    int i;

    for (i = 0; i < REGIONS && w->regions[i].used; i++) {
    }
    if (i == REGIONS) {
        w->overflow = 1;
        i = 0;
    }
    memset(&w->regions[i], 0, sizeof w->regions[i]);
    w->regions[i].used = 1;
    return i;
}

apr_off_t model_region_end(const oregion_t *region)
{
    return region->begin + (apr_off_t)region->length;
}

int model_pinned(const world_t *w, int region)
{
    int i;

    for (i = 0; i < ALL_CURSORS; i++) {
        if (w->cursors[i].used && w->cursors[i].region == region) {
            return 1;
        }
    }
    return 0;
}

int model_region_on_grid(const world_t *w, int file, apr_uint64_t number)
{
    const omanager_t *manager = &w->managers[w->files[file].manager];
    int i;

    for (i = 0; i < manager->length; i++) {
        const oregion_t *region = &w->regions[manager->queue[i]];

        if (region->file == file && region->on_grid &&
            model_number(w, file, region->begin) == number) {
            return manager->queue[i];
        }
    }
    return NONE;
}

static int covers(const oregion_t *region, apr_off_t offset, apr_off_t end)
{
    return region->begin <= offset && end <= model_region_end(region);
}

int model_region_find(const world_t *w, int file, apr_off_t offset, apr_off_t end)
{
    const omanager_t *manager = &w->managers[w->files[file].manager];
    apr_uint64_t number = model_number(w, file, offset);
    int best = model_region_on_grid(w, file, number);
    int i;

    if (best != NONE && covers(&w->regions[best], offset, end)) {
        return best;
    }
    /* Of those off the grid that begin in this window, the newest. */
    best = NONE;
    for (i = 0; i < manager->length; i++) {
        const oregion_t *region = &w->regions[manager->queue[i]];

        if (region->file == file && !region->on_grid &&
            model_number(w, file, region->begin) == number && covers(region, offset, end) &&
            (best == NONE || region->serial > w->regions[best].serial)) {
            best = manager->queue[i];
        }
    }
    return best;
}

void model_queue_remove(world_t *w, int region)
{
    omanager_t *manager = &w->managers[w->regions[region].manager];
    int at;

    for (at = 0; manager->queue[at] != region; at++) {
    }
    memmove(manager->queue + at, manager->queue + at + 1,
            (size_t)(manager->length - at - 1) * sizeof manager->queue[0]);
    manager->length--;
    if (manager->hand > at) {
        manager->hand--;
    } else if (manager->hand == at && at == manager->length) {
        manager->hand = NONE; /* it was the newest */
    }
    if (w->regions[region].on_grid) {
        /* Whoever wants to be mapped here begins anew. */
        ofile_t *file = &w->files[w->regions[region].file];
        apr_uint64_t number = model_number(w, w->regions[region].file, w->regions[region].begin);

        file->touched[number] = 0;
        file->hot[number] = 0;
    }
}

void model_reclaim_add(world_t *w, int region, reclaim_t *reclaim)
{
    oregion_t *going = &w->regions[region];

    going->state = RECLAIMED;
    reclaim->regions[reclaim->region_count++] = region;
    w->files[going->file].regions--;
    w->files[going->file].heap_regions -= going->on_heap;
    model_file_reap(w, going->file, reclaim);
}

void model_retire(world_t *w, int region)
{
    omanager_t *manager = &w->managers[w->regions[region].manager];

    w->regions[region].state = RETIRED;
    manager->retired[manager->retired_length++] = region;
}

static void leave_retired(world_t *w, omanager_t *manager, int at, reclaim_t *reclaim)
{
    int region = manager->retired[at];

    memmove(manager->retired + at, manager->retired + at + 1,
            (size_t)(manager->retired_length - at - 1) * sizeof manager->retired[0]);
    manager->retired_length--;
    model_reclaim_add(w, region, reclaim);
}

void model_retired_sweep(world_t *w, int manager, reclaim_t *reclaim)
{
    omanager_t *owner = &w->managers[manager];
    int at;

    for (at = owner->retired_length - 1; at >= 0; at--) {
        if (!model_pinned(w, owner->retired[at])) {
            leave_retired(w, owner, at, reclaim);
        }
    }
}

void model_retired_release(world_t *w, int manager, int region)
{
    omanager_t *owner = &w->managers[manager];
    reclaim_t reclaim;
    int at;

    if (w->regions[region].state != RETIRED || model_pinned(w, region)) {
        return;
    }
    model_reclaim_begin(&reclaim);
    for (at = 0; owner->retired[at] != region; at++) {
    }
    leave_retired(w, owner, at, &reclaim);
    model_reclaim(w, manager, &reclaim);
}

/* Reclaiming: unmap regions, close files. */

void model_reclaim_begin(reclaim_t *reclaim)
{
    reclaim->region_count = 0;
    reclaim->file_count = 0;
    reclaim->status = APR_SUCCESS;
    reclaim->unmapped = 0;
}

static apr_status_t unmap(world_t *w, int region)
{
    oregion_t *gone = &w->regions[region];
    apr_status_t status = gone->on_heap ? APR_SUCCESS : model_call(w, FAKE_UNMAP);

    if (gone->on_heap) {
        w->managers[gone->manager].stats.buffered_regions--;
        w->managers[gone->manager].stats.buffered_bytes -= gone->length;
        gone->used = 0;
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (w->event_count < EVENTS) {
        fake_event_t *event = &w->events[w->event_count++];

        event->mapped = 0;
        event->file = gone->real;
        event->offset = gone->begin;
        event->length = gone->length;
    } else {
        w->overflow = 1;
    }
    w->live_mappings--;
    w->live_bytes -= gone->length;
    gone->used = 0;
    return APR_SUCCESS;
}

void model_reclaim(world_t *w, int manager, reclaim_t *reclaim)
{
    omanager_t *owner = &w->managers[manager];
    int failed[REGIONS];
    int failed_count = 0;

    while (reclaim->region_count > 0) {
        int region = reclaim->regions[--reclaim->region_count];
        apr_size_t length = w->regions[region].length;
        apr_status_t status = unmap(w, region);

        if (status == APR_SUCCESS) {
            owner->stats.mapped_bytes -= length;
            owner->stats.regions--;
            owner->stats.unmaps++;
            reclaim->unmapped++;
        } else {
            model_keep_first(&reclaim->status, status);
            failed[failed_count++] = region;
        }
    }
    while (failed_count > 0) {
        w->regions[failed[--failed_count]].state = UNMAP_FAILED;
        owner->unmap_failed[owner->unmap_failed_length++] = failed[failed_count];
    }
    while (reclaim->file_count > 0) {
        ofile_t *file = &w->files[reclaim->files[--reclaim->file_count]];

        if (file->open) {
            model_keep_first(&reclaim->status, model_call(w, FAKE_CLOSE));
            w->live_handles--;
            owner->stats.open_files--;
            owner->stats.closes++;
        }
        owner->stats.files--;
        file->used = 0;
    }
}
