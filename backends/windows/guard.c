/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: the guard. The process survives an in-page error in a guarded copy.
 *
 * A page that cannot be brought into memory raises EXCEPTION_IN_PAGE_ERROR in the thread that
 * touched it: a drive was removed, a network connection is gone, a sector is bad. This machine
 * does not cut a mapped file short, but another can cut one on a server.
 *
 * Compilers of Microsoft's dialect have __try in the language. It is what the documentation of
 * file views shows; the system does the unwinding, also on processors that check return addresses
 * (shadow stacks); there is no state, and nothing outlives the library when its DLL is unloaded.
 *
 * gcc has no __try in C. There a vectored handler finds the copy that the thread is making, in a
 * TLS slot, and resumes the thread in leave(), which jumps back into smmap__os_guard_copy(). It
 * does not jump out of the handler itself: the system counts who is in a handler. The handler
 * takes no lock, allocates nothing, and restores the last error of the thread. Thread-local
 * variables would be simpler, but those of gcc for Windows allocate at the first access of a
 * thread, which may be in the handler. Once a handler is installed, the library stays loaded.
 *
 * Access by pointer cannot be guarded. Windows cannot replace one page of a view by zeros: a view
 * is unmapped as a whole, and its addresses may go to any thread that allocates memory, while
 * others read by pointers into it. A program can put __try around its own loop.
 */
#include "backends/windows/internal.h"

#include "backends/common.h"

#include <string.h>

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <stdatomic.h>
#endif

/* clang has __builtin_setjmp too, but for Windows (in 14) it does not restore the frame pointer. */
#if (defined(__x86_64__) || defined(__i386__)) && !defined(__clang__)
#define GCC_ON_X86 1
#endif

/* On every processor that Windows runs on; a larger page would do no harm. */
enum { PAGE_BYTES = 4096 };

/* A copy in progress. */
typedef struct copy_t {
    struct copy_t *outer;
    uintptr_t begin; /* the source */
    uintptr_t end;   /* of its last page */
    volatile uintptr_t fault;
    void *jump[5];
} copy_t;

/* An acquire fence. */
static inline void fence_acquire(void)
{
#if !defined(_MSC_VER)
    atomic_thread_fence(memory_order_acquire);
#elif defined(_M_ARM64)
    __dmb(_ARM64_BARRIER_ISHLD);
#else
    _ReadWriteBarrier();
#endif
}

#if defined(_MSC_VER) || defined(GCC_ON_X86)

/* Is the exception an in-page error in the source of the copy? */
static int is_copy_fault(const EXCEPTION_RECORD *record, copy_t *copy)
{
    uintptr_t fault;

    if (record->ExceptionCode != EXCEPTION_IN_PAGE_ERROR || record->NumberParameters < 2) {
        return 0;
    }
    fault = record->ExceptionInformation[1];
    if (fault < (copy->begin & ~(uintptr_t)(PAGE_BYTES - 1)) || fault >= copy->end) {
        return 0;
    }
    copy->fault = fault;
    return 1;
}

#endif

/* The copy itself; returns smmap__may_be_cut(). A function of its own: clang expects exceptions
   from calls, not from loads. */
#if defined(_MSC_VER)
__declspec(noinline)
#endif
static int copy_bytes(void *to, const unsigned char *from, apr_size_t size, apr_size_t behind)
{
    memcpy(to, from, size);
    /* Looks at the mapping, not at the copy: memcpy() may have read the last byte first, and the
       file been cut after that. */
    fence_acquire();
    return smmap__may_be_cut(from, size, behind, PAGE_BYTES);
}

#if defined(_MSC_VER)

apr_status_t smmap__os_guard_install(void)
{
    return APR_SUCCESS;
}

/* The result of copy_bytes(), or -1 after a fault. */
static int copy_guarded(copy_t *copy, void *to, apr_size_t size, apr_size_t behind)
{
    int may_be_cut;

    __try {
        may_be_cut = copy_bytes(to, (const unsigned char *)copy->begin, size, behind);
    } __except (is_copy_fault((GetExceptionInformation())->ExceptionRecord, copy)
                    ? EXCEPTION_EXECUTE_HANDLER
                    : EXCEPTION_CONTINUE_SEARCH) {
        may_be_cut = -1;
    }
    return may_be_cut;
}

#elif defined(GCC_ON_X86)

static SRWLOCK installing = SRWLOCK_INIT;
static PVOID handler;
static DWORD copies_key = TLS_OUT_OF_INDEXES; /* allocated before the handler is installed */

/* Where a thread resumes after a fault in its copy. There is no frame to return to. */
_Noreturn static void leave(void)
{
    copy_t *copy = TlsGetValue(copies_key);

    __builtin_longjmp(copy->jump, 1);
}

/* Change the context of a thread as if leave() were just called: below the stack pointer nothing
   is in use, and the frame of the function that faulted stays untouched. */
static void resume_in_leave(CONTEXT *context)
{
#if defined(__x86_64__)
    context->Rsp = ((context->Rsp - 64) & ~(DWORD64)15) - sizeof(void *);
    context->Rip = (DWORD64)(uintptr_t)leave;
#else
    context->Esp = ((context->Esp - 64) & ~(DWORD)15) - sizeof(void *);
    context->Eip = (DWORD)(uintptr_t)leave;
#endif
    context->EFlags &= ~(DWORD)0x400; /* the direction flag of a backward copy */
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    DWORD error;
    copy_t *copy;

    if (exception->ExceptionRecord->ExceptionCode != EXCEPTION_IN_PAGE_ERROR) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    error = GetLastError();
    copy = TlsGetValue(copies_key);
    while (copy != NULL && !is_copy_fault(exception->ExceptionRecord, copy)) {
        copy = copy->outer;
    }
    if (copy != NULL) {
        TlsSetValue(copies_key, copy);
        resume_in_leave(exception->ContextRecord);
    }
    SetLastError(error);
    return copy != NULL ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

/* With the lock held. The system does not say which handler is first, so ours is added before the
   old entry is removed: while it is there twice, the first one handles the exception. */
static apr_status_t install_first(void)
{
    HMODULE self;
    PVOID added;

    if (copies_key == TLS_OUT_OF_INDEXES) {
        copies_key = TlsAlloc();
        if (copies_key == TLS_OUT_OF_INDEXES) {
            return smmap__windows_status(GetLastError());
        }
    }
    if (handler == NULL &&
        !GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                            (LPCWSTR)(uintptr_t)on_exception, &self)) {
        return smmap__windows_status(GetLastError());
    }
    added = AddVectoredExceptionHandler(1, on_exception);
    if (added == NULL) {
        return APR_ENOMEM;
    }
    if (handler != NULL) {
        RemoveVectoredExceptionHandler(handler);
    }
    handler = added;
    return APR_SUCCESS;
}

apr_status_t smmap__os_guard_install(void)
{
    apr_status_t status;

    AcquireSRWLockExclusive(&installing);
    status = install_first();
    ReleaseSRWLockExclusive(&installing);
    return status;
}

static int copy_guarded(copy_t *copy, void *to, apr_size_t size, apr_size_t behind)
{
    int may_be_cut;

    copy->outer = TlsGetValue(copies_key);
    if (__builtin_setjmp(copy->jump) != 0) {
        TlsSetValue(copies_key, copy->outer);
        return -1;
    }
    /* A call from here on keeps gcc from leaving out the jump target as unreachable.
       TlsSetValue() fails when a thread sets its first value beyond slot 64 and there is no
       memory for that. Then nothing is copied; the core reads instead. */
    copy->fault = copy->begin;
    if (!TlsSetValue(copies_key, copy)) {
        return -1;
    }
    atomic_signal_fence(memory_order_seq_cst);
    may_be_cut = copy_bytes(to, (const unsigned char *)copy->begin, size, behind);
    atomic_signal_fence(memory_order_seq_cst);
    TlsSetValue(copies_key, copy->outer);
    return may_be_cut;
}

#else

/* There is no known way to leave a copy with this compiler. */
apr_status_t smmap__os_guard_install(void)
{
    return APR_ENOTIMPL;
}

static int copy_guarded(copy_t *copy, void *to, apr_size_t size, apr_size_t behind)
{
    return copy_bytes(to, (const unsigned char *)copy->begin, size, behind);
}

#endif

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault)
{
    copy_t copy;
    int may_be_cut;

    copy.begin = (uintptr_t)mapping + offset;
    copy.end = (copy.begin + size - 1) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
    may_be_cut = copy_guarded(&copy, to, size, length - offset - size);
    if (may_be_cut < 0) {
        *fault = (apr_size_t)(smmap__fault_within(copy.fault, copy.begin, size) -
                              (uintptr_t)mapping);
        return SMMAP__OS_FAULTED;
    }
    return may_be_cut ? SMMAP__OS_UNVERIFIED : SMMAP__OS_COPIED;
}

apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard)
{
    (void)guard;
    return APR_ENOTIMPL;
}

int smmap__os_guard_end(smmap__os_guard_t *guard)
{
    (void)guard;
    return 0;
}

int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault)
{
    (void)mapping;
    (void)fault;
    return 0;
}
