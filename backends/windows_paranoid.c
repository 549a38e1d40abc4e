/*
 * The Windows backend for paranoid mode: who may touch a mapping, and who called.
 *
 * Windows cannot put a barred range into the place of a view in one step. Between the two
 * another thread may get the addresses; then nothing is barred, and nothing else is lost.
 */
#define _WIN32_WINNT 0x0601

#include "backends/backend.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

#include "backends/windows.h"

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

apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *barred)
{
    if (barred->length != 0 && !VirtualFree(barred->address, 0, MEM_RELEASE)) {
        return smmap__windows_status(GetLastError());
    }
    memset(barred, 0, sizeof *barred);
    return APR_SUCCESS;
}

/* Not in all headers. */
typedef USHORT(WINAPI *capture_t)(ULONG skipped, ULONG most, void **frames, ULONG *hash);

unsigned smmap__os_backtrace(void **frames, unsigned most)
{
    /* The cast as in windows.c. */
    capture_t capture =
        (capture_t)(void (*)(void))smmap__windows_function("RtlCaptureStackBackTrace");

    return capture != NULL ? capture(1, most, frames, NULL) : 0; /* without this function */
}

void smmap__os_symbolize(const void *frame, char *text, apr_size_t size)
{
    const char *name = NULL;
    char path[MAX_PATH];
    HMODULE module;
    DWORD length;

    if (GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                               GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                           (LPCWSTR)frame, &module)) {
        length = GetModuleFileNameA(module, path, sizeof path);
        if (length > 0 && length < sizeof path) {
            name = strrchr(path, '\\');
            name = name != NULL ? name + 1 : path;
        }
    }
    if (name != NULL) {
        snprintf(text, size, "%s+0x%llx", name,
                 (unsigned long long)((const char *)frame - (const char *)module));
    } else {
        snprintf(text, size, "%p", frame);
    }
}
