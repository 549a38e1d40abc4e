/*
 * The library's own status codes.
 *
 * Every function that can fail returns an apr_status_t: APR_SUCCESS, a status
 * of APR or of the operating system (APR_ENOENT, APR_EACCES, ...; test it with
 * the APR_STATUS_IS_ macros), or one of the codes below. The codes lie in
 * APR's range for applications, in a stretch that no library we know of uses.
 */
#ifndef SMMAP_STATUS_H
#define SMMAP_STATUS_H

#include <apr_errno.h>

#include "smmap/export.h"

/** Where the library's codes start; each of them is smaller than SMMAP_END_STATUS. */
#define SMMAP_START_STATUS (APR_OS_START_USERERR + 430000)

/** The manager was destroyed; only releasing and closing the cursor still make sense. */
#define SMMAP_ECLOSED (SMMAP_START_STATUS + 1)
/** The buffer is on no file yet, and no cursor was given. */
#define SMMAP_ENOFILE (SMMAP_START_STATUS + 2)
/** Not a regular file: directories, FIFOs, sockets and devices cannot be mapped, but for block
    devices on Linux. Also a file of the system's making that has no size and does not end
    within 64 MiB. */
#define SMMAP_ENOTREGULAR (SMMAP_START_STATUS + 3)
/** The path names another file now than when the cursor was opened. Open it anew. */
#define SMMAP_ESTALE (SMMAP_START_STATUS + 4)
/** The file became shorter than what was asked for; smmap_cursor_file_size() tells how short. */
#define SMMAP_ETRUNCATED (SMMAP_START_STATUS + 5)
/** The hard limit of mapped bytes leaves no room, even with all unpinned windows gone. */
#define SMMAP_ELIMIT_BYTES (SMMAP_START_STATUS + 6)
/** The hard limit of regions leaves no room, even with all unpinned windows gone. */
#define SMMAP_ELIMIT_REGIONS (SMMAP_START_STATUS + 7)
/** The hard limit of open files leaves no room: all handles are in use or cannot be reopened. */
#define SMMAP_ELIMIT_FILES (SMMAP_START_STATUS + 8)
/** The range does not fit into this machine's address space; read it in windows. */
#define SMMAP_ETOOLARGE (SMMAP_START_STATUS + 9)
/** The range crosses the end of a window, so it is not in one piece; read (copy) it. */
#define SMMAP_ESPLIT (SMMAP_START_STATUS + 10)
/** The cursor has no window, or the buffer no range: nothing was asked for yet. */
#define SMMAP_ENOWINDOW (SMMAP_START_STATUS + 11)

/** A page of the file could not be brought into memory when it was touched, and the file is
    not shorter than it was: the disk or the network failed. smmap_cursor_fault() tells where. */
#define SMMAP_EFAULT (SMMAP_START_STATUS + 12)
/** The process is a child that was forked after the manager was made: it may only destroy it. */
#define SMMAP_EFORKED (SMMAP_START_STATUS + 13)

/** One past the last code in use. */
#define SMMAP_END_STATUS (SMMAP_START_STATUS + 14)

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A sentence for a status, the library's own or APR's.
 *
 * @param status (in) what a function returned.
 * @param buffer (out) where the text goes; terminated, cut to fit.
 * @param size (in) bytes in `buffer`; 0 leaves it alone.
 * @return `buffer`.
 * Threads: any. Never fails; a code of nobody's gets a text that says so.
 */
SMMAP_API char *smmap_strerror(apr_status_t status, char *buffer, apr_size_t size);

#ifdef __cplusplus
}
#endif

#endif
