/*
 * The Windows backend: files. Memory is in windows.c.
 *
 * Paths come in UTF-8, as APR takes them: with either slash, and of any length.
 * Windows takes more than about 250 characters only where the path begins with
 * \\?\, and such a path it takes as it is. So a long one is first put into its
 * full form (no /, no . and ..) and then gets that beginning.
 *
 * Handles are for synchronous reading, are not inherited, and share everything with
 * others, so that nobody is kept from writing to, renaming or deleting what we only
 * look at.
 */
#define _WIN32_WINNT 0x0601

#include "backends/backend.h"

#include <windows.h>

#include <string.h>

#include "backends/windows.h"

/* The longest path that Windows takes, with its end. */
#define LONGEST 32768

/* Room for the end, and for a file's name in 8.3, which some calls want. */
#define SHORT (MAX_PATH - 13)

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* Bytes that are asked for at once. */
#define READ_MOST ((apr_size_t)0x40000000)

/* 100 ns from 1601 to 1970. */
#define UNIX_EPOCH APR_INT64_C(116444736000000000)

FARPROC smmap__windows_function(const char *name)
{
    return GetProcAddress(GetModuleHandleW(L"kernel32.dll"), name);
}

FARPROC smmap__windows_nt_function(const char *name)
{
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
}

/* UTF-8 to UTF-16 with its end; 0 when it does not fit or is no UTF-8. */
static int widen(WCHAR *wide, int room, const char *path)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, room);
}

static HANDLE open_wide(const WCHAR *path, DWORD access, DWORD flags)
{
    return CreateFileW(path, access, SHARE_ALL, NULL, OPEN_EXISTING, flags, NULL);
}

/* The beginnings, and room for the longer one before the path. */
static const WCHAR unc_prefix[] = L"\\\\?\\UNC\\";
static const WCHAR drive_prefix[] = L"\\\\?\\";
#define PREFIX_ROOM 8

/* Open a path that may be too long as it is. The error is left in GetLastError(). */
static HANDLE open_long(const char *path, DWORD access, DWORD flags)
{
    WCHAR wide[LONGEST];
    WCHAR full[PREFIX_ROOM + LONGEST];
    WCHAR *begin = full + PREFIX_ROOM;
    DWORD length;

    if (widen(wide, LONGEST, path) == 0) {
        if (GetLastError() == ERROR_INSUFFICIENT_BUFFER) {
            SetLastError(ERROR_FILENAME_EXCED_RANGE);
        }
        return INVALID_HANDLE_VALUE;
    }
    length = GetFullPathNameW(wide, LONGEST, begin, NULL);
    if (length == 0) {
        return INVALID_HANDLE_VALUE;
    }
    if (length >= LONGEST) {
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
        return INVALID_HANDLE_VALUE;
    }
    if (begin[0] == L'\\' && begin[1] == L'\\') {
        if (begin[2] == L'?' || begin[2] == L'.') {
            return open_wide(begin, access, flags); /* it begins so already */
        }
        begin += 2; /* \\server\share: the prefix brings its own \ */
        begin -= sizeof unc_prefix / sizeof unc_prefix[0] - 1;
        memcpy(begin, unc_prefix, sizeof unc_prefix - sizeof unc_prefix[0]);
    } else {
        begin -= sizeof drive_prefix / sizeof drive_prefix[0] - 1;
        memcpy(begin, drive_prefix, sizeof drive_prefix - sizeof drive_prefix[0]);
    }
    return open_wide(begin, access, flags);
}

static apr_status_t open_path(apr_os_file_t *file, const char *path, DWORD access, DWORD flags)
{
    WCHAR wide[SHORT];
    HANDLE handle;

    if (widen(wide, SHORT, path) != 0) {
        handle = open_wide(wide, access, flags);
    } else if (GetLastError() == ERROR_INSUFFICIENT_BUFFER) {
        handle = open_long(path, access, flags);
    } else {
        handle = INVALID_HANDLE_VALUE;
    }
    if (handle == INVALID_HANDLE_VALUE) {
        return smmap__windows_status(GetLastError());
    }
    *file = handle;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    return open_path(file, path, GENERIC_READ, FILE_ATTRIBUTE_NORMAL);
}

apr_status_t smmap__os_file_open_attributes(apr_os_file_t *handle, const char *path)
{
    return open_path(handle, path, FILE_READ_ATTRIBUTES, FILE_FLAG_BACKUP_SEMANTICS);
}

int smmap__os_is_stream(apr_os_file_t file)
{
    DWORD type = GetFileType(file);

    return type == FILE_TYPE_CHAR || type == FILE_TYPE_PIPE;
}

/* The null handle is none, and to most calls -1 is the handle of this process. */
static int is_none(apr_os_file_t file)
{
    return file == NULL || file == INVALID_HANDLE_VALUE;
}

/* What the two functions of ntdll below are asked for, and what they answer. winternl.h has not
   all of it everywhere. */
#define OBJECT_BASIC_INFORMATION 0
#define FILE_MODE_INFORMATION 16
#define SYNCHRONOUS_IO ((ULONG)(0x10 | 0x20))
#define NO_INTERMEDIATE_BUFFERING ((ULONG)0x8)

typedef struct io_status_t {
    void *status;
    ULONG_PTR information;
} io_status_t;

typedef struct object_t {
    ULONG attributes;
    ULONG access;
    ULONG counts[2];
    ULONG rest[10];
} object_t;

typedef LONG(WINAPI *query_file_t)(HANDLE, io_status_t *, void *, ULONG, int);
typedef LONG(WINAPI *query_object_t)(HANDLE, int, void *, ULONG, ULONG *);

/* Does a call that reads by it come back when it has read, and wherever it reads to? By an
   asynchronous handle it comes back before, and tells those who wait at the handle's completion
   port when it is done; an unbuffered one reads whole sectors. */
static int is_plain(HANDLE file)
{
    query_file_t query =
        (query_file_t)(void (*)(void))smmap__windows_nt_function("NtQueryInformationFile");
    io_status_t done;
    ULONG mode = 0;

    return query != NULL &&
           query(file, &done, &mode, sizeof mode, FILE_MODE_INFORMATION) >= 0 &&
           (mode & SYNCHRONOUS_IO) != 0 && (mode & NO_INTERMEDIATE_BUFFERING) == 0;
}

/* May it be read by this handle? Where that is not known, reading will tell. */
static int is_readable(HANDLE file)
{
    query_object_t query =
        (query_object_t)(void (*)(void))smmap__windows_nt_function("NtQueryObject");
    object_t object;

    return query == NULL ||
           query(file, OBJECT_BASIC_INFORMATION, &object, sizeof object, NULL) < 0 ||
           (object.access & FILE_READ_DATA) != 0;
}

/* The file of a handle, opened again for ourselves, so that reading moves no place of the
   caller's, and waits. INVALID_HANDLE_VALUE: it is refused, as where the caller does not share
   his file, or is no file; or where the system goes by the name, it is another one by now. */
static HANDLE open_again(HANDLE file)
{
    BY_HANDLE_FILE_INFORMATION his;
    BY_HANDLE_FILE_INFORMATION ours;
    HANDLE handle;

    if (GetFileType(file) != FILE_TYPE_DISK) {
        return INVALID_HANDLE_VALUE;
    }
    handle = ReOpenFile(file, GENERIC_READ, SHARE_ALL, 0);
    if (handle != INVALID_HANDLE_VALUE &&
        (!GetFileInformationByHandle(file, &his) || !GetFileInformationByHandle(handle, &ours) ||
         his.dwVolumeSerialNumber != ours.dwVolumeSerialNumber ||
         his.nFileIndexHigh != ours.nFileIndexHigh || his.nFileIndexLow != ours.nFileIndexLow)) {
        CloseHandle(handle);
        handle = INVALID_HANDLE_VALUE;
    }
    return handle;
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    HANDLE handle;

    if (is_none(file)) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    handle = open_again(file);
    if (handle == INVALID_HANDLE_VALUE) {
        if (GetFileType(file) == FILE_TYPE_DISK && !is_plain(file)) {
            return APR_ENOTIMPL;
        }
        /* Shares the place to read from with the caller's. */
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
    if (is_none(file)) {
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

apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file)
{
    FILETIME made;
    apr_int64_t ticks;

    /* Wine says when it was last changed. */
    if (smmap__windows_is_wine() && GetFileType(file) == FILE_TYPE_DISK) {
        return APR_ENOTIMPL;
    }
    if (!GetFileTime(file, &made, NULL, NULL)) {
        return smmap__windows_status(GetLastError());
    }
    ticks = (apr_int64_t)((apr_uint64_t)made.dwHighDateTime << 32 | made.dwLowDateTime);
    if (ticks <= UNIX_EPOCH) {
        return APR_ENOTIMPL; /* a file system that does not keep it says 0 */
    }
    *birth = (ticks - UNIX_EPOCH) * 100;
    return APR_SUCCESS;
}

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    unsigned char *to = buffer;
    apr_size_t done = 0;
    apr_status_t status = APR_SUCCESS;

    while (done < length) {
        apr_size_t step = length - done < READ_MOST ? length - done : READ_MOST;
        apr_uint64_t from = (apr_uint64_t)offset + done;
        OVERLAPPED place;
        DWORD got = 0;

        memset(&place, 0, sizeof place);
        place.Offset = (DWORD)(from & 0xffffffffu);
        place.OffsetHigh = (DWORD)(from >> 32);
        if (!ReadFile(file, to + done, (DWORD)step, &got, &place)) {
            DWORD error = GetLastError();

            if (error != ERROR_HANDLE_EOF) {
                status = smmap__windows_status(error);
            }
            break;
        }
        if (got == 0) {
            break;
        }
        done += got;
    }
    *nread = done;
    return status;
}

apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread)
{
    apr_off_t size = 0;
    unsigned char byte;
    apr_status_t status;
    DWORD none;
    HANDLE own;

    if (is_none(file)) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    /* Handles have their rights one by one, and what is opened again has its own. */
    if (!is_readable(file)) {
        return APR_EBADF;
    }
    own = open_again(file);
    if (own != INVALID_HANDLE_VALUE) {
        status = smmap__os_read(own, 0, &byte, 1, nread);
        CloseHandle(own);
        return status;
    }
    if (!is_plain(file)) {
        return APR_ENOTIMPL;
    }
    /* To read nothing from where the handle is does not move it. */
    if (!ReadFile(file, &byte, 0, &none, NULL)) {
        return smmap__windows_status(GetLastError());
    }
    status = smmap__os_file_size(&size, file);
    if (status == APR_SUCCESS) {
        *nread = size > 0;
    }
    return status;
}
