/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The eviction queue: all regions that a cursor could still find, in the order in which they
 * were mapped, and a hand that goes round looking for victims.
 *
 * The policy is SIEVE (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024): a hit only
 * sets the region's visited bit, so it moves no list. The hand goes from the oldest to the
 * newest; a region that was visited since the hand passed is kept once, the first one that
 * was not is the victim, and the hand stays behind it for the next time. A window that is
 * read once in a scan goes before one that is read again and again.
 *
 * Invariant: the hand, where it is set, is at a region of the queue.
 */
#include "core/region/region.h"

static smmap__region_t *region_of(smmap__link_t *link)
{
    return link != NULL ? SMMAP__ELEMENT(link, smmap__region_t, link) : NULL;
}

void smmap__queue_init(smmap__queue_t *queue)
{
    smmap__list_init(&queue->regions);
    queue->hand = NULL;
    queue->length = 0;
}

smmap__region_t *smmap__queue_first(const smmap__queue_t *queue)
{
    return region_of(smmap__list_next(&queue->regions, &queue->regions));
}

smmap__region_t *smmap__queue_next(const smmap__queue_t *queue, const smmap__region_t *region)
{
    return region_of(smmap__list_next(&queue->regions, &region->link));
}

void smmap__queue_add(smmap__queue_t *queue, smmap__region_t *region)
{
    smmap__list_append(&queue->regions, &region->link);
    queue->length++;
}

void smmap__queue_remove(smmap__queue_t *queue, smmap__region_t *region)
{
    if (queue->hand == region) {
        queue->hand = smmap__queue_next(queue, region);
    }
    smmap__list_remove(&region->link);
    queue->length--;
}

smmap__region_t *smmap__queue_step(smmap__queue_t *queue)
{
    smmap__region_t *region = queue->hand != NULL ? queue->hand : smmap__queue_first(queue);

    if (region != NULL) {
        queue->hand = smmap__queue_next(queue, region);
    }
    return region;
}
