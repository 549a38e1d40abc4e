/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report, and the list in the format of `git verify-pack -v`.
 */
#include "packscan.h"

#include <stdio.h>
#include <stdlib.h>

/* Number of entries by depth of their chain: histogram[depth - 1]. */
typedef struct depths_t {
    apr_uint32_t plain;
    apr_uint32_t deepest;
    apr_uint32_t histogram[PACKSCAN_MAX_DEPTH];
} depths_t;

static void count_depths(const packscan_pack_t *pack, depths_t *depths)
{
    apr_uint32_t rank;

    for (rank = 0; rank < pack->count; rank++) {
        const packscan_entry_t *entry = &pack->entries[rank];

        if (entry->flags & PACKSCAN_DAMAGED)
            continue;
        if (entry->depth == 0)
            depths->plain++;
        else
            depths->histogram[entry->depth - 1]++;
        if (entry->depth > depths->deepest)
            depths->deepest = entry->depth;
    }
}

/* One line of the list. */
static apr_status_t print_entry(packscan_scan_t *scan, apr_uint32_t rank)
{
    const packscan_entry_t *entry = &scan->pack->entries[rank];
    unsigned char name[SHA1_SIZE];
    char text[2 * SHA1_SIZE + 1];
    apr_status_t status = packscan_index_name(scan->index, entry->position, name);

    if (status != APR_SUCCESS)
        return status;
    packscan_name_text(name, text);
    printf("%s %-6s %" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT, text,
           packscan_type_name(entry->type), entry->size,
           (apr_uint64_t)packscan_pack_entry_end(scan->pack, rank) - entry->offset, entry->offset);
    if (entry->base != PACKSCAN_NONE) {
        status = packscan_index_name(scan->index, scan->pack->entries[entry->base].position, name);
        if (status != APR_SUCCESS)
            return status;
        packscan_name_text(name, text);
        printf(" %lu %s", (unsigned long)entry->depth, text);
    }
    putchar('\n');
    return APR_SUCCESS;
}

static const char *plural(apr_uint32_t count)
{
    return count == 1 ? "" : "s";
}

apr_status_t packscan_print_list(packscan_scan_t *scan)
{
    depths_t *depths = calloc(1, sizeof(*depths));
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    if (depths == NULL)
        return packscan_failed(scan->pack->path, APR_ENOMEM);
    count_depths(scan->pack, depths);
    for (i = 0; status == APR_SUCCESS && i < scan->pack->count; i++)
        if ((scan->pack->entries[i].flags & PACKSCAN_DAMAGED) == 0)
            status = print_entry(scan, i);
    if (depths->plain > 0)
        printf("non delta: %lu object%s\n", (unsigned long)depths->plain, plural(depths->plain));
    for (i = 0; i < depths->deepest; i++)
        if (depths->histogram[i] > 0)
            printf("chain length = %lu: %lu object%s\n", (unsigned long)i + 1,
                   (unsigned long)depths->histogram[i], plural(depths->histogram[i]));
    printf("%s: %s\n", scan->pack->path, scan->report->problems == 0 ? "ok" : "bad");
    free(depths);
    return status;
}

/* "12345678 bytes (11.8 MiB)"; valid for the next seven calls. */
static const char *bytes_text(apr_uint64_t bytes)
{
    static char texts[8][64];
    static int next;
    char *text = texts[next++ % 8];

    if (bytes < 1024 * 1024)
        snprintf(text, 64, "%" APR_UINT64_T_FMT " bytes", bytes);
    else
        snprintf(text, 64, "%" APR_UINT64_T_FMT " bytes (%.1f MiB)", bytes,
                 (double)bytes / (1024.0 * 1024.0));
    return text;
}

/* The first part: the contents of the pack. */
static void print_pack(const packscan_scan_t *scan, FILE *out)
{
    const packscan_pack_t *pack = scan->pack;
    apr_uint32_t types[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    apr_uint32_t deltas = 0;
    apr_uint32_t deepest = 0;
    apr_uint32_t rank;

    for (rank = 0; rank < pack->count; rank++) {
        const packscan_entry_t *entry = &pack->entries[rank];

        if (entry->depth > deepest && (entry->flags & PACKSCAN_DAMAGED) == 0)
            deepest = entry->depth;
        types[entry->flags & PACKSCAN_DAMAGED ? PACKSCAN_BAD : entry->type & 7]++;
        deltas += entry->base != PACKSCAN_NONE;
    }
    fprintf(out, "pack          %s\n", pack->path);
    fprintf(out, "              %s, %lu objects, index of version %d\n",
            bytes_text((apr_uint64_t)pack->size), (unsigned long)pack->count, scan->index->version);
    fprintf(out, "objects       %lu commits, %lu trees, %lu blobs, %lu tags",
            (unsigned long)types[PACKSCAN_COMMIT], (unsigned long)types[PACKSCAN_TREE],
            (unsigned long)types[PACKSCAN_BLOB], (unsigned long)types[PACKSCAN_TAG]);
    if (types[PACKSCAN_BAD] > 0)
        fprintf(out, ", %lu damaged", (unsigned long)types[PACKSCAN_BAD]);
    fprintf(out, "\ndeltas        %lu of them, the longest chain has %lu\n", (unsigned long)deltas,
            (unsigned long)deepest);
}

int packscan_print_report(const packscan_scan_t *scan, smmap_manager_t *manager, FILE *out,
                          apr_interval_time_t time)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_size_t limit = smmap_manager_max_mapped_bytes(manager);
    int held;

    if (smmap_manager_stats(manager, &stats) != APR_SUCCESS)
        return 0;
    held = stats.peak_mapped_bytes <= limit && stats.over_limit == 0;
    print_pack(scan, out);
    fprintf(out, "verified      %" APR_UINT64_T_FMT " objects, %s, in %.2f s\n", scan->verified,
            bytes_text(scan->object_bytes), (double)time / APR_USEC_PER_SEC);
    fprintf(out,
            "problems      %" APR_UINT64_T_FMT ": %" APR_UINT64_T_FMT
            " names do not match, %" APR_UINT64_T_FMT " objects not verified\n",
            scan->report->problems, scan->mismatches, scan->unverified);
    fprintf(out, "inflated      %s, delta bases counted each time\n",
            bytes_text(scan->pack->inflated_bytes));
    fprintf(out,
            "base cache    %s at most, %s at peak, %" APR_UINT64_T_FMT " hits, %" APR_UINT64_T_FMT
            " misses\n",
            bytes_text(scan->cache.max_bytes), bytes_text(scan->cache.peak_bytes), scan->cache.hits,
            scan->cache.misses);
    fprintf(out, "windows       %s each\n", bytes_text(smmap_manager_window_size(manager)));
    fprintf(out,
            "              %" APR_UINT64_T_FMT " hits, %" APR_UINT64_T_FMT
            " misses, %" APR_UINT64_T_FMT " maps, %" APR_UINT64_T_FMT " unmaps, %" APR_UINT64_T_FMT
            " evictions\n",
            stats.hits, stats.misses, stats.maps, stats.unmaps, stats.evictions);
    fprintf(out, "mapped        %s in %" APR_SIZE_T_FMT " regions at peak\n",
            bytes_text(stats.peak_mapped_bytes), stats.peak_regions);
    fprintf(out, "limit         %s: %s\n", bytes_text(limit), held ? "held" : "NOT HELD");
    return held;
}

int packscan_flush(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "packscan: standard output cannot be written\n");
    return 2;
}
