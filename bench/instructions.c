/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An exact number of accesses, for a tool that counts instructions. Everything before
 * (mapping, touching) is outside of the measured function, except for workloads that must
 * evict first; the name of the function is printed, so that the tool can count inside of it
 * alone.
 */
#include "bench/contenders/loop.h"

int bench_instructions(bench_t *bench, const bench_workload_t *workload,
                       const bench_contender_t *contender)
{
    apr_uint64_t count = bench->settings->count;
    bench_runner_t runner;
    bench_worker_t *worker;
    bench_case_t test;
    apr_status_t status;
    const char *skip;
    int code = BENCH_ERROR;
    int fatal;

    if (contender->loops[workload->kind] == NULL) {
        console_error(bench->console, "%s: %s does not do %s\n", program_name, contender->name,
                      workload->name);
        return BENCH_ERROR;
    }
    skip = bench_case_prepare(&test, bench, workload, bench->pool, &fatal);
    if (skip == NULL) {
        bench_runner_open(&runner, &test, contender, 1, bench->pool);
        skip = runner.skip;
    }
    if (skip != NULL) {
        console_error(bench->console, "%s: %s with %s: %s\n", program_name, workload->name,
                      contender->name, skip);
        return BENCH_ERROR;
    }
    if (workload->kind == BENCH_STREAM) {
        apr_uint64_t pass = test.pattern.length / BENCH_BLOCK;

        count = (count + pass - 1) / pass * pass; /* there are whole passes alone */
    }
    worker = &runner.workers[0];
    worker->sum = 0;
    worker->first = worker->next;
    status = contender->loops[workload->kind](worker, worker->first, count);
    if (status != APR_SUCCESS) {
        console_error(bench->console, "%s: %s\n", program_name,
                      bench_reason(&runner, "failed on the way", status));
    } else if (runner.wrong || bench_expect(&test, worker->first, count) != worker->sum) {
        console_error(bench->console, "%s: WRONG BYTES were read\n", program_name);
        code = BENCH_WRONG;
    } else {
        console_printf(bench->console,
                       "workload %s\ncontender %s\nfunction %s\naccesses %" APR_UINT64_T_FMT
                       "\nverified\n",
                       workload->name, contender->name, contender->names[workload->kind], count);
        code = BENCH_OK;
    }
    bench_runner_close(&runner);
    return code;
}
