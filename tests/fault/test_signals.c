/*
 * The guard and the program's own handlers of SIGBUS: installed before it and after it, of
 * both kinds, that pass on, return or jump; faults and signals that are not ours. Each
 * test is a child process, as a handler is the whole process's, and the end of some is
 * the signal.
 */
#include "test_signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/backend.h"

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

/* What a child does; it returns 0 when all was as it should be. */
typedef int child_t(void *argument);

static void guard_on(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.guard = SMMAP_GUARD_ON;
    options.mode = SMMAP_MODE_STATIC;
    NEED_OK(smmap_manager_create(&manager, &options, test_pool));
}

/* A guarded read of a page that is gone. */
static int is_survived(void)
{
    unsigned char bytes[10];

    if (!file_resize(file.path, (apr_off_t)file.size) ||
        smmap_cursor_open(&cursor, manager, file.path, test_pool) != APR_SUCCESS ||
        smmap_cursor_use(cursor, 0, 0) != APR_SUCCESS || !file_resize(file.path, 1)) {
        return 0;
    }
    return smmap_cursor_read(cursor, (apr_off_t)(3 * unit), bytes, 10, NULL) == SMMAP_ETRUNCATED;
}

/* A page of a mapping of the test's own, behind the end of its file. */
static volatile unsigned char *foreign;

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

static void foreign_make(void)
{
    foreign = signals_lost_pages() + unit;
}

/* What is loaded must be used: valgrind leaves out a load whose result is not used. */
static volatile unsigned char sink;

static void touch(const volatile unsigned char *byte)
{
    sink = *byte;
}

/* The program's handlers. */

static volatile sig_atomic_t first_calls;
static volatile sig_atomic_t second_calls;
static void *volatile seen_address;
static struct sigaction below_second; /* what was there before the second was installed */
static sigjmp_buf way_out;

static void mend(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    mmap((void *)(apr_uintptr_t)foreign, unit, PROT_READ, flags, -1, 0);
}

static void first_with_info(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    first_calls++;
    seen_address = info->si_addr;
    mend();
}

static void first_plain(int number)
{
    (void)number;
    first_calls++;
    mend();
}

static void second_passing_on(int number, siginfo_t *info, void *context)
{
    second_calls++;
    if (second_calls > 10) {
        _exit(50); /* it goes round in circles */
    }
    if (below_second.sa_flags & SA_SIGINFO) {
        below_second.sa_sigaction(number, info, context);
    } else if (below_second.sa_handler != SIG_DFL) {
        below_second.sa_handler(number);
    } else {
        _exit(51);
    }
}

static void second_jumping(int number)
{
    (void)number;
    second_calls++;
    siglongjmp(way_out, 1);
}

static void install(void (*with_info)(int, siginfo_t *, void *), void (*plain)(int),
                    struct sigaction *old)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    if (with_info != NULL) {
        action.sa_sigaction = with_info;
        action.sa_flags = SA_SIGINFO;
    } else {
        action.sa_handler = plain;
    }
    NEED(sigaction(SIGBUS, &action, old) == 0);
}

static void begin(void)
{
    unit = smmap_granularity();
    file = file_make("file", 8 * unit);
}

/* The signal that ended a child, or 0. No core is written. */
static int signal_of(child_t *run)
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

/* Handlers that were there before. */

static int before_with_info(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    guard_on();
    foreign_make();
    if (!is_survived() || first_calls != 0) {
        return 1;
    }
    touch(foreign + 5);
    return first_calls == 1 && seen_address == (const void *)(apr_uintptr_t)(foreign + 5) &&
                   is_survived()
               ? 0
               : 2;
}

static int before_plain(void *unused)
{
    (void)unused;
    install(NULL, first_plain, NULL);
    guard_on();
    foreign_make();
    if (!is_survived() || first_calls != 0) {
        return 1;
    }
    touch(foreign + 5);
    return first_calls == 1 && is_survived() ? 0 : 2;
}

/* A signal that is sent has no address; it is the program's. */
static int before_and_sent(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    guard_on();
    foreign_make();
    raise(SIGBUS);
    return first_calls == 1 && is_survived() ? 0 : 1;
}

static int before_ignored(void *unused)
{
    (void)unused;
    signal(SIGBUS, SIG_IGN);
    guard_on();
    raise(SIGBUS);
    return is_survived() ? 0 : 1;
}

/* Wanted to be called once. */
static int before_once(void *unused)
{
    struct sigaction action;

    (void)unused;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = first_plain;
    action.sa_flags = (int)SA_RESETHAND;
    NEED(sigaction(SIGBUS, &action, NULL) == 0);
    guard_on();
    foreign_make();
    touch(foreign + 5);
    if (first_calls != 1 || !is_survived()) {
        return 1;
    }
    raise(SIGBUS);
    return 2;
}

static void handlers_before(void)
{
    NEEDS_REAL();
    if (is_watched()) {
        return;
    }
    begin();
    CHECK_NUMBER(test_in_child(before_with_info, NULL), 0);
    CHECK_NUMBER(test_in_child(before_plain, NULL), 0);
    CHECK_NUMBER(test_in_child(before_and_sent, NULL), 0);
    CHECK_NUMBER(test_in_child(before_ignored, NULL), 0);
    CHECK_NUMBER(signal_of(before_once), SIGBUS);
}

/* Handlers that are installed later, and the guard renewed. */

static int after_until_renewed(void *unused)
{
    int i;

    (void)unused;
    guard_on();
    install(second_passing_on, NULL, &below_second);
    foreign_make();
    /* It passes on to us. */
    if (!is_survived() || second_calls == 0) {
        return 1;
    }
    for (i = 0; i < 5; i++) {
        if (smmap_manager_reinstall_guard(manager) != APR_SUCCESS) {
            return 2;
        }
    }
    second_calls = 0;
    return is_survived() && second_calls == 0 ? 0 : 3;
}

/* first, ours, second, ours again: what is not ours passes second, then ours, then first. */
static int no_circle(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    guard_on();
    install(second_passing_on, NULL, &below_second);
    if (smmap_manager_reinstall_guard(manager) != APR_SUCCESS) {
        return 1;
    }
    foreign_make();
    touch(foreign + 5);
    if (second_calls != 1 || first_calls != 1) {
        return 2;
    }
    /* The same once more: a handler of that name is known already. */
    install(second_passing_on, NULL, &below_second);
    if (smmap_manager_reinstall_guard(manager) != APR_SUCCESS) {
        return 3;
    }
    foreign_make();
    touch(foreign + 7);
    return second_calls == 2 && first_calls == 2 && is_survived() ? 0 : 4;
}

/* One that does not return but jumps is called each time, not once. */
static int jumping(void *unused)
{
    volatile int i;

    (void)unused;
    guard_on();
    install(NULL, second_jumping, NULL);
    if (smmap_manager_reinstall_guard(manager) != APR_SUCCESS) {
        return 1;
    }
    foreign_make();
    for (i = 0; i < 20; i++) {
        if (sigsetjmp(way_out, 1) == 0) {
            touch(foreign + 5);
            return 2;
        }
        if (!is_survived()) {
            return 3;
        }
    }
    return second_calls == 20 ? 0 : 4;
}

/* The program takes its handler back: there is no handler left to pass on to. */
static int reset_and_renewed(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    guard_on();
    signal(SIGBUS, SIG_DFL);
    if (smmap_manager_reinstall_guard(manager) != APR_SUCCESS || !is_survived()) {
        return 1;
    }
    foreign_make();
    touch(foreign + 5);
    return 2;
}

/* Ever other handlers: at some time there is no room to remember one more. */
static int too_many(void *unused)
{
    int i;

    (void)unused;
    guard_on();
    for (i = 0; i < 40; i++) {
        apr_status_t status;

        signal(SIGBUS, i % 2 == 0 ? first_plain : SIG_DFL);
        status = smmap_manager_reinstall_guard(manager);
        if (status == APR_ENOSPC) {
            return i > 10 ? 0 : 1;
        }
        if (status != APR_SUCCESS) {
            return 2;
        }
    }
    return 3;
}

static void handlers_after(void)
{
    NEEDS_REAL();
    if (is_watched()) {
        return;
    }
    begin();
    CHECK_NUMBER(test_in_child(after_until_renewed, NULL), 0);
    CHECK_NUMBER(test_in_child(no_circle, NULL), 0);
    CHECK_NUMBER(test_in_child(jumping, NULL), 0);
    CHECK_NUMBER(signal_of(reset_and_renewed), SIGBUS);
    CHECK_NUMBER(test_in_child(too_many, NULL), 0);
}

/* Nobody handles it: the process ends as it would have. */

static int by_a_fault(void *unused)
{
    (void)unused;
    guard_on();
    if (!is_survived()) {
        return 1;
    }
    foreign_make();
    touch(foreign + 5);
    return 2;
}

static int by_a_signal(void *unused)
{
    (void)unused;
    guard_on();
    raise(SIGBUS);
    return 2;
}

/* A page of ours, by a pointer that nothing guards. */
static int by_a_pointer(void *unused)
{
    const volatile unsigned char *data;

    (void)unused;
    guard_on();
    NEED(file_resize(file.path, (apr_off_t)file.size)); /* another child has cut it */
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, test_pool));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_begin_guard(cursor));
    NEED_OK(smmap_cursor_end_guard(cursor));
    NEED(file_resize(file.path, 1));
    data = smmap_cursor_data(cursor);
    touch(data + 3 * unit);
    return 2;
}

/* A manager without the guard installs nothing. */
static int without(void *unused)
{
    struct sigaction action;

    (void)unused;
    NEED_OK(smmap_manager_create(&manager, NULL, test_pool));
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
    begin();
    CHECK_NUMBER(signal_of(by_a_fault), SIGBUS);
    CHECK_NUMBER(signal_of(by_a_signal), SIGBUS);
    CHECK_NUMBER(signal_of(by_a_pointer), SIGBUS);
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
    guard_on();
    return is_survived() && is_survived() ? 0 : 1;
}

static void signal_stack(void)
{
    NEEDS_REAL();
    if (!is_watched()) {
        begin();
        CHECK_NUMBER(test_in_child(on_its_own_stack, NULL), 0);
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

static const test_case_t signals_cases[] = {{"handlers_before", handlers_before},
                                            {"handlers_after", handlers_after},
                                            {"ends_as_before", ends_as_before},
                                            {"in_a_copy", in_a_copy},
                                            {"signal_stack", signal_stack},
                                            {"of_a_thread", of_a_thread},
                                            {"of_two_copies", of_two_copies},
                                            {NULL, NULL}};
const test_module_t test_signals = {"signals", signals_cases};
