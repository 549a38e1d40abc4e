/*
 * Regions that are mapped: where they are found, and who uses them. Their states and the
 * transitions are in types.h; why nothing is unmapped that is pinned, in base/pins.h.
 *
 * A file in sliding mode has a fixed grid of windows; a region on the grid is a whole window
 * (the last one ends with the file), and its address stands in the word of its slot, where a
 * hit finds it without a lock. A span is any other region: it crosses a window's end because
 * somebody required bytes in one piece, or it is a part of a window because the system
 * refused to map more. Spans hang in a chain at the window they begin in and are found under
 * the manager's lock. In static mode the grid has one window, as large as a file can be.
 *
 * Why a region is as long as a hit shows it, where it is not a whole window: its length
 * follows from the file's size. A region that is found in its slot reaches as far as the
 * size says, or further, at any time: when a file has grown the short region goes before the
 * size changes, and when it was cut the size changes before what is too long goes. A hit
 * that found one region in the slot, before and after it read the size (and it is one
 * region, as the first time it was pinned), has read a size that held while it was there.
 */
#include "core/region/region.h"

apr_off_t smmap__region_end(const smmap__region_t *region)
{
    return region->begin + (apr_off_t)region->mapping.length;
}

static uintptr_t address_of(const smmap__region_t *region)
{
    return (uintptr_t)region->mapping.address;
}

/* What stands in the slot of a region of the grid. */
static uintptr_t word_of(const smmap__region_t *region)
{
    int whole = (apr_off_t)region->mapping.length == region->file->window;

    return address_of(region) | (whole ? SMMAP__WHOLE : 0);
}

/* By address. */

apr_uint64_t smmap__region_key(smmap__hash_node_t *node)
{
    return address_of(SMMAP__ELEMENT(node, smmap__region_t, hash)) >> 12;
}

smmap__region_t *smmap__region_at_locked(const smmap_manager_t *manager, uintptr_t address)
{
    smmap__hash_node_t *node = smmap__hash_chain(&manager->by_address, address >> 12);

    for (; node != NULL; node = node->next) {
        smmap__region_t *region = SMMAP__ELEMENT(node, smmap__region_t, hash);

        if (address_of(region) == address) {
            return region;
        }
    }
    return NULL;
}

SMMAP__LOCKED static void unlink_and_reclaim(smmap__region_t *region, smmap__reclaim_t *reclaim)
{
    smmap__hash_remove(&region->file->manager->by_address, &region->hash);
    region->next = reclaim->regions;
    reclaim->regions = region;
    region->file->regions--;
    region->file->buffered_regions -= region->mapping.memory != 0;
    smmap__file_reap_locked(region->file, reclaim);
}

/* By window. */

static int covers(const smmap__region_t *region, apr_off_t offset, apr_off_t end)
{
    return region->begin <= offset && end <= smmap__region_end(region);
}

/* The first span that begins in a window. */
static smmap__region_t *first_span(const smmap__file_t *file, apr_uint64_t number)
{
    const smmap__word_t *word = smmap__slots_find(&file->spans, number);

    return word != NULL ? (smmap__region_t *)smmap__load(word) : NULL;
}

smmap__region_t *smmap__region_find_locked(const smmap__file_t *file, apr_off_t offset,
                                           apr_off_t end)
{
    apr_uint64_t number = smmap__window_number(file, offset);
    const smmap__word_t *word = smmap__slots_find(&file->grid, number);
    uintptr_t address = word != NULL ? smmap__load(word) & ~SMMAP__FLAGS : 0;
    smmap__region_t *region;

    if (address != 0) {
        region = smmap__region_at_locked(file->manager, address);
        if (covers(region, offset, end)) {
            return region;
        }
    }
    region = first_span(file, number);
    while (region != NULL && !covers(region, offset, end)) {
        region = region->next;
    }
    return region;
}

void smmap__region_attach_locked(smmap__region_t *region)
{
    smmap__file_t *file = region->file;

    region->state = SMMAP__ACTIVE;
    smmap__hash_insert(&file->manager->by_address, &region->hash);
    smmap__queue_add(&file->manager->queue, region);
    if (region->slot == NULL) {
        smmap__word_t *chain =
            smmap__slots_find(&file->spans, smmap__window_number(file, region->begin));

        region->next = (smmap__region_t *)smmap__load(chain);
        smmap__store(chain, (uintptr_t)region);
    } else {
        smmap__store(region->slot, word_of(region));
    }
}

SMMAP__LOCKED static void retire(smmap__region_t *region)
{
    smmap__retired_t *retired = &region->file->manager->retired;

    region->state = SMMAP__RETIRED;
    region->next = retired->first;
    retired->first = region;
    smmap__count_store(&retired->count, smmap__count_load(&retired->count) + 1);
}

void smmap__region_attach_private_locked(smmap__region_t *region)
{
    smmap__hash_insert(&region->file->manager->by_address, &region->hash);
    retire(region);
}

/* Out of table and queue. */
SMMAP__LOCKED static void detach(smmap__region_t *region)
{
    smmap__file_t *file = region->file;

    if (region->slot != NULL) {
        smmap__store(region->slot, 0);
    } else {
        smmap__word_t *chain =
            smmap__slots_find(&file->spans, smmap__window_number(file, region->begin));
        smmap__region_t *before = (smmap__region_t *)smmap__load(chain);

        if (before == region) {
            smmap__store(chain, (uintptr_t)region->next);
        } else {
            while (before->next != region) {
                before = before->next;
            }
            before->next = region->next;
        }
    }
    smmap__queue_remove(&file->manager->queue, region);
}

/* What the hand asks and does. */

void smmap__region_mark_visited_locked(smmap__region_t *region)
{
    if (region->slot == NULL) {
        region->visited = 1;
    } else {
        smmap__store(region->slot, word_of(region) | SMMAP__VISITED);
    }
}

int smmap__region_test_and_clear_visited_locked(smmap__region_t *region)
{
    int visited;

    if (region->slot == NULL) {
        visited = region->visited;
        region->visited = 0;
        return visited;
    }
    return smmap__replace(region->slot, word_of(region) | SMMAP__VISITED, word_of(region));
}

int smmap__region_unlink_locked(smmap__region_t *region)
{
    if (region->state != SMMAP__ACTIVE ||
        (region->slot != NULL && !smmap__replace(region->slot, word_of(region), 0))) {
        return 0;
    }
    region->state = SMMAP__EVICTING;
    return 1;
}

void smmap__region_relink_locked(smmap__region_t *region)
{
    region->state = SMMAP__ACTIVE;
    smmap__region_mark_visited_locked(region);
}

void smmap__region_evict_locked(smmap__region_t *region, smmap__reclaim_t *reclaim)
{
    detach(region);
    unlink_and_reclaim(region, reclaim);
}

void smmap__region_retire_locked(smmap__region_t *region)
{
    detach(region);
    retire(region);
}

/* Who pins what. */

typedef struct marking_t {
    smmap_manager_t *manager;
    smmap_stats_t *stats;
} marking_t;

SMMAP__LOCKED static void mark(void *context, uintptr_t window)
{
    const marking_t *marking = context;
    smmap__region_t *region = smmap__region_at_locked(marking->manager, window);

    /* There may be none: a hit that is about to see that it came too late. */
    if (region == NULL || region->epoch == marking->manager->epoch) {
        return;
    }
    region->epoch = marking->manager->epoch;
    if (marking->stats != NULL) {
        marking->stats->pinned_regions++;
        marking->stats->pinned_bytes += region->mapping.length;
    }
}

unsigned smmap__region_mark_pinned_locked(smmap_manager_t *manager, smmap_stats_t *stats)
{
    const smmap__pin_set_t all = SMMAP__PIN_SET_ALL;
    marking_t marking = {manager, stats};

    manager->epoch++;
    if (stats == NULL) {
        smmap__pins_scan(&manager->pins, &all, mark, &marking);
    } else {
        smmap__pins_each(&manager->pins, &all, mark, &marking);
    }
    return manager->epoch;
}

SMMAP__LOCKED static void reclaim_retired(smmap__retired_t *retired, smmap__region_t **link,
                                          smmap__reclaim_t *reclaim)
{
    smmap__region_t *region = *link;

    *link = region->next;
    smmap__count_store(&retired->count, smmap__count_load(&retired->count) - 1);
    unlink_and_reclaim(region, reclaim);
}

void smmap__retired_sweep_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    smmap__region_t **link = &manager->retired.first;
    unsigned epoch;

    if (*link == NULL) {
        return; /* and nobody is kept waiting for a fence */
    }
    epoch = smmap__region_mark_pinned_locked(manager, NULL);
    while (*link != NULL) {
        if ((*link)->epoch != epoch) {
            reclaim_retired(&manager->retired, link, reclaim);
        } else {
            link = &(*link)->next;
        }
    }
}

void smmap__retired_release_locked(smmap_manager_t *manager, uintptr_t address,
                                   smmap__reclaim_t *reclaim)
{
    smmap__region_t **link = &manager->retired.first;

    while (*link != NULL && address_of(*link) != address) {
        link = &(*link)->next;
    }
    if (*link != NULL && smmap__pins_on(&manager->pins, (void *)address) == 0) {
        reclaim_retired(&manager->retired, link, reclaim);
    }
}
