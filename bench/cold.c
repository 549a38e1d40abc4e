/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a file that is not in memory.
 *
 * The system evicts only what nobody maps. So each measurement opens its contender after
 * the file was evicted, reads the file once, and closes the contender again. Before it
 * starts, it checks how much of the file is still in memory; where the system keeps the file
 * or cannot tell, there is no number.
 */
#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/platform.h"

/* Bytes of the file that are in memory. */
static apr_status_t resident_bytes(const bench_data_t *data, apr_pool_t *pool, apr_size_t *bytes)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_status_t status;

    options.mode = SMMAP_MODE_STATIC;
    status = smmap_manager_create(&manager, &options, pool);
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open(&cursor, manager, data->path, pool);
    }
    if (status == APR_SUCCESS) {
        status = smmap_cursor_use(cursor, 0, 0);
    }
    if (status == APR_SUCCESS) {
        status = smmap_cursor_resident(cursor, bytes);
    }
    return status;
}

/* Returns NULL when the file is out of memory now, or why it is not. */
static const char *make_cold(const bench_data_t *data, apr_pool_t *pool)
{
    apr_size_t bytes = 0;
    apr_os_file_t native;
    apr_file_t *file;
    apr_status_t status = bench_open(&file, data->path, pool);

    if (status == APR_SUCCESS) {
        status = apr_os_file_get(&native, file);
    }
    if (status == APR_SUCCESS) {
        status = bench_platform_evict(native);
    }
    if (status == APR_ENOTIMPL) {
        return "this system cannot be asked to forget a file";
    }
    if (status != APR_SUCCESS || resident_bytes(data, pool, &bytes) != APR_SUCCESS) {
        return "it cannot be told whether the file is in memory";
    }
    if ((apr_off_t)bytes > data->size / 50) {
        return "the system keeps the file in memory (is it on a file system in memory?)";
    }
    return NULL;
}

void bench_cold_measure(const bench_case_t *test, bench_runner_t *runner, bench_result_t *result)
{
    apr_pool_t *pool;
    const char *skip;
    apr_status_t status;

    apr_pool_create(&pool, test->pool);
    skip = make_cold(test->data, pool);
    apr_pool_destroy(pool); /* or the file would stay mapped */
    if (skip == NULL) {
        bench_runner_open(runner, test, runner->contender, 1, test->pool);
        skip = runner->skip;
    }
    if (skip == NULL) {
        runner->chunk = test->pattern.length / BENCH_BLOCK;
        status = bench_run(runner, 1, 0);
        if (status == APR_SUCCESS) {
            result->samples[result->count++] = bench_run_nanoseconds(runner, 1);
            result->accesses += runner->workers[0].count;
            result->verified &= bench_run_verify(runner, 1);
        } else {
            skip = bench_reason(runner, "failed on the way", status);
        }
    }
    result->skip = skip != NULL ? apr_pstrdup(test->bench->pool, skip) : NULL;
    bench_runner_close(runner);
}
