/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages that the system cannot bring into memory, of a file that is as it should be: what a
 * disk does that fails, where test_guard.c cuts the file. What is copied is then read by the
 * system, so the answer is the file's bytes. This is the real backend's: no page of the
 * fake's mappings is ever lost.
 */
#include "tests/support/harness.h"

#include <apr_thread_proc.h>

#include <string.h>

#include "core/base/atomic.h"
#include "tests/fake/backend.h"

static apr_size_t page;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static void begin(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    page = smmap_page_size();
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = 16 * page;
    options.guard = SMMAP_GUARD_ON;
    manager = manager_make(&options);
}

static smmap_cursor_t *cursor_on(const test_file_t *shown)
{
    smmap_cursor_t *made = cursor_open(manager, shown->path);

    NEED_OK(smmap_cursor_use(made, 0, 0));
    NEED(smmap_cursor_size(made) >= 8 * page);
    return made;
}

/* A copy of some pages, of which one is lost. What this function keeps in registers, across
   the call that is left at the fault, must be as it was. */
static void copy_with(apr_size_t offset, apr_size_t size, apr_size_t lost)
{
    unsigned char *bytes = apr_palloc(test_pool, size);
    apr_uint64_t before = manager_stats(manager).faults;
    volatile double half = 0.5;
    double one = half + 0.5;
    double two = half + 1.5;
    double three = half + 2.5;
    apr_size_t got = 0;
    apr_off_t fault;

    cursor = cursor_on(&file);
    /* On its pages that are left a window is as it was. */
    native_lose(smmap_cursor_data(cursor) + lost * page, page);
    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)((lost + 1) * page), bytes, 1, &got));
    CHECK(bytes[0] == file.data[(lost + 1) * page]);
    CHECK_NUMBER(manager_stats(manager).faults, before);
    CHECK_NUMBER(smmap_cursor_fault(cursor), -1);

    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)offset, bytes, size, &got));
    CHECK_NUMBER(one * 10, 10);
    CHECK_NUMBER(two * 10, 20);
    CHECK_NUMBER(three * 10, 30);
    CHECK_NUMBER(got, size);
    CHECK(memcmp(bytes, file.data + offset, size) == 0);
    fault = smmap_cursor_fault(cursor);
    CHECK(fault >= (apr_off_t)offset && fault < (apr_off_t)(offset + size));
    CHECK_NUMBER(fault / (apr_off_t)page, lost);
    CHECK_NUMBER(manager_stats(manager).faults, before + 1);
    CHECK_NUMBER(manager_stats(manager).regions, 0);

    /* The next use maps anew. */
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(region_shows(cursor, &file));
    counts_check();
    smmap_cursor_close(cursor);
    CHECK_OK(smmap_manager_collect(manager, NULL));
}

static void copies(void)
{
    static const apr_size_t sizes[] = {1, 2, 7, 8, 16, 31, 64, 100, 1000};
    apr_size_t i;

    NEEDS_REAL();
    begin();
    file = file_make("file", 16 * page);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        copy_with(3 * page, sizes[i], 3);
        copy_with(4 * page - sizes[i], sizes[i], 3);
        copy_with(3 * page + 123, sizes[i], 3);
        copy_with(3 * page - sizes[i] / 2, sizes[i], 3);
    }
    copy_with(3 * page, page, 3);
    copy_with(page + 5, 3 * page, 3);
    copy_with(0, 6 * page, 0);
    copy_with(0, 6 * page, 5);
    copy_with(1, 5 * page + 7, 5);
}

/* Zeroes at the ends of pages have the size asked for, and the copy is made once more: the
   second one meets the fault. */
static void looked_at_twice(void)
{
    unsigned char bytes[100];
    apr_size_t got;

    NEEDS_REAL();
    begin();
    file = file_make("file", 16 * page);
    memset(file.data + 2 * page, 0, page);
    file_write(file.path, 0, file.data, file.size);
    cursor = cursor_on(&file);
    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)(2 * page), bytes, 100, &got));
    CHECK(memcmp(bytes, file.data + 2 * page, 100) == 0);
    CHECK_NUMBER(manager_stats(manager).faults, 0);
    native_lose(smmap_cursor_data(cursor) + 2 * page, page);
    memset(bytes, 1, sizeof bytes);
    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)(2 * page), bytes, 100, &got));
    CHECK(memcmp(bytes, file.data + 2 * page, 100) == 0);
    CHECK_NUMBER(manager_stats(manager).faults, 1);
}

static void strict(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    NEEDS_REAL();
    begin();
    options.guard = SMMAP_GUARD_STRICT;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = 16 * page;
    manager = manager_make(&options);
    file = file_make("file", 16 * page);
    copy_with(2 * page + 9, 2 * page, 3);
}

static void buffer(void)
{
    smmap_buffer_t *made;
    unsigned char byte = 0;

    NEEDS_REAL();
    begin();
    file = file_make("file", 16 * page);
    cursor = cursor_on(&file);
    NEED_OK(smmap_buffer_create(&made, cursor, 0, SMMAP_TO_END, test_pool));
    NEED_OK(smmap_buffer_byte(made, 0, &byte));
    native_lose(smmap_cursor_data(cursor) + 2 * page, page);
    CHECK_OK(smmap_buffer_byte(made, (apr_off_t)(2 * page) + 5, &byte));
    CHECK_NUMBER(byte, file.data[2 * page + 5]);
    CHECK_NUMBER(manager_stats(manager).faults, 1);
    CHECK_OK(smmap_buffer_byte(made, (apr_off_t)(2 * page) + 6, &byte));
    CHECK_NUMBER(byte, file.data[2 * page + 6]);
    /* The cursor of the test has the window in use, so the page stays lost there. */
    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)(2 * page), &byte, 1, NULL));
    CHECK_NUMBER(byte, file.data[2 * page]);
    counts_check();
}

/* Pointers, where they can be guarded. */
static void pointer(void)
{
    volatile const unsigned char *data;
    int which = 0;

    NEEDS_REAL();
    begin();
    file = file_make("file", 16 * page);
    cursor = cursor_on(&file);
    if (!native_guards_pointers()) {
        CHECK_STATUS(smmap_cursor_begin_guard(cursor), APR_ENOTIMPL);
        test_skip("this system guards copies alone");
        return;
    }
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    data = smmap_cursor_data(cursor);
    native_lose(data + 2 * page, 2 * page);
    which = data[2 * page + 1] + data[3 * page + 2];
    CHECK_NUMBER(which, 0);
    CHECK(data[page] == file.data[page] && data[4 * page] == file.data[4 * page]);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_EFAULT);
    CHECK_NUMBER(smmap_cursor_fault(cursor) / (apr_off_t)page, 2);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(region_shows(cursor, &file));
}

/* Several threads, each in its own copies, some of which meet a fault at the same time. */

enum { THREADS = 4 };

typedef struct worker_t {
    apr_thread_t *thread;
    smmap_cursor_t *own;
    test_file_t shown;
    apr_uint64_t random;
    smmap__count_t wrong;
    apr_size_t turns;
} worker_t;

static void *APR_THREAD_FUNC copy_on(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    unsigned char bytes[3000];
    apr_size_t i;

    (void)thread;
    for (i = 0; i < worker->turns; i++) {
        apr_size_t size = 1 + (apr_size_t)(random_next(&worker->random) % sizeof bytes);
        apr_size_t offset = (apr_size_t)(random_next(&worker->random) % (8 * page - size));
        apr_size_t got = 0;
        apr_status_t status = smmap_cursor_read(worker->own, (apr_off_t)offset, bytes, size, &got);

        if (status != APR_SUCCESS || got != size ||
            memcmp(bytes, worker->shown.data + offset, size) != 0 ||
            smmap_cursor_use(worker->own, 0, 0) != APR_SUCCESS) {
            smmap__count_raise(&worker->wrong);
        }
    }
    return NULL;
}

static void threads(void)
{
    static const char *const names[THREADS] = {"a", "b", "c", "d"};
    worker_t *workers = apr_pcalloc(test_pool, THREADS * sizeof *workers);
    apr_size_t round;
    int i;

    NEEDS_REAL();
    begin();
    for (i = 0; i < THREADS; i++) {
        workers[i].shown = file_make(names[i], 16 * page);
        workers[i].random = random_number();
        workers[i].turns = 50;
        workers[i].own = cursor_on(&workers[i].shown);
    }
    for (round = 0; round < test_count(20); round++) {
        for (i = 0; i < THREADS; i++) {
            const unsigned char *data = smmap_cursor_data(workers[i].own);

            native_lose(data + page, page);
            native_lose(data + 5 * page, page);
        }
        for (i = 0; i < THREADS; i++) {
            NEED_OK(apr_thread_create(&workers[i].thread, NULL, copy_on, &workers[i], test_pool));
        }
        for (i = 0; i < THREADS; i++) {
            thread_join(workers[i].thread);
            CHECK_NUMBER(smmap__count_load(&workers[i].wrong), 0);
        }
    }
    /* Of 50 copies of up to 3000 bytes each, one at least was of a page that was lost. */
    CHECK(manager_stats(manager).faults > round);
    counts_check();
}

static const test_case_t faults_cases[] = {{"copies", copies},
                                           {"looked_at_twice", looked_at_twice},
                                           {"strict", strict},
                                           {"buffer", buffer},
                                           {"pointer", pointer},
                                           {"threads", threads},
                                           {NULL, NULL}};
const test_module_t test_faults = {"faults", faults_cases};
