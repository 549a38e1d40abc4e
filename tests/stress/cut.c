/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that are cut short and grow again while they are read.
 *
 * On the fake backend alone: its mappings are copies. On a real one, touching what
 * was cut off is a fault of the system, which cannot be told from a fault of ours.
 *
 * A file is measured and then mapped; when it is cut in between, the copy has
 * FAKE_BEYOND from the cut on; and a read of the system that meets a cut and the growth
 * after it can have zeroes (ext4 does, without us: 8 times in a million reads). So these
 * two may stand where a cut may have been, and no other wrong byte. A region that is shown
 * longer than it was mapped runs into foreign memory.
 */
#include "stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/backend.h"

enum { WINDOWS = 6, WINDOW_UNITS = 4 };

/* Another size, at which the last window is short by much, by little, or not there. */
static apr_size_t another_size(stress_worker_t *worker)
{
    const apr_size_t window = WINDOW_UNITS * stress.unit;
    const apr_size_t parts[] = {1, 100, stress.unit + 5, window - 1, window};

    return stress_below(worker, WINDOWS - 1) * window + parts[stress_below(worker, 5)];
}

/* What is gone is gone, and what comes again is what it was. */
static void resize_files(stress_worker_t *worker)
{
    apr_size_t sizes[STRESS_FILES];
    unsigned f;

    for (f = 0; f < STRESS_FILES; f++) {
        sizes[f] = stress.files[f].size;
    }
    while (stress_more(worker)) {
        const stress_file_t *file;
        apr_size_t size = another_size(worker);

        f = (unsigned)stress_below(worker, STRESS_FILES);
        file = &stress.files[f];
        if (size > sizes[f]) {
            stress_write(file, sizes[f], size);
        } else if (truncate(file->path, (off_t)size) != 0) {
            perror(file->path);
            exit(2);
        }
        sizes[f] = size;
    }
    atomic_store(&stress.stop, 1);
}

static void check(const stress_file_t *file, apr_off_t offset, const unsigned char *bytes,
                  apr_size_t size)
{
    apr_size_t i;

    if (offset < 0 || (apr_uint64_t)offset + size > file->size) {
        stress_bad("%lu bytes at %lld, which were never there", (unsigned long)size,
                   (long long)offset);
        return;
    }
    if (memcmp(bytes, file->image + offset, size) == 0) {
        return;
    }
    for (i = 0; i < size; i++) {
        if (bytes[i] != file->image[(apr_size_t)offset + i] && bytes[i] != FAKE_BEYOND &&
            bytes[i] != 0) {
            stress_bad("file %d, %lu bytes at %lld: the %lu. is %02x, and never was",
                       (int)(file - stress.files), (unsigned long)size, (long long)offset,
                       (unsigned long)i, bytes[i]);
            return;
        }
    }
}

/* A call that may come too late. */
static int did(stress_worker_t *worker, apr_status_t status, const char *what)
{
    if (APR_STATUS_IS_EOF(status) || status == SMMAP_ETRUNCATED) {
        return 0;
    }
    return stress_went_well(worker, status, what);
}

static void read_what_is_there(stress_worker_t *worker)
{
    smmap_cursor_t *cursors[STRESS_FILES];
    unsigned char *copied = apr_palloc(worker->pool, stress.unit);
    unsigned f;

    if (!stress_open_all(worker, cursors)) {
        exit(2);
    }
    while (!atomic_load(&stress.stop) && atomic_load(&stress.bad) == 0) {
        const stress_file_t *file;
        smmap_cursor_t *cursor;
        apr_off_t offset;
        apr_size_t got = 0;

        worker->steps++;
        f = (unsigned)stress_below(worker, STRESS_FILES);
        file = &stress.files[f];
        cursor = cursors[f];
        offset = (apr_off_t)stress_below(worker, file->size);
        worker->perhaps++;
        if (did(worker, smmap_cursor_use(cursor, offset, 0), "use")) {
            check(file, smmap_cursor_region_begin(cursor),
                  smmap_cursor_at(cursor, smmap_cursor_region_begin(cursor)),
                  smmap_cursor_region_size(cursor));
        }
        switch (stress_below(worker, 8)) {
        case 0:
            stress_went_well(worker, smmap_cursor_refresh(cursor), "refresh");
            break;
        case 1:
            worker->perhaps += 2;
            did(worker, smmap_cursor_read(cursor, offset, copied, stress.unit, &got), "read");
            check(file, offset, copied, got);
            break;
        case 2:
            smmap_cursor_release(cursor);
            break;
        case 3:
            apr_thread_yield();
            break;
        default:
            break;
        }
    }
    stress_close_all(cursors);
}

static void resize_or_read(stress_worker_t *worker)
{
    if (worker->number == 0) {
        resize_files(worker);
    } else {
        read_what_is_there(worker);
    }
}

static void cut(void)
{
    stress_worker_t total;

    stress_files(WINDOWS * WINDOW_UNITS, 1);
    stress.files_shrink = 1;
    stress.options.window_size = WINDOW_UNITS * stress.unit;
    stress_manage();
    total = stress_run(resize_or_read);
    stress_settle(&total);
    truth_forgive_late_maps();
}

const stress_scenario_t stress_cut[] = {
    {"cut", "files that are cut short and grow again", cut}, {NULL, NULL, NULL}};
