/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The structures of the core.
 *
 * Ownership. A manager is counted: one reference for its creator, one for each cursor; so a
 * cursor may outlive smmap_manager_destroy(). A file lives while a cursor is on it, a region
 * of it is mapped, or a call works on it. A region lives until it is unmapped; it belongs to
 * its file and to the manager's queue.
 *
 * Locks, in the order in which they are taken:
 *
 *   1. the file's lock (one of a fixed set of stripes; see lock.c), held while the file is
 *      measured, so that measurements are in order. A thread never holds two of them.
 *   2. the manager's lock, held for everything else: registry, slots, queue, pins and
 *      counters. Nothing is mapped, unmapped, opened, closed or read under it.
 *
 * Counters are reserved before the system is asked and given back after it took the thing
 * away, so they are never below the truth, and a hard limit that holds for them holds for
 * the process. What is to be unmapped, closed or freed is put on a reclaim list with the
 * lock held, and reclaimed with the lock let go.
 *
 * THE STATES OF A REGION, which change with the manager's lock held. The functions are
 * those of region/region.c.
 *
 *   ACTIVE    its address is in its slot, or it is in the table of spans; it is
 *             in the queue. Anyone can find and pin it.
 *   EVICTING  the same, but its slot has no address: out of sight while the pins are looked at.
 *   RETIRED   in a list of retired regions alone. Nobody can find it any more: it is wrong
 *             since the file's size changed, or the manager is closed, or it is its cursor's
 *             alone. It goes when its last pin does.
 *
 *   from       to          by                                      when
 *   (mapped)   ACTIVE      smmap__region_attach_locked             a miss
 *   (mapped)   RETIRED     smmap__region_attach_private_locked     heap-backed
 *   ACTIVE     EVICTING    smmap__region_unlink_locked             a victim, or all are
 *   EVICTING   ACTIVE      smmap__region_relink_locked             somebody pins it
 *   EVICTING   (reclaim)   smmap__region_evict_locked              nobody does
 *   ACTIVE     RETIRED     smmap__region_retire_locked             size, fault, destroy
 *   RETIRED    (reclaim)   smmap__retired_sweep_locked             nobody pins it
 *   RETIRED    (reclaim)   smmap__retired_release_locked           its last pin went
 *   (reclaim)  (gone)      smmap__reclaim_relock                   unmapped and freed
 *   (reclaim)  (reclaim)   smmap__reclaim_relock                   the system would not
 */
#ifndef SMMAP_CORE_TYPES_H
#define SMMAP_CORE_TYPES_H

#include <apr_pools.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "core/base/base.h"
#include "smmap/buffer.h"
#include "smmap/cursor.h"
#include "smmap/manager.h"
#include "smmap/window.h"

/** How many locks the files of one manager share. */
#define SMMAP__STRIPES 64

/** log2 of the bytes that a window of a file that is read into memory has at most. */
#define SMMAP__BUFFERED_SHIFT 20

/** How many frames of a stack are remembered in paranoid mode. */
#define SMMAP__FRAMES 12

/** In `memory` of a mapping: it is the heap's; see region/heap.c. */
#define SMMAP__HEAP 2

/** The facts of a file that tell it from another, and its size. */
typedef struct smmap__identity_t {
    smmap__os_facts_t facts;
    int sizeless;   /* the size that the system tells is wrong: it is what reading gave, and mtime
                       is a number of the bytes */
    int unmappable; /* a mapping may not show what reading shows */
} smmap__identity_t;

/** The path of a cursor, its copies and their file; absolute, but where it is lost. The text stands
    behind it. */
typedef struct smmap__path_t {
    apr_size_t users;      /* under the manager's lock */
    apr_uint64_t key;      /* of the plain text */
    const char *plain;     /* the text without . and .., and without a slash at its end */
    unsigned char is_lost; /* the file cannot be opened by it again */
} smmap__path_t;

typedef struct smmap__file_t smmap__file_t;
typedef struct smmap__region_t smmap__region_t;
typedef struct smmap__tracer_t smmap__tracer_t;
typedef struct smmap__paranoia_t smmap__paranoia_t;
typedef struct smmap__pin_origin_t smmap__pin_origin_t;

/** See above. */
typedef enum smmap__state_t { SMMAP__ACTIVE, SMMAP__EVICTING, SMMAP__RETIRED } smmap__state_t;

/** In a slot's word, beside the address of the region, whose low bits are 0: it was hit since
    the hand passed; it is as long as a window can be. */
#define SMMAP__VISITED ((uintptr_t)1)
#define SMMAP__WHOLE ((uintptr_t)2)
#define SMMAP__FLAGS ((uintptr_t)0xfff)

/** A window that is mapped. Address, begin and length never change. */
struct smmap__region_t {
    smmap__link_t link;      /* in the queue, or a list of retired regions */
    smmap__link_t file_link; /* in the list of its file */
    smmap__os_mapping_t mapping;
    apr_off_t begin;
    smmap__file_t *file;
    smmap__word_t *slot; /* its word in the grid; NULL: a span */
    union {
        smmap__hash_node_t span; /* in the table of spans */
        smmap__region_t *next;   /* in a reclaim list */
    };
    smmap__hash_node_t hash;    /* in the table by address */
    unsigned epoch;             /* was pinned when the pins were counted under this number, */
    unsigned pins;              /* by so many cursors */
    apr_size_t holders;         /* retired: the pins that say so (base/pins.h) */
    unsigned char state;        /* smmap__state_t */
    unsigned char visited;      /* of a span; a region of the grid has the bit in its slot */
    unsigned char is_protected; /* paranoid mode: nobody pins it, so it cannot be accessed */
};

/** What a file held whose size the system does not tell. The bytes, behind it, do not change. */
typedef struct smmap__content_t {
    apr_size_t users; /* the file, and calls that copy of it; under the manager's lock */
    apr_size_t size;
} smmap__content_t;

/** A file, shared by all cursors on it. What a hit reads comes first, and changes rarely. */
struct smmap__file_t {
    smmap__offset_t size; /* as last measured */
    apr_off_t window;     /* the step of the grid; in static mode no file is longer */
    unsigned shift;       /* log2 of it, or in static mode of more; 0: it is no power of two */
    smmap__word_t published_handle; /* the handle + 1, for readers that count themselves in
                                       `readers`; 0: closed */
    smmap__count_t reads_only;      /* copies are read, not mapped */
    smmap__slots_t grid;            /* window number -> address of the region there, and its bits */

    char padding[SMMAP__LINE - 4 * sizeof(void *)]; /* with the next four: before `readers` */
    smmap_manager_t *manager;
    apr_uint64_t number;       /* no other file of the manager ever has it */
    unsigned stripe;           /* of its lock */
    smmap__count_t unmappable; /* 1: the system cannot map it; it is read into memory */
    smmap__count_t readers;    /* calls that read by the handle without a lock */
    char *canonical_path;      /* the system's for it when it was made; NULL: not known */

    /* Under the manager's lock. */
    smmap__content_t *content; /* of a sizeless file, as last measured; while it is busy */
    smmap__link_t link;        /* among the registry's files, or the forgotten ones */
    smmap__link_t region_list; /* its regions, but those on reclaim lists */
    smmap__link_t pins;        /* of its cursors */
    smmap__link_t idle_link;
    smmap__hash_node_t hash;     /* in the registry */
    smmap__identity_t identity;  /* as last measured; written with the file's lock, too */
    apr_int64_t generation;      /* 0: not known; it is since a handle of it was closed */
    apr_size_t regions;          /* in the list */
    apr_size_t buffered_regions; /* of these: memory, which shows no file */
    apr_size_t cursors;
    apr_size_t kept;      /* cursors opened by a handle: it must stay open for them */
    apr_os_file_t handle; /* while handle_open */
    smmap__file_t *reclaim_next;
    smmap__path_t *path;        /* by which it was opened last, counted; NULL: by handles alone */
    smmap__hash_node_t by_path; /* in the registry, while it has one */
    unsigned char registered;   /* can be found by identity */
    unsigned char handle_open;  /* handle is one */
    unsigned char is_idle;      /* the handle is in the list of those that can be closed, */
    unsigned char is_dropped;   /* in front, as the file was dropped */
    unsigned busy;              /* calls that use the handle right now */
    unsigned changes;           /* how often its windows went out of date, or may have */
    smmap__link_t flights;      /* windows that are just being mapped; see cursor/miss.c */
    unsigned closing;           /* handles that are being closed: it must not be freed */
};

/** What is to be unmapped, closed and freed with the lock let go. */
typedef struct smmap__reclaim_t {
    smmap__region_t *regions;
    smmap__file_t *files;
    apr_status_t status; /* the first error that was met */
    apr_size_t unmapped; /* regions that are gone, */
    apr_size_t bytes;    /* and what they held */
} smmap__reclaim_t;

#define SMMAP__RECLAIM_INIT           \
    {                                 \
        NULL, NULL, APR_SUCCESS, 0, 0 \
    }

/** In paranoid mode: where in the program a cursor took its window. */
struct smmap__pin_origin_t {
    smmap__pin_origin_t *next;  /* in the manager's list */
    smmap__pin_origin_t **link; /* what points to this one */
    uintptr_t window;           /* 0: none now */
    unsigned frame_count;
    void *frames[SMMAP__FRAMES]; /* the innermost first */
};

/** The eviction queue; see region/queue.c. */
typedef struct smmap__queue_t {
    smmap__link_t regions; /* the oldest first */
    smmap__region_t *hand; /* where to look next; NULL: at the oldest */
    apr_size_t length;
} smmap__queue_t;

/** The registry: files by identity; see file/file.c. */
typedef struct smmap__registry_t {
    smmap__hash_t hash;
    smmap__hash_t by_path;
    smmap__link_t files;      /* all but the forgotten ones, */
    smmap__link_t forgotten;  /* and these: they have an id, and are not found by it */
    apr_uint64_t last_number; /* of the file that was made last */
    unsigned next_stripe;
} smmap__registry_t;

/** Handles that calls use, and handles that can be closed; see file/handle.c. */
typedef struct smmap__handles_t {
    smmap__link_t idle; /* files; the least recently used first */
    apr_size_t busy;    /* in use, or about to be opened, and can be closed afterwards */
    apr_size_t waiters; /* calls that wait for one of these */
} smmap__handles_t;

/** Regions that nobody can find. */
typedef struct smmap__retired_t {
    smmap__link_t fresh;  /* it was not looked yet who pins them */
    smmap__link_t pinned; /* somebody pins them, and the flags of these pins are set */
} smmap__retired_t;

/** Room that a thread has made and not taken yet, as it needs more; see region/evict.c. */
typedef struct smmap__claim_t {
    const void *holder; /* NULL: there is none */
    apr_size_t bytes;
    apr_size_t regions;
} smmap__claim_t;

/** What copies cost here, in nanoseconds, on average; see read/cost.c. */
typedef struct smmap__cost_t {
    smmap__count_t read;    /* one that is read past the windows */
    smmap__count_t miss;    /* one for which a window is mapped */
    smmap__count_t touches; /* so many reads a window pays for itself; it follows */
} smmap__cost_t;

/** Windows in memory of the heap; see region/heap.c. */
typedef struct smmap__heap_t {
    apr_size_t regions;
    apr_size_t bytes;
} smmap__heap_t;

/** Files that are read ahead; see cursor/fetch_queue.c. */
typedef struct smmap__fetching_t {
    smmap__link_t fetches; /* the oldest first */
    apr_size_t threads;    /* that were started and have not ended */
    apr_size_t reading;    /* of these: in a read, which may hang */
    apr_size_t calling;    /* of these: in a callback, which may wait for the others */
    apr_size_t pieces;     /* not read yet */
    apr_size_t work;       /* that no thread has taken */
} smmap__fetching_t;

/** The limit of mapped bytes that follows the machine; see region/limit.c. */
typedef struct smmap__follow_t {
    int on;
    apr_size_t
        misses; /* these two: until the machine is looked at again, whichever is over first */
    apr_size_t bytes;
} smmap__follow_t;

struct smmap_manager_t {
    /* Under the lock of the list of managers; see fork.c. */
    smmap__link_t link; /* first, so that leak checkers see that it points to the manager */
    int held;           /* for a fork that is under way */

    smmap__owned_t owned; /* by the creator's pool */
    /* Constant after create. */
    apr_pool_t *root; /* holds the locks */
    apr_allocator_t *allocator;
    smmap_mode_t mode;
    smmap_guard_t guard;
    apr_size_t granularity;
    apr_size_t page_size;
    int lexical_dots; /* these two: see smmap__os_info_t */
    int case_insensitive;
    int slash_is_root;      /* a path that begins with one is absolute: there are no drives */
    apr_size_t window_size; /* 0: a window is the whole file */
    unsigned window_shift;  /* log2 of it; 0: it is no power of two */
    apr_interval_time_t limit_wait;
    apr_thread_mutex_t *stripes[SMMAP__STRIPES + 1]; /* and one to spare; see fork.c */
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;      /* room was made, or a handle is idle */
    void (*mend)(smmap_manager_t *); /* in a forked child; see fork.c */
    int asymmetric;                  /* the heavy fence makes light ones free; see pins.h */
    smmap_trace_t *trace;            /* called for each move; NULL: the tracer, if there is one */
    void *trace_context;
    smmap__tracer_t *tracer;     /* what it points to has a lock of its own */
    smmap__paranoia_t *paranoia; /* NULL: off; what it points to is under the lock */
    apr_size_t fetch_threads;    /* at most; 0: nothing is fetched */
    smmap__os_thread_t fetcher;  /* what they do */
    int inherited;               /* it was made by a parent of this process */

    /* Changed under the lock, read without. */
    smmap__shared_t shared; /* the slots that are not in a file's own table */
    smmap__count_t closed;
    smmap__count_t trace_failures;
    smmap__count_t fetch_warm; /* ranges to fetch that were in memory, since one was not */
    smmap__count_t bypassed;   /* reads past the windows by cursors that have no pin to count in */
    smmap__cost_t cost;        /* changed without the lock, too: approximate */
    smmap__count_t stacked;    /* 1: the file opened last is on a stacked file system */
    smmap__count_t pressure;   /* 1: room was made by evicting since it was last cleared */

    /* Under the lock. */
    smmap_limits_t limits SMMAP__GUARDED;
    apr_size_t max_mapped_bytes SMMAP__GUARDED;
    apr_size_t max_regions SMMAP__GUARDED;
    apr_size_t max_open_files SMMAP__GUARDED;
    apr_size_t references SMMAP__GUARDED;
    apr_size_t asleep SMMAP__GUARDED;     /* threads that wait for `changed` */
    int forking SMMAP__GUARDED;           /* do not wait for it now */
    apr_size_t unmapping SMMAP__GUARDED;  /* threads that unmap regions right now, */
    apr_size_t closing SMMAP__GUARDED;    /* or close handles, which may hang */
    smmap__queue_t queue SMMAP__GUARDED;
    smmap__hash_t by_address SMMAP__GUARDED; /* regions */
    smmap__hash_t spans SMMAP__GUARDED;      /* by file and place; see region.c */
    smmap__registry_t registry SMMAP__GUARDED;
    smmap__handles_t handles SMMAP__GUARDED;
    smmap__pins_t pins SMMAP__GUARDED;
    smmap__retired_t retired SMMAP__GUARDED;
    smmap__pin_origin_t *pin_origins SMMAP__GUARDED; /* in paranoid mode */
    smmap__heap_t heap SMMAP__GUARDED;
    smmap__claim_t claim SMMAP__GUARDED;
    smmap__follow_t follow SMMAP__GUARDED;
    smmap__link_t waiters SMMAP__GUARDED; /* for room, the one that waits longest first */
    smmap__fetching_t fetching SMMAP__GUARDED;
    smmap__region_t *unmap_failed SMMAP__GUARDED; /* counted; tried again later */
    unsigned epoch SMMAP__GUARDED;                /* the number of the last count of pins */
    smmap_stats_t stats SMMAP__GUARDED;
};

/** A cursor; what the public header shows comes first. */
typedef struct smmap__cursor_t {
    smmap_cursor_t shown;
    apr_off_t offset;  /* what was asked for last */
    apr_size_t asked;  /* 0: all that the window holds from there on */
    smmap__pin_t *pin; /* where the window is published; NULL: never had one */
    /* What hit.c needs of the file, so that it touches no line of it. */
    smmap__word_t *slots;    /* the first leaf of the grid; NULL: not known yet */
    apr_uint64_t slot_count; /* words in it; 0: hit.c is not for this cursor */
    apr_size_t window;       /* bytes in a window, where slot_count is not 0 */
    unsigned shift;
    smmap_access_t access;
    int guarded; /* between begin_guard and end_guard; every move then takes the lock */
    apr_status_t guard_status; /* what went wrong since begin_guard */
    smmap__os_guard_t guard;
    const unsigned char *outdated;   /* the window was found to be retired by a refresh: it is not
                                      to be copied from */
    apr_off_t fault;                 /* where the last fault was, plus one; 0: there was none */
    smmap_manager_t *manager;        /* counted */
    smmap__file_t *file;             /* counted in file->cursors */
    smmap__path_t *path;             /* counted in path->users; NULL: opened by a handle */
    smmap__owned_t owned;            /* by a pool; that of a buffer is the buffer's */
    smmap__pin_origin_t *pin_origin; /* in paranoid mode; NULL: none yet */
    unsigned direct;                 /* how often it was read past the windows */
    apr_int64_t began;               /* when what a copy misses began to be mapped; 0: nothing */
    unsigned char traced;            /* its moves are reported */
    unsigned char fetched;           /* it may be in a fetch */
    unsigned char copying; /* the move is for a copy, which can be read, too; 0 again when the
                                 file cannot even be opened */
} smmap__cursor_t;

/** Bytes that a cursor with a window shows. */
static inline apr_size_t smmap__cursor_size(const smmap__cursor_t *cursor)
{
    apr_size_t there =
        cursor->shown.window_size - (apr_size_t)(cursor->offset - cursor->shown.window_begin);

    return cursor->asked != 0 && cursor->asked < there ? cursor->asked : there;
}

/** The number of the window that holds an offset. */
static inline apr_uint64_t smmap__window_number(const smmap__file_t *file, apr_off_t offset)
{
    return file->shift != 0 ? (apr_uint64_t)offset >> file->shift
                            : (apr_uint64_t)offset / (apr_uint64_t)file->window;
}

/** Where a window begins. */
static inline apr_off_t smmap__window_begin(const smmap__file_t *file, apr_uint64_t number)
{
    return file->shift != 0 ? (apr_off_t)(number << file->shift) : (apr_off_t)number * file->window;
}

#endif
