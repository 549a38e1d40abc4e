/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cursor: one client's handle on a file, with at most one window pinned.
 *
 * A cursor is on a file ("associated") and, after smmap_cursor_use() or
 * smmap_cursor_require(), on a window of it ("valid"). While it is on a window, the window is
 * pinned: that memory stays mapped. Moving, releasing or closing the cursor ends the pin and
 * invalidates pointers into the window.
 *
 * The size of a file is that of the last measurement, by any cursor on it: when it is opened, when
 * a window is mapped, or by smmap_cursor_refresh(). In a file that has grown since, offsets past
 * the old end are APR_EOF until then.
 *
 * A move (use, require) that fails leaves the cursor without a window; it keeps its file.
 * Other calls that fail leave the cursor unchanged, except smmap_cursor_read(), which may
 * move it or leave it without a window, and smmap_cursor_end_guard().
 *
 * Threads: a cursor is used by one thread at a time. Different threads may use different
 * cursors of one manager at the same time, also on the same files and windows.
 *
 * A window maps the file itself. If another process writes to the file, the bytes in the
 * window change. If the file is truncated, the rest of the page in which it now ends reads as
 * zeroes, and touching pages beyond that raises a fault (SIGBUS on POSIX). A move to a window
 * that is not mapped notices the new size, and smmap_cursor_refresh() asks for it. With the
 * guard (SMMAP_GUARD_ON in smmap/manager.h) guarded reads turn both cases into a status.
 *
 * A file that the system cannot map (on some network and FUSE file systems, in /proc) is read
 * into memory instead, window by window, behind the same functions; `buffered_regions` in the
 * statistics counts these windows. Such a window shows the file as it was when it was read.
 * The same happens, a few pages at a time, where the system has no room for a mapping: see
 * smmap_cursor_use().
 */
#ifndef SMMAP_CURSOR_H
#define SMMAP_CURSOR_H

#include <apr_pools.h>
#include <apr_portable.h>

#include "smmap/export.h"
#include "smmap/manager.h"
#include "smmap/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Access pattern of a cursor; see smmap_cursor_hint(). */
typedef enum smmap_access_t {
    SMMAP_ACCESS_NORMAL = 0,     /**< unknown */
    SMMAP_ACCESS_SEQUENTIAL = 1, /**< front to back: the next window is prefetched */
    SMMAP_ACCESS_RANDOM = 2      /**< random: the system should not read ahead */
} smmap_access_t;

/** Planned use of a range; see smmap_cursor_advise(). */
typedef enum smmap_advice_t {
    SMMAP_WILL_NEED = 0, /**< needed soon: start reading it into memory, at most its first 32 MiB */
    SMMAP_DONT_NEED = 1  /**< not needed soon: its memory may be reclaimed */
} smmap_advice_t;

/**
 * A cursor. The fields are public only so that smmap_cursor_at() can be inline: read them
 * through the functions and do not write them. The structure is larger than shown, so create
 * cursors only with the functions below.
 */
typedef struct smmap_cursor_t {
    const unsigned char *window_data; /**< first byte of the pinned window, or NULL */
    apr_off_t window_begin;           /**< offset of that byte in the file */
    apr_size_t window_size;           /**< bytes in the pinned window, or 0 */
} smmap_cursor_t;

/**
 * Open a cursor on the file at a path. The file is opened, or found among the files that the
 * manager knows; nothing is mapped yet. A FIFO or device is opened, too, without waiting, and
 * closed at once.
 *
 * @param cursor (out) the cursor; set only on success.
 * @param manager (in) the manager that keeps and counts the file.
 * @param path (in) the file, in UTF-8 on Windows; copied. A relative path is resolved against
 *        the current directory of this call, also when the file is reopened later.
 * @param pool (in) closes the cursor when it is cleared or destroyed. NULL: only
 *        smmap_cursor_close() does, in any thread.
 * @return APR_SUCCESS (an empty file can be opened; using it returns APR_EOF);
 *         APR_EINVAL: cursor, manager or path is NULL, or the path is empty;
 *         APR_ENOENT, APR_EACCES, ...: status of the system;
 *         SMMAP_ENOTREGULAR: a directory, FIFO, socket or device (except block devices on
 *         Linux), or a file without a size, as in /proc, that does not end within 64 MiB;
 *         SMMAP_ELIMIT_FILES: the hard limit of open files;
 *         SMMAP_ESTALE: the file at the path was replaced again and again during the call;
 *         APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_cursor_open(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                         const char *path, apr_pool_t *pool);

/**
 * Open a cursor on a file by the path that it was opened by last, without asking the system
 * anything: for programs that open the same paths again and again. It is the file that the
 * manager has, whatever the path names by now.
 *
 * @param cursor (out) the cursor; set only on success.
 * @param manager (in) the manager.
 * @param path (in) an absolute path, in the same spelling as then.
 * @param pool (in) as for smmap_cursor_open().
 * @return APR_SUCCESS;
 *         APR_EINVAL: cursor, manager or path is NULL, or the path is empty;
 *         SMMAP_ENOFILE: no file with a cursor on it or a window mapped was last opened by this
 *         path: call smmap_cursor_open(); SMMAP_ECLOSED; APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_cursor_open_known(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                               const char *path, apr_pool_t *pool);

/**
 * Open a cursor on a file that is already open.
 *
 * The handle is duplicated: you keep yours and may close it at once. Since the file cannot be
 * reopened by path, the duplicate stays open as long as a cursor opened this way, or a copy of
 * one, is on the file. When it is closed, POSIX record locks of the process on the file go, as with
 * any handle of it.
 *
 * @param cursor (out) the cursor; set only on success.
 * @param manager (in) the manager that keeps and counts the file.
 * @param handle (in) a file descriptor or HANDLE open for reading; you keep ownership.
 * @param pool (in) closes the cursor when it is cleared or destroyed. NULL: only
 *        smmap_cursor_close() does, in any thread.
 * @return as smmap_cursor_open(); APR_EBADF: the handle is not open for reading;
 *         APR_ENOTIMPL: on Windows, a handle for overlapped or unbuffered I/O whose file
 *         cannot be reopened because it is not shared.
 */
SMMAP_API apr_status_t smmap_cursor_open_handle(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                                apr_os_file_t handle, apr_pool_t *pool);

/**
 * Move to the window that holds `offset` and pin it.
 *
 * smmap_cursor_size() is then the number of bytes available from `offset` on: at least 1, and
 * less than `size` if the window ends before.
 *
 * If the system refuses a mapping for lack of memory, address space or mappings, the library
 * unmaps everything unpinned, then (in sliding mode) tries smaller windows down to one granule,
 * then a heap-backed window of up to 1 MiB, private to this cursor, and only then returns
 * APR_ENOMEM. The text of smmap_strerror() for it names the limits that may be the cause, and
 * the remedies.
 *
 * In a sparse file on tmpfs (Linux), touching a hole by pointer allocates memory for it, up to
 * the limit of the tmpfs, and then faults. smmap_cursor_read() does not.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) offset in the file, in bytes, 0 or more.
 * @param size (in) maximum number of bytes wanted; 0: as many as the window holds.
 * @return APR_SUCCESS;
 *         APR_EINVAL: cursor is NULL, or offset is negative;
 *         APR_EOF: offset is at or past the end of the file as last measured; in a file that has
 *         grown, call smmap_cursor_refresh();
 *         SMMAP_ECLOSED: the manager was destroyed;
 *         SMMAP_ESTALE: the file had to be reopened, and the path names another file or
 *         something that is not a file;
 *         SMMAP_ETRUNCATED: the file was truncated before `offset` or, where the window is
 *         read into memory, before the end of the window;
 *         SMMAP_ENOTREGULAR: a file without a size, as in /proc, now holds more than 64 MiB;
 *         SMMAP_ELIMIT_BYTES, SMMAP_ELIMIT_REGIONS, SMMAP_ELIMIT_FILES: a hard limit;
 *         SMMAP_ETOOLARGE: static mode, and the file has more bytes than a size can count (32-bit
 *         programs);
 *         APR_ENOMEM, APR_ENOENT, ...: status of the system, after a retry with more room.
 */
SMMAP_API apr_status_t smmap_cursor_use(smmap_cursor_t *cursor, apr_off_t offset, apr_size_t size);

/**
 * Move to `offset` with all `size` bytes contiguous in memory, and pin them. If they cross a
 * window boundary, a separate region is mapped for them; it counts and is evicted like any other.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) offset in the file, in bytes, 0 or more.
 * @param size (in) bytes, 1 or more.
 * @return as smmap_cursor_use(), and
 *         APR_EINVAL: size is 0;
 *         APR_EOF: `offset + size` is past the end of the file as last measured; in a file that
 *         has grown, call smmap_cursor_refresh();
 *         SMMAP_ETOOLARGE: `offset + size` overflows; or over 1 MiB of what cannot be mapped: the
 *         last page of 2^63 - 1 bytes and, by a 32-bit program of Linux, what is beyond 16 TiB.
 */
SMMAP_API apr_status_t smmap_cursor_require(smmap_cursor_t *cursor, apr_off_t offset,
                                            apr_size_t size);

/**
 * Move to the window that holds `offset` if that is a hit which waits for nothing: it takes no
 * lock, calls no system function, maps and evicts nothing. Otherwise call smmap_cursor_use().
 *
 * A cursor's first move is never such a hit, nor is a move to another window of one that is
 * guarded, traced or sequential, or in paranoid mode. A window that went out of date, and that
 * this call leaves, stays mapped until the next other call moves, releases or closes the cursor.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) as for smmap_cursor_use().
 * @param size (in) as for smmap_cursor_use().
 * @return APR_SUCCESS;
 *         APR_EINVAL: cursor is NULL, or offset is negative;
 *         SMMAP_EWOULDBLOCK: any other case, also an offset past the end of the file and a manager
 *         that was destroyed. The cursor keeps its window; or it has none, if another thread was
 *         evicting the wanted window at that moment.
 */
SMMAP_API apr_status_t smmap_cursor_try_use(smmap_cursor_t *cursor, apr_off_t offset,
                                            apr_size_t size);

/**
 * Copy bytes, across any number of windows.
 *
 * Each window's part is copied from the mapping if the window is mapped. If it is not, and
 * mapping it would evict another window, the bytes are read from the file (as by pread) until
 * the window has been used often enough to be worth mapping. They are also read if the window
 * cannot be mapped, because of a hard limit or of the system; and always in a sparse file on
 * tmpfs, where reading a mapped hole allocates memory, and on FUSE and network file systems (Linux),
 * where faults wait for the server more often than reads do. The cursor may move on the way.
 *
 * With the guard, no fault escapes, and no zeroes are returned as data where the file has
 * ended: what could not be copied from a window is read from the file, and that read decides
 * the result.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) offset in the file, in bytes, 0 or more.
 * @param destination (out) room for `size` bytes; may be NULL if size is 0.
 * @param size (in) bytes wanted, 0 or more.
 * @param got (out) bytes copied: less than `size` if the file, as last measured, ends before;
 *        after an error, the bytes copied before it. May be NULL.
 * @return APR_SUCCESS (also when fewer bytes were there than wanted);
 *         APR_EINVAL: cursor is NULL, offset is negative, or destination is NULL but size is not 0;
 *         APR_EOF: size is not 0, and offset is at or past the end of the file as last measured;
 *         in a file that has grown, call smmap_cursor_refresh();
 *         SMMAP_ETRUNCATED: the file was truncated before the bytes;
 *         otherwise as smmap_cursor_use(), but never SMMAP_ELIMIT_BYTES, SMMAP_ELIMIT_REGIONS
 *         or SMMAP_ETOOLARGE; and errors of reading the file (APR's code for EIO, ...).
 */
SMMAP_API apr_status_t smmap_cursor_read(smmap_cursor_t *cursor, apr_off_t offset,
                                         void *destination, apr_size_t size, apr_size_t *got);

/**
 * Guard the cursor's windows until smmap_cursor_end_guard(): reading them by pointer in this
 * thread survives page faults. A page that cannot be read is replaced by zeroes, so trust what
 * you read only after smmap_cursor_end_guard() returns APR_SUCCESS. You may guard several
 * cursors at a time, and a guarded cursor may move: each window that it visits is guarded and
 * checked.
 *
 * In a manager with the guard, read by pointer only between these two calls. After a fault in
 * one thread, the page reads as zeroes for every cursor that pins the window until they
 * release it; guarded readers are told.
 *
 * @param cursor (in) the cursor, with or without a window.
 * @return APR_SUCCESS; APR_EINVAL: cursor is NULL, is guarded already, or its manager was
 *         created without the guard; APR_ENOTIMPL: the system can guard only copying reads;
 *         SMMAP_ECLOSED.
 * Threads: the same thread must end the guard. Closing the cursor or assigning to it also ends
 * the guard, without a result.
 */
SMMAP_API apr_status_t smmap_cursor_begin_guard(smmap_cursor_t *cursor);

/**
 * End the guard, and tell whether the bytes read meanwhile are those of the file. This asks
 * for the file's size once when the guard starts or the cursor comes to a window, and once
 * when it leaves: two system calls, so guard a piece of work, not a byte. End guards in the
 * reverse order in which they began: ending one looks through those that this thread began after
 * it.
 *
 * @param cursor (in) the cursor. If the result is not APR_SUCCESS, the cursor has no window,
 *        and its next move maps the window again.
 * @return APR_SUCCESS;
 *         APR_EINVAL: cursor is NULL, or this thread does not guard it;
 *         SMMAP_ETRUNCATED: the file ends before the end of a window that the cursor was on;
 *         SMMAP_EFAULT: a page could not be read;
 *         otherwise as smmap_cursor_refresh(), if the size is not available.
 */
SMMAP_API apr_status_t smmap_cursor_end_guard(smmap_cursor_t *cursor);

/**
 * Where a guarded read of this cursor last met a fault: the offset in the file of a byte in
 * the page that could not be read; -1 if there was none, or cursor is NULL. Of several faults
 * between smmap_cursor_begin_guard(), which forgets older ones, and smmap_cursor_end_guard() it is
 * the first. The file is smmap_cursor_path().
 */
SMMAP_API apr_off_t smmap_cursor_fault(const smmap_cursor_t *cursor);

/**
 * Release the window. The cursor keeps its file and can be used again. Does nothing if the
 * cursor has no window.
 *
 * @param cursor (in) the cursor; NULL is ignored.
 */
SMMAP_API void smmap_cursor_release(smmap_cursor_t *cursor);

/**
 * Create another cursor on the same file and, if there is one, the same window. It has the hint of
 * its source, and is not guarded.
 *
 * @param copy (out) the new cursor; set only on success.
 * @param cursor (in) the cursor to copy; not changed.
 * @param pool (in) closes the copy when it is cleared or destroyed; NULL: as for
 *        smmap_cursor_open().
 * @return APR_SUCCESS; APR_EINVAL: copy or cursor is NULL; SMMAP_ECLOSED;
 *         APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_cursor_copy(smmap_cursor_t **copy, const smmap_cursor_t *cursor,
                                         apr_pool_t *pool);

/**
 * Put a cursor on the file and window of another one, of the same manager or a different one. It
 * takes the hint, too, and is not guarded afterwards.
 *
 * @param cursor (in) the cursor to change; it releases its own window and file.
 * @param from (in) the cursor to take them from; not changed. Assigning a cursor to itself
 *        does nothing.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL; SMMAP_ECLOSED: the manager of `from`
 *         was destroyed; APR_ENOMEM. On an error `cursor` is unchanged.
 */
SMMAP_API apr_status_t smmap_cursor_assign(smmap_cursor_t *cursor, const smmap_cursor_t *from);

/**
 * Close a cursor before its pool. Releases its window and file, and ends its guard. Takes the same
 * time however many cursors the pool owns, and in which order they are closed, if it is not
 * guarded; see smmap_cursor_end_guard().
 *
 * @param cursor (in) the cursor, invalid after the call; NULL is ignored.
 */
SMMAP_API void smmap_cursor_close(smmap_cursor_t *cursor);

/**
 * Ask the system for the file's size now. Mapped windows stay as they are; moves from now on
 * see the new size and, where a window is an outdated copy in memory, a fresh copy. The cursor
 * keeps its window.
 *
 * @param cursor (in) the cursor.
 * @return APR_SUCCESS (also when the file became shorter); APR_EINVAL: cursor is NULL;
 *         SMMAP_ECLOSED;
 *         SMMAP_ESTALE: the handle was closed meanwhile, and the path names another file;
 *         SMMAP_ENOTREGULAR: as for smmap_cursor_use();
 *         SMMAP_ELIMIT_FILES, APR_ENOENT, ...: the file had to be reopened and could not.
 */
SMMAP_API apr_status_t smmap_cursor_refresh(smmap_cursor_t *cursor);

/**
 * Does the cursor's path still name its file? It does not if the file was deleted, or replaced, as
 * logs are when they are rotated: then open a new cursor by that path.
 *
 * @param cursor (in) the cursor.
 * @param current (out) 1: it does; 0: it names another file, or nothing.
 * @return APR_SUCCESS;
 *         APR_EINVAL: an argument is NULL;
 *         SMMAP_ENOFILE: the cursor was opened by handle, so it has no path;
 *         APR_ENOTIMPL: the file system has no ids by which files can be told apart;
 *         SMMAP_ECLOSED; APR_EACCES, ...: status of the system; otherwise as
 *         smmap_cursor_refresh(), since the file may have to be reopened.
 */
SMMAP_API apr_status_t smmap_cursor_is_current(smmap_cursor_t *cursor, int *current);

/**
 * Set the access pattern of the cursor. It is a hint: bytes, statuses and limits do not depend
 * on it.
 *
 * It applies to windows that this cursor maps from now on, for every cursor that uses them.
 * With SMMAP_ACCESS_SEQUENTIAL, when the cursor enters another window, the system is asked to
 * prefetch the start of the window after it, if the file's handle is open.
 *
 * @param cursor (in) the cursor.
 * @param access (in) the hint. A new cursor has SMMAP_ACCESS_NORMAL.
 * @return APR_SUCCESS; APR_EINVAL: cursor is NULL, or access is not an enumerator.
 */
SMMAP_API apr_status_t smmap_cursor_hint(smmap_cursor_t *cursor, smmap_access_t access);

/**
 * Advise the system about a range of the file, mapped or not. Nothing is mapped, the cursor
 * does not move, and the call does not wait for the disk.
 *
 * @param cursor (in) a cursor on the file.
 * @param offset (in) offset in the file, in bytes, 0 or more.
 * @param size (in) bytes; the part past the end of the file is ignored. 0: nothing is done.
 * @param advice (in) the advice.
 * @return APR_SUCCESS; APR_EINVAL: cursor is NULL, offset or size is negative, or advice is
 *         not an enumerator; APR_ENOTIMPL: the system has no such advice; SMMAP_ECLOSED;
 *         otherwise as smmap_cursor_refresh(), since the file may have to be reopened.
 */
SMMAP_API apr_status_t smmap_cursor_advise(smmap_cursor_t *cursor, apr_off_t offset, apr_off_t size,
                                           smmap_advice_t advice);

/**
 * Count the bytes of the cursor's window that are in memory, so that touching them does not
 * read from disk. Linux tells this only to a process that owns the file or may write to it.
 *
 * @param cursor (in) the cursor; it must have a window.
 * @param bytes (out) bytes of the whole window that are in memory.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL; SMMAP_ENOWINDOW;
 *         APR_ENOTIMPL: the system does not tell; otherwise a status of the system, or as
 *         smmap_cursor_refresh(), since the file may have to be reopened.
 */
SMMAP_API apr_status_t smmap_cursor_resident(const smmap_cursor_t *cursor, apr_size_t *bytes);

/** 1 if the cursor has a window, 0 otherwise (also for NULL). */
SMMAP_API int smmap_cursor_is_valid(const smmap_cursor_t *cursor);
/** 1 if the cursor is on a file and its manager exists, 0 otherwise (also for NULL). */
SMMAP_API int smmap_cursor_is_associated(const smmap_cursor_t *cursor);
/** The byte at smmap_cursor_offset(); NULL without a window (also for NULL). Valid until the cursor
    moves, releases its window or is closed; read-only. */
SMMAP_API const unsigned char *smmap_cursor_data(const smmap_cursor_t *cursor);
/** The offset in the file that was last moved to, in bytes; 0 without a window (also for NULL). */
SMMAP_API apr_off_t smmap_cursor_offset(const smmap_cursor_t *cursor);
/** Bytes available from smmap_cursor_offset() on; 0 without a window (also for NULL). */
SMMAP_API apr_size_t smmap_cursor_size(const smmap_cursor_t *cursor);
/** The offset in the file of the byte after these, smmap_cursor_offset() + smmap_cursor_size(); 0
    without a window (also for NULL). */
SMMAP_API apr_off_t smmap_cursor_end(const smmap_cursor_t *cursor);
/** 1 if `offset` is in [smmap_cursor_offset(), smmap_cursor_end()), 0 otherwise (also for NULL). */
SMMAP_API int smmap_cursor_includes(const smmap_cursor_t *cursor, apr_off_t offset);
/** Offset in the file at which the mapped region begins, in bytes; 0 without a window (also for
    NULL). */
SMMAP_API apr_off_t smmap_cursor_region_begin(const smmap_cursor_t *cursor);
/** Bytes in the mapped region; 0 without a window (also for NULL). */
SMMAP_API apr_size_t smmap_cursor_region_size(const smmap_cursor_t *cursor);
/** Number of cursors that pin the region now, including this one; 0 without a window (also for
    NULL). Looks at all cursors on the file, with the manager's lock. */
SMMAP_API apr_size_t smmap_cursor_region_clients(const smmap_cursor_t *cursor);
/** File size in bytes, as last measured; 0 for a cursor that is not associated (also for NULL). */
SMMAP_API apr_off_t smmap_cursor_file_size(const smmap_cursor_t *cursor);
/** The number of the file, as in smmap_trace_event_t and smmap_pinned_t: all cursors on a file have
    it, and no other file of the manager ever has. 0 for NULL. */
SMMAP_API apr_uint64_t smmap_cursor_file_number(const smmap_cursor_t *cursor);
/** The path that the cursor was opened by, made absolute (where the current directory has no path,
    or one that is too long: as it was given). It may name another file by now, or have done so
    from the start, where something is mounted over the current directory. NULL if it was opened by
    handle or is not associated. Valid as long as the cursor stays on its file. */
SMMAP_API const char *smmap_cursor_path(const smmap_cursor_t *cursor);

/**
 * The byte at an offset, if the pinned window holds it: one subtraction, one comparison, one
 * addition. No call, no lock, no statistics.
 *
 * @param cursor (in) the cursor, not NULL.
 * @param offset (in) any offset in the file, in bytes.
 * @return a pointer to the byte, valid as smmap_cursor_data(); the window extends to
 *         smmap_cursor_region_begin() + smmap_cursor_region_size(). NULL if the window does
 *         not hold the byte: then call smmap_cursor_use().
 */
SMMAP_INLINE const unsigned char *smmap_cursor_at(const smmap_cursor_t *cursor, apr_off_t offset)
{
    apr_uint64_t distance =
        SMMAP_CAST(apr_uint64_t, offset) - SMMAP_CAST(apr_uint64_t, cursor->window_begin);
    return distance < cursor->window_size
               ? cursor->window_data + SMMAP_CAST(apr_size_t, distance)
               : SMMAP_NULL;
}

/** smmap_cursor_at() as a function that the library exports, for languages that have no inline
    functions of C: the same parameters and result; the cursor must not be NULL. */
SMMAP_API const unsigned char *smmap_cursor_peek(const smmap_cursor_t *cursor, apr_off_t offset);

#ifdef __cplusplus
}
#endif

#endif
