/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: SIGBUS in the signal mask of a thread.
 *
 * A fault in a thread that blocks its signal ends the process, whatever the handler. Threads that
 * block all signals are usual: a daemon takes them in one thread, by sigwait() or signalfd(), and
 * a program may get such a mask from its parent. So SIGBUS is borrowed: unblocked while the thread
 * guards something, and blocked again afterwards.
 *
 * A thread that does not block it is remembered as open, so that its copies ask the system
 * nothing. It is looked at again after each call that asks the system anyway: at the beginning of
 * a guard, and after a mapping was made or a file was measured (the strict guard measures before
 * each copy). A thread that blocks SIGBUS between two copies without such a call is not noticed.
 *
 * A SIGBUS that was sent, and comes while the signal is borrowed, belongs to somebody who waits
 * for it. It is held, and sent again when it is blocked.
 */
#include "config.h"

#include "backends/posix/internal.h"
#include "backends/posix/thread.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* Bits of the word; 0: nothing is known. OPEN is SMMAP__POSIX_MASK_OPEN. */
enum { BORROWED = 2, HELD_FOR_PROCESS = 4, HELD_FOR_THREAD = 8 };

static void change(int how, sigset_t *old)
{
    sigset_t faults;

    sigemptyset(&faults);
    sigaddset(&faults, SIGBUS);
    pthread_sigmask(how, &faults, old);
}

static void settle(uintptr_t word)
{
    const uintptr_t held = smmap__posix_word(SMMAP__POSIX_MASK);

    smmap__posix_word_set(SMMAP__POSIX_MASK, word);
    if (held & HELD_FOR_THREAD) {
        raise(SIGBUS);
    }
    if (held & HELD_FOR_PROCESS) {
        kill(getpid(), SIGBUS);
    }
}

int smmap__posix_mask_borrow(void)
{
    sigset_t old;

    if (smmap__posix_word(SMMAP__POSIX_MASK) & BORROWED) {
        return 0;
    }
    smmap__posix_word_set(SMMAP__POSIX_MASK, BORROWED); /* first: one that is pending comes now */
    change(SIG_UNBLOCK, &old);
    if (sigismember(&old, SIGBUS) == 1) {
        return 1;
    }
    settle(SMMAP__POSIX_MASK_OPEN);
    return 0;
}

void smmap__posix_mask_return(void)
{
    change(SIG_BLOCK, NULL);
    settle(0);
}

int smmap__posix_mask_hold(const siginfo_t *info)
{
    const uintptr_t word = smmap__posix_word(SMMAP__POSIX_MASK);
    uintptr_t held = HELD_FOR_PROCESS;

    if (!(word & BORROWED)) {
        return 0;
    }
    /* One that comes again and again is a fault. */
    if (SMMAP__POSIX_SENT_LIKE_FAULTS && (word & HELD_FOR_PROCESS)) {
        return 0;
    }
#ifdef SI_TKILL
    if (info->si_code == SI_TKILL) {
        held = HELD_FOR_THREAD;
    }
#else
    (void)info;
#endif
    smmap__posix_word_set(SMMAP__POSIX_MASK, word | held);
    return 1;
}

void smmap__posix_mask_forget(void)
{
    const uintptr_t word = smmap__posix_word(SMMAP__POSIX_MASK);

    if (word & BORROWED) {
        change(SIG_UNBLOCK, NULL); /* it may have been blocked again since */
    } else if (word == SMMAP__POSIX_MASK_OPEN) {
        smmap__posix_word_set(SMMAP__POSIX_MASK, 0);
    }
}
