/*
 * The guard of the Windows backend: an in-page error in a guarded copy is survived.
 *
 * A page that cannot be brought into memory raises EXCEPTION_IN_PAGE_ERROR in the thread
 * that touched it: a drive was taken out, a network gone, a sector is bad. A file that is
 * mapped is not cut short by this machine, but one on a server can be by another.
 *
 * Microsoft's compilers have a way to end a copy at an exception that is a part of the
 * language, __try, and it is taken: it is what the documentation of file views shows, the
 * unwinding is the system's, processors and modes that check where a thread goes on (shadow
 * stacks) know it, there is no state, and nothing that outlives the library when its DLL
 * is unloaded.
 *
 * gcc has no __try in C. There a vectored handler finds the copy that the thread is just
 * making, in a value that the thread has for a key, and lets the thread go on not in the
 * copy but in leave(), which jumps back into smmap__os_guard_copy(). It does not jump out
 * of the handler itself: the system counts who is in a handler. It takes no lock, allocates
 * nothing, and leaves the thread's last error as it was. Thread-local variables would be
 * simpler, but gcc's for Windows allocate when a thread touches one first, here maybe in
 * the handler. Once there is a handler, the library stays loaded.
 *
 * Pointers cannot be guarded. Windows cannot put a page of zeroes into the place of one page
 * of a view: a view goes as a whole, and until something else has its addresses they belong
 * to whichever thread asks for memory first, while others read by pointers into it. A program
 * can put __try around its own loop.
 */
#define _WIN32_WINNT 0x0601

#include "backends/backend.h"
#include "backends/page_ends.h"

#include <windows.h>

#include <stdint.h>
#include <string.h>

#include "backends/windows.h"

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <stdatomic.h>
#endif

/* clang has gcc's setjmp, too, but for Windows (in 14) it does not restore the frame pointer. */
#if (defined(__x86_64__) || defined(__i386__)) && !defined(__clang__)
#define GCC_ON_X86 1
#endif

/* Of every processor that Windows runs on; were it more, this would do too. */
enum { PAGE_BYTES = 4096 };

/* A copy under way. */
typedef struct copy_t {
    struct copy_t *outer;
    uintptr_t begin; /* what is read */
    uintptr_t end;
    volatile uintptr_t fault;
    void *way_out[5];
} copy_t;

/* What was read is read before what follows. */
static inline void order_loads(void)
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

/* Is it a page of what is copied that could not be had? */
static int is_of_copy(const EXCEPTION_RECORD *record, copy_t *copy)
{
    uintptr_t fault;

    if (record->ExceptionCode != EXCEPTION_IN_PAGE_ERROR || record->NumberParameters < 2) {
        return 0;
    }
    fault = record->ExceptionInformation[1];
    if (fault < (copy->begin & ~(uintptr_t)(PAGE_BYTES - 1)) || fault >= copy->end) {
        return 0;
    }
    copy->fault = fault > copy->begin ? fault : copy->begin;
    return 1;
}

#endif

/* The copy; 1: it may be that the file ends before the last byte of it. A function of its
   own: clang takes a function that is called for what may raise an exception, not a load. */
#if defined(_MSC_VER)
__declspec(noinline)
#endif
static int copy_bytes(void *to, const unsigned char *from, apr_size_t size, apr_size_t behind)
{
    memcpy(to, from, size);
    /* Not in the copy: memcpy may have read the last byte first, and the file been cut then. */
    order_loads();
    return smmap__may_be_cut(from, size, behind, PAGE_BYTES);
}

#if defined(_MSC_VER)

apr_status_t smmap__os_guard_install(void)
{
    return APR_SUCCESS;
}

/* 1: it may be that the file ends before the last byte; 0: it does not; -1: a fault. */
static int copy_guarded(copy_t *copy, void *to, apr_size_t size, apr_size_t behind)
{
    int maybe;

    __try {
        maybe = copy_bytes(to, (const unsigned char *)copy->begin, size, behind);
    } __except (is_of_copy((GetExceptionInformation())->ExceptionRecord, copy)
                    ? EXCEPTION_EXECUTE_HANDLER
                    : EXCEPTION_CONTINUE_SEARCH) {
        maybe = -1;
    }
    return maybe;
}

#elif defined(GCC_ON_X86)

static SRWLOCK installing = SRWLOCK_INIT;
static PVOID handler;
static DWORD copying_key = TLS_OUT_OF_INDEXES; /* set before the handler is installed */

/* Where a thread goes on after a fault in its copy. Nothing is left to return to. */
_Noreturn static void leave(void)
{
    copy_t *copy = TlsGetValue(copying_key);

    __builtin_longjmp(copy->way_out, 1);
}

/* As if leave() were just called. Below the stack pointer nothing is anybody's; above it
   stays untouched what the function that faulted calls its own. */
static void let_leave(CONTEXT *context)
{
#if defined(__x86_64__)
    context->Rsp = ((context->Rsp - 64) & ~(DWORD64)15) - sizeof(void *);
    context->Rip = (DWORD64)(uintptr_t)leave;
#else
    context->Esp = ((context->Esp - 64) & ~(DWORD)15) - sizeof(void *);
    context->Eip = (DWORD)(uintptr_t)leave;
#endif
    context->EFlags &= ~(DWORD)0x400; /* of the copy that went backwards */
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *facts)
{
    DWORD error;
    copy_t *copy;

    if (facts->ExceptionRecord->ExceptionCode != EXCEPTION_IN_PAGE_ERROR) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    error = GetLastError();
    copy = TlsGetValue(copying_key);
    while (copy != NULL && !is_of_copy(facts->ExceptionRecord, copy)) {
        copy = copy->outer;
    }
    if (copy != NULL) {
        TlsSetValue(copying_key, copy);
        let_leave(facts->ContextRecord);
    }
    SetLastError(error);
    return copy != NULL ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

/* With the lock. Who is first cannot be asked for, so it is added before it is taken away:
   while it is there twice, the one that comes first answers. */
static apr_status_t become_first(void)
{
    HMODULE self;
    PVOID added;

    if (copying_key == TLS_OUT_OF_INDEXES) {
        copying_key = TlsAlloc();
        if (copying_key == TLS_OUT_OF_INDEXES) {
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
    status = become_first();
    ReleaseSRWLockExclusive(&installing);
    return status;
}

static int copy_guarded(copy_t *copy, void *to, apr_size_t size, apr_size_t behind)
{
    int maybe;

    copy->outer = TlsGetValue(copying_key);
    if (__builtin_setjmp(copy->way_out) != 0) {
        TlsSetValue(copying_key, copy->outer);
        return -1;
    }
    /* That there is a call from here on keeps gcc from leaving out the way out.
       It fails where a thread sets its first value for a key beyond the first 64, and there
       is no memory for them. Then nothing is copied; the core reads instead. */
    copy->fault = copy->begin;
    if (!TlsSetValue(copying_key, copy)) {
        return -1;
    }
    atomic_signal_fence(memory_order_seq_cst);
    maybe = copy_bytes(to, (const unsigned char *)copy->begin, size, behind);
    atomic_signal_fence(memory_order_seq_cst);
    TlsSetValue(copying_key, copy->outer);
    return maybe;
}

#else

/* Nobody has written down how to leave a copy. */
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
    int maybe;

    copy.begin = (uintptr_t)mapping + offset;
    copy.end = (copy.begin + size - 1) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
    maybe = copy_guarded(&copy, to, size, length - offset - size);
    if (maybe < 0) {
        *fault = (apr_size_t)(copy.fault - (uintptr_t)mapping);
        if (*fault >= offset + size) {
            *fault = offset + size - 1; /* its page went after it was copied */
        }
        return SMMAP__OS_FAULTED;
    }
    return maybe ? SMMAP__OS_UNVERIFIED : SMMAP__OS_COPIED;
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
