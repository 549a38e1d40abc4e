/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: backtraces, for the reports of paranoid mode. A frame is named by its module and the
 * offset in it.
 */
#include "backends/windows/internal.h"

#include <stdio.h>
#include <string.h>

/* RtlCaptureStackBackTrace, which not all headers have. */
typedef USHORT(WINAPI *capture_t)(ULONG skipped, ULONG most, void **frames, ULONG *hash);

unsigned smmap__os_backtrace(void **frames, unsigned most)
{
    capture_t capture = (capture_t)smmap__windows_function("RtlCaptureStackBackTrace");

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
