/*
 * Exactly so many accesses, for a tool that counts instructions.
 *
 * All that is needed before (mapping, touching) does not go through the measured
 * function, but for workloads that have to evict first; its name is printed, so that
 * the tool can be told to count inside of it alone.
 */
#include "bench/loop.h"

int bench_instructions(bench_t *bench, const bench_workload_t *workload,
                       const bench_contender_t *contender)
{
    apr_uint64_t count = bench->settings->count;
    bench_side_t side;
    bench_lane_t *lane;
    bench_job_t job;
    apr_status_t status;
    const char *skip;
    int code = BENCH_ERROR;
    int fatal;

    if (contender->loops[workload->kind] == NULL) {
        tool_console_error(bench->console, "%s: %s does not do %s\n", bench_program,
                           contender->name, workload->name);
        return BENCH_ERROR;
    }
    skip = bench_job_prepare(&job, bench, workload, bench->pool, &fatal);
    if (skip == NULL) {
        bench_side_open(&side, &job, contender, 1, bench->pool);
        skip = side.skip;
    }
    if (skip != NULL) {
        tool_console_error(bench->console, "%s: %s with %s: %s\n", bench_program, workload->name,
                           contender->name, skip);
        return BENCH_ERROR;
    }
    if (workload->kind == BENCH_STREAM) {
        apr_uint64_t pass = job.pattern.length / BENCH_BLOCK;

        count = (count + pass - 1) / pass * pass; /* there are whole passes alone */
    }
    lane = &side.lanes[0];
    lane->sum = 0;
    lane->first = lane->next;
    status = contender->loops[workload->kind](lane, lane->first, count);
    if (status != APR_SUCCESS) {
        tool_console_error(bench->console, "%s: %s\n", bench_program,
                           bench_side_reason(&side, "failed on the way", status));
    } else if (side.wrong || bench_expect(&job, lane->first, count) != lane->sum) {
        tool_console_error(bench->console, "%s: WRONG BYTES were read\n", bench_program);
        code = BENCH_WRONG;
    } else {
        tool_console_printf(
            bench->console,
            "workload %s\ncontender %s\nfunction %s\naccesses %" APR_UINT64_T_FMT "\nverified\n",
            workload->name, contender->name, contender->names[workload->kind], count);
        code = BENCH_OK;
    }
    bench_side_close(&side);
    return code;
}
