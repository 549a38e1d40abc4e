/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard: a fault on a mapped page becomes a status, and zeroes behind a file's end
 * are never data. Files are cut short under copies. Under pointers: test_pointers.c; with
 * threads: test_cutting.c; with handlers of the program's own: test_signals.c.
 *
 * No page of the fake's mappings can fault. There the tests order that a copy met a
 * fault, to see what the core makes of it.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

static apr_status_t read_at(apr_size_t offset, apr_size_t size, unsigned char *to, apr_size_t *got)
{
    memset(to, 0xEE, size);
    return smmap_cursor_read(mover, (apr_off_t)offset, to, size, got);
}

/* What was got is the file, and what was not got was not touched. */
static int is_file(const unsigned char *bytes, apr_size_t offset, apr_size_t got)
{
    return memcmp(bytes, file.data + offset, got) == 0;
}

static void options(void)
{
    smmap_options_t wrong = SMMAP_OPTIONS_INIT;
    smmap_manager_t *made = NULL;

    begin_guarded(SMMAP_MODE_SLIDING);
    CHECK_NUMBER(smmap_manager_guard(manager), SMMAP_GUARD_ON);
    CHECK_OK(smmap_manager_reinstall_guard(manager));
    CHECK_STATUS(smmap_manager_reinstall_guard(NULL), APR_EINVAL);
    CHECK_NUMBER(smmap_manager_guard(manager_make(NULL)), SMMAP_GUARD_OFF);
    CHECK_STATUS(smmap_manager_reinstall_guard(manager_make(NULL)), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_begin_guard(cursor_open(manager_make(NULL), file.path)),
                 APR_EINVAL);
    wrong.guard = (smmap_guard_t)7;
    CHECK_STATUS(smmap_manager_create(&made, &wrong, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_begin_guard(NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_end_guard(NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_end_guard(mover), APR_EINVAL);
    CHECK_NUMBER(smmap_cursor_fault(NULL), -1);
    CHECK_NUMBER(smmap_cursor_fault(mover), -1);
}

/* Bytes of the file, of all kinds, zeroes at the ends of pages among them. */
static void reads_as_without(void)
{
    static unsigned char bytes[400000];
    apr_size_t bad = 0;
    apr_size_t i;

    begin_guarded(SMMAP_MODE_SLIDING);
    for (i = 0; i < file.size; i += 1 + (apr_size_t)random_below(200)) {
        file.data[i] = 0;
    }
    memset(file.data + 5 * unit, 0, unit);
    file_write(file.path, 0, file.data, file.size);
    manager = manager_guarded(SMMAP_MODE_SLIDING); /* the fake's mappings are copies */
    mover = cursor_open(manager, file.path);
    for (i = 0; i < file.size; i += unit) {
        NEED_OK(smmap_cursor_use(mover, (apr_off_t)i, 0)); /* a copy may find that maps are dear */
    }
    for (i = 0; i < test_count(1000); i++) {
        apr_size_t offset = (apr_size_t)random_below(file.size);
        apr_size_t wanted = 1 + (apr_size_t)random_below(random_below(3) ? 100 : 6 * unit);
        apr_size_t there = file.size - offset < wanted ? file.size - offset : wanted;
        apr_size_t got;

        if (wanted > sizeof bytes) {
            wanted = there = sizeof bytes < there ? sizeof bytes : there;
        }
        bad += read_at(offset, wanted, bytes, &got) != APR_SUCCESS || got != there ||
               !is_file(bytes, offset, got);
    }
    CHECK_NUMBER(bad, 0);
    CHECK_NUMBER(manager_stats(manager).faults, 0);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 0);
}

/* A fault, then the system's answer to a read; in the fake, as nothing faults there. */
static void ordered_fault(void)
{
    unsigned char bytes[100];
    apr_size_t got = 99;

    NEEDS_FAKE();
    begin_guarded(SMMAP_MODE_SLIDING);
    NEED_OK(read_at(10, 100, bytes, &got));
    /* The trouble has passed. */
    fake_fail(FAKE_GUARD, 1, APR_EGENERAL);
    CHECK_OK(read_at(unit + 3, 100, bytes, &got));
    CHECK_NUMBER(got, 100);
    CHECK(is_file(bytes, unit + 3, 100));
    CHECK_NUMBER(smmap_cursor_fault(mover), unit + 3);
    CHECK_NUMBER(manager_stats(manager).faults, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 0); /* no other cursor had it */
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 1);
    /* The next use maps anew. */
    CHECK_OK(read_at(unit, 10, bytes, &got));
    CHECK_NUMBER(manager_stats(manager).maps, 2);
    /* It has not. */
    fake_fail(FAKE_GUARD, 1, APR_EGENERAL);
    fake_fail(FAKE_READ, 1, APR_FROM_OS_ERROR(5));
    CHECK_STATUS(read_at(unit, 100, bytes, &got), APR_FROM_OS_ERROR(5));
    CHECK_NUMBER(got, 0);
    /* Another thread's fault replaced a page of what was copied. */
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    fake_fail(FAKE_PATCHED, 1, APR_EGENERAL);
    CHECK_OK(read_at(7, 100, bytes, &got));
    CHECK(is_file(bytes, 7, 100));
    CHECK_NUMBER(manager_stats(manager).faults, 3);
    counts_check();
}

/* A cursor that uses the region keeps it; no other finds it. */
static void ordered_fault_with_others(void)
{
    smmap_cursor_t *other;
    unsigned char bytes[10];

    NEEDS_FAKE();
    begin_guarded(SMMAP_MODE_SLIDING);
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(other, 0, 0));
    fake_fail(FAKE_GUARD, 1, APR_EGENERAL);
    CHECK_OK(read_at(0, 10, bytes, NULL));
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    CHECK(region_shows(other, &file));
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK(smmap_cursor_data(mover) != smmap_cursor_data(other));
    CHECK_NUMBER(smmap_cursor_region_clients(other), 1);
    CHECK_NUMBER(manager_stats(manager).regions, 2);
    smmap_cursor_release(other);
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    counts_check();
}

/* Behind a guard the size cannot be had, or a page was replaced. */
static void ordered_end(void)
{
    NEEDS_FAKE();
    begin_guarded(SMMAP_MODE_SLIDING);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    fake_fail(FAKE_SIZE, 1, APR_FROM_OS_ERROR(5));
    CHECK_STATUS(smmap_cursor_end_guard(mover), APR_FROM_OS_ERROR(5));
    CHECK(!smmap_cursor_is_valid(mover));
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    fake_fail(FAKE_PATCHED, 1, APR_EGENERAL);
    /* It is asked when the window is left, and said at the end. */
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(8 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).faults, 1);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_EFAULT);
    CHECK_NUMBER(smmap_cursor_fault(mover), 0);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_NUMBER(manager_stats(manager).maps, 3);
    counts_check();
}

/* That the system would not map one window of a file does not make another memory. */
static void mapped_before_it_was_refused(void)
{
    smmap_cursor_t *other;
    unsigned char bytes[10];
    apr_size_t asked;

    NEEDS_FAKE();
    begin_guarded(SMMAP_MODE_SLIDING);
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    fake_fail(FAKE_MAP, 1, APR_ENOTIMPL);
    NEED_OK(smmap_cursor_use(other, (apr_off_t)(8 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 1);
    CHECK_OK(smmap_cursor_begin_guard(mover));
    fake_fail(FAKE_PATCHED, 1, APR_EGENERAL);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_EFAULT);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    /* And of memory the size is not asked. */
    asked = fake_calls(FAKE_SIZE);
    CHECK_OK(smmap_cursor_begin_guard(other));
    CHECK_OK(smmap_cursor_read(other, (apr_off_t)(8 * unit), bytes, sizeof bytes, NULL));
    CHECK_OK(smmap_cursor_end_guard(other));
    CHECK_NUMBER(fake_calls(FAKE_SIZE), asked);
    counts_check();
}

/* Cut below the window, in the middle of a page, and at a page's end. */
static void cut_under_a_read(void)
{
    unsigned char *bytes = apr_palloc(test_pool, 1000000);
    apr_size_t got;
    int in_static;

    NEEDS_REAL();
    for (in_static = 0; in_static < 2; in_static++) {
        begin_guarded(in_static ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING);
        NEED_OK(read_at(4 * unit, 10, bytes, &got));
        file_cut(5 * unit + 100);

        /* A page that is gone: a fault. */
        CHECK_STATUS(read_at(7 * unit, 10, bytes, &got), SMMAP_ETRUNCATED);
        CHECK_NUMBER(got, 0);
        CHECK_NUMBER(smmap_cursor_fault(mover) / (apr_off_t)unit, 7);
        CHECK_NUMBER(manager_stats(manager).faults, 1);
        CHECK_NUMBER(manager_stats(manager).truncated_files, 1);
        CHECK_NUMBER(smmap_cursor_file_size(mover), 5 * unit + 100);
        /* What is left can be read, to its end. */
        CHECK_OK(read_at(5 * unit, 1000, bytes, &got));
        CHECK_NUMBER(got, 100);
        CHECK(is_file(bytes, 5 * unit, 100));
        CHECK_NUMBER(manager_stats(manager).faults, 1);
        counts_check();
    }
}

/* Zeroes in the page in which the file ends now are no data: there is no fault. */
static void cut_within_a_page(void)
{
    unsigned char bytes[200];
    apr_size_t got;

    NEEDS_REAL();
    begin_guarded(SMMAP_MODE_SLIDING);
    NEED_OK(read_at(4 * unit, 10, bytes, &got));
    file_cut(5 * unit + 100);
    CHECK_STATUS(read_at(5 * unit + 50, 100, bytes, &got), SMMAP_ETRUNCATED);
    CHECK(got <= 50 && is_file(bytes, 5 * unit + 50, got));
    CHECK_NUMBER(manager_stats(manager).faults, 0);
    CHECK_NUMBER(smmap_cursor_file_size(mover), 5 * unit + 100);
    CHECK_OK(read_at(5 * unit + 50, 50, bytes, &got));
    CHECK(is_file(bytes, 5 * unit + 50, 50));
    counts_check();
}

/* The same through a buffer, a byte of it included. */
static void cut_under_a_buffer(void)
{
    smmap_buffer_t *buffer;
    unsigned char bytes[200];
    unsigned char byte = 7;
    apr_size_t got;

    NEEDS_REAL();
    begin_guarded(SMMAP_MODE_SLIDING);
    NEED_OK(smmap_buffer_create(&buffer, mover, 0, SMMAP_TO_END, test_pool));
    NEED_OK(smmap_buffer_byte(buffer, (apr_off_t)(4 * unit), &byte));
    CHECK(byte == file.data[4 * unit]);
    file_cut(4 * unit + 100);
    byte = 7;
    CHECK_STATUS(smmap_buffer_byte(buffer, (apr_off_t)(4 * unit) + 100, &byte), SMMAP_ETRUNCATED);
    CHECK_STATUS(smmap_buffer_byte(buffer, (apr_off_t)(7 * unit), &byte), SMMAP_ETRUNCATED);
    CHECK_NUMBER(byte, 7);
    CHECK_STATUS(smmap_buffer_read(buffer, (apr_off_t)(6 * unit), bytes, 100, &got),
                 SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, 0);
    CHECK_OK(smmap_buffer_byte(buffer, (apr_off_t)(4 * unit) + 99, &byte));
    CHECK(byte == file.data[4 * unit + 99]);
    counts_check();
}

/* A zero asks for the file's size only where its page ends with one, too. */
static void zeroes_within_a_page(void)
{
    const unsigned char zeroes[8] = {0};
    unsigned char bytes[8];
    apr_size_t asked;
    apr_size_t got;

    NEEDS_FAKE();
    begin_guarded(SMMAP_MODE_STATIC);
    file_write(file.path, 100, zeroes, sizeof zeroes);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    asked = fake_calls(FAKE_SIZE);
    CHECK_OK(read_at(100, sizeof bytes, bytes, &got));
    CHECK(got == sizeof bytes && memcmp(bytes, zeroes, got) == 0);
    CHECK_NUMBER(fake_calls(FAKE_SIZE), asked);
    smmap_cursor_release(mover);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    file_write(file.path, 4095, zeroes, 1);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(read_at(100, sizeof bytes, bytes, &got));
    CHECK(got == sizeof bytes && memcmp(bytes, zeroes, got) == 0);
    CHECK(fake_calls(FAKE_SIZE) > asked);
    counts_check();
}

static const test_case_t guard_cases[] = {{"options", options},
                                   {"reads_as_without", reads_as_without},
                                   {"ordered_fault", ordered_fault},
                                   {"ordered_fault_with_others", ordered_fault_with_others},
                                   {"ordered_end", ordered_end},
                                   {"mapped_before_it_was_refused", mapped_before_it_was_refused},
                                   {"cut_under_a_read", cut_under_a_read},
                                   {"cut_within_a_page", cut_within_a_page},
                                   {"cut_under_a_buffer", cut_under_a_buffer},
                                   {"zeroes_within_a_page", zeroes_within_a_page},
                                   {NULL, NULL}};
const test_module_t test_guard = {"guard", guard_cases};
