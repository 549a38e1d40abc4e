/*
 * In front of each block stands its size. The program that this is for has one thread.
 */
#include "bench/counting_memory.h"

#include <stdlib.h>

typedef union head_t {
    apr_size_t size;
    long long whole; /* and so on: Microsoft's headers have no max_align_t for C */
    long double real;
    void *pointer;
    void (*function)(void);
} head_t;

static apr_size_t bytes;

apr_size_t counting_memory_bytes(void)
{
    return bytes;
}

void *smmap__alloc(apr_size_t size)
{
    head_t *head = size <= APR_SIZE_MAX - sizeof(*head) ? calloc(1, sizeof(*head) + size) : NULL;

    if (head == NULL) {
        return NULL;
    }
    head->size = size;
    bytes += size;
    return head + 1;
}

void smmap__free(void *memory)
{
    if (memory != NULL) {
        head_t *head = (head_t *)memory - 1;

        bytes -= head->size;
        free(head);
    }
}

apr_status_t smmap__pool_create(apr_pool_t **pool, apr_allocator_t *allocator)
{
    return apr_pool_create_unmanaged_ex(pool, NULL, allocator);
}
