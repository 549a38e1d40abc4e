/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who pins what: smmap_manager_pinned().
 *
 * Entries are collected under the manager's lock and reported without it, so that the
 * callback may call the library. Their paths are counted meanwhile.
 *
 * In paranoid mode each cursor with a pin origin is reported by itself, with the backtrace of
 * where it took its window. Cursors without one are reported together.
 */
#include "core/manager/manager.h"

#include <stdio.h>
#include <string.h>

enum { ORIGIN_MOST = 2048 };

typedef struct entry_t {
    smmap_pinned_t reported;
    smmap__path_t *path; /* counted; NULL: the file was opened by handles alone */
    unsigned frame_count;
    void *frames[SMMAP__FRAMES];
} entry_t;

typedef struct list_t {
    entry_t *entries; /* NULL: there is only room to be found out */
    apr_size_t room;
    apr_size_t count;
} list_t;

static entry_t *add(list_t *list, const smmap__region_t *region, apr_size_t cursors)
{
    entry_t *entry = &list->entries[list->count];

    if (list->count == list->room) {
        return NULL; /* a pin was set since they were counted: that takes no lock */
    }
    list->count++;
    entry->reported.window_begin = region->begin;
    entry->reported.window_size = region->mapping.length;
    entry->reported.cursors = cursors;
    entry->reported.file = region->file->number;
    entry->path = region->file->path;
    if (entry->path != NULL) {
        entry->path->users++;
        entry->reported.path = smmap__path_text(entry->path);
    }
    return entry;
}

/* In paranoid mode: those of which it is known where they were taken, one by one. */
SMMAP__LOCKED static void add_origins(list_t *list, const smmap_manager_t *manager)
{
    const smmap__pin_origin_t *origin = manager->pin_origins;

    for (; origin != NULL; origin = origin->next) {
        smmap__region_t *region = smmap__region_at_locked(manager, origin->window);

        if (region != NULL && region->epoch == manager->epoch && region->pins > 0) {
            entry_t *entry = add(list, region, 1);

            if (entry != NULL) {
                entry->frame_count = origin->frame_count;
                memcpy(entry->frames, origin->frames, sizeof entry->frames);
            }
            region->pins--;
        }
    }
}

/* What is pinned of a list of files. */
SMMAP__LOCKED static void walk_files(smmap_manager_t *manager, const smmap__link_t *files,
                                     list_t *list)
{
    smmap__link_t *file_link;
    smmap__link_t *link;

    for (file_link = smmap__list_next(files, files); file_link != NULL;
         file_link = smmap__list_next(files, file_link)) {
        const smmap__link_t *regions = &SMMAP__ELEMENT(file_link, smmap__file_t, link)->region_list;

        for (link = smmap__list_next(regions, regions); link != NULL;
             link = smmap__list_next(regions, link)) {
            const smmap__region_t *region = SMMAP__ELEMENT(link, smmap__region_t, file_link);

            if (region->epoch != manager->epoch || region->pins == 0) {
                continue;
            }
            if (list->entries != NULL) {
                add(list, region, region->pins);
            } else {
                list->room += manager->paranoia != NULL ? region->pins : 1;
            }
        }
    }
}

/* All that is pinned, after the pins were counted. Without entries: only how many there are. */
SMMAP__LOCKED static void walk_locked(smmap_manager_t *manager, list_t *list)
{
    if (list->entries != NULL) {
        add_origins(list, manager);
    }
    walk_files(manager, &manager->registry.files, list);
    walk_files(manager, &manager->registry.forgotten, list);
}

/* The frames in one line, the innermost first. */
static void describe(const entry_t *entry, char *text, apr_size_t size)
{
    apr_size_t used = 0;
    unsigned i;

    text[0] = '\0';
    for (i = 0; i < entry->frame_count && size - used > 8; i++) {
        if (i > 0) {
            memcpy(text + used, " < ", 4);
            used += 3;
        }
        smmap__os_symbolize(entry->frames[i], text + used, size - used);
        used += strlen(text + used);
    }
}

apr_status_t smmap_manager_pinned(smmap_manager_t *manager, smmap_pinned_callback_t *callback,
                                  void *context)
{
    list_t list = {NULL, 0, 0};
    char text[ORIGIN_MOST];
    apr_size_t i;

    if (manager == NULL || callback == NULL) {
        return APR_EINVAL;
    }
    smmap__manager_lock(manager);
    smmap__region_count_pins_locked(manager, 1);
    walk_locked(manager, &list);
    if (list.room > 0) {
        list.entries = smmap__alloc(list.room * sizeof *list.entries);
        if (list.entries == NULL) {
            smmap__manager_unlock(manager);
            return APR_ENOMEM;
        }
        walk_locked(manager, &list);
    }
    smmap__manager_unlock(manager);
    for (i = 0; i < list.count; i++) {
        entry_t *entry = &list.entries[i];

        if (entry->frame_count > 0) {
            describe(entry, text, sizeof text);
            entry->reported.origin = text;
        }
        callback(context, &entry->reported);
    }
    smmap__manager_lock(manager);
    for (i = 0; i < list.count; i++) {
        smmap__path_unref_locked(list.entries[i].path);
    }
    smmap__manager_unlock(manager);
    smmap__free(list.entries);
    return APR_SUCCESS;
}

static void write_pinned(void *context, const smmap_pinned_t *pinned)
{
    int cancel = smmap__os_cancel_disable();

    (void)context;
    fprintf(stderr,
            "smmap: still pinned when its manager was destroyed: %s, window at %" APR_OFF_T_FMT
            " of %" APR_SIZE_T_FMT " bytes, by %" APR_SIZE_T_FMT " cursor(s), taken at %s\n",
            pinned->path != NULL ? pinned->path : "(opened by handle)", pinned->window_begin,
            pinned->window_size, pinned->cursors,
            pinned->origin != NULL ? pinned->origin : "(not known)");
    smmap__os_cancel_restore(cancel);
}

void smmap__pinned_report(smmap_manager_t *manager)
{
    smmap_manager_pinned(manager, write_pinned, NULL);
}
