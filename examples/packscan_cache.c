/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects in memory, and the cache of delta bases.
 *
 * Blobs are reference-counted, so an object in use may be evicted from the cache meanwhile. The
 * cache is a hash by rank and a list by last use; its limit covers the objects and their
 * overhead. An object larger than a quarter of the limit is not cached: it would evict
 * everything else.
 */
#include "packscan.h"

#include <stddef.h>
#include <stdlib.h>

packscan_blob_t *packscan_blob_make(apr_size_t size)
{
    packscan_blob_t *blob;

    if (size > ~(apr_size_t)0 - sizeof(*blob))
        return NULL;
    blob = malloc(sizeof(*blob) + size);
    if (blob != NULL) {
        blob->size = size;
        blob->users = 1;
    }
    return blob;
}

void packscan_blob_drop(packscan_blob_t *blob)
{
    if (blob != NULL && --blob->users == 0)
        free(blob);
}

/* Memory for a blob in the cache: its bytes, its node, and an estimate for the hash entry. */
static apr_size_t cost(const packscan_blob_t *blob)
{
    return sizeof(*blob) + blob->size + sizeof(packscan_node_t) + 6 * sizeof(void *);
}

static void unlink_node(packscan_cache_t *cache, packscan_node_t *node)
{
    if (node->newer != NULL)
        node->newer->older = node->older;
    else
        cache->newest = node->older;
    if (node->older != NULL)
        node->older->newer = node->newer;
    else
        cache->oldest = node->newer;
}

static void link_newest(packscan_cache_t *cache, packscan_node_t *node)
{
    node->newer = NULL;
    node->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = node;
    else
        cache->oldest = node;
    cache->newest = node;
}

static void drop_oldest(packscan_cache_t *cache)
{
    packscan_node_t *node = cache->oldest;

    unlink_node(cache, node);
    apr_hash_set(cache->nodes, &node->rank, sizeof(node->rank), NULL);
    cache->bytes -= cost(node->blob);
    packscan_blob_drop(node->blob);
    free(node);
}

void packscan_cache_init(packscan_cache_t *cache, apr_size_t max_bytes, apr_pool_t *pool)
{
    cache->nodes = apr_hash_make(pool);
    cache->newest = NULL;
    cache->oldest = NULL;
    cache->bytes = 0;
    cache->peak_bytes = 0;
    cache->max_bytes = max_bytes;
    cache->hits = 0;
    cache->misses = 0;
}

packscan_blob_t *packscan_cache_get(packscan_cache_t *cache, apr_uint32_t rank)
{
    packscan_node_t *node = apr_hash_get(cache->nodes, &rank, sizeof(rank));

    if (node == NULL) {
        cache->misses++;
        return NULL;
    }
    cache->hits++;
    unlink_node(cache, node);
    link_newest(cache, node);
    node->blob->users++;
    return node->blob;
}

void packscan_cache_put(packscan_cache_t *cache, apr_uint32_t rank, packscan_blob_t *blob)
{
    packscan_node_t *node;

    if (cost(blob) > cache->max_bytes / 4 ||
        apr_hash_get(cache->nodes, &rank, sizeof(rank)) != NULL)
        return;
    node = malloc(sizeof(*node));
    if (node == NULL) /* not cached, which is no error */
        return;
    while (cache->bytes + cost(blob) > cache->max_bytes)
        drop_oldest(cache);
    node->rank = rank;
    node->blob = blob;
    blob->users++;
    link_newest(cache, node);
    apr_hash_set(cache->nodes, &node->rank, sizeof(node->rank), node);
    cache->bytes += cost(blob);
    if (cache->bytes > cache->peak_bytes)
        cache->peak_bytes = cache->bytes;
}

void packscan_cache_clear(packscan_cache_t *cache)
{
    while (cache->oldest != NULL)
        drop_oldest(cache);
}
