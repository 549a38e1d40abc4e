/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmark needs of a system and APR does not have. platform_posix.c has it for
 * POSIX systems, platform_none.c for all others: it reports that it cannot, and what needs it
 * is skipped.
 */
#ifndef SMMAP_BENCH_PLATFORM_H
#define SMMAP_BENCH_PLATFORM_H

#include <apr_portable.h>

/** Bytes of memory that could be used now; 0: not known. */
apr_uint64_t bench_platform_memory(void);

/**
 * Read at an offset, without a seek pointer.
 *
 * @param got (out) bytes read.
 * @return APR_ENOTIMPL: there is no such call.
 */
apr_status_t bench_platform_pread(apr_os_file_t file, void *buffer, apr_size_t size,
                                  apr_off_t offset, apr_size_t *got);

/**
 * Open a file, read its beginning and close it: one call each.
 *
 * @param look (in) 1: by one more call see what was opened.
 * @return APR_EOF: there is less.
 */
apr_status_t bench_platform_read_once(const char *path, void *buffer, apr_size_t size, int look);

/**
 * Ask the system to forget what it holds of a file in memory. It may not obey: see
 * afterwards how much is there. The file must be on its disk, and mapped by nobody.
 *
 * @return APR_ENOTIMPL: there is no way to ask.
 */
apr_status_t bench_platform_evict(apr_os_file_t file);

/** Bytes of files that this process maps by huge page-table entries; -1: not known. */
apr_int64_t bench_platform_huge(void);

#endif
