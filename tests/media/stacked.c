/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of an overlayfs, the file system of containers. When somebody writes to a file of its
 * lower layer, or changes its mode, the file is copied to the upper one. A handle that was opened
 * before reads the copy from then on, but goes on to map the original.
 */
#include "media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

enum { SMALL = 5000, LARGE = 40000, FILES = 8 };

/* Written to the lower layer before the overlay is mounted. */
int media_stacked_make(void)
{
    media_file_t file;
    char name[] = "0";
    apr_size_t i;

    for (i = 0; i < SMALL; i++) {
        media.bytes[i] = media_byte(i);
    }
    for (i = 0; i < FILES; i++) {
        int into;

        name[0] = (char)('0' + i);
        media_path(&file, name);
        into = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (into < 0 || write(into, media.bytes, SMALL) != SMALL || close(into) != 0) {
            fprintf(stderr, "%s: %s\n", file.path, strerror(errno));
            return 0;
        }
    }
    return 1;
}

static char next_name[] = "0"; /* each check takes files that nobody has written to */

static void write_to(const media_file_t *file, apr_size_t from, apr_size_t to, int other)
{
    int into = open(file->path, O_WRONLY | O_CLOEXEC);
    apr_size_t i;

    for (i = from; i < to; i++) {
        media.bytes[i - from] = other ? 255 : media_byte(i);
    }
    if (into < 0 ||
        pwrite(into, media.bytes, to - from, (off_t)from) != (ssize_t)(to - from)) {
        stress_bad("%s cannot be written: %s", file->path, strerror(errno));
    }
    close(into);
}

static void begin(media_file_t *file, smmap_guard_t guard, apr_size_t windows, int by_handle)
{
    media_manage(guard, windows, 4);
    media_path(file, next_name);
    if (by_handle) {
        int from = open(file->path, O_RDONLY | O_CLOEXEC);

        media_status(smmap_cursor_open_handle(&file->cursor, stress.manager, from, stress.pool),
                     APR_SUCCESS, "opening by a handle");
        close(from);
    } else {
        media_open(file, next_name);
    }
    next_name[0]++;
    media_status(smmap_cursor_use(file->cursor, 0, 0), APR_SUCCESS, "use");
    media_same(smmap_cursor_data(file->cursor), 0, smmap_cursor_size(file->cursor), "before");
}

/* The file is longer now, and all of it is as media_byte() says. */
static void check_grown(smmap_cursor_t *cursor)
{
    apr_off_t offset = 0;
    apr_size_t got = 0;

    media_status(smmap_cursor_refresh(cursor), APR_SUCCESS, "refresh");
    stress_equal("its size", (apr_uint64_t)smmap_cursor_file_size(cursor), LARGE);
    media_status(smmap_cursor_read(cursor, 0, media.bytes, LARGE, &got), APR_SUCCESS, "a copy");
    stress_equal("bytes that were copied", got, LARGE);
    media_same(media.bytes, 0, got, "a copy");
    while (offset < LARGE && atomic_load(&stress.bad) == 0) {
        media_status(smmap_cursor_use(cursor, offset, 0), APR_SUCCESS, "use of what is new");
        media_same(smmap_cursor_data(cursor), offset, smmap_cursor_size(cursor), "a pointer");
        offset = smmap_cursor_end(cursor);
    }
}

static void grow(smmap_guard_t guard, apr_size_t windows, int by_handle)
{
    media_file_t file;
    media_file_t later;

    begin(&file, guard, windows, by_handle);
    write_to(&file, SMALL, LARGE, 0);
    later = file;
    media_status(smmap_cursor_open(&later.cursor, stress.manager, file.path, stress.pool),
                 APR_SUCCESS, "opening it afterwards");
    check_grown(later.cursor);
    check_grown(file.cursor);
    media_close(&later);
    media_close(&file);
    media_settle(0);
}

static void grown(void)
{
    grow(SMMAP_GUARD_OFF, 0, 0);
    grow(SMMAP_GUARD_STRICT, 1, 0);
}

static void grown_by_handle(void)
{
    grow(SMMAP_GUARD_OFF, 1, 1);
}

static void overwritten(void)
{
    media_file_t file;
    unsigned char bytes[16];
    apr_size_t got = 0;
    apr_size_t i;

    begin(&file, SMMAP_GUARD_ON, 0, 0);
    write_to(&file, 0, sizeof bytes, 1);
    media_status(smmap_cursor_refresh(file.cursor), APR_SUCCESS, "refresh");
    media_status(smmap_cursor_read(file.cursor, 0, bytes, sizeof bytes, &got), APR_SUCCESS,
                 "a copy");
    for (i = 0; i < sizeof bytes; i++) {
        stress_equal("a byte that was copied", bytes[i], 255);
    }
    media_status(smmap_cursor_use(file.cursor, 0, 0), APR_SUCCESS, "use");
    stress_equal("a byte that is shown", smmap_cursor_data(file.cursor)[3], 255);
    media_same(smmap_cursor_data(file.cursor) + sizeof bytes, sizeof bytes, SMALL - sizeof bytes,
               "the rest");
    media_close(&file);
    media_settle(0);
}

/* Its mode alone: copied, too, but the same. Afterwards it is written. */
static void mode_changed(void)
{
    media_file_t file;
    media_file_t others[6];
    char name[] = "2";
    int i;

    begin(&file, SMMAP_GUARD_OFF, 1, 0);
    if (chmod(file.path, 0640) != 0) {
        stress_bad("chmod: %s", strerror(errno));
    }
    media_status(smmap_cursor_refresh(file.cursor), APR_SUCCESS, "refresh after chmod");
    for (i = 0; i < 6; i++) { /* its handle is closed */
        name[0] = (char)('2' + i);
        media_open(&others[i], name);
    }
    media_reads(&file, 0, SMALL);
    media_status(smmap_cursor_refresh(file.cursor), APR_SUCCESS, "refresh, opened again");
    write_to(&file, SMALL, LARGE, 0);
    check_grown(file.cursor);
    for (i = 0; i < 6; i++) {
        media_close(&others[i]);
    }
    media_close(&file);
    media_settle(0);
}

const stress_scenario_t media_stacked[] = {
    {"stacked/grown", "a file of the lower layer is written to", grown},
    {"stacked/grown-by-handle", "the same, opened by a handle", grown_by_handle},
    {"stacked/overwritten", "its bytes are others, and no more of them", overwritten},
    {"stacked/mode-changed", "its mode is changed: it is no other file", mode_changed},
    {NULL, NULL, NULL}};
