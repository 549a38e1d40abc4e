/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A manager in a forked child: what the threads of the parent were doing is forgotten, and the
 * counters say what is there. See core/fork.c.
 *
 * Their cursors stay: what they pin stays mapped, as long as nobody closes them here.
 */
#include "core/manager/manager.h"

#include <string.h>

SMMAP__LOCKED static void count_region(smmap_manager_t *manager, const smmap__region_t *region)
{
    const apr_size_t length = region->mapping.length;

    manager->stats.regions++;
    manager->stats.mapped_bytes += length;
    if (region->mapping.memory) {
        manager->stats.buffered_regions++;
        manager->stats.buffered_bytes += length;
    }
    if (region->mapping.memory == SMMAP__HEAP) {
        manager->heap.regions++;
        manager->heap.bytes += length;
    }
}

/* Calls that are no more use its handle, close it, read by it, map windows of it. */
SMMAP__LOCKED static void mend_file(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;
    smmap__link_t *link = &file->region_list;

    file->busy = 0;
    file->closing = 0;
    file->content = NULL; /* calls that are no more use it: nobody frees it */
    smmap__list_init(&file->flights);
    smmap__count_store(&file->readers, 0);
    smmap__idle_update_locked(file);
    manager->stats.files++;
    manager->stats.open_files += file->handle_open;
    manager->stats.mapped_files += file->regions > 0;
    while ((link = smmap__list_next(&file->region_list, link)) != NULL) {
        count_region(manager, SMMAP__ELEMENT(link, smmap__region_t, file_link));
    }
}

SMMAP__LOCKED static void mend_files(smmap__link_t *files, smmap__reclaim_t *reclaim)
{
    smmap__link_t *link = smmap__list_next(files, files);

    while (link != NULL) {
        smmap__file_t *file = SMMAP__ELEMENT(link, smmap__file_t, link);

        link = smmap__list_next(files, link);
        mend_file(file);
        smmap__file_reap_locked(file, reclaim);
    }
}

SMMAP__UNCHECKED void smmap__manager_mend(smmap_manager_t *manager)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    smmap_stats_t *stats = &manager->stats;
    const smmap__region_t *region;

    stats->files = 0;
    stats->open_files = 0;
    stats->mapped_files = 0;
    stats->regions = 0;
    stats->mapped_bytes = 0;
    stats->buffered_regions = 0;
    stats->buffered_bytes = 0;
    memset(&manager->heap, 0, sizeof manager->heap);
    memset(&manager->claim, 0, sizeof manager->claim);
    smmap__list_init(&manager->waiters);
    manager->handles.busy = 0;
    manager->handles.waiters = 0;
    manager->unmapping = 0;
    manager->closing = 0;
    smmap__fetch_mend_locked(manager);
    mend_files(&manager->registry.files, &reclaim);
    mend_files(&manager->registry.forgotten, &reclaim);
    for (region = manager->unmap_failed; region != NULL; region = region->next) {
        count_region(manager, region);
    }
    smmap__reclaim_relock(manager, &reclaim);
}
