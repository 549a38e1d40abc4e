/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's cursors on the move: use, require, reading ahead. See model.h.
 */
#include "model.h"

#define CHUNK ((apr_off_t)1 << 20)
#define HEAP_MOST ((apr_off_t)1 << 20)

static omanager_t *owner_of(world_t *w, int cursor)
{
    return &w->managers[w->cursors[cursor].manager];
}

void model_release(world_t *w, int cursor)
{
    ocursor_t *it = &w->cursors[cursor];
    int region = it->region;

    if (region == NONE) {
        return;
    }
    it->region = NONE;
    it->offset = 0;
    it->size = 0;
    model_retired_release(w, it->manager, region);
}

int model_at(const world_t *w, int cursor, apr_off_t offset)
{
    const ocursor_t *it = &w->cursors[cursor];

    return it->region != NONE && offset >= w->regions[it->region].begin &&
           offset < model_region_end(&w->regions[it->region]);
}

static void show(world_t *w, int cursor, int region, apr_off_t offset, apr_size_t size)
{
    ocursor_t *it = &w->cursors[cursor];
    apr_size_t there = (apr_size_t)(model_region_end(&w->regions[region]) - offset);

    it->region = region;
    it->offset = offset;
    it->size = size != 0 && size < there ? size : there;
}

/* Advice. */

static apr_status_t advise(world_t *w, apr_off_t offset, apr_off_t end)
{
    apr_status_t status = APR_SUCCESS;

    for (; offset < end && status == APR_SUCCESS; offset += CHUNK) {
        apr_off_t to = end - offset < CHUNK ? end : offset + CHUNK;

        status = model_call(w, FAKE_FILE_ADVISE);
        if (status == APR_SUCCESS) {
            w->advised += to - offset;
            w->advised_end = to;
        }
    }
    return status;
}

/* A sequential cursor came into a window: the one behind it is asked for. */
static void ahead(world_t *w, int cursor, apr_off_t begin)
{
    const ofile_t *file = &w->files[w->cursors[cursor].file];
    apr_off_t window = model_window(w, w->cursors[cursor].file);
    apr_off_t next;
    apr_off_t end;

    if (w->cursors[cursor].access != SMMAP_ACCESS_SEQUENTIAL || file->size - begin <= window ||
        !file->open) {
        return;
    }
    next = begin + window;
    end = next + (window < 8 * CHUNK ? window : 8 * CHUNK);
    advise(w, next, end < file->size ? end : file->size);
    owner_of(w, cursor)->stats.prefetches++;
}

apr_status_t model_advise(world_t *w, int cursor, apr_off_t offset, apr_off_t size)
{
    ocursor_t *it = &w->cursors[cursor];
    apr_off_t file_size;
    apr_status_t status = APR_SUCCESS;

    if (!w->files[it->file].open) {
        status = model_enter(w, it->file, it->path);
        if (status == APR_SUCCESS) {
            model_leave(w, it->file);
        }
    }
    file_size = w->files[it->file].size;
    if (status == APR_SUCCESS && offset < file_size) {
        status = advise(w, offset, size < file_size - offset ? offset + size : file_size);
    }
    return status;
}

/* Mapping. */

typedef struct want_t {
    int file;
    apr_off_t offset;
    apr_off_t end;
    apr_size_t window; /* 0: exactly these bytes */
    apr_off_t from;
    apr_off_t to;
    int on_grid;
    int copying;
    int on_heap;
    int cleared; /* what nobody pins was unmapped for it */
} want_t;

static void choose(const world_t *w, want_t *want)
{
    const omanager_t *manager = &w->managers[w->files[want->file].manager];
    apr_off_t size = w->files[want->file].size;
    apr_off_t grain = (apr_off_t)w->granularity;
    apr_off_t grid = (apr_off_t)manager->window;

    if (grid == 0) {
        want->from = 0;
        want->to = size;
        want->on_grid = 1;
        return;
    }
    if (want->window != 0) {
        apr_off_t part = (apr_off_t)want->window;
        apr_off_t first = want->offset / grid * grid;
        apr_off_t last = first + grid < size ? first + grid : size;

        want->from = first + (want->offset - first) / part * part;
        want->to = want->from + part < last ? want->from + part : last;
        want->on_grid = want->window == manager->window;
        if (want->end <= want->to) {
            return;
        }
        want->window = 0;
    }
    want->on_grid = 0;
    want->from = want->offset / grain * grain;
    want->to = (want->end + grain - 1) / grain * grain;
    if (want->to > size) {
        want->to = size;
    }
}

static int choose_smaller(const world_t *w, want_t *want)
{
    apr_off_t length = want->to - want->from;

    while (want->window > w->granularity) {
        want->window = (want->window / 2 + w->granularity - 1) / w->granularity * w->granularity;
        choose(w, want);
        if (want->to - want->from < length) {
            return 1;
        }
    }
    return 0;
}

/* Whether the table is made that the slot of a window is in. */
int *model_table(world_t *w, ofile_t *file, apr_uint64_t number)
{
    return number < file->first ? &file->has_first : &w->managers[file->manager].has_far;
}

/* The slot of a window needs memory, once for many windows. */
int model_prepare(world_t *w, ofile_t *file, apr_uint64_t number)
{
    int *table = model_table(w, file, number);

    *table = *table || model_allocate(w);
    return *table;
}

/* Memory was refused: what nobody pins goes. */
static void make_room(world_t *w, int number)
{
    smmap_stats_t *stats = &w->managers[number].stats;
    reclaim_t reclaim;

    model_reclaim_begin(&reclaim);
    model_evict_unpinned(w, number, &reclaim);
    model_reclaim(w, number, &reclaim);
    stats->evictions += reclaim.unmapped;
    stats->retries++;
}

static apr_status_t ask_system(world_t *w, apr_size_t length)
{
    apr_status_t status = model_call(w, FAKE_MAP);

    if (status != APR_SUCCESS) {
        return status;
    }
    if ((w->fail_above != 0 && length > w->fail_above) ||
        (w->fail_total != 0 && w->live_bytes + length > w->fail_total)) {
        return APR_ENOMEM;
    }
    return APR_SUCCESS;
}

int model_exhausted(apr_status_t status)
{
    return APR_STATUS_IS_ENOMEM(status) || APR_STATUS_IS_EMFILE(status) ||
           APR_STATUS_IS_ENFILE(status) || APR_STATUS_IS_EAGAIN(status);
}

/* The heap's memory, filled by reading. Returns the status of the call, where the system has
   refused a mapping with `refusal`. */
static apr_status_t map_heap(world_t *w, want_t *want, apr_status_t refusal)
{
    omanager_t *manager = &w->managers[w->files[want->file].manager];
    apr_off_t grain = (apr_off_t)w->granularity;
    apr_off_t size = w->files[want->file].size;
    apr_size_t length;
    apr_status_t status;

    want->from = want->offset / grain * grain;
    want->to = (want->end + grain - 1) / grain * grain;
    if (want->to > size) {
        want->to = size;
    }
    if (want->copying || want->to - want->from > HEAP_MOST) {
        manager->stats.map_failures += !want->copying;
        return refusal;
    }
    manager->stats.retries++;
    length = (apr_size_t)(want->to - want->from);
    status = model_budget_reserve(w, w->files[want->file].manager, length);
    if (status != APR_SUCCESS) {
        manager->stats.limit_failures++;
        return status;
    }
    status = model_allocate(w) ? model_call(w, FAKE_READ) : APR_ENOMEM;
    if (status == APR_SUCCESS) {
        status = model_call(w, FAKE_SIZE);
    }
    if (status != APR_SUCCESS) {
        manager->stats.mapped_bytes -= length;
        manager->stats.regions--;
        manager->stats.map_failures++;
        return model_exhausted(status) ? refusal : status;
    }
    want->on_heap = 1;
    manager->stats.buffered++;
    manager->stats.buffered_regions++;
    manager->stats.buffered_bytes += length;
    return APR_SUCCESS;
}

static apr_status_t map(world_t *w, want_t *want, smmap_access_t access)
{
    int number = w->files[want->file].manager;
    smmap_stats_t *stats = &w->managers[number].stats;
    int smaller = 0;

    for (;;) {
        apr_size_t length = (apr_size_t)(want->to - want->from);
        apr_status_t status = model_budget_reserve(w, number, length);

        if (status == SMMAP_ELIMIT_BYTES && !want->copying && choose_smaller(w, want)) {
            smaller = 1;
            stats->retries++;
            continue;
        }
        if (status != APR_SUCCESS) {
            stats->limit_failures += !want->copying;
            return status;
        }
        status = ask_system(w, length);
        if (status == APR_SUCCESS) {
            if (access != SMMAP_ACCESS_NORMAL) {
                model_call(w, FAKE_ADVISE);
            }
            stats->shrunk_maps += (apr_uint64_t)smaller;
            return APR_SUCCESS;
        }
        stats->mapped_bytes -= length;
        stats->regions--;
        if (!model_exhausted(status)) {
            stats->map_failures++;
            return status;
        }
        if (!want->cleared) {
            want->cleared = 1;
            make_room(w, number);
            continue;
        }
        if (!choose_smaller(w, want)) {
            return map_heap(w, want, status);
        }
        smaller = 1;
        stats->retries++;
    }
}

/* It is mapped: count it, and make it known. findable: it stands in the tables. */
static int enter(world_t *w, const want_t *want, int findable)
{
    int number = w->files[want->file].manager;
    omanager_t *manager = &w->managers[number];
    int new = model_region_new(w);
    oregion_t *region = &w->regions[new];

    region->manager = number;
    region->file = want->file;
    region->inode = w->files[want->file].inode;
    region->key = w->inodes[region->inode].key;
    region->real = w->inodes[region->inode].real;
    region->begin = want->from;
    region->length = (apr_size_t)(want->to - want->from);
    region->on_grid = want->on_grid && !want->on_heap;
    region->on_heap = want->on_heap;
    region->serial = ++w->serial;
    w->files[want->file].regions++;
    w->files[want->file].heap_regions += want->on_heap;
    w->live_mappings += !want->on_heap;
    w->live_bytes += want->on_heap ? 0 : region->length;
    if (findable) {
        region->state = ACTIVE;
        manager->queue[manager->length++] = new;
    } else {
        model_retire(w, new);
    }
    if (want->on_heap) {
        /* The system hears nothing of it. */
    } else if (w->event_count < EVENTS) {
        fake_event_t *event = &w->events[w->event_count++];

        event->mapped = 1;
        event->file = region->real;
        event->offset = region->begin;
        event->length = region->length;
    } else {
        w->overflow = 1;
    }
    manager->stats.maps++;
    if (manager->stats.mapped_bytes > manager->max_bytes ||
        manager->stats.regions > manager->max_regions) {
        manager->stats.over_limit++;
    }
    if (manager->stats.mapped_bytes > manager->stats.peak_mapped_bytes) {
        manager->stats.peak_mapped_bytes = manager->stats.mapped_bytes;
    }
    if (manager->stats.regions > manager->stats.peak_regions) {
        manager->stats.peak_regions = manager->stats.regions;
    }
    return new;
}

/* Moves. */

/* Memory for the region, and for the table that it stands in. */
static int account_once(world_t *w, const want_t *want)
{
    return model_allocate(w) &&
           (!want->on_grid ||
            model_prepare(w, &w->files[want->file], model_number(w, want->file, want->offset)));
}

static int keep_account(world_t *w, want_t *want)
{
    if (account_once(w, want)) {
        return 1;
    }
    want->cleared = 1;
    make_room(w, w->files[want->file].manager);
    return account_once(w, want);
}

static apr_status_t miss(world_t *w, int cursor, apr_off_t offset, apr_off_t end, int *region)
{
    ocursor_t *it = &w->cursors[cursor];
    want_t want = {it->file, offset, end, owner_of(w, cursor)->window, 0, 0, 0, it->copying, 0, 0};
    apr_status_t status;

    it->missed = 1;
    it->began = w->clock;
    status = model_enter(w, it->file, it->path);
    if (status != APR_SUCCESS) {
        it->copying = 0;
        return status;
    }
    if (end > w->files[it->file].size) {
        status = SMMAP_ETRUNCATED;
    } else {
        choose(w, &want);
        if (!keep_account(w, &want)) {
            status = APR_ENOMEM;
        } else {
            status = map(w, &want, it->access);
        }
        if (status == APR_SUCCESS) {
            *region = enter(w, &want, !want.on_heap);
        }
    }
    model_leave(w, it->file);
    return status;
}

/* Move to where [offset, end) is; size: what is to be shown, 0 for all there is. */
static apr_status_t move(world_t *w, int cursor, apr_off_t offset, apr_off_t end, apr_size_t size)
{
    ocursor_t *it = &w->cursors[cursor];
    omanager_t *manager = owner_of(w, cursor);
    int region =
        end <= w->files[it->file].size ? model_region_find(w, it->file, offset, end) : NONE;
    int old = it->region;
    apr_status_t status;

    if (region != NONE && w->regions[region].on_grid && it->has_pin) {
        /* The short way: nothing is let go of before the new window is held. */
        w->regions[region].visited |= region != old;
        manager->stats.hits++;
        show(w, cursor, region, offset, size);
        if (region != old) {
            ahead(w, cursor, w->regions[region].begin);
            if (old != NONE) {
                model_retired_release(w, it->manager, old);
            }
        }
        return APR_SUCCESS;
    }
    model_release(w, cursor);
    if (!it->has_pin) {
        it->has_pin = model_allocate(w);
    }
    if (!it->has_pin) {
        make_room(w, it->manager);
        it->has_pin = model_allocate(w);
    }
    if (manager->closed) {
        return SMMAP_ECLOSED;
    }
    if (end > w->files[it->file].size) {
        return APR_EOF;
    }
    if (!it->has_pin) {
        return APR_ENOMEM;
    }
    if (region != NONE) {
        w->regions[region].visited |= region != old;
        manager->stats.hits++;
    } else {
        manager->stats.misses++;
        status = miss(w, cursor, offset, end, &region);
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    show(w, cursor, region, offset, size);
    ahead(w, cursor, w->regions[region].begin);
    return APR_SUCCESS;
}

apr_status_t model_use(world_t *w, int cursor, apr_off_t offset, apr_size_t size)
{
    if (offset < 0 || offset == (apr_off_t)(~(apr_uint64_t)0 >> 1)) {
        model_release(w, cursor);
        return offset < 0 ? APR_EINVAL : APR_EOF;
    }
    return move(w, cursor, offset, offset + 1, size);
}

apr_status_t model_require(world_t *w, int cursor, apr_off_t offset, apr_size_t size)
{
    if (offset < 0 || size == 0) {
        model_release(w, cursor);
        return APR_EINVAL;
    }
    if (size > (~(apr_uint64_t)0 >> 1) - (apr_uint64_t)offset) {
        model_release(w, cursor);
        return SMMAP_ETOOLARGE;
    }
    return move(w, cursor, offset, offset + (apr_off_t)size, size);
}
