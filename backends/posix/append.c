/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: appending to a file that nobody knows but the one who named it, in the environment of a
 * program. Whatever the name leads to, the program is not disturbed: only a regular file is
 * written to, which makes nobody wait and has no reader that could go away (SIGPIPE); and the
 * signal of a file that becomes too long (RLIMIT_FSIZE) is kept from the program. No state.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

apr_status_t smmap__os_append_open(apr_os_file_t *file, const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat info;
    int fd;
    int cancel = smmap__posix_cancel_disable();

    fd = open(path, flags, 0666);
    if (fd >= 0 && fd <= STDERR_FILENO) {
        /* The program closed it, and may print all the same. */
        const int standard = fd;

        fd = fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(standard);
    }
    smmap__posix_cancel_restore(cancel);
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        smmap__os_file_close(fd);
        return APR_ENOTIMPL;
    }
    *file = fd;
    return APR_SUCCESS;
}

static int is_pending(int number)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

static apr_status_t write_all(int fd, const char *bytes, apr_size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);

        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written == 0) {
            return ENOSPC; /* a server of files said so; it would do so for ever */
        }
        if (written > 0) {
            bytes += written;
            length -= (apr_size_t)written;
        }
    }
    return APR_SUCCESS;
}

apr_status_t smmap__os_append(apr_os_file_t file, const char *bytes, apr_size_t length)
{
    apr_status_t status;
    sigset_t too_long;
    sigset_t before;
    int was_pending;
    int number;
    int cancel = smmap__posix_cancel_disable(); /* write() and sigwait() */

    sigemptyset(&too_long);
    sigaddset(&too_long, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &too_long, &before);
    was_pending = is_pending(SIGXFSZ);
    status = write_all(file, bytes, length);
    /* One that the program ignores is not pending, and without EFBIG it was not for us. */
    if (status == EFBIG && !was_pending && is_pending(SIGXFSZ)) {
        sigwait(&too_long, &number);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    smmap__posix_cancel_restore(cancel);
    return status;
}
