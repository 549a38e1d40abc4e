/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Idle handles: files whose handle can be closed, the least recently used first.
 *
 * Invariant: a file is in the list exactly when handle_open, busy == 0 and kept == 0.
 */
#include "core/file/file.h"

static smmap__file_t *file_of(smmap__link_t *link)
{
    return link != NULL ? SMMAP__ELEMENT(link, smmap__file_t, idle_link) : NULL;
}

void smmap__idle_remove_locked(smmap__file_t *file)
{
    if (file->is_idle) {
        smmap__list_remove(&file->idle_link);
        file->is_idle = 0;
    }
}

void smmap__idle_update_locked(smmap__file_t *file)
{
    int idle = file->handle_open && file->busy == 0 && file->kept == 0;

    if (!idle) {
        smmap__idle_remove_locked(file);
    } else if (!file->is_idle) {
        smmap__list_append(&file->manager->handles.idle, &file->idle_link);
        file->is_idle = 1;
    }
}

smmap__file_t *smmap__idle_first_locked(smmap_manager_t *manager)
{
    const smmap__link_t *list = &manager->handles.idle;

    return file_of(smmap__list_next(list, list));
}

smmap__file_t *smmap__idle_next_locked(const smmap__file_t *file)
{
    return file_of(smmap__list_next(&file->manager->handles.idle, &file->idle_link));
}
