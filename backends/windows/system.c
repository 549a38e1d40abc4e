/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: facts about the machine and the process, and functions that are looked up by name.
 * No state.
 */
#include "backends/windows/internal.h"

static smmap__windows_function_t *function_of(const WCHAR *library, const char *name)
{
    return (smmap__windows_function_t *)GetProcAddress(GetModuleHandleW(library), name);
}

smmap__windows_function_t *smmap__windows_function(const char *name)
{
    return function_of(L"kernel32.dll", name);
}

smmap__windows_function_t *smmap__windows_nt_function(const char *name)
{
    return function_of(L"ntdll.dll", name);
}

int smmap__windows_is_wine(void)
{
    return smmap__windows_nt_function("wine_get_version") != NULL;
}

void smmap__os_info(smmap__os_info_t *info)
{
    SYSTEM_INFO system;

    GetSystemInfo(&system);
    info->page_size = system.dwPageSize;
    info->granularity = system.dwAllocationGranularity;
    info->address_bits = (int)sizeof(void *) * 8;
    info->max_open_files = 0; /* some millions: memory runs out first */
    info->shrink = SMMAP__OS_SHRINK_REFUSED;
    info->case_insensitive = 1;
    info->lexical_dots = 1;
}

apr_status_t smmap__os_memory(smmap__os_memory_t *memory)
{
    MEMORYSTATUSEX status;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION job;

    status.dwLength = sizeof status;
    if (!GlobalMemoryStatusEx(&status)) {
        return smmap__windows_status(GetLastError());
    }
    memory->most = status.ullTotalPhys;
    memory->pressed = 0;
    /* NULL: the job of this process; it fails where there is none. */
    if (QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation, &job, sizeof job,
                                  NULL)) {
        const DWORD flags = job.BasicLimitInformation.LimitFlags;

        if ((flags & JOB_OBJECT_LIMIT_JOB_MEMORY) && job.JobMemoryLimit < memory->most) {
            memory->most = job.JobMemoryLimit;
        }
        if ((flags & JOB_OBJECT_LIMIT_PROCESS_MEMORY) && job.ProcessMemoryLimit < memory->most) {
            memory->most = job.ProcessMemoryLimit;
        }
        if ((flags & JOB_OBJECT_LIMIT_WORKINGSET) &&
            job.BasicLimitInformation.MaximumWorkingSetSize < memory->most) {
            memory->most = job.BasicLimitInformation.MaximumWorkingSetSize;
        }
    }
    return APR_SUCCESS;
}

/* User Account Control can give a program more rights than its parent has. Wine reports every
   program as elevated (seen in 8.0), and elevates none. */
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

apr_int64_t smmap__os_clock(void)
{
    LARGE_INTEGER ticks;
    LARGE_INTEGER in_second;

    /* Neither fails, since Windows XP. Divided first, so that nothing overflows. */
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&in_second);
    return ticks.QuadPart / in_second.QuadPart * 1000000000 +
           ticks.QuadPart % in_second.QuadPart * 1000000000 / in_second.QuadPart;
}

/* Win32 does not cancel threads at points of their own. */
int smmap__os_cancel_disable(void)
{
    return 0;
}

void smmap__os_cancel_restore(int state)
{
    (void)state;
}

void smmap__os_cancel_point(void)
{
}

/* Win32 has no fork(). */
apr_status_t smmap__os_fork_watch(void (*before)(void), void (*in_parent)(void),
                                  void (*in_child)(void))
{
    (void)before;
    (void)in_parent;
    (void)in_child;
    return APR_SUCCESS;
}

static DWORD WINAPI begin(void *argument)
{
    const smmap__os_thread_t *thread = argument;

    thread->run(thread->argument);
    return 0;
}

apr_status_t smmap__os_thread_start(smmap__os_thread_t *thread)
{
    HMODULE self;
    HANDLE started = NULL;

    if (GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                               GET_MODULE_HANDLE_EX_FLAG_PIN,
                           (LPCWSTR)(uintptr_t)begin, &self)) {
        started = CreateThread(NULL, 0, begin, thread, 0, NULL);
    }
    if (started == NULL) {
        return smmap__windows_status(GetLastError());
    }
    CloseHandle(started);
    return APR_SUCCESS;
}
