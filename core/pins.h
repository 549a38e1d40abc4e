/*
 * Pins: which window each cursor uses, one cache line for each cursor.
 *
 * A cursor publishes the address of its window in its own pin, and no count of
 * users is kept anywhere: two threads that hit one window write to two lines. Who
 * wants to unmap a window first makes sure that nobody can find it any more, then
 * executes the heavy fence, and then looks through all pins (hazard pointers;
 * Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", IEEE
 * TPDS 15(6), 2004; the asymmetric fence as in Folly's).
 *
 * Pins stand side by side in chunks of the manager's, so that looking through ten
 * thousand is a walk over memory in order. Chunks are never given back.
 *
 * Making, dropping and looking are done with the manager's lock held; publishing
 * is its cursor's, without a lock.
 */
#ifndef SMMAP_CORE_PINS_H
#define SMMAP_CORE_PINS_H

#include <apr_errno.h>

#include "core/atomic.h"
#include "smmap/manager.h"

typedef struct smmap__pin_t smmap__pin_t;

struct smmap__pin_t {
    smmap__word_t window; /* the address of the window in use; 0: none */
    smmap__count_t hits;  /* of the cursor, not yet added to the manager's */
    smmap__count_t direct_reads; /* the same for reads that went past the windows */
    smmap__count_t prefetches;
    smmap__pin_t *next; /* among the free ones */
    char padding[SMMAP__LINE - 5 * sizeof(void *)];
};

typedef struct smmap__pin_chunk_t smmap__pin_chunk_t;

/* A zeroed structure is an empty one. */
typedef struct smmap__pins_t {
    smmap__pin_chunk_t *chunks;
    smmap__pin_t *free;
} smmap__pins_t;

/** A pin that pins nothing; NULL when memory is out. */
smmap__pin_t *smmap__pin_make(smmap__pins_t *pins);
/** Give it back; it pins nothing any more. */
void smmap__pin_drop(smmap__pins_t *pins, smmap__pin_t *pin);
/** How many pin this window. */
apr_size_t smmap__pins_on(const smmap__pins_t *pins, const void *window);
/** Call a function with each window that is pinned. */
void smmap__pins_each(const smmap__pins_t *pins, void (*call)(void *context, uintptr_t window),
                      void *context);
/** Add what a cursor has counted to a manager's statistics. */
void smmap__pin_count(const smmap__pin_t *pin, smmap_stats_t *stats);
/** The same for all. */
void smmap__pins_count(const smmap__pins_t *pins, smmap_stats_t *stats);
/** Free the chunks. */
void smmap__pins_destroy(smmap__pins_t *pins);

#endif
