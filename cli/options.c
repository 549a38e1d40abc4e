/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command lines. The help is made from the tables that the options are parsed with, so the
 * two cannot differ.
 *
 * APR's getopt finds the options; its messages are replaced, as they do not say what to do
 * instead. Each mistake ends with one message and a hint.
 */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_strings.h>

#include "cli/size.h"

/* Columns of an option's name; a longer one gets a line of its own. */
#define NAME_COLUMNS 28
/* What getopt returns for the first option; above all letters. */
#define FIRST 256

/* Stands for a bare "-" while getopt looks at the command line: getopt takes it for a bad
   option, but it is a good operand. */
static const char bare[] = "";

const char *option_flag(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    (void)option;
    (void)value;
    (void)pool;
    *(int *)field = 1;
    return NULL;
}

const char *option_text(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    (void)option;
    (void)pool;
    *(const char **)field = value;
    return NULL;
}

static const char *check_least(const option_t *option, const char *wrong, apr_uint64_t number,
                               apr_pool_t *pool)
{
    if (wrong == NULL && number < option->least) {
        return apr_psprintf(pool, "is too small; it must be %" APR_UINT64_T_FMT " or more",
                            option->least);
    }
    return wrong;
}

const char *option_count(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    apr_uint64_t *number = field;
    const char *wrong = count_parse(value, option->most, number);

    return check_least(option, wrong, *number, pool);
}

const char *option_size(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    apr_uint64_t *number = field;
    const char *wrong = size_parse(value, option->most, number);

    return check_least(option, wrong, *number, pool);
}

const char *option_int(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    apr_uint64_t number = 0;
    const char *wrong = option_count(option, &number, value, pool);

    *(int *)field = (int)number;
    return wrong;
}

const char *option_offset(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    (void)option;
    (void)pool;
    return offset_parse(value, field);
}

const char *option_seconds(const option_t *option, void *field, const char *value, apr_pool_t *pool)
{
    char *end;
    double number = strtod(value, &end);

    (void)option;
    (void)pool;
    if (end == value || *end != '\0') {
        return "is not a number";
    }
    if (!(number >= 0.001 && number <= 3600)) {
        return "is not between 0.001 and 3600";
    }
    *(double *)field = number;
    return NULL;
}

int options_complain(const options_t *options, const char *what)
{
    console_error(options->console, "%s: %s\nTry '%s --help' for more information.\n",
                  options->program, what, options->program);
    return 0;
}

/* How many letters have to be changed, inserted or left out to make one word of another;
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
static const char *guess(const option_t *table, const char *text)
{
    apr_size_t size = strcspn(text, "=");
    const option_t *option;

    for (option = table; option->name != NULL; option++) {
        if (size >= 3 && strncmp(option->name, text, size) == 0) {
            return option->name;
        }
    }
    for (option = table; option->name != NULL; option++) {
        if (distance(text, size, option->name, 2) <= 2) {
            return option->name;
        }
    }
    return NULL;
}

/* Why apr_getopt_long() did not take a word. */
static const char *explain(const apr_getopt_t *getopt, int needs_value, const option_t *table,
                           apr_pool_t *pool)
{
    const char *text = getopt->argv[getopt->ind - 1];
    const char *meant;
    char letter;

    if (text[0] == '-' && text[1] == '-') {
        int size = (int)strcspn(text, "=");

        if (needs_value && text[size] == '=') {
            return apr_psprintf(pool, "option '%.*s' takes no value", size, text);
        }
        if (needs_value) {
            return apr_psprintf(pool, "option '%s' needs a value", text);
        }
        meant = guess(table, text + 2);
        return meant != NULL ? apr_psprintf(pool, "unknown option '%.*s'; did you mean '--%s'?",
                                            size, text, meant)
                             : apr_psprintf(pool, "unknown option '%.*s'", size, text);
    }
    /* In a run of short options `place` is at the one in question, unless it is the first. */
    letter = *getopt->place != '\0' ? *getopt->place : text[1];
    if (needs_value) {
        return apr_psprintf(pool, "option '-%c' needs a value", letter);
    }
    if (letter <= ' ' || letter > '~') {
        return apr_psprintf(pool, "unknown option '%s'", text);
    }
    return apr_psprintf(
        pool, "unknown option '-%c'; put '--' before an operand that starts with '-'", letter);
}

/* The tables as one. */
static option_t *join_tables(const options_t *options, int *count)
{
    option_t *joined = NULL;
    int pass;

    for (pass = 0; pass < 2; pass++) {
        int table;

        *count = 0;
        for (table = 0; table < 2; table++) {
            const option_t *option = options->tables[table];

            for (; option != NULL && option->name != NULL; option++, (*count)++) {
                if (joined != NULL) {
                    joined[*count] = *option;
                }
            }
        }
        if (pass == 0) {
            joined = apr_pcalloc(options->pool, ((apr_size_t)*count + 1) * sizeof(*joined));
        }
    }
    return joined;
}

/* One option and its value. */
static int apply(const options_t *options, const option_t *option, const char *value)
{
    const char *wrong =
        option->set(option, (char *)options->settings + option->field, value, options->pool);

    return wrong == NULL || options_complain(options, apr_psprintf(options->pool, "--%s: '%s' %s",
                                                                   option->name, value, wrong));
}

int options_parse(options_t *options, int argc, const char *const *argv)
{
    int count;
    const option_t *table = join_tables(options, &count);
    apr_getopt_option_t *native =
        apr_pcalloc(options->pool, ((apr_size_t)count + 1) * sizeof(*native));
    const char **words = apr_pmemdup(options->pool, argv, (apr_size_t)argc * sizeof(*words));
    apr_getopt_t *getopt;
    apr_status_t status;
    int i;

    for (i = 0; i < count; i++) {
        native[i].name = table[i].name;
        native[i].optch = table[i].letter != 0 ? table[i].letter : FIRST + i;
        native[i].has_arg = table[i].value != NULL;
    }
    for (i = 1; i < argc; i++) {
        words[i] = strcmp(argv[i], "-") == 0 ? bare : argv[i];
    }
    status = apr_getopt_init(&getopt, options->pool, argc, words);
    if (status != APR_SUCCESS) {
        return options_complain(options, "out of memory");
    }
    getopt->errfn = NULL;
    getopt->interleave = 1;
    for (;;) {
        int letter = 0;
        const char *value = NULL;

        status = apr_getopt_long(getopt, native, &letter, &value);
        if (status == APR_EOF) {
            break;
        }
        if (status != APR_SUCCESS) {
            return options_complain(options,
                                    explain(getopt, status == APR_BADARG, table, options->pool));
        }
        for (i = 0; native[i].optch != letter; i++) {
        }
        if (!apply(options, &table[i], value == bare ? "-" : value)) {
            return 0;
        }
        if (strcmp(table[i].name, "help") == 0) {
            return 1;
        }
    }
    options->count = argc - getopt->ind;
    words = getopt->argv + getopt->ind;
    for (i = 0; i < options->count; i++) {
        words[i] = words[i] == bare ? "-" : words[i];
    }
    options->operands = words;
    return 1;
}

static void help_one(console_t *console, const option_t *option)
{
    char name[80];
    const char *line = option->help;
    int first;

    if (option->letter != 0) {
        apr_snprintf(name, sizeof(name), "  -%c, --%s", option->letter, option->name);
    } else {
        apr_snprintf(name, sizeof(name), "      --%s", option->name);
    }
    if (option->value != NULL) {
        apr_snprintf(name + strlen(name), sizeof(name) - strlen(name), " %s", option->value);
    }
    if (strlen(name) > NAME_COLUMNS) {
        console_printf(console, "%s\n", name);
        name[0] = '\0';
    }
    for (first = 1; *line != '\0'; first = 0) {
        int length = (int)strcspn(line, "\n");

        console_printf(console, "%-*s %.*s\n", NAME_COLUMNS, first ? name : "", length, line);
        line += length;
        line += *line == '\n';
    }
}

void options_help(console_t *console, const char *title, const option_t *table)
{
    console_printf(console, "\n%s\n", title);
    for (; table->name != NULL; table++) {
        help_one(console, table);
    }
}
