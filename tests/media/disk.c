/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A disk that loses blocks: a file system on an image that is cut short while it is mounted,
 * and is whole again later. It is mounted read-only, so that nothing but these reads happens.
 *
 * Where the blocks of the file lie is asked of the system (FIBMAP). One half of the file lies
 * behind the other on the image, which one is up to the file system; that half is lost. What the
 * system has in memory of the file is dropped before each step. It reads ahead, and a block may
 * be read together with its neighbours; so what should be good is read from the middle of the
 * other half.
 */
#include "media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "bytes.h"

enum { SIZE = 16 << 20, HALF = SIZE / 2, QUARTER = HALF / 2, EIGHTH = HALF / 4 };

static unsigned char *tail; /* what was cut off the image */
static off_t cut_at;
static size_t tail_size;
static apr_off_t lost; /* the half that is lost begins here */
static apr_off_t kept; /* and the other one here */

static int complain(const char *what, const char *path)
{
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    return 0;
}

int media_disk_make(void)
{
    media_file_t file;
    off_t offset;
    int into;

    media_path(&file, "file");
    into = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (into < 0) {
        return complain("create", file.path);
    }
    /* Each half in one piece, if it can be. */
    if (posix_fallocate(into, 0, HALF) != 0 || posix_fallocate(into, HALF, HALF) != 0) {
        return complain("make room for", file.path);
    }
    for (offset = 0; offset < SIZE; offset += MEDIA_MOST) {
        apr_size_t i;

        for (i = 0; i < MEDIA_MOST; i++) {
            media.bytes[i] = media_byte((apr_uint64_t)offset + i);
        }
        if (pwrite(into, media.bytes, MEDIA_MOST, offset) != MEDIA_MOST) {
            return complain("write", file.path);
        }
    }
    return fsync(into) == 0 && close(into) == 0 ? 1 : complain("write", file.path);
}

/* What the system has in memory of the file goes. Nothing may be mapped. */
static void drop_pages(void)
{
    media_file_t file;
    int from;

    media_path(&file, "file");
    from = open(file.path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        stress_bad("the pages of %s cannot be dropped", file.path);
    }
    close(from);
}

/* Where the blocks of a half lie on the image: [*first, *last]. */
static int place_of(int file, off_t begin, int block_size, off_t *first, off_t *last)
{
    off_t offset;

    *first = 0;
    *last = 0;
    for (offset = begin; offset < begin + HALF; offset += block_size) {
        int block = (int)(offset / block_size);

        if (ioctl(file, FIBMAP, &block) != 0 || block == 0) {
            return 0;
        }
        if (*last == 0 || (off_t)block * block_size < *first) {
            *first = (off_t)block * block_size;
        }
        if ((off_t)block * block_size > *last) {
            *last = (off_t)block * block_size;
        }
    }
    return 1;
}

/* Which half is to be lost, and where the image is cut for that. */
static int choose(int file)
{
    off_t first[2];
    off_t last[2];
    int block_size = 0;
    int half;

    if (ioctl(file, FIGETBSZ, &block_size) != 0 ||
        !place_of(file, 0, block_size, &first[0], &last[0]) ||
        !place_of(file, HALF, block_size, &first[1], &last[1])) {
        return 0;
    }
    half = first[1] > first[0];
    cut_at = first[half];
    lost = (apr_off_t)half * HALF;
    kept = HALF - lost;
    return last[1 - half] < cut_at;
}

/* Cut the image. 1: one half of the file is lost and the other one is not, as the disk has it. */
static int lose(void)
{
    media_file_t file;
    struct stat info;
    unsigned char byte;
    int from;
    int image;
    int good;

    media_path(&file, "file");
    from = open(file.path, O_RDONLY | O_CLOEXEC);
    image = open(media.image, O_RDWR | O_CLOEXEC);
    good = from >= 0 && image >= 0 && choose(from) && fstat(image, &info) == 0 &&
           cut_at < info.st_size;
    if (good) {
        tail_size = (size_t)(info.st_size - cut_at);
        tail = malloc(tail_size);
        good = tail != NULL && pread(image, tail, tail_size, cut_at) == (ssize_t)tail_size &&
               ftruncate(image, cut_at) == 0;
    }
    drop_pages();
    if (good && (pread(from, &byte, 1, lost + QUARTER) != -1 || errno != EIO ||
                 pread(from, &byte, 1, kept + QUARTER) != 1)) {
        good = 0;
    }
    if (!good) {
        stress_bad("the image cannot be cut, at %lld, so that half of the file is lost",
                   (long long)cut_at);
    }
    if (from >= 0) {
        close(from);
    }
    if (image >= 0) {
        close(image);
    }
    return good;
}

static void restore(void)
{
    int image = open(media.image, O_RDWR | O_CLOEXEC);

    if (image < 0 || pwrite(image, tail, tail_size, cut_at) != (ssize_t)tail_size) {
        stress_bad("the image cannot be made whole again");
    }
    close(image);
    free(tail);
    tail = NULL;
    drop_pages();
}

/* Let go of all windows, so that the pages can be dropped. */
static void let_go(media_file_t *one, media_file_t *other)
{
    smmap_cursor_release(one->cursor);
    smmap_cursor_release(other->cursor);
    media_status(smmap_manager_collect(stress.manager, NULL), APR_SUCCESS, "collect");
}

/* Copies and pointers, before, while and after blocks are lost, through the same cursors. */
static void lose_and_restore(smmap_guard_t guard, apr_size_t windows)
{
    const apr_off_t page = (apr_off_t)media.page;
    media_file_t copied;
    media_file_t pointed;
    apr_size_t faults;
    int round;

    media_manage(guard, windows, 4);
    media_open(&copied, "file");
    media_open(&pointed, "file");
    media_reads(&copied, HALF - QUARTER, MEDIA_MOST);
    media_points(&pointed, HALF, APR_SUCCESS);
    for (round = 0; round < 3; round++) {
        let_go(&copied, &pointed);
        if (!lose()) {
            break;
        }
        media_refuses(&copied, lost + QUARTER, 1);
        media_refuses(&copied, lost + QUARTER + 5 * page, 3 * media.page);
        media_reads(&copied, kept + EIGHTH + 100, QUARTER);
        media_points(&pointed, lost + EIGHTH, SMMAP_EFAULT);
        media_points(&pointed, kept + QUARTER, APR_SUCCESS);
        media_points(&pointed, lost + QUARTER - page, SMMAP_EFAULT);
        media_refuses(&copied, lost + 1000, 2 * media.page);
        faults = stress_stats().faults;
        let_go(&copied, &pointed);
        restore();
        media_reads(&copied, HALF - QUARTER, MEDIA_MOST);
        media_reads(&copied, lost + QUARTER, media.page);
        media_points(&pointed, lost + EIGHTH, APR_SUCCESS);
        media_points(&pointed, kept, APR_SUCCESS);
        stress_equal("faults after the disk was whole", stress_stats().faults, faults);
        stress_most("faults that had to be", 2, faults);
    }
    stress_equal("files that were cut", stress_stats().truncated_files, 0);
    stress_equal("files that were stale", stress_stats().stale_files, 0);
    stress_equal("mappings that failed", stress_stats().map_failures, 0);
    media_close(&copied);
    media_close(&pointed);
    media_settle(SIZE_MAX);
}

static void whole_file(void)
{
    lose_and_restore(SMMAP_GUARD_ON, 0);
}

static void windows(void)
{
    lose_and_restore(SMMAP_GUARD_ON, 16);
}

static void whole_file_strict(void)
{
    lose_and_restore(SMMAP_GUARD_STRICT, 0);
}

static void windows_strict(void)
{
    lose_and_restore(SMMAP_GUARD_STRICT, 16);
}

/* By a buffer, a byte at a time and many. */
static void buffer(void)
{
    smmap_buffer_t *all = NULL;
    media_file_t file;
    apr_size_t got = 0;
    unsigned char byte = 0;

    media_manage(SMMAP_GUARD_ON, 16, 4);
    media_open(&file, "file");
    media_status(smmap_buffer_create(&all, file.cursor, 0, SMMAP_TO_END, stress.pool), APR_SUCCESS,
                 "a buffer");
    if (lose()) {
        media_status(smmap_buffer_byte(all, lost + QUARTER, &byte), APR_FROM_OS_ERROR(EIO),
                     "a byte");
        media_status(smmap_buffer_read(all, lost + QUARTER, media.bytes, 10000, &got),
                     APR_FROM_OS_ERROR(EIO), "some bytes");
        media_status(smmap_buffer_byte(all, kept + QUARTER, &byte), APR_SUCCESS, "a byte");
        media_same(&byte, kept + QUARTER, 1, "a byte");
        smmap_cursor_release(smmap_buffer_cursor(all));
        media_status(smmap_manager_collect(stress.manager, NULL), APR_SUCCESS, "collect");
        restore();
        media_status(smmap_buffer_read(all, lost + QUARTER, media.bytes, 10000, &got), APR_SUCCESS,
                     "some bytes");
        media_same(media.bytes, lost + QUARTER, got, "some bytes");
    }
    smmap_buffer_close(all);
    media_close(&file);
    media_settle(SIZE_MAX);
}

const stress_scenario_t media_disk[] = {
    {"disk/whole-file", "blocks are lost beneath a mapped file, and come back", whole_file},
    {"disk/windows", "the same with small windows", windows},
    {"disk/whole-file-strict", "the same with the strict guard", whole_file_strict},
    {"disk/windows-strict", "the same with both", windows_strict},
    {"disk/buffer", "the same through a buffer", buffer},
    {NULL, NULL, NULL}};
