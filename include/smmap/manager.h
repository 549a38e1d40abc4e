/*
 * The manager: limits, statistics and the registry of files.
 *
 * One manager for an application is usual, so that its limits speak for the
 * whole process. It knows each file once, by what the file is (device and file
 * id) and not by its path, and shares the file's windows among all cursors.
 *
 * Threads: a manager may be used by any number of threads at once. The pool
 * that is given to a constructor is used only during that call and when the
 * object is destroyed; as APR's pools are not thread-safe, no other thread may
 * use the pool at those moments. Call apr_initialize() first.
 *
 * Lifetimes: destroying the pool is always enough. Pool, manager and cursors
 * may be destroyed in any order: cursors that outlive their manager answer
 * SMMAP_ECLOSED, and a window that is still pinned stays mapped until its last
 * cursor lets go of it.
 *
 * Fork: what was made before a fork may, in the child, only be destroyed and closed, or
 * left alone; this neither blocks nor disturbs the parent. Other calls answer
 * SMMAP_EFORKED, and accessors as if the manager were destroyed. A window that a cursor
 * has in use can be read on; a move to a window that is mapped may succeed or be refused.
 * Where another thread was changing the manager when the process was forked, destroying
 * frees nothing, as what it would free is half-way. A manager that the child makes is
 * like any other. Programs that are started (exec) inherit no handle.
 */
#ifndef SMMAP_MANAGER_H
#define SMMAP_MANAGER_H

#include <apr_pools.h>

#include "smmap/export.h"
#include "smmap/status.h"
#include "smmap/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Limits, statistics and the files; opaque. */
typedef struct smmap_manager_t smmap_manager_t;

/** How a manager maps files. */
typedef enum smmap_mode_t {
    SMMAP_MODE_AUTO = 0,   /**< STATIC in a 64-bit program, SLIDING in a 32-bit one */
    SMMAP_MODE_STATIC = 1, /**< one window, the whole file */
    SMMAP_MODE_SLIDING = 2 /**< windows of `window_size` bytes on a fixed grid */
} smmap_mode_t;

/** What happens when a limit is reached and everything is pinned. */
typedef enum smmap_limits_t {
    SMMAP_LIMITS_SOFT = 0, /**< go over the limit, and count it (`over_limit`) */
    SMMAP_LIMITS_HARD = 1  /**< fail with SMMAP_ELIMIT_BYTES, _REGIONS or _FILES */
} smmap_limits_t;

/** Is a fault on a mapped page survived? See `guard` in smmap_options_t. */
typedef enum smmap_guard_t {
    SMMAP_GUARD_OFF = 0,   /**< it ends the process, or whatever the program has made of it */
    SMMAP_GUARD_ON = 1,    /**< in guarded reads it is a status */
    SMMAP_GUARD_STRICT = 2 /**< the same, and copying reads measure the file before and after */
} smmap_guard_t;

/** In each number of smmap_options_t: take the default that is documented there. */
#define SMMAP_DEFAULT 0
/** In each limit of smmap_options_t: no limit of ours. */
#define SMMAP_UNLIMITED (~(apr_size_t)0)

/** The options of a manager. Start from SMMAP_OPTIONS_INIT, then change what you want. */
typedef struct smmap_options_t {
    /** sizeof(smmap_options_t), set by SMMAP_OPTIONS_INIT, so that the library can learn
        more options and tell by which headers a program was built. */
    apr_size_t struct_size;
    /** How files are mapped. Default: SMMAP_MODE_AUTO. */
    smmap_mode_t mode;
    /** What happens at a limit. Default: SMMAP_LIMITS_SOFT. */
    smmap_limits_t limits;
    /** Bytes in a window, rounded up to the allocation granularity; used by sliding mode
        alone. Default: 1 GiB in a 64-bit program, 64 MiB in a 32-bit one, but at most an
        eighth of `max_mapped_bytes` (and at least one granule). */
    apr_size_t window_size;
    /** Most bytes mapped at a time, counted in bytes of files: of the page in which a file
        ends, those before its end. Default: 8 GiB in a 64-bit program, 1 GiB in a 32-bit one. */
    apr_size_t max_mapped_bytes;
    /** Most regions (mapped windows) at a time. Default: 32768, half of what Linux allows a
        process. */
    apr_size_t max_regions;
    /** Most file handles open at a time. Default: half of what the process may have, at
        least 8. */
    apr_size_t max_open_files;
    /** Touching a mapped page that the system cannot bring into memory, because the file was
        cut short, or the disk or the network failed, is a fault (SIGBUS on POSIX, an in-page
        error on Windows). With SMMAP_GUARD_ON it is a status in smmap_cursor_read(),
        smmap_buffer_read(), smmap_buffer_byte(), and between smmap_cursor_begin_guard() and
        _end_guard(). These also notice bytes that are read as zeroes because the file ends
        before them; but in the instant in which the system is clearing them, a copy can take
        some for data, as can a read of the system. SMMAP_GUARD_STRICT closes this gap, at the
        price of two system calls for each window that is copied from; see
        docs/reliability.md.

        For this a handler of the process is installed when the first such manager is made,
        before the one that is there, and it stays; so the library must not be unloaded
        then. A fault anywhere else goes to the handler that was there; see
        smmap_manager_reinstall_guard(). On Windows pointers cannot be guarded; docs/windows.md
        says how the rest is done there. Default: SMMAP_GUARD_OFF. */
    smmap_guard_t guard;
    /** 1: paranoid mode, to find pointers that were kept too long. The bytes of a window can
        be touched only while a cursor pins it; afterwards touching them ends the process
        (SIGSEGV on POSIX), also for a while after it was unmapped. What is still pinned when
        the manager is destroyed is written to stderr; see smmap_manager_pinned(). Everything
        else is as always, only slower; but AUTO is sliding mode, and the default of
        `window_size` is one granule. Default: 0, and 1 where SMMAP_PARANOID is set in the
        environment, to something else than 0. */
    int paranoid;
    /** A function that hears of each move; see trace.h. Default: none, and where SMMAP_TRACE
        is set in the environment, moves are written into the file that it names. */
    smmap_trace_t *trace;
    /** What is handed to it. */
    void *trace_context;
} smmap_options_t;

/** All defaults: `smmap_options_t options = SMMAP_OPTIONS_INIT;` */
#define SMMAP_OPTIONS_INIT                                                                         \
    {                                                                                              \
        sizeof(smmap_options_t), SMMAP_MODE_AUTO, SMMAP_LIMITS_SOFT, SMMAP_DEFAULT, SMMAP_DEFAULT, \
            SMMAP_DEFAULT, SMMAP_DEFAULT, SMMAP_GUARD_OFF, 0, 0, 0                                 \
    }

/** What a manager counted. Start from SMMAP_STATS_INIT. */
typedef struct smmap_stats_t {
    apr_size_t struct_size; /**< sizeof(smmap_stats_t), set by SMMAP_STATS_INIT */

    apr_size_t mapped_bytes;      /**< bytes mapped now */
    apr_size_t peak_mapped_bytes; /**< the most there ever were */
    apr_size_t pinned_bytes;      /**< bytes of regions that cursors use now */
    apr_size_t regions;           /**< regions mapped now */
    apr_size_t peak_regions;      /**< the most there ever were */
    apr_size_t pinned_regions;    /**< regions that cursors use now */
    apr_size_t open_files;        /**< file handles open now */
    apr_size_t peak_open_files;   /**< the most there ever were */
    apr_size_t files;             /**< files known now, open or not */
    apr_size_t cursors;           /**< cursors that know a file now */
    apr_size_t buffered_regions;  /**< of the regions: memory with a copy, as the file cannot be
                                       mapped, or nothing can just now */
    apr_size_t buffered_bytes;    /**< of the mapped bytes: those in them */

    apr_uint64_t hits;      /**< calls of use and require, and copying reads window by window
                                 (but from the cursor's own), whose window was mapped */
    apr_uint64_t misses;    /**< those whose window was not, and was to be */
    apr_uint64_t maps;      /**< regions mapped */
    apr_uint64_t unmaps;    /**< regions unmapped, for whatever reason */
    apr_uint64_t evictions; /**< regions unmapped to make room */
    apr_uint64_t opens;     /**< handles opened or duplicated */
    apr_uint64_t closes;    /**< handles closed, for whatever reason */

    apr_uint64_t over_limit;        /**< times a soft limit was passed as nothing could go */
    apr_uint64_t limit_failures;    /**< calls that a hard limit refused */
    apr_uint64_t retries;           /**< attempts made again, with more room or for less */
    apr_uint64_t shrunk_maps;       /**< regions that were mapped smaller than a window */
    apr_uint64_t map_failures;      /**< calls that failed as the system refused a mapping */
    apr_uint64_t open_failures;     /**< calls that failed as a file could not be opened */
    apr_uint64_t stale_files;       /**< calls that found another file under the path */
    apr_uint64_t truncated_files;   /**< calls that found a file shorter than before */
    apr_uint64_t bypassed_reads;    /**< copying reads, window by window, that mapped nothing */
    apr_uint64_t admission_rejects; /**< times that a window was not worth evicting another for */
    apr_uint64_t prefetches;        /**< times that a sequential cursor asked for its next window */
    apr_uint64_t buffered;          /**< of the maps: those that were filled by reading */
    apr_uint64_t faults;            /**< guarded reads that met a fault, in their own or
                                       another thread */
    apr_uint64_t trace_failures;    /**< 1: SMMAP_TRACE could not be written, or not all of it */
} smmap_stats_t;

/** An empty smmap_stats_t, ready for smmap_manager_stats(). */
#define SMMAP_STATS_INIT                                                                         \
    {                                                                                            \
        sizeof(smmap_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                                      \
    }

/**
 * Make a manager.
 *
 * @param manager (out) the manager; set only on success.
 * @param options (in) what it should be like; copied. NULL: all defaults.
 * @param pool (in) destroys the manager when it is cleared or destroyed.
 * @return APR_SUCCESS;
 *         APR_EINVAL: an argument is NULL, a struct_size is unknown, or a mode is not one;
 *         SMMAP_ETOOLARGE: the window size cannot be rounded up;
 *         SMMAP_ELIMIT_BYTES: hard limits, and not even one window would fit;
 *         APR_ENOTIMPL: with the guard, and the system cannot; otherwise with it as
 *         smmap_manager_reinstall_guard();
 *         APR_ENOMEM.
 */
SMMAP_API apr_status_t smmap_manager_create(smmap_manager_t **manager,
                                            const smmap_options_t *options, apr_pool_t *pool);

/**
 * Destroy a manager before its pool goes: unmaps all windows that no cursor pins, and
 * closes all handles but those of cursors that were opened by handle. Cursors that are
 * left answer SMMAP_ECLOSED from then on; what they hold goes with them. It waits for
 * copying reads of other threads that have begun.
 *
 * @param manager (in) the manager, invalid after the call; NULL is ignored.
 * @return APR_SUCCESS, or the first error of the system's unmap; all is destroyed all the same.
 * Threads: other threads may use cursors of this manager meanwhile, not the manager.
 */
SMMAP_API apr_status_t smmap_manager_destroy(smmap_manager_t *manager);

/**
 * Unmap every window that no cursor pins. Files that a cursor is on stay known and open;
 * others are forgotten and closed with their last window.
 *
 * @param manager (in) the manager.
 * @param count (out) how many regions were unmapped. May be NULL.
 * @return APR_SUCCESS; APR_EINVAL: manager is NULL; or the first error of the system's unmap:
 *         those regions are still counted, and are tried again the next time.
 */
SMMAP_API apr_status_t smmap_manager_collect(smmap_manager_t *manager, apr_size_t *count);

/**
 * Put the guard before handlers that were installed since. A handler that a program
 * installs over ours sees each fault first, and most do not pass it on; after this call
 * ours is asked first again, and passes on to that one. Making a manager with
 * the guard does the same. Where ours is first already, nothing happens.
 *
 * A handler may pass on to ours, as it was there when the other was installed: nothing
 * goes round in circles.
 *
 * @param manager (in) one that was made with the guard.
 * @return APR_SUCCESS;
 *         APR_EINVAL: manager is NULL, or was made without the guard;
 *         APR_ENOSPC: 16 different handlers were there before; SMMAP_EFORKED; or as the
 *         system says.
 * Threads: not while another thread installs a handler for the same signal.
 */
SMMAP_API apr_status_t smmap_manager_reinstall_guard(smmap_manager_t *manager);

/**
 * Let go of a file, or of all files below a directory: unmap their windows that no cursor
 * pins, and close their handles that no call is using. To be called before the files are
 * deleted, replaced or cut: Windows refuses that while they are mapped, or finishes it when
 * the last handle is closed. Nothing is unmapped under a user, and cursors stay on their
 * files; a cursor that is moved afterwards opens and maps its file again.
 *
 * @param manager (in) the manager.
 * @param path (in) a file or a directory, as for smmap_cursor_open(); it need not exist any
 *        more. A file is taken to be where it was opened by path the last time, spelled
 *        without symbolic links on the way; where `path` names a file, that one is found
 *        under any name, and also when it was opened by handle. On Windows case does not
 *        matter in ASCII letters; and what the path is, once short names (8.3), links and
 *        drives that stand for directories are resolved, is also compared with what that of
 *        each file was when the manager came to know it, so files opened by handle are found
 *        there, too. A local directory under the name of a share is not known to be the same.
 * @param pinned (out) how many regions of these files are still pinned by cursors. May be NULL.
 *        A handle by which a cursor was opened stays open while the cursor is on its file,
 *        and is not counted.
 * @return APR_SUCCESS, also when something is pinned; APR_EINVAL: manager or path is NULL, or
 *         the path is empty; APR_ENOMEM; or the first error of the system's unmap.
 */
SMMAP_API apr_status_t smmap_manager_drop(smmap_manager_t *manager, const char *path,
                                          apr_size_t *pinned);

/** A window that cursors pin; see smmap_manager_pinned(). */
typedef struct smmap_pinned_t {
    const char *path;       /**< by which its file was opened last; NULL: by handles alone */
    apr_off_t window_begin; /**< offset in the file */
    apr_size_t window_size; /**< bytes */
    apr_size_t cursors;     /**< how many pin it; at least 1 */
    const char *origin;     /**< where in the program this one cursor took it, as return
                                 addresses or better, the innermost first; NULL: not known,
                                 always so without paranoid mode */
} smmap_pinned_t;

/** Hears of a window; what it points to is there during the call. It may call the library. */
typedef void smmap_pinned_callback_t(void *context, const smmap_pinned_t *pinned);

/**
 * Which windows are pinned now? These are what a hard limit (SMMAP_ELIMIT_BYTES,
 * SMMAP_ELIMIT_REGIONS) cannot make room of, what stays mapped after the manager is destroyed,
 * and what smmap_manager_drop() leaves.
 *
 * @param manager (in) the manager.
 * @param callback (in) called for each window; in paranoid mode for each cursor. Not in any order.
 * @param context (in) handed to it.
 * @return APR_SUCCESS, also when there are none; APR_EINVAL: manager or callback is NULL;
 *         APR_ENOMEM; SMMAP_EFORKED.
 * Threads: any. What other threads pin or release meanwhile may be told or not.
 */
SMMAP_API apr_status_t smmap_manager_pinned(smmap_manager_t *manager,
                                            smmap_pinned_callback_t *callback, void *context);

/**
 * Take all counters at once.
 *
 * @param manager (in) the manager.
 * @param stats (in, out) start from SMMAP_STATS_INIT.
 * @return APR_SUCCESS; APR_EINVAL: an argument is NULL, or struct_size is unknown.
 */
SMMAP_API apr_status_t smmap_manager_stats(smmap_manager_t *manager, smmap_stats_t *stats);

/** The mode in use: STATIC or SLIDING, never AUTO. Threads: any. */
SMMAP_API smmap_mode_t smmap_manager_mode(const smmap_manager_t *manager);
/** The kind of limits in use. Threads: any. */
SMMAP_API smmap_limits_t smmap_manager_limits(const smmap_manager_t *manager);
/** Are faults survived in guarded reads? Threads: any. */
SMMAP_API smmap_guard_t smmap_manager_guard(const smmap_manager_t *manager);
/** Bytes in a window; 0 in static mode, where a window is the whole file. Of a file that
    cannot be mapped, what is in memory at a time is at most 1 MiB, or what was required in
    one piece. Threads: any. */
SMMAP_API apr_size_t smmap_manager_window_size(const smmap_manager_t *manager);
/** Most bytes mapped at a time. Threads: any. */
SMMAP_API apr_size_t smmap_manager_max_mapped_bytes(const smmap_manager_t *manager);
/** Most regions at a time. Threads: any. */
SMMAP_API apr_size_t smmap_manager_max_regions(const smmap_manager_t *manager);
/** Most open file handles at a time. Threads: any. */
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
