/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cases of growth.c with several threads: how their worlds are made, and what is measured in
 * them.
 */
#include "bench/core/growth.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <apr_time.h>

/* Threads at most. */
enum { CREW = 8 };

typedef struct worker_t worker_t;

/* What a thread does. */
typedef apr_status_t job_t(worker_t *worker);

typedef struct crew_t {
    world_t *world;
    job_t *job;
    worker_t *workers;
    unsigned count;
    apr_pool_t *pool;
    atomic_int stop;
    apr_thread_mutex_t *lock; /* of the turn */
    unsigned turn;
    double sum; /* of the time in the turns */
} crew_t;

struct worker_t {
    crew_t *crew;
    unsigned number;
    apr_thread_t *thread;
    apr_thread_cond_t *go; /* it is this one's turn */
    apr_pool_t *pool;
    apr_status_t status;
};

static void *APR_THREAD_FUNC worker_main(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;

    (void)thread;
    worker->status = worker->crew->job(worker);
    return NULL;
}

/* Wait until all are done. */
static apr_status_t crew_join(crew_t *crew)
{
    apr_status_t status = APR_SUCCESS;
    apr_status_t ended;
    unsigned i;

    for (i = 0; i < crew->count; i++) {
        apr_thread_join(&ended, crew->workers[i].thread);
        status = status == APR_SUCCESS ? crew->workers[i].status : status;
    }
    apr_pool_destroy(crew->pool);
    return status;
}

static apr_status_t crew_start(crew_t *crew, world_t *world, unsigned count, job_t *job)
{
    apr_status_t status;
    unsigned i;

    memset(crew, 0, sizeof *crew);
    apr_pool_create(&crew->pool, world->pool);
    crew->world = world;
    crew->job = job;
    crew->workers = apr_pcalloc(crew->pool, CREW * sizeof *crew->workers);
    status = apr_thread_mutex_create(&crew->lock, APR_THREAD_MUTEX_DEFAULT, crew->pool);
    for (i = 0; i < count && status == APR_SUCCESS; i++) {
        crew->workers[i].crew = crew;
        crew->workers[i].number = i;
        apr_pool_create(&crew->workers[i].pool, crew->pool);
        status = apr_thread_cond_create(&crew->workers[i].go, crew->pool);
    }
    while (crew->count < count && status == APR_SUCCESS) {
        worker_t *worker = &crew->workers[crew->count];

        status = apr_thread_create(&worker->thread, NULL, worker_main, worker, crew->pool);
        crew->count += status == APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        atomic_store(&crew->stop, 1);
        crew_join(crew);
    }
    return status;
}

static apr_status_t miss(smmap_cursor_t *cursor, apr_uint64_t window)
{
    return smmap_cursor_use(cursor, (apr_off_t)(window * GROWTH_WINDOW), 1);
}

/* --- a pool of threads serves n cursors --- */

enum { MOVES = 200000 }; /* of all threads, in a run */

apr_status_t growth_pool_open(world_t *world)
{
    apr_status_t status;

    null_files.threads = world->files.threads = 1;
    status = growth_make(world);
    return status == APR_SUCCESS ? growth_copy(world) : status;
}

/* A move over a window's end, which takes the lock. */
static apr_status_t serve(world_t *world)
{
    apr_uint32_t i;
    apr_status_t status = APR_SUCCESS;

    for (i = 0; i < world->n / CREW && status == APR_SUCCESS; i++) {
        smmap_cursor_t *cursor = world->others[growth_random(world, world->n)];

        status = smmap_cursor_require(cursor, (apr_off_t)GROWTH_WINDOW - 1 - i % 8, 32);
        smmap_cursor_release(cursor);
    }
    return status;
}

/* One thread runs at a time. */
static apr_status_t take_turns(worker_t *worker)
{
    crew_t *crew = worker->crew;
    apr_uint32_t left = MOVES / crew->world->n; /* turns */
    apr_status_t status = APR_SUCCESS;

    apr_thread_mutex_lock(crew->lock);
    for (; left > 0; left--) {
        double began;

        while (crew->turn != worker->number && !atomic_load(&crew->stop)) {
            apr_thread_cond_wait(worker->go, crew->lock);
        }
        began = growth_clock();
        if (status == APR_SUCCESS) {
            status = serve(crew->world);
        }
        crew->sum += growth_clock() - began;
        crew->turn = (worker->number + 1) % CREW;
        apr_thread_cond_signal(crew->workers[crew->turn].go);
    }
    apr_thread_mutex_unlock(crew->lock);
    return status;
}

apr_status_t growth_pool_run(world_t *world)
{
    crew_t crew;
    apr_status_t status = crew_start(&crew, world, CREW, take_turns);

    if (status == APR_SUCCESS) {
        status = crew_join(&crew);
        world->sum += crew.sum;
        world->count += (double)(MOVES / world->n * CREW) * (world->n / CREW);
    }
    return status;
}

/* --- a require of half the limit, beside n threads that miss --- */

enum { LIMIT = 256 }; /* windows */

apr_status_t growth_starved_open(world_t *world)
{
    null_files.threads = world->files.threads = 1;
    world->files.unmap_time = 100; /* others can take what was made room for meanwhile */
    world->options.max_mapped_bytes = LIMIT * GROWTH_WINDOW;
    return growth_make(world);
}

static apr_status_t fill(world_t *world, smmap_cursor_t *cursor)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < 3 * LIMIT && status == APR_SUCCESS; i++) {
        status = miss(cursor, ++world->step);
    }
    smmap_cursor_release(cursor);
    return status;
}

/* For three seconds at most: the call that wants room may never be done beside us. */
static apr_status_t miss_on(worker_t *worker)
{
    world_t *world = worker->crew->world;
    apr_time_t end = apr_time_now() + 3 * APR_USEC_PER_SEC;
    smmap_cursor_t *cursor;
    apr_uint64_t window = 0;
    apr_status_t status = growth_open_file(world, worker->number + 1, worker->pool, &cursor);

    while (status == APR_SUCCESS && !atomic_load(&worker->crew->stop) && apr_time_now() < end) {
        status = miss(cursor, window++);
    }
    return status;
}

apr_status_t growth_starved_run(world_t *world)
{
    smmap_stats_t before = SMMAP_STATS_INIT;
    smmap_stats_t after = SMMAP_STATS_INIT;
    apr_status_t status = fill(world, world->cursor);
    crew_t crew;

    if (status == APR_SUCCESS) {
        status = crew_start(&crew, world, world->n, miss_on);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_sleep(20000); /* until all of them miss */
    smmap_manager_stats(world->manager, &before);
    status = smmap_cursor_require(world->cursor, (apr_off_t)(++world->step * GROWTH_WINDOW) - 100,
                                  LIMIT / 2 * GROWTH_WINDOW);
    smmap_manager_stats(world->manager, &after);
    smmap_cursor_release(world->cursor);
    atomic_store(&crew.stop, 1);
    crew_join(&crew);
    world->sum += (double)(after.evictions - before.evictions);
    world->count++;
    return status;
}

/* --- eight threads miss on n files, and mapping is slow --- */

enum { MISSES = 32 }; /* of each thread */

apr_status_t growth_slow_open(world_t *world)
{
    null_files.threads = world->files.threads = 1;
    world->files.map_time = 1000;
    world->options.max_regions = 64;
    return growth_make(world);
}

static apr_status_t miss_slowly(worker_t *worker)
{
    world_t *world = worker->crew->world;
    apr_uint64_t window = ((apr_uint64_t)worker->number << 28) + world->step;
    smmap_cursor_t *cursor;
    apr_status_t status = growth_open_file(world, worker->number % world->n, worker->pool, &cursor);
    int i;

    for (i = 0; i < MISSES && status == APR_SUCCESS; i++) {
        status = miss(cursor, window++);
    }
    return status;
}

apr_status_t growth_slow_run(world_t *world)
{
    apr_time_t began = apr_time_now();
    crew_t crew;
    apr_status_t status = crew_start(&crew, world, CREW, miss_slowly);

    if (status == APR_SUCCESS) {
        status = crew_join(&crew);
    }
    world->sum += (double)(apr_time_now() - began) * 1000;
    world->count += CREW * MISSES;
    world->step += MISSES;
    return status;
}
