/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for the core in the tests: core/base/memory.h with counts, and failures on
 * demand. Both suites link memory.c in the place of core/base/memory.c.
 *
 * Allocations and pools are one sequence: the i-th to fail may be either.
 */
#ifndef SMMAP_TESTS_FAKE_MEMORY_H
#define SMMAP_TESTS_FAKE_MEMORY_H

#include <apr.h>

/** Fail the `which`-th allocation from now on (1: the next); 0: none. */
void fake_memory_fail(apr_size_t which);
/** The same, and each one after it. */
void fake_memory_fail_from(apr_size_t which);
/** Fail each allocation of more than this many bytes; 0: none. */
void fake_memory_fail_above(apr_size_t bytes);
/** No more failures. */
void fake_memory_fail_none(void);

/** How many failed since fake_memory_reset(), on demand or in fact. */
apr_size_t fake_memory_failed(void);
/** How many were asked for since fake_memory_reset(). */
apr_size_t fake_memory_calls(void);
/** What is given out now: blocks, the bytes in them, and pools. */
apr_size_t fake_memory_blocks(void);
apr_size_t fake_memory_bytes(void);
apr_size_t fake_memory_pools(void);
/** Blocks that came back twice, or written in front of or behind: should be 0. */
apr_size_t fake_memory_misuses(void);

/** Back to how it was at the start, but for what is live. */
void fake_memory_reset(void);

#endif
