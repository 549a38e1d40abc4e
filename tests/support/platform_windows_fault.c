/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * platform.h for Windows: pages that are lost, and what is different because of them.
 *
 * Windows raises EXCEPTION_IN_PAGE_ERROR for a page of a view that it cannot bring into
 * memory, which takes a device or a server that fails. Here a page is made inaccessible
 * instead, and a vectored handler that comes before all others makes the one exception
 * out of the other: the code and the parameters become those that Windows gives, and
 * where it happens, and the handlers that are called then, are real.
 *
 * Wine refuses to cut a mapped file, as Windows does, but the system below it does not,
 * and it does not raise an in-page error (8.0) when a page is lost so, but an access
 * violation. The same handler mends that.
 */
#define _WIN32_WINNT 0x0601
#define _CRT_SECURE_NO_WARNINGS 1 /* for Microsoft's headers */

#include "harness.h"

#include <apr_file_info.h>
#include <apr_strings.h>

#include <windows.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define MOST_PATH 4096
#define END_OF_FILE_STATUS 0xC0000011u /* what the file system said */

/* Nobody else makes a view inaccessible, and one that can be read raises no access violation. */
static int is_lost(ULONG_PTR address)
{
    MEMORY_BASIC_INFORMATION info;

    return VirtualQuery((void *)address, &info, sizeof info) != 0 && info.Type == MEM_MAPPED &&
           (info.Protect == PAGE_NOACCESS || info.Protect == PAGE_READONLY);
}

static LONG CALLBACK as_windows_says(EXCEPTION_POINTERS *facts)
{
    EXCEPTION_RECORD *record = facts->ExceptionRecord;

    if (record->ExceptionCode == (DWORD)EXCEPTION_ACCESS_VIOLATION &&
        record->NumberParameters >= 2 && is_lost(record->ExceptionInformation[1])) {
        record->ExceptionCode = (DWORD)EXCEPTION_IN_PAGE_ERROR;
        record->NumberParameters = 3;
        record->ExceptionInformation[2] = END_OF_FILE_STATUS;
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

/* Before all others, those included that came since the last call. */
static void come_first(void)
{
    static PVOID handler;
    PVOID added = AddVectoredExceptionHandler(1, as_windows_says);

    NEED(added != NULL);
    if (handler != NULL) {
        RemoveVectoredExceptionHandler(handler);
    }
    handler = added;
}

void native_lose(const volatile unsigned char *pages, apr_size_t size)
{
    DWORD before;

    NEED(VirtualProtect((void *)(ULONG_PTR)pages, size, PAGE_NOACCESS, &before));
    come_first();
}

typedef char *(CDECL *unix_name_t)(const WCHAR *path);

static unix_name_t wine_name(void)
{
    return (unix_name_t)(void (*)(void))GetProcAddress(GetModuleHandleW(L"kernel32.dll"),
                                                       "wine_get_unix_file_name");
}

/* By a program of the system below. Wine does not tell when it ends. */
static void cut_from_below(const char *path, apr_off_t size)
{
    WCHAR program[] = L"Z:\\usr\\bin\\truncate";
    WCHAR wide[MOST_PATH];
    WCHAR full[MOST_PATH];
    WCHAR line[2 * MOST_PATH];
    PROCESS_INFORMATION process;
    STARTUPINFOW startup;
    apr_os_file_t handle;
    apr_off_t now = -1;
    apr_uint64_t id;
    char *below;
    int regular;
    int i;

    NEED(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, MOST_PATH) != 0);
    NEED(GetFullPathNameW(wide, MOST_PATH, full, NULL) < MOST_PATH);
    below = wine_name()(full);
    NEED(below != NULL);
    NEED(MultiByteToWideChar(CP_UTF8, 0, below, -1, wide, MOST_PATH) != 0);
    HeapFree(GetProcessHeap(), 0, below);
    _snwprintf(line, sizeof line / sizeof line[0], L"truncate -s %I64d \"%ls\"", (__int64)size,
               wide);
    memset(&startup, 0, sizeof startup);
    startup.cb = sizeof startup;
    if (!CreateProcessW(program, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process)) {
        test_skip_now("the system below Wine has no /usr/bin/truncate (error %lu)",
                      GetLastError());
    }
    NEED_OK(native_open(&handle, path, NATIVE_READ));
    for (i = 0; i < 2000 && now != size; i++) {
        Sleep(i == 0 ? 0 : 5);
        NEED_OK(native_facts(handle, &now, &id, &regular));
    }
    CHECK_OK(native_close(handle));
    NEED(now == size);
}

int native_cut(const char *path, apr_off_t size)
{
    if (wine_name() == NULL) {
        return native_resize(path, size); /* refused when it is mapped */
    }
    cut_from_below(path, size);
    come_first();
    return 1;
}

int native_guards_pointers(void)
{
    return 0;
}

const char *native_unmappable(void)
{
    return NULL; /* they are on file systems that others have written */
}

int native_started_program_has(const char *part)
{
    (void)part;
    return -1;
}

void native_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    (void)before;
    (void)in_parent;
    (void)in_child;
}

/* With the names of 8.3, which a drive has or has not. */
static const char *in_short(const char *path)
{
    WCHAR wide[MAX_PATH];
    WCHAR name[MAX_PATH];
    char *made = apr_palloc(test_pool, 3 * MAX_PATH);

    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, MAX_PATH) == 0 ||
        GetShortPathNameW(wide, name, MAX_PATH) == 0 ||
        WideCharToMultiByte(CP_UTF8, 0, name, -1, made, 3 * MAX_PATH, NULL, NULL) == 0) {
        return path;
    }
    return made;
}

/* Verbatim, short, and through the share that a computer has of each of its drives. */
const char *native_spelling(const char *path, int number)
{
    char *full;
    char *at;

    if (number == 1) {
        return in_short(path);
    }
    if (number > 2 ||
        apr_filepath_merge(&full, NULL, path, APR_FILEPATH_NATIVE, test_pool) != APR_SUCCESS) {
        return NULL;
    }
    for (at = full; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\\';
        }
    }
    if (number == 0) {
        return apr_psprintf(test_pool, "\\\\?\\%s", full);
    }
    return apr_psprintf(test_pool, "\\\\localhost\\%c$%s", full[0], full + 2);
}

void native_device_make(const char *path, char *device, apr_size_t size)
{
    (void)path;
    (void)device;
    (void)size;
    test_skip_now("Windows has no block devices with a path");
}

int native_device_remove(const char *device)
{
    (void)device;
    return 0;
}
