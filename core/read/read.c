/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying reads: from a window where one is mapped, and otherwise by whichever is cheaper,
 * mapping the window or asking the system for the bytes.
 *
 * A map, the faults behind it and the unmap of its victim cost as much as tens or hundreds of
 * reads of 4 KiB, and what is gained by a window that stays is half of a read each time. Both are
 * measured (cost.c), and the number of touches by which mapping pays follows: 64, or 128 to 1600;
 * 64 while nothing is known; a quarter more or less, which differs from window to window. When
 * there is no room a window has to earn its place: it is bypassed (read into the caller's memory)
 * until it was touched that often, and then the eviction queue is asked. If the region at its hand
 * was hit since the hand passed, that one loses its bit and stays, and the newcomer starts again;
 * otherwise the newcomer is mapped. So where all windows are equally
 * hot the mapped ones stay, and reading costs what pread costs; where some are hotter, these become
 * mapped. While there is room, mapping costs nothing but itself, so it is done at once; but where
 * it was found to be dear, the touches count then, too. A file of less than SMALL_SIZE bytes is
 * bypassed at first in any case, as many are opened for a read or two. The idea of a frequency that
 * a newcomer must show is TinyLFU's (Einziger et al., ACM TOS 13(4), 2017); the victim's bit is
 * SIEVE's.
 *
 * A file whose holes fill with memory when they are read mapped is never mapped for a copy, and
 * not copied from a window either; nor is one that a server reads (FUSE, networks): a fault waits
 * for each few pages, where a read asks for many at once.
 *
 * The count goes when the window is mapped. It is approximate: of two threads that count at one
 * moment, one may be lost; and see smmap__slots_count().
 */
#include "core/read/read.h"

#include <string.h>

enum { SMALL_AFTER = 8, SMALL_SIZE = 64 * 1024 };

/* A window has been touched often enough: may it be mapped? */
static int admitted(smmap__file_t *file, apr_uint64_t number)
{
    smmap_manager_t *manager = file->manager;
    smmap__region_t *region;
    int yes;

    smmap__manager_lock(manager);
    region = smmap__queue_step(&manager->queue);
    yes = region == NULL || !smmap__region_test_and_clear_visited_locked(region);
    if (yes) {
        manager->queue.hand = region; /* the evictor wants to see it, too */
    } else {
        manager->stats.admission_rejects++;
        smmap__slots_uncount(&file->grid, number);
    }
    smmap__manager_unlock(manager);
    return yes;
}

static int is_mapped(const smmap__file_t *file, apr_uint64_t number)
{
    const smmap__word_t *slot = smmap__slots_find(&file->grid, number);

    return slot != NULL && (smmap__load(slot) & ~SMMAP__FLAGS) != 0;
}

/* Is it better to bypass the window that holds this offset? was_looked: it was just seen that it is
   not mapped. */
static int should_bypass(smmap__cursor_t *cursor, apr_off_t offset, int was_looked)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__file_t *file = cursor->file;
    apr_uint64_t number = smmap__window_number(file, offset);
    int is_short = smmap__count_load(&manager->pressure) != 0; /* of room */
    unsigned most = smmap__cost_touches(&manager->cost, number);

    if (!was_looked && is_mapped(file, number)) {
        return 0;
    }
    if (smmap__count_load(&file->unmappable) != 0) {
        return 1; /* a window of it costs a read of the whole window */
    }
    if (!is_short && smmap__offset_load(&file->size) < SMALL_SIZE) {
        most = SMALL_AFTER;
    } else if (!is_short && !smmap__cost_is_dear(&manager->cost)) {
        return 0;
    }
    if (!smmap__slots_is_prepared(&file->grid, number)) {
        apr_status_t status;

        smmap__manager_lock(manager);
        status = smmap__slots_prepare(&file->grid, number);
        smmap__manager_unlock(manager);
        if (status != APR_SUCCESS) {
            return 1;
        }
    }
    return smmap__slots_count(&file->grid, number, most - 1) < most - 1 ||
           (is_short && !admitted(file, number));
}

/* A range begins with a part that bypasses its window: how much of it can be read at once, as the
   windows behind that are bypassed, too? */
static apr_size_t bypassed_at_once(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t part,
                                   apr_size_t size)
{
    const smmap__file_t *file = cursor->file;

    while (part < size && should_bypass(cursor, offset + (apr_off_t)part, 0)) {
        part = (apr_uint64_t)file->window < size - part ? part + (apr_size_t)file->window : size;
    }
    return part;
}

/* Is the window that holds an offset to be bypassed in any case? */
static int is_cold(const smmap__cursor_t *cursor, apr_off_t offset)
{
    const smmap__file_t *file = cursor->file;

    return smmap__slots_is_cold(&file->grid, smmap__window_number(file, offset)) &&
           smmap__count_load(&cursor->manager->pressure) != 0 &&
           smmap__count_load(&file->unmappable) == 0;
}

/* Read past such a window. The word in which the touch is counted comes from memory meanwhile. */
static apr_status_t read_cold(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size,
                              apr_size_t rest, apr_size_t *copied)
{
    smmap__file_t *file = cursor->file;
    apr_uint64_t number = smmap__window_number(file, offset);
    unsigned most = smmap__cost_touches(&cursor->manager->cost, number);
    apr_status_t status;

    smmap__prefetch(smmap__slots_find(&file->grid, number));
    size = bypassed_at_once(cursor, offset, size, rest);
    status = smmap__read_direct(cursor, offset, to, size, copied);
    smmap__slots_count(&file->grid, number, most - 1);
    return status;
}

/* Copy from the cursor's window with the guard. What is not as usual is in guard.c, so that
   this is short. */
static apr_status_t read_guarded(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                 apr_size_t size, apr_size_t *copied)
{
    smmap__os_copied_t made = SMMAP__OS_UNVERIFIED; /* strict: measured first */

    if (cursor->manager->guard == SMMAP_GUARD_ON) {
        const smmap_cursor_t *shown = &cursor->shown;

        made = smmap__os_guard_copy(to, shown->window_data, shown->window_size,
                                    (apr_size_t)(offset - shown->window_begin), size, copied);
        if (made == SMMAP__OS_COPIED) {
            *copied = size;
            return APR_SUCCESS;
        }
    }
    return smmap__guard_again(cursor, offset, to, size, made, copied);
}

static inline apr_status_t copy_out(smmap__cursor_t *cursor, const unsigned char *from,
                                    apr_off_t offset, void *to, apr_size_t size, apr_size_t *copied)
{
    *copied = size;
    if (cursor->manager->guard != SMMAP_GUARD_OFF) {
        return read_guarded(cursor, offset, to, size, copied);
    }
    memcpy(to, from, size);
    return APR_SUCCESS;
}

/* Read what no window that is mapped holds. */
static apr_status_t read_missed(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, apr_size_t rest, apr_size_t *copied)
{
    /* As smmap__hit() does, where it can; the file may be shorter by now. */
    int was_looked = cursor->pin != NULL && cursor->manager->paranoia == NULL && !cursor->guarded &&
                     (apr_off_t)size <= smmap__offset_load(&cursor->file->size) - offset;
    apr_status_t status;
    int instead;

    *copied = 0;
    if (should_bypass(cursor, offset, was_looked)) {
        size = bypassed_at_once(cursor, offset, size, rest);
        return smmap__read_direct(cursor, offset, to, size, copied);
    }
    cursor->copying = 1;
    cursor->began = 0;
    status = smmap__move_checked(cursor, offset, size);
    instead = cursor->copying;
    cursor->copying = 0;
    if (status != APR_SUCCESS) {
        return instead && (smmap__exhausted(status) || smmap__limited(status) ||
                           status == SMMAP_ETOOLARGE)
                   ? smmap__read_direct(cursor, offset, to, size, copied)
                   : status; /* a copy needs no mapping */
    }
    status = copy_out(cursor, smmap_cursor_data(&cursor->shown), offset, to,
                      smmap__cursor_size(cursor), copied);
    if (cursor->began != 0) {
        smmap__cost_add(&cursor->manager->cost, &cursor->manager->cost.miss,
                        cursor->began); /* with its first fault */
    }
    return status;
}

/* Read some of a range of `rest` bytes, of which `size` lie in one window: as much as the first
   thing that can be read from holds. */
static apr_status_t read_some(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size,
                              apr_size_t rest, apr_size_t *copied)
{
    const smmap_cursor_t *shown = &cursor->shown;
    const unsigned char *from = smmap_cursor_at(shown, offset);

    if (smmap__count_load(&cursor->file->reads_only) != 0) {
        return smmap__read_direct(cursor, offset, to, rest, copied);
    }
    if (from != NULL && shown->window_data != cursor->outdated) {
        apr_size_t there = shown->window_size - (apr_size_t)(offset - shown->window_begin);

        return copy_out(cursor, from, offset, to, there < size ? there : size, copied);
    }
    if (is_cold(cursor, offset)) {
        return read_cold(cursor, offset, to, size, rest, copied);
    }
    return smmap__hit(cursor, offset, size)
               ? copy_out(cursor, smmap_cursor_data(shown), offset, to, size, copied)
               : read_missed(cursor, offset, to, size, rest, copied);
}

apr_status_t smmap__read_check(const smmap_cursor_t *shown, apr_off_t offset,
                               const void *destination, apr_size_t *size)
{
    const smmap__cursor_t *cursor = (const smmap__cursor_t *)(const void *)shown;
    apr_off_t file_size;

    if (shown == NULL || offset < 0 || (destination == NULL && *size != 0)) {
        return APR_EINVAL;
    }
    if (smmap__count_load(&cursor->manager->closed) != 0) {
        return SMMAP_ECLOSED;
    }
    file_size = smmap__offset_load(&cursor->file->size);
    if (*size != 0 && offset >= file_size) {
        return APR_EOF;
    }
    if (*size != 0 && (apr_uint64_t)(file_size - offset) < *size) {
        *size = (apr_size_t)(file_size - offset);
    }
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_read(smmap_cursor_t *shown, apr_off_t offset, void *destination,
                               apr_size_t size, apr_size_t *got)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    unsigned char *to = destination;
    apr_size_t done = 0;
    apr_status_t status = smmap__read_check(shown, offset, destination, &size);

    if (got != NULL) {
        *got = 0;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (cursor->traced && size != 0) {
        smmap__trace(cursor, SMMAP_MOVE_READ, offset, size);
    }
    while (status == APR_SUCCESS && done < size) {
        const smmap__file_t *file = cursor->file;
        apr_off_t at = offset + (apr_off_t)done;
        apr_off_t begin = smmap__window_begin(file, smmap__window_number(file, at));
        apr_off_t left = file->window - (at - begin);
        apr_size_t part = size - done;

        if ((apr_uint64_t)left < part) {
            part = (apr_size_t)left;
        }
        status = read_some(cursor, at, to + done, part, size - done, &part);
        done += part;
    }
    if (got != NULL) {
        *got = done;
    }
    /* The bytes were there when we began; a window on the way showed that they are gone. */
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}
