/*
 * The trace: which bytes of which files a program asks a manager for, in order.
 *
 * It is for finding out how large windows and limits should be, and for trying
 * policies of eviction on what a program really does. It can be had in two ways:
 *
 * 1. A function of the program, given in smmap_options_t, that is called for each
 *    move. Nothing is written then.
 *
 * 2. SMMAP_TRACE=PATH in the environment, for managers that were given no function.
 *    The file is made, or appended to where it is there, when a manager is created.
 *    It is written in blocks of at most 64 KiB, the last one when the manager is
 *    destroyed: a program that ends without that loses a part. Several managers and
 *    programs may write into one file: a block is written in one piece and needs no
 *    other.
 *
 *    A file that cannot be opened or written never disturbs the program: it goes on
 *    without a trace, and smmap_stats_t counts it in `trace_failures`. In programs
 *    that have more rights than who started them (set-user-ID; on Windows: elevated)
 *    the variable is ignored.
 *
 * The file is text. A line `# smmap trace 1` begins a block; each other line is
 *
 *     OFFSET LENGTH MOVE [NAME]
 *
 * MOVE is use, require or read. NAME goes to the end of the line; where there is
 * none, it is that of the line before. It is the absolute path that the cursor was
 * opened by, with each control character replaced by `?`; or, for a cursor that was
 * opened by a handle, `#DEVICE:ID`, the numbers by which the system knows the file; on
 * Windows the first is made of the number and of the name that it has for the volume.
 *
 * What counts as a move. One for each call of smmap_cursor_use(), smmap_cursor_require()
 * and smmap_cursor_read(), and of the functions of buffers that go through them; also
 * when it finds its window mapped, or in the end fails. Not reported are calls with bad
 * arguments or after the manager was destroyed; what is asked for behind the end of the
 * file as last measured; the bytes of a window that a cursor has already, when they
 * are had by smmap_cursor_at(), smmap_buffer_byte() or through a pointer; and what a forked
 * child does with the manager of its parent. With the guard smmap_buffer_byte() is a copying
 * read, and reported.
 *
 * When there is no trace, a move pays one branch for it.
 */
#ifndef SMMAP_TRACE_H
#define SMMAP_TRACE_H

#include <apr.h>

#include "smmap/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How bytes were asked for. */
typedef enum smmap_move_t {
    SMMAP_MOVE_USE = 0,     /**< what a window holds from an offset on */
    SMMAP_MOVE_REQUIRE = 1, /**< all bytes in one piece */
    SMMAP_MOVE_READ = 2     /**< a copy of the bytes */
} smmap_move_t;

/** One move. */
typedef struct smmap_trace_event_t {
    smmap_move_t move;
    /** The path of the cursor, as smmap_cursor_path() has it; NULL: it was opened by a handle.
        Lives as long as the call. */
    const char *path;
    /** A number of the file: the same for all paths and cursors by which the manager shares
        it, and for no other file of this manager. A file that the manager forgot, as no
        cursor was on it any more, gets a new one. */
    apr_uint64_t file;
    /** First byte asked for. */
    apr_off_t offset;
    /** Bytes asked for, cut at the end of the file. 0, of SMMAP_MOVE_USE alone: as many as the
        window holds. */
    apr_size_t length;
} smmap_trace_event_t;

/**
 * A function that is called before each move, by the thread that makes it.
 *
 * @param context (in) `trace_context` of smmap_options_t.
 * @param event (in) the move; lives as long as the call.
 *
 * Threads: several threads may call it at the same time; the moves of one thread come in
 * order. The library holds no lock meanwhile. The function may ask the manager for its
 * statistics; it must not move, close or destroy anything of that manager.
 * Lifetime: function and context are used until the manager is destroyed, and, where
 * another thread was in the middle of a move then, until that returns.
 */
typedef void smmap_trace_t(void *context, const smmap_trace_event_t *event);

#ifdef __cplusplus
}
#endif

#endif
