/*
 * The trace: what the program's function hears of, and what is written into the file
 * of SMMAP_TRACE.
 *
 * What is written is read back here by rules of its own, line by line, and compared
 * with the moves that were made: all of them, each once, those of a thread in order.
 */
#include "harness.h"

#include <apr_env.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_backend.h"
#include "fake_memory.h"

#define MOST 64
#define THREADS 3

typedef struct heard_t {
    smmap_trace_event_t events[MOST];
    char paths[MOST][512];
    int count;
    smmap_manager_t *ask; /* for statistics, from inside */
    apr_uint64_t maps;
} heard_t;

static heard_t heard;
static apr_size_t unit;

static void hear(void *context, const smmap_trace_event_t *event)
{
    heard_t *to = context;

    if (to->ask != NULL) {
        to->maps = manager_stats(to->ask).maps;
    }
    if (to->count < MOST) {
        to->events[to->count] = *event;
        strcpy(to->paths[to->count], event->path != NULL ? event->path : "(none)");
        to->count++;
    }
}

static smmap_manager_t *manager_with(smmap_trace_t *trace, void *context)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    unit = smmap_granularity();
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.max_regions = 4;
    options.trace = trace;
    options.trace_context = context;
    return manager_make(&options);
}

/* A manager whose moves are heard. */
static smmap_manager_t *begin(void)
{
    memset(&heard, 0, sizeof heard);
    return manager_with(hear, &heard);
}

/* The next event is this one. */
static void was(int index, smmap_move_t move, const char *path, apr_off_t offset,
                apr_size_t length)
{
    NEED(index < heard.count);
    CHECK_NUMBER(heard.events[index].move, move);
    CHECK_NUMBER(heard.events[index].offset, offset);
    CHECK_NUMBER(heard.events[index].length, length);
    CHECK(strcmp(heard.paths[index], path) == 0);
}

static void moves_in_order(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 6 * unit + 5);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    apr_off_t odd = (apr_off_t)(2 * unit) - 3;
    unsigned char bytes[100];

    CHECK_NUMBER(heard.count, 0);
    NEED_OK(smmap_cursor_use(cursor, 3, 0));
    NEED_OK(smmap_cursor_use(cursor, 4, 10)); /* it has the window already */
    NEED_OK(smmap_cursor_require(cursor, odd, 6));
    NEED_OK(smmap_cursor_read(cursor, odd, bytes, 100, NULL));
    CHECK(memcmp(bytes, file.data + odd, 100) == 0);
    NEED_OK(smmap_cursor_read(cursor, (apr_off_t)(6 * unit), bytes, 100, NULL));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(6 * unit), SIZE_MAX_));
    CHECK_NUMBER(heard.count, 6);
    was(0, SMMAP_MOVE_USE, file.path, 3, 0);
    was(1, SMMAP_MOVE_USE, file.path, 4, 10);
    was(2, SMMAP_MOVE_REQUIRE, file.path, odd, 6);
    was(3, SMMAP_MOVE_READ, file.path, odd, 100); /* once, though it takes two windows */
    was(4, SMMAP_MOVE_READ, file.path, (apr_off_t)(6 * unit), 5); /* cut at the end */
    was(5, SMMAP_MOVE_USE, file.path, (apr_off_t)(6 * unit), 5);
}

static void what_is_no_move(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 2 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    unsigned char byte;

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    heard.count = 0;
    CHECK(smmap_cursor_at(cursor, 7) != NULL);
    CHECK_STATUS(smmap_cursor_use(cursor, -1, 0), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_require(cursor, 0, 0), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_read(cursor, 0, NULL, 1, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)(2 * unit), 0), APR_EOF);
    CHECK_STATUS(smmap_cursor_use(cursor, OFFSET_MAX, 0), APR_EOF);
    CHECK_STATUS(smmap_cursor_read(cursor, (apr_off_t)(2 * unit), &byte, 1, NULL), APR_EOF);
    CHECK_OK(smmap_cursor_read(cursor, 0, &byte, 0, NULL));
    CHECK_OK(smmap_cursor_advise(cursor, 0, 10, SMMAP_WILL_NEED));
    CHECK_OK(smmap_cursor_refresh(cursor));
    CHECK_NUMBER(heard.count, 0);
    /* This one fails, but it asked for bytes that are there. */
    CHECK_STATUS(smmap_cursor_require(cursor, 5, 2 * unit), APR_EOF);
    CHECK_NUMBER(heard.count, 1);
    was(0, SMMAP_MOVE_REQUIRE, file.path, 5, 2 * unit - 5);
    CHECK_OK(manager_destroy(manager));
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), SMMAP_ECLOSED);
    CHECK_STATUS(smmap_cursor_read(cursor, 0, &byte, 1, NULL), SMMAP_ECLOSED);
    CHECK_NUMBER(heard.count, 1);
}

static void through_buffers(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 4 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    smmap_buffer_t *buffer;
    const unsigned char *data;
    unsigned char bytes[10];

    NEED_OK(smmap_buffer_create(&buffer, cursor, 100, SMMAP_TO_END, test_pool));
    CHECK_NUMBER(heard.count, 0);
    CHECK_OK(smmap_buffer_byte(buffer, 5, bytes));
    CHECK_OK(smmap_buffer_byte(buffer, 6, bytes)); /* in the window */
    CHECK_OK(smmap_buffer_slice(buffer, 7, 9, &data));
    CHECK_OK(smmap_buffer_read(buffer, -10, bytes, 10, NULL));
    CHECK_NUMBER(heard.count, 3);
    was(0, SMMAP_MOVE_USE, file.path, 105, 0);
    was(1, SMMAP_MOVE_USE, file.path, 107, 9);
    was(2, SMMAP_MOVE_READ, file.path, (apr_off_t)(4 * unit) - 10, 10);
}

static void which_file(void)
{
    smmap_manager_t *manager = begin();
    test_file_t one = file_make("one", 100);
    test_file_t two = file_make("two", 100);
    const char *link_path = test_path("link");
    smmap_cursor_t *first = cursor_open(manager, one.path);
    smmap_cursor_t *second = cursor_open(manager, two.path);
    smmap_cursor_t *linked;
    smmap_cursor_t *handed;
    smmap_cursor_t *copy;
    int fd = file_open(one.path);

    NEED(link(one.path, link_path) == 0);
    linked = cursor_open(manager, link_path);
    NEED_OK(smmap_cursor_open_handle(&handed, manager, fd, test_pool));
    close(fd);
    NEED_OK(smmap_cursor_copy(&copy, first, test_pool));
    CHECK_OK(smmap_cursor_use(first, 1, 0));
    CHECK_OK(smmap_cursor_use(second, 2, 0));
    CHECK_OK(smmap_cursor_use(linked, 3, 0));
    CHECK_OK(smmap_cursor_use(handed, 4, 0));
    CHECK_OK(smmap_cursor_use(copy, 5, 0));
    CHECK_OK(smmap_cursor_assign(second, first));
    CHECK_OK(smmap_cursor_use(second, 6, 0));
    CHECK_NUMBER(heard.count, 6);
    was(0, SMMAP_MOVE_USE, one.path, 1, 0);
    was(1, SMMAP_MOVE_USE, two.path, 2, 0);
    was(2, SMMAP_MOVE_USE, link_path, 3, 0);
    was(3, SMMAP_MOVE_USE, "(none)", 4, 0);
    was(4, SMMAP_MOVE_USE, one.path, 5, 0);
    was(5, SMMAP_MOVE_USE, one.path, 6, 0);
    CHECK(heard.events[0].file != 0);
    CHECK(heard.events[1].file != heard.events[0].file);
    CHECK(heard.events[2].file == heard.events[0].file);
    CHECK(heard.events[3].file == heard.events[0].file);
    CHECK(heard.events[4].file == heard.events[0].file);
    CHECK(heard.events[5].file == heard.events[0].file);
}

static void without_a_lock(void)
{
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 3 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);

    heard.ask = manager; /* would wait for ever if the lock were held */
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(heard.maps, 0); /* it comes before the move */
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    CHECK_NUMBER(heard.maps, 1);
    CHECK_NUMBER(heard.count, 2);
}

/* Threads. */

typedef struct worker_t {
    smmap_cursor_t *cursor;
    apr_size_t file_size;
    apr_size_t rounds;
    apr_size_t bad;
    apr_uint64_t file;      /* of its cursor */
    apr_uint64_t heard;     /* moves reported, by its own thread */
    apr_uint64_t out_of_order;
} worker_t;

static worker_t workers[THREADS];

/* The i-th move of a thread. */
static apr_off_t place(const worker_t *worker, apr_size_t i)
{
    return (apr_off_t)(i * 31 % worker->file_size);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    unsigned char byte;
    apr_size_t i;

    (void)thread;
    for (i = 0; i < worker->rounds; i++) {
        worker->bad += i % 2 == 0
                           ? smmap_cursor_use(worker->cursor, place(worker, i), 1) != APR_SUCCESS
                           : smmap_cursor_read(worker->cursor, place(worker, i), &byte, 1, NULL) !=
                                 APR_SUCCESS;
    }
    return NULL;
}

/* Each file has one thread, so what is heard of it comes from that alone. */
static void hear_threads(void *context, const smmap_trace_event_t *event)
{
    worker_t *all = context;
    int i;

    for (i = 0; i < THREADS; i++) {
        if (all[i].file == event->file) {
            all[i].out_of_order += event->offset != place(&all[i], (apr_size_t)all[i].heard);
            all[i].heard++;
        }
    }
}

static void run_threads(smmap_manager_t *const *managers, int count, apr_size_t rounds)
{
    apr_thread_t *threads[THREADS];
    apr_status_t result;
    int i;

    for (i = 0; i < THREADS; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        test_file_t file = file_make(name, 5 * unit + 1);

        memset(&workers[i], 0, sizeof workers[i]);
        workers[i].cursor = cursor_open(managers[i % count], file.path);
        workers[i].file_size = file.size;
        workers[i].rounds = rounds;
        workers[i].file = (apr_uint64_t)i + 1;
    }
    for (i = 0; i < THREADS; i++) {
        NEED_OK(apr_thread_create(&threads[i], NULL, work, &workers[i], test_pool));
    }
    for (i = 0; i < THREADS; i++) {
        CHECK_OK(apr_thread_join(&result, threads[i]));
        CHECK_NUMBER(workers[i].bad, 0);
        smmap_cursor_close(workers[i].cursor);
    }
}

static void heard_by_threads(void)
{
    smmap_manager_t *manager = manager_with(hear_threads, workers);
    apr_size_t rounds = test_count(20000);
    int i;

    run_threads(&manager, 1, rounds);
    for (i = 0; i < THREADS; i++) {
        CHECK_NUMBER(workers[i].heard, rounds);
        CHECK_NUMBER(workers[i].out_of_order, 0);
    }
}

/* The file. */

static const char *trace_to(const char *path)
{
    NEED_OK(apr_env_set("SMMAP_TRACE", path, test_pool));
    return path;
}

static void trace_off(void)
{
    NEED_OK(apr_env_delete("SMMAP_TRACE", test_pool));
}

static int exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

/* All of a small file, as a string. */
static char *text_of(const char *path)
{
    static char text[16 * 1024];
    FILE *file = fopen(path, "rb");
    size_t length;

    NEED(file != NULL);
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

static void written(void)
{
    const char *path = trace_to(test_path("trace"));
    smmap_manager_t *manager = manager_with(NULL, NULL);
    test_file_t odd = file_make("a b\nc", 3 * unit);
    test_file_t file = file_make("file", 300);
    smmap_cursor_t *cursor = cursor_open(manager, odd.path);
    smmap_cursor_t *other = cursor_open(manager, file.path);
    smmap_cursor_t *handed;
    unsigned char bytes[10];
    struct stat info;
    int fd = file_open(file.path);

    trace_off();
    NEED_OK(smmap_cursor_use(cursor, 3, 0));
    NEED_OK(smmap_cursor_require(cursor, 5, 6));
    NEED_OK(smmap_cursor_read(other, 296, bytes, 10, NULL));
    NEED_OK(smmap_cursor_use(cursor, 4, 1));
    CHECK_OK(manager_destroy(manager));
    CHECK(strcmp(text_of(path),
                 apr_psprintf(test_pool,
                              "# smmap trace 1\n3 0 use %s/a b?c\n5 6 require\n296 4 read %s\n"
                              "4 1 use %s/a b?c\n",
                              test_dir(), file.path, test_dir())) == 0);
    /* It is appended to. A handle has no name. */
    NEED(fstat(fd, &info) == 0);
    trace_to(path);
    manager = manager_with(NULL, NULL);
    trace_off();
    NEED_OK(smmap_cursor_open_handle(&handed, manager, fd, test_pool));
    close(fd);
    NEED_OK(smmap_cursor_use(handed, 7, 8));
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    CHECK_OK(manager_destroy(manager));
    CHECK(strcmp(strrchr(text_of(path), '#'),
                 apr_psprintf(test_pool, "#%" APR_UINT64_T_FMT ":%" APR_UINT64_T_FMT "\n",
                              (apr_uint64_t)info.st_dev, (apr_uint64_t)info.st_ino)) == 0);
    CHECK(strstr(text_of(path), "4 1 use") < strstr(text_of(path), "# smmap trace 1\n7 8 use #"));
}

/* One line of the traces of the threads; says which of them made it, or -1. */
static int thread_of_line(char *line, int last, apr_off_t *offset)
{
    char *end;
    char *name;
    int i;

    *offset = (apr_off_t)strtoull(line, &end, 10);
    if (end == line || (strncmp(end, " 1 use", 6) != 0 && strncmp(end, " 1 read", 7) != 0)) {
        return -1;
    }
    name = strchr(end + 3, ' ');
    if (name == NULL) {
        return last;
    }
    for (i = 0; i < THREADS; i++) {
        char file[2] = {(char)('a' + i), '\0'};

        if (strcmp(name + 1, test_path(file)) == 0) {
            return i;
        }
    }
    return -1;
}

/* Two managers and three threads write into one file, many blocks. */
static void written_by_threads(void)
{
    const char *path = trace_to(test_path("trace"));
    smmap_manager_t *managers[2] = {manager_with(NULL, NULL), manager_with(NULL, NULL)};
    apr_size_t rounds = test_count(20000);
    apr_size_t seen[THREADS] = {0, 0, 0};
    apr_size_t blocks = 0;
    apr_size_t bad = 0;
    char line[2048];
    int last = -1;
    FILE *file;
    int i;

    trace_off();
    run_threads(managers, 2, rounds);
    CHECK_OK(manager_destroy(managers[0]));
    CHECK_OK(manager_destroy(managers[1]));
    file = fopen(path, "rb");
    NEED(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        apr_off_t offset;

        bad += line[strlen(line) - 1] != '\n';
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#') {
            bad += strcmp(line, "# smmap trace 1") != 0;
            blocks++;
            last = -1;
            continue;
        }
        last = thread_of_line(line, last, &offset);
        if (last < 0) {
            bad++;
        } else {
            bad += offset != place(&workers[last], seen[last]++);
        }
    }
    fclose(file);
    CHECK_NUMBER(bad, 0);
    CHECK(blocks >= (test_is_light() ? 2u : 10u));
    for (i = 0; i < THREADS; i++) {
        CHECK_NUMBER(seen[i], rounds);
    }
}

/* Make many moves, and see that each works. */
static void reads_all_the_same(smmap_manager_t *manager)
{
    test_file_t file = file_make("data", 6 * unit);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    apr_size_t bad = 0;
    apr_size_t i;

    for (i = 0; i < 8000; i++) {
        bad += smmap_cursor_use(cursor, (apr_off_t)(i * 997 % file.size), 1) != APR_SUCCESS ||
               !cursor_shows(cursor, &file);
    }
    CHECK_NUMBER(bad, 0);
    smmap_cursor_close(cursor);
}

static void bad_path(void)
{
    const char *paths[] = {test_path("none/trace"), test_dir(), ""};
    unsigned i;

    for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        smmap_manager_t *manager;

        trace_to(paths[i]);
        manager = manager_with(NULL, NULL);
        trace_off();
        CHECK_NUMBER(manager_stats(manager).trace_failures, paths[i][0] != '\0');
        reads_all_the_same(manager);
        CHECK_OK(manager_destroy(manager));
    }
    CHECK(!exists(paths[0]));
}

/* It opens, and then cannot be written. */
static void full_disk(void)
{
    smmap_manager_t *manager;

    if (!exists("/dev/full")) {
        test_skip("there is no /dev/full");
        return;
    }
    trace_to("/dev/full");
    manager = manager_with(NULL, NULL);
    trace_off();
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    reads_all_the_same(manager);
    CHECK_NUMBER(manager_stats(manager).trace_failures, 1);
    CHECK_OK(manager_destroy(manager));
}

static void own_function_first(void)
{
    const char *path = trace_to(test_path("trace"));
    smmap_manager_t *manager = begin();
    test_file_t file = file_make("file", 100);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);

    trace_off();
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(heard.count, 1);
    CHECK_OK(manager_destroy(manager));
    CHECK(!exists(path));
}

/* A program with more rights than its user must not write where he says. */
static void not_for_strangers(void)
{
    const char *path;
    smmap_manager_t *manager;

    NEEDS_FAKE();
    fake_set_strange();
    path = trace_to(test_path("trace"));
    manager = manager_with(NULL, NULL);
    trace_off();
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    CHECK_OK(manager_destroy(manager));
    CHECK(!exists(path));
}

/* Whichever allocation fails, there is no manager, or one that works. */
static void no_memory(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_size_t without_trace = 0;
    apr_size_t i;

    trace_to(test_path("trace"));
    for (i = 1;; i++) {
        smmap_stats_t stats = SMMAP_STATS_INIT;
        smmap_manager_t *manager = NULL;
        apr_status_t status;
        apr_size_t failed = fake_memory_failed();

        fake_memory_fail(i);
        status = smmap_manager_create(&manager, &options, test_pool);
        fake_memory_fail_none();
        failed = fake_memory_failed() - failed;
        if (status != APR_SUCCESS) {
            CHECK_STATUS(status, APR_ENOMEM);
            continue;
        }
        CHECK_OK(smmap_manager_stats(manager, &stats));
        CHECK_NUMBER(stats.trace_failures, failed);
        without_trace += failed;
        CHECK_OK(smmap_manager_destroy(manager));
        if (failed == 0) {
            break;
        }
    }
    trace_off();
    CHECK_NUMBER(without_trace, 1);
}

static const test_case_t cases[] = {{"moves_in_order", moves_in_order},
                                    {"what_is_no_move", what_is_no_move},
                                    {"through_buffers", through_buffers},
                                    {"which_file", which_file},
                                    {"without_a_lock", without_a_lock},
                                    {"heard_by_threads", heard_by_threads},
                                    {"written", written},
                                    {"written_by_threads", written_by_threads},
                                    {"bad_path", bad_path},
                                    {"full_disk", full_disk},
                                    {"own_function_first", own_function_first},
                                    {"not_for_strangers", not_for_strangers},
                                    {"no_memory", no_memory},
                                    {NULL, NULL}};

const test_module_t test_trace = {"trace", cases};
