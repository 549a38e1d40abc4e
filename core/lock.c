/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The locks of a manager.
 *
 * The files of a manager share a fixed set of locks, dealt out in turn: so all memory that
 * APR wants for a mutex is allocated once, when the manager is made. With up to 64 files
 * each has a lock of its own.
 */
#include "core/lock.h"

#include <apr_allocator.h>

/* Scratch memory that is kept for the next call. */
enum { SCRATCH_KEPT = 128 * 1024 };

/* Microseconds. */
enum { UNTIL_FORKED = 100 };

apr_status_t smmap__locks_make(smmap_manager_t *manager)
{
    apr_thread_mutex_t *allocator_lock;
    apr_status_t status = smmap__pool_create(&manager->root, NULL);
    unsigned i;

    if (status != APR_SUCCESS) {
        return status;
    }
    manager->allocator = apr_pool_allocator_get(manager->root);
    apr_allocator_max_free_set(manager->allocator, SCRATCH_KEPT);
    status = apr_thread_mutex_create(&allocator_lock, APR_THREAD_MUTEX_DEFAULT, manager->root);
    if (status == APR_SUCCESS) {
        apr_allocator_mutex_set(manager->allocator, allocator_lock);
        status = apr_thread_mutex_create(&manager->lock, APR_THREAD_MUTEX_DEFAULT, manager->root);
    }
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&manager->changed, manager->root);
    }
    for (i = 0; i <= SMMAP__STRIPES && status == APR_SUCCESS; i++) {
        status =
            apr_thread_mutex_create(&manager->stripes[i], APR_THREAD_MUTEX_DEFAULT, manager->root);
    }
    return status;
}

/* most: 0: without an end. */
SMMAP__RELOCK static void wait_relock(smmap_manager_t *manager, apr_interval_time_t most)
{
    int cancel;

    if (manager->forking) {
        smmap__manager_unlock(manager);
        smmap__sleep(UNTIL_FORKED);
        smmap__manager_lock(manager);
        return;
    }
    cancel = smmap__os_cancel_disable();
    manager->asleep++;
    if (most != 0) {
        apr_thread_cond_timedwait(manager->changed, manager->lock, most);
    } else {
        apr_thread_cond_wait(manager->changed, manager->lock);
    }
    manager->asleep--;
    smmap__os_cancel_restore(cancel);
}

void smmap__manager_wait_relock(smmap_manager_t *manager)
{
    wait_relock(manager, 0);
}

void smmap__manager_wait_for_relock(smmap_manager_t *manager, apr_interval_time_t most)
{
    wait_relock(manager, most);
}

void smmap__sleep(apr_interval_time_t time)
{
    int cancel = smmap__os_cancel_disable();

    apr_sleep(time);
    smmap__os_cancel_restore(cancel);
}

apr_status_t smmap__scratch(smmap_manager_t *manager, apr_pool_t **pool)
{
    return smmap__pool_create(pool, manager->allocator);
}
