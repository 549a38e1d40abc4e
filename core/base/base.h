/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lowest floor of the core: what the others are made of, and knows nothing of them.
 *
 *   atomic.h      the few atomic operations that the core uses
 *   capability.h  annotations that let clang check who holds which lock
 *   hash.h        a hash table whose insertion cannot fail
 *   list.h        an intrusive list
 *   memory.h      the only door to the heap
 *   owned.h       objects that a pool frees, or that are freed before
 *   pins.h        which window each cursor uses; the protocol of hits and evictions
 *   slots.h       the table from window number to address, read without a lock
 *
 * and here the largest offset, what a status of the system means, and the environment
 * (environment.c). window.c has the arithmetic of smmap/window.h, status.c the messages of
 * smmap/status.h.
 */
#ifndef SMMAP_CORE_BASE_BASE_H
#define SMMAP_CORE_BASE_BASE_H

#include <apr_errno.h>

#include "backends/backend.h"
#include "core/base/atomic.h"
#include "core/base/capability.h"
#include "core/base/hash.h"
#include "core/base/list.h"
#include "core/base/memory.h"
#include "core/base/owned.h"
#include "core/base/pins.h"
#include "core/base/slots.h"
#include "smmap/status.h"

/** The largest offset: apr_off_t is signed and has 64 bits wherever files are large. */
#define SMMAP__OFFSET_MAX \
    ((apr_off_t)((((apr_uint64_t)1 << (8 * sizeof(apr_off_t) - 2)) - 1) * 2 + 1))

/** Does the status say that the system has no room left for a mapping? */
static inline int smmap__exhausted(apr_status_t status)
{
    /* EAGAIN: the process may not lock more memory, and locks all it maps. */
    return APR_STATUS_IS_ENOMEM(status) || APR_STATUS_IS_EMFILE(status) ||
           APR_STATUS_IS_ENFILE(status) || APR_STATUS_IS_EAGAIN(status);
}

/** Is it that of a hard limit on mappings? */
static inline int smmap__limited(apr_status_t status)
{
    return status == SMMAP_ELIMIT_BYTES || status == SMMAP_ELIMIT_REGIONS;
}

/**
 * The value of an environment variable; "" where there is none, or nobody to trust it from.
 *
 * @param pool (in) where it may be allocated.
 */
const char *smmap__environment(const char *name, apr_pool_t *pool);

#endif
