/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eviction policies that the library is compared with, as simple as possible: they decide
 * what the library's own choice is worth.
 *
 * LRU and Belady's policy both evict the window with the largest key, which each reference
 * gives its window anew: how long ago it was, or when the next one is. The keys are in a
 * heap. An entry is valid while its key is the last one of its window; others are left
 * behind, and dropped when they come to the top.
 */
#include "bench/core/policy.h"

#define NEVER 0xffffffffu

typedef struct entry_t {
    apr_uint32_t key;
    apr_uint32_t window;
} entry_t;

static void heap_push(entry_t *heap, apr_uint32_t *count, entry_t entry)
{
    apr_uint32_t at = (*count)++;

    while (at > 0 && heap[(at - 1) / 2].key < entry.key) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = entry;
}

static entry_t heap_pop(entry_t *heap, apr_uint32_t *count)
{
    entry_t top = heap[0];
    entry_t last = heap[--(*count)];
    apr_uint32_t at = 0;

    for (;;) {
        apr_uint32_t child = 2 * at + 1;

        if (child >= *count) {
            break;
        }
        if (child + 1 < *count && heap[child + 1].key > heap[child].key) {
            child++;
        }
        if (heap[child].key <= last.key) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

/* The misses when the largest key is evicted; keys: one for each reference. */
static apr_uint64_t evict_largest(const policy_list_t *list, const apr_uint32_t *keys,
                                  apr_uint32_t room, apr_pool_t *pool)
{
    entry_t *heap = apr_palloc(pool, ((apr_size_t)list->count + 1) * sizeof(*heap));
    apr_uint32_t *latest = apr_palloc(pool, list->windows * sizeof(*latest));
    unsigned char *in = apr_pcalloc(pool, list->windows);
    apr_uint32_t heap_count = 0;
    apr_uint32_t length = 0;
    apr_uint64_t misses = 0;
    apr_uint32_t i;

    for (i = 0; i < list->count; i++) {
        entry_t entry = {keys[i], list->references[i]};

        latest[entry.window] = entry.key;
        if (!in[entry.window]) {
            misses++;
            while (length == room) {
                entry_t top = heap_pop(heap, &heap_count);

                if (in[top.window] && latest[top.window] == top.key) {
                    in[top.window] = 0;
                    length--;
                }
            }
            in[entry.window] = 1;
            length++;
        }
        heap_push(heap, &heap_count, entry);
    }
    return misses;
}

apr_uint64_t policy_lru(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool)
{
    apr_uint32_t *keys = apr_palloc(pool, ((apr_size_t)list->count + 1) * sizeof(*keys));
    apr_uint32_t i;

    for (i = 0; i < list->count; i++) {
        keys[i] = list->count - i;
    }
    return evict_largest(list, keys, room, pool);
}

apr_uint64_t policy_belady(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool)
{
    apr_uint32_t *keys = apr_palloc(pool, ((apr_size_t)list->count + 1) * sizeof(*keys));
    apr_uint32_t *needed = apr_palloc(pool, list->windows * sizeof(*needed));
    apr_uint32_t i;

    for (i = 0; i < list->windows; i++) {
        needed[i] = NEVER;
    }
    for (i = list->count; i-- > 0;) {
        keys[i] = needed[list->references[i]];
        needed[list->references[i]] = i;
    }
    return evict_largest(list, keys, room, pool);
}

apr_uint64_t policy_clock(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool)
{
    apr_uint32_t *ring = apr_palloc(pool, room * sizeof(*ring));
    unsigned char *used = apr_pcalloc(pool, list->windows);
    unsigned char *in = apr_pcalloc(pool, list->windows);
    apr_uint64_t misses = 0;
    apr_uint32_t length = 0;
    apr_uint32_t hand = 0;
    apr_uint32_t i;

    for (i = 0; i < list->count; i++) {
        apr_uint32_t window = list->references[i];

        if (in[window]) {
            used[window] = 1;
            continue;
        }
        misses++;
        in[window] = 1;
        if (length < room) {
            ring[length++] = window;
            continue;
        }
        while (used[ring[hand]]) {
            used[ring[hand]] = 0;
            hand = (hand + 1) % room;
        }
        in[ring[hand]] = 0;
        ring[hand] = window;
        hand = (hand + 1) % room;
    }
    return misses;
}
