/*
 * What the core asks of an operating system: the backend contract.
 *
 * One backend is linked, chosen at configure time: posix.c or windows.c, and
 * tests/fake/backend.c for the tests. There is no table of functions, every
 * backend defines the same names. Nothing above this header includes a header
 * of the operating system.
 *
 * Common rules, not repeated below:
 *
 * - A backend is a translator. It never allocates memory, takes a lock, logs,
 *   retries, rounds an argument or keeps state for a file: that is the core's.
 * - Every function may be called by any thread at any time.
 * - Pointers to results are never NULL. A result is written on success alone.
 * - The status holds the system's own error (errno, GetLastError), read before
 *   any clean-up. APR_ENOTIMPL says that the system cannot do it at all.
 * - On failure nothing is held, and nothing has changed.
 * - Files are examined by APR in the core. A mapping outlives the handle it was
 *   made from.
 */
#ifndef SMMAP_BACKEND_H
#define SMMAP_BACKEND_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_file_info.h>
#include <apr_portable.h>

/** What the system does when a file is cut short while it is mapped. */
typedef enum smmap__os_shrink_t {
    SMMAP__OS_SHRINK_FAULTS, /**< it lets it happen; touching the lost pages faults */
    SMMAP__OS_SHRINK_REFUSED /**< it refuses to cut, or to replace, a mapped file */
} smmap__os_shrink_t;

/** Facts of the machine; the same on every call in one process, but for max_open_files. */
typedef struct smmap__os_info_t {
    apr_size_t page_size;      /**< bytes in a page; a power of two */
    apr_size_t granularity;    /**< offsets and addresses of mappings are multiples; a power
                                    of two, and a multiple of page_size */
    int address_bits;          /**< 32 or 64 */
    apr_size_t max_open_files; /**< handles that the process may have; 0: no limit known */
    smmap__os_shrink_t shrink; /**< see there */
    int folds_case;            /**< 1: names of files that differ in case alone are the same */
    int dots_are_text;         /**< 1: `.` and `..` are taken out of a path before anything is
                                    looked at, also after links and what does not exist */
} smmap__os_info_t;

/** How far the device and the id of a file tell it from others. */
typedef enum smmap__os_id_t {
    SMMAP__OS_ID_UNIQUE, /**< no other file has both, while a handle or mapping of ours is left */
    SMMAP__OS_ID_PLACE,  /**< the same, but the id is a place, which the next file soon gets */
    SMMAP__OS_ID_NONE    /**< other files may have the same at any time */
} smmap__os_id_t;

/** Memory that shows a file, read only. Zeroed: no mapping. */
typedef struct smmap__os_mapping_t {
    unsigned char *address; /**< a multiple of the granularity */
    apr_size_t length;      /**< as asked for, not rounded */
    int memory;             /**< 1: of smmap__os_memory(), it shows no file */
} smmap__os_mapping_t;

/** What the core is going to do with mapped memory. */
typedef enum smmap__os_advice_t {
    SMMAP__OS_NORMAL,     /**< nothing special */
    SMMAP__OS_SEQUENTIAL, /**< read it in order */
    SMMAP__OS_RANDOM,     /**< read it here and there */
    SMMAP__OS_WILLNEED,   /**< read it soon */
    SMMAP__OS_DONTNEED    /**< not read it soon */
} smmap__os_advice_t;

/** Facts of the machine. Never fails. */
void smmap__os_info(smmap__os_info_t *info);

/**
 * May the environment say which files are written? Not in a program that has more rights
 * than who started it, as set-user-ID programs have.
 *
 * @return 1: yes; 0: it is somebody else's. Never fails.
 */
int smmap__os_environment_is_ours(void);

/**
 * Open a file for reading. APR could, but its handle lives in a pool of 8 KiB, or,
 * without that, is for a moment inherited by programs that another thread starts.
 *
 * @param file (out) to be closed by smmap__os_file_close(); not inherited by programs that
 *        are started.
 * @param path (in) absolute, as APR takes paths. What turns out to be a FIFO is opened at
 *        once, or refused, but not waited for. That others give up a lease on a file is.
 */
apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path);

/**
 * Duplicate a handle; the copy is not inherited by programs that are started.
 *
 * @param copy (out) to be closed by smmap__os_file_close().
 * @param file (in) any open handle, of the caller or of APR.
 * @return APR_ENOTIMPL: reading by it would not wait for the bytes.
 */
apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file);

/**
 * Close a handle that one of the two above made.
 */
apr_status_t smmap__os_file_close(apr_os_file_t file);

/**
 * How long a file is now, or a block device. APR could, but not of a device, and at four times
 * the cost; guarded reads ask often.
 *
 * @param size (out) bytes.
 */
apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file);

/**
 * Is it certainly a device, pipe or socket? Asked where APR could not examine it: on
 * Windows APR then has an error of the system, and not the kind of thing it is.
 */
int smmap__os_is_stream(apr_os_file_t file);

/**
 * Device and id of a file, where those of APR are not all there is to know.
 *
 * @param device (in, out) as APR has it; changed where the system knows better.
 * @param inode (in, out) the same.
 * @param file (in) any open handle.
 * @return how far they can be trusted. Never fails.
 */
smmap__os_id_t smmap__os_file_id(apr_dev_t *device, apr_ino_t *inode, apr_os_file_t file);

/**
 * Open a file or directory to ask which it is, and for nothing else: whoever may see it can.
 *
 * @param handle (out) to be closed by smmap__os_file_close().
 * @param path (in) absolute, as APR takes paths.
 * @return APR_ENOTIMPL: what APR says of a path is all there is to know.
 */
apr_status_t smmap__os_file_look(apr_os_file_t *handle, const char *path);

/**
 * The one name that a system has for a file or directory that has many: with short forms,
 * links, and drives that stand for directories. Good for comparing with others alone.
 *
 * @param place (out) with /, and none at its end.
 * @param size (in) room, with the end.
 * @param file (in) any open handle, of the last call, too.
 * @return APR_ENOTIMPL: paths that differ are not compared; APR_ENAMETOOLONG.
 */
apr_status_t smmap__os_file_canonical_path(char *place, apr_size_t size, apr_os_file_t file);

/**
 * When a file was made, by the clock of its file system. A file id is given again
 * when a file is deleted and another one made; the time of birth tells the two
 * apart, and APR does not know it. Where the clock is coarse, and the file system has
 * more to tell two files with one id apart, that is in the number, too.
 *
 * @param birth (out) only good for comparing.
 * @return APR_ENOTIMPL: the system or this file system does not keep it.
 */
apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file);

/**
 * Map a range of a file, read only.
 *
 * @param mapping (out) the memory.
 * @param file (in) open for reading.
 * @param offset (in) a multiple of the granularity, not negative.
 * @param length (in) bytes, not 0; offset + length is not past the size just measured.
 * @return APR_ENOTIMPL: files of this kind cannot be mapped; APR_EOF: the file ends before,
 *         by now. Not every system looks.
 */
apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length);

/**
 * Plain memory in the place of a mapping, for files that cannot be mapped: zeroed, to be
 * written to, and given back by smmap__os_unmap().
 *
 * @param length (in) bytes, not 0.
 */
apr_status_t smmap__os_memory(smmap__os_mapping_t *mapping, apr_size_t length);

/**
 * Unmap, and zero the mapping. A zeroed mapping is a no-op. It can fail: where Linux
 * has joined neighbours into one area, taking the middle out needs one area more, and
 * there may be none left. The mapping is then as it was, and can be tried again.
 */
apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping);

/**
 * Tell the system what is going to be done with a part of a mapping.
 *
 * @param offset (in) bytes from the start of the mapping; a multiple of the page size.
 * @param length (in) bytes; offset + length is not past the mapping's end.
 */
apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice);

/**
 * The same for a range of a file, mapped or not: WILLNEED and DONTNEED alone. WILLNEED
 * starts reading and does not wait for it. A call may do less than all of a long range.
 *
 * @param offset (in) any offset, not negative.
 * @param length (in) bytes, not 0.
 */
apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice);

/**
 * Read at an offset; there is no seek pointer that others could move.
 *
 * @param file (in) made by the two above: on Windows reading moves the pointer of a handle,
 *        and that of a caller's is his.
 * @param nread (out) bytes read: less than `length` at the end of the file alone, then 0. On
 *        an error what was read before it.
 */
apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread);

/**
 * Is there a first byte, and may it be read? The pointer of the handle stays, also for other
 * threads.
 *
 * @param file (in) any open handle, of the caller or of ours.
 * @param nread (out) 1, or 0 for an empty file.
 * @return APR_EBADF: not open, or not for reading; APR_ENOTIMPL: as for a duplicate.
 */
apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread);

/**
 * Which pages of a mapping are in memory.
 *
 * @param offset (in) bytes from the start of the mapping; a multiple of the page size.
 * @param length (in) bytes; offset + length is not past the mapping's end.
 * @param pages (out) one byte for each page begun: not 0 where the page is in memory.
 */
apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages);

/**
 * Get ready for smmap__os_fence_heavy(); to be called before anything relies on it.
 *
 * @return 1: the heavy fence makes every thread of the process execute a barrier, so
 *         that a hit pays for none; 0: it is a fence of its own thread alone, and a hit
 *         needs one too.
 */
int smmap__os_fence_asymmetric(void);

/** The heavy fence, executed between taking a region out of sight and reading the pins. */
void smmap__os_fence_heavy(void);

/*
 * The guard. A page of a mapping that the system cannot bring into memory (the file was
 * cut short, the disk or the network failed) is a fault when it is touched, and ends the
 * process. Guarded, it is survived, in two ways:
 *
 * - A guarded copy ends at the fault. The mapping stays as it is.
 * - In a mapping that a thread has guarded from begin to end, the page is replaced by a
 *   page of zeroes, for every thread, and the mapping is marked as patched before that.
 *   Whoever has read from it must ask smmap__os_guard_patched() afterwards.
 *
 * These functions are an exception to the rules above: what catches faults is a thing of
 * the process, so a backend keeps state for it, and serializes smmap__os_guard_install().
 */

/** Mappings that a thread has guarded; the caller's memory, until the end. */
typedef struct smmap__os_guard_t {
    struct smmap__os_guard_t *outer;     /**< the backend's */
    const unsigned char *const *address; /**< where the mapping's address stands: it may
                                              change meanwhile, and is NULL for none */
    const apr_size_t *length;            /**< the same for its length */
} smmap__os_guard_t;

/**
 * Be the first to be told of faults. What is no fault of ours goes to whoever was first
 * before. Has no effect when we are the first already.
 *
 * @return APR_ENOTIMPL: the system cannot; APR_ENOSPC: others became first too often.
 */
apr_status_t smmap__os_guard_install(void);

/** What became of a guarded copy. */
typedef enum smmap__os_copied_t {
    SMMAP__OS_COPIED,   /**< it is what the file held */
    SMMAP__OS_MAYBE,    /**< it is, unless the file ends before the last byte of it: of some
                             page, the last byte that was copied and the last of the page (or
                             of the mapping) are zero when they are looked at after the copy */
    SMMAP__OS_FAULTED   /**< there was a fault, or a page of the mapping was replaced in one that
                             smmap__os_guard_patched() tells of; what is in `to` is undefined */
} smmap__os_copied_t;

/**
 * Copy from a mapping.
 *
 * @param mapping (in) its address.
 * @param length (in) its bytes.
 * @param offset (in) first byte, from the start of the mapping.
 * @param size (in) bytes, not 0.
 * @param fault (out) on failure, the offset in the mapping that could not be read.
 */
smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault);

/**
 * Guard a mapping in this thread until smmap__os_guard_end().
 *
 * @param guard (in) `address` and `length` are set, and stay.
 * @return APR_ENOTIMPL: the system can guard copies alone.
 */
apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard);

/** End it. Returns 0, having done nothing, when it is not one of this thread's. */
int smmap__os_guard_end(smmap__os_guard_t *guard);

/**
 * Was a page of a mapping replaced by zeroes? What was read from it before the call was
 * the file when it was not. The mark goes when the mapping is unmapped.
 *
 * @param fault (out) when it was, the offset in the mapping of the first fault.
 */
int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault);

/**
 * Count forks from now on: in a child, smmap__os_forks() answers another number than in
 * its parent.
 */
apr_status_t smmap__os_fork_watch(void);

/** A number that each fork makes larger in the child. */
unsigned smmap__os_forks(void);

/* For paranoid mode. */

/**
 * Let the pages of a mapping be touched, or not: then touching one ends the process, and the
 * guard leaves it alone.
 *
 * @param allowed (in) 1: read (memory: write, too), as it was made; 0: not at all.
 */
apr_status_t smmap__os_access(const smmap__os_mapping_t *mapping, int allowed);

/**
 * Unmap, but keep the addresses: nothing else comes there, and touching them ends the process,
 * until smmap__os_unquarantine().
 *
 * @param mapping (in, out) the range that is kept; zeroed where nothing is kept. As it was on
 *        failure.
 */
apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping);

/** Give such a range back, and zero it. A zeroed one is a no-op. It can fail as unmapping can, and
    be tried again. */
apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *barred);

/**
 * Who called: places in the program, the innermost first.
 *
 * @param frames (out) return addresses.
 * @param most (in) how many there is room for.
 * @return how many there are; 0 where the system does not tell.
 */
unsigned smmap__os_callers(void **frames, unsigned most);

/** A name for such an address: at the least the number itself. Terminated, cut to fit. */
void smmap__os_caller_name(const void *frame, char *text, apr_size_t size);

#endif
