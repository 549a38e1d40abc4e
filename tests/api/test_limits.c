/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits: soft ones are passed when everything is pinned, hard ones never. Bytes,
 * regions and open files; what is counted. How room is made and waited for is in test_room.c,
 * which windows are evicted in test_policy.c, what happens when the system itself refuses in
 * test_refused.c.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

static void soft_is_passed(void)
{
    smmap_cursor_t *pinned[6];
    smmap_stats_t stats;
    apr_size_t i;

    begin_limited(3, 0, SMMAP_LIMITS_SOFT);
    for (i = 0; i < 6; i++) {
        pinned[i] = window_pin(i);
    }
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.over_limit, 3);
    CHECK_NUMBER(stats.regions, 6);
    CHECK_NUMBER(stats.mapped_bytes, 6 * unit);
    CHECK_NUMBER(stats.pinned_bytes, 6 * unit);
    CHECK_NUMBER(stats.evictions, 0);
    CHECK_NUMBER(stats.limit_failures, 0);
    for (i = 0; i < 6; i++) {
        CHECK(region_shows(pinned[i], &file));
        smmap_cursor_release(pinned[i]);
    }
    /* The next miss goes back below the limit. */
    window_touch(10);
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.mapped_bytes, 3 * unit);
    CHECK_NUMBER(stats.evictions, 4);
    CHECK_NUMBER(stats.over_limit, 3);
    CHECK_NUMBER(stats.peak_mapped_bytes, 6 * unit);
}

static void soft_regions(void)
{
    smmap_cursor_t *pinned[3];
    apr_size_t i;

    begin_limited(0, 2, SMMAP_LIMITS_SOFT);
    for (i = 0; i < 3; i++) {
        pinned[i] = window_pin(i);
    }
    CHECK_NUMBER(manager_stats(manager).over_limit, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 3);
    for (i = 0; i < 3; i++) {
        CHECK(region_shows(pinned[i], &file));
        smmap_cursor_release(pinned[i]);
    }
    window_touch(3);
    CHECK_NUMBER(manager_stats(manager).regions, 2);
}

/* Hard limits: everything is pinned, so the next one fails; with one pin less it does not. */
static void hard(apr_size_t bytes, apr_size_t regions, apr_status_t expected)
{
    smmap_cursor_t *pinned[3];
    smmap_cursor_t *late;
    smmap_stats_t stats;
    apr_size_t i;

    begin_limited(bytes, regions, SMMAP_LIMITS_HARD);
    for (i = 0; i < 3; i++) {
        pinned[i] = window_pin(i);
    }
    late = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_use(late, (apr_off_t)(5 * unit), 0), expected);
    CHECK(!smmap_cursor_is_valid(late) && smmap_cursor_is_associated(late));
    CHECK_STATUS(smmap_cursor_require(late, (apr_off_t)(5 * unit), 3), expected);
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.limit_failures, 2);
    CHECK_NUMBER(stats.over_limit, 0);
    CHECK_NUMBER(stats.regions, 3);
    CHECK_NUMBER(stats.mapped_bytes, 3 * unit);
    CHECK_NUMBER(stats.map_failures, 0);
    counts_check();
    /* What is mapped can be used. */
    NEED_OK(smmap_cursor_use(late, (apr_off_t)unit, 0));
    CHECK(cursor_shows(late, &file));
    smmap_cursor_release(late);
    smmap_cursor_release(pinned[1]);
    NEED_OK(smmap_cursor_use(late, (apr_off_t)(5 * unit), 0));
    CHECK(cursor_shows(late, &file));
    CHECK(region_shows(pinned[0], &file));
    CHECK(region_shows(pinned[2], &file));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.regions, 3);
    CHECK_NUMBER(stats.evictions, 1);
    counts_check();
}

static void hard_bytes(void)
{
    hard(3, 0, SMMAP_ELIMIT_BYTES);
}

static void hard_regions(void)
{
    hard(0, 3, SMMAP_ELIMIT_REGIONS);
}

/* A copy needs no window, so a limit refuses none. */
static void hard_and_copies(void)
{
    unsigned char bytes[100];
    smmap_cursor_t *reader;
    apr_size_t bad = 0;
    apr_size_t got;
    apr_size_t i;

    begin_limited(1, 0, SMMAP_LIMITS_HARD);
    window_pin(3);
    reader = cursor_open(manager, file.path);
    for (i = 0; i < 400; i++) {
        bad += smmap_cursor_read(reader, (apr_off_t)(5 * unit + i), bytes, sizeof bytes, &got) !=
                   APR_SUCCESS ||
               got != sizeof bytes || memcmp(bytes, file.data + 5 * unit + i, got) != 0;
    }
    CHECK_NUMBER(bad, 0);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 400);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 0);
    CHECK_NUMBER(manager_stats(manager).maps, 1);
    CHECK_STATUS(smmap_cursor_use(reader, (apr_off_t)(5 * unit), 0), SMMAP_ELIMIT_BYTES);
    counts_check();
}

/* One window cannot be unmapped, now. Another can. */
static void hard_and_a_refused_unmap(void)
{
    apr_size_t i;

    NEEDS_FAKE();
    begin_limited(4, 0, SMMAP_LIMITS_HARD);
    for (i = 0; i < 4; i++) {
        window_touch(i);
    }
    fake_fail(FAKE_UNMAP, 1, APR_ENOMEM);
    window_costs(4, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 4);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 0);
    /* It is tried again when room is wanted the next time. */
    window_costs(5, 0);
    CHECK_NUMBER(manager_stats(manager).evictions, 2);
    counts_check();
    /* None can. */
    fake_fail_from(FAKE_UNMAP, 1, APR_ENOMEM);
    CHECK_STATUS(smmap_cursor_use(mover, (apr_off_t)(6 * unit), 0), SMMAP_ELIMIT_BYTES);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 1);
    fake_fail_none();
    window_touch(6);
    counts_check();
}

static void to_the_brim(void)
{
    /* A limit may be reached, in one piece as well. */
    begin_limited(4, 0, SMMAP_LIMITS_HARD);
    window_touch(9);
    NEED_OK(smmap_cursor_require(mover, (apr_off_t)unit, 4 * unit));
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 4 * unit);
    CHECK_STATUS(smmap_cursor_require(mover, (apr_off_t)unit, 4 * unit + 1), SMMAP_ELIMIT_BYTES);
    counts_check();
}

static void odd_limit(void)
{
    /* Not a multiple of the window: the rest is of no use, and stays unused. */
    unit = smmap_granularity();
    file = file_make("file", 24 * unit);
    manager = manager_sliding(unit, 3 * unit + unit - 1, 0, SMMAP_LIMITS_HARD);
    mover = cursor_open(manager, file.path);
    window_touch(0);
    window_touch(1);
    window_touch(2);
    window_touch(3);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 3 * unit);
    CHECK_NUMBER(manager_stats(manager).evictions, 1);
}

static void static_mode(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *one;
    smmap_cursor_t *two;
    test_file_t small;
    test_file_t large;

    unit = smmap_granularity();
    small = file_make("small", 2 * unit);
    large = file_make("large", 3 * unit + 5);
    options.mode = SMMAP_MODE_STATIC;
    options.limits = SMMAP_LIMITS_HARD;
    options.max_mapped_bytes = 3 * unit;
    manager = manager_make(&options);
    one = cursor_open(manager, small.path);
    two = cursor_open(manager, large.path);
    NEED_OK(smmap_cursor_use(one, 0, 0));
    CHECK_STATUS(smmap_cursor_use(two, 0, 0), SMMAP_ELIMIT_BYTES);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 1);
    CHECK(cursor_shows(one, &small));
    counts_check();

    options.limits = SMMAP_LIMITS_SOFT;
    manager = manager_make(&options);
    one = cursor_open(manager, small.path);
    two = cursor_open(manager, large.path);
    NEED_OK(smmap_cursor_use(one, 0, 0));
    smmap_cursor_release(one);
    NEED_OK(smmap_cursor_use(two, 0, 0));
    CHECK(cursor_shows(two, &large));
    CHECK_NUMBER(manager_stats(manager).over_limit, 1);
    CHECK_NUMBER(manager_stats(manager).evictions, 1);
    NEED_OK(smmap_cursor_use(one, 0, 0));
    CHECK(cursor_shows(one, &small));
    counts_check();
}

/*
 * Open files. A file keeps its handle while the limit allows it; the one that was
 * used least recently is closed first, and opened again when it is needed.
 */

static smmap_cursor_t *in_files[4];
static test_file_t files[4];

static void begin_files(apr_size_t most, smmap_limits_t limits)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    int i;

    unit = smmap_granularity();
    fake_set_birth(1); /* so that a file is known again after it was closed */
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = limits;
    options.window_size = unit;
    options.max_open_files = most;
    manager = manager_make(&options);
    for (i = 0; i < 4; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        files[i] = file_make(name, 10 * unit);
    }
}

/* Move to a window that is not mapped, which needs the file's handle: how many are opened? */
static int opens_for(int number, apr_size_t window)
{
    apr_uint64_t before = manager_stats(manager).opens;

    NEED_OK(smmap_cursor_use(in_files[number], (apr_off_t)(window * unit), 0));
    CHECK(cursor_shows(in_files[number], &files[number]));
    smmap_cursor_release(in_files[number]);
    return (int)(manager_stats(manager).opens - before);
}

static void default_open_files(void)
{
    NEEDS_FAKE();
    fake_set_max_open_files(1000);
    manager = manager_make(NULL);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 250);
    fake_set_max_open_files(100000);
    manager = manager_make(NULL);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 1024);
    fake_set_max_open_files(17);
    manager = manager_make(NULL);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 8);
    fake_set_max_open_files(4);
    manager = manager_make(NULL);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 8);
    fake_set_max_open_files(0);
    manager = manager_make(NULL);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 1024);
}

static void handles_by_last_use(void)
{
    begin_files(2, SMMAP_LIMITS_SOFT);
    in_files[0] = cursor_open(manager, files[0].path);
    in_files[1] = cursor_open(manager, files[1].path);
    CHECK_NUMBER(opens_for(0, 0), 0);
    in_files[2] = cursor_open(manager, files[2].path); /* closes 1 */
    CHECK_NUMBER(smmap_manager_open_files(manager), 2);
    CHECK_NUMBER(opens_for(0, 1), 0);
    CHECK_NUMBER(opens_for(1, 0), 1); /* closes 2 */
    CHECK_NUMBER(opens_for(0, 2), 0);
    CHECK_NUMBER(opens_for(1, 1), 0);
    CHECK_NUMBER(opens_for(2, 0), 1); /* closes 0 */
    CHECK_NUMBER(opens_for(1, 2), 0);
    CHECK_NUMBER(opens_for(0, 3), 1);
    /* A hit needs no handle. */
    CHECK_NUMBER(opens_for(2, 0), 0);
    CHECK_NUMBER(manager_stats(manager).peak_open_files, 2);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
    CHECK_NUMBER(manager_stats(manager).files, 3);
    counts_check();
}

static void one_handle(void)
{
    apr_size_t round;
    int i;

    begin_files(1, SMMAP_LIMITS_HARD);
    for (i = 0; i < 4; i++) {
        in_files[i] = cursor_open(manager, files[i].path);
    }
    for (round = 0; round < 10; round++) {
        for (i = 0; i < 4; i++) {
            CHECK_NUMBER(opens_for(i, round), 1);
            CHECK_NUMBER(smmap_manager_open_files(manager), 1);
        }
    }
    CHECK_NUMBER(manager_stats(manager).peak_open_files, 1);
    counts_check();
}

static smmap_cursor_t *by_handle(int number, apr_status_t expected)
{
    smmap_cursor_t *cursor = NULL;
    apr_os_file_t fd = file_open(files[number].path);

    CHECK_STATUS(smmap_cursor_open_handle(&cursor, manager, fd, test_pool), expected);
    CHECK((cursor == NULL) == (expected != APR_SUCCESS));
    file_close(fd);
    return cursor;
}

static void hard_files(void)
{
    smmap_cursor_t *kept[2];
    smmap_cursor_t *cursor = NULL;

    begin_files(2, SMMAP_LIMITS_HARD);
    /* What was opened by handle cannot be opened again, so it is not closed. */
    kept[0] = by_handle(0, APR_SUCCESS);
    kept[1] = by_handle(1, APR_SUCCESS);
    CHECK_STATUS(smmap_cursor_open(&cursor, manager, files[2].path, test_pool),
                 SMMAP_ELIMIT_FILES);
    CHECK(cursor == NULL);
    by_handle(2, SMMAP_ELIMIT_FILES);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 2);
    CHECK_NUMBER(manager_stats(manager).cursors, 2);
    CHECK_NUMBER(manager_stats(manager).files, 2);
    CHECK_NUMBER(smmap_manager_open_files(manager), 2);
    counts_check();
    NEED_OK(smmap_cursor_use(kept[0], 5, 0));
    CHECK(cursor_shows(kept[0], &files[0]));
    /* One less: its handle may go. */
    smmap_cursor_close(kept[1]);
    cursor = cursor_open(manager, files[2].path);
    NEED_OK(smmap_cursor_use(cursor, 5, 0));
    CHECK(cursor_shows(cursor, &files[2]));
    CHECK_NUMBER(manager_stats(manager).peak_open_files, 2);
    counts_check();
}

static void soft_files(void)
{
    smmap_cursor_t *cursor;

    begin_files(2, SMMAP_LIMITS_SOFT);
    by_handle(0, APR_SUCCESS);
    by_handle(1, APR_SUCCESS);
    by_handle(2, APR_SUCCESS);
    CHECK_NUMBER(smmap_manager_open_files(manager), 3);
    CHECK_NUMBER(manager_stats(manager).over_limit, 1);
    cursor = cursor_open(manager, files[3].path);
    CHECK_NUMBER(manager_stats(manager).over_limit, 2);
    NEED_OK(smmap_cursor_use(cursor, 5, 0));
    CHECK(cursor_shows(cursor, &files[3]));
    counts_check();
}

static void handles_by_path_and_handle(void)
{
    smmap_cursor_t *kept;

    begin_files(1, SMMAP_LIMITS_HARD);
    /* The same file by path: opening needs a handle of its own, if only for a moment. */
    kept = by_handle(0, APR_SUCCESS);
    CHECK_STATUS(smmap_cursor_open(&in_files[0], manager, files[0].path, test_pool),
                 SMMAP_ELIMIT_FILES);
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    smmap_cursor_close(kept);
    in_files[0] = cursor_open(manager, files[0].path);
    CHECK_NUMBER(opens_for(0, 0), 0);
    in_files[1] = cursor_open(manager, files[1].path);
    CHECK_NUMBER(opens_for(1, 0), 0);
    CHECK_NUMBER(opens_for(0, 1), 1);
    counts_check();
}

/* Never more than a hard limit, whatever is asked for. */
static void hard_at_random(void)
{
    smmap_cursor_t *cursors[6];
    apr_size_t rounds = test_count(1000);
    apr_size_t refused = 0;
    apr_size_t bad = 0;
    apr_size_t i;

    begin_limited(5, 4, SMMAP_LIMITS_HARD);
    for (i = 0; i < 6; i++) {
        cursors[i] = cursor_open(manager, file.path);
    }
    for (i = 0; i < rounds; i++) {
        smmap_cursor_t *cursor = cursors[random_below(6)];
        apr_size_t offset = (apr_size_t)random_below(file.size);
        apr_size_t size = 1 + (apr_size_t)random_below(3 * unit);
        apr_status_t status;

        size = size < file.size - offset ? size : file.size - offset;
        if (random_below(3) == 0) {
            smmap_cursor_release(cursor);
            continue;
        }
        status = random_below(2) ? smmap_cursor_use(cursor, (apr_off_t)offset, size)
                                 : smmap_cursor_require(cursor, (apr_off_t)offset, size);
        if (status == APR_SUCCESS) {
            bad += !cursor_shows(cursor, &file);
        } else {
            refused++;
            bad += status != SMMAP_ELIMIT_BYTES && status != SMMAP_ELIMIT_REGIONS;
            bad += smmap_cursor_is_valid(cursor) != 0;
        }
        bad += smmap_manager_mapped_bytes(manager) > 5 * unit;
        bad += smmap_manager_regions(manager) > 4;
    }
    CHECK_NUMBER(bad, 0);
    CHECK(refused > 0);
    CHECK_NUMBER(manager_stats(manager).limit_failures, refused);
    counts_check();
}

static const test_case_t cases[] = {{"soft_is_passed", soft_is_passed},
                                    {"soft_regions", soft_regions},
                                    {"hard_bytes", hard_bytes},
                                    {"hard_regions", hard_regions},
                                    {"hard_and_copies", hard_and_copies},
                                    {"hard_and_a_refused_unmap", hard_and_a_refused_unmap},
                                    {"to_the_brim", to_the_brim},
                                    {"odd_limit", odd_limit},
                                    {"static_mode", static_mode},
                                    {"default_open_files", default_open_files},
                                    {"handles_by_last_use", handles_by_last_use},
                                    {"one_handle", one_handle},
                                    {"hard_files", hard_files},
                                    {"soft_files", soft_files},
                                    {"handles_by_path_and_handle", handles_by_path_and_handle},
                                    {"hard_at_random", hard_at_random},
                                    {NULL, NULL}};

const test_module_t test_limits = {"limits", cases};
