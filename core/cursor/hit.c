/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hit: a move to a window that is mapped, in as few instructions as it can be.
 *
 * Random bytes of many windows miss the processor's caches, and a processor looks a few
 * hundred instructions ahead for the next miss to begin. What a move costs is therefore less
 * the time of its instructions than the room that they take there. So this file has what is
 * asked most: a window as long as a window can be, that was hit since the hand passed, and
 * whose word is in the first leaf of the grid. All else is left to smmap__move_lockless() in
 * move.c, which is in another file so that it is not inlined here.
 *
 * The protocol is that of base/pins.h. The file's size is not needed: a word that says
 * SMMAP__WHOLE changes before the window behind it can become shorter.
 */
#include "core/cursor/cursor.h"

/* Where a cursor wants to go, and what it finds there. */
typedef struct quick_t {
    apr_uint64_t number;
    const smmap__word_t *slot;
    uintptr_t word;
} quick_t;

/* Is there such a window? */
static inline int find(const smmap__cursor_t *cursor, apr_off_t offset, quick_t *quick)
{
    quick->number = (apr_uint64_t)offset >> cursor->shift;
    if (quick->number >= cursor->slot_count) {
        return 0; /* also when the offset is negative */
    }
    quick->slot = cursor->slots + quick->number;
    quick->word = smmap__load(quick->slot);
    return (quick->word & SMMAP__FLAGS) == (SMMAP__VISITED | SMMAP__WHOLE);
}

static inline uintptr_t address_of(const quick_t *quick)
{
    return quick->word - (SMMAP__VISITED | SMMAP__WHOLE);
}

/* Pin it; 0: it was just leaving. */
static inline int pin(const smmap__cursor_t *cursor, const quick_t *quick)
{
    return smmap__pin_acquire(cursor->pin, quick->slot, quick->word, 0, address_of(quick), 1);
}

static inline void show_only(smmap__cursor_t *cursor, const quick_t *quick, apr_off_t offset,
                             apr_size_t size)
{
    smmap__count_t *hits = &cursor->pin->hits;

    cursor->shown.window_data = (const unsigned char *)address_of(quick);
    cursor->shown.window_begin = (apr_off_t)(quick->number << cursor->shift);
    cursor->shown.window_size = cursor->window;
    cursor->offset = offset;
    cursor->asked = size;
    smmap__count_store(hits, smmap__count_load(hits) + 1);
}

/* Show it. Returns as smmap_cursor_use() does, which is success. */
static inline apr_status_t show(smmap__cursor_t *cursor, const quick_t *quick, apr_off_t offset,
                                apr_size_t size)
{
    show_only(cursor, quick, offset, size);
    if (smmap__load(&cursor->pin->retired) != 0) {
        return smmap__window_left(cursor);
    }
    return APR_SUCCESS;
}

/* Is this much in the window from an offset on? */
static inline int holds(const smmap__cursor_t *cursor, apr_off_t offset, apr_size_t length)
{
    return length <= cursor->window - ((apr_size_t)offset & (cursor->window - 1));
}

apr_status_t smmap_cursor_use(smmap_cursor_t *shown, apr_off_t offset, apr_size_t size)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    quick_t quick;

    if (cursor == NULL || !find(cursor, offset, &quick)) {
        return smmap__move_use(cursor, offset, size, 0);
    }
    if (!pin(cursor, &quick)) {
        return smmap__move_use(cursor, offset, size, 1);
    }
    return show(cursor, &quick, offset, size);
}

apr_status_t smmap_cursor_try_use(smmap_cursor_t *shown, apr_off_t offset, apr_size_t size)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    quick_t quick;

    if (cursor == NULL || offset < 0) {
        return APR_EINVAL;
    }
    if (cursor->pin == NULL || smmap__load(&cursor->pin->retired) != 0) {
        return SMMAP_EWOULDBLOCK; /* to leave that window takes the lock */
    }
    if (find(cursor, offset, &quick)) {
        if (pin(cursor, &quick)) {
            show_only(cursor, &quick, offset, size);
            return APR_SUCCESS;
        }
        smmap__pin_failed(cursor, 1);
        return SMMAP_EWOULDBLOCK;
    }
    return smmap__move_lockless(cursor, offset, 1, size, 1) ? APR_SUCCESS : SMMAP_EWOULDBLOCK;
}

apr_status_t smmap_cursor_require(smmap_cursor_t *shown, apr_off_t offset, apr_size_t size)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    quick_t quick;

    if (cursor == NULL || size == 0 || !find(cursor, offset, &quick) ||
        !holds(cursor, offset, size)) {
        return smmap__move_require(cursor, offset, size, 0);
    }
    if (!pin(cursor, &quick)) {
        return smmap__move_require(cursor, offset, size, 1);
    }
    return show(cursor, &quick, offset, size);
}

int smmap__hit(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size)
{
    quick_t quick;

    if (!find(cursor, offset, &quick) || !holds(cursor, offset, size)) {
        return (quick.number >= cursor->slot_count || (quick.word & ~SMMAP__FLAGS) != 0) &&
               smmap__move_lockless(cursor, offset, (apr_off_t)size, size, 0);
    }
    if (!pin(cursor, &quick)) {
        smmap__pin_failed(cursor, 0);
        return smmap__move_lockless(cursor, offset, (apr_off_t)size, size, 0);
    }
    show(cursor, &quick, offset, size);
    return 1;
}
