/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What main() of each program does, and the signals that stop it.
 */
#ifndef SMMAP_CLI_PROGRAM_H
#define SMMAP_CLI_PROGRAM_H

#include "cli/console.h"

/** Exit code: bad options, or something could not be done. */
#define PROGRAM_ERROR 2

/** What the program is called in messages. */
extern const char *program_name;

/**
 * What a program does between its start and its end.
 *
 * @param pool (in) ends the program when memory is out; not for threads.
 * @return the exit code.
 */
typedef int program_run_t(int argc, const char *const *argv, console_t *console, apr_pool_t *pool);

/**
 * Start APR, run, and close standard output.
 *
 * @param name (in) becomes program_name.
 * @return the exit code. Does not return when the program was interrupted, or when nobody
 *         reads its output: it ends by that signal.
 */
int program_main(const char *name, int argc, const char *const *argv, const char *const *env,
                 program_run_t *run);

/** Print "NAME: what: why" to standard error. Always 0. */
int program_fail(console_t *console, const char *what, apr_status_t status);

/** Note this signal instead of ending by it. One that comes more than a second later ends the
    program at once. A signal that is ignored stays so. */
void program_catch(int signal_number);

/** The signal that was caught; 0: none was. */
int program_interrupted(void);

#endif
