/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: the report of a stale pointer, in paranoid mode.
 *
 * A handler in front of the one for the fault that a forbidden page raises (SIGSEGV; SIGBUS on
 * macOS). If the page belongs to a window that nobody pins it says so on standard error, with the
 * frames of whoever touched it and of who let go of it. Then it puts the previous handler back and
 * returns, so that the load is executed again, and the process ends as it would have without us, by
 * the same signal at the same place. Any other fault goes to the previous handler.
 *
 * Signal safety. It takes no lock and allocates nothing. Of the system it calls write, sigaction
 * and raise, which POSIX lists as async-signal-safe; and backtrace, backtrace_symbols_fd and
 * dladdr, which do not allocate once backtrace was called: each window that was let go of called
 * it. Of the library it calls backtrace.c. errno is restored.
 *
 * Lock order: `writing` is a leaf. A forked child has it free; see smmap__posix_stale_forked().
 */
#include "config.h"

#include "backends/posix/internal.h"
#include "backends/stale.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#ifdef __APPLE__
#define STALE_SIGNAL SIGBUS
#else
#define STALE_SIGNAL SIGSEGV
#endif

/* Frames of whoever touched it. */
enum { TOUCH_FRAMES = 32 };

static atomic_flag writing = ATOMIC_FLAG_INIT;
static atomic_int watched;
static struct sigaction previous;

static void lock(void)
{
    while (atomic_flag_test_and_set(&writing)) {
        sched_yield();
    }
}

static void unlock(void)
{
    atomic_flag_clear(&writing);
}

void smmap__posix_stale_forked(void)
{
    atomic_flag_clear(&writing);
}

static void say(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(STDERR_FILENO, text, size);

        if (wrote <= 0 && errno != EINTR) {
            return; /* there is nowhere left to say so */
        }
        text += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
}

/* Where the thread was; 0: not known how to tell. */
static uintptr_t counter_of(const ucontext_t *context)
{
#if defined(__linux__) && defined(__x86_64__) && defined(REG_RIP)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__linux__) && defined(__i386__) && defined(REG_EIP)
    return (uintptr_t)context->uc_mcontext.gregs[REG_EIP];
#elif defined(__linux__) && defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void report(const stale_t *entry, uintptr_t fault, const ucontext_t *context)
{
    static const char used[] = "smmap: it was used here, innermost frame first:\n";
    static const char let_go[] = "smmap: its window was let go of here:\n";
    const uintptr_t counter = counter_of(context);
    char line[STALE_LINE];
    void *frames[TOUCH_FRAMES];
    unsigned count;
    unsigned first = 0;

    say(line, stale_line(entry, fault, line));
    count = smmap__os_backtrace(frames, TOUCH_FRAMES);
    while (first < count && (uintptr_t)frames[first] != counter) {
        first++; /* the handler, and what called it */
    }
    if (count > 0) {
        first = first < count ? first : 0;
        say(used, sizeof used - 1);
        smmap__posix_print_frames(STDERR_FILENO, frames + first, count - first);
    }
    if (entry->frame_count > 0) {
        count = entry->frame_count;
        first = smmap__posix_caller(entry->frames, count);
        say(let_go, sizeof let_go - 1);
        smmap__posix_print_frames(STDERR_FILENO, entry->frames + first, count - first);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;
    const int was_sent = info->si_code <= 0;
    const stale_t *entry = was_sent ? NULL : stale_find((uintptr_t)info->si_addr);

    if (entry == NULL && previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        const struct sigaction action = previous;

        if (((unsigned)action.sa_flags & (unsigned)SA_RESETHAND) != 0) {
            previous.sa_handler = SIG_DFL; /* it wanted one call */
        }
        smmap__posix_call(&action, number, info, context);
        errno = saved_errno;
        return;
    }
    if (entry != NULL) {
        sigset_t faults;

        sigemptyset(&faults);
        sigaddset(&faults, number);
        pthread_sigmask(SIG_BLOCK, &faults, NULL); /* a fault of ours ends the process */
        report(entry, (uintptr_t)info->si_addr, context);
    }
    sigaction(number, &previous, NULL);
    if (was_sent) {
        raise(number); /* a fault is raised again when we return; a signal that was sent is not */
    }
    errno = saved_errno;
}

void smmap__os_stale_watch(void)
{
    struct sigaction ours;
    void *frame;

    if (atomic_load(&watched)) {
        return;
    }
    smmap__posix_stay_loaded();
    (void)smmap__os_backtrace(&frame, 1); /* its first call may allocate */
    lock();
    if (!atomic_load(&watched)) {
        memset(&ours, 0, sizeof ours);
        ours.sa_sigaction = on_fault;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER; /* the one before may want that */
        sigemptyset(&ours.sa_mask);
        /* What cannot be installed reports nothing; all else is as it was. */
        if (sigaction(STALE_SIGNAL, NULL, &previous) == 0 &&
            sigaction(STALE_SIGNAL, &ours, NULL) == 0) {
            atomic_store(&watched, 1);
        }
    }
    unlock();
}

void smmap__os_stale_note(const smmap__os_stale_t *stale)
{
    lock();
    stale_write(stale);
    unlock();
}

void smmap__os_stale_forget(const unsigned char *address)
{
    lock();
    stale_erase((uintptr_t)address);
    unlock();
}
