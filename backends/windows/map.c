/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: mappings, their advice, residency and protection, and quarantined addresses. No state.
 *
 * A section is created for each view and closed at once: the view keeps alive what it needs.
 * One section for each file would save little, as Windows keeps the pages and tables of all
 * sections of a file in one place while one of them, or a view, is left. It would cost a handle
 * for each file, show the file's old size, and keep the file from being truncated.
 *
 * Windows cannot replace a view by reserved addresses in one step. In between another thread may
 * get the addresses; then nothing is quarantined, and nothing else is lost.
 */
#include "backends/windows/internal.h"

#define PSAPI_VERSION 2 /* QueryWorkingSetEx is in kernel32 */
#include <psapi.h>

#include <string.h>

/* Windows has more errors for a lack of memory than APR knows. The core reclaims memory when it
   sees one, so all of them become the one that APR knows. */
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

/* Why there is no section. Either the file is empty, or its file system cannot map: the driver
   never could, or refuses this file. */
static apr_status_t section_status(DWORD error)
{
    switch (error) {
    case ERROR_FILE_INVALID:
        return APR_EOF;
    case ERROR_INVALID_FUNCTION:
    case ERROR_NOT_SUPPORTED:
    case ERROR_BAD_EXE_FORMAT: /* STATUS_INVALID_FILE_FOR_SECTION */
        return APR_ENOTIMPL;
    default:
        return memory_status(error);
    }
}

/* Why there is no view. The first error is STATUS_INVALID_VIEW_SIZE, the section ends before the
   view does: that access is denied cannot be meant, as the file is open for reading. Wine reports
   the second for an offset behind the end. */
static apr_status_t view_status(DWORD error)
{
    return error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_PARAMETER ? APR_EOF
                                                                            : memory_status(error);
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    const apr_uint64_t from = (apr_uint64_t)offset;
    DWORD error = ERROR_SUCCESS;
    HANDLE section;
    void *address;

    /* CreateFileMapping would take both for a request for memory of the paging file. */
    if (file == NULL || file == INVALID_HANDLE_VALUE) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    }
    /* As large as the file is now. Only the view takes addresses. */
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
    memset(mapping, 0, sizeof *mapping);
    return APR_SUCCESS;
}

/* A view goes by itself. */
apr_status_t smmap__os_unmap_run(smmap__os_mapping_t *mappings, unsigned count, unsigned *done)
{
    apr_status_t status = smmap__os_unmap(mappings);

    (void)count;
    *done = status == APR_SUCCESS;
    return status;
}

/* PrefetchVirtualMemory, since Windows 8, and its WIN32_MEMORY_RANGE_ENTRY. */
typedef struct range_entry_t {
    void *address;
    SIZE_T bytes;
} range_entry_t;

typedef BOOL(WINAPI *prefetch_t)(HANDLE process, ULONG_PTR count, range_entry_t *ranges,
                                 ULONG flags);

static apr_status_t prefetch(void *address, apr_size_t length)
{
    prefetch_t function = (prefetch_t)smmap__windows_function("PrefetchVirtualMemory");
    range_entry_t range;

    if (function == NULL) {
        return APR_ENOTIMPL;
    }
    range.address = address;
    range.bytes = length;
    return function(GetCurrentProcess(), 1, &range, 0) ? APR_SUCCESS
                                                       : smmap__windows_status(GetLastError());
}

/* Unlocking pages that are not locked removes them from the working set, and fails because they
   were not locked. Calls with better names do not take a part of a view: OfferVirtualMemory is
   for private memory, EmptyWorkingSet for the whole process. */
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
        return APR_SUCCESS; /* there is no advice to take back */
    case SMMAP__OS_WILLNEED:
        return prefetch(mapping->address + offset, length);
    case SMMAP__OS_DONTNEED:
        return trim(mapping->address + offset, length);
    case SMMAP__OS_SEQUENTIAL:
    case SMMAP__OS_RANDOM:
    default:
        return APR_ENOTIMPL; /* Windows takes it only when a file is opened */
    }
}

/* Windows reports the pages in the working set of this process. A page that is in memory, but was
   not touched by the process for a while, counts as missing. */
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

apr_status_t smmap__os_residency_is_told(apr_os_file_t file)
{
    (void)file;
    return APR_SUCCESS;
}

apr_status_t smmap__os_protect(const smmap__os_mapping_t *mapping, int allowed)
{
    DWORD usual = mapping->memory ? PAGE_READWRITE : PAGE_READONLY;
    DWORD before;

    if (!VirtualProtect(mapping->address, mapping->length, allowed ? usual : PAGE_NOACCESS,
                        &before)) {
        return smmap__windows_status(GetLastError());
    }
    return APR_SUCCESS;
}

apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping)
{
    void *address = mapping->address;
    apr_size_t length = mapping->length;
    apr_status_t status = smmap__os_unmap(mapping);

    if (status == APR_SUCCESS &&
        VirtualAlloc(address, length, MEM_RESERVE, PAGE_NOACCESS) == address) {
        mapping->address = address;
        mapping->length = length;
    }
    return status;
}

apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *quarantined)
{
    if (quarantined->length != 0 && !VirtualFree(quarantined->address, 0, MEM_RELEASE)) {
        return smmap__windows_status(GetLastError());
    }
    memset(quarantined, 0, sizeof *quarantined);
    return APR_SUCCESS;
}
