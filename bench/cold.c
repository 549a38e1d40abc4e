/*
 * Reading a file that is not in memory.
 *
 * The system forgets only what nobody maps. So each measurement opens its contender
 * after the file was evicted, reads the file once, and closes the contender again; and
 * before it starts, it is looked at how much of the file is still in memory. Where
 * the system does not let go, or does not tell, there is no number.
 */
#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "bench/measure.h"
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
    apr_status_t status =
        apr_file_open(&file, data->path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE,
                      APR_FPROT_OS_DEFAULT, pool);

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

void bench_cold_measure(const bench_job_t *job, const cell_t *cell)
{
    bench_result_t *result = cell->result;
    bench_side_t *side = cell->side;
    apr_pool_t *pool;
    const char *skip;
    apr_status_t status;

    if (result->skip != NULL || apr_pool_create(&pool, job->pool) != APR_SUCCESS) {
        return;
    }
    skip = make_cold(job->data, pool);
    apr_pool_destroy(pool); /* or the file would stay mapped */
    if (skip == NULL) {
        bench_side_open(side, job, side->contender, 1, job->pool);
        skip = side->skip;
    }
    if (skip != NULL) {
        result->skip = apr_pstrdup(job->bench->pool, skip);
        return;
    }
    side->chunk = job->pattern.length / BENCH_BLOCK;
    status = bench_run(side, 1, 0);
    if (status == APR_SUCCESS) {
        result->samples[result->count++] = bench_run_nanoseconds(side, 1);
        result->accesses += side->lanes[0].count;
        if (!bench_run_verify(side, 1)) {
            result->verified = 0;
        }
    } else {
        result->skip =
            apr_pstrdup(job->bench->pool, bench_side_reason(side, "failed on the way", status));
    }
    bench_side_close(side);
}
