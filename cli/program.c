/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a program starts and ends.
 *
 * A program that a signal ends tells its shell so. Therefore, after a signal that was
 * caught, and when nobody reads the output any more, the program ends by that very signal;
 * where that is not possible, with the exit code that a shell would give it.
 */
#include "cli/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_portable.h>
#include <apr_signal.h>

#include "smmap/status.h"

const char *program_name;

static volatile sig_atomic_t caught;
static volatile time_t caught_at;

#ifdef SIGPIPE /* not a signal of every C library */
/* What it did when the program was started. */
static void (*inherited_pipe)(int) = SIG_DFL;
#endif

static int out_of_memory(int status)
{
    (void)status;
    fputs(program_name, stderr); /* the console needs memory */
    fputs(": out of memory\n", stderr);
    exit(PROGRAM_ERROR);
}

static void on_signal(int signal_number)
{
    time_t now = time(NULL);

    /* When the program cannot stop soon, as the reader of its output sleeps, the next signal
       ends it; but not one that comes along with the first, as a shell and timeout(1) send them
       to a process and to its group: something has to be removed yet. */
    if (caught && now - caught_at > 1) {
        apr_signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    apr_signal(signal_number, on_signal); /* some systems forget it */
    if (!caught) {
        caught_at = now;
    }
    caught = signal_number;
}

void program_catch(int signal_number)
{
    if (apr_signal(signal_number, on_signal) == SIG_IGN) {
        apr_signal(signal_number, SIG_IGN);
    }
}

int program_interrupted(void)
{
    return (int)caught;
}

int program_fail(console_t *console, const char *what, apr_status_t status)
{
    char reason[256];

    console_error(console, "%s: %s: %s\n", program_name, what,
                  smmap_strerror(status, reason, sizeof(reason)));
    return 0;
}

/* A standard stream that was closed before the start is a number that the next file gets, and
   what is printed would be written into that file. Something that cannot be written to takes its
   place. Elsewhere than on POSIX there is no such path, and handles are no such numbers. */
static void fill_streams(apr_pool_t *pool)
{
    apr_file_t *file;
    apr_os_file_t native;

    do {
        if (apr_file_open(&file, "/dev/null", APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool) !=
                APR_SUCCESS ||
            apr_os_file_get(&native, file) != APR_SUCCESS) {
            return;
        }
    } while ((apr_uintptr_t)native <= 2);
    apr_file_close(file);
}

/* End by a signal, or (`quietly`) with the exit code that a shell has for it. */
static int end_by(int signal_number, int quietly)
{
    if (!quietly) {
        apr_signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    return 128 + signal_number;
}

/* Close standard output and turn its state into the exit code. */
static int finish(console_t *console, int code)
{
    apr_status_t status = console_close(console);

    if (caught) {
        return end_by((int)caught, 0);
    }
    if (status == APR_SUCCESS) {
        return code;
    }
#ifdef SIGPIPE
    if (APR_STATUS_IS_EPIPE(status)) {
        return end_by(SIGPIPE, inherited_pipe == SIG_IGN);
    }
#endif
    program_fail(console, "standard output", status);
    return PROGRAM_ERROR;
}

int program_main(const char *name, int argc, const char *const *argv, const char *const *env,
                 program_run_t *run)
{
    console_t *console;
    apr_pool_t *pool;
    apr_status_t status;

    program_name = name;
    status = apr_app_initialize(&argc, &argv, &env);
    if (status != APR_SUCCESS) {
        return out_of_memory(status);
    }
    atexit(apr_terminate);
#ifdef SIGPIPE
    /* A write without a reader becomes an error, so that the progress bar can be erased. */
    inherited_pipe = apr_signal(SIGPIPE, SIG_IGN);
#endif
    status = apr_pool_create_ex(&pool, NULL, out_of_memory, NULL);
    if (status == APR_SUCCESS) {
        fill_streams(pool);
        status = console_open(&console, pool);
    }
    if (status != APR_SUCCESS) {
        return out_of_memory(status);
    }
    return finish(console, run(argc, argv, console, pool));
}
