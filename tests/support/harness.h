/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every test stands on: checks that say what they saw, files with known
 * bytes, random numbers from a seed, and the bookkeeping that is compared with
 * the truth after each test.
 *
 * Two programs are made from the tests. suite-posix (on Windows: suite-windows) links
 * the system's backend and tests/fake/absent.c, suite-fake links tests/fake/backend.c;
 * both link tests/fake/memory.c in the place of core/base/memory.c. A test that needs the fake
 * backend asks fake_present() (fake/backend.h) and skips itself otherwise.
 *
 * A third one, suite-wrap, where the linker can do it, has a few modules of its own: there the
 * calls of the real system fail (wrap.h).
 *
 * A module is a file test_NAME.c that defines `const test_module_t test_NAME` and
 * has a line in the list of modules.c (test_signals_windows.c is test_signals.c there, with the
 * same names of tests). Around each of its tests the harness makes
 * an empty directory and a pool, and afterwards sees to it that nothing is left:
 * no memory, no mapping, no handle.
 *
 * Checks are made by the thread of the test alone.
 */
#ifndef SMMAP_TESTS_HARNESS_H
#define SMMAP_TESTS_HARNESS_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_thread_proc.h>

#include "smmap/smmap.h"

#include "platform.h"

/* So that compilers that can check the arguments of a format do. */
#if defined(__GNUC__)
#define TEST_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define TEST_FORMAT(text, first)
#endif

#define OFFSET_MAX ((apr_off_t)((~(apr_uint64_t)0) >> 1))
#define SIZE_MAX_ (~(apr_size_t)0)

/* Modules. */

typedef struct test_case_t {
    const char *name;
    void (*run)(void);
} test_case_t;

/** A file of tests; the list ends with a case without a name. */
typedef struct test_module_t {
    const char *name;
    const test_case_t *cases;
} test_module_t;

/** The modules of this program, up to a NULL: modules.c, or wrap/modules.c. */
extern const test_module_t *const test_modules[];

/* Checks. NEED ends the test when it fails, CHECK goes on. */

void check_true(int holds, int fatal, const char *text, const char *file, int line);
void check_status(apr_status_t got, apr_status_t wanted, int fatal, const char *text,
                  const char *file, int line);
void check_number(apr_int64_t got, apr_int64_t wanted, const char *text, const char *file,
                  int line);

/** What the macros of APR ask, with the argument taken once: on Windows those take it often. */
int says_missing(apr_status_t status);
int says_bad_handle(apr_status_t status);

#define CHECK(condition) check_true((condition) ? 1 : 0, 0, #condition, __FILE__, __LINE__)
#define NEED(condition) check_true((condition) ? 1 : 0, 1, #condition, __FILE__, __LINE__)
#define CHECK_STATUS(call, wanted) check_status((call), (wanted), 0, #call, __FILE__, __LINE__)
#define CHECK_OK(call) check_status((call), APR_SUCCESS, 0, #call, __FILE__, __LINE__)
#define NEED_OK(call) check_status((call), APR_SUCCESS, 1, #call, __FILE__, __LINE__)
#define CHECK_NUMBER(got, wanted) \
    check_number((apr_int64_t)(got), (apr_int64_t)(wanted), #got, __FILE__, __LINE__)

/** Say that the running test does not apply here, and why; then return from it. */
void test_skip(const char *format, ...) TEST_FORMAT(1, 2);
/** The same, and the test ends here. What it has checked so far still counts. */
_Noreturn void test_skip_now(const char *format, ...) TEST_FORMAT(1, 2);

/** Say that the running test is for the other suite; see NEEDS_FAKE in fake/backend.h. */
void test_elsewhere(void);

/* The running test. */

/** Lives as long as the test. */
extern apr_pool_t *test_pool;
/** A path in the test's own directory. */
const char *test_path(const char *name);
/** The directory itself. */
const char *test_dir(void);
/** `full` repetitions, or a fraction of them where each is slow (SMMAP_TEST_LIGHT=1). */
apr_size_t test_count(apr_size_t full);
/** 1 where the light counts are in use: under valgrind and its like. */
int test_is_light(void);
/** 1 when managers are made in paranoid mode, as SMMAP_PARANOID says. */
int test_is_paranoid(void);
/** 1 when the program was built with AddressSanitizer. */
int test_has_asan(void);

/** Run a function in a child process; what it returns (0 to 97), or -1 when the process died
    of a signal or was still busy after a minute. A check that fails ends the child with 98.
    Where the system cannot fork, the test is skipped. */
int test_in_child(int (*run)(void *), void *argument);

/* Random numbers: the same in each run with the same seed, whatever other tests run. */

apr_uint64_t random_number(void);
/** 0 .. below - 1; below is not 0. */
apr_uint64_t random_below(apr_uint64_t below);
/** The next number of a state of one's own: for threads. */
apr_uint64_t random_next(apr_uint64_t *state);

/** Wait for the end of a thread, which must come by itself. */
void thread_join(apr_thread_t *thread);

/* Files. */

typedef struct test_file_t {
    const char *path;
    unsigned char *data;
    apr_size_t size;
} test_file_t;

/** A file of random bytes in the test's directory, and the bytes. */
test_file_t file_make(const char *name, apr_size_t size);
/** Write bytes into a file as it is, at an offset. */
void file_write(const char *path, apr_off_t offset, const void *data, apr_size_t size);
/** Set its size; 0 when the file system cannot. This one and the next two end the test as
    skipped where the system refuses, as Windows does while the file is in use. */
int file_resize(const char *path, apr_off_t size);
/** Put the one in the place of the other. */
void file_rename(const char *from, const char *to);
void file_delete(const char *path);
/** A second name for a file. */
void file_link(const char *from, const char *to);
/** A handle on it, open for reading. */
apr_os_file_t file_open(const char *path);
void file_close(apr_os_file_t handle);
/** The id that the system has for it. */
apr_uint64_t file_id(const char *path);
/** Directories. */
void directory_make(const char *path);
void directory_remove(const char *path);
void directory_enter(const char *path);
/** 1 when the cursor's bytes, as many as it says, are those of the file. */
int cursor_shows(const smmap_cursor_t *cursor, const test_file_t *file);
/** The same for the whole region around them. */
int region_shows(const smmap_cursor_t *cursor, const test_file_t *file);

/* Managers. */

/** What the harness makes is compared with the truth while it lives. */
smmap_manager_t *manager_make(const smmap_options_t *options);
/** The same in a pool of the test's choice. */
smmap_manager_t *manager_make_in(const smmap_options_t *options, apr_pool_t *pool);
/** Tell the harness of one that the test made itself, in this pool. */
void manager_track(smmap_manager_t *manager, apr_pool_t *pool);
/** Sliding mode; 0 takes a default. */
smmap_manager_t *manager_sliding(apr_size_t window, apr_size_t max_bytes, apr_size_t max_regions,
                                 smmap_limits_t limits);
/** Windows of one granule, four of them at most; the trace goes to a function. */
smmap_manager_t *manager_traced(smmap_trace_t *trace, void *context);
/** Destroy one that the harness made. */
apr_status_t manager_destroy(smmap_manager_t *manager);
smmap_stats_t manager_stats(smmap_manager_t *manager);
/** Cursor in the test's pool, or the test ends. */
smmap_cursor_t *cursor_open(smmap_manager_t *manager, const char *path);
/** The same in a pool of the test's choice. */
smmap_cursor_t *cursor_open_in(smmap_manager_t *manager, const char *path, apr_pool_t *pool);
/** A pool of the test's own, or the test ends. parent: NULL for none. */
apr_pool_t *pool_make(apr_pool_t *parent);

/**
 * Compare: what each manager says about itself makes sense, and all of them together say
 * what the fake backend counts. Not while windows of a destroyed manager are pinned, as
 * they are not counted any more.
 */
void counts_check(void);

/* For the runner. */

typedef struct test_outcome_t {
    char skipped[400]; /**< the reason, or empty */
    int elsewhere;     /**< it is for the other suite */
} test_outcome_t;

void harness_begin(const char *root, apr_uint64_t seed);
void harness_test_begin(const char *name, unsigned index);
/** Run it; comes back early from test_skip_now(). */
void harness_test_run(void (*run)(void));
void harness_test_end(test_outcome_t *outcome);
void harness_end(void);
/** Delete a directory and all that is in it. */
void harness_remove_tree(const char *path);

#endif
