/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the options of a manager mean on this machine.
 */
#include "core/manager/manager.h"

#include <apr_file_info.h>
#include "core/read/read.h"

#define GIB ((apr_uint64_t)1 << 30)
#define MIB ((apr_uint64_t)1 << 20)

/* A window by default is at most this part of the limit of mapped bytes. */
enum { DEFAULT_WINDOWS_LEAST = 8 };

/* Half of vm.max_map_count's default on Linux: the program maps things too. */
enum { DEFAULT_MAX_REGIONS = 32768, DEFAULT_OPEN_FILES_LEAST = 8, DEFAULT_OPEN_FILES_MOST = 1024 };

enum { DEFAULT_FETCH_THREADS = 8, MOST_FETCH_THREADS = 64 };

/* `value`, or what stands for it when it is SMMAP_DEFAULT, cut to what a size holds. */
static apr_size_t number_or(apr_size_t value, apr_uint64_t standard)
{
    if (value != SMMAP_DEFAULT) {
        return value;
    }
    return standard < APR_SIZE_MAX ? (apr_size_t)standard : APR_SIZE_MAX;
}

/* A part of what the process may open, as the rest is the program's; and no more than pays. */
static apr_size_t default_open_files(const smmap__os_info_t *system)
{
    apr_size_t part = system->max_open_files / 4;

    if (system->max_open_files == 0 || part > DEFAULT_OPEN_FILES_MOST) {
        return DEFAULT_OPEN_FILES_MOST;
    }
    return part < DEFAULT_OPEN_FILES_LEAST ? DEFAULT_OPEN_FILES_LEAST : part;
}

static apr_status_t fits_a_window(const smmap_manager_t *manager, smmap_limits_t limits,
                                  apr_size_t bytes)
{
    return (limits & SMMAP_LIMITS_HARD_BYTES) && manager->window_size > bytes ? SMMAP_ELIMIT_BYTES
                                                                              : APR_SUCCESS;
}

/* What is asked for; without the lock. */
static apr_size_t mapped_bytes(const smmap_manager_t *manager, const smmap_options_t *options,
                               const smmap__os_info_t *system)
{
    const apr_size_t standard =
        number_or(SMMAP_DEFAULT, system->address_bits == 64 ? 8 * GIB : GIB);

    return options->max_mapped_bytes == SMMAP_LIMIT_AUTO
               ? smmap__limit_ask(manager, standard)
               : number_or(options->max_mapped_bytes, standard);
}

SMMAP__UNCHECKED static apr_status_t window_choose(smmap_manager_t *manager, apr_size_t wanted,
                                                   int wide)
{
    apr_size_t granularity = manager->granularity;

    if (manager->mode == SMMAP_MODE_STATIC) {
        manager->window_size = 0;
        return APR_SUCCESS;
    }
    if (wanted == SMMAP_DEFAULT) {
        apr_size_t share = manager->max_mapped_bytes / DEFAULT_WINDOWS_LEAST;

        wanted = number_or(SMMAP_DEFAULT, wide ? GIB : 64 * MIB);
        if (share < wanted) {
            wanted = share > granularity ? share - share % granularity : granularity;
        }
    }
    /* Half the address space, so that sums of two windows fit everywhere. */
    if (wanted > APR_SIZE_MAX / 2 - granularity) {
        return SMMAP_ETOOLARGE;
    }
    manager->window_size = (wanted + granularity - 1) / granularity * granularity;
    if ((manager->window_size & (manager->window_size - 1)) == 0) {
        while (manager->window_size >> manager->window_shift > 1) {
            manager->window_shift++;
        }
    }
    if (manager->follow.on && manager->max_mapped_bytes < manager->window_size) {
        manager->max_mapped_bytes = manager->window_size;
    }
    return fits_a_window(manager, manager->limits, manager->max_mapped_bytes);
}

static int is_known(const smmap_options_t *options)
{
    return options->struct_size == sizeof *options || options->struct_size == 0;
}

SMMAP__UNCHECKED apr_status_t smmap__options_apply(smmap_manager_t *manager,
                                                   const smmap_options_t *given)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    const char *rest = "/";
    const char *root;
    smmap__os_info_t system;
    apr_status_t status;
    int wide;

    if (given != NULL) {
        if (!is_known(given)) {
            return APR_EINVAL;
        }
        options = *given;
    }
    if ((options.mode != SMMAP_MODE_AUTO && options.mode != SMMAP_MODE_STATIC &&
         options.mode != SMMAP_MODE_SLIDING) ||
        (options.guard != SMMAP_GUARD_OFF && options.guard != SMMAP_GUARD_ON &&
         options.guard != SMMAP_GUARD_STRICT) ||
        ((unsigned)options.limits & ~(unsigned)SMMAP_LIMITS_HARD) != 0 || options.limit_wait < 0 ||
        options.fetch_threads < SMMAP_FETCH_OFF || options.fetch_threads > MOST_FETCH_THREADS) {
        return APR_EINVAL;
    }
    smmap__os_info(&system);
    wide = system.address_bits == 64;
    manager->granularity = system.granularity;
    manager->page_size = system.page_size;
    manager->lexical_dots = system.lexical_dots;
    manager->slash_is_root = apr_filepath_root(&root, &rest, 0, manager->root) == APR_SUCCESS;
    manager->case_insensitive = system.case_insensitive;
    manager->asymmetric = smmap__os_fence_asymmetric();
    manager->trace = options.trace;
    manager->trace_context = options.trace_context;
    manager->limits = options.limits;
    manager->limit_wait = options.limit_wait;
    manager->guard = options.guard;
    manager->fetch_threads = options.fetch_threads == SMMAP_FETCH_OFF ? 0
                             : options.fetch_threads == 0 ? DEFAULT_FETCH_THREADS
                                                          : (apr_size_t)options.fetch_threads;
    manager->mode = options.mode;
    if (smmap__paranoid_wanted(manager, &options)) {
        status = smmap__paranoid_open(manager);
        if (status != APR_SUCCESS) {
            return status;
        }
        if (options.window_size == SMMAP_DEFAULT) {
            options.window_size = manager->granularity;
        }
    }
    /* A window by default is so large that most files have one, and small enough for the limit. */
    if (manager->mode == SMMAP_MODE_AUTO) {
        manager->mode = SMMAP_MODE_SLIDING;
    }
    manager->max_mapped_bytes = mapped_bytes(manager, &options, &system);
    manager->follow.on = options.max_mapped_bytes == SMMAP_LIMIT_AUTO;
    manager->max_regions = number_or(options.max_regions, DEFAULT_MAX_REGIONS);
    manager->max_open_files = number_or(options.max_open_files, default_open_files(&system));
    smmap__cost_init(&manager->cost);
    status = window_choose(manager, options.window_size, wide);
    smmap__limit_begin_locked(manager, manager->follow.on);
    if (status == APR_SUCCESS && manager->window_size != 0) {
        apr_size_t windows = manager->max_mapped_bytes / manager->window_size;

        smmap__shared_init(&manager->shared,
                        windows < manager->max_regions ? windows : manager->max_regions);
    }
    return status;
}

apr_status_t smmap_manager_set_limits(smmap_manager_t *manager, const smmap_options_t *options)
{
    smmap__reclaim_t reclaim = SMMAP__RECLAIM_INIT;
    smmap__os_info_t system;
    apr_size_t bytes;
    apr_status_t status;

    if (manager == NULL || options == NULL || !is_known(options) ||
        ((unsigned)options->limits & ~(unsigned)SMMAP_LIMITS_HARD) != 0) {
        return APR_EINVAL;
    }
    smmap__os_info(&system);
    bytes = mapped_bytes(manager, options, &system);
    status = fits_a_window(manager, options->limits, bytes);
    if (status != APR_SUCCESS) {
        return status;
    }
    smmap__manager_lock(manager);
    manager->limits = options->limits;
    manager->max_mapped_bytes = bytes;
    smmap__limit_begin_locked(manager, options->max_mapped_bytes == SMMAP_LIMIT_AUTO);
    manager->max_regions = number_or(options->max_regions, DEFAULT_MAX_REGIONS);
    manager->max_open_files = number_or(options->max_open_files, default_open_files(&system));
    smmap__budget_lower_relock(manager, bytes, manager->max_regions, SMMAP_UNLIMITED, &reclaim);
    manager->stats.evictions += reclaim.unmapped;
    smmap__handle_lower_relock(manager);
    smmap__manager_wake_locked(manager); /* who waits may have room now */
    smmap__manager_unlock(manager);
    return reclaim.status;
}
