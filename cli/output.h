/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Results for other programs: JSON strings, and files of text.
 */
#ifndef SMMAP_CLI_OUTPUT_H
#define SMMAP_CLI_OUTPUT_H

#include "cli/console.h"

/** A JSON string with its quotes. \udcXX stands for each byte XX that is not UTF-8, so that none is
    lost; Python calls this "surrogateescape". */
const char *json_quote(const char *text, apr_pool_t *pool);

/** Can this file be written? Creates it; "-" and NULL are good. 0: no, and that was printed. */
int output_check(console_t *console, const char *path, apr_pool_t *pool);

/** Write a text to a file, or to standard output when `path` is "-". 0: failed, and that was
    printed. */
int output_write(console_t *console, const char *path, const char *text, apr_pool_t *pool);

#endif
