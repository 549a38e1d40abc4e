/*
 * Cursors: one client's pin on one window of one file.
 *
 * A cursor always has a file and a reference of that file's manager. The window is
 * shown in the public part of the structure, for the inline access, and published
 * in the cursor's pin, for whoever wants to unmap it; both change together.
 *
 * A cursor is used by one thread at a time, so its own fields need no lock. A move
 * to a window that is mapped takes none at all: smmap__cursor_step() reads the file's
 * size and the slot, publishes the pin, and reads both again. Why that is enough is
 * told in find.c. In hit.c is the same for what is asked most, in fewer instructions.
 */
#include "core/core.h"

#include <string.h>

static smmap__cursor_t *inside(const smmap_cursor_t *cursor)
{
    return (smmap__cursor_t *)(void *)(apr_uintptr_t)cursor;
}

static smmap_cursor_t *shown(smmap__cursor_t *cursor)
{
    return (smmap_cursor_t *)cursor;
}

static void show(smmap__cursor_t *cursor, const unsigned char *data, apr_off_t begin,
                 apr_size_t window, apr_off_t offset, apr_size_t size)
{
    cursor->offset = offset;
    cursor->asked = size;
    cursor->shown.window_data = data;
    cursor->shown.window_begin = begin;
    cursor->shown.window_size = window;
}

static void show_region(smmap__cursor_t *cursor, const smmap__region_t *region, apr_off_t offset,
                        apr_size_t size)
{
    show(cursor, region->mapping.address, region->begin, region->mapping.length, offset, size);
}

/* A window that a cursor has let go of may have been in limbo. */
static void limbo_release(smmap_manager_t *manager, const unsigned char *window)
{
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};

    if (smmap__forked(manager) && !smmap__fork_usable(manager)) {
        return;
    }
    smmap__manager_lock(manager);
    smmap__limbo_release_locked(manager, (uintptr_t)window, &trash);
    smmap__trash_empty_locked(manager, &trash);
    smmap__manager_unlock(manager);
}

/* Pin nothing any more. Whoever saw the pin left it to us to unmap the window. */
static void let_go(smmap__cursor_t *cursor, const unsigned char *window)
{
    smmap__publish(cursor->pin->window, 0, cursor->manager->asymmetric);
    if (smmap__count_load(&cursor->manager->limbo_count) != 0) {
        limbo_release(cursor->manager, window);
    }
}

/* Let go of the window. */
static void empty(smmap__cursor_t *cursor)
{
    const unsigned char *window = cursor->shown.window_data;

    if (window == NULL) {
        return;
    }
    if (cursor->guarded) {
        smmap__guard_leave(cursor);
    }
    cursor->shown.window_data = NULL;
    cursor->shown.window_begin = 0;
    cursor->shown.window_size = 0;
    cursor->offset = 0;
    cursor->asked = 0;
    let_go(cursor, window);
}

/* Let go of window, file and manager. */
static void leave(smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};

    if (cursor->guarded) {
        smmap__guard_drop(cursor);
    }
    empty(cursor);
    if (smmap__forked(manager) && !smmap__fork_usable(manager)) {
        return;
    }
    smmap__manager_lock(manager);
    if (cursor->pin != NULL) {
        smmap__pin_count(cursor->pin, &manager->stats);
        smmap__pin_drop(&manager->pins, cursor->pin);
    }
    smmap__file_leave_locked(cursor->file, cursor->name == NULL, &trash);
    if (cursor->name != NULL && --cursor->name->users == 0) {
        smmap__free(cursor->name);
    }
    if (smmap__count_load(&manager->closed) != 0) {
        /* Its handle may have been kept for this cursor alone. */
        smmap__handle_close_idle_locked(manager);
    }
    smmap__trash_empty_locked(manager, &trash);
    smmap__manager_drop_locked(manager);
}

/* Put an empty structure beside another cursor, on its file and window. */
static apr_status_t join(smmap__cursor_t *cursor, const smmap__cursor_t *from)
{
    smmap_manager_t *manager = from->manager;
    apr_status_t status = APR_SUCCESS;

    if (smmap__forked(manager)) {
        return SMMAP_EFORKED;
    }
    smmap__manager_lock(manager);
    if (smmap__count_load(&manager->closed) != 0) {
        status = SMMAP_ECLOSED;
    } else if (from->shown.window_data != NULL) {
        cursor->pin = smmap__pin_make(&manager->pins);
        if (cursor->pin != NULL) {
            smmap__store(cursor->pin->window, (uintptr_t)from->shown.window_data);
        } else {
            status = APR_ENOMEM;
        }
    }
    if (status == APR_SUCCESS) {
        smmap__file_join_locked(from->file, from->name == NULL);
        if (from->name != NULL) {
            from->name->users++;
        }
    }
    smmap__manager_unlock(manager);
    if (status == APR_SUCCESS) {
        cursor->shown = from->shown;
        cursor->offset = from->offset;
        cursor->asked = from->asked;
        cursor->manager = manager;
        cursor->file = from->file;
        cursor->name = from->name;
        cursor->access = from->access;
        cursor->traced = from->traced;
    }
    return status;
}

static apr_status_t cursor_cleanup(void *data)
{
    smmap__cursor_free(data);
    return APR_SUCCESS;
}

static apr_status_t open_on(smmap_cursor_t **cursor, smmap_manager_t *manager, const char *path,
                            apr_os_file_t native, apr_pool_t *pool)
{
    smmap__cursor_t *made;
    apr_status_t status;

    if (smmap__forked(manager)) {
        return SMMAP_EFORKED;
    }
    made = smmap__alloc(sizeof *made);
    status = made != NULL ? APR_SUCCESS : APR_ENOMEM;
    if (status == APR_SUCCESS && path != NULL) {
        status = smmap__name_make(manager, path, &made->name);
    }
    if (status == APR_SUCCESS) {
        status = smmap__file_join(manager, made->name, native, &made->file);
    }
    if (status != APR_SUCCESS) {
        if (made != NULL) {
            smmap__free(made->name);
        }
        smmap__free(made);
        return status;
    }
    made->manager = manager;
    made->traced = manager->trace != NULL || manager->tracer != NULL;
    made->pool = pool;
    apr_pool_cleanup_register(pool, made, cursor_cleanup, apr_pool_cleanup_null);
    *cursor = &made->shown;
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_open(smmap_cursor_t **cursor, smmap_manager_t *manager, const char *path,
                               apr_pool_t *pool)
{
    if (cursor == NULL || manager == NULL || path == NULL || pool == NULL || path[0] == '\0') {
        return APR_EINVAL;
    }
    return open_on(cursor, manager, path, 0, pool);
}

apr_status_t smmap_cursor_open_handle(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                      apr_os_file_t handle, apr_pool_t *pool)
{
    if (cursor == NULL || manager == NULL || pool == NULL) {
        return APR_EINVAL;
    }
    return open_on(cursor, manager, NULL, handle, pool);
}

void smmap__cursor_lost(smmap__cursor_t *cursor, uintptr_t address)
{
    empty(cursor);
    let_go(cursor, (const unsigned char *)address);
}

apr_status_t smmap__cursor_left(smmap_manager_t *manager, const unsigned char *window)
{
    if (window != NULL) {
        limbo_release(manager, window);
    }
    return APR_SUCCESS;
}

/* Take over from the file what a quick move needs; the cursor has a pin. */
static void learn(smmap__cursor_t *cursor)
{
    const smmap__file_t *file = cursor->file;

    cursor->slots = (smmap__word_t *)smmap__load(&file->grid.first);
    cursor->shift = file->shift;
    cursor->window = (apr_size_t)file->window; /* in static mode it is not used */
    cursor->slot_count = 0;
    if (cursor->slots != NULL && file->shift != 0 && cursor->manager->asymmetric &&
        cursor->access != SMMAP_ACCESS_SEQUENTIAL && !cursor->guarded && !cursor->traced) {
        cursor->slot_count = (apr_uint64_t)1 << file->grid.leaf_bits;
    }
}

/* Move to a window of the grid that is mapped, without a lock. 0: it is not, or it
   was on its way out, or it does not hold `length` bytes from offset on; the cursor is
   as it was, or empty. size: what the cursor is to show, 0 for all. */
int smmap__cursor_step(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t length,
                       apr_size_t size)
{
    const smmap__file_t *file = cursor->file;
    smmap__pin_t *pin = cursor->pin;
    const unsigned char *old = cursor->shown.window_data;
    apr_off_t file_size = smmap__offset_load(&file->size);
    apr_uint64_t number = smmap__window_number(file, offset);
    smmap__word_t *slot = smmap__slots_find(&file->grid, number);
    apr_off_t begin = smmap__window_begin(file, number);
    apr_off_t window = file_size - begin < file->window ? file_size - begin : file->window;
    uintptr_t word;
    uintptr_t address;

    if (slot == NULL || pin == NULL || window - (offset - begin) < length) {
        return 0;
    }
    word = smmap__load(slot);
    address = word & ~SMMAP__FLAGS;
    if (address == 0) {
        return 0;
    }
    if (address != (uintptr_t)old) {
        if (cursor->guarded) {
            smmap__guard_leave(cursor);
        }
        smmap__publish(pin->window, address, cursor->manager->asymmetric);
        /* First the size: while the pin stands, no other region gets this address, so one
           that is found here afterwards is the one that was so long. */
        if (smmap__offset_load(&file->size) != file_size ||
            (smmap__load(slot) & ~SMMAP__FLAGS) != address) {
            smmap__cursor_lost(cursor, address);
            return 0;
        }
    }
    /* Going on in the window it has is no second visit: who reads it step by step does
       not want it more than who reads it at once. */
    if (!(word & SMMAP__VISITED) && address != (uintptr_t)old) {
        smmap__replace(slot, word, word | SMMAP__VISITED);
    }
    smmap__count_store(&pin->hits, smmap__count_load(&pin->hits) + 1);
    show(cursor, (const unsigned char *)address, begin, (apr_size_t)window, offset, size);
    if (cursor->slots == NULL) {
        learn(cursor);
    }
    if (address != (uintptr_t)old) {
        if (cursor->guarded) {
            smmap__guard_enter(cursor);
        }
        if (cursor->access == SMMAP_ACCESS_SEQUENTIAL) {
            smmap__ahead(cursor, begin);
        }
        if (smmap__count_load(&cursor->manager->limbo_count) != 0 && old != NULL) {
            limbo_release(cursor->manager, old);
        }
    }
    return 1;
}

/* See that the cursor has a pin, and in a line of the thread that uses it. It pins nothing. The
   lock is held. */
static void pin_near(smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__pin_t *pin;

    if (cursor->pin != NULL && smmap__pin_is_near(cursor->pin)) {
        return;
    }
    pin = smmap__pin_make(&manager->pins);
    if (pin == NULL) {
        return; /* one that is far will do */
    }
    if (cursor->pin != NULL) {
        smmap__pin_count(cursor->pin, &manager->stats);
        smmap__pin_drop(&manager->pins, cursor->pin);
    }
    cursor->pin = pin;
}

/* A move of use or require that is no hit: [offset, end) must be in the region; whole: all of it
   was asked for in one piece; size: what the cursor is to show, 0 for all. */
static apr_status_t move(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t end, int whole,
                         apr_size_t size)
{
    smmap_manager_t *manager = cursor->manager;
    const unsigned char *old = cursor->shown.window_data;
    smmap__region_t *region = NULL;
    apr_status_t status = APR_SUCCESS;

    empty(cursor);
    if (smmap__forked(manager)) {
        return SMMAP_EFORKED;
    }
    smmap__manager_lock(manager);
    pin_near(cursor);
    if (smmap__count_load(&manager->closed) != 0) {
        status = SMMAP_ECLOSED;
    } else if (end > smmap__offset_load(&cursor->file->size)) {
        status = APR_EOF;
    } else if (cursor->pin == NULL) {
        status = APR_ENOMEM;
    } else {
        region = smmap__region_find_locked(cursor->file, offset, end);
        if (region != NULL) {
            smmap__store(cursor->pin->window, (uintptr_t)region->mapping.address);
            if (region->mapping.address != old) {
                smmap__region_visit_locked(region);
            }
            manager->stats.hits++;
        } else {
            manager->stats.misses++;
        }
    }
    smmap__manager_unlock(manager);
    if (status == APR_SUCCESS && region == NULL) {
        status = smmap__region_obtain(cursor, offset, end, whole, &region);
    }
    if (status == APR_SUCCESS) {
        show_region(cursor, region, offset, size);
        if (cursor->guarded) {
            smmap__guard_enter(cursor);
        }
        if (cursor->access == SMMAP_ACCESS_SEQUENTIAL) {
            smmap__ahead(cursor, region->begin);
        }
    }
    return status;
}

apr_status_t smmap__cursor_go(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size)
{
    if (smmap__cursor_step(cursor, offset, 1, size)) {
        return APR_SUCCESS;
    }
    if (offset == SMMAP__OFFSET_MAX) {
        empty(cursor);
        return APR_EOF; /* the last byte that a file can have is the one before */
    }
    return move(cursor, offset, offset + 1, 0, size);
}

apr_status_t smmap__cursor_use(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                               uintptr_t lost)
{
    if (lost != 0) {
        smmap__cursor_lost(cursor, lost);
    }
    if (cursor == NULL || offset < 0) {
        smmap_cursor_release(shown(cursor));
        return APR_EINVAL;
    }
    if (cursor->traced) {
        smmap__trace(cursor, SMMAP_MOVE_USE, offset, size);
    }
    return smmap__cursor_go(cursor, offset, size);
}

apr_status_t smmap__cursor_require(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                                   uintptr_t lost)
{
    if (lost != 0) {
        smmap__cursor_lost(cursor, lost);
    }
    if (cursor == NULL || offset < 0 || size == 0) {
        smmap_cursor_release(shown(cursor));
        return APR_EINVAL;
    }
    if (size > (apr_uint64_t)(SMMAP__OFFSET_MAX - offset)) {
        empty(cursor);
        return SMMAP_ETOOLARGE;
    }
    if (cursor->traced) {
        smmap__trace(cursor, SMMAP_MOVE_REQUIRE, offset, size);
    }
    if (smmap__cursor_step(cursor, offset, (apr_off_t)size, size)) {
        return APR_SUCCESS;
    }
    return move(cursor, offset, offset + (apr_off_t)size, 1, size);
}

void smmap_cursor_release(smmap_cursor_t *cursor)
{
    if (cursor != NULL) {
        empty(inside(cursor));
    }
}

apr_status_t smmap__cursor_clone(smmap__cursor_t **clone, const smmap_cursor_t *cursor)
{
    smmap__cursor_t *made = smmap__alloc(sizeof *made);
    apr_status_t status = made != NULL ? join(made, inside(cursor)) : APR_ENOMEM;

    if (status != APR_SUCCESS) {
        smmap__free(made);
        return status;
    }
    *clone = made;
    return APR_SUCCESS;
}

void smmap__cursor_free(smmap__cursor_t *cursor)
{
    leave(cursor);
    smmap__free(cursor);
}

apr_status_t smmap_cursor_copy(smmap_cursor_t **copy, const smmap_cursor_t *cursor,
                               apr_pool_t *pool)
{
    smmap__cursor_t *made;
    apr_status_t status;

    if (copy == NULL || cursor == NULL || pool == NULL) {
        return APR_EINVAL;
    }
    status = smmap__cursor_clone(&made, cursor);
    if (status != APR_SUCCESS) {
        return status;
    }
    made->pool = pool;
    apr_pool_cleanup_register(pool, made, cursor_cleanup, apr_pool_cleanup_null);
    *copy = &made->shown;
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_assign(smmap_cursor_t *cursor, const smmap_cursor_t *from)
{
    smmap__cursor_t joined;
    smmap__cursor_t *to;
    apr_status_t status;

    if (cursor == NULL || from == NULL) {
        return APR_EINVAL;
    }
    if (cursor == from) {
        return APR_SUCCESS;
    }
    memset(&joined, 0, sizeof joined);
    /* First take, then let go: the file they share may have no other cursor. */
    status = join(&joined, inside(from));
    if (status != APR_SUCCESS) {
        return status;
    }
    to = inside(cursor);
    joined.pool = to->pool;
    leave(to);
    *to = joined;
    return APR_SUCCESS;
}

void smmap_cursor_close(smmap_cursor_t *cursor)
{
    if (cursor != NULL) {
        apr_pool_cleanup_run(inside(cursor)->pool, inside(cursor), cursor_cleanup);
    }
}

apr_status_t smmap_cursor_refresh(smmap_cursor_t *cursor)
{
    if (cursor == NULL) {
        return APR_EINVAL;
    }
    return smmap__file_measure(inside(cursor)->file, inside(cursor)->name);
}

apr_status_t smmap_cursor_resident(const smmap_cursor_t *cursor, apr_size_t *bytes)
{
    unsigned char pages[1024];
    smmap__os_mapping_t mapping;
    apr_size_t page;
    apr_size_t offset = 0;
    apr_size_t found = 0;

    if (cursor == NULL || bytes == NULL) {
        return APR_EINVAL;
    }
    if (cursor->window_data == NULL) {
        return SMMAP_ENOWINDOW;
    }
    if (smmap__cursor_memory(inside(cursor)) == SMMAP__SPARE) {
        *bytes = cursor->window_size; /* nobody has to bring it in */
        return APR_SUCCESS;
    }
    mapping.address = (unsigned char *)(uintptr_t)cursor->window_data;
    mapping.length = cursor->window_size;
    page = inside(cursor)->manager->page_size;
    while (offset < mapping.length) {
        apr_size_t left = mapping.length - offset;
        apr_size_t part = left < sizeof pages * page ? left : sizeof pages * page;
        apr_size_t at;
        apr_status_t status = smmap__os_residency(&mapping, offset, part, pages);

        if (status != APR_SUCCESS) {
            return status;
        }
        for (at = 0; at < part; at += page) {
            if (pages[at / page]) {
                found += part - at < page ? part - at : page;
            }
        }
        offset += part;
    }
    *bytes = found;
    return APR_SUCCESS;
}
