/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A backend for the tests: it maps by copying, counts all it gives out, notes
 * what was mapped and unmapped in which order, and fails when it is told to.
 *
 * suite-fake links it (backend.c). suite-posix links absent.c, where
 * fake_present() is 0 and the rest does nothing: a test that needs the fake asks
 * first, and skips itself.
 */
#ifndef SMMAP_TESTS_FAKE_BACKEND_H
#define SMMAP_TESTS_FAKE_BACKEND_H

#include <apr.h>
#include <apr_errno.h>

#include "backends/backend.h"

/** What can fail, and is counted. */
typedef enum fake_call_t {
    FAKE_DUP,
    FAKE_CLOSE,
    FAKE_BIRTH,
    FAKE_MAP,
    FAKE_UNMAP,
    FAKE_ADVISE,
    FAKE_FILE_ADVISE,
    FAKE_READ,
    FAKE_RESIDENCY,
    FAKE_SIZE,
    FAKE_MEMORY,
    FAKE_GUARD,   /**< a guarded copy; failed, with any status, it is a fault at its first byte */
    FAKE_PATCHED, /**< the question whether a page was replaced; failed, one was, at 0 */
    FAKE_ACCESS,  /**< paranoid mode; none of FAKE_ANY, so that orders mean the same with it */
    FAKE_RENEW,
    FAKE_THREAD,  /**< a thread started: its work is done at once; none of FAKE_ANY either */
    FAKE_CACHED,  /**< the question whether a range is in memory: it is not; nor is this one */
    FAKE_NOWAIT,  /**< a read that does not wait; none of FAKE_ANY either */
    FAKE_LIMIT,   /**< the question how much memory there is; none of FAKE_ANY either */
    FAKE_APPEND,  /**< the file of the trace, opened or written; none of FAKE_ANY either */
    FAKE_ANY /**< whichever comes; and how many kinds there are */
} fake_call_t;

/** The byte behind a file's end in its last page: a real system shows zero there. */
#define FAKE_BEYOND 0xA5

/** Something that was mapped or unmapped. */
typedef struct fake_event_t {
    int mapped;          /**< 1: mapped, 0: unmapped */
    apr_uint64_t file;   /**< the file's id, as the system has it */
    apr_off_t offset;    /**< in the file */
    apr_size_t length;
} fake_event_t;

/** 1 in suite-fake, 0 where a real backend is linked. */
int fake_present(void);

/** In a test that gives orders to the fake: where there is none, it is left to suite-fake. */
#define NEEDS_FAKE()           \
    do {                       \
        if (!fake_present()) { \
            test_elsewhere();  \
            return;            \
        }                      \
    } while (0)

/** In a test of what a real system does: it is left to the suite of a real backend. */
#define NEEDS_REAL()          \
    do {                      \
        if (fake_present()) { \
            test_elsewhere(); \
            return;           \
        }                     \
    } while (0)

/** In a test of what stays mapped of a file that changes. */
#define NEEDS_LASTING_WINDOWS()                                                             \
    do {                                                                                    \
        if (!fake_present() && native_is_stacked(test_path("."))) {                         \
            test_skip("on this file system each change of a file drops the windows it has"); \
            return;                                                                         \
        }                                                                                   \
    } while (0)

/** The granularity for this process; before the core is used. */
void fake_set_granularity(apr_size_t granularity);
/** What smmap__os_info says about open files; 0: no limit known. */
void fake_set_max_open_files(apr_size_t count);

/** What smmap__os_memory says from now on; before, that it cannot be told. */
void fake_set_memory(apr_uint64_t most, int pressed);

/** What is known of the birth of every file; 0, the start: nothing. */
void fake_set_birth(apr_int64_t birth);

/** How reliable ids are; SMMAP__OS_ID_UNIQUE: the start; SMMAP__OS_ID_NONE: and all files have
    one. */
void fake_set_id(smmap__os_id_t id);

/** 1: all files are on a stacked file system; 0: the start. */
void fake_set_stacked(int stacked);

/** A server reads all files. */
void fake_set_remote(int remote);

/** The environment is another user's, as in a setuid program. */
void fake_set_strange(void);

/** Holes fill with memory when they are read mapped, as on tmpfs. */
void fake_set_holes_fill(void);

/** All bytes of all files are in memory, and can be read without waiting; at the start none are. */
void fake_set_cached(int cached);

/** From now on each call of a kind, failed or not, moves the clock by so much; at the start it
    stands still, and after fake_reset(). Negative: it goes back. */
void fake_take(fake_call_t call, apr_int64_t nanoseconds);

/** What smmap__os_residency says: each `every`-th page of a mapping, from its first on, is not in
    memory; 0, the start: all are. */
void fake_set_absent(apr_size_t every);

/** Bytes of files that were advised on, and where the last such advice ended. */
apr_off_t fake_advised(apr_off_t *end);

/** At the next call of a kind, once, before it does its work: call this, without any lock of the
    fake. What another thread might do just then can so be done at a known moment. */
void fake_when(fake_call_t call, void (*hook)(void *data), void *data);

/** Fail the `which`-th call of a kind from now on (1: the next) with a status. */
void fake_fail(fake_call_t call, apr_size_t which, apr_status_t status);
/** The same, and each one after it. */
void fake_fail_from(fake_call_t call, apr_size_t which, apr_status_t status);
/** Fail each mapping of more than this many bytes with APR_ENOMEM; 0: none. */
void fake_fail_above(apr_size_t bytes);
/** Fail each mapping that would make more than this many bytes live; 0: none. */
void fake_fail_total(apr_size_t bytes);
/** No more failures. */
void fake_fail_none(void);
/** How many calls were failed since fake_reset(). */
apr_size_t fake_failed(void);

/** How many heavy fences there were in this process. */
apr_size_t fake_fences(void);
/** How many calls of a kind there were since fake_reset(). */
apr_size_t fake_calls(fake_call_t call);
/** What is given out now; memory in the place of a mapping counts as one. */
apr_size_t fake_live_mappings(void);
apr_size_t fake_live_bytes(void);
apr_size_t fake_live_handles(void);

/** What was given out at most at a time, each counted by itself. */
typedef struct fake_peaks_t {
    apr_size_t mappings;
    apr_size_t bytes;
    apr_size_t handles;
} fake_peaks_t;

/** The peaks since fake_peaks_clear(), counted so that they are never too low. */
fake_peaks_t fake_peaks(void);
void fake_peaks_clear(void);

/** Calls that broke the contract (misaligned, unmapped twice, closed twice, ...), and a
    word about the first of them. */
apr_size_t fake_misuses(void);
const char *fake_misuse(void);
/** The test meant what was noted so far. */
void fake_forgive(void);

/** Forget the events so far, and note them from now on. */
void fake_events_clear(void);
apr_size_t fake_event_count(void);
fake_event_t fake_event(apr_size_t index);
/** The offset of the index-th region that was unmapped since the last clear, or -1. */
apr_off_t fake_victim(apr_size_t index);
apr_size_t fake_victim_count(void);

/** Back to how it was at the start, but for what is live and the granularity. */
void fake_reset(void);

#endif
