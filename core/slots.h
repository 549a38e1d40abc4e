/*
 * The slot table: from the number of a window to what is mapped there.
 *
 * Two levels, so that a lookup is two loads, and a sparse file of 16 TiB costs
 * what its touched parts need: leaves are made when a slot in them is. The leaf
 * size is chosen once, near the square root of the number of windows (64 to 4096
 * slots); the root grows with the highest window touched. Nothing shrinks: the
 * table goes when the file goes. A table of one slot, which is what a file in
 * static mode has, allocates nothing.
 *
 * Who calls holds the manager's lock.
 */
#ifndef SMMAP_CORE_SLOTS_H
#define SMMAP_CORE_SLOTS_H

#include <apr.h>
#include <apr_errno.h>

typedef struct smmap__slots_t {
    void ***root;          /* leaves; NULL where no slot was ever set */
    apr_size_t root_count; /* entries in root */
    void *only;            /* the slot of a table with one slot */
    unsigned leaf_bits;    /* log2 of the slots in a leaf; 0: there is one slot */
} smmap__slots_t;

/** Make an empty table for `count` slots; it may come to hold more. Cannot fail. */
void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count);

/** Free the table, not what it points to. */
void smmap__slots_destroy(smmap__slots_t *slots);

/** What was set at an index; NULL for nothing, and for any index never prepared. */
void *smmap__slots_get(const smmap__slots_t *slots, apr_uint64_t index);

/** Make sure that smmap__slots_set() at this index cannot fail. APR_ENOMEM. */
apr_status_t smmap__slots_prepare(smmap__slots_t *slots, apr_uint64_t index);

/** Set a slot that was prepared; NULL empties it. */
void smmap__slots_set(smmap__slots_t *slots, apr_uint64_t index, void *value);

#endif
