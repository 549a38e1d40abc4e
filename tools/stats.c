/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --stats: what the manager counted, and the limits it kept to.
 *
 * It goes to standard error, so that it does not mix with the output of the
 * command. Each counter has the name that it has in smmap/manager.h.
 */
#include "cli/size.h"
#include "tools/tool.h"

typedef struct counter_t {
    const char *name;
    apr_uint64_t value;
    int is_size; /* 1: bytes, which are printed for people too */
} counter_t;

static void print_counters(console_t *console, const counter_t *counters, apr_size_t count)
{
    char text[SIZE_TEXT];
    apr_size_t i;

    for (i = 0; i < count; i++) {
        if (counters[i].is_size) {
            console_error(console, "  %-18s %14" APR_UINT64_T_FMT "  (%s)\n", counters[i].name,
                          counters[i].value, size_format(counters[i].value, text));
        } else {
            console_error(console, "  %-18s %14" APR_UINT64_T_FMT "\n", counters[i].name,
                          counters[i].value);
        }
    }
}

void tool_stats_print(const tool_t *tool)
{
    smmap_manager_t *manager = tool->manager;
    console_t *console = tool->console;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_status_t status = smmap_manager_stats(manager, &stats);
    const counter_t counters[] = {{"mapped_bytes", stats.mapped_bytes, 1},
                                  {"peak_mapped_bytes", stats.peak_mapped_bytes, 1},
                                  {"pinned_bytes", stats.pinned_bytes, 1},
                                  {"buffered_bytes", stats.buffered_bytes, 1},
                                  {"regions", stats.regions, 0},
                                  {"peak_regions", stats.peak_regions, 0},
                                  {"pinned_regions", stats.pinned_regions, 0},
                                  {"buffered_regions", stats.buffered_regions, 0},
                                  {"open_files", stats.open_files, 0},
                                  {"peak_open_files", stats.peak_open_files, 0},
                                  {"files", stats.files, 0},
                                  {"mapped_files", stats.mapped_files, 0},
                                  {"cursors", stats.cursors, 0},
                                  {"hits", stats.hits, 0},
                                  {"misses", stats.misses, 0},
                                  {"maps", stats.maps, 0},
                                  {"unmaps", stats.unmaps, 0},
                                  {"evictions", stats.evictions, 0},
                                  {"bypassed_reads", stats.bypassed_reads, 0},
                                  {"admission_rejects", stats.admission_rejects, 0},
                                  {"fetched_bytes", stats.fetched_bytes, 0},
                                  {"prefetches", stats.prefetches, 0},
                                  {"buffered", stats.buffered, 0},
                                  {"faults", stats.faults, 0},
                                  {"opens", stats.opens, 0},
                                  {"closes", stats.closes, 0},
                                  {"over_limit", stats.over_limit, 0},
                                  {"limit_failures", stats.limit_failures, 0},
                                  {"retries", stats.retries, 0},
                                  {"shrunk_maps", stats.shrunk_maps, 0},
                                  {"map_failures", stats.map_failures, 0},
                                  {"open_failures", stats.open_failures, 0},
                                  {"stale_files", stats.stale_files, 0},
                                  {"truncated_files", stats.truncated_files, 0},
                                  {"trace_failures", stats.trace_failures, 0}};
    tool_limit_t limits[TOOL_LIMITS_MOST];
    int count;
    int i;
    char text[SIZE_TEXT];
    char reason[256];

    if (status != APR_SUCCESS) {
        console_error(console, "smmap: no statistics: %s\n",
                      smmap_strerror(status, reason, sizeof(reason)));
        return;
    }
    console_error(console, "mode: %s\n",
                  smmap_manager_mode(manager) == SMMAP_MODE_STATIC ? "static" : "sliding");
    console_error(console, "limits: %s\n",
                  smmap_manager_limits(manager) == SMMAP_LIMITS_HARD ? "hard" : "soft");
    count = tool_limits(tool, limits);
    for (i = 0; i < count; i++) {
        console_error(console, "  %-18s %14s  (%s)\n", limits[i].name,
                      tool_limit_format(&limits[i], text), limits[i].from);
    }
    console_error(console, "statistics:\n");
    print_counters(console, counters, sizeof(counters) / sizeof(counters[0]));
}
