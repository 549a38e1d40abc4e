/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options that all commands share, and the settings that a command line leaves. The
 * options of one command stand with it.
 */
#include <string.h>

#include <apr_strings.h>

#include "cli/size.h"
#include "tools/tool.h"

/* The default limit of mapped memory. The commands read files from end to end, so more would
   not make them faster, only larger. */
#define DEFAULT_MAX_MEMORY ((apr_size_t)256 << 20)

/* A limit, below the numbers with a meaning (SMMAP_LIMIT_AUTO, SMMAP_UNLIMITED); or a window's size,
   of which the library says whether it is too large. */
static const char *set_number(const option_t *option, void *field, const char *value,
                              const char *(*parse)(const char *, apr_uint64_t, apr_uint64_t *))
{
    apr_uint64_t number = 0;
    const char *wrong;

    if (option->most != 0 && strcmp(value, "unlimited") == 0) {
        *(apr_size_t *)field = SMMAP_UNLIMITED;
        return NULL;
    }
    wrong = parse(value, option->most != 0 ? SMMAP_LIMIT_AUTO - 1 : SIZE_LARGEST, &number);
    if (wrong == NULL && number == 0) {
        wrong = option->most != 0 ? "must be 1 or more, or 'unlimited'" : "must be 1 or more";
    }
    if (wrong == NULL) {
        *(apr_size_t *)field = (apr_size_t)number;
    }
    return wrong;
}

static const char *set_memory(const option_t *option, void *field, const char *value,
                              apr_pool_t *pool)
{
    (void)pool;
    return set_number(option, field, value, size_parse);
}

static const char *set_limit(const option_t *option, void *field, const char *value,
                             apr_pool_t *pool)
{
    (void)pool;
    return set_number(option, field, value, count_parse);
}

static const char *set_mode(const option_t *option, void *field, const char *value,
                            apr_pool_t *pool)
{
    static const char *const names[] = {"auto", "static", "sliding"};
    static const smmap_mode_t modes[] = {SMMAP_MODE_AUTO, SMMAP_MODE_STATIC, SMMAP_MODE_SLIDING};
    int i;

    (void)option;
    (void)pool;
    for (i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            *(smmap_mode_t *)field = modes[i];
            return NULL;
        }
    }
    return "is not one of sliding, static and auto";
}

static const char *set_hard_limits(const option_t *option, void *field, const char *value,
                                   apr_pool_t *pool)
{
    (void)option;
    (void)value;
    (void)pool;
    *(smmap_limits_t *)field = SMMAP_LIMITS_HARD;
    return NULL;
}

/* `most` of a limit: 1 when it may be unlimited. */
const option_t tool_common_options[] = {
    {"mode", 0, "sliding|static|auto",
     "how to map files: in windows, whole, or as the\n"
     "library chooses (in windows); default: sliding",
     set_mode, TOOL_FIELD(manager.mode), 0, 0},
    {"window-size", 0, "SIZE",
     "window size in sliding mode, rounded up to the\n"
     "granularity (see 'info'); default: an eighth of\n"
     "--max-memory, at most the library's default",
     set_memory, TOOL_FIELD(manager.window_size), 0, 0},
    {"max-memory", 0, "SIZE",
     "maximum bytes mapped at a time, or 'unlimited';\n"
     "default: 256M",
     set_memory, TOOL_FIELD(manager.max_mapped_bytes), 0, 1},
    {"max-regions", 0, "N",
     "maximum windows mapped at a time, or 'unlimited';\n"
     "default: 32768",
     set_limit, TOOL_FIELD(manager.max_regions), 0, 1},
    {"max-open-files", 0, "N",
     "maximum files open at a time, or 'unlimited';\n"
     "default: a quarter of the system's limit, at most\n"
     "1024",
     set_limit, TOOL_FIELD(manager.max_open_files), 0, 1},
    {"hard-limits", 0, NULL,
     "fail instead of exceeding a limit when everything\n"
     "is in use",
     set_hard_limits, TOOL_FIELD(manager.limits), 0, 0},
    {"stats", 0, NULL, "print statistics to standard error at the end", option_flag,
     TOOL_FIELD(stats), 0, 0},
    {"help", 0, NULL, "print this help", option_flag, TOOL_FIELD(help), 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

static int check_operands(const options_t *options, const tool_command_t *command)
{
    const tool_settings_t *settings = options->settings;
    int i;

    if (options->count < command->least && settings->patterns == NULL) {
        return options_complain(options, options->count < command->paths ? "no pattern given"
                                                                         : "no file given");
    }
    for (i = command->paths; i < options->count && !command->reads_stdin; i++) {
        if (strcmp(options->operands[i], "-") == 0) {
            return options_complain(options, "standard input ('-') cannot be mapped; name a file, "
                                             "or './-' for a file of that name");
        }
    }
    return 1;
}

int tool_settings_parse(tool_settings_t *settings, const tool_command_t *command, int argc,
                        const char *const *argv, console_t *console, apr_pool_t *pool)
{
    static const smmap_options_t defaults = SMMAP_OPTIONS_INIT;
    options_t options = {apr_pstrcat(pool, "smmap ", command->name, NULL),
                         {command->options, tool_common_options},
                         settings,
                         console,
                         pool,
                         0,
                         NULL};

    memset(settings, 0, sizeof(*settings));
    settings->manager = defaults;
    settings->manager.mode = SMMAP_MODE_SLIDING;
    settings->length = ~(apr_uint64_t)0;
    settings->max_count = ~(apr_uint64_t)0;
    settings->threads = 1;
    if (!options_parse(&options, argc, argv)) {
        return 0;
    }
    settings->given = settings->manager;
    if (settings->manager.max_mapped_bytes == SMMAP_DEFAULT) {
        settings->manager.max_mapped_bytes = DEFAULT_MAX_MEMORY;
    }
    if (settings->help) {
        return 1;
    }
    if (settings->quiet) {
        settings->print = TOOL_PRINT_NOTHING;
    } else if (settings->conflicts > 0) {
        return options_complain(&options, "only one of -c, -l and -L can be given");
    }
    settings->count = options.count;
    settings->operands = options.operands;
    return check_operands(&options, command);
}
