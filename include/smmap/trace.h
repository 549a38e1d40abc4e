/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trace: which bytes of which files a program accesses through a manager, in order.
 *
 * Use it to choose window sizes and limits, or to evaluate eviction policies on a real
 * workload. There are two ways to get one:
 *
 * 1. A callback in smmap_options_t, called for each move. Nothing is written.
 *
 * 2. SMMAP_TRACE=PATH in the environment, for managers without a callback. Creating a manager
 *    creates the file or opens it for appending; it must be a regular file. It is written in
 *    blocks of at most 64 KiB; the last block is written when the manager is destroyed, and is
 *    lost if the program ends before. smmap_manager_stats() writes what is pending, too.
 *    Several managers and programs may write to one file: a block is written in one piece and
 *    does not depend on any other.
 *
 *    If the file cannot be opened or written, the program continues without a trace and without
 *    a signal (a FIFO, RLIMIT_FSIZE), and `trace_failures` in smmap_stats_t counts it. To learn
 *    of a failure of the last block, call smmap_manager_stats() after the last move, before the
 *    manager is destroyed; an error that the system reports only when the file is closed (some
 *    network file systems) is not reported. Programs that run with more privileges than their
 *    user (set-user-ID; on Windows: elevated) ignore the variable.
 *
 * The file is text. A line `# smmap trace 1` starts a block; every other line is
 *
 *     OFFSET LENGTH MOVE [NAME]
 *
 * MOVE is use, require or read. NAME extends to the end of the line; if it is missing, it is
 * that of the line before. It is the absolute path that the cursor was opened by, with each
 * control character replaced by `?`. For a cursor opened by handle it is `#DEVICE:ID`, the
 * system's numbers for the file; on Windows, DEVICE is derived from the serial number and the
 * name of the volume.
 *
 * Each call of smmap_cursor_use(), smmap_cursor_require() and smmap_cursor_read() is a move, as
 * is each call of a buffer function that goes through them, whether it hits, misses or fails.
 * Not reported are: calls with invalid arguments or after the manager was destroyed; accesses
 * past the last measured end of the file; bytes of the pinned window read by
 * smmap_cursor_at(), smmap_buffer_byte() or a pointer; and, to SMMAP_TRACE, calls of a forked
 * child on the manager of its parent. With the guard smmap_buffer_byte() is a copying read, and
 * reported.
 *
 * Without a trace, a move costs one extra branch.
 */
#ifndef SMMAP_TRACE_H
#define SMMAP_TRACE_H

#include <apr.h>

#include "smmap/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The kind of a move. */
typedef enum smmap_move_t {
    SMMAP_MOVE_USE = 0,     /**< smmap_cursor_use() */
    SMMAP_MOVE_REQUIRE = 1, /**< smmap_cursor_require() */
    SMMAP_MOVE_READ = 2     /**< smmap_cursor_read() */
} smmap_move_t;

/** One move. */
typedef struct smmap_trace_event_t {
    smmap_move_t move; /**< which function it is */
    /** smmap_cursor_path() of the cursor; NULL: it was opened by handle. Valid during the call. */
    const char *path;
    /** Identifies the file within this manager, whichever path or cursor it was reached by. A
        file that the manager forgot, after its last cursor was closed, gets a new number. */
    apr_uint64_t file;
    /** Offset of the first byte requested. */
    apr_off_t offset;
    /** Bytes requested, cut at the end of the file. 0 (SMMAP_MOVE_USE only): as many as the
        window holds. */
    apr_size_t length;
} smmap_trace_event_t;

/**
 * Trace callback, called before each move by the thread that makes it.
 *
 * @param context (in) `trace_context` of smmap_options_t.
 * @param event (in) the move; valid during the call.
 *
 * Threads: several threads may call it at the same time; the moves of one thread arrive in
 * order. The library holds no lock during the call. The callback may read the manager's
 * statistics, but must not move, close or destroy any object of that manager.
 * Lifetime: callback and context are used until the manager is destroyed or, if another
 * thread is then in the middle of a move, until that move returns.
 */
typedef void smmap_trace_t(void *context, const smmap_trace_event_t *event);

#ifdef __cplusplus
}
#endif

#endif
