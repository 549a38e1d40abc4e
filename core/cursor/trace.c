/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trace; see smmap/trace.h for what is reported, and the format of the file.
 *
 * A cursor knows from the start whether its manager wants to hear of moves, so a
 * move without a trace looks at one byte of its own. With one, either the program's
 * function is called, or the move is written into the block of a tracer.
 *
 * A tracer belongs to one manager. Its lock is taken by threads that hold no other,
 * and nothing else is locked while it is held. Invariants under it: the block holds
 * whole lines, and the first of them, behind the heading, has a name; so a block can
 * stand anywhere in the file. The file is opened for appending, so that blocks of
 * several managers do not overwrite each other. After the first failure the file is
 * closed, and what would go into it is dropped.
 *
 * In a forked child nothing is recorded: the lock may be one that a thread of the parent
 * held, and the block is the parent's to write. The child only closes its copy of the
 * handle, and without the lock.
 *
 * The file is none of the manager's files: it is not counted in open_files.
 */
#include "core/cursor/cursor.h"

#include <apr_strings.h>

#include <string.h>

#define HEADING "# smmap trace 1\n"

enum { BLOCK = 64 * 1024, NAME_MOST = 16 * 1024, NUMBERS_MOST = 128 };

struct smmap__tracer_t {
    apr_thread_mutex_t *lock;
    int is_open; /* 0: nothing is written any more */
    apr_os_file_t file;
    apr_uint64_t last; /* the file of the last line; 0: the block has none yet */
    apr_size_t used;
    char block[BLOCK];
};

static const char *const moves[] = {"use", "require", "read"};

/* It failed: no more of it. */
static void give_up(smmap_manager_t *manager, smmap__tracer_t *tracer)
{
    if (tracer->is_open) {
        tracer->is_open = 0; /* first: what a child finds open, nobody was closing */
        smmap__os_file_close(tracer->file);
    }
    smmap__count_store(&manager->trace_failures, 1);
}

static void flush(smmap_manager_t *manager, smmap__tracer_t *tracer)
{
    if (tracer->is_open && tracer->used > 0 &&
        smmap__os_append(tracer->file, tracer->block, tracer->used) != APR_SUCCESS) {
        give_up(manager, tracer);
    }
    tracer->used = 0;
    tracer->last = 0;
}

/* Copy a name into the block. It must not end a line or look like the end of one. */
static void add_name(smmap__tracer_t *tracer, const char *name)
{
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;

        tracer->block[tracer->used++] = c < 0x20 || c == 0x7f ? '?' : *name;
    }
}

/* One line. There is room for it; a block that has just begun takes any. facts: what stands in the
   place of a name. */
static void add_line(smmap__tracer_t *tracer, const smmap__os_facts_t *facts,
                     const smmap_trace_event_t *event, const char *name)
{
    char *line = tracer->block + tracer->used;

    tracer->used +=
        (apr_size_t)apr_snprintf(line, NUMBERS_MOST, "%" APR_INT64_T_FMT " %" APR_SIZE_T_FMT " %s",
                                 (apr_int64_t)event->offset, event->length, moves[event->move]);
    if (event->file != tracer->last) {
        tracer->block[tracer->used++] = ' ';
        if (name != NULL) {
            add_name(tracer, name);
        } else {
            tracer->used += (apr_size_t)apr_snprintf(tracer->block + tracer->used, NUMBERS_MOST,
                                                     "#%" APR_UINT64_T_FMT ":%" APR_UINT64_T_FMT,
                                                     (apr_uint64_t)facts->device, facts->inode);
        }
        tracer->last = event->file;
    }
    tracer->block[tracer->used++] = '\n';
}

static void record(smmap_manager_t *manager, const smmap__file_t *file,
                   const smmap_trace_event_t *event)
{
    smmap__tracer_t *tracer = manager->tracer;
    const char *name = event->path;
    apr_size_t most = 2 * NUMBERS_MOST;
    smmap__os_facts_t facts;

    if (name != NULL && strlen(name) > NAME_MOST) {
        name = NULL;
    }
    most += name != NULL ? strlen(name) : 0;
    memset(&facts, 0, sizeof facts);
    if (name == NULL) {
        smmap__manager_lock(manager);
        facts = file->identity.facts; /* they may change on overlayfs */
        smmap__manager_unlock(manager);
    }
    apr_thread_mutex_lock(tracer->lock);
    if (tracer->is_open) {
        if (tracer->used + most > BLOCK) {
            flush(manager, tracer);
        }
        if (tracer->used == 0) {
            memcpy(tracer->block, HEADING, sizeof HEADING - 1);
            tracer->used = sizeof HEADING - 1;
        }
        add_line(tracer, &facts, event, name);
    }
    apr_thread_mutex_unlock(tracer->lock);
}

/* The file is the parent's, and a thread of it may have held the lock. */
static int is_parents(const smmap_manager_t *manager)
{
    return manager->tracer != NULL && manager->inherited;
}

void smmap__trace(smmap__cursor_t *cursor, smmap_move_t move, apr_off_t offset, apr_size_t length)
{
    smmap_manager_t *manager = cursor->manager;
    apr_off_t size = smmap__offset_load(&cursor->file->size);
    smmap_trace_event_t event;

    if (offset >= size || smmap__count_load(&manager->closed) != 0 || is_parents(manager)) {
        return;
    }
    event.move = move;
    event.path = cursor->path != NULL ? smmap__path_text(cursor->path) : NULL;
    event.file = cursor->file->number;
    event.offset = offset;
    event.length = length;
    if (length > (apr_uint64_t)(size - offset)) {
        event.length = (apr_size_t)(size - offset);
    }
    if (manager->tracer != NULL) {
        record(manager, cursor->file, &event);
    } else {
        manager->trace(manager->trace_context, &event);
    }
}

void smmap__trace_open(smmap_manager_t *manager)
{
    smmap__tracer_t *tracer;
    apr_status_t status;
    const char *path;

    if (manager->trace != NULL) {
        return;
    }
    path = smmap__environment("SMMAP_TRACE", manager->root);
    if (path[0] == '\0') {
        return;
    }
    tracer = smmap__alloc(sizeof *tracer);
    if (tracer == NULL) {
        smmap__count_store(&manager->trace_failures, 1);
        return;
    }
    status = apr_thread_mutex_create(&tracer->lock, APR_THREAD_MUTEX_DEFAULT, manager->root);
    if (status == APR_SUCCESS) {
        status = smmap__os_append_open(&tracer->file, path);
    }
    if (status != APR_SUCCESS) {
        smmap__free(tracer);
        smmap__count_store(&manager->trace_failures, 1);
        return;
    }
    tracer->is_open = 1;
    manager->tracer = tracer;
}

void smmap__trace_flush(smmap_manager_t *manager)
{
    smmap__tracer_t *tracer = manager->tracer;

    if (tracer != NULL && !is_parents(manager)) {
        apr_thread_mutex_lock(tracer->lock);
        flush(manager, tracer);
        apr_thread_mutex_unlock(tracer->lock);
    }
}

void smmap__trace_close(smmap_manager_t *manager)
{
    smmap__tracer_t *tracer = manager->tracer;

    if (tracer == NULL) {
        return;
    }
    if (is_parents(manager)) {
        if (tracer->is_open) {
            smmap__os_file_close(tracer->file);
        }
        tracer->is_open = 0;
        return;
    }
    apr_thread_mutex_lock(tracer->lock);
    flush(manager, tracer);
    if (tracer->is_open && smmap__os_file_close(tracer->file) != APR_SUCCESS) {
        smmap__count_store(&manager->trace_failures, 1);
    }
    tracer->is_open = 0;
    apr_thread_mutex_unlock(tracer->lock);
}

void smmap__trace_free(smmap_manager_t *manager)
{
    smmap__free(manager->tracer); /* its lock is the pool's */
}
