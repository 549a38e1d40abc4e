/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Window arithmetic, and properties of the machine.
 *
 * Nothing here touches a file. The three functions that change a window behave like MapWindow
 * in the Python package smmap. They check for overflow and leave the window unchanged when
 * they fail.
 */
#ifndef SMMAP_WINDOW_H
#define SMMAP_WINDOW_H

#include <apr.h>
#include <apr_errno.h>

#include "smmap/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A range of a file: bytes [offset, offset + size); neither field is negative. */
typedef struct smmap_window_t {
    apr_off_t offset; /**< first byte, counted from the start of the file */
    apr_off_t size;   /**< bytes */
} smmap_window_t;

/**
 * Allocation granularity in bytes, of which the start of a mapping must be a multiple: the
 * page size on POSIX, 64 KiB on Windows. Threads: any. Never fails.
 */
SMMAP_API apr_size_t smmap_granularity(void);

/** Page size in bytes. Threads: any. Never fails. */
SMMAP_API apr_size_t smmap_page_size(void);

/** 1 in a 64-bit program, 0 in a 32-bit one. Threads: any. Never fails. */
SMMAP_API int smmap_is_64bit(void);

/**
 * Round down to a multiple.
 *
 * @param value (in) an offset or size in bytes, not negative.
 * @param granularity (in) the multiple, not 0; it need not be a power of two.
 * @return the largest multiple that is at most `value`; -1 for invalid input.
 * Threads: any.
 */
SMMAP_API apr_off_t smmap_align_down(apr_off_t value, apr_size_t granularity);

/**
 * Round up to a multiple.
 *
 * @param value (in) an offset or size in bytes, not negative.
 * @param granularity (in) the multiple, not 0; it need not be a power of two.
 * @return the smallest multiple that is at least `value`; -1 for invalid input, or if the
 *         multiple overflows.
 * Threads: any.
 */
SMMAP_API apr_off_t smmap_align_up(apr_off_t value, apr_size_t granularity);

/**
 * The offset of the byte after a window.
 *
 * @param window (in) the window.
 * @return `offset + size`; -1 if window is NULL, a field is negative or the sum overflows.
 * Threads: any.
 */
SMMAP_API apr_off_t smmap_window_end(const smmap_window_t *window);

/**
 * Grow a window to whole granules: its start is rounded down and its end rounded up, so that
 * it still covers every byte that it covered before.
 *
 * @param window (in, out) the window.
 * @param granularity (in) bytes, not 0.
 * @return APR_SUCCESS; APR_EINVAL: invalid input, or the result overflows.
 * Threads: any, each on its own window.
 */
SMMAP_API apr_status_t smmap_window_align(smmap_window_t *window, apr_size_t granularity);

/**
 * Extend a window to the left until it touches the window before it, as far as `max_size`
 * allows. The end does not move.
 *
 * @param window (in, out) the window; it never shrinks.
 * @param left (in) a window that ends at or before the start of `window`.
 * @param max_size (in) the largest size wanted, in bytes.
 * @return APR_SUCCESS; APR_EINVAL: invalid input, or the windows overlap.
 * Threads: any, each on its own window.
 */
SMMAP_API apr_status_t smmap_window_extend_left(smmap_window_t *window, const smmap_window_t *left,
                                                apr_off_t max_size);

/**
 * Extend a window to the right until it touches the window after it, as far as `max_size`
 * allows. The start does not move.
 *
 * @param window (in, out) the window; it never shrinks.
 * @param right (in) a window that starts at or after the end of `window`.
 * @param max_size (in) the largest size wanted, in bytes.
 * @return APR_SUCCESS; APR_EINVAL: invalid input, or the windows overlap.
 * Threads: any, each on its own window.
 */
SMMAP_API apr_status_t smmap_window_extend_right(smmap_window_t *window,
                                                 const smmap_window_t *right, apr_off_t max_size);

#ifdef __cplusplus
}
#endif

#endif
