/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's limits: what has to go so that a region fits, and whether a window that
 * was read often enough may take another one's place. See model.h.
 *
 * SIEVE with batches. The hand takes regions that are not visited until the new one would
 * fit. Those of the batch that are pinned stay, and count as visited. When all are pinned,
 * the hand goes on, and passes over what is pinned; in the third lap it takes visited regions
 * too.
 */
#include "model.h"

/* The most that go in one batch; and one more goes for so many regions, but not many. */
enum { MOST_IN_BATCH = 32, REGIONS_FOR_ONE_MORE = 64, MORE_AT_MOST = 15 };

static int fits(const omanager_t *manager, apr_size_t bytes, apr_size_t less_bytes,
                apr_size_t less_regions)
{
    apr_size_t mapped = manager->stats.mapped_bytes - less_bytes;

    if (manager->stats.regions - less_regions >= manager->max_regions) {
        return 0;
    }
    return mapped <= manager->max_bytes && bytes <= manager->max_bytes - mapped;
}

/* What the hand is at; it goes on to the next. */
static int step_hand(omanager_t *manager)
{
    int at = manager->hand == NONE ? 0 : manager->hand;

    if (manager->length == 0) {
        return NONE;
    }
    manager->hand = at + 1 < manager->length ? at + 1 : NONE;
    return manager->queue[at];
}

/* more: so many go besides. */
static void evict(world_t *w, omanager_t *manager, apr_size_t bytes, int more, reclaim_t *reclaim)
{
    const int lap = manager->length;
    apr_size_t gone = 0;
    int steps = 0;
    int passes = 0;

    do {
        const int end = steps < 2 * lap ? steps + lap : 3 * lap;
        int left = more;
        int batch[MOST_IN_BATCH];
        int taken = 0;
        apr_size_t taken_bytes = 0;
        int i;

        while (taken < MOST_IN_BATCH && steps < end) {
            int region;
            int second_chance;

            if (fits(manager, bytes, taken_bytes, (apr_size_t)taken)) {
                if (left == 0) {
                    break;
                }
                left--;
            }
            region = step_hand(manager);
            second_chance = w->regions[region].visited && steps < 2 * lap;
            w->regions[region].visited = 0;
            steps++;
            if (!second_chance && passes && model_pinned(w, region)) {
                w->regions[region].visited = 1;
            } else if (!second_chance) {
                batch[taken++] = region;
                taken_bytes += w->regions[region].length;
            }
        }
        for (i = 0; i < taken; i++) {
            if (model_pinned(w, batch[i])) {
                w->regions[batch[i]].visited = 1;
            } else {
                model_queue_remove(w, batch[i]);
                model_reclaim_add(w, batch[i], reclaim);
                gone++;
            }
        }
        passes = passes || taken > 0;
    } while (gone == 0 && steps < 3 * lap);
}

/* Those that could not be unmapped are tried again. */
static void reclaim_unmap_failed(omanager_t *manager, reclaim_t *reclaim)
{
    while (manager->unmap_failed_length > 0) {
        reclaim->regions[reclaim->region_count++] =
            manager->unmap_failed[--manager->unmap_failed_length];
    }
}

static apr_status_t nothing_can_go(const omanager_t *manager, apr_size_t bytes)
{
    if ((manager->limits & SMMAP_LIMITS_HARD_REGIONS) &&
        manager->stats.regions >= manager->max_regions) {
        return SMMAP_ELIMIT_REGIONS;
    }
    return (manager->limits & SMMAP_LIMITS_HARD_BYTES) &&
                   manager->stats.mapped_bytes + bytes > manager->max_bytes
               ? SMMAP_ELIMIT_BYTES
               : APR_SUCCESS;
}

apr_status_t model_budget_reserve(world_t *w, int number, apr_size_t bytes)
{
    omanager_t *manager = &w->managers[number];
    apr_status_t status = APR_SUCCESS;
    reclaim_t reclaim;

    if ((manager->limits & SMMAP_LIMITS_HARD_BYTES) && bytes > manager->max_bytes) {
        return SMMAP_ELIMIT_BYTES;
    }
    model_reclaim_begin(&reclaim);
    if (!fits(manager, bytes, 0, 0)) {
        manager->pressure = 1;
        reclaim_unmap_failed(manager, &reclaim);
    }
    while (!fits(manager, bytes, 0, 0)) {
        if (reclaim.region_count == 0) {
            int more = manager->length / REGIONS_FOR_ONE_MORE;

            evict(w, manager, bytes, more < MORE_AT_MOST ? more : MORE_AT_MOST, &reclaim);
        }
        if (reclaim.region_count == 0) {
            status = nothing_can_go(manager, bytes);
            break;
        }
        model_reclaim(w, number, &reclaim);
        manager->stats.evictions += reclaim.unmapped;
        model_reclaim_begin(&reclaim);
    }
    if (status == APR_SUCCESS) {
        manager->stats.mapped_bytes += bytes;
        manager->stats.regions++;
    }
    return status;
}

apr_status_t model_budget_lower(world_t *w, int number)
{
    omanager_t *manager = &w->managers[number];
    const apr_size_t max_regions = manager->max_regions;
    apr_status_t status = APR_SUCCESS;
    reclaim_t reclaim;

    model_reclaim_begin(&reclaim);
    reclaim_unmap_failed(manager, &reclaim);
    for (;;) {
        model_reclaim(w, number, &reclaim);
        manager->stats.evictions += reclaim.unmapped;
        model_keep_first(&status, reclaim.status);
        if (manager->stats.mapped_bytes <= manager->max_bytes &&
            manager->stats.regions <= max_regions) {
            return status;
        }
        model_reclaim_begin(&reclaim);
        manager->max_regions = max_regions < SMMAP_UNLIMITED ? max_regions + 1 : max_regions;
        evict(w, manager, 0, 0, &reclaim);
        manager->max_regions = max_regions;
        if (reclaim.region_count == 0) {
            return status;
        }
    }
}

void model_evict_unpinned(world_t *w, int number, reclaim_t *reclaim)
{
    omanager_t *manager = &w->managers[number];
    int at = 0;

    manager->pressure = 0;
    reclaim_unmap_failed(manager, reclaim);
    while (at < manager->length) {
        int region = manager->queue[at];

        if (model_pinned(w, region)) {
            w->regions[region].visited = 1;
            at++;
        } else {
            model_queue_remove(w, region);
            model_reclaim_add(w, region, reclaim);
        }
    }
}

int model_admitted(world_t *w, int file, apr_uint64_t number)
{
    omanager_t *manager = &w->managers[w->files[file].manager];
    int before = manager->hand;
    int region = step_hand(manager);

    if (region != NONE && w->regions[region].visited) {
        w->regions[region].visited = 0;
        w->files[file].touched[number] = 0;
        w->files[file].hot[number] = 0;
        manager->stats.admission_rejects++;
        return 0;
    }
    /* The hand has not moved: what is mapped now takes this one's place. */
    manager->hand = before == NONE && region != NONE ? 0 : before;
    return 1;
}
