/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Giving up what nobody pins: of all files, or of some.
 *
 * The steps are those of an eviction (base/pins.h): the regions go out of sight, the pins are
 * looked at once, and what is pinned is put back.
 */
#include "core/region/region.h"

/* Out of sight, to look who pins it. */
SMMAP__LOCKED static void unlink_active(smmap__region_t *region, apr_size_t *unlinked)
{
    if (region->state == SMMAP__ACTIVE) {
        /* Somebody may hit it in between. */
        do {
            smmap__region_test_and_clear_visited_locked(region);
        } while (!smmap__region_unlink_locked(region));
        ++*unlinked;
    }
}

/* The pins were counted since. */
SMMAP__LOCKED static void settle_unlinked(smmap__region_t *region, apr_size_t *pinned,
                                          smmap__reclaim_t *reclaim)
{
    if (region->state == SMMAP__EVICTING && region->epoch == region->file->manager->epoch) {
        smmap__region_relink_locked(region);
        ++*pinned;
    } else if (region->state == SMMAP__EVICTING) {
        smmap__region_evict_locked(region, reclaim);
    }
}

void smmap__evict_unpinned_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    smmap__queue_t *queue = &manager->queue;
    smmap__region_t *region;
    smmap__region_t *next;
    apr_size_t unlinked = 0;
    apr_size_t pinned = 0;

    smmap__count_store(&manager->pressure, 0);
    smmap__reclaim_retry_locked(manager, reclaim);
    for (region = smmap__queue_first(queue); region != NULL;
         region = smmap__queue_next(queue, region)) {
        unlink_active(region, &unlinked);
    }
    if (unlinked == 0) {
        return; /* and nobody was kept waiting for a fence */
    }
    smmap__region_count_pins_locked(manager, 1);
    for (region = smmap__queue_first(queue); region != NULL; region = next) {
        next = smmap__queue_next(queue, region);
        settle_unlinked(region, &pinned, reclaim);
    }
}

void smmap__make_room_relock(smmap_manager_t *manager)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    manager->stats.retries++;
    smmap__evict_unpinned_locked(manager, &reclaim);
    if (reclaim.regions == NULL && manager->unmapping > 0) {
        smmap__manager_wait_relock(manager); /* another thread gives some back just now */
    }
    smmap__reclaim_relock(manager, &reclaim);
    manager->stats.evictions += reclaim.unmapped;
    if (manager->paranoia != NULL) {
        smmap__manager_unlock(manager);
        smmap__paranoid_unquarantine(manager);
        smmap__manager_lock(manager);
    }
}

SMMAP__LOCKED static void see_pin(void *context, smmap__pin_t *pin, uintptr_t window)
{
    smmap_manager_t *manager = context;
    smmap__region_t *region = smmap__region_at_locked(manager, window);

    (void)pin;
    if (region != NULL) {
        region->epoch = manager->epoch;
    }
}

/* The evictor's half of the protocol in base/pins.h, for the windows of some files. */
SMMAP__LOCKED static void see_pins(smmap_manager_t *manager, const smmap__link_t *files)
{
    const smmap__pin_set_t all = SMMAP__PIN_SET_ALL;
    smmap__link_t *file = smmap__list_next(files, files);

    manager->epoch++;
    smmap__os_fence_heavy();
    for (; file != NULL; file = smmap__list_next(files, file)) {
        smmap__pins_each_of(&SMMAP__ELEMENT(file, smmap__file_t, link)->pins, &all, see_pin,
                            manager);
    }
}

apr_size_t smmap__evict_files_locked(smmap_manager_t *manager, smmap__link_t *files,
                                     smmap__reclaim_t *reclaim)
{
    smmap__link_t *file = files;
    smmap__link_t *next_file;
    apr_size_t unlinked = 0;
    apr_size_t pinned = 0;

    smmap__reclaim_retry_locked(manager, reclaim);
    while ((file = smmap__list_next(files, file)) != NULL) {
        smmap__link_t *regions = &SMMAP__ELEMENT(file, smmap__file_t, link)->region_list;
        smmap__link_t *link = regions;

        while ((link = smmap__list_next(regions, link)) != NULL) {
            unlink_active(SMMAP__ELEMENT(link, smmap__region_t, file_link), &unlinked);
        }
    }
    if (unlinked != 0) {
        see_pins(manager, files);
    }
    for (file = smmap__list_next(files, files); unlinked != 0 && file != NULL; file = next_file) {
        smmap__link_t *regions = &SMMAP__ELEMENT(file, smmap__file_t, link)->region_list;
        smmap__link_t *link = smmap__list_next(regions, regions);
        apr_size_t left = SMMAP__ELEMENT(file, smmap__file_t, link)->regions;

        next_file = smmap__list_next(files, file); /* the file may go with its last region */
        for (; left > 0; left--) {
            smmap__region_t *region = SMMAP__ELEMENT(link, smmap__region_t, file_link);

            link = link->next;
            settle_unlinked(region, &pinned, reclaim);
        }
    }
    return pinned;
}
