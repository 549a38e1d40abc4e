/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command lines: tables of options, how they are parsed, and their help.
 */
#ifndef SMMAP_CLI_OPTIONS_H
#define SMMAP_CLI_OPTIONS_H

#include <stddef.h>

#include "cli/console.h"

typedef struct option_t option_t;

/**
 * Set a field of the settings.
 *
 * @param field (out) of the type that the function is for.
 * @param value (in) as given on the command line; NULL: the option takes none.
 * @return NULL, or what is wrong with the value, as the end of a sentence.
 */
typedef const char *option_set_t(const option_t *option, void *field, const char *value,
                                 apr_pool_t *pool);

/** One option. A table of them ends with one whose name is NULL. */
struct option_t {
    const char *name;
    int letter;        /**< the short option; 0: there is none */
    const char *value; /**< what its value is called; NULL: it takes none */
    const char *help;  /**< lines */
    option_set_t *set;
    apr_size_t field;   /**< OPTION_FIELD(type of the settings, name) */
    apr_uint64_t least; /**< of a number */
    apr_uint64_t most;
};

#define OPTION_FIELD(type, name) offsetof(type, name)

option_set_t option_flag;    /**< int: becomes 1 */
option_set_t option_text;    /**< const char * */
option_set_t option_int;     /**< int, without a unit */
option_set_t option_count;   /**< apr_uint64_t, without a unit */
option_set_t option_size;    /**< apr_uint64_t, with K, M, G or T */
option_set_t option_offset;  /**< apr_off_t, may be negative */
option_set_t option_seconds; /**< double, 0.001 to 3600 */

/** A command line. */
typedef struct options_t {
    const char *program;       /**< as messages show it: "smmap find" */
    const option_t *tables[2]; /**< the options; the second may be NULL */
    void *settings;            /**< the structure with the fields */
    console_t *console;
    apr_pool_t *pool;
    int count; /**< set: what is not an option */
    const char *const *operands;
} options_t;

/**
 * Parse a command line. The options may stand behind the operands.
 *
 * @param argv (in) the first word, the name of the program, is skipped.
 * @return 1; 0: something is wrong, and that was printed. Stops without a look at the rest
 *         behind the option "help".
 */
int options_parse(options_t *options, int argc, const char *const *argv);

/** Print what is wrong with a command line, and how to get help. Always 0. */
int options_complain(const options_t *options, const char *what);

/** Print a table. */
void options_help(console_t *console, const char *title, const option_t *table);

#endif
