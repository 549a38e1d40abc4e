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
 *   platform.h cold_*.c                     what APR does not have
 *
 * smmap-bookkeeping (bookkeeping.c and its neighbours) is a program of its own, which
 * measures the library without a system behind it.
 */
#include <stdlib.h>

#include <apr_general.h>
#include <apr_signal.h>

#include "bench/bench.h"

static int out_of_memory(int status)
{
    (void)status;
    exit(BENCH_ERROR); /* there is no memory to say so */
}

int main(int argc, const char *const *argv, const char *const *env)
{
    tool_console_t *console;
    apr_status_t status;
    apr_pool_t *pool;
    char reason[256];
    int code;

    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS) {
        return BENCH_ERROR;
    }
    atexit(apr_terminate);
#ifdef SIGPIPE
    apr_signal(SIGPIPE, SIG_IGN); /* of our output, and of the child's input */
#endif
    if (apr_pool_create_ex(&pool, NULL, out_of_memory, NULL) != APR_SUCCESS ||
        tool_console_open(&console, pool) != APR_SUCCESS) {
        return BENCH_ERROR;
    }
    code = bench_main("smmap-bench", argc, argv, console, pool);
    status = tool_console_close(console);
    if (status != APR_SUCCESS && code == BENCH_OK) {
        tool_console_error(console, "smmap-bench: standard output: %s\n",
                           smmap_strerror(status, reason, sizeof(reason)));
        return BENCH_ERROR;
    }
    return code;
}
