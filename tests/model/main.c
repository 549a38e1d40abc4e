/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program around the model: random sequences, and what is left of one that fails.
 *
 * The sequences are run by child processes, in a directory that the parent removes, so that
 * a crash or a hang is a failure like any other. A sequence that failed is made shorter:
 * pieces are left out and bytes set to 0 as long as it still fails; what remains is printed
 * operation by operation and written to a file for --replay.
 *
 * Exit code: 0 all passed, 1 something failed, 2 bad arguments.
 */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEQUENCE = 500, PATIENCE = 60, TRIES = 3000, SHRINK_SECONDS = 60, MOST_FAILURES = 3 };
enum { LONGEST = 1 << 20 };

/* Seen by the children, too. */
typedef struct shared_t {
    apr_uint64_t running;    /* the sequence at work */
    apr_uint64_t operations; /* done */
    apr_uint64_t tally[KINDS];
    char complaint[1000];
} shared_t;

static shared_t *shared;
static const char *program;

static apr_uint64_t next_random(apr_uint64_t *state)
{
    apr_uint64_t z = *state += APR_UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * APR_UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * APR_UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The bytes of the sequence with a number. Returns how many. */
static apr_size_t sequence(apr_uint64_t seed, apr_uint64_t number, unsigned char *bytes)
{
    apr_uint64_t state = seed * APR_UINT64_C(0x2545F4914F6CDD1D) + number;
    apr_size_t size = (SEQUENCE + 1) * RECORD;
    apr_size_t i;

    for (i = 0; i < size; i += 8) {
        apr_uint64_t eight = next_random(&state);

        memcpy(bytes + i, &eight, 8);
    }
    return size;
}

/* In a child: run sequences until one fails. */
static void work(apr_uint64_t seed, apr_uint64_t first, apr_uint64_t count)
{
    static unsigned char bytes[(SEQUENCE + 1) * RECORD];
    apr_uint64_t i;
    int kind;

    for (i = first; i < count; i++) {
        shared->running = i;
        alarm(PATIENCE);
        if (!model_run(bytes, sequence(seed, i, bytes), 0)) {
            snprintf(shared->complaint, sizeof shared->complaint, "%s", model_complaint());
            _exit(1);
        }
        shared->operations += SEQUENCE;
        for (kind = 0; kind < KINDS; kind++) {
            shared->tally[kind] = model_tally()[kind];
        }
    }
    _exit(0);
}

/* Wait for a child. 1: it failed, and shared->complaint says how. */
static int failed_in(pid_t child)
{
    int state;

    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(state)) {
        snprintf(shared->complaint, sizeof shared->complaint,
                 WTERMSIG(state) == SIGALRM ? "it is still busy" : "it died of signal %d",
                 WTERMSIG(state));
    } else if (WEXITSTATUS(state) > 1) {
        snprintf(shared->complaint, sizeof shared->complaint, "it ended with exit code %d",
                 WEXITSTATUS(state));
    }
    return !WIFEXITED(state) || WEXITSTATUS(state) != 0;
}

/* 1: it failed, and shared->complaint says how. */
static int fails(const unsigned char *bytes, apr_size_t size, int verbose)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child < 0) {
        perror("model: cannot start a child process");
        exit(2);
    }
    if (child == 0) {
        if (!verbose && freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        alarm(PATIENCE / 6);
        if (!model_run(bytes, size, verbose)) {
            snprintf(shared->complaint, sizeof shared->complaint, "%s", model_complaint());
            fflush(stdout);
            _exit(1);
        }
        fflush(stdout);
        _exit(0);
    }
    return failed_in(child);
}

/* What is wrong, without the numbers: while shrinking they change. */
static void gist(char *text, apr_size_t room)
{
    const char *from = shared->complaint;
    apr_size_t at = 0;

    for (; *from != '\0' && at + 1 < room; from++) {
        if (*from != '-' && (*from < '0' || *from > '9')) {
            text[at++] = *from;
        }
    }
    text[at] = '\0';
}

static int fails_alike(const unsigned char *bytes, apr_size_t size, const char *wanted)
{
    char seen[sizeof shared->complaint];

    if (!fails(bytes, size, 0)) {
        return 0;
    }
    gist(seen, sizeof seen);
    return strcmp(seen, wanted) == 0;
}

/* Leave records out, then make bytes 0, as long as it fails in the same way. Returns the new
   size. */
static apr_size_t shrink(unsigned char *bytes, apr_size_t size)
{
    static unsigned char trial[LONGEST];
    char wanted[sizeof shared->complaint];
    apr_size_t chunk = size / RECORD / 2;
    time_t end = time(NULL) + SHRINK_SECONDS;
    int tries = TRIES;
    apr_size_t at;

    gist(wanted, sizeof wanted);
    while (chunk > 0 && tries > 0) {
        apr_size_t step = chunk * RECORD;
        int shorter = 0;

        for (at = RECORD; at + RECORD <= size && tries-- > 0 && time(NULL) < end;) {
            apr_size_t part = size - at < step ? size - at : step;

            memcpy(trial, bytes, at);
            memcpy(trial + at, bytes + at + part, size - at - part);
            if (fails_alike(trial, size - part, wanted)) {
                size -= part;
                memcpy(bytes, trial, size);
                shorter = 1;
            } else {
                at += part;
            }
        }
        chunk = chunk > 1 ? chunk / 2 : shorter && time(NULL) < end ? 1 : 0;
    }
    for (at = 0; at < size && tries-- > 0 && time(NULL) < end; at++) {
        unsigned char old = bytes[at];

        bytes[at] = 0;
        if (old != 0 && !fails_alike(bytes, size, wanted)) {
            bytes[at] = old;
        }
    }
    return size;
}

static void keep(const unsigned char *bytes, apr_size_t size, apr_uint64_t number)
{
    char path[100];
    FILE *file;

    snprintf(path, sizeof path, "model-failure-%llu.bin", (unsigned long long)number);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        printf("  it could not be written to %s\n", path);
        return;
    }
    printf("  to run it again: %s --replay %s\n", program, path);
}

static void explain(apr_uint64_t seed, apr_uint64_t number)
{
    static unsigned char bytes[LONGEST];
    apr_size_t size = sequence(seed, number, bytes);

    printf("FAIL sequence %llu of seed %llu: %s\n", (unsigned long long)number,
           (unsigned long long)seed, shared->complaint);
    if (!fails(bytes, size, 0)) {
        printf("  alone it does not fail\n");
        return;
    }
    size = shrink(bytes, size);
    printf("  the shortest that was found, %llu operations:\n",
           (unsigned long long)(size / RECORD - 1));
    fails(bytes, size, 1);
    printf("  %s\n", shared->complaint);
    keep(bytes, size, number);
}

static int run_random(apr_uint64_t seed, apr_uint64_t operations)
{
    apr_uint64_t count = (operations + SEQUENCE - 1) / SEQUENCE;
    apr_uint64_t next = 0;
    unsigned failed = 0;
    int kind;

    while (next < count && failed < MOST_FAILURES) {
        pid_t child;

        fflush(stdout);
        child = fork();
        if (child < 0) {
            perror("model: cannot start a child process");
            return 2;
        }
        if (child == 0) {
            work(seed, next, count);
        }
        if (!failed_in(child)) {
            next = count;
        } else {
            failed++;
            next = shared->running;
            explain(seed, next++);
        }
    }
    printf("%llu operations in sequences of %d, seed %llu:",
           (unsigned long long)shared->operations, SEQUENCE, (unsigned long long)seed);
    for (kind = 0; kind < KINDS; kind++) {
        if (shared->tally[kind] != 0) {
            printf(" %s %llu", model_kind_name(kind), (unsigned long long)shared->tally[kind]);
        }
    }
    printf("\n%llu passed, %u failed\n", (unsigned long long)(next - failed), failed);
    return failed > 0;
}

/* Returns the exit code. verbose: print the operations also when nothing is wrong. */
static int replay(const char *path, int verbose)
{
    static unsigned char bytes[LONGEST];
    FILE *file = fopen(path, "rb");
    apr_size_t size;

    if (file == NULL) {
        fprintf(stderr, "%s: cannot open %s: %s\n", program, path, strerror(errno));
        return 2;
    }
    size = fread(bytes, 1, sizeof bytes, file);
    if (ferror(file)) {
        fprintf(stderr, "%s: cannot read %s: %s\n", program, path, strerror(errno));
        fclose(file);
        return 2;
    }
    fclose(file);
    if (!fails(bytes, size, verbose)) {
        return 0;
    }
    if (!verbose) {
        printf("%s:\n", path);
        fails(bytes, size, 1);
    }
    printf("FAIL %s\n", shared->complaint);
    return 1;
}

static int replay_all(char **paths, int count)
{
    int failed = 0;
    int i;

    for (i = 0; i < count; i++) {
        int answer = replay(paths[i], count == 1);

        if (answer == 2) {
            return 2;
        }
        failed += answer;
    }
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed > 0;
}

static int usage(FILE *out)
{
    fprintf(out,
            "usage: %s [--seed N] [--operations N] | --replay FILE...\n"
            "  --seed N        the start of the random numbers; default: from the clock\n"
            "  --operations N  how many; default: 250000, with SMMAP_TEST_LIGHT=1 20000\n"
            "  --replay FILE   do what a file of bytes says, and print each operation;\n"
            "                  of several files, print those that fail\n"
            "What failed is made shorter, printed and written to model-failure-N.bin.\n",
            program);
    return out == stdout ? 0 : 2;
}

static int parse_number(const char *text, apr_uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 0);
    return *text != '-' && *text != '\0' && *end == '\0' && errno == 0;
}

int main(int argc, char **argv)
{
    const char *light = getenv("SMMAP_TEST_LIGHT");
    /* Of the core's 1874 branches a run of 20000 takes 1116, of 100000 1133, of 250000 1138, of
       1000000 1146; four runs of 250000, each from another seed, take 1144 together, and the lanes
       that run it are more. */
    apr_uint64_t operations = light != NULL && *light != '\0' && *light != '0' ? 20000 : 250000;
    int again = 0;
    struct timeval now;
    apr_uint64_t seed;
    int answer;
    int a;

    program = argv[0];
    gettimeofday(&now, NULL);
    seed = (apr_uint64_t)now.tv_sec * 1000000u + (apr_uint64_t)now.tv_usec;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                  0);
    if (shared == MAP_FAILED) {
        perror("model: no memory to share with children");
        return 2;
    }
    if (argc >= 3 && strcmp(argv[1], "--replay") == 0) {
        again = 1;
    }
    for (a = 1; a < argc && !again; a++) {
        if (strcmp(argv[a], "--help") == 0) {
            return usage(stdout);
        } else if (a + 1 < argc && strcmp(argv[a], "--seed") == 0 &&
                   parse_number(argv[a + 1], &seed)) {
            a++;
        } else if (a + 1 < argc && strcmp(argv[a], "--operations") == 0 &&
                   parse_number(argv[a + 1], &operations) && operations > 0) {
            a++;
        } else {
            return usage(stderr);
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!model_begin()) {
        return 2;
    }
    if (again) {
        answer = replay_all(argv + 2, argc - 2);
    } else {
        printf("seed %llu\n", (unsigned long long)seed);
        answer = run_random(seed, operations);
    }
    model_end();
    return answer;
}
