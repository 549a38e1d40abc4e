/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: reading ahead: threads, and what is in memory.
 *
 * The calls of Linux are made by number: the C library may be older than the system.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/common.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

/* From linux/mman.h, since 6.5; all machines but Alpha have one number for it. */
#if defined(__linux__) && !defined(__alpha__)
#define CACHESTAT 451
#endif

/* From linux/fs.h, since 4.14. */
enum { NOWAIT = 8 };

static void *begin(void *argument)
{
    const smmap__os_thread_t *thread = argument;

    thread->run(thread->argument);
    return NULL;
}

apr_status_t smmap__os_thread_start(smmap__os_thread_t *thread)
{
    pthread_attr_t attributes;
    pthread_t started;
    sigset_t all;
    sigset_t before;
    int error;

    smmap__posix_stay_loaded(); /* the thread may be in our code at any time */
    error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (error == 0) {
        /* Signals are for the program's threads. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&started, &attributes, begin, thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return error;
}

apr_status_t smmap__os_is_cached(int *cached, apr_os_file_t file, apr_off_t offset,
                                 apr_off_t length)
{
#ifdef CACHESTAT
    struct {
        apr_uint64_t offset;
        apr_uint64_t length;
    } range;
    struct {
        apr_uint64_t cached;
        apr_uint64_t others[4];
    } pages;
    const apr_off_t page = (apr_off_t)sysconf(_SC_PAGESIZE);

    range.offset = (apr_uint64_t)offset;
    range.length = (apr_uint64_t)length;
    if (page <= 0) {
        return APR_ENOTIMPL;
    }
    if (syscall(CACHESTAT, file, &range, &pages, 0) != 0) {
        return errno;
    }
    *cached = pages.cached >= (apr_uint64_t)((offset + length - 1) / page - offset / page + 1);
    return APR_SUCCESS;
#else
    (void)cached;
    (void)file;
    (void)offset;
    (void)length;
    return APR_ENOTIMPL;
#endif
}

#if defined(SYS_preadv2)

static apr_status_t read_now(apr_os_file_t file, apr_uint64_t offset, void *buffer,
                             apr_size_t length, apr_size_t *nread)
{
    struct iovec part;
    long got;

    part.iov_base = buffer;
    part.iov_len = length;
    do {
        got = syscall(SYS_preadv2, file, &part, 1UL, (unsigned long)offset,
                      (unsigned long)(offset >> 32), NOWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        /* EPERM and EACCES come from sandboxes that are older than the call. */
        return errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM || errno == EACCES
                   ? APR_ENOTIMPL
                   : errno;
    }
    *nread = (apr_size_t)got;
    return APR_SUCCESS;
}

apr_status_t smmap__os_read_nowait(apr_os_file_t file, apr_off_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread)
{
    int cancel = smmap__posix_cancel_disable();
    apr_status_t status = smmap__read_fully(read_now, file, offset, buffer, length, nread);

    smmap__posix_cancel_restore(cancel);
    return status;
}

#else

apr_status_t smmap__os_read_nowait(apr_os_file_t file, apr_off_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread)
{
    (void)file;
    (void)offset;
    (void)buffer;
    (void)length;
    *nread = 0;
    return APR_ENOTIMPL;
}

#endif
