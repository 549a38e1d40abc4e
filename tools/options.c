/*
 * The command line: which options there are, and what the user asked for.
 *
 * The options that all commands share stand here, those of one command stand with
 * it; the help is made from the same tables, so the two cannot differ. APR's
 * getopt finds the options, also behind the operands; its messages are replaced,
 * as they do not say what to do instead. Each mistake ends with one message and a
 * hint, and changes nothing.
 */
#include <string.h>

#include <apr_getopt.h>
#include <apr_strings.h>

#include "size.h"
#include "tool.h"

/* The limit of mapped memory, where the user sets none. The commands read files from end
   to end, so more would not make them faster, it would only make them look big. */
#define DEFAULT_MAX_MEMORY ((apr_size_t)256 << 20)

const tool_option_t tool_common_options[] = {
    {"mode", TOOL_OPT_MODE, "MODE",
     "how files are mapped: sliding (in windows), static\n"
     "(each file as a whole) or auto (static in a 64-bit\n"
     "program, otherwise sliding); default: sliding"},
    {"window-size", TOOL_OPT_WINDOW_SIZE, "SIZE",
     "bytes in a window of the sliding mode, rounded up\n"
     "to the granularity (see 'info'); default: an\n"
     "eighth of --max-memory, at most the library's own"},
    {"max-memory", TOOL_OPT_MAX_MEMORY, "SIZE",
     "most bytes mapped at a time, or 'unlimited';\n"
     "default: 256M"},
    {"max-regions", TOOL_OPT_MAX_REGIONS, "N",
     "most windows mapped at a time, or 'unlimited';\n"
     "default: 32768"},
    {"max-open-files", TOOL_OPT_MAX_OPEN_FILES, "N",
     "most files open at a time, or 'unlimited';\n"
     "default: half of what the system allows"},
    {"hard-limits", TOOL_OPT_HARD_LIMITS, NULL,
     "fail rather than go over a limit when everything\n"
     "is in use"},
    {"stats", TOOL_OPT_STATS, NULL, "print statistics to standard error at the end"},
    {"help", TOOL_OPT_HELP, NULL, "print this help"},
    {NULL, 0, NULL, NULL}};

/* Stands for a bare "-" while APR's getopt looks at the command line: getopt takes it for a
   bad option, but it is a good pattern, and as a file it gets a message of its own. */
static const char bare[] = "";

/* What one call of tool_settings_parse() works with. */
typedef struct parse_t {
    tool_settings_t *settings;
    const tool_command_t *command;
    tool_console_t *console;
    int print_options; /* how many options said what to print */
} parse_t;

/* Say what is wrong, and where to read more. Always 0. */
static int complain(const parse_t *parse, const char *what)
{
    tool_console_error(parse->console,
                       "smmap %s: %s\nTry 'smmap %s --help' to see what it can do.\n",
                       parse->command->name, what, parse->command->name);
    return 0;
}

static int complain_value(const parse_t *parse, const tool_option_t *option, const char *value,
                          const char *wrong)
{
    tool_console_error(parse->console,
                       "smmap %s: --%s: '%s' %s\nTry 'smmap %s --help' to see what it can do.\n",
                       parse->command->name, option->name, value, wrong, parse->command->name);
    return 0;
}

/* A limit or a window's size: 1 or more, below the number that means "unlimited". */
static int parse_memory(const parse_t *parse, const tool_option_t *option, const char *value,
                        int is_limit, int is_size, apr_size_t *result)
{
    apr_uint64_t number = 0;
    const char *wrong;

    if (is_limit && strcmp(value, "unlimited") == 0) {
        *result = SMMAP_UNLIMITED;
        return 1;
    }
    wrong = is_size ? tool_size_parse(value, TOOL_SIZE_MAX - 1, &number)
                    : tool_count_parse(value, TOOL_SIZE_MAX - 1, &number);
    if (wrong == NULL && number == 0) {
        wrong = is_limit ? "must be 1 or more, or 'unlimited'" : "must be 1 or more";
    }
    if (wrong != NULL) {
        return complain_value(parse, option, value, wrong);
    }
    *result = (apr_size_t)number;
    return 1;
}

static int parse_mode(const parse_t *parse, const tool_option_t *option, const char *value)
{
    static const char *const names[] = {"auto", "static", "sliding"};
    static const smmap_mode_t modes[] = {SMMAP_MODE_AUTO, SMMAP_MODE_STATIC, SMMAP_MODE_SLIDING};
    int i;

    for (i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            parse->settings->manager.mode = modes[i];
            return 1;
        }
    }
    return complain_value(parse, option, value, "is not one of sliding, static and auto");
}

static void choose_print(parse_t *parse, tool_print_t print)
{
    if (parse->settings->print != TOOL_PRINT_NOTHING) {
        if (parse->settings->print != print) {
            parse->print_options++;
        }
        parse->settings->print = print;
    }
}

/* One option and its value (NULL: it takes none). 0: it is bad, and that was said. */
static int apply(parse_t *parse, const tool_option_t *option, const char *value)
{
    tool_settings_t *settings = parse->settings;
    smmap_options_t *manager = &settings->manager;
    const char *wrong = NULL;

    switch (option->letter) {
    case TOOL_OPT_HELP:
        settings->help = 1;
        break;
    case TOOL_OPT_MODE:
        return parse_mode(parse, option, value);
    case TOOL_OPT_WINDOW_SIZE:
        return parse_memory(parse, option, value, 0, 1, &manager->window_size);
    case TOOL_OPT_MAX_MEMORY:
        return parse_memory(parse, option, value, 1, 1, &manager->max_mapped_bytes);
    case TOOL_OPT_MAX_REGIONS:
        return parse_memory(parse, option, value, 1, 0, &manager->max_regions);
    case TOOL_OPT_MAX_OPEN_FILES:
        return parse_memory(parse, option, value, 1, 0, &manager->max_open_files);
    case TOOL_OPT_HARD_LIMITS:
        manager->limits = SMMAP_LIMITS_HARD;
        break;
    case TOOL_OPT_STATS:
        settings->stats = 1;
        break;
    case TOOL_OPT_JSON:
        settings->json = 1;
        break;
    case TOOL_OPT_OFFSET:
        wrong = tool_offset_parse(value, &settings->offset);
        break;
    case TOOL_OPT_LENGTH:
        wrong = tool_size_parse(value, ~(apr_uint64_t)0, &settings->length);
        break;
    case TOOL_OPT_HEX:
        settings->hex = 1;
        break;
    case TOOL_OPT_OVERLAP:
        settings->overlap = 1;
        break;
    case 'c':
        choose_print(parse, TOOL_PRINT_COUNT);
        break;
    case 'l':
        choose_print(parse, TOOL_PRINT_WITH);
        break;
    case 'L':
        choose_print(parse, TOOL_PRINT_WITHOUT);
        break;
    case 'q':
        settings->print = TOOL_PRINT_NOTHING;
        break;
    case 'h':
        settings->no_filename = 1;
        break;
    case 's':
        settings->no_messages = 1;
        break;
    case 'Z':
        settings->nul = 1;
        break;
    default: /* 'm': the tables hold no other */
        wrong = tool_count_parse(value, ~(apr_uint64_t)0, &settings->max_count);
        break;
    }
    return wrong == NULL ? 1 : complain_value(parse, option, value, wrong);
}

/* How many letters have to be changed, put in or left out to make one word of another;
   more than `most`: too many to matter. */
static int distance(const char *a, apr_size_t a_size, const char *b, int most)
{
    int best;
    int other;

    while (a_size > 0 && *b != '\0' && *a == *b) {
        a++;
        a_size--;
        b++;
    }
    if (a_size == 0 && *b == '\0') {
        return 0;
    }
    if (most == 0) {
        return 1;
    }
    best = most;
    if (a_size > 0 && *b != '\0') {
        best = distance(a + 1, a_size - 1, b + 1, most - 1);
    }
    if (a_size > 0) {
        other = distance(a + 1, a_size - 1, b, most - 1);
        best = other < best ? other : best;
    }
    if (*b != '\0') {
        other = distance(a, a_size, b + 1, most - 1);
        best = other < best ? other : best;
    }
    return best + 1;
}

/* The option that the user may have meant, or NULL. */
static const char *guess(const tool_option_t *options, int count, const char *text)
{
    apr_size_t size = strcspn(text, "=");
    int i;

    for (i = 0; i < count; i++) {
        if (size >= 3 && strncmp(options[i].name, text, size) == 0) {
            return options[i].name;
        }
    }
    for (i = 0; i < count; i++) {
        if (distance(text, size, options[i].name, 2) <= 2) {
            return options[i].name;
        }
    }
    return NULL;
}

/* Explain what apr_getopt_long() did not like. */
static int complain_option(const parse_t *parse, const apr_getopt_t *getopt, apr_status_t status,
                           const tool_option_t *options, int count, apr_pool_t *pool)
{
    const char *text = getopt->argv[getopt->ind - 1];
    const char *meant;
    char letter;

    if (text[0] == '-' && text[1] == '-') {
        apr_size_t size = strcspn(text, "=");

        if (status == APR_BADARG && text[size] == '=') {
            return complain(parse,
                            apr_psprintf(pool, "option '%.*s' takes no value", (int)size, text));
        }
        if (status == APR_BADARG) {
            return complain(parse, apr_psprintf(pool, "option '%s' needs a value", text));
        }
        meant = guess(options, count, text + 2);
        if (meant != NULL) {
            return complain(parse, apr_psprintf(pool, "there is no option '%.*s'; is it '--%s'?",
                                                (int)size, text, meant));
        }
        return complain(parse, apr_psprintf(pool, "there is no option '%.*s'", (int)size, text));
    }
    /* In a run of short options `place` is at the one in question, unless it is the first. */
    letter = *getopt->place != '\0' ? *getopt->place : text[1];
    if (status == APR_BADARG) {
        return complain(parse, apr_psprintf(pool, "option '-%c' needs a value", letter));
    }
    if (letter <= ' ' || letter > '~') {
        return complain(parse, apr_psprintf(pool, "there is no such option: '%s'", text));
    }
    return complain(parse, apr_psprintf(pool,
                                        "there is no option '-%c'; put '--' before an operand "
                                        "that starts with '-'",
                                        letter));
}

/* The options of the command and the common ones in one table; `count` of them. */
static tool_option_t *join_tables(const tool_command_t *command, int *count, apr_pool_t *pool)
{
    const tool_option_t *tables[2];
    tool_option_t *joined;
    int table;

    tables[0] = command->options;
    tables[1] = tool_common_options;
    *count = 0;
    for (table = 0; table < 2; table++) {
        const tool_option_t *option = tables[table];

        for (; option->name != NULL; option++) {
            (*count)++;
        }
    }
    joined = apr_pcalloc(pool, ((apr_size_t)*count + 1) * sizeof(*joined));
    *count = 0;
    for (table = 0; table < 2; table++) {
        const tool_option_t *option = tables[table];

        for (; option->name != NULL; option++) {
            joined[(*count)++] = *option;
        }
    }
    return joined;
}

static int check_operands(const parse_t *parse)
{
    const tool_settings_t *settings = parse->settings;
    int i;

    if (settings->count < parse->command->least) {
        return complain(parse, settings->count < parse->command->paths ? "there is no pattern"
                                                                       : "there is no file");
    }
    for (i = parse->command->paths; i < settings->count; i++) {
        if (strcmp(settings->operands[i], "-") == 0) {
            return complain(parse, "standard input ('-') cannot be mapped: name a file, or './-' "
                                   "for a file of that name");
        }
    }
    return 1;
}

int tool_settings_parse(tool_settings_t *settings, const tool_command_t *command, int argc,
                        const char *const *argv, tool_console_t *console, apr_pool_t *pool)
{
    static const smmap_options_t defaults = SMMAP_OPTIONS_INIT;
    parse_t parse;
    int count;
    const tool_option_t *options = join_tables(command, &count, pool);
    apr_getopt_option_t *table = apr_pcalloc(pool, ((apr_size_t)count + 1) * sizeof(*table));
    apr_getopt_t *getopt;
    const char **operands;
    apr_status_t status;
    int i;

    memset(settings, 0, sizeof(*settings));
    settings->manager = defaults;
    settings->manager.mode = SMMAP_MODE_SLIDING;
    settings->manager.max_mapped_bytes = DEFAULT_MAX_MEMORY;
    settings->length = ~(apr_uint64_t)0;
    settings->max_count = ~(apr_uint64_t)0;
    parse.settings = settings;
    parse.command = command;
    parse.console = console;
    parse.print_options = 0;

    for (i = 0; i < count; i++) {
        table[i].name = options[i].name;
        table[i].optch = options[i].letter;
        table[i].has_arg = options[i].value != NULL;
    }
    operands = apr_pmemdup(pool, argv, (apr_size_t)argc * sizeof(*operands));
    for (i = 1; i < argc; i++) {
        operands[i] = strcmp(argv[i], "-") == 0 ? bare : argv[i];
    }
    status = apr_getopt_init(&getopt, pool, argc, operands);
    if (status != APR_SUCCESS) {
        return complain(&parse, "out of memory");
    }
    getopt->errfn = NULL;
    getopt->interleave = 1;
    for (;;) {
        int letter = 0;
        const char *value = NULL;

        status = apr_getopt_long(getopt, table, &letter, &value);
        if (status == APR_EOF) {
            break;
        }
        if (status != APR_SUCCESS) {
            return complain_option(&parse, getopt, status, options, count, pool);
        }
        for (i = 0; options[i].letter != letter; i++) {
        }
        if (!apply(&parse, &options[i], value == bare ? "-" : value)) {
            return 0;
        }
        if (settings->help) {
            return 1;
        }
    }
    if (parse.print_options > 1 && settings->print != TOOL_PRINT_NOTHING) {
        return complain(&parse, "only one of -c, -l and -L can be given");
    }
    settings->count = argc - getopt->ind;
    operands = getopt->argv + getopt->ind;
    for (i = 0; i < settings->count; i++) {
        if (operands[i] == bare) {
            operands[i] = "-";
        }
    }
    settings->operands = operands;
    return check_operands(&parse);
}
