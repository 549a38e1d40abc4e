/*
 * Cursors: one client's pin on one window of one file.
 *
 * A cursor always has a file and a reference of that file's manager. The window
 * is shown in the public part of the structure, for the inline access; that part
 * and `region` change together, in show() and hide() alone.
 *
 * A cursor is used by one thread at a time, so its own fields need no lock; what
 * they point to is shared and does.
 */
#include "core/core.h"

static smmap__cursor_t *inside(const smmap_cursor_t *cursor)
{
    return (smmap__cursor_t *)(void *)(apr_uintptr_t)cursor;
}

static void show(smmap__cursor_t *cursor, smmap__region_t *region, apr_off_t offset,
                 apr_size_t size)
{
    apr_size_t there = (apr_size_t)(smmap__region_end(region) - offset);

    cursor->region = region;
    cursor->offset = offset;
    cursor->size = size != 0 && size < there ? size : there;
    cursor->shown.window_data = region->mapping.address;
    cursor->shown.window_begin = region->begin;
    cursor->shown.window_size = region->mapping.length;
}

static void hide(smmap__cursor_t *cursor)
{
    cursor->region = NULL;
    cursor->offset = 0;
    cursor->size = 0;
    cursor->shown.window_data = NULL;
    cursor->shown.window_begin = 0;
    cursor->shown.window_size = 0;
}

/* Let go of the window. The manager's lock is held. */
static void empty_locked(smmap__cursor_t *cursor, smmap__trash_t *trash)
{
    if (cursor->region != NULL) {
        smmap__region_unpin_locked(cursor->region, trash);
        hide(cursor);
    }
}

/* Let go of window, file and manager. */
static void leave(smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};

    smmap__manager_lock(manager);
    empty_locked(cursor, &trash);
    smmap__file_leave_locked(cursor->file, cursor->name == NULL, &trash);
    if (cursor->name != NULL && --cursor->name->users == 0) {
        smmap__free(cursor->name);
    }
    if (manager->closed) {
        /* Its handle may have been kept for this cursor alone. */
        smmap__handle_close_idle_locked(manager);
    }
    smmap__trash_empty_locked(manager, &trash);
    smmap__manager_drop_locked(manager);
    cursor->manager = NULL;
    cursor->file = NULL;
    cursor->name = NULL;
}

/* Put an empty structure beside another cursor, on its file and window. */
static apr_status_t join(smmap__cursor_t *cursor, const smmap__cursor_t *from)
{
    smmap_manager_t *manager = from->manager;

    smmap__manager_lock(manager);
    if (manager->closed) {
        smmap__manager_unlock(manager);
        return SMMAP_ECLOSED;
    }
    smmap__file_join_locked(from->file, from->name == NULL);
    if (from->name != NULL) {
        from->name->users++;
    }
    if (from->region != NULL) {
        smmap__region_pin_locked(from->region);
    }
    smmap__manager_unlock(manager);
    cursor->manager = manager;
    cursor->file = from->file;
    cursor->name = from->name;
    if (from->region != NULL) {
        show(cursor, from->region, from->offset, from->size);
    }
    return APR_SUCCESS;
}

static apr_status_t cursor_cleanup(void *data)
{
    smmap__cursor_free(data);
    return APR_SUCCESS;
}

static apr_status_t open_on(smmap_cursor_t **cursor, smmap_manager_t *manager, const char *path,
                            apr_os_file_t native, apr_pool_t *pool)
{
    smmap__cursor_t *made = smmap__alloc(sizeof *made);
    apr_status_t status = made != NULL ? APR_SUCCESS : APR_ENOMEM;

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

/* The move of use and require: [offset, end) must be in the region; whole: all of it
   was asked for in one piece; size: what the cursor is to show, 0 for all. */
static apr_status_t move(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t end, int whole,
                         apr_size_t size)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};
    smmap__region_t *region = NULL;
    apr_status_t status = APR_SUCCESS;

    smmap__manager_lock(manager);
    empty_locked(cursor, &trash);
    if (manager->closed) {
        status = SMMAP_ECLOSED;
    } else if (end > cursor->file->identity.size) {
        status = APR_EOF;
    } else {
        region = smmap__region_find_locked(cursor->file, offset, end);
        if (region != NULL) {
            smmap__region_pin_locked(region);
            region->visited = 1;
            manager->stats.hits++;
        } else {
            manager->stats.misses++;
        }
    }
    smmap__trash_empty_locked(manager, &trash);
    smmap__manager_unlock(manager);
    if (status == APR_SUCCESS && region == NULL) {
        status = smmap__region_obtain(cursor->file, cursor->name, offset, end, whole, &region);
    }
    if (status == APR_SUCCESS) {
        show(cursor, region, offset, size);
    }
    return status;
}

apr_status_t smmap_cursor_use(smmap_cursor_t *cursor, apr_off_t offset, apr_size_t size)
{
    if (cursor == NULL || offset < 0) {
        smmap_cursor_release(cursor);
        return APR_EINVAL;
    }
    if (offset == SMMAP__OFFSET_MAX) {
        smmap_cursor_release(cursor);
        return APR_EOF; /* the last byte that a file can have is the one before */
    }
    return move(inside(cursor), offset, offset + 1, 0, size);
}

apr_status_t smmap_cursor_require(smmap_cursor_t *cursor, apr_off_t offset, apr_size_t size)
{
    if (cursor == NULL || offset < 0 || size == 0) {
        smmap_cursor_release(cursor);
        return APR_EINVAL;
    }
    if (size > (apr_uint64_t)(SMMAP__OFFSET_MAX - offset)) {
        smmap_cursor_release(cursor);
        return SMMAP_ETOOLARGE;
    }
    return move(inside(cursor), offset, offset + (apr_off_t)size, 1, size);
}

void smmap_cursor_release(smmap_cursor_t *cursor)
{
    smmap__trash_t trash = {NULL, NULL, APR_SUCCESS, 0};

    if (cursor != NULL && inside(cursor)->region != NULL) {
        smmap_manager_t *manager = inside(cursor)->manager;

        smmap__manager_lock(manager);
        empty_locked(inside(cursor), &trash);
        smmap__trash_empty_locked(manager, &trash);
        smmap__manager_unlock(manager);
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
    smmap__cursor_t joined = {{NULL, 0, 0}, NULL, NULL, NULL, NULL, 0, 0, NULL};
    smmap__cursor_t *to;
    apr_status_t status;

    if (cursor == NULL || from == NULL) {
        return APR_EINVAL;
    }
    if (cursor == from) {
        return APR_SUCCESS;
    }
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
    const smmap__region_t *region;
    apr_size_t page;
    apr_size_t offset = 0;
    apr_size_t found = 0;

    if (cursor == NULL || bytes == NULL) {
        return APR_EINVAL;
    }
    region = inside(cursor)->region;
    if (region == NULL) {
        return SMMAP_ENOWINDOW;
    }
    page = inside(cursor)->manager->page_size;
    while (offset < region->mapping.length) {
        apr_size_t left = region->mapping.length - offset;
        apr_size_t part = left < sizeof pages * page ? left : sizeof pages * page;
        apr_size_t at;
        apr_status_t status = smmap__os_residency(&region->mapping, offset, part, pages);

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
