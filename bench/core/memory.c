/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core/base/memory.h for smmap-bookkeeping: the same as the library's, and counted. The size of a
 * block stands before it.
 */
#include "core/base/memory.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "bench/core/null_backend.h"

/* As large as the strictest alignment. */
typedef union header_t {
    apr_size_t size;
    max_align_t align;
} header_t;

static atomic_size_t bytes;

/* An atomic addition would be felt in the time of a miss. */
static void count(apr_size_t more)
{
    if (null_files.threads) {
        atomic_fetch_add_explicit(&bytes, more, memory_order_relaxed);
    } else {
        atomic_store_explicit(&bytes, atomic_load_explicit(&bytes, memory_order_relaxed) + more,
                              memory_order_relaxed);
    }
}

void *smmap__alloc(apr_size_t size)
{
    header_t *header = calloc(1, sizeof *header + size);

    if (header == NULL) {
        return NULL;
    }
    header->size = size;
    count(size);
    return header + 1;
}

void smmap__free(void *memory)
{
    if (memory != NULL) {
        header_t *header = (header_t *)memory - 1;

        count(0 - header->size);
        free(header);
    }
}

apr_uint64_t null_backend_bytes(void)
{
    return atomic_load(&bytes);
}

apr_status_t smmap__pool_create(apr_pool_t **pool, apr_allocator_t *allocator)
{
    return apr_pool_create_unmanaged_ex(pool, NULL, allocator);
}
