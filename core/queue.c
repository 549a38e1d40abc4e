/*
 * The eviction queue; see queue.h for the policy and its source.
 *
 * Invariant: the hand, where it is set, is at a region of the queue.
 */
#include "core/core.h"

void smmap__queue_add(smmap__queue_t *queue, smmap__region_t *region)
{
    region->newer = NULL;
    region->older = queue->newest;
    if (queue->newest != NULL) {
        queue->newest->newer = region;
    } else {
        queue->oldest = region;
    }
    queue->newest = region;
    queue->length++;
}

void smmap__queue_remove(smmap__queue_t *queue, smmap__region_t *region)
{
    if (queue->hand == region) {
        queue->hand = region->newer;
    }
    if (region->older != NULL) {
        region->older->newer = region->newer;
    } else {
        queue->oldest = region->newer;
    }
    if (region->newer != NULL) {
        region->newer->older = region->older;
    } else {
        queue->newest = region->older;
    }
    region->newer = NULL;
    region->older = NULL;
    queue->length--;
}

smmap__region_t *smmap__queue_step(smmap__queue_t *queue)
{
    smmap__region_t *region = queue->hand != NULL ? queue->hand : queue->oldest;

    if (region != NULL) {
        queue->hand = region->newer;
    }
    return region;
}
