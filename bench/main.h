/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one entry to the benchmark, for smmap-bench and `smmap bench`.
 */
#ifndef SMMAP_BENCH_MAIN_H
#define SMMAP_BENCH_MAIN_H

#include "cli/options.h"

/**
 * The whole benchmark, from its command line on.
 *
 * @param program (in) what it is called in messages.
 * @param pool (in) must end the program when memory is out; not for threads.
 * @return the exit code; after a signal, see program_interrupted().
 */
int bench_main(const char *program, int argc, const char *const *argv, console_t *console,
               apr_pool_t *pool);

/** Its options. */
extern const option_t bench_options[];

/** The names that an option takes, in turn; NULL: there are no more, or it takes no names. */
const char *bench_option_name(const option_t *option, int i);

#endif
