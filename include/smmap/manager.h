/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The manager: limits, statistics and the registry of files.
 *
 * Use one manager per application, so that its limits cover the whole process. A manager
 * identifies a file by device and file id, not by path, and shares the file's windows among
 * all cursors on it.
 *
 * Threads: any number of threads may use a manager at once. A constructor uses the pool you
 * pass only during the call and again when the object is destroyed. APR pools are not
 * thread-safe, so no other thread may use the pool at those two moments. An object without a
 * pool (NULL) may be closed by any thread. Creating a manager calls apr_initialize(), once in a
 * process; call it yourself only if you use APR before that.
 *
 * A function that returns a status answers APR_EINVAL where the manager is NULL. Those that do not,
 * smmap_manager_mode() and its like, must not be given NULL.
 *
 * Lifetime: destroying the pool is always enough; an object without one you close yourself. Pool,
 * manager and cursors may be destroyed in any order. Cursors that outlive their manager return
 * SMMAP_ECLOSED, and a pinned window stays mapped until its last cursor releases it.
 *
 * Fork: a child goes on with the managers, cursors and buffers of its parent, and neither affects
 * the other. fork() waits for calls that hold a lock, not for the system: what another thread was
 * just mapping or opening stays in the child until it ends, as does what cursors of such threads
 * pin. Close in the child what you do not need. A child of vfork(), or of a bare clone(), must not
 * use them, nor one that was forked by a signal handler which interrupted the library. SMMAP_TRACE
 * records the parent alone. Programs started with exec inherit no file handles.
 */
#ifndef SMMAP_MANAGER_H
#define SMMAP_MANAGER_H

#include <apr_pools.h>
#include <apr_time.h>

#include "smmap/export.h"
#include "smmap/status.h"
#include "smmap/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Limits, statistics and files; opaque. */
typedef struct smmap_manager_t smmap_manager_t;

/** How a manager maps files. */
typedef enum smmap_mode_t {
    SMMAP_MODE_AUTO = 0,   /**< SLIDING; see window_size in smmap_options_t */
    SMMAP_MODE_STATIC = 1, /**< one window per file: the whole file */
    SMMAP_MODE_SLIDING = 2 /**< windows of `window_size` bytes on a fixed grid */
} smmap_mode_t;

/** What happens when a limit is reached and every window is pinned. Sums of the HARD enumerators
    are allowed: the other limits are soft. */
typedef enum smmap_limits_t {
    SMMAP_LIMITS_SOFT = 0, /**< exceed the limit and count it (`over_limit`); in paranoid mode the
                                first time is reported on standard error */
    SMMAP_LIMITS_HARD_BYTES = 1,   /**< `max_mapped_bytes`: fail with SMMAP_ELIMIT_BYTES */
    SMMAP_LIMITS_HARD_REGIONS = 2, /**< `max_regions`: fail with SMMAP_ELIMIT_REGIONS */
    SMMAP_LIMITS_HARD_FILES = 4,   /**< `max_open_files`: fail with SMMAP_ELIMIT_FILES */
    SMMAP_LIMITS_HARD = 7          /**< all of these */
} smmap_limits_t;

/** What happens on a fault on a mapped page; see `guard` in smmap_options_t. */
typedef enum smmap_guard_t {
    SMMAP_GUARD_OFF = 0,   /**< the system's default: usually it ends the process */
    SMMAP_GUARD_ON = 1,    /**< guarded reads return a status */
    SMMAP_GUARD_STRICT = 2 /**< the same, and copying reads check the file size before and after */
} smmap_guard_t;

/** For any number in smmap_options_t: use the default documented there. */
#define SMMAP_DEFAULT 0
/** For any limit in smmap_options_t: no limit. */
#define SMMAP_UNLIMITED (~SMMAP_CAST(apr_size_t, 0))
/** The value of smmap_options_t::max_mapped_bytes that follows the memory of the machine. */
#define SMMAP_LIMIT_AUTO (SMMAP_UNLIMITED - 1)
/** The value of smmap_options_t::fetch_threads that turns smmap_manager_fetch() off. */
#define SMMAP_FETCH_OFF (-1)

/** Options of a manager. Start from SMMAP_OPTIONS_INIT and change what you need. */
typedef struct smmap_options_t {
    /** sizeof(smmap_options_t), set by SMMAP_OPTIONS_INIT: tells the library which version of
        this structure your program was compiled with. 0 is that of libsmmap 0.2, so a structure
        that is all zeroes has all defaults, too. */
    apr_size_t struct_size;
    /** How files are mapped. Default: SMMAP_MODE_AUTO. */
    smmap_mode_t mode;
    /** What happens at a limit. Default: SMMAP_LIMITS_SOFT. */
    smmap_limits_t limits;
    /** Window size in bytes, rounded up to the allocation granularity; sliding mode only.
        At most half of the address space less a granule. Default: 1 GiB in a 64-bit program,
        64 MiB in a 32-bit one, but at most an eighth of `max_mapped_bytes` and at least one
        granule. So most files have one window, the whole file, and a file that is large beside
        the limit has several. */
    apr_size_t window_size;
    /** Maximum number of bytes mapped at a time, counted in bytes of files: the part of the
        last page beyond the end of a file does not count. Default: 8 GiB in a 64-bit program,
        1 GiB in a 32-bit one.

        SMMAP_LIMIT_AUTO: a quarter of the memory of the machine, or of the limit of the process (on
        Linux that of its cgroup or of one above it, on Windows that of its job) where that is
        less; an eighth while threads wait for memory in a tenth of the time (Linux, "pressure
        stall information"). In a 32-bit program at most the default. The library looks again when
        it maps, each time that it has mapped as much as the limit, or 1024 windows; never when
        what it needs is mapped. The limit is at least one window, whose size stays: so
        `window_size` may exceed that part, and no hard limit refuses it, also when the memory
        becomes less. Where the system does not tell, the limit is the default; where it
        stops telling, the limit stays. */
    apr_size_t max_mapped_bytes;
    /** Maximum number of regions (mapped windows) at a time. Default: 32768, half of what
        Linux allows a process by default. */
    apr_size_t max_regions;
    /** Maximum number of file handles open at a time. The handle of a file stays open, up to
        this limit, as long as a cursor is on the file or a window of it is mapped. Default: a
        quarter of what the process may open, at least 8 and at most 1024. */
    apr_size_t max_open_files;
    /** Whether guarded reads survive page faults. Touching a mapped page that the system
        cannot bring into memory, because the file was truncated or the disk or network failed,
        raises a fault (SIGBUS on POSIX, an in-page error on Windows). With SMMAP_GUARD_ON,
        smmap_cursor_read(), smmap_buffer_read(), smmap_buffer_byte() and reads between
        smmap_cursor_begin_guard() and smmap_cursor_end_guard() report it as a status instead.
        They also detect zeroes that are read because the file ends before them, except that a
        copy may see some zeroes while the system is clearing the page, as pread() may.
        SMMAP_GUARD_STRICT closes that gap, but for a file that is cut and grows again within one
        copy, and costs two system calls for each window copied from; see
        docs/internals/reliability.md.

        The first manager with a guard installs a process-wide handler in front of the existing
        one. The handler stays installed, and keeps the library, or the plugin that it is linked
        into, loaded. It passes unrelated faults to the previous handler; see
        smmap_manager_reinstall_guard(). A thread that blocks SIGBUS has it unblocked while it
        guards something; see docs/internals/reliability.md. On Windows pointers cannot be
        guarded; see docs/internals/windows.md. Default: SMMAP_GUARD_OFF. */
    smmap_guard_t guard;
    /** 1: paranoid mode, which finds pointers that were kept too long. The bytes of a window
        are accessible only while a cursor pins it; afterwards touching them ends the process
        (SIGSEGV on POSIX, SIGBUS on macOS), also for some time after the window was unmapped; on
        stderr stand then its file, the offset and, where the system has backtraces, who used it and
        who let go of the window.
        Windows still pinned when the manager is destroyed are reported on stderr; see
        smmap_manager_pinned(). Otherwise behavior is the same, only slower, except that the
        default of `window_size` is one granule.
        Default: 0, or 1 if SMMAP_PARANOID is set in the environment to anything but 0.
        Programs with more privileges than their user ignore the variable. */
    int paranoid;
    /** Callback for each move; see trace.h. Default: none, or, if SMMAP_TRACE is set in the
        environment, moves are written to the file that it names. */
    smmap_trace_t *trace;
    /** Passed to `trace`. */
    void *trace_context;
    /** With hard limits: how long, in microseconds, smmap_cursor_use(), smmap_cursor_require()
        and what is built on them wait for other cursors to release windows before they fail
        with SMMAP_ELIMIT_BYTES or SMMAP_ELIMIT_REGIONS. Those that wait are served in order, and
        who comes later waits behind them, even if there is room for it. Copying reads do not wait,
        they need no window. Default: 0, do not wait. */
    apr_interval_time_t limit_wait;
    /** How many threads smmap_manager_fetch() reads with at most, 1 to 64. They run only while
        there is something to read; one that calls back does not count. SMMAP_FETCH_OFF: nothing
        is fetched, and the call succeeds at once. Default: 8. */
    int fetch_threads;
} smmap_options_t;

/** All defaults: `smmap_options_t options = SMMAP_OPTIONS_INIT;` */
#define SMMAP_OPTIONS_INIT                                                                         \
    {                                                                                              \
        sizeof(smmap_options_t), SMMAP_MODE_AUTO, SMMAP_LIMITS_SOFT, SMMAP_DEFAULT, SMMAP_DEFAULT, \
            SMMAP_DEFAULT, SMMAP_DEFAULT, SMMAP_GUARD_OFF, 0, SMMAP_NULL, SMMAP_NULL, 0, 0         \
    }

/** Statistics of a manager. Start from SMMAP_STATS_INIT. */
typedef struct smmap_stats_t {
    apr_size_t struct_size; /**< sizeof(smmap_stats_t), set by SMMAP_STATS_INIT */

    apr_size_t mapped_bytes;      /**< bytes mapped now */
    apr_size_t peak_mapped_bytes; /**< maximum so far */
    apr_size_t pinned_bytes;      /**< bytes of regions that cursors pin now */
    apr_size_t regions;           /**< regions mapped now */
    apr_size_t peak_regions;      /**< maximum so far */
    apr_size_t pinned_regions;    /**< regions that cursors pin now */
    apr_size_t open_files;        /**< file handles open now, or about to be opened */
    apr_size_t peak_open_files;   /**< maximum so far */
    apr_size_t files;             /**< files known now, open or not */
    apr_size_t mapped_files;      /**< of `files`: those that have a window mapped */
    apr_size_t cursors;           /**< cursors on a file now */
    apr_size_t buffered_regions;  /**< of `regions`: heap-backed copies, because the file cannot
                                       be mapped or the system has no room for a mapping */
    apr_size_t buffered_bytes;    /**< of `mapped_bytes`: bytes in buffered regions */

    apr_uint64_t hits;      /**< calls of use and require whose window was mapped; also windows
                                 that copying reads found mapped, except the cursor's own */
    apr_uint64_t misses;    /**< lookups that did not find the window and went on to map it */
    apr_uint64_t maps;      /**< regions mapped */
    apr_uint64_t unmaps;    /**< regions unmapped, for any reason */
    apr_uint64_t evictions; /**< regions unmapped to make room */
    apr_uint64_t opens;     /**< handles opened or duplicated */
    apr_uint64_t closes;    /**< handles closed, for any reason */

    apr_uint64_t over_limit;        /**< times a soft limit was exceeded: all else was pinned */
    apr_uint64_t limit_failures;    /**< calls that a hard limit refused */
    apr_uint64_t retries;           /**< attempts repeated with more room or a smaller size */
    apr_uint64_t shrunk_maps;       /**< regions mapped smaller than a window */
    apr_uint64_t map_failures;      /**< calls that failed because the system refused a mapping */
    apr_uint64_t open_failures;     /**< calls that failed because a file could not be opened */
    apr_uint64_t stale_files;       /**< calls that found another file at the path */
    apr_uint64_t truncated_files;   /**< calls that found a file shorter than before */
    apr_uint64_t bypassed_reads;    /**< reads of the system by copies, past the windows */
    apr_uint64_t admission_rejects; /**< times a window was not worth evicting another for */
    apr_uint64_t prefetches;        /**< times a sequential cursor prefetched its next window */
    apr_uint64_t fetched_bytes;     /**< bytes that smmap_manager_fetch() had read */
    apr_uint64_t buffered;          /**< of `maps`: regions filled by reading */
    apr_uint64_t faults;            /**< guarded reads that met a fault, raised in their own or
                                         another thread */
    apr_uint64_t trace_failures;    /**< 1: SMMAP_TRACE could not be written completely */
} smmap_stats_t;

/** An empty smmap_stats_t, ready for smmap_manager_stats(). */
#define SMMAP_STATS_INIT                                                                         \
    {                                                                                            \
        sizeof(smmap_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                                \
    }

/**
 * Create a manager.
 *
 * @param manager (out) the manager; set only on success.
 * @param options (in) copied. NULL: all defaults.
 * @param pool (in) destroys the manager when it is cleared or destroyed. NULL: only
 *        smmap_manager_destroy() does, in any thread.
 * @return APR_SUCCESS;
 *         APR_EINVAL: manager is NULL, struct_size is unknown, an option is not one of its
 *         enumerators, limit_wait is negative, or fetch_threads is not in its range;
 *         SMMAP_ETOOLARGE: the window size is greater than SMMAP_UNLIMITED / 2 -
 *         smmap_granularity(), half of the address space less a granule;
 *         SMMAP_ELIMIT_BYTES: hard limits, and a single window would exceed them;
 *         APR_ENOTIMPL: the system cannot provide the guard; other errors of the guard are
 *         those of smmap_manager_reinstall_guard();
 *         APR_ENOMEM; or a status of apr_initialize(), or of the system, which refused a lock.
 */
SMMAP_API apr_status_t smmap_manager_create(smmap_manager_t **manager,
                                            const smmap_options_t *options, apr_pool_t *pool);

/**
 * Destroy a manager before its pool: unmap all windows that no cursor pins, and close all
 * handles except those of cursors that were opened by handle. Remaining cursors return
 * SMMAP_ECLOSED from now on, and free what they hold when they are closed. The call waits for
 * copying reads in progress in other threads, and for files that they are measuring; not for reads
 * of smmap_manager_fetch() that are under way.
 *
 * @param manager (in) the manager, invalid after the call; NULL is ignored.
 * @return APR_SUCCESS, or the first error of the system's unmap; the manager is destroyed in
 *         either case.
 * Threads: other threads may use cursors of this manager during the call, but not the manager.
 */
SMMAP_API apr_status_t smmap_manager_destroy(smmap_manager_t *manager);

/**
 * Unmap every window that no cursor pins. Files with a cursor on them stay known and open;
 * the others are forgotten and closed with their last window.
 *
 * @param manager (in) the manager.
 * @param count (out) number of regions unmapped. May be NULL.
 * @return APR_SUCCESS; APR_EINVAL: manager is NULL; or the first error of the
 *         system's unmap: those regions stay counted, and unmapping them is tried again later.
 * Threads: any.
 */
SMMAP_API apr_status_t smmap_manager_collect(smmap_manager_t *manager, apr_size_t *count);

/**
 * Unmap windows that no cursor pins, those first that were not used for the longest time, until
 * that many bytes are unmapped.
 *
 * @param manager (in) the manager.
 * @param bytes (in) bytes to unmap at least; 0: nothing is done.
 * @param unmapped (out) bytes that were unmapped: more than `bytes` by part of a window, or less
 *        if all else is pinned. May be NULL.
 * @return as smmap_manager_collect().
 * Threads: any.
 */
SMMAP_API apr_status_t smmap_manager_collect_bytes(smmap_manager_t *manager, apr_size_t bytes,
                                                   apr_size_t *unmapped);

/**
 * Change the limits. If more is mapped or open now, what nobody pins or uses is unmapped and
 * closed at once; with all else pinned, a limit may be exceeded until that is released.
 *
 * @param manager (in) the manager.
 * @param options (in) `limits`, `max_mapped_bytes`, `max_regions` and `max_open_files` are taken,
 *        and mean what they mean in smmap_manager_create(); the rest is not looked at, and the
 *        size of windows stays as it is.
 * @return APR_SUCCESS;
 *         APR_EINVAL: an argument is NULL, struct_size is unknown, or `limits` is no sum of
 *         enumerators;
 *         SMMAP_ELIMIT_BYTES: a hard limit of bytes is smaller than a window; nothing is changed;
 *         or the first error of the system's unmap, with the limits changed.
 * Threads: any.
 */
SMMAP_API apr_status_t smmap_manager_set_limits(smmap_manager_t *manager,
                                                const smmap_options_t *options);

/**
 * Put the guard's fault handler in front of handlers that were installed after it. A handler
 * installed later sees each fault first, and most do not pass it on. After this call the
 * guard's handler is first again and passes unrelated faults to the later one. Creating a
 * manager with the guard does the same. If the guard's handler is already first, nothing
 * happens.
 *
 * The later handler may itself pass faults to the guard's handler, which preceded it; the two
 * do not loop.
 *
 * @param manager (in) a manager created with the guard.
 * @return APR_SUCCESS;
 *         APR_EINVAL: manager is NULL, or was created without the guard;
 *         APR_ENOSPC: 16 different handlers have been chained already; or a status of the
 *         system.
 * Threads: any, but not while another thread installs a handler for the same signal.
 */
SMMAP_API apr_status_t smmap_manager_reinstall_guard(smmap_manager_t *manager);

/**
 * Drop a file, or all files below a directory: unmap their windows that no cursor pins, and
 * close their handles that no call is using. Call this before you delete, replace or truncate
 * the files: Windows refuses to while they are mapped, or completes the operation only when
 * the last handle is closed. Pinned windows stay mapped, and cursors stay on their files; the
 * next move of such a cursor opens and maps its file again.
 *
 * @param manager (in) the manager.
 * @param path (in) a file or directory, as for smmap_cursor_open(); it need not exist any
 *        more. Where it names a file now, nothing is looked for below it, but on Windows. It is
 *        compared with the path each file was last opened by, as text and, if it is not the path
 *        of a file, with the symbolic links in `path` and in the directory of that other path
 *        resolved, as they lead at the time of the call; a link to what is gone leads nowhere.
 *        If `path` names a file, that file is found under any name, and also if it was opened
 *        by handle. On Windows ASCII letters compare without case, and the final path (short
 *        8.3 names, links and substituted drives resolved) is compared as well with the final
 *        path that each file had when the manager first saw it, so files opened by handle are
 *        found too. A network share and the local directory behind it are not recognized as the
 *        same.
 * @param pinned (out) number of regions of these files that cursors still pin. May be NULL. A
 *        handle that a cursor was opened by stays open while the cursor is on its file, and is
 *        not counted.
 * @return APR_SUCCESS, also when regions are still pinned; APR_EINVAL: manager or path is NULL,
 *         or path is empty; APR_ENOMEM; or the first error of the system's unmap.
 * Threads: any.
 */
SMMAP_API apr_status_t smmap_manager_drop(smmap_manager_t *manager, const char *path,
                                          apr_size_t *pinned);

/** A window that cursors pin; see smmap_manager_pinned(). */
typedef struct smmap_pinned_t {
    const char *path;       /**< the path its file was last opened by; NULL: by handle only */
    apr_off_t window_begin; /**< offset in the file, in bytes */
    apr_size_t window_size; /**< bytes */
    apr_size_t cursors;     /**< number of cursors that pin it; at least 1 */
    const char *origin;     /**< call stack at which this cursor pinned it: return addresses, or
                                 symbols where available, innermost first; NULL: not known,
                                 always so without paranoid mode */
    apr_uint64_t file;      /**< smmap_cursor_file_number() of these cursors */
} smmap_pinned_t;

/**
 * Receives one pinned window.
 *
 * @param context (in) what was passed to smmap_manager_pinned().
 * @param pinned (in) the window. It, and what it points to, are valid only during the call.
 * Threads: called in the thread that called smmap_manager_pinned(), with no lock held. It may call
 * the library.
 */
typedef void smmap_pinned_callback_t(void *context, const smmap_pinned_t *pinned);

/**
 * List the windows that are pinned now. These are the windows that a hard limit
 * (SMMAP_ELIMIT_BYTES, SMMAP_ELIMIT_REGIONS) cannot evict, that stay mapped after the manager
 * is destroyed, and that smmap_manager_drop() leaves mapped.
 *
 * @param manager (in) the manager.
 * @param callback (in) called once per window, in paranoid mode once per cursor, in no
 *        particular order.
 * @param context (in) passed to `callback`.
 * @return APR_SUCCESS, also when nothing is pinned; APR_EINVAL: manager or callback is NULL;
 *         APR_ENOMEM.
 * Threads: any. Windows that other threads pin or release during the call may or may not be
 * listed.
 */
SMMAP_API apr_status_t smmap_manager_pinned(smmap_manager_t *manager,
                                            smmap_pinned_callback_t *callback, void *context);

/**
 * Take a consistent snapshot of all counters. With SMMAP_TRACE, what is pending is written to the
 * trace first, so that `trace_failures` covers every move before the call.
 *
 * @param manager (in) the manager.
 * @param stats (in, out) initialize it with SMMAP_STATS_INIT.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL, or struct_size is unknown.
 * Threads: any.
 */
SMMAP_API apr_status_t smmap_manager_stats(smmap_manager_t *manager, smmap_stats_t *stats);

/* What a manager was made with, and has now: it must not be NULL. */

/** The mode in use: STATIC or SLIDING, never AUTO. Threads: any. */
SMMAP_API smmap_mode_t smmap_manager_mode(const smmap_manager_t *manager);
/** The kind of limits in use. Threads: any. */
SMMAP_API smmap_limits_t smmap_manager_limits(const smmap_manager_t *manager);
/** The guard in use. Threads: any. */
SMMAP_API smmap_guard_t smmap_manager_guard(const smmap_manager_t *manager);
/** Window size in bytes; 0 in static mode, where a window is the whole file. A file that cannot
    be mapped is held in pieces of at most 1 MiB, or of the size passed to
    smmap_cursor_require(). Threads: any. */
SMMAP_API apr_size_t smmap_manager_window_size(const smmap_manager_t *manager);
/** Limit of bytes mapped at a time; with SMMAP_LIMIT_AUTO what it is now. Threads: any. */
SMMAP_API apr_size_t smmap_manager_max_mapped_bytes(const smmap_manager_t *manager);
/** Limit of regions at a time. Threads: any. */
SMMAP_API apr_size_t smmap_manager_max_regions(const smmap_manager_t *manager);
/** Limit of open file handles at a time. Threads: any. */
SMMAP_API apr_size_t smmap_manager_max_open_files(const smmap_manager_t *manager);
/** Bytes mapped now. Threads: any. */
SMMAP_API apr_size_t smmap_manager_mapped_bytes(smmap_manager_t *manager);
/** Regions mapped now. Threads: any. */
SMMAP_API apr_size_t smmap_manager_regions(smmap_manager_t *manager);
/** File handles open now. Threads: any. */
SMMAP_API apr_size_t smmap_manager_open_files(smmap_manager_t *manager);

#ifdef __cplusplus
}
#endif

#endif
