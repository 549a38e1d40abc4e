/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The backend contract, continued: surviving faults, and paranoid mode. Included by backend.h, whose
 * common rules hold here, too.
 */
#ifndef SMMAP_BACKENDS_GUARD_H
#define SMMAP_BACKENDS_GUARD_H

/*
 * --- the guard ---
 *
 * Accessing a page that the system cannot bring into memory (the file was truncated, the disk or
 * the network failed) is a fault, which ends the process. Guarded, the process survives it:
 *
 * - A guarded copy ends at the fault. The mapping is unchanged.
 * - In a mapping that a thread guards from begin to end, the page is patched, that is, replaced by
 *   zeros, for every thread. Before that the mapping is marked: after reading from it, call
 *   smmap__os_guard_patched().
 *
 * Handling faults concerns the whole process, so a backend keeps state for it, and serializes
 * smmap__os_guard_install().
 */

/**
 * Become the first handler of faults. Faults that are not ours go to the previous handler. No
 * effect when we are first already.
 *
 * @return APR_ENOTIMPL: the system cannot do it; APR_ENOSPC: other handlers were installed over
 *         ours too often.
 */
apr_status_t smmap__os_guard_install(void);

/** The result of a guarded copy. */
typedef enum smmap__os_copied_t {
    SMMAP__OS_COPIED,     /**< the bytes are those of the file */
    SMMAP__OS_UNVERIFIED, /**< they are, unless the file ends before the last of them: in some
                               page, the last byte copied and the last byte of the page (or of the
                               mapping) were zero after the copy. Compare with the file's size. */
    SMMAP__OS_FAULTED     /**< there was a fault, or smmap__os_guard_patched() reports the
                               mapping; the contents of `to` are undefined */
} smmap__os_copied_t;

/**
 * Copy from a mapping.
 *
 * @param to (out) the destination.
 * @param mapping (in) the address of the mapping.
 * @param length (in) its bytes.
 * @param offset (in) the first byte to copy, from the start of the mapping.
 * @param size (in) bytes to copy, not 0.
 * @param fault (out) with SMMAP__OS_FAULTED, the offset in the mapping of the fault.
 */
smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault);

/** A mapping that a thread guards. The memory belongs to the caller, and stays until the end. */
typedef struct smmap__os_guard_t {
    struct smmap__os_guard_t *outer;     /**< for the backend */
    int borrowed;                        /**< for the backend */
    const unsigned char *const *address; /**< points to the address of the mapping, which may
                                              change meanwhile; NULL there: no mapping */
    const apr_size_t *length;            /**< points to its length */
} smmap__os_guard_t;

/**
 * Guard a mapping in this thread until smmap__os_guard_end().
 *
 * @param guard (in) with `address` and `length` set; they stay valid.
 * @return APR_ENOTIMPL: the system can only guard copies.
 */
apr_status_t smmap__os_guard_begin(smmap__os_guard_t *guard);

/**
 * Stop guarding.
 *
 * @return 1: done; 0: no effect, the guard is not one of this thread.
 */
int smmap__os_guard_end(smmap__os_guard_t *guard);

/**
 * Was a page of a mapping patched? If not, everything read before the call is from the file. The
 * mark is cleared when the mapping is unmapped.
 *
 * @param mapping (in) its address.
 * @param fault (out) if so, the offset in the mapping of the first fault.
 * @return 1: yes; 0: no.
 */
int smmap__os_guard_patched(const unsigned char *mapping, apr_size_t *fault);

/* --- paranoid mode --- */

/**
 * Allow or forbid access to a mapping. Access to a forbidden one ends the process; the guard does
 * not handle it.
 *
 * @param allowed (in) 1: as it was mapped (read, and write to anonymous memory); 0: none.
 */
apr_status_t smmap__os_protect(const smmap__os_mapping_t *mapping, int allowed);

/**
 * Unmap, but quarantine the addresses: no mapping gets them, and access to them ends the process,
 * until smmap__os_unquarantine().
 *
 * @param mapping (in, out) the quarantined range; zeroed if the system could not keep it. Unchanged
 *        on failure.
 */
apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping);

/**
 * Release a quarantined range, and zero the structure. No-op on a zeroed one. It can fail as
 * smmap__os_unmap() can, and be tried again.
 */
apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *quarantined);

/** A window that nobody pins. */
typedef struct smmap__os_stale_t {
    const unsigned char *address; /**< of its mapping */
    apr_size_t length;
    apr_off_t offset;    /**< in the file, of its first byte */
    const char *path;    /**< "": the file was opened by handles alone */
    void *const *frames; /**< who let go of it, innermost first */
    unsigned frame_count;
} smmap__os_stale_t;

/** Report on standard error from now on who touches a window that was noted. Any thread. */
void smmap__os_stale_watch(void);

/** Note a window that must not be touched; what was noted of its address is forgotten. */
void smmap__os_stale_note(const smmap__os_stale_t *stale);

/** The window at this address may be touched, or is no more. No-op when it was not noted. */
void smmap__os_stale_forget(const unsigned char *address);

/**
 * Get a backtrace of the caller, innermost frame first.
 *
 * @param frames (out) return addresses.
 * @param most (in) how many fit.
 * @return how many there are; 0 where the system has no backtraces.
 */
unsigned smmap__os_backtrace(void **frames, unsigned most);

/**
 * Describe a return address; where nothing is known, by its number.
 *
 * @param text (out) terminated, truncated if it does not fit.
 * @param size (in) bytes available, with the terminator.
 */
void smmap__os_symbolize(const void *frame, char *text, apr_size_t size);

#endif
