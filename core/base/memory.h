/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only door to memory: everything the core allocates comes through here, so
 * that tests can replace this one file (tests/fake/memory.c), count what is
 * alive and make the i-th allocation fail.
 *
 * What lives long or comes and goes often (files, regions, slot tables, cursors,
 * buffers) is allocated one by one: a pool gives nothing back before its end.
 * Pools are for what APR wants one for: short scratch work and the mutexes.
 */
#ifndef SMMAP_CORE_BASE_MEMORY_H
#define SMMAP_CORE_BASE_MEMORY_H

#include <apr_allocator.h>
#include <apr_pools.h>

/** `size` zeroed bytes, aligned for anything; NULL when memory is out. size is not 0. */
void *smmap__alloc(apr_size_t size);

/** Give back what smmap__alloc() gave. NULL is ignored. */
void smmap__free(void *memory);

/**
 * A pool that has no parent and no lock in common with others.
 *
 * @param pool (out) destroyed by apr_pool_destroy().
 * @param allocator (in) where its memory comes from; NULL: an allocator of its own.
 */
apr_status_t smmap__pool_create(apr_pool_t **pool, apr_allocator_t *allocator);

#endif
