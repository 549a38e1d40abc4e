/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard and what belongs to a thread: its signal mask, its stack for signals, its modes of
 * floating point. A guarded fault leaves them as they were. A part of test_signals.c.
 */
#include "test_signals.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static void begin(smmap_guard_t guard)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    unit = smmap_granularity();
    file = file_make("file", 8 * unit);
    options.guard = guard;
    options.mode = SMMAP_MODE_STATIC;
    NEED_OK(smmap_manager_create(&manager, &options, test_pool));
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, test_pool));
}

/* Map the file whole. */
static void map_whole(void)
{
    NEED(file_resize(file.path, 0) && file_resize(file.path, (apr_off_t)file.size));
    NEED_OK(smmap_cursor_refresh(cursor));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
}

/* A guarded copy of a page that is gone, from a window that was there before. */
static int is_copy_survived(void)
{
    unsigned char bytes[10];

    NEED(file_resize(file.path, 1));
    return smmap_cursor_read(cursor, (apr_off_t)(3 * unit), bytes, 10, NULL) == SMMAP_ETRUNCATED;
}

static volatile unsigned char sink;

/* The same, by a guarded pointer. */
static int is_pointer_survived(void)
{
    NEED_OK(smmap_cursor_begin_guard(cursor));
    NEED(file_resize(file.path, 1));
    sink = ((const volatile unsigned char *)smmap_cursor_data(cursor))[3 * unit];
    return smmap_cursor_end_guard(cursor) == SMMAP_ETRUNCATED;
}

static void block_all(void)
{
    sigset_t all;

    sigfillset(&all);
    NEED(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
}

static int is_blocked(void)
{
    sigset_t mask;

    NEED(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    return sigismember(&mask, SIGBUS) == 1;
}

/* As the workers of a daemon do, and as a program that inherits such a mask. */
static int blocked(void *unused)
{
    (void)unused;
    block_all();
    begin(SMMAP_GUARD_ON);
    map_whole();
    CHECK(is_copy_survived() && is_blocked());
    map_whole();
    CHECK(is_pointer_survived() && is_blocked());
    map_whole();
    CHECK(is_copy_survived() && is_blocked());
    return 0;
}

/* Only after a copy found it open. */
static int blocked_later(void *argument)
{
    smmap_guard_t guard = *(smmap_guard_t *)argument;
    unsigned char bytes[10];

    begin(guard);
    map_whole();
    NEED_OK(smmap_cursor_read(cursor, 0, bytes, 10, NULL));
    CHECK(!is_blocked());
    block_all();
    if (guard == SMMAP_GUARD_ON) {
        map_whole(); /* the thread is looked at again */
    }
    CHECK(is_copy_survived() && is_blocked());
    map_whole();
    CHECK(is_pointer_survived() && is_blocked());
    return 0;
}

/* Guards that end in another order than they began, and a copy within. */
static int blocked_and_nested(void *unused)
{
    smmap_cursor_t *second;
    unsigned char bytes[10];

    (void)unused;
    block_all();
    begin(SMMAP_GUARD_ON);
    map_whole();
    NEED_OK(smmap_cursor_copy(&second, cursor, test_pool));
    NEED_OK(smmap_cursor_begin_guard(cursor));
    NEED_OK(smmap_cursor_begin_guard(second));
    CHECK(!is_blocked());
    NEED_OK(smmap_cursor_read(second, 0, bytes, 10, NULL));
    CHECK(!is_blocked());
    CHECK_OK(smmap_cursor_end_guard(cursor));
    CHECK(!is_blocked());
    NEED(file_resize(file.path, 1));
    sink = ((const volatile unsigned char *)smmap_cursor_data(second))[3 * unit];
    CHECK_STATUS(smmap_cursor_end_guard(second), SMMAP_ETRUNCATED);
    CHECK(is_blocked());
    return 0;
}

/* A thread that guards something blocks SIGBUS again, or now. It is noticed where another guard
   begins and where a window is mapped; measuring shows it again to a thread that blocked it
   before. */
static int blocked_meanwhile(void *argument)
{
    const char *order = argument;
    smmap_cursor_t *second;
    smmap_cursor_t *other;

    if (order[0] == 'b') {
        block_all();
    }
    begin(SMMAP_GUARD_ON);
    map_whole();
    NEED_OK(smmap_cursor_copy(&second, cursor, test_pool));
    NEED_OK(smmap_cursor_use(second, 0, 0));
    NEED_OK(smmap_cursor_begin_guard(second));
    if (order[1] != 'g') {
        NEED_OK(smmap_cursor_begin_guard(cursor));
    }
    block_all();
    switch (order[1]) {
    case 'g': NEED_OK(smmap_cursor_begin_guard(cursor)); break;
    case 'm':
        NEED_OK(smmap_cursor_open(&other, manager, file_make("other", 10).path, test_pool));
        NEED_OK(smmap_cursor_use(other, 0, 0));
        break;
    default: NEED_OK(smmap_cursor_refresh(cursor)); break;
    }
    NEED(file_resize(file.path, 1));
    sink = ((const volatile unsigned char *)smmap_cursor_data(cursor))[unit];
    CHECK_STATUS(smmap_cursor_end_guard(cursor), SMMAP_ETRUNCATED);
    smmap_cursor_end_guard(second);
    CHECK(is_blocked());
    return 0;
}

static int is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGBUS) == 1;
}

/* A SIGBUS that somebody sends is for the thread that waits for signals. */
static int sent_while_blocked(void *unused)
{
    sigset_t faults;
    int number = 0;
    int i;

    (void)unused;
    block_all();
    begin(SMMAP_GUARD_ON);
    sigemptyset(&faults);
    sigaddset(&faults, SIGBUS);
    for (i = 0; i < 4; i++) {
        map_whole();
        NEED(i % 2 == 0 ? kill(getpid(), SIGBUS) == 0 : raise(SIGBUS) == 0);
        CHECK(i < 2 ? is_copy_survived() : is_pointer_survived());
        CHECK(is_blocked() && is_pending());
        NEED(sigwait(&faults, &number) == 0 && number == SIGBUS);
        CHECK(!is_pending());
    }
    return 0;
}

#ifdef __linux__
#define DISARMS_ITSELF (1U << 31) /* SS_AUTODISARM, which not all headers have */
#else
#define DISARMS_ITSELF 0
#endif

/* Both kinds of stacks for signals are there afterwards. */
static int stack_stays(void *argument)
{
    stack_t stack;
    stack_t now;

    memset(&stack, 0, sizeof stack);
    stack.ss_size = 65536;
    stack.ss_sp = apr_palloc(test_pool, stack.ss_size);
    stack.ss_flags = (int)*(unsigned *)argument;
    if (sigaltstack(&stack, NULL) != 0) {
        return 77; /* an old system */
    }
    begin(SMMAP_GUARD_ON);
    map_whole();
    CHECK(is_copy_survived());
    NEED(sigaltstack(NULL, &now) == 0);
    CHECK(now.ss_sp == stack.ss_sp && now.ss_size == stack.ss_size);
    CHECK_NUMBER(now.ss_flags, stack.ss_flags);
    map_whole();
    CHECK(is_copy_survived());
    return 0;
}

/* How numbers are rounded: a handler starts with the system's modes. */
static int modes_stay(void *unused)
{
    (void)unused;
    begin(SMMAP_GUARD_ON);
    map_whole();
#if defined(__x86_64__)
    _MM_SET_ROUNDING_MODE(_MM_ROUND_UP);
    CHECK(is_copy_survived());
    CHECK_NUMBER(_MM_GET_ROUNDING_MODE(), _MM_ROUND_UP);
#endif
    return 0;
}

/* A thread is cancelled in the middle of a call: nothing that it held stays behind. */

static void cancel_this_thread(void *context, const smmap_trace_event_t *event)
{
    (void)context;
    if (event->offset != 0) {
        pthread_cancel(pthread_self()); /* at the next point where that is looked at */
    }
}

static void *be_cancelled(void *other)
{
    unsigned char bytes[10];

    smmap_cursor_read(other, (apr_off_t)(3 * unit), bytes, 10, NULL);
    pthread_testcancel();
    return NULL;
}

static int cancelled(void *unused)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *other;
    pthread_t thread;
    void *result = NULL;

    (void)unused;
    alarm(20);
    unit = smmap_granularity();
    file = file_make("file", 8 * unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = unit;
    options.max_regions = 1; /* so the other cursor reads by the handle */
    options.trace = cancel_this_thread;
    NEED_OK(smmap_manager_create(&manager, &options, test_pool));
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, test_pool));
    NEED_OK(smmap_cursor_open(&other, manager, file.path, test_pool));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED(pthread_create(&thread, NULL, be_cancelled, other) == 0);
    NEED(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
    smmap_cursor_close(other);
    smmap_cursor_close(cursor);
    CHECK_OK(smmap_manager_destroy(manager)); /* waits for all who read by the handle */
    return 0;
}

#ifdef __linux__
/* All that the process may lock is locked when a page has to be replaced. The window is part of it,
   or older and not locked. */
static int memory_locked(void *which)
{
    struct rlimit limit;
    apr_size_t size;

    begin(SMMAP_GUARD_ON);
    map_whole();
    NEED_OK(smmap_cursor_begin_guard(cursor));
    NEED(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (limit.rlim_max > 64 << 20) {
        limit.rlim_max = 64 << 20; /* only lower it: that is always allowed */
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || chmod(file.path, 0666) != 0 ||
        truncate(file.path, 1) != 0 || (geteuid() == 0 && (setgid(65534) || setuid(65534))) ||
        mlockall(*(int *)which) != 0) {
        return 77;
    }
    for (size = 32 << 20; size >= 4096; size /= 2) {
        while (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
               MAP_FAILED) {
        }
    }
    for (size = 1; size < 8; size++) {
        sink = ((const volatile unsigned char *)smmap_cursor_data(cursor))[size * unit];
    }
    return smmap_cursor_end_guard(cursor) == SMMAP_ETRUNCATED ? 0 : 1;
}

static int locking[] = {MCL_CURRENT | MCL_FUTURE, MCL_FUTURE};
#else
static int memory_locked(void *unused)
{
    (void)unused;
    return 77;
}

static int locking[] = {0, 0};
#endif

void signals_of_a_thread(void)
{
    smmap_guard_t on = SMMAP_GUARD_ON;
    smmap_guard_t strict = SMMAP_GUARD_STRICT;
    unsigned plain = 0;
    unsigned disarms = DISARMS_ITSELF;
    /* Blocked before, or open; then a guard begins, a window is mapped, a file is measured. */
    char orders[][3] = {"bg", "bm", "br", "og", "om"};
    unsigned i;
    int code;

    CHECK_NUMBER(test_in_child(blocked, NULL), 0);
    CHECK_NUMBER(test_in_child(blocked_later, &on), 0);
    CHECK_NUMBER(test_in_child(blocked_later, &strict), 0);
    CHECK_NUMBER(test_in_child(blocked_and_nested, NULL), 0);
    for (i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        CHECK_NUMBER(test_in_child(blocked_meanwhile, orders[i]), 0);
    }
    CHECK_NUMBER(test_in_child(sent_while_blocked, NULL), 0);
    CHECK_NUMBER(test_in_child(stack_stays, &plain), 0);
    code = test_in_child(stack_stays, &disarms);
    CHECK(code == 0 || code == 77);
    CHECK_NUMBER(test_in_child(modes_stay, NULL), 0);
    CHECK_NUMBER(test_in_child(cancelled, NULL), 0);
    for (i = 0; i < 2; i++) {
        code = test_in_child(memory_locked, &locking[i]);
        CHECK(code == 0 || code == 77);
    }
}
