/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of everything: managers, cursors, windows, copies, buffers, guards, under limits
 * that make each of them evict and open again. Calls of the system fail meanwhile, as a test
 * ordered (test_failures.c, test_wraps.c); the scenario knows the one status that may come.
 */
#ifndef SMMAP_TESTS_SCENARIO_H
#define SMMAP_TESTS_SCENARIO_H

#include "harness.h"

/** What a run is like, and what came of it. Start from SCENARIO_INIT. */
typedef struct scenario_t {
    smmap_mode_t mode;
    smmap_guard_t guard;
    int paranoid;
    apr_status_t injected;  /**< the only error that may come */
    void (*relent)(void);   /**< no call fails any more */
    apr_size_t failed;      /**< calls that answered with it */
    apr_size_t wrong;       /**< other errors, wrong bytes, results set by a failed call */
    apr_status_t unexpected; /**< the first of those errors */
    smmap_stats_t stats;    /**< at the end of what could fail; made: there are any */
    int made;
    apr_pool_t *pool;
} scenario_t;

#define SCENARIO_INIT                                                                 \
    {                                                                                 \
        SMMAP_MODE_SLIDING, SMMAP_GUARD_OFF, 0, APR_SUCCESS, NULL, 0, 0, APR_SUCCESS, \
            SMMAP_STATS_INIT, 0, NULL                                                 \
    }

/** Once in a test: the files, and a handle on one of them. */
void scenario_begin(void);
/** Play it. Then nothing fails any more, and the same manager must work; after that, it is
    destroyed. Checks that nothing was wrong. */
void scenario_play(scenario_t *run);
/** 1 for success. made: what the call was to set, NULL before it. */
int scenario_done(scenario_t *run, apr_status_t status, const void *made);

#endif
