/*
 * Limits: reserving room for a region, and choosing what is evicted for it.
 *
 * Invariants, all under the manager's lock:
 * - stats.mapped_bytes and stats.regions count what is mapped, what is reserved for a mapping
 *   under way, and what is on a reclaim list and not yet unmapped. So they are never below
 *   the truth, on any interleaving of threads.
 * - A region goes on a reclaim list when no cursor pins it and nobody can find it.
 *
 * A thread that evicts gets the room itself: it credits what it unmapped and looks at the
 * limit again without letting go of the lock in between. Others may have taken what was free
 * besides; then it evicts more.
 */
#include "core/region/region.h"

#include <string.h>

SMMAP__LOCKED static int fits(const smmap_manager_t *manager, apr_size_t bytes,
                              apr_size_t going_bytes, apr_size_t going_regions)
{
    const smmap_stats_t *stats = &manager->stats;
    apr_size_t mapped = stats->mapped_bytes - going_bytes;

    return stats->regions - going_regions < manager->max_regions &&
           mapped <= manager->max_mapped_bytes && bytes <= manager->max_mapped_bytes - mapped;
}

/* Is there any use in evicting? With soft limits a region may be larger than the
   limit, and then everything that can go has to; with hard ones it must fit alone. */
static apr_status_t hopeless(const smmap_manager_t *manager, apr_size_t bytes)
{
    return manager->limits == SMMAP_LIMITS_HARD && bytes > manager->max_mapped_bytes
               ? SMMAP_ELIMIT_BYTES
               : APR_SUCCESS;
}

/* Nothing is left that could go: fail, or go over the limit. That is counted when the
   region is mapped, so that a call that fails in the end has passed none. */
SMMAP__LOCKED static apr_status_t exhausted(const smmap_manager_t *manager)
{
    if (manager->limits == SMMAP_LIMITS_HARD) {
        return manager->stats.regions >= manager->max_regions ? SMMAP_ELIMIT_REGIONS
                                                              : SMMAP_ELIMIT_BYTES;
    }
    return APR_SUCCESS;
}

/* The heavy fence is paid once for a batch of victims. Where there are many regions
   a few more go than must, so that the next misses find room. */
enum { BATCH = 32, MORE_MOST = 15, REGIONS_FOR_ONE_MORE = 64 };

/* Victims, and a small table of their addresses, so that looking through the pins costs one
   probe for each. */
typedef struct batch_t {
    smmap__region_t *regions[BATCH];
    unsigned char pinned[BATCH];
    unsigned count;
    smmap__pin_set_t set;
    unsigned char table[4 * BATCH]; /* index + 1; 0: empty */
} batch_t;

static unsigned probe(uintptr_t address)
{
    return (unsigned)(smmap__hash_bits(address >> 12) >> 57);
}

static void batch_add(batch_t *batch, smmap__region_t *region)
{
    unsigned at = probe((uintptr_t)region->mapping.address);

    while (batch->table[at % (4 * BATCH)] != 0) {
        at++;
    }
    batch->regions[batch->count] = region;
    batch->set.bits |= smmap__pin_bit((uintptr_t)region->mapping.address);
    batch->set.only = batch->count == 0 ? (uintptr_t)region->mapping.address : 0;
    batch->table[at % (4 * BATCH)] = (unsigned char)++batch->count;
}

static void batch_see_pin(void *context, uintptr_t window)
{
    batch_t *batch = context;
    unsigned at = probe(window);
    unsigned index;

    while ((index = batch->table[at % (4 * BATCH)]) != 0) {
        if ((uintptr_t)batch->regions[index - 1]->mapping.address == window) {
            batch->pinned[index - 1] = 1;
            return;
        }
        at++;
    }
}

/* Unlink regions at the hand until the new one would fit, and `more` besides. Returns 0 when
   each region of the queue was looked at often enough. */
SMMAP__LOCKED static int batch_fill(smmap_manager_t *manager, batch_t *batch, apr_size_t bytes,
                                    apr_size_t more, apr_size_t *steps)
{
    const apr_size_t lap = manager->queue.length;
    /* None is looked at twice in one batch. */
    const apr_size_t end = *steps < 2 * lap ? *steps + lap : 3 * lap;
    apr_size_t going_bytes = 0;

    memset(batch, 0, sizeof *batch);
    while (batch->count < BATCH && *steps < end) {
        smmap__region_t *region;
        int visited;

        if (fits(manager, bytes, going_bytes, batch->count) && more-- == 0) {
            break;
        }
        region = smmap__queue_step(&manager->queue);
        /* In two laps each was seen with its bit cleared. What is hit faster than
           that is hot, but it must go before a call is refused. */
        visited = smmap__region_test_and_clear_visited_locked(region) && *steps < 2 * lap;
        (*steps)++;
        if (!visited && smmap__region_unlink_locked(region)) {
            batch_add(batch, region);
            going_bytes += region->mapping.length;
        }
    }
    return *steps < 3 * lap;
}

/* The evictor's half of the protocol in base/pins.h, E2 to E4. */
SMMAP__LOCKED static void batch_evict(smmap_manager_t *manager, batch_t *batch,
                                      smmap__reclaim_t *reclaim)
{
    unsigned i;

    if (batch->count == 0) {
        return;
    }
    smmap__pins_scan(&manager->pins, &batch->set, batch_see_pin, batch);
    for (i = 0; i < batch->count; i++) {
        if (batch->pinned[i]) {
            smmap__region_relink_locked(batch->regions[i]);
        } else {
            smmap__region_evict_locked(batch->regions[i], reclaim);
        }
    }
}

/* Put victims on the reclaim list so that the region fits, and a few more where there are
   many regions. None where nothing can go. */
SMMAP__LOCKED static void evict_for(smmap_manager_t *manager, apr_size_t bytes,
                                    smmap__reclaim_t *reclaim)
{
    apr_size_t more = manager->queue.length / REGIONS_FOR_ONE_MORE;
    apr_size_t steps = 0;
    int go_on = 1;

    while (reclaim->regions == NULL && go_on) {
        batch_t batch;

        go_on = batch_fill(manager, &batch, bytes, more < MORE_MOST ? more : MORE_MOST, &steps);
        batch_evict(manager, &batch, reclaim);
    }
}

/* The regions that could not be unmapped: one more attempt. */
SMMAP__LOCKED static void retry_failed_unmaps(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    while (manager->unmap_failed != NULL) {
        smmap__region_t *region = manager->unmap_failed;

        manager->unmap_failed = region->next;
        region->next = reclaim->regions;
        reclaim->regions = region;
    }
}

apr_status_t smmap__budget_reserve_relock(smmap_manager_t *manager, apr_size_t bytes)
{
    apr_status_t status = hopeless(manager, bytes);
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    if (status == APR_SUCCESS && !fits(manager, bytes, 0, 0)) {
        smmap__count_store(&manager->pressure, 1);
        retry_failed_unmaps(manager, &reclaim); /* once: what is refused again is refused */
    }
    while (status == APR_SUCCESS && !fits(manager, bytes, 0, 0)) {
        if (reclaim.regions == NULL) {
            evict_for(manager, bytes, &reclaim);
        }
        if (reclaim.regions != NULL) {
            smmap__reclaim_relock(manager, &reclaim);
            manager->stats.evictions += reclaim.unmapped;
            reclaim.unmapped = 0;
        } else if (manager->reclaiming > 0) {
            /* Another thread is just unmapping: what it has no use for is ours. */
            smmap__manager_wait_relock(manager);
        } else {
            status = exhausted(manager);
            break;
        }
        if (smmap__count_load(&manager->closed) != 0) {
            status = SMMAP_ECLOSED;
        }
    }
    if (status == APR_SUCCESS) {
        manager->stats.mapped_bytes += bytes;
        manager->stats.regions++;
    }
    return status;
}

void smmap__budget_release_locked(smmap_manager_t *manager, apr_size_t bytes)
{
    manager->stats.mapped_bytes -= bytes;
    manager->stats.regions--;
}

apr_size_t smmap__evict_matching_locked(smmap_manager_t *manager,
                                        int (*matches)(void *context, smmap__region_t *region),
                                        void *context, smmap__reclaim_t *reclaim)
{
    smmap__queue_t *queue = &manager->queue;
    smmap__region_t *region;
    apr_size_t pinned = 0;
    apr_size_t unlinked = 0;
    unsigned epoch;

    smmap__count_store(&manager->pressure, 0);
    retry_failed_unmaps(manager, reclaim);

    for (region = smmap__queue_first(queue); region != NULL;
         region = smmap__queue_next(queue, region)) {
        if (matches == NULL || matches(context, region)) {
            /* Somebody may hit it in between. */
            do {
                smmap__region_test_and_clear_visited_locked(region);
            } while (!smmap__region_unlink_locked(region));
            unlinked++;
        }
    }
    if (unlinked == 0) {
        return 0; /* and nobody was kept waiting for a fence */
    }
    epoch = smmap__region_mark_pinned_locked(manager, NULL);
    region = smmap__queue_first(queue);
    while (region != NULL) {
        smmap__region_t *next = smmap__queue_next(queue, region);

        if (region->state == SMMAP__EVICTING && region->epoch == epoch) {
            smmap__region_relink_locked(region);
            pinned++;
        } else if (region->state == SMMAP__EVICTING) {
            smmap__region_evict_locked(region, reclaim);
        }
        region = next;
    }
    return pinned;
}

void smmap__evict_unpinned_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    smmap__evict_matching_locked(manager, NULL, NULL, reclaim);
}
