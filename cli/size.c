/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sizes and offsets as users write them.
 *
 * A size becomes a limit or a position, so a guess would be worse than an error: anything but
 * digits and one unit is refused, with the reason. Every product and sum is checked before it
 * is computed. Nothing here does input or output or allocates memory, so a fuzzer can call
 * these functions with anything.
 */
#include "cli/size.h"

#include <apr_strings.h>

/* The shift of a unit, or -1. */
static int unit_shift(char unit)
{
    switch (unit) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    default:
        return -1;
    }
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The value of a digit, or -1. No unit is a hexadecimal digit. */
static int digit_value(char c, int base)
{
    int value = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 16;

    return value < base ? value : -1;
}

/* "0x" and at least one digit. */
static int is_hexadecimal(const char *text)
{
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2], 16) >= 0;
}

/* The digits at `*text`, which is moved behind them. `*too_large` is set, not cleared. */
static apr_uint64_t parse_digits(const char **text, int *too_large)
{
    int base = 10;
    apr_uint64_t number = 0;

    if (is_hexadecimal(*text)) {
        base = 16;
        *text += 2;
    }
    for (; digit_value(**text, base) >= 0; (*text)++) {
        apr_uint64_t digit = (apr_uint64_t)digit_value(**text, base);

        if (number > (~(apr_uint64_t)0 - digit) / (apr_uint64_t)base) {
            *too_large = 1; /* go on: garbage behind the digits is the better message */
        } else {
            number = number * (apr_uint64_t)base + digit;
        }
    }
    return number;
}

/* What is wrong with the first characters of a number, or NULL. */
static const char *check_start(const char *text)
{
    if (*text == '\0') {
        return "is empty";
    }
    if (*text == '-' && is_digit(text[1])) {
        return "is negative";
    }
    return is_digit(*text) ? NULL : "is not a number";
}

/* units: 1 when the digits may have a unit behind them. */
static const char *parse(const char *text, apr_uint64_t max, int units, apr_uint64_t *value)
{
    int too_large = 0;
    apr_uint64_t number;
    const char *wrong = check_start(text);

    if (wrong != NULL) {
        return wrong;
    }
    number = parse_digits(&text, &too_large);
    if (*text != '\0' && !units) {
        return "has something behind the number";
    }
    if (*text != '\0') {
        int shift = unit_shift(*text);

        if (shift < 0) {
            return "has something behind the number that is not K, M, G or T";
        }
        if (text[1] != '\0') {
            return "has something behind the unit";
        }
        if (number > (~(apr_uint64_t)0 >> shift)) {
            too_large = 1;
        } else {
            number <<= shift;
        }
    }
    if (too_large || number > max) {
        return "is too large";
    }
    *value = number;
    return NULL;
}

const char *size_parse(const char *text, apr_uint64_t max, apr_uint64_t *value)
{
    return parse(text, max, 1, value);
}

const char *count_parse(const char *text, apr_uint64_t max, apr_uint64_t *value)
{
    return parse(text, max, 0, value);
}

const char *offset_parse(const char *text, apr_off_t *value)
{
    int negative = *text == '-';
    apr_uint64_t number = 0;
    const char *wrong;

    if (negative && !is_digit(text[1])) {
        return "is not a number";
    }
    wrong = size_parse(text + negative, OFFSET_LARGEST, &number);
    if (wrong != NULL) {
        return wrong;
    }
    *value = negative ? -(apr_off_t)number : (apr_off_t)number;
    return NULL;
}

const char *size_format(apr_uint64_t value, char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double scaled = (double)value;
    int unit = 0;
    int digits;

    /* 1023.5 would be written as 1024: from there on it is the next unit's 1.00. */
    while (scaled >= (unit == 0 ? 1024.0 : 1023.5)) {
        scaled /= 1024.0;
        unit++;
    }
    if (unit == 0) {
        apr_snprintf(text, SIZE_TEXT, "%d B", (int)value);
        return text;
    }
    digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    apr_snprintf(text, SIZE_TEXT, "%.*f %s", digits, scaled, units[unit]);
    return text;
}

const char *number_format(apr_uint64_t value, char *text, apr_size_t *length)
{
    char *end = text + SIZE_TEXT - 1;
    char *digit = end;

    *end = '\0';
    do {
        *--digit = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    if (length != NULL) {
        *length = (apr_size_t)(end - digit);
    }
    return digit;
}
