/*
 * The files of the fake backend: handles are real ones, which are counted, and may be made to
 * fail. See backend.c.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"

#include "state.h"

/* A new handle, where there is one. The lock is held. */
static apr_status_t give_out(apr_status_t status, apr_os_file_t made, apr_os_file_t *handle)
{
    if (status != APR_SUCCESS) {
        return status;
    }
    if (native_number(made) >= FAKE_HANDLES) {
        native_close(made);
        return APR_EMFILE;
    }
    fake_state.handles[native_number(made)] = 1;
    fake_state.live_handles++;
    fake_hold(&fake_state.held.handles, &fake_state.peaks.handles, 1, 0);
    *handle = made;
    return APR_SUCCESS;
}

/* Opening and duplicating are one kind of call: both make a handle. */
apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    apr_status_t status = fake_enter(FAKE_DUP);
    apr_os_file_t made = NO_HANDLE;

    if (status == APR_SUCCESS) {
        status = native_open(&made, path, NATIVE_READ);
        status = give_out(status, made, file);
    }
    fake_leave();
    return status;
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    apr_status_t status = fake_enter(FAKE_DUP);
    apr_os_file_t made = NO_HANDLE;

    if (status == APR_SUCCESS) {
        status = native_dup(&made, file);
        status = give_out(status, made, copy);
    }
    fake_leave();
    return status;
}

apr_status_t smmap__os_file_close(apr_os_file_t file)
{
    apr_status_t status;

    status = fake_enter(FAKE_CLOSE);
    if (native_number(file) >= FAKE_HANDLES || !fake_state.handles[native_number(file)]) {
        fake_note_misuse("a handle was closed that is not open");
        status = APR_EBADF;
    } else {
        /* As on a real system the handle is gone, also when the call fails. */
        apr_status_t closed = native_close(file);

        fake_state.handles[native_number(file)] = 0;
        fake_state.live_handles--;
        fake_hold(&fake_state.held.handles, &fake_state.peaks.handles, 0, 1);
        if (status == APR_SUCCESS) {
            status = closed;
        }
    }
    fake_leave();
    return status;
}

int smmap__os_is_stream(apr_os_file_t file)
{
    return native_is_stream(file);
}

int smmap__os_holes_fill(apr_os_file_t file)
{
    (void)file;
    return fake_state.holes_fill;
}

smmap__os_id_t smmap__os_file_id(apr_dev_t *device, apr_ino_t *inode, apr_os_file_t file)
{
    (void)file;
    if (fake_state.id == SMMAP__OS_ID_NONE) {
        *device = 0;
        *inode = 0; /* of all files */
    }
    return fake_state.id;
}

apr_status_t smmap__os_file_open_attributes(apr_os_file_t *handle, const char *path)
{
    (void)handle;
    (void)path;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_canonical_path(char *place, apr_size_t size, apr_os_file_t file)
{
    (void)place;
    (void)size;
    (void)file;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file)
{
    apr_status_t status;

    status = fake_enter(FAKE_BIRTH);
    if (status == APR_SUCCESS && !native_is_open(file)) {
        status = APR_EBADF;
    }
    if (status == APR_SUCCESS && fake_state.birth == 0) {
        status = APR_ENOTIMPL;
    }
    if (status == APR_SUCCESS) {
        *birth = fake_state.birth;
    }
    fake_leave();
    return status;
}

apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
    apr_status_t status = fake_enter(FAKE_FILE_ADVISE);

    if (status == APR_SUCCESS &&
        (offset < 0 || length <= 0 || !native_is_open(file) ||
         (advice != SMMAP__OS_WILLNEED && advice != SMMAP__OS_DONTNEED))) {
        fake_note_misuse("advice that makes no sense");
        status = APR_EINVAL;
    }
    if (status == APR_SUCCESS) {
        fake_state.advised += length;
        fake_state.advised_end = offset + length;
    }
    fake_leave();
    return status;
}

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    apr_status_t status;

    status = fake_enter(FAKE_READ);
    fake_leave();
    *nread = 0;
    return status == APR_SUCCESS ? native_read_at(file, offset, buffer, length, nread) : status;
}

apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread)
{
    apr_status_t status = fake_enter(FAKE_READ);
    unsigned char byte;
    apr_off_t place;

    fake_leave();
    if (status != APR_SUCCESS) {
        return status;
    }
    place = native_place(file);
    status = native_read_at(file, 0, &byte, 1, nread);
    if (place >= 0) {
        native_set_place(file, place);
    }
    return APR_STATUS_IS_EACCES(status) ? APR_EBADF : status;
}
