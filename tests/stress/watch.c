/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watch: a thread that takes the statistics all the time while others work
 * under hard limits. At no moment may a limit be passed, nor a counter go back; and
 * what the backend has given out, counted by itself, never passes a limit either.
 *
 * The peaks of the backend are looked at with each sample, so that it is seen early;
 * they lose nothing between two samples.
 */
#include "stress.h"

#include <apr_time.h>

#include <stddef.h>
#include <string.h>

enum { PAUSE = 50 /* microseconds */ };

/* Where in the statistics a counter stands that only grows. */
typedef struct grows_t {
    const char *name;
    size_t at;
} grows_t;

#define GROWS(field) {#field, offsetof(smmap_stats_t, field)}

static const grows_t counters[] = {
    GROWS(hits),           GROWS(misses),        GROWS(maps),         GROWS(unmaps),
    GROWS(evictions),      GROWS(opens),         GROWS(closes),       GROWS(over_limit),
    GROWS(limit_failures), GROWS(retries),       GROWS(shrunk_maps),       GROWS(map_failures),
    GROWS(open_failures),  GROWS(stale_files),   GROWS(truncated_files),
    GROWS(bypassed_reads),   GROWS(admission_rejects),        GROWS(prefetches)};

static atomic_int over;
static apr_uint64_t samples;
static apr_thread_t *watch;

static apr_uint64_t number_at(const smmap_stats_t *stats, size_t at)
{
    apr_uint64_t number;

    memcpy(&number, (const char *)stats + at, sizeof number);
    return number;
}

static void look(const smmap_stats_t *before, const smmap_stats_t *now)
{
    const smmap_options_t *options = &stress.options;
    stress_truth_t truth = truth_now();
    size_t i;

    stress_most("mapped_bytes", now->mapped_bytes, options->max_mapped_bytes);
    stress_most("peak_mapped_bytes", now->peak_mapped_bytes, options->max_mapped_bytes);
    stress_most("regions", now->regions, options->max_regions);
    stress_most("peak_regions", now->peak_regions, options->max_regions);
    stress_most("open_files", now->open_files, options->max_open_files);
    stress_most("peak_open_files", now->peak_open_files, options->max_open_files);
    stress_most("pinned_bytes", now->pinned_bytes, now->mapped_bytes);
    stress_most("pinned_regions", now->pinned_regions, now->regions);
    stress_most("maps less unmaps", now->maps - now->unmaps, now->regions);
    stress_most("opens less closes", now->opens - now->closes, now->open_files);
    stress_most("evictions", now->evictions, now->unmaps);
    stress_most("bytes that the backend had mapped", truth.peak_bytes, options->max_mapped_bytes);
    stress_most("regions that the backend had mapped", truth.peak_mappings, options->max_regions);
    stress_most("handles that the backend had open", truth.peak_handles, options->max_open_files);
    for (i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        if (number_at(now, counters[i].at) < number_at(before, counters[i].at)) {
            stress_bad("the counter %s went back", counters[i].name);
        }
    }
}

static void *APR_THREAD_FUNC watching(apr_thread_t *thread, void *unused)
{
    smmap_stats_t before = SMMAP_STATS_INIT;

    (void)thread;
    (void)unused;
    do {
        smmap_stats_t now = stress_stats();

        look(&before, &now);
        before = now;
        samples++;
        apr_sleep(PAUSE);
    } while (!atomic_load(&over));
    return NULL;
}

void stress_watch_begin(void)
{
    atomic_store(&over, 0);
    samples = 0;
    if (apr_thread_create(&watch, NULL, watching, NULL, stress.pool) != APR_SUCCESS) {
        stress_bad("the watch cannot be started");
        watch = NULL;
    }
}

void stress_watch_end(void)
{
    apr_status_t result;
    smmap_stats_t stats;

    atomic_store(&over, 1);
    if (watch == NULL) {
        return;
    }
    apr_thread_join(&result, watch);
    stats = stress_stats();
    look(&stats, &stats); /* once more when all is quiet: the peaks are final */
    stress.sums.samples += samples;
}

void stress_run_watched(stress_work_t *work)
{
    stress_worker_t total;

    stress_watch_begin();
    total = stress_run(work);
    stress_watch_end();
    stress_equal("calls that a limit refused", total.refused, 0);
    stress_settle(&total);
}
