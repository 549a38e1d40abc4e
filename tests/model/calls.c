/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's answers to the public functions, one by one. See model.h.
 */
#include "model.h"

#include <string.h>

#define GIB ((apr_uint64_t)1 << 30)
#define MIB ((apr_uint64_t)1 << 20)

/* Managers. */

static apr_size_t or_default(apr_size_t value, apr_uint64_t standard)
{
    if (value != SMMAP_DEFAULT) {
        return value;
    }
    return standard > SMMAP_UNLIMITED ? SMMAP_UNLIMITED : (apr_size_t)standard;
}

static void apply_limits(omanager_t *manager, const smmap_options_t *o)
{
    manager->limits = o->limits;
    manager->max_bytes = or_default(o->max_mapped_bytes, sizeof(void *) == 8 ? 8 * GIB : GIB);
    manager->max_regions = or_default(o->max_regions, 32768);
    manager->max_files = or_default(o->max_open_files, 256); /* a quarter of what the fake says */
}

static apr_status_t fits_a_window(const omanager_t *manager)
{
    return (manager->limits & SMMAP_LIMITS_HARD_BYTES) && manager->window > manager->max_bytes
               ? SMMAP_ELIMIT_BYTES
               : APR_SUCCESS;
}

static apr_status_t apply_options(const world_t *w, omanager_t *manager, const smmap_options_t *o)
{
    const int wide = sizeof(void *) == 8;
    const int paranoid = model_is_paranoid();
    apr_size_t grain = w->granularity;
    apr_size_t window = o->window_size == SMMAP_DEFAULT && paranoid ? grain : o->window_size;

    if (o->struct_size != sizeof *o || (int)o->mode < 0 || o->mode > SMMAP_MODE_SLIDING ||
        (int)o->limits < 0 || o->limits > SMMAP_LIMITS_HARD) {
        return APR_EINVAL;
    }
    manager->mode = o->mode;
    if (o->mode == SMMAP_MODE_AUTO) {
        manager->mode = SMMAP_MODE_SLIDING;
    }
    apply_limits(manager, o);
    if (manager->mode == SMMAP_MODE_STATIC) {
        return APR_SUCCESS;
    }
    if (window == SMMAP_DEFAULT) {
        window = (apr_size_t)(wide ? GIB : 64 * MIB);
        if (window > manager->max_bytes / 8) {
            window = manager->max_bytes / 8 / grain * grain;
        }
        if (window < grain) {
            window = grain;
        }
    }
    if (window > SMMAP_UNLIMITED / 2 - grain) {
        return SMMAP_ETOOLARGE;
    }
    manager->window = (window + grain - 1) / grain * grain;
    return fits_a_window(manager);
}

static apr_status_t create_manager(world_t *w, const operation_t *o)
{
    omanager_t *manager = &w->managers[o->manager];
    apr_status_t status = APR_ENOMEM;

    memset(manager, 0, sizeof *manager);
    if (model_allocate(w)) {
        status = apply_options(w, manager, &o->options);
    }
    if (status == APR_SUCCESS && (!model_allocate(w) || !model_allocate(w) || !model_allocate(w) ||
                                  !model_allocate(w) || !model_allocate(w))) {
        status = APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        manager->used = 1;
        manager->hand = NONE;
        model_costs_begin(manager);
        manager->references = 1;
        manager->pool = o->pool;
        manager->serial = ++w->serial;
        manager->stats.struct_size = sizeof manager->stats;
    }
    return status;
}

/* One reference less; the last one takes the manager with it. */
static void drop_manager(world_t *w, int number)
{
    omanager_t *manager = &w->managers[number];

    if (--manager->references == 0) {
        reclaim_t reclaim;

        /* The last attempt for what would not be unmapped: one call each. */
        model_reclaim_begin(&reclaim);
        while (manager->unmap_failed_length > 0) {
            reclaim.regions[0] = manager->unmap_failed[--manager->unmap_failed_length];
            reclaim.region_count = 1;
            model_reclaim(w, number, &reclaim);
            if (w->regions[reclaim.regions[0]].used) {
                /* It stays mapped for good, and nothing refers to it any more. */
                w->regions[reclaim.regions[0]].used = 0;
                manager->unmap_failed_length--;
            }
        }
        manager->used = 0;
    }
}

static apr_status_t destroy_manager(world_t *w, int number)
{
    omanager_t *manager = &w->managers[number];
    reclaim_t reclaim;

    model_reclaim_begin(&reclaim);
    manager->closed = 1;
    manager->pool = NONE;
    while (manager->length > 0) {
        int region = manager->queue[0];

        model_queue_remove(w, region);
        model_retire(w, region);
    }
    model_retired_sweep(w, number, &reclaim);
    model_reclaim(w, number, &reclaim);
    model_close_idle(w, number);
    drop_manager(w, number);
    return reclaim.status;
}

/* Cursors. */

static void new_cursor(world_t *w, int number, int pool)
{
    ocursor_t *cursor = &w->cursors[number];

    memset(cursor, 0, sizeof *cursor);
    cursor->used = 1;
    cursor->pool = pool;
    cursor->serial = ++w->serial;
    cursor->region = NONE;
}

static apr_status_t open_cursor(world_t *w, const operation_t *o, int native)
{
    int by_handle = o->kind == DO_OPEN_HANDLE;
    int file;
    apr_status_t status;

    if (!model_allocate(w) || (!by_handle && !model_allocate(w))) {
        return APR_ENOMEM;
    }
    status =
        model_file_join(w, o->manager, by_handle ? NONE : o->path, native, o->choice == 0, &file);
    if (status == APR_SUCCESS) {
        new_cursor(w, o->cursor, o->pool);
        w->cursors[o->cursor].manager = o->manager;
        w->cursors[o->cursor].file = file;
        w->cursors[o->cursor].reads = w->files[file].number - 1;
        w->cursors[o->cursor].path = by_handle ? NONE : o->path;
    }
    return status;
}

void model_close(world_t *w, int number)
{
    ocursor_t *cursor = &w->cursors[number];
    reclaim_t reclaim;

    model_release(w, number);
    model_reclaim_begin(&reclaim);
    model_file_leave(w, cursor->file, cursor->path == NONE, &reclaim);
    if (w->managers[cursor->manager].closed) {
        model_close_idle(w, cursor->manager);
    }
    model_reclaim(w, cursor->manager, &reclaim);
    drop_manager(w, cursor->manager);
    cursor->used = 0;
}

/* Put an unused one beside another. */
static apr_status_t join(world_t *w, ocursor_t *cursor, int from)
{
    const ocursor_t *it = &w->cursors[from];

    if (w->managers[it->manager].closed) {
        return SMMAP_ECLOSED;
    }
    if (it->region != NONE && !model_allocate(w)) {
        return APR_ENOMEM;
    }
    model_file_joined(w, it->file, it->path == NONE);
    cursor->manager = it->manager;
    cursor->file = it->file;
    cursor->path = it->path;
    cursor->has_pin = it->region != NONE;
    cursor->region = it->region;
    cursor->offset = it->offset;
    cursor->size = it->size;
    cursor->access = it->access;
    cursor->reads = 0;
    return APR_SUCCESS;
}

apr_status_t model_copy(world_t *w, int to, int from, int pool)
{
    ocursor_t made;
    apr_status_t status;

    memset(&made, 0, sizeof made);
    if (!model_allocate(w)) {
        return APR_ENOMEM;
    }
    status = join(w, &made, from);
    if (status == APR_SUCCESS) {
        made.used = 1;
        made.pool = pool;
        made.serial = ++w->serial;
        w->cursors[to] = made;
    }
    return status;
}

apr_status_t model_assign(world_t *w, int to, int from)
{
    ocursor_t made;
    apr_status_t status;

    if (to == from) {
        return APR_SUCCESS;
    }
    made = w->cursors[to];
    status = join(w, &made, from);
    if (status == APR_SUCCESS) {
        /* Both hold the window for a moment. */
        w->cursors[TEMPORARY] = w->cursors[to];
        w->cursors[to] = made;
        model_close(w, TEMPORARY);
    }
    return status;
}

/* Pools: what was made last goes first. */

static void clear_pool(world_t *w, int pool)
{
    for (;;) {
        unsigned last = 0;
        int manager = NONE;
        int cursor = NONE;
        int buffer = NONE;
        int i;

        for (i = 0; i < MANAGERS; i++) {
            if (w->managers[i].used && !w->managers[i].closed && w->managers[i].pool == pool &&
                w->managers[i].serial > last) {
                last = w->managers[i].serial;
                manager = i;
            }
        }
        for (i = 0; i < CURSORS; i++) {
            if (w->cursors[i].used && w->cursors[i].pool == pool && w->cursors[i].serial > last) {
                last = w->cursors[i].serial;
                manager = NONE;
                cursor = i;
            }
        }
        for (i = 0; i < BUFFERS; i++) {
            if (w->buffers[i].used && w->buffers[i].pool == pool && w->buffers[i].serial > last) {
                last = w->buffers[i].serial;
                manager = NONE;
                cursor = NONE;
                buffer = i;
            }
        }
        if (buffer != NONE) {
            model_buffer_close(w, buffer);
        } else if (cursor != NONE) {
            model_close(w, cursor);
        } else if (manager != NONE) {
            destroy_manager(w, manager);
        } else {
            return;
        }
    }
}

static apr_status_t collect(world_t *w, int manager, outcome_t *outcome)
{
    reclaim_t reclaim;

    model_reclaim_begin(&reclaim);
    model_evict_unpinned(w, manager, &reclaim);
    model_reclaim(w, manager, &reclaim);
    outcome->number = reclaim.unmapped;
    return reclaim.status;
}

static apr_status_t set_limits(world_t *w, const operation_t *o)
{
    omanager_t changed = w->managers[o->manager];
    apr_status_t status;

    if (o->options.struct_size != sizeof o->options || o->options.limits > SMMAP_LIMITS_HARD) {
        return APR_EINVAL;
    }
    apply_limits(&changed, &o->options);
    status = fits_a_window(&changed);
    if (status == APR_SUCCESS) {
        w->managers[o->manager] = changed;
        status = model_budget_lower(w, o->manager);
        model_handle_lower(w, o->manager);
    }
    return status;
}

static void give_order(world_t *w, const operation_t *o)
{
    fault_t *fault = &w->faults[o->choice];

    fault->at = fault->calls + o->which;
    fault->forever = o->forever;
    fault->status = o->status;
}

static void no_faults(world_t *w)
{
    int i;

    for (i = 0; i < CALLS; i++) {
        w->faults[i].at = 0;
    }
    w->fail_above = 0;
    w->fail_total = 0;
}

/* The inode that a handle on a path is on. A directory cannot be opened but for reading. */
static int native_of(const world_t *w, const operation_t *o)
{
    const path_t *path = model_path(w, o->path);

    if (path->kind == PATH_DIRECTORY && o->choice == 0) {
        return DIRECTORY;
    }
    return path->kind == PATH_FILE && o->choice != 2 ? path->inode : NONE;
}

void model_expect(world_t *w, const operation_t *o, outcome_t *outcome)
{
    apr_status_t status = APR_SUCCESS;
    const apr_size_t size = (apr_size_t)o->size;

    outcome->number = 0;
    switch (o->kind) {
    case DO_CREATE_MANAGER:
        status = create_manager(w, o);
        break;
    case DO_DESTROY_MANAGER:
        status = destroy_manager(w, o->manager);
        break;
    case DO_COLLECT:
        status = collect(w, o->manager, outcome);
        break;
    case DO_SET_LIMITS:
        status = set_limits(w, o);
        break;
    case DO_OPEN:
    case DO_OPEN_HANDLE:
        status = open_cursor(w, o, native_of(w, o));
        break;
    case DO_COPY:
        status = model_copy(w, o->cursor, o->other, o->pool);
        break;
    case DO_ASSIGN:
        status = model_assign(w, o->cursor, o->other);
        break;
    case DO_CLOSE:
        model_close(w, o->cursor);
        break;
    case DO_RELEASE:
        model_release(w, o->cursor);
        break;
    case DO_USE:
        status = model_use(w, o->cursor, o->offset, size);
        break;
    case DO_REQUIRE:
        status = model_require(w, o->cursor, o->offset, size);
        break;
    case DO_READ:
        status = model_read(w, o->cursor, o->offset, size, &outcome->number);
        break;
    case DO_REFRESH:
        status = model_measure(w, w->cursors[o->cursor].file, w->cursors[o->cursor].path);
        break;
    case DO_HINT:
        if (o->choice <= SMMAP_ACCESS_RANDOM) {
            w->cursors[o->cursor].access = (smmap_access_t)o->choice;
        } else {
            status = APR_EINVAL;
        }
        break;
    case DO_ADVISE:
        status = o->offset < 0 || o->size < 0 || o->choice > SMMAP_DONT_NEED
                     ? APR_EINVAL
                     : model_advise(w, o->cursor, o->offset, o->size);
        break;
    case DO_BUFFER_CREATE:
        status = model_buffer_create(w, o);
        break;
    case DO_BUFFER_BEGIN:
        status = model_buffer_begin(w, o->buffer, o->cursor, o->offset, o->size);
        break;
    case DO_BUFFER_END:
        model_buffer_end(w, o->buffer);
        break;
    case DO_BUFFER_BYTE:
        status = model_buffer_byte(w, o, outcome);
        break;
    case DO_BUFFER_READ:
        status = model_buffer_read(w, o, outcome);
        break;
    case DO_BUFFER_SLICE:
        status = model_buffer_slice(w, o, outcome);
        break;
    case DO_BUFFER_CLOSE:
        model_buffer_close(w, o->buffer);
        break;
    case DO_CLEAR_POOL:
        clear_pool(w, o->pool);
        break;
    case DO_WRONG:
        status = APR_EINVAL;
        break;
    case DO_FAULT:
        give_order(w, o);
        break;
    case DO_FAULT_NONE:
        no_faults(w);
        break;
    case DO_FAULT_ABOVE:
        w->fail_above = size;
        break;
    case DO_FAULT_TOTAL:
        w->fail_total = size;
        break;
    case DO_BIRTH:
        w->birth = o->size;
        break;
    default: /* what is done to files, disk.c notes */
        break;
    }
    outcome->status = status;
}
