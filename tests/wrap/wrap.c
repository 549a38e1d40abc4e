/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See wrap.h: which call fails. The functions that are put before the real ones are in
 * calls.c.
 */
#include "config.h"

#include "wrap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

/* Each kind, and the errors it may have. */

#define NAME(text, constant) text,
static const char *const names[] = {WRAP_CALLS(NAME)};

enum { MOST_ERRORS = 7 };

static const int errors[WRAP_ANY][MOST_ERRORS] = {
    [WRAP_OPEN] = {EMFILE, ENFILE, EACCES, EIO, EINTR, EAGAIN, 0},
    [WRAP_FCNTL] = {EMFILE, EBADF, 0},
    [WRAP_IOCTL] = {EIO, ENOMEM, 0},
    [WRAP_CLOSE] = {EIO, EINTR, 0},
    [WRAP_FSTAT] = {EIO, ENOMEM, 0},
    [WRAP_STATX] = {EIO, ENOSYS, ENOMEM, 0},
    [WRAP_STAT] = {EIO, EACCES, ENOMEM, 0},
    [WRAP_PREAD] = {EIO, ENOMEM, 0},
    [WRAP_MMAP] = {ENOMEM, EACCES, EAGAIN, ENFILE, 0},
    [WRAP_MMAP_MEMORY] = {ENOMEM, EAGAIN, 0},
    [WRAP_MUNMAP] = {ENOMEM, EINVAL, 0},
    [WRAP_MADVISE] = {EAGAIN, EIO, ENOMEM, 0},
    [WRAP_FADVISE] = {EIO, EINVAL, 0},
    [WRAP_MINCORE] = {EAGAIN, ENOMEM, 0},
    [WRAP_MPROTECT] = {ENOMEM, EACCES, 0},
    [WRAP_BACKTRACE] = {ENOMEM, 0},
    [WRAP_MEMBARRIER] = {ENOSYS, EPERM, 0},
    [WRAP_BARRIER] = {ENOSYS, EPERM, 0},
    [WRAP_GETRLIMIT] = {EPERM, 0},
    [WRAP_SIGACTION] = {EINVAL, 0},
    [WRAP_ATFORK] = {ENOMEM, 0},
    [WRAP_MALLOC] = {ENOMEM, 0},
    [WRAP_CALLOC] = {ENOMEM, 0},
    [WRAP_POOL] = {ENOMEM, 0},
    [WRAP_MUTEX] = {ENOMEM, EAGAIN, 0},
    [WRAP_COND] = {ENOMEM, EAGAIN, 0},
    [WRAP_APR_MERGE] = {ENOMEM, ENAMETOOLONG, 0},
    [WRAP_BARRIER_GLOBAL] = {ENOSYS, EPERM, 0},
    [WRAP_GETAFFINITY] = {ENOSYS, EPERM, EINVAL, 0},
    [WRAP_SETAFFINITY] = {ENOSYS, EPERM, ENOMEM, 0},
    [WRAP_NANOSLEEP] = {EINTR, 0},
    [WRAP_FSTATFS] = {EIO, EINTR, ENOSYS, EPERM, 0},
    [WRAP_DUP3] = {EBUSY, EINTR, EMFILE, 0},
    [WRAP_FACCESSAT] = {EACCES, ENOENT, EIO, 0},
    [WRAP_WRITE] = {EIO, ENOSPC, EFBIG, 0},
    [WRAP_MUNLOCK] = {ENOMEM, EPERM, 0},
    [WRAP_CACHESTAT] = {EPERM, ENOSYS, 0},
    [WRAP_PREADV2] = {EOPNOTSUPP, EAGAIN, EIO, 0},
    [WRAP_THREAD] = {EAGAIN, EPERM, 0},
    [WRAP_MREMAP] = {EAGAIN, ENOMEM, 0},
    [WRAP_DLADDR] = {ENOENT, 0},
    [WRAP_DLOPEN] = {ENOMEM, 0},
    [WRAP_SYMBOLS] = {ENOMEM, 0},
    [WRAP_APR_GET] = {ENOENT, EACCES, ERANGE, 0},
    [WRAP_REALPATH] = {EACCES, EIO, ELOOP, ENOENT, 0},
};

const char *wrap_name(wrap_call_t call)
{
    return call == WRAP_ANY ? "any call" : names[call];
}

const int *wrap_errors(wrap_call_t call)
{
    return errors[call];
}

int wrap_is_error(int error)
{
    int call;
    int i;

    for (call = 0; call < WRAP_ANY; call++) {
        for (i = 0; errors[call][i] != 0; i++) {
            if (errors[call][i] == error) {
                return 1;
            }
        }
    }
    return 0;
}

/* Orders. They are given while one thread runs, and read by all. */

static atomic_size_t calls[WRAP_ANY + 1]; /* the last: all together */
static atomic_size_t failed;

static atomic_int fail_kind = WRAP_ANY + 1; /* none */
static atomic_size_t fail_at;
static atomic_int fail_error;
static atomic_int fail_forever;
static atomic_int all_error[WRAP_ANY]; /* 0: none */
static atomic_uint rate; /* 0: none at random */
static atomic_ullong random_state;

void wrap_fail(wrap_call_t call, apr_size_t which, int error, int forever)
{
    atomic_store(&fail_at, atomic_load(&calls[call]) + which);
    atomic_store(&fail_error, error);
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_kind, (int)call);
}

void wrap_fail_all(wrap_call_t call, int error)
{
    atomic_store(&all_error[call], error);
}

void wrap_fail_random(apr_uint64_t seed, unsigned one_in)
{
    atomic_store(&random_state, seed);
    atomic_store(&rate, one_in);
}

void wrap_fail_none(void)
{
    int call;

    atomic_store(&fail_kind, WRAP_ANY + 1);
    for (call = 0; call < WRAP_ANY; call++) {
        atomic_store(&all_error[call], 0);
    }
    atomic_store(&rate, 0);
}

apr_size_t wrap_failed(void)
{
    return atomic_load(&failed);
}

apr_size_t wrap_calls(wrap_call_t call)
{
    return atomic_load(&calls[call]);
}

apr_size_t wrap_system_calls(void)
{
    apr_size_t all = 0;
    int call;

    for (call = 0; call < WRAP_MALLOC; call++) {
        all += wrap_calls((wrap_call_t)call);
    }
    return all;
}

void wrap_reset(void)
{
    int call;

    wrap_fail_none();
    atomic_store(&failed, 0);
    for (call = 0; call <= WRAP_ANY; call++) {
        atomic_store(&calls[call], 0);
    }
}

/* One draw: splitmix64. */
static int draw(wrap_call_t call, unsigned one_in)
{
    unsigned long long mixed = atomic_fetch_add(&random_state, 0x9e3779b97f4a7c15ULL);
    unsigned count = 0;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    mixed ^= mixed >> 31;
    if (mixed % one_in != 0) {
        return 0;
    }
    while (errors[call][count] != 0) {
        count++;
    }
    return errors[call][(mixed >> 32) % count];
}

int wrap_refuse(wrap_call_t call)
{
    apr_size_t now = atomic_fetch_add(&calls[call], 1) + 1;
    apr_size_t among_all = atomic_fetch_add(&calls[WRAP_ANY], 1) + 1;
    int kind = atomic_load(&fail_kind);
    apr_size_t at = atomic_load(&fail_at);
    unsigned one_in = atomic_load(&rate);
    int error = 0;

    if (kind == WRAP_ANY) {
        now = among_all;
    }
    if (kind == (int)call || kind == WRAP_ANY) {
        error = now == at || (now > at && atomic_load(&fail_forever)) ? atomic_load(&fail_error)
                                                                      : 0;
    }
    if (error == 0 && one_in != 0) {
        error = draw(call, one_in);
    }
    if (error != 0) {
        atomic_fetch_add(&failed, 1);
    } else {
        error = atomic_load(&all_error[call]);
    }
    return error;
}

/* Set and taken by a test that has no threads. */
static void (*hooked)(void);
static wrap_call_t hooked_call;

void wrap_when(wrap_call_t call, void (*hook)(void))
{
    hooked_call = call;
    hooked = hook;
}

int wrap_fails(wrap_call_t call)
{
    int error;

    if (hooked != NULL && call == hooked_call) {
        void (*hook)(void) = hooked;

        hooked = NULL;
        hook();
    }
    error = wrap_refuse(call);
    if (error != 0) {
        errno = error;
    }
    return error != 0;
}
