/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is to be read ahead: the fetches of a manager that are not done.
 *
 * A fetch is in the list from when it was taken until all its pieces were read or given up. Threads
 * take pieces of the first fetch that has some left; those that follow one another, a run, go to
 * one thread. Who ends the last piece takes the fetch out of the list and frees it; but where its
 * caller waits, the caller frees it.
 *
 * A child of fork() has none of the threads: what they had in hand is given up there.
 *
 * Everything is under the manager's lock, but for what does not change any more.
 */
#include "core/cursor/fetch.h"

static int follows(const smmap__piece_t *piece, const smmap__piece_t *before)
{
    return piece->source == before->source &&
           piece->offset == before->offset + (apr_off_t)before->length; /* within the file */
}

SMMAP__LOCKED static smmap__fetch_t *fetch_after(smmap_manager_t *manager, smmap__link_t *link)
{
    smmap__link_t *next = smmap__list_next(&manager->fetching.fetches, link);

    return next != NULL ? SMMAP__ELEMENT(next, smmap__fetch_t, link) : NULL;
}

void smmap__fetch_add_locked(smmap_manager_t *manager, smmap__fetch_t *fetch)
{
    smmap__list_append(&manager->fetching.fetches, &fetch->link);
    manager->fetching.pieces += fetch->piece_count;
    manager->fetching.work += fetch->work;
}

int smmap__fetch_is_in_run(const smmap__fetch_t *fetch, apr_size_t piece)
{
    const smmap__piece_t *it = &fetch->pieces[piece];

    return (piece > 0 && follows(it, it - 1)) ||
           (piece + 1 < fetch->piece_count && follows(it + 1, it));
}

smmap__fetch_t *smmap__fetch_take_locked(smmap_manager_t *manager, apr_size_t most,
                                         const smmap__piece_t **first, apr_size_t *count)
{
    smmap__fetch_t *fetch = fetch_after(manager, &manager->fetching.fetches);
    apr_size_t begin;
    apr_size_t work;
    int in_run;

    while (fetch != NULL && fetch->taken == fetch->piece_count) {
        fetch = fetch_after(manager, &fetch->link);
    }
    if (fetch == NULL) {
        return NULL;
    }
    begin = fetch->taken;
    *first = &fetch->pieces[begin];
    in_run = smmap__fetch_is_in_run(fetch, begin);
    if (fetch->slow && in_run) {
        most = 1;
        in_run = 0;
    }
    do {
        fetch->taken++;
    } while (fetch->taken < fetch->piece_count &&
             (in_run ? follows(&fetch->pieces[fetch->taken], &fetch->pieces[fetch->taken - 1])
                     : fetch->taken - begin < most &&
                           fetch->pieces[fetch->taken].source == (*first)->source &&
                           !smmap__fetch_is_in_run(fetch, fetch->taken)));
    *count = fetch->taken - begin;
    work = in_run ? SMMAP__WORK : *count;
    fetch->work -= work;
    manager->fetching.work -= work;
    return fetch;
}

int smmap__fetch_give_back_locked(smmap_manager_t *manager, smmap__fetch_t *fetch,
                                  const smmap__piece_t *pieces, apr_size_t count)
{
    if (count == 0 || pieces + count != fetch->pieces + fetch->taken) {
        return 0;
    }
    fetch->taken -= count;
    fetch->slow = 1;
    fetch->work += count;
    manager->fetching.work += count;
    return 1;
}

int smmap__fetch_done_locked(smmap_manager_t *manager, smmap__fetch_t *fetch, apr_size_t count,
                             apr_status_t status)
{
    manager->fetching.pieces -= count;
    fetch->done += count;
    if (fetch->status == APR_SUCCESS) {
        fetch->status = status;
    }
    if (fetch->done < fetch->piece_count) {
        return 0;
    }
    smmap__list_remove(&fetch->link);
    manager->fetching.work -= fetch->work;
    if (fetch->waited) {
        smmap__manager_wake_locked(manager);
    }
    return !fetch->waited;
}

void smmap__fetch_free(smmap_manager_t *manager, smmap__fetch_t *fetch)
{
    smmap_fetched_t *callback = fetch->callback;
    void *context = fetch->context;
    apr_status_t status = fetch->status;
    apr_size_t i;

    for (i = 0; i < fetch->source_count; i++) {
        smmap__manager_lock(manager);
        smmap__file_quit_unlock(fetch->sources[i].file, fetch->sources[i].path);
    }
    smmap__free(fetch->sources);
    smmap__free(fetch->pieces);
    smmap__free(fetch);
    if (callback != NULL) {
        callback(context, status); /* last: it may call us */
    }
}

void smmap__fetch_cancel_locked(const smmap__cursor_t *cursor)
{
    smmap_manager_t *manager = cursor->manager;
    smmap__fetch_t *fetch = fetch_after(manager, &manager->fetching.fetches);
    apr_size_t i;

    for (; fetch != NULL; fetch = fetch_after(manager, &fetch->link)) {
        for (i = 0; i < fetch->source_count; i++) {
            if (fetch->sources[i].cursor == cursor) {
                fetch->sources[i].cursor = NULL;
            }
        }
    }
}

void smmap__fetch_end_relock(smmap_manager_t *manager)
{
    smmap__fetch_t *fetch = fetch_after(manager, &manager->fetching.fetches);

    while (fetch != NULL) {
        smmap__fetch_t *next = fetch_after(manager, &fetch->link);
        apr_size_t left = fetch->piece_count - fetch->taken;

        fetch->taken = fetch->piece_count;
        if (left > 0 && smmap__fetch_done_locked(manager, fetch, left, SMMAP_ECLOSED)) {
            smmap__manager_unlock(manager);
            smmap__fetch_free(manager, fetch);
            smmap__manager_lock(manager);
            next = fetch_after(manager, &manager->fetching.fetches); /* it may be another list */
        }
        fetch = next;
    }
    while (manager->fetching.threads > manager->fetching.reading) {
        smmap__manager_wait_relock(manager);
    }
}

void smmap__fetch_mend_locked(smmap_manager_t *manager)
{
    smmap__fetch_t *fetch = fetch_after(manager, &manager->fetching.fetches);

    manager->references -= manager->fetching.threads;
    manager->fetching.threads = 0;
    manager->fetching.reading = 0;
    manager->fetching.calling = 0;
    manager->fetching.pieces = 0;
    manager->fetching.work = 0;
    for (; fetch != NULL; fetch = fetch_after(manager, &fetch->link)) {
        /* One piece is left, which whoever comes next finds closed. */
        fetch->taken = fetch->piece_count - 1;
        fetch->done = fetch->taken;
        fetch->work = 1;
        fetch->slow = 1; /* so that a piece counts as one, also in a run */
        fetch->waited = 0;
        fetch->callback = NULL;
        fetch->sources[fetch->pieces[fetch->taken].source].cursor = NULL;
        manager->fetching.pieces++;
        manager->fetching.work++;
    }
}
