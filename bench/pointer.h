/*
 * The ways to read of those contenders that have the whole file behind a pointer, which is the
 * state of each lane: what BENCH_LOOP makes loops of. Include it once in a file.
 */
#ifndef SMMAP_BENCH_POINTER_H
#define SMMAP_BENCH_POINTER_H

#include "bench/loop.h"

BENCH_TEMPLATE const unsigned char *fetch(bench_lane_t *lane, void *state, apr_off_t offset)
{
    (void)lane;
    return (const unsigned char *)state + offset;
}

static const unsigned char *extent(bench_lane_t *lane, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    *got = size;
    return fetch(lane, lane->state, offset);
}

BENCH_TEMPLATE int copy(bench_lane_t *lane, apr_off_t offset)
{
    memcpy(lane->block, fetch(lane, lane->state, offset), BENCH_BLOCK);
    return 1;
}

#endif
