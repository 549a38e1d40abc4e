/*
 * The manager: options, creation and destruction, statistics, locks.
 *
 * Lifetime: the structure is counted. smmap_manager_destroy() closes the manager:
 * unpinned windows are unmapped, idle handles closed, and from then on every call
 * of a cursor answers SMMAP_ECLOSED. Cursors hold references; what they still pin
 * goes when they let go of it, and the last of them frees the structure.
 *
 * The files share a fixed set of locks, dealt out in turn: all memory that APR
 * wants for a mutex is so allocated once, when the manager is made, and a file
 * needs none of its own. With up to 64 files each has a lock for itself.
 */
#include "core/core.h"
#include "core/paranoid.h"

#include <apr_allocator.h>

#include <stddef.h>
#include <string.h>

#define GIB ((apr_uint64_t)1 << 30)
#define MIB ((apr_uint64_t)1 << 20)

/* A window by default is at most this part of the limit of mapped bytes. */
enum { DEFAULT_WINDOWS_LEAST = 8 };

/* Half of vm.max_map_count's default on Linux: the program maps things too. */
enum { DEFAULT_MAX_REGIONS = 32768, DEFAULT_OPEN_FILES_LEAST = 8 };

enum { FIRST_BUCKETS = 64 };

/* Scratch memory that is kept for the next call. */
enum { SCRATCH_KEPT = 128 * 1024 };

void smmap__manager_lock(smmap_manager_t *manager)
{
    apr_thread_mutex_lock(manager->lock);
}

void smmap__manager_unlock(smmap_manager_t *manager)
{
    apr_thread_mutex_unlock(manager->lock);
}

void smmap__manager_wait_relock(smmap_manager_t *manager)
{
    apr_thread_cond_wait(manager->given_back, manager->lock);
}

void smmap__manager_wake_locked(smmap_manager_t *manager)
{
    if (!smmap__forked(manager)) {
        apr_thread_cond_broadcast(manager->given_back);
    }
}

void smmap__file_lock(smmap__file_t *file)
{
    apr_thread_mutex_lock(file->manager->stripes[file->stripe]);
}

void smmap__file_unlock(smmap__file_t *file)
{
    apr_thread_mutex_unlock(file->manager->stripes[file->stripe]);
}

apr_status_t smmap__scratch(smmap_manager_t *manager, apr_pool_t **pool)
{
    return smmap__pool_create(pool, manager->allocator);
}

static void manager_free(smmap_manager_t *manager)
{
    while (manager->unmap_failed != NULL) {
        smmap__region_t *region = manager->unmap_failed;

        manager->unmap_failed = region->next;
        smmap__mapping_unmap(&region->mapping); /* the last attempt */
        smmap__free(region);
    }
    smmap__paranoid_free(manager);
    smmap__trace_free(manager);
    if (manager->root != NULL && !smmap__forked(manager)) {
        apr_pool_destroy(manager->root);
    }
    smmap__pins_destroy(&manager->pins);
    smmap__free(manager->by_address);
    smmap__free(manager->buckets);
    smmap__free(manager);
}

void smmap__manager_unref_unlock(smmap_manager_t *manager)
{
    int last = --manager->references == 0;

    smmap__manager_unlock(manager);
    if (last) {
        manager_free(manager);
    }
}

static apr_status_t locks_make(smmap_manager_t *manager)
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
        status = apr_thread_cond_create(&manager->given_back, manager->root);
    }
    for (i = 0; i < SMMAP__STRIPES && status == APR_SUCCESS; i++) {
        status = apr_thread_mutex_create(&manager->stripes[i], APR_THREAD_MUTEX_DEFAULT,
                                         manager->root);
    }
    return status;
}

/* `value`, or what stands for it when it is SMMAP_DEFAULT, cut to what a size holds. */
static apr_size_t number_or(apr_size_t value, apr_uint64_t standard)
{
    if (value != SMMAP_DEFAULT) {
        return value;
    }
    return standard < APR_SIZE_MAX ? (apr_size_t)standard : APR_SIZE_MAX;
}

static apr_status_t window_choose(smmap_manager_t *manager, apr_size_t wanted, int wide)
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
    if (manager->limits == SMMAP_LIMITS_HARD && manager->window_size > manager->max_mapped_bytes) {
        return SMMAP_ELIMIT_BYTES;
    }
    return APR_SUCCESS;
}

static apr_status_t options_apply(smmap_manager_t *manager, const smmap_options_t *given)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap__os_info_t system;
    int wide;

    if (given != NULL) {
        if (given->struct_size != sizeof options) {
            return APR_EINVAL;
        }
        options = *given;
    }
    if ((options.mode != SMMAP_MODE_AUTO && options.mode != SMMAP_MODE_STATIC &&
         options.mode != SMMAP_MODE_SLIDING) ||
        (options.guard != SMMAP_GUARD_OFF && options.guard != SMMAP_GUARD_ON &&
         options.guard != SMMAP_GUARD_STRICT) ||
        (options.limits != SMMAP_LIMITS_SOFT && options.limits != SMMAP_LIMITS_HARD)) {
        return APR_EINVAL;
    }
    smmap__os_info(&system);
    wide = system.address_bits == 64;
    manager->granularity = system.granularity;
    manager->page_size = system.page_size;
    manager->dots_are_text = system.dots_are_text;
    manager->asymmetric = smmap__os_fence_asymmetric();
    manager->trace = options.trace;
    manager->trace_context = options.trace_context;
    manager->limits = options.limits;
    manager->guard = options.guard;
    manager->mode = options.mode;
    if (smmap__paranoid_wanted(&options)) {
        apr_status_t status = smmap__paranoid_open(manager);

        if (status != APR_SUCCESS) {
            return status;
        }
        if (options.window_size == SMMAP_DEFAULT) {
            options.window_size = manager->granularity;
        }
        if (manager->mode == SMMAP_MODE_AUTO) {
            manager->mode = SMMAP_MODE_SLIDING;
        }
    }
    if (manager->mode == SMMAP_MODE_AUTO) {
        manager->mode = wide ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING;
    }
    manager->max_mapped_bytes = number_or(options.max_mapped_bytes, wide ? 8 * GIB : GIB);
    manager->max_regions = number_or(options.max_regions, DEFAULT_MAX_REGIONS);
    if (system.max_open_files == 0) {
        manager->max_open_files = number_or(options.max_open_files, SMMAP_UNLIMITED);
    } else if (system.max_open_files / 2 < DEFAULT_OPEN_FILES_LEAST) {
        manager->max_open_files = number_or(options.max_open_files, DEFAULT_OPEN_FILES_LEAST);
    } else {
        manager->max_open_files = number_or(options.max_open_files, system.max_open_files / 2);
    }
    return window_choose(manager, options.window_size, wide);
}

/* Close the manager and drop its creator's reference. */
static apr_status_t manager_close(smmap_manager_t *manager)
{
    smmap__reclaim_t reclaim = {NULL, NULL, APR_SUCCESS, 0};

    if (smmap__forked(manager) && !smmap__fork_usable(manager)) {
        return APR_SUCCESS;
    }
    smmap__trace_close(manager);
    if (manager->paranoia != NULL) {
        smmap__paranoid_report(manager);
    }
    smmap__manager_lock(manager);
    smmap__count_store(&manager->closed, 1);
    manager->owner = NULL;
    /* Nobody may find any of them from now on. What is pinned goes with its pin. */
    while (manager->queue.oldest != NULL) {
        smmap__region_retire_locked(manager->queue.oldest);
    }
    smmap__os_fence_heavy();
    smmap__retired_sweep_locked(manager, &reclaim);
    smmap__reclaim_relock(manager, &reclaim);
    smmap__handle_close_idle_relock(manager);
    smmap__manager_wake_locked(manager);
    smmap__manager_unref_unlock(manager);
    return reclaim.status;
}

static apr_status_t manager_cleanup(void *data)
{
    return manager_close(data);
}

apr_status_t smmap_manager_create(smmap_manager_t **manager, const smmap_options_t *options,
                                  apr_pool_t *pool)
{
    smmap_manager_t *made;
    apr_status_t status;

    if (manager == NULL || pool == NULL) {
        return APR_EINVAL;
    }
    made = smmap__alloc(sizeof *made);
    if (made == NULL) {
        return APR_ENOMEM;
    }
    made->forks = smmap__os_forks();
    status = options_apply(made, options);
    if (status == APR_SUCCESS) {
        status = smmap__os_fork_watch();
    }
    if (status == APR_SUCCESS && made->guard != SMMAP_GUARD_OFF) {
        status = smmap__os_guard_install();
    }
    if (status == APR_SUCCESS) {
        made->bucket_count = FIRST_BUCKETS;
        made->buckets = smmap__alloc(FIRST_BUCKETS * sizeof *made->buckets);
        made->by_address_count = FIRST_BUCKETS;
        made->by_address = smmap__alloc(FIRST_BUCKETS * sizeof *made->by_address);
        status = made->buckets != NULL && made->by_address != NULL ? locks_make(made) : APR_ENOMEM;
    }
    if (status != APR_SUCCESS) {
        manager_free(made);
        return status;
    }
    smmap__trace_open(made);
    made->references = 1;
    made->owner = pool;
    made->stats.struct_size = sizeof made->stats;
    apr_pool_cleanup_register(pool, made, manager_cleanup, apr_pool_cleanup_null);
    *manager = made;
    return APR_SUCCESS;
}

apr_status_t smmap_manager_destroy(smmap_manager_t *manager)
{
    if (manager == NULL) {
        return APR_SUCCESS;
    }
    return apr_pool_cleanup_run(manager->owner, manager, manager_cleanup);
}

apr_status_t smmap_manager_collect(smmap_manager_t *manager, apr_size_t *count)
{
    smmap__reclaim_t reclaim = {NULL, NULL, APR_SUCCESS, 0};

    if (manager == NULL) {
        return APR_EINVAL;
    }
    if (smmap__forked(manager)) {
        return SMMAP_EFORKED;
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

apr_status_t smmap_manager_reinstall_guard(smmap_manager_t *manager)
{
    if (manager == NULL || manager->guard == SMMAP_GUARD_OFF) {
        return APR_EINVAL;
    }
    if (smmap__forked(manager)) {
        return SMMAP_EFORKED;
    }
    return smmap__os_guard_install();
}

typedef struct pinned_t {
    smmap_manager_t *manager;
    smmap_stats_t *stats;
} pinned_t;

static void count_pin(void *context, uintptr_t window)
{
    pinned_t *pinned = context;
    smmap__region_t *region = smmap__region_at_locked(pinned->manager, window);

    if (region != NULL && region->epoch != pinned->manager->epoch) {
        region->epoch = pinned->manager->epoch;
        pinned->stats->pinned_regions++;
        pinned->stats->pinned_bytes += region->mapping.length;
    }
}

static void count_pinned(smmap_manager_t *manager, smmap_stats_t *stats)
{
    pinned_t pinned = {manager, stats};

    manager->epoch++;
    smmap__pins_each(&manager->pins, SMMAP__PINS_ALL, count_pin, &pinned);
}

apr_status_t smmap_manager_stats(smmap_manager_t *manager, smmap_stats_t *stats)
{
    if (manager == NULL || stats == NULL || stats->struct_size != sizeof *stats) {
        return APR_EINVAL;
    }
    if (smmap__forked(manager)) {
        return SMMAP_EFORKED;
    }
    smmap__manager_lock(manager);
    *stats = manager->stats;
    stats->trace_failures = smmap__count_load(&manager->trace_failures);
    smmap__pins_count(&manager->pins, stats);
    count_pinned(manager, stats);
    smmap__manager_unlock(manager);
    return APR_SUCCESS;
}

smmap_mode_t smmap_manager_mode(const smmap_manager_t *manager)
{
    return manager->mode;
}

smmap_limits_t smmap_manager_limits(const smmap_manager_t *manager)
{
    return manager->limits;
}

smmap_guard_t smmap_manager_guard(const smmap_manager_t *manager)
{
    return manager->guard;
}

apr_size_t smmap_manager_window_size(const smmap_manager_t *manager)
{
    return manager->window_size;
}

apr_size_t smmap_manager_max_mapped_bytes(const smmap_manager_t *manager)
{
    return manager->max_mapped_bytes;
}

apr_size_t smmap_manager_max_regions(const smmap_manager_t *manager)
{
    return manager->max_regions;
}

apr_size_t smmap_manager_max_open_files(const smmap_manager_t *manager)
{
    return manager->max_open_files;
}

static apr_size_t read_counter(smmap_manager_t *manager, const apr_size_t *counter)
{
    apr_size_t value;

    if (smmap__forked(manager)) {
        return *counter; /* as it was */
    }
    smmap__manager_lock(manager);
    value = *counter;
    smmap__manager_unlock(manager);
    return value;
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
