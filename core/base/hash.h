/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An intrusive hash table: chains through a node in each element, a power of two of
 * buckets, twice as many once there are more elements than buckets.
 *
 * Inserting cannot fail: where there is no memory for a larger table the chains just
 * become longer. That is why this is not apr_hash, which ends the process in the middle
 * of an operation. The caller holds the lock that protects the table, and walks the chain
 * of a key itself: comparing an element with what is looked for is its business.
 */
#ifndef SMMAP_CORE_BASE_HASH_H
#define SMMAP_CORE_BASE_HASH_H

#include <apr_errno.h>

/** A key as bits that are spread, the high ones best: multiplicative hashing by 2^64 / phi (Knuth,
    TAOCP 3, 6.4), as addresses and inodes differ in few bits, and in low ones. */
static inline apr_uint64_t smmap__hash_bits(apr_uint64_t key)
{
    return key * APR_UINT64_C(0x9E3779B97F4A7C15);
}

/** In each element. An element is in one table at most. */
typedef struct smmap__hash_node_t {
    struct smmap__hash_node_t *next;
} smmap__hash_node_t;

typedef struct smmap__hash_t {
    smmap__hash_node_t **buckets;
    apr_size_t size; /* of buckets: a power of two */
    apr_size_t count;
    apr_uint64_t (*key_of)(smmap__hash_node_t *node);
} smmap__hash_t;

/**
 * Make an empty table.
 *
 * @param key_of (in) the key of an element; it must not change while it is in the table.
 * @return APR_SUCCESS; APR_ENOMEM.
 */
apr_status_t smmap__hash_init(smmap__hash_t *hash,
                              apr_uint64_t (*key_of)(smmap__hash_node_t *node));
/** Free the table. The elements are the caller's. */
void smmap__hash_destroy(smmap__hash_t *hash);

/** Where the chain of a key begins. */
static inline smmap__hash_node_t **smmap__hash_bucket(const smmap__hash_t *hash, apr_uint64_t key)
{
    return &hash->buckets[(smmap__hash_bits(key) >> 32) & (hash->size - 1)];
}

/** The first node of the chain that holds the elements with this key, and some with others. */
static inline smmap__hash_node_t *smmap__hash_chain(const smmap__hash_t *hash, apr_uint64_t key)
{
    return *smmap__hash_bucket(hash, key);
}

/** Add an element that is in no table. In its chain it comes before those that are there. */
void smmap__hash_insert(smmap__hash_t *hash, smmap__hash_node_t *node);
/** Take out an element that is in the table. */
void smmap__hash_remove(smmap__hash_t *hash, smmap__hash_node_t *node);

#endif
