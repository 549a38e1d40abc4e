/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packscan: read a git pack through small windows and verify every object in it.
 *
 * The parts, from the bottom up:
 *
 *     packscan_index.c   the .idx file: names, CRCs, offsets, search by name
 *     packscan_pack.c    the .pack file: entries, and the graph of delta bases
 *     packscan_inflate.c inflating an entry directly from the windows; the only user of zlib
 *     packscan_delta.c   git's delta format, checked and applied; no I/O
 *     packscan_cache.c   objects in memory, and a cache of them with a limit
 *     packscan_object.c  resolving, hashing and comparing each object
 *     packscan.c         the command: options, and the order of the scan
 *     packscan_print.c   the report and the list
 *
 * Both files are untrusted. Every value is checked before it is used, memory is allocated only
 * after a size has proved plausible, nothing recurses, and no unchecked number bounds a loop.
 *
 * Positions of the index ("position") follow the order of names; numbers of entries
 * ("rank") follow the order in the pack.
 */
#ifndef PACKSCAN_H
#define PACKSCAN_H

#include <apr_errno.h>
#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_time.h>
#include <smmap/smmap.h>
#include <stdio.h>

#include "sha1.h"

/** The file is damaged, and the damage was reported. */
#define PACKSCAN_EDAMAGED (APR_OS_START_USERERR + 1)

/** Not a rank or position. */
#define PACKSCAN_NONE 0xffffffffu
/** Longest chain of deltas that is followed; git writes no longer ones. */
#define PACKSCAN_MAX_DEPTH 4095

/* ---- Reporting ------------------------------------------------------------------- */

/** Counts problems. The first `print_limit` of them are also printed. */
typedef struct packscan_report_t {
    apr_uint64_t problems;    /**< problems found in the files */
    apr_uint64_t print_limit; /**< number of problems to print */
} packscan_report_t;

#if defined(__GNUC__)
#define PACKSCAN_PRINTF(text, rest) __attribute__((__format__(__printf__, text, rest)))
#else
#define PACKSCAN_PRINTF(text, rest)
#endif

/** Report damage in the file at `path`. Returns PACKSCAN_EDAMAGED. */
apr_status_t packscan_damaged(packscan_report_t *report, const char *path, const char *format, ...)
    PACKSCAN_PRINTF(3, 4);

/** Report that the file at `path` cannot be read: `status` says why, and is returned. */
apr_status_t packscan_failed(const char *path, apr_status_t status);

/* ---- The index ------------------------------------------------------------------- */

/** An .idx file of version 1 or 2. */
typedef struct packscan_index_t {
    const char *path;
    packscan_report_t *report;
    smmap_buffer_t *bytes;    /**< the whole file */
    int version;              /**< 1 or 2 */
    apr_uint32_t count;       /**< objects */
    apr_uint32_t fanout[256]; /**< objects whose name starts with this byte or a smaller one */
    apr_uint32_t large_count; /**< entries in the table of 64-bit offsets; version 2 */
    apr_off_t size;           /**< of the file */
    unsigned char pack_sha1[SHA1_SIZE]; /**< the checksum of the pack it was made for */
} packscan_index_t;

/**
 * Open an index and check its structure: sizes, fanout, order of names, checksum.
 *
 * @return APR_SUCCESS: `index` is usable, though damage may have been reported;
 *         PACKSCAN_EDAMAGED: it is not; else the status of a failure. All are reported.
 */
apr_status_t packscan_index_open(packscan_index_t *index, smmap_manager_t *manager,
                                 const char *path, packscan_report_t *report, apr_pool_t *pool);

/** The SHA-1 of the first `length` bytes of the file that a cursor is on, window by window. */
apr_status_t packscan_sha1(smmap_cursor_t *cursor, const char *path, apr_off_t length,
                           unsigned char digest[SHA1_SIZE]);

/** The name at a position. */
apr_status_t packscan_index_name(packscan_index_t *index, apr_uint32_t position,
                                 unsigned char name[SHA1_SIZE]);
/** The offset in the pack at a position; not checked against the pack. */
apr_status_t packscan_index_offset(packscan_index_t *index, apr_uint32_t position,
                                   apr_uint64_t *offset);
/** The CRC-32 of an entry; version 2 only. */
apr_status_t packscan_index_crc(packscan_index_t *index, apr_uint32_t position, apr_uint32_t *crc);
/** The position of a name, or PACKSCAN_NONE. */
apr_status_t packscan_index_find(packscan_index_t *index, const unsigned char name[SHA1_SIZE],
                                 apr_uint32_t *position);

/* ---- The pack -------------------------------------------------------------------- */

/** Kind of an entry, as encoded in its header. 5 is unused. */
typedef enum packscan_kind_t {
    PACKSCAN_BAD = 0,
    PACKSCAN_COMMIT = 1,
    PACKSCAN_TREE = 2,
    PACKSCAN_BLOB = 3,
    PACKSCAN_TAG = 4,
    PACKSCAN_OFS_DELTA = 6,
    PACKSCAN_REF_DELTA = 7
} packscan_kind_t;

#define PACKSCAN_IS_BASE 1  /**< an entry is the base of a delta */
#define PACKSCAN_DAMAGED 2  /**< it cannot be read; this was reported */
#define PACKSCAN_LINKED 4   /**< type and depth are known */
#define PACKSCAN_VISITING 8 /**< being linked right now */

/** An entry of the pack. */
typedef struct packscan_entry_t {
    apr_uint64_t offset;   /**< where its header starts */
    apr_uint64_t size;     /**< inflated size; of a delta: of the delta itself */
    apr_uint32_t position; /**< in the index */
    apr_uint32_t base;     /**< rank of the base of a delta, else PACKSCAN_NONE */
    apr_uint32_t depth;    /**< number of deltas to apply */
    unsigned char header;  /**< bytes in its header */
    unsigned char kind;    /**< packscan_kind_t of the entry */
    unsigned char type;    /**< packscan_kind_t of the object: never a delta */
    unsigned char flags;   /**< PACKSCAN_IS_BASE and so on */
} packscan_entry_t;

/** A .pack file of version 2 or 3. */
typedef struct packscan_pack_t {
    const char *path;
    packscan_report_t *report;
    packscan_index_t *index;
    smmap_cursor_t *cursor;
    int guarded;               /**< the cursor is guarded */
    apr_off_t size;            /**< of the file */
    apr_off_t end;             /**< of the last entry: where the checksum starts */
    apr_uint32_t count;        /**< entries */
    packscan_entry_t *entries; /**< by rank, so by offset */
    struct packscan_inflater_t *inflater;
    apr_uint64_t inflated_bytes; /**< output of zlib, repeated bases included */
} packscan_pack_t;

/**
 * Open a pack, check its frame and checksum, read all headers, and link deltas to bases.
 *
 * @return as packscan_index_open(); damaged entries are flagged.
 */
apr_status_t packscan_pack_open(packscan_pack_t *pack, packscan_index_t *index,
                                smmap_manager_t *manager, const char *path,
                                packscan_report_t *report, apr_pool_t *pool);

/** Guard the cursor, where the system and the manager can: after that ask packscan_pack_check(). */
apr_status_t packscan_pack_guard(packscan_pack_t *pack);

/**
 * Are the bytes that were read by pointer so far those of the file? Ask before you report what
 * follows from them: while the file is cut, or its disk fails, zeroes are in their place.
 *
 * @return APR_SUCCESS, or the status of a failure, reported.
 */
apr_status_t packscan_pack_check(packscan_pack_t *pack);

/** Flag an entry as damaged and report why. Returns PACKSCAN_EDAMAGED, or as
    packscan_pack_check(). */
apr_status_t packscan_damaged_entry(packscan_pack_t *pack, apr_uint32_t rank, const char *what);

/** Where an entry ends: where the next one starts. */
apr_off_t packscan_pack_entry_end(const packscan_pack_t *pack, apr_uint32_t rank);

/* ---- Inflating ------------------------------------------------------------------- */

/** Create the inflater; once per pack. */
apr_status_t packscan_inflater_make(packscan_pack_t *pack, apr_pool_t *pool);

/** The CRC-32 of an entry as stored in the pack. */
apr_status_t packscan_pack_crc(packscan_pack_t *pack, apr_uint32_t rank, apr_uint32_t *crc);

/** Start to inflate an entry. One entry is inflated at a time. */
apr_status_t packscan_inflate_begin(packscan_pack_t *pack, apr_uint32_t rank);
/** Inflate the next `size` bytes, in total at most the entry's size. Damage is reported. */
apr_status_t packscan_inflate_next(packscan_pack_t *pack, void *bytes, apr_size_t size);
/** After all bytes were inflated: check that the data ends here, also in the pack. */
apr_status_t packscan_inflate_end(packscan_pack_t *pack);
/** The version of zlib in use. */
const char *packscan_zlib_version(void);

/* ---- Deltas ---------------------------------------------------------------------- */

/**
 * Check a complete delta.
 *
 * @param result_size (out) size of its result; set only if the delta is valid.
 * @return NULL if it is valid for a base of `base_size` bytes; else what is wrong.
 */
const char *packscan_delta_check(const unsigned char *delta, apr_size_t size,
                                 apr_uint64_t base_size, apr_uint64_t *result_size);

/** Apply a delta that packscan_delta_check() accepted; `result` has room for its result. */
void packscan_delta_apply(const unsigned char *delta, apr_size_t size, const unsigned char *base,
                          unsigned char *result);

/* ---- Objects in memory ----------------------------------------------------------- */

/** Reference-counted bytes in memory. */
typedef struct packscan_blob_t {
    apr_size_t size;
    unsigned int users;
    unsigned char data[]; /**< `size` bytes */
} packscan_blob_t;

/** A new blob with one user, not initialized; NULL if out of memory. */
packscan_blob_t *packscan_blob_make(apr_size_t size);
/** Drop a reference; the last one frees the blob. NULL is ignored. */
void packscan_blob_drop(packscan_blob_t *blob);

/** A node of the cache. */
typedef struct packscan_node_t {
    apr_uint32_t rank;
    packscan_blob_t *blob;
    struct packscan_node_t *newer;
    struct packscan_node_t *older;
} packscan_node_t;

/** Delta bases, in least-recently-used order. */
typedef struct packscan_cache_t {
    apr_hash_t *nodes; /**< by rank */
    packscan_node_t *newest;
    packscan_node_t *oldest;
    apr_size_t bytes; /**< in it now */
    apr_size_t peak_bytes;
    apr_size_t max_bytes;
    apr_uint64_t hits;
    apr_uint64_t misses;
} packscan_cache_t;

void packscan_cache_init(packscan_cache_t *cache, apr_size_t max_bytes, apr_pool_t *pool);
/** A new reference to the blob of a rank, or NULL. */
packscan_blob_t *packscan_cache_get(packscan_cache_t *cache, apr_uint32_t rank);
/** Add a blob if it fits; the cache takes its own reference. */
void packscan_cache_put(packscan_cache_t *cache, apr_uint32_t rank, packscan_blob_t *blob);
void packscan_cache_clear(packscan_cache_t *cache);

/* ---- Verifying ------------------------------------------------------------------- */

/** A scan and its counters. */
typedef struct packscan_scan_t {
    packscan_pack_t *pack;
    packscan_index_t *index;
    packscan_report_t *report;
    packscan_cache_t cache;
    apr_size_t max_object;     /**< maximum size of a delta, its base or its result */
    apr_uint64_t verified;     /**< objects whose SHA-1 is their name */
    apr_uint64_t mismatches;   /**< objects whose SHA-1 is not */
    apr_uint64_t unverified;   /**< objects that could not be built */
    apr_uint64_t object_bytes; /**< in the verified objects */
} packscan_scan_t;

/** A name in hexadecimal. */
void packscan_name_text(const unsigned char name[SHA1_SIZE], char text[2 * SHA1_SIZE + 1]);

/** The word that git uses for an object type: "blob". */
const char *packscan_type_name(int type);

/**
 * Build the object of an entry, and compare its SHA-1 with its name in the index.
 *
 * @return APR_SUCCESS, also for a damaged object, which is reported and counted; else the
 *         status of a failure, reported, which ends the scan.
 */
apr_status_t packscan_verify(packscan_scan_t *scan, apr_uint32_t rank);

/* ---- Printing -------------------------------------------------------------------- */

/** Print what `git verify-pack -v` prints, to standard output. */
apr_status_t packscan_print_list(packscan_scan_t *scan);
/** Print results and the manager's statistics. Returns 1 if its limit held. */
int packscan_print_report(const packscan_scan_t *scan, smmap_manager_t *manager, FILE *out,
                          apr_interval_time_t time);
/** Flush standard output. Returns `code`, or 2 if writing failed. */
int packscan_flush(int code);

#endif
