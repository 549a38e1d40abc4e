/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accessors of a cursor. None of them moves it, and only smmap_cursor_resident() can fail;
 * without a window, and for NULL, they return 0 or NULL.
 */
#include "core/cursor/cursor.h"

static const smmap__cursor_t *inside(const smmap_cursor_t *cursor)
{
    return (const smmap__cursor_t *)(const void *)cursor;
}

int smmap_cursor_is_valid(const smmap_cursor_t *cursor)
{
    return cursor != NULL && cursor->window_data != NULL;
}

int smmap_cursor_is_associated(const smmap_cursor_t *cursor)
{
    const smmap_manager_t *manager = cursor != NULL ? inside(cursor)->manager : NULL;

    return manager != NULL && smmap__count_load(&manager->closed) == 0;
}

const unsigned char *smmap_cursor_data(const smmap_cursor_t *cursor)
{
    if (!smmap_cursor_is_valid(cursor)) {
        return NULL;
    }
    return cursor->window_data + (apr_size_t)(inside(cursor)->offset - cursor->window_begin);
}

apr_off_t smmap_cursor_offset(const smmap_cursor_t *cursor)
{
    return smmap_cursor_is_valid(cursor) ? inside(cursor)->offset : 0;
}

apr_size_t smmap_cursor_size(const smmap_cursor_t *cursor)
{
    return smmap_cursor_is_valid(cursor) ? smmap__cursor_size(inside(cursor)) : 0;
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
    return smmap_cursor_is_valid(cursor) ? cursor->window_begin : 0;
}

apr_size_t smmap_cursor_region_size(const smmap_cursor_t *cursor)
{
    return smmap_cursor_is_valid(cursor) ? cursor->window_size : 0;
}

apr_size_t smmap_cursor_region_clients(const smmap_cursor_t *cursor)
{
    smmap_manager_t *manager;
    apr_size_t clients;

    if (!smmap_cursor_is_valid(cursor)) {
        return 0;
    }
    manager = inside(cursor)->manager;
    smmap__manager_lock(manager);
    clients = smmap__pins_on(&inside(cursor)->file->pins, cursor->window_data);
    smmap__manager_unlock(manager);
    return clients;
}

apr_off_t smmap_cursor_file_size(const smmap_cursor_t *cursor)
{
    return smmap_cursor_is_associated(cursor) ? smmap__offset_load(&inside(cursor)->file->size) : 0;
}

const unsigned char *smmap_cursor_peek(const smmap_cursor_t *cursor, apr_off_t offset)
{
    return smmap_cursor_at(cursor, offset);
}

apr_uint64_t smmap_cursor_file_number(const smmap_cursor_t *cursor)
{
    return cursor != NULL ? inside(cursor)->file->number : 0;
}

const char *smmap_cursor_path(const smmap_cursor_t *cursor)
{
    const smmap__path_t *path = NULL;

    if (smmap_cursor_is_associated(cursor)) {
        path = inside(cursor)->path;
    }
    return path != NULL ? smmap__path_text(path) : NULL;
}

int smmap__cursor_memory(const smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    const smmap__region_t *region;
    int memory;

    smmap__manager_lock(manager);
    region = smmap__region_at_locked(manager, (uintptr_t)cursor->shown.window_data);
    memory = region != NULL ? region->mapping.memory : 0;
    smmap__manager_unlock(manager);
    return memory;
}

/* "All of it" is also what Linux says to those whom it does not tell. Of the window that a cursor
   keeps after its manager's end nobody can ask. */
static apr_status_t all_resident(const smmap__cursor_t *cursor)
{
    smmap__file_t *file = cursor->file;
    apr_os_file_t handle;
    apr_status_t status;

    if (smmap__count_load(&cursor->manager->closed) != 0 || smmap__cursor_memory(cursor) != 0) {
        return APR_SUCCESS;
    }
    status = smmap__handle_enter_lock(file, cursor->path, &handle);
    smmap__manager_unlock(cursor->manager);
    if (status == APR_SUCCESS) {
        status = smmap__os_residency_is_told(handle);
        smmap__handle_leave(file);
    }
    return status == SMMAP_ECLOSED ? APR_SUCCESS : status;
}

apr_status_t smmap__resident(const smmap__cursor_t *cursor, apr_size_t begin, apr_size_t end,
                             apr_size_t *bytes)
{
    unsigned char pages[1024];
    smmap__os_mapping_t mapping;
    apr_size_t page = cursor->manager->page_size;

    mapping.address = (unsigned char *)(uintptr_t)cursor->shown.window_data;
    mapping.length = cursor->shown.window_size;
    *bytes = 0;
    while (begin < end) {
        apr_size_t part = end - begin < sizeof pages * page ? end - begin : sizeof pages * page;
        apr_size_t at;
        apr_status_t status = smmap__os_residency(&mapping, begin, part, pages);

        if (status != APR_SUCCESS) {
            return status;
        }
        for (at = 0; at < part; at += page) {
            if (pages[at / page]) {
                *bytes += part - at < page ? part - at : page;
            }
        }
        begin += part;
    }
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_resident(const smmap_cursor_t *cursor, apr_size_t *bytes)
{
    apr_size_t found;
    apr_status_t status;

    if (cursor == NULL || bytes == NULL) {
        return APR_EINVAL;
    }
    if (cursor->window_data == NULL) {
        return SMMAP_ENOWINDOW;
    }
    if (smmap__cursor_memory(inside(cursor)) == SMMAP__HEAP) {
        *bytes = cursor->window_size; /* nobody has to bring it in */
        return APR_SUCCESS;
    }
    status = smmap__resident(inside(cursor), 0, cursor->window_size, &found);
    if (status == APR_SUCCESS && found == cursor->window_size) {
        status = all_resident(inside(cursor));
    }
    if (status == APR_SUCCESS) {
        *bytes = found;
    }
    return status;
}
