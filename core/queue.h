/*
 * The eviction queue: all regions that a cursor could still find, in the order
 * in which they were mapped, and a hand that goes round looking for victims.
 *
 * The policy is SIEVE (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024): a
 * hit only sets the region's visited bit, so it moves no list. The hand goes from
 * the oldest to the newest; a region that was visited since it was looked at last
 * is visited once, the first one that was not is the victim, and the hand stays
 * behind it for the next time. A window that is read once in a scan goes before
 * one that is read again and again.
 *
 * This is the list and the hand alone; bits and pins are looked at in limits.c.
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
} smmap__queue_t;

/** Add a region that is in no queue, as the newest. */
void smmap__queue_add(smmap__queue_t *queue, struct smmap__region_t *region);

/** Take a region out. */
void smmap__queue_remove(smmap__queue_t *queue, struct smmap__region_t *region);

/** The region at the hand, which goes on to the next one; NULL: the queue is empty. */
struct smmap__region_t *smmap__queue_step(smmap__queue_t *queue);

#endif
