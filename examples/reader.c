/*
 * reader FILE OFFSET...: print 16 bytes of a file at each offset.
 *
 * A minimal useful program. The file may be larger than memory: at most 8 MiB are mapped at a
 * time. A negative offset counts from the end of the file.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <smmap/smmap.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what, apr_status_t status)
{
    char text[200];

    fprintf(stderr, "reader: %s: %s\n", what, smmap_strerror(status, text, sizeof(text)));
    return 2;
}

/* Print 16 bytes at an offset, across windows; fewer at the end of the file. */
static apr_status_t show(smmap_buffer_t *buffer, apr_off_t offset)
{
    unsigned char bytes[16];
    apr_size_t got;
    apr_size_t i;
    apr_status_t status = smmap_buffer_read(buffer, offset, bytes, sizeof(bytes), &got);

    if (status != APR_SUCCESS)
        return status;
    printf("%" APR_OFF_T_FMT ":", offset);
    for (i = 0; i < got; i++)
        printf(" %02x", bytes[i]);
    printf("\n");
    return APR_SUCCESS;
}

int main(int argc, const char *const *argv)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    smmap_buffer_t *buffer;
    apr_pool_t *pool;
    apr_status_t status;
    int i;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS)
        return 2;
    atexit(apr_terminate);
    if (argc < 3) {
        fprintf(stderr, "usage: reader FILE OFFSET...\n");
        return 2;
    }
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.max_mapped_bytes = 8 * 1024 * 1024;
    status = apr_pool_create(&pool, NULL);
    if (status == APR_SUCCESS)
        status = smmap_manager_create(&manager, &options, pool);
    if (status == APR_SUCCESS)
        status = smmap_cursor_open(&cursor, manager, argv[1], pool);
    if (status == APR_SUCCESS)
        status = smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, pool);
    if (status != APR_SUCCESS)
        return failed(argv[1], status);

    for (i = 2; i < argc; i++) {
        char *end;
        apr_off_t offset;

        status = apr_strtoff(&offset, argv[i], &end, 10);
        if (status == APR_SUCCESS && (end == argv[i] || *end != '\0'))
            status = APR_EINVAL;
        if (status == APR_SUCCESS)
            status = show(buffer, offset);
        if (status != APR_SUCCESS)
            return failed(argv[i], status);
    }
    apr_pool_destroy(pool); /* unmaps and closes everything */
    return fflush(stdout) == 0 ? 0 : 2;
}
