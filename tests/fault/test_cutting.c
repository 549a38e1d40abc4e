/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that read while a file is cut and grows: by copy, and by pointer in the same
 * windows. Each page is full of one byte, its number, which is not zero; what is read is
 * that, or there is a status. This is the real backend's: no page of the fake's faults.
 */
#include "tests/support/harness.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <string.h>

#include "tests/fake/backend.h"

enum { READERS = 4, PAGES = 64 };

static test_file_t file;
static smmap_manager_t *manager;
static atomic_int stop_now;
static apr_size_t page;

typedef struct reader_t {
    apr_pool_t *pool;
    apr_thread_t *thread;
    apr_uint64_t random;
    apr_size_t good;
    apr_size_t refused;
    atomic_uint wrong; /* bytes, or a status that makes no sense */
    int by_pointer;
    atomic_uint turns;
} reader_t;

static unsigned char value_of(apr_size_t which)
{
    return (unsigned char)(which + 1);
}

static int all_are(const volatile unsigned char *bytes, apr_size_t size, unsigned char value)
{
    apr_size_t i;
    apr_size_t bad = 0;

    for (i = 0; i < size; i++) {
        bad += bytes[i] != value;
    }
    return bad == 0;
}

/* One page, or what there is of it. 1: as it should be, 0: a status, -1: wrong. */
static int read_page(reader_t *reader, smmap_cursor_t *from, apr_size_t which)
{
    unsigned char bytes[65536];
    apr_off_t offset = (apr_off_t)(which * page);
    apr_size_t got = 0;
    apr_status_t status;

    if (!reader->by_pointer) {
        status = smmap_cursor_read(from, offset, bytes, page, &got);
        if (!all_are(bytes, got, value_of(which))) {
            return -1;
        }
    } else {
        int good = 0;

        if (smmap_cursor_begin_guard(from) != APR_SUCCESS) {
            return -1;
        }
        status = smmap_cursor_use(from, offset, page);
        if (status == APR_SUCCESS) {
            good = all_are(smmap_cursor_data(from), smmap_cursor_size(from), value_of(which));
            status = smmap_cursor_end_guard(from);
        } else {
            smmap_cursor_end_guard(from);
        }
        if (status == APR_SUCCESS && !good) {
            return -1;
        }
    }
    if (status == APR_SUCCESS) {
        return 1;
    }
    return status == SMMAP_ETRUNCATED || status == SMMAP_EFAULT || APR_STATUS_IS_EOF(status) ? 0
                                                                                             : -1;
}

static void *APR_THREAD_FUNC read_on(apr_thread_t *thread, void *data)
{
    reader_t *reader = data;
    smmap_cursor_t *from;

    (void)thread;
    if (smmap_cursor_open(&from, manager, file.path, reader->pool) != APR_SUCCESS) {
        atomic_fetch_add(&reader->wrong, 1);
        return NULL;
    }
    while (!atomic_load(&stop_now)) {
        int answer = read_page(reader, from, (apr_size_t)(random_next(&reader->random) % PAGES));

        reader->good += answer > 0;
        reader->refused += answer == 0;
        atomic_fetch_add(&reader->wrong, answer < 0);
        atomic_fetch_add(&reader->turns, 1);
        if (answer == 0) {
            smmap_cursor_refresh(from);
        }
    }
    smmap_cursor_close(from);
    return NULL;
}

/* Until each reader has ended what it was at. */
static void wait_for(reader_t *readers)
{
    int i;

    for (i = 0; i < READERS; i++) {
        unsigned before = atomic_load(&readers[i].turns);

        while (atomic_load(&readers[i].turns) - before < 2 && atomic_load(&readers[i].wrong) == 0) {
            apr_sleep(20);
        }
    }
}

/* Once before there are threads, as it may be that the system refuses. */
static void try_to_cut(void)
{
    smmap_cursor_t *probe = cursor_open(manager, file.path);

    NEED_OK(smmap_cursor_use(probe, 0, 0));
    NEED(native_cut(file.path, 1));
    file_write(file.path, 0, file.data, file.size);
    smmap_cursor_close(probe);
}

/* mixed: half of the readers use pointers. The size changes at any moment, but once in one
   read. It never grows by a hole: each byte is written behind the one before. */
static void read_while_cut(smmap_mode_t mode, int mixed)
{
    reader_t readers[READERS];
    apr_size_t i;
    apr_size_t round;
    apr_size_t refused = 0;
    apr_size_t good = 0;
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    page = smmap_page_size();
    NEED(page <= 65536);
    options.mode = mode;
    options.window_size = 4 * smmap_granularity();
    options.guard = SMMAP_GUARD_STRICT;
    manager = manager_make(&options);
    file = file_make("pages", PAGES * page);
    for (i = 0; i < PAGES; i++) {
        memset(file.data + i * page, value_of(i), page);
    }
    file_write(file.path, 0, file.data, file.size);
    try_to_cut();
    atomic_store(&stop_now, 0);
    memset(readers, 0, sizeof readers);
    for (i = 0; i < READERS; i++) {
        readers[i].random = random_number();
        readers[i].by_pointer = mixed && i % 2 != 0;
        NEED_OK(apr_pool_create(&readers[i].pool, test_pool));
    }
    for (i = 0; i < READERS; i++) {
        NEED_OK(apr_thread_create(&readers[i].thread, NULL, read_on, &readers[i], test_pool));
    }
    for (round = 0; round < test_count(40); round++) {
        apr_size_t left = (apr_size_t)random_below(PAGES * page);
        apr_size_t at;

        NEED(native_cut(file.path, (apr_off_t)left));
        wait_for(readers);
        for (at = left; at < file.size;) {
            apr_size_t part = page - at % page;

            file_write(file.path, (apr_off_t)at, file.data + at, part);
            at += part;
        }
        wait_for(readers);
    }
    atomic_store(&stop_now, 1);
    for (i = 0; i < READERS; i++) {
        thread_join(readers[i].thread);
        CHECK_NUMBER(atomic_load(&readers[i].wrong), 0);
        good += readers[i].good;
        refused += readers[i].refused;
    }
    CHECK(good > 0);
    CHECK(refused > 0);
    counts_check();
}

static void copy(void)
{
    NEEDS_REAL();
    read_while_cut(SMMAP_MODE_SLIDING, 0);
}

static void copy_and_point(void)
{
    NEEDS_REAL();
    if (!native_guards_pointers()) {
        test_skip("this system guards copies alone");
        return;
    }
    read_while_cut(SMMAP_MODE_STATIC, 1);
}

/* The only page of a mapping is replaced after a fault: the file is no longer mapped, and its id
   may be given to another one, although a window of it is in use. */
static void id_of_a_page_that_was_replaced(void)
{
    const volatile unsigned char *shown;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    unsigned char byte = 0;
    apr_size_t same = 0;
    int i;

    NEEDS_REAL();
    page = smmap_page_size();
    options.mode = SMMAP_MODE_STATIC;
    options.guard = SMMAP_GUARD_ON;
    options.max_open_files = 1;
    manager = manager_make(&options);
    file = file_make("page", page);
    if (!native_tells_generations(file.path)) {
        test_skip("this file system does not tell apart files that were made at one moment");
        return;
    }
    for (i = 0; i < 20; i++) {
        smmap_cursor_t *pointed;
        smmap_cursor_t *other;
        apr_uint64_t before;
        apr_status_t status;

        file_write(file.path, 0, "old", 3);
        pointed = cursor_open(manager, file.path);
        other = cursor_open(manager, file.path);
        CHECK_OK(smmap_cursor_begin_guard(pointed));
        NEED_OK(smmap_cursor_use(pointed, 0, 0));
        shown = smmap_cursor_data(pointed);
        before = file_id(file.path);
        smmap_cursor_close(cursor_open(manager, file_make("thief", 10).path));
        NEED(file_resize(file.path, 0));
        CHECK_NUMBER(shown[0], 0); /* the fault */
        file_delete(file.path);
        file = file_make("page", page);
        if (file_id(file.path) == before) {
            same++;
            status = smmap_cursor_read(other, 0, &byte, 1, NULL);
            CHECK_STATUS(status, SMMAP_ESTALE);
        }
        CHECK(smmap_cursor_end_guard(pointed) != APR_SUCCESS);
        smmap_cursor_close(other);
        smmap_cursor_close(pointed);
    }
    if (same == 0) {
        test_skip("this file system does not give the id of a deleted file to the next one");
    }
}

static const test_case_t cutting_cases[] = {{"copy", copy},
                                            {"copy_and_point", copy_and_point},
                                            {"id_of_a_page_that_was_replaced",
                                             id_of_a_page_that_was_replaced},
                                            {NULL, NULL}};
const test_module_t test_cutting = {"cutting", cutting_cases};
