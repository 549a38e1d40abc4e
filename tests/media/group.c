/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A control group with little memory, that this program runs in: with SMMAP_LIMIT_AUTO a file 16
 * times as large as that is read by pointer, twice, the second time with half of the memory. Who
 * takes too much is killed.
 */
#include "media.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

enum { TIMES = 16, STEP = 1 << 20, LEAST = 4 << 20 };

/* The limit of the group, by its file. */
static apr_uint64_t memory_of_group(void)
{
    char text[32] = "";
    FILE *from = fopen(media.image, "r");

    if (from == NULL || fgets(text, sizeof text, from) == NULL) {
        stress_bad("%s cannot be read", media.image);
    }
    if (from != NULL) {
        fclose(from);
    }
    return strtoull(text, NULL, 10);
}

/* Holes, and at each step a page that is none. */
static int make_file(media_file_t *file, apr_off_t size)
{
    int into;
    apr_off_t at;
    int good;

    media_path(file, "large");
    into = open(file->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    good = into >= 0 && ftruncate(into, size) == 0;
    for (at = 0; good && at < size; at += STEP) {
        apr_size_t i;

        for (i = 0; i < media.page; i++) {
            media.bytes[i] = media_byte((apr_uint64_t)at + i);
        }
        good = pwrite(into, media.bytes, media.page, at) == (ssize_t)media.page;
    }
    if (into < 0 || close(into) != 0 || !good) {
        stress_bad("%s cannot be made", file->path);
    }
    return good;
}

static void scan(media_file_t *file, apr_off_t size)
{
    apr_off_t at = 0;
    apr_size_t wrong = 0;

    while (at < size) {
        const unsigned char *bytes;
        apr_size_t i;

        if (smmap_cursor_use(file->cursor, at, 0) != APR_SUCCESS) {
            stress_bad("no window at %lld", (long long)at);
            return;
        }
        bytes = smmap_cursor_data(file->cursor);
        for (i = 0; i < smmap_cursor_size(file->cursor); i += media.page) {
            const apr_off_t here = at + (apr_off_t)i;

            wrong += bytes[i] != (here % STEP == 0 ? media_byte((apr_uint64_t)here) : 0);
        }
        at += (apr_off_t)i;
    }
    stress_equal("wrong bytes", wrong, 0);
}

/* A quarter, or an eighth under pressure. */
static void follows(apr_uint64_t memory)
{
    const apr_size_t limit = smmap_manager_max_mapped_bytes(stress.manager);

    if (limit != memory / 4 && limit != memory / 8) {
        stress_bad("a limit of %llu bytes where there are %llu", (unsigned long long)limit,
                   (unsigned long long)memory);
    }
    stress_most("mapped_bytes", smmap_manager_mapped_bytes(stress.manager), limit);
}

static void lower_memory(apr_uint64_t memory)
{
    FILE *into = fopen(media.image, "w");

    if (into == NULL || fprintf(into, "%llu", (unsigned long long)memory) < 0 ||
        fclose(into) != 0) {
        stress_bad("%s cannot be written", media.image);
    }
}

static void large_file(void)
{
    const smmap_options_t options = SMMAP_OPTIONS_INIT;
    const apr_uint64_t memory = memory_of_group();
    const apr_off_t size = (apr_off_t)memory * TIMES;
    media_file_t file;

    if (memory < LEAST || memory > (apr_uint64_t)1 << 30) {
        stress_bad("%llu bytes are no limit for this check", (unsigned long long)memory);
        return;
    }
    if (!make_file(&file, size)) {
        return;
    }
    stress.options = options;
    stress.options.max_mapped_bytes = SMMAP_LIMIT_AUTO;
    stress_manage();
    follows(memory);
    media_open(&file, "large");
    scan(&file, size);
    follows(memory);
    stress_most("evictions", 1, stress_stats().evictions);
    lower_memory(memory / 2);
    scan(&file, size);
    follows(memory / 2);
    lower_memory(memory);
    scan(&file, size);
    follows(memory);
    media_close(&file);
    media_settle(0);
    unlink(file.path);
}

const stress_scenario_t media_group[] = {
    {"group/large-file", "a file 16 times as large as the memory of a control group", large_file},
    {NULL, NULL, NULL}};
