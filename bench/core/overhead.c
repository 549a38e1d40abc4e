/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the measurements of smmap-bookkeeping have in common: where results go, and the empty
 * files that they use.
 */
#include "bench/core/overhead.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

void overhead_print(overhead_t *overhead, const char *format, ...)
{
    va_list arguments;
    const char *text;

    if (overhead->settings->json != NULL && strcmp(overhead->settings->json, "-") == 0) {
        return;
    }
    va_start(arguments, format);
    text = apr_pvsprintf(overhead->pool, format, arguments);
    va_end(arguments);
    console_print(overhead->console, text, strlen(text));
    console_flush(overhead->console);
}

void overhead_add(overhead_t *overhead, const char *format, ...)
{
    va_list arguments;
    const char *object;

    va_start(arguments, format);
    object = apr_pvsprintf(overhead->pool, format, arguments);
    va_end(arguments);
    overhead->json = apr_pstrcat(overhead->pool, overhead->json != NULL ? overhead->json : "",
                                 overhead->json != NULL ? ",\n{" : "\n{", object, "}", NULL);
}

void overhead_target(overhead_t *overhead, const char *what, double most, double measured,
                     const char *where)
{
    target_t *target = overhead->targets;
    target_t *end = overhead->targets + overhead->target_count;

    while (target < end && strcmp(target->what, what) != 0) {
        target++;
    }
    if (target == end) {
        if (overhead->target_count == OVERHEAD_TARGETS) {
            abort(); /* a mistake in this program */
        }
        overhead->target_count++;
        target->what = what;
        target->bound = most;
    }
    if (measured > target->measured) {
        target->measured = measured;
        target->where = where;
    }
}

int overhead_hole(overhead_t *overhead, apr_off_t size, apr_os_file_t *handle)
{
    const char *where = overhead->settings->directory;
    apr_status_t status = APR_SUCCESS;
    apr_file_t *file;
    char *name;

    if (where == NULL) {
        status = apr_temp_dir_get(&where, overhead->pool);
    }
    if (status != APR_SUCCESS) {
        return program_fail(overhead->console, "no directory for temporary files", status);
    }
    name = apr_pstrcat(overhead->pool, where, "/smmap-hole.XXXXXX", NULL);
    status = apr_file_mktemp(&file, name,
                             APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_READ | APR_FOPEN_WRITE |
                                 APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE | APR_FOPEN_DELONCLOSE,
                             overhead->pool);
    if (status == APR_SUCCESS) {
        /* Where it can be removed now, nothing is left behind whatever happens. */
        (void)apr_file_remove(name, overhead->pool);
        status = apr_file_trunc(file, size);
    }
    if (status == APR_SUCCESS) {
        status = apr_os_file_get(handle, file);
    }
    return status == APR_SUCCESS ? 1 : program_fail(overhead->console, where, status);
}
