/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading ahead: what is asked of the system and what is not, who is told of the end, and what
 * happens to what was not begun.
 *
 * The fake backend runs a thread's work where the thread is started; the real one has threads.
 */
#include "tests/support/fixture.h"

#include <apr_time.h>

#include <stdatomic.h>
#include <string.h>

#include "tests/fake/backend.h"

enum { PIECE = 1024 * 1024, THREADS = 4 };

static atomic_int ends;
static atomic_int how;

static void ended(void *context, apr_status_t status)
{
    (void)context;
    atomic_store(&how, status);
    atomic_fetch_add(&ends, 1);
}

static void begin(apr_size_t windows)
{
    begin_windows(windows);
    mover = cursor_open(manager, file.path);
    atomic_store(&ends, 0);
}

static smmap_range_t range_of(smmap_cursor_t *cursor, apr_off_t offset, apr_off_t length)
{
    smmap_range_t range;

    range.cursor = cursor;
    range.offset = offset;
    range.length = length;
    return range;
}

static apr_status_t fetch(const smmap_range_t *ranges, apr_size_t count)
{
    return smmap_manager_fetch(manager, ranges, count, SMMAP_FETCH_WAIT, ended, NULL);
}

static void bad_input(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *other = NULL;
    smmap_range_t range;

    begin(2);
    range = range_of(mover, 0, 1);
    CHECK_STATUS(smmap_manager_fetch(NULL, &range, 1, 0, ended, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_manager_fetch(manager, NULL, 1, 0, ended, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_manager_fetch(manager, &range, 1, -2, ended, NULL), APR_EINVAL);
    range.cursor = NULL;
    CHECK_STATUS(fetch(&range, 1), APR_EINVAL);
    range = range_of(mover, -1, 1);
    CHECK_STATUS(fetch(&range, 1), APR_EINVAL);
    range = range_of(mover, 0, -1);
    CHECK_STATUS(fetch(&range, 1), APR_EINVAL);
    range = range_of(cursor_open(manager_make(NULL), file.path), 0, 1);
    CHECK_STATUS(fetch(&range, 1), APR_EINVAL);
    CHECK_NUMBER(ends, 0);
    CHECK_OK(smmap_manager_fetch(manager, NULL, 0, 0, ended, NULL));
    CHECK_NUMBER(ends, 1);
    options.fetch_threads = 65;
    CHECK_STATUS(smmap_manager_create(&other, &options, test_pool), APR_EINVAL);
    options.fetch_threads = SMMAP_FETCH_OFF - 1;
    CHECK_STATUS(smmap_manager_create(&other, &options, test_pool), APR_EINVAL);
    range = range_of(mover, 0, 1);
    CHECK_OK(smmap_manager_fetch(manager, &range, 1, 0, NULL, NULL));
    CHECK_OK(manager_destroy(manager));
    CHECK_STATUS(fetch(&range, 1), SMMAP_ECLOSED);
    CHECK_NUMBER(ends, 1);
}

/* Ranges that touch or overlap are one, long ones are cut, what is not in the file is not read. */
static void what_is_read(void)
{
    smmap_range_t ranges[6];

    NEEDS_FAKE();
    begin(1);
    file = file_make("long", 4 * PIECE + 100);
    manager = manager_sliding(0, 0, 0, SMMAP_LIMITS_SOFT);
    mover = cursor_open(manager, file.path);
    ranges[0] = range_of(mover, 3 * PIECE, OFFSET_MAX);
    ranges[1] = range_of(mover, 50, 100);
    ranges[2] = range_of(mover, 0, 60);
    ranges[3] = range_of(mover, (apr_off_t)file.size, 10);
    ranges[4] = range_of(mover, 150, 0);
    ranges[5] = range_of(mover, 150, 10);
    CHECK_OK(fetch(ranges, 6));
    CHECK_NUMBER(ends, 1);
    CHECK_OK(how);
    /* [0, 160), a whole piece, and the rest; two more reads are those of opening the file. */
    CHECK_NUMBER(fake_calls(FAKE_THREAD), 1);
    CHECK_NUMBER(manager_stats(manager).fetched_bytes, 160 + PIECE + 100);
    CHECK_NUMBER(manager_stats(manager).regions, 0);
    CHECK(mover_is_empty());
    counts_check();
}

/* The system sees by itself that a run is read in order, and is not told of it. Where it is slow,
   another thread is started for the rest. What cannot be read does not stop it. */
static void runs(void)
{
    static const apr_int64_t takes[] = {3900000, 4100000};
    smmap_range_t ranges[3];
    apr_size_t i;

    NEEDS_FAKE();
    for (i = 0; i < 2; i++) {
        apr_size_t advised = fake_calls(FAKE_FILE_ADVISE);
        apr_size_t threads = fake_calls(FAKE_THREAD);

        begin(1);
        file = file_make("long", 6 * PIECE);
        mover = cursor_open(manager, file.path);
        ranges[0] = range_of(mover, PIECE, 4 * PIECE + 1);
        ranges[1] = range_of(mover, 0, 10);
        ranges[2] = range_of(mover, (apr_off_t)file.size - 10, 10);
        fake_take(FAKE_READ, takes[i]);
        CHECK_OK(fetch(ranges, 3));
        CHECK_NUMBER(manager_stats(manager).fetched_bytes, 4 * PIECE + 21);
        CHECK_NUMBER(fake_calls(FAKE_FILE_ADVISE) - advised, 2); /* of what is apart */
        CHECK_NUMBER(fake_calls(FAKE_THREAD) - threads, i == 0 ? 1 : 2);
        CHECK_NUMBER(ends, 1);
    }
    fake_fail(FAKE_READ, 2, APR_EGENERAL);
    CHECK_STATUS(fetch(ranges, 1), APR_EGENERAL);
    CHECK_NUMBER(manager_stats(manager).fetched_bytes, 2 * (4 * PIECE + 1) + 20 - PIECE);
}

/* What is in memory is not read, and once all was, hardly asked for. */
static void what_is_there(void)
{
    smmap_range_t range;
    apr_size_t i;

    NEEDS_FAKE();
    begin(4);
    range = range_of(mover, 0, (apr_off_t)file.size);
    fake_set_cached(1);
    for (i = 0; i < 64; i++) {
        CHECK_OK(fetch(&range, 1));
    }
    CHECK_NUMBER(fake_calls(FAKE_CACHED), 64);
    CHECK_NUMBER(fake_calls(FAKE_THREAD), 0);
    CHECK_NUMBER(ends, 64);
    {
        static smmap_range_t many[640];

        for (i = 0; i < 640; i++) {
            many[i] = range;
        }
        CHECK_OK(smmap_manager_fetch(manager, many, 640, 0, NULL, NULL));
        CHECK_NUMBER(fake_calls(FAKE_CACHED), 74);
        CHECK_OK(fetch(many, 640)); /* who is told wants all looked at */
        CHECK_NUMBER(fake_calls(FAKE_CACHED), 714);
        fake_set_cached(0); /* and now it is not */
        CHECK_OK(fetch(many, 640));
        CHECK_NUMBER(manager_stats(manager).fetched_bytes, file.size);
        CHECK(fake_calls(FAKE_CACHED) > 74 + 600);
    }
}

static void turned_off(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_range_t range;

    NEEDS_FAKE();
    begin(4);
    options.fetch_threads = SMMAP_FETCH_OFF;
    manager = manager_make(&options);
    range = range_of(cursor_open(manager, file.path), 0, 10);
    CHECK_OK(fetch(&range, 1));
    CHECK_NUMBER(ends, 1);
    CHECK_NUMBER(fake_calls(FAKE_THREAD), 0);
}

/* Nothing is left of what was refused. Memory is made to fail in failures/. */
static void refused(void)
{
    smmap_range_t range;

    NEEDS_FAKE();
    begin(4);
    range = range_of(mover, 0, (apr_off_t)file.size);
    fake_fail(FAKE_THREAD, 1, APR_EAGAIN);
    CHECK_STATUS(fetch(&range, 1), APR_EAGAIN);
    CHECK_NUMBER(ends, 0);
    fake_fail(FAKE_READ, 1, APR_EGENERAL);
    CHECK_STATUS(fetch(&range, 1), APR_EGENERAL);
    CHECK_NUMBER(ends, 1);
    CHECK_STATUS(how, APR_EGENERAL);
    CHECK_OK(fetch(&range, 1));
    CHECK_NUMBER(ends, 2);
    counts_check();
}

static smmap_cursor_t *other;

static void close_other(void *unused)
{
    (void)unused;
    smmap_cursor_close(other);
}

static void destroy(void *unused)
{
    (void)unused;
    CHECK_OK(manager_destroy(manager));
}

/* While the first file is being read, the cursor on the second is closed; and while the first part
   of a file is. */
static void closed_cursor(void)
{
    smmap_range_t ranges[2];
    test_file_t second;

    NEEDS_FAKE();
    begin(4);
    second = file_make("second", 3 * unit);
    other = cursor_open(manager, second.path);
    ranges[0] = range_of(mover, 0, 10);
    ranges[1] = range_of(other, 0, (apr_off_t)second.size);
    fake_when(FAKE_READ, close_other, NULL);
    CHECK_OK(fetch(ranges, 2));
    CHECK_NUMBER(manager_stats(manager).fetched_bytes, 10);
    CHECK_NUMBER(ends, 1);
    counts_check();

    second = file_make("long", 3 * PIECE);
    other = cursor_open(manager, second.path);
    ranges[0] = range_of(other, 0, (apr_off_t)second.size);
    fake_when(FAKE_READ, close_other, NULL);
    CHECK_OK(fetch(ranges, 1));
    CHECK_NUMBER(manager_stats(manager).fetched_bytes, 10 + PIECE);
    counts_check();
}

/* Of a file of 64 GiB and more, which is one hole. */
static void too_much(void)
{
    const apr_off_t most = (apr_off_t)65536 * PIECE;
    smmap_range_t range;

    NEEDS_FAKE();
    begin(1);
    if (!file_resize(file.path, most + PIECE)) {
        test_skip("the file system has no file that large");
        return;
    }
    NEED_OK(smmap_cursor_refresh(mover));
    range = range_of(mover, 0, most + 1);
    CHECK_STATUS(fetch(&range, 1), SMMAP_ETOOLARGE);
    CHECK_NUMBER(ends, 0);
    CHECK_NUMBER(fake_calls(FAKE_THREAD), 0);
}

/* Whoever destroys the manager gives up the rest, and each end is told, once. */
static void destroyed_manager(void)
{
    smmap_range_t ranges[64];
    apr_size_t round;
    apr_size_t i;

    NEEDS_REAL();
    for (round = 0; round < 50; round++) {
        begin(64);
        for (i = 0; i < 64; i++) {
            /* Not in order, and with gaps, so that each is a piece. */
            ranges[i] = range_of(mover, (apr_off_t)((i * 37 % 64) * unit), (apr_off_t)unit - 1);
        }
        smmap_cursor_advise(mover, 0, (apr_off_t)file.size, SMMAP_DONT_NEED); /* where it can */
        CHECK_OK(smmap_manager_fetch(manager, ranges, 64, 0, ended, NULL));
        CHECK_OK(smmap_manager_fetch(manager, ranges, 64, 0, ended, NULL));
        if (round % 2) {
            smmap_cursor_close(mover);
        }
        CHECK_OK(manager_destroy(manager));
        for (i = 0; ends < 2 && i < 10000; i++) {
            apr_sleep(1000);
        }
        NEED(ends == 2);
        CHECK(how == APR_SUCCESS || how == SMMAP_ECLOSED);
    }
}

/* A run that is given up as the manager is destroyed was not read. */
static void destroyed_in_run(void)
{
    test_file_t second;
    smmap_range_t range;

    NEEDS_FAKE();
    begin(4);
    second = file_make("long", 3 * PIECE);
    range = range_of(cursor_open(manager, second.path), 0, (apr_off_t)second.size);
    fake_when(FAKE_READ, destroy, NULL);
    CHECK_STATUS(fetch(&range, 1), SMMAP_ECLOSED);
    CHECK_NUMBER(ends, 1);
    CHECK_STATUS(how, SMMAP_ECLOSED);
}

static apr_uint64_t fetched;
static apr_status_t nested;

/* Of the second fetch, in the only thread. */
static void fetch_another(void *context, apr_status_t status)
{
    smmap_range_t range = range_of(mover, (apr_off_t)(3 * unit), 40);

    fetched = manager_stats(manager).fetched_bytes;
    nested = smmap_manager_fetch(manager, &range, 1, apr_time_from_sec(10), NULL, NULL);
    ended(context, status);
}

/* While the first one is read: ask for a second and a third one. */
static void ask_for_more(void *unused)
{
    smmap_range_t range = range_of(mover, (apr_off_t)unit, 20);

    (void)unused;
    CHECK_OK(smmap_manager_fetch(manager, &range, 1, 0, fetch_another, NULL));
    range.offset += (apr_off_t)unit;
    range.length = 30;
    CHECK_OK(smmap_manager_fetch(manager, &range, 1, 0, ended, NULL));
}

/* A callback that takes long, or waits for a fetch, keeps nothing from being read. */
static void busy_callback(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_range_t range;

    NEEDS_FAKE();
    begin(4);
    options.fetch_threads = 1;
    manager = manager_make(&options);
    mover = cursor_open(manager, file.path);
    range = range_of(mover, 0, 10);
    fake_when(FAKE_READ, ask_for_more, NULL);
    CHECK_OK(smmap_manager_fetch(manager, &range, 1, 0, ended, NULL));
    CHECK_NUMBER(ends, 3);
    CHECK_NUMBER(fetched, 10 + 20 + 30);
    CHECK_OK(nested);
    counts_check();
}

typedef struct fetcher_t {
    apr_thread_t *thread;
    apr_uint64_t random;
    apr_size_t wrong;
} fetcher_t;

static void *APR_THREAD_FUNC fetch_and_read(apr_thread_t *thread, void *data)
{
    fetcher_t *me = data;
    apr_size_t i;

    for (i = 0; i < test_count(200); i++) {
        apr_size_t at = (apr_size_t)(random_next(&me->random) % (file.size - unit));
        apr_interval_time_t wait = (apr_interval_time_t)(random_next(&me->random) % 3) - 1;
        smmap_range_t ranges[2];
        unsigned char bytes[100];
        smmap_cursor_t *cursor;
        apr_status_t status;
        apr_size_t got;

        if (smmap_cursor_open(&cursor, manager, file.path, NULL) != APR_SUCCESS) {
            me->wrong++;
            continue;
        }
        ranges[0] = range_of(cursor, (apr_off_t)at, (apr_off_t)unit);
        ranges[1] = range_of(cursor, 0, 100);
        status = smmap_manager_fetch(manager, ranges, 2, wait * 50, ended, NULL);
        me->wrong += status != APR_SUCCESS && !(wait == 1 && status == SMMAP_EWOULDBLOCK) &&
                     !(wait < 0 && status == APR_EINVAL);
        if (i % 8 == 0) {
            smmap_cursor_advise(cursor, 0, (apr_off_t)file.size, SMMAP_DONT_NEED);
        }
        status = smmap_cursor_read(cursor, (apr_off_t)at, bytes, 100, &got);
        me->wrong += status != APR_SUCCESS || memcmp(bytes, file.data + at, got) != 0;
        status = smmap_cursor_read_nowait(cursor, (apr_off_t)at, bytes, 100, &got);
        me->wrong +=
            status != APR_SUCCESS && status != SMMAP_EWOULDBLOCK && !APR_STATUS_IS_ENOTIMPL(status);
        me->wrong += memcmp(bytes, file.data + at, got) != 0;
        smmap_cursor_close(cursor);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* Threads fetch, and close what they fetch by, with few threads that read. */
static void in_threads(void)
{
    fetcher_t fetchers[THREADS];
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_size_t i;

    begin_file(64);
    options.fetch_threads = 2;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.max_regions = 8;
    manager = manager_make(&options);
    for (i = 0; i < THREADS; i++) {
        fetchers[i].random = random_number();
        fetchers[i].wrong = 0;
        NEED_OK(
            apr_thread_create(&fetchers[i].thread, NULL, fetch_and_read, &fetchers[i], test_pool));
    }
    for (i = 0; i < THREADS; i++) {
        thread_join(fetchers[i].thread);
        CHECK_NUMBER(fetchers[i].wrong, 0);
    }
    counts_check();
}

static const test_case_t cases[] = {{"bad_input", bad_input},
                                    {"what_is_read", what_is_read},
                                    {"runs", runs},
                                    {"what_is_there", what_is_there},
                                    {"turned_off", turned_off},
                                    {"refused", refused},
                                    {"closed_cursor", closed_cursor},
                                    {"too_much", too_much},
                                    {"destroyed_manager", destroyed_manager},
                                    {"destroyed_in_run", destroyed_in_run},
                                    {"busy_callback", busy_callback},
                                    {"in_threads", in_threads},
                                    {NULL, NULL}};

const test_module_t test_fetch = {"fetch", cases};
