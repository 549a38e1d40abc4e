/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake backend's part of paranoid mode: its blocks are memory, whose pages the system
 * protects. What is unmapped is not kept, as the fake never gives an address again that a
 * checker of memory would not notice; that a real backend keeps it is for its own suite.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"

#include <stdio.h>

#include "state.h"

apr_status_t smmap__os_protect(const smmap__os_mapping_t *mapping, int allowed)
{
    apr_status_t status = fake_enter(FAKE_ACCESS);

    fake_leave();
    return status == APR_SUCCESS ? native_protect(mapping->address, mapping->length, allowed)
                                 : status;
}

apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping)
{
    (void)mapping;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *quarantined)
{
    (void)quarantined;
    return APR_SUCCESS;
}

void smmap__os_stale_watch(void)
{
}

void smmap__os_stale_note(const smmap__os_stale_t *stale)
{
    (void)stale;
}

void smmap__os_stale_forget(const unsigned char *address)
{
    (void)address;
}

unsigned smmap__os_backtrace(void **frames, unsigned most)
{
    if (most == 0) {
        return 0;
    }
    frames[0] = frames;
    return 1;
}

void smmap__os_symbolize(const void *frame, char *text, apr_size_t size)
{
    (void)frame;
    snprintf(text, size, "somewhere");
}
