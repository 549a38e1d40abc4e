/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend.h where a real backend is linked: there is no fake, so nothing is
 * counted and nothing fails. Tests ask fake_present() before they rely on more.
 */
#include "tests/support/harness.h"

#include "backend.h"

int fake_present(void)
{
    return 0;
}

void fake_set_granularity(apr_size_t granularity)
{
    (void)granularity;
}

void fake_set_max_open_files(apr_size_t count)
{
    (void)count;
}

void fake_set_memory(apr_uint64_t most, int pressed)
{
    (void)most;
    (void)pressed;
}

void fake_set_birth(apr_int64_t birth)
{
    (void)birth;
}

void fake_set_id(smmap__os_id_t id)
{
    (void)id;
}

apr_off_t fake_advised(apr_off_t *end)
{
    *end = 0;
    return 0;
}

void fake_set_strange(void)
{
}

void fake_set_remote(int remote)
{
    (void)remote;
}

void fake_set_holes_fill(void)
{
}

void fake_take(fake_call_t call, apr_int64_t nanoseconds)
{
    (void)call;
    (void)nanoseconds;
}

void fake_set_stacked(int stacked)
{
    (void)stacked;
}

void fake_set_cached(int cached)
{
    (void)cached;
}

void fake_set_absent(apr_size_t every)
{
    (void)every;
}

void fake_when(fake_call_t call, void (*hook)(void *data), void *data)
{
    (void)call;
    (void)hook;
    (void)data;
}

void fake_fail(fake_call_t call, apr_size_t which, apr_status_t status)
{
    (void)call;
    (void)which;
    (void)status;
}

void fake_fail_from(fake_call_t call, apr_size_t which, apr_status_t status)
{
    (void)call;
    (void)which;
    (void)status;
}

void fake_fail_above(apr_size_t bytes)
{
    (void)bytes;
}

void fake_fail_total(apr_size_t bytes)
{
    (void)bytes;
}

void fake_fail_none(void)
{
}

apr_size_t fake_failed(void)
{
    return 0;
}

apr_size_t fake_fences(void)
{
    return 0;
}

apr_size_t fake_calls(fake_call_t call)
{
    (void)call;
    return 0;
}

apr_size_t fake_live_mappings(void)
{
    return 0;
}

apr_size_t fake_live_bytes(void)
{
    return 0;
}

apr_size_t fake_live_handles(void)
{
    return 0;
}

fake_peaks_t fake_peaks(void)
{
    fake_peaks_t none = {0, 0, 0};

    return none;
}

void fake_peaks_clear(void)
{
}

apr_size_t fake_misuses(void)
{
    return 0;
}

const char *fake_misuse(void)
{
    return "";
}

void fake_forgive(void)
{
}

void fake_events_clear(void)
{
}

apr_size_t fake_event_count(void)
{
    return 0;
}

fake_event_t fake_event(apr_size_t index)
{
    fake_event_t none = {0, 0, -1, 0};

    (void)index;
    return none;
}

apr_off_t fake_victim(apr_size_t index)
{
    (void)index;
    return -1;
}

apr_size_t fake_victim_count(void)
{
    return 0;
}

void fake_reset(void)
{
}
