/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: the report of a stale pointer, in paranoid mode.
 *
 * A vectored handler says on standard error which file and which offset it was, if the page of an
 * access violation belongs to a window that nobody pins; it never handles the exception, so the
 * process ends as it would have without us. It takes no lock and allocates nothing, and restores
 * the last error of the thread. Once it is installed, the library stays loaded.
 */
#include "backends/windows/internal.h"

#include "backends/stale.h"

static SRWLOCK writing = SRWLOCK_INIT;
static int watched;

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    const DWORD error = GetLastError();
    const stale_t *entry;
    char line[STALE_LINE];
    uintptr_t fault;
    DWORD wrote;

    if (record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION && record->NumberParameters >= 2) {
        fault = record->ExceptionInformation[1];
        entry = stale_find(fault);
        if (entry != NULL) {
            WriteFile(GetStdHandle(STD_ERROR_HANDLE), line, (DWORD)stale_line(entry, fault, line),
                      &wrote, NULL);
            SetLastError(error);
        }
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

void smmap__os_stale_watch(void)
{
    HMODULE self;

    AcquireSRWLockExclusive(&writing);
    /* What cannot be installed reports nothing; all else is as it was. */
    if (!watched &&
        GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                           (LPCWSTR)(uintptr_t)on_exception, &self)) {
        watched = AddVectoredExceptionHandler(1, on_exception) != NULL;
    }
    ReleaseSRWLockExclusive(&writing);
}

void smmap__os_stale_note(const smmap__os_stale_t *stale)
{
    AcquireSRWLockExclusive(&writing);
    stale_write(stale);
    ReleaseSRWLockExclusive(&writing);
}

void smmap__os_stale_forget(const unsigned char *address)
{
    AcquireSRWLockExclusive(&writing);
    stale_erase((uintptr_t)address);
    ReleaseSRWLockExclusive(&writing);
}
