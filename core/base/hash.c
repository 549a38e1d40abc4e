/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash table; see hash.h.
 */
#include "core/base/hash.h"

#include "core/base/memory.h"

enum { FIRST_SIZE = 64 };

apr_status_t smmap__hash_init(smmap__hash_t *hash, apr_uint64_t (*key_of)(smmap__hash_node_t *node))
{
    hash->buckets = smmap__alloc(FIRST_SIZE * sizeof *hash->buckets);
    hash->size = FIRST_SIZE;
    hash->count = 0;
    hash->key_of = key_of;
    return hash->buckets != NULL ? APR_SUCCESS : APR_ENOMEM;
}

void smmap__hash_destroy(smmap__hash_t *hash)
{
    smmap__free(hash->buckets);
}

static void push(smmap__hash_t *hash, smmap__hash_node_t *node)
{
    smmap__hash_node_t **bucket = smmap__hash_bucket(hash, hash->key_of(node));

    node->next = *bucket;
    *bucket = node;
}

static void grow(smmap__hash_t *hash)
{
    smmap__hash_node_t **old = hash->buckets;
    apr_size_t old_size = hash->size;
    smmap__hash_node_t **larger;
    apr_size_t i;

    if (old_size > APR_SIZE_MAX / 4 / sizeof *larger) {
        return;
    }
    larger = smmap__alloc(2 * old_size * sizeof *larger);
    if (larger == NULL) {
        return;
    }
    hash->buckets = larger;
    hash->size = 2 * old_size;
    for (i = 0; i < old_size; i++) {
        smmap__hash_node_t *reversed = NULL;
        smmap__hash_node_t *node;

        /* Twice reversed, a chain keeps its order. */
        while ((node = old[i]) != NULL) {
            old[i] = node->next;
            node->next = reversed;
            reversed = node;
        }
        while ((node = reversed) != NULL) {
            reversed = node->next;
            push(hash, node);
        }
    }
    smmap__free(old);
}

void smmap__hash_insert(smmap__hash_t *hash, smmap__hash_node_t *node)
{
    if (hash->count >= hash->size) {
        grow(hash);
    }
    push(hash, node);
    hash->count++;
}

void smmap__hash_remove(smmap__hash_t *hash, smmap__hash_node_t *node)
{
    smmap__hash_node_t **link = smmap__hash_bucket(hash, hash->key_of(node));

    while (*link != node) {
        link = &(*link)->next;
    }
    *link = node->next;
    hash->count--;
}
