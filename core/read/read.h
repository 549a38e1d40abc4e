/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies: from windows, or by the system.
 *
 *   cost.c      what mapping costs, and what it saves
 *   admission.c is a window mapped for a copy, or bypassed?
 *   guard.c     copies from windows that survive faults
 *   nowait.c    copies that never wait
 *   read.c      smmap_cursor_read(), and reading by the system
 *   buffer.c    buffers
 */
#ifndef SMMAP_CORE_READ_READ_H
#define SMMAP_CORE_READ_READ_H

#include "core/cursor/cursor.h"

/** No time was measured yet. */
void smmap__cost_init(smmap__cost_t *cost);
/** One of the two took from `begin`, what the clock said then, until now. */
void smmap__cost_add(smmap__cost_t *cost, smmap__count_t *average, apr_int64_t begin);
/** How often a window must be copied from until that would have paid for mapping it. */
unsigned smmap__cost_touches(const smmap__cost_t *cost, apr_uint64_t number);
/** Does mapping cost so much more than two reads that it must be earned where there is room? */
int smmap__cost_is_dear(const smmap__cost_t *cost);

/** Is it better to bypass the window that holds this offset? was_looked: it was just seen that it is
    not mapped. */
int smmap__should_bypass(smmap__cursor_t *cursor, apr_off_t offset, int was_looked) SMMAP__LOCKS;
/** A range begins with a part that bypasses its window: how much of it can be read at once, as the
    windows behind that are bypassed, too? */
apr_size_t smmap__bypassed_at_once(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t part,
                                   apr_size_t size) SMMAP__LOCKS;

/** Measure a file after a read of it: while it is being cut, that may have found the size as it was,
    and zeroes in the place of bytes. *copied (in, out) is cut to what is there still. */
apr_status_t smmap__read_measure(apr_os_file_t handle, apr_off_t offset, apr_size_t *copied);
/** Check what was passed to a call that copies.
    @param size (in, out) bytes wanted; cut to what the file has. */
apr_status_t smmap__read_check(const smmap_cursor_t *shown, apr_off_t offset,
                               const void *destination, apr_size_t *size);

/** A guarded copy from the cursor's window was not certain (UNVERIFIED, or not made yet), or met a
    fault at an offset of the window (FAULTED): find out. 1: it is copied now; 0: it cannot be, and
    the cursor let go of its window. */
int smmap__guard_again(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size,
                       smmap__os_copied_t made, apr_size_t fault) SMMAP__FILE_LOCKS SMMAP__LOCKS;

#endif
