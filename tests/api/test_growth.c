/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Coming and going makes nothing grow: not the caller's pool, not the manager, not
 * what APR keeps for itself.
 *
 * A pool gives nothing back, so that nothing was taken from it is seen by where
 * its next byte lies.
 */
#include "tests/support/fixture.h"

#include <apr_strings.h>

#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "tests/fake/memory.h"

/* Bytes that malloc has given out, where it says so. */
static apr_size_t heap_in_use(void)
{
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
#else
    return 0;
#endif
}

/* Three bytes a cycle would be seen, and thirty for a file; six times as many in light runs. */
#define CYCLES (test_is_light() ? 1000 : 6000)
#define FILE_CYCLES (test_is_light() ? 80 : 500)
#define HEAP_NOISE (16 * 1024)

typedef struct measure_t {
    apr_size_t blocks;
    apr_size_t bytes;
    apr_size_t pools;
    apr_size_t heap;
    const char *place; /* where the caller's pool is going to put its next byte */
} measure_t;

static measure_t measure(apr_pool_t *pool)
{
    measure_t now;

    now.blocks = fake_memory_blocks();
    now.bytes = fake_memory_bytes();
    now.pools = fake_memory_pools();
    now.heap = heap_in_use();
    now.place = apr_palloc(pool, 8);
    return now;
}

static void cycles(apr_size_t count, apr_pool_t *pool)
{
    smmap_cursor_t *copy = NULL;
    smmap_buffer_t *buffer = NULL;
    unsigned char byte = 0;
    apr_size_t i;

    for (i = 0; i < count; i++) {
        smmap_cursor_t *cursor = cursor_in(manager, pool);

        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i % 5 * unit), 0));
        if (i % 16 == 0) {
            NEED_OK(smmap_cursor_require(cursor, (apr_off_t)unit - 5, 10));
            NEED_OK(smmap_cursor_copy(&copy, cursor, pool));
            NEED_OK(smmap_buffer_create(&buffer, copy, 5, SMMAP_TO_END, pool));
            NEED_OK(smmap_buffer_byte(buffer, (apr_off_t)(3 * unit), &byte));
            smmap_cursor_close(copy);
            smmap_buffer_close(buffer);
            NEED_OK(smmap_cursor_refresh(cursor));
        }
        smmap_cursor_close(cursor);
    }
    CHECK_OK(smmap_manager_collect(manager, NULL));
}

static void has_not_grown(const measure_t *before, const measure_t *after)
{
    CHECK_NUMBER(after->blocks, before->blocks);
    CHECK_NUMBER(after->bytes, before->bytes);
    CHECK_NUMBER(after->pools, before->pools);
    /* Nothing else was allocated from the caller's pool in between. */
    CHECK(after->place == before->place + 8);
    /* What APR keeps for itself is not counted above: a node or two. */
    CHECK(after->heap <= before->heap + HEAP_NOISE);
}

static void nothing_grows(void)
{
    apr_size_t count = CYCLES;
    apr_pool_t *pool;
    measure_t before;
    measure_t after;

    begin_file(4);
    pool = pool_make(test_pool);
    manager = manager_in(pool);
    cycles(100, pool);
    before = measure(pool);
    cycles(count, pool);
    after = measure(pool);
    has_not_grown(&before, &after);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    counts_check();
    apr_pool_destroy(pool);
}

/* The same with files that come and go. */
static void files_come_and_go(void)
{
    apr_size_t count = FILE_CYCLES;
    apr_pool_t *pool;
    measure_t before = {0, 0, 0, 0, NULL};
    measure_t after;
    apr_size_t i;

    begin_file(4);
    pool = pool_make(test_pool);
    manager = manager_in(pool);
    for (i = 0; i < 10; i++) {
        file_make(apr_psprintf(test_pool, "file%d", (int)i), unit + i);
    }
    for (i = 0; i < count + 100; i++) {
        smmap_cursor_t *cursor = NULL;
        char path[4200];

        if (i == 100) {
            CHECK_OK(smmap_manager_collect(manager, NULL));
            before = measure(pool);
        }
        apr_snprintf(path, sizeof path, "%s/file%d", test_dir(), (int)(i % 10));
        NEED_OK(smmap_cursor_open(&cursor, manager, path, pool));
        NEED_OK(smmap_cursor_use(cursor, 1, 0));
        smmap_cursor_close(cursor);
        if (i % 7 == 0) {
            CHECK_OK(smmap_manager_collect(manager, NULL));
            CHECK_NUMBER(manager_stats(manager).files, 0);
            CHECK_NUMBER(manager_stats(manager).open_files, 0);
        }
    }
    CHECK_OK(smmap_manager_collect(manager, NULL));
    after = measure(pool);
    has_not_grown(&before, &after);
    apr_pool_destroy(pool);
}

static const test_case_t cases[] = {
    {"nothing_grows", nothing_grows}, {"files_come_and_go", files_come_and_go}, {NULL, NULL}};

const test_module_t test_growth = {"growth", cases};
