/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that uses the guard; plugin_host.c loads it. It is linked with the shared library, or
 * contains a copy of its own.
 */
#include <smmap/smmap.h>

#include <apr_general.h>

int plugin_start(void);
int plugin_start(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    apr_pool_t *pool;
    apr_status_t status;

    options.guard = SMMAP_GUARD_ON;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    status = smmap_manager_create(&manager, &options, pool);
    apr_pool_destroy(pool);
    return status == APR_SUCCESS;
}
