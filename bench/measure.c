/*
 * Measuring: all cells of a job in turn, again and again.
 *
 * One repetition measures each cell once, in a fixed order, so that what slows the
 * machine down for a while slows down all of them; ratios are taken within a
 * repetition, and of these the median. A cell runs for a given time, as the
 * clock is coarse and accesses are short; the clock is looked at after a chunk of
 * accesses that takes about a millisecond. What was read is checked after the clock
 * has stopped.
 */
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_proc.h>

#include "bench/loop.h"
#include "bench/measure.h"

/* A chunk takes at least so long, in microseconds. */
#define CHUNK_TIME 1000

/* What the threads of one measurement wait for. */
typedef struct gate_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *opened;
    int open;
    apr_interval_time_t duration;
} gate_t;

/* A lane in its thread. */
typedef struct runner_t {
    bench_lane_t *lane;
    gate_t *gate; /* NULL: start at once */
    apr_interval_time_t duration;
} runner_t;

static void run_lane(bench_lane_t *lane, apr_interval_time_t duration)
{
    bench_side_t *side = lane->side;
    bench_loop_t *loop = side->contender->loops[side->job->workload->kind];
    apr_time_t now;

    lane->first = lane->next;
    lane->sum = 0;
    lane->status = APR_SUCCESS;
    lane->own_nanoseconds = 0;
    lane->began = apr_time_now();
    do {
        apr_status_t status = loop(lane, lane->next, side->chunk);

        if (status != APR_SUCCESS) {
            lane->status = status;
            break;
        }
        lane->next += side->chunk;
        now = apr_time_now();
    } while (now - lane->began < duration);
    lane->ended = apr_time_now();
    lane->count = lane->next - lane->first;
}

static void *APR_THREAD_FUNC thread_main(apr_thread_t *thread, void *data)
{
    runner_t *runner = data;
    gate_t *gate = runner->gate;

    apr_thread_mutex_lock(gate->mutex);
    while (!gate->open) {
        apr_thread_cond_wait(gate->opened, gate->mutex);
    }
    apr_thread_mutex_unlock(gate->mutex);
    run_lane(runner->lane, runner->duration);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_status_t run_threads(bench_side_t *side, int threads, apr_interval_time_t duration)
{
    gate_t gate = {NULL, NULL, 0, duration};
    runner_t *runners;
    apr_thread_t **handles;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, side->pool);
    int started = 0;
    int i;

    if (status != APR_SUCCESS) {
        return status;
    }
    runners = apr_pcalloc(pool, (apr_size_t)threads * sizeof(*runners));
    handles = apr_pcalloc(pool, (apr_size_t)threads * sizeof(apr_thread_t *));
    status = apr_thread_mutex_create(&gate.mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&gate.opened, pool);
    }
    for (i = 0; status == APR_SUCCESS && i < threads; i++) {
        runners[i].lane = &side->lanes[i];
        runners[i].gate = &gate;
        runners[i].duration = duration;
        status = apr_thread_create(&handles[i], NULL, thread_main, &runners[i], pool);
        started += status == APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        for (i = 0; i < started; i++) {
            runners[i].duration = 0; /* those that were started end after one chunk */
        }
    }
    if (gate.opened != NULL) {
        apr_thread_mutex_lock(gate.mutex);
        gate.open = 1;
        apr_thread_cond_broadcast(gate.opened);
        apr_thread_mutex_unlock(gate.mutex);
    }
    for (i = 0; i < started; i++) {
        apr_status_t ended;

        apr_thread_join(&ended, handles[i]);
    }
    apr_pool_destroy(pool);
    return status;
}

apr_status_t bench_run(bench_side_t *side, int threads, double seconds)
{
    apr_interval_time_t duration = (apr_interval_time_t)(seconds * APR_USEC_PER_SEC);
    apr_status_t status = APR_SUCCESS;
    int i;

    if (threads == 1) {
        run_lane(&side->lanes[0], duration);
    } else {
        status = run_threads(side, threads, duration);
    }
    for (i = 0; status == APR_SUCCESS && i < threads; i++) {
        status = side->lanes[i].status;
    }
    return status;
}

double bench_run_nanoseconds(const bench_side_t *side, int threads)
{
    const bench_lane_t *lanes = side->lanes;
    apr_time_t began = lanes[0].began;
    apr_time_t ended = lanes[0].ended;
    apr_uint64_t count = 0;
    int i;

    for (i = 0; i < threads; i++) {
        count += lanes[i].count;
        began = lanes[i].began < began ? lanes[i].began : began;
        ended = lanes[i].ended > ended ? lanes[i].ended : ended;
    }
    if (side->contender->own_clock) {
        return (double)lanes[0].own_nanoseconds / (double)count;
    }
    return (double)(ended - began) * 1000.0 * threads / (double)count;
}

int bench_run_verify(const bench_side_t *side, int threads)
{
    int i;

    for (i = 0; i < threads; i++) {
        const bench_lane_t *lane = &side->lanes[i];

        if (bench_expect(side->job, lane->first, lane->count) != lane->sum) {
            return 0;
        }
    }
    return 1;
}

/* How many accesses take a millisecond. */
static apr_status_t calibrate(bench_side_t *side)
{
    bench_lane_t *lane = &side->lanes[0];

    if (side->job->workload->kind == BENCH_STREAM) {
        side->chunk = side->job->pattern.length / BENCH_BLOCK; /* one pass */
        return APR_SUCCESS;
    }
    for (side->chunk = side->contender->own_clock ? 256 : 1;; side->chunk *= 2) {
        run_lane(lane, 0);
        if (lane->status != APR_SUCCESS || lane->ended - lane->began >= CHUNK_TIME) {
            return lane->status;
        }
    }
}

/* Measure one cell once. */
static void measure_cell(const cell_t *cell)
{
    bench_side_t *side = cell->side;
    bench_result_t *result = cell->result;
    double seconds = side->job->bench->settings->seconds;
    apr_status_t status = APR_SUCCESS;
    int i;

    if (result->skip != NULL) {
        return;
    }
    if (side->job->workload->kind != BENCH_STREAM) {
        /* The one before has used the processor's caches. */
        status = bench_run(side, cell->threads, seconds / 10);
    }
    if (status == APR_SUCCESS) {
        status = bench_run(side, cell->threads, seconds);
    }
    if (status != APR_SUCCESS) {
        result->skip = apr_pstrdup(side->job->bench->pool,
                                   bench_side_reason(side, "failed on the way", status));
        return;
    }
    result->samples[result->count++] = bench_run_nanoseconds(side, cell->threads);
    for (i = 0; i < cell->threads; i++) {
        result->accesses += side->lanes[i].count;
    }
    if (!bench_run_verify(side, cell->threads)) {
        result->verified = 0;
    }
}

/* All repetitions. 0: interrupted. */
static int measure_rounds(const bench_job_t *job, cell_t *cells, int count)
{
    int repetition;
    int i;

    for (repetition = 0; repetition < job->bench->settings->repeat; repetition++) {
        for (i = 0; i < count; i++) {
            if (!bench_progress_at(job->bench, job->workload->name)) {
                return 0;
            }
            job->bench->done++;
            if (job->workload->cold) {
                bench_cold_measure(job, &cells[i]);
            } else {
                measure_cell(&cells[i]);
            }
        }
    }
    return 1;
}

static void open_sides(const bench_job_t *job, bench_side_t *sides, int count, int lanes)
{
    int i;

    for (i = 0; i < count; i++) {
        const bench_contender_t *contender = sides[i].contender;

        bench_progress_at(job->bench, job->workload->name);
        bench_side_open(&sides[i], job, contender, contender->threads ? lanes : 1, job->pool);
        if (sides[i].skip == NULL) {
            apr_status_t status = calibrate(&sides[i]);

            if (status != APR_SUCCESS) {
                sides[i].skip = bench_side_reason(&sides[i], "failed on the way", status);
                bench_side_close(&sides[i]);
            }
        }
    }
}

/* A result for a cell. */
static void begin_cell(const bench_job_t *job, cell_t *cell, bench_results_t *results)
{
    bench_t *bench = job->bench;
    bench_result_t *result = bench_results_add(results, bench->pool);
    bench_side_t *side = cell->side;

    result->workload = job->workload;
    result->contender = side->contender;
    result->threads = cell->threads;
    result->verified = !side->wrong;
    result->samples =
        apr_pcalloc(bench->pool, (apr_size_t)bench->settings->repeat * sizeof(double));
    result->skip = side->skip != NULL ? apr_pstrdup(bench->pool, side->skip) : NULL;
    result->window_size = job->window_size;
    result->huge_bytes = side->huge_bytes;
    result->bytes_per_access =
        job->workload->kind == BENCH_STREAM || job->workload->kind == BENCH_COPY ? BENCH_BLOCK : 1;
}

static void finish_cells(bench_t *bench, cell_t *cells, int count, bench_results_t *results)
{
    int i;

    for (i = 0; i < count; i++) {
        bench_result_t *result = &results->items[cells[i].index];

        result->counts = cells[i].side->counts;
        bench_result_sum_up(result);
        bench->wrong += result->skip == NULL && !result->verified;
    }
    for (i = 0; i < count; i++) {
        bench_result_compare(results, &results->items[cells[i].index]);
    }
}

int bench_job_measure(const bench_job_t *job, bench_results_t *results)
{
    bench_t *bench = job->bench;
    int thread_counts = job->workload->threads ? bench->thread_count_count : 1;
    int lanes = bench->thread_counts[thread_counts - 1];
    bench_side_t *sides;
    cell_t *cells;
    int side_count = 0;
    int cell_count = 0;
    int went_on;
    int i;
    int j;

    sides = apr_pcalloc(job->pool, BENCH_CONTENDERS_MOST * sizeof(*sides));
    for (i = 0; bench_contenders[i] != NULL; i++) {
        if (bench_does(bench, job->workload, bench_contenders[i])) {
            sides[side_count++].contender = bench_contenders[i];
        }
    }
    cells = apr_pcalloc(job->pool, (apr_size_t)(side_count * thread_counts + 1) * sizeof(*cells));
    if (job->data != NULL && !job->workload->cold && !bench_data_read(bench, job->data)) {
        return 0;
    }
    if (!job->workload->cold) {
        open_sides(job, sides, side_count, lanes);
    }
    for (j = 0; j < thread_counts; j++) {
        for (i = 0; i < side_count; i++) {
            cell_t *cell = &cells[cell_count];

            cell->side = &sides[i];
            cell->threads = bench->thread_counts[j];
            if (cell->threads > 1 && !sides[i].contender->threads) {
                continue;
            }
            cell->index = results->count;
            begin_cell(job, cell, results);
            cell_count++;
        }
    }
    for (i = 0; i < cell_count; i++) {
        cells[i].result = &results->items[cells[i].index]; /* the array has its place now */
    }
    went_on = measure_rounds(job, cells, cell_count);
    for (i = 0; i < side_count; i++) {
        bench_side_close(&sides[i]);
    }
    finish_cells(bench, cells, cell_count, results);
    return went_on;
}
