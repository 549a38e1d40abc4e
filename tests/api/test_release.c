/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smmap_manager_drop(): what goes, what stays, which files are meant; and that
 * afterwards a file can be deleted, replaced and cut, also on Windows.
 */
#include "tests/support/harness.h"

#include <apr_strings.h>

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static smmap_manager_t *manager;
static apr_size_t unit;

static smmap_cursor_t *used(const test_file_t *file)
{
    smmap_cursor_t *cursor = cursor_open(manager, file->path);

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, file));
    return cursor;
}

static void begin(void)
{
    unit = smmap_granularity();
    fake_set_birth(1);
    manager = manager_sliding(unit, 100 * unit, 0, SMMAP_LIMITS_HARD);
}

/* What release() leaves of a path: pinned regions. */
static apr_size_t release(const char *path)
{
    apr_size_t pinned = 12345;

    CHECK_OK(smmap_manager_drop(manager, path, &pinned));
    counts_check();
    return pinned;
}

static void bad_input(void)
{
    apr_size_t pinned = 12345;

    begin();
    CHECK_STATUS(smmap_manager_drop(NULL, test_dir(), &pinned), APR_EINVAL);
    CHECK_STATUS(smmap_manager_drop(manager, NULL, &pinned), APR_EINVAL);
    CHECK_STATUS(smmap_manager_drop(manager, "", &pinned), APR_EINVAL);
    CHECK_NUMBER(pinned, 12345);
    CHECK_OK(smmap_manager_drop(manager, test_dir(), NULL));
    CHECK_NUMBER(release(test_path("missing")), 0);
}

static void idle_goes_pinned_stays(void)
{
    test_file_t file;
    smmap_cursor_t *first;
    smmap_cursor_t *second;

    begin();
    file = file_make("file", 8 * unit);
    first = used(&file);
    second = used(&file);
    NEED_OK(smmap_cursor_use(second, (apr_off_t)(2 * unit), 0));
    NEED_OK(smmap_cursor_use(second, (apr_off_t)(3 * unit), 0));
    CHECK_NUMBER(smmap_manager_regions(manager), 3);
    CHECK_NUMBER(release(file.path), 2);
    CHECK_NUMBER(smmap_manager_regions(manager), 2);
    CHECK_NUMBER(smmap_manager_open_files(manager), 0);
    CHECK(region_shows(first, &file));
    CHECK(region_shows(second, &file));
    smmap_cursor_release(second);
    CHECK_NUMBER(release(file.path), 1);
    CHECK(region_shows(first, &file));
    smmap_cursor_close(first);
    CHECK_NUMBER(release(file.path), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    /* The other one is still on its file. */
    NEED_OK(smmap_cursor_use(second, (apr_off_t)(5 * unit), 0));
    CHECK(cursor_shows(second, &file));
}

/* A component is whole: "dir" is not above "directory". */
static void which_are_meant(void)
{
    static const char *const names[] = {"dir/one", "dir/two", "dir/sub/three", "directory/four",
                                        "dir.five", "six"};
    test_file_t files[6];
    smmap_cursor_t *cursors[6];
    int i;

    begin();
    directory_make(test_path("dir"));
    directory_make(test_path("dir/sub"));
    directory_make(test_path("directory"));
    for (i = 0; i < 6; i++) {
        files[i] = file_make(names[i], 100);
        cursors[i] = used(&files[i]);
        smmap_cursor_release(cursors[i]);
    }
    CHECK_NUMBER(smmap_manager_regions(manager), 6);
    CHECK_NUMBER(release(test_path("di")), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 6);
    CHECK_NUMBER(release(test_path("dir/sub/../sub//./")), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 5);
    CHECK_NUMBER(smmap_manager_open_files(manager), 5);
    CHECK_NUMBER(release(test_path("dir/two")), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 4);
    NEED_OK(smmap_cursor_use(cursors[1], 0, 0));
    CHECK_NUMBER(release(test_path("dir")), 1);
    CHECK_NUMBER(smmap_manager_regions(manager), 4);
    CHECK_NUMBER(smmap_manager_open_files(manager), 3);
    directory_enter(test_dir());
    CHECK_NUMBER(release("six"), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 3);
    CHECK_NUMBER(release(test_dir()), 1);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK(cursor_shows(cursors[1], &files[1]));
}

static void by_other_names(void)
{
    smmap_cursor_t *by_handle = NULL;
    smmap_cursor_t *cursor;
    apr_os_file_t fd;
    test_file_t file;

    begin();
    file = file_make("file", 4 * unit);
    file_link(file.path, test_path("link"));
    cursor = used(&file);
    smmap_cursor_release(cursor);
    CHECK_NUMBER(release(test_path("link")), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_NUMBER(smmap_manager_open_files(manager), 0);
    smmap_cursor_close(cursor);
    /* Opened by handle: its windows go, the handle is the only way back and stays. */
    fd = file_open(file.path);
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, fd, test_pool));
    file_close(fd);
    NEED_OK(smmap_cursor_use(by_handle, 0, 0));
    smmap_cursor_release(by_handle);
    CHECK_NUMBER(release(file.path), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    NEED_OK(smmap_cursor_use(by_handle, (apr_off_t)unit, 0));
    CHECK(cursor_shows(by_handle, &file));
}

/* The directory has many names, too. */
static void below_other_names(void)
{
    smmap_cursor_t *cursor;
    const char *spelling;
    const char *below;
    test_file_t file;
    int i;

    NEEDS_REAL();
    begin();
    directory_make(test_path("a directory with a long name"));
    file = file_make("a directory with a long name/file", 4 * unit);
    for (i = 0; (spelling = native_spelling(test_path("a directory with a long name"), i)) != NULL;
         i++) {
        if (IS_NETWORK_PATH(spelling)) {
            continue;
        }
        cursor = used(&file);
        smmap_cursor_close(cursor);
        CHECK_NUMBER(release(spelling), 0);
        CHECK_NUMBER(smmap_manager_regions(manager), 0);
        CHECK_NUMBER(smmap_manager_open_files(manager), 0);
        below = apr_pstrcat(test_pool, spelling, native_null_path() != NULL ? "/" : "\\", "file",
                            NULL);
        cursor = cursor_open(manager, below);
        NEED_OK(smmap_cursor_use(cursor, 0, 0));
        CHECK_NUMBER(release(test_path("a directory with a long name")), 1);
        smmap_cursor_close(cursor);
        CHECK_NUMBER(release(test_path("a directory with a long name")), 0);
        CHECK_NUMBER(smmap_manager_regions(manager), 0);
        CHECK_NUMBER(smmap_manager_open_files(manager), 0);
    }
}

static const char *const real_dirs[] = {"real", "link", "real/sub", "link/sub", "realm/other"};
enum { REAL_DIRS = sizeof real_dirs / sizeof real_dirs[0] };

/* Open the file below one of them, let go of it, and drop another. Returns the regions left. */
static apr_size_t left_after(const char *opened, const char *dropped, int gone)
{
    test_file_t file = file_make("real/sub/file", 4 * unit);
    apr_size_t left;

    file.path = test_path(opened);
    smmap_cursor_close(used(&file));
    if (gone) {
        file_delete(file.path);
        directory_remove(test_path("real/sub"));
    }
    CHECK_NUMBER(release(test_path(dropped)), 0);
    left = smmap_manager_regions(manager);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    if (gone) {
        directory_make(test_path("real/sub"));
    }
    return left;
}

/* Whichever links a path goes through, and also when what was there is gone. */
static void below_links(void)
{
    static const char *const files[] = {"real/sub/file", "link/sub/file", "realm/other/file"};
    int can_be_gone = native_null_path() != NULL; /* Windows keeps what is mapped */
    int i;
    int j;

    NEEDS_REAL();
    begin();
    directory_make(test_path("real"));
    directory_make(test_path("real/sub"));
    directory_make(test_path("realm"));
    if (native_symlink("real", test_path("link")) != APR_SUCCESS ||
        native_symlink("../link/sub", test_path("realm/other")) != APR_SUCCESS) {
        test_skip_now("no symbolic link can be made here");
    }
    for (i = 0; i < 3; i++) {
        for (j = 0; j < REAL_DIRS; j++) {
            CHECK_NUMBER(left_after(files[i], real_dirs[j], 0), 0);
        }
        /* But not through a link that now leads nowhere itself. */
        for (j = 0; can_be_gone && i < 2 && j < 2; j++) {
            CHECK_NUMBER(left_after(files[i], files[j], 1), 0);
        }
        CHECK_NUMBER(left_after(files[i], "real/su", 0), 1);
        CHECK_NUMBER(left_after(files[i], "link/sub/fil", 0), 1);
    }
    CHECK_NUMBER(left_after("link/sub/file", "real/sub", can_be_gone), 0);
    CHECK_NUMBER(left_after("link/sub/file", "realm", 0), 1);
}

/* Regions that are not found any more, but pinned, count, too. */
static void pinned_by_the_way(void)
{
    smmap_cursor_t *cursor;
    test_file_t file;

    begin();
    file = file_make("file", unit + 10);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    file_write(file.path, (apr_off_t)(unit + 10), "more", 4);
    CHECK_OK(smmap_cursor_refresh(cursor)); /* the last window is too short now */
    CHECK_NUMBER(release(file.path), 1);
    CHECK(cursor_shows(cursor, &file));
    smmap_cursor_release(cursor);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
}

/* The three things that Windows refuses while a file is in use. */
static void then_it_can_be_changed(void)
{
    smmap_cursor_t *cursor;
    test_file_t newer;
    test_file_t file;

    begin();
    file = file_make("file", 4 * unit);
    smmap_cursor_close(used(&file));
    CHECK_NUMBER(release(file.path), 0);
    CHECK(file_resize(file.path, (apr_off_t)unit));
    cursor = used(&file); /* the first window, of which nothing was cut */
    CHECK_NUMBER(smmap_cursor_file_size(cursor), unit);
    smmap_cursor_close(cursor);

    newer = file_make("newer", 2 * unit);
    CHECK_NUMBER(release(file.path), 0);
    fake_set_birth(2);
    file_rename(newer.path, file.path);
    newer.path = file.path;
    cursor = used(&newer);
    smmap_cursor_close(cursor);

    CHECK_NUMBER(release(test_dir()), 0);
    CHECK_NUMBER(manager_stats(manager).files, 0);
    file_delete(file.path);
    cursor = NULL;
    CHECK(says_missing(smmap_cursor_open(&cursor, manager, file.path, test_pool)));
    counts_check();
}

/* What the system would not unmap is an error, is still counted, and goes the next time. */
static void not_unmapped(void)
{
    smmap_cursor_t *cursor;
    apr_size_t pinned = 12345;
    test_file_t file;

    NEEDS_FAKE();
    begin();
    file = file_make("file", 4 * unit);
    cursor = used(&file);
    smmap_cursor_release(cursor);
    fake_fail(FAKE_UNMAP, 1, APR_ENOMEM);
    CHECK_STATUS(smmap_manager_drop(manager, file.path, &pinned), APR_ENOMEM);
    CHECK_NUMBER(pinned, 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK_NUMBER(release(file.path), 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
}

/* A call that opens a file again, and fails because that has grown and cannot be measured, has
   not moved it to another path, nor to none. Whichever allocation fails. */
static void opened_in_vain(void)
{
    smmap_cursor_t *first;
    smmap_cursor_t *second;
    apr_status_t status;
    test_file_t file;
    apr_size_t i;

    begin();
    file = file_make("file", 100);
    for (i = 1;; i++) {
        first = cursor_open(manager, file.path);
        file_write(file.path, (apr_off_t)(99 + i), "x", 1);
        fake_memory_fail(i);
        status = smmap_cursor_open(&second, manager, file.path, test_pool);
        fake_memory_fail_none();
        if (status == APR_SUCCESS) {
            break;
        }
        CHECK_STATUS(status, APR_ENOMEM);
        CHECK_NUMBER(release(test_dir()), 0);
        CHECK_NUMBER(smmap_manager_open_files(manager), 0);
        smmap_cursor_close(first);
    }
    CHECK(i > 3);
}

static const test_case_t cases[] = {{"bad_input", bad_input},
                                    {"idle_goes_pinned_stays", idle_goes_pinned_stays},
                                    {"which_are_meant", which_are_meant},
                                    {"by_other_names", by_other_names},
                                    {"below_other_names", below_other_names},
                                    {"below_links", below_links},
                                    {"pinned_by_the_way", pinned_by_the_way},
                                    {"then_it_can_be_changed", then_it_can_be_changed},
                                    {"not_unmapped", not_unmapped},
                                    {"opened_in_vain", opened_in_vain},
                                    {NULL, NULL}};

const test_module_t test_release = {"release", cases};
