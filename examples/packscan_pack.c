/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pack: its frame, the headers of its entries, and the graph of deltas and bases.
 *
 * A pack is a header of 12 bytes, entries without gaps, and the SHA-1 of all that. An entry does
 * not store its length in the pack; the index knows where the next one starts. Opening sorts the
 * entries by offset and reads all headers in pack order, so each window is mapped about once.
 *
 * After a successful open, each entry not flagged as damaged has a header inside [offset, end of
 * entry), a valid rank as base or none, a chain of bases that ends at an object after at most
 * PACKSCAN_MAX_DEPTH steps, and the type of that object. Following a chain later needs no check
 * for cycles.
 *
 * The cursor is released before the index is read: see packscan_index.c.
 */
#include "packscan.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 12
/* Minimum size of an entry: one byte of header, and zlib header, end of data and checksum. */
#define MIN_ENTRY_SIZE 9
/* Deflate encodes 258 bytes in two bits at best. */
#define MAX_RATIO 1032

static apr_uint32_t get32(const unsigned char *bytes)
{
    return (apr_uint32_t)bytes[0] << 24 | (apr_uint32_t)bytes[1] << 16 |
           (apr_uint32_t)bytes[2] << 8 | (apr_uint32_t)bytes[3];
}

apr_off_t packscan_pack_entry_end(const packscan_pack_t *pack, apr_uint32_t rank)
{
    return rank + 1 < pack->count ? (apr_off_t)pack->entries[rank + 1].offset : pack->end;
}

apr_status_t packscan_damaged_entry(packscan_pack_t *pack, apr_uint32_t rank, const char *what)
{
    apr_status_t status = packscan_pack_check(pack);

    if (status != APR_SUCCESS)
        return status;
    pack->entries[rank].flags |= PACKSCAN_DAMAGED;
    return packscan_damaged(pack->report, pack->path, "object at offset %" APR_UINT64_T_FMT ": %s",
                            pack->entries[rank].offset, what);
}

/* Copy bytes that may cross window boundaries. */
static apr_status_t get(packscan_pack_t *pack, apr_off_t at, unsigned char *bytes, apr_size_t size)
{
    apr_size_t got = 0;
    apr_status_t status = smmap_cursor_read(pack->cursor, at, bytes, size, &got);

    if (status == APR_SUCCESS && got < size)
        status = SMMAP_ETRUNCATED;
    return status == APR_SUCCESS ? status : packscan_failed(pack->path, status);
}

/*
 * Check header and checksum. Returns PACKSCAN_EDAMAGED if this is not a pack, or not the one of
 * the index; a wrong checksum alone is reported, and the scan continues.
 */
static apr_status_t check_frame(packscan_pack_t *pack)
{
    unsigned char head[HEADER_SIZE];
    unsigned char stored[SHA1_SIZE];
    unsigned char digest[SHA1_SIZE];
    apr_status_t status;

    if (pack->size < HEADER_SIZE + SHA1_SIZE)
        return packscan_damaged(pack->report, pack->path, "too short for a pack");
    status = get(pack, 0, head, sizeof(head));
    if (status == APR_SUCCESS)
        status = get(pack, pack->end, stored, sizeof(stored));
    if (status != APR_SUCCESS)
        return status;
    if (memcmp(head, "PACK", 4) != 0)
        return packscan_damaged(pack->report, pack->path, "not a pack: it does not start so");
    if (get32(head + 4) != 2 && get32(head + 4) != 3)
        return packscan_damaged(pack->report, pack->path,
                                "version %lu of the pack format is not supported",
                                (unsigned long)get32(head + 4));
    pack->count = pack->index->count;
    if (get32(head + 8) != pack->count)
        return packscan_damaged(pack->report, pack->path, "it has %lu objects, its index has %lu",
                                (unsigned long)get32(head + 8), (unsigned long)pack->count);
    if ((apr_uint64_t)pack->count * MIN_ENTRY_SIZE > (apr_uint64_t)(pack->end - HEADER_SIZE))
        return packscan_damaged(pack->report, pack->path, "too short for %lu objects",
                                (unsigned long)pack->count);
    if (memcmp(stored, pack->index->pack_sha1, SHA1_SIZE) != 0)
        (void)packscan_damaged(pack->report, pack->path,
                               "its checksum is not the one that the index was made for");
    status = packscan_sha1(pack->cursor, pack->path, pack->end, digest);
    if (status == APR_SUCCESS && memcmp(stored, digest, SHA1_SIZE) != 0)
        (void)packscan_damaged(pack->report, pack->path, "its checksum does not match");
    return status;
}

static int by_offset(const void *left, const void *right)
{
    const packscan_entry_t *a = left;
    const packscan_entry_t *b = right;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

/* Read the offsets from the index, sort them, and check that they are distinct and in range. */
static apr_status_t read_offsets(packscan_pack_t *pack)
{
    apr_status_t status;
    apr_uint32_t i;

    for (i = 0; i < pack->count; i++) {
        packscan_entry_t *entry = &pack->entries[i];

        status = packscan_index_offset(pack->index, i, &entry->offset);
        if (status != APR_SUCCESS)
            return status;
        if (entry->offset < HEADER_SIZE || entry->offset >= (apr_uint64_t)pack->end)
            return packscan_damaged(pack->report, pack->index->path,
                                    "object %lu has an offset outside of the pack",
                                    (unsigned long)i);
        entry->position = i;
        entry->base = PACKSCAN_NONE;
    }
    if (pack->count > 0)
        qsort(pack->entries, pack->count, sizeof(*pack->entries), by_offset);
    for (i = 1; i < pack->count; i++)
        if (pack->entries[i - 1].offset == pack->entries[i].offset)
            return packscan_damaged(pack->report, pack->index->path,
                                    "objects %lu and %lu have the same offset",
                                    (unsigned long)pack->entries[i - 1].position,
                                    (unsigned long)pack->entries[i].position);
    if (pack->end > HEADER_SIZE && (pack->count == 0 || pack->entries[0].offset != HEADER_SIZE))
        return packscan_damaged(pack->report, pack->path,
                                "there are bytes before the first object");
    return APR_SUCCESS;
}

/* The rank of the entry that starts at an offset, or PACKSCAN_NONE. */
static apr_uint32_t rank_of(const packscan_pack_t *pack, apr_uint64_t offset)
{
    apr_uint32_t low = 0;
    apr_uint32_t high = pack->count;

    while (low < high) {
        apr_uint32_t middle = low + (high - low) / 2;

        if (pack->entries[middle].offset == offset)
            return middle;
        if (pack->entries[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return PACKSCAN_NONE;
}

/* The byte at an offset. Usually no call is needed: the pinned window holds it. */
static apr_status_t byte_at(packscan_pack_t *pack, apr_off_t at, unsigned char *byte)
{
    const unsigned char *data = smmap_cursor_at(pack->cursor, at);

    if (data == NULL) {
        apr_status_t status = smmap_cursor_use(pack->cursor, at, 0);

        if (status != APR_SUCCESS)
            return packscan_failed(pack->path, status);
        data = smmap_cursor_data(pack->cursor);
    }
    *byte = *data;
    return APR_SUCCESS;
}

/* The byte at `*at`, which advances and must be inside the entry. */
static apr_status_t next_byte(packscan_pack_t *pack, apr_uint32_t rank, apr_off_t *at,
                              unsigned char *byte)
{
    apr_status_t status;

    if (*at >= packscan_pack_entry_end(pack, rank))
        return packscan_damaged_entry(pack, rank, "its header has no end");
    status = byte_at(pack, *at, byte);
    if (status == APR_SUCCESS)
        ++*at;
    return status;
}

/* Read kind and size: four bits of the size in the first byte, then seven per byte. */
static apr_status_t read_kind(packscan_pack_t *pack, apr_uint32_t rank, apr_off_t *at)
{
    packscan_entry_t *entry = &pack->entries[rank];
    unsigned char byte = 0;
    int shift = 4;
    apr_status_t status = byte_at(pack, *at, &byte); /* an entry has a first byte */

    if (status != APR_SUCCESS)
        return status;
    ++*at;
    entry->kind = (byte >> 4) & 7;
    entry->size = byte & 15;
    while (byte & 0x80) {
        status = next_byte(pack, rank, at, &byte);
        if (status != APR_SUCCESS)
            return status;
        if (shift > 60 || (shift == 60 && (byte & 0x7f) > 15))
            return packscan_damaged_entry(pack, rank, "its size is not one");
        entry->size |= (apr_uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    }
    if (entry->kind == 0 || entry->kind == 5)
        return packscan_damaged_entry(pack, rank, "its kind is not one");
    return APR_SUCCESS;
}

/* Read the distance from the delta back to its base, and find the base. */
static apr_status_t read_ofs_base(packscan_pack_t *pack, apr_uint32_t rank, apr_off_t *at)
{
    packscan_entry_t *entry = &pack->entries[rank];
    apr_uint64_t distance = 0;
    unsigned char byte = 0x80;
    int first = 1;

    while (byte & 0x80) {
        apr_status_t status = next_byte(pack, rank, at, &byte);

        if (status != APR_SUCCESS)
            return status;
        if (distance > entry->offset) /* also prevents overflow in the shift below */
            return packscan_damaged_entry(pack, rank, "its delta base is before the pack");
        distance = ((distance + !first) << 7) | (byte & 0x7f);
        first = 0;
    }
    if (distance == 0 || distance > entry->offset)
        return packscan_damaged_entry(pack, rank, "its delta base is not before it");
    entry->base = rank_of(pack, entry->offset - distance);
    if (entry->base == PACKSCAN_NONE)
        return packscan_damaged_entry(pack, rank, "no object starts where its delta base should");
    return APR_SUCCESS;
}

/* Read the name of a base, and find it. */
static apr_status_t read_ref_base(packscan_pack_t *pack, apr_uint32_t rank, apr_off_t *at)
{
    packscan_entry_t *entry = &pack->entries[rank];
    unsigned char name[SHA1_SIZE];
    apr_uint32_t position;
    apr_uint64_t offset;
    apr_status_t status;

    if (packscan_pack_entry_end(pack, rank) - *at < SHA1_SIZE)
        return packscan_damaged_entry(pack, rank, "its header has no end");
    status = get(pack, *at, name, sizeof(name));
    if (status != APR_SUCCESS)
        return status;
    *at += SHA1_SIZE;
    smmap_cursor_release(pack->cursor);
    status = packscan_index_find(pack->index, name, &position);
    if (status != APR_SUCCESS)
        return status;
    if (position == PACKSCAN_NONE)
        return packscan_damaged_entry(pack, rank, "its delta base is not in the pack");
    status = packscan_index_offset(pack->index, position, &offset);
    if (status != APR_SUCCESS)
        return status;
    entry->base = rank_of(pack, offset);
    if (entry->base == PACKSCAN_NONE)
        return packscan_damaged_entry(pack, rank, "no object starts where its delta base should");
    return APR_SUCCESS;
}

/* Read the header of an entry. Damage is flagged; any other status is a failure. */
static apr_status_t read_header(packscan_pack_t *pack, apr_uint32_t rank)
{
    packscan_entry_t *entry = &pack->entries[rank];
    apr_off_t at = (apr_off_t)entry->offset;
    apr_uint64_t left;
    apr_status_t status = read_kind(pack, rank, &at);

    if (status == APR_SUCCESS && entry->kind == PACKSCAN_OFS_DELTA)
        status = read_ofs_base(pack, rank, &at);
    else if (status == APR_SUCCESS && entry->kind == PACKSCAN_REF_DELTA)
        status = read_ref_base(pack, rank, &at);
    if (status != APR_SUCCESS)
        return status;
    entry->header = (unsigned char)(at - (apr_off_t)entry->offset); /* at most 10 + 20 */
    left = (apr_uint64_t)(packscan_pack_entry_end(pack, rank) - at);
    if (entry->size / MAX_RATIO > left)
        return packscan_damaged_entry(pack, rank, "it says that it is larger than its data can be");
    if (entry->base != PACKSCAN_NONE)
        pack->entries[entry->base].flags |= PACKSCAN_IS_BASE;
    else
        entry->type = entry->kind;
    return APR_SUCCESS;
}

/*
 * Set depth and type of an entry and of its chain of bases. The first walk goes down to an entry
 * that is already linked; the second repeats it and stores the results. Reaching an entry of the
 * same walk again is a cycle.
 */
static void link_chain(packscan_pack_t *pack, apr_uint32_t rank)
{
    packscan_entry_t *entries = pack->entries;
    apr_uint32_t steps = 0;
    apr_uint32_t at = rank;
    apr_uint32_t depth;
    unsigned char type;
    int damaged;
    int circle;

    while ((entries[at].flags & (PACKSCAN_LINKED | PACKSCAN_VISITING)) == 0) {
        entries[at].flags |= PACKSCAN_VISITING;
        at = entries[at].base;
        steps++;
    }
    circle = (entries[at].flags & PACKSCAN_VISITING) != 0;
    damaged = circle || (entries[at].flags & PACKSCAN_DAMAGED);
    depth = damaged ? 0 : entries[at].depth + steps;
    type = entries[at].type;
    for (at = rank; steps > 0; steps--, at = entries[at].base) {
        entries[at].flags &= (unsigned char)~PACKSCAN_VISITING;
        entries[at].flags |= PACKSCAN_LINKED;
        entries[at].type = type;
        entries[at].depth = depth;
        if (circle)
            (void)packscan_damaged_entry(pack, at, "its chain of delta bases is a circle");
        else if (damaged)
            entries[at].flags |= PACKSCAN_DAMAGED; /* the cause was reported */
        else if (depth-- > PACKSCAN_MAX_DEPTH)
            (void)packscan_damaged_entry(pack, at, "its chain of delta bases is too long");
    }
}

static apr_status_t free_entries(void *data)
{
    free(data);
    return APR_SUCCESS;
}

apr_status_t packscan_pack_open(packscan_pack_t *pack, packscan_index_t *index,
                                smmap_manager_t *manager, const char *path,
                                packscan_report_t *report, apr_pool_t *pool)
{
    apr_status_t status;
    apr_uint32_t rank;

    memset(pack, 0, sizeof(*pack));
    pack->path = path;
    pack->report = report;
    pack->index = index;
    status = smmap_cursor_open(&pack->cursor, manager, path, pool);
    if (status != APR_SUCCESS)
        return packscan_failed(path, status);
    pack->size = smmap_cursor_file_size(pack->cursor);
    pack->end = pack->size - SHA1_SIZE;
    status = check_frame(pack);
    if (status != APR_SUCCESS)
        return status;
    /* calloc checks the product; the count is bounded by the size of the file. */
    pack->entries = calloc(pack->count > 0 ? pack->count : 1, sizeof(*pack->entries));
    if (pack->entries == NULL)
        return packscan_failed(path, APR_ENOMEM);
    apr_pool_cleanup_register(pool, pack->entries, free_entries, apr_pool_cleanup_null);
    smmap_cursor_release(pack->cursor);
    status = read_offsets(pack);
    if (status != APR_SUCCESS)
        return status;
    status = packscan_inflater_make(pack, pool);
    if (status == APR_SUCCESS)
        status = packscan_pack_guard(pack);
    for (rank = 0; status == APR_SUCCESS && rank < pack->count; rank++) {
        status = read_header(pack, rank);
        if (status == PACKSCAN_EDAMAGED)
            status = APR_SUCCESS;
        /* Walks over bases end at roots and damaged entries. */
        if (pack->entries[rank].base == PACKSCAN_NONE ||
            (pack->entries[rank].flags & PACKSCAN_DAMAGED))
            pack->entries[rank].flags |= PACKSCAN_LINKED;
    }
    smmap_cursor_release(pack->cursor);
    if (status == APR_SUCCESS)
        status = packscan_pack_check(pack);
    for (rank = 0; status == APR_SUCCESS && rank < pack->count; rank++)
        if ((pack->entries[rank].flags & PACKSCAN_LINKED) == 0)
            link_chain(pack, rank);
    return status;
}
