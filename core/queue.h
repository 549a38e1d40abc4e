/*
 * The eviction queue: all regions that a cursor could still find, in the order
 * in which they were mapped, and a hand that looks for the next victim.
 *
 * The policy is SIEVE (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024): a
 * hit only sets the region's visited bit, so it moves no list. The hand goes from
 * the oldest to the newest; a region that was visited since it was looked at last
 * is spared once, the first one that was not is the victim, and the hand stays
 * there for the next time. A window that is read once in a scan goes before one
 * that is read again and again. Pinned regions are passed over, their bit is left.
 *
 * Who calls holds the manager's lock.
 */
#ifndef SMMAP_CORE_QUEUE_H
#define SMMAP_CORE_QUEUE_H

#include <apr.h>

struct smmap__region_t;

/* A zeroed queue is an empty one. */
typedef struct smmap__queue_t {
    struct smmap__region_t *oldest;
    struct smmap__region_t *newest;
    struct smmap__region_t *hand; /* where to look next; NULL: at the oldest */
    apr_size_t length;
    apr_size_t pinned; /* how many of them have clients */
} smmap__queue_t;

/** Add a region that is in no queue, as the newest, not visited. */
void smmap__queue_add(smmap__queue_t *queue, struct smmap__region_t *region);

/** Take a region out. */
void smmap__queue_remove(smmap__queue_t *queue, struct smmap__region_t *region);

/** The next victim, still in the queue; NULL when all are pinned. O(1) amortized. */
struct smmap__region_t *smmap__queue_victim(smmap__queue_t *queue);

#endif
