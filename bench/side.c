/*
 * A contender made ready for a job.
 *
 * Before anything is measured, each side has touched the pages it keeps mapped, has the
 * windows that the workload is about, and has shown bytes from all over the file,
 * which are compared one by one. A side that cannot do that is skipped, with the
 * reason, and the others go on.
 */
#include <apr_strings.h>

#include "bench/loop.h"
#include "bench/platform.h"

/* Places in the file that each contender has to show. */
#define PLACES 64

const char *bench_side_reason(bench_side_t *side, const char *text, apr_status_t status)
{
    char reason[256];

    return apr_pstrcat(side->job->pool, text, ": ", smmap_strerror(status, reason, sizeof(reason)),
                       NULL);
}

/* The bytes that the accesses of a job go to: [begin, begin + this). */
static apr_uint64_t range_of(const bench_job_t *job)
{
    switch (job->workload->kind) {
    case BENCH_BYTES:
    case BENCH_RANDOM:
        return job->windows * job->window_size;
    case BENCH_STREAM:
        return job->pattern.length;
    default:
        return (apr_uint64_t)job->data->size;
    }
}

/* Have every page known to this process. */
static const char *touch(bench_side_t *side)
{
    bench_lane_t *lane = &side->lanes[0];
    apr_off_t end = side->job->pattern.begin + (apr_off_t)range_of(side->job);
    apr_off_t at = side->job->pattern.begin;
    volatile unsigned char last = 0;

    while (at < end) {
        apr_size_t page = smmap_page_size();
        apr_size_t got;
        apr_size_t done;
        apr_size_t most =
            end - at < ((apr_off_t)1 << 30) ? (apr_size_t)(end - at) : (apr_size_t)1 << 30;
        const unsigned char *data = side->contender->extent(lane, at, most, &got);

        if (data == NULL) {
            return bench_side_reason(side, "the windows cannot all be mapped", lane->status);
        }
        for (done = 0; done < got; done += page) {
            last = data[done];
        }
        at += (apr_off_t)got;
    }
    (void)last;
    return NULL;
}

/* Compare bytes at places all over the file. 0: some are wrong. */
static int show_places(bench_side_t *side)
{
    bench_lane_t *lane = &side->lanes[0];
    const bench_data_t *data = side->job->data;
    apr_uint64_t range = range_of(side->job);
    apr_uint64_t i;

    for (i = 0; i < PLACES; i++) {
        /* The last place is the last byte. */
        apr_uint64_t at = i + 1 < PLACES ? bench_hash(i + 1) % range : range - 1;
        apr_off_t offset = side->job->pattern.begin + (apr_off_t)at;
        apr_uint64_t left = range - at;
        apr_size_t got;
        const unsigned char *bytes = side->contender->extent(
            lane, offset, left < BENCH_BLOCK ? (apr_size_t)left : BENCH_BLOCK, &got);

        if (bytes == NULL || !bench_expect_bytes(data, offset, bytes, got)) {
            return 0;
        }
    }
    return 1;
}

/* So many misses that each window is one that was evicted before. */
static const char *fill_windows(bench_side_t *side)
{
    bench_lane_t *lane = &side->lanes[0];
    const bench_job_t *job = side->job;
    bench_counts_t counts = {0, 0, 0, 0, 0, 0};

    while (lane->next < job->pattern.wrap) {
        apr_uint64_t part = job->pattern.wrap - lane->next;
        apr_status_t status;

        part = part < 1000 ? part : 1000;
        status = side->contender->loops[BENCH_MISS](lane, lane->next, part);
        if (status != APR_SUCCESS) {
            return bench_side_reason(side, "the windows cannot all be mapped", status);
        }
        lane->next += part;
        if (!bench_progress_at(job->bench, side->contender->name)) {
            return "interrupted";
        }
        if (side->contender->count != NULL) {
            side->contender->count(side, &counts);
            if (counts.evictions > 0 && lane->next < job->windows) {
                break; /* the system did not let it go on; see check_windows() */
            }
        }
    }
    return NULL;
}

/* Are there the windows that the workload is about? */
static const char *check_windows(bench_side_t *side)
{
    const bench_job_t *job = side->job;
    bench_counts_t counts = {0, 0, 0, 0, 0, 0};
    apr_uint64_t least;

    if (job->windows == 0 || side->contender->count == NULL || side->contender == &bench_static) {
        return NULL;
    }
    side->contender->count(side, &counts);
    /* Where windows are evicted, some more may go than have to. */
    least = job->workload->kind == BENCH_MISS ? job->windows - job->windows / 50 : job->windows;
    if (job->workload->kind == BENCH_MISS && least > 32) {
        least -= 32;
    }
    if (counts.windows >= least) {
        return NULL;
    }
    return apr_psprintf(job->pool,
                        "the system lets this process have %" APR_UINT64_T_FMT
                        " maps of the %" APR_UINT64_T_FMT
                        " that it takes (Linux: sysctl vm.max_map_count)",
                        counts.most_windows, job->windows);
}

static const char *get_ready(bench_side_t *side)
{
    const bench_contender_t *contender = side->contender;
    bench_kind_t kind = side->job->workload->kind;
    const char *skip = contender->open(side);

    if (skip != NULL || side->job->workload->cold) {
        return skip;
    }
    if (kind == BENCH_MISS) {
        if (contender->own_clock && side->job->windows > 20000) {
            return "an eviction looks at each window: filling them would take hours";
        }
        skip = contender->keeps || contender->own_clock ? fill_windows(side) : NULL;
    } else if (contender->keeps && kind != BENCH_FILES) {
        skip = touch(side);
    }
    return skip != NULL ? skip : check_windows(side);
}

void bench_side_open(bench_side_t *side, const bench_job_t *job, const bench_contender_t *contender,
                     int lanes, apr_pool_t *pool)
{
    apr_int64_t huge = bench_platform_huge();
    int i;

    memset(side, 0, sizeof(*side));
    side->contender = contender;
    side->job = job;
    side->huge_bytes = -1;
    if (apr_pool_create(&side->pool, pool) != APR_SUCCESS) {
        side->skip = "out of memory";
        return;
    }
    side->lanes = apr_pcalloc(side->pool, (apr_size_t)lanes * sizeof(*side->lanes));
    side->lane_count = lanes;
    for (i = 0; i < lanes; i++) {
        bench_lane_t *lane = &side->lanes[i];
        unsigned char *memory = apr_pcalloc(side->pool, 2 * BENCH_BLOCK);

        lane->side = side;
        lane->pattern = &job->pattern;
        lane->block = memory + (BENCH_BLOCK - (apr_uintptr_t)memory % BENCH_BLOCK);
        /* Each lane has numbers of its own, so that two threads do not read the same. */
        lane->next = (apr_uint64_t)i << 40;
        if (apr_pool_create_unmanaged_ex(&lane->pool, apr_pool_abort_get(pool), NULL) !=
            APR_SUCCESS) {
            side->skip = "out of memory";
            side->lane_count = i;
            bench_side_close(side);
            return;
        }
    }
    side->skip = get_ready(side);
    if (side->skip == NULL && contender->extent != NULL && job->data != NULL &&
        !job->workload->cold && job->workload->kind != BENCH_MISS && !show_places(side)) {
        side->wrong = 1;
    }
    if (side->skip != NULL) {
        bench_side_close(side);
    } else if (huge >= 0 && contender->keeps) {
        side->huge_bytes = bench_platform_huge() - huge;
    }
}

void bench_side_close(bench_side_t *side)
{
    int i;

    if (side->pool == NULL) {
        return;
    }
    if (side->skip == NULL && side->contender->count != NULL) {
        side->contender->count(side, &side->counts);
    }
    if (side->contender->close != NULL) {
        side->contender->close(side);
    }
    for (i = 0; i < side->lane_count; i++) {
        apr_pool_destroy(side->lanes[i].pool);
    }
    apr_pool_destroy(side->pool);
    side->pool = NULL;
}
