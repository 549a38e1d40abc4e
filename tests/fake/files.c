/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of the fake backend: handles are real ones, which are counted, and may be made to
 * fail. See backend.c.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"

#include <apr_file_info.h>
#include <apr_file_io.h>

#include <string.h>

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

        if (fake_state.handles[native_number(file)] == 1) {
            fake_state.live_handles--;
            fake_hold(&fake_state.held.handles, &fake_state.peaks.handles, 0, 1);
        }
        fake_state.handles[native_number(file)] = 0;
        if (status == APR_SUCCESS) {
            status = closed;
        }
    }
    fake_leave();
    return status;
}

/* The file of the trace is none of the manager's, so it is not counted. */
apr_status_t smmap__os_append_open(apr_os_file_t *file, const char *path)
{
    apr_status_t status = fake_enter(FAKE_APPEND);
    apr_os_file_t made = NO_HANDLE;

    if (status == APR_SUCCESS) {
        status = native_open(&made, path, NATIVE_APPEND);
    }
    if (status == APR_SUCCESS && native_number(made) >= FAKE_HANDLES) {
        native_close(made);
        status = APR_EMFILE;
    }
    if (status == APR_SUCCESS) {
        fake_state.handles[native_number(made)] = 2;
        *file = made;
    }
    fake_leave();
    return status;
}

apr_status_t smmap__os_append(apr_os_file_t file, const char *bytes, apr_size_t length)
{
    apr_status_t status = fake_enter(FAKE_APPEND);

    fake_leave();
    if (status == APR_SUCCESS && native_write(file, bytes, length) != (apr_off_t)length) {
        status = APR_ENOSPC;
    }
    return status;
}

/* As APR sees it. */
static void from_apr(smmap__os_facts_t *facts, const apr_finfo_t *info)
{
    memset(facts, 0, sizeof *facts);
    facts->kind = info->filetype == APR_REG   ? SMMAP__OS_FILE
                  : info->filetype == APR_BLK ? SMMAP__OS_DISK
                                              : SMMAP__OS_OTHER;
    facts->device = info->device;
    /* Those of small numbers differ in the upper half alone, which apr_ino_t may not have. */
    facts->inode = (apr_uint64_t)info->inode << 32 | (apr_uint64_t)info->inode >> 32;
    facts->size = info->size;
    facts->mtime = info->mtime;
    facts->ctime = info->ctime;
    facts->holes_fill =
        (info->valid & APR_FINFO_CSIZE) != 0 && info->csize < info->size && fake_state.holes_fill;
}

static const apr_int32_t wanted = APR_FINFO_IDENT | APR_FINFO_SIZE | APR_FINFO_CSIZE |
                                  APR_FINFO_TYPE | APR_FINFO_MTIME | APR_FINFO_CTIME;

apr_status_t smmap__os_examine(smmap__os_facts_t *facts, apr_os_file_t handle, int identify)
{
    apr_pool_t *pool = NULL;
    apr_file_t *file = NULL;
    apr_finfo_t info;
    apr_status_t status = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (status == APR_SUCCESS) {
        status = apr_os_file_put(&file, &handle, APR_FOPEN_READ, pool);
        if (status == APR_SUCCESS) {
            status = apr_file_info_get(&info, wanted, file);
        }
        apr_pool_destroy(pool);
    }
    if (APR_STATUS_IS_INCOMPLETE(status) && info.filetype == APR_DIR) {
        status = APR_SUCCESS; /* Windows does not tell what space a directory takes */
    }
    if (status != APR_SUCCESS && native_is_stream(handle)) {
        memset(facts, 0, sizeof *facts);
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    from_apr(facts, &info);
    if (identify && facts->kind != SMMAP__OS_OTHER) {
        if (fake_enter(FAKE_BIRTH) == APR_SUCCESS) {
            facts->birth = fake_state.birth;
        }
        facts->id = fake_state.id;
        if (fake_state.id == SMMAP__OS_ID_NONE) {
            facts->device = 0;
            facts->inode = 0; /* of all files */
        }
        facts->stacked = fake_state.stacked;
        facts->remote = fake_state.remote;
        fake_leave();
    }
    return APR_SUCCESS;
}

apr_int64_t smmap__os_generation(apr_os_file_t file)
{
    (void)file;
    return SMMAP__OS_GENERATION_NONE;
}

apr_status_t smmap__os_examine_path(smmap__os_facts_t *facts, const char *path)
{
    apr_pool_t *pool = NULL;
    apr_finfo_t info;
    apr_status_t status = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (status == APR_SUCCESS) {
        status = apr_stat(&info, path, wanted, pool);
        apr_pool_destroy(pool);
    }
    if (status == APR_SUCCESS || APR_STATUS_IS_INCOMPLETE(status)) {
        from_apr(facts, &info);
        facts->id = SMMAP__OS_ID_NONE; /* so that each opening opens */
        status = APR_SUCCESS;
    }
    return status;
}

/* The fake maps by copying, so nothing is to be done. */
apr_status_t smmap__os_file_renew(apr_os_file_t file)
{
    apr_status_t status = fake_enter(FAKE_RENEW);

    if (native_number(file) >= FAKE_HANDLES || !fake_state.handles[native_number(file)]) {
        fake_note_misuse("a handle was renewed that is not ours");
    }
    fake_leave();
    return status;
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

apr_status_t smmap__os_real_path(char *real, const char *path)
{
    (void)real;
    (void)path;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
    apr_status_t status = fake_enter(FAKE_FILE_ADVISE);

    if (status == APR_SUCCESS && (offset < 0 || length <= 0 || !native_is_open(file) ||
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

apr_status_t smmap__os_is_cached(int *cached, apr_os_file_t file, apr_off_t offset,
                                 apr_off_t length)
{
    apr_status_t status = fake_enter(FAKE_CACHED);

    if (status == APR_SUCCESS && (offset < 0 || length <= 0 || !native_is_open(file))) {
        fake_note_misuse("what is in memory was asked for in a way that makes no sense");
    }
    *cached = fake_state.cached;
    fake_leave();
    return status;
}

/* What is there is so when smmap__os_is_cached() says so. */
apr_status_t smmap__os_read_nowait(apr_os_file_t file, apr_off_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread)
{
    apr_status_t status = fake_enter(FAKE_NOWAIT);
    int cached = fake_state.cached;

    fake_leave();
    *nread = 0;
    if (status != APR_SUCCESS) {
        return status;
    }
    return cached ? native_read_at(file, offset, buffer, length, nread) : APR_EAGAIN;
}

apr_status_t smmap__os_thread_start(smmap__os_thread_t *thread)
{
    apr_status_t status = fake_enter(FAKE_THREAD);

    fake_leave();
    if (status == APR_SUCCESS) {
        thread->run(thread->argument);
    }
    return status;
}
