/*
 * What things take of memory, as counted by who gives it out (counting_memory.c): what the
 * core asks for while things are made, divided by how many there are.
 *
 * What is shared (hash tables, slot tables) is in it in proportion. tests/api/test_budget.c
 * has the same limits as a test.
 */
#include <apr_strings.h>

#include "bench/bookkeeping.h"
#include "bench/counting_memory.h"
#include "core/core.h"
#include "smmap/smmap.h"

/* Half of the handles that a process usually may have. */
#define FILES 400
#define REGIONS 100000
#define WINDOW ((apr_size_t)4096)
/* 16 TiB in windows of 64 KiB. */
#define SPARSE_WINDOWS ((apr_uint64_t)1 << 28)
#define SPARSE_TOUCHED 1000

static apr_status_t make_manager(smmap_manager_t **manager, apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = WINDOW;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = SMMAP_UNLIMITED;
    options.max_open_files = SMMAP_UNLIMITED;
    return smmap_manager_create(manager, &options, pool);
}

/* Bytes of a region, with its places in all tables. */
static int of_region(books_t *books, apr_pool_t *pool, double *each)
{
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_os_file_t handle;
    apr_size_t before = 0;
    apr_status_t status = make_manager(&manager, pool);
    int i;

    if (!books_hole(books, (apr_off_t)(REGIONS * WINDOW), &handle)) {
        return 0;
    }
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open_handle(&cursor, manager, handle, pool);
        before = counting_memory_bytes();
    }
    for (i = 0; i < REGIONS && status == APR_SUCCESS; i++) {
        status = smmap_cursor_use(cursor, (apr_off_t)i * (apr_off_t)WINDOW, 1);
    }
    *each = (double)(counting_memory_bytes() - before) / REGIONS;
    return status == APR_SUCCESS ? 1 : books_complain(books, "mapping windows", status);
}

/* Read a byte at the start of a file, and let go of the window. */
static apr_status_t glance(smmap_cursor_t *cursor, smmap_manager_t *manager)
{
    apr_status_t status = smmap_cursor_use(cursor, 0, 1);

    smmap_cursor_release(cursor);
    return status == APR_SUCCESS ? smmap_manager_collect(manager, NULL) : status;
}

/* Bytes of a cursor, and of a file that has no window: what the first cursor on it takes, less
   what a second one does. Opened by handle, a file has no name. used: after each cursor had a
   window, which was unmapped again. */
static int of_file(books_t *books, apr_size_t windows, int used, double *file, double *cursor)
{
    smmap_manager_t *manager;
    smmap_cursor_t *cursors[FILES];
    apr_size_t start;
    apr_size_t opened;
    apr_status_t status;
    apr_pool_t *pool;
    int i;

    status = apr_pool_create(&pool, books->pool);
    if (status == APR_SUCCESS) {
        status = make_manager(&manager, pool);
    }
    start = counting_memory_bytes();
    for (i = 0; i < FILES && status == APR_SUCCESS; i++) {
        apr_os_file_t handle;

        if (!books_hole_in(books, (apr_off_t)(windows * WINDOW), &handle, pool)) {
            return 0;
        }
        status = smmap_cursor_open_handle(&cursors[i], manager, handle, pool);
        if (status == APR_SUCCESS && used) {
            status = glance(cursors[i], manager);
        }
    }
    opened = counting_memory_bytes();
    for (i = 0; i < FILES && status == APR_SUCCESS; i++) {
        smmap_cursor_t *copy;

        status = smmap_cursor_copy(&copy, cursors[i], pool);
        if (status == APR_SUCCESS && used) {
            status = glance(copy, manager);
        }
    }
    *cursor = (double)(counting_memory_bytes() - opened) / FILES;
    *file = (double)(opened - start) / FILES - *cursor;
    if (status != APR_SUCCESS) {
        return books_complain(books, "opening files", status);
    }
    apr_pool_destroy(pool);
    return 1;
}

/* Bytes of the slot table of a sparse file that is touched here and there. */
static int of_slots(books_t *books, double *bytes)
{
    apr_uint64_t at = 1;
    apr_size_t start = counting_memory_bytes();
    apr_status_t status = APR_SUCCESS;
    smmap__slots_t slots;
    int i;

    smmap__slots_init(&slots, SPARSE_WINDOWS);
    for (i = 0; i < SPARSE_TOUCHED && status == APR_SUCCESS; i++) {
        at = at * APR_UINT64_C(6364136223846793005) + APR_UINT64_C(1442695040888963407);
        status = smmap__slots_prepare(&slots, (at >> 33) % SPARSE_WINDOWS);
    }
    *bytes = (double)(counting_memory_bytes() - start);
    smmap__slots_destroy(&slots);
    return status == APR_SUCCESS ? 1 : books_complain(books, "a slot table", status);
}

static void show(books_t *books, const char *name, const char *what, double bytes)
{
    books_print(books, "  %-58s %12.1f\n", what, bytes);
    books_add(books,
              apr_psprintf(books->pool, "\"measure\":\"memory\",\"name\":\"%s\",\"bytes\":%.1f",
                           name, bytes));
}

int books_memory(books_t *books)
{
    double region;
    double fresh;
    double small;
    double large;
    double cursor;
    double used;
    double slots;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, books->pool) != APR_SUCCESS || !of_region(books, pool, &region)) {
        return 0;
    }
    apr_pool_destroy(pool);
    if (!of_file(books, 1, 0, &fresh, &cursor) || !of_file(books, 1, 1, &small, &used) ||
        !of_file(books, 4096, 1, &large, &used) || !of_slots(books, &slots)) {
        return 0;
    }
    books_print(books, "Memory, in bytes.\n\n");
    show(books, "region_structure", "a region's structure", (double)sizeof(smmap__region_t));
    show(books, "region", "a region, with its part of the tables", region);
    show(books, "file_structure", "a file's structure", (double)sizeof(smmap__file_t));
    show(books, "file", "a file that was only opened, but for its name", fresh);
    show(books, "file_used", "the same, of 1 window, which was mapped and unmapped", small);
    show(books, "file_used_4096", "the same, of 4096 windows, of which one was", large);
    show(books, "cursor", "a cursor without a window", cursor);
    show(books, "cursor_used", "a cursor that had one, with its pin", used);
    show(books, "sparse_slots", "slot table: 16 TiB, 1000 random windows of 64 KiB", slots);
    books_print(books, "\n");
    books_target(books, "bytes of a region", 128, region, NULL);
    books_target(books, "bytes of a file that was only opened", 512, fresh, NULL);
    books_target(books, "bytes of a file, one window mapped and unmapped", 512, small,
                 "of 1 window");
    books_target(books, "bytes of a file, one window mapped and unmapped", 512, large,
                 "of 4096 windows");
    books_target(books, "MiB of the slot table of 16 TiB, 1000 windows touched", 8,
                 slots / 1048576, NULL);
    if (counting_memory_bytes() != 0) {
        tool_console_error(books->console,
                           "smmap-bookkeeping: %" APR_SIZE_T_FMT " bytes were left behind\n",
                           counting_memory_bytes());
        return 0;
    }
    return 1;
}
