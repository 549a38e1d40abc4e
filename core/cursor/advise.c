/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading ahead: hints and advice. Nothing here waits for a disk, maps anything or
 * changes what is read.
 *
 * Systems cap what one request brings in (Linux: the device's readahead, 8 MiB or
 * less), so a range is asked for in chunks.
 */
#include "core/cursor/cursor.h"

#define CHUNK ((apr_off_t)1 << 20)

/* How much of the next window is asked for; inside a window the system reads ahead. */
#define AHEAD_MOST (8 * CHUNK)

/* How much one call asks for: with more, the queue of a disk is full, and the system waits. */
#define ASKED_MOST (32 * CHUNK)

/* Ask for [offset, end) chunk by chunk, or have all of it forgotten. */
static apr_status_t advise(apr_os_file_t handle, apr_off_t offset, apr_off_t end,
                           smmap__os_advice_t advice)
{
    apr_status_t status = APR_SUCCESS;

    while (offset < end && status == APR_SUCCESS) {
        apr_off_t part = end - offset;

        if (advice == SMMAP__OS_WILLNEED && part > CHUNK) {
            part = CHUNK;
        }
        status = smmap__os_file_advise(handle, offset, part, advice);
        offset += part;
    }
    return status;
}

void smmap__prefetch_next(smmap__cursor_t *cursor, apr_off_t begin)
{
    smmap__file_t *file = cursor->file;
    smmap__pin_t *pin = cursor->pin;
    apr_off_t size = smmap__offset_load(&file->size);
    apr_off_t next;
    apr_off_t end;
    apr_os_file_t handle;

    if (size - begin <= file->window) {
        return; /* it is the last one */
    }
    next = begin + file->window;
    end = size - next < AHEAD_MOST ? size : next + AHEAD_MOST;
    if (end - next > file->window) {
        end = next + file->window;
    }
    if (smmap__reading_begin(file, &handle)) {
        advise(handle, next, end, SMMAP__OS_WILLNEED);
        smmap__reading_end(file);
        smmap__count_store(&pin->prefetches, smmap__count_load(&pin->prefetches) + 1);
    }
}

apr_status_t smmap_cursor_hint(smmap_cursor_t *cursor, smmap_access_t access)
{
    smmap__cursor_t *inside;

    if (cursor == NULL || (access != SMMAP_ACCESS_NORMAL && access != SMMAP_ACCESS_SEQUENTIAL &&
                           access != SMMAP_ACCESS_RANDOM)) {
        return APR_EINVAL;
    }
    inside = (smmap__cursor_t *)(void *)cursor;
    inside->access = access;
    inside->slots = NULL; /* the next hit decides whether the one after it may be quick */
    inside->slot_count = 0;
    return APR_SUCCESS;
}

/* The same for what the cursor has in use, for systems that take advice on memory alone. */
static apr_status_t advise_window(const smmap_cursor_t *shown, apr_off_t offset, apr_off_t end,
                                  apr_size_t page, smmap__os_advice_t advice)
{
    apr_off_t begin = shown->window_begin;
    smmap__os_mapping_t mapping;
    apr_size_t from;

    if (offset < begin) {
        offset = begin;
    }
    if (end - begin > (apr_off_t)shown->window_size) {
        end = begin + (apr_off_t)shown->window_size;
    }
    /* Of memory that shows no file some systems would drop the bytes. */
    if (shown->window_data == NULL || offset >= end ||
        smmap__cursor_memory((const smmap__cursor_t *)(const void *)shown) != 0) {
        return APR_ENOTIMPL;
    }
    mapping.address = (unsigned char *)(uintptr_t)shown->window_data;
    mapping.length = shown->window_size;
    from = (apr_size_t)(offset - begin) / page * page;
    return smmap__os_advise(&mapping, from, (apr_size_t)(end - begin) - from, advice);
}

/* Use the file's handle without a lock; open it, if it was closed. */
static apr_status_t begin_reading(smmap__cursor_t *cursor, apr_os_file_t *handle)
{
    smmap__file_t *file = cursor->file;
    apr_status_t status = APR_SUCCESS;

    /* It may be closed again meanwhile. */
    while (status == APR_SUCCESS && !smmap__reading_begin(file, handle)) {
        status = smmap__file_measure(file, cursor->path);
    }
    return status;
}

apr_status_t smmap_cursor_advise(smmap_cursor_t *shown, apr_off_t offset, apr_off_t size,
                                 smmap_advice_t advice)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    apr_os_file_t handle;
    apr_off_t file_size;
    apr_status_t status;
    const smmap__os_advice_t native =
        advice == SMMAP_WILL_NEED ? SMMAP__OS_WILLNEED : SMMAP__OS_DONTNEED;

    if (cursor == NULL || offset < 0 || size < 0 ||
        (advice != SMMAP_WILL_NEED && advice != SMMAP_DONT_NEED)) {
        return APR_EINVAL;
    }
    status = begin_reading(cursor, &handle);
    if (status != APR_SUCCESS) {
        return status;
    }
    file_size = smmap__offset_load(&cursor->file->size);
    if (offset < file_size) {
        apr_off_t end = size < file_size - offset ? offset + size : file_size;

        if (advice == SMMAP_WILL_NEED && end - offset > ASKED_MOST) {
            end = offset + ASKED_MOST;
        }
        status = advise(handle, offset, end, native);
        if (APR_STATUS_IS_ENOTIMPL(status)) {
            status = advise_window(shown, offset, end, cursor->manager->page_size, native);
        }
    }
    smmap__reading_end(cursor->file);
    return status;
}
