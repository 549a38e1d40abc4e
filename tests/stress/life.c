/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lives: a manager that is destroyed while its cursors are in use, files that grow
 * while they are read, and buffers.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fake/memory.h"

/* A destroyed manager. */

static atomic_size_t ready;    /* threads that have their cursors */
static atomic_size_t progress; /* steps of all threads since then */
static atomic_int gone;        /* the manager was destroyed */

/* What a call may answer while the manager goes. 1: it did its work. */
static int done_or_closed(apr_status_t status, const char *what)
{
    char text[160];

    if (status != APR_SUCCESS && status != SMMAP_ECLOSED) {
        stress_bad("%s, while the manager goes: status %d, %s", what, (int)status,
                   smmap_strerror(status, text, sizeof text));
    }
    return status == APR_SUCCESS;
}

/* Everything that must answer SMMAP_ECLOSED now, and everything that must not hurt. */
static void after_the_end(smmap_cursor_t *cursor, smmap_buffer_t *buffer, apr_pool_t *pool)
{
    smmap_cursor_t *copy = NULL;
    unsigned char byte;

    if (smmap_cursor_use(cursor, 0, 0) != SMMAP_ECLOSED ||
        smmap_cursor_require(cursor, 0, 1) != SMMAP_ECLOSED ||
        smmap_cursor_read(cursor, 0, &byte, 1, NULL) != SMMAP_ECLOSED ||
        smmap_cursor_refresh(cursor) != SMMAP_ECLOSED ||
        smmap_cursor_copy(&copy, cursor, pool) != SMMAP_ECLOSED ||
        smmap_buffer_begin_access(buffer, cursor, 0, 1) != SMMAP_ECLOSED) {
        stress_bad("a call after the manager was destroyed is no SMMAP_ECLOSED");
    }
    if (smmap_cursor_is_associated(cursor)) {
        stress_bad("a cursor is on a file whose manager is gone");
    }
}

/* One round of calls; 0 when the manager was found gone. */
static int live_on(stress_worker_t *worker, smmap_cursor_t *cursor, smmap_buffer_t *buffer,
                   const stress_file_t *file)
{
    apr_off_t offset = (apr_off_t)stress_below(worker, file->size);
    unsigned char copied[64];
    const unsigned char *slice;
    apr_size_t got = 0;
    apr_status_t status;

    switch (stress_below(worker, 8)) {
    case 0:
        status = smmap_cursor_read(cursor, offset, copied, sizeof copied, &got);
        stress_same(file, offset, copied, got);
        return done_or_closed(status, "read");
    case 1:
        return done_or_closed(smmap_cursor_refresh(cursor), "refresh");
    case 2:
        status = smmap_buffer_begin_access(buffer, cursor, offset, SMMAP_TO_END);
        if (status == APR_SUCCESS) {
            status = smmap_buffer_slice(buffer, 0, 1, &slice);
            if (status == APR_SUCCESS) {
                stress_same(file, offset, slice, 1);
            }
        }
        return done_or_closed(status, "buffer");
    case 3:
        status = smmap_cursor_require(cursor, (apr_off_t)stress.unit - 8, 16);
        break;
    default:
        status = smmap_cursor_use(cursor, offset, 0);
        break;
    }
    stress_shows(cursor, file);
    return done_or_closed(status, "move");
}

/* What is pinned stays readable for as long as it is pinned. */
static void look_at_the_kept(stress_worker_t *worker, smmap_cursor_t *kept,
                             const stress_file_t *file)
{
    apr_size_t looks;

    for (looks = 1 + stress_below(worker, 4); looks > 0; looks--) {
        stress_shows(kept, file);
        apr_thread_yield();
    }
    if (stress_below(worker, 2) == 0) {
        smmap_cursor_release(kept);
    }
}

static void until_gone(stress_worker_t *worker)
{
    const stress_file_t *file = &stress.files[worker->number % STRESS_FILES];
    smmap_cursor_t *cursor = stress_open_cursor(worker, file);
    smmap_cursor_t *kept = NULL;
    smmap_buffer_t *buffer = NULL;

    if (cursor == NULL ||
        !stress_went_well(worker, smmap_cursor_copy(&kept, cursor, worker->pool), "copy") ||
        !stress_went_well(worker, smmap_buffer_create(&buffer, NULL, 0, 0, worker->pool),
                          "buffer")) {
        exit(2);
    }
    atomic_fetch_add(&ready, 1);
    while (live_on(worker, cursor, buffer, file) && atomic_load(&stress.bad) == 0) {
        worker->steps++;
        atomic_fetch_add(&progress, 1);
        if (stress_below(worker, 4) == 0) {
            done_or_closed(smmap_cursor_assign(kept, cursor), "assign");
        }
        stress_shows(kept, file);
    }
    while (!atomic_load(&gone)) {
        stress_shows(kept, file);
        apr_thread_yield();
    }
    look_at_the_kept(worker, kept, file);
    after_the_end(cursor, buffer, worker->pool);
    /* Closed one by one, or by the pool of the thread. */
    if (stress_below(worker, 2) == 0) {
        smmap_cursor_close(kept);
        smmap_buffer_close(buffer);
        smmap_cursor_close(cursor);
    }
}

/* Thread 0 waits until the others have done some steps, and destroys the manager. */
static void destroy_or_use(stress_worker_t *worker)
{
    apr_size_t wanted = stress_below(worker, 60 * stress.threads);
    apr_status_t status;

    if (worker->number != 0) {
        until_gone(worker);
        return;
    }
    /* Nobody may open a cursor on a manager that goes. */
    while (atomic_load(&ready) < stress.threads - 1) {
        apr_thread_yield();
    }
    while (atomic_load(&progress) < wanted && atomic_load(&stress.bad) == 0) {
        apr_thread_yield();
    }
    status = smmap_manager_destroy(stress.manager);
    if (status != APR_SUCCESS) {
        stress_bad("destroy: status %d", (int)status);
    }
    atomic_store(&gone, 1);
}

static void destroy(void)
{
    apr_size_t repeat;

    stress_files(16, 1);
    stress.options.max_mapped_bytes = stress.threads * stress.unit;
    stress.options.max_open_files = 2;
    for (repeat = 0; repeat < 1 + stress.rounds / 40 && stress_goes_on(); repeat++) {
        stress_truth_t truth;

        atomic_store(&ready, 0);
        atomic_store(&progress, 0);
        atomic_store(&gone, 0);
        stress.seed++;
        stress_manage();
        stress_run(destroy_or_use);
        truth = truth_now();
        stress_equal("mappings that are left", truth.mappings, 0);
        stress_equal("handles that are left", truth.handles, 0);
        stress_equal("memory that is left", fake_memory_blocks(), 0);
    }
}

/* Files that grow. */

static atomic_size_t written[STRESS_FILES]; /* bytes that are in each file for sure */

static void grow_files(stress_worker_t *worker)
{
    unsigned full = 0;

    while (full < STRESS_FILES && stress_more(worker)) {
        unsigned f = (unsigned)stress_below(worker, STRESS_FILES);
        const stress_file_t *file = &stress.files[f];
        apr_size_t from = atomic_load(&written[f]);
        apr_size_t more = 1 + stress_below(worker, stress.unit);

        if (from < file->size) {
            apr_size_t to = more < file->size - from ? from + more : file->size;

            stress_write(file, from, to);
            atomic_store(&written[f], to);
            full += to == file->size;
        }
        apr_thread_yield();
    }
    atomic_store(&stress.stop, 1);
}

/* After a refresh all that was written before it is there; whatever is shown is right. */
static void read_what_grows(stress_worker_t *worker)
{
    smmap_cursor_t *cursors[STRESS_FILES];
    apr_off_t seen[STRESS_FILES] = {0};
    unsigned char *copied = apr_palloc(worker->pool, 2 * stress.unit);
    unsigned f;

    if (!stress_open_all(worker, cursors)) {
        exit(2);
    }
    while (!atomic_load(&stress.stop) && atomic_load(&stress.bad) == 0) {
        apr_size_t there;
        apr_off_t size;
        apr_off_t offset;
        apr_size_t got = 0;

        worker->steps++;
        f = (unsigned)stress_below(worker, STRESS_FILES);
        stress_shows(cursors[f], &stress.files[f]);
        there = atomic_load(&written[f]);
        if (there == 0 ||
            !stress_went_well(worker, smmap_cursor_refresh(cursors[f]), "refresh")) {
            continue;
        }
        size = smmap_cursor_file_size(cursors[f]);
        if (size < (apr_off_t)there || size < seen[f]) {
            stress_bad("a file of %llu bytes has %lld after a refresh, and had %lld",
                       (unsigned long long)there, (long long)size, (long long)seen[f]);
        }
        seen[f] = size;
        /* Near the end, where windows are short and are replaced, or anywhere. */
        offset = (apr_off_t)(stress_below(worker, 2) == 0 ? there - 1
                                                          : stress_below(worker, there));
        worker->moves++;
        stress_went_well(worker, smmap_cursor_use(cursors[f], offset, 0), "use");
        stress_shows(cursors[f], &stress.files[f]);
        worker->perhaps += 3;
        stress_went_well(worker,
                         smmap_cursor_read(cursors[f], offset, copied, 2 * stress.unit, &got),
                         "read");
        if (got < 2 * stress.unit && offset + (apr_off_t)got < (apr_off_t)there) {
            stress_bad("read: fewer bytes than there were");
        }
        stress_same(&stress.files[f], offset, copied, got);
        if (stress_below(worker, 4) == 0) {
            smmap_cursor_release(cursors[f]);
        }
    }
    stress_close_all(cursors);
}

static void grow_or_read(stress_worker_t *worker)
{
    if (worker->number == 0) {
        grow_files(worker);
    } else {
        read_what_grows(worker);
    }
}

static void grow(void)
{
    unsigned f;

    stress_files(60, 0);
    for (f = 0; f < STRESS_FILES; f++) {
        atomic_store(&written[f], 0);
    }
    stress.options.max_mapped_bytes = (STRESS_FILES * (stress.threads - 1) + 3) * stress.unit;
    stress.options.max_regions = STRESS_FILES * (stress.threads - 1) + 3;
    stress.options.limits = SMMAP_LIMITS_HARD;
    stress_manage();
    stress.options.max_open_files = smmap_manager_max_open_files(stress.manager);
    stress_run_watched(grow_or_read);
}

/* Buffers. */

static void read_buffer(stress_worker_t *worker, smmap_buffer_t *buffer, apr_off_t begin,
                        const stress_file_t *file, unsigned char *copied)
{
    apr_size_t size = (apr_size_t)smmap_buffer_size(buffer);
    apr_size_t index = stress_below(worker, size);
    apr_size_t most = 1 + stress_below(worker, 2 * stress.unit);
    apr_off_t offset = begin + (apr_off_t)index;
    apr_off_t from_end = (apr_off_t)index - (apr_off_t)size;
    const unsigned char *slice = NULL;
    apr_size_t got = 0;
    apr_status_t status;

    if (most > size - index) {
        most = size - index;
    }
    worker->perhaps += 4;
    switch (stress_below(worker, 4)) {
    case 0:
        status = smmap_buffer_byte(buffer, from_end, copied);
        if (stress_went_well(worker, status, "byte")) {
            stress_same(file, offset, copied, 1);
        }
        break;
    case 1:
        status = smmap_buffer_slice(buffer, (apr_off_t)index, most, &slice);
        if (status == SMMAP_ESPLIT) {
            if ((apr_size_t)offset / stress.unit ==
                ((apr_size_t)offset + most - 1) / stress.unit) {
                stress_bad("a slice of one window is split");
            }
        } else if (stress_went_well(worker, status, "slice")) {
            apr_thread_yield(); /* the slice lives until the next call */
            stress_same(file, offset, slice, most);
        }
        break;
    default:
        status = smmap_buffer_read(buffer, (apr_off_t)index, copied, most, &got);
        if (stress_went_well(worker, status, "buffer read") && got != most) {
            stress_bad("a buffer read fewer bytes than there are");
        }
        stress_same(file, offset, copied, got);
        break;
    }
}

static void with_buffers(stress_worker_t *worker)
{
    smmap_cursor_t *cursors[STRESS_FILES];
    unsigned char *copied = apr_palloc(worker->pool, 2 * stress.unit);
    smmap_buffer_t *buffer = NULL;
    const stress_file_t *file = NULL;
    apr_off_t begin = 0;
    apr_pool_t *pool;
    unsigned f;

    apr_pool_create(&pool, worker->pool);
    if (!stress_open_all(worker, cursors)) {
        exit(2);
    }
    while (stress_more(worker)) {
        apr_size_t what = stress_below(worker, 20);
        apr_status_t status = APR_SUCCESS;

        if (buffer == NULL || what < 3) {
            f = (unsigned)stress_below(worker, STRESS_FILES);
            file = &stress.files[f];
            begin = (apr_off_t)stress_below(worker, file->size);
            if (buffer != NULL && what == 0) {
                apr_pool_clear(pool);
                buffer = NULL;
            }
            status = buffer == NULL
                         ? smmap_buffer_create(&buffer, cursors[f], begin, SMMAP_TO_END, pool)
                         : smmap_buffer_begin_access(buffer, cursors[f], begin,
                                                     1 + (apr_off_t)stress_below(worker, 50000));
            if (!stress_went_well(worker, status, "a buffer's range")) {
                break;
            }
        } else if (what == 3) {
            smmap_buffer_end_access(buffer);
            smmap_buffer_close(buffer);
            buffer = NULL;
        } else {
            read_buffer(worker, buffer, begin, file, copied);
        }
    }
    /* Buffer and cursors go with the pool. */
}

static void buffers(void)
{
    stress_files(24, 1);
    stress.options.limits = SMMAP_LIMITS_HARD;
    stress.options.max_regions = stress.threads + 1;
    stress.options.max_mapped_bytes = stress.options.max_regions * stress.unit;
    stress.options.max_open_files = 3;
    stress_manage();
    stress_run_watched(with_buffers);
}

const stress_scenario_t stress_life[] = {
    {"destroy", "a manager that is destroyed while its cursors are used", destroy},
    {"grow", "files that grow while they are read", grow},
    {"buffers", "buffers and slices", buffers},
    {NULL, NULL, NULL}};
