/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading ahead: what is to be read of many ranges, and in which order.
 *
 * The caller is not to wait, so it asks the system what is in memory already, and leaves that out.
 * While that is everything, it asks for one range of SAMPLE alone, if nobody wants to know that all
 * were read.
 */
#include "core/cursor/fetch.h"

#include <stdlib.h>

enum {
    MOST_PIECES = 65536,
    WARM_AFTER = 64, /* ranges that were in memory, one after the other */
    SAMPLE = 64,
    WAIT_STEP = 50000 /* microseconds */
};

/* Is it in memory? Count ranges that were; where the system does not tell, the threads do.
   surely: 1: to the system pages that are just being read count, too, so ask for the last byte. */
static int is_cached(smmap__file_t *file, apr_off_t offset, apr_off_t length, int surely)
{
    smmap__count_t *warm = &file->manager->fetch_warm;
    apr_os_file_t handle;
    unsigned char byte;
    apr_size_t got;
    int cached = 0;

    if (smmap__reading_begin(file, &handle)) {
        if (smmap__os_is_cached(&cached, handle, offset, length) != APR_SUCCESS) {
            cached = 0;
        } else {
            if (cached && surely) {
                cached = smmap__os_read_nowait(handle, offset + length - 1, &byte, 1, &got) ==
                             APR_SUCCESS &&
                         got == 1;
            }
            smmap__count_store(warm, cached ? smmap__count_load(warm) + 1 : 0);
        }
        smmap__reading_end(file);
    }
    return cached;
}

/* Bytes of a range that lie in the file; 0: none, or they are in memory already. */
static apr_off_t wanted_length(smmap_manager_t *manager, const smmap_range_t *range,
                               apr_size_t number, int surely)
{
    const smmap__cursor_t *cursor = (const smmap__cursor_t *)(const void *)range->cursor;
    apr_off_t size = smmap__offset_load(&cursor->file->size);
    apr_off_t length;

    if (range->offset >= size || range->length == 0 ||
        (!surely && smmap__count_load(&manager->fetch_warm) >= WARM_AFTER &&
         number % SAMPLE != 0) ||
        cursor->file->identity.sizeless) {
        return 0;
    }
    length = range->length < size - range->offset ? range->length : size - range->offset;
    return is_cached(cursor->file, range->offset, length, surely) ? 0 : length;
}

typedef struct wanted_t {
    const smmap__cursor_t *cursor;
    apr_off_t offset;
    apr_off_t end;
} wanted_t;

static int is_valid(const smmap_manager_t *manager, const smmap_range_t *ranges, apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        if (ranges[i].cursor == NULL || ranges[i].offset < 0 || ranges[i].length < 0 ||
            ((const smmap__cursor_t *)(const void *)ranges[i].cursor)->manager != manager) {
            return 0;
        }
    }
    return 1;
}

/* What is not in memory. Nothing: *wanted stays NULL. */
static apr_status_t find_wanted(smmap_manager_t *manager, const smmap_range_t *ranges,
                                apr_size_t count, int surely, wanted_t **wanted, apr_size_t *found)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        apr_off_t length = wanted_length(manager, &ranges[i], i, surely);
        wanted_t *one;

        if (length == 0) {
            continue;
        }
        if (*wanted == NULL) {
            *wanted = count - i <= APR_SIZE_MAX / sizeof **wanted
                          ? smmap__alloc((count - i) * sizeof **wanted)
                          : NULL;
            if (*wanted == NULL) {
                return APR_ENOMEM;
            }
        }
        one = &(*wanted)[(*found)++];
        one->cursor = (const smmap__cursor_t *)(const void *)ranges[i].cursor;
        one->offset = ranges[i].offset;
        one->end = one->offset + length; /* within the file */
    }
    return APR_SUCCESS;
}

/* By file, cursor and offset. */
static int compare(const void *left, const void *right)
{
    const wanted_t *a = left;
    const wanted_t *b = right;

    if (a->cursor != b->cursor) {
        apr_uint64_t one = a->cursor->file->number;
        apr_uint64_t other = b->cursor->file->number;

        return one != other ? (one < other ? -1 : 1) : (a->cursor < b->cursor ? -1 : 1);
    }
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Merge what overlaps or touches. Returns how many there are then; *pieces and *sources (out) is
   what they are cut into. */
static apr_size_t merge(wanted_t *wanted, apr_size_t count, apr_uint64_t *pieces,
                        apr_size_t *sources)
{
    apr_size_t last = 0;
    apr_size_t i;

    qsort(wanted, count, sizeof *wanted, compare);
    for (i = 1; i < count; i++) {
        if (wanted[i].cursor != wanted[last].cursor || wanted[i].offset > wanted[last].end) {
            wanted[++last] = wanted[i];
        } else if (wanted[i].end > wanted[last].end) {
            wanted[last].end = wanted[i].end;
        }
    }
    *pieces = 0;
    *sources = 0;
    for (i = 0; i <= last; i++) {
        *pieces += (apr_uint64_t)((wanted[i].end - wanted[i].offset - 1) / SMMAP__PIECE) + 1;
        *sources += i == 0 || wanted[i].cursor != wanted[i - 1].cursor;
    }
    return last + 1;
}

/* Fill in what was allocated, and count the sources as cursors. */
SMMAP__LOCKED static void fill_locked(smmap__fetch_t *fetch, const wanted_t *wanted,
                                      apr_size_t count)
{
    apr_size_t begin;
    apr_size_t i;

    for (i = 0; i < count; i++) {
        apr_off_t at = wanted[i].offset;

        if (i == 0 || wanted[i].cursor != wanted[i - 1].cursor) {
            smmap__source_t *source = &fetch->sources[fetch->source_count++];

            source->cursor = wanted[i].cursor;
            source->file = wanted[i].cursor->file;
            source->path = wanted[i].cursor->path;
            smmap__file_join_locked(source->file, smmap__path_is_lost(source->path));
            if (source->path != NULL) {
                source->path->users++;
            }
        }
        begin = fetch->piece_count;
        while (at < wanted[i].end) {
            smmap__piece_t *piece = &fetch->pieces[fetch->piece_count++];
            apr_off_t left = wanted[i].end - at;

            piece->offset = at;
            piece->length = left < SMMAP__PIECE ? (apr_size_t)left : SMMAP__PIECE;
            piece->source = fetch->source_count - 1;
            at += (apr_off_t)piece->length;
        }
        fetch->work += fetch->piece_count - begin > 1 ? SMMAP__WORK : 1;
    }
}

static apr_status_t make_fetch(smmap__fetch_t **fetch, wanted_t *wanted, apr_size_t *count)
{
    smmap__fetch_t *made;
    apr_uint64_t pieces;
    apr_size_t sources;

    *count = merge(wanted, *count, &pieces, &sources);
    if (pieces > MOST_PIECES) {
        return SMMAP_ETOOLARGE;
    }
    made = smmap__alloc(sizeof *made);
    if (made != NULL) {
        made->pieces = smmap__alloc((apr_size_t)pieces * sizeof *made->pieces);
        made->sources = smmap__alloc(sources * sizeof *made->sources);
    }
    if (made == NULL || made->pieces == NULL || made->sources == NULL) {
        if (made != NULL) {
            smmap__free(made->pieces);
            smmap__free(made->sources);
        }
        smmap__free(made);
        return APR_ENOMEM;
    }
    *fetch = made;
    return APR_SUCCESS;
}

/* Wait until the fetch is done; 0: the time is over. */
SMMAP__RELOCK static int wait_relock(smmap_manager_t *manager, smmap__fetch_t *fetch,
                                     apr_interval_time_t left)
{
    while (fetch->done < fetch->piece_count && left != 0) {
        apr_time_t before = apr_time_now();
        apr_interval_time_t most = left < 0 || left > WAIT_STEP ? WAIT_STEP : left;
        apr_interval_time_t step;

        smmap__manager_wait_for_relock(manager, most);
        step = apr_time_now() - before;
        if (left > 0) {
            step = step < 0 || step > left ? most : step; /* else the clock may have been set */
            left = left > step ? left - step : 0;
        }
    }
    return fetch->done == fetch->piece_count;
}

/* Hand the fetch over. On failure it is freed without a word. */
static apr_status_t begin(smmap_manager_t *manager, smmap__fetch_t *fetch, const wanted_t *wanted,
                          apr_size_t count, apr_interval_time_t wait)
{
    apr_status_t status = APR_SUCCESS;
    smmap_fetched_t *callback = fetch->callback;

    fetch->callback = NULL;
    smmap__manager_lock(manager);
    fill_locked(fetch, wanted, count);
    if (smmap__count_load(&manager->closed) != 0) {
        status = SMMAP_ECLOSED;
    } else if (manager->fetching.pieces + fetch->piece_count > MOST_PIECES) {
        status = SMMAP_ETOOLARGE;
    } else {
        fetch->waited = 1; /* nobody frees it before the threads are started */
        smmap__fetch_add_locked(manager, fetch);
        status = smmap__fetch_start_relock(manager);
        if (fetch->done == fetch->piece_count) {
            status = APR_SUCCESS; /* threads of another call did it, and are gone */
        } else if (status != APR_SUCCESS) {
            fetch->taken = fetch->piece_count; /* of which nobody has one in hand */
            smmap__fetch_done_locked(manager, fetch, fetch->piece_count - fetch->done, status);
        }
    }
    if (status != APR_SUCCESS) {
        smmap__manager_unlock(manager);
        smmap__fetch_free(manager, fetch);
        return status;
    }
    fetch->callback = callback;
    if (wait_relock(manager, fetch, wait)) {
        status = wait != 0 ? fetch->status : APR_SUCCESS;
        smmap__manager_unlock(manager);
        smmap__fetch_free(manager, fetch);
        return status;
    }
    fetch->waited = 0;
    smmap__manager_unlock(manager);
    return wait != 0 ? SMMAP_EWOULDBLOCK : APR_SUCCESS;
}

apr_status_t smmap_manager_fetch(smmap_manager_t *manager, const smmap_range_t *ranges,
                                 apr_size_t count, apr_interval_time_t wait, smmap_fetched_t *done,
                                 void *context)
{
    wanted_t *wanted = NULL;
    smmap__fetch_t *fetch = NULL;
    apr_size_t found = 0;
    apr_status_t status = APR_SUCCESS;

    if (manager == NULL || (ranges == NULL && count != 0) || wait < SMMAP_FETCH_WAIT ||
        !is_valid(manager, ranges, count)) {
        return APR_EINVAL;
    }
    smmap__os_cancel_point();
    if (smmap__count_load(&manager->closed) != 0) {
        return SMMAP_ECLOSED;
    }
    if (manager->fetch_threads != 0) {
        status = find_wanted(manager, ranges, count, wait != 0 || done != NULL, &wanted, &found);
    }
    if (status == APR_SUCCESS && found > 0) {
        apr_size_t i;

        status = make_fetch(&fetch, wanted, &found);
        if (status == APR_SUCCESS) {
            for (i = 0; i < found; i++) {
                ((smmap__cursor_t *)(uintptr_t)wanted[i].cursor)->fetched = 1;
            }
            fetch->callback = done;
            fetch->context = context;
            status = begin(manager, fetch, wanted, found, wait);
        }
    } else if (status == APR_SUCCESS && done != NULL) {
        done(context, APR_SUCCESS);
    }
    smmap__free(wanted);
    return status;
}
