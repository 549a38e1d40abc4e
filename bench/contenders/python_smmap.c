/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Python package smmap, which this library succeeds.
 *
 * A child process runs python_smmap.py for as long as the runner is open. It receives the
 * places to read, makes all accesses in one loop, measures that loop by its own clock, and
 * sends back what it read. So neither the start of Python nor the pipe is in the numbers.
 * Each access uses the region and takes bytes from its buffer, as the documentation of the
 * package does.
 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "bench/contenders/loop.h"

/* Accesses in one message, so that neither process needs much memory. */
#define MOST ((apr_uint64_t)16384)
/* Bytes that come back for an access that reads a block: eight words. */
#define BLOCK_ANSWER 64
/* Pages that are mapped in the child when one is touched, on Linux. */
#define AROUND ((apr_off_t)65536)

typedef struct python_t {
    apr_proc_t process;
    int running;
    apr_int64_t offsets[MOST];
    unsigned char answer[MOST * BLOCK_ANSWER];
} python_t;

static apr_status_t read_line(python_t *python, char *line, apr_size_t size)
{
    apr_size_t at = 0;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && at + 1 < size) {
        status = apr_file_getc(&line[at], python->process.out);
        if (status == APR_SUCCESS && line[at] == '\n') {
            break;
        }
        at++;
    }
    line[status == APR_SUCCESS ? at : 0] = '\0';
    return status;
}

/* Send places, get back bytes and the time it took. */
static apr_status_t ask(bench_worker_t *worker, const apr_int64_t *offsets, apr_size_t count,
                        apr_size_t answer)
{
    python_t *python = worker->state;
    apr_size_t size = count * sizeof(*offsets);
    char line[32];
    apr_status_t status;

    apr_snprintf(line, sizeof(line), "%" APR_SIZE_T_FMT "\n", size);
    status = apr_file_write_full(python->process.in, line, strlen(line), NULL);
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(python->process.in, offsets, size, NULL);
    }
    if (status == APR_SUCCESS) {
        status = read_line(python, line, sizeof(line));
    }
    if (status == APR_SUCCESS) {
        worker->own_nanoseconds += apr_strtoi64(line, NULL, 10);
        status = apr_file_read_full(python->process.out, python->answer, answer, NULL);
    }
    return worker->status = status;
}

/* What access `number` adds to the sum. Of a block only the words that count came back. */
static apr_uint64_t weigh(const bench_worker_t *worker, apr_uint64_t number,
                          const unsigned char *answer)
{
    bench_kind_t kind = worker->runner->test->workload->kind;
    apr_uint64_t sum = 0;
    apr_size_t i;

    if (kind != BENCH_COPY) {
        return *answer * bench_weight(kind, number);
    }
    for (i = 0; i < 8; i++) {
        apr_uint64_t word;

        memcpy(&word, answer + 8 * i, sizeof(word));
        sum += word * (2 * i * (BENCH_BLOCK / 8) + 1);
    }
    return sum * bench_weight(kind, number);
}

static apr_status_t loop(bench_worker_t *worker, apr_uint64_t first, apr_uint64_t count)
{
    bench_kind_t kind = worker->runner->test->workload->kind;
    apr_size_t answer = kind == BENCH_COPY ? BLOCK_ANSWER : 1;
    python_t *python = worker->state;

    while (count > 0) {
        apr_size_t part = (apr_size_t)(count < MOST ? count : MOST);
        apr_size_t i;

        for (i = 0; i < part; i++) {
            python->offsets[i] = bench_place(worker->pattern, kind, first + i);
        }
        if (ask(worker, python->offsets, part, part * answer) != APR_SUCCESS) {
            return worker->status;
        }
        for (i = 0; i < part; i++) {
            worker->sum += weigh(worker, first + i, python->answer + i * answer);
        }
        first += part;
        count -= part;
    }
    return APR_SUCCESS;
}

static apr_status_t start(bench_runner_t *runner, python_t *python)
{
    const bench_case_t *test = runner->test;
    bench_kind_t kind = test->workload->kind;
    apr_uint64_t limit = test->max_mapped_bytes == SMMAP_UNLIMITED ? 0 : test->max_mapped_bytes;
    const char *arguments[] = {test->bench->settings->python,
                               test->bench->settings->python_script,
                               kind == BENCH_COPY ? "blocks" : "bytes",
                               test->data->path,
                               apr_psprintf(runner->pool, "%" APR_SIZE_T_FMT, test->window_size),
                               apr_psprintf(runner->pool, "%" APR_UINT64_T_FMT, limit),
                               NULL};
    apr_procattr_t *attributes;
    apr_status_t status = apr_procattr_create(&attributes, runner->pool);

    if (status == APR_SUCCESS) {
        status = apr_procattr_io_set(attributes, APR_FULL_BLOCK, APR_FULL_BLOCK, APR_NO_PIPE);
    }
    if (status == APR_SUCCESS) {
        status = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_PATH);
    }
    if (status == APR_SUCCESS) {
        status = apr_proc_create(&python->process, arguments[0], arguments, NULL, attributes,
                                 runner->pool);
        python->running = status == APR_SUCCESS;
    }
    return status;
}

/* Have all windows mapped and their pages known, as the others do it. */
static apr_status_t warm(bench_worker_t *worker)
{
    python_t *python = worker->state;
    const bench_case_t *test = worker->runner->test;
    apr_off_t end = test->pattern.begin + (apr_off_t)(test->windows * test->window_size);
    apr_off_t at = test->pattern.begin;
    apr_status_t status = APR_SUCCESS;

    while (at < end && status == APR_SUCCESS) {
        apr_size_t part;

        for (part = 0; part < MOST && at < end; part++) {
            python->offsets[part] = at;
            at += (apr_off_t)test->window_size < AROUND ? (apr_off_t)test->window_size : AROUND;
        }
        status = ask(worker, python->offsets, part, part);
    }
    return status;
}

/* How many windows it has mapped; each holds a descriptor, and so there may be too few. */
static apr_int64_t count_windows(python_t *python)
{
    char line[32] = "-1";

    if (apr_file_write_full(python->process.in, "-1\n", 3, NULL) == APR_SUCCESS) {
        (void)read_line(python, line, sizeof(line));
    }
    return apr_strtoi64(line, NULL, 10);
}

static const char *open_python(bench_runner_t *runner)
{
    apr_int64_t least = (apr_int64_t)runner->test->windows;
    python_t *python = apr_pcalloc(runner->pool, sizeof(*python));
    char line[32] = "";

    runner->state = python;
    runner->workers[0].state = python;
    if (start(runner, python) != APR_SUCCESS ||
        read_line(python, line, sizeof(line)) != APR_SUCCESS || strcmp(line, "ready") != 0) {
        return apr_psprintf(runner->pool, "not installed: '%s %s' cannot import smmap",
                            runner->test->bench->settings->python,
                            runner->test->bench->settings->python_script);
    }
    if (runner->test->workload->kind == BENCH_RANDOM && warm(&runner->workers[0]) != APR_SUCCESS) {
        return "the package could not map all windows";
    }
    if (runner->test->workload->kind == BENCH_RANDOM && count_windows(python) < least) {
        return "the package could not keep all windows mapped";
    }
    return NULL;
}

static void close_python(bench_runner_t *runner)
{
    python_t *python = runner->state;
    int code;
    apr_exit_why_e why;

    if (python != NULL && python->running) {
        apr_file_close(python->process.in); /* it ends when there is nothing more to read */
        apr_proc_wait(&python->process, &code, &why, APR_WAIT);
    }
}

const bench_contender_t bench_python = {"python-smmap",
                                        "smmap (Python)",
                                        BENCH_OWN_CLOCK,
                                        open_python,
                                        close_python,
                                        NULL,
                                        NULL,
                                        BENCH_DOES(BENCH_BYTES, loop),
                                        BENCH_DOES(BENCH_RANDOM, loop),
                                        BENCH_DOES(BENCH_COPY, loop),
                                        BENCH_DOES(BENCH_MISS, loop)};
