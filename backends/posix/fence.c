/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: the heavy half of the asymmetric fence.
 *
 * On Linux it is membarrier(2) with the private expedited command, which makes every running
 * thread of this process execute a full barrier. The light half is then a compiler fence. The
 * process registers for the command once. Elsewhere, and under ThreadSanitizer, which does not
 * know the call, both halves are full fences.
 *
 * Once the light halves are compiler fences the heavy one must work, and the call may be refused
 * later (a filter of seccomp). Then, in this order: register again; the command that needs no
 * registration; run on each processor that we may run on, as to switch to another thread is a full
 * barrier; and where that is refused too, wait: a store that was executed is seen by others within
 * microseconds, and WAIT is more by orders of magnitude, also if a signal cuts it short and it
 * begins again. All of that is slow, and none is silent failure.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(SYS_membarrier) && !SMMAP__POSIX_TSAN

/* From linux/membarrier.h, which old systems do not have. */
enum { GLOBAL = 1 << 0, PRIVATE_EXPEDITED = 1 << 3, REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

enum { WAIT = 10 * 1000 * 1000 }; /* nanoseconds */

/* Sets of processors as the system has them: the C library's may be too small. */
enum { SET_WORDS = 128, WORD_BITS = 8 * (int)sizeof(unsigned long) };

static int membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0) == 0;
}

/* 0: not all of them could be visited. */
static int visit_processors(void)
{
    unsigned long allowed[SET_WORDS];
    unsigned long one[SET_WORDS] = {0};
    unsigned long every[SET_WORDS];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    int is_complete = bytes > 0;
    long i;

    if (!is_complete) {
        return 0;
    }
    /* Threads may be kept to other processors than this one: ask for all that the process has. */
    for (i = 0; i < SET_WORDS; i++) {
        every[i] = ~0UL;
    }
    is_complete = syscall(SYS_sched_setaffinity, 0, bytes, every) == 0 &&
                  syscall(SYS_sched_getaffinity, 0, sizeof every, every) == bytes;
    for (i = 0; is_complete && i < bytes * 8; i++) {
        unsigned long bit = 1UL << (i % WORD_BITS);

        if (every[i / WORD_BITS] & bit) {
            one[i / WORD_BITS] = bit;
            is_complete = syscall(SYS_sched_setaffinity, 0, bytes, one) == 0;
            one[i / WORD_BITS] = 0;
        }
    }
    /* Once more if it fails: without memory for a moment the thread would stay where it is. */
    if (syscall(SYS_sched_setaffinity, 0, bytes, allowed) != 0) {
        syscall(SYS_sched_setaffinity, 0, bytes, allowed);
    }
    return is_complete;
}

/* The slow ways. */
static void fence_all_the_same(void)
{
    struct timespec wait = {0, WAIT};

    if (!(membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)) &&
        !membarrier(GLOBAL) && !visit_processors()) {
        int cancel = smmap__posix_cancel_disable();

        while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {
        }
        smmap__posix_cancel_restore(cancel);
    }
}

/* Registering again has no further effect. */
int smmap__os_fence_asymmetric(void)
{
    return membarrier(REGISTER_PRIVATE_EXPEDITED);
}

void smmap__os_fence_heavy(void)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!membarrier(PRIVATE_EXPEDITED)) {
        fence_all_the_same();
    }
    atomic_thread_fence(memory_order_seq_cst);
}

#else

int smmap__os_fence_asymmetric(void)
{
    return 0;
}

void smmap__os_fence_heavy(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

#endif
