/*
 * --help: made from the tables that the options are read with.
 */
#include <string.h>

#include <apr_strings.h>

#include "tool.h"

/* Columns of an option's name; a longer one gets a line of its own. */
#define NAME_COLUMNS 28

static void print_option(tool_console_t *console, const tool_option_t *option)
{
    char name[80];
    const char *line = option->help;
    int first;

    if (option->letter < 256) {
        apr_snprintf(name, sizeof(name), "  -%c, --%s", option->letter, option->name);
    } else {
        apr_snprintf(name, sizeof(name), "      --%s", option->name);
    }
    if (option->value != NULL) {
        apr_snprintf(name + strlen(name), sizeof(name) - strlen(name), " %s", option->value);
    }
    for (first = 1; *line != '\0'; first = 0) {
        int length = (int)strcspn(line, "\n");

        tool_console_printf(console, "%-*s %.*s\n", NAME_COLUMNS, first ? name : "", length, line);
        line += length;
        line += *line == '\n';
    }
}

static void print_options(tool_console_t *console, const char *title, const tool_option_t *option)
{
    tool_console_printf(console, "\n%s\n", title);
    for (; option->name != NULL; option++) {
        print_option(console, option);
    }
}

static void print_program(tool_console_t *console)
{
    int i;

    tool_console_printf(console, "usage: smmap COMMAND [OPTION]... [ARGUMENT]...\n"
                                 "\n"
                                 "Looks into files of any size through memory-mapped windows.\n"
                                 "\n"
                                 "commands:\n");
    for (i = 0; tool_commands[i] != NULL; i++) {
        tool_console_printf(console, "  %-8s %s\n", tool_commands[i]->name,
                            tool_commands[i]->summary);
    }
    tool_console_printf(
        console,
        "  %-8s %s\n"
        "  %-8s %s\n"
        "\n"
        "'smmap COMMAND --help' tells more. 'smmap --version' prints the version.\n"
        "\n"
        "Exit code: 0 done, 2 an error; 'find': 0 found, 1 not found, 2 an error;\n"
        "'bench': 1 wrong bytes were read.\n",
        "bench", "measure the library and other ways to read a file, side by side", "help",
        "print this help, or with a command's name that of the command");
}

void tool_help_print(const tool_command_t *command, tool_console_t *console)
{
    if (command == NULL) {
        print_program(console);
        return;
    }
    tool_console_printf(console, "usage: smmap %s %s\n\nsmmap %s: %s.\n\n%s\n", command->name,
                        command->operands, command->name, command->summary, command->notes);
    print_options(console, "options:", command->options);
    print_options(console, "options of every command:", tool_common_options);
    tool_console_printf(
        console, "\nSIZE is a number of bytes, or a number with K, M, G or T directly behind it\n"
                 "(powers of 1024). '--' ends the options. '-' as a file is not supported:\n"
                 "standard input cannot be mapped.\n");
}
