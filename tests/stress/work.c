/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all scenarios stand on: what is wrong, random numbers, files with known
 * bytes, threads, and the account at the end.
 *
 * The fields of `stress` but for `bad` and `stop` are written before the threads of
 * a lap start and after they have ended.
 */
#include "stress.h"

#include <apr_file_io.h>
#include <apr_portable.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_MESSAGES = 10, STEPS_BETWEEN_LOOKS = 32 };

stress_t stress;

void stress_bad(const char *format, ...)
{
    char text[500];
    va_list arguments;

    if (atomic_fetch_add(&stress.bad, 1) >= MOST_MESSAGES) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("  BAD %s\n", text);
    fflush(stdout);
}

void stress_directory(char *path, apr_size_t size, const char *program)
{
    const char *base = getenv("TMPDIR");

    snprintf(path, size, "%s/smmap-%s-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp",
             program);
    if (mkdtemp(path) == NULL) {
        fprintf(stderr, "cannot make the directory %s: %s\n", path, strerror(errno));
        exit(2);
    }
}

apr_uint64_t stress_number(const char *program, const char *option, const char *text,
                           apr_uint64_t least, apr_uint64_t most)
{
    unsigned long long value = 0;
    char *end = NULL;

    errno = 0;
    if (text != NULL) {
        value = strtoull(text, &end, 10);
    }
    if (text == NULL || *text == '-' || end == text || *end != '\0' || errno != 0 ||
        value < least || value > most) {
        fprintf(stderr, "%s: %s needs a number from %llu to %llu\n", program, option,
                (unsigned long long)least, (unsigned long long)most);
        exit(2);
    }
    return value;
}

void stress_equal(const char *what, apr_uint64_t got, apr_uint64_t wanted)
{
    if (got != wanted) {
        stress_bad("%s: %llu, not %llu", what, (unsigned long long)got,
                   (unsigned long long)wanted);
    }
}

void stress_most(const char *what, apr_uint64_t got, apr_uint64_t most)
{
    if (got > most) {
        stress_bad("%s: %llu, more than %llu", what, (unsigned long long)got,
                   (unsigned long long)most);
    }
}

int stress_went_well(stress_worker_t *worker, apr_status_t status, const char *what)
{
    char text[160];

    if (status == APR_SUCCESS) {
        return 1;
    }
    if (stress.options.limits == SMMAP_LIMITS_HARD &&
        (status == SMMAP_ELIMIT_BYTES || status == SMMAP_ELIMIT_REGIONS ||
         status == SMMAP_ELIMIT_FILES)) {
        worker->refused++;
    } else {
        stress_bad("%s: status %d, %s", what, (int)status,
                   smmap_strerror(status, text, sizeof text));
    }
    return 0;
}

apr_uint64_t stress_random(apr_uint64_t *state)
{
    /* splitmix64 */
    apr_uint64_t z = *state += APR_UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * APR_UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * APR_UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

apr_size_t stress_below(stress_worker_t *worker, apr_size_t below)
{
    return (apr_size_t)(stress_random(&worker->random) % below);
}

int stress_goes_on(void)
{
    return atomic_load(&stress.bad) == 0 &&
           (stress.deadline == 0 || apr_time_now() < stress.deadline);
}

int stress_more(stress_worker_t *worker)
{
    if (worker->steps % STEPS_BETWEEN_LOOKS == STEPS_BETWEEN_LOOKS - 1 && !stress_goes_on()) {
        return 0;
    }
    if (worker->steps == stress.rounds || atomic_load(&stress.stop)) {
        return 0;
    }
    worker->steps++;
    return 1;
}

/* Files. */

/* Eight bytes of a file: another value for each file and each place. */
static apr_uint64_t word_at(apr_size_t file, apr_size_t index)
{
    apr_uint64_t state = stress.seed + ((apr_uint64_t)(file + 1) << 40) + index;

    return stress_random(&state);
}

void stress_files(apr_size_t windows, int present)
{
    apr_size_t f;

    for (f = 0; f < STRESS_FILES; f++) {
        stress_file_t *file = &stress.files[f];
        apr_size_t i;
        FILE *made;

        /* The last window is short, by another number of bytes in each. */
        file->size = windows * stress.unit + 1 + f * (stress.unit / STRESS_FILES);
        file->image = apr_palloc(stress.pool, file->size + sizeof(apr_uint64_t));
        for (i = 0; i < file->size; i += sizeof(apr_uint64_t)) {
            apr_uint64_t word = word_at(f, i / sizeof word);

            memcpy(file->image + i, &word, sizeof word);
        }
        /* A file that is cut short would fault where it is still mapped; none is here. */
        made = fopen(file->path, "wb");
        if (made == NULL || fclose(made) != 0) {
            perror(file->path);
            exit(2);
        }
        if (present) {
            stress_write(file, 0, file->size);
        }
    }
}

void stress_write(const stress_file_t *file, apr_size_t from, apr_size_t to)
{
    FILE *into = fopen(file->path, "r+b");
    int good = into != NULL && fseek(into, (long)from, SEEK_SET) == 0 &&
               fwrite(file->image + from, 1, to - from, into) == to - from;

    if (into == NULL || fclose(into) != 0 || !good) {
        perror(file->path);
        exit(2);
    }
}

int stress_open(const stress_file_t *file)
{
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0) {
        stress_bad("%s cannot be opened", file->path);
    }
    return descriptor;
}

void stress_close(int descriptor)
{
    close(descriptor);
}

int stress_same(const stress_file_t *file, apr_off_t offset, const void *bytes, apr_size_t size)
{
    const unsigned char *got = bytes;
    apr_size_t at = 0;
    apr_size_t f;

    if (offset < 0 || (apr_uint64_t)offset > file->size ||
        size > file->size - (apr_size_t)offset) {
        stress_bad("bytes %lld to %lld of a file of %llu", (long long)offset,
                   (long long)offset + (long long)size, (unsigned long long)file->size);
        return 0;
    }
    if (memcmp(got, file->image + offset, size) == 0) {
        return 1;
    }
    while (at + 1 < size && got[at] == file->image[(apr_size_t)offset + at]) {
        at++;
    }
    stress_bad("file %d, %llu bytes at %lld: wrong from the %llu. on (%02x, not %02x)",
               (int)(file - stress.files), (unsigned long long)size, (long long)offset,
               (unsigned long long)at, got[at], file->image[(apr_size_t)offset + at]);
    for (f = 0; f < STRESS_FILES; f++) {
        const stress_file_t *other = &stress.files[f];

        if ((apr_size_t)offset + size <= other->size &&
            memcmp(got, other->image + offset, size) == 0) {
            stress_bad("these are the bytes of file %d", (int)f);
        }
    }
    return 0;
}

int stress_shows(const smmap_cursor_t *cursor, const stress_file_t *file)
{
    apr_off_t begin = smmap_cursor_region_begin(cursor);
    apr_size_t size = smmap_cursor_region_size(cursor);

    if (!smmap_cursor_is_valid(cursor)) {
        return 1;
    }
    if (size == 0 || smmap_cursor_size(cursor) == 0 || smmap_cursor_offset(cursor) < begin ||
        smmap_cursor_end(cursor) > begin + (apr_off_t)size ||
        smmap_cursor_data(cursor) != smmap_cursor_at(cursor, smmap_cursor_offset(cursor))) {
        stress_bad("a cursor on [%lld, %lld) in the region [%lld, %lld)",
                   (long long)smmap_cursor_offset(cursor), (long long)smmap_cursor_end(cursor),
                   (long long)begin, (long long)begin + (long long)size);
        return 0;
    }
    return stress_same(file, begin, smmap_cursor_at(cursor, begin), size);
}

/* Managers and threads. */

void stress_manage(void)
{
    apr_status_t status = smmap_manager_create(&stress.manager, &stress.options, stress.pool);
    char text[160];

    if (status != APR_SUCCESS) {
        printf("no manager: %s\n", smmap_strerror(status, text, sizeof text));
        exit(2);
    }
}

smmap_stats_t stress_stats(void)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_status_t status = smmap_manager_stats(stress.manager, &stats);

    if (status != APR_SUCCESS) {
        stress_bad("smmap_manager_stats: status %d", (int)status);
    }
    return stats;
}

smmap_cursor_t *stress_open_cursor(stress_worker_t *worker, const stress_file_t *file)
{
    smmap_cursor_t *cursor = NULL;
    apr_status_t status = smmap_cursor_open(&cursor, stress.manager, file->path, worker->pool);

    return stress_went_well(worker, status, "open") ? cursor : NULL;
}

int stress_open_all(stress_worker_t *worker, smmap_cursor_t *cursors[STRESS_FILES])
{
    unsigned f;

    for (f = 0; f < STRESS_FILES; f++) {
        cursors[f] = stress_open_cursor(worker, &stress.files[f]);
        if (cursors[f] == NULL) {
            return 0;
        }
    }
    return 1;
}

void stress_close_all(smmap_cursor_t *cursors[STRESS_FILES])
{
    unsigned f;

    for (f = 0; f < STRESS_FILES; f++) {
        smmap_cursor_close(cursors[f]);
    }
}

static void *APR_THREAD_FUNC run_worker(apr_thread_t *thread, void *data)
{
    stress_worker_t *worker = data;

    (void)thread;
    worker->work(worker);
    return NULL;
}

stress_worker_t stress_run(stress_work_t *work)
{
    static stress_worker_t workers[STRESS_MOST_THREADS];
    stress_worker_t total;
    apr_status_t result;
    unsigned i;

    memset(workers, 0, sizeof workers);
    memset(&total, 0, sizeof total);
    atomic_store(&stress.stop, 0);
    for (i = 0; i < stress.threads; i++) {
        apr_uint64_t state = stress.seed + i + 1;

        workers[i].work = work;
        workers[i].number = i;
        workers[i].random = stress_random(&state);
        if (apr_pool_create_unmanaged_ex(&workers[i].pool, NULL, NULL) != APR_SUCCESS ||
            apr_thread_create(&workers[i].thread, NULL, run_worker, &workers[i], stress.pool) !=
                APR_SUCCESS) {
            printf("a thread cannot be started\n");
            exit(2);
        }
    }
    for (i = 0; i < stress.threads; i++) {
        apr_thread_join(&result, workers[i].thread);
        apr_pool_destroy(workers[i].pool);
        total.steps += workers[i].steps;
        total.moves += workers[i].moves;
        total.perhaps += workers[i].perhaps;
        total.refused += workers[i].refused;
    }
    stress.sums.steps += total.steps;
    stress.sums.refused += total.refused;
    return total;
}
