/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fail the i-th allocation, the i-th call of the system, i = 1, 2, ..., in a
 * scenario that touches everything (scenario.h), until a run is clean. Here the fakes fail;
 * test_wraps.c does the same to the calls of the real system.
 *
 * Whatever fails: each call answers with success or with that error, what was to
 * be made is not half made, no byte is wrong, the counters are the truth, the
 * manager goes on working, and in the end nothing is left.
 */
#include "tests/support/harness.h"

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"
#include "tests/support/scenario.h"

static void relent(void)
{
    fake_fail_none();
    fake_memory_fail_none();
}

static scenario_t new_run(smmap_mode_t mode, apr_status_t injected)
{
    scenario_t run = SCENARIO_INIT;

    run.mode = mode;
    run.injected = injected;
    run.relent = relent;
    return run;
}

/* The scenario, and what is left of it. */
static void play_all(scenario_t *run)
{
    scenario_play(run);
    CHECK_NUMBER(fake_memory_blocks(), 0);
    CHECK_NUMBER(fake_memory_bytes(), 0);
    CHECK_NUMBER(fake_memory_pools(), 0);
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_NUMBER(fake_live_handles(), 0);
}

static void begin(void)
{
    fake_set_birth(1);
    scenario_begin();
}

/* Returns in how many runs something was failed. */
static apr_size_t fail_memory(smmap_mode_t mode, int forever)
{
    apr_size_t seen = 0;
    apr_size_t i;

    begin();
    for (i = 1;; i++) {
        scenario_t run = new_run(mode, APR_ENOMEM);
        apr_size_t before = fake_memory_failed();

        if (forever) {
            fake_memory_fail_from(i);
        } else {
            fake_memory_fail(i);
        }
        play_all(&run);
        if (fake_memory_failed() == before) {
            CHECK_NUMBER(run.failed, 0);
            break;
        }
        seen += run.failed > 0;
        NEED(i < 10000);
    }
    CHECK(seen > 10);
    return i - 1;
}

static apr_size_t fail_calls(fake_call_t call, apr_status_t status, int forever)
{
    apr_size_t i;

    begin();
    for (i = 1;; i++) {
        scenario_t run = new_run(i % 5 == 0 ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING, status);
        apr_size_t before = fake_failed();

        if (forever) {
            fake_fail_from(call, i, status);
        } else {
            fake_fail(call, i, status);
        }
        play_all(&run);
        /* Runs in static mode are shorter: one of them may be clean before the others are. */
        if (fake_failed() == before && run.mode == SMMAP_MODE_SLIDING) {
            CHECK_NUMBER(run.failed, 0);
            break;
        }
        NEED(i < 10000);
    }
    return i - 1;
}

static void clean(void)
{
    scenario_t sliding = new_run(SMMAP_MODE_SLIDING, APR_SUCCESS);
    scenario_t fixed = new_run(SMMAP_MODE_STATIC, APR_SUCCESS);

    begin();
    play_all(&sliding);
    CHECK_NUMBER(sliding.failed, 0);
    play_all(&fixed);
    CHECK_NUMBER(fixed.failed, 0);
}

static void memory_once(void)
{
    CHECK(fail_memory(SMMAP_MODE_SLIDING, 0) > 20);
}

static void memory_forever(void)
{
    CHECK(fail_memory(SMMAP_MODE_SLIDING, 1) > 20);
}

static void memory_static_mode(void)
{
    CHECK(fail_memory(SMMAP_MODE_STATIC, 0) > 20);
}

static void maps(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_MAP, APR_ENOMEM, 0) > 10);
    CHECK(fail_calls(FAKE_MAP, APR_ENOMEM, 1) > 10);
    CHECK(fail_calls(FAKE_MAP, APR_EACCES, 0) > 10);
    CHECK(fail_calls(FAKE_MAP, APR_EACCES, 1) > 10);
}

static void unmaps(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_UNMAP, APR_EINVAL, 0) > 3);
    CHECK(fail_calls(FAKE_UNMAP, APR_EINVAL, 1) > 3);
}

static void handles(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_DUP, APR_EMFILE, 0) > 5);
    CHECK(fail_calls(FAKE_DUP, APR_EMFILE, 1) > 5);
    CHECK(fail_calls(FAKE_DUP, APR_EACCES, 0) > 5);
    CHECK(fail_calls(FAKE_DUP, APR_EACCES, 1) > 5);
    CHECK(fail_calls(FAKE_CLOSE, APR_FROM_OS_ERROR(EIO), 0) > 5);
    CHECK(fail_calls(FAKE_CLOSE, APR_FROM_OS_ERROR(EIO), 1) > 5);
}

static void the_rest(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_RESIDENCY, APR_ENOTIMPL, 0) > 0);
    fail_calls(FAKE_BIRTH, APR_FROM_OS_ERROR(EIO), 0);
    fail_calls(FAKE_BIRTH, APR_FROM_OS_ERROR(EIO), 1);
    fail_calls(FAKE_ADVISE, APR_ENOTIMPL, 1);
    fail_calls(FAKE_READ, APR_FROM_OS_ERROR(EIO), 0);
}

/* On a stacked file system, whose handles are renewed. */
static void stacked(void)
{
    NEEDS_FAKE();
    fake_set_stacked(1);
    CHECK(fail_calls(FAKE_RENEW, APR_FROM_OS_ERROR(EIO), 0) > 0);
    CHECK(fail_calls(FAKE_RENEW, APR_EMFILE, 0) > 0);
    CHECK(fail_calls(FAKE_ANY, APR_ENOMEM, 0) > 30);
}

/* It takes a second handle to renew one. Where there is none, what was seen is opened again. */
static void no_handle_to_renew(void)
{
    test_file_t file = file_make("file", 100);
    smmap_manager_t *manager = manager_make(NULL);
    smmap_cursor_t *cursor = NULL;

    NEEDS_FAKE();
    fake_set_stacked(1);
    fake_fail_from(FAKE_RENEW, 1, APR_EMFILE);
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, test_pool));
    CHECK_NUMBER(fake_calls(FAKE_RENEW), 1);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

static void anything(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_ANY, APR_ENOMEM, 0) > 30);
    CHECK(fail_calls(FAKE_ANY, APR_ENOMEM, 1) > 30);
}

/* Memory for a window, and for a table of windows: a window that nobody pins is given up for it. */
static void bookkeeping(void)
{
    apr_size_t unit = smmap_granularity();
    test_file_t file = file_make("file", 40 * unit);
    test_file_t other = file_make("other", 40 * unit);
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t i;

    NEEDS_FAKE();
    for (i = 1; i < 3; i++) {
        manager = manager_sliding(8 * unit, 0, 0, SMMAP_LIMITS_SOFT);
        cursor = cursor_open(manager, file.path);
        NEED_OK(smmap_cursor_use(cursor, 0, 0));
        smmap_cursor_release(cursor);
        cursor = cursor_open(manager, other.path);
        fake_memory_fail(i);
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(8 * unit), 0));
        CHECK(region_shows(cursor, &other));
        CHECK_NUMBER(fake_memory_failed(), i);
        CHECK_NUMBER(manager_stats(manager).retries, 1);
        CHECK_NUMBER(manager_stats(manager).evictions, 1);
        counts_check();
    }
    /* There is none at all. */
    smmap_cursor_release(cursor);
    fake_memory_fail_from(1);
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_ENOMEM);
    CHECK(!smmap_cursor_is_valid(cursor));
    CHECK_NUMBER(manager_stats(manager).retries, 2);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    counts_check();
    relent();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
}

static const test_case_t cases[] = {{"clean", clean},
                                    {"memory_once", memory_once},
                                    {"memory_forever", memory_forever},
                                    {"memory_static_mode", memory_static_mode},
                                    {"maps", maps},
                                    {"unmaps", unmaps},
                                    {"handles", handles},
                                    {"the_rest", the_rest},
                                    {"stacked", stacked},
                                    {"no_handle_to_renew", no_handle_to_renew},
                                    {"anything", anything},
                                    {"bookkeeping", bookkeeping},
                                    {NULL, NULL}};

const test_module_t test_failures = {"failures", cases};
