/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading ahead: many ranges of many files at once, and reads that never wait.
 *
 * Touching memory that is not there yet reads one piece from disk after the other, and a disk or
 * a server that could answer many requests at a time waits in between. smmap_manager_fetch() asks
 * for all of them at once, in other threads. It only brings bytes into the system's file cache:
 * nothing is mapped, no limit of memory counts, and what you read later is the same. Each thread
 * has a file open while it reads, which counts toward smmap_options_t::max_open_files.
 */
#ifndef SMMAP_FETCH_H
#define SMMAP_FETCH_H

#include <apr_time.h>

#include "smmap/cursor.h"
#include "smmap/manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A range of the file that a cursor is on. */
typedef struct smmap_range_t {
    smmap_cursor_t *cursor; /**< names the file; where it stands does not matter */
    apr_off_t offset;       /**< in bytes, 0 or more */
    apr_off_t length; /**< in bytes, 0 or more; what is beyond the end of the file is ignored */
} smmap_range_t;

/**
 * Called once for each smmap_manager_fetch() that took what it was asked for, when all of that was
 * read or given up: in any thread, possibly before the call has returned. It may call the library,
 * also to fetch and wait, but not destroy the manager, nor end its thread; other fetches go on
 * meanwhile, in another thread. In a child of fork() it is not called for what the parent fetches; the child may fetch
 * anew.
 *
 * It may come after the manager was destroyed, which does not wait for a read that is under way: so
 * what `context` points to must be there until it has come. Destroying does wait for one that
 * has begun: hold no lock then that it takes.
 *
 * @param context (in) as passed to smmap_manager_fetch().
 * @param status (in) APR_SUCCESS; SMMAP_ECLOSED: the manager was destroyed before; otherwise the
 *        first status with which the system refused to read.
 */
typedef void smmap_fetched_t(void *context, apr_status_t status);

/** Wait until all was read: a value for `wait` of smmap_manager_fetch(). */
#define SMMAP_FETCH_WAIT (-1)

/**
 * Bring ranges into memory that are about to be read.
 *
 * What is in memory already is left out. It is looked for in this call, whatever `wait` is, and for
 * each range by itself: that takes 15 to 20 us for each MiB that is there. Where the system does
 * not tell (Linux before 6.5, other systems, files of other users), it is asked for all the same,
 * which costs little. The rest is cut into pieces of 1 MiB at most, sorted by file and offset, and
 * read by the manager's threads (smmap_options_t::fetch_threads), several at a time. These run
 * while there is something to read, and end then; when reads hang in all of them, other fetches
 * wait. While all ranges are found in memory, and you neither wait nor pass `done`, only one of 64
 * is looked at. Holes of a sparse file are read, too: leave them out.
 *
 * When a cursor is closed, or another one is assigned to it, what it asked for and was not begun is
 * given up; `done` is told APR_SUCCESS.
 *
 * @param manager (in) the manager of all the cursors.
 * @param ranges (in) what to read; copied. May be NULL if count is 0.
 * @param count (in) number of ranges.
 * @param wait (in) 0: return at once; SMMAP_FETCH_WAIT: when all was read; otherwise after that
 *        many microseconds, and what `done` takes, which may be called in this thread.
 * @param done (in) called when all was read; NULL: nobody.
 * @param context (in) passed to `done`.
 * @return APR_SUCCESS: it is being read or, if you wait, was read;
 *         SMMAP_EWOULDBLOCK: the time is over, and the reading goes on. With the other statuses
 *         nothing was taken, and `done` is not called:
 *         APR_EINVAL: manager or a cursor is NULL, a cursor is of another manager, ranges is NULL
 *         but count is not 0, an offset or length is negative, or wait is below
 *         SMMAP_FETCH_WAIT;
 *         SMMAP_ETOOLARGE: more than 65,536 pieces would be waiting to be read: fetch less;
 *         SMMAP_ECLOSED: the manager was destroyed;
 *         APR_EAGAIN: the system has no thread for it; APR_ENOMEM.
 *         If you wait, and a range could not be read, also what `done` is told.
 * Threads: any thread may call it; nobody else may use the cursors during the call.
 */
SMMAP_API apr_status_t smmap_manager_fetch(smmap_manager_t *manager, const smmap_range_t *ranges,
                                           apr_size_t count, apr_interval_time_t wait,
                                           smmap_fetched_t *done, void *context);

/**
 * Copy bytes that are in memory, and never wait for a disk or a server: for event loops.
 *
 * Where the system can (Linux, most local file systems), they are read from the file's handle, past
 * the windows. Elsewhere they are copied from windows that are mapped, by smmap_cursor_use() of any
 * thread, this cursor's first one among them, once the system has said that they are in memory. If
 * it takes them away in that moment, the copy waits; with the strict guard, and with any guard where
 * a page ends in a zero, it answers SMMAP_EWOULDBLOCK at all times. Without a guard, what was cut
 * off may be read as zeroes there, as by a pointer. Windows of memory (files that cannot be mapped)
 * are copied in any case.
 *
 * @param cursor (in) the cursor. It may move, as by smmap_cursor_try_use().
 * @param offset (in) offset in the file, in bytes, 0 or more.
 * @param destination (out) room for `size` bytes; may be NULL if size is 0.
 * @param size (in) bytes wanted, 0 or more.
 * @param got (out) bytes copied, from the first on. May be NULL.
 * @return APR_SUCCESS: all bytes, or all up to the end of the file;
 *         SMMAP_EWOULDBLOCK: the rest is not in memory, or may not be: fetch it and try once
 *         more, then read it in another thread;
 *         APR_EINVAL: cursor is NULL, offset is negative, or destination is NULL but size is not
 *         0; APR_EOF: offset is at or beyond the end of the file, and size is not 0;
 *         SMMAP_ETRUNCATED: the file was cut, see smmap_cursor_refresh(); SMMAP_ECLOSED;
 *         APR_ENOTIMPL: the system does not tell you what is in memory (Linux before 6.5, files of
 *         other users); otherwise a status of the system.
 * Threads: as smmap_cursor_read(): one thread at a time uses a cursor.
 */
SMMAP_API apr_status_t smmap_cursor_read_nowait(smmap_cursor_t *cursor, apr_off_t offset,
                                                void *destination, apr_size_t size,
                                                apr_size_t *got);

#ifdef __cplusplus
}
#endif

#endif
