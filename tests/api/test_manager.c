/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manager.h: options and their defaults, what a manager says about itself, and bad input. What
 * limits do is in test_limits.c, the end of a manager in test_lifetime.c.
 */
#include "tests/support/harness.h"

#include <stddef.h>
#include <string.h>

#include "tests/fake/backend.h"

#define GIB ((apr_uint64_t)1 << 30)
#define MIB ((apr_uint64_t)1 << 20)

static apr_off_t round_up(apr_uint64_t bytes)
{
    return smmap_align_up((apr_off_t)bytes, smmap_granularity());
}

static void defaults(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *with;
    smmap_manager_t *without;
    int wide = smmap_is_64bit();

    if (test_is_paranoid()) {
        test_skip("paranoid mode has defaults of its own: paranoid/defaults");
        return;
    }
    CHECK_NUMBER(options.struct_size, sizeof options);
    with = manager_make(&options);
    without = manager_make(NULL);
    CHECK_NUMBER(smmap_manager_mode(with), SMMAP_MODE_SLIDING);
    CHECK_NUMBER(smmap_manager_limits(with), SMMAP_LIMITS_SOFT);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(with), wide ? 8 * GIB : GIB);
    CHECK_NUMBER(smmap_manager_max_regions(with), 32768);
    CHECK(smmap_manager_max_open_files(with) >= 8);
    CHECK_NUMBER(smmap_manager_window_size(with), wide ? GIB : 64 * MIB);

    CHECK_NUMBER(smmap_manager_mode(without), smmap_manager_mode(with));
    CHECK_NUMBER(smmap_manager_limits(without), smmap_manager_limits(with));
    CHECK_NUMBER(smmap_manager_window_size(without), smmap_manager_window_size(with));
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(without), smmap_manager_max_mapped_bytes(with));
    CHECK_NUMBER(smmap_manager_max_regions(without), smmap_manager_max_regions(with));
    CHECK_NUMBER(smmap_manager_max_open_files(without), smmap_manager_max_open_files(with));
    options.struct_size = 0; /* as in one that is all zeroes */
    CHECK_NUMBER(smmap_manager_window_size(manager_make(&options)), wide ? GIB : 64 * MIB);
}

static void default_window(void)
{
    apr_size_t granularity = smmap_granularity();
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    apr_size_t i;

    if (test_is_paranoid()) {
        test_skip("paranoid mode has defaults of its own: paranoid/defaults");
        return;
    }
    options.mode = SMMAP_MODE_SLIDING;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_window_size(manager), smmap_is_64bit() ? GIB : 64 * MIB);

    /* At most an eighth of the limit, at least one granule, and whole granules. */
    for (i = 1; i <= 100; i += 9) {
        apr_size_t limit = i * granularity + (i % 2) * 17;
        apr_size_t window;

        options.max_mapped_bytes = limit;
        manager = manager_make(&options);
        window = smmap_manager_window_size(manager);
        CHECK(window > 0 && window % granularity == 0);
        CHECK(window == granularity || window <= limit / 8);
        CHECK(window + granularity > limit / 8);
        CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), limit);
    }
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_window_size(manager), smmap_is_64bit() ? GIB : 64 * MIB);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), SMMAP_UNLIMITED);
}

static void given_options(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    apr_size_t granularity = smmap_granularity();

    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = 3 * granularity;
    options.max_mapped_bytes = 100 * granularity + 5;
    options.max_regions = 77;
    options.max_open_files = 5;
    manager = manager_make(&options);
    memset(&options, 0xff, sizeof options); /* they were copied */
    CHECK_NUMBER(smmap_manager_mode(manager), SMMAP_MODE_SLIDING);
    CHECK_NUMBER(smmap_manager_limits(manager), SMMAP_LIMITS_HARD);
    CHECK_NUMBER(smmap_manager_window_size(manager), 3 * granularity);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), 100 * granularity + 5);
    CHECK_NUMBER(smmap_manager_max_regions(manager), 77);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 5);
}

static void unlimited(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;

    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = SMMAP_UNLIMITED;
    options.max_open_files = SMMAP_UNLIMITED;
    options.limits = SMMAP_LIMITS_HARD;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), SMMAP_UNLIMITED);
    CHECK_NUMBER(smmap_manager_max_regions(manager), SMMAP_UNLIMITED);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), SMMAP_UNLIMITED);
}

static void window_rounding(void)
{
    apr_size_t granularity = smmap_granularity();
    apr_size_t sizes[6];
    apr_size_t i;

    sizes[0] = 1;
    sizes[1] = granularity - 1;
    sizes[2] = granularity;
    sizes[3] = granularity + 1;
    sizes[4] = 10 * granularity - 1;
    sizes[5] = 12345678;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        smmap_manager_t *manager = manager_sliding(sizes[i], 0, 0, SMMAP_LIMITS_SOFT);

        CHECK_NUMBER(smmap_manager_window_size(manager), round_up(sizes[i]));
    }
}

static void window_too_large(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = SIZE_MAX_;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), SMMAP_ETOOLARGE);
    options.window_size = SIZE_MAX_ - smmap_granularity() + 2;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), SMMAP_ETOOLARGE);
    options.window_size = SMMAP_UNLIMITED / 2 - smmap_granularity() + 1;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), SMMAP_ETOOLARGE);
    CHECK(manager == NULL);
    options.window_size--; /* the greatest */
    CHECK_NUMBER(smmap_manager_window_size(manager_make(&options)), options.window_size + 1);
    /* It is for sliding mode alone. */
    options.mode = SMMAP_MODE_STATIC;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_window_size(manager), 0);
}

static void no_room_for_a_window(void)
{
    apr_size_t granularity = smmap_granularity();
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;

    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = 4 * granularity;
    options.max_mapped_bytes = 4 * granularity - 1;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), SMMAP_ELIMIT_BYTES);
    CHECK(manager == NULL);
    /* By default a window is one granule at least. */
    options.window_size = SMMAP_DEFAULT;
    options.max_mapped_bytes = granularity - 1;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), SMMAP_ELIMIT_BYTES);
    CHECK(manager == NULL);
    options.max_mapped_bytes = granularity;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_window_size(manager), granularity);
    /* Soft limits are passed. */
    options.limits = SMMAP_LIMITS_SOFT;
    options.window_size = 4 * granularity;
    options.max_mapped_bytes = 1;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), 1);
}

static void bad_input(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *untouched = (smmap_manager_t *)(void *)&options;
    smmap_manager_t *manager = untouched;

    CHECK_STATUS(smmap_manager_create(NULL, &options, test_pool), APR_EINVAL);
    options.limit_wait = -1;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    options.limit_wait = 0;
    options.mode = (smmap_mode_t)3;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    options.mode = (smmap_mode_t)77777;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    options.mode = SMMAP_MODE_AUTO;
    options.limits = (smmap_limits_t)8;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    options.limits = SMMAP_LIMITS_SOFT;
    options.struct_size = 1;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    /* A program that was built with newer headers asks for what is not known here. */
    options.struct_size = sizeof options + sizeof(apr_size_t);
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    options.struct_size = SIZE_MAX_;
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), APR_EINVAL);
    CHECK(manager == untouched);

    CHECK_STATUS(smmap_manager_collect(NULL, NULL), APR_EINVAL);
    CHECK_OK(smmap_manager_destroy(NULL));
}

static void fresh(void)
{
    smmap_manager_t *manager = manager_make(NULL);
    smmap_stats_t expected = SMMAP_STATS_INIT;
    smmap_stats_t stats = manager_stats(manager);
    apr_size_t count = 99;

    CHECK(memcmp(&stats, &expected, sizeof stats) == 0);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_NUMBER(smmap_manager_open_files(manager), 0);
    CHECK_OK(smmap_manager_collect(manager, &count));
    CHECK_NUMBER(count, 0);
    CHECK_OK(smmap_manager_collect(manager, NULL));
}

static void stats_input(void)
{
    static const apr_size_t sizes[] = {0, 1, sizeof(apr_size_t), offsetof(smmap_stats_t, hits),
                                       sizeof(smmap_stats_t) - 1, sizeof(smmap_stats_t) + 8,
                                       SIZE_MAX_};
    smmap_manager_t *manager = manager_make(NULL);
    test_file_t file = file_make("file", 100);
    smmap_stats_t stats = SMMAP_STATS_INIT;
    unsigned char room[sizeof(smmap_stats_t) + 64];
    apr_size_t i;
    apr_size_t j;

    NEED_OK(smmap_cursor_use(cursor_open(manager, file.path), 0, 0));
    CHECK_STATUS(smmap_manager_stats(NULL, &stats), APR_EINVAL);
    CHECK_STATUS(smmap_manager_stats(manager, NULL), APR_EINVAL);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        /* Whatever is made of the size: nothing is written behind it. */
        apr_size_t end = sizes[i] < sizeof room ? sizes[i] : sizeof room;
        apr_status_t status;
        apr_size_t written = 0;

        memset(room, 0xc3, sizeof room);
        memcpy(room, &sizes[i], sizeof sizes[i]);
        status = smmap_manager_stats(manager, (smmap_stats_t *)(void *)room);
        if (sizes[i] < offsetof(smmap_stats_t, hits) || sizes[i] > sizeof stats) {
            CHECK_STATUS(status, APR_EINVAL);
        }
        for (j = sizeof(apr_size_t); j < sizeof room; j++) {
            written += room[j] != 0xc3 && (status != APR_SUCCESS || j >= end);
        }
        CHECK_NUMBER(written, 0);
    }
}

static void collect(void)
{
    apr_size_t granularity = smmap_granularity();
    test_file_t file = file_make("file", 10 * granularity);
    smmap_manager_t *manager = manager_sliding(granularity, 0, 0, SMMAP_LIMITS_SOFT);
    smmap_cursor_t *pinning = cursor_open(manager, file.path);
    smmap_cursor_t *moving = cursor_open(manager, file.path);
    smmap_stats_t stats;
    apr_size_t count = 0;
    apr_size_t i;

    for (i = 0; i < 10; i++) {
        NEED_OK(smmap_cursor_use(moving, (apr_off_t)(i * granularity), 0));
    }
    NEED_OK(smmap_cursor_use(pinning, (apr_off_t)(3 * granularity), 0));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.regions, 10);
    CHECK_NUMBER(stats.pinned_regions, 2);
    CHECK_NUMBER(stats.pinned_bytes, 2 * granularity);
    counts_check();

    CHECK_OK(smmap_manager_collect(manager, &count));
    CHECK_NUMBER(count, 8);
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.regions, 2);
    CHECK_NUMBER(stats.unmaps, 8);
    CHECK_NUMBER(stats.mapped_bytes, 2 * granularity);
    /* The file stays known and open, the pinned windows readable. */
    CHECK_NUMBER(stats.files, 1);
    CHECK_NUMBER(stats.open_files, 1);
    CHECK_NUMBER(stats.cursors, 2);
    CHECK(cursor_shows(moving, &file));
    CHECK(cursor_shows(pinning, &file));
    counts_check();

    smmap_cursor_release(moving);
    smmap_cursor_release(pinning);
    CHECK_OK(smmap_manager_collect(manager, &count));
    CHECK_NUMBER(count, 2);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 0);
    NEED_OK(smmap_cursor_use(moving, 5, 0));
    CHECK(cursor_shows(moving, &file));
}

static void collect_tells_errors(void)
{
    apr_size_t granularity = smmap_granularity();
    test_file_t file = file_make("file", 4 * granularity);
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t count = 0;
    apr_size_t i;

    NEEDS_FAKE();
    manager = manager_sliding(granularity, 0, 0, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, file.path);
    for (i = 0; i < 4; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * granularity), 0));
    }
    smmap_cursor_release(cursor);
    fake_fail(FAKE_UNMAP, 2, APR_EBADF);
    CHECK_STATUS(smmap_manager_collect(manager, &count), APR_EBADF);
    /* What the system would not unmap is still mapped and counted, and tried again. */
    CHECK_NUMBER(count, 3);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), granularity);
    counts_check();
    CHECK_OK(smmap_manager_collect(manager, &count));
    CHECK_NUMBER(count, 1);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

/* Nor does it make room: a hard limit holds for what is really mapped. */
static void failed_unmap_makes_no_room(void)
{
    apr_size_t granularity = smmap_granularity();
    test_file_t file = file_make("file", 8 * granularity);
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t i;

    NEEDS_FAKE();
    manager = manager_sliding(granularity, 0, 2, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)granularity, 0));
    fake_fail_from(FAKE_UNMAP, 1, APR_ENOMEM);
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)(2 * granularity), 0), SMMAP_ELIMIT_REGIONS);
    CHECK_NUMBER(fake_live_mappings(), 2);
    CHECK_NUMBER(smmap_manager_regions(manager), 2);
    counts_check();
    fake_fail_none();
    for (i = 2; i < 8; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * granularity), 0));
        CHECK(region_shows(cursor, &file));
        CHECK(fake_live_mappings() <= 2);
        counts_check();
    }
}

static void apart(void)
{
    test_file_t file = file_make("file", 1000);
    smmap_manager_t *one = manager_make(NULL);
    smmap_manager_t *other = manager_make(NULL);
    smmap_cursor_t *cursor = cursor_open(one, file.path);

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(smmap_manager_regions(one), 1);
    CHECK_NUMBER(smmap_manager_regions(other), 0);
    CHECK_OK(manager_destroy(other));
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

/* The Python package's walk through both kinds of managers: by path and by handle, small
   windows, a look at the region behind each cursor, thousands of random moves. */
static void walk(smmap_mode_t mode, int by_handle)
{
    const apr_size_t size = 8 * 1024 * 1024 + 1234;
    test_file_t file = file_make(by_handle ? "handle" : "path", size);
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor = NULL;
    apr_size_t rounds = test_count(500);
    apr_size_t window;
    apr_size_t take;
    apr_size_t bad = 0;
    apr_size_t i;

    options.mode = mode;
    options.window_size = size / 100;
    options.max_mapped_bytes = size / 3;
    options.max_open_files = 15;
    manager = manager_make(&options);
    if (by_handle) {
        apr_os_file_t fd = file_open(file.path);

        NEED_OK(smmap_cursor_open_handle(&cursor, manager, fd, test_pool));
        CHECK(native_is_open(fd)); /* ours is still open */
        file_close(fd);
    } else {
        cursor = cursor_open(manager, file.path);
    }
    window = smmap_manager_window_size(manager);
    take = window / 2;
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    NEED_OK(smmap_cursor_use(cursor, 5000, take));
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), smmap_cursor_region_size(cursor));
    CHECK_NUMBER(smmap_cursor_offset(cursor), 5000);
    CHECK_NUMBER(smmap_cursor_region_begin(cursor), 0);
    CHECK_NUMBER(smmap_cursor_region_clients(cursor), 1);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), window != 0 ? window : size);
    CHECK(cursor_shows(cursor, &file));
    /* A second range of the same window. */
    NEED_OK(smmap_cursor_use(cursor, 0, window != 0 ? take : size - 10));
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(smmap_cursor_size(cursor), window != 0 ? take : size - 10);
    CHECK(cursor_shows(cursor, &file));
    /* At the end there is less than was wanted. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)size - 100, 4000));
    CHECK_NUMBER(smmap_cursor_size(cursor), 100);
    CHECK_NUMBER(smmap_manager_regions(manager), window != 0 ? 2 : 1);
    CHECK(smmap_cursor_region_begin(cursor) < smmap_cursor_offset(cursor));
    CHECK_NUMBER(smmap_cursor_region_begin(cursor) + (apr_off_t)smmap_cursor_region_size(cursor),
                 size);
    CHECK(cursor_shows(cursor, &file));
    smmap_cursor_release(cursor);
    CHECK(!smmap_cursor_is_valid(cursor));
    CHECK_NUMBER(smmap_manager_regions(manager), window != 0 ? 2 : 1);

    for (i = 0; i < rounds; i++) {
        apr_off_t offset = (apr_off_t)random_below(size);
        apr_off_t end;

        NEED_OK(smmap_cursor_use(cursor, offset, window != 0 ? take : 65536));
        end = smmap_cursor_end(cursor);
        bad += window != 0 && smmap_manager_mapped_bytes(manager) > options.max_mapped_bytes;
        bad += smmap_manager_open_files(manager) > options.max_open_files;
        bad += !cursor_shows(cursor, &file);
        bad += !smmap_cursor_includes(cursor, offset) || !smmap_cursor_includes(cursor, end - 1);
        bad += smmap_cursor_includes(cursor, end) || smmap_cursor_includes(cursor, offset - 1);
    }
    CHECK_NUMBER(bad, 0);
    CHECK(window == 0 || manager_stats(manager).evictions > 0 || test_is_light());
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)size, take), APR_EOF);
    CHECK(!smmap_cursor_is_valid(cursor));
    CHECK(smmap_manager_regions(manager) > 0);
    CHECK_OK(smmap_manager_collect(manager, &i));
    CHECK(i > 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

static void walk_static(void)
{
    walk(SMMAP_MODE_STATIC, 0);
    walk(SMMAP_MODE_STATIC, 1);
}

static void walk_sliding(void)
{
    walk(SMMAP_MODE_SLIDING, 0);
    walk(SMMAP_MODE_SLIDING, 1);
}

static const test_case_t cases[] = {{"defaults", defaults},
                                    {"default_window", default_window},
                                    {"given_options", given_options},
                                    {"unlimited", unlimited},
                                    {"window_rounding", window_rounding},
                                    {"window_too_large", window_too_large},
                                    {"no_room_for_a_window", no_room_for_a_window},
                                    {"bad_input", bad_input},
                                    {"fresh", fresh},
                                    {"stats_input", stats_input},
                                    {"collect", collect},
                                    {"collect_tells_errors", collect_tells_errors},
                                    {"failed_unmap_makes_no_room", failed_unmap_makes_no_room},
                                    {"apart", apart},
                                    {"walk_static", walk_static},
                                    {"walk_sliding", walk_sliding},
                                    {NULL, NULL}};

const test_module_t test_manager = {"manager", cases};
