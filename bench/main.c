/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smmap-bench: the benchmark as a program of its own. It is also in the command, `smmap bench`.
 *
 * What is where:
 *   bench.h         the terms that everything here is written in
 *   options.c       the command line        run.c     a whole run
 *   workload.c      the workloads           zipf.c    skewed random numbers
 *   data.c          the files               expect.c  the bytes that must have been read
 *   runner.c        setting up a contender  workers.c its threads
 *   measure.c       the repetitions         cold.c    a file that is not in memory
 *   sample.c        medians and ratios      instructions.c  an exact number of accesses
 *   contenders/     the ways to read        report/   tables, JSON, targets
 *   platform.h      what APR lacks          plot      pictures from the JSON
 *
 * core/ is smmap-bookkeeping: the core without an operating system. callcost.c is
 * smmap-callcost: the price of the guard, and of opening a small file.
 */
#include "bench/main.h"
#include "cli/program.h"

static int run(int argc, const char *const *argv, console_t *console, apr_pool_t *pool)
{
    return bench_main("smmap-bench", argc, argv, console, pool);
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main("smmap-bench", argc, argv, env, run);
}
