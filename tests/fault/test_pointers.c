/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard of pointers: between its begin and its end a fault is survived, and the end tells.
 * Files are cut short under cursors. Copies: test_guard.c.
 */
#include "tests/support/fixture.h"

#include <apr_thread_proc.h>

#include <string.h>

#include "tests/fake/backend.h"

/* Where pointers cannot be guarded the test is over: by name, and with the status for it. */
static void begin_mode(smmap_mode_t mode)
{
    begin_guarded(mode);
    if (!fake_present() && !native_guards_pointers()) {
        CHECK_STATUS(smmap_cursor_begin_guard(mover), APR_ENOTIMPL);
        CHECK_STATUS(smmap_cursor_end_guard(mover), APR_EINVAL);
        test_skip_now("this system guards copies alone");
    }
}

static void begin(void)
{
    begin_mode(SMMAP_MODE_SLIDING);
}

static void begin_and_end(void)
{
    begin();
    CHECK_OK(smmap_cursor_begin_guard(mover));
    CHECK_STATUS(smmap_cursor_begin_guard(mover), APR_EINVAL);
    CHECK_OK(smmap_cursor_end_guard(mover));
    CHECK_STATUS(smmap_cursor_end_guard(mover), APR_EINVAL);
}

static unsigned sum(const unsigned char *from, apr_size_t size)
{
    const volatile unsigned char *bytes = from;
    unsigned total = 0;
    apr_size_t i;

    for (i = 0; i < size; i++) {
        total += bytes[i];
    }
    return total;
}

/* The page at an offset of the mover's window is replaced, and the file is whole again. */
static void lose_page(apr_size_t at)
{
    file_cut(unit);
    CHECK_NUMBER(sum(smmap_cursor_data(mover) + at, 1), 0);
    file_write(file.path, 0, file.data, file.size);
}

static void cut_under_a_pointer(void)
{
    smmap_cursor_t *other;
    unsigned char bytes[10];
    apr_size_t got;

    NEEDS_REAL();
    begin();
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(other, (apr_off_t)(4 * unit), 0));
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(4 * unit), 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    CHECK_NUMBER(sum(smmap_cursor_data(mover), unit), sum(file.data + 4 * unit, unit));
    CHECK_OK(smmap_cursor_end_guard(mover));
    CHECK(smmap_cursor_is_valid(mover));

    CHECK_OK(smmap_cursor_begin_guard(mover));
    file_cut(5 * unit);
    CHECK_NUMBER(sum(smmap_cursor_data(mover) + 2 * unit + 5, 1), 0);
    CHECK_NUMBER(sum(smmap_cursor_data(mover), unit), sum(file.data + 4 * unit, unit));
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_ETRUNCATED);
    CHECK(!smmap_cursor_is_valid(mover));
    CHECK_NUMBER(smmap_cursor_fault(mover) / (apr_off_t)unit, 6);
    CHECK_NUMBER(manager_stats(manager).faults, 1);

    /* Others that have the window in use are told, too: there is no second fault. */
    CHECK(smmap_cursor_is_valid(other));
    CHECK_STATUS(smmap_cursor_read(other, (apr_off_t)(6 * unit), bytes, 10, &got), APR_EOF);
    CHECK_OK(smmap_cursor_begin_guard(other));
    CHECK_NUMBER(sum(smmap_cursor_data(other) + 2 * unit + 5, 1), 0);
    CHECK_STATUS(smmap_cursor_end_guard(other), SMMAP_ETRUNCATED);

    /* The next use maps anew, what there is. */
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(4 * unit), 0));
    CHECK_NUMBER(smmap_cursor_size(mover), unit);
    CHECK_OK(smmap_cursor_begin_guard(mover));
    CHECK(memcmp(smmap_cursor_data(mover), file.data + 4 * unit, unit) == 0);
    CHECK_OK(smmap_cursor_end_guard(mover));
    counts_check();
}

/* It is known from the beginning that the file is cut; where the fault was is told all the same.
   The next guard knows nothing of it. */
static void cut_before_the_guard(void)
{
    NEEDS_REAL();
    begin();
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(4 * unit), 0));
    file_cut(5 * unit);
    CHECK_OK(smmap_cursor_begin_guard(mover));
    CHECK_NUMBER(sum(smmap_cursor_data(mover) + 2 * unit + 5, 1), 0);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_ETRUNCATED);
    CHECK_NUMBER(smmap_cursor_fault(mover) / (apr_off_t)unit, 6);
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(4 * unit), 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    CHECK_NUMBER(smmap_cursor_fault(mover), -1);
    CHECK_OK(smmap_cursor_end_guard(mover));
}

/* No page was lost, but bytes in the last were: the end of a guard tells all the same. */
static void cut_within_the_last_page(void)
{
    NEEDS_REAL();
    begin_mode(SMMAP_MODE_STATIC);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    file_cut(16 * unit - 10);
    CHECK_NUMBER(sum(smmap_cursor_data(mover) + 16 * unit - 10, 10), 0);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_ETRUNCATED);
    CHECK_NUMBER(manager_stats(manager).faults, 0);
    CHECK_NUMBER(smmap_cursor_file_size(mover), 16 * unit - 10);
}

/* A page that cannot be had although the file is as long as ever: the file was cut and grew
   again, and the page was replaced in between. */
static void fault_in_a_file_of_full_size(void)
{
    NEEDS_REAL();
    begin();
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    lose_page(2 * unit);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_EFAULT);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK(region_shows(mover, &file));
}

static void cut_now(void *unused)
{
    (void)unused;
    file_cut(unit);
}

/* The page that another thread's fault replaced was cut off after the file was measured. */
static void cut_after_it_was_measured(void)
{
    NEEDS_FAKE();
    begin();
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    fake_when(FAKE_PATCHED, cut_now, NULL);
    fake_fail(FAKE_PATCHED, 1, APR_EGENERAL);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_ETRUNCATED);
    CHECK_NUMBER(smmap_cursor_file_size(mover), unit);
}

/* Moves while guarded: each window that was left is asked about. */
static void guarded_moves(void)
{
    apr_uint64_t before;

    NEEDS_REAL();
    begin();
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(12 * unit), 0));
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    before = manager_stats(manager).hits;
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(12 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).hits, before + 1);
    file_cut(13 * unit);
    CHECK_NUMBER(sum(smmap_cursor_data(mover) + 2 * unit, 1), 0);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_NUMBER(sum(smmap_cursor_data(mover), unit), sum(file.data, unit));
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_ETRUNCATED);
    CHECK_NUMBER(smmap_cursor_fault(mover), 14 * unit);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK(cursor_shows(mover, &file));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    smmap_cursor_release(mover);
    CHECK_OK(smmap_cursor_end_guard(mover));
    counts_check();
}

/* Several cursors, ended in another order than begun; closed and assigned to while guarded. */
static void nested(void)
{
    smmap_cursor_t *inner;
    smmap_cursor_t *third;
    test_file_t second;
    unsigned char bytes[10];

    NEEDS_REAL();
    begin();
    second = file_make("second", 4 * unit);
    inner = cursor_open(manager, second.path);
    third = cursor_open(manager, second.path);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    NEED_OK(smmap_cursor_use(inner, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    CHECK_OK(smmap_cursor_begin_guard(inner));
    CHECK_OK(smmap_cursor_begin_guard(third));
    file_cut(unit);
    CHECK_NUMBER(sum(smmap_cursor_data(mover) + 2 * unit, 1), 0);
    /* A copy within a guard of the same window. */
    CHECK_STATUS(smmap_cursor_read(mover, (apr_off_t)(3 * unit), bytes, 10, NULL),
                 SMMAP_ETRUNCATED);
    smmap_cursor_close(third);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_ETRUNCATED);
    CHECK_NUMBER(sum(smmap_cursor_data(inner), unit), sum(second.data, unit));
    NEED(native_cut(second.path, (apr_off_t)unit));
    CHECK_NUMBER(sum(smmap_cursor_data(inner) + 2 * unit, 1), 0);
    CHECK_OK(smmap_cursor_assign(inner, mover)); /* ends it, without an answer */
    CHECK_STATUS(smmap_cursor_end_guard(inner), APR_EINVAL);
    /* The guarded copy is one, the guard around it, and the one that had no answer. */
    CHECK_NUMBER(manager_stats(manager).faults, 3);
    counts_check();
}

/* The guard goes with its cursor, without end_guard: the page that was replaced must not be
   seen by another cursor, all the same. */
static void closed_with_a_fault(void)
{
    NEEDS_REAL();
    begin();
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    lose_page(2 * unit);
    smmap_cursor_close(mover);
    CHECK_NUMBER(manager_stats(manager).faults, 1);
    mover = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK(region_shows(mover, &file));
    CHECK_NUMBER(manager_stats(manager).maps, 2);
    counts_check();
}

/* The same of a fault in the second window, when the first had one, too. The end tells of the
   first. */
static void faults_in_two_windows(void)
{
    NEEDS_REAL();
    begin();
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(12 * unit), 0));
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(4 * unit), 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    lose_page(unit);
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(12 * unit), 0));
    lose_page(2 * unit);
    CHECK_STATUS(smmap_cursor_end_guard(mover), SMMAP_EFAULT);
    CHECK_NUMBER(smmap_cursor_fault(mover), 5 * unit);
    CHECK_NUMBER(manager_stats(manager).faults, 2);
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(12 * unit), 0));
    CHECK(region_shows(mover, &file));
    counts_check();
}

static void *APR_THREAD_FUNC end_there(apr_thread_t *thread, void *data)
{
    (void)thread;
    *(apr_status_t *)data = smmap_cursor_end_guard(mover);
    return NULL;
}

static void ended_by_another_thread(void)
{
    apr_thread_t *thread;
    apr_status_t answer = APR_SUCCESS;

    begin();
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(mover));
    NEED_OK(apr_thread_create(&thread, NULL, end_there, &answer, test_pool));
    thread_join(thread);
    CHECK_STATUS(answer, APR_EINVAL);
    CHECK_OK(smmap_cursor_end_guard(mover));
}

static const test_case_t pointers_cases[] = {
    {"begin_and_end", begin_and_end},
    {"cut_before_the_guard", cut_before_the_guard},
    {"cut_under_a_pointer", cut_under_a_pointer},
    {"cut_within_the_last_page", cut_within_the_last_page},
    {"fault_in_a_file_of_full_size", fault_in_a_file_of_full_size},
    {"cut_after_it_was_measured", cut_after_it_was_measured},
    {"guarded_moves", guarded_moves},
    {"nested", nested},
    {"closed_with_a_fault", closed_with_a_fault},
    {"faults_in_two_windows", faults_in_two_windows},
    {"ended_by_another_thread", ended_by_another_thread},
    {NULL, NULL}};
const test_module_t test_pointers = {"pointers", pointers_cases};
