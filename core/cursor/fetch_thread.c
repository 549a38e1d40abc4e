/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The threads that read ahead. They live as long as there is something to read.
 *
 * A disk answers many requests at a time, but faults and reads of one thread come one by one. So
 * each thread takes up to BATCH pieces of one file, tells the system of all of them, which starts
 * reading, and then reads them (of long ones the end), which is how it learns that they are there.
 * With that, few threads keep as many requests under way as a disk takes. The bytes read are thrown
 * away: the copy costs less than any other way to wait for them that all systems have.
 *
 * A run is read by one thread, from front to back, which the system sees and reads ahead of. Linux
 * takes large folios then, but single pages for what it is told of, and for what two threads read
 * at once: 1 GiB took twice the time and four times the CPU time, and was slower to read again. But
 * a network answers one reader slowly: where pieces take more than SLOW, the rest of the run is
 * given back, and all threads read pieces of it.
 *
 * A thread that calls back does not count for the most that may run: the callback may take long, or
 * wait for another fetch. If there is work left, another thread takes its place.
 *
 * A thread holds a reference of the manager, and the handle of one file: so a thread that hangs in
 * a read keeps no other from any but that file's handle, and the destruction of the manager does
 * not wait for it.
 */
#include "core/cursor/fetch.h"

enum {
    BATCH = 16,
    READ_WHOLE = 16 * 1024,
    SLOW = 4000000 /* nanoseconds */
};

/* How much of a piece is in memory. */
typedef enum found_t { ABSENT, ADVISED, COMING, THERE } found_t;

/* Is it in memory? */
static found_t find(smmap_manager_t *manager, apr_os_file_t handle, const smmap__piece_t *piece,
                    void *scratch)
{
    apr_size_t got = 0;
    int cached = 0;
    found_t found = ABSENT;

    if (smmap__os_is_cached(&cached, handle, piece->offset, (apr_off_t)piece->length) ==
        APR_SUCCESS) {
        found = cached ? COMING : ABSENT;
    } else if (smmap__os_read_nowait(handle, piece->offset, scratch, piece->length, &got) ==
                   APR_SUCCESS &&
               got == piece->length) {
        found = THERE;
    }
    smmap__count_store(&manager->fetch_warm,
                       found != ABSENT ? smmap__count_load(&manager->fetch_warm) + 1 : 0);
    return found;
}

/* Have the system read a piece, without waiting. */
static found_t ask_for(apr_os_file_t handle, const smmap__piece_t *piece)
{
    return smmap__os_file_advise(handle, piece->offset, (apr_off_t)piece->length,
                                 SMMAP__OS_WILLNEED) == APR_SUCCESS
               ? ADVISED
               : ABSENT;
}

/* Wait until it is in memory. Where the system reads it already, of a long one the end alone is
   read: it comes last. */
static apr_status_t wait_for(smmap_manager_t *manager, apr_os_file_t handle,
                             const smmap__piece_t *piece, found_t found, void *scratch)
{
    apr_size_t skipped =
        found == COMING || (found == ADVISED && piece->length > READ_WHOLE) ? piece->length - 1 : 0;
    apr_size_t got = 0;
    apr_status_t status = smmap__os_read(handle, piece->offset + (apr_off_t)skipped, scratch,
                                         piece->length - skipped, &got);

    if (found != COMING && got > 0) {
        smmap__manager_lock(manager);
        manager->stats.fetched_bytes += skipped + got;
        smmap__manager_unlock(manager);
    }
    return status;
}

static apr_status_t read_apart(smmap_manager_t *manager, apr_os_file_t handle,
                               const smmap__piece_t *pieces, apr_size_t count, void *scratch)
{
    found_t found[BATCH];
    apr_status_t status = APR_SUCCESS;
    apr_size_t i;

    for (i = 0; i < count; i++) {
        found[i] = find(manager, handle, &pieces[i], scratch);
        if (found[i] == ABSENT) {
            found[i] = ask_for(handle, &pieces[i]);
        }
    }
    for (i = 0; i < count; i++) {
        if (found[i] != THERE) {
            apr_status_t one = wait_for(manager, handle, &pieces[i], found[i], scratch);

            status = status != APR_SUCCESS ? status : one;
        }
    }
    return status;
}

/* Go on with a run? The cursor or the manager may have been closed, as it may be long. `read` of its
   pieces were read; where that was slow, the others may be given back, and *count (in, out) is less
   then. */
static int goes_on(smmap_manager_t *manager, smmap__fetch_t *fetch, const smmap__piece_t *pieces,
                   apr_size_t read, int is_slow, apr_size_t *count)
{
    int on;

    smmap__manager_lock(manager);
    on = fetch->sources[pieces->source].cursor != NULL && smmap__count_load(&manager->closed) == 0;
    if (on && is_slow &&
        smmap__fetch_give_back_locked(manager, fetch, pieces + read, *count - read)) {
        *count = read;
        on = 0;
        smmap__fetch_start_relock(manager); /* that there are no more threads is no failure */
    }
    smmap__manager_unlock(manager);
    return on;
}

static apr_status_t read_run(smmap_manager_t *manager, smmap__fetch_t *fetch, apr_os_file_t handle,
                             const smmap__piece_t *pieces, apr_size_t *count, void *scratch)
{
    apr_int64_t begin = smmap__os_clock();
    apr_status_t status = APR_SUCCESS;
    int is_slow = 0;
    apr_size_t i;

    for (i = 0; i < *count && goes_on(manager, fetch, pieces, i, is_slow, count); i++) {
        apr_status_t one = wait_for(manager, handle, &pieces[i], ABSENT, scratch);

        status = status != APR_SUCCESS ? status : one;
        is_slow = i > 0 && smmap__os_clock() - begin > SLOW * ((apr_int64_t)i + 1);
    }
    return status == APR_SUCCESS && i < *count && smmap__count_load(&manager->closed) != 0
               ? SMMAP_ECLOSED
               : status;
}

static apr_status_t read_pieces(smmap_manager_t *manager, smmap__fetch_t *fetch,
                                const smmap__piece_t *pieces, apr_size_t *count, void *scratch)
{
    const smmap__source_t *source = &fetch->sources[pieces->source];
    apr_os_file_t handle;
    apr_status_t status = smmap__handle_enter_lock(source->file, source->path, &handle);
    int wanted = source->cursor != NULL;

    smmap__manager_unlock(manager);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (smmap__fetch_is_in_run(fetch, (apr_size_t)(pieces - fetch->pieces))) {
        status = read_run(manager, fetch, handle, pieces, count, scratch);
    } else if (wanted) {
        status = read_apart(manager, handle, pieces, *count, scratch);
    }
    smmap__handle_leave(source->file);
    return status;
}

/* Memory for the largest of some pieces; NULL: there is none. *room (in, out) is what there is. */
static void *make_room(void *scratch, apr_size_t *room, const smmap__piece_t *pieces,
                       apr_size_t count)
{
    apr_size_t most = 0;
    apr_size_t i;

    for (i = 0; i < count; i++) {
        most = pieces[i].length > most ? pieces[i].length : most;
    }
    if (most > *room) {
        smmap__free(scratch);
        scratch = smmap__alloc(most);
        *room = scratch != NULL ? most : 0;
    }
    return scratch;
}

/* Free a fetch that is done, and call back. */
SMMAP__RELOCK static void end_relock(smmap_manager_t *manager, smmap__fetch_t *fetch)
{
    const int calls = fetch->callback != NULL;

    if (calls) {
        manager->fetching.calling++;
        smmap__fetch_start_relock(manager); /* that there are no more threads is no failure */
    }
    smmap__manager_unlock(manager);
    smmap__fetch_free(manager, fetch);
    smmap__manager_lock(manager);
    manager->fetching.calling -= (apr_size_t)calls;
}

/* May the thread go on, or do those that took its place while it called back? */
SMMAP__LOCKED static int is_one_of_most_locked(const smmap_manager_t *manager)
{
    return manager->fetching.threads - manager->fetching.calling <= manager->fetch_threads;
}

/* A thread. It has a reference of the manager, and is counted. */
static void read_ahead(void *argument)
{
    smmap_manager_t *manager = argument;
    void *scratch = NULL;
    apr_size_t room = 0;
    const smmap__piece_t *pieces;
    smmap__fetch_t *fetch;
    apr_size_t count;

    smmap__manager_lock(manager);
    while (is_one_of_most_locked(manager) &&
           (fetch = smmap__fetch_take_locked(manager, BATCH, &pieces, &count)) != NULL) {
        apr_status_t status = APR_ENOMEM;

        if (fetch->sources[pieces->source].cursor == NULL) {
            status = APR_SUCCESS; /* given up */
        } else {
            manager->fetching.reading++;
            smmap__manager_unlock(manager);
            scratch = make_room(scratch, &room, pieces, count);
            if (scratch != NULL) {
                status = read_pieces(manager, fetch, pieces, &count, scratch);
            }
            smmap__manager_lock(manager);
            manager->fetching.reading--;
        }
        if (smmap__fetch_done_locked(manager, fetch, count, status)) {
            end_relock(manager, fetch);
        }
    }
    smmap__free(scratch);
    manager->fetching.threads--;
    smmap__manager_wake_locked(manager);
    smmap__manager_unref_unlock(manager);
}

apr_status_t smmap__fetch_start_relock(smmap_manager_t *manager)
{
    const smmap__fetching_t *fetching = &manager->fetching;
    apr_status_t status = APR_SUCCESS;

    if (manager->fetcher.run == NULL) { /* once: threads read it without the lock */
        manager->fetcher.run = read_ahead;
        manager->fetcher.argument = manager;
    }
    while (status == APR_SUCCESS &&
           fetching->threads - fetching->calling < manager->fetch_threads &&
           (fetching->threads - fetching->calling - fetching->reading) * SMMAP__WORK <
               fetching->work) {
        manager->fetching.threads++;
        manager->references++;
        smmap__manager_unlock(manager);
        status = smmap__os_thread_start(&manager->fetcher);
        smmap__manager_lock(manager);
        if (status != APR_SUCCESS) {
            manager->fetching.threads--;
            manager->references--; /* the caller has one */
            smmap__manager_wake_locked(manager);
        }
    }
    return fetching->threads > fetching->calling ? APR_SUCCESS : status;
}
