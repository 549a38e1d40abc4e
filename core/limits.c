/*
 * Making room: the limits of mapped bytes and regions, eviction, and the trash.
 *
 * Invariants, all under the manager's lock:
 * - stats.mapped_bytes and stats.regions count what is mapped, what is reserved
 *   for a mapping under way, and what is in a trash and not yet unmapped. So they
 *   are never below the truth, on any interleaving of threads.
 * - A region goes into a trash when no cursor pins it and no one can find it.
 * - A region that the system would not unmap stays counted, and is tried again when
 *   room is wanted the next time.
 *
 * A thread that evicts gets the room itself: it credits what it unmapped and
 * looks at the limit again without letting go of the lock in between. Others may
 * have taken what was free besides; then it evicts more.
 */
#include "core/core.h"

static int fits(const smmap_manager_t *manager, apr_size_t bytes, apr_size_t going_bytes,
                apr_size_t going_regions)
{
    const smmap_stats_t *stats = &manager->stats;
    apr_size_t mapped = stats->mapped_bytes - going_bytes;

    return stats->regions - going_regions < manager->max_regions &&
           mapped <= manager->max_mapped_bytes && bytes <= manager->max_mapped_bytes - mapped;
}

/* Is there any use in evicting? With soft limits a region may be larger than the
   limit, and then everything that can go has to; with hard ones it must fit alone. */
static apr_status_t hopeless(smmap_manager_t *manager, apr_size_t bytes)
{
    if (manager->limits == SMMAP_LIMITS_HARD && bytes > manager->max_mapped_bytes) {
        manager->stats.limit_failures++;
        return SMMAP_ELIMIT_BYTES;
    }
    return APR_SUCCESS;
}

/* Nothing is left that could go: fail, or go over the limit. That is counted when the
   region is mapped, so that a call that fails in the end has passed none. */
static apr_status_t exhausted(smmap_manager_t *manager)
{
    if (manager->limits == SMMAP_LIMITS_HARD) {
        manager->stats.limit_failures++;
        return manager->stats.regions >= manager->max_regions ? SMMAP_ELIMIT_REGIONS
                                                              : SMMAP_ELIMIT_BYTES;
    }
    return APR_SUCCESS;
}

/* Put victims into the trash until the region fits, or none is left. */
static void evict_for(smmap_manager_t *manager, apr_size_t bytes, smmap__trash_t *trash)
{
    apr_size_t going_bytes = 0;
    apr_size_t going_regions = 0;

    while (!fits(manager, bytes, going_bytes, going_regions)) {
        smmap__region_t *victim = smmap__queue_victim(&manager->queue);

        if (victim == NULL) {
            return;
        }
        going_bytes += victim->mapping.length;
        going_regions++;
        smmap__region_detach_locked(victim, trash);
    }
}

/* The regions that could not be unmapped: one more attempt. */
static void take_stuck(smmap_manager_t *manager, smmap__trash_t *trash)
{
    while (manager->stuck != NULL) {
        smmap__region_t *region = manager->stuck;

        manager->stuck = region->next;
        region->next = trash->regions;
        trash->regions = region;
    }
}

apr_status_t smmap__room_take_locked(smmap_manager_t *manager, apr_size_t bytes)
{
    apr_status_t status = hopeless(manager, bytes);

    while (status == APR_SUCCESS && !fits(manager, bytes, 0, 0)) {
        smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};
        int progress = 1;

        take_stuck(manager, &trash);
        evict_for(manager, bytes, &trash);
        if (trash.regions != NULL) {
            smmap__trash_empty_locked(manager, &trash);
            manager->stats.evictions += trash.unmapped;
            progress = trash.unmapped > 0;
        } else if (manager->emptying > 0) {
            /* Somebody is just unmapping: what he has no use for is ours. */
            smmap__manager_wait_locked(manager);
        } else {
            status = exhausted(manager);
            break;
        }
        if (manager->closed) {
            status = SMMAP_ECLOSED;
        } else if (!progress) {
            status = exhausted(manager);
            break;
        }
    }
    if (status == APR_SUCCESS) {
        manager->stats.mapped_bytes += bytes;
        manager->stats.regions++;
    }
    return status;
}

void smmap__room_return_locked(smmap_manager_t *manager, apr_size_t bytes)
{
    manager->stats.mapped_bytes -= bytes;
    manager->stats.regions--;
}

void smmap__room_clear_locked(smmap_manager_t *manager, smmap__trash_t *trash)
{
    smmap__region_t *region = manager->queue.oldest;

    take_stuck(manager, trash);
    while (region != NULL) {
        smmap__region_t *newer = region->newer;

        if (region->clients == 0) {
            smmap__region_detach_locked(region, trash);
        }
        region = newer;
    }
}

static void keep_first(apr_status_t *first, apr_status_t status)
{
    if (*first == APR_SUCCESS) {
        *first = status;
    }
}

void smmap__trash_empty_locked(smmap_manager_t *manager, smmap__trash_t *trash)
{
    smmap__region_t *stuck = NULL;
    apr_size_t bytes = 0;
    apr_size_t regions = 0;
    apr_size_t files = 0;
    apr_size_t handles = 0;

    if (trash->regions == NULL && trash->files == NULL) {
        return;
    }
    manager->emptying++;
    smmap__manager_unlock(manager);
    while (trash->regions != NULL) {
        smmap__region_t *region = trash->regions;

        apr_size_t length = region->mapping.length;
        apr_status_t status = smmap__os_unmap(&region->mapping);

        trash->regions = region->next;
        if (status == APR_SUCCESS) {
            bytes += length;
            regions++;
            smmap__free(region);
        } else {
            keep_first(&trash->status, status);
            region->next = stuck;
            stuck = region;
        }
    }
    trash->unmapped += regions;
    while (trash->files != NULL) {
        smmap__file_t *file = trash->files;

        trash->files = file->trash_next;
        files++;
        if (file->handle_open) {
            handles++;
            keep_first(&trash->status, smmap__os_file_close(file->handle));
        }
        smmap__file_free(file);
    }
    smmap__manager_lock(manager);
    while (stuck != NULL) {
        smmap__region_t *next = stuck->next;

        stuck->next = manager->stuck;
        manager->stuck = stuck;
        stuck = next;
    }
    manager->emptying--;
    manager->stats.mapped_bytes -= bytes;
    manager->stats.regions -= regions;
    manager->stats.unmaps += regions;
    manager->stats.files -= files;
    manager->stats.open_files -= handles;
    manager->stats.closes += handles;
    apr_thread_cond_broadcast(manager->given_back);
}
