/* SPDX-License-Identifier: BSD-3-Clause */
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

/* Copies of a file that a server reads are read, also after a refresh, and windows are mapped. */
static void servers_are_asked(void)
{
    smmap_cursor_t *cursor;
    unsigned char bytes[100];
    apr_size_t got = 0;
    apr_size_t i;

    NEEDS_FAKE();
    begin_windows(4);
    fake_set_remote(1);
    manager = manager_sliding(0, 0, 0, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, file.path);
    for (i = 1; i < 100; i++) {
        NEED_OK(smmap_cursor_read(cursor, 5, bytes, sizeof bytes, &got));
        CHECK(got == sizeof bytes && memcmp(bytes, file.data + 5, sizeof bytes) == 0);
        CHECK_NUMBER(manager_stats(manager).bypassed_reads, i);
        CHECK_OK(smmap_cursor_refresh(cursor));
    }
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(manager_stats(manager).regions, 1);
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
                                    {"holes_are_read", holes_are_read},
                                    {"servers_are_asked", servers_are_asked},
                                    {NULL, NULL}};

const test_module_t test_resident = {"resident", cases};
