/*
 * What the programs of the benchmark have in common: their surroundings, and how a command
 * line of long options is read. See program.c.
 */
#ifndef SMMAP_BENCH_PROGRAM_H
#define SMMAP_BENCH_PROGRAM_H

#include <apr_getopt.h>

#include "tools/console.h"

/** What a program does between its start and its end. The pool ends the program when memory is
    out. Returns the exit code. */
typedef int program_run_t(int argc, const char *const *argv, tool_console_t *console,
                          apr_pool_t *pool);

/** What main() has to do: start APR, run, close standard output. Returns the exit code.
    name (in): what the program is called in messages. */
int program_main(const char *name, int argc, const char *const *argv, const char *const *env,
                 program_run_t *run);

/** Say what is wrong with the command line, and where help is. Always 0. */
int program_complain(const char *name, tool_console_t *console, const char *what);

/** Take one option. settings (in): as given to program_options(); value (in): NULL when the option
    takes none. Returns NULL, or what is wrong with the value, as the end of a sentence. */
typedef const char *program_apply_t(void *settings, int option, const char *value);

/** Read all options. The getopt that is given was just made; what is no option is behind them
    afterwards. 0: something is wrong, and that was said. */
int program_options(apr_getopt_t *getopt, const apr_getopt_option_t *options,
                    program_apply_t *apply, void *settings, const char *name,
                    tool_console_t *console, apr_pool_t *pool);

#endif
