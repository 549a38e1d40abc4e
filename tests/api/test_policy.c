/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which windows are evicted.
 *
 * The policy (SIEVE): regions stand in the order in which they were mapped; a hit
 * marks its region visited; a hand goes from the oldest to the newest, clears the
 * mark of a visited region and takes the first that is not visited. Pinned regions are passed
 * over. A cursor that goes on in the window it has does not mark it. Where the fake
 * backend is linked, the victim is named by what it saw being unmapped; with any
 * backend a model of the policy says for each move whether it is a hit, and the
 * statistics must agree.
 */
#include "tests/support/fixture.h"

#include <string.h>

#include "tests/fake/backend.h"

/* Touching this window must cost that one, and nothing else. */
static void costs(apr_size_t window, apr_size_t victim)
{
    window_costs(window, victim);
    counts_check();
}

static void costs_nothing(apr_size_t window)
{
    fake_events_clear();
    window_touch(window);
    CHECK_NUMBER(fake_victim_count(), 0);
}

static void oldest_first(void)
{
    apr_size_t i;

    NEEDS_FAKE();
    begin_limited(4, 0, SMMAP_LIMITS_SOFT);
    for (i = 0; i < 4; i++) {
        costs_nothing(i);
    }
    for (i = 4; i < 24; i++) {
        costs(i, i - 4);
    }
    CHECK_NUMBER(manager_stats(manager).evictions, 20);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
    CHECK_NUMBER(manager_stats(manager).peak_regions, 4);
}

static void visited_gets_a_second_chance(void)
{
    NEEDS_FAKE();
    begin_limited(0, 4, SMMAP_LIMITS_SOFT);
    window_touch(0);
    window_touch(1);
    window_touch(2);
    window_touch(3);
    window_touch(0); /* a hit marks it */
    costs(4, 1);
    costs(5, 2);
    costs(6, 3);
    /* The hand is behind 0 now, whose mark is gone, and goes on to the newer ones. */
    costs(7, 4);
    window_touch(6);
    costs(8, 5);
    costs(9, 7); /* 6 was hit */
    costs_nothing(0);
    costs_nothing(6);
}

static void hit_again(void)
{
    NEEDS_FAKE();
    begin_limited(0, 3, SMMAP_LIMITS_SOFT);
    window_touch(0);
    window_touch(1);
    window_touch(2);
    window_touch(0);
    window_touch(1);
    window_touch(2);
    /* All are marked: the hand takes the marks away and comes back to the oldest. */
    costs(3, 0);
    costs(4, 1);
    costs(5, 2);
    costs(6, 3);
}

static void pinned_stays(void)
{
    smmap_cursor_t *first;
    smmap_cursor_t *third;
    apr_size_t i;

    NEEDS_FAKE();
    begin_limited(4, 0, SMMAP_LIMITS_SOFT);
    first = window_pin(0);
    window_touch(1);
    third = window_pin(2);
    window_touch(3);
    costs(4, 1);
    costs(5, 3);
    for (i = 6; i < 20; i++) {
        costs(i, i - 2);
    }
    CHECK(region_shows(first, &file));
    CHECK(region_shows(third, &file));
    smmap_cursor_release(first);
    CHECK_NUMBER(manager_stats(manager).over_limit, 0);
    /* It can go now, when the hand comes round: 18 and 19 are before it. */
    costs(20, 18);
    costs(21, 19);
    costs(22, 20);
    CHECK(region_shows(third, &file));
}

static void spans_go_too(void)
{
    smmap_cursor_t *cursor;

    NEEDS_FAKE();
    begin_limited(6, 0, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)(2 * unit) - 1, 2)); /* two granules */
    CHECK_NUMBER(smmap_manager_mapped_bytes(manager), 2 * unit);
    window_touch(10);
    window_touch(11);
    window_touch(12);
    window_touch(13);
    costs(14, 10); /* the span is pinned */
    smmap_cursor_release(cursor);
    costs(15, 11);
    costs(16, 12);
    costs(17, 13);
    costs(18, 14);
    costs(19, 15);
    costs(20, 16);
    costs(21, 17);
    /* The hand has passed the span, and marked it, as it was in use. When all that is newer
       is marked it comes round to it, and passes it by that once; */
    window_touch(18);
    window_touch(19);
    window_touch(20);
    window_touch(21);
    costs(22, 18);
    /* the next time it goes, and then there is room for two windows. */
    window_touch(19);
    window_touch(20);
    window_touch(21);
    window_touch(22);
    costs(0, 1);
    costs_nothing(3);
}

static void spans_of_one_window(void)
{
    smmap_cursor_t *cursor;
    apr_off_t edge;

    NEEDS_FAKE();
    begin_limited(0, 4, SMMAP_LIMITS_SOFT);
    cursor = cursor_open(manager, file.path);
    edge = (apr_off_t)(3 * unit) - 1;
    /* Three that begin in window 2, each larger than the last. */
    NEED_OK(smmap_cursor_require(cursor, edge, 2));
    NEED_OK(smmap_cursor_require(cursor, edge, unit + 2));
    NEED_OK(smmap_cursor_require(cursor, edge, 2 * unit + 2));
    CHECK_NUMBER(manager_stats(manager).regions, 3);
    smmap_cursor_release(cursor);
    window_touch(10);
    costs(11, 2);
    CHECK_NUMBER(fake_event(0).length, 2 * unit);
    /* The other two are still found: the smaller bytes lie in them as well. */
    NEED_OK(smmap_cursor_require(cursor, edge, 2));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).maps, 5);
    smmap_cursor_release(cursor);
    costs(12, 2);
    costs(13, 10);
    counts_check();
}

static void span_in_the_middle(void)
{
    smmap_cursor_t *oldest;
    smmap_cursor_t *cursor;
    apr_off_t edge;

    NEEDS_FAKE();
    begin_limited(0, 4, SMMAP_LIMITS_SOFT);
    oldest = cursor_open(manager, file.path);
    cursor = cursor_open(manager, file.path);
    edge = (apr_off_t)(3 * unit) - 1;
    NEED_OK(smmap_cursor_require(oldest, edge, 2)); /* stays pinned */
    NEED_OK(smmap_cursor_require(cursor, edge, unit + 2));
    NEED_OK(smmap_cursor_require(cursor, edge, 2 * unit + 2));
    smmap_cursor_release(cursor);
    window_touch(10);
    costs(11, 2);
    CHECK_NUMBER(fake_event(0).length, 3 * unit);
    /* The one before it and the one behind it are still found. */
    NEED_OK(smmap_cursor_require(cursor, edge, 2 * unit + 2));
    NEED_OK(smmap_cursor_use(cursor, edge + 1, 0));
    CHECK(cursor_shows(cursor, &file));
    smmap_cursor_release(oldest);
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    counts_check();
}

static void span_makes_room(void)
{
    smmap_cursor_t *cursor;

    NEEDS_FAKE();
    begin_limited(4, 0, SMMAP_LIMITS_HARD);
    cursor = cursor_open(manager, file.path);
    window_touch(0);
    window_touch(1);
    window_touch(2);
    window_touch(3);
    fake_events_clear();
    NEED_OK(smmap_cursor_require(cursor, (apr_off_t)(10 * unit) - 1, unit + 2));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(smmap_cursor_region_size(cursor), 3 * unit);
    CHECK_NUMBER(fake_victim_count(), 3);
    CHECK_NUMBER(fake_victim(0) + fake_victim(1) + fake_victim(2), (apr_off_t)(3 * unit));
    costs_nothing(3);
    counts_check();
    /* Larger than all that may be mapped: refused, and nothing is lost for it. */
    CHECK_STATUS(smmap_cursor_require(cursor, 5, 4 * unit), SMMAP_ELIMIT_BYTES);
    CHECK(!smmap_cursor_is_valid(cursor));
    CHECK_NUMBER(manager_stats(manager).limit_failures, 1);
    counts_check();
}

/*
 * The model. Regions are numbered; `order` has those that are mapped, by age.
 */

#define FILES 3
#define WINDOWS 12
#define MOST (FILES * WINDOWS)

typedef struct model_t {
    int order[MOST];
    int length;
    int hand;
    int marked[MOST];
    int pins[MOST];
    int limit;
    apr_size_t over;
    int victims[MOST]; /* of the last move */
    int victim_count;
} model_t;

static int model_find(const model_t *model, int region)
{
    int i;

    for (i = 0; i < model->length && model->order[i] != region; i++) {
    }
    return i < model->length ? i : -1;
}

static void model_remove(model_t *model, int region)
{
    int at = model_find(model, region);

    memmove(model->order + at, model->order + at + 1,
            (size_t)(model->length - at - 1) * sizeof model->order[0]);
    model->length--;
    model->hand -= at < model->hand;
    if (model->hand == model->length) {
        model->hand = 0; /* it was the newest: the hand begins again */
    }
}

/* The hand takes as many as must go, at most one lap, and then sees which of them are
   pinned. Those are marked: they are in use. When all were, it goes on, and passes over what
   is pinned; in the third lap marks save no region. Returns how many went. */
static int model_evict(model_t *model)
{
    const int lap = model->length;
    int went = 0;
    int step = 0;
    int passes = 0;

    while (went == 0 && step < 3 * lap) {
        const int end = step < 2 * lap ? step + lap : 3 * lap;
        int taken[MOST];
        int count = 0;
        int i;

        while (step < end && model->length - count >= model->limit) {
            int region = model->order[model->hand];
            int second_chance = model->marked[region] && step < 2 * lap;

            model->marked[region] = 0;
            model->hand = model->hand + 1 < model->length ? model->hand + 1 : 0;
            step++;
            if (!second_chance && passes && model->pins[region] > 0) {
                model->marked[region] = 1;
            } else if (!second_chance) {
                taken[count++] = region;
            }
        }
        for (i = 0; i < count; i++) {
            if (model->pins[taken[i]] > 0) {
                model->marked[taken[i]] = 1;
            } else {
                model_remove(model, taken[i]);
                model->victims[model->victim_count++] = taken[i];
                went++;
            }
        }
        passes = passes || count > 0;
    }
    return went;
}

/* A cursor moves from one region (-1: none) to another; 1: it was a hit. */
static int model_move(model_t *model, int from, int to)
{
    model->victim_count = 0;
    if (from == to) {
        return 1; /* it goes on in the one it has: no mark */
    }
    if (from >= 0) {
        model->pins[from]--;
    }
    if (model_find(model, to) >= 0) {
        model->marked[to] = 1;
        model->pins[to]++;
        return 1;
    }
    while (model->length >= model->limit) {
        if (!model_evict(model)) {
            model->over++;
            break;
        }
    }
    model->order[model->length++] = to;
    model->marked[to] = 0;
    model->pins[to]++;
    return 0;
}

static void as_the_model(void)
{
    smmap_cursor_t *cursors[4][FILES];
    test_file_t files[FILES];
    int at[4] = {-1, -1, -1, -1};
    apr_size_t rounds = test_count(2000);
    smmap_stats_t before;
    model_t model;
    apr_size_t bad = 0;
    apr_size_t r;
    int i;
    int f;

    unit = smmap_granularity();
    memset(&model, 0, sizeof model);
    model.limit = 3; /* fewer than cursors: sometimes all are pinned */
    manager = manager_sliding(unit, 0, (apr_size_t)model.limit, SMMAP_LIMITS_SOFT);
    for (f = 0; f < FILES; f++) {
        char name[2] = {(char)('a' + f), '\0'};

        files[f] = file_make(name, WINDOWS * unit);
        for (i = 0; i < 4; i++) {
            cursors[i][f] = cursor_open(manager, files[f].path);
        }
    }
    for (r = 0; r < rounds && bad == 0; r++) {
        int who = (int)random_below(random_below(50) == 0 ? 4 : 2);
        /* Half of the moves go to a few hot windows. */
        int to = (int)(random_below(2) ? random_below(4) * 7 : random_below(MOST));
        smmap_cursor_t *cursor;
        int hit;

        if (r + 4 >= rounds) { /* at the end all are pinned */
            who = (int)(rounds - 1 - r);
            to = who * 7;
        }
        cursor = cursors[who][to / WINDOWS];

        if (at[who] >= 0 && at[who] != to) {
            smmap_cursor_release(cursors[who][at[who] / WINDOWS]);
        }
        before = manager_stats(manager);
        fake_events_clear();
        hit = model_move(&model, at[who], to);
        at[who] = to;
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)((apr_size_t)(to % WINDOWS) * unit), 0));
        bad += !region_shows(cursor, &files[to / WINDOWS]);
        bad += (manager_stats(manager).hits - before.hits == 1) != hit;
        bad += (manager_stats(manager).misses - before.misses == 1) == hit;
        bad += (int)manager_stats(manager).regions != model.length;
        bad += manager_stats(manager).over_limit != model.over;
        bad += manager_stats(manager).evictions - before.evictions !=
               (apr_uint64_t)model.victim_count;
        if (fake_present() && model.victim_count == 1) {
            apr_off_t victim = (apr_off_t)((apr_size_t)(model.victims[0] % WINDOWS) * unit);

            bad += fake_victim(0) != victim;
        }
        if (r + 4 < rounds && random_below(8) == 0) {
            smmap_cursor_release(cursor);
            model.pins[to]--;
            at[who] = -1;
        }
    }
    CHECK_NUMBER(bad, 0);
    CHECK(model.over > 0);
    CHECK(manager_stats(manager).hits > rounds / 10);
    counts_check();
}

static const test_case_t cases[] = {{"oldest_first", oldest_first},
                                    {"visited_gets_a_second_chance", visited_gets_a_second_chance},
                                    {"hit_again", hit_again},
                                    {"pinned_stays", pinned_stays},
                                    {"spans_go_too", spans_go_too},
                                    {"spans_of_one_window", spans_of_one_window},
                                    {"span_in_the_middle", span_in_the_middle},
                                    {"span_makes_room", span_makes_room},
                                    {"as_the_model", as_the_model},
                                    {NULL, NULL}};

const test_module_t test_policy = {"policy", cases};
