/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for the core; see memory.h. This file is linked beside the core and not
 * as a part of it, so that the tests can put another one in its place.
 */
#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* What glibc's malloc() keeps for each thread to be given again at once. Its calloc() does not look
   there, and takes several times as long. */
enum { SMALL = 1024 };

/* Volatile, as compilers make a calloc() of malloc() and memset(). */
static void *(*volatile allocate)(size_t) = malloc;

void *smmap__alloc(apr_size_t size)
{
    void *memory;

    if (size > SMALL) {
        return calloc(1, size);
    }
    memory = allocate(size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

void smmap__free(void *memory)
{
    free(memory);
}

apr_status_t smmap__pool_create(apr_pool_t **pool, apr_allocator_t *allocator)
{
    return apr_pool_create_unmanaged_ex(pool, NULL, allocator);
}
