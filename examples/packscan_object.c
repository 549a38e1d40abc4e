/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building objects, hashing them, and comparing them with their names.
 *
 * An object that is not a delta streams through a small buffer into SHA-1, so its size does not
 * matter. A delta needs its base and its result in memory, at most max_object bytes each. Chains
 * are followed iteratively: from the object down to a base that is cached or not a delta, then
 * back up, one delta at a time. Besides the cache, at most one delta, its base and its result are
 * in memory. The graph has no cycles and no chain longer than the list: see packscan_pack.c.
 *
 * A damaged or too large entry is reported and flagged. Deltas based on it are flagged and
 * counted, but not reported: one cause, one line.
 */
#include "packscan.h"

#include <apr_strings.h>
#include <string.h>

#define PIECE_SIZE 32768

const char *packscan_type_name(int type)
{
    switch (type) {
    case PACKSCAN_COMMIT:
        return "commit";
    case PACKSCAN_TREE:
        return "tree";
    case PACKSCAN_BLOB:
        return "blob";
    case PACKSCAN_TAG:
        return "tag";
    default:
        return "unknown";
    }
}

/* An object needs more memory than --max-object allows. */
static apr_status_t too_large(packscan_scan_t *scan, apr_uint32_t rank, apr_uint64_t size)
{
    return packscan_damaged(scan->report, scan->pack->path,
                            "object at offset %" APR_UINT64_T_FMT ": %" APR_UINT64_T_FMT
                            " bytes are needed in memory, --max-object allows fewer",
                            scan->pack->entries[rank].offset, size);
}

/* Inflate the data of an entry, an object or a delta, into memory. */
static apr_status_t load(packscan_scan_t *scan, apr_uint32_t rank, packscan_blob_t **blob)
{
    apr_uint64_t size = scan->pack->entries[rank].size;
    packscan_blob_t *made;
    apr_status_t status;

    if (size > scan->max_object)
        return too_large(scan, rank, size);
    made = packscan_blob_make((apr_size_t)size);
    if (made == NULL)
        return packscan_failed(scan->pack->path, APR_ENOMEM);
    status = packscan_inflate_begin(scan->pack, rank);
    if (status == APR_SUCCESS)
        status = packscan_inflate_next(scan->pack, made->data, made->size);
    if (status == APR_SUCCESS)
        status = packscan_inflate_end(scan->pack);
    if (status != APR_SUCCESS) {
        packscan_blob_drop(made);
        return status;
    }
    *blob = made;
    return APR_SUCCESS;
}

/* Build the object of a delta from its base. */
static apr_status_t apply(packscan_scan_t *scan, apr_uint32_t rank, const packscan_blob_t *base,
                          packscan_blob_t **result)
{
    packscan_blob_t *delta;
    packscan_blob_t *made = NULL;
    apr_uint64_t size = 0;
    const char *problem;
    apr_status_t status = load(scan, rank, &delta);

    if (status != APR_SUCCESS)
        return status;
    problem = packscan_delta_check(delta->data, delta->size, base->size, &size);
    if (problem != NULL)
        status = packscan_damaged_entry(scan->pack, rank, problem);
    else if (size > scan->max_object)
        status = too_large(scan, rank, size);
    else if ((made = packscan_blob_make((apr_size_t)size)) == NULL)
        status = packscan_failed(scan->pack->path, APR_ENOMEM);
    else
        packscan_delta_apply(delta->data, delta->size, base->data, made->data);
    packscan_blob_drop(delta);
    if (status == APR_SUCCESS)
        *result = made;
    return status;
}

/* Cache an object for the deltas based on it. */
static void keep(packscan_scan_t *scan, apr_uint32_t rank, packscan_blob_t *blob)
{
    if (scan->pack->entries[rank].flags & PACKSCAN_IS_BASE)
        packscan_cache_put(&scan->cache, rank, blob);
}

/* Build the object of an entry in memory. */
static apr_status_t resolve(packscan_scan_t *scan, apr_uint32_t rank, packscan_blob_t **blob)
{
    packscan_entry_t *entries = scan->pack->entries;
    apr_uint32_t chain[PACKSCAN_MAX_DEPTH];
    apr_size_t length = 0;
    apr_uint32_t at = rank;
    packscan_blob_t *object = NULL;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS) {
        if (entries[at].flags & PACKSCAN_DAMAGED) {
            status = PACKSCAN_EDAMAGED;
            break;
        }
        if (entries[at].flags & PACKSCAN_IS_BASE) /* only bases are cached */
            object = packscan_cache_get(&scan->cache, at);
        if (object != NULL)
            break;
        if (entries[at].base == PACKSCAN_NONE) {
            status = load(scan, at, &object);
            if (status == APR_SUCCESS)
                keep(scan, at, object);
            break;
        }
        if (length == PACKSCAN_MAX_DEPTH) /* cannot happen after linking */
            status = packscan_damaged_entry(scan->pack, rank, "its chain is too long");
        else
            chain[length++] = at;
        at = entries[at].base;
    }
    while (status == APR_SUCCESS && length > 0) {
        packscan_blob_t *result = NULL;

        at = chain[--length];
        status = apply(scan, at, object, &result);
        packscan_blob_drop(object);
        object = result;
        if (status == APR_SUCCESS)
            keep(scan, at, object);
    }
    if (status == APR_SUCCESS)
        *blob = object;
    else if (status == PACKSCAN_EDAMAGED)
        entries[rank].flags |= PACKSCAN_DAMAGED; /* the cause was reported */
    return status;
}

/* Hash an object that is not a delta while inflating it. */
static apr_status_t hash_stream(packscan_scan_t *scan, apr_uint32_t rank, sha1_t *sha1)
{
    unsigned char piece[PIECE_SIZE];
    apr_uint64_t left = scan->pack->entries[rank].size;
    apr_status_t status = packscan_inflate_begin(scan->pack, rank);

    while (status == APR_SUCCESS && left > 0) {
        apr_size_t part = left < PIECE_SIZE ? (apr_size_t)left : PIECE_SIZE;

        status = packscan_inflate_next(scan->pack, piece, part);
        if (status == APR_SUCCESS)
            sha1_update(sha1, piece, part);
        left -= part;
    }
    return status == APR_SUCCESS ? packscan_inflate_end(scan->pack) : status;
}

/* A name is the SHA-1 of "type size", a zero byte, and the data. */
static void hash_begin(sha1_t *sha1, int type, apr_uint64_t size)
{
    char head[40];
    int length =
        apr_snprintf(head, sizeof(head), "%s %" APR_UINT64_T_FMT, packscan_type_name(type), size);

    sha1_init(sha1);
    sha1_update(sha1, head, (apr_size_t)length + 1);
}

/* The SHA-1 and the size of the object of an entry. */
static apr_status_t hash_object(packscan_scan_t *scan, apr_uint32_t rank,
                                unsigned char digest[SHA1_SIZE], apr_uint64_t *size)
{
    const packscan_entry_t *entry = &scan->pack->entries[rank];
    sha1_t sha1;
    apr_status_t status;

    if (entry->base == PACKSCAN_NONE &&
        (!(entry->flags & PACKSCAN_IS_BASE) || entry->size > scan->cache.max_bytes / 8 ||
         entry->size > scan->max_object)) {
        *size = entry->size;
        hash_begin(&sha1, entry->type, *size);
        status = hash_stream(scan, rank, &sha1);
    } else {
        packscan_blob_t *blob;

        status = resolve(scan, rank, &blob);
        if (status == APR_SUCCESS) {
            *size = blob->size;
            hash_begin(&sha1, entry->type, *size);
            sha1_update(&sha1, blob->data, blob->size);
            packscan_blob_drop(blob);
        }
    }
    if (status == APR_SUCCESS)
        sha1_final(&sha1, digest);
    return status;
}

/* Compare an entry with its CRC-32 in the index. A difference is only reported. */
static apr_status_t check_crc(packscan_scan_t *scan, apr_uint32_t rank)
{
    const packscan_entry_t *entry = &scan->pack->entries[rank];
    apr_uint32_t expected;
    apr_uint32_t crc;
    apr_status_t status = packscan_index_crc(scan->index, entry->position, &expected);

    if (status == APR_SUCCESS)
        status = packscan_pack_crc(scan->pack, rank, &crc);
    if (status == APR_SUCCESS && crc != expected)
        status = packscan_pack_check(scan->pack);
    if (status == APR_SUCCESS && crc != expected)
        (void)packscan_damaged(scan->report, scan->pack->path,
                               "object at offset %" APR_UINT64_T_FMT
                               ": its CRC-32 is not the one in the index",
                               entry->offset);
    return status;
}

static void report_mismatch(packscan_scan_t *scan, apr_uint32_t rank,
                            const unsigned char name[SHA1_SIZE],
                            const unsigned char digest[SHA1_SIZE])
{
    char name_text[2 * SHA1_SIZE + 1];
    char digest_text[2 * SHA1_SIZE + 1];

    packscan_name_text(name, name_text);
    packscan_name_text(digest, digest_text);
    (void)packscan_damaged(scan->report, scan->pack->path,
                           "object at offset %" APR_UINT64_T_FMT
                           ": its SHA-1 is %s, its name in the index is %s",
                           scan->pack->entries[rank].offset, digest_text, name_text);
    scan->mismatches++;
}

void packscan_name_text(const unsigned char name[SHA1_SIZE], char text[2 * SHA1_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    int i;

    for (i = 0; i < SHA1_SIZE; i++) {
        text[2 * i] = digits[name[i] >> 4];
        text[2 * i + 1] = digits[name[i] & 15];
    }
    text[2 * SHA1_SIZE] = '\0';
}

apr_status_t packscan_verify(packscan_scan_t *scan, apr_uint32_t rank)
{
    const packscan_entry_t *entry = &scan->pack->entries[rank];
    unsigned char name[SHA1_SIZE];
    unsigned char digest[SHA1_SIZE];
    apr_uint64_t size = 0;
    apr_status_t status;

    smmap_cursor_release(scan->pack->cursor);
    status = packscan_index_name(scan->index, entry->position, name);
    if (status == APR_SUCCESS && scan->index->version == 2)
        status = check_crc(scan, rank);
    if (status != APR_SUCCESS)
        return status;
    if (entry->flags & PACKSCAN_DAMAGED)
        status = PACKSCAN_EDAMAGED;
    else
        status = hash_object(scan, rank, digest, &size);
    if (status == APR_SUCCESS)
        status = packscan_pack_check(scan->pack);
    if (status == PACKSCAN_EDAMAGED) {
        scan->unverified++;
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS)
        return status;
    if (memcmp(name, digest, SHA1_SIZE) != 0) {
        report_mismatch(scan, rank, name, digest);
        return APR_SUCCESS;
    }
    scan->verified++;
    scan->object_bytes += size;
    return APR_SUCCESS;
}
