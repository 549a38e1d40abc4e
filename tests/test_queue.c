/*
 * The eviction queue: which region is the victim, step by step as the SIEVE paper
 * has it, and against a naive SIEVE on random sequences.
 */
#include "harness.h"

#include <string.h>

#include "core/core.h"

enum { MOST = 64 };

static smmap__region_t regions[MOST];

static void fresh(smmap__queue_t *queue)
{
    memset(regions, 0, sizeof regions);
    memset(queue, 0, sizeof *queue);
}

static void pin(smmap__queue_t *queue, smmap__region_t *region)
{
    queue->pinned += region->clients++ == 0;
}

static void unpin(smmap__queue_t *queue, smmap__region_t *region)
{
    queue->pinned -= --region->clients == 0;
}

/* The victim's number, taken out of the queue; -1: none. */
static int evict(smmap__queue_t *queue)
{
    smmap__region_t *victim = smmap__queue_victim(queue);

    if (victim == NULL) {
        return -1;
    }
    smmap__queue_remove(queue, victim);
    return (int)(victim - regions);
}

static void add_many(smmap__queue_t *queue, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        smmap__queue_add(queue, &regions[i]);
    }
}

static void oldest_first(void)
{
    smmap__queue_t queue;
    int i;

    fresh(&queue);
    CHECK_NUMBER(evict(&queue), -1);
    add_many(&queue, 5);
    for (i = 0; i < 5; i++) {
        CHECK_NUMBER(evict(&queue), i);
    }
    CHECK_NUMBER(evict(&queue), -1);
    CHECK_NUMBER(queue.length, 0);
}

/* A visited region is spared once, and the hand goes on behind it. */
static void visited_is_spared(void)
{
    smmap__queue_t queue;

    fresh(&queue);
    add_many(&queue, 4);
    regions[0].visited = 1;
    regions[2].visited = 1;
    CHECK_NUMBER(evict(&queue), 1);
    CHECK_NUMBER(regions[0].visited, 0);
    CHECK_NUMBER(regions[2].visited, 1);
    CHECK_NUMBER(evict(&queue), 3); /* over 2, whose bit goes */
    CHECK_NUMBER(evict(&queue), 0); /* round again */
    CHECK_NUMBER(evict(&queue), 2);
}

/* All visited: the second lap finds the oldest. */
static void all_visited(void)
{
    smmap__queue_t queue;
    int i;

    fresh(&queue);
    add_many(&queue, 3);
    for (i = 0; i < 3; i++) {
        regions[i].visited = 1;
    }
    CHECK_NUMBER(evict(&queue), 0);
    CHECK_NUMBER(evict(&queue), 1);
    CHECK_NUMBER(evict(&queue), 2);
}

/* What a scan brings goes before a hot set that is read again and again. */
static void scan_spares_the_hot_set(void)
{
    smmap__queue_t queue;
    int i;

    fresh(&queue);
    add_many(&queue, 4); /* the hot set */
    for (i = 0; i < 4; i++) {
        regions[i].visited = 1;
    }
    for (i = 4; i < MOST; i++) {
        int hot;

        smmap__queue_add(&queue, &regions[i]);
        if (queue.length > 5) {
            CHECK(evict(&queue) >= 4);
        }
        for (hot = 0; hot < 4; hot++) {
            regions[hot].visited = 1;
        }
    }
}

static void pinned_stays(void)
{
    smmap__queue_t queue;

    fresh(&queue);
    add_many(&queue, 3);
    pin(&queue, &regions[0]);
    pin(&queue, &regions[1]);
    regions[1].visited = 1;
    CHECK_NUMBER(evict(&queue), 2);
    CHECK_NUMBER(evict(&queue), -1);
    CHECK_NUMBER(regions[1].visited, 1); /* passing by does not clear it */
    unpin(&queue, &regions[0]);
    CHECK_NUMBER(evict(&queue), 0);
    unpin(&queue, &regions[1]);
    CHECK_NUMBER(evict(&queue), 1);
    CHECK_NUMBER(queue.pinned, 0);
}

/* Taking regions out under the hand, in every place, keeps the rest in order. */
static void remove_anywhere(void)
{
    int removed;

    for (removed = 0; removed < 5; removed++) {
        smmap__queue_t queue;
        int i;

        fresh(&queue);
        add_many(&queue, 5);
        regions[0].visited = 1;
        CHECK(smmap__queue_victim(&queue) == &regions[1]); /* the hand is at 1 */
        smmap__queue_remove(&queue, &regions[removed]);
        for (i = 1; i < 5; i++) {
            if (i != removed) {
                CHECK_NUMBER(evict(&queue), i);
            }
        }
        CHECK_NUMBER(evict(&queue), removed == 0 ? -1 : 0);
    }
}

/* A SIEVE that is too simple to be wrong: an array in order of age. */
typedef struct naive_t {
    int order[MOST];
    int visited[MOST];
    int pinned[MOST];
    int length;
    int hand; /* a place in order */
} naive_t;

static void naive_remove(naive_t *naive, int place)
{
    memmove(&naive->order[place], &naive->order[place + 1],
            (size_t)(naive->length - place - 1) * sizeof naive->order[0]);
    naive->length--;
    naive->hand -= place < naive->hand;
    if (naive->hand == naive->length) {
        naive->hand = 0; /* now: what is added later is newer than the end of this lap */
    }
}

static int naive_evict(naive_t *naive)
{
    int steps;

    for (steps = 0; steps < 2 * naive->length + 1; steps++) {
        int region;

        region = naive->order[naive->hand];
        if (!naive->pinned[region] && !naive->visited[region]) {
            naive_remove(naive, naive->hand);
            return region;
        }
        naive->visited[region] = naive->visited[region] && naive->pinned[region];
        naive->hand = naive->hand + 1 < naive->length ? naive->hand + 1 : 0;
    }
    return -1;
}

static void as_the_naive_one(void)
{
    smmap__queue_t queue;
    naive_t naive;
    apr_size_t step;

    fresh(&queue);
    memset(&naive, 0, sizeof naive);
    for (step = 0; step < test_count(200000); step++) {
        int i = (int)random_below(MOST);
        int unpinned = 0;
        int k;

        for (k = 0; k < naive.length; k++) {
            unpinned += !naive.pinned[naive.order[k]];
        }
        if (!regions[i].queued && random_below(3) != 0) {
            regions[i].clients = 0;
            smmap__queue_add(&queue, &regions[i]);
            naive.order[naive.length++] = i;
            naive.visited[i] = 0;
            naive.pinned[i] = 0;
        } else if (regions[i].queued && random_below(2) == 0) {
            regions[i].visited = 1;
            naive.visited[i] = 1;
        } else if (regions[i].queued && random_below(2) == 0) {
            if (naive.pinned[i]) {
                unpin(&queue, &regions[i]);
            } else {
                pin(&queue, &regions[i]);
            }
            naive.pinned[i] = !naive.pinned[i];
        } else if (regions[i].queued && random_below(4) == 0) {
            for (k = 0; naive.order[k] != i; k++) {
            }
            smmap__queue_remove(&queue, &regions[i]);
            regions[i].clients = 0;
            naive_remove(&naive, k);
        } else {
            /* The naive hand moves even when there is nobody to find. */
            CHECK_NUMBER(evict(&queue), unpinned > 0 ? naive_evict(&naive) : -1);
        }
        CHECK_NUMBER(queue.length, naive.length);
    }
}

static const test_case_t cases[] = {{"oldest_first", oldest_first},
                                    {"visited_is_spared", visited_is_spared},
                                    {"all_visited", all_visited},
                                    {"scan_spares_the_hot_set", scan_spares_the_hot_set},
                                    {"pinned_stays", pinned_stays},
                                    {"remove_anywhere", remove_anywhere},
                                    {"as_the_naive_one", as_the_naive_one},
                                    {NULL, NULL}};

const test_module_t test_queue = {"queue", cases};
