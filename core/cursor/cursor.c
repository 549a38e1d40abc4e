/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening, copying and closing cursors. Moves are in move.c, accessors in query.c.
 *
 * A cursor always has a file and a reference of that file's manager. It is used by one
 * thread at a time, so its own fields need no lock.
 */
#include "core/cursor/cursor.h"

#include <string.h>

static smmap__cursor_t *inside(const smmap_cursor_t *cursor)
{
    return (smmap__cursor_t *)(void *)(apr_uintptr_t)cursor;
}

/* Let go of the window. Of file and manager: smmap__file_quit_unlock(). */
SMMAP__LOCK static void leave_lock(smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;

    if (cursor->guarded) {
        smmap__guard_drop(cursor);
    }
    smmap__cursor_empty(cursor);
    smmap__manager_lock(manager);
    if (cursor->pin != NULL) {
        smmap__pin_count(cursor->pin, &manager->stats);
        smmap__pin_drop(&manager->pins, cursor->pin);
    }
    smmap__pin_origin_forget_locked(cursor);
    if (cursor->fetched) {
        smmap__fetch_cancel_locked(cursor);
    }
}

/* Put an empty structure beside another cursor, on its file and window. */
static apr_status_t join(smmap__cursor_t *cursor, const smmap__cursor_t *from)
{
    smmap_manager_t *manager = from->manager;
    apr_status_t status = APR_SUCCESS;

    smmap__manager_lock(manager);
    if (smmap__count_load(&manager->closed) != 0) {
        status = SMMAP_ECLOSED;
    } else if (from->shown.window_data != NULL) {
        cursor->pin = smmap__pin_make(&manager->pins, &from->file->pins);
        if (cursor->pin != NULL) {
            smmap__store(cursor->pin->window, (uintptr_t)from->shown.window_data);
            smmap__pin_copied_locked(cursor->pin, from->pin);
        } else {
            status = APR_ENOMEM;
        }
    }
    if (status == APR_SUCCESS) {
        smmap__file_join_locked(from->file, smmap__path_is_lost(from->path));
        if (from->path != NULL) {
            from->path->users++;
        }
    }
    smmap__manager_unlock(manager);
    if (status == APR_SUCCESS) {
        cursor->shown = from->shown;
        cursor->offset = from->offset;
        cursor->asked = from->asked;
        cursor->manager = manager;
        cursor->file = from->file;
        cursor->path = from->path;
        cursor->access = from->access;
        cursor->traced = from->traced;
    }
    if (status == APR_SUCCESS && manager->paranoia != NULL && cursor->pin != NULL) {
        /* It can be touched, as the other cursor has it. */
        smmap__pin_origin_enter(cursor, (uintptr_t)cursor->shown.window_data);
    }
    return status;
}

static void cursor_cleanup(smmap__owned_t *owned)
{
    smmap__cursor_free(SMMAP__ELEMENT(owned, smmap__cursor_t, owned));
}

/* It has its file and path. */
static smmap_cursor_t *opened(smmap__cursor_t *made, smmap_manager_t *manager, apr_pool_t *pool)
{
    made->manager = manager;
    made->direct = (unsigned)made->file->number - 1; /* not the first read of each is timed */
    made->traced = manager->trace != NULL || manager->tracer != NULL;
    smmap__own(&made->owned, made, cursor_cleanup, pool);
    return &made->shown;
}

static apr_status_t open_on(smmap_cursor_t **cursor, smmap_manager_t *manager, const char *path,
                            apr_os_file_t native, apr_pool_t *pool)
{
    smmap__cursor_t *made;
    const char *given;
    apr_status_t status;

    smmap__os_cancel_point();
    made = smmap__alloc(sizeof *made);
    status = made != NULL ? APR_SUCCESS : APR_ENOMEM;
    if (status == APR_SUCCESS && path != NULL) {
        status = smmap__path_make(manager, path, &made->path);
    }
    if (status == APR_SUCCESS) {
        /* Windows resolves paths in the text; elsewhere what was named is what is to be opened. */
        given = path == NULL || (path[0] != '/' && !manager->lexical_dots)
                    ? path
                    : smmap__path_text(made->path);
        status = smmap__file_join(manager, made->path, given, native, &made->file);
    }
    if (status != APR_SUCCESS) {
        if (made != NULL) {
            smmap__free(made->path);
        }
        smmap__free(made);
        return status;
    }
    *cursor = opened(made, manager, pool);
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_open_known(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                     const char *path, apr_pool_t *pool)
{
    smmap__cursor_t *made;
    apr_status_t status;

    if (cursor == NULL || manager == NULL || path == NULL || path[0] == '\0') {
        return APR_EINVAL;
    }
    made = smmap__alloc(sizeof *made);
    if (made == NULL) {
        return APR_ENOMEM;
    }
    status = smmap__file_join_known(manager, path, &made->path, &made->file);
    if (status != APR_SUCCESS) {
        smmap__free(made);
        return status;
    }
    *cursor = opened(made, manager, pool);
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_open(smmap_cursor_t **cursor, smmap_manager_t *manager, const char *path,
                               apr_pool_t *pool)
{
    if (cursor == NULL || manager == NULL || path == NULL || path[0] == '\0') {
        return APR_EINVAL;
    }
    return open_on(cursor, manager, path, 0, pool);
}

apr_status_t smmap_cursor_open_handle(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                      apr_os_file_t handle, apr_pool_t *pool)
{
    if (cursor == NULL || manager == NULL) {
        return APR_EINVAL;
    }
    return open_on(cursor, manager, NULL, handle, pool);
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
    smmap__file_t *file = cursor->file;
    smmap__path_t *path = cursor->path;

    leave_lock(cursor);
    smmap__free(cursor);
    smmap__file_quit_unlock(file, path);
}

apr_status_t smmap_cursor_copy(smmap_cursor_t **copy, const smmap_cursor_t *cursor,
                               apr_pool_t *pool)
{
    smmap__cursor_t *made;
    apr_status_t status;

    if (copy == NULL || cursor == NULL) {
        return APR_EINVAL;
    }
    status = smmap__cursor_clone(&made, cursor);
    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__own(&made->owned, made, cursor_cleanup, pool);
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
    joined.owned = to->owned;
    leave_lock(to);
    smmap__file_quit_unlock(to->file, to->path);
    *to = joined;
    return APR_SUCCESS;
}

void smmap_cursor_close(smmap_cursor_t *cursor)
{
    if (cursor != NULL) {
        smmap__disown(&inside(cursor)->owned);
        smmap__cursor_free(inside(cursor));
    }
}

/* What is measured to be other than the cursor's window is copied from elsewhere from now on; by
   pointer the window can be read for as long as it is kept. */
static apr_status_t refresh(smmap__cursor_t *cursor)
{
    apr_status_t status = smmap__file_measure(cursor->file, cursor->path);
    const smmap__region_t *region;

    if (status == APR_SUCCESS && cursor->shown.window_data != NULL) {
        smmap__manager_lock(cursor->manager);
        region = smmap__region_at_locked(cursor->manager, (uintptr_t)cursor->shown.window_data);
        /* Of other files a retired window is too short, but right. */
        cursor->outdated = region != NULL && region->state == SMMAP__RETIRED &&
                                   (smmap__count_load(&cursor->file->unmappable) != 0 ||
                                    cursor->file->identity.facts.stacked)
                               ? cursor->shown.window_data
                               : NULL;
        smmap__manager_unlock(cursor->manager);
    }
    return status;
}

apr_status_t smmap_cursor_refresh(smmap_cursor_t *cursor)
{
    if (cursor == NULL) {
        return APR_EINVAL;
    }
    return refresh(inside(cursor));
}

/* Where the system tells only of an open handle which file it is. */
static apr_status_t open_and_compare(smmap__cursor_t *cursor, int *current)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__identity_t identity;
    apr_os_file_t handle;
    apr_int64_t generation = 0;
    apr_status_t identified;
    apr_status_t status;

    smmap__manager_lock(manager);
    status = smmap__handle_reserve_relock(manager);
    smmap__manager_unlock(manager);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = smmap__handle_open(manager, smmap__path_text(cursor->path), 0, &handle, NULL,
                                &identity, &identified);
    if (status == APR_SUCCESS && identified == APR_SUCCESS) {
        generation = smmap__identity_generation(&identity, handle);
    }
    smmap__manager_lock(manager);
    if (status != APR_SUCCESS) {
        smmap__handle_return_locked(manager);
        smmap__manager_unlock(manager);
        return status == SMMAP_ENOTREGULAR || APR_STATUS_IS_ENOENT(status) ? APR_SUCCESS : status;
    }
    *current = identified == APR_SUCCESS &&
               smmap__identity_same_locked(cursor->file, &identity, generation);
    smmap__manager_unlock(manager);
    smmap__handle_discard(manager, handle);
    return APR_SUCCESS;
}

/* What is known of the file. 0: nothing of ours may keep its id from being given to another one by
   now. */
static int known_of(smmap__file_t *file, smmap__os_facts_t *known)
{
    int pinned;

    smmap__manager_lock(file->manager);
    *known = file->identity.facts;
    pinned = smmap__file_pinned(file);
    smmap__manager_unlock(file->manager);
    return pinned;
}

apr_status_t smmap_cursor_is_current(smmap_cursor_t *shown, int *current)
{
    smmap__cursor_t *cursor = inside(shown);
    smmap__os_facts_t seen;
    smmap__os_facts_t own;
    apr_status_t status;

    if (cursor == NULL || current == NULL) {
        return APR_EINVAL;
    }
    if (smmap__count_load(&cursor->manager->closed) != 0) {
        return SMMAP_ECLOSED;
    }
    if (cursor->path == NULL) {
        return SMMAP_ENOFILE;
    }
    known_of(cursor->file, &own);
    if (own.id == SMMAP__OS_ID_NONE) {
        return APR_ENOTIMPL;
    }
    *current = 0;
    status = smmap__os_examine_path(&seen, smmap__path_text(cursor->path));
    if (APR_STATUS_IS_ENOENT(status) || APR_STATUS_IS_ENOTDIR(status)) {
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS && seen.kind != SMMAP__OS_OTHER && seen.id == SMMAP__OS_ID_NONE) {
        return open_and_compare(cursor, current);
    }
    if (status != APR_SUCCESS || seen.kind == SMMAP__OS_OTHER || seen.device != own.device ||
        seen.inode != own.inode ||
        (!own.stacked && seen.birth != 0 && own.birth != 0 && seen.birth != own.birth)) {
        return status;
    }
    if (!known_of(cursor->file, &own)) {
        status = smmap__file_measure(cursor->file, cursor->path); /* it compares all there is */
    }
    *current = status == APR_SUCCESS;
    return status == SMMAP_ESTALE ? APR_SUCCESS : status;
}
