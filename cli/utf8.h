/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Characters of UTF-8.
 */
#ifndef SMMAP_CLI_UTF8_H
#define SMMAP_CLI_UTF8_H

#include <apr.h>

/** The length of the character at `text`; 0: there is none. */
apr_size_t utf8_length(const char *text);

#endif
