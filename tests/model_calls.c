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

static apr_status_t apply_options(const world_t *w, omanager_t *manager, const smmap_options_t *o)
{
    const int wide = sizeof(void *) == 8;
    apr_size_t grain = w->granularity;
    apr_size_t window = o->window_size;

    if (o->struct_size != sizeof *o || (int)o->mode < 0 || o->mode > SMMAP_MODE_SLIDING ||
        (int)o->limits < 0 || o->limits > SMMAP_LIMITS_HARD) {
        return APR_EINVAL;
    }
    manager->mode = o->mode;
    if (o->mode == SMMAP_MODE_AUTO) {
        manager->mode = wide ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING;
    }
    manager->limits = o->limits;
    manager->max_bytes = or_default(o->max_mapped_bytes, wide ? 8 * GIB : GIB);
    manager->max_regions = or_default(o->max_regions, 32768);
    manager->max_files = or_default(o->max_open_files, 512); /* half of what the fake says */
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
    return manager->limits == SMMAP_LIMITS_HARD && manager->window > manager->max_bytes
               ? SMMAP_ELIMIT_BYTES
               : APR_SUCCESS;
}

static apr_status_t create_manager(world_t *w, const operation_t *o)
{
    omanager_t *manager = &w->managers[o->manager];
    apr_status_t status = APR_ENOMEM;

    memset(manager, 0, sizeof *manager);
    if (model_allocate(w)) {
        status = apply_options(w, manager, &o->options);
    }
    if (status == APR_SUCCESS &&
        (!model_allocate(w) || !model_allocate(w) || !model_allocate(w))) {
        status = APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        manager->used = 1;
        manager->hand = NONE;
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
        trash_t trash;

        /* The last attempt for what would not be unmapped: one call each. */
        model_trash_begin(&trash);
        while (manager->stuck_length > 0) {
            trash.regions[0] = manager->stuck[--manager->stuck_length];
            trash.region_count = 1;
            model_trash_empty(w, number, &trash);
            if (w->regions[trash.regions[0]].used) {
                /* It stays mapped for good, and nobody knows it any more. */
                w->regions[trash.regions[0]].used = 0;
                manager->stuck_length--;
            }
        }
        manager->used = 0;
    }
}

static apr_status_t destroy_manager(world_t *w, int number)
{
    omanager_t *manager = &w->managers[number];
    trash_t trash;

    model_trash_begin(&trash);
    manager->closed = 1;
    manager->pool = NONE;
    while (manager->length > 0) {
        int region = manager->queue[0];

        model_queue_remove(w, region);
        model_to_limbo(w, region);
    }
    model_limbo_sweep(w, number, &trash);
    model_trash_empty(w, number, &trash);
    model_close_idle(w, number);
    drop_manager(w, number);
    return trash.status;
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

    if (!model_allocate(w) || (!by_handle && (!model_allocate(w) || !model_allocate(w)))) {
        return APR_ENOMEM;
    }
    status = model_file_join(w, o->manager, by_handle ? NONE : o->path, native, o->choice == 0,
                             &file);
    if (status == APR_SUCCESS) {
        new_cursor(w, o->cursor, o->pool);
        w->cursors[o->cursor].manager = o->manager;
        w->cursors[o->cursor].file = file;
        w->cursors[o->cursor].path = by_handle ? NONE : o->path;
    }
    return status;
}

static void leave(world_t *w, int number)
{
    ocursor_t *cursor = &w->cursors[number];
    trash_t trash;

    model_release(w, number);
    model_trash_begin(&trash);
    model_file_leave(w, cursor->file, cursor->path == NONE, &trash);
    if (w->managers[cursor->manager].closed) {
        model_close_idle(w, cursor->manager);
    }
    model_trash_empty(w, cursor->manager, &trash);
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
    return APR_SUCCESS;
}

static apr_status_t copy(world_t *w, int to, int from, int pool)
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

static apr_status_t assign(world_t *w, int to, int from)
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
        w->cursors[SPARE] = w->cursors[to];
        w->cursors[to] = made;
        leave(w, SPARE);
    }
    return status;
}

/* Buffers. */

static int buffer_cursor(int buffer)
{
    return CURSORS + buffer;
}

static void end_access(world_t *w, int buffer)
{
    if (w->cursors[buffer_cursor(buffer)].used) {
        model_release(w, buffer_cursor(buffer));
    }
    w->buffers[buffer].begin = 0;
    w->buffers[buffer].size = 0;
}

static apr_status_t begin_access(world_t *w, int number, int cursor, apr_off_t offset,
                                 apr_off_t size)
{
    obuffer_t *buffer = &w->buffers[number];
    int own = buffer_cursor(number);
    apr_off_t left;
    apr_status_t status;

    end_access(w, number);
    if (offset < 0 || size == 0 || size < SMMAP_TO_END) {
        return APR_EINVAL;
    }
    if (cursor != NONE) {
        status = w->cursors[own].used ? assign(w, own, cursor) : copy(w, own, cursor, NONE);
        if (status != APR_SUCCESS) {
            return status;
        }
        model_release(w, own);
    }
    if (!w->cursors[own].used) {
        return SMMAP_ENOFILE;
    }
    if (w->managers[w->cursors[own].manager].closed) {
        return SMMAP_ECLOSED;
    }
    left = w->files[w->cursors[own].file].size - offset;
    if (left <= 0) {
        return APR_EOF;
    }
    buffer->begin = offset;
    buffer->size = size == SMMAP_TO_END || size > left ? left : size;
    return APR_SUCCESS;
}

static void close_buffer(world_t *w, int number)
{
    if (w->cursors[buffer_cursor(number)].used) {
        leave(w, buffer_cursor(number));
    }
    w->buffers[number].used = 0;
}

static apr_status_t create_buffer(world_t *w, const operation_t *o)
{
    obuffer_t *buffer = &w->buffers[o->buffer];
    apr_status_t status = APR_SUCCESS;

    if (!model_allocate(w)) {
        return APR_ENOMEM;
    }
    memset(buffer, 0, sizeof *buffer);
    buffer->used = 1;
    buffer->pool = o->pool;
    if (o->cursor != NONE) {
        status = begin_access(w, o->buffer, o->cursor, o->offset, o->size);
    }
    if (status != APR_SUCCESS) {
        close_buffer(w, o->buffer);
        return status;
    }
    buffer->serial = ++w->serial;
    return APR_SUCCESS;
}

/* Where an index is in the file, and how many bytes there are from it on. */
static apr_status_t locate(const obuffer_t *buffer, apr_off_t index, apr_off_t *offset,
                           apr_off_t *left)
{
    if (buffer->size == 0) {
        return SMMAP_ENOWINDOW;
    }
    if (index < -buffer->size || index >= buffer->size) {
        return APR_EOF;
    }
    if (index < 0) {
        index += buffer->size;
    }
    *offset = buffer->begin + index;
    *left = buffer->size - index;
    return APR_SUCCESS;
}

static apr_status_t missing_is_cut(apr_status_t status)
{
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}

static void note_byte(world_t *w, int cursor, apr_off_t offset)
{
    w->pieces[0].key = w->regions[w->cursors[cursor].region].key;
    w->pieces[0].offset = offset;
    w->pieces[0].length = 1;
    w->piece_count = 1;
}

static apr_status_t buffer_byte(world_t *w, const operation_t *o, outcome_t *outcome)
{
    int own = buffer_cursor(o->buffer);
    apr_off_t offset;
    apr_off_t left;
    apr_status_t status = locate(&w->buffers[o->buffer], o->offset, &offset, &left);

    if (status == APR_SUCCESS && !model_at(w, own, offset)) {
        status = missing_is_cut(model_use(w, own, offset, 0));
    }
    if (status == APR_SUCCESS) {
        note_byte(w, own, offset);
        outcome->number = 1;
    }
    return status;
}

static apr_status_t buffer_read(world_t *w, const operation_t *o, outcome_t *outcome)
{
    const obuffer_t *buffer = &w->buffers[o->buffer];
    apr_size_t size = (apr_size_t)o->size;
    apr_off_t offset;
    apr_off_t left;
    apr_status_t status;

    if (size == 0) {
        return buffer->size != 0 ? APR_SUCCESS : SMMAP_ENOWINDOW;
    }
    status = locate(buffer, o->offset, &offset, &left);
    if (status != APR_SUCCESS) {
        return status;
    }
    if ((apr_uint64_t)left < size) {
        size = (apr_size_t)left;
    }
    status = missing_is_cut(
        model_read(w, buffer_cursor(o->buffer), offset, size, &outcome->number));
    return status == APR_SUCCESS && outcome->number < size ? SMMAP_ETRUNCATED : status;
}

static apr_status_t buffer_slice(world_t *w, const operation_t *o, outcome_t *outcome)
{
    int own = buffer_cursor(o->buffer);
    apr_size_t size = (apr_size_t)o->size;
    apr_off_t offset = 0;
    apr_off_t left = 0;
    apr_status_t status = size == 0 ? APR_EINVAL
                                    : locate(&w->buffers[o->buffer], o->offset, &offset, &left);

    if (status == APR_SUCCESS && size > (apr_uint64_t)left) {
        status = APR_EOF;
    }
    if (status == APR_SUCCESS) {
        status = missing_is_cut(model_use(w, own, offset, size));
    }
    if (status == APR_SUCCESS && w->cursors[own].size < size) {
        status = SMMAP_ESPLIT;
    }
    if (status == APR_SUCCESS) {
        note_byte(w, own, offset);
        w->pieces[0].length = size;
        outcome->number = size;
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
            close_buffer(w, buffer);
        } else if (cursor != NONE) {
            leave(w, cursor);
        } else if (manager != NONE) {
            destroy_manager(w, manager);
        } else {
            return;
        }
    }
}

static apr_status_t collect(world_t *w, int manager, outcome_t *outcome)
{
    trash_t trash;

    model_trash_begin(&trash);
    model_room_clear(w, manager, &trash);
    model_trash_empty(w, manager, &trash);
    outcome->number = trash.unmapped;
    return trash.status;
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
    case DO_OPEN:
    case DO_OPEN_HANDLE:
        status = open_cursor(w, o, native_of(w, o));
        break;
    case DO_COPY:
        status = copy(w, o->cursor, o->other, o->pool);
        break;
    case DO_ASSIGN:
        status = assign(w, o->cursor, o->other);
        break;
    case DO_CLOSE:
        leave(w, o->cursor);
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
        status = create_buffer(w, o);
        break;
    case DO_BUFFER_BEGIN:
        status = begin_access(w, o->buffer, o->cursor, o->offset, o->size);
        break;
    case DO_BUFFER_END:
        end_access(w, o->buffer);
        break;
    case DO_BUFFER_BYTE:
        status = buffer_byte(w, o, outcome);
        break;
    case DO_BUFFER_READ:
        status = buffer_read(w, o, outcome);
        break;
    case DO_BUFFER_SLICE:
        status = buffer_slice(w, o, outcome);
        break;
    case DO_BUFFER_CLOSE:
        close_buffer(w, o->buffer);
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
    default: /* what is done to files, model_disk.c notes */
        break;
    }
    outcome->status = status;
}
