/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files larger than memory, than 4 GiB, than any disk: sparse ones, of which only
 * some bytes are written. In a 32-bit program as well.
 */
#include "tests/support/harness.h"

#include <apr_strings.h>

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

#define GIB ((apr_off_t)1 << 30)
#define TIB ((apr_off_t)1 << 40)
#define MIB ((apr_off_t)1 << 20)

static const char *path;
static apr_off_t size;

/* The byte at an offset that was written; everything else is zero. */
static unsigned char mark(apr_off_t offset)
{
    return (unsigned char)(1 + ((apr_uint64_t)offset * 7 + (apr_uint64_t)(offset >> 32)) % 255);
}

/* 16 bytes around an offset. */
static void write_marks(apr_off_t middle)
{
    apr_off_t from = middle < 8 ? 0 : middle - 8;
    apr_off_t to = size - middle < 8 ? size : middle + 8;
    unsigned char bytes[16];
    apr_off_t i;

    for (i = from; i < to; i++) {
        bytes[i - from] = mark(i);
    }
    file_write(path, from, bytes, (apr_size_t)(to - from));
}

/* A sparse file; otherwise why there is none. */
static const char *sparse(apr_off_t wanted)
{
    test_file_t file = file_make("sparse", 0);

    path = file.path;
    size = wanted;
    if (!file_resize(path, wanted)) {
        return "this file system makes no file that large";
    }
    if (native_disk_bytes(path) > 50000000) {
        return "this file system has no sparse files";
    }
    return NULL;
}

/* The marks around an offset, through a cursor. */
static void check_marks(smmap_cursor_t *cursor, apr_off_t middle)
{
    apr_off_t from = middle - 8;
    apr_off_t to = size - middle < 8 ? size : middle + 8;
    apr_size_t length = (apr_size_t)(to - from);
    apr_size_t bad = 0;
    apr_off_t i;

    /* Byte by byte, over the end of a window if there is one. */
    for (i = from; i < to; i++) {
        NEED_OK(smmap_cursor_use(cursor, i, 1));
        bad += *smmap_cursor_data(cursor) != mark(i);
        bad += smmap_cursor_at(cursor, i) != smmap_cursor_data(cursor);
    }
    /* In one piece. */
    NEED_OK(smmap_cursor_require(cursor, from, length));
    CHECK_NUMBER(smmap_cursor_offset(cursor), from);
    for (i = 0; i < (apr_off_t)length; i++) {
        bad += smmap_cursor_data(cursor)[i] != mark(from + i);
    }
    /* What lies beside them is a hole. */
    NEED_OK(smmap_cursor_use(cursor, from - 1000, 900));
    for (i = 0; i < (apr_off_t)smmap_cursor_size(cursor); i++) {
        bad += smmap_cursor_data(cursor)[i] != 0;
    }
    CHECK_NUMBER(bad, 0);
}

static void over_4_gib(void)
{
    const char *missing;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer = NULL;
    unsigned char byte = 0;
    unsigned char bytes[32];
    apr_size_t got = 0;

    missing = sparse(5 * GIB + 12345);
    if (missing != NULL) {
        test_skip("%s", missing);
        return;
    }
    write_marks(2 * GIB);
    write_marks(4 * GIB);
    write_marks(size);
    manager = manager_sliding((apr_size_t)MIB, (apr_size_t)(4 * MIB), 0, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, path);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), size);
    check_marks(cursor, 2 * GIB);
    check_marks(cursor, 4 * GIB);
    check_marks(cursor, size);
    NEED_OK(smmap_cursor_use(cursor, size - 1, 0));
    CHECK_NUMBER(smmap_cursor_end(cursor), size);
    CHECK_STATUS(smmap_cursor_use(cursor, size, 0), APR_EOF);
    /* The same offset without its upper half is another place. */
    NEED_OK(smmap_cursor_use(cursor, size - 1 - 4 * GIB, 1));
    CHECK_NUMBER(*smmap_cursor_data(cursor), 0);

    NEED_OK(smmap_buffer_create(&buffer, cursor, 100, SMMAP_TO_END, test_pool));
    CHECK_NUMBER(smmap_buffer_size(buffer), size - 100);
    CHECK_OK(smmap_buffer_byte(buffer, -1, &byte));
    CHECK_NUMBER(byte, mark(size - 1));
    CHECK_OK(smmap_buffer_byte(buffer, 4 * GIB - 100, &byte));
    CHECK_NUMBER(byte, mark(4 * GIB));
    CHECK_OK(smmap_buffer_read(buffer, 4 * GIB - 101, bytes, 2, &got));
    CHECK_NUMBER(got, 2);
    CHECK(bytes[0] == mark(4 * GIB - 1) && bytes[1] == mark(4 * GIB));
    CHECK_OK(smmap_buffer_read(buffer, -4, bytes, 32, &got));
    CHECK_NUMBER(got, 4);
    CHECK_NUMBER(bytes[3], mark(size - 1));
    counts_check();
}

static void windows_of_odd_size(void)
{
    const char *missing;
    apr_size_t window = 3 * smmap_granularity();
    smmap_cursor_t *cursor;
    apr_off_t border;

    missing = sparse(5 * GIB);
    if (missing != NULL) {
        test_skip("%s", missing);
        return;
    }
    /* A window that crosses 4 GiB, and its neighbours. */
    border = 4 * GIB / (apr_off_t)window * (apr_off_t)window;
    write_marks(border);
    write_marks(border + (apr_off_t)window);
    cursor = cursor_open(manager_sliding(window, 0, 0, SMMAP_LIMITS_SOFT), path);
    check_marks(cursor, border);
    check_marks(cursor, border + (apr_off_t)window);
    NEED_OK(smmap_cursor_use(cursor, 4 * GIB, 0));
    CHECK_NUMBER(smmap_cursor_region_begin(cursor), border);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), window);
}

static void whole_file(void)
{
    const char *missing;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursor;
    unsigned char bytes[100];
    apr_size_t got = 0;

    NEEDS_REAL(); /* the fake would have to copy it all */
    missing = sparse(5 * GIB + 12345);
    if (missing != NULL) {
        test_skip("%s", missing);
        return;
    }
    write_marks(4 * GIB);
    write_marks(size);
    options.mode = SMMAP_MODE_STATIC;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    cursor = cursor_open(manager_make(&options), path);
    if (!smmap_is_64bit()) {
        /* Said, and not the first GiB of it mapped as if it were all. */
        CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), SMMAP_ETOOLARGE);
        CHECK_STATUS(smmap_cursor_use(cursor, size - 1, 0), SMMAP_ETOOLARGE);
        CHECK(!smmap_cursor_is_valid(cursor));
        /* A copy needs no mapping. */
        CHECK_OK(smmap_cursor_read(cursor, size - 8, bytes, 100, &got));
        CHECK_NUMBER(got, 8);
        CHECK(bytes[0] == mark(size - 8) && bytes[7] == mark(size - 1));
        return;
    }
    check_marks(cursor, 4 * GIB);
    check_marks(cursor, size);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), size);
}

/* Through a handle, as its name is gone: memory of Linux takes files as long as an offset can
   say. NO_HANDLE: there is no such place. */
static apr_os_file_t endless(apr_off_t wanted)
{
    const char *name =
        apr_psprintf(test_pool, "/dev/shm/smmap-test-%" APR_UINT64_T_FMT, random_number());
    apr_os_file_t handle = NO_HANDLE;
    int is_made;

    if (native_open(&handle, name, NATIVE_MAKE) != APR_SUCCESS) {
        return NO_HANDLE;
    }
    file_close(handle);
    path = name;
    size = wanted;
    is_made = file_resize(name, wanted) != 0;
    if (is_made) {
        write_marks(size);
        write_marks(size / 2);
    }
    handle = file_open(name);
    file_delete(name);
    if (!is_made) {
        file_close(handle);
    }
    return is_made ? handle : NO_HANDLE;
}

/* Longer than anything that can be mapped. In static mode a copy needs no mapping either. */
static void as_long_as_can_be(void)
{
    const apr_off_t sizes[] = {4096 * 1024 * TIB, 4096 * 1024 * TIB + 6, OFFSET_MAX};
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    unsigned char bytes[32];
    apr_size_t got = 0;
    int i;

    NEEDS_REAL();
    if (test_is_light()) {
        test_skip("light counts are for checkers, and valgrind refuses such mappings with an "
                  "error that is not the system's");
        return;
    }
    for (i = 0; i < 3; i++) {
        apr_os_file_t handle = endless(sizes[i]);
        smmap_manager_t *manager;
        smmap_cursor_t *cursor;

        if (handle == NO_HANDLE) {
            test_skip("no file system here makes files that long");
            return;
        }
        options.mode = SMMAP_MODE_STATIC;
        manager = manager_make(&options);
        NEED_OK(smmap_cursor_open_handle(&cursor, manager, handle, test_pool));
        file_close(handle);
        CHECK_NUMBER(smmap_cursor_file_size(cursor), size);
        CHECK_STATUS(smmap_cursor_read(cursor, size, bytes, 1, &got), APR_EOF);
        CHECK_STATUS(smmap_cursor_use(cursor, OFFSET_MAX, 0), APR_EOF);
        CHECK_OK(smmap_cursor_read(cursor, size - 5, bytes, 32, &got));
        CHECK(got == 5 && bytes[0] == mark(size - 5) && bytes[4] == mark(size - 1));
        if (smmap_is_64bit()) {
            check_marks(cursor, size / 2);
            check_marks(cursor, size);
        } else {
            CHECK_STATUS(smmap_cursor_use(cursor, size - 5, 0), SMMAP_ETOOLARGE);
        }
        counts_check();
        CHECK_OK(manager_destroy(manager));
        smmap_cursor_close(cursor);
    }
}

/* Somewhere in a file whose windows are all alike; what was there before goes. */
static apr_off_t anywhere(smmap_cursor_t *cursor, apr_size_t window)
{
    apr_off_t offset = (apr_off_t)random_below((apr_uint64_t)size - MIB);
    unsigned char byte = 1;

    if (random_below(2) == 0) {
        NEED_OK(smmap_cursor_read(cursor, offset, &byte, 1, NULL));
        return offset;
    }
    NEED_OK(smmap_cursor_use(cursor, offset, 0));
    CHECK(smmap_cursor_region_begin(cursor) == offset / (apr_off_t)window * (apr_off_t)window);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), window);
    return offset;
}

/* The largest file that the file system here makes, and what its windows cost: as much after ten
   as after thousands. */
static void small_windows_in_a_huge_file(void)
{
    apr_size_t window = smmap_granularity() > 65536 ? smmap_granularity() : 65536;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    const apr_off_t sizes[] = {16 * TIB, 16 * TIB - MIB, 8 * TIB};
    const char *missing = "";
    apr_size_t rounds = test_count(500);
    apr_size_t bytes = 0;
    apr_size_t bad = 0;
    apr_size_t i;

    /* ext4 ends a page before 16 TiB. */
    for (i = 0; i < 3 && missing != NULL; i++) {
        missing = sparse(sizes[i]);
    }
    if (missing != NULL) {
        test_skip("%s", missing);
        return;
    }
    write_marks(size);
    write_marks(4 * TIB);
    manager = manager_sliding(window, 16 * window, 0, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, path);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), size);
    check_marks(cursor, size);
    check_marks(cursor, 4 * TIB);
    NEED_OK(smmap_cursor_use(cursor, 0, 0)); /* the first windows have a table of their own */
    for (i = 0; i < rounds; i++) {
        apr_off_t offset = anywhere(cursor, window);

        if (smmap_cursor_data(cursor) != NULL &&
            (offset < 4 * TIB - MIB || offset > 4 * TIB + MIB)) {
            bad += *smmap_cursor_data(cursor) != 0;
        }
        if (smmap_manager_regions(manager) == 16 && bytes == 0) {
            bytes = fake_memory_bytes();
        }
    }
    CHECK_NUMBER(bad, 0);
    /* A flat table of its windows would take 2 GiB. */
    CHECK(bytes > 0 && bytes < (apr_size_t)(64 * 1024));
    CHECK(fake_memory_bytes() <= bytes + 1024);
    counts_check();
}

/* When there are more windows than the limits allow, and than there are slots. */
static void more_windows_than_slots(void)
{
    enum { COUNT = 1000, FIRST = 5000 };
    const apr_size_t window = smmap_granularity();
    const char *missing = sparse((apr_off_t)window * 100 * COUNT);
    smmap_cursor_t *cursors[COUNT];
    smmap_manager_t *manager;
    smmap_cursor_t *other;
    apr_size_t i;

    NEEDS_LASTING_WINDOWS();
    if (missing != NULL) {
        test_skip("%s", missing);
        return;
    }
    manager = manager_sliding(window, window, 0, SMMAP_LIMITS_SOFT);
    for (i = 0; i < COUNT; i++) {
        apr_off_t offset = (apr_off_t)(window * (FIRST + i * 7));
        unsigned char byte = mark(offset);

        file_write(path, offset, &byte, 1);
        cursors[i] = cursor_open(manager, path);
        NEED_OK(smmap_cursor_use(cursors[i], offset, 0));
    }
    other = cursor_open(manager, path);
    for (i = 0; i < COUNT; i++) {
        apr_off_t offset = (apr_off_t)(window * (FIRST + i * 7));
        unsigned char byte = 0;

        CHECK_NUMBER(*smmap_cursor_data(cursors[i]), mark(offset));
        CHECK_OK(smmap_cursor_use(other, offset, 0));
        CHECK(smmap_cursor_data(other) == smmap_cursor_data(cursors[i]));
        CHECK_OK(smmap_cursor_read(other, offset, &byte, 1, NULL));
        CHECK_NUMBER(byte, mark(offset));
    }
    CHECK_NUMBER(manager_stats(manager).maps, COUNT);
    CHECK_NUMBER(smmap_manager_regions(manager), COUNT);
    counts_check();
    for (i = 0; i < COUNT; i++) {
        smmap_cursor_close(cursors[i]);
    }
    smmap_cursor_release(other);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

static const test_case_t cases[] = {{"over_4_gib", over_4_gib},
                                    {"windows_of_odd_size", windows_of_odd_size},
                                    {"whole_file", whole_file},
                                    {"as_long_as_can_be", as_long_as_can_be},
                                    {"small_windows_in_a_huge_file", small_windows_in_a_huge_file},
                                    {"more_windows_than_slots", more_windows_than_slots},
                                    {NULL, NULL}};

const test_module_t test_large = {"large", cases};
