/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads the objects of git repositories through libgit2, in an order that is random and always the
 * same, and prints what one object took: nanoseconds on the clock, nanoseconds of processor time;
 * how often threads waited (switches of context that they asked for) per 1000 objects; and a sum
 * over what was read, by which two builds of libgit2 are compared.
 *
 *     readpack objects|headers THREADS COUNT WINDOW LIMIT REPOSITORY...
 *
 * WINDOW and LIMIT in bytes are libgit2's options; 0 leaves its default. Each thread opens a
 * repository for itself, as libgit2 lets one thread at a time read with one, and reads COUNT
 * objects: the first thread of the first repository, and so on, round and round. Where there are
 * fewer threads than repositories, a thread opens several, and reads COUNT objects of each, in
 * turns. What libgit2 caches is left out where it can be: its objects, and the check of their
 * names.
 */
#include <git2.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MOST_READERS 64

typedef struct reader {
    const char *path;
    unsigned long number;
    git_repository *repository;
    git_odb *odb;
    git_oid *ids;
    size_t count;
    size_t room;
    uint64_t sum;
} reader;

static int headers_alone;
static unsigned long reads, threads, count;
static reader readers[MOST_READERS];
static pthread_barrier_t ready, start;

static void stop(const char *what)
{
    const git_error *error = git_error_last();
    fprintf(stderr, "readpack: %s: %s\n", what, error ? error->message : "no memory");
    exit(2);
}

static unsigned long number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end) {
        fprintf(stderr, "readpack: '%s' is not a number\n", text);
        exit(2);
    }
    return value;
}

static int add_id(const git_oid *id, void *context)
{
    reader *reader = context;
    if (reader->count == reader->room) {
        reader->room = reader->room ? reader->room * 2 : 4096;
        reader->ids = realloc(reader->ids, reader->room * sizeof(git_oid));
        if (!reader->ids)
            stop("the list of objects");
    }
    reader->ids[reader->count++] = *id;
    return 0;
}

/* Fisher and Yates, with a generator of Marsaglia's. */
static void shuffle(reader *reader, uint64_t state)
{
    size_t i;
    for (i = reader->count; i > 1; i--) {
        git_oid id = reader->ids[i - 1];
        size_t other;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        other = (size_t)(state % i);
        reader->ids[i - 1] = reader->ids[other];
        reader->ids[other] = id;
    }
}

static void prepare(reader *reader)
{
    if (git_repository_open(&reader->repository, reader->path) ||
        git_repository_odb(&reader->odb, reader->repository) ||
        git_odb_foreach(reader->odb, add_id, reader))
        stop(reader->path);
    if (reader->count == 0) {
        fprintf(stderr, "readpack: %s: no objects\n", reader->path);
        exit(2);
    }
    shuffle(reader, 88172645463325252u + reader->number);
}

static void read_one(reader *reader, const git_oid *id)
{
    if (headers_alone) {
        size_t size;
        git_object_t type;
        if (git_odb_read_header(&size, &type, reader->odb, id))
            stop(reader->path);
        reader->sum += size * 8 + (size_t)type;
    } else {
        git_odb_object *object;
        const unsigned char *data;
        size_t size;
        if (git_odb_read(&object, reader->odb, id))
            stop(reader->path);
        data = git_odb_object_data(object);
        size = git_odb_object_size(object);
        reader->sum += size + (size ? (uint64_t)data[0] * 3 + (uint64_t)data[size - 1] * 5 : 0);
        git_odb_object_free(object);
    }
}

static void *run(void *first)
{
    unsigned long begin = (unsigned long)((reader *)first - readers), i, which;
    for (which = begin; which < count; which += threads)
        prepare(&readers[which]);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&start);
    for (i = 0; i < reads; i++)
        for (which = begin; which < count; which += threads)
            read_one(&readers[which], &readers[which].ids[i % readers[which].count]);
    return NULL;
}

static double waits(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_nvcsw;
}

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    pthread_t started[MOST_READERS];
    unsigned long repositories, window, limit, i;
    double wall, cpu, waited, all;
    uint64_t sum = 0;
    if (argc < 7 || (strcmp(argv[1], "objects") && strcmp(argv[1], "headers"))) {
        fprintf(stderr, "usage: readpack objects|headers THREADS COUNT WINDOW LIMIT "
                        "REPOSITORY...\n");
        return 2;
    }
    headers_alone = strcmp(argv[1], "headers") == 0;
    threads = number(argv[2]);
    reads = number(argv[3]);
    window = number(argv[4]);
    limit = number(argv[5]);
    repositories = (unsigned long)argc - 6;
    count = threads > repositories ? threads : repositories;
    if (threads < 1 || count > MOST_READERS || reads < 1) {
        fprintf(stderr, "readpack: 1 to %d threads and repositories, and 1 object or more\n",
                MOST_READERS);
        return 2;
    }
    if (git_libgit2_init() < 0 || git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0) ||
        git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0) ||
        (window && git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)window)) ||
        (limit && git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)limit)) ||
        pthread_barrier_init(&ready, NULL, (unsigned)threads + 1) ||
        pthread_barrier_init(&start, NULL, (unsigned)threads + 1))
        stop("the start");
    for (i = 0; i < count; i++) {
        readers[i].path = argv[6 + i % repositories];
        readers[i].number = i;
    }
    for (i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, run, &readers[i]))
            stop("a thread");
    pthread_barrier_wait(&ready);
    waited = waits();
    wall = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_wait(&start);
    for (i = 0; i < threads; i++)
        pthread_join(started[i], NULL);
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    waited = waits() - waited;
    all = (double)count * (double)reads;
    for (i = 0; i < count; i++) {
        sum += readers[i].sum;
        git_odb_free(readers[i].odb);
        git_repository_free(readers[i].repository);
        free(readers[i].ids);
    }
    git_libgit2_shutdown();
    printf("%.1f %.1f %.3f %llu\n", wall / all, cpu / all, waited / all * 1000,
           (unsigned long long)sum);
    return 0;
}
