/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the POSIX and the Windows backend have in common: inline functions that call nothing of
 * the system.
 */
#ifndef SMMAP_BACKENDS_COMMON_H
#define SMMAP_BACKENDS_COMMON_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_portable.h>

#include <stdint.h>

/**
 * One read at an offset, by the system's own call.
 *
 * @param nread (out) bytes read; 0 at the end of the file.
 */
typedef apr_status_t smmap__read_once_t(apr_os_file_t file, apr_uint64_t offset, void *buffer,
                                        apr_size_t length, apr_size_t *nread);

/**
 * Read until everything is read, the file ends or an error occurs; see smmap__os_read(). One
 * call reads at most 1 GiB: a larger pread is cut short on Linux and an error on macOS, and
 * ReadFile takes 32 bits.
 */
static inline apr_status_t smmap__read_fully(smmap__read_once_t *read_once, apr_os_file_t file,
                                             apr_off_t offset, void *buffer, apr_size_t length,
                                             apr_size_t *nread)
{
    const apr_size_t most = (apr_size_t)1 << 30;
    apr_status_t status = APR_SUCCESS;
    apr_size_t done = 0;
    apr_size_t got = 1;

    while (done < length && got > 0 && status == APR_SUCCESS) {
        got = 0;
        status = read_once(file, (apr_uint64_t)offset + done, (unsigned char *)buffer + done,
                           length - done < most ? length - done : most, &got);
        done += got;
    }
    *nread = done;
    return status;
}

/**
 * Could bytes that were just copied from a mapping lie behind the end of the file? Then the
 * rest of the page is zero, and so is the rest of the mapping if it ends before the page does.
 * So it is enough to look, for each page, at the last byte copied and at the last byte of the
 * page. The last byte copied comes first: its cache line is loaded already.
 *
 * @param bytes (in) the bytes in the mapping.
 * @param size (in) how many, not 0.
 * @param behind (in) how many bytes of the mapping follow them.
 * @param page_size (in) a power of two. A value below the real page size is safe: more bytes
 *        than necessary are looked at.
 * @return 1: possibly; 0: certainly not. See SMMAP__OS_UNVERIFIED in backend.h.
 */
static inline int smmap__may_be_cut(const volatile unsigned char *bytes, apr_size_t size,
                                    apr_size_t behind, apr_size_t page_size)
{
    apr_size_t end = page_size - ((uintptr_t)bytes & (page_size - 1)); /* of the first page */

    while (end < size) {
        if (bytes[end - 1] == 0) {
            return 1;
        }
        end += page_size;
    }
    if (bytes[size - 1] != 0) {
        return 0;
    }
    return bytes[(end < size + behind ? end : size + behind) - 1] == 0;
}

/**
 * The address to report for a fault in a guarded copy: within the bytes that were to be copied.
 * The fault can lie before them when the system reports only the page, and behind them when
 * the page was lost after the copy, while smmap__may_be_cut() looked at its end.
 *
 * @param fault (in) the address of the fault.
 * @param begin (in) the first byte that was to be copied.
 * @param size (in) how many, not 0.
 */
static inline uintptr_t smmap__fault_within(uintptr_t fault, uintptr_t begin, apr_size_t size)
{
    if (fault <= begin) {
        return begin;
    }
    return fault - begin < size ? fault : begin + size - 1;
}

#endif
