/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: opening, reading and examining files. No state.
 *
 * What tells one file from another is in identity.c.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/common.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#ifdef O_PATH
/* On Linux another process may hold a lease on the file (F_SETLEASE). A blocking open waits until
   the kernel has broken the lease; a nonblocking open fails with EAGAIN. So a regular file is
   opened again, blocking, by the descriptor of the file that was examined: no FIFO can take its
   place in between. */
static int open_leased(const char *path)
{
    char name[32];
    struct stat info;
    int examined = open(path, O_PATH | O_CLOEXEC);
    int fd = -1;
    int error = EAGAIN;

    if (examined < 0) {
        return -1;
    }
    if (fstat(examined, &info) == 0 && S_ISREG(info.st_mode)) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", examined);
        do {
            fd = open(name, O_RDONLY | O_CLOEXEC);
        } while (fd < 0 && errno == EINTR);
        error = errno != ENOENT ? errno : EAGAIN; /* ENOENT: there is no /proc */
    }
    close(examined);
    errno = error;
    return fd;
}
#endif

apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    int cancel = smmap__posix_cancel_disable();
    /* Nonblocking: what it is, is examined afterwards, and it may be a FIFO. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

#ifdef O_PATH
    if (fd < 0 && errno == EAGAIN) {
        fd = open_leased(path);
    }
#endif
    smmap__posix_cancel_restore(cancel);
    if (fd < 0) {
        return errno;
    }
    *file = fd;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_open_attributes(apr_os_file_t *file, const char *path)
{
    (void)file;
    (void)path;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    int cancel = smmap__posix_cancel_disable();
    int fd = fcntl(file, F_DUPFD_CLOEXEC, 0);

    smmap__posix_cancel_restore(cancel);
    if (fd < 0) {
        return errno;
    }
    *copy = fd;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_close(apr_os_file_t file)
{
    int cancel = smmap__posix_cancel_disable();
    int result = close(file);

    smmap__posix_cancel_restore(cancel);
    return result == 0 ? APR_SUCCESS : errno;
}

/* fstat() reports a block device as empty. */
static apr_status_t device_size(apr_off_t *size, apr_os_file_t file)
{
#ifdef __linux__
    apr_uint64_t bytes = 0;

    if (ioctl(file, (smmap__posix_request_t)BLKGETSIZE64, &bytes) != 0) {
        return errno;
    }
    *size = (apr_off_t)bytes;
    return APR_SUCCESS;
#else
    (void)size;
    (void)file;
    return APR_ENOTIMPL;
#endif
}

apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file)
{
    struct stat info;

    smmap__posix_mask_forget();
    if (fstat(file, &info) != 0) {
        return errno;
    }
    *size = (apr_off_t)info.st_size;
    return S_ISBLK(info.st_mode) ? device_size(size, file) : APR_SUCCESS;
}

static apr_status_t read_plain(apr_os_file_t file, apr_uint64_t offset, void *buffer,
                               apr_size_t length, apr_size_t *nread)
{
    ssize_t got;

    do {
        got = pread(file, buffer, length, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno;
    }
    *nread = (apr_size_t)got;
    return APR_SUCCESS;
}

#ifdef O_DIRECT

/* A multiple of what any disk needs, for the address, the offset and the length. */
enum { DIRECT_UNIT = 4096, DIRECT_MOST = 2 * DIRECT_UNIT }; /* a thread's stack may be small */

/* The flag belongs to what a handle and its duplicates share: somebody else may set it at any
   time. */
static apr_status_t read_unaligned(apr_os_file_t file, apr_uint64_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread)
{
    unsigned char space[DIRECT_MOST + DIRECT_UNIT];
    unsigned char *aligned =
        space + (DIRECT_UNIT - (uintptr_t)space % DIRECT_UNIT) % DIRECT_UNIT;
    apr_size_t skip = (apr_size_t)(offset % DIRECT_UNIT);
    apr_size_t wanted = length < DIRECT_MOST - skip ? length : DIRECT_MOST - skip;
    apr_size_t got = 0;
    apr_status_t status = read_plain(file, offset - skip, aligned,
                                     (skip + wanted + DIRECT_UNIT - 1) / DIRECT_UNIT * DIRECT_UNIT,
                                     &got);

    if (status == APR_SUCCESS) {
        *nread = got <= skip ? 0 : got - skip < wanted ? got - skip : wanted;
        memcpy(buffer, aligned + skip, *nread);
    }
    return status;
}

static apr_status_t read_once(apr_os_file_t file, apr_uint64_t offset, void *buffer,
                              apr_size_t length, apr_size_t *nread)
{
    apr_status_t status = read_plain(file, offset, buffer, length, nread);

    if (status == EINVAL) {
        int flags = fcntl(file, F_GETFL);

        if (flags >= 0 && (flags & O_DIRECT) != 0) {
            status = read_unaligned(file, offset, buffer, length, nread);
        }
    }
    return status;
}

#else
#define read_once read_plain
#endif

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    int cancel = smmap__posix_cancel_disable();
    apr_status_t status = smmap__read_fully(read_once, file, offset, buffer, length, nread);

    smmap__posix_cancel_restore(cancel);
    return status;
}

apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread)
{
    unsigned char byte;

    return smmap__os_read(file, 0, &byte, 1, nread);
}

apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
#if defined(__APPLE__)
    struct radvisory range;

    if (advice != SMMAP__OS_WILLNEED) {
        return APR_ENOTIMPL;
    }
    range.ra_offset = (off_t)offset;
    range.ra_count = length < 0x7fffffff ? (int)length : 0x7fffffff;
    return fcntl(file, F_RDADVISE, &range) == 0 ? APR_SUCCESS : errno;
#elif defined(POSIX_FADV_WILLNEED)
    return posix_fadvise(file, (off_t)offset, (off_t)length,
                         advice == SMMAP__OS_WILLNEED ? POSIX_FADV_WILLNEED : POSIX_FADV_DONTNEED);
#else
    (void)file;
    (void)offset;
    (void)length;
    (void)advice;
    return APR_ENOTIMPL;
#endif
}
