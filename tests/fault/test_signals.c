/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard and signals: the program's own handlers, threads, stacks, copies of the library, and
 * what ends the process. Each test is a child process, as a handler is the whole process's, and
 * the end of some is the signal. The larger parts are in files of their own.
 */
#include "test_signals.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/backend.h"

apr_size_t signals_unit;
static test_file_t file;
smmap_manager_t *signals_manager;
static smmap_cursor_t *cursor;

void signals_guard_on(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.guard = SMMAP_GUARD_ON;
    options.mode = SMMAP_MODE_STATIC;
    NEED_OK(smmap_manager_create(&signals_manager, &options, test_pool));
}

/* A guarded read of a page that is gone. */
int signals_is_survived(void)
{
    unsigned char bytes[10];

    if (!file_resize(file.path, (apr_off_t)file.size) ||
        smmap_cursor_open(&cursor, signals_manager, file.path, test_pool) != APR_SUCCESS ||
        smmap_cursor_use(cursor, 0, 0) != APR_SUCCESS || !file_resize(file.path, 1)) {
        return 0;
    }
    return smmap_cursor_read(cursor, (apr_off_t)(3 * signals_unit), bytes, 10, NULL) ==
           SMMAP_ETRUNCATED;
}

/* A page of a mapping of the test's own, behind the end of its file. */
volatile unsigned char *signals_foreign;

unsigned char *signals_lost_pages(void)
{
    const apr_size_t size = 2 * smmap_granularity();
    const char *path = file_make("lost", size).path;
    int fd = file_open(path);
    void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

    NEED(memory != MAP_FAILED);
    close(fd);
    NEED(file_resize(path, 0));
    return memory;
}

void signals_foreign_make(void)
{
    signals_foreign = signals_lost_pages() + signals_unit;
}

/* What is loaded must be used: valgrind leaves out a load whose result is not used. */
static volatile unsigned char sink;

void signals_touch(const volatile unsigned char *byte)
{
    sink = *byte;
}

void signals_begin(void)
{
    signals_unit = smmap_granularity();
    file = file_make("file", 8 * signals_unit);
}

/* The signal that ended a child, or 0. No core is written. */
int signals_end_of(signals_child_t *run)
{
    int state = 0;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        signal(SIGBUS, SIG_DFL); /* a sanitizer's handler would make an exit of it */
        _exit(run(NULL));
    }
    NEED(child > 0 && waitpid(child, &state, 0) == child);
    return WIFSIGNALED(state) ? WTERMSIG(state) : 0;
}

/* valgrind catches faults itself, before any handler, and ends a process by another signal. */
static int is_watched(void)
{
    if (test_is_light()) {
        test_skip("valgrind handles faults itself, and not as the system does");
    }
    return test_is_light();
}

/* Nobody handles it: the process ends as it would have. */

static int by_a_fault(void *unused)
{
    (void)unused;
    signals_guard_on();
    if (!signals_is_survived()) {
        return 1;
    }
    signals_foreign_make();
    signals_touch(signals_foreign + 5);
    return 2;
}

static int by_a_signal(void *unused)
{
    (void)unused;
    signals_guard_on();
    raise(SIGBUS);
    return 2;
}

/* A page of ours, by a pointer that nothing guards. */
static int by_a_pointer(void *unused)
{
    const volatile unsigned char *data;

    (void)unused;
    signals_guard_on();
    NEED(file_resize(file.path, (apr_off_t)file.size)); /* another child has cut it */
    NEED_OK(smmap_cursor_open(&cursor, signals_manager, file.path, test_pool));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_begin_guard(cursor));
    NEED_OK(smmap_cursor_end_guard(cursor));
    NEED(file_resize(file.path, 1));
    data = smmap_cursor_data(cursor);
    signals_touch(data + 3 * signals_unit);
    return 2;
}

/* A manager without the guard installs nothing. */
static int without(void *unused)
{
    struct sigaction action;

    (void)unused;
    NEED_OK(smmap_manager_create(&signals_manager, NULL, test_pool));
    NEED(sigaction(SIGBUS, NULL, &action) == 0);
    return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL ? 0 : 1;
}

static int asked_for_default(void *unused)
{
    signal(SIGBUS, SIG_DFL);
    return without(unused);
}

static void ends_as_before(void)
{
    NEEDS_REAL();
    if (is_watched()) {
        return;
    }
    signals_begin();
    CHECK_NUMBER(signals_end_of(by_a_fault), SIGBUS);
    CHECK_NUMBER(signals_end_of(by_a_signal), SIGBUS);
    CHECK_NUMBER(signals_end_of(by_a_pointer), SIGBUS);
    CHECK_NUMBER(test_in_child(asked_for_default, NULL), 0);
}

/* A thread that has a stack for signals: the handler runs on it. */
static int on_its_own_stack(void *unused)
{
    stack_t stack;

    (void)unused;
    memset(&stack, 0, sizeof stack);
    stack.ss_size = 65536;
    stack.ss_sp = apr_palloc(test_pool, stack.ss_size);
    NEED(sigaltstack(&stack, NULL) == 0);
    signals_guard_on();
    return signals_is_survived() && signals_is_survived() ? 0 : 1;
}

static void signal_stack(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_begin();
        CHECK_NUMBER(test_in_child(on_its_own_stack, NULL), 0);
    }
}

static void handlers_before(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_handlers_before();
    }
}

static void handlers_after(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_handlers_after();
    }
}

static void in_a_copy(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_in_a_copy();
    }
}

static void of_a_thread(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_of_a_thread();
    }
}

static void of_two_copies(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_of_two_copies();
    }
}

static void sent_like_faults(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        signals_sent_like_faults();
    }
}

static const test_case_t signals_cases[] = {{"handlers_before", handlers_before},
                                            {"handlers_after", handlers_after},
                                            {"ends_as_before", ends_as_before},
                                            {"in_a_copy", in_a_copy},
                                            {"signal_stack", signal_stack},
                                            {"of_a_thread", of_a_thread},
                                            {"of_two_copies", of_two_copies},
                                            {"sent_like_faults", sent_like_faults},
                                            {NULL, NULL}};
const test_module_t test_signals = {"signals", signals_cases};
