/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying reads: from a window where one is mapped, or by the system into the caller's memory;
 * which of them is decided in admission.c. A read by the system is called from one place, so that
 * compilers put it there: the processor does not foresee where the functions return that a call
 * of the system was made in, which costs some 9 ns for each.
 */
#include "core/read/read.h"

#include <string.h>

/* Of so many reads of a cursor one is timed, if it is of one window. It is prime, so that they are
   not always those that the system had to wait for. */
enum { SAMPLE = 61 };

apr_status_t smmap__read_measure(apr_os_file_t handle, apr_off_t offset, apr_size_t *copied)
{
    apr_off_t size = 0;
    apr_status_t status = smmap__os_file_size(&size, handle);

    if (status != APR_SUCCESS || size < offset) {
        size = offset;
    }
    if (size - offset < (apr_off_t)*copied) {
        *copied = (apr_size_t)(size - offset);
    }
    return status;
}

/* By a handle that stays open. With the strict guard the file is measured afterwards. */
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
        apr_status_t measured = smmap__read_measure(handle, offset, copied);

        status = status != APR_SUCCESS ? status : measured;
    }
    return status;
}

/* Read by the system, past the windows. *copied is what was read, on an error, too. */
SMMAP__FILE_LOCKS SMMAP__LOCKS static apr_status_t read_direct(smmap__cursor_t *cursor,
                                                               apr_off_t offset, void *to,
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

/* Copy from the cursor's window with the guard. What is not as usual is in guard.c, so that
   this is short. */
static int read_guarded(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size)
{
    smmap__os_copied_t made = SMMAP__OS_UNVERIFIED; /* strict: measured first */
    apr_size_t fault = 0;

    if (cursor->manager->guard == SMMAP_GUARD_ON) {
        const smmap_cursor_t *shown = &cursor->shown;

        made = smmap__os_guard_copy(to, shown->window_data, shown->window_size,
                                    (apr_size_t)(offset - shown->window_begin), size, &fault);
        if (made == SMMAP__OS_COPIED) {
            return 1;
        }
    }
    return smmap__guard_again(cursor, offset, to, size, made, fault);
}

/* 0: it cannot be copied from there, and is to be read by the system. */
static inline int copy_out(smmap__cursor_t *cursor, const unsigned char *from, apr_off_t offset,
                           void *to, apr_size_t size)
{
    if (cursor->manager->guard != SMMAP_GUARD_OFF) {
        return read_guarded(cursor, offset, to, size);
    }
    memcpy(to, from, size);
    return 1;
}

/* Read what no window that is mapped holds. *direct (out): what is to be read by the system in
   its place; 0: nothing. */
static apr_status_t read_missed(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, apr_size_t rest, apr_size_t *direct,
                                apr_size_t *copied)
{
    /* As smmap__hit() does, where it can; the file may be shorter by now. */
    int was_looked = cursor->pin != NULL && cursor->manager->paranoia == NULL && !cursor->guarded &&
                     (apr_off_t)size <= smmap__offset_load(&cursor->file->size) - offset;
    apr_status_t status;
    int instead;

    *copied = 0;
    *direct = 0;
    if (smmap__should_bypass(cursor, offset, was_looked)) {
        *direct = smmap__bypassed_at_once(cursor, offset, size, rest);
        return APR_SUCCESS;
    }
    cursor->copying = 1;
    cursor->began = 0;
    status = smmap__move_checked(cursor, offset, size);
    instead = cursor->copying;
    cursor->copying = 0;
    if (status != APR_SUCCESS) {
        if (!instead ||
            !(smmap__exhausted(status) || smmap__limited(status) || status == SMMAP_ETOOLARGE)) {
            return status;
        }
        *direct = size; /* a copy needs no mapping */
        return APR_SUCCESS;
    }
    size = smmap__cursor_size(cursor);
    if (!copy_out(cursor, smmap_cursor_data(&cursor->shown), offset, to, size)) {
        *direct = size;
        return APR_SUCCESS;
    }
    *copied = size;
    if (cursor->began != 0) {
        smmap__cost_add(&cursor->manager->cost, &cursor->manager->cost.miss,
                        cursor->began); /* with its first fault */
    }
    return APR_SUCCESS;
}

/* Is the window that holds an offset to be bypassed in any case? */
static inline int is_cold(const smmap__cursor_t *cursor, apr_uint64_t number)
{
    const smmap__file_t *file = cursor->file;

    return smmap__slots_is_cold(&file->grid, number) &&
           smmap__count_load(&cursor->manager->pressure) != 0 &&
           smmap__count_load(&file->unmappable) == 0;
}

/* Read some of a range of `rest` bytes, of which `size` lie in one window: as much as the first
   thing that can be read from holds. */
static apr_status_t read_some(smmap__cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size,
                              apr_size_t rest, apr_size_t *copied)
{
    const smmap_cursor_t *shown = &cursor->shown;
    const unsigned char *from = smmap_cursor_at(shown, offset);
    smmap__file_t *file = cursor->file;
    const apr_uint64_t number = smmap__window_number(file, offset);
    apr_size_t direct = size; /* what the system reads */
    int counts = 0;
    apr_status_t status = APR_SUCCESS;

    if (smmap__count_load(&file->reads_only) != 0) {
        direct = rest;
    } else if (from != NULL && shown->window_data != cursor->outdated) {
        apr_size_t there = shown->window_size - (apr_size_t)(offset - shown->window_begin);

        direct = *copied = there < size ? there : size;
        if (copy_out(cursor, from, offset, to, direct)) {
            return APR_SUCCESS;
        }
    } else if (is_cold(cursor, number)) {
        /* The word in which the touch is counted comes from memory meanwhile. */
        smmap__prefetch(smmap__slots_find(&file->grid, number));
        direct = size < rest ? smmap__bypassed_at_once(cursor, offset, size, rest) : size;
        counts = 1;
    } else if (smmap__hit(cursor, offset, size)) {
        *copied = size;
        if (copy_out(cursor, smmap_cursor_data(shown), offset, to, size)) {
            return APR_SUCCESS;
        }
    } else {
        status = read_missed(cursor, offset, to, size, rest, &direct, copied);
        if (direct == 0) {
            return status;
        }
    }
    status = read_direct(cursor, offset, to, direct, copied);
    if (counts) {
        smmap__slots_count(&file->grid, number,
                           smmap__cost_touches(&cursor->manager->cost, number) - 1);
    }
    return status;
}

apr_status_t smmap__read_check(const smmap_cursor_t *shown, apr_off_t offset,
                               const void *destination, apr_size_t *size)
{
    const smmap__cursor_t *cursor = (const smmap__cursor_t *)(const void *)shown;
    apr_off_t file_size;

    if (shown == NULL || offset < 0 || (destination == NULL && *size != 0)) {
        return APR_EINVAL;
    }
    if (smmap__count_load(&cursor->manager->closed) != 0) {
        return SMMAP_ECLOSED;
    }
    file_size = smmap__offset_load(&cursor->file->size);
    if (*size != 0 && offset >= file_size) {
        return APR_EOF;
    }
    if (*size != 0 && (apr_uint64_t)(file_size - offset) < *size) {
        *size = (apr_size_t)(file_size - offset);
    }
    return APR_SUCCESS;
}

apr_status_t smmap_cursor_read(smmap_cursor_t *shown, apr_off_t offset, void *destination,
                               apr_size_t size, apr_size_t *got)
{
    smmap__cursor_t *cursor = (smmap__cursor_t *)(void *)shown;
    unsigned char *to = destination;
    apr_size_t done = 0;
    apr_status_t status = smmap__read_check(shown, offset, destination, &size);

    if (got != NULL) {
        *got = 0;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (cursor->traced && size != 0) {
        smmap__trace(cursor, SMMAP_MOVE_READ, offset, size);
    }
    while (status == APR_SUCCESS && done < size) {
        const smmap__file_t *file = cursor->file;
        apr_off_t at = offset + (apr_off_t)done;
        apr_off_t begin = smmap__window_begin(file, smmap__window_number(file, at));
        apr_off_t left = file->window - (at - begin);
        apr_size_t part = size - done;

        if ((apr_uint64_t)left < part) {
            part = (apr_size_t)left;
        }
        status = read_some(cursor, at, to + done, part, size - done, &part);
        done += part;
    }
    if (got != NULL) {
        *got = done;
    }
    /* The bytes were there when we began; a window on the way showed that they are gone. */
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}
