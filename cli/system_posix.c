/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX systems: terminals, holes and limits.
 */
#include "config.h"

#include "cli/system.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define LARGEST ((off_t)(((apr_uint64_t)1 << (sizeof(off_t) * 8 - 1)) - 1))

int system_is_terminal(apr_os_file_t file)
{
    return isatty(file);
}

int system_columns(apr_os_file_t file)
{
#ifdef TIOCGWINSZ
    struct winsize size;

    if (ioctl(file, TIOCGWINSZ, &size) == 0) {
        return size.ws_col;
    }
#endif
    (void)file;
    return 0;
}

int system_colours(apr_os_file_t file)
{
    return isatty(file);
}

apr_status_t system_next_data(apr_os_file_t file, apr_off_t at, apr_off_t *begin, apr_off_t *end)
{
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
    *begin = lseek(file, at, SEEK_DATA);
    if (*begin >= 0) {
        *end = lseek(file, *begin, SEEK_HOLE);
    }
    if (*begin >= 0 && *end > *begin) {
        return APR_SUCCESS;
    }
    return *begin < 0 && errno == ENXIO ? APR_EOF : APR_ENOTIMPL;
#else
    (void)file;
    (void)at;
    (void)begin;
    (void)end;
    return APR_ENOTIMPL;
#endif
}

int system_skip(apr_os_file_t file, apr_off_t bytes)
{
    struct stat info;
    off_t at = lseek(file, 0, SEEK_CUR);
    int flags = fcntl(file, F_GETFL);

    return at >= 0 && flags >= 0 && (flags & O_APPEND) == 0 && fstat(file, &info) == 0 &&
           S_ISREG(info.st_mode) && at >= info.st_size && bytes <= LARGEST - at &&
           ftruncate(file, at + bytes) == 0 && lseek(file, at + bytes, SEEK_SET) >= 0;
}

static apr_uint64_t value_of(const struct rlimit *limit)
{
    return limit->rlim_cur != RLIM_INFINITY ? (apr_uint64_t)limit->rlim_cur : 0;
}

apr_uint64_t system_open_files(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? value_of(&limit) : 0;
}

apr_uint64_t system_address_space(void)
{
#ifdef RLIMIT_AS
    struct rlimit limit;

    return getrlimit(RLIMIT_AS, &limit) == 0 ? value_of(&limit) : 0;
#else
    return 0;
#endif
}
