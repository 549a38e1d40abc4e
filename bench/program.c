/*
 * The surroundings of smmap-bench and smmap-bookkeeping, and the reading of their options.
 *
 * The programs differ in what they are called, in the table of their options and in what they
 * make of each; what is said about a bad command line, and how a program ends that cannot
 * write its output, is the same for both and stands here.
 */
#include "bench/program.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_signal.h>
#include <apr_strings.h>

#include "bench/bench.h"

static int out_of_memory(int status)
{
    (void)status;
    exit(BENCH_ERROR); /* there is no memory to say so */
}

int program_main(const char *name, int argc, const char *const *argv, const char *const *env,
                 program_run_t *run)
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
    apr_signal(SIGPIPE, SIG_IGN); /* of our output, and of a child's input */
#endif
    if (apr_pool_create_ex(&pool, NULL, out_of_memory, NULL) != APR_SUCCESS ||
        tool_console_open(&console, pool) != APR_SUCCESS) {
        return BENCH_ERROR;
    }
    code = run(argc, argv, console, pool);
    status = tool_console_close(console);
    if (status != APR_SUCCESS && code == BENCH_OK) {
        tool_console_error(console, "%s: standard output: %s\n", name,
                           smmap_strerror(status, reason, sizeof(reason)));
        return BENCH_ERROR;
    }
    return code;
}

int program_complain(const char *name, tool_console_t *console, const char *what)
{
    tool_console_error(console, "%s: %s\nTry '%s --help' to see what it can do.\n", name, what,
                       name);
    return 0;
}

static const char *option_name(const apr_getopt_option_t *options, int option)
{
    while (options->name != NULL && options->optch != option) {
        options++;
    }
    return options->name;
}

int program_options(apr_getopt_t *getopt, const apr_getopt_option_t *options,
                    program_apply_t *apply, void *settings, const char *name,
                    tool_console_t *console, apr_pool_t *pool)
{
    apr_status_t status;
    const char *value;
    int option;

    getopt->errfn = NULL;
    while ((status = apr_getopt_long(getopt, options, &option, &value)) == APR_SUCCESS) {
        const char *wrong = apply(settings, option, value);

        if (wrong != NULL) {
            return program_complain(
                name, console,
                apr_psprintf(pool, "--%s: '%s' %s", option_name(options, option), value, wrong));
        }
    }
    if (!APR_STATUS_IS_EOF(status)) {
        return program_complain(name, console,
                                apr_psprintf(pool, "'%s': %s", getopt->argv[getopt->ind - 1],
                                             status == APR_BADARG ? "needs a value, or takes none"
                                                                  : "there is no such option"));
    }
    return 1;
}
