/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each call of the real system that the library makes, each allocation, each lock: the i-th
 * fails, i = 1, 2, ..., once, and then from the i-th on, with each error that it may have,
 * until a run of the scenario (scenario.h) meets no more of them. See wrap.h.
 *
 * After each run: no mapping of the files in /proc/self/maps, no descriptor, no block of
 * memory, no pool, more than before; and while the manager lived it worked again.
 */
#include "tests/support/harness.h"

#include <apr_file_info.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"
#include "tests/support/scenario.h"
#include "wrap.h"

/* How a run is begun. */
typedef struct world_t {
    smmap_mode_t mode;
    smmap_guard_t guard;
    int paranoid;
    int error; /* 0, or each call of this kind has it: */
    wrap_call_t lacking;
} world_t;

static apr_size_t runs;   /* in this test */
static apr_size_t faults;
static int handles; /* open before */

static void play(const world_t *world, apr_status_t injected, scenario_t *run)
{
    scenario_t fresh = SCENARIO_INIT;

    *run = fresh;
    run->mode = world->mode;
    run->guard = world->guard;
    run->paranoid = world->paranoid;
    if (world->error != 0) {
        wrap_fail_all(world->lacking, world->error);
    }
    run->injected = injected;
    run->relent = wrap_fail_none;
    scenario_play(run);
    runs++;
    CHECK_NUMBER(wrap_live_mappings(), 0);
    CHECK_NUMBER(wrap_live_blocks(), 0);
    CHECK_NUMBER(wrap_live_pools(), 0);
    CHECK_NUMBER(native_count_mappings(test_dir()), 0);
    CHECK_NUMBER(native_count_handles(), handles);
}

/* A run in which the i-th call of a kind fails. 0: it met none that did. */
static int play_failing(const world_t *world, wrap_call_t call, apr_size_t i, int error,
                        int forever)
{
    apr_size_t before = wrap_failed();
    apr_status_t injected = error == WRAP_SHORT ? APR_SUCCESS : error;
    scenario_t run;

    wrap_fail(call, i, error, forever);
    play(world, injected, &run);
    faults += wrap_failed() - before;
    if (wrap_failed() == before) {
        CHECK_NUMBER(run.failed, 0);
        return 0;
    }
    return 1;
}

/* Returns how many runs met a failure. */
static apr_size_t fail_each(const world_t *world, wrap_call_t call, int error, int forever)
{
    apr_size_t met = 0;
    apr_size_t i = 1;

    while (play_failing(world, call, i, error, forever)) {
        met++;
        i += test_is_light() ? 1 + i / 3 : 1;
        NEED(i < 10000);
    }
    return met;
}

static void begin(void)
{
    scenario_begin();
    handles = native_count_handles();
    runs = 0;
    faults = 0;
}

static void tell(void)
{
    printf("    %lu runs, %lu calls failed\n", (unsigned long)runs, (unsigned long)faults);
}

static const world_t sliding = {SMMAP_MODE_SLIDING, SMMAP_GUARD_OFF, 0, 0, WRAP_ANY};
static const world_t fixed = {SMMAP_MODE_STATIC, SMMAP_GUARD_OFF, 0, 0, WRAP_ANY};
static const world_t guarded = {SMMAP_MODE_SLIDING, SMMAP_GUARD_STRICT, 0, 0, WRAP_ANY};
static const world_t paranoid = {SMMAP_MODE_SLIDING, SMMAP_GUARD_OFF, 1, 0, WRAP_ANY};
static const world_t buffered = {SMMAP_MODE_SLIDING, SMMAP_GUARD_ON, 0, ENODEV, WRAP_MMAP};
static const world_t older = {SMMAP_MODE_SLIDING, SMMAP_GUARD_OFF, 0, ENOSYS, WRAP_STATX};

/* What a process needs once fails; the next manager must not suffer from it. */
static void once_in_a_process(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;

    options.guard = SMMAP_GUARD_ON;
    wrap_fail(WRAP_ATFORK, 1, ENOMEM, 0);
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), ENOMEM);
    CHECK(manager == NULL);
    CHECK_NUMBER(wrap_failed(), 1);
    wrap_fail(WRAP_SIGACTION, 2, EINVAL, 0);
    CHECK_STATUS(smmap_manager_create(&manager, &options, test_pool), EINVAL);
    CHECK(manager == NULL);
    CHECK_NUMBER(wrap_failed(), 2);
    wrap_fail_none();
    CHECK_OK(smmap_manager_create(&manager, &options, test_pool));
    CHECK_OK(smmap_manager_reinstall_guard(manager));
    CHECK_OK(smmap_manager_destroy(manager));
    manager = NULL;
    CHECK_OK(smmap_manager_create(&manager, &options, test_pool));
    CHECK_NUMBER(wrap_calls(WRAP_ATFORK), 2); /* and not once for each manager */
}

static const world_t *const worlds[] = {&sliding, &fixed, &guarded, &paranoid, &buffered, &older};
enum { WORLDS = sizeof worlds / sizeof worlds[0] };

/* Nothing fails. */
static void clean(void)
{
    scenario_t run;
    int i;

    begin();
    for (i = 0; i < WORLDS; i++) {
        play(worlds[i], APR_SUCCESS, &run);
        CHECK_NUMBER(run.failed, 0);
        CHECK(run.stats.maps >= 2 && run.stats.opens > 2);
        CHECK(run.stats.evictions > 1 || worlds[i]->mode == SMMAP_MODE_STATIC);
        CHECK_NUMBER(run.stats.buffered, worlds[i] == &buffered ? run.stats.maps : 0);
    }
}

/* The scenario leaves nothing out of what can fail. */
static void all_kinds(void)
{
    int call;
    int i;

    begin();
    for (call = 0; call < WRAP_REST; call++) {
        int met = 0;

        for (i = 0; i < WORLDS; i++) {
            met += play_failing(worlds[i], (wrap_call_t)call, 1,
                                wrap_errors((wrap_call_t)call)[0], 0);
        }
        /* That is for the first manager of the process; and this is not done everywhere. */
        if (call == WRAP_ATFORK ||
            /* In paranoid mode that comes late, when others are to have the addresses. */
            (call == WRAP_MUNMAP && test_is_paranoid()) ||
            ((call == WRAP_MEMBARRIER || call == WRAP_BARRIER) && !smmap__os_fence_asymmetric())) {
            continue;
        }
        if (met == 0) {
            printf("  %s is not called by the scenario\n", wrap_name((wrap_call_t)call));
            CHECK(0);
        }
    }
}

/* Each error of some kinds of calls, in one world. */
static void fail_kinds(const world_t *world, wrap_call_t first, wrap_call_t last)
{
    int call;

    begin();
    for (call = (int)first; call <= (int)last; call++) {
        const int *error = wrap_errors((wrap_call_t)call);

        for (; *error != 0 && call != WRAP_ATFORK; error++) {
            fail_each(world, (wrap_call_t)call, *error, 0);
            fail_each(world, (wrap_call_t)call, *error, 1);
        }
    }
    CHECK(faults > 0);
    tell();
}

static void files(void)
{
    fail_kinds(&sliding, WRAP_OPEN, WRAP_PREAD);
}

static void mappings(void)
{
    fail_kinds(&sliding, WRAP_MMAP, WRAP_MINCORE);
}

static void process(void)
{
    fail_kinds(&guarded, WRAP_MEMBARRIER, WRAP_SIGACTION);
}

static void memory(void)
{
    fail_kinds(&sliding, WRAP_MALLOC, WRAP_POOL);
}

static void apr(void)
{
    fail_kinds(&sliding, WRAP_MUTEX, WRAP_APR_MERGE);
}

static void in_static_mode(void)
{
    fail_kinds(&fixed, WRAP_OPEN, WRAP_PREAD);
    fail_kinds(&fixed, WRAP_MMAP, WRAP_MUNMAP);
    fail_kinds(&fixed, WRAP_MALLOC, WRAP_POOL);
}

static void with_a_guard(void)
{
    fail_kinds(&guarded, WRAP_OPEN, WRAP_PREAD);
    fail_kinds(&guarded, WRAP_MMAP, WRAP_MUNMAP);
    fail_kinds(&guarded, WRAP_MALLOC, WRAP_POOL);
}

static void of_buffered_files(void)
{
    fail_kinds(&buffered, WRAP_CLOSE, WRAP_FSTAT);
    fail_kinds(&buffered, WRAP_PREAD, WRAP_PREAD);
    fail_kinds(&buffered, WRAP_MMAP_MEMORY, WRAP_MUNMAP);
    fail_kinds(&buffered, WRAP_MALLOC, WRAP_POOL);
}

static void in_paranoid_mode(void)
{
    fail_kinds(&paranoid, WRAP_MMAP, WRAP_MUNMAP);
    fail_kinds(&paranoid, WRAP_MPROTECT, WRAP_BACKTRACE);
}

static void without_statx(void)
{
    fail_kinds(&older, WRAP_FSTAT, WRAP_STAT);
}

/* A signal came, and a read that gives less than it could: no errors. */
static void reads_in_pieces(void)
{
    begin();
    CHECK(fail_each(&sliding, WRAP_PREAD, EINTR, 0) > 2);
    CHECK(fail_each(&sliding, WRAP_PREAD, WRAP_SHORT, 0) > 2);
    CHECK(fail_each(&sliding, WRAP_PREAD, WRAP_SHORT, 1) > 2);
    CHECK(fail_each(&buffered, WRAP_PREAD, EINTR, 0) > 5);
    CHECK(fail_each(&buffered, WRAP_PREAD, WRAP_SHORT, 1) > 5);
    /* One file becomes a buffered one, while the other is mapped. */
    CHECK(fail_each(&sliding, WRAP_MMAP, ENODEV, 0) > 5);
    CHECK(fail_each(&guarded, WRAP_MMAP, ENODEV, 1) > 5);
    tell();
}

/* Whichever way the system refuses to map a file, it can be read. */
static void refused_in_any_way(void)
{
    static const int errors[] = {ENODEV, EACCES, EPERM, EINVAL, EIO, EOVERFLOW, EOPNOTSUPP};
    test_file_t file = file_make("refused", 3 * smmap_granularity());
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t i;

    for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        manager = manager_make(NULL);
        cursor = cursor_open(manager, file.path);
        wrap_fail_all(WRAP_MMAP, errors[i]);
        CHECK_OK(smmap_cursor_use(cursor, 5, 0));
        wrap_fail_none();
        CHECK(cursor_shows(cursor, &file));
        CHECK_NUMBER(manager_stats(manager).buffered, 1);
        CHECK_NUMBER(manager_stats(manager).map_failures, 0);
        CHECK_OK(manager_destroy(manager));
        smmap_cursor_close(cursor);
    }
    /* Shared alone. */
    manager = manager_make(NULL);
    cursor = cursor_open(manager, file.path);
    wrap_fail(WRAP_MMAP, 1, EPERM, 0);
    CHECK_OK(smmap_cursor_use(cursor, 5, 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).buffered, 0);
}

/* A small file that is new, and read from once: opened, looked at, read from and closed. */
static void small_and_new(void)
{
    test_file_t file = file_make("small", 1000);
    smmap_manager_t *manager = manager_make(NULL);
    smmap_cursor_t *cursor;
    unsigned char bytes[64];
    apr_size_t before;

    smmap_cursor_close(cursor_open(manager, file_make("other", 1).path));
    before = wrap_system_calls();
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, NULL));
    CHECK_OK(smmap_cursor_read(cursor, 0, bytes, sizeof bytes, NULL));
    smmap_cursor_close(cursor);
    CHECK_NUMBER(wrap_system_calls() - before, native_is_stacked(file.path) ? 5 : 4);
    CHECK(memcmp(bytes, file.data, sizeof bytes) == 0);
}

/* A path whose file is open and unchanged is not opened. */
static void opens_what_is_known(void)
{
    test_file_t file = file_make("known", 1000);
    smmap_manager_t *manager = manager_make(NULL);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    apr_size_t before;
    smmap_cursor_t *second;

    NEED_OK(apr_file_perms_set(file.path, 0x444));
    CHECK_OK(smmap_cursor_refresh(cursor)); /* that was a change */
    before = wrap_system_calls();
    NEED_OK(smmap_cursor_open(&second, manager, file.path, test_pool));
    CHECK_NUMBER(wrap_system_calls() - before, 1);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    smmap_cursor_close(cursor);
    NEED_OK(smmap_cursor_use(second, 0, 0));
    CHECK(cursor_shows(second, &file));
    /* Who may open it could be another by now. */
    native_forbid(file.path);
    wrap_fail(WRAP_OPEN, 1, EACCES, 1);
    CHECK_STATUS(smmap_cursor_open(&cursor, manager, file.path, test_pool), EACCES);
    wrap_fail_none();
}

/* What was read before the error came is there, and counted. */
static void fails_after_a_piece(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    test_file_t file = file_make("pieces", 8 * smmap_granularity());
    unsigned char bytes[4000];
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t got = 0;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = smmap_granularity();
    options.limits = SMMAP_LIMITS_HARD;
    options.max_regions = 1;
    manager = manager_make(&options);
    NEED_OK(smmap_cursor_use(cursor_open(manager, file.path), 0, 0));
    cursor = cursor_open(manager, file.path);
    wrap_fail(WRAP_PREAD, 1, WRAP_SHORT, 0);
    wrap_fail_all(WRAP_PREAD, EIO);
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(2 * smmap_granularity()), bytes,
                                   sizeof bytes, &got),
                 EIO);
    wrap_fail_none();
    CHECK_NUMBER(got, sizeof bytes / 2);
    CHECK(memcmp(bytes, file.data + 2 * smmap_granularity(), got) == 0);
}

static void anything(void)
{
    const apr_size_t least = test_is_light() ? 10 : 100;

    begin();
    CHECK(fail_each(&sliding, WRAP_ANY, ENOMEM, 0) > least);
    CHECK(fail_each(&sliding, WRAP_ANY, ENOMEM, 1) > least);
    CHECK(fail_each(&guarded, WRAP_ANY, ENOMEM, 0) > least);
    CHECK(fail_each(&buffered, WRAP_ANY, ENOMEM, 0) > least);
    tell();
}

/* A child that destroys while the system refuses. */

static apr_pool_t *pool; /* the manager's and its cursors' */
static wrap_call_t refused;
static apr_size_t refused_from;

static int destroy(void *unused)
{
    (void)unused;
    wrap_fail(refused, refused_from, EINVAL, 1);
    apr_pool_destroy(pool);
    wrap_fail_none();
    return 0;
}

static void child_destroys(void)
{
    static const wrap_call_t kinds[] = {WRAP_MUNMAP, WRAP_CLOSE, WRAP_MALLOC,
                                        WRAP_CALLOC, WRAP_POOL,  WRAP_ANY};
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;
    smmap_cursor_t *cursors[3] = {NULL, NULL, NULL};
    test_file_t file;
    apr_size_t unit = smmap_granularity();
    apr_size_t i;

    file = file_make("file", 8 * unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.guard = SMMAP_GUARD_ON;
    NEED_OK(apr_pool_create(&pool, test_pool));
    NEED_OK(smmap_manager_create(&manager, &options, pool));
    for (i = 0; i < 3; i++) {
        NEED_OK(smmap_cursor_open(&cursors[i], manager, file.path, pool));
        NEED_OK(smmap_cursor_use(cursors[i], (apr_off_t)(i * unit), 0));
    }
    smmap_cursor_release(cursors[2]);
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        refused = kinds[i];
        for (refused_from = 1; refused_from < 5; refused_from++) {
            CHECK_NUMBER(test_in_child(destroy, NULL), 0);
        }
    }
    manager_track(manager, pool);
    for (i = 0; i < 3; i++) {
        CHECK(i == 2 || region_shows(cursors[i], &file));
        NEED_OK(smmap_cursor_use(cursors[i], (apr_off_t)((i + 4) * unit), 0));
        CHECK(region_shows(cursors[i], &file));
    }
    counts_check();
}

/* A child that is forked while another thread puts the handler there can do so itself. What
   that thread is doing is made to happen in this one. */

static int forked_result;

static int make_guarded(void *unused)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;

    (void)unused;
    native_alarm(20);
    options.guard = SMMAP_GUARD_ON;
    return smmap_manager_create(&manager, &options, test_pool) == APR_SUCCESS ? 0 : 1;
}

static void fork_now(void)
{
    forked_result = native_fork(make_guarded, NULL);
}

static void forked_while_the_handler_is_put_there(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;

    begin();
    forked_result = -2;
    options.guard = SMMAP_GUARD_ON;
    wrap_when(WRAP_SIGACTION, fork_now);
    CHECK_OK(smmap_manager_create(&manager, &options, test_pool));
    CHECK_NUMBER(forked_result, 0);
    CHECK_OK(smmap_manager_destroy(manager));
}

static const test_case_t cases[] = {
    {"once_in_a_process", once_in_a_process},
    {"clean", clean},
    {"all_kinds", all_kinds},
    {"files", files},
    {"mappings", mappings},
    {"process", process},
    {"memory", memory},
    {"apr", apr},
    {"in_static_mode", in_static_mode},
    {"with_a_guard", with_a_guard},
    {"of_buffered_files", of_buffered_files},
    {"in_paranoid_mode", in_paranoid_mode},
    {"without_statx", without_statx},
    {"reads_in_pieces", reads_in_pieces},
    {"refused_in_any_way", refused_in_any_way},
    {"small_and_new", small_and_new},
    {"opens_what_is_known", opens_what_is_known},
    {"fails_after_a_piece", fails_after_a_piece},
    {"anything", anything},
    {"child_destroys", child_destroys},
    {"forked_while_the_handler_is_put_there", forked_while_the_handler_is_put_there},
    {NULL, NULL}};

const test_module_t test_wraps = {"wraps", cases};
