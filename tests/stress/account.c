/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accounts of a lap: what the statistics must say when its work is done, and that nothing
 * is left of it. See stress.h.
 */
#include "stress.h"

#include "tests/fake/memory.h"

void stress_agree(const smmap_stats_t *stats, const stress_truth_t *truth)
{
    stress_equal("cursors that are left", stats->cursors, 0);
    stress_equal("regions pinned at the end", stats->pinned_regions, 0);
    stress_equal("bytes pinned at the end", stats->pinned_bytes, 0);
    stress_equal("bytes mapped, as counted", stats->mapped_bytes, truth->bytes);
    stress_equal("regions, as counted", stats->regions, truth->mappings);
    stress_equal("open files, as counted", stats->open_files, truth->handles);
    stress_equal("maps less unmaps", stats->maps - stats->unmaps, stats->regions);
    stress_equal("opens less closes", stats->opens - stats->closes, stats->open_files);
}

void stress_end(void)
{
    smmap_stats_t stats;
    apr_status_t status = smmap_manager_collect(stress.manager, NULL);

    if (status != APR_SUCCESS) {
        stress_bad("collect at the end: status %d", (int)status);
    }
    stats = stress_stats();
    stress_equal("bytes mapped at the end", stats.mapped_bytes, 0);
    stress_equal("regions at the end", stats.regions, 0);
    stress_equal("unmaps at the end", stats.unmaps, stats.maps);
    stress_equal("files at the end", stats.files, 0);
    stress_equal("open files at the end", stats.open_files, 0);
    stress_equal("closes at the end", stats.closes, stats.opens);
    status = smmap_manager_destroy(stress.manager);
    if (status != APR_SUCCESS) {
        stress_bad("destroying the manager: status %d", (int)status);
    }
}

void stress_settle(const stress_worker_t *total)
{
    smmap_stats_t stats = stress_stats();
    stress_truth_t truth = truth_now();

    stress_agree(&stats, &truth);
    stress_equal("maps of the backend", truth.maps, stats.maps);
    if (stats.hits + stats.misses < total->moves ||
        stats.hits + stats.misses > total->moves + total->perhaps) {
        stress_bad("%llu hits and %llu misses in %llu to %llu moves",
                   (unsigned long long)stats.hits, (unsigned long long)stats.misses,
                   (unsigned long long)total->moves,
                   (unsigned long long)(total->moves + total->perhaps));
    }
    stress_equal("calls that were refused", stats.limit_failures, total->refused);
    stress_equal("stale files", stats.stale_files, 0);
    if (!stress.files_shrink) {
        stress_equal("truncated files", stats.truncated_files, 0);
    }
    stress_equal("failures to open", stats.open_failures, 0);
    stress_equal("failures to map", stats.map_failures, 0);
    if (stress.options.limits == SMMAP_LIMITS_HARD) {
        stress_equal("limits that were passed", stats.over_limit, 0);
    }
    stress.sums.hits += stats.hits;
    stress.sums.misses += stats.misses;
    stress.sums.evictions += stats.evictions;
    stress.sums.bypassed_reads += stats.bypassed_reads;
    stress.sums.opens += stats.opens;
    stress.sums.maps += stats.maps;
    stress_end();
}

void stress_nothing_left(const leftover_t *before)
{
    const stress_truth_t truth = truth_now();
    const leftover_t after = leftover_now();

    stress_equal("mappings that are left", truth.mappings, 0);
    stress_equal("bytes mapped that are left", truth.bytes, 0);
    stress_equal("handles that are left", truth.handles, 0);
    stress_equal("memory that is left", fake_memory_blocks(), 0);
    stress_equal("pools that are left", fake_memory_pools(), 0);
    stress_equal("blocks of memory that were misused", fake_memory_misuses(), 0);
    stress_equal("descriptors of the process", after.descriptors, before->descriptors);
    stress_equal("mappings of deleted files", after.deleted, before->deleted);
    stress_equal("mappings of files", after.mappings, before->mappings);
    if (truth.misuse != NULL) {
        stress_bad("the backend: %s", truth.misuse);
    }
}
