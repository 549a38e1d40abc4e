/*
 * The slot table; see slots.h for what it is and why it has two levels.
 *
 * Invariant: an index whose leaf exists was prepared, and stays so. A failed
 * prepare leaves the table as it was, or with a larger root, which is harmless.
 */
#include "core/slots.h"

#include <string.h>

#include "core/memory.h"

enum { LEAF_BITS_LEAST = 6, LEAF_BITS_MOST = 12 };

void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count)
{
    unsigned bits = 0;

    memset(slots, 0, sizeof *slots);
    if (count <= 1) {
        return;
    }
    while (bits < 64 && (count >> bits) != 0) {
        bits++;
    }
    bits /= 2;
    if (bits < LEAF_BITS_LEAST) {
        bits = LEAF_BITS_LEAST;
    }
    slots->leaf_bits = bits < LEAF_BITS_MOST ? bits : LEAF_BITS_MOST;
}

void smmap__slots_destroy(smmap__slots_t *slots)
{
    apr_size_t i;

    for (i = 0; i < slots->root_count; i++) {
        smmap__free(slots->root[i]);
    }
    smmap__free(slots->root);
    memset(slots, 0, sizeof *slots);
}

/* The leaf that holds an index, or NULL. */
static void **leaf_of(const smmap__slots_t *slots, apr_uint64_t index)
{
    apr_uint64_t number = index >> slots->leaf_bits;

    return number < slots->root_count ? slots->root[number] : NULL;
}

static apr_size_t place_in_leaf(const smmap__slots_t *slots, apr_uint64_t index)
{
    return (apr_size_t)(index & (((apr_uint64_t)1 << slots->leaf_bits) - 1));
}

void *smmap__slots_get(const smmap__slots_t *slots, apr_uint64_t index)
{
    void **leaf;

    if (slots->leaf_bits == 0) {
        return index == 0 ? slots->only : NULL;
    }
    leaf = leaf_of(slots, index);
    return leaf != NULL ? leaf[place_in_leaf(slots, index)] : NULL;
}

/* Let the root hold `number`: at least twice as large as before, so that growing
   step by step stays linear. */
static apr_status_t root_grow(smmap__slots_t *slots, apr_uint64_t number)
{
    const apr_size_t most = APR_SIZE_MAX / sizeof(void **) / 2;
    apr_size_t count;
    void ***root;

    if (number < slots->root_count) {
        return APR_SUCCESS;
    }
    if (number >= most) {
        return APR_ENOMEM;
    }
    count = (apr_size_t)number + 1;
    if (count < 2 * slots->root_count) {
        count = 2 * slots->root_count;
    }
    root = smmap__alloc(count * sizeof *root);
    if (root == NULL) {
        return APR_ENOMEM;
    }
    if (slots->root_count != 0) {
        memcpy(root, slots->root, slots->root_count * sizeof *root);
    }
    smmap__free(slots->root);
    slots->root = root;
    slots->root_count = count;
    return APR_SUCCESS;
}

apr_status_t smmap__slots_prepare(smmap__slots_t *slots, apr_uint64_t index)
{
    apr_uint64_t number = index >> slots->leaf_bits;
    apr_status_t status;

    if (slots->leaf_bits == 0) {
        return index == 0 ? APR_SUCCESS : APR_EINVAL;
    }
    status = root_grow(slots, number);
    if (status != APR_SUCCESS || slots->root[number] != NULL) {
        return status;
    }
    slots->root[number] = smmap__alloc(sizeof(void *) << slots->leaf_bits);
    return slots->root[number] != NULL ? APR_SUCCESS : APR_ENOMEM;
}

void smmap__slots_set(smmap__slots_t *slots, apr_uint64_t index, void *value)
{
    if (slots->leaf_bits == 0) {
        slots->only = value;
    } else {
        leaf_of(slots, index)[place_in_leaf(slots, index)] = value;
    }
}
