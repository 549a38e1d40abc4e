/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The manager: its creation, destruction and collection.
 *
 * Lifetime: the structure is counted. smmap_manager_destroy() closes the manager: unpinned
 * windows are unmapped, idle handles closed, and from then on every call of a cursor answers
 * SMMAP_ECLOSED. Cursors hold references; what they still pin goes when they let go of it,
 * and the last of them frees the structure.
 */
#include "core/manager/manager.h"

#include <apr_general.h>

/* So that no program has to, and no other user of APR ends it under us. APR counts, not for
   threads. */
static apr_status_t begin_apr(void)
{
    enum { NOT_BEGUN, BEGINNING, BEGUN, PAUSE = 100, GIVE_UP = 10000 };
    static smmap__word_t state;
    apr_status_t status = APR_SUCCESS;
    int tries;

    /* To give up is for a child that was forked while another thread began. */
    for (tries = 0; smmap__load(&state) != BEGUN && tries < GIVE_UP; tries++) {
        if (smmap__replace(&state, NOT_BEGUN, BEGINNING)) {
            status = apr_initialize();
            smmap__store(&state, status == APR_SUCCESS ? BEGUN : NOT_BEGUN);
            return status;
        }
        smmap__sleep(PAUSE);
    }
    return status;
}

/* Close the manager and drop its creator's reference. */
static apr_status_t manager_close(smmap_manager_t *manager)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    smmap__trace_close(manager);
    if (manager->paranoia != NULL) {
        smmap__pinned_report(manager);
    }
    smmap__manager_lock(manager);
    smmap__count_store(&manager->closed, 1);
    smmap__retire_all_locked(manager, &reclaim);
    smmap__reclaim_relock(manager, &reclaim);
    smmap__fetch_end_relock(manager);
    smmap__handle_close_idle_relock(manager);
    smmap__manager_wake_locked(manager);
    smmap__manager_unref_unlock(manager);
    return reclaim.status;
}

static void manager_cleanup(smmap__owned_t *owned)
{
    manager_close(SMMAP__ELEMENT(owned, smmap_manager_t, owned));
}

SMMAP__UNCHECKED apr_status_t smmap_manager_create(smmap_manager_t **manager,
                                                   const smmap_options_t *options, apr_pool_t *pool)
{
    smmap_manager_t *made;
    apr_status_t status;

    if (manager == NULL) {
        return APR_EINVAL;
    }
    status = begin_apr();
    if (status != APR_SUCCESS) {
        return status;
    }
    made = smmap__alloc(sizeof *made);
    if (made == NULL) {
        return APR_ENOMEM;
    }
    smmap__queue_init(&made->queue);
    smmap__pins_init(&made->pins);
    smmap__list_init(&made->waiters);
    smmap__list_init(&made->fetching.fetches);
    smmap__list_init(&made->retired.fresh);
    smmap__list_init(&made->retired.pinned);
    smmap__list_init(&made->handles.idle);
    status = smmap__locks_make(made);
    if (status == APR_SUCCESS) {
        status = smmap__options_apply(made, options);
    }
    if (status == APR_SUCCESS) {
        status = smmap__registry_init(&made->registry);
    }
    if (status == APR_SUCCESS) {
        status = smmap__hash_init(&made->by_address, smmap__region_key);
    }
    if (status == APR_SUCCESS) {
        status = smmap__hash_init(&made->spans, smmap__region_span_key);
    }
    if (status == APR_SUCCESS) {
        status = smmap__fork_watch(made, smmap__manager_mend);
    }
    if (status == APR_SUCCESS && made->guard != SMMAP_GUARD_OFF) {
        status = smmap__os_guard_install();
    }
    if (status != APR_SUCCESS) {
        smmap__manager_free(made);
        return status;
    }
    smmap__trace_open(made);
    made->references = 1;
    made->stats.struct_size = sizeof made->stats;
    smmap__own(&made->owned, made, manager_cleanup, pool);
    *manager = made;
    return APR_SUCCESS;
}

apr_status_t smmap_manager_destroy(smmap_manager_t *manager)
{
    if (manager == NULL) {
        return APR_SUCCESS;
    }
    smmap__disown(&manager->owned);
    return manager_close(manager);
}

apr_status_t smmap_manager_collect(smmap_manager_t *manager, apr_size_t *count)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    if (manager == NULL) {
        return APR_EINVAL;
    }
    smmap__manager_lock(manager);
    smmap__evict_unpinned_locked(manager, &reclaim);
    smmap__reclaim_relock(manager, &reclaim);
    smmap__manager_unlock(manager);
    if (count != NULL) {
        *count = reclaim.unmapped;
    }
    return reclaim.status;
}

apr_status_t smmap_manager_collect_bytes(smmap_manager_t *manager, apr_size_t bytes,
                                         apr_size_t *unmapped)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;

    if (manager == NULL) {
        return APR_EINVAL;
    }
    smmap__manager_lock(manager);
    if (bytes > 0) {
        smmap__budget_lower_relock(manager, 0, SMMAP_UNLIMITED, bytes, &reclaim);
    }
    smmap__manager_unlock(manager);
    if (unmapped != NULL) {
        *unmapped = reclaim.bytes;
    }
    return reclaim.status;
}

apr_status_t smmap_manager_reinstall_guard(smmap_manager_t *manager)
{
    if (manager == NULL || manager->guard == SMMAP_GUARD_OFF) {
        return APR_EINVAL;
    }
    return smmap__os_guard_install();
}
