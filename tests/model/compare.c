/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was seen against what was expected. See model.h.
 */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/fake/memory.h"

static char complaint[1000];

const char *model_complaint(void)
{
    return complaint;
}

void model_complaint_clear(void)
{
    complaint[0] = '\0';
}

int model_wrong(const char *format, ...)
{
    apr_size_t length = strlen(complaint);
    va_list arguments;

    if (length == 0 || format[0] == ' ') {
        va_start(arguments, format);
        vsnprintf(complaint + length, sizeof complaint - length, format, arguments);
        va_end(arguments);
    }
    return 0;
}

/* Comparisons. Each returns 1 when all is as expected. */

static int same_outcome(const outcome_t *expected, const outcome_t *seen)
{
    char expected_text[120];
    char seen_text[120];

    if (expected->status != seen->status) {
        return model_wrong("status %d (%s), expected %d (%s)", (int)seen->status,
                     smmap_strerror(seen->status, seen_text, sizeof seen_text),
                     (int)expected->status,
                     smmap_strerror(expected->status, expected_text, sizeof expected_text));
    }
    if (expected->number != seen->number) {
        return model_wrong("%lld bytes or regions, expected %lld", (long long)seen->number,
                     (long long)expected->number);
    }
    return 1;
}

static int same_bytes(const world_t *w, const unsigned char *data)
{
    int i;

    for (i = 0; i < w->piece_count; i++) {
        const piece_t *piece = &w->pieces[i];

        if (!model_disk_shows(piece->key, piece->offset, data, piece->length)) {
            return model_wrong("other bytes than those of file version %u at offset %lld, "
                               "%lld long",
                               piece->key, (long long)piece->offset, (long long)piece->length);
        }
        data += piece->length;
    }
    return 1;
}

static int same_event(const fake_event_t *a, const fake_event_t *b)
{
    return a->mapped == b->mapped && a->file == b->file && a->offset == b->offset &&
           a->length == b->length;
}

static int complain_event(const char *what, const fake_event_t *event)
{
    return model_wrong("%s: offset %lld of file %lld, %lld bytes, %s", what,
                       (long long)event->offset, (long long)event->file,
                       (long long)event->length, event->mapped ? "mapped" : "unmapped");
}

/* Between two mappings the order of what was unmapped does not matter. */
static int same_events(const world_t *w)
{
    static unsigned char used[EVENTS];
    const int count = (int)fake_event_count();
    int from = 0; /* where the unmappings since the last mapping begin */
    int i;
    int j;

    memset(used, 0, sizeof used);
    for (i = 0; i < w->event_count; i++) {
        const fake_event_t *expected = &w->events[i];
        fake_event_t seen = fake_event((apr_size_t)i);

        j = i;
        if (expected->mapped) {
            from = i + 1;
        } else {
            for (j = from; j < count; j++) {
                seen = fake_event((apr_size_t)j);
                if (seen.mapped || (!used[j] && same_event(&seen, expected))) {
                    break;
                }
            }
        }
        if (j >= count || j >= EVENTS || !same_event(&seen, expected)) {
            return complain_event("expected, and not seen", expected);
        }
        used[j] = 1;
    }
    if (count > w->event_count) {
        fake_event_t more = fake_event((apr_size_t)w->event_count);

        return complain_event("one event more than expected, perhaps", &more);
    }
    return 1;
}

static int same_calls(const world_t *w)
{
    static const char *const names[] = {"open or dup", "close",       "birth", "map",
                                        "unmap",       "advise",      "file advise",
                                        "read",        "residency",   "size",  "memory",
                                        "guard",       "patched"};
    apr_off_t advised;
    apr_off_t advised_end;
    int i;

    for (i = 0; i < FAKE_ACCESS; i++) { /* the rest is not predicted */
        if (fake_calls((fake_call_t)i) != w->faults[i].calls) {
            return model_wrong("calls of %s: %lld, expected %lld", names[i],
                         (long long)fake_calls((fake_call_t)i), (long long)w->faults[i].calls);
        }
    }
    if (model_stat_calls() != w->faults[CALL_STAT].calls) {
        return model_wrong("measurements: %lld, expected %lld", (long long)model_stat_calls(),
                     (long long)w->faults[CALL_STAT].calls);
    }
    if (fake_live_mappings() != w->live_mappings || fake_live_bytes() != w->live_bytes ||
        fake_live_handles() != w->live_handles) {
        return model_wrong("live mappings, bytes, handles: %lld %lld %lld, expected %lld %lld %lld",
                     (long long)fake_live_mappings(), (long long)fake_live_bytes(),
                     (long long)fake_live_handles(), (long long)w->live_mappings,
                     (long long)w->live_bytes, (long long)w->live_handles);
    }
    advised = fake_advised(&advised_end);
    if (advised != w->advised || advised_end != w->advised_end) {
        return model_wrong("advice on %lld bytes up to %lld, expected %lld up to %lld",
                           (long long)advised, (long long)advised_end, (long long)w->advised,
                           (long long)w->advised_end);
    }
    if (fake_misuses() != 0) {
        return model_wrong("%s", fake_misuse());
    }
    if (fake_memory_misuses() != 0) {
        return model_wrong("memory was given back twice, or written outside of");
    }
    return 1;
}

/* The counters, each of which is as wide as a word of the structure's. */
#define SIZES(X)                                                                          \
    X(mapped_bytes) X(peak_mapped_bytes) X(pinned_bytes) X(regions) X(peak_regions)       \
    X(pinned_regions) X(open_files) X(peak_open_files) X(files) X(mapped_files) X(cursors) X(hits)        \
    X(misses) X(maps) X(unmaps) X(evictions) X(opens) X(closes) X(over_limit)             \
    X(limit_failures) X(retries) X(shrunk_maps) X(map_failures) X(open_failures)               \
    X(stale_files) X(truncated_files) X(bypassed_reads) X(admission_rejects) X(prefetches)               \
    X(buffered_regions) X(buffered_bytes) X(buffered) X(fetched_bytes)

static int same_stats(world_t *w, int number)
{
    omanager_t *manager = &w->managers[number];
    smmap_stats_t seen = SMMAP_STATS_INIT;
    int i;
    int j;

    manager->stats.mapped_files = 0;
    for (i = 0; i < FILES; i++) {
        manager->stats.mapped_files +=
            w->files[i].used && w->files[i].manager == number && w->files[i].regions > 0;
    }
    manager->stats.pinned_bytes = 0;
    manager->stats.pinned_regions = 0;
    for (i = 0; i < ALL_CURSORS; i++) {
        const ocursor_t *cursor = &w->cursors[i];
        int first = cursor->used && cursor->region != NONE && cursor->manager == number;

        for (j = 0; first && j < i; j++) {
            first = !w->cursors[j].used || w->cursors[j].region != cursor->region;
        }
        if (first) {
            manager->stats.pinned_regions++;
            manager->stats.pinned_bytes += w->regions[cursor->region].length;
        }
    }
    if (smmap_manager_stats(model_real.managers[number], &seen) != APR_SUCCESS) {
        return model_wrong("there are no statistics");
    }
#define COMPARE(name)                                                                   \
    if (seen.name != manager->stats.name) {                                             \
        return model_wrong("manager %d, " #name ": %lld, expected %lld", number,              \
                     (long long)seen.name, (long long)manager->stats.name);             \
    }
    SIZES(COMPARE)
    return 1;
}

static int same_manager(const world_t *w, int number)
{
    const omanager_t *manager = &w->managers[number];
    smmap_manager_t *it = model_real.managers[number];

    return smmap_manager_mode(it) == manager->mode &&
           smmap_manager_limits(it) == manager->limits &&
           smmap_manager_window_size(it) == manager->window &&
           smmap_manager_max_mapped_bytes(it) == manager->max_bytes &&
           smmap_manager_max_regions(it) == manager->max_regions &&
           smmap_manager_max_open_files(it) == manager->max_files &&
           smmap_manager_mapped_bytes(it) == manager->stats.mapped_bytes &&
           smmap_manager_regions(it) == manager->stats.regions &&
           smmap_manager_open_files(it) == manager->stats.open_files;
}

static smmap_cursor_t *real_cursor(int number)
{
    return number < CURSORS ? model_real.cursors[number]
                            : smmap_buffer_cursor(model_real.buffers[number - CURSORS]);
}

/* Its window, and its first and last byte; deep: all of it, and what else it says. */
static int same_cursor(const world_t *w, int number, int deep)
{
    const ocursor_t *expected = &w->cursors[number];
    const smmap_cursor_t *cursor = real_cursor(number);
    const oregion_t *region;
    const unsigned char *data;

    if (cursor == NULL || smmap_cursor_is_valid(cursor) != (expected->region != NONE) ||
        smmap_cursor_offset(cursor) != expected->offset ||
        smmap_cursor_size(cursor) != expected->size) {
        return model_wrong("cursor %d is at offset %lld with %lld bytes, expected %lld with %lld",
                     number, (long long)smmap_cursor_offset(cursor),
                     (long long)smmap_cursor_size(cursor), (long long)expected->offset,
                     (long long)expected->size);
    }
    if (expected->region != NONE) {
        region = &w->regions[expected->region];
        data = smmap_cursor_at(cursor, region->begin);
        if (smmap_cursor_region_begin(cursor) != region->begin ||
            smmap_cursor_region_size(cursor) != region->length || data == NULL ||
            smmap_cursor_data(cursor) != data + (expected->offset - region->begin) ||
            smmap_cursor_at(cursor, model_region_end(region)) != NULL) {
            return model_wrong("cursor %d is in another region than [%lld, +%lld)", number,
                         (long long)region->begin, (long long)region->length);
        }
        if (!model_disk_shows(region->key, region->begin, data, deep ? region->length : 1) ||
            !model_disk_shows(region->key, model_region_end(region) - 1,
                              data + region->length - 1, 1)) {
            return model_wrong("cursor %d shows other bytes than those of file version %u", number,
                         region->key);
        }
    }
    if (deep) {
        const omanager_t *manager = &w->managers[expected->manager];
        apr_size_t clients = 0;
        const char *path = smmap_cursor_path(cursor);
        int i;

        for (i = 0; i < ALL_CURSORS; i++) {
            clients += expected->region != NONE && w->cursors[i].used &&
                       w->cursors[i].region == expected->region;
        }
        if (smmap_cursor_region_clients(cursor) != clients) {
            return model_wrong("cursor %d: %lld clients, expected %lld", number,
                         (long long)smmap_cursor_region_clients(cursor), (long long)clients);
        }
        if (smmap_cursor_is_associated(cursor) != !manager->closed ||
            smmap_cursor_file_size(cursor) !=
                (manager->closed ? 0 : w->files[expected->file].size)) {
            return model_wrong("cursor %d: file size %lld", number,
                         (long long)smmap_cursor_file_size(cursor));
        }
        if ((path == NULL) != (manager->closed || expected->path == NONE) ||
            (path != NULL && strcmp(path, model_disk_path(expected->path)) != 0)) {
            return model_wrong("cursor %d: its path is %s", number, path != NULL ? path : "none");
        }
        if (smmap_cursor_includes(cursor, expected->offset) != (expected->region != NONE) ||
            smmap_cursor_includes(cursor, expected->offset + (apr_off_t)expected->size)) {
            return model_wrong("cursor %d includes what it does not", number);
        }
    }
    return 1;
}

static int same_world(world_t *w, const operation_t *o)
{
    int i;

    for (i = 0; i < MANAGERS; i++) {
        if (w->managers[i].used && !w->managers[i].closed &&
            (!same_stats(w, i) || (o->kind == DO_CREATE_MANAGER && !same_manager(w, i) &&
                                !model_wrong("manager %d has other limits", i)))) {
            return 0;
        }
    }
    for (i = 0; i < ALL_CURSORS; i++) {
        int touched = i == o->cursor || i == o->other || i == CURSORS + o->buffer ||
                      o->kind == DO_LOOK || o->kind == DO_CLEAR_POOL;

        if (w->cursors[i].used && !same_cursor(w, i, touched)) {
            return 0;
        }
    }
    for (i = 0; i < BUFFERS; i++) {
        if (w->buffers[i].used && smmap_buffer_size(model_real.buffers[i]) != w->buffers[i].size) {
            return model_wrong("buffer %d has %lld bytes, expected %lld", i,
                         (long long)smmap_buffer_size(model_real.buffers[i]),
                         (long long)w->buffers[i].size);
        }
    }
    return same_calls(w);
}

int model_compare(world_t *w, const operation_t *o, const outcome_t *expected,
                  const outcome_t *seen, const unsigned char *shown)
{
    return same_outcome(expected, seen) && same_bytes(w, shown) && same_events(w) &&
           same_world(w, o);
}
