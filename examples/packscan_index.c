/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index of a pack: the offset of each object, by name.
 *
 * Version 2 is a header, a fanout table of 256 counts, and tables of names, CRCs and offsets. An
 * offset with the top bit set is an index into a last table, of 64-bit offsets. Version 1 is the
 * fanout and records of offset and name. Both end with the pack's checksum and their own.
 *
 * All reads go through one smmap buffer, since a name may cross a window boundary. The window is
 * released after each read: index and pack share one manager, and a limit of a single window
 * then suffices for both.
 *
 * After a successful open, the file size matches the number of objects exactly, so all parts of
 * each position below `count` are inside the file. Names and offsets are checked where they are
 * used.
 */
#include "packscan.h"

#include <string.h>

#define FANOUT_SIZE 1024
#define V2_HEADER_SIZE 8

static apr_uint32_t get32(const unsigned char *bytes)
{
    return (apr_uint32_t)bytes[0] << 24 | (apr_uint32_t)bytes[1] << 16 |
           (apr_uint32_t)bytes[2] << 8 | (apr_uint32_t)bytes[3];
}

/* Copy `size` bytes at `at`, which are inside the file. */
static apr_status_t get(packscan_index_t *index, apr_off_t at, void *bytes, apr_size_t size)
{
    apr_size_t got = 0;
    apr_status_t status = smmap_buffer_read(index->bytes, at, bytes, size, &got);

    if (status == APR_SUCCESS && got < size)
        status = APR_EOF;
    smmap_cursor_release(smmap_buffer_cursor(index->bytes));
    return status == APR_SUCCESS ? status : packscan_failed(index->path, status);
}

/* The start of the tables: what follows the fanout. */
static apr_off_t tables_begin(const packscan_index_t *index)
{
    return index->version == 1 ? FANOUT_SIZE : V2_HEADER_SIZE + FANOUT_SIZE;
}

/* The start of the table after tables with `before` bytes per object in all. */
static apr_off_t column(const packscan_index_t *index, int before)
{
    return tables_begin(index) + (apr_off_t)index->count * before;
}

apr_status_t packscan_index_name(packscan_index_t *index, apr_uint32_t position,
                                 unsigned char name[SHA1_SIZE])
{
    apr_off_t at = index->version == 1 ? FANOUT_SIZE + (apr_off_t)position * 24 + 4
                                       : column(index, 0) + (apr_off_t)position * SHA1_SIZE;

    return get(index, at, name, SHA1_SIZE);
}

apr_status_t packscan_index_crc(packscan_index_t *index, apr_uint32_t position, apr_uint32_t *crc)
{
    unsigned char bytes[4];
    apr_status_t status = get(index, column(index, 20) + (apr_off_t)position * 4, bytes, 4);

    if (status == APR_SUCCESS)
        *crc = get32(bytes);
    return status;
}

apr_status_t packscan_index_offset(packscan_index_t *index, apr_uint32_t position,
                                   apr_uint64_t *offset)
{
    unsigned char bytes[8];
    apr_uint32_t word;
    apr_off_t at = index->version == 1 ? FANOUT_SIZE + (apr_off_t)position * 24
                                       : column(index, 24) + (apr_off_t)position * 4;
    apr_status_t status = get(index, at, bytes, 4);

    if (status != APR_SUCCESS)
        return status;
    word = get32(bytes);
    if (index->version == 1 || (word & 0x80000000u) == 0) {
        *offset = word;
        return APR_SUCCESS;
    }
    word &= 0x7fffffffu;
    if (word >= index->large_count) {
        *offset = ~(apr_uint64_t)0; /* rejected later, as outside the pack */
        return packscan_damaged(index->report, index->path,
                                "object %lu points behind the table of 64-bit offsets",
                                (unsigned long)position);
    }
    status = get(index, column(index, 28) + (apr_off_t)word * 8, bytes, 8);
    if (status == APR_SUCCESS)
        *offset = (apr_uint64_t)get32(bytes) << 32 | get32(bytes + 4);
    return status;
}

apr_status_t packscan_index_find(packscan_index_t *index, const unsigned char name[SHA1_SIZE],
                                 apr_uint32_t *position)
{
    apr_uint32_t low = name[0] == 0 ? 0 : index->fanout[name[0] - 1];
    apr_uint32_t high = index->fanout[name[0]];

    while (low < high) {
        apr_uint32_t middle = low + (high - low) / 2;
        unsigned char found[SHA1_SIZE];
        apr_status_t status = packscan_index_name(index, middle, found);
        int order;

        if (status != APR_SUCCESS)
            return status;
        order = memcmp(found, name, SHA1_SIZE);
        if (order == 0) {
            *position = middle;
            return APR_SUCCESS;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *position = PACKSCAN_NONE;
    return APR_SUCCESS;
}

apr_status_t packscan_sha1(smmap_cursor_t *cursor, const char *path, apr_off_t length,
                           unsigned char digest[SHA1_SIZE])
{
    apr_status_t guarded = smmap_cursor_begin_guard(cursor);
    apr_status_t status;
    apr_off_t at = 0;
    sha1_t sha1;

    sha1_init(&sha1);
    while (at < length) {
        apr_size_t size;

        status = smmap_cursor_use(cursor, at, 0);
        if (status != APR_SUCCESS)
            return packscan_failed(path, status);
        size = smmap_cursor_size(cursor);
        if ((apr_uint64_t)size > (apr_uint64_t)(length - at))
            size = (apr_size_t)(length - at);
        sha1_update(&sha1, smmap_cursor_data(cursor), size);
        at += (apr_off_t)size;
    }
    status = guarded == APR_SUCCESS ? smmap_cursor_end_guard(cursor) : APR_SUCCESS;
    if (status != APR_SUCCESS)
        return packscan_failed(path, status);
    smmap_cursor_release(cursor);
    sha1_final(&sha1, digest);
    return APR_SUCCESS;
}

/* Detect the version, and read the fanout and the count. */
static apr_status_t read_head(packscan_index_t *index)
{
    unsigned char head[V2_HEADER_SIZE];
    unsigned char fanout[FANOUT_SIZE];
    apr_status_t status;
    int i;

    if (index->size < FANOUT_SIZE + 2 * SHA1_SIZE)
        return packscan_damaged(index->report, index->path, "too short for an index");
    status = get(index, 0, head, sizeof(head));
    if (status != APR_SUCCESS)
        return status;
    index->version = 1;
    if (memcmp(head, "\377tOc", 4) == 0) {
        if (get32(head + 4) != 2)
            return packscan_damaged(index->report, index->path,
                                    "version %lu of the index format is not supported",
                                    (unsigned long)get32(head + 4));
        index->version = 2;
        if (index->size < V2_HEADER_SIZE + FANOUT_SIZE + 2 * SHA1_SIZE)
            return packscan_damaged(index->report, index->path, "too short for an index");
    }
    status = get(index, tables_begin(index) - FANOUT_SIZE, fanout, sizeof(fanout));
    if (status != APR_SUCCESS)
        return status;
    for (i = 0; i < 256; i++) {
        index->fanout[i] = get32(fanout + 4 * i);
        if (i > 0 && index->fanout[i] < index->fanout[i - 1])
            return packscan_damaged(index->report, index->path,
                                    "not an index, or its fanout table is damaged");
    }
    index->count = index->fanout[255];
    return APR_SUCCESS;
}

/* Check that the file size matches the number of objects exactly. */
static apr_status_t check_size(packscan_index_t *index)
{
    apr_off_t per_object = index->version == 1 ? 24 : 28;
    apr_off_t rest =
        index->size - tables_begin(index) - 2 * SHA1_SIZE - (apr_off_t)index->count * per_object;

    index->large_count = 0;
    if (index->version == 2 && rest > 0 && rest % 8 == 0 && rest / 8 <= (apr_off_t)index->count) {
        index->large_count = (apr_uint32_t)(rest / 8);
        rest = 0;
    }
    if (rest != 0)
        return packscan_damaged(index->report, index->path,
                                "its size does not fit to %lu objects (an index with SHA-256 "
                                "names is not supported)",
                                (unsigned long)index->count);
    return APR_SUCCESS;
}

/* Check that names ascend and match the fanout. */
static apr_status_t check_names(packscan_index_t *index)
{
    unsigned char name[SHA1_SIZE];
    unsigned char last[SHA1_SIZE];
    apr_uint32_t position;

    for (position = 0; position < index->count; position++) {
        apr_status_t status = packscan_index_name(index, position, name);

        if (status != APR_SUCCESS)
            return status;
        if (position > 0 && memcmp(last, name, SHA1_SIZE) >= 0)
            return packscan_damaged(index->report, index->path,
                                    "names %lu and %lu are the same, or not in order",
                                    (unsigned long)position - 1, (unsigned long)position);
        if (position >= index->fanout[name[0]] ||
            (name[0] > 0 && position < index->fanout[name[0] - 1]))
            return packscan_damaged(index->report, index->path,
                                    "name %lu is not where the fanout table has it",
                                    (unsigned long)position);
        memcpy(last, name, SHA1_SIZE);
    }
    return APR_SUCCESS;
}

/* Check the index's own checksum, and read the pack's. */
static apr_status_t check_checksum(packscan_index_t *index)
{
    unsigned char digest[SHA1_SIZE];
    unsigned char stored[2 * SHA1_SIZE];
    apr_status_t status = get(index, index->size - 2 * SHA1_SIZE, stored, sizeof(stored));

    if (status != APR_SUCCESS)
        return status;
    memcpy(index->pack_sha1, stored, SHA1_SIZE);
    status = packscan_sha1(smmap_buffer_cursor(index->bytes), index->path, index->size - SHA1_SIZE,
                           digest);
    if (status != APR_SUCCESS)
        return status;
    if (memcmp(digest, stored + SHA1_SIZE, SHA1_SIZE) != 0)
        return packscan_damaged(index->report, index->path, "its checksum does not match");
    return APR_SUCCESS;
}

apr_status_t packscan_index_open(packscan_index_t *index, smmap_manager_t *manager,
                                 const char *path, packscan_report_t *report, apr_pool_t *pool)
{
    smmap_cursor_t *cursor;
    apr_status_t status;

    memset(index, 0, sizeof(*index));
    index->path = path;
    index->report = report;
    status = smmap_cursor_open(&cursor, manager, path, pool);
    if (status != APR_SUCCESS)
        return packscan_failed(path, status);
    index->size = smmap_cursor_file_size(cursor);
    if (index->size == 0) /* a buffer needs at least one byte */
        return packscan_damaged(report, path, "the file is empty");
    status = smmap_buffer_create(&index->bytes, cursor, 0, SMMAP_TO_END, pool);
    smmap_cursor_close(cursor);
    if (status != APR_SUCCESS)
        return packscan_failed(path, status);

    status = read_head(index);
    if (status == APR_SUCCESS)
        status = check_size(index);
    if (status != APR_SUCCESS)
        return status;
    /* Damage found from here on does not prevent checking the objects. */
    status = check_names(index);
    if (status == APR_SUCCESS || status == PACKSCAN_EDAMAGED)
        status = check_checksum(index);
    return status == PACKSCAN_EDAMAGED ? APR_SUCCESS : status;
}
