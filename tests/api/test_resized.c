/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that become longer or shorter while a cursor is on them. What is mapped
 * stays as it is; what is asked for afterwards is in accord with the new size, and
 * never a byte that the file did not hold.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

static void append(const test_file_t *to, apr_size_t size)
{
    unsigned char *more = apr_palloc(test_pool, to->size + size);
    apr_size_t i;

    memcpy(more, to->data, to->size);
    for (i = to->size; i < to->size + size; i++) {
        more[i] = (unsigned char)random_number();
    }
    file_write(to->path, (apr_off_t)to->size, more + to->size, size);
    file.data = more;
    file.size += size;
}

static void grown(void)
{
    smmap_cursor_t *pinning;
    apr_size_t old;
    apr_off_t offset;

    begin_handles(10, 1);
    append(&file, 100); /* a last window that is short */
    CHECK_OK(smmap_cursor_refresh(mover));
    old = file.size;
    pinning = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(pinning, (apr_off_t)old - 1, 0));
    NEED_OK(smmap_cursor_use(pinning, (apr_off_t)(8 * unit), 0));
    CHECK_NUMBER(smmap_cursor_region_size(pinning), 100);
    append(&file, 3 * unit);

    /* Not yet known. */
    CHECK_NUMBER(smmap_cursor_file_size(mover), old);
    CHECK_STATUS(smmap_cursor_use(mover, (apr_off_t)file.size - 1, 0), APR_EOF);
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK_NUMBER(smmap_cursor_file_size(mover), file.size);
    CHECK_NUMBER(smmap_cursor_file_size(pinning), file.size);
    /* A cursor on the short window keeps it; a new one gets the longer window. */
    CHECK_NUMBER(smmap_cursor_region_size(pinning), 100);
    CHECK(region_shows(pinning, &file));
    for (offset = 0; offset < (apr_off_t)file.size; offset = smmap_cursor_end(mover)) {
        NEED_OK(smmap_cursor_use(mover, offset, 0));
        CHECK(cursor_shows(mover, &file));
    }
    NEED_OK(smmap_cursor_use(mover, (apr_off_t)(8 * unit) + 10, 0));
    CHECK_NUMBER(smmap_cursor_region_size(mover), unit);
    CHECK_NUMBER(smmap_cursor_region_size(pinning), 100);
    CHECK_NUMBER(smmap_cursor_region_clients(pinning), 1);
    counts_check();
    NEED_OK(smmap_cursor_use(pinning, (apr_off_t)(8 * unit), 0));
    CHECK_NUMBER(smmap_cursor_region_size(pinning), unit);
    CHECK_NUMBER(smmap_cursor_region_clients(pinning), 2);
    CHECK_NUMBER(manager_stats(manager).truncated_files, 0);
    counts_check();
}

/* A window that is out of date goes with the last cursor on it, also with one that was copied
   before or afterwards, and whichever way they leave. */
static void kept_by_its_last_cursor(void)
{
    smmap_cursor_t *first;
    smmap_cursor_t *before;
    smmap_cursor_t *after;
    apr_size_t regions;

    begin_handles(10, 1);
    append(&file, 100);
    CHECK_OK(smmap_cursor_refresh(mover));
    smmap_cursor_release(mover);
    first = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(first, (apr_off_t)file.size - 1, 0));
    NEED_OK(smmap_cursor_copy(&before, first, test_pool));
    append(&file, unit);
    CHECK_OK(smmap_cursor_refresh(mover));
    NEED_OK(smmap_cursor_copy(&after, before, test_pool));
    NEED_OK(smmap_cursor_assign(mover, after));
    regions = manager_stats(manager).regions;
    CHECK_NUMBER(smmap_cursor_region_clients(after), 4);

    NEED_OK(smmap_cursor_use(first, 0, 0));
    NEED_OK(smmap_cursor_use(first, (apr_off_t)file.size - 1, 0));
    smmap_cursor_close(before);
    smmap_cursor_release(after);
    smmap_cursor_release(after);
    CHECK_NUMBER(smmap_cursor_region_clients(mover), 1);
    CHECK_NUMBER(manager_stats(manager).regions, regions + 2);
    NEED_OK(smmap_cursor_use(mover, 0, 0));
    CHECK_NUMBER(manager_stats(manager).regions, regions + 1);
    counts_check();
}

static void grown_by_whole_windows(void)
{
    NEEDS_LASTING_WINDOWS();
    begin_handles(10, 1);
    NEED_OK(window_use(7)); /* the last one, and full */
    append(&file, 2 * unit);
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK(cursor_shows(mover, &file)); /* a refresh keeps the window */
    NEED_OK(window_use(9));
    CHECK(cursor_shows(mover, &file));
    NEED_OK(window_use(7));
    CHECK_NUMBER(manager_stats(manager).misses, 2);
}

static void grown_from_nothing(void)
{
    begin_handles(10, 1);
    smmap_cursor_close(mover);
    file = file_make("empty", 0);
    mover = cursor_open(manager, file.path);
    CHECK_STATUS(window_use(0), APR_EOF);
    append(&file, 3 * unit + 9);
    CHECK_OK(smmap_cursor_refresh(mover));
    NEED_OK(window_use(3));
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(smmap_cursor_size(mover), 9);
}

static void grown_in_static_mode(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *other;

    begin_handles(10, 1);
    options.mode = SMMAP_MODE_STATIC;
    manager = manager_make(&options);
    mover = cursor_open(manager, file.path);
    NEED_OK(window_use(0));
    append(&file, unit + 1);
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK_NUMBER(smmap_cursor_region_size(mover), 8 * unit);
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(other, 0, 0));
    CHECK_NUMBER(smmap_cursor_region_size(other), file.size);
    CHECK(cursor_shows(other, &file));
    CHECK(region_shows(mover, &file));
    CHECK_NUMBER(manager_stats(manager).regions, 2);
    smmap_cursor_release(mover);
    CHECK_NUMBER(manager_stats(manager).regions, 1); /* the old one cannot be found */
    counts_check();
}

static void new_cursor_sees_growth(void)
{
    smmap_cursor_t *young;

    begin_handles(10, 1);
    NEED_OK(window_use(7));
    append(&file, unit);
    young = cursor_open(manager, file.path);
    CHECK_NUMBER(smmap_cursor_file_size(young), file.size);
    NEED_OK(smmap_cursor_use(young, (apr_off_t)(8 * unit), 0));
    CHECK(cursor_shows(young, &file));
}

static void new_cursor_cannot_measure(void)
{
    smmap_cursor_t *untouched = (smmap_cursor_t *)(void *)&unit;
    smmap_cursor_t *young = untouched;

    NEEDS_FAKE();
    begin_handles(1, 1);
    NEED_OK(window_use(0));
    take_handle();
    append(&file, unit);
    fake_fail(FAKE_DUP, 1, APR_EACCES);
    CHECK_STATUS(smmap_cursor_open(&young, manager, file.path, test_pool), APR_EACCES);
    CHECK(young == untouched);
    CHECK_NUMBER(manager_stats(manager).cursors, 1);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    CHECK_NUMBER(manager_stats(manager).open_failures, 1);
    counts_check();
    young = cursor_open(manager, file.path);
    CHECK_NUMBER(smmap_cursor_file_size(young), file.size);
}

static void grown_while_closed(void)
{
    begin_handles(1, 1);
    NEED_OK(window_use(0));
    take_handle();
    append(&file, unit);
    NEED_OK(window_use(1)); /* it is still that file */
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(smmap_cursor_file_size(mover), file.size);
    NEED_OK(window_use(8));
    CHECK(cursor_shows(mover, &file));
}

static void truncated(void)
{
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    NEED(file_resize(file.path, (apr_off_t)(2 * unit) + 50));
    /* As far as we know the byte is there; it turns out that it is not. */
    CHECK_STATUS(window_use(5), SMMAP_ETRUNCATED);
    CHECK(mover_is_empty());
    CHECK_NUMBER(smmap_cursor_file_size(mover), 2 * unit + 50);
    CHECK_NUMBER(manager_stats(manager).truncated_files, 1);
    CHECK_STATUS(window_use(5), APR_EOF);
    counts_check();
    file.size = 2 * unit + 50;
    NEED_OK(window_use(2));
    CHECK_NUMBER(smmap_cursor_region_size(mover), 50);
    CHECK(cursor_shows(mover, &file));
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &file));
    counts_check();
}

static void truncated_in_the_window(void)
{
    begin_handles(10, 1);
    NEED(file_resize(file.path, (apr_off_t)(2 * unit) + 50));
    file.size = 2 * unit + 50;
    /* The window is shorter than it would have been; what it shows is there. */
    NEED_OK(window_use(2));
    CHECK_NUMBER(smmap_cursor_size(mover), 50);
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(manager_stats(manager).truncated_files, 1);
    counts_check();
}

static void truncated_below_a_range(void)
{
    begin_handles(10, 1);
    NEED(file_resize(file.path, (apr_off_t)(2 * unit) + 50));
    CHECK_STATUS(smmap_cursor_require(mover, (apr_off_t)(2 * unit), 51), SMMAP_ETRUNCATED);
    CHECK(mover_is_empty());
    CHECK_STATUS(smmap_cursor_require(mover, (apr_off_t)(2 * unit), 51), APR_EOF);
    NEED_OK(smmap_cursor_require(mover, (apr_off_t)unit, unit + 50));
    CHECK(cursor_shows(mover, &file));
    counts_check();
}

static void truncated_and_refreshed(void)
{
    smmap_cursor_t *pinning;
    smmap_cursor_t *elsewhere;
    test_file_t other;
    apr_size_t i;

    NEEDS_LASTING_WINDOWS();
    begin_handles(10, 1);
    other = file_make("other", 8 * unit);
    elsewhere = cursor_open(manager, other.path);
    NEED_OK(smmap_cursor_use(elsewhere, (apr_off_t)(7 * unit), 0));
    smmap_cursor_release(elsewhere);
    pinning = cursor_open(manager, file.path);
    for (i = 0; i < 8; i++) {
        NEED_OK(window_use(i));
    }
    NEED_OK(smmap_cursor_use(pinning, (apr_off_t)(2 * unit), 0));
    NEED(file_resize(file.path, (apr_off_t)(2 * unit) + 50));
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK_NUMBER(smmap_cursor_file_size(mover), 2 * unit + 50);
    CHECK_NUMBER(manager_stats(manager).truncated_files, 1);
    /* Windows that were mapped before show what is gone: they are not found any more. */
    CHECK_STATUS(window_use(5), APR_EOF);
    CHECK_STATUS(smmap_cursor_use(mover, (apr_off_t)(2 * unit) + 50, 0), APR_EOF);
    NEED_OK(window_use(2));
    CHECK_NUMBER(smmap_cursor_size(mover), 50);
    CHECK_NUMBER(smmap_cursor_region_size(mover), 50);
    file.size = 2 * unit + 50;
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(smmap_cursor_region_clients(mover), 1);
    /* The one that is pinned stays as it is. */
    CHECK_NUMBER(smmap_cursor_region_size(pinning), unit);
    CHECK(memcmp(smmap_cursor_data(pinning), file.data + 2 * unit, 50) == 0);
    counts_check();
    smmap_cursor_release(pinning);
    /* 0 and 1 lie before the new end. */
    NEED_OK(window_use(0));
    NEED_OK(window_use(1));
    CHECK_NUMBER(manager_stats(manager).misses, 10);
    CHECK_NUMBER(manager_stats(manager).regions, 4);
    /* Another file has nothing to do with it. */
    NEED_OK(smmap_cursor_use(elsewhere, (apr_off_t)(7 * unit), 0));
    CHECK(cursor_shows(elsewhere, &other));
    CHECK_NUMBER(manager_stats(manager).misses, 10);
    counts_check();
}

static void cut_below_a_buffer(void)
{
    smmap_buffer_t *buffer = NULL;
    const unsigned char *data = NULL;
    unsigned char *bytes;
    unsigned char byte = 77;
    apr_size_t got = 0;
    apr_off_t border;

    begin_handles(10, 1);
    border = (apr_off_t)(2 * unit) - 10;
    bytes = apr_pcalloc(test_pool, file.size);
    NEED_OK(smmap_buffer_create(&buffer, mover, 10, SMMAP_TO_END, test_pool));
    NEED(file_resize(file.path, (apr_off_t)(2 * unit) + 50));
    /* What was copied before the end is reported, and right. */
    CHECK_STATUS(smmap_buffer_read(buffer, 0, bytes, file.size, &got), SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, 2 * unit + 40);
    CHECK(memcmp(bytes, file.data + 10, got) == 0);
    CHECK_STATUS(smmap_buffer_byte(buffer, -1, &byte), SMMAP_ETRUNCATED);
    CHECK(byte == 77);
    /* Missing is one thing, in two windows another. */
    CHECK_STATUS(smmap_buffer_slice(buffer, border + 40, 20, &data), SMMAP_ETRUNCATED);
    CHECK_STATUS(smmap_buffer_slice(buffer, border - 10, unit, &data), SMMAP_ETRUNCATED);
    CHECK_STATUS(smmap_buffer_slice(buffer, border - 10, 30, &data), SMMAP_ESPLIT);
    CHECK(data == NULL);
    CHECK_OK(smmap_buffer_slice(buffer, border + 40, 10, &data));
    CHECK_NUMBER(manager_stats(manager).truncated_files, 1);
    /* A new beginning takes what there is. */
    CHECK_OK(smmap_buffer_begin_access(buffer, NULL, 10, SMMAP_TO_END));
    CHECK_NUMBER(smmap_buffer_size(buffer), 2 * unit + 40);
    CHECK_OK(smmap_buffer_byte(buffer, -1, &byte));
    CHECK_NUMBER(byte, file.data[2 * unit + 49]);
    counts_check();
}

/* Windows stay mapped when the last cursor goes; the next one must not find wrong ones. */
static void cut_while_nobody_looks(void)
{
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    NEED_OK(window_use(7));
    smmap_cursor_close(mover);
    NEED(file_resize(file.path, (apr_off_t)unit + 50));
    mover = cursor_open(manager, file.path);
    CHECK_NUMBER(smmap_cursor_file_size(mover), unit + 50);
    CHECK_STATUS(window_use(7), APR_EOF);
    file.size = unit + 50;
    NEED_OK(window_use(1));
    CHECK_NUMBER(smmap_cursor_size(mover), 50);
    CHECK(cursor_shows(mover, &file));
    counts_check();
}

static void cut_and_written_again(void)
{
    begin_handles(10, 1);
    NEED_OK(window_use(7));
    smmap_cursor_release(mover);
    NEED(file_resize(file.path, 0));
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK_STATUS(window_use(0), APR_EOF);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    file.size = 0;
    append(&file, 8 * unit);
    CHECK_OK(smmap_cursor_refresh(mover));
    NEED_OK(window_use(7));
    CHECK(cursor_shows(mover, &file));
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &file));
    counts_check();
}

static void cut_now(void *unused)
{
    (void)unused;
    file_resize(file.path, (apr_off_t)(2 * unit) + 50);
}

/* Between measuring and mapping. Not all systems look then; one that does says so. */
static void cut_before_it_is_mapped(void)
{
    NEEDS_FAKE();
    begin_handles(10, 1);
    fake_when(FAKE_MAP, cut_now, NULL);
    fake_fail(FAKE_MAP, 1, APR_EOF);
    CHECK_STATUS(window_use(5), SMMAP_ETRUNCATED);
    CHECK(mover_is_empty());
    CHECK_NUMBER(manager_stats(manager).map_failures, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    file.size = 2 * unit + 50;
    NEED_OK(window_use(2));
    CHECK_NUMBER(smmap_cursor_region_size(mover), 50);
    CHECK(cursor_shows(mover, &file));
    counts_check();
}

static const test_case_t cases[] = {
    {"grown", grown},
    {"kept_by_its_last_cursor", kept_by_its_last_cursor},
    {"grown_by_whole_windows", grown_by_whole_windows},
    {"grown_from_nothing", grown_from_nothing},
    {"grown_in_static_mode", grown_in_static_mode},
    {"new_cursor_sees_growth", new_cursor_sees_growth},
    {"new_cursor_cannot_measure", new_cursor_cannot_measure},
    {"grown_while_closed", grown_while_closed},
    {"truncated", truncated},
    {"truncated_in_the_window", truncated_in_the_window},
    {"truncated_below_a_range", truncated_below_a_range},
    {"truncated_and_refreshed", truncated_and_refreshed},
    {"cut_below_a_buffer", cut_below_a_buffer},
    {"cut_while_nobody_looks", cut_while_nobody_looks},
    {"cut_and_written_again", cut_and_written_again},
    {"cut_before_it_is_mapped", cut_before_it_is_mapped},
    {NULL, NULL}};

const test_module_t test_resized = {"resized", cases};
