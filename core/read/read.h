/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies: from windows, or by the system.
 *
 *   direct.c   by the system, past the windows
 *   guard.c    copies from windows that survive faults
 *   read.c     smmap_cursor_read(): which of them; the one that never waits
 *   buffer.c   buffers
 */
#ifndef SMMAP_CORE_READ_READ_H
#define SMMAP_CORE_READ_READ_H

#include "core/cursor/cursor.h"

/** Read by the system. *copied is what was read, on an error, too. */
apr_status_t smmap__read_direct(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, apr_size_t *copied) SMMAP__FILE_LOCKS SMMAP__LOCKS;

/** A guarded copy from the cursor's window was not certain (UNVERIFIED, or not made yet), or met a
    fault at an offset of the window (FAULTED, *copied): find out, or read.
    @param copied (in, out) the fault; what was copied. */
apr_status_t smmap__guard_again(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, smmap__os_copied_t made,
                                apr_size_t *copied) SMMAP__FILE_LOCKS SMMAP__LOCKS;

#endif
