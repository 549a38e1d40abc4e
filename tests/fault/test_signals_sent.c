/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard where the system describes a SIGBUS that was sent as the thread's last fault, as Darwin
 * does: a copy of the guard that is built for that, and a handler in front of it that describes
 * each signal so. A part of test_signals.c.
 */
#include "config.h"

#undef SMMAP__POSIX_SENT_LIKE_FAULTS
#define SMMAP__POSIX_SENT_LIKE_FAULTS 1
#define COPY(name) alike_##name
#include "second_copy.h"

#include "test_signals.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static apr_size_t unit;
static test_file_t file; /* two pages */
static const unsigned char *mapping;
static const apr_size_t length = 10;
static void *volatile last_fault; /* what a signal that is sent gives as its address */
static volatile sig_atomic_t is_sent;
static unsigned char *volatile gone;
static volatile sig_atomic_t program_calls;

static void program(int number)
{
    (void)number;
    program_calls++;
}

static void describe(int number, siginfo_t *info, void *context)
{
    if (is_sent) {
        is_sent = 0;
        info->si_addr = last_fault;
    } else if (gone != NULL) {
        /* The destination of a copy. In its place a signal comes, after a fault in its source. */
        mmap(gone, unit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        info->si_addr = last_fault;
    }
    info->si_code = BUS_ADRALN;
    on_sigbus(number, info, context);
}

static void send_one(void)
{
    is_sent = 1;
    raise(SIGBUS);
}

/* What the program wants of the signal, and the copy of the guard in front of that. */
static void begin(void (*wanted)(int))
{
    struct sigaction action;
    int fd;

    unit = smmap_granularity();
    NEED(signal(SIGBUS, wanted) != SIG_ERR);
    NEED_OK(alike_guard_install());
    NEED(sigaction(SIGBUS, NULL, &action) == 0);
    action.sa_sigaction = describe;
    NEED(sigaction(SIGBUS, &action, NULL) == 0);
    file = file_make("source", 2 * unit);
    fd = file_open(file.path);
    mapping = mmap(NULL, 2 * unit, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    NEED(mapping != MAP_FAILED);
    last_fault = (void *)(apr_uintptr_t)(mapping + 5);
}

/* A guarded page that can be read is left as it is; a page that is gone is replaced. */
static int guarded(void *unused)
{
    smmap__os_guard_t guard;
    apr_size_t fault = 0;

    (void)unused;
    begin(SIG_DFL);
    guard.address = &mapping;
    guard.length = &length;
    NEED_OK(alike_guard_begin(&guard));
    send_one();
    CHECK(!alike_guard_patched(mapping, &fault));
    CHECK_NUMBER(mapping[5], file.data[5]);
    NEED(file_resize(file.path, 0));
    signals_touch(mapping + 5);
    CHECK(alike_guard_patched(mapping, &fault) && fault < unit); /* some machines tell the page */
    CHECK_NUMBER(alike_guard_end(&guard), 1);
    return 0;
}

/* The same of a copy. */
static int copied(void *unused)
{
    apr_size_t fault = 0;
    unsigned char bytes[10];
    int fd;

    (void)unused;
    begin(SIG_DFL);
    fd = file_open(file_make("gone", unit).path);
    gone = mmap(NULL, unit, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    NEED(gone != MAP_FAILED && file_resize(test_path("gone"), 0));
    CHECK_NUMBER(alike_guard_copy(gone, mapping, 2 * unit, 0, 10, &fault), SMMAP__OS_COPIED);
    CHECK_NUMBER(gone[5], file.data[5]);
    gone = NULL;
    NEED(file_resize(file.path, 0));
    CHECK_NUMBER(alike_guard_copy(bytes, mapping, 2 * unit, 5, 5, &fault), SMMAP__OS_FAULTED);
    return 0;
}

/* The program's handler gets the others, or the system: the process ends, or ignores it. */

static int forwarded(void *unused)
{
    (void)unused;
    begin(program);
    send_one();
    CHECK_NUMBER(program_calls, 1);
    return 0;
}

static int ignored(void *unused)
{
    (void)unused;
    begin(SIG_IGN);
    send_one();
    send_one();
    return 0;
}

static int deadly(void *unused)
{
    (void)unused;
    begin(SIG_DFL);
    send_one();
    return 0;
}

/* One that comes to a thread that blocks it is held, and sent again; one more was no signal. */
static int held(void *unused)
{
    smmap__os_guard_t guard;
    sigset_t set;
    apr_size_t fault = 0;

    (void)unused;
    begin(program);
    sigemptyset(&set);
    sigaddset(&set, SIGBUS);
    NEED(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    guard.address = &mapping;
    guard.length = &length;
    NEED_OK(alike_guard_begin(&guard));
    last_fault = &unit;
    send_one();
    CHECK_NUMBER(program_calls, 0);
    send_one();
    CHECK_NUMBER(program_calls, 1);
    CHECK_NUMBER(alike_guard_end(&guard), 1);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGBUS) == 1);
    CHECK(!alike_guard_patched(mapping, &fault));
    return 0;
}

void signals_sent_like_faults(void)
{
    CHECK_NUMBER(test_in_child(guarded, NULL), 0);
    CHECK_NUMBER(test_in_child(copied, NULL), 0);
    CHECK_NUMBER(test_in_child(forwarded, NULL), 0);
    CHECK_NUMBER(test_in_child(ignored, NULL), 0);
    CHECK_NUMBER(signals_end_of(deadly), SIGBUS);
    CHECK_NUMBER(test_in_child(held, NULL), 0);
}
