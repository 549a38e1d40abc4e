/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake backend's guard. Its mappings are memory, so no page of them can fault; that a
 * copy met a fault, or that a page was replaced, is an order of the test. What a real
 * fault does is for the suite of a real backend.
 *
 * Forks are real ones and are counted as a real backend does.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"
#include "core/base/atomic.h"

#include <string.h>

#include "state.h"

static SMMAP__THREAD_LOCAL smmap__os_guard_t *guarding;

apr_status_t smmap__os_guard_install(void)
{
    return APR_SUCCESS;
}

smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault)
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
    if (smmap__os_guard_patched(mapping, fault)) {
        return SMMAP__OS_FAULTED;
    }
    for (i = 0; i < size; i++) {
        apr_size_t end = (offset + i) / 4096 * 4096 + 4095; /* of its page */

        if (from[i] == 0 && (offset + i == end || i == size - 1) &&
            mapping[end < length ? end : length - 1] == 0) {
            return SMMAP__OS_UNVERIFIED;
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
    apr_uint64_t id;
    int regular;

    fake_leave();
    return status == APR_SUCCESS ? native_facts(file, size, &id, &regular) : status;
}

static void (*watchers[3])(void); /* the core's */

/* The fake's own lock, which no real backend has, must not be inherited locked. */
static void before_fork(void)
{
    watchers[0]();
    fake_lock();
}

static void in_parent(void)
{
    fake_unlock();
    watchers[1]();
}

static void in_child(void)
{
    fake_unlock();
    watchers[2]();
}

apr_status_t smmap__os_fork_watch(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    watchers[0] = before;
    watchers[1] = parent;
    watchers[2] = child;
    native_watch_forks(before_fork, in_parent, in_child);
    return APR_SUCCESS;
}
