/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smmap-guardcost: the price of the guard for a copy.
 *
 * Copies of several sizes from windows that are mapped and in the processor's caches, with
 * no guard, the guard and the strict one in turn, so that what disturbs one disturbs all.
 * A copy that ends in a zero, of a page that ends in one, asks for the file's size, which has
 * another price and a row of its own. Printed are medians, and the median of the differences
 * in pairs.
 */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "bench/bench.h"

enum { SIZE = 64 * 1024, ROUNDS = 25, COPIES = 100000, STRICT_COPIES = 5000, KINDS = 3 };

static apr_status_t make_file(const char *path, int value, apr_pool_t *pool)
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
    return status;
}

static apr_status_t open_with(smmap_cursor_t **cursor, smmap_guard_t guard, const char *path,
                              apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    apr_status_t status;

    options.guard = guard;
    status = smmap_manager_create(&manager, &options, pool);
    return status == APR_SUCCESS ? smmap_cursor_open(cursor, manager, path, pool) : status;
}

/* Nanoseconds of one copy. */
static apr_status_t measure(smmap_cursor_t *cursor, apr_size_t size, int copies, double *taken)
{
    static unsigned char block[4096];
    apr_time_t begin = apr_time_now();
    int i;

    for (i = 0; i < copies; i++) {
        apr_size_t got;
        apr_status_t status =
            smmap_cursor_read(cursor, (apr_off_t)(i % 448 * 64), block, size, &got);

        if (status != APR_SUCCESS || got != size) {
            return status != APR_SUCCESS ? status : APR_EOF;
        }
    }
    *taken = (double)(apr_time_now() - begin) * 1000 / copies;
    return APR_SUCCESS;
}

static apr_status_t row(console_t *console, const char *what, smmap_cursor_t **cursors,
                        apr_size_t size)
{
    double taken[KINDS][ROUNDS];
    double more[ROUNDS];
    int round;
    int kind;

    for (round = 0; round < ROUNDS; round++) {
        for (kind = 0; kind < KINDS; kind++) {
            apr_status_t status =
                measure(cursors[kind], size, kind == SMMAP_GUARD_STRICT ? STRICT_COPIES : COPIES,
                        &taken[kind][round]);

            if (status != APR_SUCCESS) {
                return status;
            }
        }
        more[round] = taken[SMMAP_GUARD_ON][round] - taken[SMMAP_GUARD_OFF][round];
    }
    console_printf(console, "%-22s %5d %9.1f %9.1f %9.1f %9.1f\n", what, (int)size,
                   bench_percentile(taken[SMMAP_GUARD_OFF], ROUNDS, 0.5),
                   bench_percentile(taken[SMMAP_GUARD_ON], ROUNDS, 0.5),
                   bench_percentile(more, ROUNDS, 0.5),
                   bench_percentile(taken[SMMAP_GUARD_STRICT], ROUNDS, 0.5));
    console_flush(console);
    return APR_SUCCESS;
}

/* The rows of one file. */
static apr_status_t rows(console_t *console, const char *path, int value, apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {1, 64, 256, 1024, 4096};
    smmap_cursor_t *cursors[KINDS];
    int count = value != 0 ? (int)(sizeof(sizes) / sizeof(sizes[0])) : 1;
    apr_status_t status = make_file(path, value, pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < KINDS; i++) {
        status = open_with(&cursors[i], (smmap_guard_t)i, path, pool);
    }
    for (i = 0; status == APR_SUCCESS && i < count; i++) {
        status = row(console, value != 0 ? "bytes that are not 0" : "bytes that are 0", cursors,
                     sizes[i]);
    }
    apr_file_remove(path, pool);
    return status;
}

static int run(int argc, const char *const *argv, console_t *console, apr_pool_t *pool)
{
    const char *directory;
    apr_status_t status = apr_temp_dir_get(&directory, pool);

    (void)argc;
    (void)argv;
    console_printf(console, "ns, medians of %-7d  size  no guard     guard      more    strict\n",
                   ROUNDS);
    if (status == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, directory, "/smmap-guardcost.tmp", NULL);

        status = rows(console, path, 7, pool);
        if (status == APR_SUCCESS) {
            status = rows(console, path, 0, pool);
        }
    }
    if (status != APR_SUCCESS) {
        program_fail(console, "copies", status);
        return PROGRAM_ERROR;
    }
    return 0;
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main("smmap-guardcost", argc, argv, env, run);
}
