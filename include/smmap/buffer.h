/*
 * The buffer: a range of a file that reads as one piece, whatever the windows are.
 *
 * A buffer has a cursor of its own and counts from the start of its range: byte 0
 * of the buffer is byte `offset` of the file. Reading moves its cursor as needed.
 *
 * When the file became shorter than the range, what is missing is SMMAP_ETRUNCATED.
 * While a window is in use, smmap_buffer_byte() has its bytes even when the manager is gone,
 * unless that has the guard; reading and slicing need the manager.
 *
 * Threads: a buffer is used by one thread at a time, as a cursor is.
 */
#ifndef SMMAP_BUFFER_H
#define SMMAP_BUFFER_H

#include "smmap/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A range of a file, read through windows; opaque. */
typedef struct smmap_buffer_t smmap_buffer_t;

/** As a size: all there is up to the end of the file. */
#define SMMAP_TO_END ((apr_off_t)-1)

/**
 * Make a buffer and, where a cursor is given, begin access to a range.
 *
 * @param buffer (out) the buffer; set only on success.
 * @param cursor (in) a cursor on the file; the buffer takes a copy, which may outlive it.
 *        NULL: the buffer has no range until smmap_buffer_begin_access().
 * @param offset (in) first byte of the range in the file; ignored without a cursor.
 * @param size (in) bytes, cut at the end of the file, or SMMAP_TO_END; ignored without a
 *        cursor.
 * @param pool (in) closes the buffer when it is cleared or destroyed.
 * @return APR_SUCCESS; otherwise as smmap_buffer_begin_access(), and APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_buffer_create(smmap_buffer_t **buffer, const smmap_cursor_t *cursor,
                                           apr_off_t offset, apr_off_t size, apr_pool_t *pool);

/**
 * Put the buffer on a range, of the file it is on or of another. A window that it has in
 * use is let go of. On failure the buffer has no range.
 *
 * @param buffer (in) the buffer.
 * @param cursor (in) a cursor on the file; NULL: the file that the buffer is on already.
 * @param offset (in) first byte of the range in the file.
 * @param size (in) bytes, 1 or more, cut at the end of the file; or SMMAP_TO_END.
 * @return APR_SUCCESS;
 *         APR_EINVAL: buffer is NULL, offset is negative, size is 0 or negative;
 *         APR_EOF: offset is at or past the end of the file (the buffer is on the file of
 *         `cursor` by then);
 *         SMMAP_ENOFILE: no cursor, and the buffer is on no file; SMMAP_ECLOSED; APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_buffer_begin_access(smmap_buffer_t *buffer,
                                                 const smmap_cursor_t *cursor, apr_off_t offset,
                                                 apr_off_t size);

/**
 * Let go of the window in use, so that it may be unmapped. The buffer has no range then,
 * but still knows its file. NULL, and a buffer without a range, are ignored.
 */
SMMAP_API void smmap_buffer_end_access(smmap_buffer_t *buffer);

/** Bytes in the range; 0 without one (also for NULL). */
SMMAP_API apr_off_t smmap_buffer_size(const smmap_buffer_t *buffer);

/**
 * One byte.
 *
 * @param buffer (in) the buffer.
 * @param index (in) 0 is the first byte; negative counts from the end, -1 is the last.
 * @param byte (out) the byte; set only on success.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL; SMMAP_ENOWINDOW: there is no range;
 *         APR_EOF: the index is outside of it; otherwise as smmap_cursor_use(), and with the
 *         guard as smmap_cursor_read().
 */
SMMAP_API apr_status_t smmap_buffer_byte(smmap_buffer_t *buffer, apr_off_t index,
                                         unsigned char *byte);

/**
 * Copy bytes, across as many windows as they take.
 *
 * @param buffer (in) the buffer.
 * @param index (in) first byte; negative counts from the end.
 * @param destination (out) room for `size` bytes; may be NULL when size is 0.
 * @param size (in) bytes wanted, 0 or more.
 * @param got (out) bytes that were copied: less than `size` where the range ends, and on an
 *        error what was copied before it. May be NULL.
 * @return APR_SUCCESS (also when fewer bytes were there than wanted); APR_EINVAL: an argument
 *         is NULL; SMMAP_ENOWINDOW: there is no range;
 *         APR_EOF: size is not 0 and the index is outside of the range;
 *         otherwise as smmap_cursor_read().
 */
SMMAP_API apr_status_t smmap_buffer_read(smmap_buffer_t *buffer, apr_off_t index,
                                         void *destination, apr_size_t size, apr_size_t *got);

/**
 * Bytes in place, without a copy, where they lie in one window.
 *
 * @param buffer (in) the buffer.
 * @param index (in) first byte; negative counts from the end.
 * @param size (in) bytes, 1 or more.
 * @param data (out) the bytes; set only on success. They live until the next call with this
 *        buffer.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL, or size is 0;
 *         SMMAP_ENOWINDOW: there is no range; APR_EOF: not all bytes are inside of it;
 *         SMMAP_ESPLIT: the bytes cross the end of a window: use smmap_buffer_read(), or
 *         smmap_cursor_require() on smmap_buffer_cursor();
 *         otherwise as smmap_cursor_use().
 */
SMMAP_API apr_status_t smmap_buffer_slice(smmap_buffer_t *buffer, apr_off_t index, apr_size_t size,
                                          const unsigned char **data);

/**
 * The buffer's own cursor: for its file, its path, its window. Moving it is allowed; the
 * buffer moves it again as it needs. NULL when the buffer is on no file. It belongs to the
 * buffer: do not close it.
 */
SMMAP_API smmap_cursor_t *smmap_buffer_cursor(smmap_buffer_t *buffer);

/**
 * Close a buffer before its pool goes; its cursor is closed with it.
 *
 * @param buffer (in) the buffer, invalid after the call; NULL is ignored.
 */
SMMAP_API void smmap_buffer_close(smmap_buffer_t *buffer);

#ifdef __cplusplus
}
#endif

#endif
