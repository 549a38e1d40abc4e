/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pins: which window each cursor uses, and why no window is unmapped while one does.
 *
 * A cursor publishes the address of its window in a word of its own; nobody counts the
 * users of a window. These are hazard pointers (Michael, "Hazard Pointers: Safe Memory
 * Reclamation for Lock-Free Objects", IEEE TPDS 15(6), 2004) with an asymmetric fence
 * (as in Folly). Eight words fill a cache line, and a line belongs to the cursors of one
 * thread, so two threads that hit one window write to two lines, and looking through the
 * pins of ten thousand cursors is a walk over 80 KiB in order.
 *
 * THE PROTOCOL. A window's address stands in a slot, a word that anyone may read.
 *
 *   reader (smmap__pin_acquire)           evictor (smmap__pins_scan), with the lock
 *     R1  word = slot     load, acquire     E1  slot = 0
 *     R2  pin = address   store,            E2  heavy fence
 *         then a light fence                E3  read all pins   load, acquire
 *     R3  slot == word?   load, acquire     E4  nobody pins it: unmap it. Else put the
 *     R4  yes: it is pinned. No: pin = 0,       word back, marked as visited
 *         and take the path with the lock
 *
 * Proof. R2, light fence, R3 and E1, heavy fence, E3 are the store buffering pattern, and
 * the pair of fences forbids that both loads miss the other side's store. So either E3
 * sees the pin, and the window stays, or R3 sees a slot without that address, and nothing
 * was acquired. A slot that changed twice between R1 and R3 does no harm: R3 compares the
 * address, and one that is equal is that of a window which is mapped there now and is this
 * window of this file; E1 of its own eviction is still to come, and will find the pin.
 * Reads of the window come after R3, which acquires, and before the store of 0 that ends
 * the pin, which releases.
 *
 * With the lock a pin may be set in three more ways, as no eviction is between E1 and E4
 * then: a move that looks with the lock pins what it finds, a miss pins the window that it has
 * just mapped before anyone can find it, and a copy of a cursor pins what its source pins.
 *
 * A window that is retired (it can no longer be found, but was pinned when that began) counts
 * its pins, and goes with the last. The scan that follows its retirement sets the flag `retired`
 * of each pin that it finds on such a window, and is made again, with E2, until it finds none
 * without the flag. A cursor stores its new pin, light fence, then loads its flag. The same
 * pattern: a scan that finds a pin there whose flag was set before its E2 can count it, as the
 * cursor will see the flag when it leaves, and take itself off with the lock; and one that was
 * not counted had left. With the lock the flag is cleared, by its cursor alone. (A window that is
 * retired from the start needs no scan: only its cursor, and copies of it, can pin it, and these
 * are counted then.)
 *
 * The light fence costs nothing where the heavy one makes every processor of the process
 * execute a barrier (Linux: membarrier); it then only stops the compiler.
 *
 * Making, dropping and scanning are done with the manager's lock held; publishing is its
 * cursor's, without a lock.
 */
#ifndef SMMAP_CORE_BASE_PINS_H
#define SMMAP_CORE_BASE_PINS_H

#include <apr_errno.h>

#include "core/base/atomic.h"
#include "core/base/hash.h"
#include "core/base/list.h"
#include "smmap/manager.h"

typedef struct smmap__pin_chunk_t smmap__pin_chunk_t;
typedef struct smmap__pin_group_t smmap__pin_group_t;

typedef struct smmap__pin_t {
    smmap__word_t *window; /* points to the address of the window in use; that is 0: none */
    smmap__word_t retired; /* 0, or SMMAP__PIN_FLAGGED: it was found on a retired window, or the
                              address of the retired region that counts it */
    smmap__count_t hits;   /* of the cursor, not yet added to the manager's */
    smmap__count_t bypassed_reads;
    smmap__count_t prefetches;
    smmap__pin_group_t *group;
    smmap__link_t link; /* among the pins of a file: nobody else's pin one of its windows */
} smmap__pin_t;

#define SMMAP__PIN_FLAGGED ((uintptr_t)1)

/** How many lists the groups of all threads are in. */
#define SMMAP__PIN_BUCKETS 64

typedef struct smmap__pins_t {
    smmap__link_t chunks;
    smmap__link_t unused;                   /* groups that no thread has */
    smmap__pin_chunk_t *spare;              /* a chunk whose groups are all unused, or NULL */
    smmap__link_t open[SMMAP__PIN_BUCKETS]; /* a group with a pin to give, of each thread */
} smmap__pins_t;

/**
 * The reader's half (R2, R3): pin the window whose address was found in a slot.
 *
 * @param slot (in) where the address was read.
 * @param word (in) what was read there (R1).
 * @param flags (in) the bits of it that may have changed since.
 * @param asymmetric (in) whether the heavy fence makes light ones free.
 * @return 1: it is pinned. 0: it was just leaving; the pin holds its address all the same, as
 *         the evictor may have seen that: let go of it as of any other window.
 */
static inline int smmap__pin_acquire(const smmap__pin_t *pin, const smmap__word_t *slot,
                                     uintptr_t word, uintptr_t flags, uintptr_t address,
                                     int asymmetric)
{
    smmap__publish(pin->window, address, asymmetric);
    return ((smmap__load(slot) ^ word) & ~flags) == 0;
}

/** A set of windows; it may seem to hold others, too (a Bloom filter of one hash). */
typedef struct smmap__pin_set_t {
    apr_uint64_t bits;
    uintptr_t only; /* the one window in it; 0: there are several */
} smmap__pin_set_t;

/** Called for a pin, with what it pins. */
typedef void smmap__pin_visitor_t(void *context, smmap__pin_t *pin, uintptr_t window);

/** The set of all windows. */
#define SMMAP__PIN_SET_ALL  \
    {                       \
        ~(apr_uint64_t)0, 0 \
    }
/** The empty set. */
#define SMMAP__PIN_SET_NONE \
    {                       \
        0, 0                \
    }

static inline apr_uint64_t smmap__pin_bit(uintptr_t window)
{
    return (apr_uint64_t)1 << (smmap__hash_bits(window >> 12) >> 58);
}

/**
 * The evictor's half (E2, E3): the heavy fence, and then all pins.
 *
 * @param set (in) the windows that were made impossible to find (E1).
 * @param call (in) called for each pin on a window of the set, and perhaps for others.
 */
void smmap__pins_scan(const smmap__pins_t *pins, const smmap__pin_set_t *set,
                      smmap__pin_visitor_t *call, void *context);

/** The same without the fence, for statistics: a pin may be missed. */
void smmap__pins_each(const smmap__pins_t *pins, const smmap__pin_set_t *set,
                      smmap__pin_visitor_t *call, void *context);
/** Add a window to a set that began as SMMAP__PIN_SET_NONE. */
static inline void smmap__pin_set_add(smmap__pin_set_t *set, uintptr_t window)
{
    set->only = set->bits == 0 ? window : 0;
    set->bits |= smmap__pin_bit(window);
}

/** Make an empty set of pins. */
void smmap__pins_init(smmap__pins_t *pins);
/** A pin that pins nothing, for the calling thread, and in a list; NULL when memory is out. */
smmap__pin_t *smmap__pin_make(smmap__pins_t *pins, smmap__link_t *list);
/** Is it in a line of the calling thread? */
int smmap__pin_is_near(const smmap__pin_t *pin);
/** Give it back; it pins nothing any more. */
void smmap__pin_drop(smmap__pins_t *pins, smmap__pin_t *pin);
/** The same of the pins in a list alone. */
void smmap__pins_each_of(const smmap__link_t *list, const smmap__pin_set_t *set,
                         smmap__pin_visitor_t *call, void *context);
/** How many pins of a list are on a window, as far as that is to be seen without a fence. */
apr_size_t smmap__pins_on(const smmap__link_t *list, const void *window);
/** Add what a cursor has counted to a manager's statistics. */
void smmap__pin_count(const smmap__pin_t *pin, smmap_stats_t *stats);
/** The same for all. */
void smmap__pins_count(const smmap__pins_t *pins, smmap_stats_t *stats);
/** Free the chunks. */
void smmap__pins_destroy(smmap__pins_t *pins);

#endif
