/*
 * The Python package smmap, whose successor this library is.
 *
 * A child runs the script below for as long as the side is open. It gets the places to
 * read, makes all accesses in one loop, takes the time of that loop by its own
 * clock, and sends back what it read. So neither starting Python nor the pipe is
 * in the numbers. Each access uses the region and takes bytes from its buffer, as
 * the package's documentation does it.
 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "bench/loop.h"

/* Accesses in one message, so that neither side needs much memory. */
#define MOST ((apr_uint64_t)16384)
/* Bytes that come back for an access that reads a block: eight words. */
#define BLOCK_ANSWER 64
/* Pages that become known to the child when one is touched, on Linux. */
#define AROUND ((apr_off_t)65536)

static const char script[] =
    "import sys, time, array\n"
    "try:\n"
    "    import smmap\n"
    "except ImportError:\n"
    "    sys.exit(1)\n"
    "kind, path = sys.argv[1:3]\n"
    "window, memory = [int(text) or sys.maxsize for text in sys.argv[3:5]]\n"
    "manager = smmap.SlidingWindowMapManager(window, memory)\n"
    "take, give = sys.stdin.buffer, sys.stdout.buffer\n"
    "clock = time.perf_counter_ns\n"
    "def bytes_at(offsets):\n"
    "    put = got.append\n"
    "    use = cursor.use_region\n"
    "    begin = clock()\n"
    "    for offset in offsets:\n"
    "        put(use(offset, 1).buffer()[0])\n"
    "    return clock() - begin\n"
    "def blocks_at(offsets):\n"
    "    blocks = []\n"
    "    put = blocks.append\n"
    "    use = cursor.use_region\n"
    "    begin = clock()\n"
    "    for offset in offsets:\n"
    "        put(bytes(use(offset, 4096).buffer()[:4096]))\n"
    "    end = clock()\n"
    "    for block in blocks:\n"
    "        for at in range(0, 4096, 512):\n"
    "            got.extend(block[at:at + 8])\n"
    "    return end - begin\n"
    "def files_at(paths):\n"
    "    put = got.append\n"
    "    begin = clock()\n"
    "    for path in paths:\n"
    "        put(manager.make_cursor(path).use_region(0, 1).buffer()[0])\n"
    "    return clock() - begin\n"
    "if kind != 'files':\n"
    "    cursor = manager.make_cursor(path)\n"
    "work = {'bytes': bytes_at, 'blocks': blocks_at, 'files': files_at}[kind]\n"
    "give.write(b'ready\\n')\n"
    "give.flush()\n"
    "while True:\n"
    "    line = take.readline()\n"
    "    if not line:\n"
    "        break\n"
    "    size = int(line)\n"
    "    if size < 0:\n"
    "        give.write(b'%d\\n' % manager.num_file_handles())\n"
    "        give.flush()\n"
    "        continue\n"
    "    data = take.read(size)\n"
    "    got = bytearray()\n"
    "    if kind == 'files':\n"
    "        spent = work(data.decode().split('\\n')[:-1])\n"
    "    else:\n"
    "        spent = work(array.array('q', data))\n"
    "    give.write(b'%d\\n' % spent)\n"
    "    give.write(got)\n"
    "    give.flush()\n";

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
static apr_status_t ask(bench_lane_t *lane, const void *places, apr_size_t size, apr_size_t answer)
{
    python_t *python = lane->state;
    char line[32];
    apr_status_t status;

    apr_snprintf(line, sizeof(line), "%" APR_SIZE_T_FMT "\n", size);
    status = apr_file_write_full(python->process.in, line, strlen(line), NULL);
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(python->process.in, places, size, NULL);
    }
    if (status == APR_SUCCESS) {
        status = read_line(python, line, sizeof(line));
    }
    if (status == APR_SUCCESS) {
        lane->own_nanoseconds += apr_strtoi64(line, NULL, 10);
        status = apr_file_read_full(python->process.out, python->answer, answer, NULL);
    }
    return lane->status = status;
}

/* Access `number` and the byte that it read. */
static apr_uint64_t weigh(const bench_lane_t *lane, apr_uint64_t number, unsigned char byte)
{
    if (lane->side->job->workload->kind == BENCH_RANDOM) {
        return byte * (bench_hash(number) | 1);
    }
    return byte * (2 * number + 1);
}

static apr_off_t place(const bench_lane_t *lane, apr_uint64_t number)
{
    const bench_pattern_t *pattern = lane->pattern;

    switch (lane->side->job->workload->kind) {
    case BENCH_BYTES:
        return pattern->begin + (apr_off_t)(number & (pattern->wrap - 1));
    case BENCH_MISS:
        return pattern->begin + (apr_off_t)(number % pattern->wrap * pattern->length);
    case BENCH_COPY:
        return bench_pick_block(pattern, number);
    default:
        return bench_pick(pattern, number, bench_hash(number));
    }
}

/* What a block adds, of which only the words that count came back. */
static apr_uint64_t answer_sum(const unsigned char *answer)
{
    apr_uint64_t sum = 0;
    apr_size_t i;

    for (i = 0; i < 8; i++) {
        apr_uint64_t word;

        memcpy(&word, answer + 8 * i, sizeof(word));
        sum += word * (2 * i * (BENCH_BLOCK / 8) + 1);
    }
    return sum;
}

static apr_status_t loop(bench_lane_t *lane, apr_uint64_t first, apr_uint64_t count)
{
    python_t *python = lane->state;
    int blocks = lane->side->job->workload->kind == BENCH_COPY;
    apr_size_t answer = blocks ? BLOCK_ANSWER : 1;

    while (count > 0) {
        apr_size_t part = (apr_size_t)(count < MOST ? count : MOST);
        apr_size_t i;

        for (i = 0; i < part; i++) {
            python->offsets[i] = place(lane, first + i);
        }
        if (ask(lane, python->offsets, part * sizeof(python->offsets[0]), part * answer) !=
            APR_SUCCESS) {
            return lane->status;
        }
        for (i = 0; i < part; i++) {
            lane->sum += blocks ? answer_sum(python->answer + i * answer) * (2 * (first + i) + 1)
                                : weigh(lane, first + i, python->answer[i]);
        }
        first += part;
        count -= part;
    }
    return APR_SUCCESS;
}

static apr_status_t loop_files(bench_lane_t *lane, apr_uint64_t first, apr_uint64_t count)
{
    const bench_pattern_t *pattern = lane->pattern;
    python_t *python = lane->state;

    while (count > 0) {
        apr_size_t part = (apr_size_t)(count < MOST ? count : MOST);
        apr_size_t room = 0;
        apr_size_t used = 0;
        apr_size_t i;
        char *places;

        for (i = 0; i < part; i++) {
            room += strlen(pattern->files->paths[bench_pick_file(pattern, first + i)]) + 1;
        }
        places = apr_palloc(lane->pool, room);
        for (i = 0; i < part; i++) {
            const char *path = pattern->files->paths[bench_pick_file(pattern, first + i)];
            apr_size_t size = strlen(path);

            memcpy(places + used, path, size);
            places[used + size] = '\n';
            used += size + 1;
        }
        if (ask(lane, places, used, part) != APR_SUCCESS) {
            return lane->status;
        }
        apr_pool_clear(lane->pool);
        for (i = 0; i < part; i++) {
            lane->sum += weigh(lane, first + i, python->answer[i]);
        }
        first += part;
        count -= part;
    }
    return APR_SUCCESS;
}

static apr_status_t start(bench_side_t *side, python_t *python)
{
    const bench_job_t *job = side->job;
    bench_kind_t kind = job->workload->kind;
    const char *program = job->bench->settings->python;
    const char *arguments[8];
    apr_procattr_t *attributes;
    apr_status_t status = apr_procattr_create(&attributes, side->pool);

    if (status == APR_SUCCESS) {
        status = apr_procattr_io_set(attributes, APR_FULL_BLOCK, APR_FULL_BLOCK, APR_NO_PIPE);
    }
    if (status == APR_SUCCESS) {
        status = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_PATH);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    arguments[0] = program;
    arguments[1] = "-c";
    arguments[2] = script;
    arguments[3] = kind == BENCH_COPY ? "blocks" : kind == BENCH_FILES ? "files" : "bytes";
    arguments[4] = job->data != NULL ? job->data->path : "";
    arguments[5] = apr_psprintf(side->pool, "%" APR_SIZE_T_FMT, job->window_size);
    arguments[6] =
        apr_psprintf(side->pool, "%" APR_SIZE_T_FMT,
                     job->max_mapped_bytes == SMMAP_UNLIMITED ? 0 : job->max_mapped_bytes);
    arguments[7] = NULL;
    status = apr_proc_create(&python->process, program, arguments, NULL, attributes, side->pool);
    python->running = status == APR_SUCCESS;
    return status;
}

/* Have all windows mapped and their pages known, as the others do it. */
static apr_status_t warm(bench_lane_t *lane)
{
    python_t *python = lane->state;
    const bench_job_t *job = lane->side->job;
    apr_off_t end = job->pattern.begin + (apr_off_t)(job->windows * job->window_size);
    apr_off_t at = job->pattern.begin;
    apr_status_t status = APR_SUCCESS;

    while (at < end && status == APR_SUCCESS) {
        apr_size_t part;

        for (part = 0; part < MOST && at < end; part++) {
            python->offsets[part] = at;
            at += (apr_off_t)job->window_size < AROUND ? (apr_off_t)job->window_size : AROUND;
        }
        status = ask(lane, python->offsets, part * sizeof(python->offsets[0]), part);
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

static const char *open_python(bench_side_t *side)
{
    apr_int64_t least = (apr_int64_t)side->job->windows;
    python_t *python = apr_pcalloc(side->pool, sizeof(*python));
    char line[32] = "";

    side->state = python;
    side->lanes[0].state = python;
    if (start(side, python) != APR_SUCCESS ||
        read_line(python, line, sizeof(line)) != APR_SUCCESS || strcmp(line, "ready") != 0) {
        return apr_psprintf(side->pool, "not installed: '%s -c \"import smmap\"' does not work",
                            side->job->bench->settings->python);
    }
    if (side->job->workload->kind == BENCH_RANDOM && warm(&side->lanes[0]) != APR_SUCCESS) {
        return "the package could not map all windows";
    }
    if (side->job->workload->kind == BENCH_RANDOM && count_windows(python) < least) {
        return "the package could not keep all windows mapped";
    }
    return NULL;
}

static void close_python(bench_side_t *side)
{
    python_t *python = side->state;
    int code;
    apr_exit_why_e why;

    if (python != NULL && python->running) {
        apr_file_close(python->process.in); /* it ends when there is nothing more to read */
        apr_proc_wait(&python->process, &code, &why, APR_WAIT);
    }
}

const bench_contender_t bench_python = {.name = "python-smmap",
                                        .title = "smmap (Python)",
                                        .own_clock = 1,
                                        .open = open_python,
                                        .close = close_python,
                                        BENCH_DOES(BENCH_BYTES, loop),
                                        BENCH_DOES(BENCH_RANDOM, loop),
                                        BENCH_DOES(BENCH_COPY, loop),
                                        BENCH_DOES(BENCH_MISS, loop),
                                        BENCH_DOES(BENCH_FILES, loop_files)};
