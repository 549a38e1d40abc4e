/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's own handler of SIGBUS in the middle of a guarded copy: what is copied to is
 * the caller's, and may be a page that is gone. A part of test_signals.c.
 */
#include "test_signals.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 3 };

static apr_size_t unit;
static test_file_t file;
static smmap_cursor_t *cursor;
static unsigned char *volatile gone; /* PAGES of the test's own, behind the end of their file */
static volatile sig_atomic_t calls;
static sigjmp_buf way_out;

static void jump(int number)
{
    (void)number;
    calls++;
    siglongjmp(way_out, 1);
}

/* Also cut the file that is being copied from. */
static void mend(int number)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    (void)number;
    calls++;
    mmap(gone, PAGES * unit, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (truncate(file.path, 1) != 0) {
        _exit(50);
    }
}

/* The guard, before this handler of the program's. */
static void begin_copies(void (*handler)(int))
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    struct sigaction action;
    int fd;

    unit = smmap_granularity();
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    NEED(sigaction(SIGBUS, &action, NULL) == 0);
    options.guard = SMMAP_GUARD_ON;
    options.mode = SMMAP_MODE_STATIC;
    NEED_OK(smmap_manager_create(&manager, &options, test_pool));
    fd = file_open(file_make("gone", PAGES * unit).path);
    gone = mmap(NULL, PAGES * unit, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    NEED(gone != MAP_FAILED && file_resize(test_path("gone"), 0));
    file = file_make("file", (PAGES + 1) * unit);
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, test_pool));
}

/* A guarded read of a page that is lost. */
static int is_survived(void)
{
    unsigned char bytes[10];

    return file_resize(file.path, (apr_off_t)file.size) &&
           smmap_cursor_refresh(cursor) == APR_SUCCESS &&
           smmap_cursor_use(cursor, 0, 0) == APR_SUCCESS && file_resize(file.path, 1) &&
           smmap_cursor_read(cursor, (apr_off_t)(2 * unit), bytes, 10, NULL) == SMMAP_ETRUNCATED;
}

/* Where the frames of the copy were, other bytes stand when the program faults the next time. */
static int fault_over_other_bytes(void)
{
    volatile unsigned char other[16384];
    apr_size_t i;

    for (i = 0; i < sizeof other; i++) {
        other[i] = 0x41;
    }
    if (sigsetjmp(way_out, 1) == 0) {
        other[0] = *(volatile unsigned char *)gone;
        return 0;
    }
    return other[5] == 0x41;
}

static int jumped_out(void *unused)
{
    volatile int i;

    (void)unused;
    begin_copies(jump);
    for (i = 1; i <= 3; i++) {
        NEED_OK(smmap_cursor_use(cursor, 0, 0)); /* or it is read by the system, as it is small */
        if (sigsetjmp(way_out, 1) == 0) {
            smmap_cursor_read(cursor, 0, gone, 10, NULL);
            return 1;
        }
        if (!fault_over_other_bytes() || calls != 2 * i || !is_survived()) {
            return 2;
        }
    }
    return 0;
}

/* The handler returns, and the copy goes on into the next fault, which is ours. */
static int went_on(void *unused)
{
    apr_size_t got = 0;

    (void)unused;
    begin_copies(mend);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_STATUS(smmap_cursor_read(cursor, 0, gone, PAGES * unit, &got), SMMAP_ETRUNCATED);
    CHECK_NUMBER(calls, 1);
    CHECK_NUMBER(got, 1);
    return gone[0] == file.data[0] && is_survived() ? 0 : 1;
}

void signals_in_a_copy(void)
{
    CHECK_NUMBER(test_in_child(jumped_out, NULL), 0);
    CHECK_NUMBER(test_in_child(went_on, NULL), 0);
}
