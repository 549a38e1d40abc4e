/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sizes and offsets as people write them, and sizes as people read them.
 * Nothing here reads, writes or allocates.
 */
#ifndef SMMAP_CLI_SIZE_H
#define SMMAP_CLI_SIZE_H

#include <apr.h>

/** The largest value of an unsigned type. */
#define SIZE_LARGEST ((apr_uint64_t)(~(apr_size_t)0))
/** The largest offset in a file. */
#define OFFSET_LARGEST (((apr_uint64_t)1 << (sizeof(apr_off_t) * 8 - 1)) - 1)

/** Room for what size_format() and number_format() write. */
#define SIZE_TEXT 32

/**
 * Read a size: decimal digits, or hexadecimal ones behind "0x"; and, directly behind them, at most
 * one of the units K, M, G, T (either case; powers of 1024). Nothing else: no sign, no blanks.
 *
 * @param text (in) what the user wrote.
 * @param max (in) the largest value that is allowed.
 * @param value (out) the bytes; set only on success.
 * @return NULL on success, otherwise what is wrong, as the end of a sentence: "is too large".
 */
const char *size_parse(const char *text, apr_uint64_t max, apr_uint64_t *value);

/**
 * Read a number: digits as above alone, without a unit. The rest is as above.
 */
const char *count_parse(const char *text, apr_uint64_t max, apr_uint64_t *value);

/**
 * Read a size with an optional '-' in front, as an offset in a file.
 */
const char *offset_parse(const char *text, apr_off_t *value);

/**
 * Write a size with three digits and a binary unit: "0 B", "1023 B", "1.00 KiB", "16.0 EiB".
 *
 * @param value (in) bytes.
 * @param text (out) room for SIZE_TEXT characters.
 * @return `text`.
 */
const char *size_format(apr_uint64_t value, char *text);

/**
 * Write a number in decimal digits.
 *
 * @param value (in) the number.
 * @param text (out) room for SIZE_TEXT characters.
 * @param length (out) digits written; may be NULL.
 * @return the first digit; it lies in `text`, and the digits end with a zero byte.
 */
const char *number_format(apr_uint64_t value, char *text, apr_size_t *length);

#endif
