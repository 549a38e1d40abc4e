/*
 * The Windows backend, from Windows 7 on: memory. Files are in windows_file.c, what tells one
 * from another in windows_name.c, faults in windows_guard.c.
 *
 * CreateFileMapping, MapViewOfFile and their kin. A section is made for each view
 * and closed at once: the view keeps alive what it needs. Keeping one section for
 * each file would save little, as Windows keeps the pages and tables of all
 * sections of a file in one place as long as one of them, or a view, is left; and it
 * would be a handle more for each file, which shows the file's old size and keeps it
 * from being truncated.
 *
 * There is no state here. What newer systems alone have is looked up where it is used, so
 * that the library loads on older ones.
 */
#define _WIN32_WINNT 0x0601

#include "backends/backend.h"

#include <windows.h>

#define PSAPI_VERSION 2 /* QueryWorkingSetEx is in kernel32 */
#include <psapi.h>

#include "backends/windows.h"

void smmap__os_info(smmap__os_info_t *info)
{
    SYSTEM_INFO system;

    GetSystemInfo(&system);
    info->page_size = system.dwPageSize;
    info->granularity = system.dwAllocationGranularity;
    info->address_bits = (int)sizeof(void *) * 8;
    info->max_open_files = 0; /* some millions: memory is what limits it */
    info->shrink = SMMAP__OS_SHRINK_REFUSED;
    info->case_insensitive = 1;
    info->lexical_dots = 1;
}

/* Windows has more ways to say that memory is short than APR knows. The core makes
   room when it hears of it, so they are told in the way that APR does know. */
static apr_status_t memory_status(DWORD error)
{
    switch (error) {
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_WORKING_SET_QUOTA:
    case ERROR_PAGEFILE_QUOTA:
    case ERROR_COMMITMENT_LIMIT:
        return smmap__windows_status(ERROR_NOT_ENOUGH_MEMORY);
    default:
        return smmap__windows_status(error);
    }
}

/* That there is no section: the file is empty, or the file system does not know how to map.
   That may be a driver that was written without it, or one that says which files it does not
   map. */
static apr_status_t section_status(DWORD error)
{
    switch (error) {
    case ERROR_FILE_INVALID:
        return APR_EOF;
    case ERROR_INVALID_FUNCTION:
    case ERROR_NOT_SUPPORTED:
    case ERROR_BAD_EXE_FORMAT: /* that is how STATUS_INVALID_FILE_FOR_SECTION comes out */
        return APR_ENOTIMPL;
    default:
        return memory_status(error);
    }
}

/* That there is no view. The section ends before it: so STATUS_INVALID_VIEW_SIZE comes out,
   as we may read what is open for reading; of an offset behind the end Wine says the other. */
static apr_status_t view_status(DWORD error)
{
    return error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_PARAMETER
               ? APR_EOF
               : memory_status(error);
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    const apr_uint64_t from = (apr_uint64_t)offset;
    DWORD error = ERROR_SUCCESS;
    HANDLE section;
    void *address;

    /* The null handle and that of no file would ask for a section of the paging file. */
    if (file == NULL || file == INVALID_HANDLE_VALUE) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    /* As large as the file is now. It takes addresses for the view alone. */
    section = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    if (section == NULL) {
        return section_status(GetLastError());
    }
    address = MapViewOfFile(section, FILE_MAP_READ, (DWORD)(from >> 32),
                            (DWORD)(from & 0xffffffffu), length);
    if (address == NULL) {
        error = GetLastError();
    }
    CloseHandle(section);
    if (address == NULL) {
        return view_status(error);
    }
    mapping->address = address;
    mapping->length = length;
    mapping->memory = 0;
    return APR_SUCCESS;
}

apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length)
{
    void *address = VirtualAlloc(NULL, length, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    if (address == NULL) {
        return memory_status(GetLastError());
    }
    mapping->address = address;
    mapping->length = length;
    mapping->memory = 1;
    return APR_SUCCESS;
}

apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping)
{
    if (mapping->address != NULL &&
        !(mapping->memory ? VirtualFree(mapping->address, 0, MEM_RELEASE)
                          : UnmapViewOfFile(mapping->address))) {
        return smmap__windows_status(GetLastError());
    }
    mapping->address = NULL;
    mapping->length = 0;
    mapping->memory = 0;
    return APR_SUCCESS;
}

/* Since Windows 8. The structure is WIN32_MEMORY_RANGE_ENTRY. */
typedef struct range_entry_t {
    void *address;
    SIZE_T bytes;
} range_entry_t;

typedef BOOL(WINAPI *prefetch_t)(HANDLE process, ULONG_PTR count, range_entry_t *ranges,
                                 ULONG flags);

static apr_status_t prefetch(void *address, apr_size_t length)
{
    /* By way of a function pointer of another type: not all compilers let the one
       become the other at once. */
    prefetch_t function = (prefetch_t)(void (*)(void))smmap__windows_function(
        "PrefetchVirtualMemory");
    range_entry_t range;

    if (function == NULL) {
        return APR_ENOTIMPL;
    }
    range.address = address;
    range.bytes = length;
    return function(GetCurrentProcess(), 1, &range, 0) ? APR_SUCCESS
                                                       : smmap__windows_status(GetLastError());
}

/* Unlocking pages that are not locked takes them out of the working set; that they were
   not locked is then the error. There are calls with better names, but none that takes
   a part of a view: OfferVirtualMemory is for private memory, EmptyWorkingSet for all. */
static apr_status_t trim(void *address, apr_size_t length)
{
    if (VirtualUnlock(address, length) || GetLastError() == ERROR_NOT_LOCKED) {
        return APR_SUCCESS;
    }
    return smmap__windows_status(GetLastError());
}

apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice)
{
    switch (advice) {
    case SMMAP__OS_NORMAL:
        return APR_SUCCESS; /* there is nothing to take back */
    case SMMAP__OS_WILLNEED:
        return prefetch(mapping->address + offset, length);
    case SMMAP__OS_DONTNEED:
        return trim(mapping->address + offset, length);
    case SMMAP__OS_SEQUENTIAL:
    case SMMAP__OS_RANDOM:
    default:
        return APR_ENOTIMPL; /* it can only be said when a file is opened */
    }
}

/* Windows prefetches what is mapped, and nothing else. To map the range for that moment
   would be a mapping that no limit counts. */
apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
    (void)file;
    (void)offset;
    (void)length;
    (void)advice;
    return APR_ENOTIMPL;
}

/* Windows tells which pages are in the working set of this process. A page that is in
   memory, but was not touched by this process for a while, counts as missing. */
apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages)
{
    PSAPI_WORKING_SET_EX_INFORMATION facts[128];
    const apr_size_t most = sizeof facts / sizeof facts[0];
    SYSTEM_INFO system;
    apr_size_t count;
    apr_size_t done;

    GetSystemInfo(&system);
    count = length / system.dwPageSize + (length % system.dwPageSize != 0);
    for (done = 0; done < count; done += most) {
        apr_size_t now = count - done < most ? count - done : most;
        apr_size_t i;

        for (i = 0; i < now; i++) {
            facts[i].VirtualAddress = mapping->address + offset + (done + i) * system.dwPageSize;
            facts[i].VirtualAttributes.Flags = 0;
        }
        if (!QueryWorkingSetEx(GetCurrentProcess(), facts, (DWORD)(now * sizeof facts[0]))) {
            return smmap__windows_status(GetLastError());
        }
        for (i = 0; i < now; i++) {
            pages[done + i] = facts[i].VirtualAttributes.Valid != 0;
        }
    }
    return APR_SUCCESS;
}

/* User Account Control lets a program have more rights than the one that started it. Wine has
   nothing like it, and says of every program that it was elevated (seen in 8.0). */
int smmap__os_environment_is_trusted(void)
{
    TOKEN_ELEVATION_TYPE type = TokenElevationTypeFull;
    DWORD length = 0;
    HANDLE token;

    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        if (!GetTokenInformation(token, TokenElevationType, &type, sizeof type, &length)) {
            type = TokenElevationTypeFull;
        }
        CloseHandle(token);
    }
    return type != TokenElevationTypeFull || smmap__windows_is_wine();
}

/* The fences: FlushProcessWriteBuffers makes every processor that runs a thread of this
   process execute a barrier. In Wine it does nothing (seen in 8.0, by the test of the
   fences), so there both sides execute a fence of their own. */
int smmap__os_fence_asymmetric(void)
{
    return !smmap__windows_is_wine();
}

void smmap__os_fence_heavy(void)
{
    MemoryBarrier();
    FlushProcessWriteBuffers();
}

/* Windows has no forks. (What POSIX subsystems do below is not for programs of Win32.) */
apr_status_t smmap__os_fork_watch(void)
{
    return APR_SUCCESS;
}

unsigned smmap__os_forks(void)
{
    return 0;
}
