/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Systems for which there is no platform_*.c: nothing is known, nothing can be done.
 */
#include "bench/platform.h"

apr_uint64_t bench_platform_memory(void)
{
    return 0;
}

apr_status_t bench_platform_pread(apr_os_file_t file, void *buffer, apr_size_t size,
                                  apr_off_t offset, apr_size_t *got)
{
    (void)file;
    (void)buffer;
    (void)size;
    (void)offset;
    (void)got;
    return APR_ENOTIMPL;
}

apr_status_t bench_platform_read_once(const char *path, void *buffer, apr_size_t size, int look)
{
    (void)path;
    (void)buffer;
    (void)size;
    (void)look;
    return APR_ENOTIMPL;
}

apr_status_t bench_platform_evict(apr_os_file_t file)
{
    (void)file;
    return APR_ENOTIMPL;
}

apr_int64_t bench_platform_huge(void)
{
    return -1;
}
