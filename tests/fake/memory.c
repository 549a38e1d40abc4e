/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core/base/memory.h for the tests; see memory.h.
 *
 * Each block has a header with its size and a mark, and a mark behind its end,
 * so that a write outside is found when the block comes back, also without a
 * memory checker. What comes back is overwritten: a use after it shows.
 *
 * Invariant: live counts change only in allocate and free, on success alone.
 */
#include "core/base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define MARK_LIVE 0x5a17e5a1u
#define MARK_DEAD 0xdeadb10cu

/* No test needs as much for bookkeeping; a memory checker ends the program for sizes that are
   beyond all measure, where malloc says no. */
#define MOST_BYTES ((apr_size_t)1 << 30)

/* As large as the strictest alignment, so that the block behind it is aligned. Microsoft's
   headers have no max_align_t for C. */
typedef union header_t {
    struct {
        apr_size_t size;
        unsigned mark;
    } is;
    long long whole;
    long double real;
    void *pointer;
    void (*function)(void);
} header_t;

static atomic_size_t calls;
static atomic_size_t failed;
static atomic_size_t blocks;
static atomic_size_t bytes;
static atomic_size_t pools;
static atomic_size_t misuses;
static atomic_size_t fail_at;   /* the value of `calls` that fails; 0: none */
static atomic_int fail_forever; /* all behind it, too */
static atomic_size_t fail_above; /* bytes; 0: none for its size */

static int refuse(void)
{
    apr_size_t now = atomic_fetch_add(&calls, 1) + 1;
    apr_size_t at = atomic_load(&fail_at);

    if (at == 0 || now < at || (now > at && !atomic_load(&fail_forever))) {
        return 0;
    }
    atomic_fetch_add(&failed, 1);
    return 1;
}

void *smmap__alloc(apr_size_t size)
{
    const unsigned tail = MARK_LIVE;
    header_t *header;

    if (size == 0) {
        atomic_fetch_add(&misuses, 1);
    }
    if (refuse() || size > MOST_BYTES) {
        return NULL;
    }
    if (atomic_load(&fail_above) != 0 && size > atomic_load(&fail_above)) {
        atomic_fetch_add(&failed, 1);
        return NULL;
    }
    header = calloc(1, sizeof *header + size + sizeof tail);
    if (header == NULL) {
        atomic_fetch_add(&failed, 1);
        return NULL;
    }
    header->is.size = size;
    header->is.mark = MARK_LIVE;
    memcpy((unsigned char *)(header + 1) + size, &tail, sizeof tail);
    atomic_fetch_add(&blocks, 1);
    atomic_fetch_add(&bytes, size);
    return header + 1;
}

void smmap__free(void *memory)
{
    header_t *header;
    unsigned tail;

    if (memory == NULL) {
        return;
    }
    header = (header_t *)memory - 1;
    if (header->is.mark != MARK_LIVE) {
        atomic_fetch_add(&misuses, 1);
        return;
    }
    memcpy(&tail, (unsigned char *)memory + header->is.size, sizeof tail);
    if (tail != MARK_LIVE) {
        atomic_fetch_add(&misuses, 1);
    }
    atomic_fetch_sub(&blocks, 1);
    atomic_fetch_sub(&bytes, header->is.size);
    memset(memory, 0xdd, header->is.size);
    header->is.mark = MARK_DEAD;
    free(header);
}

static apr_status_t pool_gone(void *unused)
{
    (void)unused;
    atomic_fetch_sub(&pools, 1);
    return APR_SUCCESS;
}

apr_status_t smmap__pool_create(apr_pool_t **pool, apr_allocator_t *allocator)
{
    apr_status_t status;

    if (refuse()) {
        return APR_ENOMEM;
    }
    status = apr_pool_create_unmanaged_ex(pool, NULL, allocator);
    if (status == APR_SUCCESS) {
        atomic_fetch_add(&pools, 1);
        apr_pool_cleanup_register(*pool, NULL, pool_gone, apr_pool_cleanup_null);
    }
    return status;
}

static void fail(apr_size_t which, int forever)
{
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_at, which == 0 ? 0 : atomic_load(&calls) + which);
}

void fake_memory_fail(apr_size_t which)
{
    fail(which, 0);
}

void fake_memory_fail_from(apr_size_t which)
{
    fail(which, 1);
}

void fake_memory_fail_above(apr_size_t most)
{
    atomic_store(&fail_above, most);
}

void fake_memory_fail_none(void)
{
    fake_memory_fail_above(0);
    fail(0, 0);
}

apr_size_t fake_memory_failed(void)
{
    return atomic_load(&failed);
}

apr_size_t fake_memory_calls(void)
{
    return atomic_load(&calls);
}

apr_size_t fake_memory_blocks(void)
{
    return atomic_load(&blocks);
}

apr_size_t fake_memory_bytes(void)
{
    return atomic_load(&bytes);
}

apr_size_t fake_memory_pools(void)
{
    return atomic_load(&pools);
}

apr_size_t fake_memory_misuses(void)
{
    return atomic_load(&misuses);
}

void fake_memory_reset(void)
{
    fake_memory_fail_none();
    atomic_store(&calls, 0);
    atomic_store(&failed, 0);
    atomic_store(&misuses, 0);
}
