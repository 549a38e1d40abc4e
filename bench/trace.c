/*
 * Traces, made by rules or read from a file.
 *
 * Those that are made go to 1000 windows of one file:
 *
 *   zipf       some are asked for often, most seldom (Zipf 0.99), all mixed up
 *   uniform    each as often as any other
 *   loop       all in order, round and round
 *   hot-scan   nine of ten go to 50 windows, the rest reads all others in order
 *   two-phase  the first half of the time Zipf over one half of the windows, then over
 *              the other half
 */
#include "bench/trace.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "bench/zipf.h"
#include "smmap/smmap.h"
#include "tools/size.h"

#define WINDOWS 1000u
#define HOT 50u
#define SKEW 0.99

/* More references than this are more than the policies have numbers for. */
#define MOST ((apr_size_t)1 << 30)

/* One reference, of a trace that is made. */
typedef apr_uint32_t rule_t(const double *table, apr_uint32_t number, apr_uint32_t count);

static apr_uint32_t zipf(const double *table, apr_uint32_t number, apr_uint32_t count)
{
    (void)count;
    return bench_zipf_pick(table, WINDOWS, bench_part(11, number));
}

static apr_uint32_t uniform(const double *table, apr_uint32_t number, apr_uint32_t count)
{
    (void)table;
    (void)count;
    return (apr_uint32_t)(bench_part(12, number) * WINDOWS);
}

static apr_uint32_t loop(const double *table, apr_uint32_t number, apr_uint32_t count)
{
    (void)table;
    (void)count;
    return number % WINDOWS;
}

static apr_uint32_t hot_scan(const double *table, apr_uint32_t number, apr_uint32_t count)
{
    (void)table;
    (void)count;
    if (number % 10 == 9) {
        return HOT + number / 10 % (WINDOWS - HOT);
    }
    return (apr_uint32_t)(bench_part(13, number) * HOT);
}

static apr_uint32_t two_phase(const double *table, apr_uint32_t number, apr_uint32_t count)
{
    apr_uint32_t window = bench_zipf_pick(table, WINDOWS, bench_part(14, number)) / 2;

    return number < count / 2 ? window : WINDOWS / 2 + window;
}

static const struct {
    const char *name;
    rule_t *rule;
} rules[] = {{"zipf", zipf},
             {"uniform", uniform},
             {"loop", loop},
             {"hot-scan", hot_scan},
             {"two-phase", two_phase}};

int trace_made_count(void)
{
    return (int)(sizeof(rules) / sizeof(rules[0]));
}

void trace_make(trace_t *trace, int which, apr_uint32_t count, apr_size_t window_size,
                apr_pool_t *pool)
{
    double *table = bench_zipf_make(WINDOWS, SKEW, pool);
    apr_uint32_t *order = bench_shuffle(WINDOWS, 15, pool);
    apr_uint32_t *references = apr_palloc(pool, count * sizeof(*references));
    apr_uint32_t i;

    for (i = 0; i < count; i++) {
        references[i] = rules[which].rule(table, i, count);
        if (rules[which].rule != loop) {
            references[i] = order[references[i]];
        }
    }
    trace->name = rules[which].name;
    trace->list.references = references;
    trace->list.count = count;
    trace->list.windows = WINDOWS;
    trace->window_size = window_size;
    trace->file_count = 1;
    trace->file_sizes = apr_palloc(pool, sizeof(*trace->file_sizes));
    trace->file_sizes[0] = (apr_off_t)window_size * WINDOWS;
    trace->window_file = apr_pcalloc(pool, WINDOWS * sizeof(*trace->window_file));
    trace->window_begin = apr_palloc(pool, WINDOWS * sizeof(*trace->window_begin));
    for (i = 0; i < WINDOWS; i++) {
        trace->window_begin[i] = (apr_off_t)window_size * i;
    }
}

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

static const char *add_access(reader_t *reader, const char *name, apr_uint64_t offset,
                              apr_uint64_t length)
{
    trace_t *trace = reader->trace;
    apr_uint64_t size = trace->window_size;
    apr_uint64_t number = offset / size;
    apr_uint32_t file;

    if (length == 0 || length > TOOL_OFF_MAX / 4 || offset > TOOL_OFF_MAX / 4) {
        return "the length is 0, or a number is too large";
    }
    file = file_number(reader, name);
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

/* Cut the last word off a line. */
static char *last_word(char *line)
{
    char *end = line + strlen(line);
    char *word;

    while (end > line &&
           (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r' || end[-1] == '\n')) {
        *--end = '\0';
    }
    word = end;
    while (word > line && word[-1] != ' ' && word[-1] != '\t') {
        word--;
    }
    if (word > line) {
        word[-1] = '\0';
    }
    return word;
}

/* One line. A name may have blanks in it, the numbers do not. */
static const char *add_line(reader_t *reader, char *line)
{
    apr_uint64_t offset = 0;
    apr_uint64_t length = 0;
    char *word = last_word(line);

    if (*word == '\0' && word == line) {
        return NULL; /* an empty line */
    }
    if (word == line || tool_count_parse(word, ~(apr_uint64_t)0, &length) != NULL) {
        return "the length is not a number";
    }
    word = last_word(line);
    if (word == line || tool_count_parse(word, ~(apr_uint64_t)0, &offset) != NULL) {
        return "the offset is not a number";
    }
    return add_access(reader, line, offset, length);
}

int trace_read(trace_t *trace, const char *path, apr_size_t window_size, tool_console_t *console,
               apr_pool_t *pool)
{
    reader_t reader = {.trace = trace, .pool = pool};
    char line[4096 + 64];
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
        status = apr_file_gets(line, sizeof(line), file);
        if (status == APR_SUCCESS) {
            number++;
            wrong = strlen(line) + 1 == sizeof(line) ? "is too long" : add_line(&reader, line);
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
