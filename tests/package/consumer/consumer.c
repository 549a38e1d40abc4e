/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program outside of the tree: it knows what is installed and nothing else.
 *
 *     cc $(pkg-config --cflags smmap) consumer.c -o consumer $(pkg-config --libs smmap)
 *     ./consumer FILE
 *
 * It reads FILE twice, once with the C library and once through a buffer with windows
 * of one granule and a small limit, and compares all bytes. It also compiles as C++.
 *
 * Exit codes: 0 all bytes are the same, 1 they are not, 2 bad usage or FILE cannot be read.
 */
#include <smmap/smmap.h>

#include <apr_general.h>

#include <stdio.h>
#include <string.h>

static int report(const char *what, apr_status_t status)
{
    char text[200];

    fprintf(stderr, "consumer: %s: %s\n", what, smmap_strerror(status, text, sizeof(text)));
    return 2;
}

/* 0, 1 or 2 as the program's exit codes. */
static int compare(FILE *file, smmap_buffer_t *buffer)
{
    static char expected[10007];
    static char got[10007];
    apr_off_t offset = 0;
    apr_size_t length, count;
    apr_status_t status;

    while ((length = fread(expected, 1, sizeof(expected), file)) > 0) {
        status = smmap_buffer_read(buffer, offset, got, length, &count);
        if (status != APR_SUCCESS)
            return report("smmap_buffer_read", status);
        if (count != length || memcmp(expected, got, length) != 0) {
            fprintf(stderr, "consumer: the bytes differ behind offset %ld\n", (long)offset);
            return 1;
        }
        offset += (apr_off_t)length;
    }
    if (ferror(file)) {
        fprintf(stderr, "consumer: cannot read the file\n");
        return 2;
    }
    if (offset != smmap_buffer_size(buffer)) {
        fprintf(stderr, "consumer: the sizes differ\n");
        return 1;
    }
    return 0;
}

static int run(const char *path, apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer;
    apr_status_t status;
    FILE *file;
    int result;

    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.window_size = smmap_granularity();
    options.max_mapped_bytes = 4 * smmap_granularity();

    status = smmap_manager_create(&manager, &options, pool);
    if (status != APR_SUCCESS)
        return report("smmap_manager_create", status);
    status = smmap_cursor_open(&cursor, manager, path, pool);
    if (status != APR_SUCCESS)
        return report(path, status);
    status = smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, pool);
    if (status != APR_SUCCESS)
        return report("smmap_buffer_create", status);

    file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 2;
    }
    result = compare(file, buffer);
    fclose(file);
    if (result == 0 && smmap_manager_mapped_bytes(manager) > options.max_mapped_bytes) {
        fprintf(stderr, "consumer: more is mapped than the limit allows\n");
        result = 1;
    }
    if (result == 0)
        printf("libsmmap %s: %ld bytes read, all the same\n", smmap_version(NULL, NULL, NULL),
               (long)smmap_buffer_size(buffer));
    return result;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    int result;

    if (argc != 2) {
        fprintf(stderr, "usage: consumer FILE\n");
        return 2;
    }
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        fprintf(stderr, "consumer: APR does not start\n");
        return 2;
    }
    result = run(argv[1], pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return result;
}
