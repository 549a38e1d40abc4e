/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics and settings of a manager.
 */
#include "core/manager/manager.h"

apr_status_t smmap_manager_stats(smmap_manager_t *manager, smmap_stats_t *stats)
{
    if (manager == NULL || stats == NULL || stats->struct_size != sizeof *stats) {
        return APR_EINVAL;
    }
    /* Else the last block would fail in smmap_manager_destroy(), when nobody can ask any more. */
    smmap__trace_flush(manager);
    smmap__manager_lock(manager);
    smmap__region_count_pins_locked(manager, 0);
    *stats = manager->stats;
    stats->bypassed_reads += smmap__count_load(&manager->bypassed);
    stats->trace_failures = smmap__count_load(&manager->trace_failures);
    smmap__pins_count(&manager->pins, stats);
    smmap__manager_unlock(manager);
    return APR_SUCCESS;
}

smmap_mode_t smmap_manager_mode(const smmap_manager_t *manager)
{
    return manager->mode;
}

smmap_guard_t smmap_manager_guard(const smmap_manager_t *manager)
{
    return manager->guard;
}

apr_size_t smmap_manager_window_size(const smmap_manager_t *manager)
{
    return manager->window_size;
}

static apr_size_t read_counter(const smmap_manager_t *manager, const apr_size_t *counter)
{
    smmap_manager_t *its = (smmap_manager_t *)(apr_uintptr_t)manager; /* the lock changes */
    apr_size_t value;

    smmap__manager_lock(its);
    value = *counter;
    smmap__manager_unlock(its);
    return value;
}

SMMAP__UNCHECKED smmap_limits_t smmap_manager_limits(const smmap_manager_t *manager)
{
    smmap_manager_t *its = (smmap_manager_t *)(apr_uintptr_t)manager;
    smmap_limits_t limits;

    smmap__manager_lock(its);
    limits = its->limits;
    smmap__manager_unlock(its);
    return limits;
}

SMMAP__UNCHECKED apr_size_t smmap_manager_max_mapped_bytes(const smmap_manager_t *manager)
{
    return read_counter(manager, &manager->max_mapped_bytes);
}

SMMAP__UNCHECKED apr_size_t smmap_manager_max_regions(const smmap_manager_t *manager)
{
    return read_counter(manager, &manager->max_regions);
}

SMMAP__UNCHECKED apr_size_t smmap_manager_max_open_files(const smmap_manager_t *manager)
{
    return read_counter(manager, &manager->max_open_files);
}

apr_size_t smmap_manager_mapped_bytes(smmap_manager_t *manager)
{
    return read_counter(manager, &manager->stats.mapped_bytes);
}

apr_size_t smmap_manager_regions(smmap_manager_t *manager)
{
    return read_counter(manager, &manager->stats.regions);
}

apr_size_t smmap_manager_open_files(smmap_manager_t *manager)
{
    return read_counter(manager, &manager->stats.open_files);
}
