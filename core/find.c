/*
 * Regions that are mapped: where they are found, and who uses them.
 *
 * A file in sliding mode has a fixed grid of windows; a region on the grid is a
 * whole window (the last one ends with the file), and its address stands in the
 * word of its slot, where a hit finds it without a lock. A span is any other
 * region: it crosses a window's end because somebody required bytes in one piece,
 * or it is a part of a window because the system refused to map more. Spans hang in
 * a chain at the window they begin in and are found under the manager's lock. In
 * static mode the grid has one window, as large as a file can be.
 *
 * The life of a region is that of its state:
 *
 *   ACTIVE -> EVICTING      the slot's word becomes 0: no hit finds it any more
 *   EVICTING -> ACTIVE      somebody pins it: the word is put back
 *   EVICTING -> trash      after the heavy fence no pin held its address
 *   ACTIVE -> RETIRED      the file's size changed, or the manager was destroyed
 *   RETIRED -> trash      after the heavy fence no pin held its address
 *
 * Why nothing is unmapped that is pinned: a hit reads the word, publishes the
 * address in its pin, and reads the word again. The evictor makes the word 0, then
 * executes the heavy fence, then reads the pins. If the evictor does not see the
 * pin, it was published after the fence, so the hit's second reading comes after it
 * too, finds 0, and the hit is none. Under the lock pins are only set on regions
 * that are ACTIVE, and evictors hold the lock from taking to putting back. A pin
 * passes from one cursor to another under the lock alone, so none is missed on the
 * way.
 *
 * Why a region is as long as a hit shows it, where it is not a whole window: its length
 * follows from the file's size. A region that is found in its slot reaches as far as the
 * size says, or further, at any time: when a file has grown the short region goes before
 * the size changes, and when it was cut the size changes before what is too long goes. A
 * hit that found one region in the slot, before and after it read the size (and it is one
 * region, as the first time it was pinned), has read a size that held while it was there.
 */
#include "core/core.h"

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

static smmap__region_t **bucket_of(const smmap_manager_t *manager, uintptr_t address)
{
    apr_uint64_t hash =
        (apr_uint64_t)(address >> 12) * APR_UINT64_C(0x9E3779B97F4A7C15); /* Knuth's */

    return &manager->by_address[(hash >> 32) & (manager->by_address_count - 1)];
}

smmap__region_t *smmap__region_at_locked(const smmap_manager_t *manager, uintptr_t address)
{
    smmap__region_t *region = *bucket_of(manager, address);

    while (region != NULL && address_of(region) != address) {
        region = region->hash_next;
    }
    return region;
}

/* Without memory the chains just become longer. */
static void grow_table(smmap_manager_t *manager)
{
    smmap__region_t **old = manager->by_address;
    apr_size_t old_count = manager->by_address_count;
    smmap__region_t **larger;
    apr_size_t i;

    if (manager->queue.length < old_count || old_count > APR_SIZE_MAX / 4 / sizeof *larger) {
        return;
    }
    larger = smmap__alloc(2 * old_count * sizeof *larger);
    if (larger == NULL) {
        return;
    }
    manager->by_address = larger;
    manager->by_address_count = 2 * old_count;
    for (i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            smmap__region_t *region = old[i];
            smmap__region_t **bucket = bucket_of(manager, address_of(region));

            old[i] = region->hash_next;
            region->hash_next = *bucket;
            *bucket = region;
        }
    }
    smmap__free(old);
}

static void enter_address(smmap__region_t *region)
{
    smmap__region_t **bucket;

    grow_table(region->file->manager);
    bucket = bucket_of(region->file->manager, address_of(region));
    region->hash_next = *bucket;
    *bucket = region;
}

static void unlink_and_reclaim(smmap__region_t *region, smmap__reclaim_t *reclaim)
{
    smmap__region_t **link = bucket_of(region->file->manager, address_of(region));

    while (*link != region) {
        link = &(*link)->hash_next;
    }
    *link = region->hash_next;
    region->next = reclaim->regions;
    reclaim->regions = region;
    region->file->regions--;
    region->file->buffered_regions -= region->mapping.memory != 0;
    smmap__file_reap_locked(region->file, reclaim);
}

/* By place. */

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
    enter_address(region);
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

static void retire(smmap__region_t *region)
{
    smmap_manager_t *manager = region->file->manager;

    region->state = SMMAP__RETIRED;
    region->next = manager->retired;
    manager->retired = region;
    smmap__count_store(&manager->retired_count, smmap__count_load(&manager->retired_count) + 1);
}

void smmap__region_attach_private_locked(smmap__region_t *region)
{
    enter_address(region);
    retire(region);
}

/* Out of table and queue. */
static void detach(smmap__region_t *region)
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

/* The hand's questions. */

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

static void mark(void *context, uintptr_t window)
{
    smmap_manager_t *manager = context;
    smmap__region_t *region = smmap__region_at_locked(manager, window);

    /* There may be none: a hit that is about to see that it came too late. */
    if (region != NULL) {
        region->epoch = manager->epoch;
    }
}

unsigned smmap__region_mark_pinned_locked(smmap_manager_t *manager)
{
    manager->epoch++;
    smmap__pins_each(&manager->pins, SMMAP__PINS_ALL, mark, manager);
    return manager->epoch;
}

static void reclaim_retired(smmap_manager_t *manager, smmap__region_t **link, smmap__reclaim_t *reclaim)
{
    smmap__region_t *region = *link;

    *link = region->next;
    smmap__count_store(&manager->retired_count, smmap__count_load(&manager->retired_count) - 1);
    unlink_and_reclaim(region, reclaim);
}

void smmap__retired_sweep_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    unsigned epoch = smmap__region_mark_pinned_locked(manager);
    smmap__region_t **link = &manager->retired;

    while (*link != NULL) {
        if ((*link)->epoch != epoch) {
            reclaim_retired(manager, link, reclaim);
        } else {
            link = &(*link)->next;
        }
    }
}

void smmap__retired_release_locked(smmap_manager_t *manager, uintptr_t address,
                                 smmap__reclaim_t *reclaim)
{
    smmap__region_t **link = &manager->retired;

    while (*link != NULL && address_of(*link) != address) {
        link = &(*link)->next;
    }
    if (*link != NULL && smmap__pins_on(&manager->pins, (void *)address) == 0) {
        reclaim_retired(manager, link, reclaim);
    }
}
