/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buffer.h: bytes, copies and slices of a range, compared with the bytes of the
 * file; in the three settings of the Python package's tests: windows as large as
 * the file, a hundred windows with a third of them allowed, and static mode.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "tests/fake/backend.h"

static test_file_t file;

static smmap_manager_t *optimal(void)
{
    return manager_sliding(file.size, 0, 0, SMMAP_LIMITS_SOFT);
}

static smmap_manager_t *worst(void)
{
    return manager_sliding(file.size / 100, file.size / 3, 15, SMMAP_LIMITS_SOFT);
}

static smmap_manager_t *whole(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = SMMAP_MODE_STATIC;
    return manager_make(&options);
}

static smmap_buffer_t *buffer_on(smmap_manager_t *manager, apr_off_t offset, apr_off_t size)
{
    smmap_buffer_t *buffer = NULL;
    smmap_cursor_t *cursor = cursor_open(manager, file.path);

    NEED_OK(smmap_buffer_create(&buffer, cursor, offset, size, test_pool));
    smmap_cursor_close(cursor); /* the buffer has its own */
    return buffer;
}

static void without_a_file(void)
{
    smmap_buffer_t *buffer = NULL;
    const unsigned char *data = NULL;
    unsigned char byte = 77;
    apr_size_t got = 5;

    NEED_OK(smmap_buffer_create(&buffer, NULL, -5, -5, test_pool));
    CHECK_NUMBER(smmap_buffer_size(buffer), 0);
    CHECK(smmap_buffer_cursor(buffer) == NULL);
    smmap_buffer_end_access(buffer);
    smmap_buffer_end_access(buffer);
    CHECK_STATUS(smmap_buffer_byte(buffer, 0, &byte), SMMAP_ENOWINDOW);
    CHECK_STATUS(smmap_buffer_read(buffer, 0, &byte, 1, &got), SMMAP_ENOWINDOW);
    CHECK_NUMBER(got, 0);
    CHECK_STATUS(smmap_buffer_slice(buffer, 0, 1, &data), SMMAP_ENOWINDOW);
    CHECK(byte == 77 && data == NULL);
    CHECK_STATUS(smmap_buffer_begin_access(buffer, NULL, 0, SMMAP_TO_END), SMMAP_ENOFILE);
    smmap_buffer_close(buffer);
}

static void null_buffer(void)
{
    const unsigned char *data = NULL;
    unsigned char byte = 0;
    apr_size_t got = 5;

    smmap_buffer_end_access(NULL);
    smmap_buffer_close(NULL);
    CHECK_NUMBER(smmap_buffer_size(NULL), 0);
    CHECK(smmap_buffer_cursor(NULL) == NULL);
    CHECK_STATUS(smmap_buffer_create(NULL, NULL, 0, 0, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_begin_access(NULL, NULL, 0, 1), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_byte(NULL, 0, &byte), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_read(NULL, 0, &byte, 1, &got), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_slice(NULL, 0, 1, &data), APR_EINVAL);
}

static void bad_arguments(void)
{
    smmap_buffer_t *buffer;
    smmap_buffer_t *untouched = (smmap_buffer_t *)(void *)&file;
    smmap_cursor_t *cursor;
    smmap_manager_t *manager;
    const unsigned char *data = NULL;
    unsigned char byte = 77;
    apr_size_t got;

    file = file_make("file", 5000);
    manager = whole();
    cursor = cursor_open(manager, file.path);
    buffer = untouched;
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, -1, 10, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 0, 0, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 0, -2, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 0, -OFFSET_MAX - 1, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 5000, 1, test_pool), APR_EOF);
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 5000, SMMAP_TO_END, test_pool), APR_EOF);
    CHECK_STATUS(smmap_buffer_create(&buffer, cursor, OFFSET_MAX, OFFSET_MAX, test_pool), APR_EOF);
    CHECK(buffer == untouched);
    CHECK_NUMBER(manager_stats(manager).cursors, 1);

    buffer = buffer_on(manager, 0, SMMAP_TO_END);
    CHECK_STATUS(smmap_buffer_byte(buffer, 0, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_read(buffer, 0, NULL, 1, &got), APR_EINVAL);
    CHECK_OK(smmap_buffer_read(buffer, 0, NULL, 0, &got));
    CHECK_NUMBER(got, 0);
    CHECK_OK(smmap_buffer_read(buffer, 0, &byte, 1, NULL));
    CHECK(byte == file.data[0]);
    CHECK_STATUS(smmap_buffer_slice(buffer, 0, 0, &data), APR_EINVAL);
    CHECK_STATUS(smmap_buffer_slice(buffer, 0, 1, NULL), APR_EINVAL);
    CHECK(data == NULL);
}

static void indexes(void)
{
    static const apr_off_t outside[] = {300, 301, -301, OFFSET_MAX, -OFFSET_MAX, -OFFSET_MAX - 1};
    smmap_buffer_t *buffer;
    const unsigned char *data = NULL;
    unsigned char bytes[600];
    unsigned char byte = 0;
    apr_size_t got;
    apr_size_t i;

    file = file_make("file", 5000);
    buffer = buffer_on(worst(), 100, 300);
    CHECK_NUMBER(smmap_buffer_size(buffer), 300);
    CHECK_OK(smmap_buffer_byte(buffer, 0, &byte));
    CHECK_NUMBER(byte, file.data[100]);
    CHECK_OK(smmap_buffer_byte(buffer, 299, &byte));
    CHECK_NUMBER(byte, file.data[399]);
    CHECK_OK(smmap_buffer_byte(buffer, -1, &byte));
    CHECK_NUMBER(byte, file.data[399]);
    CHECK_OK(smmap_buffer_byte(buffer, -300, &byte));
    CHECK_NUMBER(byte, file.data[100]);
    byte = 77;
    for (i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        CHECK_STATUS(smmap_buffer_byte(buffer, outside[i], &byte), APR_EOF);
        got = 9;
        CHECK_STATUS(smmap_buffer_read(buffer, outside[i], bytes, 1, &got), APR_EOF);
        CHECK_NUMBER(got, 0);
        CHECK_STATUS(smmap_buffer_slice(buffer, outside[i], 1, &data), APR_EOF);
    }
    CHECK(byte == 77 && data == NULL);

    /* The last ten bytes; more than there are; from the end on. */
    memset(bytes, 0, sizeof bytes);
    CHECK_OK(smmap_buffer_read(buffer, -10, bytes, 10, &got));
    CHECK_NUMBER(got, 10);
    CHECK(memcmp(bytes, file.data + 390, 10) == 0);
    CHECK_OK(smmap_buffer_read(buffer, 0, bytes, sizeof bytes, &got));
    CHECK_NUMBER(got, 300);
    CHECK(memcmp(bytes, file.data + 100, 300) == 0);
    CHECK(bytes[300] == 0);
    CHECK_OK(smmap_buffer_read(buffer, -10, bytes, 11, &got));
    CHECK_NUMBER(got, 10);
    CHECK_STATUS(smmap_buffer_slice(buffer, -10, 11, &data), APR_EOF);
    CHECK_STATUS(smmap_buffer_slice(buffer, 0, 301, &data), APR_EOF);
    CHECK_STATUS(smmap_buffer_slice(buffer, 0, SIZE_MAX_, &data), APR_EOF);
    CHECK(data == NULL);
    CHECK_OK(smmap_buffer_slice(buffer, -10, 10, &data));
    CHECK(data != NULL && memcmp(data, file.data + 390, 10) == 0);
    /* Nothing is asked for: the index does not matter. */
    CHECK_OK(smmap_buffer_read(buffer, 300, bytes, 0, &got));
}

static void sizes(void)
{
    smmap_manager_t *manager;

    file = file_make("file", 5000);
    manager = whole();
    CHECK_NUMBER(smmap_buffer_size(buffer_on(manager, 0, SMMAP_TO_END)), 5000);
    CHECK_NUMBER(smmap_buffer_size(buffer_on(manager, 4999, SMMAP_TO_END)), 1);
    CHECK_NUMBER(smmap_buffer_size(buffer_on(manager, 10, 4990)), 4990);
    CHECK_NUMBER(smmap_buffer_size(buffer_on(manager, 10, 4991)), 4990);
    CHECK_NUMBER(smmap_buffer_size(buffer_on(manager, 10, OFFSET_MAX)), 4990);
    CHECK_NUMBER(smmap_buffer_size(buffer_on(manager, 10, 1)), 1);
}

/* The Python package's walk through the states of a buffer. */
static void access_begins_and_ends(void)
{
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer = NULL;
    unsigned char byte = 0;

    file = file_make("file", 50000);
    manager = optimal();
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_buffer_create(&buffer, NULL, 0, 0, test_pool));
    CHECK_STATUS(smmap_buffer_begin_access(buffer, cursor, 50000, SMMAP_TO_END), APR_EOF);
    CHECK_NUMBER(smmap_buffer_size(buffer), 0);
    CHECK_OK(smmap_buffer_begin_access(buffer, cursor, 100, SMMAP_TO_END));
    CHECK_NUMBER(smmap_buffer_size(buffer), 49900);
    CHECK_OK(smmap_buffer_byte(buffer, 0, &byte));
    CHECK_NUMBER(byte, file.data[100]);
    CHECK(smmap_cursor_is_valid(smmap_buffer_cursor(buffer)));
    /* Without a cursor: the same file, another range. */
    CHECK_OK(smmap_buffer_begin_access(buffer, NULL, 0, SMMAP_TO_END));
    CHECK_NUMBER(smmap_buffer_size(buffer), 50000);
    CHECK_OK(smmap_buffer_byte(buffer, 100, &byte));
    CHECK_NUMBER(byte, file.data[100]);
    /* The end: no window and no range, but still the file. */
    smmap_buffer_end_access(buffer);
    CHECK_NUMBER(smmap_buffer_size(buffer), 0);
    CHECK(!smmap_cursor_is_valid(smmap_buffer_cursor(buffer)));
    CHECK(smmap_cursor_is_associated(smmap_buffer_cursor(buffer)));
    CHECK(strcmp(smmap_cursor_path(smmap_buffer_cursor(buffer)), file.path) == 0);
    CHECK_STATUS(smmap_buffer_byte(buffer, 0, &byte), SMMAP_ENOWINDOW);
    CHECK_NUMBER(manager_stats(manager).pinned_regions, 0);
    /* It can begin again. */
    CHECK_OK(smmap_buffer_begin_access(buffer, NULL, 7, 7));
    CHECK_OK(smmap_buffer_byte(buffer, -7, &byte));
    CHECK_NUMBER(byte, file.data[7]);
    /* A failure takes the range away. */
    CHECK_STATUS(smmap_buffer_begin_access(buffer, NULL, -1, 7), APR_EINVAL);
    CHECK_NUMBER(smmap_buffer_size(buffer), 0);
    CHECK_STATUS(smmap_buffer_byte(buffer, 0, &byte), SMMAP_ENOWINDOW);
    CHECK_OK(smmap_buffer_begin_access(buffer, NULL, 7, 7));
    CHECK_STATUS(smmap_buffer_begin_access(buffer, cursor, 50000, 7), APR_EOF);
    CHECK_NUMBER(smmap_buffer_size(buffer), 0);
    CHECK_NUMBER(manager_stats(manager).pinned_regions, 0);
    smmap_buffer_close(buffer);
    CHECK_NUMBER(manager_stats(manager).cursors, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 1);
}

static void another_file(void)
{
    smmap_manager_t *manager;
    smmap_buffer_t *buffer;
    test_file_t other;
    unsigned char byte = 0;

    file = file_make("file", 5000);
    other = file_make("other", 300);
    manager = whole();
    buffer = buffer_on(manager, 0, SMMAP_TO_END);
    CHECK_OK(smmap_buffer_byte(buffer, 4000, &byte));
    CHECK_OK(smmap_buffer_begin_access(buffer, cursor_open(manager, other.path), 100, 1000));
    CHECK_NUMBER(smmap_buffer_size(buffer), 200);
    CHECK_OK(smmap_buffer_byte(buffer, 50, &byte));
    CHECK_NUMBER(byte, other.data[150]);
    CHECK(strcmp(smmap_cursor_path(smmap_buffer_cursor(buffer)), other.path) == 0);
}

static void its_own_cursor(void)
{
    smmap_buffer_t *buffer;
    unsigned char byte = 0;

    file = file_make("file", 5000);
    buffer = buffer_on(whole(), 0, 100);
    CHECK_OK(smmap_buffer_byte(buffer, 7, &byte));
    CHECK_OK(smmap_buffer_begin_access(buffer, smmap_buffer_cursor(buffer), 4000, SMMAP_TO_END));
    CHECK_NUMBER(smmap_buffer_size(buffer), 1000);
    CHECK_OK(smmap_buffer_byte(buffer, 7, &byte));
    CHECK_NUMBER(byte, file.data[4007]);
}

static void moved_cursor(void)
{
    apr_size_t unit = smmap_granularity();
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer;
    unsigned char byte = 0;

    file = file_make("file", 4 * unit);
    manager = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
    buffer = buffer_on(manager, 10, SMMAP_TO_END);
    cursor = smmap_buffer_cursor(buffer);
    CHECK_OK(smmap_buffer_byte(buffer, 5, &byte));
    /* Whoever moves or releases it does the buffer no harm. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(2 * unit), 3));
    CHECK_OK(smmap_buffer_byte(buffer, 5, &byte));
    CHECK_NUMBER(byte, file.data[15]);
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_buffer_byte(buffer, -1, &byte));
    CHECK_NUMBER(byte, file.data[4 * unit - 1]);
    CHECK(smmap_buffer_cursor(buffer) == cursor);
}

static void slices(void)
{
    apr_size_t unit = smmap_granularity();
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer;
    const unsigned char *data = NULL;
    unsigned char bytes[20];
    apr_size_t got = 0;

    file = file_make("file", 4 * unit);
    manager = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
    buffer = buffer_on(manager, 10, SMMAP_TO_END);
    CHECK_OK(smmap_buffer_slice(buffer, (apr_off_t)unit - 10, unit, &data));
    CHECK(memcmp(data, file.data + unit, unit) == 0);
    data = NULL;
    CHECK_STATUS(smmap_buffer_slice(buffer, (apr_off_t)unit - 10, unit + 1, &data), SMMAP_ESPLIT);
    CHECK_STATUS(smmap_buffer_slice(buffer, (apr_off_t)unit - 20, 20, &data), SMMAP_ESPLIT);
    CHECK(data == NULL);
    /* The remedies that the header names. */
    CHECK_OK(smmap_buffer_read(buffer, (apr_off_t)unit - 20, bytes, 20, &got));
    CHECK_NUMBER(got, 20);
    CHECK(memcmp(bytes, file.data + unit - 10, 20) == 0);
    cursor = smmap_buffer_cursor(buffer);
    CHECK_OK(smmap_cursor_require(cursor, (apr_off_t)unit - 10, 20));
    CHECK(cursor_shows(cursor, &file));
    /* In static mode there is no end of a window. */
    buffer = buffer_on(whole(), 0, SMMAP_TO_END);
    CHECK_OK(smmap_buffer_slice(buffer, 0, file.size, &data));
    CHECK(memcmp(data, file.data, file.size) == 0);
}

static void error_in_the_middle(void)
{
    apr_size_t unit = smmap_granularity();
    smmap_buffer_t *buffer;
    unsigned char *bytes;
    apr_size_t got = 0;

    NEEDS_FAKE();
    file = file_make("file", 20 * unit); /* no small file, which would be read */
    bytes = apr_pcalloc(test_pool, file.size);
    buffer = buffer_on(manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT), 10, SMMAP_TO_END);
    fake_fail(FAKE_MAP, 3, APR_EACCES);
    CHECK_STATUS(smmap_buffer_read(buffer, 0, bytes, file.size, &got), APR_EACCES);
    CHECK_NUMBER(got, 2 * unit - 10);
    CHECK(memcmp(bytes, file.data + 10, got) == 0);
    CHECK_OK(smmap_buffer_read(buffer, 0, bytes, file.size, &got));
    CHECK_NUMBER(got, file.size - 10);
    CHECK(memcmp(bytes, file.data + 10, got) == 0);
}

/* Thousands of random accesses of each kind. */
static void accesses(smmap_manager_t *manager, int by_handle)
{
    apr_size_t rounds = test_count(300);
    unsigned char *bytes = apr_palloc(test_pool, 100000);
    smmap_cursor_t *cursor = NULL;
    smmap_buffer_t *buffer = NULL;
    apr_size_t slices_got = 0;
    apr_size_t bad = 0;
    apr_size_t range;
    apr_size_t begin;
    apr_size_t i;

    if (by_handle) {
        apr_os_file_t fd = file_open(file.path);

        NEED_OK(smmap_cursor_open_handle(&cursor, manager, fd, test_pool));
        file_close(fd);
    } else {
        cursor = cursor_open(manager, file.path);
    }
    begin = (apr_size_t)random_below(file.size / 10);
    range = file.size - begin - (apr_size_t)random_below(file.size / 10);
    NEED_OK(smmap_buffer_create(&buffer, cursor, (apr_off_t)begin, (apr_off_t)range, test_pool));
    for (i = 0; i < rounds; i++) {
        apr_size_t index = (apr_size_t)random_below(range);
        /* The same byte, counted from the end every other time. */
        apr_off_t said = (apr_off_t)index - (random_below(2) ? (apr_off_t)range : 0);
        apr_size_t size = (apr_size_t)random_below(100000) + 1;
        apr_size_t there = size < range - index ? size : range - index;
        const unsigned char *data = NULL;
        const unsigned char *expected = file.data + begin + index;
        unsigned char byte = 0;
        apr_size_t got = 0;
        apr_status_t status;

        bad += smmap_buffer_byte(buffer, said, &byte) != APR_SUCCESS || byte != *expected;
        bad += smmap_buffer_read(buffer, said, bytes, size, &got) != APR_SUCCESS;
        bad += got != there || memcmp(bytes, expected, got) != 0;
        status = smmap_buffer_slice(buffer, said, there, &data);
        bad += status != APR_SUCCESS && status != SMMAP_ESPLIT;
        if (status == APR_SUCCESS) {
            slices_got++;
            bad += memcmp(data, expected, there) != 0;
        }
    }
    CHECK_NUMBER(bad, 0);
    CHECK(slices_got > 0);
    /* In order, all of it. */
    for (i = 0; i < range;) {
        apr_size_t got = 0;

        NEED_OK(smmap_buffer_read(buffer, (apr_off_t)i, bytes, 77777, &got));
        NEED(got > 0);
        bad += memcmp(bytes, file.data + begin + i, got) != 0;
        i += got;
    }
    CHECK_NUMBER(bad, 0);
    counts_check();
    smmap_buffer_close(buffer);
    smmap_cursor_close(cursor);
    CHECK_NUMBER(manager_stats(manager).pinned_regions, 0);
}

static void random_access(smmap_manager_t *(*make)(void))
{
    smmap_manager_t *manager;

    file = file_make("file", 8 * 1024 * 1024 + 5195);
    manager = make();
    accesses(manager, 0);
    accesses(manager, 1);
}

static void random_optimal(void)
{
    random_access(optimal);
}

static void random_worst(void)
{
    random_access(worst);
}

static void random_static(void)
{
    random_access(whole);
}

static const test_case_t cases[] = {{"without_a_file", without_a_file},
                                    {"null_buffer", null_buffer},
                                    {"bad_arguments", bad_arguments},
                                    {"indexes", indexes},
                                    {"sizes", sizes},
                                    {"access_begins_and_ends", access_begins_and_ends},
                                    {"another_file", another_file},
                                    {"its_own_cursor", its_own_cursor},
                                    {"moved_cursor", moved_cursor},
                                    {"slices", slices},
                                    {"error_in_the_middle", error_in_the_middle},
                                    {"random_optimal", random_optimal},
                                    {"random_worst", random_worst},
                                    {"random_static", random_static},
                                    {NULL, NULL}};

const test_module_t test_buffer = {"buffer", cases};
