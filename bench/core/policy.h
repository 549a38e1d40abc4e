/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies of eviction that the library is compared with. Each counts the misses of
 * a list of references to windows, with room for so many of them.
 */
#ifndef SMMAP_BENCH_POLICY_H
#define SMMAP_BENCH_POLICY_H

#include <apr_pools.h>

/** What is referenced, one after the other: numbers below `windows`. */
typedef struct policy_list_t {
    const apr_uint32_t *references;
    apr_uint32_t count;
    apr_uint32_t windows;
} policy_list_t;

/** Exact least-recently-used. */
apr_uint64_t policy_lru(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool);

/** CLOCK: a ring, a bit that a hit sets and the hand clears; a new one has it clear. */
apr_uint64_t policy_clock(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool);

/** Belady's: what is needed farthest in the future goes. No policy can miss less. */
apr_uint64_t policy_belady(const policy_list_t *list, apr_uint32_t room, apr_pool_t *pool);

#endif
