/*
 * Results for other programs. A text is written as a whole, and closed, before success is
 * reported: results that are cut off by a full disk are an error.
 */
#include "cli/output.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "cli/program.h"

/* The length of the UTF-8 character at `text`; 0 when there is none. */
static apr_size_t utf8_length(const unsigned char *text)
{
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

int json_is_utf8(const char *text)
{
    apr_size_t length = 1;

    for (; *text != '\0' && length > 0; text += length) {
        length = utf8_length((const unsigned char *)text);
    }
    return length > 0;
}

const char *json_quote(const char *text, apr_pool_t *pool)
{
    const unsigned char *from = (const unsigned char *)text;
    char *quoted = apr_palloc(pool, 6 * strlen(text) + 3);
    char *to = quoted;

    *to++ = '"';
    while (*from != '\0') {
        apr_size_t length = utf8_length(from);

        if (length == 0 || *from < 0x20 || *from == 0x7f) {
            apr_snprintf(to, 7, "\\u%04x", length == 0 ? 0xfffd : *from);
            to += 6;
            from++;
            continue;
        }
        if (*from == '"' || *from == '\\') {
            *to++ = '\\';
        }
        memcpy(to, from, length);
        to += length;
        from += length;
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

static int is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

int output_check(console_t *console, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t status;

    if (path == NULL || is_stdout(path)) {
        return 1;
    }
    status =
        apr_file_open(&file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = apr_file_close(file);
    }
    return status == APR_SUCCESS ? 1 : program_fail(console, path, status);
}

int output_write(console_t *console, const char *path, const char *text, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t status;

    if (is_stdout(path)) {
        console_print(console, text, strlen(text));
        return 1;
    }
    status = apr_file_open(
        &file, path, APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_WRITE | APR_FOPEN_BINARY,
        APR_FPROT_OS_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        apr_status_t closed;

        status = apr_file_write_full(file, text, strlen(text), NULL);
        closed = apr_file_close(file);
        status = status != APR_SUCCESS ? status : closed;
    }
    return status == APR_SUCCESS ? 1 : program_fail(console, path, status);
}
