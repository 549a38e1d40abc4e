/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Misses: of the library, which replays a trace with only so many windows, and of exact LRU,
 * CLOCK and Belady's optimum on the same references.
 *
 * There is one cursor for each file, and at most one of them has a window; so no more is
 * pinned than the other policies would keep anyway.
 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "bench/core/null_backend.h"
#include "bench/core/overhead.h"
#include "bench/core/trace.h"
#include "cli/output.h"

/* Room for windows: a number of them, or a part of all. */
typedef struct cap_t {
    const char *name;
    apr_uint32_t windows;
    apr_uint32_t percent;
} cap_t;

static const cap_t caps[] = {{"2", 2, 0},    {"8", 8, 0},    {"2%", 0, 2},
                             {"10%", 0, 10}, {"30%", 0, 30}, {NULL, 0, 0}};

static apr_uint32_t room_of(const cap_t *cap, apr_uint32_t windows)
{
    return cap->windows != 0 ? cap->windows
                             : (apr_uint32_t)((apr_uint64_t)windows * cap->percent / 100);
}

/* What the library did. */
typedef struct replayed_t {
    apr_uint64_t misses;
    apr_uint64_t peak; /* the most windows there ever were */
    apr_uint64_t made; /* mappings, as the backend counted them */
} replayed_t;

static apr_status_t replay(const trace_t *trace, apr_uint32_t room, const apr_os_file_t *handles,
                           replayed_t *replayed, apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    smmap_cursor_t **cursors = apr_pcalloc(pool, trace->file_count * sizeof(*cursors));
    smmap_cursor_t *last = NULL;
    smmap_manager_t *manager;
    apr_uint64_t made = null_backend_made();
    apr_status_t status;
    apr_uint32_t i;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = trace->window_size;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = room;
    options.max_open_files = SMMAP_UNLIMITED;
    status = smmap_manager_create(&manager, &options, pool);
    for (i = 0; status == APR_SUCCESS && i < trace->file_count; i++) {
        status = smmap_cursor_open_handle(&cursors[i], manager, handles[i], pool);
    }
    for (i = 0; status == APR_SUCCESS && i < trace->list.count; i++) {
        apr_uint32_t window = trace->list.references[i];
        smmap_cursor_t *cursor = cursors[trace->window_file[window]];

        if (last != cursor) {
            smmap_cursor_release(last);
            last = cursor;
        }
        status = smmap_cursor_use(cursor, trace->window_begin[window], 1);
    }
    if (status == APR_SUCCESS) {
        status = smmap_manager_stats(manager, &stats);
    }
    replayed->misses = stats.misses;
    replayed->peak = stats.peak_regions;
    replayed->made = null_backend_made() - made;
    return status;
}

static void print(overhead_t *overhead, const trace_t *trace, const char *cap, apr_uint32_t room,
                  const replayed_t *ours, apr_pool_t *pool)
{
    double lru = (double)policy_lru(&trace->list, room, pool);
    double clock = (double)policy_clock(&trace->list, room, pool);
    double belady = (double)policy_belady(&trace->list, room, pool);
    double misses = (double)ours->misses;
    const char *name = apr_filepath_name_get(trace->name);
    const char *where = apr_psprintf(overhead->pool, "%s, %s", name, cap);

    overhead_print(overhead, "  %-14s %4s %7u %9.0f %9.0f %9.0f %9.0f %8.2f %8.2f\n", name, cap,
                   (unsigned)room, misses, lru, clock, belady, misses / lru, belady / lru);
    if (overhead->markdown != NULL) {
        overhead->markdown = apr_psprintf(
            overhead->pool, "%s| %s | %s | %u | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f |\n",
            overhead->markdown, name, cap, (unsigned)room, misses, lru, clock, belady, misses / lru,
            belady / lru);
    }
    overhead_add(overhead,
                 "\"measure\":\"miss_ratio\",\"trace\":%s,\"cap\":\"%s\",\"room\":%u,"
                 "\"windows\":%u,\"window_size\":%" APR_SIZE_T_FMT
                 ",\"references\":%u,\"misses\":%.0f,\"lru\":%.0f,\"clock\":%.0f,"
                 "\"belady\":%.0f,\"ratio_to_lru\":%.4f,\"ratio_to_clock\":%.4f,"
                 "\"ratio_to_belady\":%.4f,\"peak_windows\":%" APR_UINT64_T_FMT,
                 json_quote(name, pool), cap, (unsigned)room, (unsigned)trace->list.windows,
                 trace->window_size, (unsigned)trace->list.count, misses, lru, clock, belady,
                 misses / lru, misses / clock, misses / belady, ours->peak);
    if (room >= 8) {
        overhead_target(overhead, "misses / exact LRU, any trace, 8 windows or more", 1.03,
                        misses / lru, where);
        if (strcmp(name, "zipf") == 0 || strncmp(name, "hot-", 4) == 0) {
            overhead_target(overhead, "misses / exact LRU, Zipf and hot set with scan", 0.90,
                            misses / lru, where);
        }
    }
}

/* One trace with one cap. */
static int compare(overhead_t *overhead, const trace_t *trace, const cap_t *cap,
                   const apr_os_file_t *handles)
{
    apr_uint32_t room = room_of(cap, trace->list.windows);
    replayed_t ours;
    apr_pool_t *pool;
    apr_status_t status;

    if (room < 1) {
        overhead_print(overhead, "  %-12s %4s  skipped: of %u windows it is less than one\n",
                       apr_filepath_name_get(trace->name), cap->name,
                       (unsigned)trace->list.windows);
        return 1;
    }
    apr_pool_create(&pool, overhead->pool);
    status = replay(trace, room, handles, &ours, pool);
    if (status != APR_SUCCESS) {
        return program_fail(overhead->console, "replaying a trace", status);
    }
    if (ours.made != ours.misses || ours.peak > room) {
        console_error(overhead->console,
                      "%s: %s, room for %u: %" APR_UINT64_T_FMT " misses, but %" APR_UINT64_T_FMT
                      " mappings, at most %" APR_UINT64_T_FMT " at a time\n",
                      program_name, trace->name, (unsigned)room, ours.misses, ours.made, ours.peak);
        return 0;
    }
    print(overhead, trace, cap->name, room, &ours, pool);
    apr_pool_destroy(pool);
    return 1;
}

static int make_files(overhead_t *overhead, const trace_t *trace, apr_os_file_t *handles)
{
    apr_uint32_t i;

    for (i = 0; i < trace->file_count; i++) {
        if (!overhead_hole(overhead, trace->file_sizes[i], &handles[i])) {
            return 0;
        }
    }
    return 1;
}

/* A trace that is made is another one for each cap. */
static int compare_made(overhead_t *overhead, int which)
{
    apr_os_file_t handle = 0;
    int i;

    for (i = 0; caps[i].name != NULL; i++) {
        apr_pool_t *pool;
        trace_t trace;

        apr_pool_create(&pool, overhead->pool);
        trace_make(&trace, which, (apr_uint32_t)overhead->settings->references, 4096,
                   room_of(&caps[i], TRACE_WINDOWS), pool);
        if ((i == 0 && !make_files(overhead, &trace, &handle)) ||
            !compare(overhead, &trace, &caps[i], &handle)) {
            return 0;
        }
        apr_pool_destroy(pool);
    }
    return 1;
}

static int compare_recorded(overhead_t *overhead, const char *path)
{
    apr_os_file_t *handles;
    trace_t trace;
    int i;

    if (!trace_read(&trace, path, (apr_size_t)overhead->settings->window_size, overhead->console,
                    overhead->pool)) {
        return 0;
    }
    handles = apr_palloc(overhead->pool, trace.file_count * sizeof(*handles));
    if (!make_files(overhead, &trace, handles)) {
        return 0;
    }
    for (i = 0; caps[i].name != NULL; i++) {
        if (!compare(overhead, &trace, &caps[i], handles)) {
            return 0;
        }
    }
    return 1;
}

int overhead_ratios(overhead_t *overhead)
{
    const overhead_settings_t *settings = overhead->settings;
    int i;

    overhead_print(overhead, "Misses when only so many windows are kept.\n\n"
                             "  trace           cap windows      ours       LRU     CLOCK    Belady"
                             "    x LRU Belady x\n");
    if (settings->markdown != NULL) {
        overhead->markdown = "| trace | cap | windows | ours | LRU | CLOCK | Belady | ours x LRU | "
                             "Belady x LRU |\n"
                             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    }
    /* These first: what is wrong with one is said before the others take their time. */
    for (i = 0; i < settings->trace_count; i++) {
        if (!compare_recorded(overhead, settings->traces[i])) {
            return 0;
        }
    }
    for (i = 0; i < trace_made_count(); i++) {
        if (!compare_made(overhead, i)) {
            return 0;
        }
    }
    return 1;
}
