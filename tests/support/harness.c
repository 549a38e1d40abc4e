/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The harness: checks, the frame around each test, the comparison of counts with
 * the truth. Files and cursors' bytes are in harness_files.c.
 *
 * The truth is what the fakes count; where a real backend is linked it is what
 * the system shows (platform.h): open handles, and, where it tells, the mappings of
 * files of the test. After a test all of it must be as it
 * was before.
 */
#include "harness.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/types.h"
#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

#define MOST_MANAGERS 64

apr_pool_t *test_pool;

static const char *root_dir;
static char here[4096];
static char *home;
static apr_pool_t *home_pool;
static apr_uint64_t suite_seed;
static apr_uint64_t random_state;
static test_outcome_t outcome_now;

static struct {
    smmap_manager_t *manager;
    apr_pool_t *pool;
} managers[MOST_MANAGERS];
static unsigned manager_count;
static int orphans; /* a manager went while windows of it were pinned */

static int handles_before;
static int in_child; /* this is a process of test_in_child() */

#define CHILD_FAILED 98

/* Checks. */

void check_true(int holds, int fatal, const char *text, const char *file, int line)
{
    if (in_child) {
        if (!holds) {
            fprintf(stderr, "  in a child process: %s:%d: %s\n", file, line, text);
            native_exit(CHILD_FAILED);
        }
        return;
    }
    CU_assertImplementation(holds ? CU_TRUE : CU_FALSE, (unsigned)line, text, file, "",
                            fatal ? CU_TRUE : CU_FALSE);
}

void check_status(apr_status_t got, apr_status_t wanted, int fatal, const char *text,
                  const char *file, int line)
{
    char got_text[160];
    char wanted_text[160];
    char message[700];

    if (got == wanted) {
        check_true(1, 0, text, file, line);
        return;
    }
    smmap_strerror(got, got_text, sizeof got_text);
    smmap_strerror(wanted, wanted_text, sizeof wanted_text);
    snprintf(message, sizeof message, "%s: got %d (%s), expected %d (%s)", text, (int)got,
             got_text, (int)wanted, wanted == APR_SUCCESS ? "success" : wanted_text);
    check_true(0, fatal, message, file, line);
}

void check_number(apr_int64_t got, apr_int64_t wanted, const char *text, const char *file,
                  int line)
{
    char message[400];

    if (got == wanted) {
        check_true(1, 0, text, file, line);
        return;
    }
    apr_snprintf(message, sizeof message,
                 "%s: got %" APR_INT64_T_FMT ", expected %" APR_INT64_T_FMT, text, got, wanted);
    check_true(0, 0, message, file, line);
}

int says_missing(apr_status_t status)
{
    return APR_STATUS_IS_ENOENT(status) ? 1 : 0;
}

int says_bad_handle(apr_status_t status)
{
    return APR_STATUS_IS_EBADF(status) ? 1 : 0;
}

void test_skip(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(outcome_now.skipped, sizeof outcome_now.skipped, format, arguments);
    va_end(arguments);
}

static jmp_buf end_of_test;

void test_skip_now(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(outcome_now.skipped, sizeof outcome_now.skipped, format, arguments);
    va_end(arguments);
    longjmp(end_of_test, 1);
}

void harness_test_run(void (*run)(void))
{
    if (setjmp(end_of_test) == 0) {
        run();
    }
}

void test_elsewhere(void)
{
    outcome_now.elsewhere = 1;
}

/* The running test. */

const char *test_dir(void)
{
    return here;
}

const char *test_path(const char *name)
{
    return apr_pstrcat(test_pool, here, "/", name, NULL);
}

static int is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' && strcmp(value, "0") != 0;
}

int test_is_light(void)
{
    return is_set("SMMAP_TEST_LIGHT");
}

int test_is_paranoid(void)
{
    return is_set("SMMAP_PARANOID");
}

apr_size_t test_count(apr_size_t full)
{
    if (!test_is_light()) {
        return full;
    }
    return full / 4 > 0 ? full / 4 : 1;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif

int test_has_asan(void)
{
#ifdef HAS_ASAN
    return 1;
#else
    return 0;
#endif
}

typedef struct job_t {
    int (*run)(void *);
    void *argument;
} job_t;

static int run_job(void *data)
{
    job_t *job = data;
    int result;

    in_child = 1;
    manager_count = 0; /* those of the parent may only be destroyed here */
    result = job->run(job->argument);
    /* For a memory checker: what is left behind now would be a leak. */
    apr_pool_destroy(test_pool);
    return result;
}

int test_in_child(int (*run)(void *), void *argument)
{
    job_t job;

    job.run = run;
    job.argument = argument;
    return native_fork(run_job, &job);
}

/* On Windows APR finds it incomplete that a thread just returns. */
void thread_join(apr_thread_t *thread)
{
    apr_status_t result;
    apr_status_t status = apr_thread_join(&result, thread);

    CHECK(status == APR_SUCCESS || APR_STATUS_IS_INCOMPLETE(status));
}

/* Random numbers: splitmix64. */

apr_uint64_t random_next(apr_uint64_t *state)
{
    apr_uint64_t mixed = (*state += APR_UINT64_C(0x9e3779b97f4a7c15));

    mixed = (mixed ^ (mixed >> 30)) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * APR_UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

apr_uint64_t random_number(void)
{
    return random_next(&random_state);
}

apr_uint64_t random_below(apr_uint64_t below)
{
    return random_number() % below;
}

static void random_begin(const char *name)
{
    random_state = suite_seed;
    for (; *name != '\0'; name++) {
        random_state = (random_state ^ (apr_uint64_t)(unsigned char)*name) *
                       APR_UINT64_C(0x100000001b3);
    }
}

/* Managers. */

static apr_status_t forget(void *data)
{
    smmap_manager_t *manager = data;
    unsigned i;

    for (i = 0; i < manager_count; i++) {
        if (managers[i].manager == manager) {
            smmap_stats_t stats = manager_stats(manager);

            orphans |= stats.pinned_regions != 0;
            managers[i] = managers[--manager_count];
            break;
        }
    }
    return APR_SUCCESS;
}

void manager_track(smmap_manager_t *manager, apr_pool_t *pool)
{
    NEED(manager_count < MOST_MANAGERS);
    managers[manager_count].manager = manager;
    managers[manager_count++].pool = pool;
    /* Cleanups run in reverse: it is forgotten while it still lives. */
    apr_pool_cleanup_register(pool, manager, forget, apr_pool_cleanup_null);
}

smmap_manager_t *manager_make_in(const smmap_options_t *options, apr_pool_t *pool)
{
    smmap_manager_t *manager = NULL;

    NEED_OK(smmap_manager_create(&manager, options, pool));
    NEED(manager != NULL);
    manager_track(manager, pool);
    return manager;
}

smmap_manager_t *manager_make(const smmap_options_t *options)
{
    return manager_make_in(options, test_pool);
}

smmap_manager_t *manager_sliding(apr_size_t window, apr_size_t max_bytes, apr_size_t max_regions,
                                 smmap_limits_t limits)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = SMMAP_MODE_SLIDING;
    options.limits = limits;
    options.window_size = window;
    options.max_mapped_bytes = max_bytes;
    options.max_regions = max_regions;
    return manager_make(&options);
}

smmap_manager_t *manager_traced(smmap_trace_t *trace, void *context)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = smmap_granularity();
    options.max_regions = 4;
    options.trace = trace;
    options.trace_context = context;
    return manager_make(&options);
}

apr_status_t manager_destroy(smmap_manager_t *manager)
{
    unsigned i;

    for (i = 0; i < manager_count; i++) {
        if (managers[i].manager == manager) {
            apr_pool_cleanup_run(managers[i].pool, manager, forget);
            break;
        }
    }
    return smmap_manager_destroy(manager);
}

smmap_stats_t manager_stats(smmap_manager_t *manager)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    CHECK_OK(smmap_manager_stats(manager, &stats));
    return stats;
}

smmap_cursor_t *cursor_open_in(smmap_manager_t *manager, const char *path, apr_pool_t *pool)
{
    smmap_cursor_t *cursor = NULL;

    NEED_OK(smmap_cursor_open(&cursor, manager, path, pool));
    NEED(cursor != NULL);
    return cursor;
}

smmap_cursor_t *cursor_open(smmap_manager_t *manager, const char *path)
{
    return cursor_open_in(manager, path, test_pool);
}

apr_pool_t *pool_make(apr_pool_t *parent)
{
    apr_pool_t *pool = NULL;

    NEED_OK(apr_pool_create(&pool, parent));
    return pool;
}

static void check_stats(smmap_manager_t *manager, const smmap_stats_t *stats)
{
    CHECK(stats->mapped_bytes <= stats->peak_mapped_bytes);
    CHECK(stats->regions <= stats->peak_regions);
    CHECK(stats->open_files <= stats->peak_open_files);
    CHECK(stats->pinned_bytes <= stats->mapped_bytes);
    CHECK(stats->pinned_regions <= stats->regions);
    CHECK_NUMBER(stats->maps - stats->unmaps, stats->regions);
    CHECK_NUMBER(stats->opens - stats->closes, stats->open_files);
    CHECK(stats->evictions <= stats->unmaps);
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), stats->mapped_bytes);
    CHECK_NUMBER(smmap_manager_regions(manager), stats->regions);
    CHECK_NUMBER(smmap_manager_open_files(manager), stats->open_files);
    if (smmap_manager_limits(manager) == SMMAP_LIMITS_HARD) {
        CHECK(stats->peak_mapped_bytes <= smmap_manager_max_mapped_bytes(manager));
        CHECK(stats->peak_regions <= smmap_manager_max_regions(manager));
        CHECK(stats->peak_open_files <= smmap_manager_max_open_files(manager));
    }
}

SMMAP__UNCHECKED void counts_check(void)
{
    apr_size_t regions = 0;
    apr_size_t bytes = 0;
    apr_size_t handles = 0;
    unsigned i;

    for (i = 0; i < manager_count; i++) {
        smmap_stats_t stats = manager_stats(managers[i].manager);

        check_stats(managers[i].manager, &stats);
        regions += stats.regions - managers[i].manager->heap.regions;
        bytes += stats.mapped_bytes - managers[i].manager->heap.bytes;
        CHECK(managers[i].manager->heap.regions <= stats.buffered_regions);
        CHECK(managers[i].manager->heap.bytes <= stats.buffered_bytes);
        handles += stats.open_files;
    }
    if (fake_present() && !orphans) {
        CHECK_NUMBER(regions, fake_live_mappings());
        CHECK_NUMBER(bytes, fake_live_bytes());
        CHECK_NUMBER(handles, fake_live_handles());
    }
}

/* The frame. */

void harness_begin(const char *root, apr_uint64_t seed)
{
    root_dir = root;
    suite_seed = seed;
    if (apr_pool_create(&home_pool, NULL) != APR_SUCCESS ||
        apr_filepath_get(&home, 0, home_pool) != APR_SUCCESS) {
        fprintf(stderr, "cannot tell the directory that is current\n");
        abort();
    }
}

void harness_test_begin(const char *name, unsigned index)
{
    memset(&outcome_now, 0, sizeof outcome_now);
    snprintf(here, sizeof here, "%s/t%u", root_dir, index);
    harness_remove_tree(here); /* a round that crashed in this test has left it */
    if (apr_pool_create(&test_pool, NULL) != APR_SUCCESS ||
        apr_dir_make(here, APR_FPROT_OS_DEFAULT, test_pool) != APR_SUCCESS) {
        fprintf(stderr, "cannot make the directory %s\n", here);
        abort();
    }
    random_begin(name);
    fake_reset();
    fake_memory_reset();
    orphans = 0;
    native_alarm(test_is_light() ? 1800 : 300);
    handles_before = native_count_handles();
}

void harness_test_end(test_outcome_t *outcome)
{
    int tries;

    fake_fail_none();
    fake_memory_fail_none();
    counts_check();
    apr_pool_destroy(test_pool);
    test_pool = NULL;
    CHECK_NUMBER(manager_count, 0);
    manager_count = 0;
    /* A thread that reads ahead may be in a read when its manager is destroyed. */
    for (tries = 0; tries < 2000 && fake_memory_blocks() + fake_memory_pools() > 0; tries++) {
        apr_sleep(1000);
    }
    CHECK_NUMBER(fake_memory_blocks(), 0);
    CHECK_NUMBER(fake_memory_bytes(), 0);
    CHECK_NUMBER(fake_memory_pools(), 0);
    CHECK_NUMBER(fake_memory_misuses(), 0);
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_NUMBER(fake_live_bytes(), 0);
    CHECK_NUMBER(fake_live_handles(), 0);
    check_true(fake_misuses() == 0, 0, fake_misuse(), __FILE__, __LINE__);
    fake_reset();
    CHECK_NUMBER(native_count_handles(), handles_before);
    CHECK_NUMBER(native_count_mappings(here), 0);

    native_alarm(0);
    CHECK_OK(apr_filepath_set(home, home_pool));
    harness_remove_tree(here);
    *outcome = outcome_now;
}

void harness_end(void)
{
    root_dir = NULL;
    apr_pool_destroy(home_pool);
}
