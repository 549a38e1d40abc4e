/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A backend without an operating system; backends/backend.h has the contract.
 *
 * A mapping is a number that looks like an address: page-aligned, unique while it is alive,
 * outside of all memory. It is never touched. As with a real system, the address that was
 * unmapped last is used next.
 *
 * Files can have any size: the core measures a file by the handle that it gets from
 * smmap__os_file_dup(), and that is the caller's own handle, of a file that is all hole. The
 * caller closes it. What is opened by name is invented: null_files says what it is like.
 *
 * The heavy fence does nothing but count, and there are no locks, unless null_files says that
 * there are threads.
 */
#include "bench/core/null_backend.h"

#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_thread_mutex.h>
#include <apr_time.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Most of these functions have nothing to do with their arguments. */
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

#define PAGE ((apr_size_t)4096)
/* The lowest address: above what programs have, below what a pointer can be. */
#define LOWEST ((apr_uintptr_t)(APR_UINT64_C(1) << 44))

/* Handles of invented files: higher than the system's. */
#define INVENTED ((apr_os_file_t)1 << 30)

null_files_t null_files;

static apr_pool_t *program_pool;
static apr_thread_mutex_t *lock; /* of what follows */
static apr_uint32_t *places;     /* a stack of those that are free */
static apr_uint32_t place_count;
static apr_uint32_t free_count;
static apr_size_t place_size;
static apr_uint64_t made;
static apr_uint64_t fences;

void null_backend_start(apr_pool_t *pool, apr_uint32_t *memory, apr_uint32_t count,
                        apr_size_t length)
{
    apr_uint32_t i;

    program_pool = pool;
    places = memory;
    place_count = count;
    free_count = count;
    place_size = (length + PAGE - 1) / PAGE * PAGE;
    for (i = 0; i < count; i++) {
        places[i] = count - 1 - i; /* the lowest is on top */
    }
    if (apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS) {
        abort();
    }
}

apr_uint64_t null_backend_alive(void)
{
    return place_count - free_count;
}

apr_uint64_t null_backend_made(void)
{
    return made;
}

apr_uint64_t null_backend_fences(void)
{
    return fences;
}

apr_status_t smmap__os_memory(smmap__os_memory_t *memory)
{
    return APR_ENOTIMPL;
}

void smmap__os_info(smmap__os_info_t *info)
{
    memset(info, 0, sizeof(*info));
    info->page_size = PAGE;
    info->granularity = PAGE;
    info->address_bits = (int)sizeof(void *) * 8;
    info->shrink = SMMAP__OS_SHRINK_FAULTS;
}

apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    if (strncmp(path, NULL_FILES, strlen(NULL_FILES)) != 0) {
        return APR_ENOENT;
    }
    *file = INVENTED + (apr_os_file_t)strtoul(path + strlen(NULL_FILES), NULL, 10);
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    *copy = file;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_close(apr_os_file_t file)
{
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file)
{
    smmap__os_facts_t facts;
    apr_status_t status = smmap__os_examine(&facts, file, 0);

    if (status == APR_SUCCESS) {
        *size = facts.size;
    }
    return status;
}

/* What APR sees, unless it is invented. */
apr_status_t smmap__os_examine(smmap__os_facts_t *facts, apr_os_file_t file, int identify)
{
    apr_pool_t *pool;
    apr_file_t *opened;
    apr_finfo_t info;
    apr_status_t status;

    if (file >= INVENTED) {
        memset(facts, 0, sizeof *facts);
        facts->kind = SMMAP__OS_FILE;
        facts->inode = (apr_ino_t)file;
        facts->size = null_files.size;
        return APR_SUCCESS;
    }
    status = apr_pool_create(&pool, program_pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_os_file_put(&opened, &file, APR_FOPEN_READ, pool);
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(&info, APR_FINFO_IDENT | APR_FINFO_SIZE, opened);
    }
    if (status == APR_SUCCESS) {
        memset(facts, 0, sizeof *facts);
        facts->kind = SMMAP__OS_FILE;
        facts->device = info.device;
        facts->inode = info.inode;
        facts->size = info.size;
    }
    apr_pool_destroy(pool);
    return status;
}

apr_int64_t smmap__os_generation(apr_os_file_t file)
{
    return SMMAP__OS_GENERATION_NONE;
}

apr_status_t smmap__os_examine_path(smmap__os_facts_t *facts, const char *path)
{
    apr_os_file_t file;
    apr_status_t status = smmap__os_file_open(&file, path);

    return status == APR_SUCCESS ? smmap__os_examine(facts, file, 0) : status;
}

apr_status_t smmap__os_file_renew(apr_os_file_t file)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_open_attributes(apr_os_file_t *handle, const char *path)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_canonical_path(char *place, apr_size_t size, apr_os_file_t file)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_real_path(char *real, const char *path)
{
    (void)real;
    (void)path;
    return APR_ENOTIMPL;
}

static void lock_places(void)
{
    if (null_files.threads) {
        apr_thread_mutex_lock(lock);
    }
}

static void unlock_places(void)
{
    if (null_files.threads) {
        apr_thread_mutex_unlock(lock);
    }
}

static void take(apr_interval_time_t time)
{
    if (time != 0) {
        apr_sleep(time);
    }
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    if (null_files.unmappable) {
        return APR_ENOTIMPL;
    }
    take(null_files.map_time);
    return smmap__os_map_anonymous(mapping, length);
}

apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length)
{
    apr_status_t status = APR_ENOMEM;

    lock_places();
    if (free_count != 0 && length <= place_size) {
        mapping->address = (unsigned char *)(LOWEST + places[--free_count] * place_size);
        mapping->length = length;
        made++;
        status = APR_SUCCESS;
    }
    unlock_places();
    return status;
}

apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping)
{
    if (mapping->address != NULL) {
        apr_uintptr_t distance = (apr_uintptr_t)mapping->address - LOWEST;

        take(null_files.unmap_time);
        lock_places();
        places[free_count++] = (apr_uint32_t)(distance / place_size);
        unlock_places();
    }
    mapping->address = NULL;
    mapping->length = 0;
    return APR_SUCCESS;
}

apr_status_t smmap__os_unmap_run(smmap__os_mapping_t *mappings, unsigned count, unsigned *done)
{
    apr_status_t status = smmap__os_unmap(mappings);

    (void)count;
    *done = status == APR_SUCCESS;
    return status;
}

apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice)
{
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
    return APR_SUCCESS;
}

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    if ((apr_uintptr_t)buffer - LOWEST >= place_count * place_size) {
        memset(buffer, 0, length); /* it is a hole */
    }
    *nread = length;
    return APR_SUCCESS;
}

apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread)
{
    *nread = 1; /* no file is empty */
    return APR_SUCCESS;
}

apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_residency_is_told(apr_os_file_t file)
{
    return APR_ENOTIMPL;
}

int smmap__os_environment_is_trusted(void)
{
    return 0; /* a trace that is replayed is not recorded again */
}

apr_status_t smmap__os_append_open(apr_os_file_t *file, const char *path)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_append(apr_os_file_t file, const char *bytes, apr_size_t length)
{
    return APR_ENOTIMPL;
}

apr_int64_t smmap__os_clock(void)
{
    return 0;
}

int smmap__os_cancel_disable(void)
{
    return 0;
}

void smmap__os_cancel_restore(int state)
{
    (void)state;
}

void smmap__os_cancel_point(void)
{
}

int smmap__os_fence_asymmetric(void)
{
    return !null_files.threads;
}

void smmap__os_fence_heavy(void)
{
    if (null_files.threads) {
        atomic_thread_fence(memory_order_seq_cst);
    } else {
        fences++;
    }
}

/* Mappings cannot be read, so there is nothing to guard; and the program does not fork. */

apr_status_t smmap__os_guard_install(void)
{
    return APR_ENOTIMPL;
}

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault)
{
    *fault = offset;
    return SMMAP__OS_FAULTED;
}

apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard)
{
    return APR_ENOTIMPL;
}

int smmap__os_guard_end(smmap__os_guard_t *guard)
{
    return 0;
}

int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault)
{
    return 0;
}

apr_status_t smmap__os_fork_watch(void (*before)(void), void (*in_parent)(void),
                                  void (*in_child)(void))
{
    return APR_SUCCESS;
}

/* Its addresses are no memory, so there is nothing to protect. */

apr_status_t smmap__os_protect(const smmap__os_mapping_t *mapping, int allowed)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping)
{
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *barred)
{
    return APR_SUCCESS;
}

void smmap__os_stale_watch(void)
{
}

void smmap__os_stale_note(const smmap__os_stale_t *stale)
{
}

void smmap__os_stale_forget(const unsigned char *address)
{
}

unsigned smmap__os_backtrace(void **frames, unsigned most)
{
    return 0;
}

void smmap__os_symbolize(const void *frame, char *text, apr_size_t size)
{
    if (size > 0) {
        text[0] = '\0';
    }
}

apr_status_t smmap__os_is_cached(int *cached, apr_os_file_t file, apr_off_t offset,
                                 apr_off_t length)
{
    (void)cached;
    (void)file;
    (void)offset;
    (void)length;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_read_nowait(apr_os_file_t file, apr_off_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread)
{
    (void)file;
    (void)offset;
    (void)buffer;
    (void)length;
    *nread = 0;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_thread_start(smmap__os_thread_t *thread)
{
    (void)thread;
    return APR_ENOTIMPL;
}
