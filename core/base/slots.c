/*
 * The slot table; see slots.h for what it is and why it is a tree.
 *
 * Invariant: a word that was prepared stays where it is until the table goes. A
 * failed prepare leaves the table as it was, or with a larger root, which is
 * harmless.
 */
#include "core/base/slots.h"

#include <string.h>

#include "core/base/memory.h"

/* Large leaves are found by their first one; where there are very many windows, most are
   never touched, and smaller leaves waste less. */
enum { LEAF_BITS_MOST = 12, MANY_BITS = 20, LEAF_BITS_OF_MANY = 9, BRANCH_BITS = 9 };

enum { LEAVES_OF_BRANCH = 1 << BRANCH_BITS };

void smmap__slots_init(smmap__slots_t *slots, apr_uint64_t count)
{
    const unsigned most = (count >> MANY_BITS) != 0 ? LEAF_BITS_OF_MANY : LEAF_BITS_MOST;

    memset(slots, 0, sizeof *slots);
    if (count <= 1) {
        smmap__store(&slots->first, (uintptr_t)&slots->only);
        return;
    }
    while (slots->leaf_bits < most && (count >> slots->leaf_bits) != 0) {
        slots->leaf_bits++;
    }
}

static smmap__root_t *root_of(const smmap__slots_t *slots)
{
    return (smmap__root_t *)smmap__load(&slots->root);
}

static void branch_free(const smmap__word_t *branch)
{
    int i;

    for (i = 0; branch != NULL && i < LEAVES_OF_BRANCH; i++) {
        smmap__free((void *)smmap__load(&branch[i]));
    }
    smmap__free((void *)(uintptr_t)branch);
}

void smmap__slots_destroy(smmap__slots_t *slots)
{
    smmap__root_t *root = root_of(slots);
    apr_size_t i;

    for (i = 0; root != NULL && i < root->count; i++) {
        branch_free((smmap__word_t *)smmap__load(&root->branches[i]));
    }
    while (root != NULL) {
        smmap__root_t *older = root->older;

        smmap__free(root);
        root = older;
    }
    if (slots->leaf_bits != 0) {
        smmap__free((void *)smmap__load(&slots->first));
    }
    memset(slots, 0, sizeof *slots);
}

smmap__word_t *smmap__slots_find_far(const smmap__slots_t *slots, apr_uint64_t index)
{
    const smmap__root_t *root = root_of(slots);
    apr_uint64_t number = index >> slots->leaf_bits;
    apr_uint64_t within = index & (((apr_uint64_t)1 << slots->leaf_bits) - 1);
    const smmap__word_t *branch;
    smmap__word_t *leaf;

    if (root == NULL || number >> BRANCH_BITS >= root->count) {
        return NULL;
    }
    branch = (smmap__word_t *)smmap__load(&root->branches[number >> BRANCH_BITS]);
    if (branch == NULL) {
        return NULL;
    }
    leaf = (smmap__word_t *)smmap__load(&branch[number & (LEAVES_OF_BRANCH - 1)]);
    return leaf != NULL ? leaf + within : NULL;
}

/* Let the root hold `number`: at least twice as large as before, so that growing
   step by step stays linear, and all old roots together are no larger than it. */
static apr_status_t root_grow(smmap__slots_t *slots, apr_uint64_t number)
{
    const apr_size_t most = APR_SIZE_MAX / sizeof(smmap__word_t) / 4;
    smmap__root_t *old = root_of(slots);
    smmap__root_t *root;
    apr_size_t count;
    apr_size_t i;

    if (old != NULL && number < old->count) {
        return APR_SUCCESS;
    }
    if (number >= most) {
        return APR_ENOMEM;
    }
    count = (apr_size_t)number + 1;
    if (old != NULL && count < 2 * old->count) {
        count = 2 * old->count;
    }
    root = smmap__alloc(sizeof *root + count * sizeof(smmap__word_t));
    if (root == NULL) {
        return APR_ENOMEM;
    }
    root->older = old;
    root->count = count;
    for (i = 0; old != NULL && i < old->count; i++) {
        smmap__store(&root->branches[i], smmap__load(&old->branches[i]));
    }
    smmap__store(&slots->root, (uintptr_t)root);
    return APR_SUCCESS;
}

/* See that a word points to `count` words. */
static apr_status_t grow(smmap__word_t *word, apr_size_t count)
{
    void *words;

    if (smmap__load(word) != 0) {
        return APR_SUCCESS;
    }
    words = smmap__alloc(count * sizeof(smmap__word_t));
    if (words == NULL) {
        return APR_ENOMEM;
    }
    smmap__store(word, (uintptr_t)words);
    return APR_SUCCESS;
}

apr_status_t smmap__slots_prepare(smmap__slots_t *slots, apr_uint64_t index)
{
    const apr_size_t words = (apr_size_t)1 << slots->leaf_bits;
    apr_uint64_t number = index >> slots->leaf_bits;
    smmap__word_t *branch;
    apr_status_t status;

    if (number == 0) {
        return grow(&slots->first, words);
    }
    if (slots->leaf_bits == 0) {
        return APR_EINVAL;
    }
    status = root_grow(slots, number >> BRANCH_BITS);
    if (status != APR_SUCCESS) {
        return status;
    }
    branch = &root_of(slots)->branches[number >> BRANCH_BITS];
    status = grow(branch, LEAVES_OF_BRANCH);
    if (status != APR_SUCCESS) {
        return status;
    }
    return grow((smmap__word_t *)smmap__load(branch) + (number & (LEAVES_OF_BRANCH - 1)), words);
}
