/*
 * smmap-bench: how fast is it, and compared with what?
 *
 * All but this file is also in the command: `smmap bench`.
 *
 * What is where:
 *   bench.h         the words that everything here is written in
 *   options.c       the command line        run.c     a whole run
 *   workload.c      the questions           zipf.c    skewed numbers
 *   data.c          the files               expect.c  what must have been read
 *   loop.h          the measured loops, once for all
 *   contender_*.c   the ways to read        side.c    getting one ready
 *   measure.c       taking the time         cold.c    with a file that is on its disk
 *   sample.c        medians and ratios      instructions.c  no time at all
 *   table.c json.c markdown.c svg.c         what comes out
 *   targets.c target.c      what it should be at least
 *   quote.c draw.c                          text and lines for them
 *   program.c               what a program has around it
 *   platform.h cold_*.c                     what APR does not have
 *
 * smmap-bookkeeping (bookkeeping.c and its neighbours) is a program of its own, which
 * measures the library without a system behind it.
 */
#include "bench/bench.h"
#include "bench/program.h"

static const char program[] = "smmap-bench";

static int run(int argc, const char *const *argv, tool_console_t *console, apr_pool_t *pool)
{
    return bench_main(program, argc, argv, console, pool);
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main(program, argc, argv, env, run);
}
