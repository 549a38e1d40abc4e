/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mapping in the making: which range of the file is asked for, and less when that is refused;
 * and the memory of a file that the system cannot map. See miss.c.
 */
#include "core/cursor/attempt.h"

#include <string.h>

/* A window of a file that is read into memory, at most; what is required may be more. */
enum { BUFFERED_MOST = 1 << SMMAP__BUFFERED_SHIFT };

/* The window of the attempt's size that holds what is asked for; where there is
   none (it crosses the end of one), the granules that do. */
void smmap__attempt_range(smmap__attempt_t *attempt)
{
    const smmap_manager_t *manager = attempt->file->manager;
    apr_off_t size = smmap__offset_load(&attempt->file->size);
    apr_off_t grid = attempt->file->window;
    smmap__range_t *range = &attempt->range;

    if (manager->window_size == 0 && (!attempt->buffered || size <= BUFFERED_MOST)) {
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
int smmap__attempt_smaller(smmap__attempt_t *attempt)
{
    apr_off_t length = attempt->range.end - attempt->range.begin;
    apr_size_t granularity = attempt->file->manager->granularity;

    while (attempt->window > granularity) {
        attempt->window = (apr_size_t)smmap_align_up((apr_off_t)(attempt->window / 2), granularity);
        smmap__attempt_range(attempt);
        if (attempt->range.end - attempt->range.begin < length) {
            attempt->smaller = 1;
            return 1;
        }
    }
    return 0;
}

/* Nothing that the system has: the granules that hold what is wanted, from the heap. */
int smmap__attempt_heap(smmap__attempt_t *attempt)
{
    apr_size_t granularity = attempt->file->manager->granularity;
    apr_off_t size = smmap__offset_load(&attempt->file->size);
    smmap__range_t range;

    range.begin = smmap_align_down(attempt->offset, granularity);
    range.end = smmap_align_up(attempt->end, granularity);
    range.on_grid = 0;
    if (range.end < 0 || range.end > size) {
        range.end = size;
    }
    if (attempt->heap || attempt->copying || range.end - range.begin > BUFFERED_MOST) {
        return 0;
    }
    attempt->range = range;
    attempt->window = 0;
    attempt->smaller = 0;
    attempt->buffered = 1;
    attempt->heap = 1;
    return 1;
}

/* From now on the file is read into memory, and in smaller windows. */
void smmap__attempt_buffered(smmap__attempt_t *attempt)
{
    smmap_manager_t *manager = attempt->file->manager;
    apr_size_t most = (apr_size_t)smmap_align_up(BUFFERED_MOST, manager->granularity);

    smmap__count_store(&attempt->file->unmappable, 1);
    attempt->buffered = 1;
    if (attempt->window == 0 || attempt->window > most) {
        attempt->window = most;
    }
    smmap__attempt_range(attempt);
}

static apr_status_t read_range(const smmap__attempt_t *attempt, apr_os_file_t handle,
                               apr_size_t length, const smmap__os_mapping_t *mapping)
{
    apr_off_t size = 0;
    apr_size_t nread;
    apr_status_t status =
        smmap__os_read(handle, attempt->range.begin, mapping->address, length, &nread);

    /* While it is being cut a read may find the size as it was, and zeroes in the place of bytes. */
    if (status == APR_SUCCESS) {
        status = smmap__os_file_size(&size, handle);
    }
    return status == APR_SUCCESS && (nread < length || size < attempt->range.end) ? SMMAP_ETRUNCATED
                                                                                  : status;
}

/* Memory with the bytes of the range. A mapping that is there although it failed could not be
   given back. */
static apr_status_t fill(const smmap__attempt_t *attempt, apr_os_file_t handle, apr_size_t length,
                         smmap__os_mapping_t *mapping)
{
    smmap_manager_t *manager = attempt->file->manager;
    apr_status_t status = attempt->heap ? smmap__heap_map(manager, mapping, length)
                                        : smmap__os_map_anonymous(mapping, length);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (attempt->file->identity.sizeless) {
        /* What its size is of: to read it again would give more, or less. */
        smmap__content_t *content;

        smmap__manager_lock(manager);
        content = attempt->file->content;
        if (content != NULL) {
            content->users++;
        }
        smmap__manager_unlock(manager);
        if (content != NULL && (apr_off_t)content->size >= attempt->range.end) {
            memcpy(mapping->address, (unsigned char *)(content + 1) + attempt->range.begin, length);
        } else {
            status = SMMAP_ETRUNCATED;
        }
        smmap__manager_lock(manager);
        smmap__content_unref_locked(content);
        smmap__manager_unlock(manager);
    } else {
        status = read_range(attempt, handle, length, mapping);
    }
    if (status != APR_SUCCESS) {
        smmap__mapping_unmap(mapping);
    }
    return status;
}

/* Some systems look where the file ends when they map. */
apr_status_t smmap__attempt_show(const smmap__attempt_t *attempt, apr_os_file_t handle,
                                 apr_size_t length, smmap__os_mapping_t *mapping)
{
    apr_status_t status = attempt->buffered
                              ? fill(attempt, handle, length, mapping)
                              : smmap__os_map(mapping, handle, attempt->range.begin, length);

    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}
