/*
 * The slot table: a word for each window of a file, found without a lock.
 *
 * A tree, so that a sparse file of 16 TiB costs what its touched parts need: leaves of
 * up to 4096 words, branches of 512 leaves, and a root, each made when a word in it is.
 * The first leaf is found without the others, which is all that a file of up to 4096
 * windows needs. The root grows with the highest window touched; an old root is kept
 * until the table goes, as somebody may be reading it. A table of one word, which is
 * what a file in static mode has, allocates nothing.
 *
 * Any thread may read at any time; preparing needs the manager's lock.
 */
#ifndef SMMAP_CORE_BASE_SLOTS_H
#define SMMAP_CORE_BASE_SLOTS_H

#include <apr_errno.h>

#include "core/base/atomic.h"

/** Branches by number; the words stand behind the structure. */
typedef struct smmap__root_t {
    struct smmap__root_t *older; /* the one this one replaced */
    apr_size_t count;
    smmap__word_t branches[1];
} smmap__root_t;

typedef struct smmap__slots_t {
    smmap__word_t first; /* leaf 0; 0: not made yet */
    smmap__word_t root;  /* of the other leaves; 0: none */
    smmap__word_t only;  /* leaf 0 of a table with one word */
    unsigned leaf_bits;  /* log2 of the words in a leaf */
} smmap__slots_t;

/** Make an empty table for `count` words; it may come to hold more. Cannot fail. */
void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count);

/** Free the table. Nobody may be reading it. */
void smmap__slots_destroy(smmap__slots_t *slots);

/** Make sure that there is a word at this index. APR_ENOMEM. */
apr_status_t smmap__slots_prepare(smmap__slots_t *slots, apr_uint64_t index);

/** A word of a leaf that is not the first. */
smmap__word_t *smmap__slots_find_far(const smmap__slots_t *slots, apr_uint64_t index);

/** The word at an index; NULL when it was never prepared. */
static inline smmap__word_t *smmap__slots_find(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__word_t *leaf;

    if ((index >> slots->leaf_bits) != 0) {
        return smmap__slots_find_far(slots, index);
    }
    leaf = (smmap__word_t *)smmap__load(&slots->first);
    return leaf != NULL ? leaf + index : NULL;
}

#endif
