/*
 * POSIX: the guard. The process survives a SIGBUS on a page of a guarded mapping.
 *
 * What is guarded is known to the thread that guards it: the copies that it is making, and a
 * list of mappings. The handler runs in the thread that faulted, looks only there, and ends in
 * one of three ways:
 *
 *   in a copy          it jumps back into smmap__os_guard_copy(). The mapping is left as it is:
 *                      other threads that read from it, unguarded, must not find zeros.
 *   in a mapping of    it marks the mapping as patched, replaces the page by zeros (patches.c)
 *   the list           and returns: the load is executed again.
 *   anywhere else      it forwards the signal to the previous handler (signal_chain.c).
 *
 * The previous handler may leave by longjmp(), and end the copy with that, if the fault is in the
 * destination of the copy: the destination belongs to the caller, and may be a mapping too. So
 * that copy is off the list while the fault is forwarded, and put back when the handler returns.
 * The list of mappings consists of memory that outlives any jump.
 *
 * Signal safety. The handler may run between any two instructions of any thread. It takes no lock
 * and allocates nothing. It reads two thread-local words, which only its own thread writes, in an
 * order in which they are right after each store (volatile, with signal fences). Of the library
 * it calls patches.c and signal_chain.c, of the system pthread_sigmask, which POSIX lists as
 * async-signal-safe. It restores errno.
 *
 * Thread-local storage. With glibc and on FreeBSD the two words have the TLS model
 * "initial-exec": they are part of each thread's own block from its start, so that the first
 * access in a handler allocates nothing. Elsewhere (macOS, which creates thread-local variables
 * at their first access; musl) they are values of two keys, created when the handler is
 * installed: pthread_getspecific() is a load from the thread's own block there.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/common.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

/* The jump out of a copy. The builtins of the compilers for x86-64 cost a nanosecond, the
   functions of the C library four; sanitizers know only the latter. */
#if defined(__x86_64__) && defined(__GNUC__) && !SMMAP__POSIX_ASAN && !SMMAP__POSIX_TSAN
typedef void *jump_t[5];
#define JUMP_SET(jump) __builtin_setjmp(jump)
#define JUMP_TO(jump) __builtin_longjmp(jump, 1)
#else
typedef sigjmp_buf jump_t;
#define JUMP_SET(jump) sigsetjmp(jump, 0) /* the handler knows the mask to restore */
#define JUMP_TO(jump) siglongjmp(jump, 1)
#endif

/* A copy in progress. */
typedef struct copy_t {
    struct copy_t *outer;
    uintptr_t begin; /* the source */
    uintptr_t to;    /* the destination */
    apr_size_t size;
    volatile uintptr_t fault;
    jump_t jump;
} copy_t;

/* --- thread-local storage: the innermost copy, the innermost guarded mapping --- */

#if (defined(__GLIBC__) || defined(__FreeBSD__)) && !defined(SMMAP_GUARD_KEYS)

static _Thread_local copy_t *volatile copies __attribute__((tls_model("initial-exec")));
static _Thread_local smmap__os_guard_t *volatile guards __attribute__((tls_model("initial-exec")));

static apr_status_t thread_state_create(void)
{
    return APR_SUCCESS;
}

static inline copy_t *copies_get(void)
{
    return copies;
}

static inline void copies_set(copy_t *copy)
{
    copies = copy;
}

static inline smmap__os_guard_t *guards_get(void)
{
    return guards;
}

static inline void guards_set(smmap__os_guard_t *guard)
{
    guards = guard;
}

#else

static pthread_key_t copies_key;
static pthread_key_t guards_key;
static int have_keys;

static apr_status_t thread_state_create(void)
{
    int error = 0;

    if (!have_keys) {
        error = pthread_key_create(&copies_key, NULL);
        if (error == 0) {
            error = pthread_key_create(&guards_key, NULL);
            if (error != 0) {
                pthread_key_delete(copies_key);
            }
        }
        have_keys = error == 0;
    }
    return error;
}

static inline copy_t *copies_get(void)
{
    return pthread_getspecific(copies_key);
}

static inline void copies_set(copy_t *copy)
{
    pthread_setspecific(copies_key, copy);
}

static inline smmap__os_guard_t *guards_get(void)
{
    return pthread_getspecific(guards_key);
}

static inline void guards_set(smmap__os_guard_t *guard)
{
    pthread_setspecific(guards_key, guard);
}

#endif

/* The handler of this thread must see loads and stores in program order across this line. */
static inline void signal_fence(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* --- the handler --- */

static uintptr_t page_size = 4096; /* set before the handler is installed */

static uintptr_t page_of(uintptr_t address)
{
    return address & ~(page_size - 1);
}

/* Some machines report the page of a fault instead of the address. */
static int is_within(uintptr_t fault, uintptr_t begin, uintptr_t end)
{
    return fault >= page_of(begin) && fault < end;
}

/* Handle a fault that is guarded; returns 0 for another one. Does not return for a fault in the
   source of a copy. */
static int handle_fault(uintptr_t fault, const ucontext_t *context)
{
    copy_t *copy = copies_get();
    const smmap__os_guard_t *guard;

    for (; copy != NULL; copy = copy->outer) {
        /* To the end of the last page, where smmap__may_be_cut() looks. */
        if (is_within(fault, copy->begin, page_of(copy->begin + copy->size - 1) + page_size)) {
            copy->fault = fault;
            /* A handler that forwarded the signal to us may have blocked it. */
            pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
            JUMP_TO(copy->jump);
        }
    }
    for (guard = guards_get(); guard != NULL; guard = guard->outer) {
        uintptr_t mapping = (uintptr_t) * (const unsigned char *const volatile *)guard->address;
        apr_size_t length = *(const volatile apr_size_t *)guard->length;

        if (mapping != 0 && is_within(fault, mapping, mapping + length)) {
            return smmap__posix_patch(mapping, length, fault, page_size);
        }
    }
    return 0;
}

/* Forward a fault that is not guarded. The previous handler may not return. */
static void forward_fault(int number, siginfo_t *info, void *context)
{
    const uintptr_t fault = (uintptr_t)info->si_addr;
    copy_t *copy = copies_get();
    int is_destination = copy != NULL && is_within(fault, copy->to, copy->to + copy->size);

    if (is_destination) {
        copies_set(copy->outer);
    }
    smmap__posix_chain_forward(number, info, context);
    if (is_destination) {
        copies_set(copy);
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;

    /* A signal that kill() or another process sent has no address. */
    if (info->si_code <= 0) {
        smmap__posix_chain_forward(number, info, context);
    } else if (!handle_fault((uintptr_t)info->si_addr, context)) {
        forward_fault(number, info, context);
    }
    errno = saved_errno;
}

/* --- installing it --- */

static atomic_flag installing = ATOMIC_FLAG_INIT;

/* Another thread of the parent may have been installing, and does not exist here. Every step of
   it leaves a valid state, from which the next call of smmap__os_guard_install() goes on. */
void smmap__posix_guard_forked(void)
{
    atomic_flag_clear(&installing);
}

apr_status_t smmap__os_guard_install(void)
{
    apr_status_t status;

    while (atomic_flag_test_and_set(&installing)) {
        sched_yield();
    }
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    status = thread_state_create();
    if (status == APR_SUCCESS) {
        status = smmap__posix_chain_install(SIGBUS, on_sigbus);
    }
    atomic_flag_clear(&installing);
    return status;
}

/* --- copies and mappings --- */

/* Called through a pointer that the compiler cannot see through. It may copy without a call (gcc
   with -minline-all-stringops), and in code that calls nothing it takes the jump target for
   unreachable and leaves it out. */
static void *(*const volatile copy_bytes)(void *, const void *, size_t) = memcpy;

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault)
{
    copy_t copy;
    int may_be_cut;

    copy.outer = copies_get();
    copy.begin = (uintptr_t)mapping + offset;
    copy.to = (uintptr_t)to;
    copy.size = size;
    if (JUMP_SET(copy.jump) != 0) {
        copies_set(copy.outer);
        *fault = (apr_size_t)(smmap__fault_within(copy.fault, copy.begin, copy.size) -
                              (uintptr_t)mapping);
        return SMMAP__OS_FAULTED;
    }
    signal_fence();
    copies_set(&copy);
    signal_fence();
    copy_bytes(to, mapping + offset, size);
    /* Looks at the mapping, not at the copy: memcpy() may have read the last byte first, and the
       file been cut after that. */
    atomic_thread_fence(memory_order_acquire);
    may_be_cut = smmap__may_be_cut(mapping + offset, size, length - offset - size, page_size);
    signal_fence();
    copies_set(copy.outer);
    if (atomic_load_explicit(&smmap__posix_patch_count, memory_order_relaxed) != 0 &&
        smmap__os_guard_patched(mapping, fault)) {
        return SMMAP__OS_FAULTED;
    }
    return may_be_cut ? SMMAP__OS_UNVERIFIED : SMMAP__OS_COPIED;
}

apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard)
{
    guard->outer = guards_get();
    signal_fence();
    guards_set(guard);
    signal_fence();
    return APR_SUCCESS;
}

int smmap__os_guard_end(smmap__os_guard_t *guard)
{
    smmap__os_guard_t *inner = guards_get();

    signal_fence();
    if (inner == guard) {
        guards_set(guard->outer);
        return 1;
    }
    while (inner != NULL && inner->outer != guard) {
        inner = inner->outer;
    }
    if (inner == NULL) {
        return 0;
    }
    inner->outer = guard->outer;
    signal_fence();
    return 1;
}
