/*
 * smmap-guardcost: what the guard takes of a copy.
 *
 * Copies of several sizes from windows that are mapped and in the processor's caches, with
 * no guard, the guard and the strict one in turn, so that what disturbs one disturbs all.
 * A copy that ends in a zero, of a page that ends in one, asks for the file's size, which is
 * another price and has a row of its own. Printed are medians, and the median of the
 * differences in pairs.
 */
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_time.h>

#include <smmap/smmap.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 64 * 1024, ROUNDS = 25, COPIES = 100000, STRICT_COPIES = 5000, KINDS = 3 };

static const apr_size_t sizes[] = {1, 64, 256, 1024, 4096};
static unsigned char block[4096];

static void stop(const char *what, apr_status_t status)
{
    char reason[200];

    fprintf(stderr, "smmap-guardcost: %s: %s\n", what,
            smmap_strerror(status, reason, sizeof reason));
    exit(2);
}

static void make_file(const char *path, int value, apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, SIZE);
    apr_file_t *file;
    apr_status_t status = apr_file_open(
        &file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY,
        APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);

    memset(bytes, value, SIZE);
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(file, bytes, SIZE, NULL);
        apr_file_close(file);
    }
    if (status != APR_SUCCESS) {
        stop(path, status);
    }
}

static smmap_cursor_t *open_with(smmap_guard_t guard, const char *path, apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor = NULL;
    apr_status_t status;

    options.guard = guard;
    status = smmap_manager_create(&manager, &options, pool);
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open(&cursor, manager, path, pool);
    }
    if (status != APR_SUCCESS) {
        stop("a manager with the guard", status);
    }
    return cursor;
}

/* Nanoseconds of one copy. */
static double measure(smmap_cursor_t *cursor, apr_size_t size, int copies)
{
    apr_time_t begin = apr_time_now();
    apr_size_t got;
    int i;

    for (i = 0; i < copies; i++) {
        apr_status_t status =
            smmap_cursor_read(cursor, (apr_off_t)(i % 448 * 64), block, size, &got);

        if (status != APR_SUCCESS || got != size) {
            stop("a copy", status);
        }
    }
    return (double)(apr_time_now() - begin) * 1000 / copies;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static void row(const char *what, smmap_cursor_t **cursors, apr_size_t size)
{
    double taken[KINDS][ROUNDS];
    double more[ROUNDS];
    int round;
    int kind;

    for (round = 0; round < ROUNDS; round++) {
        for (kind = 0; kind < KINDS; kind++) {
            taken[kind][round] = measure(cursors[kind], size,
                                         kind == SMMAP_GUARD_STRICT ? STRICT_COPIES : COPIES);
        }
        more[round] = taken[SMMAP_GUARD_ON][round] - taken[SMMAP_GUARD_OFF][round];
    }
    printf("%-22s %5d %9.1f %9.1f %9.1f %9.1f\n", what, (int)size,
           median(taken[SMMAP_GUARD_OFF]), median(taken[SMMAP_GUARD_ON]), median(more),
           median(taken[SMMAP_GUARD_STRICT]));
}

int main(void)
{
    static const char *const names[] = {"smmap-guardcost.tmp", "smmap-guardcost-zero.tmp"};
    static const char *const titles[] = {"bytes that are not 0", "bytes that are 0"};
    static const int values[] = {7, 0};
    const char *directory;
    apr_pool_t *pool;
    int f;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        apr_temp_dir_get(&directory, pool) != APR_SUCCESS) {
        fprintf(stderr, "smmap-guardcost: it could not start\n");
        return 2;
    }
    printf("ns, medians of %-7d  size  no guard     guard      more    strict\n",
           ROUNDS);
    for (f = 0; f < 2; f++) {
        char path[1024];
        smmap_cursor_t *cursors[KINDS];
        apr_size_t i;
        int kind;

        snprintf(path, sizeof path, "%s/%s", directory, names[f]);
        make_file(path, values[f], pool);
        for (kind = 0; kind < KINDS; kind++) {
            cursors[kind] = open_with((smmap_guard_t)kind, path, pool);
        }
        for (i = 0; i < (f == 0 ? sizeof sizes / sizeof sizes[0] : 1); i++) {
            row(titles[f], cursors, sizes[i]);
        }
        apr_file_remove(path, pool);
    }
    apr_terminate();
    return 0;
}
