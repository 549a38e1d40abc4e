/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What bindings to other languages ask for: moves that cannot wait, known paths, limits that
 * change at run time, slices that stay, a buffer on the caller's cursor.
 */
#include "tests/support/fixture.h"

#include <stdio.h>
#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

/* It is a hit, and asks the system nothing. */
static void try_hit(smmap_cursor_t *cursor, apr_off_t offset)
{
    apr_size_t calls = fake_calls(FAKE_ANY);
    apr_size_t allocations = fake_memory_calls();

    NEED_OK(smmap_cursor_try_use(cursor, offset, 0));
    CHECK_NUMBER(smmap_cursor_offset(cursor), offset);
    CHECK(cursor_shows(cursor, &file));
    CHECK(smmap_cursor_peek(cursor, offset) == smmap_cursor_data(cursor));
    CHECK_NUMBER(fake_calls(FAKE_ANY), calls);
    CHECK_NUMBER(fake_memory_calls(), allocations);
}

static void try_hits_alone(void)
{
    smmap_cursor_t *other;
    apr_uint64_t hits;

    if (test_is_paranoid()) {
        test_skip("in paranoid mode each move asks the system");
        return;
    }
    begin_windows(4);
    mover = cursor_open(manager, file.path);
    other = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_try_use(NULL, 0, 0), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_try_use(mover, 0, 0), SMMAP_EWOULDBLOCK); /* the first */
    NEED_OK(window_use(0));
    NEED_OK(smmap_cursor_use(other, at_window(1), 0));
    hits = manager_stats(manager).hits;
    try_hit(mover, at_window(1) + 7);
    try_hit(mover, at_window(0) + 5);
    try_hit(mover, at_window(0) + 6);
    CHECK_NUMBER(manager_stats(manager).hits, hits + 3);
    /* It stays where it is when it is refused. */
    CHECK_STATUS(smmap_cursor_try_use(mover, at_window(2), 0), SMMAP_EWOULDBLOCK);
    CHECK_STATUS(smmap_cursor_try_use(mover, (apr_off_t)file.size, 0), SMMAP_EWOULDBLOCK);
    CHECK_STATUS(smmap_cursor_try_use(mover, -1, 0), APR_EINVAL);
    CHECK_NUMBER(smmap_cursor_offset(mover), at_window(0) + 6);
    CHECK_NUMBER(manager_stats(manager).misses, 2);
    CHECK(smmap_cursor_peek(mover, at_window(1)) == NULL);
    /* There is more to do for these. */
    NEED_OK(smmap_cursor_hint(mover, SMMAP_ACCESS_SEQUENTIAL));
    CHECK_STATUS(smmap_cursor_try_use(mover, at_window(1), 0), SMMAP_EWOULDBLOCK);
    NEED_OK(smmap_cursor_try_use(mover, at_window(0) + 1, 0));
}

/* A window that is out of date is left by those that may wait. */
static void try_and_retired_windows(void)
{
    smmap_cursor_t *other;

    NEEDS_LASTING_WINDOWS();
    begin_windows(4);
    mover = cursor_open(manager, file.path);
    other = cursor_open(manager, file.path);
    NEED_OK(window_use(4)); /* the last one, which is not whole */
    NEED_OK(smmap_cursor_use(other, at_window(1), 0));
    NEED(file_resize(file.path, (apr_off_t)(file.size + unit)));
    NEED_OK(smmap_cursor_refresh(other));
    CHECK_NUMBER(manager_stats(manager).regions, 2);
    CHECK_STATUS(smmap_cursor_try_use(mover, at_window(1), 0), SMMAP_EWOULDBLOCK);
    CHECK_NUMBER(smmap_cursor_offset(mover), at_window(4));
    NEED_OK(window_use(1));
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    counts_check();
}

static void known_paths(void)
{
    smmap_cursor_t *known = NULL;
    smmap_cursor_t *other;
    apr_size_t calls;

    begin_windows(2);
    CHECK_STATUS(smmap_cursor_open_known(&known, manager, file.path, NULL), SMMAP_ENOFILE);
    mover = cursor_open(manager, file.path);
    other = cursor_open(manager, file_make("other", 10).path);
    calls = fake_calls(FAKE_ANY);
    NEED_OK(smmap_cursor_open_known(&known, manager, file.path, NULL));
    CHECK_NUMBER(fake_calls(FAKE_ANY), calls);
    CHECK_NUMBER(smmap_cursor_file_number(known), smmap_cursor_file_number(mover));
    CHECK(smmap_cursor_file_number(known) != smmap_cursor_file_number(other));
    CHECK_NUMBER(smmap_cursor_file_number(NULL), 0);
    CHECK(strcmp(smmap_cursor_path(known), file.path) == 0);
    smmap_cursor_close(mover);
    NEED_OK(smmap_cursor_use(known, at_window(1), 0));
    CHECK(cursor_shows(known, &file));
    CHECK_NUMBER(manager_stats(manager).mapped_files, 1);
    CHECK_NUMBER(manager_stats(manager).files, 2);
    CHECK_NUMBER(manager_stats(manager).cursors, 2);
    smmap_cursor_close(known);
    NEED_OK(smmap_manager_collect(manager, NULL));
    known = NULL;
    CHECK_STATUS(smmap_cursor_open_known(&known, manager, file.path, NULL), SMMAP_ENOFILE);
    CHECK_STATUS(smmap_cursor_open_known(&known, manager, "", NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open_known(&known, manager, NULL, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open_known(NULL, manager, file.path, NULL), APR_EINVAL);
    CHECK(known == NULL);
    counts_check();
}

/* Of two files that were opened by one path it is the newer one, however many others there are. */
static void known_after_others(void)
{
    smmap_cursor_t *known;
    smmap_cursor_t *newer;
    int i;

    begin_windows(2);
    mover = cursor_open(manager, file.path);
    file_rename(file_make("new", 10).path, file.path);
    newer = cursor_open(manager, file.path);
    CHECK(smmap_cursor_file_number(newer) != smmap_cursor_file_number(mover));
    for (i = 0; i < 200; i++) {
        char name[20];

        snprintf(name, sizeof name, "other%d", i);
        cursor_open(manager, file_make(name, 10).path);
        NEED_OK(smmap_cursor_open_known(&known, manager, file.path, NULL));
        CHECK_NUMBER(smmap_cursor_file_number(known), smmap_cursor_file_number(newer));
        smmap_cursor_close(known);
    }
}

static void limits_at_run_time(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *pinned;
    apr_size_t i;

    begin_windows(16);
    mover = cursor_open(manager, file.path);
    pinned = window_pin(3);
    for (i = 0; i < 16; i++) {
        window_touch(i);
    }
    CHECK_NUMBER(smmap_manager_regions(manager), 16);
    options.max_mapped_bytes = 6 * unit;
    options.max_open_files = 5;
    NEED_OK(smmap_manager_set_limits(manager, &options));
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 6 * unit);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), 6 * unit);
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 5);
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = 2;
    options.limits = SMMAP_LIMITS_HARD_REGIONS;
    NEED_OK(smmap_manager_set_limits(manager, &options));
    CHECK_NUMBER(smmap_manager_regions(manager), 2);
    CHECK_NUMBER(smmap_manager_limits(manager), SMMAP_LIMITS_HARD_REGIONS);
    CHECK(cursor_shows(pinned, &file));
    /* Below what is pinned. */
    options.max_regions = 1;
    NEED_OK(smmap_manager_set_limits(manager, &options));
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_STATUS(window_use(5), SMMAP_ELIMIT_REGIONS);
    /* None of these changes anything. */
    options.limits = (smmap_limits_t)8;
    CHECK_STATUS(smmap_manager_set_limits(manager, &options), APR_EINVAL);
    options.limits = SMMAP_LIMITS_HARD_BYTES;
    options.max_mapped_bytes = unit - 1;
    CHECK_STATUS(smmap_manager_set_limits(manager, &options), SMMAP_ELIMIT_BYTES);
    options.struct_size--;
    CHECK_STATUS(smmap_manager_set_limits(manager, &options), APR_EINVAL);
    CHECK_STATUS(smmap_manager_set_limits(NULL, &options), APR_EINVAL);
    CHECK_STATUS(smmap_manager_set_limits(manager, NULL), APR_EINVAL);
    CHECK_STATUS(window_use(5), SMMAP_ELIMIT_REGIONS);
    counts_check();
}

/* The handles of files that are not in use go, too. */
static void fewer_handles_at_run_time(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursors[4];
    int i;

    fake_set_birth(1);
    manager = manager_handles(10);
    for (i = 0; i < 4; i++) {
        char name[] = "a";

        name[0] = (char)('a' + i);
        cursors[i] = cursor_open(manager, file_make(name, 100).path);
    }
    CHECK_NUMBER(smmap_manager_open_files(manager), 4);
    options.max_open_files = 1;
    NEED_OK(smmap_manager_set_limits(manager, &options));
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    for (i = 0; i < 4; i++) {
        NEED_OK(smmap_cursor_use(cursors[i], 0, 0));
    }
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    counts_check();
}

/* Each limit is hard or soft by itself. */
static void hard_one_by_one(void)
{
    smmap_cursor_t *pinned;

    begin_file(8);
    manager = manager_sliding(unit, 2 * unit, 3, SMMAP_LIMITS_HARD_REGIONS);
    mover = cursor_open(manager, file.path);
    window_pin(0);
    window_pin(1);
    pinned = window_pin(2); /* bytes are soft */
    CHECK(manager_stats(manager).over_limit > 0);
    CHECK_STATUS(window_use(3), SMMAP_ELIMIT_REGIONS);
    smmap_cursor_close(pinned);
    manager = manager_sliding(unit, 2 * unit, 1, SMMAP_LIMITS_HARD_BYTES);
    mover = cursor_open(manager, file.path);
    window_pin(0);
    pinned = window_pin(1); /* regions are soft */
    CHECK(manager_stats(manager).over_limit > 0);
    CHECK_STATUS(window_use(3), SMMAP_ELIMIT_BYTES);
    smmap_cursor_close(pinned);
    NEED_OK(window_use(3));
    counts_check();
}

static void so_many_bytes(void)
{
    apr_size_t unmapped = 7;
    apr_size_t i;

    begin_windows(8);
    mover = cursor_open(manager, file.path);
    for (i = 0; i < 8; i++) {
        window_touch(i);
    }
    NEED_OK(smmap_manager_collect_bytes(manager, 0, &unmapped));
    CHECK_NUMBER(unmapped, 0);
    NEED_OK(smmap_manager_collect_bytes(manager, 2 * unit + 1, &unmapped));
    CHECK_NUMBER(unmapped, 3 * unit);
    CHECK_NUMBER(smmap_manager_regions(manager), 5);
    NEED_OK(window_use(1));
    NEED_OK(smmap_manager_collect_bytes(manager, SMMAP_UNLIMITED, &unmapped));
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK(cursor_shows(mover, &file));
    NEED_OK(smmap_manager_collect_bytes(manager, 1, NULL));
    CHECK_STATUS(smmap_manager_collect_bytes(NULL, 1, NULL), APR_EINVAL);
    counts_check();
}

static void slices_stay(void)
{
    smmap_cursor_t *slice = NULL;
    smmap_cursor_t *across = NULL;
    smmap_buffer_t *buffer;
    unsigned char byte;

    begin_windows(4);
    mover = cursor_open(manager, file.path);
    NEED_OK(smmap_buffer_create(&buffer, mover, 10, (apr_off_t)(3 * unit), NULL));
    NEED_OK(smmap_buffer_hold(&slice, buffer, 5, 20, NULL));
    NEED_OK(smmap_buffer_hold(&across, buffer, (apr_off_t)unit - 20, 30, NULL));
    NEED_OK(smmap_buffer_byte(buffer, -1, &byte));
    CHECK_NUMBER(smmap_cursor_offset(slice), 15);
    CHECK_NUMBER(smmap_cursor_size(slice), 20);
    CHECK(cursor_shows(slice, &file));
    CHECK_NUMBER(smmap_cursor_size(across), 30);
    CHECK(cursor_shows(across, &file));
    CHECK_STATUS(smmap_buffer_hold(&slice, buffer, -10, 11, NULL), APR_EOF);
    CHECK_STATUS(smmap_buffer_hold(&slice, buffer, 0, 0, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_hold(NULL, buffer, 0, 1, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_hold(&slice, NULL, 0, 1, NULL), APR_EINVAL);
    smmap_buffer_close(buffer);
    CHECK(cursor_shows(slice, &file));
    smmap_cursor_close(slice);
    smmap_cursor_close(across);
    counts_check();
}

static void callers_cursor(void)
{
    smmap_buffer_t *buffer = NULL;
    unsigned char byte;

    begin_windows(4);
    mover = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_buffer_create_shared(&buffer, NULL, 0, 1, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_create_shared(&buffer, mover, (apr_off_t)file.size, 1, NULL),
                 APR_EOF);
    CHECK(buffer == NULL);
    NEED_OK(smmap_buffer_create_shared(&buffer, mover, 3, SMMAP_TO_END, NULL));
    CHECK(smmap_buffer_cursor(buffer) == mover);
    CHECK_NUMBER(manager_stats(manager).cursors, 1);
    NEED_OK(smmap_buffer_byte(buffer, (apr_off_t)unit, &byte));
    CHECK_NUMBER(smmap_cursor_region_begin(mover), at_window(1));
    CHECK(byte == *smmap_cursor_peek(mover, (apr_off_t)unit + 3));
    smmap_buffer_close(buffer);
    CHECK(smmap_cursor_is_valid(mover)); /* it is the caller's */
    smmap_cursor_close(mover);
    counts_check();
}

static void see_number(void *number, const smmap_pinned_t *pinned)
{
    *(apr_uint64_t *)number = pinned->file;
}

static void pinned_has_the_number(void)
{
    apr_uint64_t number = 0;

    begin_windows(2);
    mover = cursor_open(manager, file.path);
    NEED_OK(window_use(1));
    NEED_OK(smmap_manager_pinned(manager, see_number, &number));
    CHECK_NUMBER(number, smmap_cursor_file_number(mover));
}

static const test_case_t cases[] = {{"try_hits_alone", try_hits_alone},
                                    {"try_and_retired_windows", try_and_retired_windows},
                                    {"known_paths", known_paths},
                                    {"known_after_others", known_after_others},
                                    {"limits_at_run_time", limits_at_run_time},
                                    {"fewer_handles_at_run_time", fewer_handles_at_run_time},
                                    {"hard_one_by_one", hard_one_by_one},
                                    {"so_many_bytes", so_many_bytes},
                                    {"slices_stay", slices_stay},
                                    {"callers_cursor", callers_cursor},
                                    {"pinned_has_the_number", pinned_has_the_number},
                                    {NULL, NULL}};

const test_module_t test_binding = {"binding", cases};
