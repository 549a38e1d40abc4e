/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Characters of UTF-8.
 */
#ifndef SMMAP_CLI_UTF8_H
#define SMMAP_CLI_UTF8_H

#include <apr.h>

/** The length of the character at `text`; 0: there is none. */
apr_size_t utf8_length(const char *text);

/** The same; 0 also where it is a control character, which a terminal would obey. */
apr_size_t utf8_plain_length(const char *text);

/**
 * Put '?' in place of each control character, and of each byte that is not UTF-8.
 *
 * @param text (in, out) becomes no longer.
 * @param but (in) characters that stay, such as "\n".
 * @return the text.
 */
char *utf8_make_plain(char *text, const char *but);

#endif
