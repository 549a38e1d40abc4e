/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --completion: what a shell needs to complete a command line of `smmap`, made from the tables
 * that the options are parsed with and that --help prints.
 *
 * The files that are installed (tools/completions) ask the command for this text, so that it is
 * always that of the version at hand.
 *
 * What an option's value may be is in its name in the table: FILE and DIR are paths, words with
 * '|' between them are these words. The benchmark knows the names that its options take. Nothing is
 * known of any other.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/main.h"
#include "tools/tool.h"

/* What may stand for an option's value. */
typedef enum value_t { VALUE_NONE, VALUE_PATH, VALUE_DIRECTORY, VALUE_WORDS, VALUE_OTHER } value_t;

typedef struct complete_t {
    console_t *console;
    apr_pool_t *pool;
} complete_t;

/* A command, whatever it is made of. */
typedef struct entry_t {
    const char *name;
    const char *summary;
    const option_t *tables[2]; /* the second may be NULL; both are for `help` */
} entry_t;

static const entry_t *list_entries(apr_pool_t *pool)
{
    entry_t *entries;
    int count = 0;

    while (tool_commands[count] != NULL) {
        count++;
    }
    entries = apr_pcalloc(pool, ((apr_size_t)count + 3) * sizeof(*entries));
    for (count = 0; tool_commands[count] != NULL; count++) {
        entries[count].name = tool_commands[count]->name;
        entries[count].summary = tool_commands[count]->summary;
        entries[count].tables[0] = tool_commands[count]->options;
        entries[count].tables[1] = tool_common_options;
    }
    entries[count].name = "bench";
    entries[count].summary = TOOL_BENCH_SUMMARY;
    entries[count++].tables[0] = bench_options;
    entries[count].name = "help";
    entries[count].summary = TOOL_HELP_SUMMARY;
    return entries;
}

/* Every option of an entry, in turn. */
static const option_t *next_option(const entry_t *entry, int *table, const option_t *option)
{
    option = option == NULL ? entry->tables[0] : option + 1;
    while (option == NULL || option->name == NULL) {
        if (++*table > 1) {
            return NULL;
        }
        option = entry->tables[1];
    }
    return option;
}

static value_t value_of(const option_t *option)
{
    return option->value == NULL                ? VALUE_NONE
           : strcmp(option->value, "FILE") == 0 ? VALUE_PATH
           : strcmp(option->value, "DIR") == 0  ? VALUE_DIRECTORY
           : strchr(option->value, '|') != NULL || bench_option_name(option, 0) != NULL
               ? VALUE_WORDS
               : VALUE_OTHER;
}

/* With `by` in place of each character of this kind. */
static char *replace(const char *text, char character, char by, apr_pool_t *pool)
{
    char *replaced = apr_pstrdup(pool, text);
    char *c = replaced;

    while ((c = strchr(c, character)) != NULL) {
        *c = by;
    }
    return replaced;
}

static const char *words_of(const option_t *option, apr_pool_t *pool)
{
    const char *words = bench_option_name(option, 0);
    const char *more;
    int i;

    for (i = 1; (more = bench_option_name(option, i)) != NULL; i++) {
        words = apr_pstrcat(pool, words, " ", more, NULL);
    }
    return words != NULL ? words : replace(option->value, '|', ' ', pool);
}

/* The first words of a help, on one line. */
static const char *gist(const char *help, apr_pool_t *pool)
{
    char *text = replace(help, '\n', ' ', pool);
    apr_size_t size = strcspn(text, ";:");
    char *bracket = strstr(text, " (");

    text[bracket != NULL && bracket < text + size ? (apr_size_t)(bracket - text) : size] = '\0';
    return text;
}

/* With something before each of these characters. */
static const char *escape(const char *text, const char *special, const char *before,
                          apr_pool_t *pool)
{
    const char *escaped = "";

    for (;;) {
        apr_size_t plain = strcspn(text, special);

        if (text[plain] == '\0') {
            return apr_pstrcat(pool, escaped, text, NULL);
        }
        escaped = apr_pstrcat(pool, escaped, apr_pstrmemdup(pool, text, plain), before,
                              apr_pstrmemdup(pool, text + plain, 1), NULL);
        text += plain + 1;
    }
}

/* In single quotes, for sh and zsh, where nothing inside of them can be escaped. */
static const char *quote(const char *text, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "'", escape(text, "'", "'\\'", pool), "'", NULL);
}

/* --- bash ----------------------------------------------------------------------- */

static void bash_options(const complete_t *complete, const entry_t *entry)
{
    const option_t *option = NULL;
    int table = 0;

    while ((option = next_option(entry, &table, option)) != NULL) {
        console_printf(complete->console, " --%s", option->name);
        if (option->letter != 0) {
            console_printf(complete->console, " -%c", option->letter);
        }
    }
}

static void bash_values(const complete_t *complete, const entry_t *entry)
{
    console_t *console = complete->console;
    const option_t *option = NULL;
    int table = 0;

    while ((option = next_option(entry, &table, option)) != NULL) {
        value_t value = value_of(option);

        if (value == VALUE_NONE) {
            continue;
        }
        console_printf(console, "        %s:--%s", entry->name, option->name);
        if (option->letter != 0) {
            console_printf(console, "|%s:-%c", entry->name, option->letter);
        }
        if (value == VALUE_PATH) {
            console_printf(console, ") return ;;\n");
        } else if (value == VALUE_DIRECTORY) {
            console_printf(console, ") COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n");
        } else {
            console_printf(console, ") words='%s' only=1 ;;\n",
                           value == VALUE_WORDS ? words_of(option, complete->pool) : "");
        }
    }
}

/* What is not said here is a file's name, as -o default has it. In bash an option and its value
   are words of their own around "=". */
static void print_bash(const complete_t *complete, const entry_t *entries)
{
    console_t *console = complete->console;
    const entry_t *entry;

    console_printf(console, "_smmap()\n"
                            "{\n"
                            "    local word=${COMP_WORDS[COMP_CWORD]} words='' only='' before i\n"
                            "    before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                            "    COMPREPLY=()\n"
                            "    if [[ $word == '=' ]]; then\n"
                            "        word=''\n"
                            "    elif [[ $before == '=' ]]; then\n"
                            "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                            "    fi\n"
                            "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
                            "        [[ ${COMP_WORDS[i]} != '--' ]] || return\n"
                            "    done\n"
                            "    if ((COMP_CWORD == 1)) || [[ $COMP_CWORD:$before == 2:help ]]; "
                            "then\n"
                            "        words='");
    for (entry = entries; entry->name != NULL; entry++) {
        console_printf(console, "%s ", entry->name);
    }
    console_printf(console, "--help --version' only=1\n"
                            "    else\n"
                            "        case ${COMP_WORDS[1]} in\n");
    for (entry = entries; entry->tables[0] != NULL; entry++) {
        console_printf(console, "        %s) words='", entry->name);
        bash_options(complete, entry);
        console_printf(console, "' ;;\n");
    }
    console_printf(console, "        esac\n"
                            "        case ${COMP_WORDS[1]}:$before in\n");
    for (entry = entries; entry->tables[0] != NULL; entry++) {
        bash_values(complete, entry);
    }
    console_printf(console, "        esac\n"
                            "    fi\n"
                            "    if [[ $only ]]; then\n"
                            "        compopt +o default +o bashdefault 2>/dev/null\n"
                            "    elif [[ $word != -* ]]; then\n"
                            "        return\n"
                            "    fi\n"
                            "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                            "}\n"
                            "complete -o bashdefault -o default -F _smmap smmap\n");
}

/* --- zsh ------------------------------------------------------------------------ */

static void zsh_option(const complete_t *complete, const option_t *option)
{
    apr_pool_t *pool = complete->pool;
    value_t value = value_of(option);
    const char *mark = value == VALUE_NONE ? "" : "=";
    const char *spec =
        apr_pstrcat(pool, "[", escape(gist(option->help, pool), "[]\\:", "\\", pool), "]", NULL);

    if (value != VALUE_NONE) {
        spec = apr_pstrcat(
            pool, spec, ":", value == VALUE_WORDS ? option->name : option->value, ":",
            value == VALUE_PATH        ? "_files"
            : value == VALUE_DIRECTORY ? "_files -/"
            : value == VALUE_WORDS     ? apr_pstrcat(pool, "(", words_of(option, pool), ")", NULL)
                                       : " ",
            NULL);
    }
    if (option->letter != 0) {
        console_printf(complete->console, " \\\n            '(-%c --%s)'{-%c%s,--%s%s}%s",
                       option->letter, option->name, option->letter, value == VALUE_NONE ? "" : "+",
                       option->name, mark, quote(spec, pool));
    } else {
        console_printf(complete->console, " \\\n            --%s%s%s", option->name, mark,
                       quote(spec, pool));
    }
}

static void print_zsh(const complete_t *complete, const entry_t *entries)
{
    console_t *console = complete->console;
    const entry_t *entry;

    console_printf(console, "_smmap()\n"
                            "{\n"
                            "    local curcontext=$curcontext command=$words[2]\n"
                            "    local -a commands=(");
    for (entry = entries; entry->name != NULL; entry++) {
        const char *line = apr_pstrcat(complete->pool, entry->name, ":", entry->summary, NULL);

        console_printf(console, "\n        %s", quote(line, complete->pool));
    }
    console_printf(console, ")\n"
                            "    if ((CURRENT == 2)); then\n"
                            "        _describe command commands\n"
                            "        _arguments --help'[print help]' --version'[print the "
                            "version]'\n"
                            "        return\n"
                            "    fi\n"
                            "    shift words\n"
                            "    ((CURRENT--))\n"
                            "    case $command in\n"
                            "    help) ((CURRENT == 2)) && _describe command commands ;;\n");
    for (entry = entries; entry->tables[0] != NULL; entry++) {
        const option_t *option = NULL;
        int table = 0;

        console_printf(console, "    %s)\n        _arguments -s -S", entry->name);
        while ((option = next_option(entry, &table, option)) != NULL) {
            zsh_option(complete, option);
        }
        console_printf(console, " \\\n            '*:file:_files' ;;\n");
    }
    console_printf(console, "    esac\n"
                            "}\n");
}

/* --- fish ----------------------------------------------------------------------- */

static void fish_option(const complete_t *complete, const entry_t *entry, const option_t *option)
{
    console_t *console = complete->console;
    value_t value = value_of(option);

    console_printf(console, "complete -c smmap -n '__fish_seen_subcommand_from %s' -l %s",
                   entry->name, option->name);
    if (option->letter != 0) {
        console_printf(console, " -s %c", option->letter);
    }
    if (value == VALUE_PATH) {
        console_printf(console, " -r -F");
    } else if (value == VALUE_DIRECTORY) {
        console_printf(console, " -x -a '(__fish_complete_directories)'");
    } else if (value != VALUE_NONE) {
        console_printf(console, " -x -a '%s'",
                       value == VALUE_WORDS ? words_of(option, complete->pool) : "");
    }
    console_printf(console, " -d '%s'\n",
                   escape(gist(option->help, complete->pool), "'\\", "\\", complete->pool));
}

static void print_fish(const complete_t *complete, const entry_t *entries)
{
    console_t *console = complete->console;
    const entry_t *entry;

    console_printf(console, "complete -c smmap -n '__fish_use_subcommand; or "
                            "__fish_seen_subcommand_from help' -f\n"
                            "complete -c smmap -n __fish_use_subcommand -l help -d 'print help'\n"
                            "complete -c smmap -n __fish_use_subcommand -l version -d "
                            "'print the version'\n");
    for (entry = entries; entry->name != NULL; entry++) {
        const option_t *option = NULL;
        int table = 0;

        console_printf(console,
                       "complete -c smmap -n '__fish_use_subcommand; or "
                       "__fish_seen_subcommand_from help' -a %s -d '%s'\n",
                       entry->name, escape(entry->summary, "'\\", "\\", complete->pool));
        while ((option = next_option(entry, &table, option)) != NULL) {
            fish_option(complete, entry, option);
        }
    }
}

int tool_complete_print(const char *shell, console_t *console, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        void (*print)(const complete_t *complete, const entry_t *entries);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    const complete_t complete = {console, pool};
    apr_size_t i;

    for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (shell != NULL && strcmp(shell, shells[i].name) == 0) {
            shells[i].print(&complete, list_entries(pool));
            return TOOL_OK;
        }
    }
    console_error(console,
                  "smmap --completion: '%s' is no shell that is known; name bash, zsh or "
                  "fish\n",
                  shell != NULL ? shell : "");
    return TOOL_ERROR;
}
