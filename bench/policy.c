/*
 * Policies of eviction that the library is compared with, written as plainly as can
 * be: they decide what the library's own choice is worth.
 */
#include "bench/policy.h"

#define NONE 0xffffffffu

/* A list through all windows that are in, the most recent first. */
typedef struct lru_t {
    apr_uint32_t *newer;
    apr_uint32_t *older;
    unsigned char *in;
    apr_uint32_t newest;
    apr_uint32_t oldest;
    apr_uint32_t length;
} lru_t;

static void lru_remove(lru_t *lru, apr_uint32_t window)
{
    apr_uint32_t newer = lru->newer[window];
    apr_uint32_t older = lru->older[window];

    if (newer != NONE) {
        lru->older[newer] = older;
    } else {
        lru->newest = older;
    }
    if (older != NONE) {
        lru->newer[older] = newer;
    } else {
        lru->oldest = newer;
    }
    lru->in[window] = 0;
    lru->length--;
}

static void lru_add(lru_t *lru, apr_uint32_t window)
{
    lru->newer[window] = NONE;
    lru->older[window] = lru->newest;
    if (lru->newest != NONE) {
        lru->newer[lru->newest] = window;
    } else {
        lru->oldest = window;
    }
    lru->newest = window;
    lru->in[window] = 1;
    lru->length++;
}

apr_uint64_t policy_lru(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool)
{
    lru_t lru = {apr_palloc(pool, list->windows * sizeof(apr_uint32_t)),
                 apr_palloc(pool, list->windows * sizeof(apr_uint32_t)),
                 apr_pcalloc(pool, list->windows),
                 NONE,
                 NONE,
                 0};
    apr_uint64_t misses = 0;
    apr_uint32_t i;

    for (i = 0; i < list->count; i++) {
        apr_uint32_t window = list->references[i];

        if (lru.in[window]) {
            lru_remove(&lru, window);
        } else {
            misses++;
            if (lru.length == room) {
                lru_remove(&lru, lru.oldest);
            }
        }
        lru_add(&lru, window);
    }
    return misses;
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

/* When a window is needed next; the farthest is on top of the heap. */
typedef struct need_t {
    apr_uint32_t next;
    apr_uint32_t window;
} need_t;

static void heap_push(need_t *heap, apr_uint32_t *count, need_t need)
{
    apr_uint32_t at = (*count)++;

    while (at > 0 && heap[(at - 1) / 2].next < need.next) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = need;
}

static need_t heap_pop(need_t *heap, apr_uint32_t *count)
{
    need_t top = heap[0];
    need_t last = heap[--(*count)];
    apr_uint32_t at = 0;

    for (;;) {
        apr_uint32_t child = 2 * at + 1;

        if (child >= *count) {
            break;
        }
        if (child + 1 < *count && heap[child + 1].next > heap[child].next) {
            child++;
        }
        if (heap[child].next <= last.next) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

apr_uint64_t policy_belady(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool)
{
    /* An entry of the heap is good while it says when its window is needed next; others
       are left behind, and dropped when they come to the top. */
    need_t *heap = apr_palloc(pool, ((apr_size_t)list->count + 1) * sizeof(*heap));
    apr_uint32_t *next = apr_palloc(pool, ((apr_size_t)list->count + 1) * sizeof(*next));
    apr_uint32_t *needed = apr_palloc(pool, list->windows * sizeof(*needed));
    unsigned char *in = apr_pcalloc(pool, list->windows);
    apr_uint32_t heap_count = 0;
    apr_uint32_t length = 0;
    apr_uint64_t misses = 0;
    apr_uint32_t i;

    for (i = 0; i < list->windows; i++) {
        needed[i] = NONE;
    }
    for (i = list->count; i-- > 0;) {
        next[i] = needed[list->references[i]];
        needed[list->references[i]] = i;
    }
    for (i = 0; i < list->count; i++) {
        need_t need = {next[i], list->references[i]};

        needed[need.window] = need.next;
        if (!in[need.window]) {
            misses++;
            while (length == room) {
                need_t top = heap_pop(heap, &heap_count);

                if (in[top.window] && needed[top.window] == top.next) {
                    in[top.window] = 0;
                    length--;
                }
            }
            in[need.window] = 1;
            length++;
        }
        heap_push(heap, &heap_count, need);
    }
    return misses;
}
