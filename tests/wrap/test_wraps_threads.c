/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Four threads on one manager while about one call in sixty of the real system, of memory, of
 * APR fails, at random from a seed. Each byte that they get is compared; each status is one
 * that an injected error explains, or a limit's. Afterwards nothing fails any more, and the
 * same manager works, counts right and leaves nothing.
 */
#include "tests/support/harness.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "wrap.h"

enum { THREADS = 4, FILES = 3, CURSORS = 3, ONE_IN = 60 };

static apr_size_t unit;
static test_file_t files[FILES];
static apr_os_file_t handles[FILES];
static smmap_manager_t *manager;
static atomic_size_t wrong;
static atomic_int unexpected; /* the first status that nothing explains */
static atomic_size_t refused;
static atomic_size_t done;

typedef struct worker_t {
    apr_thread_t *thread;
    apr_pool_t *pool;
    apr_uint64_t random;
    apr_size_t steps;
    smmap_cursor_t *cursors[CURSORS];
    unsigned on[CURSORS]; /* which file */
    unsigned char *bytes;
} worker_t;

static apr_size_t below(worker_t *worker, apr_size_t most)
{
    return (apr_size_t)(random_next(&worker->random) % most);
}

static int succeeded(apr_status_t status)
{
    int none = 0;

    if (status == APR_SUCCESS) {
        atomic_fetch_add(&done, 1);
        return 1;
    }
    atomic_fetch_add(&refused, 1);
    if (status != SMMAP_ELIMIT_BYTES && status != SMMAP_ELIMIT_REGIONS &&
        status != SMMAP_ELIMIT_FILES && !wrap_is_error(status)) {
        atomic_compare_exchange_strong(&unexpected, &none, status);
        atomic_fetch_add(&wrong, 1);
    }
    return 0;
}

static void expect(int holds)
{
    atomic_fetch_add(&wrong, !holds);
}

static void reopen(worker_t *worker, unsigned i)
{
    unsigned on = (unsigned)below(worker, FILES);
    smmap_cursor_t *cursor = NULL;
    apr_status_t status;

    smmap_cursor_close(worker->cursors[i]);
    worker->cursors[i] = NULL;
    status = below(worker, 4) == 0
                 ? smmap_cursor_open_handle(&cursor, manager, handles[on], worker->pool)
                 : smmap_cursor_open(&cursor, manager, files[on].path, worker->pool);
    expect(succeeded(status) == (cursor != NULL));
    worker->cursors[i] = cursor;
    worker->on[i] = on;
}

static void move(worker_t *worker, smmap_cursor_t *cursor, const test_file_t *file)
{
    apr_off_t offset = (apr_off_t)below(worker, file->size);
    apr_size_t left = file->size - (apr_size_t)offset;
    apr_status_t status;

    if (below(worker, 4) == 0) {
        apr_size_t size = 1 + below(worker, left < 2 * unit ? left : 2 * unit);

        status = smmap_cursor_require(cursor, offset, size);
    } else {
        status = smmap_cursor_use(cursor, offset, 0);
    }
    if (succeeded(status)) {
        expect(smmap_cursor_offset(cursor) == offset && region_shows(cursor, file));
    } else {
        expect(!smmap_cursor_is_valid(cursor));
    }
}

static void copy_out(worker_t *worker, smmap_cursor_t *cursor, const test_file_t *file)
{
    apr_size_t offset = below(worker, file->size);
    apr_size_t size = 1 + below(worker, 2 * unit);
    apr_size_t there = file->size - offset < size ? file->size - offset : size;
    apr_size_t got = 0;

    if (succeeded(smmap_cursor_read(cursor, (apr_off_t)offset, worker->bytes, size, &got))) {
        expect(got == there);
    }
    expect(got <= there && memcmp(worker->bytes, file->data + offset, got) == 0);
}

static void guard(worker_t *worker, smmap_cursor_t *cursor, const test_file_t *file)
{
    if (succeeded(smmap_cursor_begin_guard(cursor))) {
        move(worker, cursor, file);
        if (!succeeded(smmap_cursor_end_guard(cursor))) {
            expect(!smmap_cursor_is_valid(cursor));
        }
    }
}

static void buffer(worker_t *worker, smmap_cursor_t *cursor, const test_file_t *file)
{
    smmap_buffer_t *made = NULL;
    const unsigned char *data = NULL;
    apr_size_t at = below(worker, file->size / unit) * unit + below(worker, unit - 9);

    /* Bytes of one window. */
    if (succeeded(smmap_buffer_create(&made, cursor, 0, SMMAP_TO_END, worker->pool))) {
        if (succeeded(smmap_buffer_slice(made, (apr_off_t)at, 9, &data))) {
            expect(memcmp(data, file->data + at, 9) == 0);
        }
        smmap_buffer_close(made);
    } else {
        expect(made == NULL);
    }
}

static void step(worker_t *worker)
{
    unsigned i = (unsigned)below(worker, CURSORS);
    smmap_cursor_t *cursor = worker->cursors[i];
    const test_file_t *file = &files[worker->on[i]];
    apr_size_t pinned;

    switch (cursor == NULL ? 0 : below(worker, 20)) {
    case 0:
        reopen(worker, i);
        break;
    case 1:
        succeeded(smmap_cursor_refresh(cursor));
        break;
    case 2:
        guard(worker, cursor, file);
        break;
    case 3:
        buffer(worker, cursor, file);
        break;
    case 4:
        smmap_cursor_release(cursor);
        break;
    case 5:
        succeeded(smmap_manager_collect(manager, NULL));
        break;
    case 6:
        succeeded(smmap_manager_drop(manager, file->path, &pinned));
        break;
    case 7:
        succeeded(smmap_cursor_hint(cursor, (smmap_access_t)below(worker, 3)));
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        copy_out(worker, cursor, file);
        break;
    default:
        move(worker, cursor, file);
        break;
    }
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    unsigned i;

    (void)thread;
    for (; worker->steps > 0; worker->steps--) {
        step(worker);
    }
    for (i = 0; i < CURSORS; i++) {
        smmap_cursor_close(worker->cursors[i]);
    }
    return NULL;
}

/* After the failures: each byte of each file. */
static void works(void)
{
    unsigned i;

    for (i = 0; i < FILES; i++) {
        smmap_cursor_t *cursor = cursor_open(manager, files[i].path);
        apr_off_t offset;

        for (offset = 0; offset < (apr_off_t)files[i].size; offset = smmap_cursor_end(cursor)) {
            NEED_OK(smmap_cursor_use(cursor, offset, 0));
            CHECK(cursor_shows(cursor, &files[i]));
        }
        smmap_cursor_close(cursor);
    }
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    CHECK_NUMBER(manager_stats(manager).pinned_regions, 0);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    counts_check();
}

static void round_of(const smmap_options_t *options, apr_size_t steps, int buffered)
{
    worker_t workers[THREADS];
    unsigned i;

    memset(workers, 0, sizeof workers);
    manager = manager_make(options);
    for (i = 0; i < THREADS; i++) {
        NEED_OK(apr_pool_create(&workers[i].pool, test_pool));
        workers[i].random = random_number();
        workers[i].steps = steps;
        workers[i].bytes = apr_palloc(workers[i].pool, 2 * unit);
    }
    if (buffered) {
        wrap_fail_all(WRAP_MMAP, ENODEV);
    }
    wrap_fail_random(random_number(), ONE_IN);
    for (i = 0; i < THREADS; i++) {
        NEED_OK(apr_thread_create(&workers[i].thread, NULL, work, &workers[i], test_pool));
    }
    for (i = 0; i < THREADS; i++) {
        thread_join(workers[i].thread);
    }
    wrap_fail_none();
    CHECK_NUMBER(atomic_load(&wrong), 0);
    CHECK_OK(atomic_load(&unexpected));
    counts_check();
    works();
    for (i = 0; i < THREADS; i++) {
        apr_pool_destroy(workers[i].pool);
    }
    CHECK_OK(manager_destroy(manager));
    CHECK_NUMBER(wrap_live_mappings(), 0);
    CHECK_NUMBER(wrap_live_blocks(), 0);
    CHECK_NUMBER(wrap_live_pools(), 0);
    CHECK_NUMBER(native_count_mappings(test_dir()), 0);
}

static void begin(void)
{
    unsigned i;

    unit = smmap_granularity();
    atomic_store(&wrong, 0);
    atomic_store(&unexpected, 0);
    atomic_store(&refused, 0);
    atomic_store(&done, 0);
    for (i = 0; i < FILES; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        files[i] = file_make(name, (8 + 4 * i) * unit + 11 * i);
        handles[i] = file_open(files[i].path);
    }
}

static void end(void)
{
    unsigned i;

    for (i = 0; i < FILES; i++) {
        file_close(handles[i]);
    }
    printf("    %lu calls failed; of %lu calls of the library %lu were refused\n",
           (unsigned long)wrap_failed(),
           (unsigned long)(atomic_load(&done) + atomic_load(&refused)),
           (unsigned long)atomic_load(&refused));
    CHECK(wrap_failed() > 10);
    CHECK(atomic_load(&refused) > 10 && atomic_load(&done) > 100);
}

static void with_limits(smmap_limits_t limits, smmap_guard_t guarded, int buffered)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    begin();
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.limits = limits;
    options.guard = guarded;
    options.max_regions = limits == SMMAP_LIMITS_HARD ? 40 : 8;
    options.max_open_files = 2;
    round_of(&options, test_count(2000), buffered);
    end();
}

static void soft(void)
{
    with_limits(SMMAP_LIMITS_SOFT, SMMAP_GUARD_ON, 0);
}

static void hard(void)
{
    with_limits(SMMAP_LIMITS_HARD, SMMAP_GUARD_ON, 0);
}

static void strict(void)
{
    with_limits(SMMAP_LIMITS_SOFT, SMMAP_GUARD_STRICT, 0);
}

static void buffered_files(void)
{
    with_limits(SMMAP_LIMITS_SOFT, SMMAP_GUARD_ON, 1);
}

static void static_mode(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    begin();
    options.mode = SMMAP_MODE_STATIC;
    options.guard = SMMAP_GUARD_ON;
    options.max_regions = 2;
    options.max_open_files = 2;
    round_of(&options, test_count(8000), 0); /* a step makes a quarter of the others' calls */
    end();
}

static const test_case_t cases[] = {{"soft", soft},
                                    {"hard", hard},
                                    {"strict", strict},
                                    {"buffered_files", buffered_files},
                                    {"static_mode", static_mode},
                                    {NULL, NULL}};

const test_module_t test_wraps_threads = {"wraps_threads", cases};
