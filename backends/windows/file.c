/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: opening, reading and examining files. No state.
 *
 * What tells one file from another is in identity.c.
 *
 * Paths arrive in UTF-8, as APR takes them: with either slash, and of any length. Windows takes
 * more than about 250 characters only in a path that begins with \\?\, and takes such a path
 * literally. So a long path is first made full (no /, no . and ..) and then gets that prefix.
 *
 * Handles are for synchronous reads, are not inherited, and share everything, so that nobody is
 * kept from writing to, renaming or deleting a file that we read.
 */
#include "backends/windows/internal.h"

#include "backends/common.h"

#include <string.h>

/* The longest path without the prefix, with its terminator: some calls leave room for a name in
   8.3. */
#define SHORT_PATH_MAX (MAX_PATH - 13)

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* --- opening --- */

/* UTF-8 to UTF-16, terminated; 0 when it does not fit or is not UTF-8. */
static int widen(WCHAR *wide, int size, const char *path)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, size);
}

static const WCHAR unc_prefix[] = L"\\\\?\\UNC\\";
static const WCHAR drive_prefix[] = L"\\\\?\\";

/* Characters that must be free before a path for add_prefix(). */
#define PREFIX_SIZE 8

/* Put the prefix before a full path, and return the new beginning. */
static const WCHAR *add_prefix(WCHAR *path)
{
    if (path[0] == L'\\' && path[1] == L'\\') {
        if (path[2] == L'?' || path[2] == L'.') {
            return path; /* it has one */
        }
        path += 2; /* \\server\share: the prefix ends in a \ of its own */
        path -= sizeof unc_prefix / sizeof unc_prefix[0] - 1;
        memcpy(path, unc_prefix, sizeof unc_prefix - sizeof unc_prefix[0]);
    } else {
        path -= sizeof drive_prefix / sizeof drive_prefix[0] - 1;
        memcpy(path, drive_prefix, sizeof drive_prefix - sizeof drive_prefix[0]);
    }
    return path;
}

#define SPACE_FOR_PATH (PREFIX_SIZE + SMMAP__WINDOWS_PATH_MAX)

/* A path in UTF-16, with the prefix if it is long; NULL: the error is in GetLastError(). */
static const WCHAR *wide_path(const char *path, WCHAR *space)
{
    WCHAR wide[SMMAP__WINDOWS_PATH_MAX];
    DWORD length;

    if (widen(space, SHORT_PATH_MAX, path) != 0) {
        return space;
    }
    if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) {
        return NULL;
    }
    if (widen(wide, SMMAP__WINDOWS_PATH_MAX, path) == 0) {
        if (GetLastError() == ERROR_INSUFFICIENT_BUFFER) {
            SetLastError(ERROR_FILENAME_EXCED_RANGE);
        }
        return NULL;
    }
    length = GetFullPathNameW(wide, SMMAP__WINDOWS_PATH_MAX, space + PREFIX_SIZE, NULL);
    if (length == 0) {
        return NULL;
    }
    if (length >= SMMAP__WINDOWS_PATH_MAX) {
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
        return NULL;
    }
    return add_prefix(space + PREFIX_SIZE);
}

static apr_status_t open_path(apr_os_file_t *file, const char *path, DWORD access, DWORD flags)
{
    WCHAR space[SPACE_FOR_PATH];
    const WCHAR *wide = wide_path(path, space);
    const DWORD how = access == FILE_APPEND_DATA ? OPEN_ALWAYS : OPEN_EXISTING;
    HANDLE handle = wide != NULL ? CreateFileW(wide, access, SHARE_ALL, NULL, how, flags, NULL)
                                 : INVALID_HANDLE_VALUE;

    if (handle == INVALID_HANDLE_VALUE) {
        return smmap__windows_status(GetLastError());
    }
    *file = handle;
    return APR_SUCCESS;
}

/* What is enough to know of what cannot be opened. */
apr_status_t smmap__os_examine_path(smmap__os_facts_t *facts, const char *path)
{
    WCHAR space[SPACE_FOR_PATH];
    const WCHAR *wide = wide_path(path, space);
    DWORD attributes = wide != NULL ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;

    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return smmap__windows_status(GetLastError());
    }
    memset(facts, 0, sizeof *facts);
    facts->kind = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? SMMAP__OS_OTHER : SMMAP__OS_FILE;
    facts->id = SMMAP__OS_ID_NONE;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    return open_path(file, path, GENERIC_READ, FILE_ATTRIBUTE_NORMAL);
}

apr_status_t smmap__os_file_open_attributes(apr_os_file_t *file, const char *path)
{
    return open_path(file, path, FILE_READ_ATTRIBUTES, FILE_FLAG_BACKUP_SEMANTICS);
}

/* --- appending --- */

apr_status_t smmap__os_append_open(apr_os_file_t *file, const char *path)
{
    apr_os_file_t made;
    apr_status_t status = open_path(&made, path, FILE_APPEND_DATA, FILE_ATTRIBUTE_NORMAL);

    if (status == APR_SUCCESS && GetFileType(made) != FILE_TYPE_DISK) {
        CloseHandle(made);
        status = APR_ENOTIMPL;
    }
    if (status == APR_SUCCESS) {
        *file = made;
    }
    return status;
}

apr_status_t smmap__os_append(apr_os_file_t file, const char *bytes, apr_size_t length)
{
    DWORD written = 0;

    for (; length > 0; length -= written, bytes += written) {
        if (!WriteFile(file, bytes, length < 0x40000000 ? (DWORD)length : 0x40000000, &written,
                       NULL)) {
            return smmap__windows_status(GetLastError());
        }
    }
    return APR_SUCCESS;
}

/* --- the handles of callers --- */

/* NULL is no handle, and most calls take -1 for the handle of this process. */
static int is_invalid(apr_os_file_t file)
{
    return file == NULL || file == INVALID_HANDLE_VALUE;
}

/* NtQueryInformationFile and NtQueryObject: what they are asked for, and what they answer. Not
   every winternl.h has all of it. */
#define OBJECT_BASIC_INFORMATION 0
#define FILE_MODE_INFORMATION 16
#define SYNCHRONOUS_IO ((ULONG)(0x10 | 0x20))
#define NO_INTERMEDIATE_BUFFERING ((ULONG)0x8)

typedef struct io_status_t {
    void *status;
    ULONG_PTR information;
} io_status_t;

typedef struct object_info_t {
    ULONG attributes;
    ULONG access;
    ULONG counts[2];
    ULONG rest[10];
} object_info_t;

typedef LONG(WINAPI *query_file_t)(HANDLE, io_status_t *, void *, ULONG, int);
typedef LONG(WINAPI *query_object_t)(HANDLE, int, void *, ULONG, ULONG *);

/* Does a read by this handle return when it is done, and accept any buffer? An asynchronous handle
   returns before, and reports to those who wait at its completion port; an unbuffered one reads
   whole sectors. */
static int is_synchronous_and_buffered(HANDLE file)
{
    query_file_t query = (query_file_t)smmap__windows_nt_function("NtQueryInformationFile");
    io_status_t done;
    ULONG mode = 0;

    return query != NULL && query(file, &done, &mode, sizeof mode, FILE_MODE_INFORMATION) >= 0 &&
           (mode & SYNCHRONOUS_IO) != 0 && (mode & NO_INTERMEDIATE_BUFFERING) == 0;
}

/* Does this handle allow reading? 1 too when that is not known: a read will tell. */
static int is_readable(HANDLE file)
{
    query_object_t query = (query_object_t)smmap__windows_nt_function("NtQueryObject");
    object_info_t object;

    return query == NULL ||
           query(file, OBJECT_BASIC_INFORMATION, &object, sizeof object, NULL) < 0 ||
           (object.access & FILE_READ_DATA) != 0;
}

static int is_same_file(HANDLE one, HANDLE other)
{
    BY_HANDLE_FILE_INFORMATION a;
    BY_HANDLE_FILE_INFORMATION b;

    return GetFileInformationByHandle(one, &a) && GetFileInformationByHandle(other, &b) &&
           a.dwVolumeSerialNumber == b.dwVolumeSerialNumber &&
           a.nFileIndexHigh == b.nFileIndexHigh && a.nFileIndexLow == b.nFileIndexLow;
}

/* Open the file of a caller's handle again, so that reads are synchronous and do not move the
   file pointer of the caller. INVALID_HANDLE_VALUE: it is refused, because the caller does not
   share the file, or it is not a file; or another file has its name by now, on systems that open
   it by name. */
static HANDLE reopen(HANDLE file)
{
    HANDLE handle;

    if (GetFileType(file) != FILE_TYPE_DISK) {
        return INVALID_HANDLE_VALUE;
    }
    handle = ReOpenFile(file, GENERIC_READ, SHARE_ALL, 0);
    if (handle != INVALID_HANDLE_VALUE && !is_same_file(file, handle)) {
        CloseHandle(handle);
        handle = INVALID_HANDLE_VALUE;
    }
    return handle;
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    HANDLE handle;

    if (is_invalid(file)) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    handle = reopen(file);
    if (handle == INVALID_HANDLE_VALUE) {
        if (GetFileType(file) == FILE_TYPE_DISK && !is_synchronous_and_buffered(file)) {
            return APR_ENOTIMPL;
        }
        /* The duplicate shares the file pointer with the caller's handle. */
        if (!DuplicateHandle(GetCurrentProcess(), file, GetCurrentProcess(), &handle, 0, FALSE,
                             DUPLICATE_SAME_ACCESS)) {
            return smmap__windows_status(GetLastError());
        }
    }
    *copy = handle;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_close(apr_os_file_t file)
{
    if (is_invalid(file)) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    return CloseHandle(file) ? APR_SUCCESS : smmap__windows_status(GetLastError());
}

apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file)
{
    LARGE_INTEGER now;

    if (!GetFileSizeEx(file, &now)) {
        return smmap__windows_status(GetLastError());
    }
    *size = now.QuadPart;
    return APR_SUCCESS;
}

/* --- reading --- */

static apr_status_t read_once(apr_os_file_t file, apr_uint64_t offset, void *buffer,
                              apr_size_t length, apr_size_t *nread)
{
    OVERLAPPED position;
    DWORD got = 0;

    memset(&position, 0, sizeof position);
    position.Offset = (DWORD)(offset & 0xffffffffu);
    position.OffsetHigh = (DWORD)(offset >> 32);
    if (!ReadFile(file, buffer, (DWORD)length, &got, &position)) {
        DWORD error = GetLastError();

        return error == ERROR_HANDLE_EOF ? APR_SUCCESS : smmap__windows_status(error);
    }
    *nread = got;
    return APR_SUCCESS;
}

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    return smmap__read_fully(read_once, file, offset, buffer, length, nread);
}

apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread)
{
    apr_off_t size = 0;
    unsigned char byte;
    apr_status_t status;
    DWORD none;
    HANDLE own;

    if (is_invalid(file)) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    /* Access rights belong to the handle; the one that is opened again has its own. */
    if (!is_readable(file)) {
        return APR_EBADF;
    }
    own = reopen(file);
    if (own != INVALID_HANDLE_VALUE) {
        status = smmap__os_read(own, 0, &byte, 1, nread);
        CloseHandle(own);
        return status;
    }
    if (!is_synchronous_and_buffered(file)) {
        return APR_ENOTIMPL;
    }
    /* Reading no bytes at the file pointer does not move it. */
    if (!ReadFile(file, &byte, 0, &none, NULL)) {
        return smmap__windows_status(GetLastError());
    }
    status = smmap__os_file_size(&size, file);
    if (status == APR_SUCCESS) {
        *nread = size > 0;
    }
    return status;
}

/* Windows prefetches only what is mapped. Mapping the range for this would not be counted by any
   limit. */
apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
    (void)file;
    (void)offset;
    (void)length;
    (void)advice;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_is_cached(int *cached, apr_os_file_t file, apr_off_t offset,
                                 apr_off_t length)
{
    (void)cached;
    (void)file;
    (void)offset;
    (void)length;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_read_nowait(apr_os_file_t file, apr_off_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread)
{
    (void)file;
    (void)offset;
    (void)buffer;
    (void)length;
    *nread = 0;
    return APR_ENOTIMPL;
}
