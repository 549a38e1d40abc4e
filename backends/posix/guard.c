/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: the guard. The process survives a SIGBUS on a page of a guarded mapping.
 *
 * What is guarded is known to the thread that guards it: the copies that it is making, and a
 * list of mappings. The handler runs in the thread that faulted, looks only there, and ends in
 * one of three ways:
 *
 *   in a copy          it returns into leave(), which jumps back into smmap__os_guard_copy(). The
 *                      mapping is left as it is: other threads that read from it, unguarded, must
 *                      not find zeros.
 *   in a mapping of    it marks the mapping as patched, replaces the page by zeros (patches.c)
 *   the list           and returns: the load is executed again.
 *   anywhere else      it forwards the signal to the previous handler (signal_chain.c).
 *
 * It returns, and does not jump, where we know the registers: so the system gives back to the
 * thread what it took for the handler (the signal mask; the alternate stack, if that disarms
 * itself; the modes of floating point; the rights of protection keys; the shadow stack), and a
 * handler that passed the signal on to us comes to its end.
 *
 * The previous handler may leave by longjmp(), and end the copy with that, if the fault is in the
 * destination of the copy: the destination belongs to the caller, and may be a mapping too. So
 * that copy is off the list while the fault is forwarded, and put back when the handler returns.
 * The list of mappings consists of memory that outlives any jump.
 *
 * Signal safety. The handler may run between any two instructions of any thread. It takes no lock
 * and allocates nothing. It reads words of its thread (thread.h), which only its own thread
 * writes, in an order in which they are right after each store (volatile, with signal fences). Of
 * the library it calls mask.c, patches.c and signal_chain.c, of the system pthread_sigmask, which
 * POSIX lists as async-signal-safe. It restores errno.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/common.h"
#include "backends/posix/internal.h"
#include "backends/posix/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
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
    volatile uintptr_t fault; /* 0: none yet */
    int borrowed;             /* it unblocked SIGBUS */
    jump_t jump;
} copy_t;

/* --- words of the thread --- */

static inline copy_t *copies_get(void)
{
    return (copy_t *)smmap__posix_word(SMMAP__POSIX_COPIES);
}

static inline void copies_set(copy_t *copy)
{
    smmap__posix_word_set(SMMAP__POSIX_COPIES, (uintptr_t)copy);
}

static inline smmap__os_guard_t *guards_get(void)
{
    return (smmap__os_guard_t *)smmap__posix_word(SMMAP__POSIX_GUARDS);
}

static inline void guards_set(smmap__os_guard_t *guard)
{
    smmap__posix_word_set(SMMAP__POSIX_GUARDS, (uintptr_t)guard);
}

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

/* Where a thread goes on after a fault in its copy. There is no frame to return to. */
_Noreturn static void leave(void)
{
    copy_t *copy = copies_get();

    JUMP_TO(copy->jump);
}

/* Change the registers of a thread as if leave() were just called: behind what may be in use below
   the stack pointer. 0: not known how. */
static int resume_in_leave(ucontext_t *context)
{
#if defined(__linux__) && defined(__x86_64__) && defined(REG_RIP)
    greg_t *registers = context->uc_mcontext.gregs;

    registers[REG_RSP] = (greg_t)((((uintptr_t)registers[REG_RSP] - 256) & ~(uintptr_t)15) - 8);
    registers[REG_RIP] = (greg_t)(uintptr_t)leave;
    registers[REG_EFL] &= ~0x400; /* the direction flag of a backward copy */
#elif defined(__linux__) && defined(__i386__) && defined(REG_EIP)
    greg_t *registers = context->uc_mcontext.gregs;

    registers[REG_ESP] = (greg_t)((((uintptr_t)registers[REG_ESP] - 64) & ~(uintptr_t)15) - 4);
    registers[REG_EIP] = (greg_t)(uintptr_t)leave;
    registers[REG_EFL] &= ~0x400;
#elif defined(__linux__) && defined(__aarch64__)
    context->uc_mcontext.sp = (context->uc_mcontext.sp - 256) & ~15UL;
    context->uc_mcontext.pc = (uintptr_t)leave;
#elif defined(__APPLE__) && defined(__x86_64__)
    _STRUCT_X86_THREAD_STATE64 *registers = &context->uc_mcontext->__ss;

    registers->__rsp = ((registers->__rsp - 256) & ~(uintptr_t)15) - 8;
    registers->__rip = (uintptr_t)leave;
    registers->__rflags &= ~(uintptr_t)0x400;
#elif defined(__APPLE__) && defined(__arm64__)
    _STRUCT_ARM_THREAD_STATE64 *registers = &context->uc_mcontext->__ss;
    uintptr_t stack = __darwin_arm_thread_state64_get_sp(*registers);

    __darwin_arm_thread_state64_set_sp(*registers, (stack - 256) & ~(uintptr_t)15);
    __darwin_arm_thread_state64_set_pc_fptr(*registers, leave);
#else
    (void)context;
    return 0;
#endif
    return 1;
}

/* End a copy. Should it fault once more, a handler that passed the signal on to us gave us a copy
   of the registers. Then we jump, too: with the mask that the thread had, as a handler may have
   blocked the signal. */
static void end_copy(copy_t *copy, uintptr_t fault, ucontext_t *context)
{
    int is_first = copy->fault == 0;

    copy->fault = fault;
    copies_set(copy);
    if (!is_first || !resume_in_leave(context)) {
        pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
        leave();
    }
}

/* Handle a fault that is guarded; returns 0 for another one. One that may have been sent is at a
   page that can be read: the load is executed again. */
static int handle_fault(uintptr_t fault, int may_be_sent, ucontext_t *context)
{
    copy_t *copy = copies_get();
    const smmap__os_guard_t *guard;

    for (; copy != NULL; copy = copy->outer) {
        /* To the end of the last page, where smmap__may_be_cut() looks. */
        if (is_within(fault, copy->begin, page_of(copy->begin + copy->size - 1) + page_size)) {
            if (!may_be_sent) {
                end_copy(copy, fault, context);
            }
            return 1;
        }
    }
    for (guard = guards_get(); guard != NULL; guard = guard->outer) {
        uintptr_t mapping = (uintptr_t) * (const unsigned char *const volatile *)guard->address;
        apr_size_t length = *(const volatile apr_size_t *)guard->length;

        if (mapping != 0 && is_within(fault, mapping, mapping + length)) {
            return may_be_sent || smmap__posix_patch(mapping, length, fault, page_size);
        }
    }
    return 0;
}

/* Forward a fault that is not guarded. The previous handler may not return; then nothing must be
   taken for known of the signal mask. */
static void forward_fault(int number, siginfo_t *info, void *context)
{
    const uintptr_t fault = (uintptr_t)info->si_addr;
    const uintptr_t mask = smmap__posix_word(SMMAP__POSIX_MASK);
    copy_t *copy = copies_get();
    int is_destination = copy != NULL && is_within(fault, copy->to, copy->to + copy->size);

    if (is_destination) {
        copies_set(copy->outer);
    }
    smmap__posix_word_set(SMMAP__POSIX_MASK, 0);
    smmap__posix_chain_forward(number, info, context);
    smmap__posix_word_set(SMMAP__POSIX_MASK, mask);
    if (is_destination) {
        copies_set(copy);
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;
    const int is_sent = smmap__posix_was_sent(info);

    if (is_sent && !SMMAP__POSIX_SENT_LIKE_FAULTS) {
        if (!smmap__posix_mask_hold(info)) {
            smmap__posix_chain_forward(number, info, context);
        }
    } else if (!handle_fault((uintptr_t)info->si_addr, is_sent, context) &&
               !(is_sent && smmap__posix_mask_hold(info))) {
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

    smmap__posix_stay_loaded();
    while (atomic_flag_test_and_set(&installing)) {
        sched_yield();
    }
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    smmap__posix_patches_make(page_size);
    status = smmap__posix_words_make();
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

static inline void end_guarding(copy_t *outer, int borrowed)
{
    copies_set(outer);
    if (borrowed) {
        smmap__posix_mask_return();
    }
}

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault)
{
    copy_t copy;
    int may_be_cut;

    copy.outer = copies_get();
    copy.begin = (uintptr_t)mapping + offset;
    copy.to = (uintptr_t)to;
    copy.size = size;
    copy.fault = 0;
    copy.borrowed = smmap__posix_word(SMMAP__POSIX_MASK) != SMMAP__POSIX_MASK_OPEN &&
                    smmap__posix_mask_borrow();
    if (JUMP_SET(copy.jump) != 0) {
        end_guarding(copy.outer, copy.borrowed);
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
    end_guarding(copy.outer, copy.borrowed);
    if (atomic_load_explicit(&smmap__posix_patch_count, memory_order_relaxed) != 0 &&
        smmap__os_guard_patched(mapping, fault)) {
        return SMMAP__OS_FAULTED;
    }
    return may_be_cut ? SMMAP__OS_UNVERIFIED : SMMAP__OS_COPIED;
}

void smmap__posix_guard_look_again(void)
{
    smmap__os_guard_t *guard = guards_get();

    smmap__posix_mask_forget();
    if (guard != NULL && smmap__posix_mask_borrow()) {
        guard->borrowed = 1;
    }
}

apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard)
{
    guard->borrowed = 0;
    guard->outer = guards_get();
    signal_fence();
    guards_set(guard);
    signal_fence();
    smmap__posix_guard_look_again();
    return APR_SUCCESS;
}

int smmap__os_guard_end(smmap__os_guard_t *guard)
{
    smmap__os_guard_t *inner = guards_get();

    signal_fence();
    if (inner == guard) {
        guards_set(guard->outer);
    } else {
        while (inner != NULL && inner->outer != guard) {
            inner = inner->outer;
        }
        if (inner == NULL) {
            return 0;
        }
        inner->outer = guard->outer;
    }
    signal_fence();
    /* The last of them gives back what the first borrowed. */
    if (guard->borrowed) {
        if (guards_get() != NULL) {
            guards_get()->borrowed = 1;
        } else {
            smmap__posix_mask_return();
        }
    }
    return 1;
}
