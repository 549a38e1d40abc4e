/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command `smmap`: reads files through the library, on its public interface and APR
 * alone. Here: which command it is, and its manager.
 *
 * What is where:
 *   settings.c the command line         help.c     --help
 *   walk.c     the files on it          progress.c the progress bar
 *   cat.c info.c find.c  the commands   print.c    what `find` prints
 *   search.c source.c patterns.c pattern.c triple.c  its search; crew.c: its threads
 *   stats.c    --stats                  limits.c   limits, and where they come from
 *   memory.c   what is in memory        tree.c     the files in directories
 *   complete.c what shells complete     holes.c    the holes of a file
 *   ../cli/    what is shared with the benchmark
 * The command `bench` is the benchmark, bench/run.c, which parses its own command line.
 */
#include <string.h>

#include <apr_version.h>

#include "bench/main.h"
#include "tools/tool.h"

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

/* The library continues without a trace, so it reports nothing itself. To ask for the statistics
   writes the last block. */
static void warn_of_trace(smmap_manager_t *manager, console_t *console)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    if (smmap_manager_stats(manager, &stats) == APR_SUCCESS && stats.trace_failures != 0) {
        console_error(console, "smmap: the file named by SMMAP_TRACE cannot be written; "
                               "the trace is incomplete or missing\n");
    }
}

static int run_command(const tool_command_t *command, int argc, const char *const *argv,
                       console_t *console, apr_pool_t *pool)
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
    tool.directory = tool_walk_directory(pool);
    settings.manager.guard = SMMAP_GUARD_STRICT;
    status = smmap_manager_create(&tool.manager, &settings.manager, pool);
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        settings.manager.guard = SMMAP_GUARD_OFF;
        status = smmap_manager_create(&tool.manager, &settings.manager, pool);
    }
    if (status == SMMAP_ETOOLARGE) {
        console_error(console,
                      "smmap %s: --window-size: '%" APR_SIZE_T_FMT
                      "' is too large; the greatest is "
                      "%" APR_SIZE_T_FMT "\nTry 'smmap %s --help' for more information.\n",
                      command->name, settings.manager.window_size,
                      SMMAP_UNLIMITED / 2 - smmap_granularity(), command->name);
        return TOOL_ERROR;
    }
    if (status != APR_SUCCESS) {
        console_error(console, "smmap %s: invalid options: %s\n", command->name,
                      smmap_strerror(status, reason, sizeof(reason)));
        return TOOL_ERROR;
    }
    code = command->run(&tool);
    if (settings.stats) {
        tool_stats_print(&tool);
    }
    warn_of_trace(tool.manager, console);
    status = smmap_manager_destroy(tool.manager);
    if (status != APR_SUCCESS) {
        console_error(console, "smmap %s: closing the files: %s\n", command->name,
                      smmap_strerror(status, reason, sizeof(reason)));
        return TOOL_ERROR;
    }
    return code;
}

static int complain_command(console_t *console, const char *name)
{
    if (name == NULL) {
        console_error(console, "smmap: no command given\n");
    } else {
        console_error(console, "smmap: unknown %s '%s'\n", name[0] == '-' ? "option" : "command",
                      name);
    }
    console_error(console, "The commands are info, cat, find and bench; "
                           "try 'smmap --help' for more information.\n");
    return TOOL_ERROR;
}

/* Arguments after --version and the like, which take none. */
static int complain_rest(console_t *console, const char *name, const char *rest)
{
    console_error(console, "smmap %s: unexpected argument '%s'\n", name, rest);
    return TOOL_ERROR;
}

static int run(int argc, const char *const *argv, console_t *console, apr_pool_t *pool)
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
        console_printf(console, "smmap %s (libsmmap %s, APR %s)\n", SMMAP_VERSION_STRING,
                       smmap_version(NULL, NULL, NULL), apr_version_string());
        return TOOL_OK;
    }
    if (strcmp(name, "--completion") == 0) {
        if (argc > 3) {
            return complain_rest(console, name, argv[3]);
        }
        return tool_complete_print(argc > 2 ? argv[2] : NULL, console, pool);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        if (argc == 3 && strcmp(argv[2], "bench") == 0) {
            const char *const words[] = {"bench", "--help", NULL};

            return bench_main("smmap bench", 2, words, console, pool);
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
        return bench_main("smmap bench", argc - 1, argv + 1, console, pool);
    }
    command = find_command(name);
    if (command == NULL) {
        return complain_command(console, name);
    }
    return run_command(command, argc - 1, argv + 1, console, pool);
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main("smmap", argc, argv, env, run);
}
