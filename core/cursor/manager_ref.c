/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * References to a manager: its creator has one, and each cursor. The last one frees it.
 */
#include "core/cursor/cursor.h"

SMMAP__UNCHECKED void smmap__manager_free(smmap_manager_t *manager)
{
    while (manager->unmap_failed != NULL) {
        smmap__region_t *region = manager->unmap_failed;

        manager->unmap_failed = region->next;
        smmap__mapping_unmap(&region->mapping); /* the last attempt */
        smmap__free(region);
    }
    smmap__fork_unwatch(manager);
    smmap__paranoid_free(manager);
    smmap__trace_free(manager);
    if (manager->root != NULL && !manager->inherited) { /* else: locks that are held for ever */
        apr_pool_destroy(manager->root);
    }
    smmap__pins_destroy(&manager->pins);
    smmap__hash_destroy(&manager->by_address);
    smmap__hash_destroy(&manager->spans);
    smmap__shared_destroy(&manager->shared);
    smmap__hash_destroy(&manager->registry.hash);
    smmap__hash_destroy(&manager->registry.by_path);
    smmap__free(manager);
}

void smmap__manager_unref_unlock(smmap_manager_t *manager)
{
    int last = --manager->references == 0;

    smmap__manager_unlock(manager);
    if (last) {
        smmap__manager_free(manager);
    }
}
