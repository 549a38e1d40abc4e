/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of things: pools, managers, cursors and buffers go in every order, what
 * is pinned stays readable until it is let go of, and nothing is left behind.
 *
 * That nothing is left behind is checked by the harness after each test, and here
 * where a moment before the end matters.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

/* A cursor whose manager is gone: what it pins can be read, and the rest says so. */
static void check_orphan(smmap_cursor_t *cursor, int pinned)
{
    apr_size_t bytes;
    smmap_cursor_t *copy = NULL;

    CHECK(!smmap_cursor_is_associated(cursor));
    CHECK_NUMBER(smmap_cursor_is_valid(cursor), pinned);
    CHECK(smmap_cursor_path(cursor) == NULL);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), 0);
    CHECK_STATUS(smmap_cursor_copy(&copy, cursor, test_pool), SMMAP_ECLOSED);
    CHECK(copy == NULL);
    CHECK_STATUS(smmap_cursor_refresh(cursor), SMMAP_ECLOSED);
    if (pinned) {
        CHECK(cursor_shows(cursor, &file));
        CHECK(region_shows(cursor, &file));
        CHECK(smmap_cursor_region_clients(cursor) >= 1);
        bytes = 0;
        CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    }
}

static void manager_first(void)
{
    smmap_cursor_t *pinning;
    smmap_cursor_t *second;
    smmap_cursor_t *empty;

    begin_file(4);
    manager = manager_in(test_pool);
    pinning = cursor_open(manager, file.path);
    second = cursor_open(manager, file.path);
    empty = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(second, (apr_off_t)(2 * unit), 0)); /* unpinned in a moment */
    NEED_OK(smmap_cursor_use(pinning, (apr_off_t)unit + 3, 0));
    NEED_OK(smmap_cursor_use(second, (apr_off_t)unit + 7, 0));
    CHECK_OK(manager_destroy(manager));
    if (fake_present()) {
        CHECK_NUMBER(fake_live_mappings(), 1);
        CHECK_NUMBER(fake_live_handles(), 0);
    }
    check_orphan(pinning, 1);
    check_orphan(empty, 0);
    CHECK_NUMBER(smmap_cursor_region_clients(pinning), 2);
    CHECK_STATUS(smmap_cursor_use(empty, 0, 0), SMMAP_ECLOSED);
    CHECK_STATUS(smmap_cursor_require(empty, 0, 5), SMMAP_ECLOSED);
    /* A failed move lets go of the window, here too. */
    CHECK_STATUS(smmap_cursor_use(second, (apr_off_t)unit, 0), SMMAP_ECLOSED);
    check_orphan(second, 0);
    CHECK(cursor_shows(pinning, &file));
    smmap_cursor_release(pinning);
    check_orphan(pinning, 0);
    if (fake_present()) {
        CHECK_NUMBER(fake_live_mappings(), 0);
    }
    smmap_cursor_release(pinning);
    smmap_cursor_close(second);
    smmap_cursor_close(pinning);
    smmap_cursor_close(empty);
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

static void assign_after_the_end(void)
{
    smmap_manager_t *gone;
    smmap_manager_t *alive;
    smmap_cursor_t *orphan;
    smmap_cursor_t *cursor;

    begin_file(4);
    gone = manager_in(test_pool);
    alive = manager_in(test_pool);
    orphan = cursor_open(gone, file.path);
    cursor = cursor_open(alive, file.path);
    NEED_OK(smmap_cursor_use(orphan, 3, 0));
    NEED_OK(smmap_cursor_use(cursor, 9, 5));
    CHECK_OK(manager_destroy(gone));
    /* From a dead manager: refused, and everything stays. */
    CHECK_STATUS(smmap_cursor_assign(cursor, orphan), SMMAP_ECLOSED);
    CHECK_NUMBER(smmap_cursor_offset(cursor), 9);
    CHECK(cursor_shows(cursor, &file));
    check_orphan(orphan, 1);
    /* To a cursor whose manager is dead: it gets a new life. */
    CHECK_OK(smmap_cursor_assign(orphan, cursor));
    CHECK(smmap_cursor_is_associated(orphan));
    CHECK(cursor_shows(orphan, &file));
    CHECK_NUMBER(smmap_cursor_region_clients(cursor), 2);
    NEED_OK(smmap_cursor_use(orphan, (apr_off_t)(3 * unit), 0));
    CHECK(cursor_shows(orphan, &file));
}

/* An assigned cursor belongs to the pool it was made in, not to that of the other. */
static void assign_between_pools(void)
{
    int order;

    begin_file(4);
    for (order = 0; order < 4; order++) {
        apr_pool_t *pools[2];
        smmap_cursor_t *cursors[2];
        int i;

        manager = manager_in(test_pool);
        for (i = 0; i < 2; i++) {
            pools[i] = pool_make(test_pool);
            cursors[i] = cursor_in(manager, pools[i]);
        }
        NEED_OK(smmap_cursor_use(cursors[0], 5, 0));
        CHECK_OK(smmap_cursor_assign(cursors[1], cursors[0]));
        if (order & 1) {
            smmap_cursor_close(cursors[1]);
        }
        apr_pool_destroy(pools[order >> 1]);
        if (order == 0) {
            CHECK(cursor_shows(cursors[1], &file));
        } else if (order >> 1) {
            CHECK(cursor_shows(cursors[0], &file));
        }
        apr_pool_destroy(pools[!(order >> 1)]);
        CHECK_NUMBER(manager_stats(manager).cursors, 0);
        CHECK_NUMBER(manager_stats(manager).pinned_regions, 0);
        CHECK_OK(manager_destroy(manager));
        CHECK_NUMBER(fake_memory_blocks(), 0);
    }
}

static void handles_of_orphans(void)
{
    smmap_cursor_t *cursor = NULL;
    apr_os_file_t fd;

    begin_file(4);
    manager = manager_in(test_pool);
    fd = file_open(file.path);
    NEED_OK(smmap_cursor_open_handle(&cursor, manager, fd, test_pool));
    file_close(fd);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_OK(manager_destroy(manager));
    CHECK(cursor_shows(cursor, &file));
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)unit, 0), SMMAP_ECLOSED);
    smmap_cursor_close(cursor);
    if (fake_present()) {
        CHECK_NUMBER(fake_live_handles(), 0);
    }
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

static void buffer_of_orphan(void)
{
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer = NULL;
    unsigned char bytes[64];
    unsigned char byte = 0;
    apr_size_t got = 5;

    begin_file(4);
    manager = manager_in(test_pool);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_buffer_create(&buffer, cursor, 10, SMMAP_TO_END, test_pool));
    CHECK_OK(smmap_buffer_byte(buffer, 0, &byte));
    CHECK_OK(manager_destroy(manager));
    CHECK_STATUS(smmap_buffer_read(buffer, (apr_off_t)(2 * unit), bytes, 64, &got),
                 SMMAP_ECLOSED);
    CHECK_NUMBER(got, 0);
    CHECK_STATUS(smmap_buffer_byte(buffer, (apr_off_t)(2 * unit), &byte), SMMAP_ECLOSED);
    CHECK_STATUS(smmap_buffer_begin_access(buffer, NULL, 0, 5), SMMAP_ECLOSED);
    CHECK_STATUS(smmap_buffer_begin_access(buffer, cursor, 0, 5), SMMAP_ECLOSED);
    CHECK_NUMBER(smmap_buffer_size(buffer), 0);
    smmap_buffer_end_access(buffer);
    smmap_buffer_close(buffer);
    buffer = NULL;
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 0, 5, test_pool), SMMAP_ECLOSED);
    CHECK(buffer == NULL);
}

/* A manager, a cursor, its copy and a buffer, each in a pool of its own; they go in every
   order, each by its own function or with its pool. */
enum { MANAGER, CURSOR, COPY, BUFFER, KINDS };

typedef struct things_t {
    apr_pool_t *pools[KINDS];
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_cursor_t *copy;
    smmap_buffer_t *buffer;
} things_t;

static void make_things(things_t *things)
{
    const unsigned char *data = NULL;
    int i;

    for (i = 0; i < KINDS; i++) {
        things->pools[i] = pool_make(test_pool);
    }
    things->manager = manager_in(things->pools[MANAGER]);
    things->cursor = cursor_in(things->manager, things->pools[CURSOR]);
    NEED_OK(smmap_cursor_use(things->cursor, 7, 0));
    NEED_OK(smmap_cursor_copy(&things->copy, things->cursor, things->pools[COPY]));
    NEED_OK(smmap_buffer_create(&things->buffer, things->cursor, 0, SMMAP_TO_END,
                                things->pools[BUFFER]));
    NEED_OK(smmap_buffer_slice(things->buffer, (apr_off_t)(2 * unit), 10, &data));
}

static void end_thing(things_t *things, int kind, int by_pool)
{
    if (!by_pool) {
        switch (kind) {
        case MANAGER:
            CHECK_OK(manager_destroy(things->manager));
            break;
        case CURSOR:
            smmap_cursor_close(things->cursor);
            break;
        case COPY:
            smmap_cursor_close(things->copy);
            break;
        default:
            smmap_buffer_close(things->buffer);
            break;
        }
    }
    apr_pool_destroy(things->pools[kind]);
    things->pools[kind] = NULL;
}

static void look_at_things(things_t *things)
{
    if (things->pools[CURSOR] != NULL) {
        CHECK(cursor_shows(things->cursor, &file));
        CHECK_NUMBER(smmap_cursor_is_associated(things->cursor), things->pools[MANAGER] != NULL);
    }
    if (things->pools[COPY] != NULL) {
        CHECK(cursor_shows(things->copy, &file));
    }
    if (things->pools[BUFFER] != NULL) {
        CHECK(cursor_shows(smmap_buffer_cursor(things->buffer), &file));
    }
    if (things->pools[MANAGER] != NULL) {
        smmap_stats_t stats = manager_stats(things->manager);

        CHECK_NUMBER(stats.cursors, (things->pools[CURSOR] != NULL) +
                                        (things->pools[COPY] != NULL) +
                                        (things->pools[BUFFER] != NULL));
        CHECK_NUMBER(stats.pinned_regions,
                     (things->pools[CURSOR] != NULL || things->pools[COPY] != NULL) +
                         (things->pools[BUFFER] != NULL));
        CHECK_NUMBER(stats.regions, 2);
    }
}

static void every_order(void)
{
    int order;
    int ways;

    begin_file(4);
    /* 4! orders, as numbers of the factorial system, times 2^4 ways to go. */
    for (order = 0; order < 24; order++) {
        for (ways = 0; ways < 16; ways++) {
            int left[KINDS] = {MANAGER, CURSOR, COPY, BUFFER};
            int code = order;
            things_t things;
            int count;

            make_things(&things);
            for (count = KINDS; count > 0; count--) {
                int pick = code % count;
                int kind = left[pick];

                code /= count;
                memmove(left + pick, left + pick + 1,
                        (size_t)(KINDS - pick - 1) * sizeof left[0]);
                end_thing(&things, kind, ways >> kind & 1);
                look_at_things(&things);
            }
            CHECK_NUMBER(fake_memory_blocks(), 0);
            CHECK_NUMBER(fake_memory_pools(), 0);
            CHECK_NUMBER(fake_live_mappings(), 0);
            CHECK_NUMBER(fake_live_handles(), 0);
        }
    }
}

static void one_pool(void)
{
    apr_pool_t *pool;
    int round;

    begin_file(4);
    pool = pool_make(test_pool);
    for (round = 0; round < 3; round++) {
        things_t things;
        smmap_cursor_t *cursor;
        int i;

        memset(&things, 0, sizeof things);
        things.manager = manager_in(pool);
        for (i = 0; i < 5; i++) {
            cursor = cursor_in(things.manager, pool);
            NEED_OK(smmap_cursor_use(cursor, (apr_off_t)((apr_size_t)i * unit), 0));
            CHECK(cursor_shows(cursor, &file));
        }
        apr_pool_clear(pool);
        CHECK_NUMBER(fake_memory_blocks(), 0);
        CHECK_NUMBER(fake_live_mappings(), 0);
    }
    apr_pool_destroy(pool);
}

static void parent_and_child(void)
{
    apr_pool_t *parent;
    apr_pool_t *child;
    smmap_cursor_t *cursor;

    begin_file(4);
    /* The manager above its cursor, the usual way; the child goes first. */
    parent = pool_make(test_pool);
    child = pool_make(parent);
    manager = manager_in(parent);
    NEED_OK(smmap_cursor_use(cursor_in(manager, child), 0, 0));
    apr_pool_destroy(parent);
    CHECK_NUMBER(fake_memory_blocks(), 0);
    /* And below it. */
    parent = pool_make(test_pool);
    child = pool_make(parent);
    manager = manager_in(child);
    cursor = cursor_in(manager, parent);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    apr_pool_destroy(child);
    CHECK(cursor_shows(cursor, &file));
    check_orphan(cursor, 1);
    apr_pool_destroy(parent);
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

static void first_error_of_destroy(void)
{
    smmap_cursor_t *cursor;
    apr_size_t i;

    NEEDS_FAKE();
    begin_file(4);
    manager = manager_in(test_pool);
    cursor = cursor_open(manager, file.path);
    for (i = 0; i < 4; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * unit), 0));
    }
    smmap_cursor_close(cursor);
    fake_fail(FAKE_UNMAP, 2, APR_EBADF);
    CHECK_STATUS(manager_destroy(manager), APR_EBADF);
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_NUMBER(fake_live_handles(), 0);
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

/* Without a pool close alone frees. The heap of the tests reports what stays behind. */
static void no_pool(void)
{
    smmap_cursor_t *cursor = NULL;
    smmap_cursor_t *twin = NULL;
    smmap_cursor_t *by_handle = NULL;
    smmap_buffer_t *buffer = NULL;
    apr_os_file_t handle;
    unsigned char byte;

    file = file_make("file", 5000);
    handle = file_open(file.path);
    NEED_OK(smmap_manager_create(&manager, NULL, NULL));
    NEED_OK(smmap_cursor_open(&cursor, manager, file.path, NULL));
    NEED_OK(smmap_cursor_open_handle(&by_handle, manager, handle, NULL));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_copy(&twin, cursor, NULL));
    NEED_OK(smmap_buffer_create(&buffer, twin, 0, SMMAP_TO_END, NULL));
    file_close(handle);
    NEED_OK(smmap_cursor_assign(by_handle, cursor));
    smmap_cursor_close(cursor);
    CHECK(cursor_shows(twin, &file));
    CHECK(cursor_shows(by_handle, &file));
    CHECK_OK(smmap_buffer_byte(buffer, 4999, &byte));
    smmap_cursor_close(twin);
    smmap_manager_destroy(manager);
    smmap_buffer_close(buffer);
    smmap_cursor_close(by_handle);
}

/* Some are closed by hand, from both ends and the middle; the pool frees the others. */
static void some_of_a_pool(void)
{
    enum { COUNT = 10 };
    apr_pool_t *pool = pool_make(test_pool);
    smmap_cursor_t *cursors[COUNT];
    apr_size_t i;

    file = file_make("file", 5000);
    manager = manager_in(test_pool);
    for (i = 0; i < COUNT; i++) {
        NEED_OK(smmap_cursor_open(&cursors[i], manager, file.path, pool));
    }
    smmap_cursor_close(cursors[0]);
    smmap_cursor_close(cursors[9]);
    smmap_cursor_close(cursors[4]);
    CHECK_NUMBER(manager_stats(manager).cursors, COUNT - 3);
    apr_pool_clear(pool);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    NEED_OK(smmap_cursor_open(&cursors[0], manager, file.path, pool));
    apr_pool_destroy(pool);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
}

static apr_status_t open_another(void *pool)
{
    return smmap_cursor_open(&mover, manager, file.path, pool);
}

/* A cleanup that runs after ours opens one more cursor in the pool that is going. */
static void opened_by_a_cleanup(void)
{
    apr_pool_t *pool = pool_make(test_pool);

    file = file_make("file", 5000);
    manager = manager_in(test_pool);
    apr_pool_cleanup_register(pool, pool, open_another, apr_pool_cleanup_null);
    NEED_OK(smmap_cursor_open(&mover, manager, file.path, pool));
    apr_pool_destroy(pool);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
}

static const test_case_t cases[] = {{"manager_first", manager_first},
                                    {"assign_after_the_end", assign_after_the_end},
                                    {"assign_between_pools", assign_between_pools},
                                    {"handles_of_orphans", handles_of_orphans},
                                    {"buffer_of_orphan", buffer_of_orphan},
                                    {"every_order", every_order},
                                    {"one_pool", one_pool},
                                    {"no_pool", no_pool},
                                    {"some_of_a_pool", some_of_a_pool},
                                    {"opened_by_a_cleanup", opened_by_a_cleanup},
                                    {"parent_and_child", parent_and_child},
                                    {"first_error_of_destroy", first_error_of_destroy},
                                    {NULL, NULL}};

const test_module_t test_lifetime = {"lifetime", cases};
