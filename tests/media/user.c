/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of fuse.c: one that breaks and is repaired, one whose reads hang, and one that
 * cannot be mapped.
 *
 * A hang is shown by order alone. The server holds a read until it is told to let it go, and
 * tells how many it holds. So while a thread hangs, the others do their work; when they have
 * done it, the gate is opened, and only then can the thread go on. A library that let them
 * wait for it would never come to the end: an alarm ends the program.
 */
#include "media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "tests/fake/memory.h"

enum { SIZE = 4 << 20, MIDDLE = SIZE / 2, FAR = MIDDLE + (1 << 20) };

static void order(const char *what)
{
    media_file_t file;

    media_path(&file, what);
    if (unlink(file.path) != 0) {
        stress_bad("the server does not %s: %s", what, strerror(errno));
    }
}

/* How many reads the server holds back. */
static int held_back(void)
{
    media_file_t file;
    char text[32] = "";
    int from;

    media_path(&file, "waiting");
    from = open(file.path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || read(from, text, sizeof text - 1) < 1) {
        stress_bad("the server does not tell who waits");
    }
    close(from);
    return atoi(text);
}

/* What the system has in memory of a file goes. Nothing may be mapped. */
static void forget(const char *name)
{
    media_file_t file;
    int from;

    media_path(&file, name);
    from = open(file.path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        stress_bad("the pages of %s cannot be dropped", name);
    }
    close(from);
}

/* Files that break. */

static void break_and_repair(smmap_guard_t guard, apr_size_t windows)
{
    media_file_t file;
    apr_size_t faults;

    order("break");
    media_manage(guard, windows, 4);
    media_open(&file, "broken");
    media_reads(&file, 0, MIDDLE / 2);
    media_refuses(&file, FAR, 1);
    media_refuses(&file, FAR + 1000, 3 * media.page);
    media_reads(&file, 1000, MIDDLE / 2);
    media_points(&file, FAR, SMMAP_EFAULT);
    media_points(&file, 0, APR_SUCCESS);
    faults = stress_stats().faults;
    stress_most("faults that had to be", 1, faults); /* a copy may find that maps are dear */
    order("repair");
    media_reads(&file, FAR, SIZE - FAR);
    media_points(&file, FAR, APR_SUCCESS);
    stress_equal("faults after it was repaired", stress_stats().faults, faults);
    media_close(&file);
    media_settle(faults);
}

static void broken(void)
{
    break_and_repair(SMMAP_GUARD_ON, 0);
    break_and_repair(SMMAP_GUARD_ON, 16);
}

static void broken_strict(void)
{
    break_and_repair(SMMAP_GUARD_STRICT, 0);
    break_and_repair(SMMAP_GUARD_STRICT, 16);
}

/* A read that hangs. */

static media_file_t slow;
static atomic_int done; /* 1: the slow read has ended */

static void *APR_THREAD_FUNC read_slowly(apr_thread_t *thread, void *unused)
{
    unsigned char bytes[100];
    apr_size_t got = 0;

    (void)thread;
    (void)unused;
    media_status(smmap_cursor_read(slow.cursor, FAR, bytes, sizeof bytes, &got), APR_SUCCESS,
                 "a slow copy");
    stress_equal("bytes of a slow copy", got, sizeof bytes);
    media_same(bytes, FAR, got, "a slow copy");
    atomic_store(&done, 1);
    return NULL;
}

/* Hits, misses and copies in the files that do not hang, and in the one that does. */
static void work_meanwhile(void)
{
    media_file_t others[10];
    media_file_t again;
    unsigned f;
    unsigned i;

    for (f = 0; f < 10; f++) {
        char name[] = "good0";

        name[4] = (char)('0' + f);
        media_open(&others[f], name);
    }
    media_open(&again, "slow");
    for (i = 0; i < 60; i++) {
        media_file_t *file = &others[i * 7 % 10];

        media_reads(file, (apr_off_t)i * 60000, 5000);
        media_points(file, (apr_off_t)(i * 31 % 64) * 65536, APR_SUCCESS);
        media_reads(&again, (apr_off_t)i * 30000 % (MIDDLE / 2), 3000);
        media_status(smmap_cursor_refresh(again.cursor), APR_SUCCESS, "refresh");
    }
    media_status(smmap_manager_collect(stress.manager, NULL), APR_SUCCESS, "collect");
    media_status(smmap_manager_drop(stress.manager, again.path, NULL), APR_SUCCESS, "release");
    media_reads(&again, 1000, 1000);
    for (f = 0; f < 10; f++) {
        media_close(&others[f]);
    }
    media_close(&again);
}

/* past: the slow read is a read of the system, not one of a window. */
static void hang(apr_size_t windows, int past, apr_size_t max_files)
{
    apr_thread_t *thread = NULL;
    apr_status_t result;

    forget("slow");
    order("close-gate");
    media_manage(SMMAP_GUARD_ON, windows, max_files);
    if (past) {
        /* What is over the limit is evicted, and from then on reads bypass cold windows. */
        media_file_t file;

        smmap_manager_destroy(stress.manager);
        stress.options.max_mapped_bytes = windows * media.page;
        stress_manage();
        media_open(&file, "good");
        media_points(&file, 0, APR_SUCCESS);
        media_points(&file, FAR, APR_SUCCESS);
        media_close(&file);
    }
    media_open(&slow, "slow");
    media_reads(&slow, 0, 100);
    atomic_store(&done, 0);
    if (apr_thread_create(&thread, NULL, read_slowly, NULL, stress.pool) != APR_SUCCESS) {
        stress_bad("a thread cannot be started");
        return;
    }
    while (held_back() == 0 && atomic_load(&stress.bad) == 0) {
        usleep(1000);
    }
    work_meanwhile();
    stress_equal("slow reads that have ended", (apr_uint64_t)atomic_load(&done), 0);
    order("open-gate");
    apr_thread_join(&result, thread);
    stress_equal("slow reads that have ended", (apr_uint64_t)atomic_load(&done), 1);
    media_reads(&slow, MIDDLE, MIDDLE);
    media_close(&slow);
    media_settle(0);
}

static void hangs_in_window(void)
{
    hang(0, 0, 20);
    hang(16, 0, 20);
}

static void hangs_in_read(void)
{
    hang(16, 1, 20);
}

static void hangs_with_few_handles(void)
{
    hang(16, 0, 2);
    hang(16, 1, 2);
}

static atomic_int ended;

static void on_end(void *unused, apr_status_t status)
{
    (void)unused;
    (void)status;
    atomic_fetch_add(&ended, 1);
}

static int by_time(const void *left, const void *right)
{
    long long a = *(const long long *)left;
    long long b = *(const long long *)right;

    return (a > b) - (a < b);
}

static long long nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Copies of what hangs, of what is in memory in the same file, and of another file. How long they
   take is printed, and is no check. */
static void never_wait(void)
{
    enum { CALLS = 100000 };
    static long long taken[CALLS];
    static const struct {
        apr_off_t offset;
        apr_status_t status;
    } wanted[] = {{FAR, SMMAP_EWOULDBLOCK}, {1000, APR_SUCCESS}, {1000, APR_SUCCESS}};
    media_file_t good;
    unsigned char bytes[4000];
    int i;

    media_open(&good, "good");
    media_reads(&good, 0, SIZE);
    media_status(smmap_cursor_use(good.cursor, 0, 0), APR_SUCCESS, "use");
    media_status(smmap_cursor_use(slow.cursor, 0, 0), APR_SUCCESS, "use");
    for (i = 0; i < CALLS && atomic_load(&stress.bad) == 0; i++) {
        media_file_t *file = i % 3 == 2 ? &good : &slow;
        apr_off_t offset = wanted[i % 3].offset;
        apr_size_t got = 0;
        long long begin = nanoseconds();
        apr_status_t status =
            smmap_cursor_read_nowait(file->cursor, offset, bytes, sizeof bytes, &got);

        taken[i] = nanoseconds() - begin;
        if (!APR_STATUS_IS_ENOTIMPL(status)) {
            media_status(status, wanted[i % 3].status, "a copy that must not wait");
            media_same(bytes, offset, got, "a copy that does not wait");
        }
    }
    media_close(&good);
    qsort(taken, CALLS, sizeof taken[0], by_time);
    printf("  read_nowait beside reads that hang: 99.9 %% of %d calls took %.1f us or less, the "
           "longest %.1f\n",
           CALLS, (double)taken[CALLS - CALLS / 1000] / 1000, (double)taken[CALLS - 1] / 1000);
}

/* Reading ahead where reads hang: no call waits for it, and the destruction of the manager neither.
   What hangs is given up when the server answers. */
static void hangs_in_fetch(void)
{
    smmap_range_t range = {NULL, FAR, 100000};
    int i;

    forget("slow");
    order("close-gate");
    media_manage(SMMAP_GUARD_ON, 16, 20);
    media_open(&slow, "slow");
    media_reads(&slow, 0, 100);
    atomic_store(&ended, 0);
    range.cursor = slow.cursor;
    media_status(smmap_manager_fetch(stress.manager, &range, 1, 0, on_end, NULL), APR_SUCCESS,
                 "fetch");
    while (held_back() == 0 && atomic_load(&stress.bad) == 0) {
        usleep(1000);
    }
    media_status(smmap_manager_fetch(stress.manager, &range, 1, 1000, NULL, NULL),
                 SMMAP_EWOULDBLOCK, "a fetch that waits for a moment");
    never_wait();
    work_meanwhile();
    media_close(&slow);
    media_status(smmap_manager_destroy(stress.manager), APR_SUCCESS, "destroy");
    stress_equal("fetches that have ended", (apr_uint64_t)atomic_load(&ended), 0);
    order("open-gate");
    /* The last thread frees the manager. */
    for (i = 0; (atomic_load(&ended) == 0 || fake_memory_blocks() > 0) && i < 20000; i++) {
        usleep(1000);
    }
    stress_equal("fetches that have ended", (apr_uint64_t)atomic_load(&ended), 1);
    stress_manage();
    media_settle(0);
}

/* Files that cannot be mapped. */

static void unmappable(smmap_guard_t guard, apr_size_t windows)
{
    media_file_t file;
    apr_off_t offset;
    smmap_stats_t stats;

    order("break");
    media_manage(guard, windows, 4);
    media_open(&file, "direct");
    media_points(&file, 0, APR_SUCCESS);
    stats = stress_stats();
    stress_equal("regions", stats.regions, 1);
    stress_equal("of these in memory", stats.buffered_regions, 1);
    stress_equal("bytes in memory", stats.buffered_bytes, stats.mapped_bytes);
    stress_equal("windows that were filled", stats.buffered, 1);
    for (offset = 0; offset < SIZE; offset += 100000) {
        media_reads(&file, offset, SIZE - offset < 5000 ? (apr_size_t)(SIZE - offset) : 5000);
        media_points(&file, offset, APR_SUCCESS);
    }
    media_status(smmap_cursor_require(file.cursor, 10, 3 << 20), APR_SUCCESS, "require");
    media_same(smmap_cursor_data(file.cursor), 10, smmap_cursor_size(file.cursor), "required");
    stress_equal("regions that are mapped", stress_stats().buffered_regions,
                 stress_stats().regions);
    media_close(&file);
    /* What cannot be read cannot be had as a window either. */
    media_open(&file, "spoiled");
    media_reads(&file, 0, 1000);
    media_refuses(&file, FAR, 1000);
    media_status(smmap_cursor_use(file.cursor, FAR, 1), APR_FROM_OS_ERROR(EIO), "use");
    order("repair");
    media_points(&file, FAR, APR_SUCCESS);
    media_reads(&file, FAR, 1000);
    media_close(&file);
    media_settle(0);
}

static void direct(void)
{
    unmappable(SMMAP_GUARD_ON, 0);
    unmappable(SMMAP_GUARD_ON, 16);
}

static void direct_strict(void)
{
    unmappable(SMMAP_GUARD_STRICT, 0);
    unmappable(SMMAP_GUARD_STRICT, 16);
}

static void unnumbered(void)
{
    media_file_t files[2];

    media_manage(SMMAP_GUARD_ON, 0, 4);
    media_open(&files[0], "unnumbered-1");
    media_open(&files[1], "unnumbered-2");
    stress_equal("files of a server that numbers none", stress_stats().files, 2);
    media_reads(&files[0], 0, MIDDLE);
    media_reads(&files[1], 1000, MIDDLE);
    media_close(&files[0]);
    media_close(&files[1]);
    media_settle(0);
}

const stress_scenario_t media_user[] = {
    {"user/broken", "a file answers EIO from its middle on, and is repaired", broken},
    {"user/broken-strict", "the same with the strict guard", broken_strict},
    {"user/direct", "files that cannot be mapped become windows in memory", direct},
    {"user/direct-strict", "the same with the strict guard", direct_strict},
    {"user/unnumbered", "files without inodes are told apart", unnumbered},
    {"user/hang-in-window", "a page hangs; others and other files go on", hangs_in_window},
    {"user/hang-in-read", "a read hangs; others and other files go on", hangs_in_read},
    {"user/hang-in-fetch", "what is read ahead hangs; no call waits for it", hangs_in_fetch},
    {"user/hang-few-handles", "the same, when handles have to be closed", hangs_with_few_handles},
    {NULL, NULL, NULL}};
