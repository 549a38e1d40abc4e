/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls that the scenario does not make, or only after others failed: each fails once, with
 * each error that it may have, and what must hold then is checked. Afterwards no descriptor, no
 * mapping, no block of memory and no pool is left, and the thread is as it was.
 */
#include "config.h"

#include "tests/support/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/posix/internal.h"
#include "wrap.h"

/* What a kind is called by, and the check. */
typedef void rest_t(wrap_call_t call, int error);

static apr_pool_t *pool; /* of one check */

static smmap_manager_t *manager_with_guard(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.guard = SMMAP_GUARD_ON;
    return manager_make_in(&options, pool);
}

/* The heavy fence was granted, and is refused later: what is left works on all processors. */
static void fence(wrap_call_t call, int error)
{
    cpu_set_t before;
    cpu_set_t after;
    int is_global = call == WRAP_BARRIER_GLOBAL;

    wrap_fail_all(WRAP_BARRIER, EPERM);
    wrap_fail_all(WRAP_BARRIER_GLOBAL, is_global ? 0 : EPERM);
    wrap_fail_all(WRAP_SETAFFINITY, call == WRAP_NANOSLEEP ? EPERM : 0);
    wrap_fail(call, 1, error, 0);
    NEED(sched_getaffinity(0, sizeof before, &before) == 0);
    smmap__os_fence_heavy();
    NEED(sched_getaffinity(0, sizeof after, &after) == 0);
    CHECK(CPU_EQUAL(&before, &after));
    CHECK_NUMBER(wrap_calls(WRAP_MEMBARRIER), 1);
    CHECK_NUMBER(wrap_calls(WRAP_BARRIER), 2);
    CHECK_NUMBER(wrap_calls(WRAP_BARRIER_GLOBAL), 1);
    /* An interrupted wait goes on. */
    CHECK_NUMBER(wrap_calls(WRAP_NANOSLEEP), is_global ? 0 : call == WRAP_NANOSLEEP ? 2 : 1);
}

static void fence_in_order(void)
{
    cpu_set_t before;
    cpu_set_t after;
    apr_size_t moves;
    apr_size_t i;

    if (!smmap__os_fence_asymmetric()) {
        test_skip("this system has no membarrier(), or ThreadSanitizer does not know it");
        return;
    }
    wrap_reset();
    smmap__os_fence_heavy();
    CHECK_NUMBER(wrap_calls(WRAP_ANY), 1);
    wrap_reset();
    wrap_fail(WRAP_BARRIER, 1, EPERM, 0);
    smmap__os_fence_heavy();
    CHECK_NUMBER(wrap_calls(WRAP_MEMBARRIER), 1);
    CHECK_NUMBER(wrap_calls(WRAP_BARRIER), 2);
    CHECK_NUMBER(wrap_calls(WRAP_ANY), 3);
    wrap_reset();
    wrap_fail(WRAP_BARRIER, 1, EPERM, 0);
    wrap_fail_all(WRAP_MEMBARRIER, EPERM);
    smmap__os_fence_heavy();
    CHECK_NUMBER(wrap_calls(WRAP_BARRIER_GLOBAL), 1);
    CHECK_NUMBER(wrap_calls(WRAP_ANY), 3);
    /* A move to all processors, to each, and back. */
    NEED(sched_getaffinity(0, sizeof before, &before) == 0);
    wrap_reset();
    wrap_fail_all(WRAP_BARRIER, EPERM);
    wrap_fail_all(WRAP_BARRIER_GLOBAL, EPERM);
    smmap__os_fence_heavy();
    moves = wrap_calls(WRAP_SETAFFINITY);
    CHECK(moves >= 2 + (apr_size_t)CPU_COUNT(&before));
    CHECK_NUMBER(wrap_calls(WRAP_NANOSLEEP), 0);
    for (i = 1; i <= moves; i++) {
        wrap_fail(WRAP_SETAFFINITY, i, ENOMEM, 0);
        smmap__os_fence_heavy();
        CHECK_NUMBER(wrap_failed(), i);
        NEED(sched_getaffinity(0, sizeof after, &after) == 0);
        CHECK(CPU_EQUAL(&before, &after));
    }
    CHECK_NUMBER(wrap_calls(WRAP_NANOSLEEP), moves - 1); /* the way back is no part of it */
}

/* Does the system tell the mounts of files apart, and is there room to remember one? */
static int knows_mounts(apr_os_file_t handle)
{
#ifdef STATX_MNT_ID
    struct statx info;

    info.stx_mnt_id = 0;
    return sizeof(void *) == 8 && statx(handle, "", AT_EMPTY_PATH, 0x4000, &info) == 0 &&
           (info.stx_mask & 0x4000) != 0 && info.stx_mnt_id != 0;
#else
    (void)handle;
    return 0;
#endif
}

/* It may be of any file system: then care is taken for all. What the mount that was asked last
   answered is remembered, where the system tells mounts apart. */
static void file_system(wrap_call_t call, int error)
{
    smmap__os_facts_t facts;
    apr_os_file_t handle = file_open("/proc/self/maps");
    apr_os_file_t other = file_open("/sys/devices/system/cpu/online");
    apr_size_t asked;
    int i;

    CHECK_OK(smmap__os_examine(&facts, other, 1));
    CHECK(!facts.stacked && facts.invented);
    wrap_fail(call, 1, error, 0);
    CHECK_OK(smmap__os_examine(&facts, handle, 1));
    CHECK(facts.stacked && facts.invented);
    for (i = 0; i < 10; i++) {
        asked = wrap_calls(call);
        CHECK_OK(smmap__os_examine(&facts, handle, 1));
        CHECK(!facts.stacked && !facts.invented);
        CHECK_OK(smmap__os_examine(&facts, handle, 1));
        CHECK(!facts.stacked && !facts.invented);
        CHECK_NUMBER(wrap_calls(call) - asked, knows_mounts(handle) ? 1 : 2);
        CHECK_OK(smmap__os_examine(&facts, other, 1));
        CHECK(!facts.stacked && facts.invented);
    }
    file_close(handle);
    file_close(other);
#if defined(SYS_memfd_create)
    handle = (int)syscall(SYS_memfd_create, "huge", 4U /* MFD_HUGETLB */);
    if (handle >= 0) {
        CHECK_OK(smmap__os_examine(&facts, handle, 1));
        CHECK(facts.unmappable);
        file_close(handle);
    }
#endif
}

static void renewal(wrap_call_t call, int error)
{
    test_file_t file = file_make("renewed", 100);
    apr_os_file_t handle;
    unsigned char bytes[100];
    apr_size_t got = 0;

    NEED_OK(smmap__os_file_open(&handle, file.path));
    wrap_fail(call, 1, error, 0);
    CHECK_STATUS(smmap__os_file_renew(handle), error);
    CHECK_OK(smmap__os_read(handle, 0, bytes, sizeof bytes, &got));
    CHECK(got == file.size && memcmp(bytes, file.data, got) == 0);
    CHECK_OK(smmap__os_file_close(handle));
}

/* A file of somebody else. */
static void residency(wrap_call_t call, int error)
{
    test_file_t file = file_make("owned", 100);
    apr_os_file_t handle;

    NEED(!native_is_root() || chown(file.path, 1, (gid_t)-1) == 0);
    handle = file_open(native_is_root() ? file.path : "/proc/version");
    wrap_fail(call, 1, error, 0);
    CHECK(APR_STATUS_IS_ENOTIMPL(smmap__os_residency_is_told(handle)));
    CHECK_NUMBER(wrap_calls(call), 1);
    file_close(handle);
}

static void appended(apr_os_file_t handle, int error, apr_status_t wanted)
{
    sigset_t mask;

    wrap_fail(WRAP_WRITE, 1, error, 0);
    CHECK_STATUS(smmap__os_append(handle, "abcdefgh", 8), wanted);
    NEED(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
    CHECK_NUMBER(sigismember(&mask, SIGXFSZ), 0);
}

/* A signal that somebody else sends meanwhile is not ours to keep from the program. */
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void send_signal(void)
{
    raise(SIGXFSZ);
}

/* Where the program closed its standard handles, and prints all the same. */
static void in_place_of_a_standard_one(const char *path, int error)
{
    apr_os_file_t handle = -1;
    int input = fcntl(STDIN_FILENO, F_DUPFD, STDERR_FILENO + 1);

    if (input < 0) {
        return; /* there is none */
    }
    NEED(close(STDIN_FILENO) == 0);
    wrap_fail(WRAP_FCNTL, 1, error, 0);
    CHECK_STATUS(smmap__os_append_open(&handle, path), error);
    CHECK_OK(smmap__os_append_open(&handle, path));
    CHECK(handle > STDERR_FILENO && fcntl(STDIN_FILENO, F_GETFD) < 0);
    CHECK_OK(smmap__os_file_close(handle));
    NEED(dup2(input, STDIN_FILENO) == STDIN_FILENO && close(input) == 0);
}

static void append(wrap_call_t call, int error)
{
    test_file_t file = file_make("appended", 10);
    apr_os_file_t handle;
    unsigned char bytes[40];
    apr_size_t got = 0;
    apr_os_file_t reader = file_open(file.path);

    (void)call;
    NEED_OK(smmap__os_append_open(&handle, file.path));
    appended(handle, error, error);
    CHECK_OK(smmap__os_read(reader, 0, bytes, sizeof bytes, &got));
    CHECK_NUMBER(got, 10);
    appended(handle, EINTR, APR_SUCCESS);
    appended(handle, WRAP_SHORT, APR_SUCCESS);
    appended(handle, WRAP_NOTHING, ENOSPC);
    signals = 0;
    signal(SIGXFSZ, count_signal);
    wrap_when(WRAP_WRITE, send_signal);
    appended(handle, EIO, EIO);
    CHECK_NUMBER(signals, 1);
    signal(SIGXFSZ, SIG_DFL);
    CHECK_OK(smmap__os_read(reader, 0, bytes, sizeof bytes, &got));
    CHECK(got == 26 && memcmp(bytes + 10, "abcdefghabcdefgh", 16) == 0);
    in_place_of_a_standard_one(file.path, error);
    file_close(reader);
    CHECK_OK(smmap__os_file_close(handle));
}

/* The page of a fault is replaced, or the whole window; there is no memory until it is unlocked, or
   until the page of zeros could not be mapped again. */

static void give_memory(void)
{
    wrap_fail_all(WRAP_MMAP_MEMORY, 0);
}

static smmap_cursor_t *lose_window(void)
{
    test_file_t file = file_make("lost", 2 * smmap_granularity());
    smmap_cursor_t *cursor = cursor_open_in(manager_with_guard(), file.path, pool);

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_begin_guard(cursor));
    NEED(file_resize(file.path, 0));
    wrap_fail_all(WRAP_MMAP_MEMORY, EAGAIN);
    return cursor;
}

static int touch_it_without_memory(void *cursor)
{
    native_alarm(20);
    wrap_fail(WRAP_MREMAP, 1, EAGAIN, 1);
    return smmap_cursor_data(cursor)[0]; /* of a file that has no bytes any more: 0 */
}

static void patching(wrap_call_t call, int error)
{
    smmap_cursor_t *cursor = lose_window();

    CHECK(test_in_child(touch_it_without_memory, cursor) != 0); /* it ends as without the guard */
    wrap_when(call, give_memory);
    wrap_fail(call, 1, error, 0);
    CHECK_NUMBER(smmap_cursor_data(cursor)[0], 0);
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_ETRUNCATED);
}

/* Whether the code stays where it is only matters to a plugin; the next manager asks again. */
static void loading(wrap_call_t call, int error)
{
    wrap_fail(call, 1, error, 0);
    manager_with_guard();
    manager_with_guard();
    CHECK_NUMBER(wrap_calls(WRAP_DLADDR), 2);
    CHECK_NUMBER(wrap_calls(WRAP_DLOPEN), call == WRAP_DLADDR ? 1 : 2);
}

static void symbols(wrap_call_t call, int error)
{
    char text[200] = "";
    char address[40];

    snprintf(address, sizeof address, "%p", (void *)&pool);
    wrap_fail(call, 1, error, 0);
    smmap__os_symbolize(&pool, text, sizeof text);
    CHECK(strcmp(text, address) == 0);
    smmap__os_symbolize(&pool, text, sizeof text);
    CHECK(strstr(text, address) != NULL);
}

/* A file can be opened by a relative path where no working directory is known. */
static void directory(wrap_call_t call, int error)
{
    test_file_t file = file_make("relative", 100);
    smmap_cursor_t *cursor;

    directory_enter(test_dir());
    wrap_fail(call, 1, error, 0);
    cursor = cursor_open_in(manager_with_guard(), "relative", pool);
    NEED_OK(smmap_cursor_use(cursor, 5, 0));
    CHECK(cursor_shows(cursor, &file));
}

/* Where links lead is looked up once for each directory. Where that fails the text is left. */
static void real_path(wrap_call_t call, int error)
{
    static const char *const names[] = {"one/a", "one/b", "two/c", "two/d", "one/e"};
    smmap_manager_t *manager = manager_with_guard();
    const char *one = test_path("one");
    int i;

    if (apr_dir_make(one, APR_FPROT_OS_DEFAULT, pool) == APR_SUCCESS) {
        directory_make(test_path("two"));
        NEED_OK(native_symlink("one", test_path("link")));
    }
    for (i = 0; i < 5; i++) {
        file_make(names[i], 100);
        NEED_OK(smmap_cursor_use(cursor_open_in(manager, test_path(names[i]), pool), 0, 0));
    }
    CHECK_OK(smmap_manager_drop(manager, test_path(names[0]), NULL));
    CHECK_NUMBER(wrap_calls(call), 0);
    for (i = 1; i <= 3; i++) { /* of the path, of either directory */
        apr_size_t pinned = 0;

        wrap_fail(call, (apr_size_t)i, error, 0);
        CHECK_OK(smmap_manager_drop(manager, one, &pinned));
        CHECK_NUMBER(pinned, 3);
        wrap_fail_none();
    }
    wrap_reset();
    CHECK_OK(smmap_manager_drop(manager, test_path("link"), NULL));
    CHECK_NUMBER(wrap_calls(call), 3);
    wrap_fail(call, 1, error, 0);
    CHECK_OK(smmap_manager_drop(manager, one, NULL));
}

/* Where the system does not tell what is in memory, all of it is read. */
static void fetching(wrap_call_t call, int error)
{
    test_file_t file = file_make("fetched", 100000);
    smmap_manager_t *manager = manager_with_guard();
    smmap_range_t range = {NULL, 0, 100000};
    smmap_stats_t stats = SMMAP_STATS_INIT;

    range.cursor = cursor_open_in(manager, file.path, pool);
    wrap_fail_all(WRAP_CACHESTAT, EPERM);
    wrap_fail(call, 1, error, 0);
    CHECK_STATUS(smmap_manager_fetch(manager, &range, 1, SMMAP_FETCH_WAIT, NULL, NULL),
                 call == WRAP_THREAD ? error : APR_SUCCESS);
    smmap_manager_stats(manager, &stats);
    CHECK(call != WRAP_PREADV2 || stats.fetched_bytes == file.size);
}

static const struct {
    wrap_call_t call;
    rest_t *check;
} rest[] = {{WRAP_BARRIER_GLOBAL, fence},  {WRAP_GETAFFINITY, fence},  {WRAP_SETAFFINITY, fence},
            {WRAP_NANOSLEEP, fence},       {WRAP_FSTATFS, file_system}, {WRAP_DUP3, renewal},
            {WRAP_FACCESSAT, residency},   {WRAP_WRITE, append},       {WRAP_MUNLOCK, patching},
            {WRAP_MREMAP, patching},       {WRAP_DLADDR, loading},     {WRAP_DLOPEN, loading},
            {WRAP_SYMBOLS, symbols},       {WRAP_APR_GET, directory},  {WRAP_REALPATH, real_path},
            {WRAP_CACHESTAT, fetching},    {WRAP_PREADV2, fetching},   {WRAP_THREAD, fetching}};

static void each_fails(void)
{
    int is_asymmetric = smmap__os_fence_asymmetric();
    int handles = native_count_handles();
    int i;

    for (i = 0; i < WRAP_ANY - WRAP_REST; i++) {
        const int *error = wrap_errors(rest[i].call);

        NEED(rest[i].call == (wrap_call_t)(WRAP_REST + i)); /* none is left out */
        for (; *error != 0 && (is_asymmetric || rest[i].check != fence); error++) {
            wrap_reset();
            NEED_OK(apr_pool_create(&pool, test_pool));
            rest[i].check(rest[i].call, *error);
            if (wrap_failed() == 0) {
                printf("  %s was not called\n", wrap_name(rest[i].call));
                CHECK(0);
            }
            wrap_fail_none();
            apr_pool_destroy(pool);
            CHECK_NUMBER(native_count_handles(), handles);
            CHECK_NUMBER(wrap_live_mappings(), 0);
            CHECK_NUMBER(wrap_live_blocks(), 0);
            CHECK_NUMBER(wrap_live_pools(), 0);
        }
    }
}

/* Somebody sets the clock while a call waits for room: it waits as long as it should, neither an
   hour more nor not at all. The clock shows half a millisecond more each time it is read. */
static void clock_is_set(void)
{
    enum { TICK = 500, WAIT = 20000, MOST = 2 * WAIT / TICK };
    const apr_interval_time_t hour = apr_time_from_sec(3600);
    const apr_interval_time_t jumps[] = {0, hour, -hour};
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    test_file_t file = file_make("waited", 8 * smmap_granularity());
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t which;
    int i;

    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = smmap_granularity();
    options.max_mapped_bytes = options.window_size;
    options.limit_wait = WAIT;
    manager = manager_make(&options);
    NEED_OK(smmap_cursor_use(cursor_open(manager, file.path), 0, 0));
    cursor = cursor_open(manager, file.path);
    for (i = 0; i < 3; i++) {
        for (which = 1; which <= 6; which++) {
            apr_status_t status;
            apr_size_t reads;

            wrap_clock(TICK, which, jumps[i]);
            status = smmap_cursor_use(cursor, (apr_off_t)options.window_size, 0);
            reads = wrap_clock_reads();
            wrap_clock(0, 0, 0);
            CHECK_STATUS(status, SMMAP_ELIMIT_BYTES);
            CHECK(reads >= WAIT / TICK);
            CHECK(reads <= MOST);
        }
    }
}

static const test_case_t cases[] = {{"clock_is_set", clock_is_set},
                                    {"fence_in_order", fence_in_order},
                                    {"each_fails", each_fails},
                                    {NULL, NULL}};

const test_module_t test_wraps_rest = {"wraps_rest", cases};
