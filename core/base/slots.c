/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slot tables; see slots.h.
 *
 * Invariants: the words of a file's first windows stay where they are until the file goes, the
 * sets until the manager does. A word of a set is not 0 only while its owner is not; owner and
 * index change with the manager's lock held, while the word is 0.
 */
#include "core/base/slots.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"

/* A first table has 4096 words at most, or twice as many where more than SETS_LEAST windows may be
   mapped; a set has four ways. */
enum { FIRST_MOST = 4096, WAYS = 4, SETS_LEAST = 64, SETS_MOST = 1 << 16 };

/* Larger tables are few, and one for so many windows. */
enum { LARGE = 64, LARGE_LEAST = 64, WINDOWS_FOR_ONE = 64 };

/* In a counter: the count, below its window's tag. */
enum { COUNT_BITS = 12, COUNT_MASK = (1 << COUNT_BITS) - 1 };

/* In a word of the first ones the lowest bit is another's. */
enum { FIRST_SHIFT = 1, FIRST_FLAGS = COUNT_MASK };

typedef struct shared_slot_t {
    smmap__word_t word;    /* first, so that it is found by it */
    smmap__offset_t owner; /* 0: the slot is free */
    smmap__offset_t index;
} shared_slot_t;

struct smmap__shared_set_t {
    shared_slot_t slots[WAYS];
    smmap__word_t counters[WAYS];
};

void smmap__shared_init(smmap__shared_t *shared, apr_size_t windows)
{
    shared->count = SETS_LEAST;
    while (shared->count < windows && shared->count < SETS_MOST) {
        shared->count *= 2;
    }
}

void smmap__shared_destroy(smmap__shared_t *shared)
{
    smmap__free((void *)smmap__load(&shared->sets));
}

/* The words that have a bit for each of so many. */
static apr_size_t words_of_bits(apr_size_t count)
{
    return (count + SMMAP__WORD_BITS - 1) / SMMAP__WORD_BITS;
}

void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count, smmap__shared_t *shared)
{
    const apr_size_t most = shared->count > SETS_LEAST ? 2 * FIRST_MOST : FIRST_MOST;

    memset(slots, 0, sizeof *slots);
    slots->shared = shared;
    slots->count = 1;
    while (count > 1 && slots->count < most && slots->count <= count) {
        slots->count *= 2;
    }
    if (slots->count > LARGE) {
        const apr_size_t windows = shared->count;

        smmap__count_raise(&shared->large);
        if (smmap__count_load(&shared->large) >
            (windows > LARGE_LEAST * WINDOWS_FOR_ONE ? windows / WINDOWS_FOR_ONE : LARGE_LEAST)) {
            smmap__count_lower(&shared->large);
            slots->count = LARGE;
        }
    }
    if (slots->count <= sizeof slots->own / sizeof slots->own[0]) {
        smmap__store(&slots->first, (uintptr_t)slots->own);
    } else {
        slots->count -= words_of_bits(slots->count);
    }
}

void smmap__slots_destroy(smmap__slots_t *slots)
{
    if (slots->count > LARGE) {
        smmap__count_lower(&slots->shared->large);
    }
    if (smmap__load(&slots->first) != (uintptr_t)slots->own) {
        smmap__free((void *)smmap__load(&slots->first));
    }
    memset(slots, 0, sizeof *slots);
}

/* See that a word points to memory. */
static apr_status_t make(smmap__word_t *word, apr_size_t size)
{
    void *memory;

    if (smmap__load(word) != 0) {
        return APR_SUCCESS;
    }
    memory = smmap__alloc(size);
    if (memory == NULL) {
        return APR_ENOMEM;
    }
    smmap__store(word, (uintptr_t)memory);
    return APR_SUCCESS;
}

apr_status_t smmap__slots_prepare(smmap__slots_t *slots, apr_uint64_t index)
{
    if (smmap__slots_is_first(slots, index)) {
        return make(&slots->first,
                    (slots->count + words_of_bits(slots->count)) * sizeof(smmap__word_t));
    }
    return slots->count == 1
               ? APR_EINVAL
               : make(&slots->shared->sets, slots->shared->count * sizeof(smmap__shared_set_t));
}

/* Spread over the sets by the upper half of 64 bits that no other window has. */
static apr_uint64_t bits_of(const smmap__slots_t *slots, apr_uint64_t index)
{
    return smmap__hash_bits(index ^ smmap__hash_bits(slots->owner));
}

/* The set for an index; NULL: there are none. */
static smmap__shared_set_t *set_of(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__shared_set_t *sets = (smmap__shared_set_t *)smmap__load(&slots->shared->sets);

    return sets != NULL ? sets + (bits_of(slots, index) >> 32 & (slots->shared->count - 1)) : NULL;
}

static shared_slot_t *slot_of(const smmap__word_t *word)
{
    return (shared_slot_t *)(uintptr_t)word;
}

static int is_for(const shared_slot_t *slot, const smmap__slots_t *slots, apr_uint64_t index)
{
    return smmap__offset_load(&slot->owner) == (apr_off_t)slots->owner &&
           smmap__offset_load(&slot->index) == (apr_off_t)index;
}

smmap__word_t *smmap__slots_find_shared(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__shared_set_t *set = set_of(slots, index);
    int i;

    for (i = 0; set != NULL && i < WAYS; i++) {
        if (is_for(&set->slots[i], slots, index)) {
            return &set->slots[i].word;
        }
    }
    return NULL;
}

int smmap__slots_holds_shared(const smmap__slots_t *slots, const smmap__word_t *word,
                              apr_uint64_t index)
{
    return is_for(slot_of(word), slots, index);
}

/* Set or clear the bit of a window: see slots.h. A bit that another thread sets for a count that is
   just being cleared costs some waits, and no more. */
static void set_hot(const smmap__slots_t *slots, apr_uint64_t index, int is_hot)
{
    smmap__word_t *first = (smmap__word_t *)smmap__load(&slots->first);
    const uintptr_t bit = (uintptr_t)1 << index % SMMAP__WORD_BITS;
    smmap__word_t *bits;
    uintptr_t old;
    uintptr_t word;

    if (first == slots->own) {
        return;
    }
    bits = smmap__slots_hot(slots, first, index);
    do {
        old = smmap__load(bits);
        word = is_hot ? old | bit : old & ~bit;
    } while (word != old && !smmap__replace(bits, old, word));
}

smmap__word_t *smmap__slots_take(smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__shared_set_t *set;
    int i;

    smmap__slots_uncount(slots, index);
    if (smmap__slots_is_first(slots, index)) {
        set_hot(slots, index, 1);
        return (smmap__word_t *)smmap__load(&slots->first) + index;
    }
    set = set_of(slots, index);
    for (i = 0; i < WAYS; i++) {
        shared_slot_t *slot = &set->slots[i];

        if (smmap__offset_load(&slot->owner) == 0) {
            smmap__offset_store(&slot->index, (apr_off_t)index);
            smmap__offset_store(&slot->owner, (apr_off_t)slots->owner);
            return &slot->word;
        }
    }
    return NULL;
}

void smmap__slots_leave(const smmap__slots_t *slots, smmap__word_t *word, apr_uint64_t index)
{
    if (smmap__slots_is_first(slots, index)) {
        set_hot(slots, index, 0);
    } else {
        smmap__offset_store(&slot_of(word)->owner, 0);
    }
}

/* The counter of a window, or the one that it would have: the least of its set. */
static smmap__word_t *counter_of(smmap__shared_set_t *set, uintptr_t tag)
{
    smmap__word_t *least = &set->counters[0];
    int i;

    for (i = 0; i < WAYS; i++) {
        uintptr_t word = smmap__load(&set->counters[i]);

        if ((word & ~(uintptr_t)COUNT_MASK) == tag) {
            return &set->counters[i];
        }
        if ((word & COUNT_MASK) < (smmap__load(least) & COUNT_MASK)) {
            least = &set->counters[i];
        }
    }
    return least;
}

static uintptr_t tag_of(const smmap__slots_t *slots, apr_uint64_t index)
{
    return (uintptr_t)(bits_of(slots, index) << COUNT_BITS);
}

/* Count in a word whose count begins at a bit. */
static unsigned count_word(smmap__word_t *counter, uintptr_t word, int shift, unsigned most)
{
    unsigned count = (unsigned)(word & COUNT_MASK) >> shift;

    if (count < most) {
        smmap__replace(counter, word, word + ((uintptr_t)1 << shift));
    } else if (count > most) {
        smmap__replace(counter, word, word - ((uintptr_t)most << shift));
        count = 0;
    }
    return count;
}

static unsigned count_shared(const smmap__slots_t *slots, apr_uint64_t index, unsigned most)
{
    smmap__shared_set_t *set = set_of(slots, index);
    uintptr_t tag = tag_of(slots, index);
    smmap__word_t *counter = counter_of(set, tag);
    uintptr_t word = smmap__load(counter);
    unsigned count = (unsigned)(word & COUNT_MASK);

    if ((word & ~(uintptr_t)COUNT_MASK) == tag) {
        return count_word(counter, word, 0, most);
    }
    smmap__replace(counter, word, count > 0 ? word - 1 : tag + 1);
    return 0;
}

unsigned smmap__slots_count(const smmap__slots_t *slots, apr_uint64_t index, unsigned most)
{
    smmap__word_t *first;
    uintptr_t word;
    unsigned count;

    if (!smmap__slots_is_first(slots, index)) {
        return count_shared(slots, index, most);
    }
    first = (smmap__word_t *)smmap__load(&slots->first) + index;
    word = smmap__load(first);
    if (word > FIRST_FLAGS) {
        return most; /* it is mapped by now */
    }
    count = count_word(first, word, FIRST_SHIFT, most);
    if (count + 1 >= most) {
        set_hot(slots, index, 1);
    }
    return count;
}

void smmap__slots_uncount(const smmap__slots_t *slots, apr_uint64_t index)
{
    uintptr_t word;

    if (smmap__slots_is_first(slots, index)) {
        smmap__word_t *first = (smmap__word_t *)smmap__load(&slots->first) + index;

        word = smmap__load(first);
        if (word <= FIRST_FLAGS) {
            smmap__replace(first, word, 0);
            set_hot(slots, index, 0);
        }
    } else {
        uintptr_t tag = tag_of(slots, index);
        smmap__word_t *counter = counter_of(set_of(slots, index), tag);

        word = smmap__load(counter);
        if ((word & ~(uintptr_t)COUNT_MASK) == tag) {
            smmap__replace(counter, word, tag);
        }
    }
}
