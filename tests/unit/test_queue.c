/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The eviction queue: the order of its regions, and where the hand is after each
 * change. What the hand does with bits and pins is tested through the library, in
 * test_policy.c and test_limits.c.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "core/region/region.h"

enum { MOST = 64 };

static smmap__region_t regions[MOST];

static void fresh(smmap__queue_t *queue, int count)
{
    int i;

    memset(regions, 0, sizeof regions);
    smmap__queue_init(queue);
    for (i = 0; i < count; i++) {
        smmap__queue_add(queue, &regions[i]);
    }
}

/* The number of the region at the hand; -1: none. */
static int step(smmap__queue_t *queue)
{
    smmap__region_t *region = smmap__queue_step(queue);

    return region != NULL ? (int)(region - regions) : -1;
}

static void oldest_first(void)
{
    smmap__queue_t queue;
    int i;

    fresh(&queue, 0);
    CHECK_NUMBER(step(&queue), -1);
    fresh(&queue, 5);
    CHECK_NUMBER(queue.length, 5);
    for (i = 0; i < 12; i++) {
        CHECK_NUMBER(step(&queue), i % 5);
    }
}

/* At the end of a lap the hand starts over; what is added then waits for its turn. */
static void added_behind_the_lap(void)
{
    smmap__queue_t queue;

    fresh(&queue, 2);
    CHECK_NUMBER(step(&queue), 0);
    CHECK_NUMBER(step(&queue), 1);
    smmap__queue_add(&queue, &regions[2]);
    CHECK_NUMBER(step(&queue), 0);
    CHECK_NUMBER(step(&queue), 1);
    CHECK_NUMBER(step(&queue), 2);
}

static void removed_in_front_at_and_behind(void)
{
    int removed;

    for (removed = 0; removed < 5; removed++) {
        smmap__queue_t queue;
        int i;

        fresh(&queue, 5);
        CHECK_NUMBER(step(&queue), 0);
        CHECK_NUMBER(step(&queue), 1);
        smmap__queue_remove(&queue, &regions[removed]);
        CHECK_NUMBER(queue.length, 4);
        for (i = 2; i < 5; i++) {
            if (i != removed) {
                CHECK_NUMBER(step(&queue), i);
            }
        }
        CHECK_NUMBER(step(&queue), removed == 0 ? 1 : 0);
    }
}

/* Against an array in order of age. */
static void as_an_array(void)
{
    smmap__queue_t queue;
    int order[MOST];
    int length = 0;
    int hand = 0;
    apr_size_t round;

    fresh(&queue, 0);
    for (round = 0; round < test_count(10000); round++) {
        int i = (int)random_below(MOST);
        int place = 0;

        while (place < length && order[place] != i) {
            place++;
        }
        if (random_below(2) == 0) {
            CHECK_NUMBER(step(&queue), length > 0 ? order[hand] : -1);
            hand = hand + 1 < length ? hand + 1 : 0;
        } else if (place == length) {
            smmap__queue_add(&queue, &regions[i]);
            order[length++] = i;
        } else {
            smmap__queue_remove(&queue, &regions[i]);
            length--;
            memmove(&order[place], &order[place + 1],
                    (size_t)(length - place) * sizeof order[0]);
            hand -= place < hand;
            hand = hand < length ? hand : 0;
        }
        CHECK_NUMBER(queue.length, length);
    }
}

static const test_case_t cases[] = {
    {"oldest_first", oldest_first},
    {"added_behind_the_lap", added_behind_the_lap},
    {"removed_in_front_at_and_behind", removed_in_front_at_and_behind},
    {"as_an_array", as_an_array},
    {NULL, NULL}};

const test_module_t test_queue = {"queue", cases};
