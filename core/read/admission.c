/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Admission: is a window that a copy missed mapped, or bypassed? Whichever is cheaper, mapping it
 * or asking the system for the bytes.
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

int smmap__should_bypass(smmap__cursor_t *cursor, apr_off_t offset, int was_looked)
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

apr_size_t smmap__bypassed_at_once(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t part,
                                   apr_size_t size)
{
    const smmap__file_t *file = cursor->file;

    while (part < size && smmap__should_bypass(cursor, offset + (apr_off_t)part, 0)) {
        part = (apr_uint64_t)file->window < size - part ? part + (apr_size_t)file->window : size;
    }
    return part;
}
