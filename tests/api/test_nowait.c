/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies that never wait.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

static void nowait(void)
{
    unsigned char bytes[200];
    apr_size_t got = 99;

    NEEDS_FAKE();
    begin_windows(4);
    mover = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_read_nowait(NULL, 0, bytes, 1, &got), APR_EINVAL);
    CHECK_NUMBER(got, 0);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, -1, bytes, 1, &got), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 0, NULL, 1, &got), APR_EINVAL);
    CHECK_OK(smmap_cursor_read_nowait(mover, OFFSET_MAX, NULL, 0, &got));
    CHECK_STATUS(smmap_cursor_read_nowait(mover, (apr_off_t)file.size, bytes, 1, &got), APR_EOF);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 5, bytes, 9, &got), SMMAP_EWOULDBLOCK);
    CHECK_NUMBER(got, 0);
    fake_set_cached(1);
    CHECK_OK(smmap_cursor_read_nowait(mover, 5, bytes, 9, &got));
    CHECK(got == 9 && memcmp(bytes, file.data + 5, 9) == 0);
    CHECK_OK(smmap_cursor_read_nowait(mover, (apr_off_t)file.size - 7, bytes, 200, &got));
    CHECK(got == 7 && memcmp(bytes, file.data + file.size - 7, 7) == 0);
    CHECK(mover_is_empty());
    file_cut(unit);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, (apr_off_t)unit - 3, bytes, 9, &got),
                 SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, 3);
    CHECK_OK(manager_destroy(manager));
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 5, bytes, 9, &got), SMMAP_ECLOSED);
}

static void cut_it(void *unused)
{
    (void)unused;
    file_cut(unit);
}

/* A read that was told of a file that is being cut: the strict guard measures it afterwards. */
static void nowait_and_cut(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    unsigned char bytes[200];
    apr_size_t got;

    NEEDS_FAKE();
    begin_windows(4);
    options.guard = SMMAP_GUARD_STRICT;
    manager = manager_make(&options);
    mover = cursor_open(manager, file.path);
    fake_set_cached(1);
    fake_when(FAKE_SIZE, cut_it, NULL);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, (apr_off_t)unit - 3, bytes, 200, &got),
                 SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, 3);
}

/* Where the system has no such read: from windows that are mapped and in memory. On a stacked file
   system nothing is said to be there when the handle is asked. */
static void nowait_by_windows(smmap_guard_t guard, int stacked)
{
    static unsigned char bytes[1 << 20];
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *second;
    apr_size_t got = 99;
    apr_size_t i;

    begin_windows(4);
    for (i = 4095; i < file.size; i += 4096) {
        file.data[i] = 1; /* no page ends in a zero: the guard has no doubt */
    }
    file_write(file.path, 0, file.data, file.size);
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.guard = guard;
    fake_set_stacked(stacked);
    manager = manager_make(&options);
    mover = cursor_open(manager, file.path);
    fake_fail_from(FAKE_NOWAIT, 1, APR_ENOTIMPL);
    fake_set_cached(1);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 0, bytes, 9, &got), SMMAP_EWOULDBLOCK);
    CHECK_NUMBER(got, 0);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    fake_set_cached(0);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 0, bytes, 9, &got),
                 stacked ? APR_SUCCESS : SMMAP_EWOULDBLOCK);
    fake_set_cached(!stacked);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, (apr_off_t)unit - 5, bytes, 9, &got),
                 SMMAP_EWOULDBLOCK);
    CHECK_NUMBER(got, 5);
    CHECK(memcmp(bytes, file.data + unit - 5, 5) == 0);
    second = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(second, (apr_off_t)unit, 0));
    CHECK_OK(smmap_cursor_read_nowait(mover, 3, bytes, 2 * unit - 3, &got));
    CHECK(got == 2 * unit - 3 && memcmp(bytes, file.data + 3, got) == 0);
    fake_set_absent(unit); /* the first page of each */
    CHECK_STATUS(smmap_cursor_read_nowait(mover, (apr_off_t)unit + 1, bytes, 9, &got),
                 SMMAP_EWOULDBLOCK);
    fake_set_absent(0);
    fake_fail(FAKE_RESIDENCY, 1, APR_EGENERAL);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 0, bytes, 9, &got), SMMAP_EWOULDBLOCK);
    fake_fail_from(FAKE_CACHED, 1, APR_EACCES); /* and so everything would be told to be there */
    fake_fail_from(FAKE_NOWAIT, 1, APR_ENOTIMPL);
    CHECK_STATUS(smmap_cursor_read_nowait(mover, 0, bytes, 9, &got), APR_ENOTIMPL);
    fake_fail_from(FAKE_CACHED, 1, APR_ENOTIMPL);
    CHECK_OK(smmap_cursor_read_nowait(mover, 0, bytes, 9, &got));
    fake_fail_none();
}

static void nowait_elsewhere(void)
{
    NEEDS_FAKE();
    if (test_is_paranoid()) {
        test_skip("in paranoid mode each move asks the system");
        return;
    }
    nowait_by_windows(SMMAP_GUARD_ON, 0);
    nowait_by_windows(SMMAP_GUARD_OFF, 0);
    nowait_by_windows(SMMAP_GUARD_ON, 1);
}

/* The real one: what was fetched and touched can be had at once, but for what the system took away
   again. */
static void nowait_after_fetch(void)
{
    static unsigned char bytes[300000];
    smmap_range_t range;
    apr_size_t tries = 0;
    apr_size_t got;
    apr_size_t at;
    apr_status_t status;

    NEEDS_REAL();
    if (test_is_paranoid()) {
        test_skip("in paranoid mode each move asks the system");
        return;
    }
    begin_windows(4);
    mover = cursor_open(manager, file.path);
    range.cursor = mover;
    range.offset = 0;
    range.length = (apr_off_t)file.size;
    do {
        NEED_OK(smmap_manager_fetch(manager, &range, 1, SMMAP_FETCH_WAIT, NULL, NULL));
        for (at = 0; at < file.size; at += 4096) {
            NEED_OK(smmap_cursor_use(mover, (apr_off_t)at, 1));
            CHECK(*smmap_cursor_data(mover) == file.data[at]);
        }
        status = smmap_cursor_read_nowait(mover, 0, bytes, sizeof bytes, &got);
        if (APR_STATUS_IS_ENOTIMPL(status)) {
            test_skip("no read without waiting on this system, or this file system");
            return;
        }
        CHECK(memcmp(bytes, file.data, got) == 0);
    } while (status == SMMAP_EWOULDBLOCK && ++tries < 1000);
    CHECK_OK(status);
    CHECK_NUMBER(got, file.size < sizeof bytes ? file.size : sizeof bytes);
}

static const test_case_t cases[] = {{"whole", nowait},
                                    {"and_cut", nowait_and_cut},
                                    {"elsewhere", nowait_elsewhere},
                                    {"after_fetch", nowait_after_fetch},
                                    {NULL, NULL}};

const test_module_t test_nowait = {"nowait", cases};
