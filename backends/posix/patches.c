/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: the table of mappings that have a patched page, that is, one replaced by zeros after a
 * fault.
 *
 * Order: a mapping is marked before its page changes. A reader checks for the mark after it has
 * read, with a fence between, so it cannot see the new page and miss the mark. The count is raised
 * before an entry is taken and lowered after it is free, so it is never too low, and 0 is an
 * answer that needs no look at the table.
 *
 * Signal safety: smmap__posix_patch() runs in the handler of a fault, between any two
 * instructions of any thread. It takes no lock and allocates nothing. The table is written by
 * atomic operations on words, which are lock-free. mmap(), munlock() and mremap() are not on the
 * list of POSIX, but they are bare system calls on Linux, macOS and the BSDs.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <sys/mman.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* How many mappings can be marked at a time. A fault in one more is not survived. */
enum { PATCHES_MOST = 1024 };

typedef struct patch_t {
    _Atomic(uintptr_t) mapping; /* 0: the entry is free */
    _Atomic(uintptr_t) fault;   /* the first address; 0: not written yet */
} patch_t;

static patch_t patches[PATCHES_MOST];
atomic_size_t smmap__posix_patch_count;

/* How many entries have a mapping of this hash. Raised and lowered like the count, so that a
   mapping that is not marked is mostly told from the others by one load. */
enum { HASH_BITS = 13 };
static _Atomic(unsigned short) marks[1 << HASH_BITS];

static _Atomic(unsigned short) *marks_of(uintptr_t mapping)
{
    return &marks[(uint32_t)((mapping >> 12) * 2654435761U) >> (32 - HASH_BITS)];
}

static patch_t *find(uintptr_t mapping)
{
    int i;

    if (atomic_load(marks_of(mapping)) == 0) {
        return NULL;
    }
    for (i = 0; i < PATCHES_MOST; i++) {
        if (atomic_load(&patches[i].mapping) == mapping) {
            return &patches[i];
        }
    }
    return NULL;
}

/* Two threads may mark a mapping twice; that does no harm. Returns 0 when the table is full. */
static int mark(uintptr_t mapping, uintptr_t fault)
{
    int i;

    if (find(mapping) != NULL) {
        return 1;
    }
    atomic_fetch_add(&smmap__posix_patch_count, 1);
    atomic_fetch_add(marks_of(mapping), 1);
    for (i = 0; i < PATCHES_MOST; i++) {
        uintptr_t none = 0;

        if (atomic_compare_exchange_strong(&patches[i].mapping, &none, mapping)) {
            atomic_store(&patches[i].fault, fault);
            return 1;
        }
    }
    atomic_fetch_sub(marks_of(mapping), 1);
    atomic_fetch_sub(&smmap__posix_patch_count, 1);
    return 0;
}

/* ThreadSanitizer takes the new page for a write to it, and does not know the order described
   above. It does not see a bare system call. */
static int map_zeros(uintptr_t address, apr_size_t length)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

#if SMMAP__POSIX_TSAN && defined(SYS_mmap)
    return syscall(SYS_mmap, address, length, PROT_READ, flags, -1, 0) != -1;
#else
    return mmap((void *)address, length, PROT_READ, flags, -1, 0) != MAP_FAILED;
#endif
}

/* A page of zeros that was there before the fault; 0: none. */
static _Atomic(uintptr_t) zeros;

void smmap__posix_patches_make(uintptr_t page_size)
{
    if (atomic_load(&zeros) == 0) {
        void *page = mmap(NULL, page_size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        atomic_store(&zeros, page != MAP_FAILED ? (uintptr_t)page : 0);
    }
}

/* Map that page once more. What mmap() maps is locked if the process asked for that (MCL_FUTURE);
   this is not, unless the page is. So it works when as much is locked as may be. */
static int map_zeros_again(uintptr_t address, uintptr_t page_size)
{
#if defined(SYS_mremap) && defined(MREMAP_FIXED)
    const uintptr_t page = atomic_load(&zeros);
    const unsigned long flags = MREMAP_MAYMOVE | MREMAP_FIXED;

    if (page != 0) {
        munlock((void *)page, page_size);
        return syscall(SYS_mremap, page, 0UL, page_size, flags, address) != -1;
    }
#else
    (void)address;
    (void)page_size;
#endif
    return 0;
}

/* A process that locks all it maps (mlockall) may have locked as much as it may; the pages to be
   replaced are then part of that, and make room for the new ones. */
static int replace(uintptr_t address, apr_size_t length)
{
    return map_zeros(address, length) ||
           (munlock((void *)address, length) == 0 && map_zeros(address, length));
}

int smmap__posix_patch(uintptr_t mapping, apr_size_t length, uintptr_t fault, uintptr_t page_size)
{
    const uintptr_t page = fault & ~(page_size - 1);

    return mark(mapping, fault) && (replace(page, page_size) || map_zeros_again(page, page_size) ||
                                    replace(mapping, length));
}

void smmap__posix_patch_forget(const unsigned char *mapping)
{
    patch_t *patch;

    if (atomic_load_explicit(&smmap__posix_patch_count, memory_order_acquire) == 0) {
        return;
    }
    while ((patch = find((uintptr_t)mapping)) != NULL) {
        atomic_store(&patch->fault, 0);
        atomic_store(&patch->mapping, 0);
        atomic_fetch_sub(marks_of((uintptr_t)mapping), 1);
        atomic_fetch_sub(&smmap__posix_patch_count, 1);
    }
}

int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault)
{
    const patch_t *patch;
    uintptr_t address;

    atomic_thread_fence(memory_order_acquire); /* the caller has read before */
    if (atomic_load_explicit(&smmap__posix_patch_count, memory_order_relaxed) == 0) {
        return 0;
    }
    patch = find((uintptr_t)mapping);
    if (patch == NULL) {
        return 0;
    }
    address = atomic_load(&patch->fault);
    *fault = address != 0 ? (apr_size_t)(address - (uintptr_t)mapping) : 0;
    return 1;
}
