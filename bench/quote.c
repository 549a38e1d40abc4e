/*
 * Strings as JSON wants them, for both programs.
 */
#include <string.h>

#include <apr_strings.h>

#include "bench/bench.h"

/* Reasons may hold paths, and so anything. */
const char *bench_quote(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 6 * strlen(text) + 3);
    char *to = quoted;

    *to++ = '"';
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\') {
            *to++ = '\\';
            *to++ = *text;
        } else if (byte < 0x20 || byte >= 0x7f) {
            apr_snprintf(to, 7, "\\u%04x", byte < 0x80 ? byte : 0xfffd);
            to += 6;
        } else {
            *to++ = *text;
        }
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}
