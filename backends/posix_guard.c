/*
 * The guard of the POSIX backend: a SIGBUS on a page of a mapping is survived.
 *
 * What is guarded is known to the thread that guards it: the copy that it is just
 * making, and a list of mappings. The handler runs in the thread that faulted, looks
 * there alone, and has three ways out:
 *
 *   in the copy        it jumps back into smmap__os_guard_copy(). The mapping is left as
 *                      it is: who reads from it unguarded must not find zeroes.
 *   in a mapping of    it marks the mapping as patched, puts a page of zeroes into the
 *   the list           place of the page, and returns: the load is made again.
 *   anywhere else      it calls the handler that was there before; see posix_chain.c.
 *
 * That handler may leave by a jump, and end the copy with it: where the fault is in what the
 * copy writes to, which is the caller's and may be a mapping of his. So a copy that is being
 * written when a fault is handed on is off the list meanwhile, and put back when the handler
 * returns. The list of mappings is made of memory that outlives any jump.
 *
 * What the handler may use. It may run between any two instructions of any thread. It
 * takes no lock and allocates nothing. It reads its thread's own two words, which only
 * that thread writes, in an order in which they are right after each store (volatile,
 * with signal fences). It writes the table of patches by atomic operations, which are
 * lock-free for words. It calls pthread_sigmask, which POSIX lists as safe, and mmap, which
 * it does not list, but which is a bare system call on Linux, macOS and the BSDs. It
 * restores errno.
 *
 * The thread's words. Where the C library is glibc, or the system FreeBSD, they have the
 * TLS model "initial-exec": they are a part of each thread's own block from its start,
 * so that touching them first in a handler allocates nothing. Elsewhere (macOS, where
 * thread-local variables are made when they are touched first; musl) they are values of
 * two keys, made when the handler is installed: pthread_getspecific is there a load from
 * the thread's own block.
 *
 * Patches. Order matters: the mark is there before the page changes, so whoever reads
 * zeroes from the page and asks afterwards is told. A reader asks after reading, with a
 * fence between, so it cannot see the new page and miss the mark.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/page_ends.h"
#include "backends/posix_guard.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <ucontext.h>
#include <unistd.h>

/* The way out of a copy. What the compilers have for x86-64 costs a nanosecond, the C
   library's function four; sanitizers know the latter alone. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__x86_64__) && defined(__GNUC__) && !defined(SANITIZED)
typedef void *way_out_t[5];
#define REMEMBER(way) __builtin_setjmp(way)
#define LEAVE_BY(way) __builtin_longjmp(way, 1)
#else
typedef sigjmp_buf way_out_t;
#define REMEMBER(way) sigsetjmp(way, 0) /* the handler knows what the mask was */
#define LEAVE_BY(way) siglongjmp(way, 1)
#endif

/* A copy under way. */
typedef struct copy_t {
    struct copy_t *outer;
    uintptr_t begin; /* what is read */
    uintptr_t to;    /* what is written */
    apr_size_t size;
    volatile uintptr_t fault;
    way_out_t way_out;
} copy_t;

/* The thread's words. */

#if (defined(__GLIBC__) || defined(__FreeBSD__)) && !defined(SMMAP_GUARD_KEYS)

static _Thread_local copy_t *volatile copying __attribute__((tls_model("initial-exec")));
static _Thread_local smmap__os_guard_t *volatile guarding
    __attribute__((tls_model("initial-exec")));

static apr_status_t words_make(void)
{
    return APR_SUCCESS;
}

static inline copy_t *copying_get(void)
{
    return copying;
}

static inline void copying_set(copy_t *copy)
{
    copying = copy;
}

static inline smmap__os_guard_t *guarding_get(void)
{
    return guarding;
}

static inline void guarding_set(smmap__os_guard_t *guard)
{
    guarding = guard;
}

#else

static pthread_key_t copying_key;
static pthread_key_t guarding_key;
static int have_keys;

static apr_status_t words_make(void)
{
    int error = 0;

    if (!have_keys) {
        error = pthread_key_create(&copying_key, NULL);
        if (error == 0) {
            error = pthread_key_create(&guarding_key, NULL);
            if (error != 0) {
                pthread_key_delete(copying_key);
            }
        }
        have_keys = error == 0;
    }
    return error;
}

static inline copy_t *copying_get(void)
{
    return pthread_getspecific(copying_key);
}

static inline void copying_set(copy_t *copy)
{
    pthread_setspecific(copying_key, copy);
}

static inline smmap__os_guard_t *guarding_get(void)
{
    return pthread_getspecific(guarding_key);
}

static inline void guarding_set(smmap__os_guard_t *guard)
{
    pthread_setspecific(guarding_key, guard);
}

#endif

/* Keep the compiler from moving loads and stores over this line: the handler of this very
   thread is to see them in their order. */
static inline void order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static uintptr_t page_size = 4096; /* set before the handler is installed */

static uintptr_t page_of(uintptr_t address)
{
    return address & ~(page_size - 1);
}

/* The mappings of which a page was replaced, at most so many at a time. A fault in one
   more is not survived. */
enum { PATCHES_MOST = 1024 };

typedef struct patch_t {
    _Atomic(uintptr_t) mapping; /* 0: the entry is free */
    _Atomic(uintptr_t) fault;   /* the first address; 0: not written yet */
} patch_t;

static patch_t patches[PATCHES_MOST];
static atomic_size_t patched; /* entries in use, or about to be: never less than there are */

static patch_t *patch_find(uintptr_t mapping)
{
    int i;

    for (i = 0; i < PATCHES_MOST; i++) {
        if (atomic_load(&patches[i].mapping) == mapping) {
            return &patches[i];
        }
    }
    return NULL;
}

/* In the handler. Two threads may mark one mapping twice; that does no harm. */
static int patch_mark(uintptr_t mapping, uintptr_t fault)
{
    int i;

    atomic_fetch_add(&patched, 1);
    if (patch_find(mapping) == NULL) {
        for (i = 0; i < PATCHES_MOST; i++) {
            uintptr_t none = 0;

            if (atomic_compare_exchange_strong(&patches[i].mapping, &none, mapping)) {
                atomic_store(&patches[i].fault, fault);
                return 1;
            }
        }
        atomic_fetch_sub(&patched, 1);
        return 0;
    }
    atomic_fetch_sub(&patched, 1);
    return 1;
}

void smmap__posix_guard_forget(const unsigned char *mapping)
{
    int i;

    if (atomic_load_explicit(&patched, memory_order_acquire) == 0) {
        return;
    }
    for (i = 0; i < PATCHES_MOST; i++) {
        if (atomic_load(&patches[i].mapping) == (uintptr_t)mapping) {
            atomic_store(&patches[i].fault, 0);
            atomic_store(&patches[i].mapping, 0);
            atomic_fetch_sub(&patched, 1);
        }
    }
}

int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault)
{
    const patch_t *patch;
    uintptr_t address;

    atomic_thread_fence(memory_order_acquire); /* what was read, was read before */
    if (atomic_load_explicit(&patched, memory_order_relaxed) == 0) {
        return 0;
    }
    patch = patch_find((uintptr_t)mapping);
    if (patch == NULL) {
        return 0;
    }
    address = atomic_load(&patch->fault);
    *fault = address != 0 ? (apr_size_t)(address - (uintptr_t)mapping) : 0;
    return 1;
}

/* ThreadSanitizer takes a new page for a write to it, and knows nothing of the order that is
   told above; a bare system call it does not see. */
static int map_zeroes(uintptr_t address, apr_size_t length)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

#if defined(__SANITIZE_THREAD__) && defined(SYS_mmap)
    return syscall(SYS_mmap, address, length, PROT_READ, flags, -1, 0) != -1;
#else
    return mmap((void *)address, length, PROT_READ, flags, -1, 0) != MAP_FAILED;
#endif
}

/* Put zeroes into the place of the page; where the system has no more areas to give, into
   that of the whole mapping, which takes none. */
static int patch(uintptr_t mapping, apr_size_t length, uintptr_t fault)
{
    return patch_mark(mapping, fault) &&
           (map_zeroes(page_of(fault), page_size) || map_zeroes(mapping, length));
}

/* Some machines tell the page of a fault and not the address. */
static int is_within(uintptr_t fault, uintptr_t begin, uintptr_t end)
{
    return fault >= page_of(begin) && fault < end;
}

/* Is it a fault that is guarded? Does not return when it is in a copy. */
static int survive(uintptr_t fault, const ucontext_t *context)
{
    copy_t *copy = copying_get();
    const smmap__os_guard_t *guard;

    for (; copy != NULL; copy = copy->outer) {
        /* The page's end is looked at, too. */
        if (is_within(fault, copy->begin, page_of(copy->begin + copy->size - 1) + page_size)) {
            copy->fault = fault > copy->begin ? fault : copy->begin;
            /* A handler that passed it on to us may have had the signal blocked. */
            pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
            LEAVE_BY(copy->way_out);
        }
    }
    for (guard = guarding_get(); guard != NULL; guard = guard->outer) {
        uintptr_t mapping = (uintptr_t) * (const unsigned char *const volatile *)guard->address;
        apr_size_t length = *(const volatile apr_size_t *)guard->length;

        if (mapping != 0 && is_within(fault, mapping, mapping + length)) {
            return patch(mapping, length, fault);
        }
    }
    return 0;
}

/* Hand on a fault that is not ours. What is called may not come back. */
static void hand_on(int number, siginfo_t *info, void *context)
{
    const uintptr_t fault = (uintptr_t)info->si_addr;
    copy_t *copy = copying_get();
    int is_written = copy != NULL && is_within(fault, copy->to, copy->to + copy->size);

    if (is_written) {
        copying_set(copy->outer);
    }
    smmap__posix_chain_pass(number, info, context);
    if (is_written) {
        copying_set(copy);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int error = errno;

    /* What another process, or a call of kill, has sent has no address. */
    if (info->si_code <= 0) {
        smmap__posix_chain_pass(number, info, context);
    } else if (!survive((uintptr_t)info->si_addr, context)) {
        hand_on(number, info, context);
    }
    errno = error;
}

static atomic_flag installing = ATOMIC_FLAG_INIT;

/* Another thread of the parent may have been installing, and is not here. What it had done is
   whole at each step, and is found by who installs now. */
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
    status = words_make();
    if (status == APR_SUCCESS) {
        status = smmap__posix_chain_install(SIGBUS, on_fault);
    }
    atomic_flag_clear(&installing);
    return status;
}

/* Called by a pointer that the compiler does not see through. It may make a copy without a
   call (gcc with -minline-all-stringops), and where nothing is called it takes the way out
   for one that nobody takes, and leaves it out. */
static void *(*const volatile copy_bytes)(void *, const void *, size_t) = memcpy;

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault)
{
    copy_t copy;
    int maybe;

    copy.outer = copying_get();
    copy.begin = (uintptr_t)mapping + offset;
    copy.to = (uintptr_t)to;
    copy.size = size;
    if (REMEMBER(copy.way_out) != 0) {
        copying_set(copy.outer);
        *fault = (apr_size_t)(copy.fault - (uintptr_t)mapping);
        if (*fault >= offset + size) {
            *fault = offset + size - 1; /* its page went after it was copied */
        }
        return SMMAP__OS_FAULTED;
    }
    order();
    copying_set(&copy);
    order();
    copy_bytes(to, mapping + offset, size);
    /* Not in the copy: memcpy may have read the last byte first, and the file been cut then. */
    atomic_thread_fence(memory_order_acquire);
    maybe = smmap__may_be_cut(mapping + offset, size, length - offset - size, page_size);
    order();
    copying_set(copy.outer);
    if (atomic_load_explicit(&patched, memory_order_relaxed) != 0 &&
        smmap__os_guard_patched(mapping, fault)) {
        return SMMAP__OS_FAULTED;
    }
    return maybe ? SMMAP__OS_UNVERIFIED : SMMAP__OS_COPIED;
}

apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard)
{
    guard->outer = guarding_get();
    order();
    guarding_set(guard);
    order();
    return APR_SUCCESS;
}

int smmap__os_guard_end(smmap__os_guard_t *guard)
{
    smmap__os_guard_t *inner = guarding_get();

    order();
    if (inner == guard) {
        guarding_set(guard->outer);
        return 1;
    }
    while (inner != NULL && inner->outer != guard) {
        inner = inner->outer;
    }
    if (inner == NULL) {
        return 0;
    }
    inner->outer = guard->outer;
    order();
    return 1;
}
