/*
 * Regions: finding a window that is mapped, and mapping one that is not.
 *
 * A file in sliding mode has a fixed grid of windows; a region on the grid is a
 * whole window (the last one ends with the file) and is found through its slot. A
 * span is any other region: it crosses a window's end because somebody required
 * bytes in one piece, or it is a part of a window because the system refused to
 * map more. Spans hang in a chain at the window they begin in. In static mode the
 * grid has one window, as large as the file.
 *
 * Invariant, under the manager's lock: a region that can be found (queued) does
 * not reach past the size of its file as last measured, and a region on the grid
 * reaches to the end of its window or of the file.
 *
 * Mapping is done with the file's lock held and the manager's let go, so that two
 * threads that miss on one window map it once, and nobody else waits for it. The
 * system chooses the address. Where the window size is a multiple of 2 MiB, so is
 * each window's offset, and Linux then chooses an address that lets it use huge
 * page-table entries.
 */
#include "core/core.h"

/* A range of the file that is going to be mapped. */
typedef struct range_t {
    apr_off_t begin;
    apr_off_t end;
    int on_grid;
} range_t;

/* A mapping in the making: what is asked for, and how far we are. */
typedef struct attempt_t {
    smmap__file_t *file;
    apr_off_t offset; /* these bytes must be in the region */
    apr_off_t end;
    apr_size_t window; /* the size of window we try for; 0: exactly these bytes */
    range_t range;
    int retried;
    int smaller; /* the system refused more */
} attempt_t;

apr_off_t smmap__region_end(const smmap__region_t *region)
{
    return region->begin + (apr_off_t)region->mapping.length;
}

static apr_uint64_t window_number(const smmap__file_t *file, apr_off_t offset)
{
    apr_size_t window = file->manager->window_size;

    return window != 0 ? (apr_uint64_t)offset / window : 0;
}

static int covers(const smmap__region_t *region, apr_off_t offset, apr_off_t end)
{
    return region->begin <= offset && end <= smmap__region_end(region);
}

smmap__region_t *smmap__region_find_locked(const smmap__file_t *file, apr_off_t offset,
                                           apr_off_t end)
{
    apr_uint64_t number = window_number(file, offset);
    smmap__region_t *region = smmap__slots_get(&file->grid, number);

    if (region != NULL && covers(region, offset, end)) {
        return region;
    }
    region = smmap__slots_get(&file->spans, number);
    while (region != NULL && !covers(region, offset, end)) {
        region = region->next;
    }
    return region;
}

void smmap__region_pin_locked(smmap__region_t *region)
{
    smmap_manager_t *manager = region->file->manager;

    if (region->clients++ == 0) {
        manager->stats.pinned_regions++;
        manager->stats.pinned_bytes += region->mapping.length;
        manager->queue.pinned += region->queued;
    }
}

static void to_trash(smmap__region_t *region, smmap__trash_t *trash)
{
    smmap__file_t *file = region->file;

    region->next = trash->regions;
    trash->regions = region;
    file->regions--;
    smmap__file_reap_locked(file, trash);
}

void smmap__region_unpin_locked(smmap__region_t *region, smmap__trash_t *trash)
{
    smmap_manager_t *manager = region->file->manager;

    if (--region->clients > 0) {
        return;
    }
    manager->stats.pinned_regions--;
    manager->stats.pinned_bytes -= region->mapping.length;
    if (!region->queued) {
        to_trash(region, trash);
        return;
    }
    manager->queue.pinned--;
    if (manager->closed) {
        smmap__region_detach_locked(region, trash);
    }
}

void smmap__region_detach_locked(smmap__region_t *region, smmap__trash_t *trash)
{
    smmap__file_t *file = region->file;
    apr_uint64_t number = window_number(file, region->begin);

    if (region->on_grid) {
        smmap__slots_set(&file->grid, number, NULL);
    } else {
        smmap__region_t *first = smmap__slots_get(&file->spans, number);

        if (first == region) {
            smmap__slots_set(&file->spans, number, region->next);
        } else {
            while (first->next != region) {
                first = first->next;
            }
            first->next = region->next;
        }
    }
    smmap__queue_remove(&file->manager->queue, region);
    if (region->clients == 0) {
        to_trash(region, trash);
    }
}

/* Where it can be found. The slot was prepared, so this cannot fail. */
static void attach_locked(smmap__region_t *region)
{
    smmap__file_t *file = region->file;
    apr_uint64_t number = window_number(file, region->begin);

    if (region->on_grid) {
        smmap__slots_set(&file->grid, number, region);
    } else {
        region->next = smmap__slots_get(&file->spans, number);
        smmap__slots_set(&file->spans, number, region);
    }
    smmap__queue_add(&file->manager->queue, region);
}

void smmap__file_resize_locked(smmap__file_t *file, apr_off_t size, smmap__trash_t *trash)
{
    apr_off_t old = file->identity.size;
    smmap__region_t *region;

    file->identity.size = size;
    if (size < old) {
        /* Rare, so a walk over everything is good enough. */
        file->manager->stats.truncated_files++;
        region = file->manager->queue.oldest;
        while (region != NULL) {
            smmap__region_t *newer = region->newer;

            if (region->file == file && smmap__region_end(region) > size) {
                smmap__region_detach_locked(region, trash);
            }
            region = newer;
        }
    } else if (size > old && old > 0) {
        /* The last window ended with the file; unless it was full, it is short now. */
        region = smmap__slots_get(&file->grid, window_number(file, old - 1));
        if (region != NULL &&
            (apr_uint64_t)region->mapping.length != (apr_uint64_t)file->manager->window_size) {
            smmap__region_detach_locked(region, trash);
        }
    }
}

/* The window of the attempt's size that holds what is asked for; where there is
   none (it crosses the end of one), the granules that do. */
static void choose_range(attempt_t *attempt)
{
    const smmap_manager_t *manager = attempt->file->manager;
    apr_off_t size = attempt->file->identity.size;
    apr_off_t grid = (apr_off_t)manager->window_size;
    range_t *range = &attempt->range;

    if (manager->window_size == 0) {
        range->begin = 0;
        range->end = size;
        range->on_grid = 1;
        return;
    }
    if (attempt->window != 0) {
        apr_off_t window = (apr_off_t)attempt->window;
        apr_off_t origin = attempt->offset - attempt->offset % grid;
        apr_off_t last = origin < size - grid ? origin + grid : size;

        range->begin = origin + (attempt->offset - origin) / window * window;
        range->end = range->begin < last - window ? range->begin + window : last;
        range->on_grid = attempt->window == manager->window_size;
        if (attempt->end <= range->end) {
            return;
        }
    }
    attempt->window = 0;
    range->begin = smmap_align_down(attempt->offset, manager->granularity);
    range->end = smmap_align_up(attempt->end, manager->granularity);
    range->on_grid = 0;
    if (range->end < 0 || range->end > size) {
        range->end = size;
    }
}

/* A smaller range for the same bytes; 0 when there is none. */
static int choose_smaller(attempt_t *attempt)
{
    apr_off_t length = attempt->range.end - attempt->range.begin;
    apr_size_t granularity = attempt->file->manager->granularity;

    while (attempt->window > granularity) {
        attempt->window =
            (apr_size_t)smmap_align_up((apr_off_t)(attempt->window / 2), granularity);
        choose_range(attempt);
        if (attempt->range.end - attempt->range.begin < length) {
            attempt->smaller = 1;
            return 1;
        }
    }
    return 0;
}

static int is_exhaustion(apr_status_t status)
{
    return APR_STATUS_IS_ENOMEM(status) || APR_STATUS_IS_EMFILE(status) ||
           APR_STATUS_IS_ENFILE(status);
}

/* Reserve room and map. Refused for want of memory: once unmap all that no one
   pins, then try ever smaller windows. The lock is held, and let go meanwhile. */
static apr_status_t map_locked(attempt_t *attempt, apr_os_file_t handle,
                               smmap__os_mapping_t *mapping)
{
    smmap_manager_t *manager = attempt->file->manager;
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};

    for (;;) {
        apr_uint64_t length = (apr_uint64_t)(attempt->range.end - attempt->range.begin);
        apr_status_t status;

        if (length > APR_SIZE_MAX) {
            return SMMAP_ETOOLARGE;
        }
        status = smmap__room_take_locked(manager, (apr_size_t)length);
        if (status != APR_SUCCESS) {
            return status;
        }
        smmap__manager_unlock(manager);
        status = smmap__os_map(mapping, handle, attempt->range.begin, (apr_size_t)length);
        smmap__manager_lock(manager);
        if (status == APR_SUCCESS) {
            return APR_SUCCESS;
        }
        smmap__room_return_locked(manager, (apr_size_t)length);
        if (is_exhaustion(status) && !attempt->retried) {
            attempt->retried = 1;
            smmap__room_clear_locked(manager, &trash);
            smmap__trash_empty_locked(manager, &trash);
            manager->stats.evictions += trash.unmapped;
            trash.unmapped = 0;
        } else if (!is_exhaustion(status) || !choose_smaller(attempt)) {
            manager->stats.map_failures++;
            return status;
        }
        manager->stats.retries++;
    }
}

/* Map the region and make it known. The lock is held, and let go meanwhile. */
static apr_status_t make_locked(attempt_t *attempt, apr_os_file_t handle,
                                smmap__region_t **made)
{
    smmap__file_t *file = attempt->file;
    smmap_manager_t *manager = file->manager;
    apr_uint64_t number = window_number(file, attempt->offset);
    smmap__region_t *region = smmap__alloc(sizeof *region);
    apr_status_t status = region != NULL ? APR_SUCCESS : APR_ENOMEM;

    choose_range(attempt);
    if (status == APR_SUCCESS) {
        status = smmap__slots_prepare(attempt->range.on_grid ? &file->grid : &file->spans, number);
    }
    if (status == APR_SUCCESS) {
        status = map_locked(attempt, handle, &region->mapping);
    }
    if (status != APR_SUCCESS) {
        smmap__free(region);
        return status;
    }
    region->begin = attempt->range.begin;
    region->file = file;
    region->on_grid = (unsigned char)attempt->range.on_grid;
    file->regions++;
    if (attempt->range.on_grid ||
        smmap__slots_prepare(&file->spans, number) == APR_SUCCESS) {
        attach_locked(region);
    }
    /* Else there is no memory to find it again: it is its cursor's alone. */
    smmap__region_pin_locked(region);
    manager->stats.maps++;
    manager->stats.over_limit += manager->stats.mapped_bytes > manager->max_mapped_bytes ||
                                 manager->stats.regions > manager->max_regions;
    manager->stats.halved += attempt->smaller != 0;
    if (manager->stats.peak_mapped_bytes < manager->stats.mapped_bytes) {
        manager->stats.peak_mapped_bytes = manager->stats.mapped_bytes;
    }
    if (manager->stats.peak_regions < manager->stats.regions) {
        manager->stats.peak_regions = manager->stats.regions;
    }
    *made = region;
    return APR_SUCCESS;
}

apr_status_t smmap__region_obtain(smmap__file_t *file, const smmap__name_t *name, apr_off_t offset,
                                  apr_off_t end, int whole, smmap__region_t **region)
{
    smmap_manager_t *manager = file->manager;
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};
    attempt_t attempt = {
        file, offset, whole ? end : offset + 1, manager->window_size, {0, 0, 0}, 0, 0};
    apr_os_file_t handle;
    apr_status_t status;

    smmap__file_lock(file);
    status = smmap__handle_enter(file, name, &handle);
    if (status != APR_SUCCESS) {
        smmap__file_unlock(file);
        return status;
    }
    smmap__manager_lock(manager);
    if (manager->closed) {
        status = SMMAP_ECLOSED;
    } else if (attempt.end > file->identity.size) {
        status = SMMAP_ETRUNCATED;
    } else {
        /* Another thread may have mapped it while we waited for the lock. */
        *region = smmap__region_find_locked(file, offset, attempt.end);
        if (*region != NULL) {
            smmap__region_pin_locked(*region);
        } else {
            status = make_locked(&attempt, handle, region);
        }
    }
    if (status == APR_SUCCESS && manager->closed) {
        /* The manager was destroyed while we mapped. */
        smmap__region_unpin_locked(*region, &trash);
        smmap__trash_empty_locked(manager, &trash);
        *region = NULL;
        status = SMMAP_ECLOSED;
    }
    smmap__manager_unlock(manager);
    smmap__handle_leave(file);
    smmap__file_unlock(file);
    return status;
}
