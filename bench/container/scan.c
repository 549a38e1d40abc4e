/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a file from end to end through one cursor, a byte of each cache line, and prints: seconds;
 * the limit of mapped bytes at the end, and the most that was mapped, in MiB; how many windows were
 * mapped.
 *
 *     scan FILE auto|default|MIB
 */
#include <smmap/smmap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(apr_status_t status, const char *what)
{
    char text[200];

    if (status != APR_SUCCESS) {
        fprintf(stderr, "scan: %s: %s\n", what, smmap_strerror(status, text, sizeof text));
        exit(2);
    }
}

int main(int argc, char **argv)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_time_t begin;
    apr_off_t at = 0;
    unsigned sum = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: scan FILE auto|default|MIB\n");
        return 2;
    }
    if (strcmp(argv[2], "auto") == 0) {
        options.max_mapped_bytes = SMMAP_LIMIT_AUTO;
    } else if (strcmp(argv[2], "default") != 0) {
        options.max_mapped_bytes = (apr_size_t)strtoul(argv[2], NULL, 10) << 20;
    }
    need(smmap_manager_create(&manager, &options, NULL), "no manager");
    begin = apr_time_now();
    need(smmap_cursor_open(&cursor, manager, argv[1], NULL), argv[1]);
    need(smmap_cursor_hint(cursor, SMMAP_ACCESS_SEQUENTIAL), argv[1]);
    for (; at < smmap_cursor_file_size(cursor); at = smmap_cursor_end(cursor)) {
        const unsigned char *bytes;
        apr_size_t i;

        need(smmap_cursor_use(cursor, at, 0), argv[1]);
        bytes = smmap_cursor_data(cursor);
        for (i = 0; i < smmap_cursor_size(cursor); i += 64) {
            sum += bytes[i];
        }
    }
    begin = apr_time_now() - begin;
    need(smmap_manager_stats(manager, &stats), "no statistics");
    printf("%.3f %lu %lu %lu %u\n", (double)begin / 1e6,
           (unsigned long)(smmap_manager_max_mapped_bytes(manager) >> 20),
           (unsigned long)(stats.peak_mapped_bytes >> 20), (unsigned long)stats.maps, sum);
    smmap_cursor_close(cursor);
    smmap_manager_destroy(manager);
    return 0;
}
