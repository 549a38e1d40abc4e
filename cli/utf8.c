/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Characters of UTF-8.
 */
#include "cli/utf8.h"

#include <string.h>

apr_size_t utf8_length(const char *from)
{
    const unsigned char *text = (const unsigned char *)from;
    apr_size_t length = text[0] < 0x80   ? 1
                        : text[0] < 0xc2 ? 0
                        : text[0] < 0xe0 ? 2
                        : text[0] < 0xf0 ? 3
                        : text[0] < 0xf5 ? 4
                                         : 0;
    apr_size_t i;

    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates, and what is above U+10FFFF. */
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return length;
}

apr_size_t utf8_plain_length(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    apr_size_t length = utf8_length(text);
    int is_control = byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);

    return is_control ? 0 : length;
}

char *utf8_make_plain(char *text, const char *but)
{
    const char *from = text;
    char *to = text;

    while (*from != '\0') {
        apr_size_t length = strchr(but, *from) != NULL ? 1 : utf8_plain_length(from);

        if (length > 0) {
            memmove(to, from, length);
            from += length;
            to += length;
        } else {
            length = utf8_length(from);
            from += length > 0 ? length : 1;
            *to++ = '?';
        }
    }
    *to = '\0';
    return text;
}
