/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Room under limits: what fits is asked for, what was made for one is not taken by another, and
 * who has to may wait for it.
 */
#include "core/lock.h"

#include "tests/support/fixture.h"

#include <apr_atomic.h>

#include "tests/fake/backend.h"

/* Who sets a limit, and nothing else, has it kept. */
static void only_a_limit(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursor;
    apr_size_t at;

    unit = smmap_granularity();
    file = file_make("file", 64 * unit);
    options.max_mapped_bytes = 16 * unit;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    for (at = 0; at < file.size; at += smmap_cursor_size(cursor)) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)at, 0));
        CHECK(cursor_shows(cursor, &file));
    }
    CHECK(manager_stats(manager).peak_mapped_bytes <= 16 * unit);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
}

/* One byte was asked for, and the smallest piece that has it fits. */
static void hard_and_less_room(void)
{
    smmap_cursor_t *pinned;
    smmap_cursor_t *cursor;

    unit = smmap_granularity();
    file = file_make("file", 24 * unit);
    manager = manager_sliding(8 * unit, 11 * unit, 0, SMMAP_LIMITS_HARD);
    pinned = cursor_open(manager, file.path);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(pinned, 0, 0));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(13 * unit + 5), 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK(smmap_cursor_region_size(cursor) <= 3 * unit);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 0);
    CHECK_NUMBER(manager_stats(manager).shrunk_maps, 1);
    /* In one piece is in one piece. */
    CHECK_STATUS(smmap_cursor_require(cursor, (apr_off_t)(13 * unit), 3 * unit + 1),
                 SMMAP_ELIMIT_BYTES);
    CHECK_STATUS(smmap_cursor_require(cursor, (apr_off_t)(13 * unit), 4 * unit),
                 SMMAP_ELIMIT_BYTES);
    counts_check();
}

/* A miss where all is pinned looks at the pins as a whole, and not once for each batch. */
static void all_is_pinned(void)
{
    enum { COUNT = 500 };
    apr_size_t fences;
    apr_size_t i;

    NEEDS_FAKE();
    unit = smmap_granularity();
    file = file_make("file", (COUNT + 2) * unit);
    manager = manager_sliding(unit, 0, COUNT, SMMAP_LIMITS_SOFT);
    for (i = 0; i < COUNT; i++) {
        window_pin(i);
    }
    fences = fake_fences();
    window_pin(COUNT);
    CHECK(fake_fences() - fences <= 10);
    CHECK_NUMBER(manager_stats(manager).over_limit, 1);
    CHECK_NUMBER(manager_stats(manager).regions, COUNT + 1);
    counts_check();
}

typedef struct other_t {
    smmap_cursor_t *cursor;
    unsigned unmaps;
    apr_size_t mapped;
    apr_uint64_t evicted;
} other_t;

/* While the last of the room is made, another cursor wants one window. */
static void use_meanwhile(void *data)
{
    other_t *other = data;

    if (++other->unmaps <= 32) {
        fake_when(FAKE_UNMAP, use_meanwhile, other);
        return;
    }
    other->mapped = smmap_manager_mapped_bytes(manager);
    other->evicted = manager_stats(manager).evictions;
    CHECK_OK(smmap_cursor_use(other->cursor, 0, 0));
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), other->mapped);
    other->evicted = manager_stats(manager).evictions - other->evicted;
}

/* What a thread has evicted for a large piece is not taken by others before it has enough. */
static void room_is_claimed(void)
{
    enum { MOST = 40, LARGE = 36 };
    test_file_t small;
    smmap_cursor_t *cursor;
    other_t other = {NULL, 0, 0, 0};
    apr_size_t i;

    NEEDS_FAKE();
    unit = smmap_granularity();
    file = file_make("file", (MOST + LARGE) * unit);
    small = file_make("small", unit);
    manager = manager_sliding(unit, MOST * unit, 0, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, file.path);
    other.cursor = cursor_open(manager, small.path);
    for (i = 0; i < MOST; i++) {
        NEED_OK(smmap_cursor_use(cursor, at_window(i), 0));
    }
    smmap_cursor_release(cursor);
    fake_when(FAKE_UNMAP, use_meanwhile, &other);
    NEED_OK(smmap_cursor_require(cursor, at_window(MOST), LARGE * unit));
    CHECK(cursor_shows(cursor, &file));
    CHECK(cursor_shows(other.cursor, &small));
    CHECK_NUMBER(other.evicted, 1);
    CHECK_NUMBER(manager_stats(manager).evictions, LARGE + 1);
    counts_check();
}

enum { SOON = 20000 }; /* microseconds */

/* The end of it cannot be computed. */
static const apr_interval_time_t longest = APR_INT64_MAX;

static void *APR_THREAD_FUNC release_soon(apr_thread_t *thread, void *cursor)
{
    (void)thread;
    apr_sleep(SOON);
    smmap_cursor_release(cursor);
    return NULL;
}

static smmap_manager_t *manager_waiting(apr_interval_time_t wait)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    unit = smmap_granularity();
    file = file_make("file", 8 * unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = unit;
    options.max_mapped_bytes = 2 * unit;
    options.limit_wait = wait;
    return manager_make(&options);
}

/* All is pinned, and a thread lets go of a window while another waits for one. */
static void waits_for_room(void)
{
    smmap_cursor_t *pinned[2];
    smmap_cursor_t *cursor;
    apr_thread_t *thread;

    manager = manager_waiting(longest);
    pinned[0] = window_pin(0);
    pinned[1] = window_pin(1);
    cursor = cursor_open(manager, file.path);
    NEED_OK(apr_thread_create(&thread, NULL, release_soon, pinned[1], test_pool));
    NEED_OK(smmap_cursor_use(cursor, at_window(5), 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK(cursor_shows(pinned[0], &file));
    thread_join(thread);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 0);
    counts_check();
}

static unsigned in_line(void)
{
    const smmap__link_t *link;
    unsigned count = 0;

    smmap__manager_lock(manager);
    for (link = &manager->waiters; (link = smmap__list_next(&manager->waiters, link)) != NULL;) {
        count++;
    }
    smmap__manager_unlock(manager);
    return count;
}

static void *APR_THREAD_FUNC use_it(apr_thread_t *thread, void *cursor)
{
    (void)thread;
    CHECK_OK(smmap_cursor_use(cursor, at_window(5), 0));
    return NULL;
}

/* Copies of what another thread waits for do not wait: else nobody would let go of a window. */
static void copies_do_not_wait(void)
{
    smmap_cursor_t *pinned[2];
    smmap_cursor_t *waiting_one;
    smmap_cursor_t *reading;
    apr_thread_t *thread;
    unsigned char bytes[100];
    int i;

    manager = manager_waiting(longest);
    pinned[0] = window_pin(0);
    pinned[1] = window_pin(1);
    waiting_one = cursor_open(manager, file.path);
    reading = cursor_open(manager, file.path);
    NEED_OK(apr_thread_create(&thread, NULL, use_it, waiting_one, test_pool));
    while (in_line() == 0) {
        apr_sleep(1000);
    }
    /* So often that it is to be mapped. */
    for (i = 0; i < 3000; i++) {
        NEED_OK(smmap_cursor_read(reading, at_window(5) + 7, bytes, sizeof bytes, NULL));
        CHECK(memcmp(bytes, file.data + 5 * unit + 7, sizeof bytes) == 0);
    }
    smmap_cursor_release(pinned[1]);
    thread_join(thread);
    CHECK(cursor_shows(waiting_one, &file));
    counts_check();
}

static void waits_in_vain(void)
{
    smmap_cursor_t *cursor;
    apr_time_t before;

    manager = manager_waiting(SOON);
    window_pin(0);
    window_pin(1);
    cursor = cursor_open(manager, file.path);
    before = apr_time_now();
    CHECK_STATUS(smmap_cursor_use(cursor, at_window(5), 0), SMMAP_ELIMIT_BYTES);
    CHECK(apr_time_now() - before >= SOON);
    CHECK_NUMBER(manager_stats(manager).limit_failures, 1);
    counts_check();
}

/* Threads that wait, and the place at which each got its room. */
enum { WAITERS = 4 };

static smmap_cursor_t *waiting[WAITERS];
static apr_uint32_t served;
static apr_uint32_t places[WAITERS];

static void use_and_release(unsigned who)
{
    CHECK_OK(smmap_cursor_use(waiting[who], at_window(who + 1), 0));
    places[who] = apr_atomic_inc32(&served);
    smmap_cursor_release(waiting[who]);
}

static void *APR_THREAD_FUNC wait_in_line(apr_thread_t *thread, void *who)
{
    (void)thread;
    use_and_release(*(unsigned *)who);
    return NULL;
}

/* Who comes first gets it first, and who comes when it is free stands behind those that wait. */
static void waits_in_line(void)
{
    static unsigned numbers[WAITERS];
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_thread_t *threads[WAITERS];
    smmap_cursor_t *pinned;
    unsigned i;

    unit = smmap_granularity();
    file = file_make("file", 8 * unit);
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = unit;
    options.max_regions = 1;
    options.limit_wait = longest;
    manager = manager_make(&options);
    served = 0;
    pinned = window_pin(0);
    for (i = 0; i < WAITERS; i++) {
        numbers[i] = i;
        waiting[i] = cursor_open(manager, file.path);
    }
    for (i = 0; i < WAITERS - 1; i++) {
        NEED_OK(apr_thread_create(&threads[i], NULL, wait_in_line, &numbers[i], test_pool));
        while (in_line() <= i) {
            apr_sleep(1000);
        }
    }
    smmap_cursor_release(pinned);
    use_and_release(WAITERS - 1);
    for (i = 0; i < WAITERS - 1; i++) {
        thread_join(threads[i]);
    }
    for (i = 0; i < WAITERS; i++) {
        CHECK_NUMBER(places[i], i);
    }
    counts_check();
}

static const test_case_t cases[] = {{"only_a_limit", only_a_limit},
                                    {"hard_and_less_room", hard_and_less_room},
                                    {"all_is_pinned", all_is_pinned},
                                    {"room_is_claimed", room_is_claimed},
                                    {"waits_for_room", waits_for_room},
                                    {"copies_do_not_wait", copies_do_not_wait},
                                    {"waits_in_vain", waits_in_vain},
                                    {"waits_in_line", waits_in_line},
                                    {NULL, NULL}};

const test_module_t test_room = {"room", cases};
