/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's own status codes.
 *
 * Every function that can fail returns an apr_status_t: APR_SUCCESS, a status of APR or of the
 * operating system (APR_ENOENT, APR_EACCES, ...; test it with the APR_STATUS_IS_ macros), or
 * one of the codes below. The codes are in APR's range for applications, at an offset that no
 * library we know of uses.
 */
#ifndef SMMAP_STATUS_H
#define SMMAP_STATUS_H

#include <apr_errno.h>

#include "smmap/export.h"

/** The library's codes are greater than this and less than SMMAP_END_STATUS. */
#define SMMAP_START_STATUS (APR_OS_START_USERERR + 430000)

/** The manager was destroyed. You can only release and close the cursor. */
#define SMMAP_ECLOSED (SMMAP_START_STATUS + 1)
/** There is no file: the buffer is on none yet and you passed no cursor; the manager knows none by
    that path (smmap_cursor_open_known()); or the cursor has no path (smmap_cursor_is_current()). */
#define SMMAP_ENOFILE (SMMAP_START_STATUS + 2)
/** Not a regular file: a directory, FIFO, socket or device (except block devices on Linux), or
    a file without a size, as in /proc, that does not end within 64 MiB. */
#define SMMAP_ENOTREGULAR (SMMAP_START_STATUS + 3)
/** The path now names another file than when the cursor was opened. Open a new cursor. */
#define SMMAP_ESTALE (SMMAP_START_STATUS + 4)
/** The file became shorter than the requested range; see smmap_cursor_file_size(). */
#define SMMAP_ETRUNCATED (SMMAP_START_STATUS + 5)
/** The hard limit of mapped bytes leaves no room, even with all unpinned windows evicted. */
#define SMMAP_ELIMIT_BYTES (SMMAP_START_STATUS + 6)
/** The hard limit of regions leaves no room, even with all unpinned windows evicted. */
#define SMMAP_ELIMIT_REGIONS (SMMAP_START_STATUS + 7)
/** The hard limit of open files leaves no room: all handles are in use or cannot be reopened.
    Opening by path takes a handle for a moment, also if the file is open already. */
#define SMMAP_ELIMIT_FILES (SMMAP_START_STATUS + 8)
/** The range is longer than a size or an offset can say: read it in windows. Or one call was to
    fetch too much: fetch less at a time (smmap_manager_fetch()). */
#define SMMAP_ETOOLARGE (SMMAP_START_STATUS + 9)
/** The range crosses a window boundary, so it is not contiguous in memory; copy it. */
#define SMMAP_ESPLIT (SMMAP_START_STATUS + 10)
/** The cursor has no window, or the buffer has no range. */
#define SMMAP_ENOWINDOW (SMMAP_START_STATUS + 11)

/** A page of the file could not be read, and the file is not truncated now: the disk or the network
    failed, or the file was cut and grew again. smmap_cursor_fault() tells where. */
#define SMMAP_EFAULT (SMMAP_START_STATUS + 12)
/** What is wanted cannot be had without waiting: call the function that may wait. */
#define SMMAP_EWOULDBLOCK (SMMAP_START_STATUS + 13)

/** One past the last code in use. */
#define SMMAP_END_STATUS (SMMAP_START_STATUS + 14)

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Describe a status, one of the library or of APR.
 *
 * @param status (in) the status.
 * @param buffer (out) receives the text, in English or in the system's words, zero-terminated and
 *        truncated to fit; 400 bytes are enough for the library's. NULL: nothing is written.
 * @param size (in) size of `buffer` in bytes; 0: nothing is written.
 * @return `buffer`.
 * Threads: any. Never fails; for an unknown code the text says that it is unknown.
 */
SMMAP_API char *smmap_strerror(apr_status_t status, char *buffer, apr_size_t size);

#ifdef __cplusplus
}
#endif

#endif
