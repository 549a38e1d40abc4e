/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recorded traces: files that SMMAP_TRACE or a program like it wrote. smmap/trace.h describes
 * the format.
 *
 * A `use` is one reference, to the window that holds its first byte; `require` and `read` are
 * one to each window that they reach into.
 */
#include "bench/core/trace.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "cli/program.h"
#include "cli/size.h"

/* More references than this are more than the policies have numbers for. */
#define MOST (1 << 30)

/* The longest line: a path, and the numbers before it. */
#define LINE (16 * 1024 + 256)

/* What a recorded trace is read with. */
typedef struct reader_t {
    trace_t *trace;
    apr_pool_t *pool;
    apr_hash_t *files;                /* name -> number + 1 */
    apr_hash_t *windows;              /* file and number in it -> number + 1 */
    apr_array_header_t *references;   /* of apr_uint32_t */
    apr_array_header_t *file_sizes;   /* of apr_off_t */
    apr_array_header_t *window_file;  /* of apr_uint32_t */
    apr_array_header_t *window_begin; /* of apr_off_t */
    apr_uint32_t file;                /* of the line before */
    int known;                        /* there was one */
} reader_t;

typedef struct window_key_t {
    apr_uint64_t file;
    apr_uint64_t number;
} window_key_t;

static apr_uint32_t file_number(reader_t *reader, const char *name)
{
    apr_uintptr_t known = (apr_uintptr_t)apr_hash_get(reader->files, name, APR_HASH_KEY_STRING);

    if (known == 0) {
        APR_ARRAY_PUSH(reader->file_sizes, apr_off_t) = 0;
        known = (apr_uintptr_t)reader->file_sizes->nelts;
        apr_hash_set(reader->files, apr_pstrdup(reader->pool, name), APR_HASH_KEY_STRING,
                     (void *)known);
    }
    return (apr_uint32_t)(known - 1);
}

static apr_uint32_t window_number(reader_t *reader, apr_uint32_t file, apr_uint64_t number)
{
    window_key_t key = {file, number};
    apr_uintptr_t known = (apr_uintptr_t)apr_hash_get(reader->windows, &key, sizeof(key));

    if (known == 0) {
        APR_ARRAY_PUSH(reader->window_file, apr_uint32_t) = file;
        APR_ARRAY_PUSH(reader->window_begin, apr_off_t) =
            (apr_off_t)(number * reader->trace->window_size);
        known = (apr_uintptr_t)reader->window_file->nelts;
        apr_hash_set(reader->windows, apr_pmemdup(reader->pool, &key, sizeof(key)), sizeof(key),
                     (void *)known);
    }
    return (apr_uint32_t)(known - 1);
}

static const char *add_access(reader_t *reader, apr_uint64_t offset, apr_uint64_t length)
{
    apr_uint64_t size = reader->trace->window_size;
    apr_uint64_t number = offset / size;
    apr_uint32_t file = reader->file;
    apr_off_t *file_size = &APR_ARRAY_IDX(reader->file_sizes, file, apr_off_t);

    if (length == 0 || length > OFFSET_LARGEST / 4 || offset > OFFSET_LARGEST / 4) {
        return "the length is 0, or a number is too large";
    }
    for (; number * size < offset + length; number++) {
        if (reader->references->nelts == MOST) {
            return "it has too many references";
        }
        APR_ARRAY_PUSH(reader->references, apr_uint32_t) = window_number(reader, file, number);
        if ((apr_off_t)((number + 1) * size) > *file_size) {
            *file_size = (apr_off_t)((number + 1) * size);
        }
    }
    return NULL;
}

/* Cut the first word off a line; "" when there is none. */
static char *first_word(char **line)
{
    char *word = *line;
    apr_size_t length = strcspn(word, " ");

    *line = word + length;
    if (**line == ' ') {
        *(*line)++ = '\0';
    }
    return word;
}

static const char *add_line(reader_t *reader, char *line)
{
    apr_uint64_t offset = 0;
    apr_uint64_t length = 0;
    const char *move;
    int is_use;

    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0') {
        reader->known = 0; /* a block begins, with a name of its own */
        return NULL;
    }
    if (count_parse(first_word(&line), ~(apr_uint64_t)0, &offset) != NULL) {
        return "the offset is not a number";
    }
    if (count_parse(first_word(&line), ~(apr_uint64_t)0, &length) != NULL) {
        return "the length is not a number";
    }
    move = first_word(&line);
    is_use = strcmp(move, "use") == 0;
    if (!is_use && strcmp(move, "require") != 0 && strcmp(move, "read") != 0) {
        return "the third word is not use, require or read";
    }
    if (line[0] != '\0') {
        reader->file = file_number(reader, line);
        reader->known = 1;
    } else if (!reader->known) {
        return "there is no name, and no line before it that has one";
    }
    return add_access(reader, offset, is_use ? 1 : length);
}

int trace_read(trace_t *trace, const char *path, apr_size_t window_size, console_t *console,
               apr_pool_t *pool)
{
    reader_t reader = {.trace = trace, .pool = pool};
    char *line = apr_palloc(pool, LINE);
    apr_file_t *file;
    unsigned number = 0;
    const char *wrong = NULL;
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, APR_FPROT_OS_DEFAULT, pool);

    memset(trace, 0, sizeof(*trace));
    trace->name = path;
    trace->window_size = window_size;
    reader.files = apr_hash_make(pool);
    reader.windows = apr_hash_make(pool);
    reader.references = apr_array_make(pool, 1024, sizeof(apr_uint32_t));
    reader.file_sizes = apr_array_make(pool, 16, sizeof(apr_off_t));
    reader.window_file = apr_array_make(pool, 1024, sizeof(apr_uint32_t));
    reader.window_begin = apr_array_make(pool, 1024, sizeof(apr_off_t));
    while (status == APR_SUCCESS && wrong == NULL) {
        status = apr_file_gets(line, LINE, file);
        if (status == APR_SUCCESS) {
            number++;
            wrong = strlen(line) + 1 == LINE ? "is too long" : add_line(&reader, line);
        }
    }
    if (wrong != NULL) {
        console_error(console, "%s: %s: line %u: %s\n", program_name, path, number, wrong);
        return 0;
    }
    if (!APR_STATUS_IS_EOF(status)) {
        return program_fail(console, path, status);
    }
    if (reader.references->nelts == 0) {
        console_error(console, "%s: %s: is empty\n", program_name, path);
        return 0;
    }
    trace->list.references = (apr_uint32_t *)(void *)reader.references->elts;
    trace->list.count = (apr_uint32_t)reader.references->nelts;
    trace->list.windows = (apr_uint32_t)reader.window_file->nelts;
    trace->file_count = (apr_uint32_t)reader.file_sizes->nelts;
    trace->file_sizes = (apr_off_t *)(void *)reader.file_sizes->elts;
    trace->window_file = (apr_uint32_t *)(void *)reader.window_file->elts;
    trace->window_begin = (apr_off_t *)(void *)reader.window_begin->elts;
    return 1;
}
