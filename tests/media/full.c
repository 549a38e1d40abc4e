/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tmpfs that is full. To show a page of a hole by a mapping takes memory that it does not
 * have: SIGBUS. To read it takes none, and the bytes are zeroes, which is what the file holds.
 */
#include "media.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"

enum { HOLE = 1 << 20, SIZE = 8 << 20 };

static media_file_t sparse;
static media_file_t ballast;

/* A file that begins with a page of bytes and goes on as a hole; then there is no page left. */
static int fill_up(void)
{
    int into;
    ssize_t written = 0;

    media_path(&sparse, "sparse");
    media_path(&ballast, "ballast");
    into = open(sparse.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    media.bytes[0] = 0;
    if (into >= 0) {
        apr_size_t i;

        for (i = 0; i < media.page; i++) {
            media.bytes[i] = media_byte(i);
        }
        written = pwrite(into, media.bytes, media.page, 0);
        if (ftruncate(into, SIZE) != 0) {
            written = -1;
        }
        close(into);
    }
    if (into < 0 || written != (ssize_t)media.page) {
        stress_bad("%s cannot be made: %s", sparse.path, strerror(errno));
        return 0;
    }
    into = open(ballast.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    while (into >= 0 && (written = write(into, media.bytes, media.page)) > 0) {
    }
    if (into < 0 || written != -1 || errno != ENOSPC) {
        stress_bad("%s does not become full", media.directory);
    }
    close(into);
    return atomic_load(&stress.bad) == 0;
}

/* Does the system fault there at all? A child that touches the page knows. */
static int faults_here(void)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        int from = open(sparse.path, O_RDONLY | O_CLOEXEC);
        const volatile unsigned char *bytes =
            mmap(NULL, SIZE, PROT_READ, MAP_SHARED, from, 0);
        unsigned char byte;

        signal(SIGBUS, SIG_DFL);
        if (from < 0 || bytes == MAP_FAILED) {
            _exit(1);
        }
        byte = bytes[HOLE + 1];
        _exit(byte != 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGBUS;
}

static void zeroes(apr_off_t offset, apr_size_t size)
{
    apr_size_t got = 0;
    apr_size_t i;

    memset(media.bytes, 1, size);
    media_status(smmap_cursor_read(sparse.cursor, offset, media.bytes, size, &got), APR_SUCCESS,
                 "a copy of a hole");
    stress_equal("bytes of a hole", got, size);
    for (i = 0; i < got; i++) {
        if (media.bytes[i] != 0) {
            stress_bad("byte %llu of a hole is %02x", (unsigned long long)i, media.bytes[i]);
            return;
        }
    }
}

static void holes(smmap_guard_t guard, apr_size_t windows)
{
    apr_size_t faults;
    const unsigned char *byte;

    if (!fill_up()) {
        return;
    }
    if (!faults_here()) {
        stress_bad("a page of a hole can be had in a tmpfs that is full");
        return;
    }
    media_manage(guard, windows, 4);
    media_open(&sparse, "sparse");
    media_reads(&sparse, 0, media.page);
    zeroes(HOLE + 10, 100);
    faults = stress_stats().faults;
    stress_equal("faults of one copy", faults, 0); /* it was read */
    zeroes(2 * HOLE - 5, 2 * media.page);
    stress_most("faults", faults, stress_stats().faults);
    media_reads(&sparse, 0, media.page);
    media_points(&sparse, 5 * HOLE, SMMAP_EFAULT);
    media_points(&sparse, 0, APR_SUCCESS);
    /* With room again pointers work, too, through the same cursor. */
    media_status(unlink(ballast.path) == 0 ? APR_SUCCESS : errno, APR_SUCCESS, "unlink");
    faults = stress_stats().faults;
    media_status(smmap_cursor_begin_guard(sparse.cursor), APR_SUCCESS, "begin_guard");
    media_status(smmap_cursor_use(sparse.cursor, 5 * HOLE, 1), APR_SUCCESS, "use");
    byte = smmap_cursor_data(sparse.cursor);
    stress_equal("a byte of a hole", byte != NULL ? *byte : 1, 0);
    media_status(smmap_cursor_end_guard(sparse.cursor), APR_SUCCESS, "end_guard");
    zeroes(6 * HOLE, 1000);
    stress_equal("faults after there is room", stress_stats().faults, faults);
    media_close(&sparse);
    media_settle(SIZE_MAX);
    unlink(sparse.path);
}

static void whole_file(void)
{
    holes(SMMAP_GUARD_ON, 0);
}

static void windows_strict(void)
{
    holes(SMMAP_GUARD_STRICT, 16);
}

const stress_scenario_t media_full[] = {
    {"full/whole-file", "holes of a file in a full tmpfs: copies are read", whole_file},
    {"full/windows-strict", "the same with small windows and the strict guard", windows_strict},
    {NULL, NULL, NULL}};
