/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cursor.h: moving on a file, and what a cursor shows. Copies and cursors that
 * share a file are in test_share.c, files that change in test_stale.c, bad files
 * in test_input.c.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

static void fresh(void)
{
    smmap_cursor_t *cursor;

    begin_windows(2);
    cursor = cursor_open(manager, file.path);
    CHECK(cursor_is_empty(cursor));
    CHECK(smmap_cursor_is_associated(cursor));
    CHECK_NUMBER(smmap_cursor_file_size(cursor), file.size);
    CHECK(strcmp(smmap_cursor_path(cursor), file.path) == 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_NUMBER(manager_stats(manager).cursors, 1);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    /* Releasing nothing is fine, as often as one likes. */
    smmap_cursor_release(cursor);
    smmap_cursor_release(cursor);
    CHECK(cursor_is_empty(cursor));
    smmap_cursor_close(cursor);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
}

static void null_cursor(void)
{
    smmap_cursor_release(NULL);
    smmap_cursor_close(NULL);
    CHECK(!smmap_cursor_is_valid(NULL));
    CHECK(!smmap_cursor_is_associated(NULL));
    CHECK(smmap_cursor_data(NULL) == NULL);
    CHECK_NUMBER(smmap_cursor_offset(NULL), 0);
    CHECK_NUMBER(smmap_cursor_size(NULL), 0);
    CHECK_NUMBER(smmap_cursor_end(NULL), 0);
    CHECK(!smmap_cursor_includes(NULL, 0));
    CHECK_NUMBER(smmap_cursor_region_begin(NULL), 0);
    CHECK_NUMBER(smmap_cursor_region_size(NULL), 0);
    CHECK_NUMBER(smmap_cursor_region_clients(NULL), 0);
    CHECK_NUMBER(smmap_cursor_file_size(NULL), 0);
    CHECK(smmap_cursor_path(NULL) == NULL);
}

static void use(void)
{
    smmap_cursor_t *cursor;

    begin_windows(4);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, at_window(1) + 10, 20));
    CHECK(smmap_cursor_is_valid(cursor));
    CHECK_NUMBER(smmap_cursor_offset(cursor), at_window(1) + 10);
    CHECK_NUMBER(smmap_cursor_size(cursor), 20);
    CHECK_NUMBER(smmap_cursor_end(cursor), at_window(1) + 30);
    CHECK_NUMBER(smmap_cursor_region_begin(cursor), at_window(1));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), unit);
    CHECK_NUMBER(smmap_cursor_region_clients(cursor), 1);
    CHECK(cursor_shows(cursor, &file));
    CHECK(region_shows(cursor, &file));

    /* Without a size, and with one that is too large: to the end of the window. */
    NEED_OK(smmap_cursor_use(cursor, at_window(1) + 10, 0));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit - 10);
    CHECK_NUMBER(smmap_cursor_end(cursor), at_window(2));
    NEED_OK(smmap_cursor_use(cursor, at_window(1) + 10, 10 * unit));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit - 10);
    NEED_OK(smmap_cursor_use(cursor, at_window(1) + 10, SIZE_MAX_));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit - 10);
    CHECK(cursor_shows(cursor, &file));

    /* The last window ends with the file. */
    NEED_OK(smmap_cursor_use(cursor, at_window(4), 0));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), 123);
    CHECK_NUMBER(smmap_cursor_size(cursor), 123);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)file.size - 1, 77));
    CHECK_NUMBER(smmap_cursor_size(cursor), 1);
    CHECK(cursor_shows(cursor, &file));
}

static void use_static(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursor;

    begin_windows(4);
    options.mode = SMMAP_MODE_STATIC;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, at_window(2) + 5, 0));
    CHECK_NUMBER(smmap_cursor_region_begin(cursor), 0);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), file.size);
    CHECK_NUMBER(smmap_cursor_offset(cursor), at_window(2) + 5);
    CHECK_NUMBER(smmap_cursor_end(cursor), file.size);
    CHECK(cursor_shows(cursor, &file));
    CHECK(region_shows(cursor, &file));
    NEED_OK(smmap_cursor_use(cursor, 3, 4));
    CHECK_NUMBER(smmap_cursor_size(cursor), 4);
    NEED_OK(smmap_cursor_require(cursor, 1, file.size - 1));
    CHECK_NUMBER(smmap_cursor_size(cursor), file.size - 1);
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
}

static void use_outside(void)
{
    static const apr_off_t negative[] = {-1, -4096, -OFFSET_MAX, -OFFSET_MAX - 1};
    smmap_cursor_t *cursor;
    apr_off_t past[5];
    smmap_stats_t before;
    smmap_stats_t after;
    apr_size_t i;

    begin_windows(2);
    past[0] = (apr_off_t)file.size;
    past[1] = (apr_off_t)file.size + 1;
    past[2] = at_window(100);
    past[3] = OFFSET_MAX - 1;
    past[4] = OFFSET_MAX;
    cursor = cursor_open(manager, file.path);
    for (i = 0; i < 5; i++) {
        NEED_OK(smmap_cursor_use(cursor, 7, 7));
        before = manager_stats(manager);
        CHECK_STATUS(smmap_cursor_use(cursor, past[i], 0), APR_EOF);
        CHECK(cursor_is_empty(cursor));
        CHECK_STATUS(smmap_cursor_use(cursor, past[i], SIZE_MAX_), APR_EOF);
        CHECK(smmap_cursor_is_associated(cursor));
        after = manager_stats(manager);
        CHECK_NUMBER(after.maps, before.maps);
        CHECK_NUMBER(after.regions, before.regions);
    }
    for (i = 0; i < 4; i++) {
        NEED_OK(smmap_cursor_use(cursor, 7, 7));
        CHECK_STATUS(smmap_cursor_use(cursor, negative[i], 5), APR_EINVAL);
        CHECK(cursor_is_empty(cursor));
        NEED_OK(smmap_cursor_use(cursor, 7, 7));
        CHECK_STATUS(smmap_cursor_require(cursor, negative[i], 5), APR_EINVAL);
        CHECK(cursor_is_empty(cursor));
    }
    CHECK_STATUS(smmap_cursor_use(NULL, 0, 0), APR_EINVAL);
    NEED_OK(smmap_cursor_use(cursor, 7, 7));
    CHECK(cursor_shows(cursor, &file));
}

static void require_in_a_window(void)
{
    smmap_cursor_t *cursor;
    smmap_stats_t stats;

    begin_windows(4);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, at_window(1), 0));
    /* All in one window: that window it is. */
    NEED_OK(smmap_cursor_require(cursor, at_window(1) + 1, unit - 1));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit - 1);
    CHECK_NUMBER(smmap_cursor_offset(cursor), at_window(1) + 1);
    CHECK_NUMBER(smmap_cursor_region_begin(cursor), at_window(1));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), unit);
    CHECK(cursor_shows(cursor, &file));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.maps, 1);
    CHECK_NUMBER(stats.regions, 1);
}

static void require_across(void)
{
    smmap_cursor_t *cursor;
    smmap_cursor_t *other;
    apr_off_t end;

    begin_windows(6);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_require(cursor, at_window(2) - 3, 7));
    CHECK_NUMBER(smmap_cursor_offset(cursor), at_window(2) - 3);
    CHECK_NUMBER(smmap_cursor_size(cursor), 7);
    end = smmap_cursor_region_begin(cursor) + (apr_off_t)smmap_cursor_region_size(cursor);
    CHECK(smmap_cursor_region_begin(cursor) <= at_window(2) - 3 && end >= at_window(2) + 4);
    CHECK(cursor_shows(cursor, &file));
    CHECK(region_shows(cursor, &file));
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    counts_check();

    /* The same again is found again. */
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_require(other, at_window(2) - 3, 7));
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(smmap_cursor_region_clients(other), 2);
    CHECK(smmap_cursor_data(other) == smmap_cursor_data(cursor));

    /* More than a window, then everything. */
    NEED_OK(smmap_cursor_require(cursor, 1, 3 * unit));
    CHECK_NUMBER(smmap_cursor_size(cursor), 3 * unit);
    CHECK(cursor_shows(cursor, &file));
    NEED_OK(smmap_cursor_require(cursor, 0, file.size));
    CHECK_NUMBER(smmap_cursor_size(cursor), file.size);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), file.size);
    CHECK(cursor_shows(cursor, &file));
    CHECK(cursor_shows(other, &file));
    /* And across the last, short window. */
    NEED_OK(smmap_cursor_require(cursor, at_window(6) - 1, 124));
    CHECK_NUMBER(smmap_cursor_end(cursor), file.size);
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

static void require_outside(void)
{
    smmap_cursor_t *cursor;

    begin_windows(2);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_STATUS(smmap_cursor_require(NULL, 0, 1), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_require(cursor, 0, 0), APR_EINVAL);
    CHECK(cursor_is_empty(cursor));
    CHECK_STATUS(smmap_cursor_require(cursor, 0, file.size + 1), APR_EOF);
    CHECK_STATUS(smmap_cursor_require(cursor, 1, file.size), APR_EOF);
    CHECK_STATUS(smmap_cursor_require(cursor, (apr_off_t)file.size - 1, 2), APR_EOF);
    CHECK_STATUS(smmap_cursor_require(cursor, (apr_off_t)file.size, 1), APR_EOF);
    CHECK_STATUS(smmap_cursor_require(cursor, OFFSET_MAX - 10, 10), APR_EOF);
    /* The sum is no offset any more. */
    CHECK_STATUS(smmap_cursor_require(cursor, OFFSET_MAX, 1), SMMAP_ETOOLARGE);
    CHECK_STATUS(smmap_cursor_require(cursor, OFFSET_MAX - 10, 11), SMMAP_ETOOLARGE);
    CHECK_STATUS(smmap_cursor_require(cursor, OFFSET_MAX, SIZE_MAX_), SMMAP_ETOOLARGE);
    /* A 64-bit size may be too large by itself. */
    CHECK_STATUS(smmap_cursor_require(cursor, 1, SIZE_MAX_),
                 smmap_is_64bit() ? SMMAP_ETOOLARGE : APR_EOF);
    CHECK(cursor_is_empty(cursor));
    CHECK(smmap_cursor_is_associated(cursor));
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)file.size - 1, 1));
    CHECK(cursor_shows(cursor, &file));
}

static void at(void)
{
    smmap_cursor_t *cursor;
    apr_size_t bad = 0;
    apr_off_t offset;

    begin_windows(3);
    cursor = cursor_open(manager, file.path);
    CHECK(smmap_cursor_at(cursor, 0) == NULL);
    NEED_OK(smmap_cursor_use(cursor, at_window(1) + 50, 10));
    /* The whole region, not just what was asked for. */
    for (offset = 0; offset < (apr_off_t)file.size; offset += 1 + (apr_off_t)random_below(50)) {
        const unsigned char *byte = smmap_cursor_at(cursor, offset);

        if (offset >= at_window(1) && offset < at_window(2)) {
            bad += byte == NULL || *byte != file.data[offset];
        } else {
            bad += byte != NULL;
        }
    }
    CHECK_NUMBER(bad, 0);
    CHECK(smmap_cursor_at(cursor, at_window(1)) != NULL);
    CHECK(smmap_cursor_at(cursor, at_window(1) - 1) == NULL);
    CHECK(smmap_cursor_at(cursor, at_window(2) - 1) != NULL);
    CHECK(smmap_cursor_at(cursor, at_window(2)) == NULL);
    CHECK(smmap_cursor_at(cursor, -1) == NULL);
    CHECK(smmap_cursor_at(cursor, -OFFSET_MAX - 1) == NULL);
    CHECK(smmap_cursor_at(cursor, OFFSET_MAX) == NULL);
    smmap_cursor_release(cursor);
    CHECK(smmap_cursor_at(cursor, at_window(1)) == NULL);
    /* The first window: an offset below it is negative. */
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(smmap_cursor_at(cursor, -1) == NULL);
    CHECK(smmap_cursor_at(cursor, -OFFSET_MAX - 1) == NULL);
    CHECK(smmap_cursor_at(cursor, 0) == smmap_cursor_data(cursor));
}

static void includes(void)
{
    smmap_cursor_t *cursor;

    begin_windows(2);
    cursor = cursor_open(manager, file.path);
    CHECK(!smmap_cursor_includes(cursor, 0));
    NEED_OK(smmap_cursor_use(cursor, 100, 50));
    CHECK(smmap_cursor_includes(cursor, 100));
    CHECK(smmap_cursor_includes(cursor, 149));
    CHECK(!smmap_cursor_includes(cursor, 99));
    CHECK(!smmap_cursor_includes(cursor, 150));
    CHECK(!smmap_cursor_includes(cursor, -1));
    CHECK(!smmap_cursor_includes(cursor, OFFSET_MAX));
}

static void release_and_clients(void)
{
    smmap_cursor_t *one;
    smmap_cursor_t *two;
    smmap_stats_t stats;

    begin_windows(2);
    one = cursor_open(manager, file.path);
    two = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(one, 0, 10));
    NEED_OK(smmap_cursor_use(two, 20, 10));
    CHECK_NUMBER(smmap_cursor_region_clients(one), 2);
    CHECK_NUMBER(smmap_cursor_region_clients(two), 2);
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.pinned_regions, 1);
    CHECK_NUMBER(stats.pinned_bytes, unit);
    CHECK_NUMBER(stats.hits, 1);
    CHECK_NUMBER(stats.misses, 1);
    smmap_cursor_release(one);
    CHECK(cursor_is_empty(one));
    CHECK(smmap_cursor_is_associated(one));
    CHECK_NUMBER(smmap_cursor_region_clients(two), 1);
    NEED_OK(smmap_cursor_use(two, at_window(1), 10));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.pinned_regions, 1);
    CHECK_NUMBER(stats.regions, 2);
    smmap_cursor_close(two);
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.pinned_regions, 0);
    CHECK_NUMBER(stats.pinned_bytes, 0);
    CHECK_NUMBER(stats.regions, 2);
    NEED_OK(smmap_cursor_use(one, 0, 10));
    CHECK_NUMBER(manager_stats(manager).hits, 2);
}

static void resident(void)
{
    smmap_cursor_t *cursor;
    apr_size_t bytes = 77;
    apr_status_t status;
    apr_size_t sum = 0;
    apr_size_t i;

    begin_windows(3);
    cursor = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_resident(cursor, &bytes), SMMAP_ENOWINDOW);
    CHECK_STATUS(smmap_cursor_resident(NULL, &bytes), APR_EINVAL);
    NEED_OK(smmap_cursor_require(cursor, 10, 2 * unit));
    CHECK_STATUS(smmap_cursor_resident(cursor, NULL), APR_EINVAL);
    CHECK_NUMBER(bytes, 77);
    CHECK(region_shows(cursor, &file)); /* touches all of it */
    status = smmap_cursor_resident(cursor, &bytes);
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        test_skip("this system cannot say what is in memory");
        return;
    }
    CHECK_OK(status);
    CHECK_NUMBER(bytes, smmap_cursor_region_size(cursor));
    /* The last window has a part of a page. */
    NEED_OK(smmap_cursor_use(cursor, at_window(3), 0));
    for (i = 0; i < smmap_cursor_size(cursor); i++) {
        sum += smmap_cursor_data(cursor)[i];
    }
    CHECK(sum > 0);
    CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    CHECK_NUMBER(bytes, 123);
}

static void resident_in_part(void)
{
    smmap_cursor_t *cursor;
    apr_size_t page = smmap_page_size();
    apr_size_t bytes = 0;
    apr_size_t pages;
    apr_size_t absent;

    NEEDS_FAKE();
    begin_windows(40);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_require(cursor, 0, file.size));
    pages = (file.size + page - 1) / page; /* the last of them has 123 bytes */
    fake_set_absent(3);
    absent = (pages + 2) / 3;
    CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    if ((pages - 1) % 3 == 0) {
        CHECK_NUMBER(bytes, file.size - (absent - 1) * page - 123);
    } else {
        CHECK_NUMBER(bytes, file.size - absent * page);
    }
    fake_set_absent(1);
    CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    CHECK_NUMBER(bytes, 0);
    fake_fail(FAKE_RESIDENCY, 1, APR_ENOTIMPL);
    bytes = 77;
    CHECK_STATUS(smmap_cursor_resident(cursor, &bytes), APR_ENOTIMPL);
    CHECK_NUMBER(bytes, 77);
    CHECK(smmap_cursor_is_valid(cursor));
}

static void random_moves(void)
{
    smmap_cursor_t *cursors[5];
    apr_size_t rounds = test_count(2000);
    apr_size_t bad = 0;
    apr_size_t i;

    begin_windows(40);
    manager = manager_sliding(3 * unit, 12 * unit, 0, SMMAP_LIMITS_SOFT);
    for (i = 0; i < 5; i++) {
        cursors[i] = cursor_open(manager, file.path);
    }
    for (i = 0; i < rounds; i++) {
        smmap_cursor_t *cursor = cursors[random_below(5)];
        apr_size_t offset = (apr_size_t)random_below(file.size);
        apr_size_t left = file.size - offset;
        apr_size_t size = (apr_size_t)random_below(2 * unit) + 1;

        switch (random_below(8)) {
        case 0:
            smmap_cursor_release(cursor);
            bad += smmap_cursor_is_valid(cursor) != 0;
            break;
        case 1:
            size = size < left ? size : left;
            bad += smmap_cursor_require(cursor, (apr_off_t)offset, size) != APR_SUCCESS;
            bad += smmap_cursor_size(cursor) != size;
            break;
        case 2:
            bad += smmap_cursor_assign(cursor, cursors[random_below(5)]) != APR_SUCCESS;
            break;
        default:
            bad += smmap_cursor_use(cursor, (apr_off_t)offset, size) != APR_SUCCESS;
            bad += smmap_cursor_offset(cursor) != (apr_off_t)offset;
            bad += smmap_cursor_size(cursor) > size || smmap_cursor_size(cursor) == 0;
            break;
        }
        bad += smmap_cursor_is_valid(cursor) && !cursor_shows(cursor, &file);
    }
    CHECK_NUMBER(bad, 0);
    counts_check();
}

static const test_case_t cases[] = {{"fresh", fresh},
                                    {"null_cursor", null_cursor},
                                    {"use", use},
                                    {"use_static", use_static},
                                    {"use_outside", use_outside},
                                    {"require_in_a_window", require_in_a_window},
                                    {"require_across", require_across},
                                    {"require_outside", require_outside},
                                    {"at", at},
                                    {"includes", includes},
                                    {"release_and_clients", release_and_clients},
                                    {"resident", resident},
                                    {"resident_in_part", resident_in_part},
                                    {"random_moves", random_moves},
                                    {NULL, NULL}};

const test_module_t test_cursor = {"cursor", cases};
