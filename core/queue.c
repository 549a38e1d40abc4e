/*
 * The eviction queue; see queue.h for the policy and its source.
 *
 * Cost: each step of the hand either clears a bit that a hit had set, or passes
 * a pinned region, or ends the search. Clearing is paid for by the hits; when no
 * region is free to go, the search does not start.
 */
#include "core/core.h"

void smmap__queue_add(smmap__queue_t *queue, smmap__region_t *region)
{
    region->visited = 0;
    region->queued = 1;
    region->newer = NULL;
    region->older = queue->newest;
    if (queue->newest != NULL) {
        queue->newest->newer = region;
    } else {
        queue->oldest = region;
    }
    queue->newest = region;
    queue->length++;
    queue->pinned += region->clients != 0;
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
    region->queued = 0;
    queue->length--;
    queue->pinned -= region->clients != 0;
}

smmap__region_t *smmap__queue_victim(smmap__queue_t *queue)
{
    smmap__region_t *region = queue->hand;

    if (queue->pinned == queue->length) {
        return NULL;
    }
    /* Some region has no clients, so the second lap ends at the latest. */
    for (;;) {
        if (region == NULL) {
            region = queue->oldest;
        }
        if (region->clients == 0) {
            if (!region->visited) {
                queue->hand = region;
                return region;
            }
            region->visited = 0;
        }
        region = region->newer;
    }
}
