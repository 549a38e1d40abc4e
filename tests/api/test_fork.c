/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A child of fork() and what its parent made: it goes on with it, whatever threads of the parent
 * were in the middle of, and destroys and closes in any order. What is started by exec inherits
 * nothing.
 */
#include "tests/support/harness.h"

#include <apr_env.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_time.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"
#include "tests/fake/backend.h"

static apr_size_t unit;
static test_file_t file;
static apr_pool_t *pool; /* the manager's and its cursors' */
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;
static smmap_buffer_t *buffer;

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* It skips where there are none. */
static void needs_forks(void)
{
    CHECK_NUMBER(test_in_child(nothing, NULL), 0);
}

static void begin(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    needs_forks();
    unit = smmap_granularity();
    fake_set_birth(1);
    file = file_make("file", 8 * unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.guard = SMMAP_GUARD_ON;
    NEED_OK(apr_pool_create(&pool, test_pool));
    NEED_OK(smmap_manager_create(&manager, &options, pool));
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, pool));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    NEED_OK(smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, pool));
}

/* The parent goes on as if nothing had been. */
static void parent_goes_on(void)
{
    manager_track(manager, pool);
    CHECK(cursor_shows(cursor, &file));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(5 * unit), 0));
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

static smmap_cursor_t *guarded;
static smmap_cursor_t *by_handle;

/* All that the parent has is there, and its own from now on. */
static int goes_on(void *unused)
{
    unsigned char bytes[10];
    unsigned char byte;
    smmap_range_t range = {NULL, 0, OFFSET_MAX};
    smmap_cursor_t *made;
    apr_size_t count;

    (void)unused;
    range.cursor = cursor;
    CHECK(cursor_shows(cursor, &file));
    CHECK(strcmp(smmap_cursor_path(cursor), file.path) == 0);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), file.size);
    CHECK(smmap_cursor_is_associated(cursor));
    CHECK_OK(smmap_cursor_end_guard(guarded));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(7 * unit), 0));
    CHECK(cursor_shows(cursor, &file));
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)unit - 5, 10));
    CHECK(cursor_shows(cursor, &file));
    NEED_OK(smmap_cursor_use(by_handle, (apr_off_t)(3 * unit), 0));
    CHECK(cursor_shows(by_handle, &file));
    NEED_OK(smmap_cursor_read(guarded, (apr_off_t)(6 * unit), bytes, 10, &count));
    CHECK(count == 10 && memcmp(bytes, file.data + 6 * unit, 10) == 0);
    NEED_OK(smmap_buffer_byte(buffer, -1, &byte));
    CHECK_NUMBER(byte, file.data[file.size - 1]);
    NEED_OK(smmap_manager_fetch(manager, &range, 1, SMMAP_FETCH_WAIT, NULL, NULL));
    NEED_OK(smmap_cursor_refresh(cursor));
    NEED_OK(smmap_cursor_open(&made, manager, file.path, NULL));
    CHECK_NUMBER(manager_stats(manager).files, 1);
    smmap_cursor_close(made);
    smmap_cursor_release(cursor);
    NEED_OK(smmap_manager_drop(manager, file.path, NULL));
    NEED_OK(smmap_manager_collect(manager, NULL));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(!fake_present() || manager_stats(manager).regions == fake_live_mappings());
    CHECK(!fake_present() || manager_stats(manager).open_files == fake_live_handles());
    return 0;
}

/* Of a child's child, too. */
static int goes_on_in_a_child(void *unused)
{
    (void)unused;
    return test_in_child(goes_on, NULL) + goes_on(NULL);
}

static void child_goes_on(void)
{
    apr_os_file_t handle;

    begin();
    NEED_OK(smmap_cursor_copy(&guarded, cursor, pool));
    NEED_OK(smmap_cursor_begin_guard(guarded));
    NEED_OK(native_open(&handle, file.path, NATIVE_READ));
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, handle, pool));
    native_close(handle);
    CHECK_NUMBER(test_in_child(goes_on_in_a_child, NULL), 0);
    CHECK_OK(smmap_cursor_end_guard(guarded));
    parent_goes_on();
}

static int destroy_pool(void *unused)
{
    (void)unused;
    apr_pool_destroy(pool);
    return 0;
}

static int destroy_manager_first(void *unused)
{
    (void)unused;
    CHECK_OK(smmap_manager_destroy(manager));
    smmap_cursor_release(cursor);
    smmap_cursor_close(cursor);
    smmap_buffer_close(buffer);
    return 0;
}

static int destroy_cursors_first(void *unused)
{
    (void)unused;
    smmap_cursor_close(cursor);
    smmap_buffer_close(buffer);
    CHECK_OK(smmap_manager_destroy(manager));
    return 0;
}

/* Nothing was under way, so all of it goes, in the child. */
static int destroy_leaves_nothing(void *unused)
{
    if (native_count_mappings(file.path) != 1) {
        return 1;
    }
    destroy_manager_first(unused);
    return native_count_mappings(file.path);
}

static void child_destroys(void)
{
    begin();
    CHECK_NUMBER(test_in_child(destroy_pool, NULL), 0);
    CHECK_NUMBER(test_in_child(destroy_manager_first, NULL), 0);
    CHECK_NUMBER(test_in_child(destroy_cursors_first, NULL), 0);
    if (native_count_mappings(file.path) != 0) { /* 0: the system does not tell, or the fake */
        CHECK_NUMBER(test_in_child(destroy_leaves_nothing, NULL), 0);
    }
    parent_goes_on();
}

/* Threads that are busy while the process is forked, again and again. */

enum { THREADS = 3 };

static atomic_int stop_now;

static void *APR_THREAD_FUNC be_busy(apr_thread_t *thread, void *data)
{
    smmap_range_t range = {NULL, 0, OFFSET_MAX};
    apr_uint64_t random = (apr_uint64_t)(apr_uintptr_t)data;
    apr_pool_t *own;
    unsigned char bytes[100];

    (void)thread;
    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    while (!atomic_load(&stop_now)) {
        smmap_cursor_t *mine;
        int i;

        if (smmap_cursor_open(&mine, manager, file.path, own) != APR_SUCCESS) {
            continue;
        }
        for (i = 0; i < 20; i++) {
            apr_off_t offset = (apr_off_t)(random_next(&random) % file.size);

            smmap_cursor_use(mine, offset, 0);
            smmap_cursor_read(mine, (apr_off_t)file.size - 1 - offset, bytes, 100, NULL);
        }
        range.cursor = mine;
        smmap_cursor_advise(mine, 0, OFFSET_MAX, SMMAP_DONT_NEED);
        smmap_manager_fetch(manager, &range, 1, 0, NULL, NULL);
        smmap_cursor_close(mine);
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    return NULL;
}

/* Whoever waits for a thread of the parent waits for ever; test_in_child() does not. */
static int use_and_destroy(void *turn)
{
    smmap_range_t range = {NULL, 0, OFFSET_MAX};
    apr_size_t i;

    for (i = 0; i < 8; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * unit), 0));
        NEED(cursor_shows(cursor, &file));
    }
    range.cursor = cursor;
    smmap_cursor_advise(cursor, 0, OFFSET_MAX, SMMAP_DONT_NEED); /* where it can */
    NEED_OK(smmap_manager_fetch(manager, &range, 1, SMMAP_FETCH_WAIT, NULL, NULL));
    NEED_OK(smmap_cursor_refresh(cursor));
    NEED_OK(smmap_manager_collect(manager, NULL));
    CHECK(manager_stats(manager).regions >= 1);
    if (*(const apr_size_t *)turn % 2 == 0) {
        smmap_cursor_close(cursor);
        smmap_buffer_close(buffer);
        smmap_manager_destroy(manager);
    } else {
        smmap_manager_destroy(manager);
        smmap_buffer_close(buffer);
        smmap_cursor_close(cursor);
    }
    return 0;
}

static void child_of_busy_threads(void)
{
    apr_thread_t *threads[THREADS];
    apr_size_t i;

    needs_forks();
    if (test_is_light()) {
        test_skip("a child that leaves alone what is half-way has a leak, to a memory checker");
        return;
    }
    if (test_has_asan()) {
        test_skip("a child may inherit the locks of AddressSanitizer's allocator (gcc 12)");
        return;
    }
    begin();
    atomic_store(&stop_now, 0);
    for (i = 0; i < THREADS; i++) {
        NEED_OK(apr_thread_create(&threads[i], NULL, be_busy, (void *)(apr_uintptr_t)(i + 1),
                                  test_pool));
    }
    for (i = 0; i < test_count(12); i++) {
        CHECK_NUMBER(test_in_child(use_and_destroy, &i), 0);
    }
    atomic_store(&stop_now, 1);
    for (i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
    }
    parent_goes_on();
}

/* The trace: a child neither waits for its lock nor writes what the parent is going to. */

static void begin_traced(const char *path)
{
    if (!fake_present() && !smmap__os_environment_is_trusted()) {
        test_skip_now("this process has more rights than its user, so it writes no trace");
    }
    NEED_OK(apr_env_set("SMMAP_TRACE", path, test_pool));
    begin();
    NEED_OK(apr_env_delete("SMMAP_TRACE", test_pool));
}

/* How often a line is in a small file. */
static int count_lines(const char *path, const char *wanted)
{
    char line[1024];
    FILE *text = fopen(path, "rb");
    int count = 0;

    NEED(text != NULL);
    while (fgets(line, sizeof line, text) != NULL) {
        count += strcmp(line, wanted) == 0;
    }
    fclose(text);
    return count;
}

static void child_writes_no_trace(void)
{
    const char *path = test_path("trace");

    needs_forks();
    begin_traced(path);
    CHECK_NUMBER(test_in_child(destroy_manager_first, NULL), 0);
    CHECK_NUMBER(test_in_child(destroy_cursors_first, NULL), 0);
    CHECK_NUMBER(test_in_child(destroy_pool, NULL), 0);
    parent_goes_on();
    CHECK_OK(smmap_manager_destroy(manager));
    CHECK_NUMBER(count_lines(path, "# smmap trace 1\n"), 1);
}

static atomic_int writing; /* 1: begun; 2: to be ended */

static void write_long(void *unused)
{
    (void)unused;
    atomic_store(&writing, 1);
    while (atomic_load(&writing) != 2) {
        apr_sleep(1000);
    }
}

static void *APR_THREAD_FUNC be_traced(apr_thread_t *thread, void *mine)
{
    apr_off_t at;

    (void)thread;
    for (at = 0; !atomic_load(&stop_now); at++) {
        smmap_cursor_use(mine, at % (apr_off_t)file.size, 1);
    }
    return NULL;
}

static int used_and_destroyed(void *unused)
{
    unsigned char bytes[10];

    native_alarm(20);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(7 * unit), 0));
    NEED_OK(smmap_cursor_require(cursor, 0, 2 * unit));
    NEED_OK(smmap_buffer_read(buffer, (apr_off_t)(7 * unit), bytes, 10, NULL));
    return destroy_manager_first(unused);
}

/* A thread of the parent holds the lock of the trace, as its block takes long to be written. */
static void child_of_a_traced_thread(void)
{
    apr_thread_t *thread;
    smmap_cursor_t *mine;

    NEEDS_FAKE();
    needs_forks();
    if (test_is_light()) {
        test_skip("a child with the stack of a thread that is not there has a leak, to a memory "
                  "checker");
        return;
    }
    begin_traced(test_path("trace"));
    mine = cursor_open(manager, file.path);
    atomic_store(&stop_now, 0);
    atomic_store(&writing, 0);
    fake_when(FAKE_APPEND, write_long, NULL);
    NEED_OK(apr_thread_create(&thread, NULL, be_traced, mine, test_pool));
    while (atomic_load(&writing) == 0) {
        apr_sleep(1000);
    }
    CHECK_NUMBER(test_in_child(used_and_destroyed, NULL), 0);
    CHECK_NUMBER(test_in_child(destroy_pool, NULL), 0);
    atomic_store(&writing, 2);
    atomic_store(&stop_now, 1);
    thread_join(thread);
    parent_goes_on();
    smmap_cursor_close(mine);
    CHECK_OK(smmap_manager_destroy(manager));
}

/* exec: what is started sees no handle on the file. */
static void exec_inherits_nothing(void)
{
    int has;

    begin();
    has = native_started_program_has(test_dir());
    if (has < 0) {
        test_skip("what a program that is started has open cannot be seen here");
        return;
    }
    CHECK_NUMBER(has, 0);
    parent_goes_on();
}

/* Forked while another thread closes the handles of what it drops: none of them is lost. */
static smmap_cursor_t *dropped[3];

static int has_handles(void *unused)
{
    smmap_cursor_t *kept[2];
    int i;

    (void)unused;
    for (i = 0; i < 2; i++) {
        apr_os_file_t handle = file_open(test_path(i == 0 ? "late" : "later"));

        NEED_OK(smmap_cursor_open_handle(&kept[i], manager, handle, NULL));
        file_close(handle);
    }
    for (i = 0; i < 3; i++) {
        NEED_OK(smmap_cursor_use(dropped[i], 0, 0));
    }
    for (i = 0; i < 2; i++) {
        smmap_cursor_close(kept[i]);
    }
    return 0;
}

static void fork_now(void *unused)
{
    (void)unused;
    CHECK_NUMBER(test_in_child(has_handles, NULL), 0);
}

static void child_of_a_drop(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    int i;

    NEEDS_FAKE();
    needs_forks();
    if (test_is_light()) {
        test_skip("a child that leaves alone what is half-way has a leak, to a memory checker");
        return;
    }
    fake_set_birth(1);
    options.limits = SMMAP_LIMITS_HARD_FILES;
    options.max_open_files = 3;
    manager = manager_make(&options);
    file_make("late", 10);
    file_make("later", 10);
    for (i = 0; i < 3; i++) {
        char name[20];

        snprintf(name, sizeof name, "dropped%d", i);
        dropped[i] = cursor_open(manager, file_make(name, 10).path);
    }
    fake_when(FAKE_CLOSE, fork_now, NULL);
    CHECK_OK(smmap_manager_drop(manager, test_path("."), NULL));
    CHECK_NUMBER(manager_stats(manager).open_files, 0);
    CHECK_NUMBER(has_handles(NULL), 0);
}

static const test_case_t fork_cases[] = {{"child_goes_on", child_goes_on},
                                         {"child_destroys", child_destroys},
                                         {"child_of_busy_threads", child_of_busy_threads},
                                         {"child_writes_no_trace", child_writes_no_trace},
                                         {"child_of_a_traced_thread", child_of_a_traced_thread},
                                         {"child_of_a_drop", child_of_a_drop},
                                         {"exec_inherits_nothing", exec_inherits_nothing},
                                         {NULL, NULL}};
const test_module_t test_fork = {"fork", fork_cases};
