/* SPDX-License-Identifier: BSD-3-Clause */
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
 * limit again without letting go of the lock in between. Where that was not enough the room is
 * claimed for it: others do not take it, and evict for themselves. So a large region is mapped
 * after its own evictions, whatever the others do. There is one claim at a time; who finds
 * nothing to evict while another thread has it waits for that thread.
 *
 * Who waits for a pin to go (limit_wait) stands in a queue. While anybody does, only the first of
 * the queue takes room, so that none is overtaken by those that come later.
 */
#include "core/region/region.h"

#include <apr_time.h>

#include <string.h>

/* me: who asks, as the holder of a claim. */
SMMAP__LOCKED static int fits(const smmap_manager_t *manager, const void *me, apr_size_t bytes,
                              apr_size_t going_bytes, apr_size_t going_regions)
{
    const smmap_stats_t *stats = &manager->stats;
    const smmap__claim_t *claim = &manager->claim;
    apr_size_t mapped = stats->mapped_bytes - going_bytes;
    apr_size_t regions = stats->regions - going_regions;
    apr_size_t left = manager->max_mapped_bytes - mapped;

    if (mapped > manager->max_mapped_bytes || regions >= manager->max_regions) {
        return 0;
    }
    if (claim->holder != NULL && claim->holder != me) {
        if (claim->bytes > left || manager->max_regions - regions <= claim->regions) {
            return 0;
        }
        left -= claim->bytes;
    }
    return bytes <= left;
}

/* Is there any use in evicting? With soft limits a region may be larger than the
   limit, and then everything that can go has to; with hard ones it must fit alone. */
SMMAP__LOCKED static apr_status_t hopeless(const smmap_manager_t *manager, apr_size_t bytes)
{
    return (manager->limits & SMMAP_LIMITS_HARD_BYTES) && bytes > manager->max_mapped_bytes
               ? SMMAP_ELIMIT_BYTES
               : APR_SUCCESS;
}

/* Nothing is left that could go: fail, or go over the limit. That is counted when the
   region is mapped, so that a call that fails in the end has passed none. What fits, and is not
   ours to take, is refused by any hard limit of the two. */
SMMAP__LOCKED static apr_status_t exhausted(const smmap_manager_t *manager, apr_size_t bytes)
{
    const smmap_stats_t *stats = &manager->stats;
    int no_regions = stats->regions >= manager->max_regions;
    int no_bytes = stats->mapped_bytes > manager->max_mapped_bytes ||
                   bytes > manager->max_mapped_bytes - stats->mapped_bytes;

    if (no_regions && (manager->limits & SMMAP_LIMITS_HARD_REGIONS)) {
        return SMMAP_ELIMIT_REGIONS;
    }
    if (no_bytes && (manager->limits & SMMAP_LIMITS_HARD_BYTES)) {
        return SMMAP_ELIMIT_BYTES;
    }
    return !no_regions && !no_bytes &&
                   (manager->limits & (SMMAP_LIMITS_HARD_BYTES | SMMAP_LIMITS_HARD_REGIONS))
               ? SMMAP_ELIMIT_BYTES
               : APR_SUCCESS;
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

static void batch_see_pin(void *context, smmap__pin_t *pin, uintptr_t window)
{
    batch_t *batch = context;
    unsigned at = probe(window);
    unsigned index;

    (void)pin;
    while ((index = batch->table[at % (4 * BATCH)]) != 0) {
        if ((uintptr_t)batch->regions[index - 1]->mapping.address == window) {
            batch->pinned[index - 1] = 1;
            return;
        }
        at++;
    }
}

/* Unlink regions at the hand until the new one would fit, and `more` besides; but those that were
   pinned when that was counted under the number `passed`. Returns 0 when each region of the queue
   was looked at often enough. */
SMMAP__LOCKED static int batch_fill(smmap_manager_t *manager, const void *me, batch_t *batch,
                                    apr_size_t bytes, apr_size_t more, apr_size_t *steps,
                                    unsigned passed)
{
    const apr_size_t lap = manager->queue.length;
    /* None is looked at twice in one batch. */
    const apr_size_t end = *steps < 2 * lap ? *steps + lap : 3 * lap;
    apr_size_t going_bytes = 0;

    memset(batch, 0, sizeof *batch);
    while (batch->count < BATCH && *steps < end) {
        smmap__region_t *region;
        int visited;

        if (fits(manager, me, bytes, going_bytes, batch->count) && more-- == 0) {
            break;
        }
        region = smmap__queue_step(&manager->queue);
        /* In two laps each was seen with its bit cleared. What is hit faster than
           that is hot, but it must go before a call is refused. */
        visited = smmap__region_test_and_clear_visited_locked(region) && *steps < 2 * lap;
        (*steps)++;
        if (!visited && passed != 0 && region->epoch == passed) {
            smmap__region_mark_visited_locked(
                region); /* as if it had been unlinked, and was put back */
        } else if (!visited && smmap__region_unlink_locked(region)) {
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

/* Put victims on the reclaim list so that the region fits, and `more` besides. None where nothing
   can go. */
SMMAP__LOCKED static void evict_for(smmap_manager_t *manager, apr_size_t bytes, apr_size_t more,
                                    smmap__reclaim_t *reclaim)
{
    apr_size_t steps = 0;
    unsigned passed = 0;
    int go_on = 1;

    while (reclaim->regions == NULL && go_on) {
        batch_t batch;

        go_on = batch_fill(manager, reclaim, &batch, bytes, more, &steps, passed);
        batch_evict(manager, &batch, reclaim);
        if (reclaim->regions == NULL && batch.count > 0 && passed == 0) {
            /* All were pinned, so many may be: pass over those, and pay for few more fences. */
            passed = smmap__region_count_pins_locked(manager, 0);
        }
    }
}

/* Room was made. Where it is not enough yet, nobody else gets it. */
SMMAP__LOCKED static void claim(smmap_manager_t *manager, const smmap__reclaim_t *reclaim,
                                apr_size_t bytes)
{
    smmap__claim_t *room = &manager->claim;

    if (room->holder == NULL) {
        room->holder = reclaim;
    }
    if (room->holder == reclaim) {
        room->bytes = reclaim->bytes < bytes - room->bytes ? room->bytes + reclaim->bytes : bytes;
        room->regions = 1;
    }
}

enum { WAIT_FOR_PINS = 1000, WAIT_MOST = 100000, SEARCH_MOST = 10000 }; /* microseconds */

typedef struct waiter_t {
    smmap__link_t link;
    apr_time_t looked; /* when it began to look for room last */
    apr_interval_time_t *waited;
} waiter_t;

/* Is nobody waiting who came earlier? */
SMMAP__LOCKED static int is_first(smmap_manager_t *manager, const waiter_t *waiter)
{
    const smmap__link_t *first = smmap__list_next(&manager->waiters, &manager->waiters);

    return first == NULL || first == &waiter->link;
}

SMMAP__LOCKED static void claim_end(smmap_manager_t *manager, const void *me)
{
    if (manager->claim.holder == me) {
        memset(&manager->claim, 0, sizeof manager->claim);
        smmap__manager_wake_locked(manager);
    }
}

/* Nothing can go just now: wait a little, as a pin that is released tells nobody. 0: the time is
   over. */
SMMAP__RELOCK static int wait_relock(smmap_manager_t *manager, waiter_t *waiter, const void *me)
{
    apr_time_t now = apr_time_now();
    apr_interval_time_t search;
    apr_interval_time_t step;

    if (!is_first(manager, waiter)) {
        claim_end(manager, me); /* it is for who came first */
    }
    if (waiter->link.next == NULL) {
        smmap__list_append(&manager->waiters, &waiter->link);
        waiter->looked = now;
    }
    if (*waiter->waited >= manager->limit_wait) {
        return 0;
    }
    search = now - waiter->looked; /* with the lock held: it is to be the smaller part */
    search = search > 0 && search < SEARCH_MOST ? search : 0;
    smmap__manager_unlock(manager);
    smmap__sleep(WAIT_FOR_PINS + 4 * search);
    smmap__manager_lock(manager);
    /* With the search for room before it, which takes long where much is pinned. */
    now = apr_time_now();
    step = now - waiter->looked;
    *waiter->waited += step >= 0 && step <= WAIT_MOST ? step : WAIT_FOR_PINS; /* else: it was set */
    waiter->looked = now;
    return 1;
}

apr_status_t smmap__budget_reserve_relock(smmap_manager_t *manager, apr_size_t bytes,
                                          apr_interval_time_t *waited)
{
    apr_status_t status = hopeless(manager, bytes);
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    const void *me = &reclaim;
    waiter_t waiter = {{NULL, NULL}, 0, waited};

    if (status == APR_SUCCESS && !fits(manager, me, bytes, 0, 0)) {
        smmap__count_store(&manager->pressure, 1);
        smmap__reclaim_retry_locked(manager, &reclaim); /* once: what is refused again is refused */
    }
    while (status == APR_SUCCESS) {
        const int my_turn = manager->claim.holder == me || is_first(manager, &waiter);

        if (my_turn && fits(manager, me, bytes, 0, 0)) {
            break;
        }
        if (my_turn && reclaim.regions == NULL) {
            apr_size_t more = manager->queue.length / REGIONS_FOR_ONE_MORE;

            evict_for(manager, bytes, more < MORE_MOST ? more : MORE_MOST, &reclaim);
        }
        if (reclaim.regions != NULL) {
            smmap__reclaim_relock(manager, &reclaim);
            claim(manager, &reclaim, bytes);
            manager->stats.evictions += reclaim.unmapped;
            reclaim.unmapped = 0;
            reclaim.bytes = 0;
        } else if (my_turn && (manager->unmapping > 0 ||
                               (manager->claim.holder != NULL && manager->claim.holder != me &&
                                manager->limit_wait == 0))) {
            /* Another thread is just unmapping: what it has no use for is ours. */
            smmap__manager_wait_relock(manager);
        } else {
            status = exhausted(manager, bytes);
            if (status == APR_SUCCESS || waited == NULL || !wait_relock(manager, &waiter, me)) {
                break;
            }
            status = APR_SUCCESS;
        }
        if (smmap__count_load(&manager->closed) != 0) {
            status = SMMAP_ECLOSED;
        }
    }
    if (waiter.link.next != NULL) {
        smmap__list_remove(&waiter.link);
    }
    claim_end(manager, me);
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

void smmap__budget_lower_relock(smmap_manager_t *manager, apr_size_t bytes, apr_size_t regions,
                                apr_size_t most, smmap__reclaim_t *reclaim)
{
    const smmap_stats_t *stats = &manager->stats;

    smmap__reclaim_retry_locked(manager, reclaim);
    smmap__reclaim_relock(manager, reclaim);
    while ((stats->mapped_bytes > bytes || stats->regions > regions) && reclaim->bytes < most) {
        /* Another thread may change the limits whenever the lock is let go of, and map more. */
        const apr_size_t max_mapped_bytes = manager->max_mapped_bytes;
        const apr_size_t max_regions = manager->max_regions;
        const apr_size_t rest = most - reclaim->bytes;

        /* What has to go is what a region of no bytes needs the room of, were that the limits. */
        manager->max_mapped_bytes = bytes;
        if (stats->mapped_bytes > bytes && stats->mapped_bytes - bytes > rest) {
            manager->max_mapped_bytes = stats->mapped_bytes - rest;
        }
        manager->max_regions = regions < SMMAP_UNLIMITED ? regions + 1 : regions;
        evict_for(manager, 0, 0, reclaim);
        manager->max_mapped_bytes = max_mapped_bytes;
        manager->max_regions = max_regions;
        if (reclaim->regions == NULL) {
            break;
        }
        smmap__reclaim_relock(manager, reclaim);
    }
}
