/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ids of files that do not tell them apart, as some network and virtual drives of Windows have
 * them, and ids that the next file gets.
 */
#include "tests/support/fixture.h"

#include "tests/fake/backend.h"

/* Where the file system has no ids: all files have the same. */
static void none(void)
{
    test_file_t other = file_make("other", 3 * smmap_granularity());
    smmap_cursor_t *on_other;
    smmap_cursor_t *twice;

    NEEDS_FAKE();
    fake_set_id(SMMAP__OS_ID_NONE);
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    on_other = cursor_open(manager, other.path);
    NEED_OK(smmap_cursor_use(on_other, 0, 0));
    CHECK(cursor_shows(on_other, &other));
    CHECK(cursor_shows(mover, &file));
    twice = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(twice, 0, 0));
    CHECK(cursor_shows(twice, &file));
    CHECK_NUMBER(smmap_cursor_region_clients(twice), 1);
    CHECK_NUMBER(manager_stats(manager).files, 3);
    CHECK_OK(smmap_manager_drop(manager, other.path, NULL));
    CHECK(cursor_shows(mover, &file));
    smmap_cursor_close(twice);
    smmap_cursor_close(on_other);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(manager_stats(manager).files, 1);
    counts_check();
}

static void none_by_handle(void)
{
    test_file_t other = file_make("other", 3 * smmap_granularity());
    smmap_cursor_t *by_handle;
    apr_os_file_t fd;

    NEEDS_FAKE();
    fake_set_id(SMMAP__OS_ID_NONE);
    begin_handles(10, 1);
    NEED_OK(window_use(0));
    fd = file_open(other.path);
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, fd, test_pool));
    file_close(fd);
    NEED_OK(smmap_cursor_use(by_handle, 0, 0));
    CHECK(cursor_shows(by_handle, &other));
    CHECK_NUMBER(manager_stats(manager).files, 2);
    counts_check();
}

/* A file that was closed is the same one, when it is opened again, if it has not changed; `pinned`
   windows of it say no more. */
static void reopened(smmap__os_id_t id, int pinned, apr_status_t when_changed)
{
    NEEDS_FAKE();
    fake_set_id(id);
    begin_handles(1, 1);
    NEED_OK(window_use(0));
    if (!pinned) {
        smmap_cursor_release(mover);
        CHECK_OK(smmap_manager_collect(manager, NULL));
    }
    take_handle();
    NEED_OK(window_use(1));
    CHECK(cursor_shows(mover, &file));
    if (!pinned) {
        smmap_cursor_release(mover);
        CHECK_OK(smmap_manager_collect(manager, NULL));
    }
    take_handle();
    later_than(file.path);
    file_write(file.path, 5, file.data + 5, 5);
    CHECK_STATUS(window_use(2), when_changed);
}

static void none_reopened(void)
{
    reopened(SMMAP__OS_ID_NONE, 0, SMMAP_ESTALE);
}

static void none_reopened_while_mapped(void)
{
    reopened(SMMAP__OS_ID_NONE, 1, SMMAP_ESTALE);
}

static void places_reopened(void)
{
    reopened(SMMAP__OS_ID_REUSED, 0, SMMAP_ESTALE);
}

static void places_reopened_while_mapped(void)
{
    reopened(SMMAP__OS_ID_REUSED, 1, APR_SUCCESS);
}

static void unique_reopened(void)
{
    reopened(SMMAP__OS_ID_UNIQUE, 0, APR_SUCCESS);
}

static const test_case_t cases[] = {
    {"none", none},
    {"none_by_handle", none_by_handle},
    {"none_reopened", none_reopened},
    {"none_reopened_while_mapped", none_reopened_while_mapped},
    {"places_reopened", places_reopened},
    {"places_reopened_while_mapped", places_reopened_while_mapped},
    {"unique_reopened", unique_reopened},
    {NULL, NULL}};

const test_module_t test_ids = {"ids", cases};
