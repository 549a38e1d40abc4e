/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program in C90 on the public headers alone. tests/package/headers.sh compiles it with
 * all warnings as errors, links it with the shared library and runs it.
 *
 * What can only go wrong in a header is tried here: the initializers have as many
 * values as the structures have members, the inline function compiles without the
 * keyword, the version of the headers is the version of the library.
 */
#include <smmap/smmap.h>

#include <apr_general.h>

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "not so: %s\n", what);
        failures++;
    }
}

/* All members but the first are zero, the last one included. */
static int zero_behind_first(const void *structure, apr_size_t size)
{
    const unsigned char *bytes = (const unsigned char *)structure;
    apr_size_t i;

    for (i = sizeof(apr_size_t); i < size; i++) {
        if (bytes[i] != 0)
            return 0;
    }
    return 1;
}

static void try_version(void)
{
    int major = -1, minor = -1, patch = -1;

    expect(strcmp(smmap_version(&major, &minor, &patch), SMMAP_VERSION_STRING) == 0,
           "the library answers with the version of the headers, as text");
    expect(major == SMMAP_VERSION_MAJOR && minor == SMMAP_VERSION_MINOR &&
               patch == SMMAP_VERSION_PATCH,
           "the library answers with the version of the headers, as numbers");
}

static void try_inline(void)
{
    static const unsigned char bytes[4] = {1, 2, 3, 4};
    smmap_cursor_t cursor;

    cursor.window_data = bytes;
    cursor.window_begin = 100;
    cursor.window_size = sizeof(bytes);
    expect(smmap_cursor_at(&cursor, 99) == NULL, "the byte before the window is not in it");
    expect(smmap_cursor_at(&cursor, 100) == bytes, "the first byte of the window is in it");
    expect(smmap_cursor_at(&cursor, 103) == bytes + 3, "the last byte of the window is in it");
    expect(smmap_cursor_at(&cursor, 104) == NULL, "the byte behind the window is not in it");
    expect(smmap_cursor_at(&cursor, -1) == NULL, "a negative offset is not in the window");
}

static void try_manager(apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    smmap_manager_t *manager = NULL;
    char text[200];
    apr_status_t status;

    expect(options.struct_size == sizeof(options), "SMMAP_OPTIONS_INIT sets the size");
    expect(stats.struct_size == sizeof(stats), "SMMAP_STATS_INIT sets the size");
    expect(zero_behind_first(&stats, sizeof(stats)), "SMMAP_STATS_INIT zeroes the rest");

    status = smmap_manager_create(&manager, &options, pool);
    expect(status == APR_SUCCESS, smmap_strerror(status, text, sizeof(text)));
    if (status == APR_SUCCESS) {
        expect(smmap_manager_mode(manager) != SMMAP_MODE_AUTO, "the manager chose a mode");
        expect(smmap_manager_stats(manager, &stats) == APR_SUCCESS && stats.regions == 0,
               "a new manager has no region");
        expect(smmap_manager_destroy(manager) == APR_SUCCESS, "the manager can be destroyed");
    }
}

int main(void)
{
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        fprintf(stderr, "APR does not start\n");
        return 1;
    }
    try_version();
    try_inline();
    try_manager(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return failures == 0 ? 0 : 1;
}
