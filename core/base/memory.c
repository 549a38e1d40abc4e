/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for the core; see memory.h. This file is linked beside the core and not
 * as a part of it, so that the tests can put another one in its place.
 */
#include "core/base/memory.h"

#include <stdlib.h>

void *smmap__alloc(apr_size_t size)
{
    return calloc(1, size);
}

void smmap__free(void *memory)
{
    free(memory);
}

apr_status_t smmap__pool_create(apr_pool_t **pool, apr_allocator_t *allocator)
{
    return apr_pool_create_unmanaged_ex(pool, NULL, allocator);
}
