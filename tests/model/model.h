/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The model: an oracle that says what the library should do, written as simply as possible,
 * and a program that compares the two on random operations.
 *
 * A string of bytes is a sequence of operations, eight bytes each; so random runs, a fuzzer
 * and shrinking all work on one form. Each operation is done by the library and by the oracle,
 * which keeps everything in arrays and searches them from end to end. It shares no code with
 * the core: not a structure, not a function. After each operation the status, the bytes, all
 * counters, the calls of the system and the order of what was unmapped are compared.
 *
 *     main.c        the program: random sequences, shrinking, --replay
 *     run.c         one sequence, from bytes to the verdict
 *     decode.c      from bytes to operations
 *     print.c       from operations to text
 *     perform.c     what the library does
 *     compare.c     what was seen against what was expected
 *     candidates.c  the worlds that explain what was seen
 *
 * the oracle:
 *
 *     calls.c       the public functions, one by one
 *     world.c       calls of the system that fail, regions, what is reclaimed
 *     limits.c      limits, victims, admission
 *     handle.c      handles, identity, sizes that change
 *     file.c        joining files and leaving them
 *     move.c        use, require, reading ahead
 *     read.c        copying reads
 *     buffer.c      buffers
 *
 * and the disk below both:
 *
 *     disk.c        the real files, and what the system says about them
 *     stat.c        tells the library the ids and times that the model has given them
 *
 * The oracle knows one thing about the inside of the core: the order in which it reclaims
 * regions and files. It matters only where an unmapping fails.
 *
 * An allocation that fails may be any of those an operation makes. The oracle does not
 * count them as the core does; it tries each of its own, then none, and one must explain
 * what was seen. When several do, the oracle goes on with each (candidates.c).
 */
#ifndef SMMAP_TESTS_MODEL_H
#define SMMAP_TESTS_MODEL_H

/* Before any header of the system. */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include <apr_time.h>

#include "smmap/smmap.h"

#include "tests/fake/backend.h"

enum {
    RECORD = 8,        /* bytes in an operation */
    PATHS = 6,         /* the last is a symbolic link to the first */
    INODES = 64,
    MANAGERS = 8,      /* destroyed ones that cursors hold included */
    LIVE_MANAGERS = 3, /* at a time */
    FILES = 64,
    REGIONS = 1024,
    CURSORS = 12,
    BUFFERS = 4,
    TEMPORARY = CURSORS + BUFFERS, /* a buffer's own cursor is at CURSORS + its number */
    ALL_CURSORS = TEMPORARY + 1,
    POOLS = 3,
    WINDOWS = 256,     /* most in a file */
    EVENTS = 2048,
    PIECES = 300,
    CALLS = FAKE_ANY + 1,
    CALL_STAT = FAKE_ANY /* measuring a file; see stat.c */
};

#define NONE (-1)
#define DIRECTORY (-2) /* what a handle is on that is on no file */

/* The disk. */

typedef struct inode_t {
    int used;
    int links;          /* paths that lead to it */
    apr_uint64_t id;    /* what it is told from others by; given again after it is gone */
    apr_uint64_t real;  /* the system's own */
    apr_off_t size;
    apr_time_t mtime;
    apr_time_t ctime;
    unsigned key;       /* of its bytes */
} inode_t;

typedef enum path_kind_t { PATH_NONE, PATH_FILE, PATH_DIRECTORY } path_kind_t;

typedef struct path_t {
    path_kind_t kind;
    int inode;
} path_t;

/* What the oracle knows of the library. All links are indices; NONE is none. */

typedef enum state_t { ACTIVE, RETIRED, RECLAIMED, UNMAP_FAILED } state_t;

typedef struct oregion_t {
    int used;
    state_t state;
    int manager;
    int file;
    int inode; /* what it shows */
    unsigned key;
    apr_uint64_t real; /* id */
    apr_off_t begin;
    apr_size_t length;
    int on_grid;
    int on_heap; /* the heap's memory: its cursor's alone */
    int visited;
    unsigned serial; /* of regions off the grid the newest is found first */
} oregion_t;

typedef struct identity_t {
    apr_uint64_t id;
    apr_off_t size;
    apr_time_t mtime;
    apr_time_t ctime;
    apr_int64_t birth;
} identity_t;

typedef struct ofile_t {
    int used;
    int manager;
    unsigned number; /* how many files the manager had with it */
    identity_t identity;
    apr_off_t size;
    int registered;
    int open;
    int inode; /* what its handle is on; while open */
    int kept;
    int busy;
    int idle;
    unsigned idle_since;
    int cursors;
    int regions;
    int heap_regions; /* of these */
    apr_uint64_t first;  /* so many windows are in its own table */
    int has_first;       /* that is made */
    unsigned short touched[WINDOWS];
    unsigned char hot[WINDOWS]; /* touched so often that it is looked at */
} ofile_t;

typedef struct omanager_t {
    int used;
    int closed;
    int has_far; /* the table for the other windows of its files is made */
    int pool;
    unsigned serial;
    unsigned files; /* that it ever had */
    int references;
    smmap_mode_t mode;
    smmap_limits_t limits;
    apr_size_t window; /* 0: the whole file */
    apr_size_t max_bytes;
    apr_size_t max_regions;
    apr_size_t max_files;
    int pressure;
    apr_int64_t read; /* what these cost, in nanoseconds */
    apr_int64_t miss;
    int queue[REGIONS]; /* oldest first */
    int length;
    int hand; /* a place in the queue; NONE: the oldest */
    int retired[REGIONS]; /* the last was put there last, here and in the next */
    int retired_length;
    int unmap_failed[REGIONS];
    int unmap_failed_length;
    smmap_stats_t stats;
} omanager_t;

typedef struct ocursor_t {
    int used;
    int pool;
    unsigned serial;
    int manager;
    int file;
    int path; /* NONE: opened by a handle */
    int has_pin;
    int region;
    apr_off_t offset;
    apr_size_t size;
    smmap_access_t access;
    unsigned reads; /* past the windows, and the number of the file */
    int missed;     /* the move had to map, */
    apr_int64_t began; /* from then on */
    int copying; /* it moves for a copy: no heap region */
} ocursor_t;

typedef struct obuffer_t {
    int used;
    int pool;
    unsigned serial;
    apr_off_t begin;
    apr_off_t size;
} obuffer_t;

typedef struct fault_t {
    apr_size_t calls;
    apr_size_t at;
    int forever;
    apr_status_t status;
} fault_t;

typedef struct piece_t {
    unsigned key;
    apr_off_t offset;
    apr_size_t length;
} piece_t;

typedef struct world_t {
    apr_size_t granularity;
    apr_size_t largest; /* files have no more granules */
    path_t paths[PATHS];
    inode_t inodes[INODES];
    omanager_t managers[MANAGERS];
    ofile_t files[FILES];
    oregion_t regions[REGIONS];
    ocursor_t cursors[ALL_CURSORS];
    obuffer_t buffers[BUFFERS];
    unsigned serial;

    int clock_goes;
    apr_int64_t clock;
    fault_t faults[CALLS];
    apr_size_t fail_above;
    apr_size_t fail_total;
    apr_int64_t birth;
    apr_size_t live_mappings;
    apr_size_t live_bytes;
    apr_size_t live_handles;
    apr_off_t advised; /* bytes, and where the last such advice ended */
    apr_off_t advised_end;

    unsigned allocation;      /* how many the operation has asked for */
    unsigned allocation_fails; /* which one fails; 0: none */

    /* What the operation is expected to show. */
    fake_event_t events[EVENTS];
    int event_count;
    piece_t pieces[PIECES];
    int piece_count;
    int overflow; /* one of the arrays was too small: a fault of the model */
} world_t;

/* What an operation shows, expected or seen. */
typedef struct outcome_t {
    apr_status_t status;
    apr_size_t number; /* bytes read, regions collected, ... */
} outcome_t;

/* Operations. */

typedef enum kind_t {
    DO_NOTHING, DO_CREATE_MANAGER, DO_DESTROY_MANAGER, DO_COLLECT, DO_SET_LIMITS,
    DO_OPEN, DO_OPEN_HANDLE, DO_COPY, DO_ASSIGN, DO_CLOSE, DO_RELEASE, DO_USE, DO_REQUIRE, DO_READ, DO_REFRESH, DO_HINT,
    DO_ADVISE, DO_LOOK, DO_BUFFER_CREATE, DO_BUFFER_BEGIN, DO_BUFFER_END, DO_BUFFER_BYTE,
    DO_BUFFER_READ, DO_BUFFER_SLICE, DO_BUFFER_CLOSE, DO_CLEAR_POOL, DO_WRONG, DO_FILE_MAKE,
    DO_FILE_GROW, DO_FILE_CUT, DO_FILE_TOUCH, DO_FILE_DELETE, DO_FILE_LINK, DO_FILE_DIRECTORY,
    DO_FAULT, DO_FAULT_NONE, DO_FAULT_ABOVE, DO_FAULT_TOTAL, DO_BIRTH, KINDS
} kind_t;

typedef struct operation_t {
    kind_t kind;
    int manager;
    int cursor; /* the cursor, or where a new one goes */
    int other;  /* another cursor */
    int buffer;
    int pool;
    int path;
    int other_path;
    apr_off_t offset;
    apr_off_t size; /* what is an apr_size_t there is not negative here */
    int choice;     /* access, advice, kind of call, which mistake, how a handle is open */
    apr_size_t which;
    int forever;
    apr_status_t status;
    smmap_options_t options;
    unsigned allocation; /* make this one fail; 0: none */
} operation_t;

/* decode.c */

/** What the first record says: the world, and the files there are at the start. */
void model_decode_first(world_t *world, const unsigned char record[RECORD],
                        operation_t files[3]);
/** How often a record is done: some reads and moves again and again. */
int model_repeats(const unsigned char record[RECORD]);
/** The operation that a record stands for, in this world. */
void model_decode(const world_t *world, const unsigned char record[RECORD], operation_t *operation);

/* print.c */

const char *model_kind_name(int kind);
/** How many of 256 first bytes stand for a kind. */
unsigned model_kind_weight(int kind);
/** Print it for a reader, on a line. */
void model_print(const operation_t *operation, int number);

/* calls.c: what is to happen */

void model_expect(world_t *w, const operation_t *operation, outcome_t *outcome);
apr_status_t model_copy(world_t *w, int to, int from, int pool);
apr_status_t model_assign(world_t *w, int to, int from);
void model_close(world_t *w, int cursor);

/* buffer.c */

apr_status_t model_buffer_create(world_t *w, const operation_t *o);
apr_status_t model_buffer_begin(world_t *w, int buffer, int cursor, apr_off_t offset,
                                apr_off_t size);
void model_buffer_end(world_t *w, int buffer);
apr_status_t model_buffer_byte(world_t *w, const operation_t *o, outcome_t *outcome);
apr_status_t model_buffer_read(world_t *w, const operation_t *o, outcome_t *outcome);
apr_status_t model_buffer_slice(world_t *w, const operation_t *o, outcome_t *outcome);
void model_buffer_close(world_t *w, int buffer);

/* world.c */

/** Is this allocation given? */
int model_allocate(world_t *w);
/** A call of the system; APR_SUCCESS, or what it is to fail with. */
apr_status_t model_call(world_t *w, int call);
/** Nanoseconds of a call. */
apr_int64_t model_takes(const world_t *w, int call);
void model_keep_first(apr_status_t *first, apr_status_t status);

typedef struct reclaim_t {
    int regions[REGIONS]; /* reclaimed from the end, here and below */
    int region_count;
    int files[FILES];
    int file_count;
    apr_status_t status;
    apr_size_t unmapped;
} reclaim_t;

void model_reclaim_begin(reclaim_t *reclaim);
void model_reclaim(world_t *w, int manager, reclaim_t *reclaim);
int model_region_new(world_t *w);
apr_off_t model_region_end(const oregion_t *region);
int model_pinned(const world_t *w, int region);
/** The region that holds [offset, end), or NONE. */
int model_region_find(const world_t *w, int file, apr_off_t offset, apr_off_t end);
/** The region of the grid at a window, or NONE. */
int model_region_on_grid(const world_t *w, int file, apr_uint64_t number);
void model_queue_remove(world_t *w, int region);
void model_reclaim_add(world_t *w, int region, reclaim_t *reclaim);
void model_retire(world_t *w, int region);
void model_retired_sweep(world_t *w, int manager, reclaim_t *reclaim);
void model_retired_release(world_t *w, int manager, int region);
/** The step of the grid, and the number of a window. */
apr_off_t model_window(const world_t *w, int file);
apr_uint64_t model_number(const world_t *w, int file, apr_off_t offset);

/* limits.c */

apr_status_t model_budget_reserve(world_t *w, int manager, apr_size_t bytes);
void model_evict_unpinned(world_t *w, int manager, reclaim_t *reclaim);
/** What is over the limits goes, as far as it can. */
apr_status_t model_budget_lower(world_t *w, int manager);
/** May a window that was read often enough be mapped? */
int model_admitted(world_t *w, int file, apr_uint64_t number);

/* handle.c */

void model_idle_update(world_t *w, int file);
void model_close_idle(world_t *w, int manager);
apr_status_t model_handle_reserve(world_t *w, int manager);
void model_handle_lower(world_t *w, int manager);
apr_status_t model_open_handle(world_t *w, int manager, int path, int native, int *inode);
void model_install(world_t *w, int file, int inode);
void model_handle_discard(world_t *w, int manager);
apr_status_t model_identify(world_t *w, int inode, int with_birth, identity_t *identity);
int model_same(const identity_t *known, const identity_t *now, int held);
int model_held(const ofile_t *file);
/** Begin and end to use a file's handle; beginning measures the file. */
apr_status_t model_enter(world_t *w, int file, int path);
void model_leave(world_t *w, int file);
apr_status_t model_measure(world_t *w, int file, int path);
/** What a path leads to, links followed. */
const path_t *model_path(const world_t *w, int path);

/* file.c */

apr_status_t model_file_join(world_t *w, int manager, int path, int native, int readable,
                             int *file);
void model_file_joined(world_t *w, int file, int by_handle);
void model_file_leave(world_t *w, int file, int by_handle, reclaim_t *reclaim);
void model_file_reap(world_t *w, int file, reclaim_t *reclaim);

/* move.c, read.c */

/** Does it say that there is no room for a mapping? */
int model_exhausted(apr_status_t status);

/** Is there memory for the slot of a window, in the one table or the other? */
int model_prepare(world_t *w, ofile_t *file, apr_uint64_t number);
int *model_table(world_t *w, ofile_t *file, apr_uint64_t number);

apr_status_t model_use(world_t *w, int cursor, apr_off_t offset, apr_size_t size);
apr_status_t model_require(world_t *w, int cursor, apr_off_t offset, apr_size_t size);
void model_costs_begin(omanager_t *manager);
apr_status_t model_read(world_t *w, int cursor, apr_off_t offset, apr_size_t size,
                        apr_size_t *got);
apr_status_t model_advise(world_t *w, int cursor, apr_off_t offset, apr_off_t size);
void model_release(world_t *w, int cursor);
/** Is the byte in the cursor's window? */
int model_at(const world_t *w, int cursor, apr_off_t offset);

/* disk.c */

/** Begin with a directory of its own; the paths in it. 0: it cannot be made, as was printed. */
int model_disk_begin(void);
void model_disk_end(void);
const char *model_disk_path(int path);
/** Empty it. */
void model_disk_clear(void);
/** Do an operation on files, and note in the world what is there now. */
void model_disk_do(world_t *w, const operation_t *operation);
/** What the library is told of the file that has this id in the system. */
void model_disk_tell(apr_uint64_t real, apr_uint64_t *id, apr_time_t *mtime, apr_time_t *ctime);
/** 1 when these are the bytes that a file of this key has from an offset on. */
int model_disk_shows(unsigned key, apr_off_t offset, const unsigned char *data, apr_size_t size);

/* stat.c */

void model_stat_fail(apr_size_t which, int forever, apr_status_t status);
void model_stat_fail_none(void);
void model_stat_reset(void);
apr_size_t model_stat_calls(void);

/* compare.c */

/** 1: what was seen is what was expected. */
int model_compare(world_t *w, const operation_t *o, const outcome_t *expected,
                  const outcome_t *seen, const unsigned char *shown);
/** Keep the first complaint; one that begins with a blank is added to it. Always 0. */
int model_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The complaint; empty: none. */
const char *model_complaint(void);
void model_complaint_clear(void);

/* perform.c */

/** The library's objects, at the same places as the oracle's. */
typedef struct model_real_t {
    smmap_manager_t *managers[MANAGERS];
    smmap_cursor_t *cursors[CURSORS];
    smmap_buffer_t *buffers[BUFFERS];
    apr_pool_t *pools[POOLS];
    unsigned char *scratch; /* for bytes that are read */
} model_real_t;

extern model_real_t model_real;

/** Let the library do it. shown: where the bytes are that were got. */
void model_perform(const operation_t *o, outcome_t *seen, const unsigned char **shown);

/* candidates.c: the worlds that explain what was seen; mostly one */

/** Begin with a world that is empty. */
world_t *model_candidates_begin(void);
/** The worlds, from 0 on; NULL: there are no more. */
const world_t *model_candidate(int number);
/** 0: there are so many that no more allocations should fail. */
int model_candidates_are_few(void);
/** Does SMMAP_PARANOID ask for paranoid mode? Then memory is not made to fail. */
int model_is_paranoid(void);
/** 1: an operation that the library did is explained. failed: an allocation did. */
int model_explain(const operation_t *o, const outcome_t *seen, const unsigned char *shown,
                  int failed);
/** Does a handle or a region hold the file, in one of the worlds? */
int model_in_use(int inode);
/** Do an operation on files. */
void model_candidates_disk(const operation_t *o);

/* run.c */

/** Once, before anything, in the process that also ends; 0: it cannot be, as was printed. */
int model_begin(void);
void model_end(void);
/** Run a sequence. 1: all was as expected. verbose: print each operation before it is done. */
int model_run(const unsigned char *bytes, apr_size_t size, int verbose);
/** The operations that were done since the start, by kind. */
const apr_uint64_t *model_tally(void);

#endif
