/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying reads: the bytes, whichever way they come; when a window is mapped for
 * them and when the system is asked instead.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "tests/fake/backend.h"

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

/* A file of 64 windows of one granule, and a bit, and room for `regions` of them. */
static void begin(apr_size_t regions, smmap_limits_t limits)
{
    unit = smmap_granularity();
    file = file_make("file", 64 * unit + 77);
    manager = manager_sliding(unit, 0, regions, limits);
    cursor = cursor_open(manager, file.path);
}

/* Read, and compare; 1: all was as it should be. */
static int reads(smmap_cursor_t *from, apr_size_t offset, apr_size_t size)
{
    static unsigned char bytes[400000];
    apr_size_t wanted = file.size - offset < size ? file.size - offset : size;
    apr_size_t got = 0;

    memset(bytes, 0xEE, wanted + 1);
    return smmap_cursor_read(from, (apr_off_t)offset, bytes, size, &got) == APR_SUCCESS &&
           got == wanted && memcmp(bytes, file.data + offset, wanted) == 0 && bytes[wanted] == 0xEE;
}

/* Fill the manager, so that another window must cost one. */
static void fill(apr_size_t regions)
{
    apr_size_t i;

    for (i = 0; i <= regions; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * unit), 0));
    }
    smmap_cursor_release(cursor);
}

static void bytes_of_the_file(void)
{
    apr_size_t i;
    apr_size_t bad = 0;

    begin(5, SMMAP_LIMITS_HARD);
    for (i = 0; i < test_count(1000); i++) {
        apr_size_t offset = (apr_size_t)random_below(file.size);
        apr_size_t size = 1 + (apr_size_t)random_below(random_below(4) ? 3 * unit : 100);

        bad += !reads(cursor, offset, size);
        bad += smmap_manager_regions(manager) > 5;
    }
    CHECK_NUMBER(bad, 0);
    CHECK(manager_stats(manager).bypassed_reads > 0);
    CHECK(manager_stats(manager).maps > 0);
    counts_check();
}

static void ends_and_bad_input(void)
{
    unsigned char bytes[8];
    apr_size_t got = 99;

    begin(5, SMMAP_LIMITS_HARD);
    CHECK_STATUS(smmap_cursor_read(NULL, 0, bytes, 8, &got), APR_EINVAL);
    CHECK_NUMBER(got, 0);
    CHECK_STATUS(smmap_cursor_read(cursor, -1, bytes, 8, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_read(cursor, 0, NULL, 8, NULL), APR_EINVAL);
    CHECK_OK(smmap_cursor_read(cursor, 0, NULL, 0, &got));
    CHECK_OK(smmap_cursor_read(cursor, OFFSET_MAX, bytes, 0, NULL));
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)file.size, bytes, 1, &got), APR_EOF);
    CHECK_STATUS(smmap_cursor_read(cursor, OFFSET_MAX, bytes, 8, &got), APR_EOF);
    CHECK_OK(smmap_cursor_read(cursor, (apr_off_t)file.size - 3, bytes, 8, &got));
    CHECK_NUMBER(got, 3);
    CHECK(memcmp(bytes, file.data + file.size - 3, 3) == 0);
    CHECK_OK(manager_destroy(manager));
    CHECK_STATUS(smmap_cursor_read(cursor, 0, bytes, 8, NULL), SMMAP_ECLOSED);
}

/* While there is room, a window is mapped when it is touched first. */
static void room_is_used(void)
{
    begin(8, SMMAP_LIMITS_HARD);
    CHECK(reads(cursor, 0, 10));
    CHECK(reads(cursor, 5 * unit, 10));
    CHECK_NUMBER(manager_stats(manager).maps, 2);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 0);
    CHECK(reads(cursor, 3, 10));
    CHECK_NUMBER(manager_stats(manager).hits, 1);
}

/* Of a small file the first reads map nothing: many are opened for no more. */
static void small_is_read_first(void)
{
    test_file_t small = file_make("small", 1000);
    smmap_cursor_t *on_it;
    int i;

    begin(8, SMMAP_LIMITS_HARD);
    on_it = cursor_open(manager, small.path);
    for (i = 0; i < 20; i++) {
        unsigned char bytes[100];

        CHECK_OK(smmap_cursor_read(on_it, 50 * i % 900, bytes, 100, NULL));
        CHECK(memcmp(bytes, small.data + 50 * i % 900, 100) == 0);
        CHECK_NUMBER(manager_stats(manager).maps, i < 7 ? 0 : 1);
    }
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 7);
    /* A pointer into it was asked for. */
    on_it = cursor_open(manager, file_make("other", 1000).path);
    CHECK_OK(smmap_cursor_use(on_it, 0, 0));
    CHECK_NUMBER(manager_stats(manager).maps, 2);
}

/* When there is none, a read bypasses a cold window, and leaves the others alone. */
static void cold_is_bypassed(void)
{
    apr_uint64_t maps;
    int i;

    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    maps = manager_stats(manager).maps;
    for (i = 10; i < 60; i++) {
        CHECK(reads(cursor, (apr_size_t)i * unit + 7, 100));
    }
    CHECK_NUMBER(manager_stats(manager).maps, maps);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 50);
    /* Windows that follow one another are read at once, up to one that is mapped. */
    CHECK(reads(cursor, 10 * unit + 7, 5 * unit));
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 51);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(22 * unit), 0));
    smmap_cursor_release(cursor);
    CHECK(reads(cursor, 20 * unit + 7, 5 * unit));
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 53);
}

/* Read a window until it is mapped; how often it was bypassed. */
static apr_uint64_t bypassed(apr_size_t window)
{
    const smmap_stats_t before = manager_stats(manager);
    int i;

    for (i = 0; i < 10000 && manager_stats(manager).maps == before.maps; i++) {
        CHECK(reads(cursor, window * unit + 7, 100));
    }
    CHECK_NUMBER(manager_stats(manager).maps, before.maps + 1);
    return manager_stats(manager).bypassed_reads - before.bypassed_reads;
}

/* Of so many touches, those of a window that are bypassed: each has its number, so that they do not
   all ask for room at one time. */
static apr_uint64_t share_of(apr_size_t window, apr_uint64_t touches)
{
    apr_uint64_t spread = window * 2654435761U % 4294967296U / 65536;

    return touches - touches / 4 + spread * (touches / 2) / 65536 - 1;
}

/* What is read again and again becomes mapped. */
static void warm_becomes_mapped(void)
{
    apr_uint64_t times;

    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    times = bypassed(20);
    CHECK(times >= share_of(20, 64) && times <= share_of(20, 1600));
    CHECK(reads(cursor, 20 * unit, 100));
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, times);
}

/* But not in the place of what is hit more often. */
static void hot_stays(void)
{
    apr_uint64_t evictions;
    int i;
    int hot;

    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    evictions = manager_stats(manager).evictions;
    for (i = 0; i < 10000 && manager_stats(manager).admission_rejects == 0; i++) {
        for (hot = 1; hot < 5; hot++) {
            CHECK(reads(cursor, (apr_size_t)hot * unit, 1));
        }
        CHECK(reads(cursor, 20 * unit + 7, 100));
    }
    CHECK_NUMBER(manager_stats(manager).evictions, evictions);
    CHECK(manager_stats(manager).admission_rejects > 0);
}

/* Where all are read equally often, those that are mapped stay. */
static void none_is_hotter(void)
{
    apr_uint64_t evictions;
    apr_size_t window;
    int i;

    begin(8, SMMAP_LIMITS_HARD);
    fill(8);
    evictions = manager_stats(manager).evictions;
    /* Where maps are dear, each must have been read more often to be looked at. */
    for (i = 0; i < 200 || (i < 10000 && manager_stats(manager).admission_rejects <= 52); i++) {
        for (window = 0; window < 60; window++) {
            CHECK(reads(cursor, window * unit + 7, 100));
        }
    }
    CHECK_NUMBER(manager_stats(manager).evictions, evictions);
    CHECK(manager_stats(manager).admission_rejects > 52);
}

/* Where maps are dear, in reads, a window has to be read more often, up to a bound; where they are
   cheap, less often, down to another. */
static void as_often_as_it_costs(void)
{
    apr_uint64_t now = 0;
    apr_size_t i;

    NEEDS_FAKE();
    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    fake_take(FAKE_READ, 1000);
    fake_take(FAKE_MAP, 100000);
    for (i = 0; i < 20; i++) {
        now = bypassed(10 + i);
    }
    CHECK(now > share_of(29, 300) && now < share_of(29, 400));
    fake_take(FAKE_MAP, 5000000);
    for (i = 0; i < 20; i++) {
        now = bypassed(10 + i);
    }
    CHECK_NUMBER(now, share_of(29, 1600));
    fake_take(FAKE_MAP, 1);
    for (i = 0; i < 60; i++) {
        now = bypassed(10 + i % 20);
    }
    CHECK_NUMBER(now, share_of(29, 64));
}

/* While there is room a map is made at once, but not where it is dear, more than two reads. */
static void dear_is_not_done_at_once(void)
{
    apr_size_t i;

    NEEDS_FAKE();
    begin(60, SMMAP_LIMITS_HARD);
    for (i = 0; i < 60; i++) {
        fake_take(FAKE_MAP, i == 5 || i >= 20 ? 5000000 : 30000); /* one alone says nothing */
        if (i == 20) {
            CHECK_NUMBER(manager_stats(manager).maps, 20);
        }
        CHECK(reads(cursor, i * unit, 100));
    }
    CHECK(manager_stats(manager).maps < 30);
}

static void as_dear_as_reads(void)
{
    apr_size_t i;

    NEEDS_FAKE();
    begin(60, SMMAP_LIMITS_HARD);
    fake_take(FAKE_READ, 1000000);
    fake_take(FAKE_MAP, 1500000);
    for (i = 0; i < 50; i++) {
        CHECK(reads(cursor, i * unit, 100));
    }
    CHECK_NUMBER(manager_stats(manager).maps, 49); /* it had to be asked once what a read costs */
}

/* A clock that goes back says nothing. */
static void clock_goes_back(void)
{
    NEEDS_FAKE();
    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    fake_take(FAKE_READ, 600);
    fake_take(FAKE_MAP, 200000);
    CHECK_NUMBER(bypassed(20), share_of(20, 64));
    fake_take(FAKE_READ, -1000);
    fake_take(FAKE_MAP, -5000000);
    CHECK_NUMBER(bypassed(21), share_of(21, 200));
}

/* Room that came back is used again. */
static void after_collect(void)
{
    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK(reads(cursor, 20 * unit, 100));
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 0);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
}

/* The handle may be closed at any time; it is opened again. */
static void with_one_handle(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *other;
    test_file_t second;
    int i;

    begin(4, SMMAP_LIMITS_HARD);
    second = file_make("second", 1000);
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.max_regions = 2;
    options.max_open_files = 1;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    other = cursor_open(manager, second.path);
    fill(2);
    for (i = 10; i < 40; i++) {
        CHECK_OK(smmap_cursor_refresh(other)); /* takes the only handle */
        CHECK(reads(cursor, (apr_size_t)i * unit, 50));
        CHECK_NUMBER(smmap_manager_open_files(manager), 1);
    }
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 30);
}

/* A file that was cut short gives a status, no zeroes. */
static void cut_short(void)
{
    unsigned char bytes[100];
    apr_size_t got = 0;

    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    NEED(file_resize(file.path, (apr_off_t)(30 * unit)));
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(40 * unit), bytes, 100, &got),
                 SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, 0);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), 30 * unit);
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(40 * unit), bytes, 100, &got), APR_EOF);
}

/* A read that bypasses the windows counts, whether its cursor ever had one or not. */
static void counted_without_a_window(void)
{
    smmap_cursor_t *fresh;

    begin(4, SMMAP_LIMITS_HARD);
    fill(4);
    fresh = cursor_open(manager, file.path);
    CHECK(reads(fresh, 30 * unit + 7, 100));
    CHECK(reads(fresh, 31 * unit + 7, 100));
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 2);
    smmap_cursor_close(fresh);
    CHECK_NUMBER(manager_stats(manager).bypassed_reads, 2);
}

/* The bytes were there when the read began: losing them is no mistake of the caller. */
static void cut_on_the_way(void)
{
    static unsigned char bytes[400000];
    apr_size_t got = 99;

    begin(8, SMMAP_LIMITS_HARD);
    if (!file_resize(file.path, (apr_off_t)(2 * unit + 5))) {
        test_skip("the file system cannot cut files");
        return;
    }
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)unit + 1, bytes, 2 * unit, &got),
                 SMMAP_ETRUNCATED);
    CHECK_NUMBER(got, unit + 4);
    CHECK(memcmp(bytes, file.data + unit + 1, unit + 4) == 0);
    /* And now it is known. */
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(2 * unit + 5), bytes, 1, &got), APR_EOF);
    CHECK_NUMBER(got, 0);
}

static const test_case_t cases[] = {{"bytes_of_the_file", bytes_of_the_file},
                                    {"ends_and_bad_input", ends_and_bad_input},
                                    {"room_is_used", room_is_used},
                                    {"small_is_read_first", small_is_read_first},
                                    {"cold_is_bypassed", cold_is_bypassed},
                                    {"warm_becomes_mapped", warm_becomes_mapped},
                                    {"hot_stays", hot_stays},
                                    {"none_is_hotter", none_is_hotter},
                                    {"as_often_as_it_costs", as_often_as_it_costs},
                                    {"dear_is_not_done_at_once", dear_is_not_done_at_once},
                                    {"as_dear_as_reads", as_dear_as_reads},
                                    {"clock_goes_back", clock_goes_back},
                                    {"after_collect", after_collect},
                                    {"with_one_handle", with_one_handle},
                                    {"counted_without_a_window", counted_without_a_window},
                                    {"cut_short", cut_short},
                                    {"cut_on_the_way", cut_on_the_way},
                                    {NULL, NULL}};

const test_module_t test_read = {"read", cases};
