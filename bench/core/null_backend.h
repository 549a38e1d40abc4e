/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A backend without an operating system, for measuring what the core itself costs.
 */
#ifndef SMMAP_BENCH_NULL_BACKEND_H
#define SMMAP_BENCH_NULL_BACKEND_H

#include <apr_pools.h>
#include <apr_time.h>

#include "backends/backend.h"

/**
 * Get ready; to be called before any other function.
 *
 * @param pool (in) lives until the program ends.
 * @param places (in) room for `count` numbers; used until the program ends.
 * @param count (in) most mappings at a time.
 * @param length (in) the longest mapping, in bytes.
 */
void null_backend_start(apr_pool_t *pool, apr_uint32_t *places, apr_uint32_t count,
                        apr_size_t length);

/** Files are invented whose name is this and a number, below 2^30. */
#define NULL_FILES "/smmap-null/"

/** What they are like, all of them, and how the system is. Zeroed: one thread may run. */
typedef struct null_files_t {
    apr_off_t size;
    int unmappable;               /**< 1: they can only be read */
    int threads;                  /**< 1: several threads may run; set before a manager is made */
    apr_interval_time_t map_time; /**< microseconds that mapping takes */
    apr_interval_time_t unmap_time;
} null_files_t;

extern null_files_t null_files;

/** Mappings that are alive, and how many there ever were. */
apr_uint64_t null_backend_alive(void);
apr_uint64_t null_backend_made(void);
/** Heavy fences so far, those with several threads not counted. */
apr_uint64_t null_backend_fences(void);

/** memory.c: bytes that the core has allocated now. */
apr_uint64_t null_backend_bytes(void);

#endif
