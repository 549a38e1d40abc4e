/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scan beside hot windows evicts its own windows, not the hot ones: what the policy of
 * test_policy.c is for. The fake backend says which windows were evicted.
 */
#include "tests/support/fixture.h"

#include "tests/fake/backend.h"

/* Reading a window step by step is one visit. */
static void going_on_is_no_hit(void)
{
    apr_size_t step;

    NEEDS_FAKE();
    begin_limited(0, 3, SMMAP_LIMITS_SOFT);
    window_touch(0);
    window_touch(1);
    window_touch(2);
    for (step = 0; step < 4; step++) {
        NEED_OK(smmap_cursor_use(mover, (apr_off_t)(3 * unit + step), 0));
        CHECK(region_shows(mover, &file));
    }
    CHECK_NUMBER(manager_stats(manager).hits, 3);
    smmap_cursor_release(mover);
    window_costs(4, 1);
    window_costs(5, 2);
    window_costs(6, 3); /* it has no mark */
    window_costs(7, 4);
    /* The same for a span. */
    for (step = 0; step < 4; step++) {
        NEED_OK(smmap_cursor_require(mover, (apr_off_t)(10 * unit) - 2, 3 + step % 2));
    }
    CHECK_NUMBER(manager_stats(manager).hits, 6);
    smmap_cursor_release(mover);
    window_costs(11, 6);
    window_costs(12, 7);
    window_costs(13, 9);
}

/* Hot windows, half of what is kept, are asked for once while a scan reads more windows
   than are kept, each in steps. None of the hot ones ever goes, and all of the scan's do. */
static void scan_keeps_the_hot(void)
{
    enum { HOT = 4, KEPT = 8, SCANNED = 12 };
    apr_uint64_t misses;
    apr_size_t round;
    apr_size_t hot;
    apr_size_t i;

    NEEDS_FAKE();
    begin_limited(0, KEPT, SMMAP_LIMITS_HARD);
    for (i = 0; i < 2 * HOT; i++) {
        window_touch(i % HOT);
    }
    fake_events_clear();
    for (round = 0; round < 20; round++) {
        for (i = 0; i < SCANNED; i++) {
            for (hot = 0; hot < 4; hot++) {
                NEED_OK(smmap_cursor_use(mover, (apr_off_t)((10 + i) * unit + hot), 0));
            }
        }
        smmap_cursor_release(mover);
        misses = manager_stats(manager).misses;
        for (hot = 0; hot < HOT; hot++) {
            window_touch(hot);
        }
        CHECK_NUMBER(manager_stats(manager).misses - misses, 0);
    }
    CHECK(fake_victim_count() > 20 * (SCANNED - KEPT));
    for (i = 0; i < fake_victim_count(); i++) {
        CHECK(fake_victim(i) >= (apr_off_t)(10 * unit));
    }
    counts_check();
}

static const test_case_t cases[] = {{"going_on_is_no_hit", going_on_is_no_hit},
                                    {"scan_keeps_the_hot", scan_keeps_the_hot},
                                    {NULL, NULL}};

const test_module_t test_scan = {"scan", cases};
