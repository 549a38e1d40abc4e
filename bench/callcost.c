/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smmap-callcost: the price of the guard for a copy, and that of opening a small file.
 *
 * Copies of several sizes from windows that are mapped and in the processor's caches, with
 * no guard, the guard and the strict one in turn, so that what disturbs one disturbs all.
 * A copy that ends in a zero, of a page that ends in one, asks for the file's size, which has
 * another price and a row of its own. Printed are medians, and the median of the differences
 * in pairs.
 *
 * Small files are opened, read from once and closed, by three calls of the system and by three of
 * the library in turn; files that it does not know, and files that it has open. Who opens a path
 * and wants to know that it is a regular file, and which, needs a fourth call: what that costs is
 * shown, too, as no library can do with less.
 */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/platform.h"

enum { SIZE = 64 * 1024, ROUNDS = 25, COPIES = 100000, STRICT_COPIES = 5000, KINDS = 3 };
enum { FILES = 1000, SMALL = 100, READ = 64 };

static apr_status_t make_file(const char *path, int value, apr_size_t size, apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, size);
    apr_file_t *file;
    apr_status_t status = apr_file_open(
        &file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY,
        APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD | APR_FPROT_WREAD, pool);

    memset(bytes, value, size);
    if (status == APR_SUCCESS) {
        status = apr_file_write_full(file, bytes, size, NULL);
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
    apr_status_t status = make_file(path, value, SIZE, pool);
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

/* One after the other. manager: NULL: without the library; then `look` is 1 for the fourth call. */
static apr_status_t open_all(char *const *paths, smmap_manager_t *manager, int look, double *taken)
{
    unsigned char bytes[READ];
    apr_status_t status = APR_SUCCESS;
    apr_time_t begin = apr_time_now();
    int i;

    for (i = 0; status == APR_SUCCESS && i < FILES; i++) {
        smmap_cursor_t *cursor;

        if (manager == NULL) {
            status = bench_platform_read_once(paths[i], bytes, sizeof bytes, look);
            continue;
        }
        status = smmap_cursor_open(&cursor, manager, paths[i], NULL);
        if (status == APR_SUCCESS) {
            status = smmap_cursor_read(cursor, 0, bytes, sizeof bytes, NULL);
            smmap_cursor_close(cursor);
        }
    }
    *taken = (double)(apr_time_now() - begin) * (1000.0 / (double)FILES);
    return status;
}

static apr_status_t open_row(console_t *console, const char *what, char *const *paths,
                             smmap_manager_t *manager)
{
    double plain[ROUNDS];
    double looked[ROUNDS];
    double ours[ROUNDS];
    double least[ROUNDS];
    double ratio[ROUNDS];
    int round;

    for (round = 0; round < ROUNDS; round++) {
        apr_status_t status = open_all(paths, NULL, 0, &plain[round]);

        if (status == APR_SUCCESS) {
            status = open_all(paths, NULL, 1, &looked[round]);
        }
        if (status == APR_SUCCESS) {
            status = open_all(paths, manager, 0, &ours[round]);
        }
        if (status != APR_SUCCESS) {
            return status;
        }
        least[round] = looked[round] / plain[round];
        ratio[round] = ours[round] / plain[round];
    }
    console_printf(console, "%-26s %7.0f %7.0f %7.0f %9.2f %7.2f\n", what,
                   bench_percentile(plain, ROUNDS, 0.5), bench_percentile(looked, ROUNDS, 0.5),
                   bench_percentile(ours, ROUNDS, 0.5), bench_percentile(least, ROUNDS, 0.5),
                   bench_percentile(ratio, ROUNDS, 0.5));
    return APR_SUCCESS;
}

/* The rows of opening. A cursor on each file keeps it open for the second one. */
static apr_status_t open_rows(console_t *console, const char *directory, apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    char *paths[FILES];
    int made = 0;
    int i;
    apr_status_t status = apr_dir_make(directory, APR_FPROT_OS_DEFAULT, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    options.max_open_files = FILES + 1;
    status = smmap_manager_create(&manager, &options, pool);
    for (; status == APR_SUCCESS && made < FILES; made++) {
        paths[made] = apr_psprintf(pool, "%s/%d", directory, made);
        status = make_file(paths[made], 7, SMALL, pool);
    }
    console_printf(console, "\nopen, read %d bytes, close %7s %7s %7s %9s %7s\n", READ, "calls",
                   "+ fstat", "ours", "x + fstat", "x ours");
    if (status == APR_SUCCESS) {
        status = open_row(console, "files that are not known", paths, manager);
    }
    for (i = 0; status == APR_SUCCESS && i < FILES; i++) {
        smmap_cursor_t *cursor;

        status = smmap_cursor_open(&cursor, manager, paths[i], pool);
    }
    if (status == APR_SUCCESS) {
        status = open_row(console, "files that are open", paths, manager);
    }
    for (i = 0; i < made; i++) {
        apr_file_remove(paths[i], pool);
    }
    apr_dir_remove(directory, pool);
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
        const char *path = apr_pstrcat(pool, directory, "/smmap-callcost.tmp", NULL);

        status = rows(console, path, 7, pool);
        if (status == APR_SUCCESS) {
            status = rows(console, path, 0, pool);
        }
        if (status == APR_SUCCESS) {
            status = open_rows(console, path, pool);
        }
    }
    if (status != APR_SUCCESS) {
        program_fail(console, "the measurement", status);
        return PROGRAM_ERROR;
    }
    return 0;
}

int main(int argc, const char *const *argv, const char *const *env)
{
    return program_main("smmap-callcost", argc, argv, env, run);
}
