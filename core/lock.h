/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The locks of a manager, also when the process is forked. See types.h for their
 * order, base/capability.h for what _locked, _relock and _unlock in a name promise.
 */
#ifndef SMMAP_CORE_LOCK_H
#define SMMAP_CORE_LOCK_H

#include "core/types.h"

/** Make the pool, the locks and the condition of a new manager. On failure what was made is
    found in manager->root. */
apr_status_t smmap__locks_make(smmap_manager_t *manager);

/* Inline, as most calls take them several times. */

SMMAP__LOCK SMMAP__UNCHECKED static inline void smmap__manager_lock(smmap_manager_t *manager)
{
    apr_thread_mutex_lock(manager->lock);
}

SMMAP__UNLOCK SMMAP__UNCHECKED static inline void smmap__manager_unlock(smmap_manager_t *manager)
{
    apr_thread_mutex_unlock(manager->lock);
}

/** The file's lock. */
SMMAP__FILE_LOCK SMMAP__LOCKS SMMAP__UNCHECKED static inline void
smmap__file_lock(smmap__file_t *file)
{
    apr_thread_mutex_lock(file->manager->stripes[file->stripe]);
}

SMMAP__FILE_UNLOCK SMMAP__UNCHECKED static inline void smmap__file_unlock(smmap__file_t *file)
{
    apr_thread_mutex_unlock(file->manager->stripes[file->stripe]);
}

/** Wake all that wait for room, or for an idle handle. */
SMMAP__LOCKED static inline void smmap__manager_wake_locked(smmap_manager_t *manager)
{
    if (manager->asleep > 0) {
        apr_thread_cond_broadcast(manager->changed);
    }
}

/** Wait until room was made or a handle is idle. */
void smmap__manager_wait_relock(smmap_manager_t *manager) SMMAP__RELOCK;
/** The same, for this many microseconds at most. */
void smmap__manager_wait_for_relock(smmap_manager_t *manager,
                                    apr_interval_time_t most) SMMAP__RELOCK;
/** apr_sleep(), but not a point where the thread is cancelled. */
void smmap__sleep(apr_interval_time_t time);
/** A pool for the length of one call. */
apr_status_t smmap__scratch(smmap_manager_t *manager, apr_pool_t **pool);

/* fork.c */

/** Have children that are forked from now on go on with the manager. Call it again after a failure.
    @param mend (in) called in the child, with the lock held. */
apr_status_t smmap__fork_watch(smmap_manager_t *manager, void (*mend)(smmap_manager_t *));
/** End that, if it was begun. */
void smmap__fork_unwatch(smmap_manager_t *manager);

#endif
