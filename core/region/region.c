/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions that are mapped: where they are found, and who uses them. Their states and the
 * transitions are in types.h; why nothing is unmapped that is pinned, in base/pins.h.
 *
 * A file in sliding mode has a fixed grid of windows; a region on the grid is a whole window
 * (the last one ends with the file), and its address stands in the word of its slot, where a
 * hit finds it without a lock. A span is any other region: it crosses a window's end because
 * somebody required bytes in one piece, or it is a part of a window because the system
 * refused to map more, or it is a window for which there is no slot. Spans are in a table by
 * the window they begin in and are found under the manager's lock. In static mode the grid has
 * one window, as large as a file can be.
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

/* Make it known by address, and to its file. */
SMMAP__LOCKED static void link_region(smmap__region_t *region)
{
    smmap__file_t *file = region->file;

    smmap__hash_insert(&file->manager->by_address, &region->hash);
    smmap__list_append(&file->region_list, &region->file_link);
    file->manager->stats.mapped_files += file->regions++ == 0;
    file->buffered_regions += region->mapping.memory != 0;
}

SMMAP__LOCKED static void unlink_and_reclaim(smmap__region_t *region, smmap__reclaim_t *reclaim)
{
    smmap__file_t *file = region->file;

    smmap__hash_remove(&file->manager->by_address, &region->hash);
    smmap__list_remove(&region->file_link);
    region->next = reclaim->regions;
    reclaim->regions = region;
    file->manager->stats.mapped_files -= --file->regions == 0;
    file->buffered_regions -= region->mapping.memory != 0;
    smmap__file_reap_locked(file, reclaim);
}

/* By place. A span is a region that is no window. It is found by the number of the window in which
   it begins; but a window of a GiB may hold a thousand small ones, of a file that is read into
   memory, or where there was no room for more, so those that lie in one place or two of the file
   are found by the first one. In static mode, where the one window is the file, all are. */

static apr_uint64_t key_by_window(const smmap__file_t *file, apr_off_t offset)
{
    return smmap__hash_bits(file->number) ^ smmap__window_number(file, offset);
}

static apr_uint64_t key_by_place(const smmap__file_t *file, apr_off_t offset)
{
    return smmap__hash_bits(file->number) ^ (apr_uint64_t)offset >> SMMAP__BUFFERED_SHIFT;
}

static int has_small_spans(const smmap__file_t *file)
{
    return file->manager->window_size == 0 || file->window > 1 << SMMAP__BUFFERED_SHIFT;
}

apr_uint64_t smmap__region_span_key(smmap__hash_node_t *node)
{
    const smmap__region_t *region = SMMAP__ELEMENT(node, smmap__region_t, span);
    const smmap__file_t *file = region->file;
    const apr_off_t last = smmap__region_end(region) - 1;
    const int is_small =
        (last >> SMMAP__BUFFERED_SHIFT) - (region->begin >> SMMAP__BUFFERED_SHIFT) <= 1;

    return has_small_spans(file) && (is_small || file->manager->window_size == 0)
               ? key_by_place(file, region->begin)
               : key_by_window(file, region->begin);
}

static int covers(const smmap__region_t *region, apr_off_t offset, apr_off_t end)
{
    return region->begin <= offset && end <= smmap__region_end(region);
}

SMMAP__LOCKED static smmap__region_t *span_find(const smmap__file_t *file, apr_uint64_t key,
                                                apr_off_t offset, apr_off_t end)
{
    smmap__hash_node_t *node = smmap__hash_chain(&file->manager->spans, key);

    for (; node != NULL; node = node->next) {
        smmap__region_t *region = SMMAP__ELEMENT(node, smmap__region_t, span);

        /* In the chain are others, too: what is found must not depend on the table's size. */
        if (region->file == file && covers(region, offset, end) &&
            smmap__region_span_key(node) == key) {
            return region;
        }
    }
    return NULL;
}

smmap__region_t *smmap__region_find_locked(const smmap__file_t *file, apr_off_t offset,
                                           apr_off_t end)
{
    apr_uint64_t number = smmap__window_number(file, offset);
    const smmap__word_t *word = smmap__slots_find(&file->grid, number);
    uintptr_t address = word != NULL ? smmap__load(word) & ~SMMAP__FLAGS : 0;
    smmap__region_t *region = NULL;

    if (address != 0) {
        region = smmap__region_at_locked(file->manager, address);
        if (covers(region, offset, end)) {
            return region;
        }
        region = NULL;
    }
    if (has_small_spans(file)) {
        const apr_off_t place = (apr_off_t)1 << SMMAP__BUFFERED_SHIFT;

        region = span_find(file, key_by_place(file, offset), offset, end);
        if (region == NULL && offset >= place) {
            region = span_find(file, key_by_place(file, offset - place), offset, end);
        }
    }
    if (region == NULL && file->manager->window_size != 0) {
        region = span_find(file, key_by_window(file, offset), offset, end);
    }
    return region;
}

void smmap__region_attach_locked(smmap__region_t *region)
{
    smmap__file_t *file = region->file;

    region->state = SMMAP__ACTIVE;
    link_region(region);
    smmap__queue_add(&file->manager->queue, region);
    if (region->slot == NULL) {
        smmap__hash_insert(&file->manager->spans, &region->span);
    } else {
        smmap__store(region->slot, word_of(region));
    }
}

/* Count a pin, which no other retired region counts. */
SMMAP__LOCKED static void hold(smmap__region_t *region, smmap__pin_t *pin)
{
    region->holders++;
    smmap__store(&pin->retired, (uintptr_t)region);
}

void smmap__region_attach_private_locked(smmap__region_t *region, smmap__pin_t *pin)
{
    link_region(region);
    region->state = SMMAP__RETIRED;
    smmap__list_append(&region->file->manager->retired.pinned, &region->link);
    hold(region, pin);
}

/* Out of table and queue. */
SMMAP__LOCKED static void detach(smmap__region_t *region)
{
    smmap__file_t *file = region->file;

    if (region->slot != NULL) {
        smmap__store(region->slot, 0);
        smmap__slots_leave(&file->grid, region->slot, smmap__window_number(file, region->begin));
    } else {
        smmap__hash_remove(&file->manager->spans, &region->span);
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
    region->state = SMMAP__RETIRED;
    smmap__list_append(&region->file->manager->retired.fresh, &region->link);
}

/* Who pins what. */

SMMAP__LOCKED static void count_pin(void *context, smmap__pin_t *pin, uintptr_t window)
{
    smmap_manager_t *manager = context;
    smmap__region_t *region = smmap__region_at_locked(manager, window);

    (void)pin;
    if (region == NULL) {
        return; /* a hit that is about to see that it came too late */
    }
    if (region->epoch != manager->epoch) {
        region->epoch = manager->epoch;
        region->pins = 0;
        manager->stats.pinned_regions++;
        manager->stats.pinned_bytes += region->mapping.length;
    }
    region->pins++;
}

unsigned smmap__region_count_pins_locked(smmap_manager_t *manager, int with_fence)
{
    const smmap__pin_set_t all = SMMAP__PIN_SET_ALL;

    manager->epoch++;
    manager->stats.pinned_regions = 0;
    manager->stats.pinned_bytes = 0;
    if (with_fence) {
        smmap__pins_scan(&manager->pins, &all, count_pin, manager);
    } else {
        smmap__pins_each(&manager->pins, &all, count_pin, manager);
    }
    return manager->epoch;
}

static smmap__region_t *region_of(smmap__link_t *link)
{
    return SMMAP__ELEMENT(link, smmap__region_t, link);
}

/* Take it out of its list, and off to the reclaim list. */
SMMAP__LOCKED static void reclaim_retired(smmap__region_t *region, smmap__reclaim_t *reclaim)
{
    smmap__list_remove(&region->link);
    unlink_and_reclaim(region, reclaim);
}

/* The retired region that counts a pin, or NULL. */
static smmap__region_t *held_by(const smmap__pin_t *pin)
{
    uintptr_t word = smmap__load(&pin->retired);

    return word > SMMAP__PIN_FLAGGED ? (smmap__region_t *)word : NULL;
}

/* The pin is on another window by now. */
SMMAP__LOCKED static void let_go(smmap__pin_t *pin, smmap__reclaim_t *reclaim)
{
    smmap__region_t *region = held_by(pin);

    smmap__store(&pin->retired, 0);
    if (region != NULL && --region->holders == 0) {
        reclaim_retired(region, reclaim);
    }
}

/* Of the regions that were just retired. */
typedef struct looking_t {
    smmap_manager_t *manager;
    smmap__reclaim_t *reclaim;
    int fenced;  /* what was flagged before is told apart from what has left */
    int flagged; /* pins found without their flag */
} looking_t;

SMMAP__LOCKED static void look_at_pin(void *context, smmap__pin_t *pin, uintptr_t window)
{
    looking_t *looking = context;
    smmap__region_t *region = smmap__region_at_locked(looking->manager, window);

    if (region == NULL || region->state != SMMAP__RETIRED) {
        return;
    }
    if (smmap__load(&pin->retired) == 0) {
        smmap__store(&pin->retired, SMMAP__PIN_FLAGGED);
        looking->flagged = 1;
    } else if (looking->fenced && held_by(pin) != region) {
        let_go(pin, looking->reclaim);
        hold(region, pin);
    }
}

/* Look through the pins that can be on the windows of a file; NULL: of all. */
SMMAP__LOCKED static void look(const smmap__file_t *file, const smmap__pin_set_t *set,
                               looking_t *looking)
{
    looking->flagged = 0;
    if (file != NULL) {
        smmap__pins_each_of(&file->pins, set, look_at_pin, looking);
    } else {
        smmap__pins_each(&looking->manager->pins, set, look_at_pin, looking);
    }
}

void smmap__retired_sweep_locked(smmap_manager_t *manager, const smmap__file_t *file,
                                 smmap__reclaim_t *reclaim)
{
    smmap__retired_t *retired = &manager->retired;
    smmap__pin_set_t set = SMMAP__PIN_SET_NONE;
    looking_t looking = {manager, reclaim, 0, 0};
    smmap__link_t *link = &retired->fresh;

    if (smmap__list_next(link, link) == NULL) {
        return; /* and nobody is kept waiting for a fence */
    }
    while ((link = smmap__list_next(&retired->fresh, link)) != NULL) {
        smmap__pin_set_add(&set, address_of(region_of(link)));
    }
    look(file, &set, &looking); /* saves a second fence */
    looking.fenced = 1;
    do {
        smmap__os_fence_heavy();
        look(file, &set, &looking);
    } while (looking.flagged);
    while (retired->fresh.previous != &retired->fresh) {
        link = retired->fresh.previous;
        if (region_of(link)->holders == 0) {
            reclaim_retired(region_of(link), reclaim);
        } else {
            smmap__list_remove(link);
            smmap__list_append(&retired->pinned, link);
        }
    }
}

void smmap__retire_all_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim)
{
    while (manager->queue.length != 0) {
        smmap__region_retire_locked(smmap__queue_first(&manager->queue));
    }
    smmap__retired_sweep_locked(manager, NULL, reclaim);
}

void smmap__pin_left_locked(smmap__pin_t *pin, smmap__reclaim_t *reclaim)
{
    const smmap__region_t *region = held_by(pin);

    /* It may have come from one retired region to another, which counts it already. */
    if (region == NULL || address_of(region) != smmap__load(pin->window)) {
        let_go(pin, reclaim);
    }
}

void smmap__pin_copied_locked(smmap__pin_t *pin, const smmap__pin_t *from)
{
    smmap__region_t *region = held_by(from);

    if (region != NULL && address_of(region) == smmap__load(pin->window)) {
        hold(region, pin);
    }
}
