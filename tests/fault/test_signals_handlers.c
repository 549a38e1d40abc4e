/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's own handlers of SIGBUS and the guard's: installed before it and after it, of both
 * kinds, that pass on, return or jump; faults and signals that are not ours. A part of
 * test_signals.c.
 */
#include "test_signals.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t first_calls;
static volatile sig_atomic_t second_calls;
static void *volatile seen_address;
static struct sigaction below_second; /* what was there before the second was installed */
static sigjmp_buf way_out;

static void mend(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    mmap((void *)(apr_uintptr_t)signals_foreign, signals_unit, PROT_READ, flags, -1, 0);
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

/* Handlers that were there before. */

static int before_with_info(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    signals_guard_on();
    signals_foreign_make();
    if (!signals_is_survived() || first_calls != 0) {
        return 1;
    }
    signals_touch(signals_foreign + 5);
    return first_calls == 1 && seen_address == (const void *)(apr_uintptr_t)(signals_foreign + 5) &&
                   signals_is_survived()
               ? 0
               : 2;
}

static int before_plain(void *unused)
{
    (void)unused;
    install(NULL, first_plain, NULL);
    signals_guard_on();
    signals_foreign_make();
    if (!signals_is_survived() || first_calls != 0) {
        return 1;
    }
    signals_touch(signals_foreign + 5);
    return first_calls == 1 && signals_is_survived() ? 0 : 2;
}

/* A signal that is sent has no address; it is the program's. */
static int before_and_sent(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    signals_guard_on();
    signals_foreign_make();
    raise(SIGBUS);
    return first_calls == 1 && signals_is_survived() ? 0 : 1;
}

static int before_ignored(void *unused)
{
    (void)unused;
    signal(SIGBUS, SIG_IGN);
    signals_guard_on();
    raise(SIGBUS);
    return signals_is_survived() ? 0 : 1;
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
    signals_guard_on();
    signals_foreign_make();
    signals_touch(signals_foreign + 5);
    if (first_calls != 1 || !signals_is_survived()) {
        return 1;
    }
    raise(SIGBUS);
    return 2;
}

void signals_handlers_before(void)
{
    signals_begin();
    CHECK_NUMBER(test_in_child(before_with_info, NULL), 0);
    CHECK_NUMBER(test_in_child(before_plain, NULL), 0);
    CHECK_NUMBER(test_in_child(before_and_sent, NULL), 0);
    CHECK_NUMBER(test_in_child(before_ignored, NULL), 0);
    CHECK_NUMBER(signals_end_of(before_once), SIGBUS);
}

/* Handlers that are installed later, and the guard renewed. */

static int after_until_renewed(void *unused)
{
    int i;

    (void)unused;
    signals_guard_on();
    install(second_passing_on, NULL, &below_second);
    signals_foreign_make();
    /* It passes on to us. */
    if (!signals_is_survived() || second_calls == 0) {
        return 1;
    }
    for (i = 0; i < 5; i++) {
        if (smmap_manager_reinstall_guard(signals_manager) != APR_SUCCESS) {
            return 2;
        }
    }
    second_calls = 0;
    return signals_is_survived() && second_calls == 0 ? 0 : 3;
}

/* first, ours, second, ours again: what is not ours passes second, then ours, then first. */
static int no_circle(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    signals_guard_on();
    install(second_passing_on, NULL, &below_second);
    if (smmap_manager_reinstall_guard(signals_manager) != APR_SUCCESS) {
        return 1;
    }
    signals_foreign_make();
    signals_touch(signals_foreign + 5);
    if (second_calls != 1 || first_calls != 1) {
        return 2;
    }
    /* The same once more: a handler of that name is known already. */
    install(second_passing_on, NULL, &below_second);
    if (smmap_manager_reinstall_guard(signals_manager) != APR_SUCCESS) {
        return 3;
    }
    signals_foreign_make();
    signals_touch(signals_foreign + 7);
    return second_calls == 2 && first_calls == 2 && signals_is_survived() ? 0 : 4;
}

/* One that does not return but jumps is called each time, not once. */
static int jumping(void *unused)
{
    volatile int i;

    (void)unused;
    signals_guard_on();
    install(NULL, second_jumping, NULL);
    if (smmap_manager_reinstall_guard(signals_manager) != APR_SUCCESS) {
        return 1;
    }
    signals_foreign_make();
    for (i = 0; i < 20; i++) {
        if (sigsetjmp(way_out, 1) == 0) {
            signals_touch(signals_foreign + 5);
            return 2;
        }
        if (!signals_is_survived()) {
            return 3;
        }
    }
    return second_calls == 20 ? 0 : 4;
}

/* The program goes back to a handler that it had before: the other one is not called any more. */
static int back_to_the_first(void *unused)
{
    int i;

    (void)unused;
    signals_guard_on();
    for (i = 0; i < 31; i++) {
        install(i % 2 == 0 ? first_with_info : second_passing_on, NULL, &below_second);
        if (smmap_manager_reinstall_guard(signals_manager) != APR_SUCCESS) {
            return 1;
        }
    }
    signals_foreign_make();
    signals_touch(signals_foreign + 5);
    return first_calls == 1 && second_calls == 0 && signals_is_survived() ? 0 : 2;
}

/* The program takes its handler back: there is no handler left to pass on to. */
static int reset_and_renewed(void *unused)
{
    (void)unused;
    install(first_with_info, NULL, NULL);
    signals_guard_on();
    signal(SIGBUS, SIG_DFL);
    if (smmap_manager_reinstall_guard(signals_manager) != APR_SUCCESS || !signals_is_survived()) {
        return 1;
    }
    signals_foreign_make();
    signals_touch(signals_foreign + 5);
    return 2;
}

/* Ever other handlers: at some time there is no room to remember one more. */
static int too_many(void *unused)
{
    struct sigaction action;
    int i;

    (void)unused;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    signals_guard_on();
    for (i = 0; i < 40; i++) {
        apr_status_t status;

        action.sa_handler = (void (*)(int))((apr_uintptr_t)first_plain + (apr_uintptr_t)i);
        NEED(sigaction(SIGBUS, &action, NULL) == 0);
        status = smmap_manager_reinstall_guard(signals_manager);
        if (status == APR_ENOSPC) {
            return i > 10 ? 0 : 1;
        }
        if (status != APR_SUCCESS) {
            return 2;
        }
    }
    return 3;
}

/* The handler of faults that paranoid mode installs calls the one before as the system would. */
static volatile sig_atomic_t blocked; /* in the handler: 1: SIGUSR1, 2: its own signal */

static void look_at_mask(int number)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    blocked = (sigismember(&mask, SIGUSR1) == 1) + 2 * (sigismember(&mask, number) == 1);
}

static void fault_in_paranoid_mode(int flags)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = look_at_mask;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    NEED(sigaction(SIGSEGV, &action, NULL) == 0);
    options.paranoid = 1;
    manager_make(&options);
    raise(SIGSEGV);
}

static int masked(void *unused)
{
    (void)unused;
    fault_in_paranoid_mode(0);
    return blocked != 3;
}

static int not_deferred(void *unused)
{
    (void)unused;
    fault_in_paranoid_mode(SA_NODEFER);
    return blocked != 1;
}

static int called_once(void *unused)
{
    (void)unused;
    fault_in_paranoid_mode((int)SA_RESETHAND);
    raise(SIGSEGV);
    return 0;
}

void signals_handlers_after(void)
{
    signals_begin();
    CHECK_NUMBER(test_in_child(masked, NULL), 0);
    CHECK_NUMBER(test_in_child(not_deferred, NULL), 0);
    CHECK_NUMBER(signals_end_of(called_once), SIGSEGV);
    CHECK_NUMBER(test_in_child(after_until_renewed, NULL), 0);
    CHECK_NUMBER(test_in_child(no_circle, NULL), 0);
    CHECK_NUMBER(test_in_child(jumping, NULL), 0);
    CHECK_NUMBER(test_in_child(back_to_the_first, NULL), 0);
    CHECK_NUMBER(signals_end_of(reset_and_renewed), SIGBUS);
    CHECK_NUMBER(test_in_child(too_many, NULL), 0);
}
