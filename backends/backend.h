/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The backend contract: what the core needs from the operating system.
 *
 * One backend is linked, chosen at configure time: posix/ or windows/, or tests/fake/backend.c
 * in some tests. There is no table of functions; every backend defines the same names. Only
 * backends include headers of the operating system.
 *
 * Common rules, not repeated below:
 *
 * - A backend translates calls. It does not allocate memory, lock, log, retry, round arguments or
 *   keep state for a file; the core does. The guard and the watch of forks are exceptions.
 * - Any thread may call any function at any time.
 * - Pointers to results are never NULL. Results are written only on success.
 * - A status is the system's own error (errno, GetLastError), saved before any cleanup.
 *   APR_ENOTIMPL: the system cannot do this at all.
 * - On failure nothing is held, and nothing has changed.
 * - A mapping outlives the handle that it was made from.
 */
#ifndef SMMAP_BACKEND_H
#define SMMAP_BACKEND_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_file_info.h>
#include <apr_portable.h>

/* --- the system --- */

/** What the system does when a mapped file is truncated. */
typedef enum smmap__os_shrink_t {
    SMMAP__OS_SHRINK_FAULTS, /**< allows it; accessing the lost pages faults */
    SMMAP__OS_SHRINK_REFUSED /**< refuses to truncate or replace a mapped file */
} smmap__os_shrink_t;

/** Facts about the machine. They are constant in a process, except for max_open_files. */
typedef struct smmap__os_info_t {
    apr_size_t page_size;      /**< bytes; a power of two */
    apr_size_t granularity;    /**< offsets and addresses of mappings are multiples of it; a
                                    power of two, and a multiple of page_size */
    int address_bits;          /**< 32 or 64 */
    apr_size_t max_open_files; /**< handles that the process may have; 0: no known limit */
    smmap__os_shrink_t shrink; /**< see there */
    int case_insensitive;      /**< 1: file names that differ only in case are the same */
    int lexical_dots;          /**< 1: `.` and `..` in a path are resolved in the text, before
                                    anything is looked up, even after links and missing names */
} smmap__os_info_t;

/** Get facts about the machine. Never fails. */
void smmap__os_info(smmap__os_info_t *info);

/** The memory that there is for this process. */
typedef struct smmap__os_memory_t {
    apr_uint64_t most; /**< bytes: that of the machine, or less where the process is limited */
    int pressed;       /**< 1: threads wait for memory; 0: they do not, or the system does not tell */
} smmap__os_memory_t;

/**
 * Get what the system says now of the memory for this process. It takes some system calls.
 *
 * @return APR_ENOTIMPL, or another status: it cannot be told.
 */
apr_status_t smmap__os_memory(smmap__os_memory_t *memory);

/**
 * May environment variables name files to write to? Not in a program that has more rights than
 * the user who started it, such as a set-user-ID program.
 *
 * @return 1: yes; 0: no. Never fails.
 */
int smmap__os_environment_is_trusted(void);

/**
 * Prepare smmap__os_fence_heavy(). Call it before relying on that.
 *
 * @return 1: the heavy fence makes every thread of the process execute a barrier, so a hit needs
 *         none; 0: it affects its own thread alone, and a hit needs a fence too.
 */
int smmap__os_fence_asymmetric(void);

/** The heavy fence, executed between unpublishing a region and reading the pins. */
void smmap__os_fence_heavy(void);

/**
 * Keep this thread from being cancelled (pthread_cancel): what a call holds must not be left
 * behind. The other functions of a backend are no points where a thread is cancelled.
 *
 * @return for smmap__os_cancel_restore().
 */
int smmap__os_cancel_disable(void);

/** The state before. */
void smmap__os_cancel_restore(int state);

/** If the thread is to be cancelled, do it here, where nothing is held. */
void smmap__os_cancel_point(void);

/**
 * A clock that goes on whatever the time of day is set to. Only differences mean something.
 *
 * @return nanoseconds, positive; 0: there is none now.
 */
apr_int64_t smmap__os_clock(void);

/**
 * Call functions at each fork from now on: before it, and after it in the parent and in the child.
 * Only the first call counts; call it again after a failure. They may be called twice for a fork.
 */
apr_status_t smmap__os_fork_watch(void (*before)(void), void (*in_parent)(void),
                                  void (*in_child)(void));

/* --- files --- */

/** How reliably device and inode identify a file. */
typedef enum smmap__os_id_t {
    SMMAP__OS_ID_UNIQUE, /**< no other file has both while we have a handle or mapping of it */
    SMMAP__OS_ID_REUSED, /**< the same, but the next file soon gets the inode of a deleted one */
    SMMAP__OS_ID_NONE    /**< other files may have the same at any time */
} smmap__os_id_t;

/** What a path or handle names. */
typedef enum smmap__os_kind_t {
    SMMAP__OS_OTHER, /**< a directory, pipe, terminal, ... */
    SMMAP__OS_FILE,  /**< a regular file */
    SMMAP__OS_DISK   /**< a block device */
} smmap__os_kind_t;

/** What the system tells about a file. Times are good only for comparing. */
typedef struct smmap__os_facts_t {
    smmap__os_kind_t kind;
    apr_dev_t device;
    apr_uint64_t inode; /**< apr_ino_t may have 32 bits where the system has 64 */
    apr_off_t size; /**< bytes; of a block device only smmap__os_examine() knows it */
    apr_int64_t mtime;
    apr_int64_t ctime;
    apr_int64_t birth; /**< 0: not known. It tells a deleted file from a new one with its inode */
    int readable;      /**< 1: certainly by all users; 0: not known */
    int holes_fill;    /**< 1: it has holes, and reading one through a mapping fills it with memory,
                            where a positional read does not. On Linux: on tmpfs */
    /* The rest is set by smmap__os_examine() with `identify` alone. */
    smmap__os_id_t id; /**< how reliable device and inode are */
    int stacked;  /**< 1: what is mapped may differ from what is read: smmap__os_file_renew() */
    int invented; /**< 1: the system makes the contents up, so the size may be wrong */
    int remote;   /**< 1: a server answers reads, and may take long */
    int unmappable; /**< 1: it is to be read, not mapped */
} smmap__os_facts_t;

/** What the core is going to do with mapped memory, as for madvise(). */
typedef enum smmap__os_advice_t {
    SMMAP__OS_NORMAL,     /**< no special treatment */
    SMMAP__OS_SEQUENTIAL, /**< access in order */
    SMMAP__OS_RANDOM,     /**< access in random order */
    SMMAP__OS_WILLNEED,   /**< access soon */
    SMMAP__OS_DONTNEED    /**< no access soon */
} smmap__os_advice_t;

/**
 * Open a file for reading. APR is not used: its handle lives in a pool of 8 KiB or, without that,
 * can be inherited by a program that another thread starts at that moment.
 *
 * @param file (out) close it with smmap__os_file_close(). Not inherited by child programs.
 * @param path (in) as APR takes paths. A FIFO is opened at once, or refused, without
 *        waiting for a writer. Waits until the holder of a lease on the file gives it up.
 */
apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path);

/**
 * Open a file or directory only to ask for its name. Needs no right to read it.
 *
 * @param file (out) close it with smmap__os_file_close().
 * @param path (in) absolute, as APR takes paths.
 * @return APR_ENOTIMPL: APR tells all there is to know about a path.
 */
apr_status_t smmap__os_file_open_attributes(apr_os_file_t *file, const char *path);

/**
 * Duplicate a handle. The duplicate is not inherited by child programs.
 *
 * @param copy (out) close it with smmap__os_file_close().
 * @param file (in) any open handle, of the caller or of APR.
 * @return APR_ENOTIMPL: reads by the duplicate would return before they are done.
 */
apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file);

/** Close a handle that a function of this section made. */
apr_status_t smmap__os_file_close(apr_os_file_t file);

/**
 * Open a file for appending, or make it. Never waits, and has no effect on anything but a regular
 * file.
 *
 * @param file (out) close it with smmap__os_file_close(). Not inherited by child programs.
 * @param path (in) as APR takes paths; need not be absolute.
 * @return APR_ENOTIMPL: it is no regular file.
 */
apr_status_t smmap__os_append_open(apr_os_file_t *file, const char *path);

/**
 * Append to such a file, in one piece as far as the system does. No signal comes of it. On failure
 * a part may have been appended.
 */
apr_status_t smmap__os_append(apr_os_file_t file, const char *bytes, apr_size_t length);

/**
 * Get the size of a file or block device, and nothing else: guarded reads ask often.
 * @param size (out) bytes.
 */
apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file);

/**
 * Examine an open file.
 *
 * @param file (in) any open handle, of the caller or of ours.
 * @param identify (in) 1: find out all there is; 0: what a change of the file can change.
 */
apr_status_t smmap__os_examine(smmap__os_facts_t *facts, apr_os_file_t file, int identify);

/** What smmap__os_generation() says of a file that has none. */
#define SMMAP__OS_GENERATION_NONE (-1)

/**
 * Get the number that tells a file from another with its id and its birth: one was made soon after
 * the other was deleted, and the clock of births is coarse.
 *
 * @param file (in) any open handle of a regular file.
 * @return the number, which is greater than 0; SMMAP__OS_GENERATION_NONE; or 0: it may have one, but
 *         that cannot be told now.
 */
apr_int64_t smmap__os_generation(apr_os_file_t file);

/** smmap__os_examine() for what a path names, without opening it. On Windows it tells the kind
    alone, and the id is SMMAP__OS_ID_NONE. On failure *facts is as it was. */
apr_status_t smmap__os_examine_path(smmap__os_facts_t *facts, const char *path);

/**
 * Open the file of a handle of ours once more, in the place of the handle, which keeps its number;
 * reads by it are not disturbed. On a stacked file system (overlayfs) a handle maps the file of the
 * layer that was topmost when it was opened, while reads and sizes follow the file to a higher one.
 *
 * @return APR_ENOTIMPL: it cannot be opened once more.
 */
apr_status_t smmap__os_file_renew(apr_os_file_t file);

/**
 * Get the canonical path of a file or directory: the same for every spelling, where there are
 * short names, links, and drives that stand for directories. Good only for comparing with others.
 *
 * @param path (out) with / as separator, and none at the end.
 * @param size (in) bytes available, with the terminator.
 * @param file (in) any open handle, also one from smmap__os_file_open_attributes().
 * @return APR_ENOTIMPL: different paths are not compared; APR_ENAMETOOLONG.
 */
apr_status_t smmap__os_file_canonical_path(char *path, apr_size_t size, apr_os_file_t file);

/**
 * Get the path of what an absolute path leads to, without links, `.` and `..`. Everything of it is
 * looked up, so it may wait for a server.
 *
 * @param real (out) with / as separator, and none at the end, but for the root. On failure its
 *        contents are undefined. APR_PATH_MAX bytes.
 * @return APR_ENOTIMPL: smmap__os_file_canonical_path() tells all there is to know.
 */
apr_status_t smmap__os_real_path(char *real, const char *path);

/**
 * Read at an offset. There is no file pointer that others could move.
 *
 * @param file (in) from smmap__os_file_open() or smmap__os_file_dup(): on Windows reading moves
 *        the file pointer, and that of a caller's handle must stay.
 * @param offset (in) not negative.
 * @param length (in) bytes.
 * @param nread (out) bytes read. Less than `length` only at the end of the file or, with an
 *        error, before it.
 */
apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread);

/**
 * Can the first byte be read? Does not move the file pointer, not even for a moment that another
 * thread could see.
 *
 * @param file (in) any open handle, of the caller or of ours.
 * @param nread (out) 1, or 0 for an empty file.
 * @return APR_EBADF: not open, or not for reading; APR_ENOTIMPL: as for smmap__os_file_dup().
 */
apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread);

/**
 * Give advice about a range of a file, mapped or not. It may be applied to a part of a long range
 * alone.
 *
 * @param offset (in) bytes, not negative, not aligned.
 * @param length (in) bytes, not 0.
 * @param advice (in) WILLNEED, which starts reading and does not wait, or DONTNEED.
 */
apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice);

/**
 * Is a range of a file in memory? At least its pages were there a moment ago.
 *
 * @param cached (out) 1: all of it; 0: not all.
 * @param file (in) any open handle of ours.
 * @param length (in) bytes, not 0; offset + length is a place in a file.
 * @return APR_ENOTIMPL, or another status: the system does not tell.
 */
apr_status_t smmap__os_is_cached(int *cached, apr_os_file_t file, apr_off_t offset,
                                 apr_off_t length);

/**
 * Read what is in memory, and wait for nothing else. As smmap__os_read(), but:
 *
 * @return APR_EAGAIN: the rest is not in memory; APR_ENOTIMPL: the system or the file system has no
 *         such read.
 */
apr_status_t smmap__os_read_nowait(apr_os_file_t file, apr_off_t offset, void *buffer,
                                   apr_size_t length, apr_size_t *nread);

/* --- threads --- */

/** What a thread does; the memory stays until the thread has begun. */
typedef struct smmap__os_thread_t {
    void (*run)(void *argument);
    void *argument;
} smmap__os_thread_t;

/**
 * Start a thread that nobody waits for. It blocks all signals that can be blocked, and the code of
 * the library stays loaded from now on.
 */
apr_status_t smmap__os_thread_start(smmap__os_thread_t *thread);

/* --- mappings --- */

/** A read-only mapping of a file, or anonymous memory in the place of one. Zeroed: none. */
typedef struct smmap__os_mapping_t {
    unsigned char *address; /**< a multiple of the granularity */
    apr_size_t length;      /**< bytes, as requested, not rounded */
    int memory;             /**< 1: from smmap__os_map_anonymous(); 0: of a file */
} smmap__os_mapping_t;

/**
 * Map a range of a file, read-only.
 *
 * @param mapping (out) the mapping.
 * @param file (in) open for reading.
 * @param offset (in) a multiple of the granularity, not negative.
 * @param length (in) bytes, not 0; offset + length is within the size that was just measured.
 * @return APR_ENOTIMPL: this file cannot be mapped; APR_EOF: it is shorter by now (not every system
 *         checks).
 */
apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length);

/**
 * Allocate anonymous memory, for files that cannot be mapped: zeroed, writable, freed by
 * smmap__os_unmap().
 *
 * @param mapping (out) the memory.
 * @param length (in) bytes, not 0.
 */
apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length);

/**
 * Unmap, and zero the structure. No-op on a zeroed one. It can fail: where Linux has merged
 * neighbouring mappings into one area, unmapping the middle needs another area, and the limit may
 * be reached. The mapping is then unchanged, and unmapping can be tried again.
 */
apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping);

/**
 * Unmap the first of some mappings, and by the same call of the system those after it that are its
 * neighbours in memory, where a system can do that.
 *
 * @param mappings (in/out) zeroed where they are unmapped, and unchanged otherwise.
 * @param count (in) how many there are, not 0.
 * @param done (out) how many were unmapped, the first ones; 0 on failure.
 */
apr_status_t smmap__os_unmap_run(smmap__os_mapping_t *mappings, unsigned count, unsigned *done);

/**
 * Give advice about a part of a mapping.
 *
 * @param offset (in) bytes from the start of the mapping; a multiple of the page size.
 * @param length (in) bytes; offset + length is within the mapping.
 */
apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice);

/**
 * Which pages of a mapping are in memory?
 *
 * @param offset (in) bytes from the start of the mapping; a multiple of the page size.
 * @param length (in) bytes; offset + length is within the mapping.
 * @param pages (out) one byte for each page, also for a partial one: not 0 if it is in memory.
 */
apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages);

/**
 * When smmap__os_residency() says that all of a file is in memory: is that so? Linux says it to
 * everybody who neither owns the file nor may write to it.
 *
 * @param file (in) the file that is mapped.
 * @return APR_SUCCESS: it is; APR_ENOTIMPL: the system does not tell.
 */
apr_status_t smmap__os_residency_is_told(apr_os_file_t file);

#include "backends/guard.h"

#endif
