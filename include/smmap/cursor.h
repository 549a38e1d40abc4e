/*
 * The cursor: one client's handle on a file, with at most one window in use.
 *
 * A cursor is on a file ("associated") and, after smmap_cursor_use() or
 * smmap_cursor_require(), on a window of it ("valid"). While it is on a window,
 * that memory stays mapped: the window is pinned. Moving the cursor, releasing
 * or closing it ends the pin, and pointers into the window end with it.
 *
 * A move (use, require) that fails leaves the cursor without a window; it still knows
 * its file. Other calls that fail leave the cursor as it was, but for smmap_cursor_read(),
 * which may have moved it or left it without a window, and smmap_cursor_end_guard().
 *
 * Threads: a cursor is used by one thread at a time. Cursors of one manager may
 * be used by different threads at the same time, on the same files and windows.
 *
 * What is mapped is the file itself. When somebody else writes into the file,
 * the bytes in a window change with it; when somebody cuts it short, the rest of the
 * page in which it ends now reads as zeroes, and touching pages behind that raises the
 * system's fault (SIGBUS on POSIX). A move to a window that is not mapped notices;
 * smmap_cursor_refresh() asks. With the guard (SMMAP_GUARD_ON in smmap/manager.h) guarded reads
 * turn both into a status.
 *
 * A file that the system cannot map (some network and FUSE file systems, files of the
 * kernel's making that have a size) is read into memory instead, window by window, behind
 * the same functions; `buffered_regions` of the statistics counts these. Such a window
 * shows the file as it was when it was read. The same is done, for a few pages at a time,
 * where the system has no room for a mapping at all: see smmap_cursor_use().
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

/** How a cursor is going to read; see smmap_cursor_hint(). */
typedef enum smmap_access_t {
    SMMAP_ACCESS_NORMAL = 0,     /**< nothing is known */
    SMMAP_ACCESS_SEQUENTIAL = 1, /**< from front to back: the next window is asked for early */
    SMMAP_ACCESS_RANDOM = 2      /**< here and there: the system should not read ahead */
} smmap_access_t;

/** What is going to be done with a range; see smmap_cursor_advise(). */
typedef enum smmap_advice_t {
    SMMAP_WILL_NEED = 0, /**< it will be read soon: bring it into memory, without waiting */
    SMMAP_DONT_NEED = 1  /**< it will not be read soon: its memory may be used otherwise */
} smmap_advice_t;

/**
 * A cursor. The fields are here so that smmap_cursor_at() can be inline; read them
 * through the functions, and write none. There is more behind them: a cursor is
 * made by smmap_cursor_open() alone.
 */
typedef struct smmap_cursor_t {
    const unsigned char *window_data; /**< first byte of the window in use, or NULL */
    apr_off_t window_begin;           /**< offset of that byte in the file */
    apr_size_t window_size;           /**< bytes in the window in use, or 0 */
} smmap_cursor_t;

/**
 * Open a cursor on the file at a path. The file is opened, or found among those
 * that the manager knows; nothing is mapped yet.
 *
 * @param cursor (out) the cursor; set only on success.
 * @param manager (in) where the file is kept and counted.
 * @param path (in) the file, UTF-8 on Windows; copied. A relative path is taken from
 *        the directory that is current now, also when the file is opened again later.
 * @param pool (in) closes the cursor when it is cleared or destroyed.
 * @return APR_SUCCESS (an empty file can be opened; its windows are APR_EOF);
 *         APR_EINVAL: an argument is NULL, or the path is empty;
 *         APR_ENOENT, APR_EACCES, ...: as the system says;
 *         SMMAP_ENOTREGULAR: a directory, FIFO, socket or device (but for block devices on
 *         Linux), or a file of the system's making that has no size and does not end within
 *         64 MiB (/proc);
 *         SMMAP_ELIMIT_FILES: the hard limit of open files;
 *         SMMAP_ESTALE: the path was given to another file again and again while it was opened;
 *         APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_cursor_open(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                         const char *path, apr_pool_t *pool);

/**
 * Open a cursor on a file that is open already.
 *
 * The handle is duplicated: the caller keeps his own and may close it at once. As
 * the file cannot be opened again by path, a handle on it stays open while a cursor
 * that was opened in this way, or a copy of one, is left on it.
 *
 * @param cursor (out) the cursor; set only on success.
 * @param manager (in) where the file is kept and counted.
 * @param handle (in) a descriptor or HANDLE that is open for reading.
 * @param pool (in) closes the cursor when it is cleared or destroyed.
 * @return as smmap_cursor_open(); APR_EBADF: the handle is not open, or not for reading;
 *         APR_ENOTIMPL: on Windows, a handle for overlapped or unbuffered reading whose file
 *         cannot be opened again because it is not shared.
 */
SMMAP_API apr_status_t smmap_cursor_open_handle(smmap_cursor_t **cursor, smmap_manager_t *manager,
                                                apr_os_file_t handle, apr_pool_t *pool);

/**
 * Move to the window that holds `offset`, and take what it holds from there on.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) a byte of the file, 0 or more.
 * @param size (in) most bytes wanted; 0: as many as the window holds. What was got is
 *        smmap_cursor_size(): at least 1, and less than `size` where the window ends.
 * @return APR_SUCCESS;
 *         APR_EINVAL: cursor is NULL, or offset is negative;
 *         APR_EOF: offset is at or past the end of the file;
 *         SMMAP_ECLOSED: the manager was destroyed; SMMAP_EFORKED;
 *         SMMAP_ESTALE: the file had to be opened again, and the path names another one, or
 *         something that is no file;
 *         SMMAP_ETRUNCATED: the file was cut short before `offset`, or, where the window is
 *         read into memory, before its end;
 *         SMMAP_ENOTREGULAR: a file of the system's making now holds more than 64 MiB;
 *         SMMAP_ELIMIT_BYTES, SMMAP_ELIMIT_REGIONS, SMMAP_ELIMIT_FILES: a hard limit;
 *         SMMAP_ETOOLARGE: static mode, and the file is larger than the address space;
 *         APR_ENOMEM, APR_ENOENT, ...: what the system says after room was made and tried again.
 *
 * Where the system refuses a mapping for want of memory, address space or mappings, what
 * nobody pins goes, then smaller windows are tried, down to a granule, then a window of
 * memory of the heap, which is this cursor's alone; only then it is APR_ENOMEM. The sentence
 * of smmap_strerror() for it names the limits that it can be, and the remedies.
 */
SMMAP_API apr_status_t smmap_cursor_use(smmap_cursor_t *cursor, apr_off_t offset, apr_size_t size);

/**
 * The same for all `size` bytes in one piece. Where they cross the end of a window, a
 * region of its own is mapped for them, counted and evicted like any other.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) first byte, 0 or more.
 * @param size (in) bytes, 1 or more.
 * @return as smmap_cursor_use(), and
 *         APR_EINVAL: size is 0;
 *         APR_EOF: `offset + size` is past the end of the file;
 *         SMMAP_ETOOLARGE: the sum, or the region, is larger than can be.
 */
SMMAP_API apr_status_t smmap_cursor_require(smmap_cursor_t *cursor, apr_off_t offset,
                                            apr_size_t size);

/**
 * Copy bytes, across as many windows as they take. Never slower than the better of
 * mapping and reading: where a window is mapped it is copied from; where none is, and
 * mapping one would evict another, the system is asked for the bytes until the window
 * has shown that it is worth it. Where a window cannot be mapped (a hard limit on what is
 * mapped, or the system's), they are read, too. The cursor may or may not move on the way.
 *
 * With the guard no fault gets through, and no zeroes where the file has ended: what
 * could not be copied from a window is asked of the system once more, by a read, and that
 * one's answer is the answer.
 *
 * @param cursor (in) the cursor.
 * @param offset (in) first byte, 0 or more.
 * @param destination (out) room for `size` bytes; may be NULL when size is 0.
 * @param size (in) bytes wanted, 0 or more.
 * @param got (out) bytes that were copied: less than `size` where the file ends, and on an
 *        error what was copied before it. May be NULL.
 * @return APR_SUCCESS (also when fewer bytes were there than wanted);
 *         APR_EINVAL: cursor or destination is NULL, or offset is negative;
 *         APR_EOF: size is not 0, and offset is at or past the end of the file;
 *         SMMAP_ETRUNCATED: the file ends before the bytes, now;
 *         otherwise as smmap_cursor_use(), but never SMMAP_ELIMIT_BYTES, SMMAP_ELIMIT_REGIONS
 *         or SMMAP_ETOOLARGE, and what reading a file answers (APR's code for EIO, ...).
 */
SMMAP_API apr_status_t smmap_cursor_read(smmap_cursor_t *cursor, apr_off_t offset,
                                         void *destination, apr_size_t size, apr_size_t *got);

/**
 * Guard the cursor's windows, from here to smmap_cursor_end_guard(), against faults of this
 * thread: reading them by pointer survives. A page that cannot be read is replaced by
 * zeroes, so what was read is good only when smmap_cursor_end_guard() says so. Several
 * cursors can be guarded at a time, and a cursor may move meanwhile; each window that it
 * was on is guarded, and is asked about when it is left.
 *
 * In a manager with the guard, read by pointer only between these two calls: after a fault
 * of one thread the page is one of zeroes for all who have that window in use, until
 * they let go of it. Who reads guarded is told.
 *
 * @param cursor (in) the cursor, with a window or without.
 * @return APR_SUCCESS; APR_EINVAL: cursor is NULL or guarded already, or its manager was made
 *         without the guard; APR_ENOTIMPL: the system can guard copying reads alone;
 *         SMMAP_ECLOSED; SMMAP_EFORKED.
 * Threads: this thread must also end the guard; it ends, without an answer, when the cursor
 * is closed or assigned to.
 */
SMMAP_API apr_status_t smmap_cursor_begin_guard(smmap_cursor_t *cursor);

/**
 * End it, and tell whether what was read meanwhile is what the file holds. For this the
 * file's size is asked for when the guard, or a window, begins and when it ends, which are
 * two system calls: guard a piece of work, not a byte.
 *
 * @param cursor (in) the cursor. When the answer is not APR_SUCCESS it has no window any
 *        more, and the next move maps anew.
 * @return APR_SUCCESS;
 *         APR_EINVAL: cursor is NULL, or this thread does not guard it;
 *         SMMAP_ETRUNCATED: the file ends before the end of a window that it was on;
 *         SMMAP_EFAULT: a page could not be read;
 *         otherwise as smmap_cursor_refresh(), when the size could not be had.
 */
SMMAP_API apr_status_t smmap_cursor_end_guard(smmap_cursor_t *cursor);

/**
 * Where a guarded read of this cursor met a fault last: the offset in the file of a byte
 * in the page that could not be had; -1: nowhere, or cursor is NULL. The file is
 * smmap_cursor_path().
 */
SMMAP_API apr_off_t smmap_cursor_fault(const smmap_cursor_t *cursor);

/**
 * Let go of the window. The cursor keeps its file and can be used again. Releasing a
 * cursor that has no window does nothing.
 *
 * @param cursor (in) the cursor; NULL is ignored.
 */
SMMAP_API void smmap_cursor_release(smmap_cursor_t *cursor);

/**
 * Make another cursor on the same file and, where there is one, the same window.
 *
 * @param copy (out) the new cursor; set only on success.
 * @param cursor (in) the one to copy.
 * @param pool (in) closes the copy when it is cleared or destroyed.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL; SMMAP_ECLOSED; APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_cursor_copy(smmap_cursor_t **copy, const smmap_cursor_t *cursor,
                                         apr_pool_t *pool);

/**
 * Put a cursor on the file and the window of another one, of the same manager or not.
 *
 * @param cursor (in) the one to change; it lets go of its own window and file first.
 * @param from (in) the one to take them from. Assigning a cursor to itself does nothing.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL; SMMAP_ECLOSED: the manager of `from`
 *         is gone; SMMAP_EFORKED; APR_ENOMEM. On an error `cursor` is left as it was.
 */
SMMAP_API apr_status_t smmap_cursor_assign(smmap_cursor_t *cursor, const smmap_cursor_t *from);

/**
 * Close a cursor before its pool goes. Its window and file are let go of.
 *
 * @param cursor (in) the cursor, invalid after the call; NULL is ignored.
 */
SMMAP_API void smmap_cursor_close(smmap_cursor_t *cursor);

/**
 * Ask the file for its size now. What is mapped stays as it is; windows that are asked
 * for from now on see the new size. The cursor keeps its window.
 *
 * @param cursor (in) the cursor.
 * @return APR_SUCCESS (also when the file became shorter); APR_EINVAL; SMMAP_ECLOSED;
 *         SMMAP_ESTALE: the file was closed meanwhile and the path names another one;
 *         SMMAP_ENOTREGULAR: as for smmap_cursor_use(); SMMAP_EFORKED;
 *         SMMAP_ELIMIT_FILES, APR_ENOENT, ...: it had to be opened again and could not.
 */
SMMAP_API apr_status_t smmap_cursor_refresh(smmap_cursor_t *cursor);

/**
 * Say how the cursor is going to read. It is a hint: bytes, statuses and limits are the
 * same with any.
 *
 * It acts on windows that this cursor maps from now on, for all who then use them. With
 * SMMAP_ACCESS_SEQUENTIAL, each time the cursor comes into another window, the system is asked
 * for the start of the one behind that, where the file's handle is open.
 *
 * @param cursor (in) the cursor.
 * @param access (in) the hint; a new cursor has SMMAP_ACCESS_NORMAL, a copy that of its source.
 * @return APR_SUCCESS; APR_EINVAL: cursor is NULL, or access is not one; SMMAP_EFORKED.
 */
SMMAP_API apr_status_t smmap_cursor_hint(smmap_cursor_t *cursor, smmap_access_t access);

/**
 * Say what is going to be done with a range of the file, mapped or not. Nothing is mapped,
 * the cursor stays where it is, and the call does not wait for the disk.
 *
 * @param cursor (in) a cursor on the file.
 * @param offset (in) first byte, 0 or more.
 * @param size (in) bytes; what is past the end of the file is left out. 0: nothing is done.
 * @param advice (in) what will be done.
 * @return APR_SUCCESS; APR_EINVAL: cursor is NULL, offset or size is negative, or advice is
 *         not one; APR_ENOTIMPL: the system knows no such advice; SMMAP_ECLOSED;
 *         otherwise as smmap_cursor_refresh(), as the file may have to be opened again.
 */
SMMAP_API apr_status_t smmap_cursor_advise(smmap_cursor_t *cursor, apr_off_t offset,
                                           apr_off_t size, smmap_advice_t advice);

/**
 * How much of the cursor's window is in memory, so that touching it reads no disk. It is
 * as true as what the system tells: Linux says that all is there, of files that the
 * process neither owns nor may write.
 *
 * @param cursor (in) the cursor; it must have a window.
 * @param bytes (out) bytes of the whole window that are in memory.
 * @return APR_SUCCESS; APR_EINVAL; SMMAP_EFORKED; SMMAP_ENOWINDOW; APR_ENOTIMPL: the system
 *         cannot say; or what it says.
 */
SMMAP_API apr_status_t smmap_cursor_resident(const smmap_cursor_t *cursor, apr_size_t *bytes);

/** 1 when the cursor has a window in use, 0 otherwise (also for NULL). */
SMMAP_API int smmap_cursor_is_valid(const smmap_cursor_t *cursor);
/** 1 when the cursor is on a file whose manager lives, 0 otherwise (also for NULL). */
SMMAP_API int smmap_cursor_is_associated(const smmap_cursor_t *cursor);
/** The byte at smmap_cursor_offset(); NULL without a window. Lives until the next move. */
SMMAP_API const unsigned char *smmap_cursor_data(const smmap_cursor_t *cursor);
/** The offset in the file that was asked for last; 0 without a window. */
SMMAP_API apr_off_t smmap_cursor_offset(const smmap_cursor_t *cursor);
/** Bytes that are there from that offset on; 0 without a window. */
SMMAP_API apr_size_t smmap_cursor_size(const smmap_cursor_t *cursor);
/** The offset just behind them; 0 without a window. */
SMMAP_API apr_off_t smmap_cursor_end(const smmap_cursor_t *cursor);
/** 1 when `offset` lies in what was got last, [offset, end), 0 otherwise. */
SMMAP_API int smmap_cursor_includes(const smmap_cursor_t *cursor, apr_off_t offset);
/** Where the mapped region begins in the file; 0 without a window. */
SMMAP_API apr_off_t smmap_cursor_region_begin(const smmap_cursor_t *cursor);
/** Bytes in the mapped region; 0 without a window. */
SMMAP_API apr_size_t smmap_cursor_region_size(const smmap_cursor_t *cursor);
/** How many cursors pin the region now, this one included; 0 without a window. */
SMMAP_API apr_size_t smmap_cursor_region_clients(const smmap_cursor_t *cursor);
/** Size of the file in bytes, as last measured; 0 for a cursor that is not associated. */
SMMAP_API apr_off_t smmap_cursor_file_size(const smmap_cursor_t *cursor);
/** The path the cursor was opened by, made absolute; NULL when it was opened by a handle
    or is not associated. Lives as long as the cursor stays on its file. */
SMMAP_API const char *smmap_cursor_path(const smmap_cursor_t *cursor);

/**
 * The byte at an offset, where the window in use holds it: one subtraction, one
 * comparison, one addition. No call, no lock, nothing is counted.
 *
 * @param cursor (in) the cursor, not NULL.
 * @param offset (in) any offset.
 * @return a pointer to the byte; the window goes on behind it as far as
 *         smmap_cursor_region_begin() + smmap_cursor_region_size(). NULL when the window
 *         does not hold it: then call smmap_cursor_use().
 */
SMMAP_INLINE const unsigned char *smmap_cursor_at(const smmap_cursor_t *cursor, apr_off_t offset)
{
    apr_uint64_t distance = (apr_uint64_t)offset - (apr_uint64_t)cursor->window_begin;
    return distance < cursor->window_size ? cursor->window_data + (apr_size_t)distance : 0;
}

#ifdef __cplusplus
}
#endif

#endif
