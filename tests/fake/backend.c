/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake backend; see backend.h for what it is good for, and
 * backends/backend.h for what it has to do. Its files are in files.c.
 *
 * A mapping is a block of memory with a copy of the file's bytes, aligned to the
 * granularity. What lies behind the file's end in the last page is FAKE_BEYOND,
 * so that a reader that goes too far sees it. Unmapping overwrites the block and
 * frees it, so that a memory checker sees a use after it.
 *
 * Unlike a backend it keeps state (state.h), all of it under one lock: the
 * live mappings and handles (to know a double unmap), the counts, the orders to
 * fail, the events. Each call is counted, and may be failed, before it does
 * anything.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"
#include "core/base/atomic.h"

#include <apr_file_io.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

fake_state_t fake_state = {
    .granularity = 4096, .max_open_files = 1024, .clock = APR_INT64_C(1) << 50};

void fake_note_misuse(const char *what)
{
    if (fake_state.misuses++ == 0) {
        snprintf(fake_state.misuse, sizeof fake_state.misuse, "%s", what);
    }
}

void fake_hold(apr_size_t *held, apr_size_t *peak, apr_size_t more, apr_size_t taken)
{
    *held = *held + more - taken;
    if (*peak < *held) {
        *peak = *held;
    }
}

static void hold_mapping(apr_size_t length)
{
    fake_hold(&fake_state.held.mappings, &fake_state.peaks.mappings, 1, 0);
    fake_hold(&fake_state.held.bytes, &fake_state.peaks.bytes, length, 0);
}

static void drop_mapping(apr_size_t length)
{
    fake_hold(&fake_state.held.mappings, &fake_state.peaks.mappings, 0, 1);
    fake_hold(&fake_state.held.bytes, &fake_state.peaks.bytes, 0, length);
}

static int due(fake_call_t call)
{
    apr_size_t now = ++fake_state.calls[call];
    const fake_order_t *order = &fake_state.orders[call];

    return order->at != 0 && (now == order->at || (now > order->at && order->forever));
}

apr_status_t fake_enter(fake_call_t call)
{
    void (*hook)(void *data);
    int this_kind;
    int any_kind;

    fake_lock();
    hook = fake_state.hooks[call];
    if (hook != NULL) {
        fake_state.hooks[call] = NULL;
        fake_unlock();
        hook(fake_state.hook_data[call]);
        fake_lock();
    }
    fake_state.clock += fake_state.takes[call];
    this_kind = due(call);
    any_kind = call < FAKE_ACCESS && due(FAKE_ANY);
    if (!this_kind && !any_kind) {
        return APR_SUCCESS;
    }
    fake_state.failed++;
    return fake_state.orders[this_kind ? call : FAKE_ANY].status;
}

void fake_leave(void)
{
    fake_unlock();
}

static void note_event(int mapped, const fake_live_t *entry)
{
    if (!fake_state.recording) {
        return;
    }
    if (fake_state.event_count == fake_state.event_room) {
        apr_size_t room = fake_state.event_room == 0 ? 256 : fake_state.event_room * 2;
        fake_event_t *more = realloc(fake_state.events, room * sizeof *fake_state.events);

        if (more == NULL) {
            abort();
        }
        fake_state.events = more;
        fake_state.event_room = room;
    }
    fake_state.events[fake_state.event_count].mapped = mapped;
    fake_state.events[fake_state.event_count].file = entry->file;
    fake_state.events[fake_state.event_count].offset = entry->offset;
    fake_state.events[fake_state.event_count].length = entry->length;
    fake_state.event_count++;
}

static fake_live_t **find(const unsigned char *address)
{
    fake_live_t **at = &fake_state.live[((apr_uintptr_t)address / 4096u) % FAKE_BUCKETS];

    while (*at != NULL && (*at)->address != address) {
        at = &(*at)->next;
    }
    return at;
}

static apr_size_t the_page(void)
{
    /* As on Windows for the largest granularity, as on POSIX for the others. */
    return fake_state.granularity == 65536 ? 4096 : fake_state.granularity;
}

apr_status_t smmap__os_memory(smmap__os_memory_t *memory)
{
    apr_status_t status = fake_enter(FAKE_LIMIT);

    if (status == APR_SUCCESS && !fake_state.tells_memory) {
        status = APR_ENOTIMPL;
    }
    if (status == APR_SUCCESS) {
        *memory = fake_state.memory;
    }
    fake_leave();
    return status;
}

void smmap__os_info(smmap__os_info_t *info)
{
    fake_lock();
    info->page_size = the_page();
    info->granularity = fake_state.granularity;
    info->address_bits = (int)sizeof(void *) * 8;
    info->max_open_files = fake_state.max_open_files;
    info->shrink = SMMAP__OS_SHRINK_FAULTS;
    info->lexical_dots = 0;
    info->case_insensitive = fake_state.granularity == 65536; /* as on Windows */
    fake_unlock();
}

/* The part of a mapping that needs no lock: a copy of the file's bytes. */
static apr_status_t copy_in(fake_live_t *entry, apr_os_file_t file)
{
    apr_size_t page = the_page();
    apr_status_t status;
    apr_size_t got = 0;

    if (entry->length > (apr_size_t)-1 - page) {
        return APR_ENOMEM;
    }
    entry->whole = (entry->length + page - 1) / page * page;
    entry->address = native_aligned(fake_state.granularity, entry->whole);
    if (entry->address == NULL) {
        return APR_ENOMEM;
    }
    status = native_read_at(file, entry->offset, entry->address, entry->length, &got);
    if (status != APR_SUCCESS) {
        native_aligned_free(entry->address);
        return status;
    }
    memset(entry->address + got, FAKE_BEYOND, entry->whole - got);
    return APR_SUCCESS;
}

/* What fake_fail_above() and fake_fail_total() leave. Under the lock. */
static int has_room(apr_size_t length)
{
    if (fake_state.fail_above != 0 && length > fake_state.fail_above) {
        return 0;
    }
    return fake_state.fail_total == 0 ||
           (fake_state.live_bytes <= fake_state.fail_total &&
            length <= fake_state.fail_total - fake_state.live_bytes);
}

/* Enter it into the table, and hand it out. */
static void give_mapping(smmap__os_mapping_t *mapping, fake_live_t *entry, int memory)
{
    fake_lock();
    entry->next = NULL;
    *find(entry->address) = entry;
    fake_state.live_mappings++;
    fake_state.live_bytes += entry->length;
    note_event(1, entry);
    fake_leave();
    mapping->address = entry->address;
    mapping->length = entry->length;
    mapping->memory = memory;
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    apr_status_t status;
    apr_off_t size = 0;
    apr_uint64_t id = 0;
    int regular = 0;
    fake_live_t *entry;

    status = fake_enter(FAKE_MAP);
    if (status == APR_SUCCESS && !has_room(length)) {
        fake_state.failed++;
        status = APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        status = native_facts(file, &size, &id, &regular);
    }
    if (status == APR_SUCCESS) {
        if (offset < 0 || (apr_uint64_t)offset % fake_state.granularity != 0 || length == 0) {
            fake_note_misuse("a mapping was asked for that is not aligned, or empty");
            status = APR_EINVAL;
        } else if (!regular) {
            status = APR_ENOTIMPL;
        } else if (offset > size || length > (apr_uint64_t)(size - offset)) {
            fake_note_misuse("a mapping was asked for past the end of the file");
        }
    }
    if (status == APR_SUCCESS) {
        hold_mapping(length);
    }
    fake_leave();
    if (status != APR_SUCCESS) {
        return status;
    }
    entry = calloc(1, sizeof *entry);
    status = entry != NULL ? APR_SUCCESS : APR_ENOMEM;
    if (status == APR_SUCCESS) {
        entry->offset = offset;
        entry->length = length;
        entry->file = id;
        status = copy_in(entry, file);
    }
    if (status != APR_SUCCESS) {
        fake_lock();
        drop_mapping(length);
        fake_leave();
        free(entry);
        return status;
    }
    give_mapping(mapping, entry, 0);
    return APR_SUCCESS;
}

apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length)
{
    apr_status_t status = fake_enter(FAKE_MEMORY);
    fake_live_t *entry = NULL;

    if (status == APR_SUCCESS && !has_room(length)) {
        fake_state.failed++;
        status = APR_ENOMEM;
    }
    fake_leave();
    if (status == APR_SUCCESS) {
        entry = calloc(1, sizeof *entry);
        status = entry != NULL ? APR_SUCCESS : APR_ENOMEM;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    entry->offset = -1;
    entry->length = length;
    entry->whole = (length + the_page() - 1) / the_page() * the_page();
    entry->address = native_aligned(fake_state.granularity, entry->whole);
    if (entry->address == NULL) {
        free(entry);
        return APR_ENOMEM;
    }
    memset(entry->address, 0, entry->whole);
    fake_lock();
    hold_mapping(length);
    fake_leave();
    give_mapping(mapping, entry, 1);
    return APR_SUCCESS;
}

apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping)
{
    apr_status_t status;
    fake_live_t *entry;
    fake_live_t **at;

    if (mapping->address == NULL && mapping->length == 0) {
        return APR_SUCCESS;
    }
    status = fake_enter(FAKE_UNMAP);
    if (status != APR_SUCCESS) {
        fake_leave();
        return status;
    }
    at = find(mapping->address);
    entry = *at;
    if (entry == NULL || entry->length != mapping->length) {
        fake_note_misuse("something was unmapped that is not mapped");
        status = APR_EINVAL;
    } else {
        *at = entry->next;
        fake_state.live_mappings--;
        fake_state.live_bytes -= entry->length;
        drop_mapping(entry->length);
        note_event(0, entry);
        native_protect(entry->address, entry->whole, 1); /* paranoid mode may have protected it */
        memset(entry->address, 0xdd, entry->whole);
        native_aligned_free(entry->address);
        free(entry);
    }
    fake_leave();
    mapping->address = NULL;
    mapping->length = 0;
    mapping->memory = 0;
    return status;
}

apr_status_t smmap__os_unmap_run(smmap__os_mapping_t *mappings, unsigned count, unsigned *done)
{
    apr_status_t status = smmap__os_unmap(mappings);

    (void)count;
    *done = status == APR_SUCCESS;
    return status;
}

/* Is it a range of a live mapping, as advise and residency want it? Under the lock. */
static apr_status_t check_range(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                apr_size_t length)
{
    const fake_live_t *entry = *find(mapping->address);

    if (entry == NULL || offset % the_page() != 0 || offset > entry->length ||
        length > entry->length - offset) {
        fake_note_misuse("advice or residency was asked for a range that is not mapped");
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice)
{
    apr_status_t status;

    (void)advice;
    status = fake_enter(FAKE_ADVISE);
    if (status == APR_SUCCESS) {
        status = check_range(mapping, offset, length);
    }
    fake_leave();
    return status;
}

apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages)
{
    apr_size_t count = (length + the_page() - 1) / the_page();
    apr_status_t status;
    apr_size_t i;

    status = fake_enter(FAKE_RESIDENCY);
    if (status == APR_SUCCESS) {
        status = check_range(mapping, offset, length);
    }
    fake_leave();
    if (status == APR_SUCCESS) {
        /* It is all a copy in memory, but for what a test wants to hear. */
        for (i = 0; i < count; i++) {
            pages[i] = fake_state.absent == 0 || (offset / the_page() + i) % fake_state.absent != 0;
        }
    }
    return status;
}

apr_status_t smmap__os_residency_is_told(apr_os_file_t file)
{
    apr_status_t status = fake_enter(FAKE_RESIDENCY);

    if (status == APR_SUCCESS && !native_is_open(file)) {
        status = APR_EBADF;
    }
    fake_leave();
    return status;
}

static smmap__count_t fences;

apr_size_t fake_fences(void)
{
    return smmap__count_load(&fences);
}

void smmap__os_fence_heavy(void)
{
    smmap__word_t nothing;

    smmap__count_raise(&fences);

    /* What replaces a word is a full fence. */
    smmap__store(&nothing, 0);
    smmap__replace(&nothing, 0, 1);
}

apr_int64_t smmap__os_clock(void)
{
    apr_int64_t now;

    fake_lock();
    now = fake_state.clock;
    fake_unlock();
    return now;
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

int smmap__os_environment_is_trusted(void)
{
    return !fake_state.strange;
}

int smmap__os_fence_asymmetric(void)
{
    return 0;
}
