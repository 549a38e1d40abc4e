/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may happen between the moment in which the core asks the system for
 * something and the answer, done at exactly that moment by a hook of the fake
 * backend: what is a rare race of threads elsewhere is a certainty here.
 *
 * The hook runs in the same thread. Where the call that it interrupts holds its file's lock, it
 * uses another file.
 */
#include "tests/support/harness.h"

#include <apr_file_io.h>

#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static apr_size_t unit;
static test_file_t file;
static test_file_t other;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;   /* on file: its call is interrupted */
static smmap_cursor_t *stranger; /* on other: used by the hook */
static int hooked;

static void begin(apr_size_t bytes, apr_size_t open_files, smmap_limits_t limits)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    unit = smmap_granularity();
    fake_set_birth(1);
    file = file_make("file", 8 * unit);
    other = file_make("other", 8 * unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = limits;
    options.window_size = unit;
    options.max_mapped_bytes = bytes * unit;
    options.max_open_files = open_files;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    stranger = cursor_open(manager, other.path);
    hooked = 0;
}

static apr_status_t use(smmap_cursor_t *which, apr_size_t window)
{
    return smmap_cursor_use(which, (apr_off_t)(window * unit), 0);
}

static void destroy_manager(void *unused)
{
    (void)unused;
    hooked++;
    CHECK_OK(manager_destroy(manager));
}

static void check_nothing_left(void)
{
    smmap_cursor_close(cursor);
    smmap_cursor_close(stranger);
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_NUMBER(fake_live_handles(), 0);
    CHECK_NUMBER(fake_memory_blocks(), 0);
    CHECK_NUMBER(fake_memory_pools(), 0);
}

static void destroyed_while_mapping(void)
{
    NEEDS_FAKE();
    begin(100, 10, SMMAP_LIMITS_SOFT);
    NEED_OK(use(stranger, 3));
    fake_when(FAKE_MAP, destroy_manager, NULL);
    CHECK_STATUS(use(cursor, 1), SMMAP_ECLOSED);
    CHECK_NUMBER(hooked, 1);
    CHECK(!smmap_cursor_is_valid(cursor) && !smmap_cursor_is_associated(cursor));
    CHECK(cursor_shows(stranger, &other));
    CHECK_NUMBER(fake_live_mappings(), 1);
    check_nothing_left();
}

static void destroyed_while_mapping_fails(void)
{
    NEEDS_FAKE();
    begin(100, 10, SMMAP_LIMITS_SOFT);
    fake_when(FAKE_MAP, destroy_manager, NULL);
    fake_fail(FAKE_MAP, 1, APR_ENOMEM);
    /* Tried again or given up: not mapped. */
    CHECK(use(cursor, 1) != APR_SUCCESS);
    CHECK_NUMBER(hooked, 1);
    CHECK(!smmap_cursor_is_valid(cursor));
    check_nothing_left();
}

static void destroyed_while_evicting(void)
{
    NEEDS_FAKE();
    begin(2, 10, SMMAP_LIMITS_SOFT);
    NEED_OK(use(cursor, 0));
    NEED_OK(use(cursor, 1));
    fake_when(FAKE_UNMAP, destroy_manager, NULL);
    CHECK_STATUS(use(cursor, 2), SMMAP_ECLOSED);
    CHECK_NUMBER(hooked, 1);
    check_nothing_left();
}

static void destroyed_while_opening_again(void)
{
    NEEDS_FAKE();
    begin(100, 1, SMMAP_LIMITS_SOFT);
    fake_when(FAKE_DUP, destroy_manager, NULL);
    CHECK_STATUS(use(cursor, 1), SMMAP_ECLOSED);
    CHECK_NUMBER(hooked, 1);
    check_nothing_left();
}

static void destroyed_while_closing(void)
{
    NEEDS_FAKE();
    begin(100, 1, SMMAP_LIMITS_SOFT);
    fake_when(FAKE_CLOSE, destroy_manager, NULL);
    CHECK_STATUS(use(cursor, 1), SMMAP_ECLOSED);
    CHECK_NUMBER(hooked, 1);
    check_nothing_left();
}

static void destroyed_while_refreshing(void)
{
    apr_status_t status;

    NEEDS_FAKE();
    begin(100, 1, SMMAP_LIMITS_SOFT);
    fake_when(FAKE_BIRTH, destroy_manager, NULL);
    status = smmap_cursor_refresh(cursor);
    CHECK_NUMBER(hooked, 1);
    CHECK(status == APR_SUCCESS || status == SMMAP_ECLOSED);
    check_nothing_left();
}

/* The handle of the file that is being opened is closed, and its path leads elsewhere. */
static void release_and_replace(void *newer)
{
    hooked++;
    CHECK_OK(smmap_manager_drop(manager, file.path, NULL));
    file_rename(((test_file_t *)newer)->path, file.path);
}

static int can_replace_open(void)
{
    const char *path = file_make("open", 1).path;
    apr_os_file_t handle = file_open(path);
    apr_status_t status = apr_file_rename(file_make("try", 1).path, path, test_pool);

    file_close(handle);
    return status == APR_SUCCESS;
}

static void replaced_while_opened(void)
{
    smmap_cursor_t *young = NULL;
    test_file_t newer;

    NEEDS_FAKE();
    begin(100, 3, SMMAP_LIMITS_SOFT);
    /* From the hook no test can be left, so it is tried here whether the system lets a file be
       replaced that is open. */
    if (!can_replace_open()) {
        test_skip("this system does not let a file be replaced while it is open");
        return;
    }
    newer = file_make("newer", 3 * unit);
    /* The file has a handle, so that of the second opening is closed again. As it has grown, it
       is measured after that. */
    file_write(file.path, (apr_off_t)(8 * unit), file.data, unit);
    fake_when(FAKE_CLOSE, release_and_replace, &newer);
    NEED_OK(smmap_cursor_open(&young, manager, file.path, test_pool));
    CHECK_NUMBER(hooked, 1);
    CHECK_NUMBER(smmap_cursor_file_size(young), newer.size);
    NEED_OK(smmap_cursor_use(young, 0, 0));
    CHECK(cursor_shows(young, &newer));
    CHECK_STATUS(use(cursor, 5), SMMAP_ESTALE);
    counts_check();
}

/* While a read hangs: its handle cannot be closed, and no thread waits for it. */
static void open_and_release(void *unused)
{
    smmap_stats_t before = manager_stats(manager);

    (void)unused;
    hooked++;
    native_alarm(60); /* it would be for ever */
    CHECK_OK(smmap_cursor_refresh(stranger));
    CHECK_NUMBER(manager_stats(manager).over_limit, before.over_limit + 1);
    CHECK_NUMBER(manager_stats(manager).open_files, 2);
    CHECK_OK(smmap_manager_drop(manager, file.path, NULL));
    CHECK_NUMBER(manager_stats(manager).open_files, 2);
    native_alarm(0);
}

static void read_that_hangs(void)
{
    unsigned char bytes[100];

    NEEDS_FAKE();
    begin(1, 1, SMMAP_LIMITS_SOFT);
    NEED_OK(use(cursor, 0));
    smmap_cursor_release(cursor);
    NEED_OK(use(cursor, 1)); /* evicts, so the next read bypasses its window */
    smmap_cursor_release(cursor);
    fake_when(FAKE_READ, open_and_release, NULL);
    NEED_OK(smmap_cursor_read(cursor, (apr_off_t)(5 * unit), bytes, sizeof bytes, NULL));
    CHECK_NUMBER(hooked, 1);
    CHECK(memcmp(bytes, file.data + 5 * unit, sizeof bytes) == 0);
    /* When it is over, the handle goes as others do. */
    CHECK_OK(smmap_manager_drop(manager, file.path, NULL));
    CHECK_NUMBER(manager_stats(manager).open_files, 1);
    counts_check();
}

/* The hook maps something else; the limit holds for both together. */
static void move_stranger(void *window)
{
    hooked++;
    CHECK_OK(use(stranger, *(apr_size_t *)window));
    CHECK(cursor_shows(stranger, &other));
}

static void room_taken_while_mapping(void)
{
    apr_size_t window = 5;

    NEEDS_FAKE();
    begin(2, 10, SMMAP_LIMITS_HARD);
    NEED_OK(use(stranger, 0));
    smmap_cursor_release(stranger);
    fake_when(FAKE_MAP, move_stranger, &window);
    NEED_OK(use(cursor, 1)); /* one is reserved, one is left for the stranger */
    CHECK_NUMBER(hooked, 1);
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(smmap_manager_regions(manager), 2);
    CHECK_NUMBER(manager_stats(manager).peak_regions, 2);
    counts_check();
}

static void no_room_while_mapping(void *unused)
{
    (void)unused;
    hooked++;
    /* One is pinned and one reserved: what is not mapped yet counts. */
    CHECK_STATUS(use(stranger, 5), SMMAP_ELIMIT_BYTES);
}

static void reserved_room_counts(void)
{
    smmap_cursor_t *third;

    NEEDS_FAKE();
    begin(2, 10, SMMAP_LIMITS_HARD);
    third = cursor_open(manager, other.path);
    NEED_OK(use(third, 0));
    fake_when(FAKE_MAP, no_room_while_mapping, NULL);
    NEED_OK(use(cursor, 1));
    CHECK_NUMBER(hooked, 1);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 1);
    counts_check();
}

static void room_taken_while_evicting(void)
{
    apr_size_t window = 5;

    NEEDS_FAKE();
    begin(3, 10, SMMAP_LIMITS_HARD);
    NEED_OK(use(cursor, 0));
    NEED_OK(use(cursor, 1));
    NEED_OK(use(cursor, 2));
    /* While window 0 goes, the stranger reserves memory for itself, by another eviction. */
    fake_when(FAKE_UNMAP, move_stranger, &window);
    NEED_OK(use(cursor, 3));
    CHECK_NUMBER(hooked, 1);
    CHECK(cursor_shows(cursor, &file));
    CHECK(cursor_shows(stranger, &other));
    CHECK(smmap_manager_regions(manager) <= 3);
    CHECK(manager_stats(manager).peak_regions <= 3);
    counts_check();
}

static void collect_all(void *unused)
{
    (void)unused;
    hooked++;
    CHECK_OK(smmap_manager_collect(manager, NULL));
}

static void collected_while_mapping(void)
{
    NEEDS_FAKE();
    begin(100, 10, SMMAP_LIMITS_SOFT);
    NEED_OK(use(cursor, 0));
    NEED_OK(use(cursor, 1));
    fake_when(FAKE_MAP, collect_all, NULL);
    NEED_OK(use(cursor, 2));
    CHECK_NUMBER(hooked, 1);
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    CHECK(cursor_shows(cursor, &file));
    counts_check();
}

/* A handle that a call uses must not be closed by another one that needs room. */
static void handles_wanted_while_mapping(void)
{
    apr_size_t window = 5;

    NEEDS_FAKE();
    begin(100, 2, SMMAP_LIMITS_SOFT);
    cursor_open(manager, file_make("third", 10).path);
    NEED_OK(use(cursor, 0)); /* its file and the third one are open now */
    fake_when(FAKE_MAP, move_stranger, &window);
    NEED_OK(use(cursor, 1));
    CHECK_NUMBER(hooked, 1);
    CHECK(cursor_shows(cursor, &file));
    CHECK(smmap_manager_open_files(manager) <= 2);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
    counts_check();
}

/* While the file is being opened again, another caller opens a cursor on it, with a handle. */
static void open_it_meanwhile(void *made)
{
    apr_os_file_t fd = file_open(file.path);

    hooked++;
    CHECK_OK(smmap_cursor_open_handle(made, manager, fd, test_pool));
    file_close(fd);
}

static void opened_twice(void)
{
    smmap_cursor_t *young = NULL;

    NEEDS_FAKE();
    begin(100, 3, SMMAP_LIMITS_SOFT);
    cursor_open(manager, file_make("third", 10).path);
    cursor_open(manager, file_make("fourth", 10).path);
    fake_when(FAKE_BIRTH, open_it_meanwhile, &young);
    NEED_OK(use(cursor, 1));
    CHECK_NUMBER(hooked, 1);
    CHECK(cursor_shows(cursor, &file));
    NEED(young != NULL);
    NEED_OK(use(young, 1));
    CHECK_NUMBER(smmap_cursor_region_clients(young), 2);
    CHECK_NUMBER(manager_stats(manager).files, 4);
    CHECK(smmap_manager_open_files(manager) <= 3);
    counts_check();
}

/* Another path to what is being opened for the first time. */
static void open_first_meanwhile(void *made)
{
    hooked++;
    CHECK_OK(smmap_cursor_open(made, manager, test_path("link"), test_pool));
}

static void known_twice(void)
{
    smmap_cursor_t *young = NULL;
    test_file_t fresh;

    NEEDS_FAKE();
    begin(100, 10, SMMAP_LIMITS_SOFT);
    fresh = file_make("fresh", 3 * unit);
    file_link(fresh.path, test_path("link"));
    fake_when(FAKE_BIRTH, open_first_meanwhile, &young);
    smmap_cursor_close(cursor);
    cursor = cursor_open(manager, fresh.path);
    CHECK_NUMBER(hooked, 1);
    NEED(young != NULL);
    NEED_OK(use(cursor, 1));
    NEED_OK(use(young, 1));
    CHECK_NUMBER(smmap_cursor_region_clients(young), 2);
    CHECK_NUMBER(manager_stats(manager).files, 2);
    CHECK_NUMBER(smmap_manager_open_files(manager), 2);
    counts_check();
}

/* The file is cut between being measured and being mapped: nothing can be promised for the
   bytes, but the counts hold and the next call sees it. */
static void cut_it(void *unused)
{
    (void)unused;
    hooked++;
    CHECK(file_resize(file.path, (apr_off_t)unit));
}

static void cut_while_mapping(void)
{
    NEEDS_FAKE();
    begin(100, 10, SMMAP_LIMITS_SOFT);
    fake_when(FAKE_MAP, cut_it, NULL);
    use(cursor, 5);
    CHECK_NUMBER(hooked, 1);
    smmap_cursor_release(cursor);
    fake_forgive(); /* it was asked to map past an end that had not been there */
    CHECK_OK(smmap_cursor_refresh(cursor));
    CHECK_NUMBER(smmap_cursor_file_size(cursor), unit);
    CHECK_STATUS(use(cursor, 5), APR_EOF);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

/* Closing a handle may hang. Meanwhile whoever wants room goes over the limit, or is refused. */
static void want_room(void *unused)
{
    (void)unused;
    hooked++;
    CHECK_OK(use(stranger, 1));
}

static void room_wanted_while_closing(void)
{
    smmap_cursor_t *pinning;

    NEEDS_FAKE();
    begin(1, 10, SMMAP_LIMITS_SOFT);
    pinning = cursor_open(manager, other.path);
    NEED_OK(use(pinning, 3));
    fake_when(FAKE_CLOSE, want_room, NULL);
    smmap_cursor_close(cursor);
    CHECK_NUMBER(hooked, 1);
    CHECK_NUMBER(smmap_manager_regions(manager), 2);
    smmap_cursor_close(pinning);
    cursor = NULL;
    counts_check();
}

static smmap_cursor_t *witness; /* on file */

static void cut_and_measure(void *unused)
{
    cut_it(unused);
    CHECK_OK(smmap_cursor_refresh(witness));
}

/* It is cut and measured while mapping it is refused: no smaller range is made of what is left. */
static void cut_while_refused(void)
{
    static const apr_status_t refusals[] = {APR_ENOTIMPL, APR_ENOMEM};
    unsigned i;

    NEEDS_FAKE();
    begin(100, 10, SMMAP_LIMITS_SOFT);
    witness = cursor_open(manager, file.path);
    NEED_OK(use(stranger, 3));
    smmap_cursor_release(stranger);
    for (i = 0; i < 2; i++) {
        NEED(file_resize(file.path, (apr_off_t)(8 * unit)));
        CHECK_OK(smmap_cursor_refresh(witness));
        fake_when(FAKE_MAP, cut_and_measure, NULL);
        fake_fail_from(FAKE_MAP, 1, refusals[i]);
        CHECK_STATUS(use(cursor, 5), SMMAP_ETRUNCATED);
        fake_fail_none();
        CHECK_NUMBER(hooked, i + 1);
        CHECK_NUMBER(smmap_manager_regions(manager), 1);
        counts_check();
    }
}

static const test_case_t cases[] = {
    {"destroyed_while_mapping", destroyed_while_mapping},
    {"destroyed_while_mapping_fails", destroyed_while_mapping_fails},
    {"destroyed_while_evicting", destroyed_while_evicting},
    {"destroyed_while_opening_again", destroyed_while_opening_again},
    {"destroyed_while_closing", destroyed_while_closing},
    {"destroyed_while_refreshing", destroyed_while_refreshing},
    {"replaced_while_opened", replaced_while_opened},
    {"read_that_hangs", read_that_hangs},
    {"room_taken_while_mapping", room_taken_while_mapping},
    {"reserved_room_counts", reserved_room_counts},
    {"room_taken_while_evicting", room_taken_while_evicting},
    {"collected_while_mapping", collected_while_mapping},
    {"handles_wanted_while_mapping", handles_wanted_while_mapping},
    {"opened_twice", opened_twice},
    {"known_twice", known_twice},
    {"cut_while_mapping", cut_while_mapping},
    {"cut_while_refused", cut_while_refused},
    {"room_wanted_while_closing", room_wanted_while_closing},
    {NULL, NULL}};

const test_module_t test_between = {"between", cases};
