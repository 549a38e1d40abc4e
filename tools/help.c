/*
 * The commands, and --help.
 */
#include "tools/tool.h"

const tool_command_t *const tool_commands[] = {&tool_info, &tool_cat, &tool_find, NULL};

static void print_program(console_t *console)
{
    int i;

    console_printf(console, "usage: smmap COMMAND [OPTION]... [ARGUMENT]...\n"
                            "\n"
                            "Reads files of any size through memory-mapped windows.\n"
                            "\n"
                            "commands:\n");
    for (i = 0; tool_commands[i] != NULL; i++) {
        console_printf(console, "  %-8s %s\n", tool_commands[i]->name, tool_commands[i]->summary);
    }
    console_printf(console,
                   "  bench    " TOOL_BENCH_SUMMARY "\n"
                   "  help     " TOOL_HELP_SUMMARY "\n"
                   "\n"
                   "'smmap COMMAND --help' describes a command. 'smmap --version' prints the "
                   "version.\n"
                   "\n"
                   "Exit code: 0 success, 2 an error; 'find': 0 a match, 1 no match, 2 an error;\n"
                   "'bench': 1 wrong bytes were read.\n");
}

void tool_help_print(const tool_command_t *command, console_t *console)
{
    if (command == NULL) {
        print_program(console);
        return;
    }
    console_printf(console, "usage: smmap %s %s\n\nsmmap %s: %s.\n\n%s\n", command->name,
                   command->operands, command->name, command->summary, command->notes);
    options_help(console, "options:", command->options);
    options_help(console, "options of all commands:", tool_common_options);
    console_printf(
        console, "\nSIZE is a number of bytes, or a number followed by K, M, G or T (powers of\n"
                 "1024); with 0x in front it is hexadecimal. '--' ends the options. '-' as a file\n"
                 "is not supported: standard input cannot be mapped.\n");
}
