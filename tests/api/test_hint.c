/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hints and advice: the system is told, and nothing that is read changes.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "tests/fake/backend.h"

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

/* A file of 64 windows of one granule, and a bit, and room for `regions` of them. */
static void begin(apr_size_t regions)
{
    unit = smmap_granularity();
    file = file_make("file", 64 * unit + 77);
    manager = manager_sliding(unit, 0, regions, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, file.path);
}

static void hints(void)
{
    apr_off_t end;
    apr_size_t i;

    begin(8);
    CHECK_STATUS(smmap_cursor_hint(NULL, SMMAP_ACCESS_NORMAL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_hint(cursor, (smmap_access_t)7), APR_EINVAL);
    CHECK_OK(smmap_cursor_hint(cursor, SMMAP_ACCESS_RANDOM));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(20 * unit), 0));
    CHECK(region_shows(cursor, &file));
    CHECK_OK(smmap_cursor_hint(cursor, SMMAP_ACCESS_SEQUENTIAL));
    for (i = 0; i < 64; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * unit), 0));
        CHECK(region_shows(cursor, &file));
        if (fake_present()) {
            fake_advised(&end);
            CHECK_NUMBER(end, i < 63 ? (i + 2) * unit : file.size);
        }
    }
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(64 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).prefetches, 64);
}

/* A cursor that had a hit knows the way to the next one by itself. It must not when it
   has no pin, and must forget it when it becomes a sequential one. */
static void hints_and_hits(void)
{
    smmap_cursor_t *other;
    smmap_cursor_t *copy;
    smmap_stats_t before;
    apr_size_t i;

    begin(64);
    for (i = 0; i < 3 * 60; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i % 60 * unit + i), 0));
        CHECK(region_shows(cursor, &file));
    }
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_hint(other, SMMAP_ACCESS_RANDOM));
    for (i = 0; i < 60; i++) {
        NEED_OK(smmap_cursor_use(other, (apr_off_t)((i + 1) * unit) - 1, 0));
        CHECK_NUMBER(smmap_cursor_size(other), 1);
        CHECK(cursor_shows(other, &file));
        NEED_OK(smmap_cursor_require(other, (apr_off_t)(i * unit), unit));
        CHECK(cursor_shows(other, &file));
    }
    NEED_OK(smmap_cursor_copy(&copy, other, test_pool));
    CHECK_STATUS(smmap_cursor_use(other, -1, 0), APR_EINVAL);
    CHECK(!smmap_cursor_is_valid(other));
    for (i = 0; i < 60; i++) {
        NEED_OK(smmap_cursor_use(copy, (apr_off_t)(i * unit), 10));
        CHECK_NUMBER(smmap_cursor_size(copy), 10);
        CHECK(cursor_shows(copy, &file));
    }
    CHECK_STATUS(smmap_cursor_require(copy, 5, 0), APR_EINVAL);
    CHECK(!smmap_cursor_is_valid(copy));
    before = manager_stats(manager);
    NEED_OK(smmap_cursor_hint(other, SMMAP_ACCESS_SEQUENTIAL));
    for (i = 0; i < 60; i++) {
        NEED_OK(smmap_cursor_use(other, (apr_off_t)(i * unit), 0));
    }
    CHECK_NUMBER(manager_stats(manager).prefetches - before.prefetches, 60);
    CHECK_NUMBER(manager_stats(manager).misses, before.misses);
    CHECK_NUMBER(manager_stats(manager).hits - before.hits, 60);
    smmap_cursor_close(copy);
    counts_check();
}

/* The real system may know no such advice. */
static int is_taken(apr_status_t status)
{
    return status == APR_SUCCESS || (!fake_present() && APR_STATUS_IS_ENOTIMPL(status));
}

static void advice(void)
{
    unsigned char bytes[10000];
    apr_off_t end;

    begin(8);
    CHECK_STATUS(smmap_cursor_advise(NULL, 0, 1, SMMAP_WILL_NEED), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_advise(cursor, -1, 1, SMMAP_WILL_NEED), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_advise(cursor, 0, -1, SMMAP_WILL_NEED), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_advise(cursor, 0, 1, (smmap_advice_t)7), APR_EINVAL);
    CHECK(is_taken(smmap_cursor_advise(cursor, 5, OFFSET_MAX, SMMAP_WILL_NEED)));
    if (fake_present()) {
        CHECK_NUMBER(fake_advised(&end), file.size - 5);
        CHECK_NUMBER(end, file.size);
    }
    CHECK_OK(smmap_cursor_advise(cursor, 0, 0, SMMAP_DONT_NEED));
    CHECK_OK(smmap_cursor_advise(cursor, OFFSET_MAX, 5, SMMAP_DONT_NEED));
    CHECK(is_taken(smmap_cursor_advise(cursor, 100, 5000, SMMAP_DONT_NEED)));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_OK(smmap_cursor_read(cursor, 0, bytes, sizeof bytes, NULL));
    CHECK(memcmp(bytes, file.data, sizeof bytes) == 0);
    if (fake_present()) {
        fake_fail(FAKE_FILE_ADVISE, 1, APR_ENOTIMPL);
        smmap_cursor_release(cursor);
        CHECK_STATUS(smmap_cursor_advise(cursor, 0, 1, SMMAP_WILL_NEED), APR_ENOTIMPL);
    }
    counts_check();
}

/* Whatever its size is, what is not needed is told in one call; what is needed in some. */
static void advice_on_much(void)
{
    apr_size_t calls;

    NEEDS_FAKE();
    begin(8);
    if (!file_resize(file.path, (apr_off_t)1 << 30)) {
        test_skip("the file system has no room for a file of 1 GiB");
        return;
    }
    CHECK_OK(smmap_cursor_refresh(cursor));
    calls = fake_calls(FAKE_FILE_ADVISE);
    CHECK_OK(smmap_cursor_advise(cursor, 0, OFFSET_MAX, SMMAP_DONT_NEED));
    CHECK_NUMBER(fake_calls(FAKE_FILE_ADVISE), calls + 1);
    CHECK_OK(smmap_cursor_advise(cursor, 0, OFFSET_MAX, SMMAP_WILL_NEED));
    CHECK_NUMBER(fake_calls(FAKE_FILE_ADVISE), calls + 33);
}

/* A system that takes no advice on files may take it on the window in use. */
static void advice_on_the_window(void)
{
    apr_size_t before;

    begin(8);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    CHECK_OK(smmap_cursor_advise(cursor, (apr_off_t)unit + 5, 100, SMMAP_WILL_NEED));
    CHECK_OK(smmap_cursor_advise(cursor, 0, OFFSET_MAX, SMMAP_DONT_NEED));
    CHECK(memcmp(smmap_cursor_data(cursor), file.data + unit, smmap_cursor_size(cursor)) == 0);
    if (fake_present()) {
        before = fake_calls(FAKE_ADVISE);
        fake_fail_from(FAKE_FILE_ADVISE, 1, APR_ENOTIMPL);
        CHECK_OK(smmap_cursor_advise(cursor, (apr_off_t)unit + 5, 100, SMMAP_WILL_NEED));
        CHECK_OK(smmap_cursor_advise(cursor, 0, OFFSET_MAX, SMMAP_DONT_NEED));
        CHECK_NUMBER(fake_calls(FAKE_ADVISE), before + 2);
        /* Beside it there is nothing to give it on. */
        CHECK_STATUS(smmap_cursor_advise(cursor, 0, 5, SMMAP_WILL_NEED), APR_ENOTIMPL);
        CHECK_STATUS(smmap_cursor_advise(cursor, (apr_off_t)(3 * unit), 5, SMMAP_WILL_NEED),
                     APR_ENOTIMPL);
        CHECK_NUMBER(fake_calls(FAKE_ADVISE), before + 2);
        fake_fail_none();
    }
    counts_check();
}

static const test_case_t cases[] = {{"hints", hints},
                                    {"hints_and_hits", hints_and_hits},
                                    {"advice", advice},
                                    {"advice_on_much", advice_on_much},
                                    {"advice_on_the_window", advice_on_the_window},
                                    {NULL, NULL}};

const test_module_t test_hint = {"hint", cases};
