/*
 * A child of fork(), and what its parent made.
 *
 * The child has one thread and a copy of everything: mappings, handles, locks as they
 * were. Its manager is not to be used, as two processes would then count what the one
 * opened; but pools are destroyed in children, too, and that must neither block nor touch
 * what is half-way. So:
 *
 * - A call that is not a hit asks smmap__forked(), and answers SMMAP_EFORKED.
 * - Destroying and closing ask smmap__fork_usable(). The manager's lock tells: all that
 *   it protects is whole when nobody held it at that moment. Then they go on as always,
 *   with the lock; else they leave everything alone.
 * - Nobody is waited for and nobody is woken: who would come is not in this process. A
 *   condition variable may even make its destroyer wait for threads that are no more, so
 *   the pool of the locks is left to APR.
 *
 * Locks of files are not taken by destroying and closing, nor is that of the tracer. What
 * another thread had mapped but not yet entered into the books is not known in the child, and
 * stays there.
 */
#include "core/core.h"

enum { NOT_LOOKED_AT = 0, USABLE = 1, HALF_WAY = 2 };

int smmap__fork_usable(smmap_manager_t *manager)
{
    if (manager->inherited == NOT_LOOKED_AT) {
        manager->inherited = HALF_WAY;
        if (apr_thread_mutex_trylock(manager->lock) == APR_SUCCESS) {
            apr_thread_mutex_unlock(manager->lock);
            manager->inherited = USABLE;
        }
    }
    return manager->inherited == USABLE;
}
