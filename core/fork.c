/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forks: a child goes on with the managers of its parent.
 *
 * A child of fork() has one thread and a copy of everything: mappings, handles, locks as they
 * were. So a fork waits for the lock of each manager, as it does for that of malloc(): what the
 * lock protects is whole in the child then. What other threads do without it (map a window, open
 * a file, close one) is not waited for, as it may take long, or hang: the child forgets it
 * (manager/mend.c), and what they had in hand stays there until the child ends. A file's lock
 * that one of them held is replaced by another one: any of them will do.
 *
 * Nobody may wait on the condition variable then: its broadcast in the child could wait for
 * threads that are not there. They are woken, and sleep in another way until the fork is over.
 *
 * A fork in a signal handler may have interrupted a call that holds a lock. So none is waited
 * for longer than GIVE_UP tries; a manager that could not be locked is left as it is, and is
 * not to be used in the child.
 *
 * Locks: that of the list of managers, then each manager's, then its allocator's. No other call
 * holds the locks of two managers.
 */
#include "core/lock.h"

#include <apr_allocator.h>

enum { PAUSE = 100 /* microseconds */, GIVE_UP = 20000 };

/* No mutex: there is no moment at which to make it. */
static smmap__word_t list_lock;
static smmap__link_t managers = {&managers, &managers}; /* under that lock */
static smmap__word_t forker; /* the thread that holds it for a fork; handlers may be called twice */

static uintptr_t this_thread(void)
{
    static SMMAP__THREAD_LOCAL char here;

    return (uintptr_t)&here;
}

/* most: tries; 0: until it is had. */
static int list_take(int most)
{
    int tries = 0;

    while (!smmap__replace(&list_lock, 0, 1)) {
        if (++tries == most) {
            return 0;
        }
        smmap__sleep(PAUSE);
    }
    return 1;
}

static int lock_take(apr_thread_mutex_t *lock)
{
    int tries = 0;

    while (apr_thread_mutex_trylock(lock) != APR_SUCCESS) {
        if (++tries == GIVE_UP) {
            return 0;
        }
        smmap__sleep(PAUSE);
    }
    return 1;
}

/* Hold the manager's locks, with nobody at its condition variable. */
SMMAP__UNCHECKED static void hold(smmap_manager_t *manager)
{
    int tries = 0;

    manager->held = 0;
    if (!lock_take(manager->lock)) {
        return;
    }
    manager->forking = 1;
    while (manager->asleep > 0 && ++tries < GIVE_UP) {
        apr_thread_cond_broadcast(manager->changed);
        apr_thread_mutex_unlock(manager->lock);
        smmap__sleep(PAUSE);
        apr_thread_mutex_lock(manager->lock);
    }
    if (manager->asleep > 0 || !lock_take(apr_allocator_mutex_get(manager->allocator))) {
        manager->forking = 0;
        apr_thread_mutex_unlock(manager->lock);
        return;
    }
    manager->held = 1;
}

SMMAP__UNCHECKED static void let_go(smmap_manager_t *manager)
{
    manager->held = 0;
    manager->forking = 0;
    apr_thread_mutex_unlock(apr_allocator_mutex_get(manager->allocator));
    apr_thread_mutex_unlock(manager->lock);
}

/* A lock that a thread of the parent held is one that nobody holds from now on. */
static void replace_stripes(smmap_manager_t *manager)
{
    apr_thread_mutex_t *whole = NULL;
    int i;

    for (i = SMMAP__STRIPES; i >= 0; i--) {
        if (apr_thread_mutex_trylock(manager->stripes[i]) == APR_SUCCESS) {
            apr_thread_mutex_unlock(manager->stripes[i]);
            whole = manager->stripes[i];
        } else if (whole != NULL) {
            manager->stripes[i] = whole;
        }
    }
}

static void before_fork(void)
{
    smmap__link_t *link = &managers;

    if (smmap__load(&forker) == this_thread() || !list_take(GIVE_UP)) {
        return;
    }
    smmap__store(&forker, this_thread());
    while ((link = smmap__list_next(&managers, link)) != NULL) {
        hold(SMMAP__ELEMENT(link, smmap_manager_t, link));
    }
}

SMMAP__UNCHECKED static void after_fork(int in_child)
{
    smmap__link_t *link = &managers;

    if (smmap__load(&forker) != this_thread()) {
        if (in_child) {
            smmap__store(&list_lock, 0); /* who held it is not here */
        }
        return;
    }
    while ((link = smmap__list_next(&managers, link)) != NULL) {
        smmap_manager_t *manager = SMMAP__ELEMENT(link, smmap_manager_t, link);

        if (!manager->held) {
            continue;
        }
        if (in_child) {
            manager->inherited = 1;
            replace_stripes(manager);
            apr_thread_mutex_unlock(apr_allocator_mutex_get(manager->allocator));
            manager->mend(manager);
            apr_thread_mutex_lock(apr_allocator_mutex_get(manager->allocator));
        }
        let_go(manager);
    }
    smmap__store(&forker, 0);
    smmap__store(&list_lock, 0);
}

static void in_parent(void)
{
    after_fork(0);
}

static void in_child(void)
{
    after_fork(1);
}

apr_status_t smmap__fork_watch(smmap_manager_t *manager, void (*mend)(smmap_manager_t *))
{
    apr_status_t status = smmap__os_fork_watch(before_fork, in_parent, in_child);

    if (status == APR_SUCCESS) {
        manager->mend = mend;
        list_take(0);
        smmap__list_append(&managers, &manager->link);
        smmap__store(&list_lock, 0);
    }
    return status;
}

void smmap__fork_unwatch(smmap_manager_t *manager)
{
    if (manager->mend != NULL) {
        list_take(0);
        smmap__list_remove(&manager->link);
        smmap__store(&list_lock, 0);
    }
}
