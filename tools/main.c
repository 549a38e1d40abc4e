/*
 * The command `smmap`: looks into files through the library, on its public interface
 * and APR alone.
 *
 * Here: which command it is, its surroundings (memory, console, manager), and how
 * the program ends. A program that a signal ends tells its shell so; therefore the
 * program ends by that very signal after ^C and when nobody reads its output any
 * more, and where that is not possible, with the exit code a shell would give it.
 *
 * What is where:
 *   options.c  the command line         size.c     numbers on it
 *   help.c     --help                   console.c  standard output and error
 *   walk.c     files and their bytes    progress.c the bar, ^C
 *   cat.c info.c find.c  the commands   scan.c pattern.c  the search of `find`
 *   stats.c    --stats
 * The command `bench` is the benchmark, bench/run.c, which reads its own command line.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_signal.h>
#include <apr_version.h>

#include "bench/bench.h"
#include "tool.h"

const tool_command_t *const tool_commands[] = {&tool_info, &tool_cat, &tool_find, NULL};

static const tool_command_t *find_command(const char *name)
{
    int i;

    for (i = 0; tool_commands[i] != NULL; i++) {
        if (strcmp(tool_commands[i]->name, name) == 0) {
            return tool_commands[i];
        }
    }
    return NULL;
}

#ifdef SIGPIPE /* not a signal of every C library */
/* What it did when the program was started. */
static void (*inherited_pipe)(int) = SIG_DFL;
#endif

/* End by a signal, or (`quietly`) with the code that a shell has for it. */
static int end_by(int signal_number, int quietly)
{
    if (!quietly) {
        apr_signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    return 128 + signal_number;
}

/* Close standard output and turn what became of it into the exit code. */
static int finish(tool_console_t *console, int code)
{
    apr_status_t status = tool_console_close(console);
    char reason[256];

    if (tool_progress_interrupted()) {
        return end_by(SIGINT, 0);
    }
    if (bench_interrupted()) {
        return end_by(bench_interrupted(), 0);
    }
    if (status == APR_SUCCESS) {
        return code;
    }
#ifdef SIGPIPE
    if (APR_STATUS_IS_EPIPE(status)) {
        return end_by(SIGPIPE, inherited_pipe == SIG_IGN);
    }
#endif
    tool_console_error(console, "smmap: standard output: %s\n",
                       smmap_strerror(status, reason, sizeof(reason)));
    return TOOL_ERROR;
}

/* The library goes on without a trace, so nobody else says so. */
static void warn_of_trace(smmap_manager_t *manager, tool_console_t *console)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    if (smmap_manager_stats(manager, &stats) == APR_SUCCESS && stats.trace_failures != 0) {
        tool_console_error(console, "smmap: the file of SMMAP_TRACE cannot be written; "
                                    "there is no trace, or not all of it\n");
    }
}

static int run_command(const tool_command_t *command, int argc, const char *const *argv,
                       tool_console_t *console, apr_pool_t *pool)
{
    tool_settings_t settings;
    tool_t tool;
    apr_status_t status;
    char reason[256];
    int code;

    if (!tool_settings_parse(&settings, command, argc, argv, console, pool)) {
        return TOOL_ERROR;
    }
    if (settings.help) {
        tool_help_print(command, console);
        return TOOL_OK;
    }
    tool.settings = &settings;
    tool.console = console;
    tool.pool = pool;
    settings.manager.guard = SMMAP_GUARD_ON;
    status = smmap_manager_create(&tool.manager, &settings.manager, pool);
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        settings.manager.guard = SMMAP_GUARD_OFF;
        status = smmap_manager_create(&tool.manager, &settings.manager, pool);
    }
    if (status == SMMAP_ETOOLARGE) {
        tool_console_error(console, "smmap %s: --window-size is too large\n", command->name);
        return TOOL_ERROR;
    }
    if (status != APR_SUCCESS) {
        tool_console_error(console, "smmap %s: these options make no manager: %s\n", command->name,
                           smmap_strerror(status, reason, sizeof(reason)));
        return TOOL_ERROR;
    }
    code = command->run(&tool);
    if (settings.stats) {
        tool_stats_print(tool.manager, console);
    }
    warn_of_trace(tool.manager, console);
    status = smmap_manager_destroy(tool.manager);
    if (status != APR_SUCCESS) {
        tool_console_error(console, "smmap %s: closing the files: %s\n", command->name,
                           smmap_strerror(status, reason, sizeof(reason)));
        return TOOL_ERROR;
    }
    return code;
}

static int out_of_memory(int status)
{
    (void)status;
    exit(TOOL_ERROR); /* there is no memory to say so */
}

static int run_bench(int argc, const char *const *argv, tool_console_t *console, apr_pool_t *pool)
{
    apr_pool_t *own;

    if (apr_pool_create_ex(&own, pool, out_of_memory, NULL) != APR_SUCCESS) {
        return TOOL_ERROR;
    }
    return bench_main("smmap bench", argc, argv, console, own);
}

static int complain_command(tool_console_t *console, const char *name)
{
    if (name == NULL) {
        tool_console_error(console, "smmap: there is no command\n");
    } else if (name[0] == '-') {
        tool_console_error(console, "smmap: there is no option '%s' before a command\n", name);
    } else {
        tool_console_error(console, "smmap: there is no command '%s'\n", name);
    }
    tool_console_error(console, "The commands are info, cat, find and bench; "
                                "try 'smmap --help' to see what they do.\n");
    return TOOL_ERROR;
}

/* Arguments behind --version and the like, which take none. */
static int complain_rest(tool_console_t *console, const char *name, const char *rest)
{
    tool_console_error(console, "smmap %s: there is no use for '%s' here\n", name, rest);
    return TOOL_ERROR;
}

static int run(int argc, const char *const *argv, tool_console_t *console, apr_pool_t *pool)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    const tool_command_t *command;

    if (name == NULL) {
        return complain_command(console, NULL);
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        if (argc > 2) {
            return complain_rest(console, name, argv[2]);
        }
        tool_console_printf(console, "smmap %s (libsmmap %s, APR %s)\n", SMMAP_VERSION_STRING,
                            smmap_version(NULL, NULL, NULL), apr_version_string());
        return TOOL_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        if (argc == 3 && strcmp(argv[2], "bench") == 0) {
            bench_program = "smmap bench";
            bench_help_print(console);
            return TOOL_OK;
        }
        command = argc > 2 ? find_command(argv[2]) : NULL;
        if (argc > 2 && command == NULL) {
            return complain_command(console, argv[2]);
        }
        if (argc > 3) {
            return complain_rest(console, name, argv[3]);
        }
        tool_help_print(command, console);
        return TOOL_OK;
    }
    if (strcmp(name, "bench") == 0) {
        return run_bench(argc - 1, argv + 1, console, pool);
    }
    command = find_command(name);
    if (command == NULL) {
        return complain_command(console, name);
    }
    return run_command(command, argc - 1, argv + 1, console, pool);
}

int main(int argc, const char *const *argv, const char *const *env)
{
    apr_pool_t *pool;
    tool_console_t *console;

    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS) {
        return TOOL_ERROR; /* APR cannot even say why */
    }
    atexit(apr_terminate);
#ifdef SIGPIPE
    /* A write without a reader becomes an error, so that the bar can be taken away. */
    inherited_pipe = apr_signal(SIGPIPE, SIG_IGN);
#endif
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        tool_console_open(&console, pool) != APR_SUCCESS) {
        return TOOL_ERROR; /* nor can we, without a console */
    }
    return finish(console, run(argc, argv, console, pool));
}
