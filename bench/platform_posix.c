/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX systems: pread, and the page cache.
 *
 * posix_fadvise is not on all of them (macOS has none); where it is missing nothing
 * can be made cold. Huge entries are counted where Linux tells them.
 */
#include "config.h"

#include "bench/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number behind a name in a file of lines "Name:   123 kB", in bytes; -1: none. */
static apr_int64_t kilobytes_in(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    apr_int64_t bytes = -1;
    char line[256];

    if (file == NULL) {
        return -1;
    }
    while (bytes < 0 && fgets(line, sizeof(line), file) != NULL) {
        unsigned long long number;

        if (strncmp(line, name, strlen(name)) == 0 &&
            sscanf(line + strlen(name), ": %llu kB", &number) == 1) {
            bytes = (apr_int64_t)(number * 1024);
        }
    }
    fclose(file);
    return bytes;
}

apr_uint64_t bench_platform_memory(void)
{
    apr_int64_t available = kilobytes_in("/proc/meminfo", "MemAvailable");

    if (available > 0) {
        return (apr_uint64_t)available;
    }
#ifdef _SC_PHYS_PAGES
    {
        long pages = sysconf(_SC_PHYS_PAGES);
        long size = sysconf(_SC_PAGESIZE);

        if (pages > 0 && size > 0) {
            return (apr_uint64_t)pages * (apr_uint64_t)size / 2; /* the rest may be in use */
        }
    }
#endif
    return 0;
}

apr_status_t bench_platform_pread(apr_os_file_t file, void *buffer, apr_size_t size,
                                  apr_off_t offset, apr_size_t *got)
{
    ssize_t result;

    do {
        result = pread(file, buffer, size, (off_t)offset);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return errno;
    }
    *got = (apr_size_t)result;
    return APR_SUCCESS;
}

apr_status_t bench_platform_read_once(const char *path, void *buffer, apr_size_t size, int look)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    struct stat info;

    if (file < 0) {
        return errno;
    }
    if (!look || (fstat(file, &info) == 0 && S_ISREG(info.st_mode))) {
        got = pread(file, buffer, size, 0);
    }
    close(file);
    return got < 0 ? errno : (apr_size_t)got == size ? APR_SUCCESS : APR_EOF;
}

apr_status_t bench_platform_evict(apr_os_file_t file)
{
#ifdef POSIX_FADV_DONTNEED
    return posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
#else
    (void)file;
    return APR_ENOTIMPL;
#endif
}

apr_int64_t bench_platform_huge(void)
{
    return kilobytes_in("/proc/self/smaps_rollup", "FilePmdMapped");
}
