/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Results for other programs. A text is written as a whole, and closed, before success is
 * reported: results that are cut off by a full disk are an error.
 */
#include "cli/output.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "cli/program.h"
#include "cli/utf8.h"

const char *json_quote(const char *text, apr_pool_t *pool)
{
    const unsigned char *from = (const unsigned char *)text;
    char *quoted = apr_palloc(pool, 6 * strlen(text) + 3);
    char *to = quoted;

    *to++ = '"';
    while (*from != '\0') {
        apr_size_t length = utf8_length((const char *)from);

        if (utf8_plain_length((const char *)from) == 0) {
            apr_snprintf(to, 7, "\\u%04x", length == 0 ? 0xdc00 + *from : from[length - 1]);
            to += 6;
            from += length > 0 ? length : 1;
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
