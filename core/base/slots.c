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

/* A first table has 8192 words at most, a set four ways. */
enum { BITS_MOST = 13, WAYS = 4, SETS_LEAST = 64, SETS_MOST = 1 << 16 };

/* In a counter: the count, below its window's tag. */
enum { COUNT_BITS = 12, COUNT_MASK = (1 << COUNT_BITS) - 1 };

/* In a word of the first ones the lowest bit is another's. */
enum { FIRST_SHIFT = 1, FIRST_FLAGS = COUNT_MASK };

/* Whose word it is. */
typedef struct window_key_t {
    smmap__offset_t owner; /* 0: nobody's */
    smmap__offset_t index;
} window_key_t;

/* What a window that is not mapped needs stands in the first line, where words are 0 mostly. */
struct smmap__shared_set_t {
    smmap__word_t words[WAYS];
    smmap__word_t counters[WAYS];
    window_key_t keys[WAYS];
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
    smmap__free((void *)smmap__load(&shared->memory));
}

void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count, smmap__shared_t *shared)
{
    memset(slots, 0, sizeof *slots);
    slots->shared = shared;
    if (count <= 1) {
        smmap__store(&slots->first, (uintptr_t)&slots->only);
        return;
    }
    while (slots->bits < BITS_MOST && (count >> slots->bits) != 0) {
        slots->bits++;
    }
}

void smmap__slots_destroy(smmap__slots_t *slots)
{
    if (slots->bits != 0) {
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
        return make(&slots->first, sizeof(smmap__word_t) << slots->bits);
    }
    return slots->bits == 0
               ? APR_EINVAL
               : make(&slots->shared->memory,
                      slots->shared->count * sizeof(smmap__shared_set_t) + SMMAP__LINE - 1);
}

/* Spread over the sets by the upper half of 64 bits that no other window has. */
static apr_uint64_t bits_of(const smmap__slots_t *slots, apr_uint64_t index)
{
    return smmap__hash_bits(index ^ smmap__hash_bits(slots->owner));
}

/* The first set; NULL: there are none. */
static smmap__shared_set_t *sets_of(const smmap__shared_t *shared)
{
    uintptr_t memory = smmap__load(&shared->memory);

    return (smmap__shared_set_t *)((memory + SMMAP__LINE - 1) & ~(uintptr_t)(SMMAP__LINE - 1));
}

/* The set of those bits. */
static smmap__shared_set_t *set_of(const smmap__slots_t *slots, apr_uint64_t bits)
{
    smmap__shared_set_t *sets = sets_of(slots->shared);

    return sets != NULL ? sets + (bits >> 32 & (slots->shared->count - 1)) : NULL;
}

/* The key of a word. */
static window_key_t *key_of(const smmap__slots_t *slots, const smmap__word_t *word)
{
    smmap__shared_set_t *sets = sets_of(slots->shared);
    smmap__shared_set_t *set = sets + ((uintptr_t)word - (uintptr_t)sets) / sizeof(*sets);

    return &set->keys[word - set->words];
}

static int is_for(const window_key_t *key, const smmap__slots_t *slots, apr_uint64_t index)
{
    return smmap__offset_load(&key->owner) == (apr_off_t)slots->owner &&
           smmap__offset_load(&key->index) == (apr_off_t)index;
}

smmap__word_t *smmap__slots_find_shared(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__shared_set_t *set = set_of(slots, bits_of(slots, index));
    int i;

    for (i = 0; set != NULL && i < WAYS; i++) {
        if (smmap__load(&set->words[i]) != 0 && is_for(&set->keys[i], slots, index)) {
            return &set->words[i];
        }
    }
    return NULL;
}

int smmap__slots_holds_shared(const smmap__slots_t *slots, const smmap__word_t *word,
                              apr_uint64_t index)
{
    return is_for(key_of(slots, word), slots, index);
}

smmap__word_t *smmap__slots_take(smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__shared_set_t *set;
    int i;

    smmap__slots_uncount(slots, index);
    if (smmap__slots_is_first(slots, index)) {
        return (smmap__word_t *)smmap__load(&slots->first) + index;
    }
    set = set_of(slots, bits_of(slots, index));
    for (i = 0; i < WAYS; i++) {
        window_key_t *key = &set->keys[i];

        if (smmap__offset_load(&key->owner) == 0) {
            smmap__offset_store(&key->index, (apr_off_t)index);
            smmap__offset_store(&key->owner, (apr_off_t)slots->owner);
            return &set->words[i];
        }
    }
    return NULL;
}

void smmap__slots_leave(const smmap__slots_t *slots, smmap__word_t *word, apr_uint64_t index)
{
    if (!smmap__slots_is_first(slots, index)) {
        smmap__offset_store(&key_of(slots, word)->owner, 0);
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

static uintptr_t tag_of(apr_uint64_t bits)
{
    return (uintptr_t)(bits << COUNT_BITS);
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
    apr_uint64_t bits = bits_of(slots, index);
    uintptr_t tag = tag_of(bits);
    smmap__word_t *counter = counter_of(set_of(slots, bits), tag);
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

    if (!smmap__slots_is_first(slots, index)) {
        return count_shared(slots, index, most);
    }
    first = (smmap__word_t *)smmap__load(&slots->first) + index;
    word = smmap__load(first);
    return word > FIRST_FLAGS ? most /* it is mapped by now */
                              : count_word(first, word, FIRST_SHIFT, most);
}

void smmap__slots_uncount(const smmap__slots_t *slots, apr_uint64_t index)
{
    uintptr_t word;

    if (smmap__slots_is_first(slots, index)) {
        smmap__word_t *first = (smmap__word_t *)smmap__load(&slots->first) + index;

        word = smmap__load(first);
        if (word <= FIRST_FLAGS) {
            smmap__replace(first, word, 0);
        }
    } else {
        apr_uint64_t bits = bits_of(slots, index);
        uintptr_t tag = tag_of(bits);
        smmap__word_t *counter = counter_of(set_of(slots, bits), tag);

        word = smmap__load(counter);
        if ((word & ~(uintptr_t)COUNT_MASK) == tag) {
            smmap__replace(counter, word, tag);
        }
    }
}
