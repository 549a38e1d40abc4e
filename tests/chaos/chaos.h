/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chaos program: child processes wreck files while threads read them.
 *
 * The children cut, grow, replace, delete and recreate the files, with the same size and the
 * same times, too. Threads of the parent read them meanwhile through one manager with the
 * guard: copies, pointers between begin_guard and end_guard, buffers, refresh. The limits are
 * small, so handles are closed and paths are opened again while they lead elsewhere.
 *
 *   main.c          the program: options, laps, what is left after each
 *   bytes.c         what the files hold, and which bytes can be true
 *   wreck.c         the children
 *   read.c          the threads, and what each status may be
 *   account.c       what a lap must have left, and the counts
 *   leftover.c      what the system says is left: mappings and descriptors
 *   stress/posix.c  the real backend, with a count of what it has given out
 *
 * Each file that is made gets a version, a number from 1 to 255 for each path, and each of its
 * bytes tells the version: it is never 0, and follows from version, path and offset. A file
 * keeps its version when it is cut and grows again. So:
 *
 *   - the bytes of one call, and of one cursor, are of one version for ever;
 *   - that version is not older than the one the path had when the cursor was opened, and not
 *     newer than any that was made;
 *   - a zero is never true.
 *
 * What parent and children tell each other is in memory that they share. `made` is raised
 * before a version is written, `named` after the path leads to it.
 *
 * That a file is cut and grows again within one call can show zeroes of the moment in between;
 * docs/internals/reliability.md says so. So the child that has cut a file waits until each thread has
 * ended the call it was in, before it lets the file grow.
 */
#ifndef SMMAP_TESTS_CHAOS_H
#define SMMAP_TESTS_CHAOS_H

#include "tests/stress/stress.h"

#include <sys/types.h>

enum { CHAOS_FILES = 4, CHAOS_CHILDREN = 2, CHAOS_VERSIONS = 255, CHAOS_PAGES = 24 };

/** What the children do. */
typedef enum chaos_wreck_t {
    WRECK_CUT,
    WRECK_GROW,
    WRECK_REPLACE,         /* by renaming another file over it */
    WRECK_REPLACE_ALIKE,   /* the other one has its size and its times */
    WRECK_DELETE,
    WRECK_RECREATE,
    WRECK_RECREATE_ALIKE,
    WRECK_KINDS
} chaos_wreck_t;

/** What a call of a reader came to. */
typedef enum chaos_outcome_t {
    OUTCOME_DONE, /* bytes were looked at, where it gave some */
    OUTCOME_EOF,
    OUTCOME_TRUNCATED,
    OUTCOME_FAULT,
    OUTCOME_STALE,
    OUTCOME_ABSENT, /* APR_ENOENT */
    OUTCOME_LIMIT,  /* a hard limit */
    OUTCOME_KINDS
} chaos_outcome_t;

/** What parent and children share. */
typedef struct chaos_shared_t {
    atomic_uint made[CHAOS_FILES];  /* no version of this path is newer */
    atomic_uint named[CHAOS_FILES]; /* no version that is older can be opened any more */
    atomic_uint turns[STRESS_MOST_THREADS]; /* calls that each reader has ended */
    atomic_uint readers;            /* threads that have begun and not ended */
    atomic_int stop;
    atomic_ullong wrecks[WRECK_KINDS];
} chaos_shared_t;

/** A lap, and what is added up over the laps. */
typedef struct chaos_t {
    char directory[4096];
    char paths[CHAOS_FILES][4200];
    char spare[CHAOS_FILES][4200]; /* where a file is made that will replace another */
    chaos_shared_t *shared;
    pid_t parent;
    apr_size_t page;
    unsigned readers;
    apr_size_t rounds; /* of each reader in a lap */
    int whole_pages;   /* files are cut between pages alone */
    int same_files;    /* they are cut and grow; no path gets another file */
    smmap_manager_t *manager;
    atomic_ullong outcomes[OUTCOME_KINDS];
    atomic_ullong bytes; /* that were looked at */
    atomic_ullong opens; /* cursors */
    apr_uint64_t faults; /* as the managers count them */
    apr_uint64_t evictions;
    apr_uint64_t reopened; /* handles */
} chaos_t;

extern chaos_t chaos;

/* bytes.c */

/** Bytes [offset, offset + size) of a version of a file. */
void chaos_fill(unsigned char *to, unsigned file, unsigned version, apr_off_t offset,
                apr_size_t size);
/** The version that all these bytes are of; 0: they are of none, or of several (bad). */
unsigned chaos_version(const unsigned char *bytes, unsigned file, apr_off_t offset,
                       apr_size_t size, const char *what);

/* wreck.c */

/** Look at the file system. 0: it does not tell apart two files that had one id and were made
    at one moment, so files must live for a moment; see docs/internals/reliability.md. */
int chaos_prepare(void);
/** The first version of each file. */
void chaos_make(apr_uint64_t seed);
/** What a child does until it is told to stop; its exit code. */
int chaos_wreck(unsigned child, apr_uint64_t seed);

/* account.c */

/** No cursor is left. The counters must be those of the backend, and go back to nothing. */
void chaos_settle(void);
void chaos_clear(void);
void chaos_print(const char *name, apr_uint64_t laps);

/* read.c */

/** A reader, for stress_run(). */
stress_work_t chaos_read;

#endif
