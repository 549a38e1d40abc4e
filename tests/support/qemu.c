/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What qemu-user 7.2 does otherwise than the kernel: preload this into the guest.
 *
 * It tells a wrong si_addr of a SIGBUS where the guest's words are not those of the host: a
 * big-endian 64-bit guest gets its halves in the wrong order, a 32-bit guest an address of the
 * host. One fault at a known address shows what is wrong, and each later one is put right before
 * the program's handler sees it. For that this stands in for sigaction() and signal(). Handlers are
 * installed by one thread at a time.
 *
 * Where the guest's pages are larger than the host's (QEMU_PAGESIZE), it maps a file at offsets
 * that are no multiple of them, and mincore() writes a byte for each page of the host. So this
 * stands in for those, too, in guests of 64 bits.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACE = 0x124 }; /* of the fault, in its page; in either half of a word another number */

typedef int sigaction_t(int, const struct sigaction *, struct sigaction *);
typedef void *mmap_t(void *, size_t, int, int, int, off_t);
typedef int mincore_t(void *, size_t, unsigned char *);

static sigaction_t *real;
static mmap_t *real_mmap;
static mincore_t *real_mincore;
static struct sigaction handler; /* the program's */
static int is_swapped;
static uintptr_t excess;
static sigjmp_buf after_fault;
static volatile uintptr_t told;

static uintptr_t unswapped(uintptr_t address)
{
    return is_swapped ? address << (4 * sizeof address) | address >> (4 * sizeof address) : address;
}

static void learn(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    told = (uintptr_t)info->si_addr;
    siglongjmp(after_fault, 1);
}

static void put_right(int number, siginfo_t *info, void *context)
{
    uintptr_t address = unswapped((uintptr_t)info->si_addr) - excess;

#ifdef __s390x__
    address &= ~(uintptr_t)4095; /* the machine tells the page alone */
#endif
    if (info->si_code > 0) { /* not sent by somebody */
        info->si_addr = (void *)address;
    }
    if ((handler.sa_flags & SA_SIGINFO) != 0) {
        handler.sa_sigaction(number, info, context);
    } else {
        handler.sa_handler(number);
    }
}

static void find_address(void)
{
    const long page = sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();
    struct sigaction action;
    struct sigaction before;
    volatile unsigned char *at;

    if (file == NULL || ftruncate(fileno(file), 2 * page) != 0) {
        abort();
    }
    at = mmap(NULL, (size_t)(2 * page), PROT_READ, MAP_SHARED, fileno(file), 0);
    if (at == MAP_FAILED || ftruncate(fileno(file), 1) != 0) {
        abort();
    }
    memset(&action, 0, sizeof action);
    action.sa_sigaction = learn;
    action.sa_flags = SA_SIGINFO;
    real(SIGBUS, &action, &before);
    if (sigsetjmp(after_fault, 1) == 0) {
        (void)at[page + PLACE];
    } else {
        is_swapped = (told & 4095) != PLACE;
        excess = unswapped(told) - (uintptr_t)(at + page + PLACE);
    }
    real(SIGBUS, &before, NULL);
    munmap((void *)(uintptr_t)at, (size_t)(2 * page));
    fclose(file);
}

__attribute__((constructor)) static void begin(void)
{
    real = (sigaction_t *)(uintptr_t)dlsym(RTLD_NEXT, "sigaction");
    real_mmap = (mmap_t *)(uintptr_t)dlsym(RTLD_NEXT, "mmap");
    real_mincore = (mincore_t *)(uintptr_t)dlsym(RTLD_NEXT, "mincore");
    if (real == NULL || real_mmap == NULL || real_mincore == NULL) {
        abort();
    }
    if (sizeof(void *) < 8 || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
        find_address();
    }
}

static int is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == put_right;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction before = handler;
    struct sigaction given;
    int result;

    if (number != SIGBUS || (!is_swapped && excess == 0)) {
        return real(number, action, old);
    }
    if (action != NULL) {
        given = *action;
        handler = given;
        if (given.sa_handler != SIG_DFL && given.sa_handler != SIG_IGN) {
            given.sa_sigaction = put_right;
            given.sa_flags |= SA_SIGINFO;
        }
        action = &given;
    }
    result = real(number, action, old);
    if (result == 0 && old != NULL && is_ours(old)) {
        *old = before;
    }
    return result;
}

void (*signal(int number, void (*function)(int)))(int)
{
    struct sigaction action;
    struct sigaction old;

    memset(&action, 0, sizeof action);
    action.sa_handler = function;
    action.sa_flags = SA_RESTART;
    return sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

#ifdef __LP64__

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    if ((offset & (sysconf(_SC_PAGESIZE) - 1)) != 0) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    return real_mmap(address, length, protection, flags, file, offset);
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

/* A page of the guest is in memory when any of the host's is: the kernel would read all of it. */
int mincore(void *address, size_t length, unsigned char *pages)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *at = address;
    unsigned char parts[64];
    size_t i;

    if (((uintptr_t)address & (page - 1)) != 0) {
        errno = EINVAL;
        return -1;
    }
    for (; length > 0; at += page, pages++) {
        size_t part = length < page ? length : page;

        memset(parts, 0, sizeof parts);
        if (real_mincore(at, part, parts) != 0) {
            return -1;
        }
        for (i = 0, *pages = 0; i < sizeof parts; i++) {
            *pages |= parts[i];
        }
        length -= part;
    }
    return 0;
}

#endif
