/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the POSIX backend offer each other. Calls run one way:
 *
 *   map.c          -> patches.c, guard.c
 *   file.c, identity.c -> mask.c
 *   system.c       -> guard.c -> patches.c, signal_chain.c, mask.c, stay_loaded.c
 *   guard.c, signal_chain.c, mask.c -> thread.c
 *   stale.c        -> backtrace.c, stay_loaded.c
 *   system.c       -> stale.c
 *   memory.c       -> system.c
 *   append.c, fence.c, backtrace.c call none of them.
 */
#ifndef SMMAP_BACKENDS_POSIX_INTERNAL_H
#define SMMAP_BACKENDS_POSIX_INTERNAL_H

#include <apr.h>
#include <apr_errno.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

/* The sanitizers, as gcc and clang announce them. */
#if defined(__has_feature)
#define SMMAP__POSIX_FEATURE(name) __has_feature(name)
#else
#define SMMAP__POSIX_FEATURE(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || SMMAP__POSIX_FEATURE(thread_sanitizer)
#define SMMAP__POSIX_TSAN 1
#else
#define SMMAP__POSIX_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || SMMAP__POSIX_FEATURE(address_sanitizer)
#define SMMAP__POSIX_ASAN 1
#else
#define SMMAP__POSIX_ASAN 0
#endif

/* What ioctl() is asked. POSIX and the other C libraries of Linux have an int, into which the
   kernel's numbers do not fit. */
#if defined(__linux__) && !defined(__GLIBC__)
typedef int smmap__posix_request_t;
#else
typedef unsigned long smmap__posix_request_t;
#endif

/* A time of a struct stat: a, m, c or birth. */
#ifdef __APPLE__
#define SMMAP__POSIX_TIME(info, which) ((info)->st_##which##timespec)
#else
#define SMMAP__POSIX_TIME(info, which) ((info)->st_##which##tim)
#endif

/* Darwin describes a SIGBUS that was sent as a fault: si_code says so, and si_addr is the address of
   the thread's last one (XNU, sendsig()). tests/fault/test_signals_sent.c tries that elsewhere. */
#ifndef SMMAP__POSIX_SENT_LIKE_FAULTS
#ifdef __APPLE__
#define SMMAP__POSIX_SENT_LIKE_FAULTS 1
#else
#define SMMAP__POSIX_SENT_LIKE_FAULTS 0
#endif
#endif

/* --- cancellation: inline, as each read has it --- */

static inline int smmap__posix_cancel_disable(void)
{
    int state = 0;

#ifdef PTHREAD_CANCEL_DISABLE
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
#endif
    return state;
}

static inline void smmap__posix_cancel_restore(int state)
{
#ifdef PTHREAD_CANCEL_DISABLE
    pthread_setcancelstate(state, NULL);
#else
    (void)state;
#endif
}

/* --- patches.c --- */

/** How many mappings have a patched page. Never too low, and too high only for a moment. */
extern atomic_size_t smmap__posix_patch_count;

/** Make what a fault may need, before the handler is installed. What cannot be made now is made
    next time. Calls must not overlap. */
void smmap__posix_patches_make(uintptr_t page_size);

/**
 * Replace a page of a mapping by zeros, after marking the mapping as patched. If the system has
 * no memory area left for that, replace the whole mapping, which takes none.
 *
 * Async-signal-safe.
 *
 * @param mapping (in) its address.
 * @param length (in) its bytes.
 * @param fault (in) the address of the fault, inside the page.
 * @param page_size (in) bytes.
 * @return 1: done; 0: the table of patched mappings is full, or the system refuses.
 */
int smmap__posix_patch(uintptr_t mapping, apr_size_t length, uintptr_t fault, uintptr_t page_size);

/** Remove the mark of a mapping that is about to be unmapped. */
void smmap__posix_patch_forget(const unsigned char *mapping);

/* --- signal_chain.c --- */

/** A signal handler of the SA_SIGINFO kind. */
typedef void smmap__posix_handler_t(int number, siginfo_t *info, void *context);

/**
 * Install a handler, and push the one that it replaces. No effect when it is installed already.
 * Calls must not overlap.
 *
 * @return APR_ENOSPC: there are too many previous handlers; or an error of sigaction().
 */
apr_status_t smmap__posix_chain_install(int number, smmap__posix_handler_t *handler);

/** Call a handler with the signal mask that the system would have set for it. The caller's was
    installed with SA_NODEFER and an empty mask. */
void smmap__posix_call(const struct sigaction *action, int number, siginfo_t *info, void *context);

/** Forward a signal to the previous handler. For the handler just installed, with what it got. */
void smmap__posix_chain_forward(int number, siginfo_t *info, void *context);

/**
 * Was a SIGBUS sent, by kill() or raise()? Where the system does not say, the answer is yes if its
 * address can be read: so it is for a fault that is mended meanwhile, and for a store to memory that
 * may only be read; and no for a signal that was sent after a fault at a page that is gone.
 *
 * Async-signal-safe.
 */
int smmap__posix_was_sent(const siginfo_t *info);

/* --- mask.c --- */

/** The word SMMAP__POSIX_MASK of a thread that is known not to block SIGBUS. */
enum { SMMAP__POSIX_MASK_OPEN = 1 };

/** Unblock SIGBUS in this thread. 1: call smmap__posix_mask_return(); 0: it was not blocked. */
int smmap__posix_mask_borrow(void);

/** Block it again, and send again what was held. */
void smmap__posix_mask_return(void);

/**
 * For the handler, of a signal that was sent: is it borrowed? Then it is held.
 *
 * Async-signal-safe.
 */
int smmap__posix_mask_hold(const siginfo_t *info);

/** The thread is to be looked at again by its next copy; at once if SIGBUS is borrowed. */
void smmap__posix_mask_forget(void);

/* --- stay_loaded.c --- */

/** From now on the library, or the plugin that contains it, is not unloaded. Any thread. */
void smmap__posix_stay_loaded(void);

/* --- guard.c --- */

/** Whether this thread blocks SIGBUS is not known any more; if it guards pointers, look at once. */
void smmap__posix_guard_look_again(void);

/** For the child, after a fork. */
void smmap__posix_guard_forked(void);

/* --- backtrace.c --- */

/** Write frames to a file, a line each. Async-signal-safe once a backtrace was taken. */
void smmap__posix_print_frames(int fd, void *const *frames, unsigned count);

/** The first frame that is not in the library; 0 if it cannot be told from its callers. As above. */
unsigned smmap__posix_caller(void *const *frames, unsigned count);

/* --- stale.c --- */

/** For the child, after a fork. */
void smmap__posix_stale_forked(void);

#endif
