/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trace, written into the file of SMMAP_TRACE, and from several threads.
 *
 * What is written is read back here by rules of its own, line by line, and compared
 * with the moves that were made: all of them, each once, those of a thread in order.
 */
#include "tests/support/harness.h"

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

#define THREADS 3

typedef struct worker_t {
    smmap_cursor_t *cursor;
    apr_size_t file_size;
    apr_size_t rounds;
    apr_size_t bad;
    apr_uint64_t file;  /* of its cursor */
    apr_uint64_t heard; /* moves reported, by its own thread */
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
    int i;

    for (i = 0; i < THREADS; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        test_file_t file = file_make(name, 5 * smmap_granularity() + 1);

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
        thread_join(threads[i]);
        CHECK_NUMBER(workers[i].bad, 0);
        smmap_cursor_close(workers[i].cursor);
    }
}

static void heard_by_threads(void)
{
    smmap_manager_t *manager = manager_traced(hear_threads, workers);
    apr_size_t rounds = test_count(2000);
    int i;

    run_threads(&manager, 1, rounds);
    for (i = 0; i < THREADS; i++) {
        CHECK_NUMBER(workers[i].heard, rounds);
        CHECK_NUMBER(workers[i].out_of_order, 0);
    }
}

static const char *trace_to(const char *path)
{
    if (!fake_present() && !smmap__os_environment_is_trusted()) {
        test_skip_now("this process has more rights than its user, so it writes no trace");
    }
    NEED_OK(apr_env_set("SMMAP_TRACE", path, test_pool));
    return path;
}

static void trace_off(void)
{
    NEED_OK(apr_env_delete("SMMAP_TRACE", test_pool));
}

static int exists(const char *path)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, test_pool) == APR_SUCCESS;
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

/* A name that would end a line, where the system takes such names. */
static const char *odd_name(void)
{
    static const char name[] = "a b\nc";
    apr_file_t *file;

    if (apr_file_open(&file, test_path(name), APR_FOPEN_WRITE | APR_FOPEN_CREATE,
                      APR_FPROT_OS_DEFAULT, test_pool) != APR_SUCCESS) {
        return "a b c";
    }
    apr_file_close(file);
    return name;
}

/* Its name as the trace has it that knows no other. */
static const char *number_of(apr_os_file_t handle)
{
    smmap__os_facts_t info;

    NEED_OK(smmap__os_examine(&info, handle, 1));
    return apr_psprintf(test_pool, "#%" APR_UINT64_T_FMT ":%" APR_UINT64_T_FMT "\n",
                        (apr_uint64_t)info.device, (apr_uint64_t)info.inode);
}

static void written(void)
{
    const char *path = trace_to(test_path("trace"));
    smmap_manager_t *manager = manager_traced(NULL, NULL);
    const char *name = odd_name();
    test_file_t odd = file_make(name, 3 * smmap_granularity());
    test_file_t file = file_make("file", 300);
    smmap_cursor_t *cursor = cursor_open(manager, odd.path);
    smmap_cursor_t *other = cursor_open(manager, file.path);
    smmap_cursor_t *handed;
    unsigned char bytes[10];
    apr_os_file_t handle = file_open(file.path);
    const char *shown = strchr(name, '\n') != NULL ? "a b?c" : name;

    trace_off();
    NEED_OK(smmap_cursor_use(cursor, 3, 0));
    NEED_OK(smmap_cursor_require(cursor, 5, 6));
    NEED_OK(smmap_cursor_read(other, 296, bytes, 10, NULL));
    NEED_OK(smmap_cursor_use(cursor, 4, 1));
    CHECK_OK(manager_destroy(manager));
    CHECK(strcmp(text_of(path),
                 apr_psprintf(test_pool,
                              "# smmap trace 1\n3 0 use %s/%s\n5 6 require\n296 4 read %s\n"
                              "4 1 use %s/%s\n",
                              test_dir(), shown, file.path, test_dir(), shown)) == 0);
    /* It is appended to. A handle has no name. */
    trace_to(path);
    manager = manager_traced(NULL, NULL);
    trace_off();
    NEED_OK(smmap_cursor_open_handle(&handed, manager, handle, test_pool));
    NEED_OK(smmap_cursor_use(handed, 7, 8));
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    CHECK_OK(manager_destroy(manager));
    CHECK(strcmp(strrchr(text_of(path), '#'), number_of(handle)) == 0);
    file_close(handle);
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
    smmap_manager_t *managers[2] = {manager_traced(NULL, NULL), manager_traced(NULL, NULL)};
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
    test_file_t file = file_make("data", 6 * smmap_granularity());
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
        manager = manager_traced(NULL, NULL);
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

    NEEDS_FAKE();
    trace_to(test_path("trace"));
    manager = manager_traced(NULL, NULL);
    trace_off();
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    fake_fail(FAKE_APPEND, 1, APR_ENOSPC);
    reads_all_the_same(manager);
    CHECK_NUMBER(manager_stats(manager).trace_failures, 1);
    CHECK_OK(manager_destroy(manager));
}

/* The only block is written when somebody asks whether all could be: afterwards is too late. */
static void last_block(void)
{
    const char *path = trace_to(test_path("trace"));
    smmap_manager_t *manager = manager_traced(NULL, NULL);
    test_file_t file = file_make("data", 300);
    smmap_cursor_t *cursor = cursor_open(manager, file.path);
    const char *first = apr_psprintf(test_pool, "# smmap trace 1\n7 8 use %s\n", file.path);

    trace_off();
    NEED_OK(smmap_cursor_use(cursor, 7, 8));
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    CHECK(strcmp(text_of(path), first) == 0);
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0); /* and nothing is written twice */
    CHECK(strcmp(text_of(path), first) == 0);
    if (fake_present()) {
        NEED_OK(smmap_cursor_use(cursor, 9, 1));
        fake_fail(FAKE_APPEND, 1, APR_ENOSPC);
        CHECK_NUMBER(manager_stats(manager).trace_failures, 1);
    }
    CHECK_OK(manager_destroy(manager));
}

/* The limit of the size of a file; the process would end by a signal. */
static int long_as_allowed(void *unused)
{
    smmap_manager_t *manager;

    (void)unused;
    trace_to(test_path("trace"));
    manager = manager_traced(NULL, NULL);
    trace_off();
    file_make("data", 6 * smmap_granularity());
    native_limit_file_size((apr_off_t)(6 * smmap_granularity()) + 10000);
    while (manager_stats(manager).trace_failures == 0) {
        reads_all_the_same(manager);
    }
    CHECK_OK(manager_destroy(manager));
    return 0;
}

static void file_size_limit(void)
{
    NEEDS_REAL();
    CHECK_NUMBER(test_in_child(long_as_allowed, NULL), 0);
}

/* Nothing but a regular file is written to: no device, and no FIFO, with or without a reader. */
static int is_refused(void *path)
{
    smmap_manager_t *manager;
    int failures;

    native_alarm(20);
    trace_to(path);
    manager = manager_traced(NULL, NULL);
    trace_off();
    failures = (int)manager_stats(manager).trace_failures;
    CHECK_OK(manager_destroy(manager));
    return failures != 1;
}

static void no_regular_file(void)
{
    const char *fifo = test_path("fifo");
    apr_os_file_t reader;

    NEEDS_REAL();
    if (native_null_path() != NULL) {
        CHECK_NUMBER(test_in_child(is_refused, (void *)(apr_uintptr_t)native_null_path()), 0);
    }
    NEED_OK(native_fifo(fifo));
    CHECK_NUMBER(test_in_child(is_refused, (void *)(apr_uintptr_t)fifo), 0);
    NEED_OK(native_open(&reader, fifo, NATIVE_READ)); /* does not wait for a writer */
    CHECK_NUMBER(test_in_child(is_refused, (void *)(apr_uintptr_t)fifo), 0);
    file_close(reader);
}

/* A program with more rights than its user must not write to the path that the user chose. */
static void not_for_strangers(void)
{
    const char *path;
    smmap_manager_t *manager;

    NEEDS_FAKE();
    fake_set_strange();
    path = trace_to(test_path("trace"));
    manager = manager_traced(NULL, NULL);
    trace_off();
    CHECK_NUMBER(manager_stats(manager).trace_failures, 0);
    CHECK_OK(manager_destroy(manager));
    CHECK(!exists(path));
}

/* Nor do the other variables mean anything there. */
static void paranoia_not_for_strangers(void)
{
    smmap_manager_t *managers[3];
    char *was = NULL;
    int i;

    NEEDS_FAKE();
    apr_env_get(&was, "SMMAP_PARANOID", test_pool); /* of the whole run */
    apr_env_delete("SMMAP_PARANOID", test_pool);
    for (i = 0; i < 3; i++) {
        if (i == 1) {
            NEED_OK(apr_env_set("SMMAP_PARANOID", "1", test_pool));
        } else if (i == 2) {
            fake_set_strange();
        }
        NEED_OK(smmap_manager_create(&managers[i], NULL, test_pool));
    }
    CHECK(smmap_manager_window_size(managers[1]) != smmap_manager_window_size(managers[0]));
    CHECK_NUMBER(smmap_manager_window_size(managers[2]), smmap_manager_window_size(managers[0]));
    if (was != NULL) {
        NEED_OK(apr_env_set("SMMAP_PARANOID", was, test_pool));
    } else {
        NEED_OK(apr_env_delete("SMMAP_PARANOID", test_pool));
    }
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

static const test_case_t cases[] = {{"heard_by_threads", heard_by_threads},
                                    {"written", written},
                                    {"written_by_threads", written_by_threads},
                                    {"bad_path", bad_path},
                                    {"full_disk", full_disk},
                                    {"last_block", last_block},
                                    {"file_size_limit", file_size_limit},
                                    {"no_regular_file", no_regular_file},
                                    {"not_for_strangers", not_for_strangers},
                                    {"paranoia_not_for_strangers", paranoia_not_for_strangers},
                                    {"no_memory", no_memory},
                                    {NULL, NULL}};

const test_module_t test_traced = {"traced", cases};
