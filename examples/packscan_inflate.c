/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inflating an entry of the pack directly from the mapped windows.
 *
 * zlib reads from the mapping; when it has consumed the part of the entry in one window, the
 * cursor moves to the next. No byte of the pack is copied. While zlib has input left, its window
 * must stay pinned, so nothing else may move the pack's cursor between begin and end of an entry.
 *
 * An entry is valid if its data ends exactly at the size in its header and at the start of the
 * next entry. zlib checks the Adler-32 of its output.
 */
#define ZLIB_CONST
#include "packscan.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct packscan_inflater_t {
    z_stream stream;
    apr_uint32_t rank; /* the entry */
    apr_off_t at;      /* first byte not passed to zlib yet */
    apr_off_t end;     /* end of the entry */
    int ended;         /* zlib saw the end of the data */
} packscan_inflater_t;

static apr_status_t end_inflater(void *data)
{
    packscan_inflater_t *inflater = data;

    (void)inflateEnd(&inflater->stream);
    free(inflater);
    return APR_SUCCESS;
}

apr_status_t packscan_inflater_make(packscan_pack_t *pack, apr_pool_t *pool)
{
    packscan_inflater_t *inflater = calloc(1, sizeof(*inflater));

    if (inflater == NULL)
        return packscan_failed(pack->path, APR_ENOMEM);
    if (inflateInit(&inflater->stream) != Z_OK) {
        free(inflater);
        return packscan_failed(pack->path, APR_ENOMEM);
    }
    apr_pool_cleanup_register(pool, inflater, end_inflater, apr_pool_cleanup_null);
    pack->inflater = inflater;
    return APR_SUCCESS;
}

apr_status_t packscan_pack_guard(packscan_pack_t *pack)
{
    apr_status_t status = smmap_cursor_begin_guard(pack->cursor);

    /* Pointers cannot be guarded on Windows, where a mapped file cannot be cut either. */
    pack->guarded = status == APR_SUCCESS;
    if (pack->guarded || APR_STATUS_IS_ENOTIMPL(status) || status == APR_EINVAL)
        return APR_SUCCESS;
    return packscan_failed(pack->path, status);
}

apr_status_t packscan_pack_check(packscan_pack_t *pack)
{
    apr_status_t status = pack->guarded ? smmap_cursor_end_guard(pack->cursor) : APR_SUCCESS;

    if (status != APR_SUCCESS)
        return packscan_failed(pack->path, status);
    return pack->guarded ? packscan_pack_guard(pack) : APR_SUCCESS;
}

/*
 * Bytes of the pack in place: from `at` up to the end of their window, to `end`, or as many as
 * zlib can take.
 */
static apr_status_t bytes_at(packscan_pack_t *pack, apr_off_t at, apr_off_t end,
                             const unsigned char **bytes, unsigned int *size)
{
    apr_uint64_t most = (apr_uint64_t)(end - at);
    apr_status_t status;

    if (most > UINT_MAX)
        most = UINT_MAX;
    status = smmap_cursor_use(pack->cursor, at, (apr_size_t)most);
    if (status != APR_SUCCESS)
        return packscan_failed(pack->path, status);
    *bytes = smmap_cursor_data(pack->cursor);
    *size = (unsigned int)smmap_cursor_size(pack->cursor);
    return APR_SUCCESS;
}

apr_status_t packscan_pack_crc(packscan_pack_t *pack, apr_uint32_t rank, apr_uint32_t *crc)
{
    apr_off_t at = (apr_off_t)pack->entries[rank].offset;
    apr_off_t end = packscan_pack_entry_end(pack, rank);
    uLong sum = crc32(0, NULL, 0);

    while (at < end) {
        const unsigned char *bytes = NULL;
        unsigned int size = 0;
        apr_status_t status = bytes_at(pack, at, end, &bytes, &size);

        if (status != APR_SUCCESS)
            return status;
        sum = crc32(sum, bytes, size);
        at += (apr_off_t)size;
    }
    *crc = (apr_uint32_t)sum;
    return APR_SUCCESS;
}

apr_status_t packscan_inflate_begin(packscan_pack_t *pack, apr_uint32_t rank)
{
    packscan_inflater_t *inflater = pack->inflater;
    const packscan_entry_t *entry = &pack->entries[rank];

    if (inflateReset(&inflater->stream) != Z_OK)
        return packscan_failed(pack->path, APR_EGENERAL);
    inflater->stream.next_in = NULL;
    inflater->stream.avail_in = 0;
    inflater->rank = rank;
    inflater->at = (apr_off_t)entry->offset + entry->header;
    inflater->end = packscan_pack_entry_end(pack, rank);
    inflater->ended = 0;
    return APR_SUCCESS;
}

static apr_status_t damaged(packscan_pack_t *pack, const char *what)
{
    smmap_cursor_release(pack->cursor);
    return packscan_damaged_entry(pack, pack->inflater->rank, what);
}

/* Inflate up to `size` bytes to next_out, which is set. Each call makes progress. */
static apr_status_t step(packscan_pack_t *pack, unsigned int size, unsigned int *made)
{
    packscan_inflater_t *inflater = pack->inflater;
    z_stream *stream = &inflater->stream;
    int code;

    if (stream->avail_in == 0 && inflater->at < inflater->end) {
        const unsigned char *bytes = NULL;
        unsigned int part = 0;
        apr_status_t status = bytes_at(pack, inflater->at, inflater->end, &bytes, &part);

        if (status != APR_SUCCESS)
            return status;
        stream->next_in = bytes;
        stream->avail_in = part;
        inflater->at += (apr_off_t)part;
    }
    stream->avail_out = size;
    code = inflate(stream, Z_NO_FLUSH);
    *made = size - stream->avail_out;
    pack->inflated_bytes += *made;
    switch (code) {
    case Z_STREAM_END:
        inflater->ended = 1;
        return APR_SUCCESS;
    case Z_OK:
        return APR_SUCCESS;
    case Z_BUF_ERROR: /* no progress possible */
        if (stream->avail_in == 0 && inflater->at == inflater->end)
            return damaged(pack, "its data ends too early");
        return damaged(pack, "its data does not inflate");
    case Z_MEM_ERROR:
        return packscan_failed(pack->path, APR_ENOMEM);
    default:
        return damaged(pack, "its data does not inflate");
    }
}

apr_status_t packscan_inflate_next(packscan_pack_t *pack, void *bytes, apr_size_t size)
{
    packscan_inflater_t *inflater = pack->inflater;

    inflater->stream.next_out = bytes;
    while (size > 0) {
        unsigned int made;
        apr_status_t status;

        if (inflater->ended)
            return damaged(pack, "its data has fewer bytes than its header says");
        status = step(pack, size < UINT_MAX ? (unsigned int)size : UINT_MAX, &made);
        if (status != APR_SUCCESS)
            return status;
        size -= made;
    }
    return APR_SUCCESS;
}

apr_status_t packscan_inflate_end(packscan_pack_t *pack)
{
    packscan_inflater_t *inflater = pack->inflater;

    while (!inflater->ended) {
        unsigned char surplus;
        unsigned int made;
        apr_status_t status;

        inflater->stream.next_out = &surplus;
        status = step(pack, 1, &made);
        if (status != APR_SUCCESS)
            return status;
        if (made > 0)
            return damaged(pack, "its data has more bytes than its header says");
    }
    if (inflater->at < inflater->end || inflater->stream.avail_in > 0)
        return damaged(pack, "bytes are left over behind its data");
    smmap_cursor_release(pack->cursor);
    return APR_SUCCESS;
}

const char *packscan_zlib_version(void)
{
    return zlibVersion();
}
