/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slot tables: a word for each window, found without a lock.
 *
 * A file has a table of its own for its first windows, made when one of them is touched: of up to
 * 4096 words, or 8192 where more than 64 windows may be mapped, so that it is small beside what the
 * limits allow; one of up to four words, which is what a small file has, or one in static mode,
 * allocates nothing. Of the files that are open at one time 64 have a table of more than 64 words,
 * or one for every 64 windows that the limits allow; who comes later makes do with 64. The windows
 * beyond are in one table of the manager's, for all files: sets of four words with their keys, and
 * four counters of windows that are not mapped, as in a set-associative cache.
 * It has a set for each window that the limits allow (64 to 65,536), and never grows, so a sparse
 * file of 16 TiB that is touched everywhere costs no more than a small one. A window whose set
 * is full has no word; it is then found with the lock alone.
 *
 * A word of the shared table is its window's while the window is mapped. A reader that goes by
 * what it found in a word asks smmap__slots_holds() while it knows that the word does not
 * change hands, which is while it pins what stands there; see smmap__move_lockless().
 *
 * The words of a large file are too many for the processor's caches, so a file's own table ends in
 * a bit for each word: 0 where the window was, a moment ago, not mapped, and not to be mapped the
 * next time either. A reader that finds 0 need not wait for the word.
 *
 * Any thread may find and count at any time; all else needs the manager's lock.
 */
#ifndef SMMAP_CORE_BASE_SLOTS_H
#define SMMAP_CORE_BASE_SLOTS_H

#include <stddef.h>

#include <apr_errno.h>

#include "core/base/atomic.h"

/** Bits of a word. */
enum { SMMAP__WORD_BITS = 8 * sizeof(uintptr_t) };

typedef struct smmap__shared_set_t smmap__shared_set_t;

/** The shared table. */
typedef struct smmap__shared_t {
    smmap__word_t sets; /* the address of the first; 0: not made yet */
    apr_size_t count;   /* of sets: a power of two */
    smmap__count_t large; /* files with a table of more than 64 words */
} smmap__shared_t;

/** The table of a file. */
typedef struct smmap__slots_t {
    smmap__word_t first;     /* the first words; 0: not made yet */
    smmap__word_t own[4];    /* they, in a table that is no larger */
    apr_size_t count;        /* of them */
    smmap__shared_t *shared; /* where the others are */
    apr_uint64_t owner;      /* what tells this file from others there; not 0 */
} smmap__slots_t;

/** Make the shared table for so many windows that are mapped at one time; it allocates nothing
    yet. */
void smmap__shared_init(smmap__shared_t *shared, apr_size_t windows);
/** Free it. Nobody may be reading it. */
void smmap__shared_destroy(smmap__shared_t *shared);

/** Make an empty table for `count` words. Cannot fail. With 0 or 1 there never are more. */
void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count, smmap__shared_t *shared);
/** Free the table. Nobody may be reading it, and none of its windows may be mapped. */
void smmap__slots_destroy(smmap__slots_t *slots);

/** Make sure that there can be a word at this index. APR_ENOMEM; APR_EINVAL: there never is. */
apr_status_t smmap__slots_prepare(smmap__slots_t *slots, apr_uint64_t index);
/** The word for a window that is mapped now, at an index that was prepared; it is 0. NULL: there
    is none left. */
smmap__word_t *smmap__slots_take(smmap__slots_t *slots, apr_uint64_t index);
/** The window is mapped no more; the word is 0. */
void smmap__slots_leave(const smmap__slots_t *slots, smmap__word_t *word, apr_uint64_t index);

/** smmap__slots_find() for an index that is not among the first. */
smmap__word_t *smmap__slots_find_shared(const smmap__slots_t *slots, apr_uint64_t index);
/** smmap__slots_holds(), in the same manner. */
int smmap__slots_holds_shared(const smmap__slots_t *slots, const smmap__word_t *word,
                              apr_uint64_t index);

static inline int smmap__slots_is_first(const smmap__slots_t *slots, apr_uint64_t index)
{
    return index < slots->count;
}

/** The word at an index; NULL when there is none. */
static inline smmap__word_t *smmap__slots_find(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__word_t *first;

    if (!smmap__slots_is_first(slots, index)) {
        return smmap__slots_find_shared(slots, index);
    }
    first = (smmap__word_t *)smmap__load(&slots->first);
    return first != NULL ? first + index : NULL;
}

/** The word of bits that has that of an index, in a table of its own. */
static inline smmap__word_t *smmap__slots_hot(const smmap__slots_t *slots, smmap__word_t *first,
                                              apr_uint64_t index)
{
    return first + slots->count + index / SMMAP__WORD_BITS;
}

/** Says the bit of an index that its word need not be looked at? */
static inline int smmap__slots_is_cold(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__word_t *first = (smmap__word_t *)smmap__load(&slots->first);

    return first != NULL && first != slots->own && smmap__slots_is_first(slots, index) &&
           !(smmap__load(smmap__slots_hot(slots, first, index)) >> index % SMMAP__WORD_BITS & 1);
}

/** Was smmap__slots_prepare() called for an index? */
static inline int smmap__slots_is_prepared(const smmap__slots_t *slots, apr_uint64_t index)
{
    return smmap__load(smmap__slots_is_first(slots, index) ? &slots->first
                                                           : &slots->shared->sets) != 0;
}

/** Is a word that was found at this index still the one there? */
static inline int smmap__slots_holds(const smmap__slots_t *slots, const smmap__word_t *word,
                                     apr_uint64_t index)
{
    return smmap__slots_is_first(slots, index) || smmap__slots_holds_shared(slots, word, index);
}

/**
 * Count a use of a window that is not mapped, at an index that was prepared.
 *
 * The counters of the first windows are in the low bits of their words. Of the others each set
 * counts those that are used most: a window that has no counter takes the least one of its set
 * down, and takes it over when it was 0 (a set is a Misra-Gries summary: "Finding Repeated
 * Elements", Sci. Comput. Program. 2(2), 1982, but that one counter goes down in place of all).
 * So a count is at most the number of uses since it was last 0, and may be less.
 *
 * @param most (in) it counts up to this, below 2048. A count that is higher, as it was more before,
 *        begins anew, with what is beyond: otherwise all of them would be at the end at once.
 * @return how often it was used before; `most` when it was that, and is not counted.
 */
unsigned smmap__slots_count(const smmap__slots_t *slots, apr_uint64_t index, unsigned most);
/** Begin the count anew. */
void smmap__slots_uncount(const smmap__slots_t *slots, apr_uint64_t index);

#endif
