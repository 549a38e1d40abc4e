/*
 * Looking at a cursor: the accessors. None of them moves it or can fail; without
 * a window, and for NULL, they answer with nothing.
 */
#include "core/core.h"

static const smmap__cursor_t *inside(const smmap_cursor_t *cursor)
{
    return (const smmap__cursor_t *)(const void *)cursor;
}

static const smmap__region_t *region_of(const smmap_cursor_t *cursor)
{
    return cursor != NULL ? inside(cursor)->region : NULL;
}

int smmap_cursor_is_valid(const smmap_cursor_t *cursor)
{
    return region_of(cursor) != NULL;
}

int smmap_cursor_is_associated(const smmap_cursor_t *cursor)
{
    smmap_manager_t *manager;
    int closed;

    if (cursor == NULL) {
        return 0;
    }
    manager = inside(cursor)->manager;
    smmap__manager_lock(manager);
    closed = manager->closed;
    smmap__manager_unlock(manager);
    return !closed;
}

const unsigned char *smmap_cursor_data(const smmap_cursor_t *cursor)
{
    const smmap__region_t *region = region_of(cursor);

    if (region == NULL) {
        return NULL;
    }
    return region->mapping.address + (apr_size_t)(inside(cursor)->offset - region->begin);
}

apr_off_t smmap_cursor_offset(const smmap_cursor_t *cursor)
{
    return region_of(cursor) != NULL ? inside(cursor)->offset : 0;
}

apr_size_t smmap_cursor_size(const smmap_cursor_t *cursor)
{
    return region_of(cursor) != NULL ? inside(cursor)->size : 0;
}

apr_off_t smmap_cursor_end(const smmap_cursor_t *cursor)
{
    return smmap_cursor_offset(cursor) + (apr_off_t)smmap_cursor_size(cursor);
}

int smmap_cursor_includes(const smmap_cursor_t *cursor, apr_off_t offset)
{
    return smmap_cursor_offset(cursor) <= offset && offset < smmap_cursor_end(cursor);
}

apr_off_t smmap_cursor_region_begin(const smmap_cursor_t *cursor)
{
    const smmap__region_t *region = region_of(cursor);

    return region != NULL ? region->begin : 0;
}

apr_size_t smmap_cursor_region_size(const smmap_cursor_t *cursor)
{
    const smmap__region_t *region = region_of(cursor);

    return region != NULL ? region->mapping.length : 0;
}

apr_size_t smmap_cursor_region_clients(const smmap_cursor_t *cursor)
{
    const smmap__region_t *region = region_of(cursor);
    apr_size_t clients;

    if (region == NULL) {
        return 0;
    }
    smmap__manager_lock(inside(cursor)->manager);
    clients = region->clients;
    smmap__manager_unlock(inside(cursor)->manager);
    return clients;
}

apr_off_t smmap_cursor_file_size(const smmap_cursor_t *cursor)
{
    smmap_manager_t *manager;
    apr_off_t size;

    if (cursor == NULL) {
        return 0;
    }
    manager = inside(cursor)->manager;
    smmap__manager_lock(manager);
    size = manager->closed ? 0 : inside(cursor)->file->identity.size;
    smmap__manager_unlock(manager);
    return size;
}

const char *smmap_cursor_path(const smmap_cursor_t *cursor)
{
    const smmap__name_t *name = NULL;

    if (smmap_cursor_is_associated(cursor)) {
        name = inside(cursor)->name;
    }
    return name != NULL ? smmap__name_text(name) : NULL;
}
