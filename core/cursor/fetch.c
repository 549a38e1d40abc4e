/*
 * Reading ahead: many ranges at once, by threads that live as long as there is something to read.
 *
 * A disk answers many requests at a time, but faults and reads of one thread come one by one. So
 * each thread takes up to BATCH pieces of one file, tells the system of all of them, which starts
 * reading, and then reads them, which is how it learns that they are there. With that, few threads
 * keep as many requests under way as a disk takes. The bytes read are thrown away: the copy costs
 * less than any other way to wait for them that all systems have.
 *
 * The caller is not to wait, so it asks the system what is in memory already, and leaves that out.
 * While that is everything, it asks for one range of SAMPLE alone.
 *
 * A thread holds a reference of the manager, and the handle of one file: so a thread that hangs in
 * a read keeps no other from any but that file's handle, and the destruction of the manager does
 * not wait for it.
 */
#include "core/cursor/fetch.h"

#include <stdlib.h>

enum {
    PIECE = 128 * 1024,
    BATCH = 16,
    MOST_PIECES = 65536,
    PIECES_PER_THREAD = 4, /* fewer are not worth another thread */
    WARM_AFTER = 256,      /* ranges that were in memory, one after the other */
    SAMPLE = 64,
    WAIT_STEP = 50000 /* microseconds */
};

/*
 * The threads
 */

/* The bytes of a piece are in memory now, or the status says why not. */
static apr_status_t read_piece(smmap_manager_t *manager, apr_os_file_t handle,
                               const smmap__piece_t *piece, void *scratch)
{
    apr_size_t got = 0;
    apr_status_t status = smmap__os_read(handle, piece->offset, scratch, piece->length, &got);

    smmap__manager_lock(manager);
    manager->stats.fetched_bytes += got;
    smmap__manager_unlock(manager);
    return status;
}

/* Is all of it there without waiting? */
static int is_there(apr_os_file_t handle, const smmap__piece_t *piece, void *scratch)
{
    apr_size_t got = 0;

    return smmap__os_read_nowait(handle, piece->offset, scratch, piece->length, &got) ==
               APR_SUCCESS &&
           got == piece->length;
}

static apr_status_t read_pieces(smmap_manager_t *manager, const smmap__source_t *source,
                                const smmap__piece_t *pieces, apr_size_t count, void *scratch)
{
    unsigned char absent[BATCH];
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
        absent[i] = !is_there(handle, &pieces[i], scratch);
        smmap__count_store(&manager->fetch_warm,
                           absent[i] ? 0 : smmap__count_load(&manager->fetch_warm) + 1);
        if (absent[i]) {
            smmap__os_file_advise(handle, pieces[i].offset, (apr_off_t)pieces[i].length,
                                  SMMAP__OS_WILLNEED);
        }
    }
    for (i = 0; wanted && i < count; i++) {
        if (absent[i]) {
            one = read_piece(manager, handle, &pieces[i], scratch);
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
    void *scratch = smmap__alloc(PIECE);
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

/* As many as are of use. Fails only if there is none. */
static apr_status_t start_threads_relock(smmap_manager_t *manager) SMMAP__RELOCK;

static apr_status_t start_threads_relock(smmap_manager_t *manager)
{
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && manager->fetching.threads < manager->fetch_threads &&
           manager->fetching.threads * PIECES_PER_THREAD < manager->fetching.pieces) {
        manager->fetching.threads++;
        manager->references++;
        manager->fetcher.run = read_ahead;
        manager->fetcher.argument = manager;
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

/*
 * What is to be read
 */

/* Is it in memory? Count ranges that were; where the system does not tell, the threads do. */
static int is_cached(smmap__file_t *file, apr_off_t offset, apr_off_t length)
{
    smmap__count_t *warm = &file->manager->fetch_warm;
    apr_os_file_t handle;
    int cached = 0;

    if (smmap__reading_begin(file, &handle)) {
        if (smmap__os_is_cached(&cached, handle, offset, length) != APR_SUCCESS) {
            cached = 0;
        } else {
            smmap__count_store(warm, cached ? smmap__count_load(warm) + 1 : 0);
        }
        smmap__reading_end(file);
    }
    return cached;
}

/* Bytes of a range that lie in the file; 0: none, or they are in memory already. */
static apr_off_t wanted_length(smmap_manager_t *manager, const smmap_range_t *range,
                               apr_size_t number)
{
    const smmap__cursor_t *cursor = (const smmap__cursor_t *)(const void *)range->cursor;
    apr_off_t size = smmap__offset_load(&cursor->file->size);
    apr_off_t length;

    if (range->offset >= size || range->length == 0 ||
        (smmap__count_load(&manager->fetch_warm) >= WARM_AFTER && number % SAMPLE != 0) ||
        cursor->file->identity.sizeless) {
        return 0;
    }
    length = range->length < size - range->offset ? range->length : size - range->offset;
    return is_cached(cursor->file, range->offset, length) ? 0 : length;
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
                                apr_size_t count, wanted_t **wanted, apr_size_t *found)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        apr_off_t length = wanted_length(manager, &ranges[i], i);
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
        *pieces += (apr_uint64_t)(wanted[i].end - wanted[i].offset + PIECE - 1) / PIECE;
        *sources += i == 0 || wanted[i].cursor != wanted[i - 1].cursor;
    }
    return last + 1;
}

/* Fill in what was allocated, and count the sources as cursors. */
static void fill_locked(smmap__fetch_t *fetch, const wanted_t *wanted,
                        apr_size_t count) SMMAP__LOCKED;

static void fill_locked(smmap__fetch_t *fetch, const wanted_t *wanted, apr_size_t count)
{
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
        while (at < wanted[i].end) {
            smmap__piece_t *piece = &fetch->pieces[fetch->piece_count++];
            apr_off_t left = wanted[i].end - at;

            piece->offset = at;
            piece->length = left < PIECE ? (apr_size_t)left : PIECE;
            piece->source = fetch->source_count - 1;
            at += (apr_off_t)piece->length;
        }
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

/*
 * The calls
 */

/* Wait until the fetch is done; 0: the time is over. */
static int wait_relock(smmap_manager_t *manager, smmap__fetch_t *fetch,
                       apr_interval_time_t left) SMMAP__RELOCK;

static int wait_relock(smmap_manager_t *manager, smmap__fetch_t *fetch, apr_interval_time_t left)
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
        status = start_threads_relock(manager);
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
                                 apr_size_t count, apr_interval_time_t wait,
                                 smmap_fetched_t *done, void *context)
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
        status = find_wanted(manager, ranges, count, &wanted, &found);
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

apr_status_t smmap_cursor_read_nowait(smmap_cursor_t *shown, apr_off_t offset, void *destination,
                                      apr_size_t size, apr_size_t *got)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    apr_size_t done = 0;
    apr_os_file_t handle;
    apr_off_t file_size;
    apr_status_t status;

    if (got != NULL) {
        *got = 0;
    }
    if (shown == NULL || offset < 0 || (destination == NULL && size != 0)) {
        return APR_EINVAL;
    }
    if (smmap__count_load(&cursor->manager->closed) != 0) {
        return SMMAP_ECLOSED;
    }
    file_size = smmap__offset_load(&cursor->file->size);
    if (size == 0) {
        return APR_SUCCESS;
    }
    if (offset >= file_size) {
        return APR_EOF;
    }
    if ((apr_uint64_t)(file_size - offset) < size) {
        size = (apr_size_t)(file_size - offset);
    }
    if (!smmap__reading_begin(cursor->file, &handle)) {
        return SMMAP_EWOULDBLOCK; /* it would have to be opened */
    }
    status = smmap__os_read_nowait(handle, offset, destination, size, &done);
    smmap__reading_end(cursor->file);
    if (got != NULL) {
        *got = done;
    }
    if (APR_STATUS_IS_EAGAIN(status)) {
        return SMMAP_EWOULDBLOCK;
    }
    return status == APR_SUCCESS && done < size ? SMMAP_ETRUNCATED : status;
}
