/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tests' side of the fake backend (backend.h): orders, counts, events.
 *
 * A single number is read under the lock as well: threads may still be running.
 */
#include "tests/support/harness.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"

static apr_size_t locked(const apr_size_t *number)
{
    apr_size_t value;

    fake_lock();
    value = *number;
    fake_unlock();
    return value;
}

int fake_present(void)
{
    return 1;
}

void fake_set_granularity(apr_size_t granularity)
{
    fake_state.granularity = granularity;
}

void fake_set_max_open_files(apr_size_t count)
{
    fake_state.max_open_files = count;
}

void fake_set_birth(apr_int64_t birth)
{
    fake_state.birth = birth;
}

void fake_set_id(smmap__os_id_t id)
{
    fake_state.id = id;
}

void fake_set_stacked(int stacked)
{
    fake_state.stacked = stacked;
}

void fake_set_remote(int remote)
{
    fake_state.remote = remote;
}

apr_off_t fake_advised(apr_off_t *end)
{
    apr_off_t bytes;

    fake_lock();
    bytes = fake_state.advised;
    *end = fake_state.advised_end;
    fake_unlock();
    return bytes;
}

void fake_set_memory(apr_uint64_t most, int pressed)
{
    fake_lock();
    fake_state.memory.most = most;
    fake_state.memory.pressed = pressed;
    fake_state.tells_memory = 1;
    fake_unlock();
}

void fake_set_strange(void)
{
    fake_state.strange = 1;
}

void fake_take(fake_call_t call, apr_int64_t nanoseconds)
{
    fake_lock();
    fake_state.takes[call] = nanoseconds;
    fake_unlock();
}

void fake_set_cached(int cached)
{
    fake_state.cached = cached;
}

void fake_set_holes_fill(void)
{
    fake_state.holes_fill = 1;
}

void fake_set_absent(apr_size_t every)
{
    fake_state.absent = every;
}

void fake_when(fake_call_t call, void (*hook)(void *data), void *data)
{
    fake_lock();
    fake_state.hooks[call] = hook;
    fake_state.hook_data[call] = data;
    fake_unlock();
}

static void give_order(fake_call_t call, apr_size_t which, apr_status_t status, int forever)
{
    fake_lock();
    fake_state.orders[call].at = which == 0 ? 0 : fake_state.calls[call] + which;
    fake_state.orders[call].forever = forever;
    fake_state.orders[call].status = status;
    fake_unlock();
}

void fake_fail(fake_call_t call, apr_size_t which, apr_status_t status)
{
    give_order(call, which, status, 0);
}

void fake_fail_from(fake_call_t call, apr_size_t which, apr_status_t status)
{
    give_order(call, which, status, 1);
}

void fake_fail_above(apr_size_t bytes)
{
    fake_state.fail_above = bytes;
}

void fake_fail_total(apr_size_t bytes)
{
    fake_state.fail_total = bytes;
}

void fake_fail_none(void)
{
    fake_lock();
    memset(fake_state.orders, 0, sizeof fake_state.orders);
    fake_state.fail_above = 0;
    fake_state.fail_total = 0;
    fake_unlock();
}

apr_size_t fake_failed(void)
{
    return locked(&fake_state.failed);
}

apr_size_t fake_calls(fake_call_t call)
{
    return locked(&fake_state.calls[call]);
}

apr_size_t fake_live_mappings(void)
{
    return locked(&fake_state.live_mappings);
}

apr_size_t fake_live_bytes(void)
{
    return locked(&fake_state.live_bytes);
}

apr_size_t fake_live_handles(void)
{
    return locked(&fake_state.live_handles);
}

fake_peaks_t fake_peaks(void)
{
    fake_peaks_t peaks;

    fake_lock();
    peaks = fake_state.peaks;
    fake_unlock();
    return peaks;
}

void fake_peaks_clear(void)
{
    fake_lock();
    fake_state.peaks = fake_state.held;
    fake_unlock();
}

apr_size_t fake_misuses(void)
{
    return locked(&fake_state.misuses);
}

const char *fake_misuse(void)
{
    return fake_state.misuse;
}

void fake_forgive(void)
{
    fake_lock();
    fake_state.misuses = 0;
    fake_state.misuse[0] = '\0';
    fake_unlock();
}

void fake_events_clear(void)
{
    fake_lock();
    fake_state.event_count = 0;
    fake_state.recording = 1;
    fake_unlock();
}

apr_size_t fake_event_count(void)
{
    return locked(&fake_state.event_count);
}

fake_event_t fake_event(apr_size_t index)
{
    fake_event_t event = {0, 0, -1, 0};

    fake_lock();
    if (index < fake_state.event_count) {
        event = fake_state.events[index];
    }
    fake_unlock();
    return event;
}

/* The index-th unmap among the events; the count of them where there are fewer. */
static apr_size_t scan_victims(apr_size_t index, apr_off_t *offset)
{
    apr_size_t seen = 0;
    apr_size_t i;

    *offset = -1;
    fake_lock();
    for (i = 0; i < fake_state.event_count; i++) {
        if (!fake_state.events[i].mapped && seen++ == index) {
            *offset = fake_state.events[i].offset;
            break;
        }
    }
    fake_unlock();
    return seen;
}

apr_off_t fake_victim(apr_size_t index)
{
    apr_off_t offset;

    scan_victims(index, &offset);
    return offset;
}

apr_size_t fake_victim_count(void)
{
    apr_off_t unused;

    return scan_victims((apr_size_t)-1, &unused);
}

void fake_reset(void)
{
    fake_fail_none();
    fake_lock();
    memset(fake_state.calls, 0, sizeof fake_state.calls);
    memset(fake_state.takes, 0, sizeof fake_state.takes);
    memset(fake_state.hooks, 0, sizeof fake_state.hooks);
    fake_state.failed = 0;
    fake_state.misuses = 0;
    fake_state.misuse[0] = '\0';
    free(fake_state.events);
    fake_state.events = NULL;
    fake_state.event_count = 0;
    fake_state.event_room = 0;
    fake_state.recording = 0;
    fake_state.birth = 0;
    fake_state.id = SMMAP__OS_ID_UNIQUE;
    fake_state.stacked = 0;
    fake_state.remote = 0;
    fake_state.strange = 0;
    fake_state.absent = 0;
    fake_state.holes_fill = 0;
    fake_state.cached = 0;
    fake_state.advised = 0;
    fake_state.advised_end = 0;
    fake_state.max_open_files = 1024;
    fake_state.tells_memory = 0;
    fake_unlock();
}
