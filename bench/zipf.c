/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random numbers, also skewed ones. The table of Zipf's law is exact and takes 8 bytes for
 * each number; drawing one is a binary search, done before anything is measured.
 */
#include "bench/zipf.h"

#include <math.h>

double *bench_zipf_make(apr_uint32_t count, double skew, apr_pool_t *pool)
{
    double *table = apr_palloc(pool, count * sizeof(*table));
    double sum = 0;
    apr_uint32_t i;

    for (i = 0; i < count; i++) {
        sum += pow((double)i + 1, -skew);
        table[i] = sum;
    }
    for (i = 0; i < count; i++) {
        table[i] /= sum;
    }
    return table;
}

apr_uint32_t bench_zipf_pick(const double *table, apr_uint32_t count, double part)
{
    apr_uint32_t low = 0;
    apr_uint32_t high = count - 1;

    while (low < high) {
        apr_uint32_t middle = low + (high - low) / 2;

        if (part < table[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* SplitMix64: good enough to draw from, and each number stands for itself. */
static apr_uint64_t mix(apr_uint64_t number)
{
    number += APR_UINT64_C(0x9E3779B97F4A7C15);
    number = (number ^ (number >> 30)) * APR_UINT64_C(0xBF58476D1CE4E5B9);
    number = (number ^ (number >> 27)) * APR_UINT64_C(0x94D049BB133111EB);
    return number ^ (number >> 31);
}

double bench_part(apr_uint64_t seed, apr_uint64_t number)
{
    return (double)(mix(mix(seed) + number) >> 11) / 9007199254740992.0; /* 2 to the 53 */
}

apr_uint32_t *bench_shuffle(apr_uint32_t count, apr_uint64_t seed, apr_pool_t *pool)
{
    apr_uint32_t *order = apr_palloc(pool, count * sizeof(*order));
    apr_uint32_t i;

    for (i = 0; i < count; i++) {
        apr_uint32_t other = (apr_uint32_t)(bench_part(seed, i) * ((double)i + 1));

        order[i] = order[other];
        order[other] = i;
    }
    return order;
}
