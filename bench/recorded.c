/*
 * Traces that were recorded: files that SMMAP_TRACE or a program like it wrote. The format
 * is told in smmap/trace.h.
 *
 * A `use` is one reference, to the window that holds its first byte; `require` and `read`
 * are one to each window that they reach into.
 */
#include "bench/trace.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "smmap/smmap.h"
#include "tools/size.h"

/* More references than this are more than the policies have numbers for. */
#define MOST ((apr_size_t)1 << 30)

/* The longest line: a path, and the numbers before it. */
#define LINE (16 * 1024 + 256)

/* What a recorded trace is read with. Arrays grow by doubling; the pool keeps the old
   ones, which are together not larger than the last. */
typedef struct reader_t {
    trace_t *trace;
    apr_pool_t *pool;
    apr_hash_t *files;   /* name -> number + 1 */
    apr_hash_t *windows; /* file and number in it -> number + 1 */
    apr_uint32_t *references;
    apr_size_t reference_room;
    apr_size_t window_room;
    apr_size_t file_room;
    apr_uint32_t file; /* of the line before */
    int known;         /* there was one */
} reader_t;

typedef struct window_key_t {
    apr_uint64_t file;
    apr_uint64_t number;
} window_key_t;

static void *grow(const void *old, apr_size_t count, apr_size_t *room, apr_size_t size,
                  apr_pool_t *pool)
{
    void *larger;

    *room = *room == 0 ? 1024 : *room * 2;
    larger = apr_palloc(pool, *room * size);
    if (count > 0) {
        memcpy(larger, old, count * size);
    }
    return larger;
}

static apr_uint32_t file_number(reader_t *reader, const char *name)
{
    trace_t *trace = reader->trace;
    apr_uintptr_t known = (apr_uintptr_t)apr_hash_get(reader->files, name, APR_HASH_KEY_STRING);

    if (known == 0) {
        if (trace->file_count == reader->file_room) {
            trace->file_sizes = grow(trace->file_sizes, trace->file_count, &reader->file_room,
                                     sizeof(*trace->file_sizes), reader->pool);
        }
        trace->file_sizes[trace->file_count++] = 0;
        known = trace->file_count;
        apr_hash_set(reader->files, apr_pstrdup(reader->pool, name), APR_HASH_KEY_STRING,
                     (void *)known);
    }
    return (apr_uint32_t)(known - 1);
}

static apr_uint32_t window_number(reader_t *reader, apr_uint32_t file, apr_uint64_t number)
{
    trace_t *trace = reader->trace;
    window_key_t key = {file, number};
    apr_uintptr_t known = (apr_uintptr_t)apr_hash_get(reader->windows, &key, sizeof(key));

    if (known == 0) {
        apr_size_t count = trace->list.windows;
        apr_size_t room = reader->window_room;

        if (count == room) {
            trace->window_file =
                grow(trace->window_file, count, &room, sizeof(*trace->window_file), reader->pool);
            trace->window_begin = grow(trace->window_begin, count, &reader->window_room,
                                       sizeof(*trace->window_begin), reader->pool);
        }
        trace->window_file[count] = file;
        trace->window_begin[count] = (apr_off_t)(number * trace->window_size);
        known = ++trace->list.windows;
        apr_hash_set(reader->windows, apr_pmemdup(reader->pool, &key, sizeof(key)), sizeof(key),
                     (void *)known);
    }
    return (apr_uint32_t)(known - 1);
}

static const char *add_access(reader_t *reader, apr_uint64_t offset, apr_uint64_t length)
{
    trace_t *trace = reader->trace;
    apr_uint64_t size = trace->window_size;
    apr_uint64_t number = offset / size;
    apr_uint32_t file = reader->file;

    if (length == 0 || length > TOOL_OFF_MAX / 4 || offset > TOOL_OFF_MAX / 4) {
        return "the length is 0, or a number is too large";
    }
    for (; number * size < offset + length; number++) {
        if (trace->list.count == MOST) {
            return "it has too many references";
        }
        if (trace->list.count == reader->reference_room) {
            reader->references =
                grow(reader->references, trace->list.count, &reader->reference_room,
                     sizeof(*reader->references), reader->pool);
        }
        reader->references[trace->list.count++] = window_number(reader, file, number);
        if ((apr_off_t)((number + 1) * size) > trace->file_sizes[file]) {
            trace->file_sizes[file] = (apr_off_t)((number + 1) * size);
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
    if (tool_count_parse(first_word(&line), ~(apr_uint64_t)0, &offset) != NULL) {
        return "the offset is not a number";
    }
    if (tool_count_parse(first_word(&line), ~(apr_uint64_t)0, &length) != NULL) {
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

int trace_read(trace_t *trace, const char *path, apr_size_t window_size, tool_console_t *console,
               apr_pool_t *pool)
{
    reader_t reader = {.trace = trace, .pool = pool};
    char *line = apr_palloc(pool, LINE);
    apr_file_t *file;
    unsigned number = 0;
    const char *wrong = NULL;
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, APR_FPROT_OS_DEFAULT, pool);
    char reason[256];

    memset(trace, 0, sizeof(*trace));
    trace->name = path;
    trace->window_size = window_size;
    reader.files = apr_hash_make(pool);
    reader.windows = apr_hash_make(pool);
    while (status == APR_SUCCESS && wrong == NULL) {
        status = apr_file_gets(line, LINE, file);
        if (status == APR_SUCCESS) {
            number++;
            wrong = strlen(line) + 1 == LINE ? "is too long" : add_line(&reader, line);
        }
    }
    if (wrong != NULL) {
        tool_console_error(console, "smmap-bookkeeping: %s: line %u: %s\n", path, number, wrong);
        return 0;
    }
    if (!APR_STATUS_IS_EOF(status)) {
        tool_console_error(console, "smmap-bookkeeping: %s: %s\n", path,
                           smmap_strerror(status, reason, sizeof(reason)));
        return 0;
    }
    if (trace->list.count == 0) {
        tool_console_error(console, "smmap-bookkeeping: %s: there is nothing in it\n", path);
        return 0;
    }
    trace->list.references = reader.references;
    return 1;
}
