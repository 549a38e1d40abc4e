/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cursors that have something in common: copies and assigned ones, and cursors on
 * one file that was named in different ways. What is one file has its windows
 * mapped once.
 */
#include "tests/support/fixture.h"

#include <apr_strings.h>

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static void copy(void)
{
    smmap_cursor_t *cursor;
    smmap_cursor_t *twin = NULL;
    smmap_cursor_t *untouched = (smmap_cursor_t *)(void *)&twin;

    begin_windows(2);
    cursor = cursor_open(manager, file.path);
    /* Without a window: on the file. */
    NEED_OK(smmap_cursor_copy(&twin, cursor, test_pool));
    CHECK(cursor_is_empty(twin) && smmap_cursor_is_associated(twin));
    CHECK(strcmp(smmap_cursor_path(twin), file.path) == 0);
    smmap_cursor_close(twin);
    /* With one: on the same bytes. */
    NEED_OK(smmap_cursor_use(cursor, 100, 50));
    NEED_OK(smmap_cursor_copy(&twin, cursor, test_pool));
    CHECK(smmap_cursor_data(twin) == smmap_cursor_data(cursor));
    CHECK_NUMBER(smmap_cursor_offset(twin), 100);
    CHECK_NUMBER(smmap_cursor_size(twin), 50);
    CHECK_NUMBER(smmap_cursor_region_clients(cursor), 2);
    CHECK_NUMBER(manager_stats(manager).cursors, 2);
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    /* Each goes its own way, and the copy outlives what it was copied from. */
    NEED_OK(smmap_cursor_use(cursor, at_window(1), 10));
    CHECK_NUMBER(smmap_cursor_offset(twin), 100);
    CHECK_NUMBER(smmap_cursor_region_clients(twin), 1);
    smmap_cursor_close(cursor);
    CHECK(cursor_shows(twin, &file));
    NEED_OK(smmap_cursor_use(twin, at_window(2), 0));
    CHECK(cursor_shows(twin, &file));
    CHECK(strcmp(smmap_cursor_path(twin), file.path) == 0);

    cursor = untouched;
    CHECK_STATUS(smmap_cursor_copy(NULL, twin, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_copy(&cursor, NULL, test_pool), APR_EINVAL);
    CHECK(cursor == untouched);
}

static void assign(void)
{
    smmap_cursor_t *one;
    smmap_cursor_t *two;
    test_file_t other;

    begin_windows(2);
    other = file_make("other", 3 * unit);
    one = cursor_open(manager, file.path);
    two = cursor_open(manager, other.path);
    NEED_OK(smmap_cursor_use(one, 5, 10));
    NEED_OK(smmap_cursor_use(two, 50, 100));
    CHECK_OK(smmap_cursor_assign(one, two));
    CHECK_NUMBER(smmap_cursor_offset(one), 50);
    CHECK_NUMBER(smmap_cursor_size(one), 100);
    CHECK_NUMBER(smmap_cursor_region_clients(two), 2);
    CHECK(strcmp(smmap_cursor_path(one), other.path) == 0);
    CHECK_NUMBER(smmap_cursor_file_size(one), other.size);
    CHECK(cursor_shows(one, &other));
    counts_check();
    /* From one without a window. */
    smmap_cursor_release(two);
    CHECK_OK(smmap_cursor_assign(one, two));
    CHECK(cursor_is_empty(one) && smmap_cursor_is_associated(one));
    /* To itself: nothing changes. */
    NEED_OK(smmap_cursor_use(one, 60, 7));
    CHECK_OK(smmap_cursor_assign(one, one));
    CHECK_NUMBER(smmap_cursor_offset(one), 60);
    CHECK_NUMBER(smmap_cursor_region_clients(one), 1);
    CHECK(cursor_shows(one, &other));
    /* To a cursor on the same window. */
    NEED_OK(smmap_cursor_use(two, 70, 7));
    CHECK_OK(smmap_cursor_assign(one, two));
    CHECK_NUMBER(smmap_cursor_region_clients(one), 2);
    CHECK_NUMBER(smmap_cursor_offset(one), 70);
    CHECK_STATUS(smmap_cursor_assign(NULL, one), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_assign(one, NULL), APR_EINVAL);
    CHECK(cursor_shows(one, &other));
    smmap_cursor_close(two);
    CHECK(cursor_shows(one, &other));
    CHECK_NUMBER(manager_stats(manager).cursors, 1);
}

static void assign_between_managers(void)
{
    smmap_manager_t *second;
    smmap_cursor_t *one;
    smmap_cursor_t *two;

    begin_windows(2);
    second = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
    one = cursor_open(manager, file.path);
    two = cursor_open(second, file.path);
    NEED_OK(smmap_cursor_use(one, 5, 10));
    NEED_OK(smmap_cursor_use(two, 50, 100));
    CHECK_OK(smmap_cursor_assign(one, two));
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    CHECK_NUMBER(manager_stats(manager).pinned_regions, 0);
    CHECK_NUMBER(manager_stats(second).cursors, 2);
    CHECK(cursor_shows(one, &file));
    CHECK_NUMBER(smmap_cursor_offset(one), 50);
    counts_check();
    CHECK_OK(manager_destroy(manager));
    CHECK(cursor_shows(one, &file));
    NEED_OK(smmap_cursor_use(one, at_window(1), 0));
    CHECK(cursor_shows(one, &file));
}

/* Two cursors that are on the same file, and whose windows are therefore shared. */
static void shares(smmap_cursor_t *one, smmap_cursor_t *two)
{
    NEED_OK(smmap_cursor_use(one, at_window(1), 0));
    NEED_OK(smmap_cursor_use(two, at_window(1) + 9, 0));
    CHECK_NUMBER(smmap_cursor_region_clients(one), 2);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    CHECK(cursor_shows(two, &file));
}

static void symbolic_link(void)
{
    begin_windows(2);
    NEED_OK(native_symlink(file.path, test_path("link")));
    shares(cursor_open(manager, file.path), cursor_open(manager, test_path("link")));
}

static void hard_link(void)
{
    begin_windows(2);
    file_link(file.path, test_path("link"));
    shares(cursor_open(manager, test_path("link")), cursor_open(manager, file.path));
}

static void other_spelling(void)
{
    begin_windows(2);
    shares(cursor_open(manager, test_path(".//./file")), cursor_open(manager, file.path));
}

static void path_and_handle(void)
{
    smmap_cursor_t *by_handle = NULL;
    apr_os_file_t fd;

    begin_windows(2);
    fd = file_open(file.path);
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, fd, test_pool));
    file_close(fd);
    shares(by_handle, cursor_open(manager, file.path));
    CHECK(smmap_cursor_path(by_handle) == NULL);
    CHECK(smmap_cursor_is_associated(by_handle));
    CHECK_NUMBER(smmap_cursor_file_size(by_handle), file.size);
}

static void handle(void)
{
    smmap_cursor_t *cursor = NULL;
    apr_os_file_t fd;

    begin_windows(3);
    fd = file_open(file.path);
    native_set_place(fd, 17);
    NEED_OK(smmap_cursor_open_handle(&cursor, manager, fd, test_pool));
    NEED_OK(smmap_cursor_use(cursor, at_window(1), 0));
    CHECK(cursor_shows(cursor, &file));
    /* The caller keeps its handle. */
    CHECK_NUMBER(native_place(fd), 17);
    file_close(fd);
    file_delete(file.path);
    NEED_OK(smmap_cursor_use(cursor, at_window(3), 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_OK(smmap_cursor_refresh(cursor));
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    smmap_cursor_close(cursor);
}

static void relative_path(void)
{
    smmap_cursor_t *cursor;
    test_file_t other;

    begin_windows(3);
    fake_set_birth(1); /* so that a file that was closed is known again by more than its id */
    other = file_make("other", 10);
    manager = manager_handles(1);
    directory_enter(test_dir());
    cursor = cursor_open(manager, "file");
    CHECK(strcmp(smmap_cursor_path(cursor), file.path) == 0);
    directory_enter("/");
    /* The other file takes the only handle, so that this one has to be opened again. */
    NEED_OK(smmap_cursor_use(cursor_open(manager, other.path), 0, 0));
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    NEED_OK(smmap_cursor_use(cursor, at_window(2), 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK(manager_stats(manager).opens >= 3);
}

/* Where there are drives, the one that is current belongs to such a path. */
static void path_without_a_drive(void)
{
    smmap_cursor_t *cursor;
    const char *path;

    begin_windows(2);
    directory_enter(test_dir());
    path = strchr(file.path, '/');
    cursor = cursor_open(manager, path);
    CHECK(strcmp(smmap_cursor_path(cursor), file.path) == 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
}

static void copy_of_a_handle(void)
{
    smmap_cursor_t *cursor = NULL;
    smmap_cursor_t *copy = NULL;
    smmap_cursor_t *assigned;
    test_file_t other;
    apr_os_file_t fd;

    begin_windows(4);
    other = file_make("other", 10);
    manager = manager_handles(1);
    fd = file_open(file.path);
    NEED_OK(smmap_cursor_open_handle(&cursor, manager, fd, test_pool));
    file_close(fd);
    file_delete(file.path); /* there is no way back to it but the handle */
    NEED_OK(smmap_cursor_copy(&copy, cursor, test_pool));
    assigned = cursor_open(manager, other.path);
    CHECK_OK(smmap_cursor_assign(assigned, copy));
    CHECK(smmap_cursor_path(assigned) == NULL);
    smmap_cursor_close(cursor);
    smmap_cursor_close(copy);
    smmap_cursor_close(cursor_open(manager, other.path));
    NEED_OK(smmap_cursor_use(assigned, at_window(3), 0));
    CHECK(cursor_shows(assigned, &file));
    counts_check();
    smmap_cursor_close(assigned);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(manager_stats(manager).files, 0);
    CHECK_NUMBER(smmap_manager_open_files(manager), 0);
}

static void two_names(void)
{
    smmap_cursor_t *first;
    smmap_cursor_t *second;
    test_file_t other;

    begin_windows(4);
    fake_set_birth(1);
    other = file_make("other", 10);
    manager = manager_handles(1);
    file_link(file.path, test_path("second"));
    first = cursor_open(manager, file.path);
    second = cursor_open(manager, test_path("second"));
    NEED_OK(smmap_cursor_use(first, 0, 0));
    smmap_cursor_close(cursor_open(manager, other.path)); /* closes the handle */
    file_delete(file.path);
    /* Each cursor opens the file by its own name. */
    CHECK(says_missing(smmap_cursor_use(first, at_window(1), 0)));
    NEED_OK(smmap_cursor_use(second, at_window(2), 0));
    CHECK(cursor_shows(second, &file));
    /* As long as the handle is open both can use it. */
    NEED_OK(smmap_cursor_use(first, at_window(3), 0));
    CHECK(cursor_shows(first, &file));
    CHECK(strcmp(smmap_cursor_path(first), file.path) == 0);
    CHECK(strcmp(smmap_cursor_path(second), test_path("second")) == 0);
    counts_check();
}

static void windows_outlive_cursors(void)
{
    smmap_cursor_t *cursor;

    begin_windows(4);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, at_window(2), 0));
    smmap_cursor_close(cursor);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, at_window(2), 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).hits, 1);
    CHECK_NUMBER(manager_stats(manager).maps, 1);
    smmap_cursor_close(cursor);
    /* A file without a cursor is forgotten with its last window. */
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(manager_stats(manager).files, 0);
    CHECK_NUMBER(smmap_manager_open_files(manager), 0);
    counts_check();
}

static void nothing_is_inherited(void)
{
    smmap_cursor_t *by_handle = NULL;
    int before = native_count_inherited();
    apr_os_file_t fd;

    begin_windows(2);
    fd = file_open(file.path);
    native_let_inherit(fd); /* it is not ours */
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, fd, test_pool));
    NEED_OK(smmap_cursor_use(by_handle, 0, 0));
    NEED_OK(smmap_cursor_use(cursor_open(manager, file_make("other", 10).path), 0, 0));
    CHECK_NUMBER(smmap_manager_open_files(manager), 2);
    CHECK_NUMBER(native_count_inherited(), before + 1);
    file_close(fd);
}

#define OPENED 300

static void many_files(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursors[OPENED];
    test_file_t files[OPENED];
    apr_size_t i;

    fake_set_birth(1);
    options.max_open_files = 10;
    options.mode = SMMAP_MODE_SLIDING;
    manager = manager_make(&options);
    for (i = 0; i < OPENED; i++) {
        apr_size_t which = 1;
        apr_status_t status;

        /* Ids of files often come in a row: leave gaps, so that they are spread by chance. */
        for (status = 0; status < (apr_status_t)random_below(4); status++) {
            file_make(apr_psprintf(test_pool, "gap%d-%d", (int)i, (int)status), 0);
        }
        files[i] = file_make(apr_psprintf(test_pool, "%d", (int)i), 10 + i);
        /* Every other one with memory that runs out at each place where it can. */
        do {
            fake_memory_fail(i % 2 != 0 ? which++ : 0);
            cursors[i] = NULL;
            status = smmap_cursor_open(&cursors[i], manager, files[i].path, test_pool);
            fake_memory_fail_none();
            NEED(which < 100);
        } while (status == APR_ENOMEM && cursors[i] == NULL);
        NEED_OK(status);
    }
    CHECK_NUMBER(manager_stats(manager).files, OPENED);
    CHECK_NUMBER(manager_stats(manager).cursors, OPENED);
    CHECK_NUMBER(smmap_manager_open_files(manager), 10);
    for (i = 0; i < OPENED; i++) {
        apr_size_t which = (i * 7) % OPENED;

        NEED_OK(smmap_cursor_use(cursors[which], 0, 0));
        CHECK(cursor_shows(cursors[which], &files[which]));
        CHECK_NUMBER(smmap_cursor_size(cursors[which]), 10 + which);
        /* Each is found again by its name. */
        NEED_OK(smmap_cursor_use(cursor_open(manager, files[which].path), 3, 0));
        CHECK_NUMBER(smmap_cursor_region_clients(cursors[which]), 2);
    }
    CHECK_NUMBER(manager_stats(manager).files, OPENED);
    CHECK_NUMBER(smmap_manager_regions(manager), OPENED);
    counts_check();
}

static const test_case_t cases[] = {{"copy", copy},
                                    {"assign", assign},
                                    {"assign_between_managers", assign_between_managers},
                                    {"symbolic_link", symbolic_link},
                                    {"hard_link", hard_link},
                                    {"other_spelling", other_spelling},
                                    {"path_and_handle", path_and_handle},
                                    {"handle", handle},
                                    {"relative_path", relative_path},
                                    {"path_without_a_drive", path_without_a_drive},
                                    {"copy_of_a_handle", copy_of_a_handle},
                                    {"two_names", two_names},
                                    {"windows_outlive_cursors", windows_outlive_cursors},
                                    {"nothing_is_inherited", nothing_is_inherited},
                                    {"many_files", many_files},
                                    {NULL, NULL}};

const test_module_t test_share = {"share", cases};
