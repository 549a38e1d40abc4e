/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * platform.h for Windows.
 *
 * What Windows refuses to do to a file that is mapped or open (cut it, replace it,
 * delete it) ends the running test as skipped: the test is about what is seen then.
 */
#define _WIN32_WINNT 0x0601
#define _CRT_SECURE_NO_WARNINGS 1 /* for Microsoft's headers */

#include "harness.h"

#include <windows.h>

#define PSAPI_VERSION 2
#include <psapi.h>
#include <winioctl.h>

#include <fcntl.h>
#include <io.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PATH 4096
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR((apr_status_t)GetLastError());
}

static apr_status_t outcome(BOOL worked)
{
    return worked ? APR_SUCCESS : last_error();
}

static const WCHAR *widen(WCHAR *wide, const char *path)
{
    NEED(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, MOST_PATH) != 0);
    return wide;
}

/* Handles. */

static apr_status_t open_wide(apr_os_file_t *handle, const WCHAR *path, DWORD access, DWORD make,
                              DWORD flags)
{
    *handle = CreateFileW(path, access, SHARE_ALL, NULL, make, flags, NULL);
    return outcome(*handle != INVALID_HANDLE_VALUE);
}

apr_status_t native_open(apr_os_file_t *handle, const char *path, native_use_t use)
{
    WCHAR wide[MOST_PATH];

    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, MOST_PATH) == 0) {
        return GetLastError() == ERROR_INSUFFICIENT_BUFFER ? APR_ENAMETOOLONG : last_error();
    }
    switch (use) {
    case NATIVE_WRITE:
        return open_wide(handle, wide, GENERIC_WRITE, OPEN_EXISTING, 0);
    case NATIVE_MAKE:
        return open_wide(handle, wide, GENERIC_WRITE, CREATE_ALWAYS, 0);
    case NATIVE_DIRECTORY:
        return open_wide(handle, wide, GENERIC_READ, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    case NATIVE_APPEND:
        return open_wide(handle, wide, FILE_APPEND_DATA, OPEN_ALWAYS, 0);
    case NATIVE_READ:
    default:
        return open_wide(handle, wide, GENERIC_READ, OPEN_EXISTING, 0);
    }
}

apr_status_t native_open_alone(apr_os_file_t *handle, const char *path)
{
    WCHAR wide[MOST_PATH];

    *handle = CreateFileW(widen(wide, path), GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    return outcome(*handle != INVALID_HANDLE_VALUE);
}

static HANDLE told;

apr_status_t native_open_overlapped(apr_os_file_t *handle, const char *path, int shared)
{
    WCHAR wide[MOST_PATH];

    *handle = CreateFileW(widen(wide, path), GENERIC_READ, shared ? SHARE_ALL : 0, NULL,
                          OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (*handle == INVALID_HANDLE_VALUE) {
        return last_error();
    }
    told = CreateIoCompletionPort(*handle, NULL, 0, 0);
    return outcome(told != NULL);
}

int native_set_direct(apr_os_file_t handle)
{
    (void)handle;
    return 0;
}

int native_told(void)
{
    OVERLAPPED *done;
    ULONG_PTR key;
    DWORD bytes;
    int count = 0;

    while (GetQueuedCompletionStatus(told, &bytes, &key, &done, 50)) {
        count++;
    }
    CloseHandle(told);
    return count;
}

apr_status_t native_open_null(apr_os_file_t *handle)
{
    return open_wide(handle, L"NUL", GENERIC_READ, OPEN_EXISTING, 0);
}

const char *native_null_path(void)
{
    return NULL;
}

apr_status_t native_pipe(apr_os_file_t ends[2])
{
    return outcome(CreatePipe(&ends[0], &ends[1], NULL, 0));
}

apr_status_t native_dup(apr_os_file_t *copy, apr_os_file_t handle)
{
    HANDLE made = INVALID_HANDLE_VALUE;

    if (!native_is_open(handle)) {
        return APR_FROM_OS_ERROR(ERROR_INVALID_HANDLE);
    }
    if (GetFileType(handle) == FILE_TYPE_DISK) {
        made = ReOpenFile(handle, GENERIC_READ, SHARE_ALL, 0);
    }
    if (made == INVALID_HANDLE_VALUE &&
        !DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &made, 0, FALSE,
                         DUPLICATE_SAME_ACCESS)) {
        return last_error();
    }
    *copy = made;
    return APR_SUCCESS;
}

apr_status_t native_close(apr_os_file_t handle)
{
    return outcome(CloseHandle(handle));
}

int native_is_open(apr_os_file_t handle)
{
    DWORD flags;

    return handle != NULL && handle != INVALID_HANDLE_VALUE &&
           GetHandleInformation(handle, &flags);
}

int native_is_writable(apr_os_file_t handle)
{
    DWORD written;

    return WriteFile(handle, "", 1, &written, NULL) != 0;
}

int native_is_inherited(apr_os_file_t handle)
{
    DWORD flags = 0;

    return GetHandleInformation(handle, &flags) && (flags & HANDLE_FLAG_INHERIT) != 0;
}

void native_let_inherit(apr_os_file_t handle)
{
    NEED(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
}

int native_is_stream(apr_os_file_t handle)
{
    DWORD type = GetFileType(handle);

    return type == FILE_TYPE_CHAR || type == FILE_TYPE_PIPE;
}

apr_size_t native_number(apr_os_file_t handle)
{
    return (apr_size_t)handle / 4; /* the lowest two bits mean nothing */
}

apr_off_t native_place(apr_os_file_t handle)
{
    LARGE_INTEGER nowhere;
    LARGE_INTEGER place;

    nowhere.QuadPart = 0;
    return SetFilePointerEx(handle, nowhere, &place, FILE_CURRENT) ? place.QuadPart : -1;
}

void native_set_place(apr_os_file_t handle, apr_off_t place)
{
    LARGE_INTEGER there;

    there.QuadPart = place;
    NEED(SetFilePointerEx(handle, there, NULL, FILE_BEGIN));
}

apr_off_t native_read(apr_os_file_t handle, void *to, apr_size_t size)
{
    DWORD got;

    return ReadFile(handle, to, (DWORD)size, &got, NULL) ? (apr_off_t)got : -1;
}

apr_off_t native_write(apr_os_file_t handle, const void *from, apr_size_t size)
{
    DWORD written;

    return WriteFile(handle, from, (DWORD)size, &written, NULL) ? (apr_off_t)written : -1;
}

apr_status_t native_read_at(apr_os_file_t handle, apr_off_t offset, void *to, apr_size_t size,
                            apr_size_t *got)
{
    apr_size_t done = 0;

    while (done < size) {
        const apr_size_t most = (apr_size_t)1 << 30;
        apr_size_t step = size - done < most ? size - done : most;
        apr_uint64_t from = (apr_uint64_t)offset + done;
        OVERLAPPED place;
        DWORD now = 0;

        memset(&place, 0, sizeof place);
        place.Offset = (DWORD)(from & 0xffffffffu);
        place.OffsetHigh = (DWORD)(from >> 32);
        if (!ReadFile(handle, (char *)to + done, (DWORD)step, &now, &place)) {
            if (GetLastError() == ERROR_HANDLE_EOF) {
                break;
            }
            return last_error();
        }
        if (now == 0) {
            break;
        }
        done += now;
    }
    *got = done;
    return APR_SUCCESS;
}

apr_status_t native_facts(apr_os_file_t handle, apr_off_t *size, apr_uint64_t *id, int *regular)
{
    BY_HANDLE_FILE_INFORMATION info;

    if (!GetFileInformationByHandle(handle, &info)) {
        return last_error();
    }
    *size = (apr_off_t)((apr_uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
    *id = (apr_uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    *regular = !(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
    return APR_SUCCESS;
}

int native_count_handles(void)
{
    DWORD count = 0;

    GetProcessHandleCount(GetCurrentProcess(), &count);
    return (int)count;
}

int native_count_inherited(void)
{
    apr_uintptr_t value;
    int count = 0;

    for (value = 4; value < 4096; value += 4) {
        count += native_is_inherited((HANDLE)value);
    }
    return count;
}

/* The system names files by their device, so only the end of the path is compared. */
int native_count_mappings(const char *part)
{
    const char *end = strstr(part, "smmap-test-");
    MEMORY_BASIC_INFORMATION info;
    WCHAR wanted[MOST_PATH];
    WCHAR name[MOST_PATH];
    char *address = NULL;
    int count = 0;
    WCHAR *slash;

    widen(wanted, end != NULL ? end : part);
    while ((slash = wcschr(wanted, L'/')) != NULL) {
        *slash = L'\\';
    }
    while (VirtualQuery(address, &info, sizeof info) != 0) {
        if (info.Type == MEM_MAPPED && info.BaseAddress == info.AllocationBase) {
            DWORD length = GetMappedFileNameW(GetCurrentProcess(), info.BaseAddress, name,
                                              MOST_PATH - 1);

            name[length] = 0;
            count += wcsstr(name, wanted) != NULL;
        }
        address = (char *)info.BaseAddress + info.RegionSize;
    }
    return count;
}

apr_size_t native_max_open_files(void)
{
    return 0;
}

const char *native_doubts_birth(void)
{
    if (GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL) {
        return "Wine gives the time of the last change for that of birth";
    }
    return NULL;
}

int native_tells_generations(const char *path)
{
    (void)path;
    return 0;
}

/* A part of a path that is too long is a wrong name, or is just not found. */
int native_says_too_long(apr_status_t status)
{
    return APR_STATUS_IS_ENAMETOOLONG(status) || APR_STATUS_IS_ENOENT(status) ||
           status == APR_FROM_OS_ERROR(ERROR_INVALID_NAME);
}

/* Files. */

/* Go on after what worked, or failed for a reason that a test wants to hear of. */
static apr_status_t unless_refused(BOOL worked, const char *deed)
{
    DWORD error = GetLastError();

    if (!worked && (error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION ||
                    error == ERROR_USER_MAPPED_FILE)) {
        test_skip_now("Windows does not let a file be %s while it is mapped or open (error %lu)",
                      deed, error);
    }
    return worked ? APR_SUCCESS : APR_FROM_OS_ERROR((apr_status_t)error);
}

int native_resize(const char *path, apr_off_t size)
{
    WCHAR wide[MOST_PATH];
    apr_os_file_t handle;
    LARGE_INTEGER end;
    DWORD unused;
    DWORD error;
    BOOL worked;

    if (open_wide(&handle, widen(wide, path), GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, 0) !=
        APR_SUCCESS) {
        return 0;
    }
    end.QuadPart = size;
    DeviceIoControl(handle, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &unused, NULL);
    worked = SetFilePointerEx(handle, end, NULL, FILE_BEGIN) && SetEndOfFile(handle);
    error = GetLastError();
    CloseHandle(handle);
    SetLastError(error);
    return unless_refused(worked, "cut") == APR_SUCCESS;
}

apr_status_t native_rename(const char *from, const char *to)
{
    WCHAR wide_from[MOST_PATH];
    WCHAR wide_to[MOST_PATH];

    return unless_refused(MoveFileExW(widen(wide_from, from), widen(wide_to, to),
                                      MOVEFILE_REPLACE_EXISTING),
                          "replaced");
}

apr_status_t native_delete(const char *path)
{
    WCHAR wide[MOST_PATH];
    apr_status_t status = unless_refused(DeleteFileW(widen(wide, path)), "deleted");

    if (status == APR_SUCCESS && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES) {
        test_skip_now("Windows keeps the name of a deleted file while it is mapped or open");
    }
    return status;
}

apr_status_t native_symlink(const char *target, const char *path)
{
    (void)target;
    (void)path;
    test_skip_now("on Windows it takes an administrator to make symbolic links");
}

apr_status_t native_fifo(const char *path)
{
    (void)path;
    test_skip_now("Windows has no FIFOs among its files");
}

apr_status_t native_socket(apr_os_file_t *handle, const char *path)
{
    (void)handle;
    (void)path;
    test_skip_now("Windows has no sockets among its files");
}

void native_lease(apr_os_file_t *handle, const char *path)
{
    (void)handle;
    (void)path;
    test_skip_now("a program of Windows cannot ask for a lease on a file of its own system");
}

void native_forbid(const char *path)
{
    (void)path;
    test_skip_now("a file is forbidden to its maker in another way than by a mode");
}

static apr_int64_t ticks(const FILETIME *moment)
{
    return (apr_int64_t)((apr_uint64_t)moment->dwHighDateTime << 32 | moment->dwLowDateTime);
}

static FILETIME moment(apr_int64_t count)
{
    FILETIME made;

    made.dwHighDateTime = (DWORD)((apr_uint64_t)count >> 32);
    made.dwLowDateTime = (DWORD)((apr_uint64_t)count & 0xffffffffu);
    return made;
}

/* `seconds` are 100 ns here: they are only given back. */
void native_times(const char *path, native_times_t *times)
{
    WCHAR wide[MOST_PATH];
    apr_os_file_t handle;
    FILETIME access;
    FILETIME change;

    memset(times, 0, sizeof *times);
    NEED_OK(open_wide(&handle, widen(wide, path), GENERIC_READ, OPEN_EXISTING, 0));
    NEED(GetFileTime(handle, NULL, &access, &change));
    times->seconds[0] = ticks(&access);
    times->seconds[1] = ticks(&change);
    times->changed = ticks(&change);
    CloseHandle(handle);
}

int native_is_stacked(const char *path)
{
    (void)path;
    return 0;
}

int native_knows_changes(void)
{
    return 0;
}

void native_set_times(const char *path, const native_times_t *times)
{
    FILETIME access = moment(times->seconds[0]);
    FILETIME change = moment(times->seconds[1]);
    WCHAR wide[MOST_PATH];
    apr_os_file_t handle;

    NEED_OK(open_wide(&handle, widen(wide, path), GENERIC_WRITE, OPEN_EXISTING, 0));
    NEED(SetFileTime(handle, NULL, &access, &change));
    CloseHandle(handle);
}

apr_off_t native_disk_bytes(const char *path)
{
    WCHAR wide[MOST_PATH];
    FILE_STANDARD_INFO info;
    apr_os_file_t handle;

    NEED_OK(open_wide(&handle, widen(wide, path), GENERIC_READ, OPEN_EXISTING, 0));
    NEED(GetFileInformationByHandleEx(handle, FileStandardInfo, &info, sizeof info));
    CloseHandle(handle);
    return info.AllocationSize.QuadPart;
}
