/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trace: what the program's function hears of. What is written into the file of
 * SMMAP_TRACE, and what happens with threads, is in test_traced.c.
 */
#include "tests/support/harness.h"

#include <apr_env.h>
#include <apr_file_info.h>

#include <string.h>

#include "tests/fake/backend.h"

#define MOST 64

typedef struct heard_t {
    smmap_trace_event_t events[MOST];
    char paths[MOST][512];
    int count;
    smmap_manager_t *ask; /* for statistics, from inside */
    apr_uint64_t maps;
} heard_t;

static heard_t heard;
static apr_size_t unit;

static void hear(void *context, const smmap_trace_event_t *event)
{
    heard_t *to = context;

    if (to->ask != NULL) {
        to->maps = manager_stats(to->ask).maps;
    }
    if (to->count < MOST) {
        to->events[to->count] = *event;
        strcpy(to->paths[to->count], event->path != NULL ? event->path : "(none)");
        to->count++;
    }
}

/* A manager whose events are traced. */
static smmap_manager_t *begin(void)
{
    memset(&heard, 0, sizeof heard);
    unit = smmap_granularity();
    return manager_traced(hear, &heard);
}

/* The next event is this one. */
static void was(int index, smmap_move_t move, const char *path, apr_off_t offset,
                apr_size_t length)
{
    NEED(index < heard.count);
    CHECK_NUMBER(heard.events[index].move, move);
    CHECK_NUMBER(heard.events[index].offset, offset);
    CHECK_NUMBER(heard.events[index].length, length);
    CHECK(strcmp(heard.paths[index], path) == 0);
}

static void moves_in_order(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 6 * unit + 5);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    apr_off_t odd = (apr_off_t)(2 * unit) - 3;
    unsigned char bytes[100];

    CHECK_NUMBER(heard.count, 0);
    NEED_OK(smmap_cursor_use(cursor, 3, 0));
    NEED_OK(smmap_cursor_use(cursor, 4, 10)); /* it has the window already */
    NEED_OK(smmap_cursor_require(cursor, odd, 6));
    NEED_OK(smmap_cursor_read(cursor, odd, bytes, 100, NULL));
    CHECK(memcmp(bytes, file.data + odd, 100) == 0);
    NEED_OK(smmap_cursor_read(cursor, (apr_off_t)(6 * unit), bytes, 100, NULL));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(6 * unit), SIZE_MAX_));
    CHECK_NUMBER(heard.count, 6);
    was(0, SMMAP_MOVE_USE, file.path, 3, 0);
    was(1, SMMAP_MOVE_USE, file.path, 4, 10);
    was(2, SMMAP_MOVE_REQUIRE, file.path, odd, 6);
    was(3, SMMAP_MOVE_READ, file.path, odd, 100); /* once, though it takes two windows */
    was(4, SMMAP_MOVE_READ, file.path, (apr_off_t)(6 * unit), 5); /* cut at the end */
    was(5, SMMAP_MOVE_USE, file.path, (apr_off_t)(6 * unit), 5);
}

static void what_is_no_move(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 2 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    unsigned char byte;
    apr_status_t advised;

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    heard.count = 0;
    CHECK(smmap_cursor_at(cursor, 7) != NULL);
    CHECK_STATUS(smmap_cursor_use(cursor, -1, 0), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_require(cursor, 0, 0), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_read(cursor, 0, NULL, 1, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)(2 * unit), 0), APR_EOF);
    CHECK_STATUS(smmap_cursor_use(cursor, OFFSET_MAX, 0), APR_EOF);
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(2 * unit), &byte, 1, NULL), APR_EOF);
    CHECK_OK(smmap_cursor_read(cursor, 0, &byte, 0, NULL));
    advised = smmap_cursor_advise(cursor, 0, 10, SMMAP_WILL_NEED); /* Windows cannot, unmapped */
    CHECK(advised == APR_SUCCESS || (!fake_present() && APR_STATUS_IS_ENOTIMPL(advised)));
    CHECK_OK(smmap_cursor_refresh(cursor));
    CHECK_NUMBER(heard.count, 0);
    /* This one fails, but it asked for bytes that are there. */
    CHECK_STATUS(smmap_cursor_require(cursor, 5, 2 * unit), APR_EOF);
    CHECK_NUMBER(heard.count, 1);
    was(0, SMMAP_MOVE_REQUIRE, file.path, 5, 2 * unit - 5);
    CHECK_OK(manager_destroy(manager));
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), SMMAP_ECLOSED);
    CHECK_STATUS(smmap_cursor_read(cursor, 0, &byte, 1, NULL), SMMAP_ECLOSED);
    CHECK_NUMBER(heard.count, 1);
}

static void through_buffers(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 4 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    smmap_buffer_t *buffer;
    const unsigned char *data;
    unsigned char bytes[10];

    NEED_OK(smmap_buffer_create(&buffer, cursor, 100, SMMAP_TO_END, test_pool));
    CHECK_NUMBER(heard.count, 0);
    CHECK_OK(smmap_buffer_byte(buffer, 5, bytes));
    CHECK_OK(smmap_buffer_byte(buffer, 6, bytes)); /* in the window */
    CHECK_OK(smmap_buffer_slice(buffer, 7, 9, &data));
    CHECK_OK(smmap_buffer_read(buffer, -10, bytes, 10, NULL));
    CHECK_NUMBER(heard.count, 3);
    was(0, SMMAP_MOVE_USE, file.path, 105, 0);
    was(1, SMMAP_MOVE_USE, file.path, 107, 9);
    was(2, SMMAP_MOVE_READ, file.path, (apr_off_t)(4 * unit) - 10, 10);
}

static void which_file(void)
{
    smmap_manager_t *manager = begin();
    test_file_t one = file_make("one", 100);
    test_file_t two = file_make("two", 100);
    const char *link_path = test_path("link");
    smmap_cursor_t *first = cursor_open(manager, one.path);
    smmap_cursor_t *second = cursor_open(manager, two.path);
    smmap_cursor_t *linked;
    smmap_cursor_t *handed;
    smmap_cursor_t *copy;
    apr_os_file_t handle = file_open(one.path);

    file_link(one.path, link_path);
    linked = cursor_open(manager, link_path);
    NEED_OK(smmap_cursor_open_handle(&handed, manager, handle, test_pool));
    file_close(handle);
    NEED_OK(smmap_cursor_copy(&copy, first, test_pool));
    CHECK_OK(smmap_cursor_use(first, 1, 0));
    CHECK_OK(smmap_cursor_use(second, 2, 0));
    CHECK_OK(smmap_cursor_use(linked, 3, 0));
    CHECK_OK(smmap_cursor_use(handed, 4, 0));
    CHECK_OK(smmap_cursor_use(copy, 5, 0));
    CHECK_OK(smmap_cursor_assign(second, first));
    CHECK_OK(smmap_cursor_use(second, 6, 0));
    CHECK_NUMBER(heard.count, 6);
    was(0, SMMAP_MOVE_USE, one.path, 1, 0);
    was(1, SMMAP_MOVE_USE, two.path, 2, 0);
    was(2, SMMAP_MOVE_USE, link_path, 3, 0);
    was(3, SMMAP_MOVE_USE, "(none)", 4, 0);
    was(4, SMMAP_MOVE_USE, one.path, 5, 0);
    was(5, SMMAP_MOVE_USE, one.path, 6, 0);
    CHECK(heard.events[0].file != 0);
    CHECK(heard.events[1].file != heard.events[0].file);
    CHECK(heard.events[2].file == heard.events[0].file);
    CHECK(heard.events[3].file == heard.events[0].file);
    CHECK(heard.events[4].file == heard.events[0].file);
    CHECK(heard.events[5].file == heard.events[0].file);
}

static void without_a_lock(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 3 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);

    heard.ask = manager; /* would wait for ever if the lock were held */
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(heard.maps, 0); /* it comes before the move */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    CHECK_NUMBER(heard.maps, 1);
    CHECK_NUMBER(heard.count, 2);
}

static void own_function_first(void)
{
    const char *path = test_path("trace");
    smmap_manager_t *manager;
    test_file_t file = file_make("file", 100);
    smmap_cursor_t *cursor;
    apr_finfo_t info;

    NEED_OK(apr_env_set("SMMAP_TRACE", path, test_pool));
    manager = begin();
    NEED_OK(apr_env_delete("SMMAP_TRACE", test_pool));
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(heard.count, 1);
    CHECK_OK(manager_destroy(manager));
    CHECK(says_missing(apr_stat(&info, path, APR_FINFO_TYPE, test_pool)));
}

static const test_case_t cases[] = {{"moves_in_order", moves_in_order},
                                    {"what_is_no_move", what_is_no_move},
                                    {"through_buffers", through_buffers},
                                    {"which_file", which_file},
                                    {"without_a_lock", without_a_lock},
                                    {"own_function_first", own_function_first},
                                    {NULL, NULL}};

const test_module_t test_trace = {"trace", cases};
