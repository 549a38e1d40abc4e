/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers: a range of a file that hides the windows it is read through.
 *
 * A buffer is arithmetic around a cursor, mostly of its own. Invariant: with a range, it
 * has a cursor, and begin + size is not past the file's end as it was measured
 * when access began; so a sum of begin and a checked index cannot overflow.
 */
#include "core/read/read.h"

struct smmap_buffer_t {
    smmap__owned_t owned;    /* by a pool */
    smmap__cursor_t *cursor; /* NULL: on no file yet */
    int is_shared;           /* it is the caller's; else our own */
    apr_off_t begin;         /* the range in the file */
    apr_off_t size;          /* 0: there is no range */
};

static void buffer_cleanup(smmap__owned_t *owned)
{
    smmap_buffer_t *buffer = SMMAP__ELEMENT(owned, smmap_buffer_t, owned);

    if (buffer->cursor != NULL && !buffer->is_shared) {
        smmap__cursor_free(buffer->cursor);
    }
    smmap__free(buffer);
}

/* shared: the cursor to read with; NULL: a copy of `from`, if there is one. */
static apr_status_t create(smmap_buffer_t **buffer, smmap_cursor_t *shared,
                           const smmap_cursor_t *from, apr_off_t offset, apr_off_t size,
                           apr_pool_t *pool)
{
    smmap_buffer_t *made;
    apr_status_t status = APR_SUCCESS;

    if (buffer == NULL) {
        return APR_EINVAL;
    }
    made = smmap__alloc(sizeof *made);
    if (made == NULL) {
        return APR_ENOMEM;
    }
    if (shared != NULL) {
        made->cursor = (smmap__cursor_t *)(void *)shared;
        made->is_shared = 1;
    }
    if (shared != NULL || from != NULL) {
        status = smmap_buffer_begin_access(made, from, offset, size);
    }
    if (status != APR_SUCCESS) {
        buffer_cleanup(&made->owned);
        return status;
    }
    smmap__own(&made->owned, made, buffer_cleanup, pool);
    *buffer = made;
    return APR_SUCCESS;
}

apr_status_t smmap_buffer_create(smmap_buffer_t **buffer, const smmap_cursor_t *cursor,
                                 apr_off_t offset, apr_off_t size, apr_pool_t *pool)
{
    return create(buffer, NULL, cursor, offset, size, pool);
}

apr_status_t smmap_buffer_create_shared(smmap_buffer_t **buffer, smmap_cursor_t *cursor,
                                        apr_off_t offset, apr_off_t size, apr_pool_t *pool)
{
    return cursor != NULL ? create(buffer, cursor, NULL, offset, size, pool) : APR_EINVAL;
}

/* Have a cursor of our own on the file of `cursor`. */
static apr_status_t adopt(smmap_buffer_t *buffer, const smmap_cursor_t *cursor)
{
    if (buffer->cursor != NULL) {
        return smmap_cursor_assign(&buffer->cursor->shown, cursor);
    }
    return smmap__cursor_clone(&buffer->cursor, cursor);
}

apr_status_t smmap_buffer_begin_access(smmap_buffer_t *buffer, const smmap_cursor_t *cursor,
                                       apr_off_t offset, apr_off_t size)
{
    apr_off_t file_size;
    apr_status_t status;

    smmap_buffer_end_access(buffer);
    if (buffer == NULL || offset < 0 || size == 0 || size < SMMAP_TO_END) {
        return APR_EINVAL;
    }
    if (cursor != NULL) {
        status = adopt(buffer, cursor);
        if (status != APR_SUCCESS) {
            return status;
        }
        /* It comes with the other's window, which need not be in our range. */
        smmap_cursor_release(&buffer->cursor->shown);
    }
    if (buffer->cursor == NULL) {
        return SMMAP_ENOFILE;
    }
    /* The size first: where the manager goes just now it is 0, which is not the file's. */
    file_size = smmap_cursor_file_size(&buffer->cursor->shown);
    if (!smmap_cursor_is_associated(&buffer->cursor->shown)) {
        return SMMAP_ECLOSED;
    }
    if (offset >= file_size) {
        return APR_EOF;
    }
    buffer->begin = offset;
    buffer->size = file_size - offset;
    if (size != SMMAP_TO_END && size < buffer->size) {
        buffer->size = size;
    }
    return APR_SUCCESS;
}

void smmap_buffer_end_access(smmap_buffer_t *buffer)
{
    if (buffer == NULL) {
        return;
    }
    if (buffer->cursor != NULL) {
        smmap_cursor_release(&buffer->cursor->shown);
    }
    buffer->begin = 0;
    buffer->size = 0;
}

apr_off_t smmap_buffer_size(const smmap_buffer_t *buffer)
{
    return buffer != NULL ? buffer->size : 0;
}

/* Where the byte at an index is in the file, and how many there are from it on. */
static apr_status_t locate(const smmap_buffer_t *buffer, apr_off_t index, apr_off_t *offset,
                           apr_off_t *left)
{
    if (buffer == NULL) {
        return APR_EINVAL;
    }
    if (buffer->size == 0) {
        return SMMAP_ENOWINDOW;
    }
    if (index < 0) {
        index += buffer->size;
    }
    if (index < 0 || index >= buffer->size) {
        return APR_EOF;
    }
    *offset = buffer->begin + index;
    *left = buffer->size - index;
    return APR_SUCCESS;
}

/* The same for `size` bytes, which must all be in the range. */
static apr_status_t locate_all(const smmap_buffer_t *buffer, apr_off_t index, apr_size_t size,
                               apr_off_t *offset)
{
    apr_off_t left;
    apr_status_t status = size != 0 ? locate(buffer, index, offset, &left) : APR_EINVAL;

    return status == APR_SUCCESS && size > (apr_uint64_t)left ? APR_EOF : status;
}

/* Have the byte at an offset of the range, which was checked, in the window. Where the
   file is shorter now than it was when access began, that is no mistake of the caller. */
static apr_status_t move_to(smmap_buffer_t *buffer, apr_off_t offset, apr_size_t size)
{
    apr_status_t status = smmap_cursor_use(&buffer->cursor->shown, offset, size);

    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}

apr_status_t smmap_buffer_byte(smmap_buffer_t *buffer, apr_off_t index, unsigned char *byte)
{
    const unsigned char *at;
    unsigned char copied;
    apr_off_t offset;
    apr_off_t left;
    apr_status_t status = byte != NULL ? locate(buffer, index, &offset, &left) : APR_EINVAL;

    if (status != APR_SUCCESS) {
        return status;
    }
    if (buffer->cursor->manager->guard != SMMAP_GUARD_OFF) {
        status = smmap_buffer_read(buffer, index, &copied, 1, NULL);
        if (status == APR_SUCCESS) {
            *byte = copied;
        }
        return status;
    }
    at = smmap_cursor_at(&buffer->cursor->shown, offset);
    if (at == NULL) {
        status = move_to(buffer, offset, 0);
        at = smmap_cursor_data(&buffer->cursor->shown);
    }
    if (status == APR_SUCCESS) {
        *byte = *at;
    }
    return status;
}

apr_status_t smmap_buffer_read(smmap_buffer_t *buffer, apr_off_t index, void *destination,
                               apr_size_t size, apr_size_t *got)
{
    apr_off_t offset = 0;
    apr_off_t left = 0;
    apr_size_t done;
    apr_status_t status;

    if (got != NULL) {
        *got = 0;
    }
    if (buffer == NULL || (destination == NULL && size != 0)) {
        return APR_EINVAL;
    }
    if (size == 0) {
        return buffer->size != 0 ? APR_SUCCESS : SMMAP_ENOWINDOW;
    }
    status = locate(buffer, index, &offset, &left);
    if (status != APR_SUCCESS) {
        return status;
    }
    if ((apr_uint64_t)left < size) {
        size = (apr_size_t)left;
    }
    status = smmap_cursor_read(&buffer->cursor->shown, offset, destination, size, &done);
    if (got != NULL) {
        *got = done;
    }
    if (status == APR_SUCCESS && done < size) {
        status = SMMAP_ETRUNCATED;
    }
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}

apr_status_t smmap_buffer_slice(smmap_buffer_t *buffer, apr_off_t index, apr_size_t size,
                                const unsigned char **data)
{
    apr_off_t offset;
    apr_status_t status = data != NULL ? locate_all(buffer, index, size, &offset) : APR_EINVAL;

    if (status == APR_SUCCESS) {
        status = move_to(buffer, offset, size);
    }
    if (status == APR_SUCCESS && smmap__cursor_size(buffer->cursor) < size) {
        /* What is missing is behind the window, or the file's end as it is by now. */
        apr_off_t end = smmap__offset_load(&buffer->cursor->file->size);

        status = offset + (apr_off_t)size > end ? SMMAP_ETRUNCATED : SMMAP_ESPLIT;
    }
    if (status == APR_SUCCESS) {
        *data = smmap_cursor_data(&buffer->cursor->shown);
    }
    return status;
}

apr_status_t smmap_buffer_hold(smmap_cursor_t **slice, smmap_buffer_t *buffer, apr_off_t index,
                               apr_size_t size, apr_pool_t *pool)
{
    smmap_cursor_t *made;
    apr_off_t offset;
    apr_status_t status = slice != NULL ? locate_all(buffer, index, size, &offset) : APR_EINVAL;

    if (status == APR_SUCCESS) {
        status = smmap_cursor_copy(&made, &buffer->cursor->shown, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = smmap_cursor_require(made, offset, size);
    if (status != APR_SUCCESS) {
        smmap_cursor_close(made);
        return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
    }
    *slice = made;
    return APR_SUCCESS;
}

smmap_cursor_t *smmap_buffer_cursor(smmap_buffer_t *buffer)
{
    return buffer != NULL && buffer->cursor != NULL ? &buffer->cursor->shown : NULL;
}

void smmap_buffer_close(smmap_buffer_t *buffer)
{
    if (buffer != NULL) {
        smmap__disown(&buffer->owned);
        buffer_cleanup(&buffer->owned);
    }
}
