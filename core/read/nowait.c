/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies that never wait for a disk or a server.
 *
 * Where the system can, it reads what it has in memory (Linux, most local file systems). Elsewhere
 * the bytes are copied from a window that is mapped, after the system was asked whether its pages
 * are in memory. In between it may take one away, and the copy waits for that after all; nothing
 * that systems offer prevents it. What has to be asked for besides (the file's size, behind a zero
 * at the end of a page; all, with the strict guard) is left to smmap_cursor_read(), as a server may
 * have to answer.
 */
#include "core/read/read.h"

#include "smmap/fetch.h"

#include <string.h>

/* From the cursor's window, if it is in memory, as one that is memory itself is. */
static apr_status_t copy_resident(const smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                  apr_size_t size, int is_memory)
{
    const smmap_manager_t *manager = cursor->manager;
    const unsigned char *window = cursor->shown.window_data;
    apr_size_t at = (apr_size_t)(offset - cursor->shown.window_begin);
    apr_size_t begin = at / manager->page_size * manager->page_size;
    apr_size_t bytes;

    if (!is_memory && (smmap__resident(cursor, begin, at + size, &bytes) != APR_SUCCESS ||
                       bytes != at + size - begin)) {
        return SMMAP_EWOULDBLOCK;
    }
    if (is_memory || manager->guard == SMMAP_GUARD_OFF) {
        memcpy(to, window + at, size);
        return APR_SUCCESS;
    }
    return manager->guard == SMMAP_GUARD_ON &&
                   smmap__os_guard_copy(to, window, cursor->shown.window_size, at, size, &bytes) ==
                       SMMAP__OS_COPIED
               ? APR_SUCCESS
               : SMMAP_EWOULDBLOCK;
}

/* The handle of a file on a stacked file system has no pages: its mappings are of another file. */
static int has_no_pages(smmap__file_t *file)
{
    int is_stacked;

    smmap__manager_lock(file->manager);
    is_stacked = file->identity.facts.stacked;
    smmap__manager_unlock(file->manager);
    return is_stacked;
}

/* From windows. The system tells a user of the pages of another one's file that all are in memory;
   but not the one that asks by the handle. */
static apr_status_t read_mapped(smmap__cursor_t *cursor, apr_os_file_t handle, apr_off_t offset,
                                unsigned char *to, apr_size_t size, apr_size_t *done)
{
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && *done < size) {
        apr_off_t at = offset + (apr_off_t)*done;
        int cached = 1;
        int is_memory;
        apr_size_t part;

        status = smmap_cursor_try_use(&cursor->shown, at, size - *done);
        if (status != APR_SUCCESS) {
            break;
        }
        part = smmap__cursor_size(cursor);
        /* A look takes the manager's lock. */
        is_memory = smmap__count_load(&cursor->file->unmappable) != 0 &&
                    smmap__cursor_memory(cursor) != 0;
        status =
            is_memory ? APR_SUCCESS : smmap__os_is_cached(&cached, handle, at, (apr_off_t)part);
        if (status != APR_SUCCESS && status != APR_ENOTIMPL) {
            return APR_ENOTIMPL;
        }
        status = cached || has_no_pages(cursor->file)
                     ? copy_resident(cursor, at, to + *done, part, is_memory)
                     : SMMAP_EWOULDBLOCK;
        *done += status == APR_SUCCESS ? part : 0;
    }
    return status;
}

apr_status_t smmap_cursor_read_nowait(smmap_cursor_t *shown, apr_off_t offset, void *destination,
                                      apr_size_t size, apr_size_t *got)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    apr_size_t done = 0;
    apr_os_file_t handle;
    apr_status_t status = smmap__read_check(shown, offset, destination, &size);

    if (status == APR_SUCCESS && size != 0) {
        if (!smmap__reading_begin(cursor->file, &handle)) {
            status = SMMAP_EWOULDBLOCK; /* it would have to be opened */
        } else {
            status = smmap__os_read_nowait(handle, offset, destination, size, &done);
            if (status == APR_SUCCESS && cursor->manager->guard == SMMAP_GUARD_STRICT) {
                status = smmap__read_measure(handle, offset, &done);
            }
            if (APR_STATUS_IS_ENOTIMPL(status)) {
                status = read_mapped(cursor, handle, offset, destination, size, &done);
            }
            smmap__reading_end(cursor->file);
        }
    }
    if (got != NULL) {
        *got = done;
    }
    if (APR_STATUS_IS_EAGAIN(status)) {
        return SMMAP_EWOULDBLOCK;
    }
    return status == APR_SUCCESS && done < size ? SMMAP_ETRUNCATED : status;
}
