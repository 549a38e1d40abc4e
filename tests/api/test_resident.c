/*
 * Who is told what is in memory; and holes, which reading must not fill with memory.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

/* "All of it" is what some are told of every file; so it is asked whether it is told. */
static void not_told(void)
{
    smmap_cursor_t *cursor;
    apr_size_t bytes = 77;

    NEEDS_FAKE();
    begin_windows(3);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    fake_fail(FAKE_RESIDENCY, 2, APR_ENOTIMPL);
    CHECK_STATUS(smmap_cursor_resident(cursor, &bytes), APR_ENOTIMPL);
    CHECK_NUMBER(bytes, 77);
    CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    CHECK_NUMBER(bytes, smmap_cursor_region_size(cursor));
    /* What is less than all is true. */
    fake_set_absent(1);
    fake_fail(FAKE_RESIDENCY, 2, APR_ENOTIMPL);
    CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    CHECK_NUMBER(bytes, 0);
}

static int as_nobody(void *data)
{
    smmap_cursor_t *cursor;
    apr_size_t bytes = 0;

    (void)data;
    manager = manager_make(NULL);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(smmap_cursor_data(cursor)[0] == file.data[0]);
    if (!native_is_root() || smmap_cursor_resident(cursor, &bytes) != APR_SUCCESS ||
        !native_become_nobody(1)) {
        return 2;
    }
    return APR_STATUS_IS_ENOTIMPL(smmap_cursor_resident(cursor, &bytes)) ? 0 : 1;
}

static void told_to_owners(void)
{
    int result;

    NEEDS_REAL();
    file = file_make("others", 1000);
    result = test_in_child(as_nobody, NULL);
    if (result == 2) {
        test_skip("only root can be another user");
        return;
    }
    CHECK_NUMBER(result, 0);
}

static apr_off_t next_from(const smmap_cursor_t *cursor, apr_off_t offset)
{
    apr_off_t next = -1;

    CHECK_OK(smmap_cursor_next_resident(cursor, offset, &next));
    return next;
}

/* Wherever it is, what is in memory is found, to a MiB, and with few questions. */
static void next_is_found(void)
{
    const apr_off_t mib = 1 << 20;
    const apr_off_t size = 64 * mib;
    smmap_cursor_t *cursor;
    apr_off_t next = 77;
    apr_off_t from;
    apr_off_t at;

    NEEDS_FAKE();
    begin_windows(1);
    NEED(file_resize(file.path, size));
    cursor = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_next_resident(NULL, 0, &next), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_next_resident(cursor, -1, &next), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_next_resident(cursor, 0, NULL), APR_EINVAL);
    CHECK_NUMBER(next_from(cursor, 12345), 12345); /* all is in memory */
    for (at = 0; at < size; at += 3 * mib + 12345) {
        fake_set_present(at, at + 1);
        for (from = 0; from <= at; from += 7 * mib) {
            apr_size_t calls = fake_calls(FAKE_RESIDENCY);

            next = next_from(cursor, from);
            CHECK(next >= from && next <= at && next > at - mib);
            CHECK(fake_calls(FAKE_RESIDENCY) - calls <= 20);
        }
        CHECK_NUMBER(next_from(cursor, at + 1), size);
    }
    CHECK_NUMBER(next_from(cursor, size), size);
    CHECK_NUMBER(next_from(cursor, OFFSET_MAX), OFFSET_MAX);
    next = 77;
    for (at = 1; at <= 2; at++) { /* whether it is told; what is there */
        fake_fail(FAKE_RESIDENCY, (apr_size_t)at, APR_ENOTIMPL);
        CHECK_STATUS(smmap_cursor_next_resident(cursor, 0, &next), APR_ENOTIMPL);
    }
    fake_set_stacked(1);
    cursor = cursor_open(manager_make(NULL), file.path);
    CHECK_STATUS(smmap_cursor_next_resident(cursor, 0, &next), APR_ENOTIMPL);
    CHECK_NUMBER(next, 77);
}

/* The system's pages: of a window of GiB as many as there are, and where they are. */
static void holes_are_skipped(void)
{
    const apr_off_t gib = 1 << 30;
    const apr_off_t at = 3 * gib + 12345;
    smmap_cursor_t *cursor;
    apr_size_t bytes = 0;
    apr_off_t next;

    NEEDS_REAL();
    if (!smmap_is_64bit()) {
        test_skip_now("a window of some GiB does not fit");
    }
    file = file_make("sparse", 0);
    NEED(file_resize(file.path, 8 * gib));
    file_write(file.path, at, "x", 1);
    manager = manager_make(&(smmap_options_t)SMMAP_OPTIONS_INIT);
    cursor = cursor_open(manager, file.path);
    if (APR_STATUS_IS_ENOTIMPL(smmap_cursor_next_resident(cursor, 0, &next))) {
        test_skip_now("this system can only be asked about mappings");
    }
    next = next_from(cursor, 0);
    CHECK(next <= at && next > at - (1 << 20));
    CHECK_NUMBER(next_from(cursor, at + (1 << 20)), 8 * gib);
    manager = manager_sliding((apr_size_t)(8 * gib), 0, 0, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_resident(cursor, &bytes));
    CHECK(bytes >= smmap_page_size() && bytes <= 1 << 20);
}

/* A copy of a file whose holes fill is read, whatever is mapped; other users of the window see it
   as ever. */
static void holes_are_read(void)
{
    smmap_cursor_t *cursor;
    unsigned char bytes[100];
    apr_finfo_t info;
    apr_size_t got = 0;
    apr_off_t end;

    NEEDS_FAKE();
    begin_windows(20);
    end = (apr_off_t)file.size;
    fake_set_holes_fill();
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_read(cursor, 5, bytes, sizeof bytes, &got)); /* there are no holes yet */
    CHECK_NUMBER(fake_calls(FAKE_MAP), 1);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 0);
    NEED(file_resize(file.path, end + 64 * 1024 * 1024));
    apr_stat(&info, file.path, APR_FINFO_CSIZE, test_pool);
    if (!(info.valid & APR_FINFO_CSIZE) || info.csize >= info.size / 2) {
        test_skip("the system does not tell what a sparse file takes, or takes it all");
        return;
    }
    CHECK_OK(smmap_cursor_refresh(cursor));
    CHECK_OK(smmap_cursor_read(cursor, end + 1024 * 1024, bytes, sizeof bytes, &got));
    CHECK(got == sizeof bytes && bytes[0] == 0 && bytes[99] == 0);
    CHECK_OK(smmap_cursor_read(cursor, 5, bytes, sizeof bytes, &got));
    CHECK(got == sizeof bytes && memcmp(bytes, file.data + 5, sizeof bytes) == 0);
    CHECK_NUMBER(fake_calls(FAKE_MAP), 1);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 2);
    /* A pointer was asked for, and is given; a copy from there is read all the same. */
    NEED_OK(smmap_cursor_use(cursor, end + 2 * 1024 * 1024, 0));
    CHECK_NUMBER(fake_calls(FAKE_MAP), 2);
    CHECK_OK(smmap_cursor_read(cursor, smmap_cursor_offset(cursor), bytes, sizeof bytes, &got));
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 3);
    CHECK(smmap_cursor_is_valid(cursor));
    /* A cursor that opens the file now knows at once. */
    cursor = cursor_open(manager_make(NULL), file.path);
    CHECK_OK(smmap_cursor_read(cursor, end, bytes, sizeof bytes, &got));
    CHECK_NUMBER(fake_calls(FAKE_MAP), 2);
}

static const test_case_t cases[] = {{"not_told", not_told},
                                    {"told_to_owners", told_to_owners},
                                    {"next_is_found", next_is_found},
                                    {"holes_are_skipped", holes_are_skipped},
                                    {"holes_are_read", holes_are_read},
                                    {NULL, NULL}};

const test_module_t test_resident = {"resident", cases};
