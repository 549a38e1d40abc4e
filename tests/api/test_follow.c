/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit that follows the machine, SMMAP_LIMIT_AUTO: what it is, when the machine is looked at,
 * and what holds when it has less memory, or more. How a real system is asked is in
 * tests/wrap/test_wraps_memory.c.
 */
#include "tests/support/fixture.h"

#include "tests/fake/backend.h"

static smmap_manager_t *follower(apr_size_t window, smmap_limits_t limits)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    unit = smmap_granularity();
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = limits;
    options.window_size = window;
    options.max_mapped_bytes = SMMAP_LIMIT_AUTO;
    return manager_make(&options);
}

/* A quarter of the memory is so many windows. */
static void quarter_is(apr_uint64_t windows, int pressed)
{
    fake_set_memory(4 * windows * smmap_granularity(), pressed);
}

/* A limit of 16 windows. */
static void begin_following(smmap_limits_t limits)
{
    unit = smmap_granularity();
    quarter_is(16, 0);
    file = file_make("file", 64 * unit);
    manager = follower(unit, limits);
    mover = cursor_open(manager, file.path);
}

static void limit_is(apr_size_t windows)
{
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), windows * unit);
}

static void touch(apr_size_t from, apr_size_t to)
{
    for (; from < to; from++) {
        window_touch(from);
    }
}

static void at_first(void)
{
    apr_size_t standard = smmap_manager_max_mapped_bytes(manager_make(NULL));

    NEEDS_FAKE();
    manager = follower(SMMAP_DEFAULT, SMMAP_LIMITS_SOFT);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), standard); /* nobody tells */
    quarter_is(512, 0);
    manager = follower(SMMAP_DEFAULT, SMMAP_LIMITS_SOFT);
    limit_is(512);
    CHECK_NUMBER(smmap_manager_window_size(manager), test_is_paranoid() ? unit : 64 * unit);
    quarter_is(512, 1);
    manager = follower(SMMAP_DEFAULT, SMMAP_LIMITS_SOFT);
    limit_is(256);
    CHECK_NUMBER(smmap_manager_window_size(manager), test_is_paranoid() ? unit : 32 * unit);
    /* At least a window: one that was asked for, and the smallest there is. */
    manager = follower(500 * unit, SMMAP_LIMITS_HARD);
    limit_is(500);
    fake_set_memory(1, 0);
    manager = follower(SMMAP_DEFAULT, SMMAP_LIMITS_HARD);
    limit_is(1);
    CHECK_NUMBER(smmap_manager_window_size(manager), unit);
    fake_set_memory(~(apr_uint64_t)0, 0);
    manager = follower(SMMAP_DEFAULT, SMMAP_LIMITS_SOFT);
    CHECK(smmap_manager_max_mapped_bytes(manager) > standard || sizeof(void *) < 8);
    CHECK(smmap_manager_max_mapped_bytes(manager) < SMMAP_LIMIT_AUTO);
}

/* One miss of many, and no hit. */
static void when_it_looks(void)
{
    apr_size_t i;

    NEEDS_FAKE();
    begin_following(SMMAP_LIMITS_SOFT);
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 1);
    touch(0, 15);
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 1);
    touch(15, 16); /* as much as the limit */
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 2);
    for (i = 0; i < 2000; i++) {
        window_touch(i % 16);
    }
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 2);
    CHECK_NUMBER(manager_stats(manager).evictions, 0);
    /* So much memory that its quarter is not mapped soon. */
    fake_set_memory((apr_uint64_t)1 << 40, 0);
    manager = follower(unit, SMMAP_LIMITS_SOFT);
    mover = cursor_open(manager, file.path);
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 3);
    for (i = 0; i < 2047; i++) {
        window_touch(0);
        NEED_OK(smmap_manager_collect(manager, NULL));
    }
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 4);
    window_touch(0);
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 5);
}

static void it_follows(void)
{
    NEEDS_FAKE();
    begin_following(SMMAP_LIMITS_HARD);
    touch(0, 16);
    quarter_is(4, 0);
    touch(16, 32);
    limit_is(4);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 4 * unit);
    CHECK_NUMBER(manager_stats(manager).evictions, 28);
    quarter_is(32, 0);
    touch(36, 40);
    limit_is(32);
    touch(0, 28);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 32 * unit);
    /* Threads wait for memory; and no more. */
    quarter_is(32, 1);
    touch(40, 44);
    limit_is(16);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 16 * unit);
    quarter_is(32, 0);
    NEED_OK(smmap_manager_collect(manager, NULL));
    touch(0, 16);
    limit_is(32);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 0);
    counts_check();
}

/* Less than a window needs. */
static void below_a_window(void)
{
    smmap_cursor_t *pinned[2];

    NEEDS_FAKE();
    begin_following(SMMAP_LIMITS_HARD);
    touch(0, 14);
    pinned[0] = window_pin(14);
    fake_set_memory(1, 0);
    /* A limit falls while more is pinned than it allows: that stays, and no more is mapped. */
    CHECK_STATUS(window_use(15), SMMAP_ELIMIT_BYTES);
    limit_is(1);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), unit);
    CHECK(region_shows(pinned[0], &file));
    smmap_cursor_release(pinned[0]);
    touch(20, 30); /* one window at a time goes on */
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), unit);
    CHECK_STATUS(smmap_cursor_require(mover, 0, unit + 1), SMMAP_ELIMIT_BYTES);
    /* What was refused also counts until the next look. */
    quarter_is(16, 0);
    pinned[0] = window_pin(40);
    pinned[1] = window_pin(41);
    limit_is(16);
    CHECK(region_shows(pinned[0], &file) && region_shows(pinned[1], &file));
    counts_check();
}

static void it_stops_telling(void)
{
    NEEDS_FAKE();
    begin_following(SMMAP_LIMITS_SOFT);
    quarter_is(50, 0);
    fake_fail_from(FAKE_LIMIT, 1, APR_ENOMEM);
    touch(0, 16);
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 2);
    limit_is(16);
    fake_fail_none();
    touch(16, 32);
    limit_is(50);
}

static void set_by_hand(void *context)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.max_mapped_bytes = *(apr_size_t *)context;
    CHECK_OK(smmap_manager_set_limits(manager, &options));
}

static void at_run_time(void)
{
    apr_size_t limit = 5 * smmap_granularity();

    NEEDS_FAKE();
    begin_following(SMMAP_LIMITS_SOFT);
    set_by_hand(&limit);
    touch(0, 24);
    limit_is(5);
    CHECK_NUMBER(fake_calls(FAKE_LIMIT), 1);
    limit = SMMAP_LIMIT_AUTO;
    set_by_hand(&limit);
    limit_is(16);
    quarter_is(10, 0);
    touch(24, 40);
    limit_is(10);
    /* Set just while a miss asks for the memory. */
    limit = 3 * unit;
    fake_when(FAKE_LIMIT, set_by_hand, &limit);
    quarter_is(20, 0);
    touch(40, 56);
    limit_is(3);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 3 * unit);
}

/* Set while another thread unmaps, more than it does at once. */
static void set_while_lowered(void)
{
    apr_size_t limit = 64 * smmap_granularity();

    NEEDS_FAKE();
    begin_following(SMMAP_LIMITS_SOFT);
    set_by_hand(&limit);
    touch(0, 64);
    limit = 60 * unit;
    fake_when(FAKE_UNMAP, set_by_hand, &limit);
    NEED_OK(smmap_manager_collect_bytes(manager, 40 * unit, NULL));
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager),
                 (64 - 40 - 4) * unit); /* each unmapped some */
    limit_is(60);
}

static const test_case_t cases[] = {{"at_first", at_first},
                                    {"when_it_looks", when_it_looks},
                                    {"it_follows", it_follows},
                                    {"below_a_window", below_a_window},
                                    {"it_stops_telling", it_stops_telling},
                                    {"at_run_time", at_run_time},
                                    {"set_while_lowered", set_while_lowered},
                                    {NULL, NULL}};

const test_module_t test_follow = {"follow", cases};
