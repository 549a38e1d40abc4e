/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The measured loops, once for all contenders.
 *
 * A contender gives a function that fetches, and makes of it, with the templates
 * below, a loop of each kind; the compiler puts the fetching into the loop. So the
 * numbers of the accesses, the arithmetic on them and what is done with the bytes
 * are the same machine code for everyone.
 *
 * What is done with the bytes: each is multiplied by a number that belongs to its
 * access, and added up. Two bytes that change places change the sum, and no
 * access has to wait for the one before.
 */
#ifndef SMMAP_BENCH_LOOP_H
#define SMMAP_BENCH_LOOP_H

#include <string.h>

#include "bench/bench.h"

#if defined(__GNUC__)
#define BENCH_LOOP_FUNCTION __attribute__((noinline))
#define BENCH_TEMPLATE static inline __attribute__((always_inline))
/* The compiler must have this value in each round: it may not merge rounds. */
#define BENCH_KEEP(value) __asm__ volatile("" : "+r"(value))
#elif defined(_MSC_VER)
#define BENCH_LOOP_FUNCTION __declspec(noinline)
#define BENCH_TEMPLATE static __forceinline
#define BENCH_KEEP(value) ((void)0)
#else
#define BENCH_LOOP_FUNCTION
#define BENCH_TEMPLATE static inline
#define BENCH_KEEP(value) ((void)0)
#endif

/** The upper half of it looks random; two multiplications, one behind the other. */
BENCH_TEMPLATE apr_uint64_t bench_hash(apr_uint64_t number)
{
    apr_uint64_t hash = number * APR_UINT64_C(0x9E3779B97F4A7C15);

    hash ^= hash >> 32;
    hash *= APR_UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ (hash >> 32);
}

/** Where access `number` goes. */
BENCH_TEMPLATE apr_off_t bench_place(const bench_pattern_t *pattern, bench_kind_t kind,
                                     apr_uint64_t number)
{
    apr_uint64_t hash;
    apr_uint64_t unit;

    switch (kind) {
    case BENCH_BYTES:
        return pattern->begin + (apr_off_t)(number & (pattern->wrap - 1));
    case BENCH_MISS:
        return pattern->begin + (apr_off_t)(number % pattern->wrap * pattern->length);
    case BENCH_COPY:
        return pattern->begin +
               (apr_off_t)(pattern->blocks[number & pattern->block_mask] * BENCH_BLOCK);
    default: /* BENCH_RANDOM */
        hash = bench_hash(number);
        unit = ((hash >> 32) * pattern->units) >> 32;
        return pattern->begin +
               (apr_off_t)((unit << pattern->unit_shift) + (hash & pattern->unit_mask) +
                           (number & 1) * pattern->stride);
    }
}

/** What the bytes of access `number` are multiplied by. */
BENCH_TEMPLATE apr_uint64_t bench_weight(bench_kind_t kind, apr_uint64_t number)
{
    return kind == BENCH_RANDOM ? bench_hash(number) | 1 : 2 * number + 1;
}

/** What a block that was copied adds: eight of its words. */
BENCH_TEMPLATE apr_uint64_t bench_block_sum(const unsigned char *block)
{
    apr_uint64_t sum = 0;
    apr_size_t at;

    for (at = 0; at < BENCH_BLOCK; at += BENCH_BLOCK / 8) {
        apr_uint64_t word;

        memcpy(&word, block + at, sizeof(word));
        sum += word * (2 * at + 1);
    }
    return sum;
}

/** What a block that was read in order adds: all of its words. */
BENCH_TEMPLATE apr_uint64_t bench_block_total(const unsigned char *block)
{
    apr_uint64_t sums[4] = {0, 0, 0, 0};
    apr_size_t at;

    for (at = 0; at < BENCH_BLOCK; at += sizeof(sums)) {
        apr_uint64_t words[4];

        memcpy(words, block + at, sizeof(words));
        sums[0] += words[0];
        sums[1] += words[1];
        sums[2] += words[2];
        sums[3] += words[3];
    }
    return sums[0] + 3 * sums[1] + 5 * sums[2] + 7 * sums[3];
}

/** The byte at an offset; NULL: failed, see worker->status. `state` is worker->state, which a
    program has in a variable. */
typedef const unsigned char *bench_fetch_t(bench_worker_t *worker, void *state, apr_off_t offset);
/** Copy a block to worker->block. 0: failed. */
typedef int bench_copy_t(bench_worker_t *worker, apr_off_t offset);

BENCH_TEMPLATE apr_status_t bench_loop_points(bench_worker_t *worker, apr_uint64_t first,
                                              apr_uint64_t count, bench_fetch_t *fetch,
                                              bench_kind_t kind)
{
    const bench_pattern_t pattern = *worker->pattern;
    void *state = worker->state;
    apr_uint64_t sum = 0;
    apr_uint64_t number;

    for (number = first; number != first + count; number++) {
        const unsigned char *byte = fetch(worker, state, bench_place(&pattern, kind, number));

        if (byte == NULL) {
            return worker->status;
        }
        sum += *byte * bench_weight(kind, number);
        BENCH_KEEP(sum);
    }
    worker->sum += sum;
    return APR_SUCCESS;
}

#define bench_loop_bytes(worker, first, count, fetch) \
    bench_loop_points(worker, first, count, fetch, BENCH_BYTES)
#define bench_loop_random(worker, first, count, fetch) \
    bench_loop_points(worker, first, count, fetch, BENCH_RANDOM)
#define bench_loop_miss(worker, first, count, fetch) \
    bench_loop_points(worker, first, count, fetch, BENCH_MISS)

/* One call is always a whole pass: `first` and `count` are multiples of it. */
BENCH_TEMPLATE apr_status_t
bench_loop_stream(bench_worker_t *worker, apr_uint64_t first, apr_uint64_t count,
                  const unsigned char *(*extent)(bench_worker_t *worker, apr_off_t offset,
                                                 apr_size_t size, apr_size_t *got))
{
    const bench_pattern_t pattern = *worker->pattern;
    apr_uint64_t blocks = pattern.length / BENCH_BLOCK;

    (void)first;
    for (; count >= blocks; count -= blocks) {
        apr_uint64_t sum = 0;
        apr_uint64_t at = 0;

        while (at < pattern.length) {
            apr_uint64_t left = pattern.length - at;
            apr_size_t most = left < APR_SIZE_MAX / 2 ? (apr_size_t)left : APR_SIZE_MAX / 2;
            apr_size_t got = 0;
            apr_size_t done;
            const unsigned char *data = extent(worker, pattern.begin + (apr_off_t)at, most, &got);

            if (data == NULL) {
                return worker->status;
            }
            for (done = 0; done + BENCH_BLOCK <= got; done += BENCH_BLOCK) {
                sum = sum * APR_UINT64_C(0x9E3779B97F4A7C15) + bench_block_total(data + done);
            }
            if (done == 0) {
                return worker->status = APR_EGENERAL; /* windows are made of whole blocks */
            }
            at += done;
        }
        worker->sum += sum;
    }
    return APR_SUCCESS;
}

BENCH_TEMPLATE apr_status_t bench_loop_copy(bench_worker_t *worker, apr_uint64_t first,
                                            apr_uint64_t count, bench_copy_t *copy)
{
    const bench_pattern_t pattern = *worker->pattern;
    apr_uint64_t sum = 0;
    apr_uint64_t number;

    for (number = first; number != first + count; number++) {
        if (!copy(worker, bench_place(&pattern, BENCH_COPY, number))) {
            return worker->status;
        }
        sum += bench_block_sum(worker->block) * (2 * number + 1);
        BENCH_KEEP(sum);
    }
    worker->sum += sum;
    return APR_SUCCESS;
}

/** Define a loop of a kind; its name is what a profiler has to look for. */
#define BENCH_LOOP(name, kind, with)                                                   \
    apr_status_t name(bench_worker_t *worker, apr_uint64_t first, apr_uint64_t count); \
    BENCH_LOOP_FUNCTION apr_status_t name(bench_worker_t *worker, apr_uint64_t first,  \
                                          apr_uint64_t count)                          \
    {                                                                                  \
        return bench_loop_##kind(worker, first, count, with);                          \
    }

/* The contenders; all.c has the list. */

extern const bench_contender_t bench_raw;
extern const bench_contender_t bench_static;
extern const bench_contender_t bench_sliding;
extern const bench_contender_t bench_hinted;
extern const bench_contender_t bench_list_model;
extern const bench_contender_t bench_python;
extern const bench_contender_t bench_map_unmap;
extern const bench_contender_t bench_pread_64;
extern const bench_contender_t bench_pread_4k;
extern const bench_contender_t bench_pread_1m;

#endif
