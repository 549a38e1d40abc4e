/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The threads of a runner, and the time that they take.
 *
 * A run lasts for a given time, as the clock is coarse and accesses are short; between two
 * looks at the clock lies a chunk of accesses that takes about a millisecond. The threads
 * of a run start together. What was read is verified after the clock has stopped.
 */
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "bench/bench.h"

/* A chunk takes at least so long, in microseconds. */
#define CHUNK_TIME 1000

/* A worker in its thread. */
typedef struct start_t {
    bench_worker_t *worker;
    apr_thread_mutex_t *gate; /* held until all threads were made */
    const apr_interval_time_t *duration;
} start_t;

static void run_worker(bench_worker_t *worker, apr_interval_time_t duration)
{
    bench_runner_t *runner = worker->runner;
    bench_loop_t *loop = runner->contender->loops[runner->test->workload->kind];
    apr_time_t now;

    worker->first = worker->next;
    worker->sum = 0;
    worker->status = APR_SUCCESS;
    worker->own_nanoseconds = 0;
    worker->began = apr_time_now();
    do {
        apr_status_t status = loop(worker, worker->next, runner->chunk);

        if (status != APR_SUCCESS) {
            worker->status = status;
            break;
        }
        worker->next += runner->chunk;
        now = apr_time_now();
    } while (now - worker->began < duration);
    worker->ended = apr_time_now();
    worker->count = worker->next - worker->first;
}

static void *APR_THREAD_FUNC thread_main(apr_thread_t *thread, void *data)
{
    start_t *start = data;

    apr_thread_mutex_lock(start->gate);
    apr_thread_mutex_unlock(start->gate);
    run_worker(start->worker, *start->duration);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_status_t run_threads(bench_runner_t *runner, int threads, apr_interval_time_t duration)
{
    apr_thread_mutex_t *gate;
    apr_thread_t **handles;
    start_t *starts;
    apr_pool_t *pool;
    apr_status_t status;
    int started = 0;
    int i;

    apr_pool_create(&pool, runner->pool);
    status = apr_thread_mutex_create(&gate, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    starts = apr_pcalloc(pool, (apr_size_t)threads * sizeof(*starts));
    handles = apr_pcalloc(pool, (apr_size_t)threads * sizeof(apr_thread_t *));
    apr_thread_mutex_lock(gate);
    for (i = 0; status == APR_SUCCESS && i < threads; i++) {
        starts[i].worker = &runner->workers[i];
        starts[i].gate = gate;
        starts[i].duration = &duration;
        status = apr_thread_create(&handles[i], NULL, thread_main, &starts[i], pool);
        started += status == APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        duration = 0; /* those that were started end after one chunk */
    }
    apr_thread_mutex_unlock(gate);
    for (i = 0; i < started; i++) {
        apr_status_t ended;

        apr_thread_join(&ended, handles[i]);
    }
    apr_pool_destroy(pool);
    return status;
}

apr_status_t bench_run(bench_runner_t *runner, int threads, double seconds)
{
    apr_interval_time_t duration = (apr_interval_time_t)(seconds * APR_USEC_PER_SEC);
    apr_status_t status = APR_SUCCESS;
    int i;

    if (threads == 1) {
        run_worker(&runner->workers[0], duration);
    } else {
        status = run_threads(runner, threads, duration);
    }
    for (i = 0; status == APR_SUCCESS && i < threads; i++) {
        status = runner->workers[i].status;
    }
    return status;
}

double bench_run_nanoseconds(const bench_runner_t *runner, int threads)
{
    const bench_worker_t *workers = runner->workers;
    apr_time_t began = workers[0].began;
    apr_time_t ended = workers[0].ended;
    apr_uint64_t count = 0;
    int i;

    for (i = 0; i < threads; i++) {
        count += workers[i].count;
        began = workers[i].began < began ? workers[i].began : began;
        ended = workers[i].ended > ended ? workers[i].ended : ended;
    }
    if ((runner->contender->flags & BENCH_OWN_CLOCK) != 0) {
        return (double)workers[0].own_nanoseconds / (double)count;
    }
    return (double)(ended - began) * 1000.0 * threads / (double)count;
}

int bench_run_verify(const bench_runner_t *runner, int threads)
{
    int i;

    for (i = 0; i < threads; i++) {
        const bench_worker_t *worker = &runner->workers[i];

        if (bench_expect(runner->test, worker->first, worker->count) != worker->sum) {
            return 0;
        }
    }
    return 1;
}

apr_status_t bench_calibrate(bench_runner_t *runner)
{
    bench_worker_t *worker = &runner->workers[0];

    if (runner->test->workload->kind == BENCH_STREAM) {
        runner->chunk = runner->test->pattern.length / BENCH_BLOCK; /* one pass */
        return APR_SUCCESS;
    }
    for (runner->chunk = (runner->contender->flags & BENCH_OWN_CLOCK) != 0 ? 256 : 1;;
         runner->chunk *= 2) {
        run_worker(worker, 0);
        if (worker->status != APR_SUCCESS || worker->ended - worker->began >= CHUNK_TIME) {
            return worker->status;
        }
    }
}
