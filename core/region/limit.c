/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit of mapped bytes that follows the machine (SMMAP_LIMIT_AUTO).
 *
 * It is a quarter of the memory that the system has for the process, an eighth while threads wait
 * for memory, and never less than a window. With half of it mapped, to read a file that is larger
 * than the memory took 2.6 times as long (bench/container/run).
 *
 * There is no thread and no clock. Misses look at the machine, one of many, and without the lock: a
 * look takes tens of microseconds. What is counted is what the manager has mapped since the last
 * look, as that is what can have filled the memory. That nothing is evicted is no reason not to
 * look, as the memory may have become less.
 *
 * The miss that looked then makes room for itself, and so evicts what is over a lower limit.
 *
 * Two threads may look at once; each answer was true when it was asked for, and the later one stays
 * until the next look. An answer that comes after the limit was set by hand is dropped.
 */
#include "core/region/region.h"

enum { PART = 4, PART_PRESSED = 8, MISSES_MOST = 1024 };

/* In 32 bits there is less to map into than there may be memory. */
#define MOST (sizeof(void *) < 8 ? (apr_size_t)1 << 30 : SMMAP_LIMIT_AUTO - 1)

apr_size_t smmap__limit_ask(const smmap_manager_t *manager, apr_size_t otherwise)
{
    const apr_size_t least =
        manager->window_size > 0 ? manager->window_size : manager->granularity;
    smmap__os_memory_t memory = {0, 0};
    apr_size_t bytes = otherwise;

    if (smmap__os_memory(&memory) == APR_SUCCESS) {
        memory.most /= memory.pressed ? PART_PRESSED : PART;
        bytes = memory.most < MOST ? (apr_size_t)memory.most : MOST;
    }
    return bytes > least ? bytes : least;
}

void smmap__limit_begin_locked(smmap_manager_t *manager, int on)
{
    manager->follow.on = on;
    manager->follow.misses = MISSES_MOST;
    manager->follow.bytes = manager->max_mapped_bytes;
}

void smmap__limit_follow_relock(smmap_manager_t *manager, apr_size_t bytes)
{
    smmap__follow_t *follow = &manager->follow;
    const apr_size_t before = manager->max_mapped_bytes;
    apr_size_t limit;

    if (!follow->on) {
        return;
    }
    if (follow->misses > 1 && follow->bytes > bytes) {
        follow->misses--;
        follow->bytes -= bytes;
        return;
    }
    smmap__limit_begin_locked(manager, 1); /* so that no other thread looks, too */
    smmap__manager_unlock(manager);
    limit = smmap__limit_ask(manager, before);
    smmap__manager_lock(manager);
    if (!follow->on || limit == before) {
        return;
    }
    manager->max_mapped_bytes = limit;
    smmap__limit_begin_locked(manager, 1);
    smmap__manager_wake_locked(manager); /* who waits may have room now */
}
