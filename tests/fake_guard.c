/*
 * The fake backend's guard. Its mappings are memory, so no page of them can fault; that a
 * copy met a fault, or that a page was replaced, is an order of the test. What a real
 * fault does is for the suite of a real backend.
 *
 * Forks are real ones and are counted as a real backend does.
 */
#include "harness.h"

#include "backends/backend.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "fake_state.h"

static _Thread_local smmap__os_guard_t *guarding;

apr_status_t smmap__os_guard_install(void)
{
    return APR_SUCCESS;
}

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t offset,
                                        apr_size_t size, apr_size_t *fault)
{
    const unsigned char *from = mapping + offset;
    apr_size_t i;

    apr_status_t status = fake_enter(FAKE_GUARD);

    fake_leave();
    if (status != APR_SUCCESS) {
        *fault = offset;
        return SMMAP__OS_FAULTED;
    }
    memcpy(to, from, size);
    for (i = 0; i < size; i++) {
        if (from[i] == 0 && (i == size - 1 || (offset + i) % 4096 == 4095)) {
            return SMMAP__OS_MAYBE;
        }
    }
    return SMMAP__OS_COPIED;
}

apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard)
{
    guard->outer = guarding;
    guarding = guard;
    return APR_SUCCESS;
}

int smmap__os_guard_end(smmap__os_guard_t *guard)
{
    smmap__os_guard_t **link = &guarding;

    while (*link != NULL && *link != guard) {
        link = &(*link)->outer;
    }
    if (*link == NULL) {
        return 0;
    }
    *link = guard->outer;
    return 1;
}

int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault)
{
    apr_status_t status = fake_enter(FAKE_PATCHED);

    (void)mapping;
    fake_leave();
    *fault = 0;
    return status != APR_SUCCESS;
}

apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file)
{
    apr_status_t status = fake_enter(FAKE_SIZE);
    struct stat info;

    fake_leave();
    if (status == APR_SUCCESS && fstat(file, &info) != 0) {
        status = errno;
    }
    if (status == APR_SUCCESS) {
        *size = (apr_off_t)info.st_size;
    }
    return status;
}

static atomic_uint forks;
static pthread_once_t watched = PTHREAD_ONCE_INIT;

/* The fake's own lock, which no real backend has, must not be inherited locked. */
static void before_fork(void)
{
    pthread_mutex_lock(&fake_state.lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&fake_state.lock);
}

static void in_child(void)
{
    pthread_mutex_unlock(&fake_state.lock);
    atomic_fetch_add(&forks, 1);
}

static void watch(void)
{
    pthread_atfork(before_fork, in_parent, in_child);
}

apr_status_t smmap__os_fork_watch(void)
{
    pthread_once(&watched, watch);
    return APR_SUCCESS;
}

unsigned smmap__os_forks(void)
{
    return atomic_load(&forks);
}
