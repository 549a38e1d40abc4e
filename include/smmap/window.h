/*
 * Arithmetic on ranges of a file, and facts of the machine.
 *
 * Nothing here touches a file. The three window functions have the properties
 * of MapWindow in the Python package smmap; they check every sum before they
 * make it, and leave the window as it was when they fail.
 */
#ifndef SMMAP_WINDOW_H
#define SMMAP_WINDOW_H

#include <apr.h>
#include <apr_errno.h>

#include "smmap/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A range of a file: bytes `offset` to `offset + size`, both not negative. */
typedef struct smmap_window_t {
    apr_off_t offset; /**< first byte, counted from the start of the file */
    apr_off_t size;   /**< how many bytes */
} smmap_window_t;

/**
 * What the start of a mapping must be a multiple of, in bytes: the page size on
 * POSIX systems, 64 KiB on Windows. Threads: any. Never fails.
 */
SMMAP_API apr_size_t smmap_granularity(void);

/** The size of a page of memory in bytes. Threads: any. Never fails. */
SMMAP_API apr_size_t smmap_page_size(void);

/** 1 in a 64-bit program (AUTO is static mode), 0 in a 32-bit one (AUTO is sliding). */
SMMAP_API int smmap_is_64bit(void);

/**
 * Round down to a multiple.
 *
 * @param value (in) an offset or size in bytes, not negative.
 * @param granularity (in) the multiple, not 0; it need not be a power of two.
 * @return the largest multiple that is not above `value`; -1 for bad input.
 * Threads: any.
 */
SMMAP_API apr_off_t smmap_align_down(apr_off_t value, apr_size_t granularity);

/**
 * Round up to a multiple.
 *
 * @param value (in) an offset or size in bytes, not negative.
 * @param granularity (in) the multiple, not 0; it need not be a power of two.
 * @return the smallest multiple that is not below `value`; -1 for bad input and
 *         where the multiple is larger than an offset can be.
 * Threads: any.
 */
SMMAP_API apr_off_t smmap_align_up(apr_off_t value, apr_size_t granularity);

/**
 * The offset just behind a window.
 *
 * @return `offset + size`, or -1 when the window is not one (negative, too large).
 * Threads: any.
 */
SMMAP_API apr_off_t smmap_window_end(const smmap_window_t *window);

/**
 * Grow a window to whole granules: its start moves down to a multiple, and then
 * its size up to one. It still covers all that it covered.
 *
 * @param window (in, out) the window.
 * @param granularity (in) bytes, not 0.
 * @return APR_SUCCESS; APR_EINVAL for bad input or a result that is too large.
 * Threads: any, each on its own window.
 */
SMMAP_API apr_status_t smmap_window_align(smmap_window_t *window, apr_size_t granularity);

/**
 * Extend a window to the left until it touches the one before it, as far as
 * `max_size` allows. The end stays where it is.
 *
 * @param window (in, out) the window; it never shrinks below its size.
 * @param left (in) a window that ends at or before `window` starts.
 * @param max_size (in) the largest size wanted, in bytes.
 * @return APR_SUCCESS; APR_EINVAL for bad input, windows that overlap included.
 * Threads: any, each on its own window.
 */
SMMAP_API apr_status_t smmap_window_extend_left(smmap_window_t *window, const smmap_window_t *left,
                                                apr_off_t max_size);

/**
 * Extend a window to the right until it touches the one behind it, as far as
 * `max_size` allows. The start stays where it is.
 *
 * @param window (in, out) the window; it never shrinks below its size.
 * @param right (in) a window that starts at or behind the end of `window`.
 * @param max_size (in) the largest size wanted, in bytes.
 * @return APR_SUCCESS; APR_EINVAL for bad input, windows that overlap included.
 * Threads: any, each on its own window.
 */
SMMAP_API apr_status_t smmap_window_extend_right(smmap_window_t *window,
                                                 const smmap_window_t *right, apr_off_t max_size);

#ifdef __cplusplus
}
#endif

#endif
