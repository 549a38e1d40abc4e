/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cursors: how they come to a window and leave it, and all that is asked on the way.
 *
 *   manager_ref.c  the manager's references; the last one frees it
 *   open.c         the file of a path or handle
 *   query.c        accessors
 *   trace.c        reporting moves
 *   pin_origin.c   paranoid mode: access to windows, and where they were taken
 *   fault.c        guarded cursors: is the file still as long as the window?
 *   advise.c       hints and advice
 *   fetch_queue.c  what is to be read ahead
 *   fetch_thread.c reading it
 *   fetch.c        reading ahead many ranges at once
 *   miss.c         mapping a window that is not mapped
 *   attempt.c      what is asked for, and less when that is refused
 *   move.c         moves: lockless, with the lock, by mapping
 *   hit.c          the move that is asked most, in as few instructions as it can be
 *   cursor.c       opening, copying and closing cursors
 */
#ifndef SMMAP_CORE_CURSOR_CURSOR_H
#define SMMAP_CORE_CURSOR_CURSOR_H

#include "core/region/region.h"

/* manager_ref.c */

/** Free a manager that nobody refers to; all that it has may be half made. */
void smmap__manager_free(smmap_manager_t *manager);
/** Give a reference back; the last one frees the manager. */
void smmap__manager_unref_unlock(smmap_manager_t *manager) SMMAP__UNLOCK;

/* open.c */

/** The file of a path, or (path: NULL) of an open handle of the caller's, counted for one more
    cursor, and the manager for one more reference. Made when it is not known. given: what is to be
    opened now; the path is for opening it again. */
apr_status_t smmap__file_join(smmap_manager_t *manager, smmap__path_t *path, const char *given,
                              apr_os_file_t native,
                              smmap__file_t **file) SMMAP__FILE_LOCKS SMMAP__LOCKS;
/** Join the file that was opened last by this very path, without asking the system. SMMAP_ENOFILE:
    there is none. *path is counted for the caller. */
apr_status_t smmap__file_join_known(smmap_manager_t *manager, const char *text,
                                    smmap__path_t **path, smmap__file_t **found) SMMAP__LOCKS;

/** One cursor less on a file, by its path, and one reference less of the manager. */
void smmap__file_quit_unlock(smmap__file_t *file, smmap__path_t *path) SMMAP__UNLOCK;

/* query.c */

/** Is the window in use memory, which shows no file? As `memory` of a mapping. */
int smmap__cursor_memory(const smmap__cursor_t *cursor) SMMAP__LOCKS;
/** How many bytes of a part of the window are in memory? Where the system does not tell, all are.
    @param begin (in) offset in the window, a multiple of the page size.
    @param end (in) offset in the window, behind the part. */
apr_status_t smmap__resident(const smmap__cursor_t *cursor, apr_size_t begin, apr_size_t end,
                             apr_size_t *bytes);

/* trace.c */

/** Report a move, or write it down; not in a child. To be called where cursor->traced is set. */
void smmap__trace(smmap__cursor_t *cursor, smmap_move_t move, apr_off_t offset, apr_size_t length);
/** Begin to write moves down, if that is asked for. What goes wrong is counted. */
void smmap__trace_open(smmap_manager_t *manager);
/** Write what is pending, so that manager->trace_failures tells of every move so far. */
void smmap__trace_flush(smmap_manager_t *manager);
/** Write the rest. In a child: only close the file. */
void smmap__trace_close(smmap_manager_t *manager);
void smmap__trace_free(smmap_manager_t *manager);

/* pin_origin.c; but for forget for managers in paranoid mode alone */

/** A cursor has pinned a window: its bytes can be accessed from now on. */
apr_status_t smmap__pin_origin_enter(smmap__cursor_t *cursor, uintptr_t window) SMMAP__LOCKS;
/** It pins it no longer. */
void smmap__pin_origin_leave(smmap__cursor_t *cursor, uintptr_t window) SMMAP__LOCKS;
/** The cursor goes. For any manager. */
void smmap__pin_origin_forget_locked(smmap__cursor_t *cursor) SMMAP__LOCKED;

/* fault.c */

/** The file's size now; without the file's lock where its handle is open. */
apr_status_t smmap__file_size_now(smmap__cursor_t *cursor, apr_off_t *size) SMMAP__LOCKS;
/** A fault was met at an offset in the cursor's window: retire it. */
void smmap__fault_retire(smmap__cursor_t *cursor, apr_size_t at) SMMAP__LOCKS;
/** Is the cursor's window no mapping? Of a file that the system once would not map, some windows
    may be mapped all the same. */
int smmap__fault_is_memory(const smmap__cursor_t *cursor) SMMAP__LOCKS;
/** A guarded cursor has come to a window: is all of it there? */
void smmap__guard_enter(smmap__cursor_t *cursor) SMMAP__LOCKS;
/** It is about to leave it: is what was read there good? */
void smmap__guard_leave(smmap__cursor_t *cursor) SMMAP__LOCKS;
/** End the guard without asking. */
void smmap__guard_drop(smmap__cursor_t *cursor) SMMAP__LOCKS;

/* advise.c */

/** A sequential cursor came into the window at `begin`: ask for the one behind it. */
void smmap__prefetch_next(smmap__cursor_t *cursor, apr_off_t begin);

/* fetch_queue.c */

/** The cursor goes: give up what it asked for and was not begun. */
void smmap__fetch_cancel_locked(const smmap__cursor_t *cursor) SMMAP__LOCKED;
/** The manager goes: give up all that was not begun, and wait for threads that hang in no read. */
void smmap__fetch_end_relock(smmap_manager_t *manager) SMMAP__RELOCK;
/** In a forked child: there are no threads. */
void smmap__fetch_mend_locked(smmap_manager_t *manager) SMMAP__LOCKED;

/* miss.c */

/** Map the region for [offset, end) and pin it. whole: in one piece even where it crosses a
    window's end; otherwise what a window holds from offset on. */
apr_status_t smmap__region_obtain(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t end,
                                  int whole,
                                  smmap__region_t **region) SMMAP__FILE_LOCKS SMMAP__LOCKS;

/* move.c */

/** Move to a window of the grid that is mapped, without a lock. 0: it is not, or it was just
    leaving, or it does not hold `length` bytes from offset on, or the cursor is guarded or
    paranoid, and so asks about each window; the cursor is as it was, or empty.
    @param size (in) what the cursor is to show, 0 for all.
    @param at_once (in) 1: the system is asked nothing, and a retired window that was left keeps the
           flag of the pin, for the next move or release. */
int smmap__move_lockless(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t length,
                         apr_size_t size, int at_once);
/** A window was just leaving when it was to be pinned: let go of it and of the one before. */
void smmap__pin_failed(smmap__cursor_t *cursor, int at_once);
/** The cursor, whose pin has the flag, has left a window. Returns APR_SUCCESS. */
apr_status_t smmap__window_left(smmap__cursor_t *cursor);
/** smmap_cursor_use() and smmap_cursor_require(), where it may be no hit. failed: 1: first, what
    smmap__pin_failed() is for. */
apr_status_t smmap__move_use(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                             int failed);
apr_status_t smmap__move_require(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                                 int failed);
/** smmap_cursor_use() for arguments that were checked, and not reported. */
apr_status_t smmap__move_checked(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size);
/** Let go of the window, if there is one. */
void smmap__cursor_empty(smmap__cursor_t *cursor);

/* hit.c */

/** smmap__move_lockless() for all `size` bytes, in fewer instructions where it can be. */
int smmap__hit(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size);

/* cursor.c */

/** A copy that no pool owns; see smmap_cursor_copy(). */
apr_status_t smmap__cursor_clone(smmap__cursor_t **clone, const smmap_cursor_t *cursor);
/** Close and free it. */
void smmap__cursor_free(smmap__cursor_t *cursor);

#endif
