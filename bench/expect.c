/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the accesses must have read.
 *
 * The same numbers, the same places and the same sums as in the measured loops,
 * but with the bytes computed, or taken from the map of a user's file, instead of
 * read. So each byte of each access is checked, after the clock has stopped.
 */
#include <string.h>

#include "bench/contenders/loop.h"

static apr_uint64_t expect_block(const bench_data_t *data, apr_off_t offset)
{
    apr_uint64_t sum = 0;
    apr_size_t at;

    for (at = 0; at < BENCH_BLOCK; at += BENCH_BLOCK / 8) {
        sum += bench_data_word(data, offset + (apr_off_t)at) * (2 * at + 1);
    }
    return sum;
}

/* What one access adds. */
static apr_uint64_t expect_one(const bench_case_t *test, apr_uint64_t number)
{
    bench_kind_t kind = test->workload->kind;
    apr_off_t offset = bench_place(&test->pattern, kind, number);

    if (kind == BENCH_COPY) {
        return expect_block(test->data, offset) * bench_weight(kind, number);
    }
    return bench_data_byte(test->data, offset) * bench_weight(kind, number);
}

apr_uint64_t bench_expect(const bench_case_t *test, apr_uint64_t first, apr_uint64_t count)
{
    apr_uint64_t sum = 0;
    apr_uint64_t number;

    if (test->workload->kind == BENCH_STREAM) {
        return test->expected * (count / (test->pattern.length / BENCH_BLOCK));
    }
    for (number = first; number != first + count; number++) {
        sum += expect_one(test, number);
    }
    return sum;
}

apr_uint64_t bench_expect_stream(const bench_data_t *data, apr_uint64_t length)
{
    unsigned char block[BENCH_BLOCK];
    apr_uint64_t sum = 0;
    apr_uint64_t at;

    for (at = 0; at < length; at += BENCH_BLOCK) {
        apr_size_t i;

        for (i = 0; i < BENCH_BLOCK; i += sizeof(apr_uint64_t)) {
            apr_uint64_t word = bench_data_word(data, (apr_off_t)(at + i));

            memcpy(block + i, &word, sizeof(word));
        }
        sum = sum * APR_UINT64_C(0x9E3779B97F4A7C15) + bench_block_total(block);
    }
    return sum;
}

int bench_expect_bytes(const bench_data_t *data, apr_off_t offset, const unsigned char *bytes,
                       apr_size_t size)
{
    apr_size_t i;

    for (i = 0; i < size; i++) {
        if (bytes[i] != bench_data_byte(data, offset + (apr_off_t)i)) {
            return 0;
        }
    }
    return 1;
}
