/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When the system refuses: no memory for a mapping, no descriptor for a file.
 * The order is: unmap what is not pinned, try again, take a smaller window down
 * to one granule, take memory of the heap, and only then the error.
 *
 * The fake backend refuses on demand. In test_exhausted.c the system itself does.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

/* A file of 40 granules and a bit, in windows of 8. */
static void begin(void)
{
    unit = smmap_granularity();
    file = file_make("file", 40 * unit + 77);
    manager = manager_sliding(8 * unit, 0, 0, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, file.path);
}

/* Memory for a pin may be refused, too, and that is not what is to be seen. */
static void have_a_pin(void)
{
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    smmap_cursor_release(cursor);
    NEED_OK(smmap_manager_collect(manager, NULL));
}

static void touch(apr_size_t window)
{
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(window * 8 * unit), 0));
    CHECK(region_shows(cursor, &file));
    smmap_cursor_release(cursor);
}

/* No mapping is to be had, and no memory for a window. */
static void refuse_all(void)
{
    fake_fail_from(FAKE_MAP, 1, APR_ENOMEM);
    fake_memory_fail_above(unit - 1);
}

static void relent(void)
{
    fake_fail_none();
    fake_memory_fail_none();
}

static void evicts_and_retries(void)
{
    smmap_cursor_t *pinned;
    smmap_stats_t stats;

    NEEDS_FAKE();
    begin();
    pinned = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(pinned, 0, 0));
    touch(1);
    touch(2);
    fake_fail(FAKE_MAP, 1, APR_ENOMEM);
    touch(3);
    CHECK_NUMBER(fake_failed(), 1);
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.retries, 1);
    CHECK(stats.evictions >= 1);
    CHECK_NUMBER(stats.map_failures, 0);
    CHECK_NUMBER(stats.shrunk_maps, 0);
    CHECK_NUMBER(stats.regions, 4 - stats.evictions);
    CHECK(region_shows(pinned, &file));
    counts_check();
}

static void nothing_to_evict(void)
{
    smmap_cursor_t *pinned;

    NEEDS_FAKE();
    begin();
    pinned = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(pinned, 0, 0));
    fake_fail(FAKE_MAP, 1, APR_ENOMEM);
    touch(1);
    CHECK_NUMBER(manager_stats(manager).map_failures, 0);
    CHECK_NUMBER(manager_stats(manager).evictions, 0);
    CHECK(region_shows(pinned, &file));
    counts_check();
}

/* No mapping of more than so many granules is to be had. */
static void halve_to(apr_size_t granules)
{
    apr_size_t rounds = test_count(100);
    smmap_cursor_t *pinning[8];
    smmap_stats_t stats;
    apr_size_t bad = 0;
    apr_size_t i;

    fake_fail_above(granules * unit + unit - 1);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(13 * unit + 5), 0));
    CHECK(smmap_cursor_region_size(cursor) <= granules * unit);
    CHECK(smmap_cursor_region_size(cursor) > granules * unit / 2);
    CHECK(smmap_cursor_region_begin(cursor) <= (apr_off_t)(13 * unit + 5));
    CHECK(cursor_shows(cursor, &file));
    CHECK(region_shows(cursor, &file));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.shrunk_maps, 1);
    CHECK_NUMBER(stats.map_failures, 0);
    CHECK(stats.retries >= 2);
    CHECK_NUMBER(stats.mapped_bytes, smmap_cursor_region_size(cursor));
    counts_check();
    /* The same place is a hit, every place can be reached. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(13 * unit + 6), 0));
    CHECK_NUMBER(manager_stats(manager).hits, 1);
    for (i = 0; i < rounds; i++) {
        apr_off_t offset = (apr_off_t)random_below(file.size);

        NEED_OK(smmap_cursor_use(cursor, offset, 0));
        bad += !cursor_shows(cursor, &file) || smmap_cursor_offset(cursor) != offset;
        bad += smmap_cursor_region_size(cursor) > granules * unit;
    }
    CHECK_NUMBER(bad, 0);
    counts_check();
    /* The parts of one window are found beside each other. */
    for (i = 0; i < 8; i++) {
        pinning[i] = cursor_open(manager, file.path);
        NEED_OK(smmap_cursor_use(pinning[i], (apr_off_t)((16 + i) * unit), 0));
    }
    stats = manager_stats(manager);
    for (i = 0; i < 8; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)((16 + i) * unit), 0));
        CHECK(smmap_cursor_data(cursor) == smmap_cursor_data(pinning[i]));
        smmap_cursor_release(pinning[i]);
    }
    CHECK_NUMBER(manager_stats(manager).hits, stats.hits + 8);
    CHECK_NUMBER(manager_stats(manager).maps, stats.maps);
    /* As soon as there is memory again, windows are whole again. */
    fake_fail_none();
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(13 * unit + 5), 0));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), 8 * unit);
    CHECK(region_shows(cursor, &file));
}

static void halves_to_four(void)
{
    NEEDS_FAKE();
    begin();
    halve_to(4);
}

static void halves_to_two(void)
{
    NEEDS_FAKE();
    begin();
    halve_to(2);
}

static void halves_to_one(void)
{
    NEEDS_FAKE();
    begin();
    halve_to(1);
}

static void halves_an_odd_window(void)
{
    NEEDS_FAKE();
    begin();
    manager = manager_sliding(7 * unit, 0, 0, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, file.path);
    fake_fail_above(unit);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(20 * unit), 0));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), unit);
    CHECK(region_shows(cursor, &file));
    /* The rest of the file's last window is smaller than that. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)file.size - 1, 0));
    CHECK(region_shows(cursor, &file));
    counts_check();
}

static void then_the_error(void)
{
    smmap_stats_t stats;

    NEEDS_FAKE();
    begin();
    touch(0);
    refuse_all();
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)(13 * unit), 0), APR_ENOMEM);
    CHECK(!smmap_cursor_is_valid(cursor) && smmap_cursor_is_associated(cursor));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.map_failures, 1);
    CHECK_NUMBER(stats.shrunk_maps, 0);
    /* Whole, whole again, a half, a quarter, an eighth. */
    CHECK_NUMBER(fake_failed(), 5);
    /* And memory of the heap. */
    CHECK_NUMBER(fake_memory_failed(), 1);
    CHECK_NUMBER(stats.retries, 5);
    CHECK_NUMBER(stats.buffered, 0);
    counts_check();
    relent();
    touch(1);
    touch(0);
}

/* Nothing can be mapped: a window is memory of the heap then, for its cursor alone. */
static void memory_of_the_heap(smmap_mode_t mode)
{
    const apr_off_t place = (apr_off_t)(13 * unit + 5);
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *other;
    apr_size_t bytes = 0;

    options.mode = mode;
    options.window_size = 8 * unit;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    other = cursor_open(manager, file.path);
    fake_fail_from(FAKE_MAP, 1, APR_ENOMEM);
    NEED_OK(smmap_cursor_use(cursor, place, 0));
    CHECK_NUMBER(smmap_cursor_region_begin(cursor), 13 * unit);
    CHECK_NUMBER(smmap_cursor_region_size(cursor), unit);
    CHECK(region_shows(cursor, &file));
    NEED_OK(smmap_cursor_use(other, place, 0));
    CHECK(region_shows(other, &file));
    CHECK(smmap_cursor_data(other) != smmap_cursor_data(cursor));
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 2);
    CHECK_NUMBER(manager_stats(manager).buffered_bytes, 2 * unit);
    CHECK_NUMBER(manager_stats(manager).mapped_bytes, 2 * unit);
    CHECK_NUMBER(manager_stats(manager).map_failures, 0);
    CHECK_NUMBER(manager_stats(manager).shrunk_maps, 0);
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_OK(smmap_cursor_resident(cursor, &bytes));
    CHECK_NUMBER(bytes, unit);
    counts_check();
    /* A copy of the cursor shares it; it goes with the last. */
    CHECK_OK(smmap_cursor_assign(other, cursor));
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 1);
    smmap_cursor_release(cursor);
    CHECK(region_shows(other, &file));
    smmap_cursor_release(other);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    /* In one piece, across the end of a window, and at the end of the file. */
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)(8 * unit) - 3, 6));
    CHECK(cursor_shows(cursor, &file));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)file.size - 1, 0));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), 77);
    CHECK(region_shows(cursor, &file));
    counts_check();
    /* When there is room again, windows are whole again. */
    fake_fail_none();
    NEED_OK(smmap_cursor_use(cursor, place, 0));
    CHECK(smmap_cursor_region_size(cursor) >= 8 * unit);
    CHECK_NUMBER(manager_stats(manager).buffered_regions, 0);
    counts_check();
    smmap_cursor_close(cursor);
    smmap_cursor_close(other);
    CHECK_OK(manager_destroy(manager));
}

static void then_the_heap(void)
{
    NEEDS_FAKE();
    begin();
    memory_of_the_heap(SMMAP_MODE_SLIDING);
    memory_of_the_heap(SMMAP_MODE_STATIC);
}

/* What is wrong with the file is told, and not that nothing could be mapped. */
static void the_heap_and_the_file(void)
{
    NEEDS_FAKE();
    begin();
    fake_fail_from(FAKE_MAP, 1, APR_ENOMEM);
    fake_fail(FAKE_READ, 1, APR_FROM_OS_ERROR(5));
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_FROM_OS_ERROR(5));
    CHECK_NUMBER(manager_stats(manager).map_failures, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    counts_check();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(region_shows(cursor, &file));
    smmap_cursor_release(cursor);
    /* So much in one piece is not had from the heap. */
    file = file_make("large", (1 << 20) + 3 * unit);
    cursor = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_require(cursor, 1, (1 << 20) + unit), APR_ENOMEM);
    NEED_OK(smmap_cursor_require(cursor, 1, (1 << 20) - unit));
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

/* A copy needs no mapping, and no memory of the heap. */
static void copies_go_on(void)
{
    unsigned char *bytes;
    apr_size_t got = 0;

    NEEDS_FAKE();
    begin();
    bytes = apr_palloc(test_pool, file.size);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    smmap_cursor_release(cursor);
    refuse_all();
    CHECK_OK(smmap_cursor_read(cursor, 3, bytes, file.size - 3, &got));
    CHECK_NUMBER(got, file.size - 3);
    CHECK(memcmp(bytes, file.data + 3, got) == 0);
    CHECK_NUMBER(manager_stats(manager).map_failures, 0);
    CHECK_NUMBER(manager_stats(manager).buffered, 0);
    CHECK(manager_stats(manager).bypassed_reads >= 5);
    counts_check();
    relent();
    touch(2);
}

static void no_smaller_window_in_static_mode(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    NEEDS_FAKE();
    begin();
    options.mode = SMMAP_MODE_STATIC;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    have_a_pin();
    fake_fail_above(file.size - 1);
    fake_memory_fail_above(unit - 1);
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_ENOMEM);
    CHECK_NUMBER(manager_stats(manager).shrunk_maps, 0);
    CHECK_NUMBER(manager_stats(manager).map_failures, 1);
    CHECK(fake_failed() <= 2);
    counts_check();
    relent();
    fake_fail(FAKE_MAP, 1, APR_ENOMEM);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
}

static void no_smaller_span(void)
{
    NEEDS_FAKE();
    begin();
    have_a_pin();
    fake_fail_above(8 * unit);
    fake_memory_fail_above(unit - 1);
    /* All of it in one piece, or not at all. */
    CHECK_STATUS(smmap_cursor_require(cursor, 3, 9 * unit), APR_ENOMEM);
    CHECK(!smmap_cursor_is_valid(cursor));
    CHECK_NUMBER(manager_stats(manager).map_failures, 1);
    CHECK_NUMBER(manager_stats(manager).shrunk_maps, 0);
    counts_check();
    /* What lies in a part of a window can be had from a part. */
    fake_fail_above(2 * unit);
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)(9 * unit), unit));
    CHECK_NUMBER(smmap_cursor_size(cursor), unit);
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

static void other_errors_at_once(void)
{
    NEEDS_FAKE();
    begin();
    touch(0);
    fake_fail_from(FAKE_MAP, 1, APR_EACCES);
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)(13 * unit), 0), APR_EACCES);
    CHECK_NUMBER(fake_failed(), 1);
    CHECK_NUMBER(manager_stats(manager).retries, 0);
    CHECK_NUMBER(manager_stats(manager).evictions, 0);
    CHECK_NUMBER(manager_stats(manager).map_failures, 1);
    CHECK_NUMBER(manager_stats(manager).regions, 1);
    counts_check();
}

static void so_much_and_no_more(void)
{
    apr_size_t rounds = test_count(400);
    smmap_cursor_t *pinned;
    apr_size_t bad = 0;
    apr_size_t i;

    NEEDS_FAKE();
    begin();
    pinned = cursor_open(manager, file.path);
    fake_fail_total(20 * unit);
    NEED_OK(smmap_cursor_use(pinned, (apr_off_t)(9 * unit), 0));
    for (i = 0; i < rounds; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)random_below(file.size), 0));
        bad += !cursor_shows(cursor, &file);
        bad += smmap_manager_mapped_bytes(manager) > 20 * unit;
    }
    CHECK_NUMBER(bad, 0);
    CHECK(region_shows(pinned, &file));
    CHECK(manager_stats(manager).retries > 0);
    CHECK_NUMBER(manager_stats(manager).map_failures, 0);
    counts_check();
}

/* A call that fails has passed no limit, however often it tried. */
static void failure_passes_no_limit(void)
{
    smmap_cursor_t *pinned;

    NEEDS_FAKE();
    begin();
    manager = manager_sliding(8 * unit, 0, 1, SMMAP_LIMITS_SOFT);
    pinned = cursor_open(manager, file.path);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(pinned, 0, 0));
    refuse_all();
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)(13 * unit), 0), APR_ENOMEM);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
    CHECK_NUMBER(manager_stats(manager).peak_regions, 1);
    relent();
    fake_fail_above(unit);
    /* And one that succeeds in the end has passed it once. */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(13 * unit), 0));
    CHECK_NUMBER(manager_stats(manager).over_limit, 1);
    CHECK_NUMBER(manager_stats(manager).peak_regions, 2);
    counts_check();
}

static void handles_run_out(void)
{
    smmap_cursor_t *others[3];
    smmap_cursor_t *late = NULL;
    smmap_stats_t stats;
    int i;

    NEEDS_FAKE();
    begin();
    for (i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        others[i] = cursor_open(manager, file_make(name, 100).path);
    }
    file_make("late", 100);
    CHECK_NUMBER(smmap_manager_open_files(manager), 4);
    fake_fail(FAKE_DUP, 1, APR_EMFILE);
    NEED_OK(smmap_cursor_open(&late, manager, test_path("late"), test_pool));
    stats = manager_stats(manager);
    CHECK_NUMBER(stats.retries, 1);
    CHECK(stats.closes >= 1);
    CHECK_NUMBER(stats.open_failures, 0);
    NEED_OK(smmap_cursor_use(late, 0, 0));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    counts_check();
    smmap_cursor_close(others[0]);

    fake_fail_from(FAKE_DUP, 1, APR_EMFILE);
    late = NULL;
    file_make("later", 100);
    CHECK_STATUS(smmap_cursor_open(&late, manager, test_path("later"), test_pool), APR_EMFILE);
    CHECK(late == NULL);
    CHECK_NUMBER(manager_stats(manager).open_failures, 1);
    counts_check();
    fake_fail_none();
    NEED_OK(smmap_cursor_open(&late, manager, test_path("later"), test_pool));
}

static const test_case_t cases[] = {
    {"evicts_and_retries", evicts_and_retries},
    {"nothing_to_evict", nothing_to_evict},
    {"halves_to_four", halves_to_four},
    {"halves_to_two", halves_to_two},
    {"halves_to_one", halves_to_one},
    {"halves_an_odd_window", halves_an_odd_window},
    {"then_the_error", then_the_error},
    {"then_the_heap", then_the_heap},
    {"the_heap_and_the_file", the_heap_and_the_file},
    {"copies_go_on", copies_go_on},
    {"no_smaller_window_in_static_mode", no_smaller_window_in_static_mode},
    {"no_smaller_span", no_smaller_span},
    {"other_errors_at_once", other_errors_at_once},
    {"so_much_and_no_more", so_much_and_no_more},
    {"failure_passes_no_limit", failure_passes_no_limit},
    {"handles_run_out", handles_run_out},
    {NULL, NULL}};

const test_module_t test_refused = {"refused", cases};
