/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fuzzer for what users type: sizes, numbers, offsets, hexadecimal patterns, and whole
 * command lines. The input is a command line, its words separated by line feeds.
 *
 * Sizes are read a second time here, in another way, and must come out the same. A
 * command line that is refused must be refused with a message. The console is replaced
 * by one that counts what it is told; no file is opened.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "cli/size.h"
#include "tools/patterns.h"
#include "tools/tool.h"

enum { MOST_WORDS = 24, MOST_BYTES = 600 };

#define ALL_ONES (~(apr_uint64_t)0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static apr_size_t told; /* characters that would have been printed */

/* The console of cli/console.h. */

static void tell(const char *format, va_list arguments)
{
    int length = vsnprintf(NULL, 0, format, arguments);

    if (length < 0) {
        abort();
    }
    told += (apr_size_t)length;
}

apr_status_t console_open(console_t **console, apr_pool_t *pool)
{
    (void)pool;
    *console = NULL;
    return APR_SUCCESS;
}

void console_print(console_t *console, const char *data, apr_size_t size)
{
    (void)console;
    (void)data;
    told += size;
}

void console_printf(console_t *console, const char *format, ...)
{
    va_list arguments;

    (void)console;
    va_start(arguments, format);
    tell(format, arguments);
    va_end(arguments);
}

void console_error(console_t *console, const char *format, ...)
{
    va_list arguments;

    (void)console;
    va_start(arguments, format);
    tell(format, arguments);
    va_end(arguments);
}

apr_status_t console_write(console_t *console, const unsigned char *data,
                                apr_size_t size)
{
    (void)console;
    (void)data;
    (void)size;
    return APR_SUCCESS;
}

int console_skip(console_t *console, apr_off_t bytes)
{
    (void)console;
    (void)bytes;
    return 0;
}

void console_flush(console_t *console)
{
    (void)console;
}

apr_status_t console_status(const console_t *console)
{
    (void)console;
    return APR_SUCCESS;
}

int console_can_draw(const console_t *console)
{
    (void)console;
    return 0;
}

int console_columns(const console_t *console, int output)
{
    (void)console;
    (void)output;
    return 80;
}

const char *console_name(const console_t *console, const char *name, apr_pool_t *pool)
{
    (void)console;
    (void)pool;
    return name;
}

int console_is_output(const console_t *console, apr_file_t *file)
{
    (void)console;
    (void)file;
    return 0;
}

int console_can_color(const console_t *console)
{
    (void)console;
    return 0;
}

void console_bar(console_t *console, double part, const char *text)
{
    (void)console;
    (void)part;
    (void)text;
}

apr_status_t console_close(console_t *console)
{
    (void)console;
    return APR_SUCCESS;
}

static void need(int holds)
{
    if (!holds) {
        abort();
    }
}

/* A size as cli/size.h describes it, by arithmetic in 128 bits. 0: it is none. */
static int read_size(const char *text, int units, apr_uint64_t most, apr_uint64_t *value)
{
    static const char letters[] = "KMGT";
    static const char hex_digits[] = "0123456789abcdefABCDEF";
    unsigned __int128 number = 0;
    int hex = text[0] == '0' && (text[1] | 0x20) == 'x' && strspn(text + 2, hex_digits) > 0;
    apr_size_t digits;
    apr_size_t i;

    text += hex ? 2 : 0;
    digits = strspn(text, hex ? hex_digits : "0123456789");
    for (i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(strchr(hex_digits, text[i]) - hex_digits);

        number = number * (hex ? 16 : 10) + (digit > 15 ? digit - 6 : digit);
        if (number > ALL_ONES) {
            number = (unsigned __int128)ALL_ONES + 1; /* no less from here on */
        }
    }
    if (digits > 0 && units && text[digits] != '\0') {
        const char *letter = strchr(letters, text[digits] & ~0x20);

        if (letter == NULL || *letter == '\0' || text[digits + 1] != '\0') {
            return 0;
        }
        number <<= 10 * (letter - letters + 1);
    } else if (digits == 0 || text[digits] != '\0') {
        return 0;
    }
    *value = (apr_uint64_t)number;
    return number <= most;
}

static void try_word(const char *word, apr_pool_t *pool)
{
    static const apr_uint64_t limits[] = {0, 1, 1000, OFFSET_LARGEST, SIZE_LARGEST - 1, ALL_ONES};
    char text[SIZE_TEXT];
    unsigned char *bytes;
    apr_uint64_t expected = 0;
    apr_size_t size;
    apr_off_t offset = 7;
    apr_size_t i;
    int good;

    for (i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        apr_uint64_t value = 7;

        good = read_size(word, 1, limits[i], &expected);
        need((size_parse(word, limits[i], &value) == NULL) == good);
        need(value == (good ? expected : 7));
        need(strlen(size_format(value, text)) < sizeof text);
        need(apr_strtoi64(number_format(value, text, &size), NULL, 10) ==
                 (apr_int64_t)value ||
             value > OFFSET_LARGEST);
        value = 7;
        good = read_size(word, 0, limits[i], &expected);
        need((count_parse(word, limits[i], &value) == NULL) == good);
        need(value == (good ? expected : 7));
    }
    good = read_size(word + (*word == '-'), 1, OFFSET_LARGEST, &expected);
    need((offset_parse(word, &offset) == NULL) == good);
    need(!good || offset == (*word == '-' ? -(apr_off_t)expected : (apr_off_t)expected));
    if (tool_pattern_unhex(word, &bytes, &size, pool) == NULL) {
        need(size <= strlen(word) / 2);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (apr_initialize() != APR_SUCCESS) {
        exit(2);
    }
    atexit(apr_terminate);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *words[MOST_WORDS + 1] = {"smmap"};
    tool_settings_t settings;
    apr_pool_t *pool;
    int count = 1;
    char *text;
    char *word;
    int i;

    if (size > MOST_BYTES || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    text = apr_pstrmemdup(pool, (const char *)data, size);
    for (word = text; word != NULL && count < MOST_WORDS; count++) {
        char *end = strchr(word, '\n');

        if (end != NULL) {
            *end++ = '\0';
        }
        words[count] = word;
        try_word(word, pool);
        word = end;
    }
    words[count] = NULL;
    for (i = 0; tool_commands[i] != NULL; i++) {
        told = 0;
        words[0] = tool_commands[i]->name;
        if (!tool_settings_parse(&settings, tool_commands[i], count, words, NULL, pool)) {
            need(told > 0);
        } else if (!settings.help) {
            need(told == 0 &&
                 (settings.count >= tool_commands[i]->least || settings.patterns != NULL));
            need(settings.manager.window_size != SMMAP_UNLIMITED);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
