/*
 * Each operation is done by the library here, and compared with what the oracle expected.
 * See model.h.
 */
#include "model.h"

#include <apr_general.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_memory.h"

#define ROOM ((apr_size_t)4 << 20)

static world_t world;
static world_t before; /* the operation that is being done */

static smmap_manager_t *managers[MANAGERS];
static smmap_cursor_t *cursors[CURSORS];
static smmap_buffer_t *buffers[BUFFERS];
static apr_pool_t *pools[POOLS];
static unsigned char *room;

static apr_size_t old_blocks; /* of memory, before the sequence */

static char complaint[1000];
static apr_uint64_t tally[KINDS];

const char *model_complaint(void)
{
    return complaint;
}

const apr_uint64_t *model_tally(void)
{
    return tally;
}

static int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keep the first complaint. Always 0. */
static int wrong(const char *format, ...)
{
    va_list arguments;

    if (complaint[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(complaint, sizeof complaint, format, arguments);
        va_end(arguments);
    }
    return 0;
}

/* What the library does. */

static apr_status_t open_handle(const operation_t *o)
{
    int fd = -1;
    apr_status_t status;

    if (o->choice != 2) {
        fd = open(model_disk_path(o->path), (o->choice == 1 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    }
    status = smmap_cursor_open_handle(&cursors[o->cursor], managers[o->manager], fd,
                                      pools[o->pool]);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* Arguments that are none. All of them answer APR_EINVAL and change nothing. */
static apr_status_t do_wrong(const operation_t *o)
{
    smmap_manager_t *manager = managers[o->manager];
    smmap_cursor_t *cursor = cursors[o->cursor];
    smmap_buffer_t *buffer = o->buffer != NONE ? buffers[o->buffer] : NULL;
    const unsigned char *data;
    smmap_cursor_t *made;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_size_t number;
    unsigned char byte;

    switch (o->choice % 20) {
    case 0:
        return smmap_manager_create(NULL, NULL, pools[0]);
    case 1:
        return smmap_manager_create(&manager, NULL, NULL);
    case 2:
        return smmap_manager_collect(NULL, &number);
    case 3:
        stats.struct_size--;
        return smmap_manager_stats(manager, &stats);
    case 4:
        return smmap_cursor_open(&made, manager, "", pools[0]);
    case 5:
        return smmap_cursor_open(&made, NULL, model_disk_path(0), pools[0]);
    case 6:
        return smmap_cursor_open_handle(&made, manager, 0, NULL);
    case 7:
        return smmap_cursor_use(NULL, 0, 0);
    case 8:
        return smmap_cursor_require(NULL, 0, 1);
    case 9:
        return smmap_cursor_read(cursor, 0, NULL, 1, &number);
    case 10:
        return smmap_cursor_read(NULL, 0, &byte, 1, &number);
    case 11:
        return smmap_cursor_copy(NULL, cursor, pools[0]);
    case 12:
        return smmap_cursor_assign(cursor, NULL);
    case 13:
        return smmap_cursor_refresh(NULL);
    case 14:
        return smmap_cursor_hint(NULL, SMMAP_ACCESS_NORMAL);
    case 15:
        return smmap_buffer_create(NULL, cursor, 0, 1, pools[0]);
    case 16:
        return smmap_buffer_byte(buffer, 0, NULL);
    case 17:
        return smmap_buffer_read(buffer, 0, NULL, 1, &number);
    case 18:
        return smmap_buffer_slice(buffer, 0, 0, &data);
    default:
        return smmap_buffer_begin_access(NULL, cursor, 0, 1);
    }
}

static apr_status_t create_buffer(const operation_t *o)
{
    smmap_cursor_t *cursor = o->cursor != NONE ? cursors[o->cursor] : NULL;

    if (o->kind == DO_BUFFER_CREATE) {
        return smmap_buffer_create(&buffers[o->buffer], cursor, o->offset, o->size,
                                   pools[o->pool]);
    }
    return smmap_buffer_begin_access(buffers[o->buffer], cursor, o->offset, o->size);
}

static void give_order(const operation_t *o)
{
    if (o->kind == DO_FAULT_NONE) {
        fake_fail_none();
        model_stat_fail_none();
    } else if (o->choice == CALL_STAT) {
        model_stat_fail(o->which, o->forever, o->status);
    } else if (o->forever) {
        fake_fail_from((fake_call_t)o->choice, o->which, o->status);
    } else {
        fake_fail((fake_call_t)o->choice, o->which, o->status);
    }
}

/* shown: where the bytes are that were got. */
static void perform(const operation_t *o, outcome_t *seen, const unsigned char **shown)
{
    smmap_cursor_t *cursor =
        o->cursor != NONE && o->cursor < CURSORS ? cursors[o->cursor] : NULL;
    smmap_buffer_t *buffer = o->buffer != NONE ? buffers[o->buffer] : NULL;
    apr_size_t size = (apr_size_t)o->size;
    apr_status_t status = APR_SUCCESS;

    seen->number = 0;
    *shown = room;
    switch (o->kind) {
    case DO_CREATE_MANAGER:
        status = smmap_manager_create(&managers[o->manager], &o->options, pools[o->pool]);
        break;
    case DO_DESTROY_MANAGER:
        status = smmap_manager_destroy(managers[o->manager]);
        break;
    case DO_COLLECT:
        status = smmap_manager_collect(managers[o->manager], &seen->number);
        break;
    case DO_OPEN:
        status = smmap_cursor_open(&cursors[o->cursor], managers[o->manager],
                                   model_disk_path(o->path), pools[o->pool]);
        break;
    case DO_OPEN_HANDLE:
        status = open_handle(o);
        break;
    case DO_COPY:
        status = smmap_cursor_copy(&cursors[o->cursor], cursors[o->other], pools[o->pool]);
        break;
    case DO_ASSIGN:
        status = smmap_cursor_assign(cursor, cursors[o->other]);
        break;
    case DO_CLOSE:
        smmap_cursor_close(cursor);
        break;
    case DO_RELEASE:
        smmap_cursor_release(cursor);
        break;
    case DO_USE:
        status = smmap_cursor_use(cursor, o->offset, size);
        break;
    case DO_REQUIRE:
        status = smmap_cursor_require(cursor, o->offset, size);
        break;
    case DO_READ:
        status = smmap_cursor_read(cursor, o->offset, room, size, &seen->number);
        break;
    case DO_REFRESH:
        status = smmap_cursor_refresh(cursor);
        break;
    case DO_HINT:
        status = smmap_cursor_hint(cursor, (smmap_access_t)o->choice);
        break;
    case DO_ADVISE:
        status = smmap_cursor_advise(cursor, o->offset, o->size, (smmap_advice_t)o->choice);
        break;
    case DO_BUFFER_CREATE:
    case DO_BUFFER_BEGIN:
        status = create_buffer(o);
        break;
    case DO_BUFFER_END:
        smmap_buffer_end_access(buffer);
        break;
    case DO_BUFFER_BYTE:
        status = smmap_buffer_byte(buffer, o->offset, room);
        seen->number = status == APR_SUCCESS;
        break;
    case DO_BUFFER_READ:
        status = smmap_buffer_read(buffer, o->offset, room, size, &seen->number);
        break;
    case DO_BUFFER_SLICE:
        status = smmap_buffer_slice(buffer, o->offset, size, shown);
        seen->number = status == APR_SUCCESS ? size : 0;
        break;
    case DO_BUFFER_CLOSE:
        smmap_buffer_close(buffer);
        break;
    case DO_CLEAR_POOL:
        apr_pool_clear(pools[o->pool]);
        break;
    case DO_WRONG:
        status = do_wrong(o);
        break;
    case DO_FAULT:
    case DO_FAULT_NONE:
        give_order(o);
        break;
    case DO_FAULT_ABOVE:
        fake_fail_above(size);
        break;
    case DO_FAULT_TOTAL:
        fake_fail_total(size);
        break;
    case DO_BIRTH:
        fake_set_birth(o->size);
        break;
    default:
        break;
    }
    seen->status = status;
}

/* Comparisons. Each returns 1 when all is as expected. */

static int same_outcome(const outcome_t *expected, const outcome_t *seen)
{
    char expected_text[120];
    char seen_text[120];

    if (expected->status != seen->status) {
        return wrong("status %d (%s), expected %d (%s)", (int)seen->status,
                     smmap_strerror(seen->status, seen_text, sizeof seen_text),
                     (int)expected->status,
                     smmap_strerror(expected->status, expected_text, sizeof expected_text));
    }
    if (expected->number != seen->number) {
        return wrong("%lld bytes or regions, expected %lld", (long long)seen->number,
                     (long long)expected->number);
    }
    return 1;
}

static int same_bytes(const unsigned char *data)
{
    int i;

    for (i = 0; i < world.piece_count; i++) {
        const piece_t *piece = &world.pieces[i];

        if (!model_disk_shows(piece->key, piece->offset, data, piece->length)) {
            return wrong("other bytes than those of file version %u at offset %lld, %lld long",
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
    return wrong("%s: offset %lld of file %lld, %lld bytes, %s", what, (long long)event->offset,
                 (long long)event->file, (long long)event->length,
                 event->mapped ? "mapped" : "unmapped");
}

/* Between two mappings the order of what was unmapped does not matter. */
static int same_events(void)
{
    static unsigned char used[EVENTS];
    const int count = (int)fake_event_count();
    int from = 0; /* where the unmappings since the last mapping begin */
    int i;
    int j;

    memset(used, 0, sizeof used);
    for (i = 0; i < world.event_count; i++) {
        const fake_event_t *expected = &world.events[i];
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
    if (count > world.event_count) {
        fake_event_t more = fake_event((apr_size_t)world.event_count);

        return complain_event("one event more than expected, perhaps", &more);
    }
    return 1;
}

static int same_calls(void)
{
    static const char *const names[] = {"open or dup", "close",       "birth", "map",      "unmap",
                                        "advise",      "file advise", "read",  "residency"};
    int i;

    for (i = 0; i < FAKE_ANY; i++) {
        if (fake_calls((fake_call_t)i) != world.faults[i].calls) {
            return wrong("calls of %s: %lld, expected %lld", names[i],
                         (long long)fake_calls((fake_call_t)i), (long long)world.faults[i].calls);
        }
    }
    if (model_stat_calls() != world.faults[CALL_STAT].calls) {
        return wrong("measurements: %lld, expected %lld", (long long)model_stat_calls(),
                     (long long)world.faults[CALL_STAT].calls);
    }
    if (fake_live_mappings() != world.live_mappings || fake_live_bytes() != world.live_bytes ||
        fake_live_handles() != world.live_handles) {
        return wrong("live mappings, bytes, handles: %lld %lld %lld, expected %lld %lld %lld",
                     (long long)fake_live_mappings(), (long long)fake_live_bytes(),
                     (long long)fake_live_handles(), (long long)world.live_mappings,
                     (long long)world.live_bytes, (long long)world.live_handles);
    }
    if (fake_misuses() != 0) {
        return wrong("%s", fake_misuse());
    }
    if (fake_memory_misuses() != 0) {
        return wrong("memory was given back twice, or written outside of");
    }
    return 1;
}

/* The counters, each of which is as wide as a word of the structure's. */
#define SIZES(X)                                                                          \
    X(mapped_bytes) X(peak_mapped_bytes) X(pinned_bytes) X(regions) X(peak_regions)       \
    X(pinned_regions) X(open_files) X(peak_open_files) X(files) X(cursors) X(hits)        \
    X(misses) X(maps) X(unmaps) X(evictions) X(opens) X(closes) X(over_limit)             \
    X(limit_failures) X(retries) X(halved) X(map_failures) X(open_failures)               \
    X(stale_files) X(truncated_files) X(direct_reads) X(denied) X(prefetches)

static int same_stats(int number)
{
    omanager_t *manager = &world.managers[number];
    smmap_stats_t seen = SMMAP_STATS_INIT;
    int i;
    int j;

    manager->stats.pinned_bytes = 0;
    manager->stats.pinned_regions = 0;
    for (i = 0; i < ALL_CURSORS; i++) {
        const ocursor_t *cursor = &world.cursors[i];
        int first = cursor->used && cursor->region != NONE && cursor->manager == number;

        for (j = 0; first && j < i; j++) {
            first = !world.cursors[j].used || world.cursors[j].region != cursor->region;
        }
        if (first) {
            manager->stats.pinned_regions++;
            manager->stats.pinned_bytes += world.regions[cursor->region].length;
        }
    }
    if (smmap_manager_stats(managers[number], &seen) != APR_SUCCESS) {
        return wrong("there are no statistics");
    }
#define COMPARE(name)                                                                   \
    if (seen.name != manager->stats.name) {                                             \
        return wrong("manager %d, " #name ": %lld, expected %lld", number,              \
                     (long long)seen.name, (long long)manager->stats.name);             \
    }
    SIZES(COMPARE)
    return 1;
}

static int same_manager(int number)
{
    const omanager_t *manager = &world.managers[number];
    smmap_manager_t *it = managers[number];

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
    return number < CURSORS ? cursors[number] : smmap_buffer_cursor(buffers[number - CURSORS]);
}

/* Its window, and its first and last byte; deep: all of it, and what else it says. */
static int same_cursor(int number, int deep)
{
    const ocursor_t *expected = &world.cursors[number];
    const smmap_cursor_t *cursor = real_cursor(number);
    const oregion_t *region;
    const unsigned char *data;

    if (cursor == NULL || smmap_cursor_is_valid(cursor) != (expected->region != NONE) ||
        smmap_cursor_offset(cursor) != expected->offset ||
        smmap_cursor_size(cursor) != expected->size) {
        return wrong("cursor %d is at offset %lld with %lld bytes, expected %lld with %lld",
                     number, (long long)smmap_cursor_offset(cursor),
                     (long long)smmap_cursor_size(cursor), (long long)expected->offset,
                     (long long)expected->size);
    }
    if (expected->region != NONE) {
        region = &world.regions[expected->region];
        data = smmap_cursor_at(cursor, region->begin);
        if (smmap_cursor_region_begin(cursor) != region->begin ||
            smmap_cursor_region_size(cursor) != region->length || data == NULL ||
            smmap_cursor_data(cursor) != data + (expected->offset - region->begin) ||
            smmap_cursor_at(cursor, model_region_end(region)) != NULL) {
            return wrong("cursor %d is in another region than [%lld, +%lld)", number,
                         (long long)region->begin, (long long)region->length);
        }
        if (!model_disk_shows(region->key, region->begin, data, deep ? region->length : 1) ||
            !model_disk_shows(region->key, model_region_end(region) - 1,
                              data + region->length - 1, 1)) {
            return wrong("cursor %d shows other bytes than those of file version %u", number,
                         region->key);
        }
    }
    if (deep) {
        const omanager_t *manager = &world.managers[expected->manager];
        apr_size_t clients = 0;
        const char *path = smmap_cursor_path(cursor);
        int i;

        for (i = 0; i < ALL_CURSORS; i++) {
            clients += expected->region != NONE && world.cursors[i].used &&
                       world.cursors[i].region == expected->region;
        }
        if (smmap_cursor_region_clients(cursor) != clients) {
            return wrong("cursor %d: %lld clients, expected %lld", number,
                         (long long)smmap_cursor_region_clients(cursor), (long long)clients);
        }
        if (smmap_cursor_is_associated(cursor) != !manager->closed ||
            smmap_cursor_file_size(cursor) !=
                (manager->closed ? 0 : world.files[expected->file].size)) {
            return wrong("cursor %d: file size %lld", number,
                         (long long)smmap_cursor_file_size(cursor));
        }
        if ((path == NULL) != (manager->closed || expected->path == NONE) ||
            (path != NULL && strcmp(path, model_disk_path(expected->path)) != 0)) {
            return wrong("cursor %d: its path is %s", number, path != NULL ? path : "none");
        }
        if (smmap_cursor_includes(cursor, expected->offset) != (expected->region != NONE) ||
            smmap_cursor_includes(cursor, expected->offset + (apr_off_t)expected->size)) {
            return wrong("cursor %d includes what it does not", number);
        }
    }
    return 1;
}

static int same_world(const operation_t *o)
{
    int i;

    for (i = 0; i < MANAGERS; i++) {
        if (world.managers[i].used && !world.managers[i].closed &&
            (!same_stats(i) || (o->kind == DO_CREATE_MANAGER && !same_manager(i) &&
                                !wrong("manager %d has other limits", i)))) {
            return 0;
        }
    }
    for (i = 0; i < ALL_CURSORS; i++) {
        int touched = i == o->cursor || i == o->other || i == CURSORS + o->buffer ||
                      o->kind == DO_LOOK || o->kind == DO_CLEAR_POOL;

        if (world.cursors[i].used && !same_cursor(i, touched)) {
            return 0;
        }
    }
    for (i = 0; i < BUFFERS; i++) {
        if (world.buffers[i].used && smmap_buffer_size(buffers[i]) != world.buffers[i].size) {
            return wrong("buffer %d has %lld bytes, expected %lld", i,
                         (long long)smmap_buffer_size(buffers[i]),
                         (long long)world.buffers[i].size);
        }
    }
    return same_calls();
}

/* Expect, with one of the allocations failing (0: none), and compare. */
static int explains(const operation_t *o, const outcome_t *seen, const unsigned char *shown,
                    unsigned fails)
{
    outcome_t expected;

    world.allocation = 0;
    world.allocation_fails = fails;
    world.event_count = 0;
    world.piece_count = 0;
    model_expect(&world, o, &expected);
    if (world.overflow) {
        return wrong("a table of the model is too small");
    }
    return same_outcome(&expected, seen) && same_bytes(shown) && same_events() && same_world(o);
}

/* An allocation failed; which one, so that it explains what was seen? One that changes nothing
   is tried last, as some leave no trace at first. */
static int explains_failure(const operation_t *o, const outcome_t *seen,
                            const unsigned char *shown)
{
    unsigned fails = 1;
    int good;

    do {
        world = before;
        complaint[0] = '\0';
        good = explains(o, seen, shown, fails);
    } while (!good && world.allocation >= fails++);
    return good;
}

static int step(const operation_t *o)
{
    const unsigned char *shown;
    outcome_t seen;
    apr_size_t failed = fake_memory_failed();
    int good;

    tally[o->kind]++;
    if (o->kind >= DO_FILE_MAKE && o->kind <= DO_FILE_DIRECTORY) {
        model_disk_do(&world, o);
        return 1;
    }
    fake_events_clear();
    if (o->allocation != 0) {
        before = world;
        fake_memory_fail(o->allocation);
    }
    perform(o, &seen, &shown);
    fake_memory_fail_none();
    if (fake_memory_failed() == failed) {
        good = explains(o, &seen, shown, 0);
    } else {
        good = explains_failure(o, &seen, shown);
    }
    return good;
}

/* Everything goes, the pools one after the other, and nothing must be left. */
static int finish(unsigned order)
{
    operation_t clear;
    int i;

    memset(&clear, 0, sizeof clear);
    clear.kind = DO_FAULT_NONE;
    clear.cursor = clear.other = clear.buffer = NONE;
    if (!step(&clear)) {
        return 0;
    }
    clear.kind = DO_CLEAR_POOL;
    for (i = 0; i < POOLS; i++) {
        clear.pool = (int)(order + (unsigned)i) % POOLS;
        if (!step(&clear)) {
            return 0;
        }
    }
    if (world.live_handles != 0) {
        return wrong("the oracle itself has handles left"); /* a fault of the model */
    }
    for (i = 0; i < REGIONS; i++) {
        if (world.regions[i].used) {
            return wrong("the oracle itself has regions left");
        }
    }
    if (fake_memory_blocks() != old_blocks) {
        return wrong("%lld blocks of memory are left",
                     (long long)(fake_memory_blocks() - old_blocks));
    }
    if (fake_memory_pools() != 0) {
        return wrong("a pool is left");
    }
    return 1;
}

static void start(void)
{
    int i;

    memset(&world, 0, sizeof world);
    for (i = 0; i < ALL_CURSORS; i++) {
        world.cursors[i].region = NONE;
    }
    complaint[0] = '\0';
    model_disk_clear();
    model_stat_reset();
    fake_reset();
    fake_memory_reset();
    /* A manager that could not unmap a window to its end leaves it behind. */
    world.live_mappings = fake_live_mappings();
    world.live_bytes = fake_live_bytes();
    world.live_handles = fake_live_handles();
    old_blocks = fake_memory_blocks();
}

int model_run(const unsigned char *bytes, apr_size_t size, int verbose)
{
    unsigned char record[RECORD] = {0};
    operation_t operation;
    operation_t files[3];
    apr_size_t at = RECORD;
    int number = 1;
    int good = 1;
    int i;

    start();
    memcpy(record, bytes, size < RECORD ? size : RECORD);
    model_decode_first(&world, record, files);
    fake_set_granularity(world.granularity);
    if (verbose) {
        printf("  granularity %lld\n", (long long)world.granularity);
    }
    for (i = 0; i < 3; i++) {
        if (verbose) {
            model_print(&files[i], 0);
        }
        model_disk_do(&world, &files[i]);
    }
    for (i = 0; i < POOLS; i++) {
        if (apr_pool_create(&pools[i], NULL) != APR_SUCCESS) {
            abort();
        }
    }
    for (; good && size >= at + RECORD; at += RECORD) {
        model_decode(&world, bytes + at, &operation);
        if (verbose) {
            model_print(&operation, number);
        }
        good = step(&operation);
        if (!good) {
            apr_size_t length = strlen(complaint);

            snprintf(complaint + length, sizeof complaint - length, " (operation %d, %s)", number,
                     model_kind_name(operation.kind));
        }
        number++;
    }
    if (good) {
        good = finish(record[0] / 64u);
    }
    if (good) {
        for (i = 0; i < POOLS; i++) {
            apr_pool_destroy(pools[i]);
        }
    }
    return good;
}

int model_begin(void)
{
    if (apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "model: cannot start APR\n");
        return 0;
    }
    room = malloc(ROOM);
    if (room == NULL) {
        fprintf(stderr, "model: out of memory\n");
        return 0;
    }
    return model_disk_begin();
}

void model_end(void)
{
    model_disk_end();
    free(room);
    apr_terminate();
}
