/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accounts of the chaos program: what a lap must have left, and the counts of a scenario.
 */
#include "chaos.h"

#include <stdio.h>
#include <string.h>

/* No cursor is left. The counters are those of the backend, and go back to nothing. */
void chaos_settle(void)
{
    smmap_stats_t stats = stress_stats();
    stress_truth_t truth = truth_now();

    stress_agree(&stats, &truth);
    stress_equal("failures to map", stats.map_failures, 0);
    stress_equal("files read into memory", stats.buffered, 0);
    if (stress.options.limits == SMMAP_LIMITS_HARD) {
        stress_equal("limits that were passed", stats.over_limit, 0);
        stress_most("bytes mapped at the peak", truth.peak_bytes, stress.options.max_mapped_bytes);
        stress_most("regions at the peak", truth.peak_mappings, stress.options.max_regions);
        stress_most("handles at the peak", truth.peak_handles, stress.options.max_open_files);
    }
    chaos.faults += stats.faults;
    chaos.evictions += stats.evictions;
    chaos.reopened += stats.opens;
    stress_end();
}

void chaos_clear(void)
{
    unsigned i;

    memset(&stress.sums, 0, sizeof stress.sums);
    atomic_store(&stress.bad, 0);
    chaos.faults = 0;
    chaos.evictions = 0;
    chaos.reopened = 0;
    atomic_store(&chaos.opens, 0);
    atomic_store(&chaos.bytes, 0);
    for (i = 0; i < OUTCOME_KINDS; i++) {
        atomic_store(&chaos.outcomes[i], 0);
    }
    for (i = 0; i < WRECK_KINDS; i++) {
        atomic_store(&chaos.shared->wrecks[i], 0);
    }
}

void chaos_print(const char *name, apr_uint64_t laps)
{
    static const char *const wrecks[] = {"cuts",      "grows",         "replaced",
                                         "replaced alike", "deleted", "recreated",
                                         "recreated alike"};
    static const char *const outcomes[] = {"done",  "eof",    "truncated", "fault",
                                           "stale", "absent", "limit"};
    unsigned i;

    printf("%-14s %s: %llu laps, %llu calls, %llu cursors, %llu bytes looked at, %llu faults, "
           "%llu evicted, %llu handles opened;",
           name, atomic_load(&stress.bad) == 0 ? "passed" : "FAILED", (unsigned long long)laps,
           (unsigned long long)stress.sums.steps, (unsigned long long)atomic_load(&chaos.opens),
           (unsigned long long)atomic_load(&chaos.bytes), (unsigned long long)chaos.faults,
           (unsigned long long)chaos.evictions, (unsigned long long)chaos.reopened);
    for (i = 0; i < OUTCOME_KINDS; i++) {
        printf("%s %llu %s", i > 0 ? "," : " statuses:",
               (unsigned long long)atomic_load(&chaos.outcomes[i]), outcomes[i]);
    }
    for (i = 0; i < WRECK_KINDS; i++) {
        printf("%s %llu %s", i > 0 ? "," : "; files:",
               (unsigned long long)atomic_load(&chaos.shared->wrecks[i]), wrecks[i]);
    }
    printf("\n");
}
