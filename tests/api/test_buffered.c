/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that the system cannot map are read into memory, window by window, behind the same
 * functions: bytes, sizes, limits, eviction, failures. The fake refuses to map when it is
 * told to; a real file that cannot be mapped is one of the kernel's, where there is one.
 * Those whose size is wrong are in test_special.c.
 */
#include "tests/support/harness.h"

#include "core/file/file.h"

#include <apr_strings.h>

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

#define MIB ((apr_size_t)1 << 20)

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static void begin(apr_size_t size, smmap_mode_t mode, apr_size_t window)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    fake_set_birth(1);
    file = file_make("file", size);
    options.mode = mode;
    options.window_size = window;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    fake_fail_from(FAKE_MAP, 1, APR_ENOTIMPL);
}

static void walk(apr_size_t step)
{
    apr_off_t offset = 0;

    while (offset < (apr_off_t)file.size) {
        NEED_OK(smmap_cursor_use(cursor, offset, step));
        CHECK(cursor_shows(cursor, &file));
        CHECK(region_shows(cursor, &file));
        offset = smmap_cursor_end(cursor);
    }
    CHECK_STATUS(smmap_cursor_use(cursor, offset, step), APR_EOF);
}

static void small_windows(void)
{
    smmap_stats_t stats;

    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(unit * 8 + 77, SMMAP_MODE_SLIDING, 2 * unit);
    walk(0);
    stats = manager_stats(manager);
    CHECK_NUMBER(fake_calls(FAKE_MAP), 1); /* it is not tried again */
    CHECK_NUMBER(stats.maps, 5);
    CHECK_NUMBER(stats.buffered, 5);
    CHECK_NUMBER(stats.buffered_regions, 5);
    CHECK_NUMBER(stats.buffered_bytes, file.size);
    CHECK_NUMBER(stats.mapped_bytes, file.size);
    CHECK_NUMBER(stats.map_failures, 0);
    /* They are on the grid: found like any other. */
    NEED_OK(smmap_cursor_use(cursor, 3, 0));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(4 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).misses, 5);
    NEED_OK(smmap_cursor_require(cursor, 1, 5 * unit));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).buffered, 6);
    counts_check();
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 0);
    CHECK_NUMBER(manager_stats(manager).buffered_bytes, 0);
    counts_check();
}

/* A window that is large, or the whole file, is not read at once. */
static void large_windows(void)
{
    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(3 * MIB + 12345, SMMAP_MODE_STATIC, 0);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(2 * MIB) + 5, 0));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), MIB);
    walk(0);
    CHECK_NUMBER(manager_stats(manager).buffered, 4);
    NEED_OK(smmap_cursor_require(cursor, 5, 2 * MIB));
    CHECK(cursor_shows(cursor, &file));
    counts_check();

    begin(3 * MIB + 12345, SMMAP_MODE_SLIDING, 2 * MIB);
    walk(100000);
    CHECK_NUMBER(manager_stats(manager).buffered, 4);

    begin(MIB / 2, SMMAP_MODE_STATIC, 0);
    walk(0);
    CHECK_NUMBER(manager_stats(manager).buffered, 1);
    NEED_OK(smmap_cursor_use(cursor, 5, 0));
    CHECK_NUMBER(manager_stats(manager).misses, 1);
    counts_check();
}

/* What crosses the end of such a window is found by all of its bytes, not made again. */
static void across(void)
{
    smmap_cursor_t *other;

    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(4 * MIB, SMMAP_MODE_STATIC, 0);
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)(2 * MIB) - 100, 5000));
    CHECK(cursor_shows(cursor, &file));
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_require(other, (apr_off_t)(2 * MIB) - 50, 60));
    NEED_OK(smmap_cursor_require(other, (apr_off_t)(2 * MIB) + 50, 60));
    CHECK(cursor_shows(other, &file));
    CHECK_NUMBER(manager_stats(manager).buffered, 1);
    counts_check();
}

/* Limits and eviction are those of all regions. */
static void evicted(void)
{
    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(16 * unit, SMMAP_MODE_SLIDING, unit);
    smmap_cursor_close(cursor);
    manager = manager_sliding(unit, 3 * unit, 0, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, file.path);
    walk(0);
    CHECK_NUMBER(manager_stats(manager).peak_mapped_bytes, 3 * unit);
    CHECK_NUMBER(manager_stats(manager).evictions, 13);
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 3);
    counts_check();
}

/* A copying read asks for its own bytes, not for a window around them. */
static void copied(void)
{
    unsigned char bytes[100];
    apr_size_t got;

    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(16 * unit, SMMAP_MODE_SLIDING, unit);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)(5 * unit), bytes, 100, &got));
    CHECK_NUMBER(got, 100);
    CHECK(memcmp(bytes, file.data + 5 * unit, 100) == 0);
    CHECK_OK(smmap_cursor_read(cursor, 7, bytes, 100, &got));
    CHECK(memcmp(bytes, file.data + 7, 100) == 0);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 1);
    CHECK_NUMBER(manager_stats(manager).buffered, 1);
}

static void failures(void)
{
    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(4 * unit, SMMAP_MODE_SLIDING, unit);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    /* No memory: what is unpinned goes, then it is tried once more. */
    smmap_cursor_release(cursor);
    fake_fail(FAKE_MEMORY, 1, APR_ENOMEM);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).evictions, 1);
    fake_fail_from(FAKE_MEMORY, 1, APR_ENOMEM);
    fake_memory_fail_above(unit - 1); /* of the heap, neither */
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_ENOMEM);
    fake_memory_fail_none();
    fake_fail_none();
    fake_fail_from(FAKE_MAP, 1, APR_ENOTIMPL);
    /* The bytes cannot be read, or are not all there. */
    fake_fail(FAKE_READ, 1, APR_FROM_OS_ERROR(5));
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_FROM_OS_ERROR(5));
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    counts_check();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

/* The bytes cannot be read, and the memory for them cannot be given back then. */
static void memory_that_stays(void)
{
    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(4 * unit, SMMAP_MODE_SLIDING, unit);
    fake_fail(FAKE_READ, 1, APR_EACCES);
    fake_fail(FAKE_UNMAP, 1, APR_ENOMEM);
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_EACCES);
    CHECK_NUMBER(fake_live_mappings(), 1);
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    CHECK_NUMBER(manager_stats(manager).buffered_bytes, unit);
    counts_check();
    /* It is tried again with the others. */
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    CHECK_NUMBER(manager_stats(manager).buffered_bytes, 0);
    counts_check();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
}

static void cut_now(void *unused)
{
    (void)unused;
    file_resize(file.path, (apr_off_t)unit / 2);
}

static void cut_while_read(void)
{
    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(4 * unit, SMMAP_MODE_SLIDING, unit);
    fake_when(FAKE_MEMORY, cut_now, NULL);
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), SMMAP_ETRUNCATED);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit / 2);
    counts_check();
    /* The read may have found the size as it was, and bytes that are cleared already. */
    begin(4 * unit, SMMAP_MODE_SLIDING, unit);
    fake_when(FAKE_SIZE, cut_now, NULL);
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), SMMAP_ETRUNCATED);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    counts_check();
}

/* A window is a copy: when the file has changed, the next caller gets a new one. */
static void changed(void)
{
    smmap_cursor_t *other;

    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(4 * unit, SMMAP_MODE_SLIDING, unit);
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    apr_sleep(20000); /* the clock of the file's times may be a coarse one */
    memset(file.data, 'x', 100);
    file_write(file.path, 0, file.data, 100);
    CHECK_OK(smmap_cursor_refresh(other));
    CHECK(smmap_cursor_is_valid(cursor));
    NEED_OK(smmap_cursor_use(other, 0, 0));
    CHECK(cursor_shows(other, &file));
    CHECK(smmap_cursor_data(other) != smmap_cursor_data(cursor));
    CHECK_NUMBER(manager_stats(manager).regions, 2);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    counts_check();
}

/* A copy in memory does not keep the file's id from being given away. */
static void no_hold_on_the_id(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    NEEDS_FAKE();
    unit = smmap_granularity();
    begin(4 * unit, SMMAP_MODE_SLIDING, unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.max_open_files = 1;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    smmap_cursor_close(cursor_open(manager, file_make("thief", 10).path));
    fake_set_birth(2); /* as if the id were another file's now */
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)unit, 0), SMMAP_ESTALE);
}

static void in_fact(void)
{
    const char *path = native_unmappable();
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    unsigned char bytes[100];
    apr_size_t got;
    apr_off_t there;
    apr_os_file_t handle;

    NEEDS_REAL();
    if (path == NULL) {
        test_skip("no regular file is known here that cannot be mapped");
        return;
    }
    options.guard = SMMAP_GUARD_ON;
    manager = manager_make(&options);
    cursor = cursor_open(manager, path);
    handle = file_open(path);
    there = native_read(handle, bytes, sizeof bytes);
    file_close(handle);
    NEED(there > 0);
    NEED_OK(smmap_cursor_use(cursor, 0, (apr_size_t)there));
    CHECK_NUMBER(smmap_cursor_size(cursor), there);
    CHECK(memcmp(smmap_cursor_data(cursor), bytes, (apr_size_t)there) == 0);
    CHECK_OK(smmap_cursor_begin_guard(cursor));
    CHECK(memcmp(smmap_cursor_data(cursor), bytes, (apr_size_t)there) == 0);
    CHECK_OK(smmap_cursor_end_guard(cursor));
    memset(bytes, 0, sizeof bytes);
    CHECK_OK(smmap_cursor_read(cursor, 0, bytes, (apr_size_t)there, &got));
    CHECK_NUMBER(got, there);
    CHECK(memcmp(smmap_cursor_data(cursor), bytes, (apr_size_t)there) == 0);
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    counts_check();
}

static const test_case_t buffered_cases[] = {{"small_windows", small_windows},
                                             {"large_windows", large_windows},
                                             {"across", across},
                                             {"evicted", evicted},
                                             {"copied", copied},
                                             {"failures", failures},
                                             {"memory_that_stays", memory_that_stays},
                                             {"cut_while_read", cut_while_read},
                                             {"changed", changed},
                                             {"no_hold_on_the_id", no_hold_on_the_id},
                                             {"in_fact", in_fact},
                                             {NULL, NULL}};
const test_module_t test_buffered = {"buffered", buffered_cases};
