/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * platform.h for Windows: processes, memory, and what the runner wants.
 *
 * Windows cannot fork. A child is this program again, and its arguments say what it
 * has to do. All children are in one job, so that none outlives the parent, however
 * that ends.
 */
#define _WIN32_WINNT 0x0601
#define _CRT_SECURE_NO_WARNINGS 1 /* for Microsoft's headers */

#include "harness.h"

#include <windows.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* A child that was busy for too long ends with this. */
#define TOO_LONG 124

int native_fork(int (*run)(void *), void *argument)
{
    (void)run;
    (void)argument;
    test_skip_now("Windows cannot fork a process");
}

int native_limit_handles(int more)
{
    (void)more;
    return 0;
}

int native_limit_memory(apr_size_t more)
{
    (void)more;
    return 0;
}

int native_become_nobody(int effective)
{
    (void)effective;
    return 0;
}

int native_is_root(void)
{
    return 0;
}

static HANDLE alarm_timer;

static VOID CALLBACK on_alarm(PVOID unused, BOOLEAN fired)
{
    (void)unused;
    (void)fired;
    TerminateProcess(GetCurrentProcess(), TOO_LONG);
}

/* One timer that is set again and again: to make one opens handles, which the harness
   would count. */
void native_alarm(unsigned seconds)
{
    const DWORD far_away = 0x7fffffff;
    DWORD due = seconds != 0 ? seconds * 1000 : far_away;

    if (alarm_timer == NULL) {
        CreateTimerQueueTimer(&alarm_timer, NULL, on_alarm, NULL, due, 0, WT_EXECUTEONLYONCE);
    } else {
        ChangeTimerQueueTimer(NULL, alarm_timer, due, 0);
    }
}

void native_exit(int code)
{
    _exit(code);
}

void *native_aligned(apr_size_t alignment, apr_size_t size)
{
    return _aligned_malloc(size, alignment);
}

void native_aligned_free(void *memory)
{
    _aligned_free(memory);
}

apr_status_t native_protect(void *memory, apr_size_t size, int allowed)
{
    DWORD before;

    return VirtualProtect(memory, size, allowed ? PAGE_READWRITE : PAGE_NOACCESS, &before)
               ? APR_SUCCESS
               : APR_FROM_OS_ERROR((apr_status_t)GetLastError());
}

static SRWLOCK the_lock = SRWLOCK_INIT;

void fake_lock(void)
{
    AcquireSRWLockExclusive(&the_lock);
}

void fake_unlock(void)
{
    ReleaseSRWLockExclusive(&the_lock);
}

/* For the runner. */

static HANDLE job(void)
{
    static HANDLE made;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;

    if (made == NULL) {
        made = CreateJobObjectW(NULL, NULL);
        memset(&limits, 0, sizeof limits);
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        SetInformationJobObject(made, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    }
    return made;
}

int native_child_start(native_child_t *child, native_order_t *order,
                       int (*run)(const native_order_t *order))
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    PROCESS_INFORMATION process;
    STARTUPINFOA startup;
    char program[2048];
    char line[8192];
    HANDLE from;
    HANDLE to;
    BOOL started;

    (void)run;
    fflush(stdout);
    if (GetModuleFileNameA(NULL, program, sizeof program) == sizeof program ||
        !CreatePipe(&from, &to, &inherited, 0)) {
        return 0;
    }
    SetHandleInformation(from, HANDLE_FLAG_INHERIT, 0);
    /* None of them holds a quote, or a backslash before one. */
    snprintf(line, sizeof line, "\"%s\" --child %u %lu %lu %lu %lu \"%s\"%s%s%s", program,
             order->first, (unsigned long)order->granularity, (unsigned long)(order->seed >> 32),
             (unsigned long)(order->seed & 0xffffffffu), (unsigned long)(apr_uintptr_t)to,
             order->root, order->only != NULL ? " \"" : "",
             order->only != NULL ? order->only : "", order->only != NULL ? "\"" : "");
    memset(&startup, 0, sizeof startup);
    startup.cb = sizeof startup;
    started = CreateProcessA(program, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL,
                             &startup, &process);
    CloseHandle(to);
    if (!started) {
        CloseHandle(from);
        return 0;
    }
    AssignProcessToJobObject(job(), process.hProcess);
    ResumeThread(process.hThread);
    CloseHandle(process.hThread);
    child->process = (apr_int64_t)(apr_uintptr_t)process.hProcess;
    child->from = _fdopen(_open_osfhandle((intptr_t)from, _O_RDONLY | _O_TEXT), "r");
    return child->from != NULL;
}

int native_child_main(int argc, char **argv, int (*run)(const native_order_t *order))
{
    native_order_t order;
    HANDLE report;

    if (argc < 8 || strcmp(argv[1], "--child") != 0) {
        return -1;
    }
    memset(&order, 0, sizeof order);
    order.first = (unsigned)strtoul(argv[2], NULL, 10);
    order.granularity = (apr_size_t)strtoul(argv[3], NULL, 10);
    order.seed = (apr_uint64_t)strtoul(argv[4], NULL, 10) << 32 | strtoul(argv[5], NULL, 10);
    report = (HANDLE)(apr_uintptr_t)strtoul(argv[6], NULL, 10);
    order.root = argv[7];
    order.only = argc > 8 ? argv[8] : NULL;
    /* No process that a test starts should have it. */
    SetHandleInformation(report, HANDLE_FLAG_INHERIT, 0);
    order.report = _fdopen(_open_osfhandle((intptr_t)report, _O_WRONLY | _O_TEXT), "w");
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX); /* no windows that wait */
    return order.report == NULL ? 1 : run(&order);
}

int native_child_wait(native_child_t *child, char *how, apr_size_t size)
{
    HANDLE process = (HANDLE)(apr_uintptr_t)child->process;
    DWORD code = 1;

    WaitForSingleObject(process, INFINITE);
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    if (code == TOO_LONG) {
        snprintf(how, size, "was still busy after some minutes");
    } else {
        snprintf(how, size, "ended with exit code 0x%lx", (unsigned long)code);
    }
    return code == 0;
}

/* ^C ends the whole job; there is nothing to be told on the way. */
void native_catch_signals(void)
{
}

int native_interrupted(void)
{
    return 0;
}

void native_end_interrupted(native_child_t *child, void (*clean_up)(void))
{
    (void)child;
    clean_up();
    exit(1);
}

/* With slashes, as APR spells paths. */
int native_make_root(char *path, apr_size_t size)
{
    char base[MAX_PATH + 1];
    DWORD length = GetTempPathA(sizeof base, base);
    unsigned attempt;
    char *slash;

    if (length == 0 || length > MAX_PATH) {
        errno = ENOENT;
        return 0;
    }
    while ((slash = strchr(base, '\\')) != NULL) {
        *slash = '/';
    }
    for (attempt = 0; attempt < 100; attempt++) {
        snprintf(path, size, "%ssmmap-test-%lu-%u", base, (unsigned long)GetCurrentProcessId(),
                 attempt);
        if (CreateDirectoryA(path, NULL)) {
            return 1;
        }
    }
    errno = EEXIST;
    return 0;
}

/* The C library has no lines: it would fill its buffer. And it would end them as Windows
   does, which those who read the results do not expect. */
void native_line_buffered(FILE *file)
{
    _setmode(_fileno(file), _O_BINARY);
    setvbuf(file, NULL, _IONBF, 0);
}

/* Nothing here limits these. */

int native_refuse_fences(int slow_ones)
{
    (void)slow_ones;
    return 0;
}

apr_size_t native_waits(void)
{
    return 0;
}

void native_limit_file_size(apr_off_t size)
{
    (void)size;
    test_skip_now("the size of files is not limited here");
}

void native_limit_none(void)
{
}

int native_take_mappings(unsigned leave)
{
    (void)leave;
    return 0;
}

void native_give_mappings(void)
{
}

void native_take_memory(void)
{
}

void native_give_memory(void)
{
}
