/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that are replaced under their path, deleted or made again while a cursor
 * is on them: never bytes of two files through one cursor.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "backends/backend.h"
#include "tests/fake/backend.h"

static test_file_t replace(apr_size_t size)
{
    test_file_t newer = file_make("newer", size);

    file_rename(newer.path, file.path);
    newer.path = file.path;
    return newer;
}

static void replaced(apr_size_t size)
{
    smmap_cursor_t *young;
    test_file_t newer;
    apr_off_t offset;

    begin_handles(1, 1);
    NEED_OK(window_use(0));
    take_handle();
    newer = replace(size);
    CHECK_STATUS(window_use(1), SMMAP_ESTALE);
    CHECK(mover_is_empty());
    CHECK_NUMBER(manager_stats(manager).stale_files, 1);
    CHECK_STATUS(smmap_cursor_require(mover, (apr_off_t)unit - 1, 2), SMMAP_ESTALE);
    CHECK_STATUS(smmap_cursor_refresh(mover), SMMAP_ESTALE);
    counts_check();
    /* What is still mapped is of the old file. */
    if (window_use(0) == APR_SUCCESS) {
        CHECK(cursor_shows(mover, &file));
    }
    /* A cursor that is opened now sees the new file, all of it and nothing else. */
    young = cursor_open(manager, file.path);
    CHECK_NUMBER(smmap_cursor_file_size(young), size);
    for (offset = 0; offset < (apr_off_t)size; offset = smmap_cursor_end(young)) {
        NEED_OK(smmap_cursor_use(young, offset, 0));
        CHECK(cursor_shows(young, &newer));
    }
    CHECK_STATUS(window_use(1), SMMAP_ESTALE);
    counts_check();
}

static void replaced_by_same_size(void)
{
    replaced(8 * smmap_granularity());
}

static void replaced_by_larger(void)
{
    replaced(11 * smmap_granularity() + 5);
}

static void replaced_by_smaller(void)
{
    replaced(smmap_granularity() / 2);
}

static void replaced_while_open(void)
{
    smmap_cursor_t *young;
    test_file_t newer;
    apr_size_t i;

    NEEDS_LASTING_WINDOWS();
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    newer = replace(8 * unit);
    young = cursor_open(manager, file.path);
    for (i = 0; i < 8; i++) {
        NEED_OK(window_use(i));
        CHECK(cursor_shows(mover, &file));
        NEED_OK(smmap_cursor_use(young, (apr_off_t)(i * unit), 0));
        CHECK(cursor_shows(young, &newer));
    }
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK_NUMBER(manager_stats(manager).files, 2);
    CHECK_NUMBER(manager_stats(manager).stale_files, 0);
    CHECK_NUMBER(manager_stats(manager).regions, 16);
    counts_check();
}

static void replaced_by_handle(void)
{
    apr_os_file_t fd;

    /* Opened by handle: it is never closed, so it goes on with its file. */
    begin_handles(1, 1);
    smmap_cursor_close(mover);
    fd = file_open(file.path);
    NEED_OK(smmap_cursor_open_handle(&mover, manager, fd, test_pool));
    file_close(fd);
    take_handle();
    replace(8 * unit);
    NEED_OK(window_use(3));
    CHECK(cursor_shows(mover, &file));
    CHECK_OK(smmap_cursor_refresh(mover));
}

static void replaced_while_nobody_looks(void)
{
    test_file_t newer;
    apr_size_t i;

    begin_handles(10, 1);
    for (i = 0; i < 8; i++) {
        NEED_OK(window_use(i));
    }
    smmap_cursor_close(mover);
    newer = replace(8 * unit);
    mover = cursor_open(manager, file.path);
    for (i = 0; i < 8; i++) {
        NEED_OK(window_use(i));
        CHECK(cursor_shows(mover, &newer));
    }
    CHECK_NUMBER(manager_stats(manager).hits, 0);
    counts_check();
}

static void deleted_while_open(void)
{
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    file_delete(file.path);
    NEED_OK(window_use(5));
    CHECK(cursor_shows(mover, &file));
    CHECK_OK(smmap_cursor_refresh(mover));
}

static void deleted(void)
{
    begin_handles(1, 1);
    NEED_OK(window_use(0));
    take_handle();
    file_delete(file.path);
    CHECK(says_missing(window_use(5)));
    CHECK(mover_is_empty());
    CHECK_NUMBER(manager_stats(manager).open_failures, 1);
    CHECK_NUMBER(manager_stats(manager).stale_files, 0);
    CHECK(says_missing(smmap_cursor_refresh(mover)));
    NEED_OK(window_use(0)); /* it is mapped */
    CHECK(cursor_shows(mover, &file));
    counts_check();
}

/* Deleted and made again under its name: often with the same id, and the same size. */
static void made_again(int mapped)
{
    test_file_t newer;

    begin_handles(1, 0);
    if (mapped) {
        NEED_OK(window_use(0));
    }
    take_handle();
    later_than(file.path);
    file_delete(file.path);
    newer = file_make("file", 8 * unit);
    CHECK_STATUS(window_use(5), SMMAP_ESTALE);
    CHECK(mover_is_empty());
    smmap_cursor_close(mover);
    mover = cursor_open(manager, newer.path);
    NEED_OK(window_use(5));
    CHECK(cursor_shows(mover, &newer));
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &newer));
    counts_check();
}

static void made_again_while_mapped(void)
{
    NEEDS_REAL(); /* a mapping keeps the file's id from being given away */
    made_again(1);
}

static void made_again_unmapped(void)
{
    /* With the fake nothing tells the two apart but the time of the last change. */
    made_again(0);
}

/* A file that is made, opened, closed, deleted and made again, all within a tick of the clock by
   which the file system notes births. */
static void made_again_at_once(void)
{
    apr_size_t same = 0;
    int i;

    NEEDS_REAL();
    begin_handles(1, 0);
    if (!native_tells_generations(file.path)) {
        test_skip("this file system does not tell apart files that were made at one moment");
        return;
    }
    for (i = 0; i < 100; i++) {
        apr_uint64_t before;
        unsigned char byte;

        file_delete(file.path);
        file = file_make("file", 100);
        file_write(file.path, 0, "old", 3);
        smmap_cursor_close(mover);
        mover = cursor_open(manager, file.path);
        CHECK_OK(smmap_manager_drop(manager, file.path, NULL));
        before = file_id(file.path);
        file_delete(file.path);
        file = file_make("file", 100);
        if (file_id(file.path) != before) {
            continue;
        }
        same++;
        CHECK_STATUS(smmap_cursor_read(mover, 0, &byte, 1, NULL), SMMAP_ESTALE);
        CHECK_STATUS(window_use(0), SMMAP_ESTALE);
    }
    if (same == 0) {
        test_skip("this file system does not give the id of a deleted file to the next one");
    }
}

/* Where births are known, a file that grew is still the same one. */
static void grown_while_closed(void)
{
    smmap__os_facts_t facts;
    apr_os_file_t handle;

    begin_handles(1, 1);
    handle = file_open(file.path);
    NEED_OK(smmap__os_examine(&facts, handle, 1));
    file_close(handle);
    if (facts.birth == 0 || (!fake_present() && native_doubts_birth() != NULL)) {
        test_skip("the time of its birth is not known");
        return;
    }
    take_handle();
    NEED(file_resize(file.path, (apr_off_t)(9 * unit)));
    CHECK_OK(smmap_cursor_refresh(mover));
    CHECK_NUMBER(smmap_cursor_file_size(mover), 9 * unit);
    CHECK_OK(window_use(8));
}

static void same_id_other_birth(void)
{
    NEEDS_FAKE();
    begin_handles(1, 1);
    take_handle();
    fake_set_birth(2);
    CHECK_STATUS(window_use(0), SMMAP_ESTALE);
    CHECK(mover_is_empty());
    fake_set_birth(1);
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &file));
}

/* The id is known, but to a file that is not the one that has it now. */
static void same_id_new_cursor(void)
{
    smmap_cursor_t *young;

    NEEDS_FAKE();
    begin_handles(1, 1);
    take_handle();
    fake_set_birth(2);
    young = cursor_open(manager, file.path);
    CHECK_NUMBER(manager_stats(manager).files, 2);
    NEED_OK(smmap_cursor_use(young, 0, 0));
    CHECK(cursor_shows(young, &file));
    take_handle();
    CHECK_STATUS(window_use(0), SMMAP_ESTALE);
    NEED_OK(smmap_cursor_use(young, (apr_off_t)unit, 0));
    CHECK(cursor_shows(young, &file));
    smmap_cursor_close(mover);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    counts_check();
}

/* Something else than a file has its name now. In a child, as a FIFO might wait. */
static int use_in_child(void *as_directory)
{
    begin_handles(1, 1);
    NEED_OK(window_use(0));
    take_handle();
    file_delete(file.path);
    if (as_directory != NULL) {
        directory_make(file.path);
    } else {
        NEED_OK(native_fifo(file.path));
    }
    CHECK_STATUS(window_use(1), SMMAP_ESTALE);
    CHECK(mover_is_empty());
    CHECK_STATUS(smmap_cursor_refresh(mover), SMMAP_ESTALE);
    CHECK_NUMBER(manager_stats(manager).stale_files, 2);
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &file));
    return 0;
}

static void replaced_by_no_file(void)
{
    int as_directory = 1;

    CHECK_NUMBER(test_in_child(use_in_child, &as_directory), 0);
    directory_remove(test_path("file"));
    CHECK_NUMBER(test_in_child(use_in_child, NULL), 0);
}

/* Where the time of birth is not known, the file must not have changed in anything, unless
   something of ours has kept its id all the time. */

static void birth_not_known(void)
{
    NEEDS_FAKE();
    begin_handles(1, 0);
    take_handle();
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &file));
    /* Changed while it was open, and measured. */
    smmap_cursor_release(mover);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    later_than(file.path);
    file_write(file.path, 5, file.data + 5, 5);
    CHECK_OK(smmap_cursor_refresh(mover));
    take_handle();
    NEED_OK(window_use(1));
    CHECK(cursor_shows(mover, &file));
}

static void birth_not_known_and_changed(void)
{
    native_times_t before;

    NEEDS_FAKE();
    if (!native_knows_changes()) {
        test_skip("this system does not tell when anything but a file's bytes was changed");
        return;
    }
    begin_handles(1, 0);
    take_handle();
    native_times(file.path, &before);
    later_than(file.path);
    /* Size and time of change are set back; that something happened can be seen all the same. */
    native_set_times(file.path, &before);
    CHECK_STATUS(window_use(0), SMMAP_ESTALE);
    CHECK(mover_is_empty());
}

static void birth_not_known_but_mapped(void)
{
    NEEDS_FAKE();
    begin_handles(1, 0);
    NEED_OK(window_use(0));
    take_handle();
    later_than(file.path);
    file_write(file.path, 5, file.data + 5, 5);
    NEED_OK(window_use(1));
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(manager_stats(manager).stale_files, 0);
}

/* The file is known by its windows alone when it is opened by a handle. */
static void handle_of_a_closed_file(void)
{
    smmap_cursor_t *by_handle = NULL;
    apr_os_file_t fd;

    NEEDS_LASTING_WINDOWS();
    begin_handles(1, 1);
    NEED_OK(window_use(0));
    fd = file_open(file.path);
    take_handle();
    file_delete(file.path);
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, fd, test_pool));
    file_close(fd);
    NEED_OK(smmap_cursor_use(by_handle, 5, 0));
    CHECK_NUMBER(smmap_cursor_region_clients(by_handle), 2);
    NEED_OK(smmap_cursor_use(by_handle, (apr_off_t)(6 * unit), 0));
    CHECK(cursor_shows(by_handle, &file));
    /* And the other cursor has its file back. */
    NEED_OK(window_use(5));
    CHECK(cursor_shows(mover, &file));
    CHECK_NUMBER(manager_stats(manager).files, 1);
    counts_check();
}

static void written_in_place(void)
{
    NEEDS_REAL(); /* a mapping is the file itself; the fake has a copy */
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    CHECK(cursor_shows(mover, &file));
    memcpy(file.data + 100, "written in place", 16);
    file_write(file.path, 100, file.data + 100, 16);
    CHECK(cursor_shows(mover, &file));
    CHECK(memcmp(smmap_cursor_at(mover, 100), "written in place", 16) == 0);
}

static int is_current(smmap_cursor_t *cursor)
{
    int current = 7;

    NEED_OK(smmap_cursor_is_current(cursor, &current));
    return current;
}

static void current(void)
{
    smmap_cursor_t *by_handle;
    apr_os_file_t handle;
    int unchanged = 7;

    begin_handles(1, 1);
    handle = file_open(file.path);
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, handle, test_pool));
    file_close(handle);
    CHECK_STATUS(smmap_cursor_is_current(by_handle, &unchanged), SMMAP_ENOFILE);
    CHECK_STATUS(smmap_cursor_is_current(NULL, &unchanged), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_is_current(mover, NULL), APR_EINVAL);
    CHECK_NUMBER(unchanged, 7);
    smmap_cursor_close(by_handle);
    CHECK_NUMBER(is_current(mover), 1);
    take_handle();
    CHECK_NUMBER(is_current(mover), 1);
    replace(100);
    CHECK_NUMBER(is_current(mover), 0);
    file_delete(file.path);
    CHECK_NUMBER(is_current(mover), 0);
    NEED_OK(manager_destroy(manager));
    CHECK_STATUS(smmap_cursor_is_current(mover, &unchanged), SMMAP_ECLOSED);
}

static const test_case_t cases[] = {
    {"replaced_by_same_size", replaced_by_same_size},
    {"replaced_by_larger", replaced_by_larger},
    {"replaced_by_smaller", replaced_by_smaller},
    {"replaced_while_open", replaced_while_open},
    {"replaced_by_handle", replaced_by_handle},
    {"replaced_while_nobody_looks", replaced_while_nobody_looks},
    {"deleted_while_open", deleted_while_open},
    {"deleted", deleted},
    {"made_again_while_mapped", made_again_while_mapped},
    {"made_again_unmapped", made_again_unmapped},
    {"made_again_at_once", made_again_at_once},
    {"grown_while_closed", grown_while_closed},
    {"same_id_other_birth", same_id_other_birth},
    {"same_id_new_cursor", same_id_new_cursor},
    {"replaced_by_no_file", replaced_by_no_file},
    {"birth_not_known", birth_not_known},
    {"birth_not_known_and_changed", birth_not_known_and_changed},
    {"birth_not_known_but_mapped", birth_not_known_but_mapped},
    {"handle_of_a_closed_file", handle_of_a_closed_file},
    {"written_in_place", written_in_place},
    {"current", current},
    {NULL, NULL}};

const test_module_t test_stale = {"stale", cases};
