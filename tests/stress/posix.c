/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real backend, with a count of what it has given out: the files of backends/posix/ that
 * give out something are included here under other names, and what the core calls is in this
 * file. The rest of the backend is linked.
 *
 * Something is counted from before it is asked for until after it was taken back,
 * so that a peak is never below what there really was. The core reserves before it
 * asks, and gives back after; so its own limits must hold for these counts, too.
 *
 * Before and after a fence, and before it reads by a handle, a thread sometimes lets
 * another one run: there a protocol is in the middle of its work.
 */
#include "config.h"

#include "backends/backend.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>

#include "stress.h"

/* The included files define these; they are not to be seen outside. */
static apr_status_t real_open(apr_os_file_t *file, const char *path);
static apr_status_t real_dup(apr_os_file_t *copy, apr_os_file_t file);
static apr_status_t real_close(apr_os_file_t file);
static apr_status_t real_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                             apr_size_t length);
static apr_status_t real_memory(smmap__os_mapping_t *mapping, apr_size_t length);
static apr_status_t real_unmap(smmap__os_mapping_t *mapping);
static apr_status_t real_unmap_run(smmap__os_mapping_t *mappings, unsigned count, unsigned *done);
static apr_status_t real_quarantine(smmap__os_mapping_t *mapping);
static apr_status_t real_read(apr_os_file_t file, apr_off_t offset, void *buffer,
                              apr_size_t length, apr_size_t *nread);
static void real_fence_heavy(void);

#define smmap__os_file_open real_open
#define smmap__os_file_dup real_dup
#define smmap__os_file_close real_close
#define smmap__os_map real_map
#define smmap__os_map_anonymous real_memory
#define smmap__os_unmap real_unmap
#define smmap__os_unmap_run real_unmap_run
#define smmap__os_quarantine real_quarantine
#define smmap__os_read real_read
#define smmap__os_fence_heavy real_fence_heavy
#include "backends/posix/fence.c"
#include "backends/posix/file.c"
#include "backends/posix/map.c"
#undef smmap__os_file_open
#undef smmap__os_file_dup
#undef smmap__os_file_close
#undef smmap__os_map
#undef smmap__os_map_anonymous
#undef smmap__os_unmap
#undef smmap__os_unmap_run
#undef smmap__os_quarantine
#undef smmap__os_read
#undef smmap__os_fence_heavy

typedef struct counter_t {
    atomic_size_t now;
    atomic_size_t peak;
} counter_t;

static counter_t bytes;
static counter_t mappings;
static counter_t handles;
static atomic_size_t maps;
static atomic_size_t unmapped_nothing;
static atomic_uint turns;

static void add(counter_t *counter, apr_size_t more)
{
    apr_size_t now = atomic_fetch_add(&counter->now, more) + more;
    apr_size_t peak = atomic_load(&counter->peak);

    while (peak < now && !atomic_compare_exchange_weak(&counter->peak, &peak, now)) {
    }
}

static void take(counter_t *counter, apr_size_t less)
{
    atomic_fetch_sub(&counter->now, less);
}

/* One time in four. */
static void let_others_run(void)
{
    if (atomic_fetch_add(&turns, 1) % 4 == 0) {
        apr_thread_yield();
    }
}

/* A handle that was counted before the call, as it is there before the call returns. */
static apr_status_t handle_if(apr_status_t status)
{
    if (status != APR_SUCCESS) {
        take(&handles, 1);
    }
    return status;
}

apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    add(&handles, 1);
    return handle_if(real_open(file, path));
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    add(&handles, 1);
    return handle_if(real_dup(copy, file));
}

apr_status_t smmap__os_file_close(apr_os_file_t file)
{
    apr_status_t status = real_close(file);

    take(&handles, 1);
    return status;
}

static void reserve(apr_size_t length)
{
    add(&bytes, length);
    add(&mappings, 1);
    atomic_fetch_add(&maps, 1);
}

static apr_status_t keep(apr_status_t status, apr_size_t length)
{
    if (status != APR_SUCCESS) {
        take(&bytes, length);
        take(&mappings, 1);
    }
    return status;
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    reserve(length);
    return keep(real_map(mapping, file, offset, length), length);
}

apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length)
{
    reserve(length);
    return keep(real_memory(mapping, length), length);
}

apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping)
{
    apr_size_t length = mapping->length;
    apr_status_t status;

    if (mapping->address == NULL) {
        atomic_fetch_add(&unmapped_nothing, 1);
        return APR_SUCCESS;
    }
    status = real_unmap(mapping);
    if (status == APR_SUCCESS) {
        take(&bytes, length);
        take(&mappings, 1);
    }
    return status;
}

static apr_size_t bytes_of(const smmap__os_mapping_t *of, unsigned count)
{
    apr_size_t sum = 0;

    while (count > 0) {
        sum += of[--count].length;
    }
    return sum;
}

apr_status_t smmap__os_unmap_run(smmap__os_mapping_t *of, unsigned count, unsigned *done)
{
    apr_size_t before = bytes_of(of, count);
    apr_status_t status = real_unmap_run(of, count, done);

    take(&bytes, before - bytes_of(of, count));
    take(&mappings, *done);
    return status;
}

/* In paranoid mode: the file is unmapped; addresses alone are not counted. */
apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping)
{
    apr_size_t length = mapping->length;
    apr_status_t status = real_quarantine(mapping);

    if (status == APR_SUCCESS) {
        take(&bytes, length);
        take(&mappings, 1);
    }
    return status;
}

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    let_others_run();
    return real_read(file, offset, buffer, length, nread);
}

void smmap__os_fence_heavy(void)
{
    let_others_run();
    real_fence_heavy();
    let_others_run();
}

void truth_begin(void)
{
    atomic_store(&bytes.peak, atomic_load(&bytes.now));
    atomic_store(&mappings.peak, atomic_load(&mappings.now));
    atomic_store(&handles.peak, atomic_load(&handles.now));
    atomic_store(&maps, 0);
}

stress_truth_t truth_now(void)
{
    stress_truth_t truth = {0, 0, 0, 0, 0, 0, 0, NULL};

    truth.bytes = atomic_load(&bytes.now);
    truth.mappings = atomic_load(&mappings.now);
    truth.handles = atomic_load(&handles.now);
    truth.peak_bytes = atomic_load(&bytes.peak);
    truth.peak_mappings = atomic_load(&mappings.peak);
    truth.peak_handles = atomic_load(&handles.peak);
    truth.maps = atomic_load(&maps);
    truth.misuse = atomic_load(&unmapped_nothing) != 0 ? "a region was unmapped twice" : NULL;
    return truth;
}

void truth_forgive_late_maps(void)
{
}

int truth_copies(void)
{
    return 0;
}

const char *truth_name(void)
{
    return "posix";
}
