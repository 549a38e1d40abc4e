/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's buffers: a range, and a cursor of its own. See model.h.
 */
#include "model.h"

#include <string.h>

static int buffer_cursor(int buffer)
{
    return CURSORS + buffer;
}

void model_buffer_end(world_t *w, int buffer)
{
    if (w->cursors[buffer_cursor(buffer)].used) {
        model_release(w, buffer_cursor(buffer));
    }
    w->buffers[buffer].begin = 0;
    w->buffers[buffer].size = 0;
}

apr_status_t model_buffer_begin(world_t *w, int number, int cursor, apr_off_t offset,
                                 apr_off_t size)
{
    obuffer_t *buffer = &w->buffers[number];
    int own = buffer_cursor(number);
    apr_off_t left;
    apr_status_t status;

    model_buffer_end(w, number);
    if (offset < 0 || size == 0 || size < SMMAP_TO_END) {
        return APR_EINVAL;
    }
    if (cursor != NONE) {
        status = w->cursors[own].used ? model_assign(w, own, cursor)
                                      : model_copy(w, own, cursor, NONE);
        if (status != APR_SUCCESS) {
            return status;
        }
        model_release(w, own);
    }
    if (!w->cursors[own].used) {
        return SMMAP_ENOFILE;
    }
    if (w->managers[w->cursors[own].manager].closed) {
        return SMMAP_ECLOSED;
    }
    left = w->files[w->cursors[own].file].size - offset;
    if (left <= 0) {
        return APR_EOF;
    }
    buffer->begin = offset;
    buffer->size = size == SMMAP_TO_END || size > left ? left : size;
    return APR_SUCCESS;
}

void model_buffer_close(world_t *w, int number)
{
    if (w->cursors[buffer_cursor(number)].used) {
        model_close(w, buffer_cursor(number));
    }
    w->buffers[number].used = 0;
}

apr_status_t model_buffer_create(world_t *w, const operation_t *o)
{
    obuffer_t *buffer = &w->buffers[o->buffer];
    apr_status_t status = APR_SUCCESS;

    if (!model_allocate(w)) {
        return APR_ENOMEM;
    }
    memset(buffer, 0, sizeof *buffer);
    buffer->used = 1;
    buffer->pool = o->pool;
    if (o->cursor != NONE) {
        status = model_buffer_begin(w, o->buffer, o->cursor, o->offset, o->size);
    }
    if (status != APR_SUCCESS) {
        model_buffer_close(w, o->buffer);
        return status;
    }
    buffer->serial = ++w->serial;
    return APR_SUCCESS;
}

/* Where an index is in the file, and how many bytes there are from it on. */
static apr_status_t locate(const obuffer_t *buffer, apr_off_t index, apr_off_t *offset,
                           apr_off_t *left)
{
    if (buffer->size == 0) {
        return SMMAP_ENOWINDOW;
    }
    if (index < -buffer->size || index >= buffer->size) {
        return APR_EOF;
    }
    if (index < 0) {
        index += buffer->size;
    }
    *offset = buffer->begin + index;
    *left = buffer->size - index;
    return APR_SUCCESS;
}

static apr_status_t missing_is_cut(apr_status_t status)
{
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}

static void note_byte(world_t *w, int cursor, apr_off_t offset)
{
    w->pieces[0].key = w->regions[w->cursors[cursor].region].key;
    w->pieces[0].offset = offset;
    w->pieces[0].length = 1;
    w->piece_count = 1;
}

apr_status_t model_buffer_byte(world_t *w, const operation_t *o, outcome_t *outcome)
{
    int own = buffer_cursor(o->buffer);
    apr_off_t offset;
    apr_off_t left;
    apr_status_t status = locate(&w->buffers[o->buffer], o->offset, &offset, &left);

    if (status == APR_SUCCESS && !model_at(w, own, offset)) {
        status = missing_is_cut(model_use(w, own, offset, 0));
    }
    if (status == APR_SUCCESS) {
        note_byte(w, own, offset);
        outcome->number = 1;
    }
    return status;
}

apr_status_t model_buffer_read(world_t *w, const operation_t *o, outcome_t *outcome)
{
    const obuffer_t *buffer = &w->buffers[o->buffer];
    apr_size_t size = (apr_size_t)o->size;
    apr_off_t offset;
    apr_off_t left;
    apr_status_t status;

    if (size == 0) {
        return buffer->size != 0 ? APR_SUCCESS : SMMAP_ENOWINDOW;
    }
    status = locate(buffer, o->offset, &offset, &left);
    if (status != APR_SUCCESS) {
        return status;
    }
    if ((apr_uint64_t)left < size) {
        size = (apr_size_t)left;
    }
    status = missing_is_cut(
        model_read(w, buffer_cursor(o->buffer), offset, size, &outcome->number));
    return status == APR_SUCCESS && outcome->number < size ? SMMAP_ETRUNCATED : status;
}

apr_status_t model_buffer_slice(world_t *w, const operation_t *o, outcome_t *outcome)
{
    int own = buffer_cursor(o->buffer);
    apr_size_t size = (apr_size_t)o->size;
    apr_off_t offset = 0;
    apr_off_t left = 0;
    apr_status_t status = size == 0 ? APR_EINVAL
                                    : locate(&w->buffers[o->buffer], o->offset, &offset, &left);

    if (status == APR_SUCCESS && size > (apr_uint64_t)left) {
        status = APR_EOF;
    }
    if (status == APR_SUCCESS) {
        status = missing_is_cut(model_use(w, own, offset, size));
    }
    if (status == APR_SUCCESS && w->cursors[own].size < size) {
        status = offset + (apr_off_t)size > w->files[w->cursors[own].file].size
                     ? SMMAP_ETRUNCATED
                     : SMMAP_ESPLIT;
    }
    if (status == APR_SUCCESS) {
        note_byte(w, own, offset);
        w->pieces[0].length = size;
        outcome->number = size;
    }
    return status;
}
