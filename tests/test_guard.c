/*
 * The guard: a fault on a mapped page becomes a status, and zeroes behind a file's end
 * are never data. Files are cut short under cursors. With threads: test_cutting.c; with
 * handlers of the program's own: test_signals.c.
 *
 * No page of the fake's mappings can fault. There the tests order that a copy met a
 * fault, to see what the core makes of it.
 */
#include "harness.h"

#include <apr_thread_proc.h>

#include <string.h>

#include "fake_backend.h"

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static smmap_manager_t *guarded(smmap_mode_t mode, apr_size_t window)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = mode;
    options.window_size = window;
    options.guard = SMMAP_GUARD_ON;
    return manager_make(&options);
}

/* Without zeroes, so that one is seen. */
static void begin(smmap_mode_t mode)
{
    apr_size_t i;

    unit = smmap_granularity();
    fake_set_birth(1);
    /* Not the same twice: Windows does not let a mapped file be made anew. */
    file = file_make(mode == SMMAP_MODE_STATIC ? "static" : "file", 16 * unit);
    for (i = 0; i < file.size; i++) {
        file.data[i] |= 1;
    }
    file_write(file.path, 0, file.data, file.size);
    manager = guarded(mode, 4 * unit);
    cursor = cursor_open(manager, file.path);
}

static void cut(apr_size_t size)
{
    NEED(native_cut(file.path, (apr_off_t)size));
}

static apr_status_t read_at(apr_size_t offset, apr_size_t size, unsigned char *to, apr_size_t *got)
{
    memset(to, 0xEE, size);
    return smmap_cursor_read(cursor, (apr_off_t)offset, to, size, got);
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

    begin(SMMAP_MODE_SLIDING);
    CHECK_NUMBER(smmap_manager_guard(manager), SMMAP_GUARD_ON);
    CHECK_OK(smmap_manager_renew_guard(manager));
    CHECK_STATUS(smmap_manager_renew_guard(NULL), APR_EINVAL);
    CHECK_NUMBER(smmap_manager_guard(manager_make(NULL)), SMMAP_GUARD_OFF);
    CHECK_STATUS(smmap_manager_renew_guard(manager_make(NULL)), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_begin_guard(cursor_open(manager_make(NULL), file.path)),
                 APR_EINVAL);
    wrong.guard = (smmap_guard_t)7;
    CHECK_STATUS(smmap_manager_create(&made, &wrong, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_begin_guard(NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_end_guard(NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), APR_EINVAL);
    CHECK_NUMBER(smmap_cursor_fault(NULL), -1);
    CHECK_NUMBER(smmap_cursor_fault(cursor), -1);
}

/* Where pointers cannot be guarded the test is over: by name, and with the status for it. */
static void needs_pointers(void)
{
    if (!fake_present() && !native_guards_pointers()) {
        CHECK_STATUS(smmap_cursor_begin_guard(cursor), APR_ENOTIMPL);
        CHECK_STATUS(smmap_cursor_end_guard(cursor), APR_EINVAL);
        test_skip_now("this system guards copies alone");
    }
}

static void begin_and_end(void)
{
    begin(SMMAP_MODE_SLIDING);
    needs_pointers();
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    CHECK_STATUS(smmap_cursor_begin_guard(cursor), APR_EINVAL);
    CHECK_OK(smmap_cursor_end_guard(cursor));
    CHECK_STATUS(smmap_cursor_end_guard(cursor), APR_EINVAL);
}

/* Bytes of the file, of all kinds, zeroes at the ends of pages among them. */
static void reads_as_without(void)
{
    static unsigned char bytes[400000];
    apr_size_t bad = 0;
    apr_size_t i;

    begin(SMMAP_MODE_SLIDING);
    for (i = 0; i < file.size; i += 1 + (apr_size_t)random_below(200)) {
        file.data[i] = 0;
    }
    memset(file.data + 5 * unit, 0, unit);
    file_write(file.path, 0, file.data, file.size);
    manager = guarded(SMMAP_MODE_SLIDING, 4 * unit); /* the fake's mappings are copies */
    cursor = cursor_open(manager, file.path);
    for (i = 0; i < test_count(4000); i++) {
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
    CHECK_NUMBER(manager_stats(manager).direct_reads, 0);
}

/* A fault, then the system's answer to a read; in the fake, as nothing faults there. */
static void ordered_fault(void)
{
    unsigned char bytes[100];
    apr_size_t got = 99;

    NEEDS_FAKE();
    begin(SMMAP_MODE_SLIDING);
    NEED_OK(read_at(10, 100, bytes, &got));
    /* The trouble has passed. */
    fake_fail(FAKE_GUARD, 1, APR_EGENERAL);
    CHECK_OK(read_at(unit + 3, 100, bytes, &got));
    CHECK_NUMBER(got, 100);
    CHECK(is_file(bytes, unit + 3, 100));
    CHECK_NUMBER(smmap_cursor_fault(cursor), unit + 3);
    CHECK_NUMBER(manager_stats(manager).faults, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 0); /* nobody else had it */
    CHECK_NUMBER(manager_stats(manager).direct_reads, 1);
    /* The next use maps anew. */
    CHECK_OK(read_at(unit, 10, bytes, &got));
    CHECK_NUMBER(manager_stats(manager).maps, 2);
    /* It has not. */
    fake_fail(FAKE_GUARD, 1, APR_EGENERAL);
    fake_fail(FAKE_READ, 1, APR_FROM_OS_ERROR(5));
    CHECK_STATUS(read_at(unit, 100, bytes, &got), APR_FROM_OS_ERROR(5));
    CHECK_NUMBER(got, 0);
    /* Another thread's fault replaced a page of what was copied. */
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    fake_fail(FAKE_PATCHED, 1, APR_EGENERAL);
    CHECK_OK(read_at(7, 100, bytes, &got));
    CHECK(is_file(bytes, 7, 100));
    CHECK_NUMBER(manager_stats(manager).faults, 3);
    counts_check();
}

/* Who has the region in use keeps it; nobody finds it. */
static void ordered_fault_with_others(void)
{
    smmap_cursor_t *other;
    unsigned char bytes[10];

    NEEDS_FAKE();
    begin(SMMAP_MODE_SLIDING);
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(other, 0, 0));
    fake_fail(FAKE_GUARD, 1, APR_EGENERAL);
    CHECK_OK(read_at(0, 10, bytes, NULL));
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    CHECK(region_shows(other, &file));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(smmap_cursor_data(cursor) != smmap_cursor_data(other));
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
    begin(SMMAP_MODE_SLIDING);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    fake_fail(FAKE_SIZE, 1, APR_FROM_OS_ERROR(5));
    CHECK_STATUS(smmap_cursor_end_guard(cursor), APR_FROM_OS_ERROR(5));
    CHECK(!smmap_cursor_is_valid(cursor));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    fake_fail(FAKE_PATCHED, 1, APR_EGENERAL);
    /* It is asked when the window is left, and said at the end. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(8 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).faults, 1);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_EFAULT);
    CHECK_NUMBER(smmap_cursor_fault(cursor), 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(manager_stats(manager).maps, 3);
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
        begin(in_static ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING);
        NEED_OK(read_at(4 * unit, 10, bytes, &got));
        cut(5 * unit + 100);

        /* A page that is gone: a fault. */
        CHECK_STATUS(read_at(7 * unit, 10, bytes, &got), SMMAP_ETRUNCATED);
        CHECK_NUMBER(got, 0);
        CHECK_NUMBER(smmap_cursor_fault(cursor) / (apr_off_t)unit, 7);
        CHECK_NUMBER(manager_stats(manager).faults, 1);
        CHECK_NUMBER(manager_stats(manager).truncated_files, 1);
        CHECK_NUMBER(smmap_cursor_file_size(cursor), 5 * unit + 100);
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
    begin(SMMAP_MODE_SLIDING);
    NEED_OK(read_at(4 * unit, 10, bytes, &got));
    cut(5 * unit + 100);
    CHECK_STATUS(read_at(5 * unit + 50, 100, bytes, &got), SMMAP_ETRUNCATED);
    CHECK(got <= 50 && is_file(bytes, 5 * unit + 50, got));
    CHECK_NUMBER(manager_stats(manager).faults, 0);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), 5 * unit + 100);
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
    begin(SMMAP_MODE_SLIDING);
    NEED_OK(smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, test_pool));
    NEED_OK(smmap_buffer_byte(buffer, (apr_off_t)(4 * unit), &byte));
    CHECK(byte == file.data[4 * unit]);
    cut(4 * unit + 100);
    CHECK_STATUS(smmap_buffer_byte(buffer, (apr_off_t)(4 * unit) + 100, &byte), SMMAP_ETRUNCATED);
    CHECK_STATUS(smmap_buffer_byte(buffer, (apr_off_t)(7 * unit), &byte), SMMAP_ETRUNCATED);
    CHECK_STATUS(smmap_buffer_read(buffer, (apr_off_t)(6 * unit), bytes, 100, &got),
                 SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, 0);
    CHECK_OK(smmap_buffer_byte(buffer, (apr_off_t)(4 * unit) + 99, &byte));
    CHECK(byte == file.data[4 * unit + 99]);
    counts_check();
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

static void cut_under_a_pointer(void)
{
    smmap_cursor_t *other;
    unsigned char bytes[10];
    apr_size_t got;

    NEEDS_REAL();
    begin(SMMAP_MODE_SLIDING);
    needs_pointers();
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(other, (apr_off_t)(4 * unit), 0));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(4 * unit), 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    CHECK_NUMBER(sum(smmap_cursor_data(cursor), unit), sum(file.data + 4 * unit, unit));
    CHECK_OK(smmap_cursor_end_guard(cursor));
    CHECK(smmap_cursor_is_valid(cursor));

    CHECK_OK(smmap_cursor_begin_guard(cursor));
    cut(5 * unit);
    CHECK_NUMBER(sum(smmap_cursor_data(cursor) + 2 * unit + 5, 1), 0);
    CHECK_NUMBER(sum(smmap_cursor_data(cursor), unit), sum(file.data + 4 * unit, unit));
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_ETRUNCATED);
    CHECK(!smmap_cursor_is_valid(cursor));
    CHECK_NUMBER(smmap_cursor_fault(cursor) / (apr_off_t)unit, 6);
    CHECK_NUMBER(manager_stats(manager).faults, 1);

    /* Others that have the window in use are told, too: there is no second fault. */
    CHECK(smmap_cursor_is_valid(other));
    CHECK_STATUS(smmap_cursor_read(other, (apr_off_t)(6 * unit), bytes, 10, &got), APR_EOF);
    CHECK_OK(smmap_cursor_begin_guard(other));
    CHECK_NUMBER(sum(smmap_cursor_data(other) + 2 * unit + 5, 1), 0);
    CHECK_STATUS(smmap_cursor_end_guard(other), SMMAP_ETRUNCATED);

    /* The next use maps anew, what there is. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(4 * unit), 0));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit);
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    CHECK(memcmp(smmap_cursor_data(cursor), file.data + 4 * unit, unit) == 0);
    CHECK_OK(smmap_cursor_end_guard(cursor));
    counts_check();
}

/* No page was lost, but bytes in the last were: the end of a guard tells all the same. */
static void cut_within_the_last_page(void)
{
    NEEDS_REAL();
    begin(SMMAP_MODE_STATIC);
    needs_pointers();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    cut(16 * unit - 10);
    CHECK_NUMBER(sum(smmap_cursor_data(cursor) + 16 * unit - 10, 10), 0);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_ETRUNCATED);
    CHECK_NUMBER(manager_stats(manager).faults, 0);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), 16 * unit - 10);
}

/* A page that cannot be had although the file is as long as ever: the file was cut and grew
   again, and the page was replaced in between. */
static void fault_in_a_file_of_full_size(void)
{
    NEEDS_REAL();
    begin(SMMAP_MODE_SLIDING);
    needs_pointers();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    cut(unit);
    CHECK_NUMBER(sum(smmap_cursor_data(cursor) + 2 * unit, 1), 0);
    file_write(file.path, 0, file.data, file.size);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_EFAULT);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(region_shows(cursor, &file));
}

/* Moves while guarded: each window that was left is asked about. */
static void guarded_moves(void)
{
    apr_uint64_t before;

    NEEDS_REAL();
    begin(SMMAP_MODE_SLIDING);
    needs_pointers();
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(12 * unit), 0));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    before = manager_stats(manager).hits;
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(12 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).hits, before + 1);
    cut(13 * unit);
    CHECK_NUMBER(sum(smmap_cursor_data(cursor) + 2 * unit, 1), 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(sum(smmap_cursor_data(cursor), unit), sum(file.data, unit));
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_ETRUNCATED);
    CHECK_NUMBER(smmap_cursor_fault(cursor), 14 * unit);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_cursor_end_guard(cursor));
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
    begin(SMMAP_MODE_SLIDING);
    needs_pointers();
    second = file_make("second", 4 * unit);
    inner = cursor_open(manager, second.path);
    third = cursor_open(manager, second.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_use(inner, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    CHECK_OK(smmap_cursor_begin_guard(inner));
    CHECK_OK(smmap_cursor_begin_guard(third));
    cut(unit);
    CHECK_NUMBER(sum(smmap_cursor_data(cursor) + 2 * unit, 1), 0);
    /* A copy within a guard of the same window. */
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(3 * unit), bytes, 10, NULL),
                 SMMAP_ETRUNCATED);
    smmap_cursor_close(third);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_ETRUNCATED);
    CHECK_NUMBER(sum(smmap_cursor_data(inner), unit), sum(second.data, unit));
    NEED(native_cut(second.path, (apr_off_t)unit));
    CHECK_NUMBER(sum(smmap_cursor_data(inner) + 2 * unit, 1), 0);
    CHECK_OK(smmap_cursor_assign(inner, cursor)); /* ends it, without an answer */
    CHECK_STATUS(smmap_cursor_end_guard(inner), APR_EINVAL);
    /* The guarded copy is one, and so is the guard around it. */
    CHECK_NUMBER(manager_stats(manager).faults, 2);
    counts_check();
}

static void *APR_THREAD_FUNC end_there(apr_thread_t *thread, void *data)
{
    (void)thread;
    *(apr_status_t *)data = smmap_cursor_end_guard(cursor);
    return NULL;
}

static void ended_by_another_thread(void)
{
    apr_thread_t *thread;
    apr_status_t answer = APR_SUCCESS;

    begin(SMMAP_MODE_SLIDING);
    needs_pointers();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    NEED_OK(apr_thread_create(&thread, NULL, end_there, &answer, test_pool));
    thread_join(thread);
    CHECK_STATUS(answer, APR_EINVAL);
    CHECK_OK(smmap_cursor_end_guard(cursor));
}

/* A zero asks for the file's size only where its page ends with one, too. */
static void zeroes_within_a_page(void)
{
    const unsigned char zeroes[8] = {0};
    unsigned char bytes[8];
    apr_size_t asked;
    apr_size_t got;

    NEEDS_FAKE();
    begin(SMMAP_MODE_STATIC);
    file_write(file.path, 100, zeroes, sizeof zeroes);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    asked = fake_calls(FAKE_SIZE);
    CHECK_OK(read_at(100, sizeof bytes, bytes, &got));
    CHECK(got == sizeof bytes && memcmp(bytes, zeroes, got) == 0);
    CHECK_NUMBER(fake_calls(FAKE_SIZE), asked);
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    file_write(file.path, 4095, zeroes, 1);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(read_at(100, sizeof bytes, bytes, &got));
    CHECK(got == sizeof bytes && memcmp(bytes, zeroes, got) == 0);
    CHECK(fake_calls(FAKE_SIZE) > asked);
    counts_check();
}

static const test_case_t guard_cases[] = {{"options", options},
                                   {"begin_and_end", begin_and_end},
                                   {"reads_as_without", reads_as_without},
                                   {"ordered_fault", ordered_fault},
                                   {"ordered_fault_with_others", ordered_fault_with_others},
                                   {"ordered_end", ordered_end},
                                   {"cut_under_a_read", cut_under_a_read},
                                   {"cut_within_a_page", cut_within_a_page},
                                   {"cut_under_a_buffer", cut_under_a_buffer},
                                   {"cut_under_a_pointer", cut_under_a_pointer},
                                   {"cut_within_the_last_page", cut_within_the_last_page},
                                   {"fault_in_a_file_of_full_size", fault_in_a_file_of_full_size},
                                   {"guarded_moves", guarded_moves},
                                   {"nested", nested},
                                   {"ended_by_another_thread", ended_by_another_thread},
                                   {"zeroes_within_a_page", zeroes_within_a_page},
                                   {NULL, NULL}};
const test_module_t test_guard = {"guard", guard_cases};
