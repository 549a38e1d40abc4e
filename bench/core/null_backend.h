/*
 * A backend without an operating system, for measuring what the core itself costs.
 */
#ifndef SMMAP_BENCH_NULL_BACKEND_H
#define SMMAP_BENCH_NULL_BACKEND_H

#include <apr_pools.h>

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

/** Mappings that are alive, and how many there ever were. */
apr_uint64_t null_backend_alive(void);
apr_uint64_t null_backend_made(void);

#endif
