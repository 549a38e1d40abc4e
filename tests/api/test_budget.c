/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What things may take of memory: a region, a file that is not read right now. Counted by
 * fake/memory.c: all that the core asks for, tables included, is divided by what it was asked
 * for.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "core/types.h"
#include "tests/fake/memory.h"

enum { REGION_MOST = 144, FILE_MOST = 640 };

/* At numbers of regions behind which a table has just grown, too. */
static void region(void)
{
    enum { COUNT = 1100 };
    apr_size_t unit = smmap_granularity();
    test_file_t file = file_make("file", 1);
    smmap_manager_t *manager = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
    smmap_cursor_t *cursor;
    apr_size_t before;
    apr_size_t i;

    CHECK(sizeof(smmap__region_t) <= REGION_MOST);
    if (!file_resize(file.path, (apr_off_t)(COUNT * unit))) {
        test_skip("the file system has no room for %u windows", (unsigned)COUNT);
        return;
    }
    /* With the first region come the cursor's pin and the leaf that all its slots are in. */
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 1));
    before = fake_memory_bytes();
    for (i = 1; i < COUNT; i++) {
        apr_size_t bytes;

        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)(i * unit), 1));
        bytes = fake_memory_bytes() - before + i * sizeof(smmap__word_t); /* its slot */
        if (i >= 64) {
            NEED(bytes <= i * REGION_MOST);
        }
    }
    CHECK_NUMBER(manager_stats(manager).regions, COUNT);
    CHECK(fake_memory_bytes() - before >= (COUNT - 1) * sizeof(smmap__region_t));
}

/* A file is what the first cursor on it takes, less what a second one does. */
static void file_without_window(void)
{
    enum { COUNT = 200 };
    smmap_manager_t *manager = manager_sliding(smmap_granularity(), 0, 0, SMMAP_LIMITS_SOFT);
    smmap_cursor_t *cursors[COUNT];
    apr_size_t names = 0;
    apr_size_t start = fake_memory_bytes();
    apr_size_t files;
    apr_size_t twins;
    apr_size_t i;

    for (i = 0; i < COUNT; i++) {
        char name[] = "file-000";
        test_file_t file;

        name[5] = (char)('0' + i / 100);
        name[6] = (char)('0' + i / 10 % 10);
        name[7] = (char)('0' + i % 10);
        file = file_make(name, 10);
        cursors[i] = cursor_open(manager, file.path);
        names += strlen(file.path) + 2; /* with its end, and a separator that is not always used */
    }
    files = fake_memory_bytes() - start;
    for (i = 0; i < COUNT; i++) {
        smmap_cursor_t *twin;

        NEED_OK(smmap_cursor_copy(&twin, cursors[i], test_pool));
    }
    twins = fake_memory_bytes() - start - files;
    CHECK_NUMBER(manager_stats(manager).files, COUNT);
    CHECK(files > twins + names + COUNT * sizeof(smmap__file_t));
    CHECK(files - twins - names <= (apr_size_t)COUNT * FILE_MOST);
}

/* What many cursors had is given back when they are closed, but for a little. */
static void closed_cursors(void)
{
    enum { COUNT = 2000, LEFT = 2 * 12288 };
    test_file_t file = file_make("file", 1);
    smmap_manager_t *manager = manager_sliding(0, 0, 0, SMMAP_LIMITS_SOFT);
    smmap_cursor_t *cursors[COUNT];
    apr_size_t before;
    apr_size_t i;

    cursors[0] = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursors[0], 0, 0));
    before = fake_memory_bytes();
    for (i = 1; i < COUNT; i++) {
        NEED_OK(smmap_cursor_copy(&cursors[i], cursors[0], NULL));
    }
    CHECK(fake_memory_bytes() > before + (COUNT - 1) * sizeof(smmap__pin_t));
    for (i = 1; i < COUNT; i++) {
        smmap_cursor_close(cursors[(i * 777) % COUNT]); /* 777 and 2000 have no common factor */
    }
    CHECK(fake_memory_bytes() <= before + LEFT);
    CHECK_NUMBER(smmap_cursor_region_clients(cursors[0]), 1);
}

static const test_case_t cases[] = {{"region", region},
                                    {"file_without_window", file_without_window},
                                    {"closed_cursors", closed_cursors},
                                    {NULL, NULL}};

const test_module_t test_budget = {"budget", cases};
