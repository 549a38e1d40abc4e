/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moves: a cursor comes to a window, and lets go of one.
 *
 * The window is shown in the public part of the cursor, for the inline access, and published
 * in its pin, for threads that evict; both change together.
 *
 * A move to a window that is mapped takes no lock: smmap__move_lockless() follows the
 * protocol in base/pins.h, and where the window is not whole reads the file's size, too (see
 * region/region.c). hit.c has the same for what is asked most. A move that is no such hit
 * looks with the manager's lock, and then maps (miss.c).
 */
#include "core/cursor/cursor.h"

static smmap_cursor_t *shown(smmap__cursor_t *cursor)
{
    return (smmap_cursor_t *)cursor;
}

static void show(smmap__cursor_t *cursor, const unsigned char *data, apr_off_t begin,
                 apr_size_t window, apr_off_t offset, apr_size_t size)
{
    cursor->offset = offset;
    cursor->asked = size;
    cursor->shown.window_data = data;
    cursor->shown.window_begin = begin;
    cursor->shown.window_size = window;
}

static void show_region(smmap__cursor_t *cursor, const smmap__region_t *region, apr_off_t offset,
                        apr_size_t size)
{
    show(cursor, region->mapping.address, region->begin, region->mapping.length, offset, size);
}

/* The cursor's flag is set: the window that it has left may be retired. */
static void left_retired(smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    smmap__manager_lock(manager);
    smmap__pin_left_locked(cursor->pin, &reclaim);
    smmap__reclaim_relock(manager, &reclaim);
    smmap__manager_unlock(manager);
}

/* Let go of the window. */
void smmap__cursor_empty(smmap__cursor_t *cursor)
{
    const unsigned char *window = cursor->shown.window_data;

    if (window == NULL) {
        if (cursor->pin != NULL && smmap__load(&cursor->pin->retired) != 0) {
            left_retired(cursor); /* smmap_cursor_try_use() left it */
        }
        return;
    }
    if (cursor->guarded) {
        smmap__guard_leave(cursor);
    }
    show(cursor, NULL, 0, 0, 0, 0);
    smmap__publish(cursor->pin->window, 0, cursor->manager->asymmetric);
    if (cursor->manager->paranoia != NULL) {
        smmap__pin_origin_leave(cursor, (uintptr_t)window);
    }
    if (smmap__load(&cursor->pin->retired) != 0) {
        left_retired(cursor);
    }
}

/* In no paranoid or guarded cursor, which ask about each window. */
void smmap__pin_failed(smmap__cursor_t *cursor, int at_once)
{
    show(cursor, NULL, 0, 0, 0, 0);
    smmap__publish(cursor->pin->window, 0, cursor->manager->asymmetric);
    if (!at_once && smmap__load(&cursor->pin->retired) != 0) {
        left_retired(cursor);
    }
}

apr_status_t smmap__window_left(smmap__cursor_t *cursor)
{
    left_retired(cursor);
    return APR_SUCCESS;
}

/* Copy from the file what hit.c needs; the cursor has a pin. */
static void cache_fast_path(smmap__cursor_t *cursor)
{
    const smmap__file_t *file = cursor->file;

    cursor->slots = (smmap__word_t *)smmap__load(&file->grid.first);
    cursor->shift = file->shift;
    cursor->window = (apr_size_t)file->window; /* in static mode it is not used */
    cursor->slot_count = 0;
    if (cursor->slots != NULL && file->shift != 0 && cursor->manager->asymmetric &&
        cursor->access != SMMAP_ACCESS_SEQUENTIAL && !cursor->guarded && !cursor->traced) {
        cursor->slot_count = file->grid.count;
    }
}

int smmap__move_lockless(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t length,
                         apr_size_t size, int at_once)
{
    const smmap__file_t *file = cursor->file;
    smmap__pin_t *pin = cursor->pin;
    const unsigned char *old = cursor->shown.window_data;
    apr_off_t file_size = smmap__offset_load(&file->size);
    apr_uint64_t number = smmap__window_number(file, offset);
    smmap__word_t *slot = smmap__slots_find(&file->grid, number);
    apr_off_t begin = smmap__window_begin(file, number);
    apr_off_t window = file_size - begin < file->window ? file_size - begin : file->window;
    uintptr_t word;
    uintptr_t address;

    if (slot == NULL || pin == NULL || cursor->manager->paranoia != NULL || cursor->guarded ||
        window - (offset - begin) < length) {
        return 0;
    }
    word = smmap__load(slot);
    address = word & ~SMMAP__FLAGS;
    if (address == 0 || (at_once && (cursor->traced || (cursor->access == SMMAP_ACCESS_SEQUENTIAL &&
                                                        address != (uintptr_t)old)))) {
        return 0; /* there is more to do than to move */
    }
    /* The slot before the size: only a region that is found there now is kept by the pin;
       before, another one may have had its address. And after the size, as region.c says; and
       while one region stands there, the slot stays its window's. */
    if (address != (uintptr_t)old &&
        (!smmap__pin_acquire(pin, slot, word, SMMAP__FLAGS, address, cursor->manager->asymmetric) ||
         smmap__offset_load(&file->size) != file_size ||
         !smmap__slots_holds(&file->grid, slot, number) ||
         (smmap__load(slot) & ~SMMAP__FLAGS) != address)) {
        smmap__pin_failed(cursor, at_once);
        return 0;
    }
    /* Going on in the window it has is no second visit: to read a window in a thousand steps
       is to use it once. */
    if (!(word & SMMAP__VISITED) && address != (uintptr_t)old) {
        smmap__replace(slot, word, word | SMMAP__VISITED);
    }
    smmap__count_store(&pin->hits, smmap__count_load(&pin->hits) + 1);
    show(cursor, (const unsigned char *)address, begin, (apr_size_t)window, offset, size);
    if (cursor->slots == NULL) {
        cache_fast_path(cursor);
    }
    if (address != (uintptr_t)old) {
        if (cursor->access == SMMAP_ACCESS_SEQUENTIAL) {
            smmap__prefetch_next(cursor, begin);
        }
        if (!at_once && smmap__load(&pin->retired) != 0) {
            left_retired(cursor);
        }
    }
    return 1;
}

/* See that the cursor has a pin, and in a line of the thread that uses it. It pins nothing. */
SMMAP__LOCKED static void pin_near_locked(smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__pin_t *pin;

    if (cursor->pin != NULL && smmap__pin_is_near(cursor->pin)) {
        return;
    }
    pin = smmap__pin_make(&manager->pins, &cursor->file->pins);
    if (pin == NULL) {
        return; /* one that is far will do */
    }
    if (cursor->pin != NULL) {
        smmap__pin_count(cursor->pin, &manager->stats);
        smmap__pin_drop(&manager->pins, cursor->pin);
    }
    cursor->pin = pin;
}

/* A move of use or require that is no hit: [offset, end) must be in the region; whole: all of it
   was asked for in one piece; size: what the cursor is to show, 0 for all. */
static apr_status_t move_slow(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t end, int whole,
                              apr_size_t size)
{
    smmap_manager_t *manager = cursor->manager;
    const unsigned char *old = cursor->shown.window_data;
    smmap__region_t *region = NULL;
    apr_status_t status = APR_SUCCESS;
    int goes_on = 0; /* in its window: smmap__move_lockless() has left that to us */

    smmap__cursor_empty(cursor);
    smmap__os_cancel_point();
    smmap__manager_lock(manager);
    pin_near_locked(cursor);
    if (cursor->pin == NULL) {
        smmap__make_room_relock(manager);
        pin_near_locked(cursor);
    }
    if (smmap__count_load(&manager->closed) != 0) {
        status = SMMAP_ECLOSED;
    } else if (end > smmap__offset_load(&cursor->file->size)) {
        status = APR_EOF;
    } else if (cursor->pin == NULL) {
        status = APR_ENOMEM;
    } else {
        region = smmap__region_find_locked(cursor->file, offset, end);
        if (region != NULL) {
            smmap__store(cursor->pin->window, (uintptr_t)region->mapping.address);
            goes_on = region->mapping.address == old && region->slot != NULL;
            if (region->mapping.address != old) {
                smmap__region_mark_visited_locked(region);
            }
            manager->stats.hits++;
        } else {
            manager->stats.misses++;
        }
    }
    smmap__manager_unlock(manager);
    if (status == APR_SUCCESS && region == NULL) {
        status = smmap__region_obtain(cursor, offset, end, whole, &region);
    }
    if (status == APR_SUCCESS) {
        show_region(cursor, region, offset, size);
        if (manager->paranoia != NULL) {
            status = smmap__pin_origin_enter(cursor, (uintptr_t)region->mapping.address);
        }
        if (status != APR_SUCCESS) {
            smmap__cursor_empty(cursor);
            return status;
        }
        if (cursor->guarded) {
            smmap__guard_enter(cursor);
        }
        if (cursor->access == SMMAP_ACCESS_SEQUENTIAL && !goes_on) {
            smmap__prefetch_next(cursor, region->begin);
        }
    }
    return status;
}

apr_status_t smmap__move_checked(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size)
{
    if (smmap__move_lockless(cursor, offset, 1, size, 0)) {
        return APR_SUCCESS;
    }
    if (offset == SMMAP__OFFSET_MAX) {
        smmap__cursor_empty(cursor);
        return APR_EOF; /* the last byte that a file can have is the one before */
    }
    return move_slow(cursor, offset, offset + 1, 0, size);
}

apr_status_t smmap__move_use(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size, int failed)
{
    if (failed) {
        smmap__pin_failed(cursor, 0);
    }
    if (cursor == NULL || offset < 0) {
        smmap_cursor_release(shown(cursor));
        return APR_EINVAL;
    }
    if (cursor->traced) {
        smmap__trace(cursor, SMMAP_MOVE_USE, offset, size);
    }
    return smmap__move_checked(cursor, offset, size);
}

apr_status_t smmap__move_require(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                                 int failed)
{
    if (failed) {
        smmap__pin_failed(cursor, 0);
    }
    if (cursor == NULL || offset < 0 || size == 0) {
        smmap_cursor_release(shown(cursor));
        return APR_EINVAL;
    }
    if (size > (apr_uint64_t)(SMMAP__OFFSET_MAX - offset)) {
        smmap__cursor_empty(cursor);
        return SMMAP_ETOOLARGE;
    }
    if (cursor->traced) {
        smmap__trace(cursor, SMMAP_MOVE_REQUIRE, offset, size);
    }
    if (smmap__move_lockless(cursor, offset, (apr_off_t)size, size, 0)) {
        return APR_SUCCESS;
    }
    return move_slow(cursor, offset, offset + (apr_off_t)size, 1, size);
}

void smmap_cursor_release(smmap_cursor_t *cursor)
{
    if (cursor != NULL) {
        smmap__cursor_empty((smmap__cursor_t *)(void *)cursor);
    }
}
