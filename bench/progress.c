/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The progress bar of the benchmark, on standard error where that is a terminal.
 */
#include "bench/bench.h"

#define NEXT_DRAW apr_time_from_msec(200)

int bench_progress_at(bench_t *bench, const char *what)
{
    apr_time_t now = apr_time_now();

    if (console_can_draw(bench->console) && now - bench->drawn >= NEXT_DRAW) {
        double part = bench->steps > 0 ? (double)bench->done / (double)bench->steps : 0;

        console_bar(bench->console, part, what);
        bench->drawn = now;
    }
    return !program_interrupted() && console_status(bench->console) == APR_SUCCESS;
}
