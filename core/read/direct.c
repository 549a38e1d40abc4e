/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads by the system, into the caller's memory, past the windows.
 */
#include "core/read/read.h"

/* Of so many reads of a cursor one is timed, if it is of one window. It is prime, so that they are
   not always those that the system had to wait for. */
enum { SAMPLE = 61 };

/* By a handle that stays open. With the strict guard the file is measured afterwards: while
   it is being cut, a read may find the size as it was and zeroes in the place of bytes. */
static apr_status_t read_by(smmap__cursor_t *cursor, apr_os_file_t handle, apr_off_t offset,
                            void *to, apr_size_t size, apr_size_t *copied)
{
    int is_sample = cursor->direct++ % SAMPLE == 0 && (apr_off_t)size <= cursor->file->window &&
                    smmap__count_load(&cursor->file->reads_only) == 0; /* there is no choice */
    apr_int64_t begin = is_sample ? smmap__os_clock() : 0;
    apr_status_t status = smmap__os_read(handle, offset, to, size, copied);

    if (is_sample && status == APR_SUCCESS) {
        smmap__cost_add(&cursor->manager->cost, &cursor->manager->cost.read, begin);
    }
    if (cursor->manager->guard == SMMAP_GUARD_STRICT && !cursor->file->identity.sizeless) {
        apr_off_t now = 0;
        apr_status_t measured = smmap__os_file_size(&now, handle);

        if (measured != APR_SUCCESS || now < offset) {
            now = offset;
        }
        if (now - offset < (apr_off_t)*copied) {
            *copied = (apr_size_t)(now - offset);
        }
        status = status != APR_SUCCESS ? status : measured;
    }
    return status;
}

apr_status_t smmap__read_direct(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, apr_size_t *copied)
{
    smmap__file_t *file = cursor->file;
    smmap__pin_t *pin = cursor->pin;
    apr_os_file_t handle;
    apr_status_t status;
    int is_open;

    *copied = 0;
    smmap__os_cancel_point();
    is_open = smmap__reading_begin(file, &handle);
    if (!is_open) {
        status = smmap__handle_enter_lock(file, cursor->path, &handle);
        smmap__manager_unlock(cursor->manager);
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    status = read_by(cursor, handle, offset, to, size, copied);
    if (is_open) {
        smmap__reading_end(file);
    } else {
        smmap__handle_leave(file);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (pin != NULL) {
        smmap__count_store(&pin->bypassed_reads, smmap__count_load(&pin->bypassed_reads) + 1);
    } else {
        smmap__count_raise(&cursor->manager->bypassed); /* the cursor never had a window */
    }
    if (*copied < size) {
        status = smmap__file_measure(file, cursor->path);
        return status != APR_SUCCESS ? status : SMMAP_ETRUNCATED;
    }
    return APR_SUCCESS;
}
