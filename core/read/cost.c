/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What mapping a window for copies costs, and what it saves: both differ from machine to machine
 * (page tables, system calls) and from file to file (a network) by more than a hundred times, so
 * both are measured as they happen. There is no clock in a copy from a window that is mapped.
 *
 * The averages go up slowly and down fast, and a time of many averages counts as fewer: where
 * another thread had its turn, a time says little. A map is at first taken for a cheap one, so one
 * slow map changes next to nothing; a read for what the first one took. A clock that stands still
 * or goes back changes nothing. Neither average is ever more than a second, so nothing overflows.
 * Of two threads that add at one moment, one may be lost.
 */
#include "core/read/read.h"

enum {
    MISS_FIRST = 16000, /* nanoseconds, as these two: */
    DEAR = 64000,
    MOST = 1000000000,
    TIMES_MOST = 8,
    UP = 8, /* by this part of the difference */
    DOWN = 4,
    TOUCHES_LEAST = 64,
    TOUCHES_MOST = 1600 /* and a quarter is less than what slots count to */
};

/* A copy from a window takes about half as long as a read; and a window that has to go for another
   was worth something, too: it must pay twice. Up to twice the least it is the least: where little
   is to be won, the number stays as it is. */
static apr_size_t touches_for(apr_uint64_t miss, apr_uint64_t read)
{
    apr_uint64_t touches = read != 0 ? miss * 4 / read : 0;

    return touches < 2 * TOUCHES_LEAST ? TOUCHES_LEAST
           : touches > TOUCHES_MOST    ? TOUCHES_MOST
                                       : (apr_size_t)touches;
}

void smmap__cost_init(smmap__cost_t *cost)
{
    smmap__count_store(&cost->read, 0);
    smmap__count_store(&cost->miss, MISS_FIRST);
    smmap__count_store(&cost->touches, TOUCHES_LEAST);
}

void smmap__cost_add(smmap__cost_t *cost, smmap__count_t *average, apr_int64_t begin)
{
    apr_int64_t taken = smmap__os_clock() - begin;
    apr_int64_t old = (apr_int64_t)smmap__count_load(average);
    apr_int64_t most = old > 0 && old < MOST / TIMES_MOST ? old * TIMES_MOST : MOST;

    if (begin > 0 && taken > 0) {
        taken = taken < most ? taken : most;
        smmap__count_store(average, (apr_size_t)(old == 0      ? taken
                                                 : taken > old ? old + (taken - old) / UP
                                                               : old - (old - taken) / DOWN));
        smmap__count_store(&cost->touches, touches_for(smmap__count_load(&cost->miss),
                                                       smmap__count_load(&cost->read)));
    }
}

/* Windows that are read equally often must not ask for room at one time: the eviction queue would
   go round faster than those in it can be hit. So each has its number, from three quarters to five,
   spread by the golden ratio (Knuth, TAOCP 3, 6.4). */
unsigned smmap__cost_touches(const smmap__cost_t *cost, apr_uint64_t number)
{
    apr_size_t touches = smmap__count_load(&cost->touches);
    apr_size_t spread = (apr_size_t)((number * 2654435761U & 0xffffffffU) >> 16);

    return (unsigned)(touches - touches / 4 + (spread * (touches / 2) >> 16));
}

int smmap__cost_is_dear(const smmap__cost_t *cost)
{
    return smmap__count_load(&cost->miss) > 2 * smmap__count_load(&cost->read) + DEAR;
}
