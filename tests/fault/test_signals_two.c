/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two copies of the guard in one process, and the program's own handlers of SIGBUS before,
 * between and after them: each copy gets its own faults, and the program all others. A part of
 * test_signals.c.
 */
#include "config.h"

#define COPY(name) second_##name
#include "second_copy.h"

#include "test_signals.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t program_calls;
static volatile sig_atomic_t passed_on;
static struct sigaction below;
static unsigned char *volatile gone; /* two pages behind the end of their file */
static apr_size_t unit;

static void program(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    program_calls++;
    mmap(gone, 2 * unit, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    if (++passed_on > 100) {
        _exit(50); /* it goes round in circles */
    }
    if (below.sa_flags & SA_SIGINFO) {
        below.sa_sigaction(number, info, context);
    }
}

static void install(void (*handler)(int, siginfo_t *, void *), struct sigaction *old)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    NEED(sigaction(SIGBUS, &action, old) == 0);
}

typedef smmap__os_copied_t copy_function_t(void *, const unsigned char *, apr_size_t, apr_size_t,
                                           apr_size_t, apr_size_t *);

static int is_survived(copy_function_t *copy)
{
    unsigned char *memory = signals_lost_pages();
    unsigned char bytes[10];
    apr_size_t fault = 0;
    int is_right = copy(bytes, memory, 2 * unit, unit, 10, &fault) == SMMAP__OS_FAULTED &&
                   fault / unit == 1;

    munmap(memory, 2 * unit);
    return is_right;
}

/* H: the program's handler; P: one that passes on to what it found; D: none any more; 1, 2: the
   copies. */
static int in_order(void *argument)
{
    const char *order = argument;
    int i;

    unit = smmap_granularity();
    NEED(signal(SIGBUS, SIG_DFL) != SIG_ERR); /* a sanitizer's handler ends the process */
    for (; *order != '\0'; order++) {
        if (*order == 'H') {
            install(program, NULL);
        } else if (*order == 'P') {
            install(pass_on, &below);
        } else if (*order == 'D') {
            NEED(signal(SIGBUS, SIG_DFL) != SIG_ERR);
        } else {
            NEED_OK(*order == '1' ? smmap__os_guard_install() : second_guard_install());
        }
    }
    for (i = 1; i <= 3; i++) {
        CHECK(is_survived(smmap__os_guard_copy));
        CHECK(is_survived(second_guard_copy));
        CHECK_NUMBER(program_calls, i - 1);
        gone = signals_lost_pages();
        (void)*(volatile unsigned char *)gone;
        CHECK_NUMBER(program_calls, i);
        munmap(gone, 2 * unit);
        passed_on = 0;
    }
    return 0;
}

/* The program took its handler back before another copy came; what an older copy remembers is not
   called. */
static int taken_back(void *unused)
{
    char order[] = "H1D21";

    (void)unused;
    return in_order(order);
}

void signals_of_two_copies(void)
{
    /* (The program may install P again only where what P found before is in a copy's stack.) */
    static const char *const orders[] = {"H12",     "H121",     "H1212",   "H12121", "H1P2",
                                         "H1P21",   "H12P12",   "H1P2P1",  "HP12",   "H1P12P21",
                                         "1H2121",  "12H12121", "2H12121", "1HP2121", "12H1P2121",
                                         "D1H2121", "1D2H12121", NULL};
    int i;

    for (i = 0; orders[i] != NULL; i++) {
        int code = test_in_child(in_order, (void *)(apr_uintptr_t)orders[i]);

        if (code != 0) {
            printf("  handlers in the order %s\n", orders[i]);
        }
        CHECK_NUMBER(code, 0);
    }
    CHECK_NUMBER(signals_end_of(taken_back), SIGBUS);
}
