/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard and the program's own handlers, on Windows, where faults are exceptions and not
 * signals: test_signals.c is the same module for POSIX systems. What is not ours goes to
 * the vectored handlers of the program, whether they were there before the guard or came
 * later, and at last to its filter for unhandled exceptions.
 */
#define _WIN32_WINNT 0x0601

#include "tests/support/harness.h"

#include <windows.h>

#include <string.h>

#include "tests/fake/backend.h"

static apr_size_t page;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static void guard_on(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    page = smmap_page_size();
    file = file_make("file", 8 * page);
    options.guard = SMMAP_GUARD_ON;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
}

/* A guarded read of a page that is lost. */
static int is_survived(void)
{
    apr_uint64_t before = manager_stats(manager).faults;
    unsigned char bytes[10];

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    native_lose(smmap_cursor_data(cursor) + 2 * page, page);
    return smmap_cursor_read(cursor, (apr_off_t)(2 * page), bytes, 10, NULL) == APR_SUCCESS &&
           memcmp(bytes, file.data + 2 * page, 10) == 0 &&
           manager_stats(manager).faults == before + 1;
}

/* A page of a mapping of the test's own, or memory that the program writes to. */
static volatile unsigned char *foreign;

static void foreign_make(void)
{
    HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0,
                                        (DWORD)page, NULL);

    NEED(section != NULL);
    foreign = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, page);
    NEED(foreign != NULL);
    NEED(CloseHandle(section));
    memset((void *)(ULONG_PTR)foreign, 77, page);
    native_lose(foreign, page);
}

static void foreign_drop(void)
{
    NEED(UnmapViewOfFile((void *)(ULONG_PTR)foreign));
}

/* The program's handlers. */

static volatile int calls;
static volatile ULONG_PTR seen_address;
static volatile DWORD seen_code;

/* Mends what is foreign; ours it only counts. */
static LONG CALLBACK mend(EXCEPTION_POINTERS *facts)
{
    const EXCEPTION_RECORD *record = facts->ExceptionRecord;
    ULONG_PTR address = record->NumberParameters >= 2 ? record->ExceptionInformation[1] : 0;
    DWORD before;

    if (record->ExceptionCode != (DWORD)EXCEPTION_IN_PAGE_ERROR) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    calls++;
    seen_code = record->ExceptionCode;
    seen_address = address;
    if (address < (ULONG_PTR)foreign || address >= (ULONG_PTR)foreign + page) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    VirtualProtect((void *)(ULONG_PTR)foreign, page, PAGE_READWRITE, &before);
    return EXCEPTION_CONTINUE_EXECUTION;
}

/* A fault of the program's own, and one in the destination of a guarded copy, which is the
   program's, too. */
static void is_told(void)
{
    calls = 0;
    foreign_make();
    CHECK_NUMBER(foreign[5], 77);
    CHECK_NUMBER(calls, 1);
    CHECK_NUMBER(seen_code, EXCEPTION_IN_PAGE_ERROR);
    CHECK(seen_address == (ULONG_PTR)(foreign + 5));
    foreign_drop();

    foreign_make();
    NEED_OK(smmap_cursor_use(cursor, 0, 0)); /* or it is read by the system, as it is small */
    CHECK_OK(smmap_cursor_read(cursor, 0, (void *)(ULONG_PTR)(foreign + 7), 100, NULL));
    CHECK_NUMBER(calls, 2);
    CHECK(memcmp((void *)(ULONG_PTR)(foreign + 7), file.data, 100) == 0);
    foreign_drop();
}

static void handlers_before(void)
{
    PVOID handler;

    NEEDS_REAL();
    handler = AddVectoredExceptionHandler(1, mend);
    guard_on();
    CHECK(is_survived());
    is_told();
    CHECK(is_survived());
    CHECK(RemoveVectoredExceptionHandler(handler));
}

static void handlers_after(void)
{
    PVOID handler;
    int i;

    NEEDS_REAL();
    guard_on();
    handler = AddVectoredExceptionHandler(1, mend);
    CHECK(is_survived());
    is_told();
    for (i = 0; i < 40; i++) {
        CHECK_OK(smmap_manager_reinstall_guard(manager));
    }
    CHECK(is_survived());
    is_told();
    CHECK(RemoveVectoredExceptionHandler(handler));
    CHECK(is_survived());
}

/* Nobody handles it: then it is the program's filter that is asked. This one ends the thread
   in the place of the process. */

static volatile DWORD unhandled;

static LONG WINAPI end_thread(EXCEPTION_POINTERS *facts)
{
    unhandled = facts->ExceptionRecord->ExceptionCode;
    ExitThread(3);
}

static volatile unsigned char sink;

static DWORD WINAPI touch_foreign(LPVOID unused)
{
    (void)unused;
    sink = foreign[5];
    return 1;
}

/* A page of ours, by a pointer that nothing guards. */
static DWORD WINAPI touch_ours(LPVOID data)
{
    sink = *(const volatile unsigned char *)data;
    return 1;
}

static void ends(LPTHREAD_START_ROUTINE run, const volatile unsigned char *data)
{
    HANDLE thread = CreateThread(NULL, 0, run, (LPVOID)(ULONG_PTR)data, 0, NULL);
    DWORD code = 0;

    NEED(thread != NULL);
    NEED(WaitForSingleObject(thread, 20000) == WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code));
    CHECK(CloseHandle(thread));
    CHECK_NUMBER(code, 3);
    CHECK_NUMBER(unhandled, EXCEPTION_IN_PAGE_ERROR);
    unhandled = 0;
}

static void ends_as_before(void)
{
    LPTOP_LEVEL_EXCEPTION_FILTER before;

    NEEDS_REAL();
    guard_on();
    CHECK(is_survived());
    foreign_make();
    before = SetUnhandledExceptionFilter(end_thread);
    ends(touch_foreign, NULL);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    native_lose(smmap_cursor_data(cursor) + 3 * page, page);
    ends(touch_ours, smmap_cursor_data(cursor) + 3 * page);
    SetUnhandledExceptionFilter(before);
    foreign_drop();
    CHECK(is_survived());
}

static void signal_stack(void)
{
    test_skip("Windows has no stacks for signals");
}

static void in_a_copy(void)
{
    test_skip("a handler of Windows does not leave by a jump");
}

static const test_case_t signals_cases[] = {{"handlers_before", handlers_before},
                                            {"handlers_after", handlers_after},
                                            {"ends_as_before", ends_as_before},
                                            {"in_a_copy", in_a_copy},
                                            {"signal_stack", signal_stack},
                                            {NULL, NULL}};
const test_module_t test_signals = {"signals", signals_cases};
