/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is read: a file that is made here or a user's own, and a sparse one; and what is in
 * them.
 *
 * Each word of a file that is made is a function of its offset, so any byte that
 * anyone reads can be checked without a second look at the file. Of a user's file
 * nothing is known; it is mapped as a whole, and what that shows is the truth.
 *
 * Everything that is made stands in one new directory, and goes with it.
 */
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_mmap.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/platform.h"
#include "cli/size.h"

/* With this size the workloads have 2600 windows of 1 MiB, 650 of 4 MiB and 35 of
   64 MiB. Where memory is short the file is smaller. */
#define DEFAULT_MOST ((apr_off_t)2600 << 20)
#define DEFAULT_LEAST ((apr_off_t)64 << 20)
#define QUICK_SIZE ((apr_off_t)64 << 20)

/* Where the words of a sparse file are: at each multiple of this. */
#define SPARSE_STEP ((apr_off_t)262144)

/* How much is written at a time. */
#define PIECE ((apr_size_t)1 << 20)

apr_uint64_t bench_word(apr_uint64_t number)
{
    apr_uint64_t word = (number + 1) * APR_UINT64_C(0x9E3779B97F4A7C15);

    word = (word ^ (word >> 30)) * APR_UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ (word >> 27)) * APR_UINT64_C(0x94D049BB133111EB);
    return word ^ (word >> 31);
}

apr_uint64_t bench_data_word(const bench_data_t *data, apr_off_t offset)
{
    apr_uint64_t word;

    if (data->bytes != NULL) {
        memcpy(&word, data->bytes + (apr_size_t)offset, sizeof(word));
        return word;
    }
    if (data->sparse && offset % SPARSE_STEP != 0) {
        return 0;
    }
    return bench_word((apr_uint64_t)offset / sizeof(word));
}

unsigned char bench_data_byte(const bench_data_t *data, apr_off_t offset)
{
    apr_uint64_t word = bench_data_word(data, offset - offset % (apr_off_t)sizeof(word));
    unsigned char bytes[sizeof(word)];

    memcpy(bytes, &word, sizeof(word)); /* as it stands in the file */
    return bytes[offset % (apr_off_t)sizeof(word)];
}

apr_status_t bench_open(apr_file_t **file, const char *path, apr_pool_t *pool)
{
    return apr_file_open(file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_LARGEFILE,
                         APR_FPROT_OS_DEFAULT, pool);
}

static int complain(const bench_t *bench, const char *path, apr_status_t status)
{
    return program_fail(bench->console, path, status);
}

/* The directory for what is made, made itself when it is needed first. */
static int make_directory(bench_t *bench)
{
    const char *where = bench->settings->directory;
    apr_status_t status = APR_SUCCESS;
    const char *path;

    if (bench->directory != NULL) {
        return 1;
    }
    if (where == NULL) {
        status = apr_temp_dir_get(&where, bench->pool);
        if (status != APR_SUCCESS) {
            return complain(bench, "no directory for temporary files", status);
        }
    }
    path = apr_psprintf(bench->pool, "%s/smmap-bench.%" APR_TIME_T_FMT, where, apr_time_now());
    status =
        apr_dir_make(path, APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE, bench->pool);
    if (status != APR_SUCCESS) {
        return complain(bench, where, status);
    }
    bench->directory = path;
    return 1;
}

static apr_status_t create(apr_file_t **file, const char *path, apr_pool_t *pool)
{
    return apr_file_open(file, path,
                         APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_WRITE | APR_FOPEN_BINARY |
                             APR_FOPEN_LARGEFILE,
                         APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);
}

/* The default size of the file: it must stay in memory. */
static apr_off_t choose_size(const bench_settings_t *settings)
{
    apr_uint64_t memory = bench_platform_memory();
    apr_off_t size = DEFAULT_MOST;

    if (settings->size != 0) {
        return (apr_off_t)settings->size;
    }
    if (settings->quick || settings->instructions != NULL) {
        return QUICK_SIZE;
    }
    if (memory / 4 < (apr_uint64_t)size) {
        size = (apr_off_t)(memory / 4);
    }
    if (sizeof(void *) == 4 && size > ((apr_off_t)1 << 28)) {
        size = (apr_off_t)1 << 28; /* it is mapped as a whole by several contenders at once */
    }
    return size > DEFAULT_LEAST ? size - size % ((apr_off_t)1 << 20) : DEFAULT_LEAST;
}

/* The result of making or reading a file, which ^C may have ended early. */
static int finish(bench_t *bench, apr_pool_t *pool, const char *path, apr_status_t status)
{
    apr_pool_destroy(pool);
    return !program_interrupted() && (status == APR_SUCCESS || complain(bench, path, status));
}

/* A pool for one file. The program ends when there is no memory for it. */
static apr_pool_t *make_pool(const bench_t *bench)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, bench->pool);
    return pool;
}

static int fill(bench_t *bench, const char *path, apr_off_t size)
{
    apr_pool_t *pool = make_pool(bench);
    apr_uint64_t *piece = apr_palloc(pool, PIECE);
    apr_os_file_t native;
    apr_file_t *file;
    apr_off_t at;
    apr_status_t status = create(&file, path, pool);

    for (at = 0; status == APR_SUCCESS && at < size; at += (apr_off_t)PIECE) {
        apr_size_t bytes = size - at < (apr_off_t)PIECE ? (apr_size_t)(size - at) : PIECE;
        apr_size_t i;

        for (i = 0; i < bytes / sizeof(*piece); i++) {
            piece[i] = bench_word((apr_uint64_t)at / sizeof(*piece) + i);
        }
        status = apr_file_write_full(file, piece, bytes, NULL);
        if (!bench_progress_at(bench, "making a file")) {
            break;
        }
    }
    if (status == APR_SUCCESS) {
        /* What is not on the disk yet would be written while something is measured, and
           cannot be evicted. */
        status = apr_file_sync(file);
    }
    /* A system may hold what was read in larger pieces than what was written. So that all
       workloads find the same, the file is evicted here, where that is possible, and read in
       again later. */
    if (status == APR_SUCCESS && apr_os_file_get(&native, file) == APR_SUCCESS) {
        (void)bench_platform_evict(native);
    }
    return finish(bench, pool, path, status);
}

/* A user's file: show all of it, for as long as map_pool lives. */
static int map_user_file(bench_t *bench)
{
    const char *path = bench->settings->file;
    apr_file_t *file;
    apr_finfo_t info;
    apr_mmap_t *map;
    apr_status_t status;

    bench->map_pool = make_pool(bench);
    /* Look first: opening a FIFO would wait for a writer. */
    status = apr_stat(&info, path, APR_FINFO_SIZE | APR_FINFO_TYPE, bench->map_pool);
    if (status == APR_SUCCESS && info.filetype != APR_REG) {
        status = SMMAP_ENOTREGULAR;
    }
    if (status == APR_SUCCESS) {
        status = bench_open(&file, path, bench->map_pool);
    }
    if (status != APR_SUCCESS) {
        return complain(bench, path, status);
    }
    if (info.size < (apr_off_t)smmap_granularity()) {
        console_error(bench->console, "%s: %s: is too small, there is nothing to measure\n",
                      program_name, path);
        return 0;
    }
    if (bench->settings->quick && info.size > QUICK_SIZE) {
        info.size = QUICK_SIZE; /* the rest of it is left alone */
    }
    bench->data.size = info.size - info.size % (apr_off_t)BENCH_BLOCK;
    if ((apr_uint64_t)bench->data.size > APR_SIZE_MAX / 4) {
        console_error(bench->console, "%s: %s: is too large to be mapped whole several times\n",
                      program_name, path);
        return 0;
    }
    status = apr_mmap_create(&map, file, 0, (apr_size_t)bench->data.size, APR_MMAP_READ,
                             bench->map_pool);
    if (status != APR_SUCCESS) {
        return complain(bench, path, status);
    }
    bench->data.bytes = map->mm;
    bench->data.path = path;
    apr_file_close(file);
    return 1;
}

int bench_data_let_go(bench_t *bench)
{
    if (bench->map_pool == NULL) {
        return 1;
    }
    apr_pool_destroy(bench->map_pool);
    return map_user_file(bench);
}

int bench_data_open(bench_t *bench)
{
    apr_off_t size;

    if (bench->data.path != NULL) {
        return 1;
    }
    if (bench->settings->file != NULL) {
        return map_user_file(bench);
    }
    size = choose_size(bench->settings);
    if ((apr_uint64_t)size > APR_SIZE_MAX / 4) {
        console_error(bench->console, "%s: --size: is too large to be mapped whole several times\n",
                      program_name);
        return 0;
    }
    if (!make_directory(bench)) {
        return 0;
    }
    bench->data.size = size - size % (apr_off_t)BENCH_BLOCK;
    bench->data.path = apr_pstrcat(bench->pool, bench->directory, "/data", NULL);
    return fill(bench, bench->data.path, bench->data.size);
}

int bench_data_read(bench_t *bench, const bench_data_t *data)
{
    apr_pool_t *pool = make_pool(bench);
    void *piece = apr_palloc(pool, PIECE);
    apr_file_t *file;
    apr_status_t status = bench_open(&file, data->path, pool);

    while (status == APR_SUCCESS && bench_progress_at(bench, "reading a file")) {
        apr_size_t size = PIECE;

        status = apr_file_read(file, piece, &size);
    }
    return finish(bench, pool, data->path, APR_STATUS_IS_EOF(status) ? APR_SUCCESS : status);
}

int bench_sparse_open(bench_t *bench, apr_off_t size)
{
    apr_pool_t *pool;
    apr_file_t *file;
    apr_off_t at;
    apr_status_t status;

    if (bench->sparse.path != NULL && bench->sparse.size >= size) {
        return 1;
    }
    if (!make_directory(bench)) {
        return 0;
    }
    if (bench->sparse.path != NULL) {
        apr_file_remove(bench->sparse.path, bench->pool);
    }
    bench->sparse.path = apr_pstrcat(bench->pool, bench->directory, "/sparse", NULL);
    bench->sparse.size = size;
    bench->sparse.sparse = 1;
    pool = make_pool(bench);
    status = create(&file, bench->sparse.path, pool);
    if (status == APR_SUCCESS) {
        status = apr_file_trunc(file, size);
    }
    for (at = 0; status == APR_SUCCESS && at < size; at += SPARSE_STEP) {
        apr_uint64_t word = bench_data_word(&bench->sparse, at);
        apr_off_t where = at;

        status = apr_file_seek(file, APR_SET, &where);
        if (status == APR_SUCCESS) {
            status = apr_file_write_full(file, &word, sizeof(word), NULL);
        }
    }
    if (status == APR_SUCCESS) {
        status = apr_file_sync(file);
    }
    return finish(bench, pool, bench->sparse.path, status);
}

void bench_data_close(bench_t *bench)
{
    apr_pool_t *pool;

    if (bench->directory == NULL) {
        return;
    }
    pool = make_pool(bench);
    if (bench->data.path != NULL && bench->settings->file == NULL) {
        apr_file_remove(bench->data.path, pool);
    }
    if (bench->sparse.path != NULL) {
        apr_file_remove(bench->sparse.path, pool);
    }
    if (apr_dir_remove(bench->directory, pool) != APR_SUCCESS) {
        console_error(bench->console, "%s: could not remove %s\n", program_name, bench->directory);
    }
    apr_pool_destroy(pool);
    bench->directory = NULL;
}
