/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pair of fences: what a thread published (core/base/atomic.h) is seen by a thread
 * that reads after its heavy fence (backends/backend.h), or the other way round.
 *
 * Each side writes the number of its round, passes its fence and reads the other's
 * number. When the heavy side, in its round h, has read l, then what the light
 * side read in round l + 1, whose number was not seen, is h at least: one of the
 * two always sees the other.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"
#include "core/base/atomic.h"
#include "tests/fake/backend.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <string.h>

typedef struct duel_t {
    smmap__word_t light_round;
    int asymmetric;
    char apart[256]; /* on lines of the cache of their own */
    atomic_uint heavy_round;
    char behind[256];
    atomic_uint ball; /* thrown to and fro before a fight */
    atomic_int ended;
    unsigned rounds; /* of the light side */
    unsigned *seen;  /* by the light side, in each */
} duel_t;

/* Throw a ball to and fro, so that a fight begins when both run, each on a processor of its
   own. Without yielding, so that the system sees two that want one; but not for ever, as there
   may be only one. */
static void play(duel_t *duel, unsigned side)
{
    apr_size_t patience = 300 * (apr_size_t)duel->rounds;
    unsigned throws;

    for (throws = 0; throws < 1000 && patience > 0; throws++) {
        while (atomic_load_explicit(&duel->ball, memory_order_relaxed) != 2 * throws + side &&
               --patience > 0) {
        }
        atomic_store(&duel->ball, 2 * throws + side + 1);
    }
}

static void *APR_THREAD_FUNC light_side(apr_thread_t *thread, void *data)
{
    duel_t *duel = data;
    unsigned round;

    (void)thread;
    play(duel, 1);
    for (round = 1; round <= duel->rounds; round++) {
        smmap__publish(&duel->light_round, round, duel->asymmetric);
        duel->seen[round] = atomic_load_explicit(&duel->heavy_round, memory_order_relaxed);
    }
    atomic_store(&duel->ended, 1);
    return NULL;
}

/* Let the two loose on each other once. Returns how often neither saw the other, and adds how
   often the heavy side saw the light one move: whether they ran side by side at all. */
static unsigned fight(duel_t *duel, unsigned *heavy_saw, unsigned *moves)
{
    apr_thread_t *light;
    unsigned blind = 0;
    unsigned last = 0;
    unsigned rounds = 0;
    unsigned round;

    smmap__store(&duel->light_round, 0);
    atomic_store(&duel->heavy_round, 0);
    atomic_store(&duel->ball, 0);
    atomic_store(&duel->ended, 0);
    NEED_OK(apr_thread_create(&light, NULL, light_side, duel, test_pool));
    play(duel, 0);
    while (!atomic_load_explicit(&duel->ended, memory_order_relaxed) && rounds < duel->rounds) {
        rounds++;
        atomic_store_explicit(&duel->heavy_round, rounds, memory_order_relaxed);
        smmap__os_fence_heavy();
        heavy_saw[rounds] = (unsigned)smmap__load(&duel->light_round);
    }
    thread_join(light);
    for (round = 1; round <= rounds; round++) {
        if (heavy_saw[round] < duel->rounds) {
            blind += duel->seen[heavy_saw[round] + 1] < round;
        }
        *moves += heavy_saw[round] != last;
        last = heavy_saw[round];
    }
    return blind;
}

static int fight_often(int asymmetric)
{
    static duel_t duel;
    unsigned *heavy_saw;
    unsigned blind = 0;
    unsigned moves = 0;
    int fights;

    memset(&duel, 0, sizeof duel);
    duel.asymmetric = asymmetric;
    duel.rounds = (unsigned)test_count(300000);
    duel.seen = apr_pcalloc(test_pool, (duel.rounds + 2) * sizeof *duel.seen);
    heavy_saw = apr_pcalloc(test_pool, (duel.rounds + 2) * sizeof *heavy_saw);
    /* On a busy machine the two may miss each other, on one processor they always do. */
    for (fights = 0; fights < (int)test_count(40) && moves < 3000; fights++) {
        blind += fight(&duel, heavy_saw, &moves);
    }
    CHECK_NUMBER(blind, 0);
    return blind != 0;
}

static void pair(void)
{
    fight_often(smmap__os_fence_asymmetric());
}

/* The system refuses the heavy fence after it was promised. Whether a fence that works on this
   processor alone loses a fight is a matter of luck; but it never waits, and what is left in the
   end has to. */
static int refuse_and_fight(void *asymmetric)
{
    apr_size_t waits;

    if (!native_refuse_fences(0)) {
        return 77;
    }
    fight_often(*(int *)asymmetric);
    NEED(native_refuse_fences(1));
    waits = native_waits();
    smmap__os_fence_heavy();
    CHECK(native_waits() > waits || !*(int *)asymmetric);
    return 0;
}

static void refused_later(void)
{
    int asymmetric;
    int code;

    NEEDS_REAL();
    asymmetric = smmap__os_fence_asymmetric();
    code = test_in_child(refuse_and_fight, &asymmetric);
    if (code == 77) {
        test_skip("the fence cannot be refused here");
        return;
    }
    CHECK_NUMBER(code, 0);
}

static const test_case_t cases[] = {
    {"pair", pair}, {"refused_later", refused_later}, {NULL, NULL}};

const test_module_t test_fences = {"fences", cases};
