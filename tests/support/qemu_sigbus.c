/*
 * The address of a SIGBUS as the kernel tells it, for programs under qemu-user: preload this into
 * the guest. qemu 7.2 tells a wrong si_addr where the guest's words are not those of the host: a
 * big-endian 64-bit guest gets its halves in the wrong order, a 32-bit guest an address of the host.
 *
 * One fault at a known address shows what is wrong, and each later one is put right before the
 * program's handler sees it. Where nothing is wrong, nothing is done.
 *
 * It stands in for sigaction() and signal(). Handlers are installed by one thread at a time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
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

static sigaction_t *real;
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

__attribute__((constructor)) static void begin(void)
{
    long page = sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();
    struct sigaction action;
    struct sigaction before;
    volatile unsigned char *at;

    real = (sigaction_t *)(uintptr_t)dlsym(RTLD_NEXT, "sigaction");
    if (real == NULL || file == NULL || ftruncate(fileno(file), 2 * page) != 0) {
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
