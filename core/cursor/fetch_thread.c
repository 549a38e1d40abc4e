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
 * A thread holds a reference of the manager, and the handle of one file: so a thread that hangs in
 * a read keeps no other from any but that file's handle, and the destruction of the manager does
 * not wait for it.
 */
#include "core/cursor/fetch.h"

enum {
    BATCH = 16,
    PIECES_PER_THREAD = 4, /* fewer are not worth another thread */
    READ_WHOLE = 16 * 1024
};

/* How much of a piece is in memory. */
typedef enum found_t { ABSENT, ADVISED, COMING, THERE } found_t;

/* Ask for a piece that is not in memory, without waiting. Pages that are just being read are in the
   system's cache already. */
static found_t ask_for(apr_os_file_t handle, const smmap__piece_t *piece, void *scratch)
{
    apr_size_t got = 0;
    int cached = 0;

    if (smmap__os_is_cached(&cached, handle, piece->offset, (apr_off_t)piece->length) ==
        APR_SUCCESS) {
        if (cached) {
            return COMING;
        }
    } else if (smmap__os_read_nowait(handle, piece->offset, scratch, piece->length, &got) ==
                   APR_SUCCESS &&
               got == piece->length) {
        return THERE;
    }
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

static apr_status_t read_pieces(smmap_manager_t *manager, const smmap__source_t *source,
                                const smmap__piece_t *pieces, apr_size_t count, void *scratch)
{
    found_t found[BATCH];
    apr_os_file_t handle;
    apr_status_t one;
    apr_status_t status = smmap__handle_enter_lock(source->file, source->path, &handle);
    int wanted = source->cursor != NULL;
    apr_size_t i;

    smmap__manager_unlock(manager);
    if (status != APR_SUCCESS) {
        return status;
    }
    for (i = 0; wanted && i < count; i++) {
        found[i] = ask_for(handle, &pieces[i], scratch);
        smmap__count_store(&manager->fetch_warm,
                           found[i] >= COMING ? smmap__count_load(&manager->fetch_warm) + 1 : 0);
    }
    for (i = 0; wanted && i < count; i++) {
        if (found[i] != THERE) {
            one = wait_for(manager, handle, &pieces[i], found[i], scratch);
            status = status != APR_SUCCESS ? status : one;
        }
    }
    smmap__handle_leave(source->file);
    return status;
}

/* A thread. It has a reference of the manager, and is counted. */
static void read_ahead(void *argument)
{
    smmap_manager_t *manager = argument;
    void *scratch = smmap__alloc(SMMAP__PIECE);
    const smmap__piece_t *pieces;
    smmap__fetch_t *fetch;
    apr_size_t count;

    smmap__manager_lock(manager);
    while ((fetch = smmap__fetch_take_locked(manager, BATCH, &pieces, &count)) != NULL) {
        apr_status_t status = APR_ENOMEM;
        int last;

        manager->fetching.reading++;
        smmap__manager_unlock(manager);
        if (scratch != NULL) {
            status = read_pieces(manager, &fetch->sources[pieces->source], pieces, count, scratch);
        }
        smmap__manager_lock(manager);
        manager->fetching.reading--;
        last = smmap__fetch_done_locked(manager, fetch, count, status);
        if (last) {
            smmap__manager_unlock(manager);
            smmap__fetch_free(manager, fetch);
            smmap__manager_lock(manager);
        }
    }
    smmap__free(scratch);
    manager->fetching.threads--;
    smmap__manager_wake_locked(manager);
    smmap__manager_unref_unlock(manager);
}

apr_status_t smmap__fetch_start_relock(smmap_manager_t *manager)
{
    apr_status_t status = APR_SUCCESS;

    if (manager->fetcher.run == NULL) { /* once: threads read it without the lock */
        manager->fetcher.run = read_ahead;
        manager->fetcher.argument = manager;
    }
    while (status == APR_SUCCESS && manager->fetching.threads < manager->fetch_threads &&
           manager->fetching.threads * PIECES_PER_THREAD < manager->fetching.pieces) {
        manager->fetching.threads++;
        manager->references++;
        smmap__manager_unlock(manager);
        status = smmap__os_thread_start(&manager->fetcher);
        smmap__manager_lock(manager);
        if (status != APR_SUCCESS) {
            manager->fetching.threads--;
            manager->references--; /* the caller has one */
        }
    }
    return manager->fetching.threads > 0 ? APR_SUCCESS : status;
}
