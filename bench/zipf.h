/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers that are not equally likely: the k-th of n comes up in proportion to
 * 1 / k to the power of a skew (Zipf's law).
 */
#ifndef SMMAP_BENCH_ZIPF_H
#define SMMAP_BENCH_ZIPF_H

#include <apr_pools.h>

/** How likely one of the first numbers is, added up; `count` entries, the last is 1. */
double *bench_zipf_make(apr_uint32_t count, double skew, apr_pool_t *pool);

/** The number, from 0 on, that belongs to a part: 0 or more, below 1. */
apr_uint32_t bench_zipf_pick(const double *table, apr_uint32_t count, double part);

/** The numbers below `count` in an order that looks random, the same for each seed. */
apr_uint32_t *bench_shuffle(apr_uint32_t count, apr_uint64_t seed, apr_pool_t *pool);

/** A number at random, 0 or more, below 1; the same for each seed and number. */
double bench_part(apr_uint64_t seed, apr_uint64_t number);

#endif
