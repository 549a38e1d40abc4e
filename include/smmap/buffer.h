/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The buffer: a range of a file that reads as one piece and hides the windows.
 *
 * A buffer owns a cursor and counts from the start of its range: byte 0 of the buffer is byte
 * `offset` of the file. Reading moves the cursor as needed.
 *
 * If the file becomes shorter than the range, reading the missing bytes returns
 * SMMAP_ETRUNCATED; but without a guard, of a page that is mapped, zeroes may be read. After the
 * manager is destroyed, smmap_buffer_byte() still returns bytes of the pinned window, unless the
 * manager had the guard; reading and slicing need the manager.
 *
 * The range is fixed when access begins: bytes by which the file grows later are not in it.
 *
 * Threads: a buffer is used by one thread at a time, like a cursor.
 */
#ifndef SMMAP_BUFFER_H
#define SMMAP_BUFFER_H

#include "smmap/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A range of a file, read through windows; opaque. */
typedef struct smmap_buffer_t smmap_buffer_t;

/** As a size: up to the end of the file. */
#define SMMAP_TO_END SMMAP_CAST(apr_off_t, -1)

/**
 * Create a buffer and, if you pass a cursor, begin access to a range.
 *
 * @param buffer (out) the buffer; set only on success.
 * @param cursor (in) a cursor on the file; the buffer copies it, and you keep yours. NULL: the
 *        buffer has no range until smmap_buffer_begin_access().
 * @param offset (in) offset of the range in the file, in bytes; ignored without a cursor.
 * @param size (in) bytes, 1 or more, cut at the end of the file as last measured; or
 *        SMMAP_TO_END. Ignored without a cursor.
 * @param pool (in) closes the buffer when it is cleared or destroyed; NULL: only
 *        smmap_buffer_close() does, in any thread.
 * @return APR_SUCCESS; APR_EINVAL: buffer is NULL; APR_ENOMEM; otherwise as
 *         smmap_buffer_begin_access().
 */
SMMAP_API apr_status_t smmap_buffer_create(smmap_buffer_t **buffer, const smmap_cursor_t *cursor,
                                           apr_off_t offset, apr_off_t size, apr_pool_t *pool);

/**
 * Create a buffer that reads with your cursor, and begin access to a range: what the buffer reads
 * moves the cursor, and needs no second pin. smmap_buffer_cursor() is that cursor.
 *
 * @param buffer (out) the buffer; set only on success.
 * @param cursor (in) a cursor on the file. It stays yours: close it after the buffer, and use both
 *        in one thread at a time. If smmap_buffer_begin_access() is given another cursor, this one
 *        goes to its file.
 * @param offset (in) as for smmap_buffer_create().
 * @param size (in) as for smmap_buffer_create().
 * @param pool (in) as for smmap_buffer_create().
 * @return as smmap_buffer_create(), but APR_EINVAL if cursor is NULL.
 */
SMMAP_API apr_status_t smmap_buffer_create_shared(smmap_buffer_t **buffer, smmap_cursor_t *cursor,
                                                  apr_off_t offset, apr_off_t size,
                                                  apr_pool_t *pool);

/**
 * Put the buffer on a range of its file or of another one. A pinned window is released. On
 * failure the buffer has no range.
 *
 * @param buffer (in) the buffer.
 * @param cursor (in) a cursor on the file; you keep it. NULL: the file that the buffer is on.
 * @param offset (in) offset of the range in the file, in bytes.
 * @param size (in) bytes, 1 or more, cut at the end of the file as last measured; or
 *        SMMAP_TO_END.
 * @return APR_SUCCESS;
 *         APR_EINVAL: buffer is NULL, offset is negative, or size is 0 or negative;
 *         APR_EOF: offset is at or past the end of the file as last measured (the buffer is then
 *         on the file of `cursor`); in a file that has grown, call smmap_cursor_refresh();
 *         SMMAP_ENOFILE: cursor is NULL, and the buffer is on no file; SMMAP_ECLOSED;
 *         APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_buffer_begin_access(smmap_buffer_t *buffer,
                                                 const smmap_cursor_t *cursor, apr_off_t offset,
                                                 apr_off_t size);

/**
 * Release the pinned window, so that it may be unmapped, and end access to the range. The
 * buffer keeps its file.
 *
 * @param buffer (in) the buffer; NULL, or a buffer without a range, is ignored.
 */
SMMAP_API void smmap_buffer_end_access(smmap_buffer_t *buffer);

/** Bytes in the range; 0 without a range (also for NULL). */
SMMAP_API apr_off_t smmap_buffer_size(const smmap_buffer_t *buffer);

/**
 * Read one byte.
 *
 * @param buffer (in) the buffer.
 * @param index (in) 0 is the first byte; negative counts from the end, -1 is the last.
 * @param byte (out) the byte; set only on success.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL; SMMAP_ENOWINDOW: there is no range;
 *         APR_EOF: the index is outside the range; SMMAP_ETRUNCATED: the file became shorter;
 *         otherwise as smmap_cursor_use(), and with the guard as smmap_cursor_read().
 */
SMMAP_API apr_status_t smmap_buffer_byte(smmap_buffer_t *buffer, apr_off_t index,
                                         unsigned char *byte);

/**
 * Copy bytes, across any number of windows.
 *
 * @param buffer (in) the buffer.
 * @param index (in) first byte; negative counts from the end.
 * @param destination (out) room for `size` bytes; may be NULL if size is 0.
 * @param size (in) bytes wanted, 0 or more.
 * @param got (out) bytes copied: less than `size` if the range ends before; after an error, the
 *        bytes copied before it. May be NULL.
 * @return APR_SUCCESS (also when fewer bytes were there than wanted); APR_EINVAL: buffer or
 *         destination is NULL; SMMAP_ENOWINDOW: there is no range;
 *         APR_EOF: size is not 0, and the index is outside the range;
 *         otherwise as smmap_cursor_read().
 */
SMMAP_API apr_status_t smmap_buffer_read(smmap_buffer_t *buffer, apr_off_t index, void *destination,
                                         apr_size_t size, apr_size_t *got);

/**
 * Get a pointer to bytes that lie in one window, without a copy.
 *
 * @param buffer (in) the buffer.
 * @param index (in) first byte; negative counts from the end.
 * @param size (in) bytes, 1 or more.
 * @param data (out) the bytes, read-only; set only on success. Valid until the next call with this
 *        buffer, or with the cursor that it shares.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL, or size is 0;
 *         SMMAP_ENOWINDOW: there is no range; APR_EOF: the bytes are not all in the range;
 *         SMMAP_ETRUNCATED: the file now ends before the last of them;
 *         SMMAP_ESPLIT: the bytes cross a window boundary: use smmap_buffer_read(), or
 *         smmap_cursor_require() on smmap_buffer_cursor();
 *         otherwise as smmap_cursor_use().
 */
SMMAP_API apr_status_t smmap_buffer_slice(smmap_buffer_t *buffer, apr_off_t index, apr_size_t size,
                                          const unsigned char **data);

/**
 * Get bytes in one piece that stay valid while the buffer moves on: a cursor of their own, which
 * pins them. If they cross a window boundary, a region is mapped for them, as by
 * smmap_cursor_require().
 *
 * @param slice (out) set only on success: smmap_cursor_data() and smmap_cursor_size() of it are the
 *        bytes, until you move, release or close it.
 * @param buffer (in) the buffer.
 * @param index (in) first byte; negative counts from the end.
 * @param size (in) bytes, 1 or more.
 * @param pool (in) closes `slice`, as for smmap_cursor_open().
 * @return APR_SUCCESS; APR_EINVAL: buffer or slice is NULL, or size is 0;
 *         SMMAP_ENOWINDOW: there is no range; APR_EOF: the bytes are not all in the range;
 *         SMMAP_ETRUNCATED: the file now ends before the last of them;
 *         otherwise as smmap_cursor_copy() and smmap_cursor_require().
 */
SMMAP_API apr_status_t smmap_buffer_hold(smmap_cursor_t **slice, smmap_buffer_t *buffer,
                                         apr_off_t index, apr_size_t size, apr_pool_t *pool);

/**
 * The buffer's cursor, for its file, path and window. You may move it; the buffer moves it
 * again when necessary. If it is not shared, the buffer owns it: do not close it; it is valid until
 * the buffer is closed. NULL if the buffer is NULL or on no file.
 */
SMMAP_API smmap_cursor_t *smmap_buffer_cursor(smmap_buffer_t *buffer);

/**
 * Close a buffer and its cursor before its pool.
 *
 * @param buffer (in) the buffer, invalid after the call; NULL is ignored.
 */
SMMAP_API void smmap_buffer_close(smmap_buffer_t *buffer);

#ifdef __cplusplus
}
#endif

#endif
