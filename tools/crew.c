/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search through many files, by one thread or several.
 *
 * With several, each takes the next file, and this thread prints. A file has a slot for what is
 * found in it until its turn comes; there are a few slots for each thread, and what a slot holds is
 * limited (search.c): a thread that found more waits for its file's turn. So memory is limited.
 *
 * Lock: `mutex`, over all that threads share; no other is taken under it. A slot's `found` belongs
 * to its worker while the state is WORKING, otherwise to the thread that prints.
 */
#include "tools/crew.h"

#include <string.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

/* Slots for each thread. */
#define SLOTS 16
/* How often the bar, ^C and what can be printed are looked after while nobody says so, in
   microseconds. */
#define LOOK apr_time_from_msec(100)

typedef enum state_t { SLOT_FREE, SLOT_WORKING, SLOT_WAITING, SLOT_DONE } state_t;

typedef struct slot_t {
    struct shared_t *shared;
    int file;
    state_t state;
    tool_found_t found;
    apr_uint64_t searched;
    apr_status_t status;
} slot_t;

typedef struct shared_t {
    const tool_crew_t *crew;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;  /* for workers: a slot is free, or theirs was printed, or stop */
    apr_thread_cond_t *to_print; /* the slot whose turn it is changed */
    slot_t *slots;
    int slot_count;
    int next;          /* the next file to be searched */
    int printed;       /* the file whose turn it is */
    int waiting;       /* workers that wait */
    int printer_waits; /* 1: and so does the thread that prints */
    int stop;
} shared_t;

typedef struct worker_t {
    shared_t *shared;
    tool_search_t *search;
    apr_pool_t *pool;
    apr_thread_t *thread;
} worker_t;

/* --- one thread ------------------------------------------------------------------- */

typedef struct alone_t {
    const tool_crew_t *crew;
    const char *path;
    tool_progress_t *progress;
} alone_t;

static int hand_out(const tool_crew_t *crew, const char *path, tool_found_t *found)
{
    int more = found->count == 0 || crew->found(crew->baton, path, found);

    tool_found_clear(found);
    return more;
}

static int piece_alone(void *baton, tool_found_t *found, apr_uint64_t searched, int must_clear)
{
    const alone_t *alone = baton;

    (void)must_clear;
    return hand_out(alone->crew, alone->path, found) && tool_progress_at(alone->progress, searched);
}

static void run_alone(const tool_crew_t *crew, tool_progress_t *progress, apr_pool_t *pool)
{
    tool_search_t *search = tool_search_create(crew->tool, crew->plan, pool);
    alone_t alone = {crew, NULL, progress};
    tool_found_t found = {0};
    apr_pool_t *scratch;
    int more = apr_pool_create(&scratch, pool) == APR_SUCCESS;
    int i;

    for (i = 0; i < crew->count && more; i++) {
        apr_status_t status;

        tool_progress_file(progress);
        if (!tool_progress_at(progress, 0)) {
            break;
        }
        alone.path = crew->paths[i];
        status = tool_search_file(search, alone.path, &found, piece_alone, &alone, scratch);
        apr_pool_clear(scratch);
        more = hand_out(crew, alone.path, &found) &&
               crew->done(crew->baton, alone.path, found.is_open, status);
    }
    tool_found_free(&found);
}

/* --- several ---------------------------------------------------------------------- */

/* A worker waits. Nobody is woken who does not wait: with small files that would be most of the
   work. */
static void wait_locked(shared_t *shared)
{
    shared->waiting++;
    apr_thread_cond_wait(shared->changed, shared->mutex);
    shared->waiting--;
}

/* Wake the thread that prints, if it waits: when a worker does, or half of the slots are in use, or
   no file is left. */
static void tell_printer_locked(shared_t *shared, int must)
{
    if (shared->printer_waits && (must || shared->next == shared->crew->count ||
                                  shared->next - shared->printed >= shared->slot_count / 2)) {
        shared->printer_waits = 0;
        apr_thread_cond_signal(shared->to_print);
    }
}

static void tell_workers_locked(shared_t *shared)
{
    if (shared->waiting > 0) {
        apr_thread_cond_broadcast(shared->changed);
    }
}

static int piece_shared(void *baton, tool_found_t *found, apr_uint64_t searched, int must_clear)
{
    slot_t *slot = baton;
    shared_t *shared = slot->shared;
    int more;

    apr_thread_mutex_lock(shared->mutex);
    slot->searched = searched;
    if (must_clear || (found->count > 0 && slot->file == shared->printed)) {
        slot->state = SLOT_WAITING;
        tell_printer_locked(shared, 1);
        while (slot->state == SLOT_WAITING && !shared->stop) {
            wait_locked(shared);
        }
    }
    more = !shared->stop;
    apr_thread_mutex_unlock(shared->mutex);
    return more;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    shared_t *shared = worker->shared;

    (void)thread; /* apr_thread_exit() would load libgcc_s, and abort where memory is short */
    apr_thread_mutex_lock(shared->mutex);
    while (!shared->stop && shared->next < shared->crew->count) {
        slot_t *slot = &shared->slots[shared->next % shared->slot_count];

        if (slot->state != SLOT_FREE) {
            wait_locked(shared);
            continue;
        }
        slot->state = SLOT_WORKING;
        slot->file = shared->next++;
        slot->searched = 0;
        apr_thread_mutex_unlock(shared->mutex);
        slot->status = tool_search_file(worker->search, shared->crew->paths[slot->file],
                                        &slot->found, piece_shared, slot, worker->pool);
        apr_pool_clear(worker->pool);
        apr_thread_mutex_lock(shared->mutex);
        slot->state = SLOT_DONE;
        tell_printer_locked(shared, 0);
    }
    apr_thread_mutex_unlock(shared->mutex);
    return NULL;
}

/* The file whose turn it is. 0: stop. */
static int print_file(shared_t *shared, tool_progress_t *progress)
{
    const tool_crew_t *crew = shared->crew;
    const char *path = crew->paths[shared->printed];
    slot_t *slot = &shared->slots[shared->printed % shared->slot_count];
    apr_status_t status;
    int more = 1;

    tool_progress_file(progress);
    apr_thread_mutex_lock(shared->mutex);
    while (more && slot->state != SLOT_DONE) {
        apr_uint64_t searched;

        if (slot->state == SLOT_WAITING) {
            apr_thread_mutex_unlock(shared->mutex);
            more = hand_out(crew, path, &slot->found);
            apr_thread_mutex_lock(shared->mutex);
            slot->state = SLOT_WORKING;
            tell_workers_locked(shared);
        } else {
            shared->printer_waits = 1;
            (void)apr_thread_cond_timedwait(shared->to_print, shared->mutex, LOOK);
        }
        searched = slot->searched;
        apr_thread_mutex_unlock(shared->mutex);
        more = more && tool_progress_at(progress, searched);
        apr_thread_mutex_lock(shared->mutex);
    }
    status = slot->status;
    apr_thread_mutex_unlock(shared->mutex);
    if (more) {
        more = hand_out(crew, path, &slot->found) &&
               crew->done(crew->baton, path, slot->found.is_open, status);
    }
    apr_thread_mutex_lock(shared->mutex);
    if (more) {
        slot->state = SLOT_FREE;
        shared->printed++;
    } else {
        shared->stop = 1;
    }
    tell_workers_locked(shared);
    apr_thread_mutex_unlock(shared->mutex);
    return more;
}

static int run_shared(const tool_crew_t *crew, int threads, tool_progress_t *progress,
                      apr_pool_t *pool)
{
    worker_t *workers = apr_pcalloc(pool, (apr_size_t)threads * sizeof(*workers));
    shared_t shared;
    int started = 0;
    int i;

    memset(&shared, 0, sizeof(shared));
    shared.crew = crew;
    shared.slot_count = threads * SLOTS;
    shared.slots = apr_pcalloc(pool, (apr_size_t)shared.slot_count * sizeof(*shared.slots));
    for (i = 0; i < shared.slot_count; i++) {
        shared.slots[i].shared = &shared;
    }
    if (apr_thread_mutex_create(&shared.mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&shared.changed, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&shared.to_print, pool) != APR_SUCCESS) {
        return 0;
    }
    for (i = 0; i < threads; i++) {
        workers[i].shared = &shared;
        workers[i].search = tool_search_create(crew->tool, crew->plan, pool);
        if (apr_pool_create(&workers[i].pool, pool) != APR_SUCCESS) {
            return 0;
        }
    }
    while (started < threads && apr_thread_create(&workers[started].thread, NULL, work,
                                                  &workers[started], pool) == APR_SUCCESS) {
        started++;
    }
    while (started > 0 && shared.printed < crew->count && print_file(&shared, progress)) {
    }
    for (i = 0; i < started; i++) {
        apr_status_t status;

        (void)apr_thread_join(&status, workers[i].thread);
    }
    for (i = 0; i < shared.slot_count; i++) {
        tool_found_free(&shared.slots[i].found);
    }
    return started > 0;
}

void tool_crew_run(const tool_crew_t *crew)
{
    const tool_settings_t *settings = crew->tool->settings;
    apr_pool_t *pool = crew->tool->pool;
    tool_progress_t *progress = tool_progress_create(crew->tool->console, crew->paths, crew->count,
                                                     tool_walk_work, settings, pool);
    int threads = settings->threads < crew->count ? settings->threads : crew->count;

    if (threads < 2 || !run_shared(crew, threads, progress, pool)) {
        run_alone(crew, progress, pool);
    }
}
