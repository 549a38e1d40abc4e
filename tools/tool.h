/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commands share: their settings, their surroundings, their exit codes.
 */
#ifndef SMMAP_TOOLS_TOOL_H
#define SMMAP_TOOLS_TOOL_H

#include <apr_tables.h>
#include <smmap/smmap.h>

#include "cli/options.h"
#include "cli/program.h"
#include "tools/progress.h"

/** Exit codes. `find` uses all three, as grep does; the others use 0 and 2. */
#define TOOL_OK 0
#define TOOL_NONE 1 /**< no match */
#define TOOL_ERROR PROGRAM_ERROR

/** What `find` prints. */
typedef enum tool_print_t {
    TOOL_PRINT_OFFSETS,
    TOOL_PRINT_COUNT,
    TOOL_PRINT_WITH,    /**< paths of files with a match */
    TOOL_PRINT_WITHOUT, /**< paths of files without one */
    TOOL_PRINT_NOTHING
} tool_print_t;

/** Whether `find` prints in colours. */
typedef enum tool_color_t { TOOL_COLOR_AUTO, TOOL_COLOR_ALWAYS, TOOL_COLOR_NEVER } tool_color_t;

/** What the user asked for. */
typedef struct tool_settings_t {
    smmap_options_t manager;
    smmap_options_t given; /**< the same before the command's own defaults; 0: not given */
    int stats;
    int help;

    /* info, find */
    int json;
    int recursive;

    /* cat, find: the range; the offset may be negative */
    apr_off_t offset;
    apr_uint64_t length;

    /* find */
    tool_print_t print;
    int quiet;     /**< 1: print nothing */
    int conflicts; /**< options that ask to print something else than one before */
    int hex;
    int overlap;
    int no_filename;
    int no_messages;
    int null; /**< 1: a zero byte behind each path */
    apr_uint64_t max_count;
    apr_array_header_t *patterns; /**< of -e; NULL: the first operand is the pattern */
    int ignore_case;
    int threads;
    int has_context;
    int context;
    int hex_offsets;
    tool_color_t color;

    /* what is left on the command line: the pattern and the paths */
    int count;
    const char *const *operands;
} tool_settings_t;

/** A command at work. */
typedef struct tool_t {
    const tool_settings_t *settings;
    smmap_manager_t *manager;
    console_t *console;
    apr_pool_t *pool;
    const char *directory; /**< see tool_walk_directory() */
} tool_t;

/** One command. */
typedef struct tool_command_t {
    const char *name;
    const char *operands;     /**< as shown in its usage */
    const char *summary;      /**< one line */
    const char *notes;        /**< more of its help, in lines */
    const option_t *options;  /**< its own; ends with a NULL name */
    int least;                /**< how many operands it needs */
    int paths;                /**< operands from this one on are paths */
    int reads_stdin;          /**< 1: "-" is standard input, and so is no path at all */
    int (*run)(tool_t *tool); /**< returns the exit code */
} tool_command_t;

extern const tool_command_t tool_cat;
extern const tool_command_t tool_find;
extern const tool_command_t tool_info;

/** Options that every command has. A value of an option is completed as its name says: FILE, DIR,
    or words with '|' between them. */
extern const option_t tool_common_options[];

/** A field of the settings, in a table of options. */
#define TOOL_FIELD(name) OPTION_FIELD(tool_settings_t, name)

/**
 * Read the command line of a command. What is wrong with it is printed.
 *
 * @param argc, argv (in) the command line from the command's name on.
 * @return 1 when it is good, or when help was asked for; 0 otherwise.
 */
int tool_settings_parse(tool_settings_t *settings, const tool_command_t *command, int argc,
                        const char *const *argv, console_t *console, apr_pool_t *pool);

/** What the help and the completions say of the commands that are not of this kind. */
#define TOOL_BENCH_SUMMARY "measure the library against other ways to read a file"
#define TOOL_HELP_SUMMARY "print this help, or the help of a command"

/**
 * Print what a shell needs to complete a command line.
 *
 * @param shell (in) bash, zsh or fish; NULL: none was named.
 * @return the exit code; what is wrong is printed.
 */
int tool_complete_print(const char *shell, console_t *console, apr_pool_t *pool);

/** Print the help of a command, or (NULL) of the whole program. */
void tool_help_print(const tool_command_t *command, console_t *console);

/** Print the manager's statistics and limits to standard error. */
void tool_stats_print(const tool_t *tool);

/** A limit in force. */
typedef struct tool_limit_t {
    const char *name;
    apr_uint64_t value; /**< or SMMAP_UNLIMITED, or TOOL_WHOLE_FILE */
    int is_size;        /**< 1: bytes */
    const char *from;   /**< "default", an option, a variable, or a limit of the system */
} tool_limit_t;

#define TOOL_LIMITS_MOST 5
/** The window size in static mode. */
#define TOOL_WHOLE_FILE ((apr_uint64_t)SMMAP_UNLIMITED - 1)

/** All limits; returns how many. */
int tool_limits(const tool_t *tool, tool_limit_t limits[TOOL_LIMITS_MOST]);

/** The value for people. `text` has room for SIZE_TEXT characters. */
const char *tool_limit_format(const tool_limit_t *limit, char *text);

/**
 * List the files on the command line, from the operand `first` on; with -r also those in the
 * directories among them, and without any those in the current directory; else standard input.
 *
 * @param paths (out) of const char *.
 * @return 1 when all went well, 0 when a directory could not be read, and that was printed.
 */
int tool_tree_list(const tool_t *tool, int first, apr_array_header_t **paths);

/** All commands; ends with NULL. */
extern const tool_command_t *const tool_commands[];

/** A walk over the files on the command line. */
typedef struct tool_walk_t tool_walk_t;
struct tool_walk_t {
    const tool_t *tool;
    /** What to do with a file; an error is printed, and the walk goes on. */
    apr_status_t (*visit)(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor);
    void *baton;               /**< for it */
    int stop;                  /**< set it to end the walk */
    int failed;                /**< set it when something was wrong with a file and was printed */
    tool_progress_t *progress; /**< set by tool_walk_files() */
};

/**
 * Visit all files on the command line, from the operand `first` on.
 *
 * @return 1 when all went well, 0 when something was wrong with a file.
 */
int tool_walk_files(tool_walk_t *walk, int first);

/** The path of standard input. */
#define TOOL_STDIN "-"

/** What a file is called where people read it. */
const char *tool_walk_name(const char *path);

/** Print what is wrong with a file, unless the user does not want to know. */
void tool_walk_complain(const tool_t *tool, const char *path, const char *why);
void tool_walk_report(const tool_t *tool, const char *path, apr_status_t status);

/** The current directory's path, if it leads there; NULL otherwise. */
const char *tool_walk_directory(apr_pool_t *pool);

/** Open a cursor, as smmap_cursor_open(). */
apr_status_t tool_walk_open(const tool_t *tool, const char *path, smmap_cursor_t **cursor,
                            apr_pool_t *pool);

/** The part [begin, end) of a file of this size that --offset and --length leave. */
void tool_walk_range(const tool_settings_t *settings, apr_off_t size, apr_off_t *begin,
                     apr_off_t *end);

/** How many bytes of a file that is, for the settings as the baton. */
tool_progress_work_t tool_walk_work;

#endif
