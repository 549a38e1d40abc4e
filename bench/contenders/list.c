/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model of how libgit2's mwindow keeps windows, not libgit2 itself: the windows of a file
 * are in a list, one mutex guards all lists of the process, and each access takes the mutex,
 * even one that stays in its window. The window in use is tried first; otherwise the list is
 * walked; a window that is not found is mapped and put in front. Over the limit, the list is
 * walked for the least recently used one. Windows are aligned to a grid, as in this library,
 * so that both map the same ones.
 */
#include <apr_file_io.h>
#include <apr_mmap.h>
#include <apr_thread_mutex.h>

#include <stdlib.h>

#include "bench/contenders/loop.h"

/* Windows beyond which only touching each of them once would take minutes. */
#define MOST_WINDOWS 20000

typedef struct window_t {
    struct window_t *next;
    apr_off_t begin;
    apr_size_t size;
    const unsigned char *data;
    apr_uint64_t last_used;
    int users;
    apr_pool_t *pool; /* holds the map */
} window_t;

typedef struct model_t {
    apr_thread_mutex_t *mutex;
    window_t *windows;
    apr_file_t *file;
    apr_off_t file_size;
    apr_size_t window_size;
    apr_size_t mapped;
    apr_size_t limit;
    apr_uint64_t used; /* counts accesses */
    bench_counts_t counts;
} model_t;

static int contains(const window_t *window, apr_off_t offset)
{
    return window->begin <= offset && offset - window->begin < (apr_off_t)window->size;
}

static void drop(model_t *model, window_t **link)
{
    window_t *window = *link;

    *link = window->next;
    model->mapped -= window->size;
    model->counts.windows--;
    apr_pool_destroy(window->pool);
    free(window);
}

/* 0: all are in use. */
static int drop_least_recent(model_t *model)
{
    window_t **link;
    window_t **least = NULL;

    for (link = &model->windows; *link != NULL; link = &(*link)->next) {
        if ((*link)->users == 0 && (least == NULL || (*link)->last_used < (*least)->last_used)) {
            least = link;
        }
    }
    if (least == NULL) {
        return 0;
    }
    drop(model, least);
    model->counts.evictions++;
    return 1;
}

static apr_status_t map_window(model_t *model, apr_off_t offset, window_t **made)
{
    window_t *window = calloc(1, sizeof(*window));
    apr_mmap_t *map;
    apr_status_t status;

    if (window == NULL) {
        return APR_ENOMEM;
    }
    window->begin = offset - offset % (apr_off_t)model->window_size;
    window->size = model->window_size;
    if (model->file_size - window->begin < (apr_off_t)window->size) {
        window->size = (apr_size_t)(model->file_size - window->begin);
    }
    while (model->mapped + window->size > model->limit && drop_least_recent(model)) {
        continue;
    }
    status = apr_pool_create(&window->pool, NULL);
    if (status == APR_SUCCESS) {
        status = apr_mmap_create(&map, model->file, window->begin, window->size, APR_MMAP_READ,
                                 window->pool);
    }
    if (status != APR_SUCCESS) {
        if (window->pool != NULL) {
            apr_pool_destroy(window->pool);
        }
        free(window);
        return status;
    }
    window->data = map->mm;
    window->next = model->windows;
    model->windows = window;
    model->mapped += window->size;
    model->counts.windows++;
    if (model->counts.most_windows < model->counts.windows) {
        model->counts.most_windows = model->counts.windows;
    }
    *made = window;
    return APR_SUCCESS;
}

/* The worker's window becomes the one that holds an offset. worker->more is it. */
static const unsigned char *open_window(bench_worker_t *worker, apr_off_t offset, apr_size_t *got)
{
    model_t *model = worker->state;
    window_t *current;
    window_t *window;

    apr_thread_mutex_lock(model->mutex);
    current = worker->more;
    window = current;
    if (window == NULL || !contains(window, offset)) {
        if (current != NULL) {
            current->users--;
            worker->more = NULL;
        }
        for (window = model->windows; window != NULL; window = window->next) {
            if (contains(window, offset)) {
                break;
            }
        }
        if (window != NULL) {
            model->counts.hits++;
        } else {
            model->counts.misses++;
            worker->status = map_window(model, offset, &window);
            if (window == NULL) {
                apr_thread_mutex_unlock(model->mutex);
                return NULL;
            }
        }
        window->last_used = model->used++;
        window->users++;
        worker->more = window;
    }
    apr_thread_mutex_unlock(model->mutex);
    *got = window->size - (apr_size_t)(offset - window->begin);
    return window->data + (offset - window->begin);
}

static const unsigned char *extent(bench_worker_t *worker, apr_off_t offset, apr_size_t size,
                                   apr_size_t *got)
{
    const unsigned char *data = open_window(worker, offset, got);

    if (data != NULL && *got > size) {
        *got = size;
    }
    return data;
}

static inline const unsigned char *fetch(bench_worker_t *worker, void *state, apr_off_t offset)
{
    apr_size_t got;

    (void)state;
    return open_window(worker, offset, &got);
}

static inline int copy(bench_worker_t *worker, apr_off_t offset)
{
    const unsigned char *data = fetch(worker, worker->state, offset);

    if (data != NULL) {
        memcpy(worker->block, data, BENCH_BLOCK);
    }
    return data != NULL;
}

BENCH_LOOP(bench_loop_list_bytes, bytes, fetch)
BENCH_LOOP(bench_loop_list_random, random, fetch)
BENCH_LOOP(bench_loop_list_stream, stream, extent)
BENCH_LOOP(bench_loop_list_copy, copy, copy)
BENCH_LOOP(bench_loop_list_miss, miss, fetch)

static const char *open_list(bench_runner_t *runner)
{
    const bench_case_t *test = runner->test;
    model_t *model;
    apr_status_t status;
    int i;

    if (test->windows > MOST_WINDOWS) {
        return "walking a list of so many windows takes minutes before the first number";
    }
    model = apr_pcalloc(runner->pool, sizeof(*model));
    model->file_size = test->data->size;
    /* mwindow's own choices on 64-bit systems, where the workload has none. */
    model->window_size = test->window_size != 0 ? test->window_size : (apr_size_t)1 << 30;
    model->limit = test->max_mapped_bytes;
    if (test->window_size == 0 && model->window_size > model->limit / 8) {
        model->window_size = model->limit / 8 - model->limit / 8 % smmap_granularity();
    }
    if (test->max_regions < model->limit / model->window_size) {
        model->limit = test->max_regions * model->window_size;
    }
    status = apr_thread_mutex_create(&model->mutex, APR_THREAD_MUTEX_DEFAULT, runner->pool);
    if (status == APR_SUCCESS) {
        status = bench_open(&model->file, test->data->path, runner->pool);
    }
    if (status != APR_SUCCESS) {
        return bench_reason(runner, "the file cannot be opened", status);
    }
    runner->state = model;
    for (i = 0; i < runner->worker_count; i++) {
        runner->workers[i].state = model;
    }
    return NULL;
}

static void close_list(bench_runner_t *runner)
{
    model_t *model = runner->state;

    while (model != NULL && model->windows != NULL) {
        drop(model, &model->windows);
    }
}

static void count(bench_runner_t *runner, bench_counts_t *counts)
{
    *counts = ((model_t *)runner->state)->counts;
    counts->known = 1;
}

const bench_contender_t bench_list_model = {"mutex+list",
                                            "mutex+list (model of libgit2)",
                                            BENCH_THREADS | BENCH_KEEPS,
                                            open_list,
                                            close_list,
                                            extent,
                                            count,
                                            BENCH_DOES(BENCH_BYTES, bench_loop_list_bytes),
                                            BENCH_DOES(BENCH_RANDOM, bench_loop_list_random),
                                            BENCH_DOES(BENCH_STREAM, bench_loop_list_stream),
                                            BENCH_DOES(BENCH_COPY, bench_loop_list_copy),
                                            BENCH_DOES(BENCH_MISS, bench_loop_list_miss)};
