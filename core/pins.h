/*
 * Pins: which window each cursor uses.
 *
 * A cursor publishes the address of its window in a word of its own, and no count of
 * users is kept anywhere. Who wants to unmap a window first makes sure that nobody can
 * find it any more, then executes the heavy fence, and then looks through all words
 * (hazard pointers; Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free
 * Objects", IEEE TPDS 15(6), 2004; the asymmetric fence as in Folly's).
 *
 * Eight words fill a cache line, and a line belongs to the cursors of one thread. So
 * two threads write to two lines, and looking through the pins of ten thousand cursors
 * is a walk over 80 KiB in order. A cursor that is handed to another thread gets a pin
 * there the next time it misses.
 *
 * Making, dropping and looking are done with the manager's lock held; publishing
 * is its cursor's, without a lock.
 */
#ifndef SMMAP_CORE_PINS_H
#define SMMAP_CORE_PINS_H

#include <apr_errno.h>

#include "core/atomic.h"
#include "smmap/manager.h"

typedef struct smmap__pin_chunk_t smmap__pin_chunk_t;
typedef struct smmap__pin_group_t smmap__pin_group_t;

typedef struct smmap__pin_t {
    smmap__word_t *window; /* points to the address of the window in use; that is 0: none */
    smmap__count_t hits;   /* of the cursor, not yet added to the manager's */
    smmap__count_t bypassed_reads; /* the same for reads that went past the windows */
    smmap__count_t prefetches;
    smmap__pin_group_t *group;
} smmap__pin_t;

/* A zeroed structure is an empty one. */
typedef struct smmap__pins_t {
    smmap__pin_chunk_t *chunks;
    smmap__pin_group_t *open; /* groups with a pin to give */
} smmap__pins_t;

/** A set of addresses that may hold more than was put in: a bit for each hash. */
#define SMMAP__PINS_ALL (~(apr_uint64_t)0)
static inline apr_uint64_t smmap__pins_bit(uintptr_t window)
{
    return (apr_uint64_t)1
           << (((apr_uint64_t)(window >> 12) * APR_UINT64_C(0x9E3779B97F4A7C15)) >> 58);
}

/** A pin that pins nothing, for the calling thread; NULL when memory is out. */
smmap__pin_t *smmap__pin_make(smmap__pins_t *pins);
/** Is it in a line of the calling thread? */
int smmap__pin_is_near(const smmap__pin_t *pin);
/** Give it back; it pins nothing any more. */
void smmap__pin_drop(smmap__pins_t *pins, smmap__pin_t *pin);
/** How many pin this window. */
apr_size_t smmap__pins_on(const smmap__pins_t *pins, const void *window);
/** Does anyone pin this window? */
unsigned char smmap__pins_hold(const smmap__pins_t *pins, const void *window);
/** Call a function with each window that is pinned and in a set. */
void smmap__pins_each(const smmap__pins_t *pins, apr_uint64_t set,
                      void (*call)(void *context, uintptr_t window), void *context);
/** Add what a cursor has counted to a manager's statistics. */
void smmap__pin_count(const smmap__pin_t *pin, smmap_stats_t *stats);
/** The same for all. */
void smmap__pins_count(const smmap__pins_t *pins, smmap_stats_t *stats);
/** Free the chunks. */
void smmap__pins_destroy(smmap__pins_t *pins);

#endif
