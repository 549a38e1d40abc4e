/*
 * The structures of the core and what its files offer each other.
 *
 * Ownership. A manager is counted: one reference for its creator, one for each
 * cursor; so a cursor may outlive smmap_manager_destroy(). A file lives while a
 * cursor is on it, a region of it is mapped, or a call works on it. A region
 * lives until it is unmapped; it belongs to its file and to the manager's queue.
 *
 * Locks, in the order in which they are taken:
 *
 *   1. the file's lock (one of a fixed set of stripes; see manager.c), held while
 *      a window is mapped or the file is measured, so that two threads that miss
 *      on one window map it once. A thread never holds two of them.
 *   2. the manager's lock, held for everything else: registry, slots, queue, pins
 *      and counters. Nothing is mapped, unmapped, opened, closed or read under it.
 *
 * Functions whose name ends in _locked are called with the manager's lock held.
 *
 * Counters are reserved before the system is asked and given back after it took
 * the thing away, so they are never below the truth, and a hard limit that holds
 * for them holds for the process. What is to be unmapped, closed or freed is put
 * into a trash under the lock, and thrown out with the lock let go.
 */
#ifndef SMMAP_CORE_CORE_H
#define SMMAP_CORE_CORE_H

#include <apr_file_info.h>
#include <apr_pools.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "backends/backend.h"
#include "core/atomic.h"
#include "core/memory.h"
#include "core/name.h"
#include "core/pins.h"
#include "core/queue.h"
#include "core/slots.h"
#include "smmap/buffer.h"
#include "smmap/cursor.h"
#include "smmap/manager.h"
#include "smmap/window.h"

/** The largest offset: apr_off_t is signed and has 64 bits wherever files are large. */
#define SMMAP__OFFSET_MAX \
    ((apr_off_t)((((apr_uint64_t)1 << (8 * sizeof(apr_off_t) - 2)) - 1) * 2 + 1))

/** How many locks the files of one manager share. */
#define SMMAP__STRIPES 64

/** The facts of a file that tell it from another, and its size. */
typedef struct smmap__identity_t {
    apr_dev_t device;
    apr_ino_t inode;
    apr_off_t size;
    apr_time_t mtime;
    apr_time_t ctime;
    apr_int64_t birth; /* see smmap__os_file_birth(); 0: not known */
    smmap__os_id_t id; /* how far device and inode tell */
    int sizeless;      /* the system says 0, and size is what reading gave */
} smmap__identity_t;

typedef struct smmap__file_t smmap__file_t;
typedef struct smmap__region_t smmap__region_t;
typedef struct smmap__tracer_t smmap__tracer_t;
typedef struct smmap__paranoia_t smmap__paranoia_t;
typedef struct smmap__pin_origin_t smmap__pin_origin_t;

/** Where a region is: in one of these places, and nowhere else. */
typedef enum smmap__state_t {
    SMMAP__ACTIVE, /* in its file's table and in the queue: anyone can find and pin it */
    SMMAP__EVICTING, /* the same, but out of sight while the pins are looked at */
    SMMAP__RETIRED  /* nobody can find it any more; goes when its last pin does */
} smmap__state_t;

/** In a slot's word, beside the address of the region, whose low bits are 0: it was hit since
    the hand came by; it is as long as a window can be. */
#define SMMAP__VISITED ((uintptr_t)1)
#define SMMAP__WHOLE ((uintptr_t)2)
#define SMMAP__FLAGS ((uintptr_t)0xff)

/** A window that is mapped. Address, begin and length never change. */
struct smmap__region_t {
    smmap__os_mapping_t mapping;
    apr_off_t begin;
    smmap__file_t *file;
    smmap__word_t *slot;     /* its word in the grid; NULL: a span */
    smmap__region_t *newer;  /* in the queue */
    smmap__region_t *older;
    smmap__region_t *next;   /* in the chain of spans of one window, retired, or in a trash */
    smmap__region_t *hash_next; /* in the table by address */
    unsigned epoch;          /* was pinned when the pins were counted under this number */
    unsigned char state;     /* smmap__state_t */
    unsigned char visited;   /* of a span; a region of the grid has the bit in its slot */
    unsigned char is_protected;    /* in paranoid mode, while nobody pins it: cannot be touched */
};

/** A file, shared by all cursors on it. What a hit reads comes first, and changes rarely. */
struct smmap__file_t {
    smmap__offset_t size; /* as last measured */
    apr_off_t window;     /* the step of the grid; in static mode no file is longer */
    unsigned shift;       /* log2 of it, or in static mode of more; 0: it is no power of two */
    smmap__word_t published_handle; /* the handle + 1, for those who are counted in readers; 0: closed */
    smmap__slots_t grid;  /* window number -> address of the region there, and its bits */

    char padding[SMMAP__LINE];
    smmap_manager_t *manager;
    smmap__identity_t identity; /* as last measured */
    apr_uint64_t number;        /* no other file of the manager ever has it */
    smmap__file_t *hash_next;   /* in the registry */
    smmap__slots_t spans;       /* window number -> chain of spans that begin in it */
    apr_size_t regions;         /* regions that are not in a trash yet */
    apr_size_t buffered_regions;          /* of these: memory, which shows no file */
    apr_size_t cursors;
    apr_size_t kept;           /* cursors opened by a handle: it must stay open for them */
    apr_os_file_t handle;      /* while handle_open */
    smmap__count_t readers;    /* calls that read by the handle without a lock */
    smmap__file_t *idle_newer; /* among the idle handles */
    smmap__file_t *idle_older;
    smmap__file_t *reclaim_next;
    unsigned stripe;
    unsigned char registered;  /* can be found by identity */
    unsigned char handle_open; /* handle is one */
    unsigned char busy;        /* a call uses the handle right now */
    unsigned char idle;        /* the handle is in the list of those that can be closed */
    smmap__count_t unmappable; /* 1: the system cannot map it; it is read into memory */
    smmap__path_t *path;     /* by which it was opened last, counted; NULL: by handles alone */
    char *canonical_path;             /* the system's name for it when it was made; NULL: not known */
    unsigned drop_asked;  /* the number of the last release that looked at it, */
    unsigned char drop_matches; /* and whether that meant this file */
    unsigned closing;          /* handles that are being closed: the file must not be freed */
};

/** What has left the manager's books under its lock and is thrown out later. */
typedef struct smmap__reclaim_t {
    smmap__region_t *regions;
    smmap__file_t *files;
    apr_status_t status; /* the first error met in throwing it out */
    apr_size_t unmapped; /* regions that are gone */
} smmap__reclaim_t;

struct smmap_manager_t {
    /* Constant after create. */
    apr_pool_t *root; /* holds the locks */
    apr_allocator_t *allocator;
    apr_pool_t *owner; /* the creator's pool; NULL once the manager was destroyed */
    smmap_mode_t mode;
    smmap_limits_t limits;
    apr_size_t granularity;
    apr_size_t page_size;
    int dots_are_text;      /* see smmap__os_info_t */
    apr_size_t window_size; /* 0: a window is the whole file */
    apr_size_t max_mapped_bytes;
    apr_size_t max_regions;
    apr_size_t max_open_files;
    apr_thread_mutex_t *stripes[SMMAP__STRIPES];
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *given_back; /* signalled when a trash was emptied, or a handle is idle */
    smmap_guard_t guard;
    unsigned forks;                /* smmap__os_forks() when it was made */
    int asymmetric;                /* the heavy fence makes light ones free; see atomic.h */
    smmap_trace_t *trace;    /* hears of moves; NULL: the tracer, if there is one, does */
    void *trace_context;
    smmap__tracer_t *tracer; /* what it points to has a lock of its own */
    smmap__paranoia_t *paranoia; /* NULL: off; what it points to is under the lock */

    /* Changed under the lock, read without. */
    smmap__count_t closed;
    smmap__count_t retired_count;
    smmap__count_t trace_failures;
    smmap__count_t pressure; /* 1: room was made by evicting since it was last cleared */

    /* Under the lock. */
    apr_size_t references;
    apr_size_t emptying;     /* trashes that are being thrown out right now */
    apr_size_t busy_handles; /* handles that calls use, or are about to open, and that can be
                                closed afterwards */
    int inherited; /* in a child, once it was looked at: 1: as it was between two calls, 2: not */
    apr_size_t handle_waiters; /* calls that wait for one of them */
    unsigned next_stripe;
    apr_uint64_t last_file; /* the number of the file that was made last */
    smmap__queue_t queue;
    smmap__pins_t pins;
    smmap__pin_origin_t *pin_origins; /* in paranoid mode */
    smmap__region_t *retired;
    apr_size_t heap_regions; /* of the heap's memory; see heap.c */
    apr_size_t heap_bytes;
    smmap__region_t *unmap_failed; /* regions that the system would not unmap; tried again later */
    unsigned epoch;             /* the number of the last count of pins */
    unsigned drops;          /* calls of smmap_manager_drop() */
    smmap__region_t **by_address; /* a hash table, chained through `beside` */
    apr_size_t by_address_count;  /* a power of two */
    smmap__file_t **buckets; /* the registry: a hash table, chained through hash_next */
    apr_size_t bucket_count; /* a power of two */
    smmap__file_t *idle_newest; /* files whose open handle can be closed, by last use */
    smmap__file_t *idle_oldest;
    smmap_stats_t stats;
};

/** A cursor; what the public header shows comes first. */
typedef struct smmap__cursor_t {
    smmap_cursor_t shown;
    apr_off_t offset; /* what was asked for last */
    apr_size_t asked; /* 0: all that the window holds from there on */
    smmap__pin_t *pin; /* where the window is published; NULL: never had one */
    /* What hit.c needs of the file, so that it touches no line of it. */
    smmap__word_t *slots;     /* the first leaf of the grid; NULL: not known yet */
    apr_uint64_t slot_count;  /* words in it; 0: hit.c is not for this cursor */
    apr_size_t window;        /* bytes in a window, where slot_count is not 0 */
    unsigned shift;
    smmap_access_t access;
    int guarded;               /* between begin_guard and end_guard; no move is quick then */
    apr_status_t guard_status; /* what went wrong since begin_guard */
    smmap__os_guard_t guard;
    apr_off_t fault;           /* where the last fault was, plus one; 0: there was none */
    smmap_manager_t *manager; /* counted */
    smmap__file_t *file;      /* counted in file->cursors */
    smmap__path_t *path;      /* counted in name->users; NULL: opened by a handle */
    apr_pool_t *pool;         /* NULL: belongs to a buffer */
    smmap__pin_origin_t *pin_origin;    /* in paranoid mode; NULL: none yet */
    unsigned char traced; /* its moves are reported */
    unsigned char copying; /* the move is for a copy, which can be read, too; 0 again when the
                              file cannot even be opened */
} smmap__cursor_t;

/** Bytes that a cursor with a window shows. */
static inline apr_size_t smmap__cursor_size(const smmap__cursor_t *cursor)
{
    apr_size_t there = cursor->shown.window_size -
                       (apr_size_t)(cursor->offset - cursor->shown.window_begin);

    return cursor->asked != 0 && cursor->asked < there ? cursor->asked : there;
}

/* manager.c */

void smmap__manager_lock(smmap_manager_t *manager);
void smmap__manager_unlock(smmap_manager_t *manager);
/** Wait for given_back. The lock is let go meanwhile. */
void smmap__manager_wait_relock(smmap_manager_t *manager);
/** Wake all who do. */
void smmap__manager_wake_locked(smmap_manager_t *manager);
/** Give a reference back; the last one frees the manager. The lock is held, and let go. */
void smmap__manager_unref_unlock(smmap_manager_t *manager);
/** A pool for the length of one call. */
apr_status_t smmap__scratch(smmap_manager_t *manager, apr_pool_t **pool);

/* limits.c */

/** Reserve a region of `bytes`, evicting what has to go. Lets the lock go meanwhile. */
apr_status_t smmap__budget_reserve_relock(smmap_manager_t *manager, apr_size_t bytes);
/** Give a reservation back that came to nothing. */
void smmap__budget_release_locked(smmap_manager_t *manager, apr_size_t bytes);
/** Put every region that is not pinned into the reclaim, and those that were unmap_failed. */
void smmap__evict_unpinned_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim);
/** The same for those that are meant; returns how many of these are pinned. */
apr_size_t smmap__evict_matching_locked(smmap_manager_t *manager,
                                         int (*matches)(void *context, smmap__region_t *region),
                                         void *context, smmap__reclaim_t *reclaim);
/** Throw the trash out and credit the counters. Lets the lock go meanwhile. */
void smmap__reclaim_relock(smmap_manager_t *manager, smmap__reclaim_t *reclaim);

/* handle.c: the native handles of files, under their limit */

/** Reserve one open handle, closing idle ones. Lets the lock go meanwhile. */
apr_status_t smmap__handle_reserve_relock(smmap_manager_t *manager);
/** Give a reservation back that came to nothing. */
void smmap__handle_return_locked(smmap_manager_t *manager);
/** Give a handle, for which one was reserved, to a file that has none. */
void smmap__handle_install_locked(smmap__file_t *file, apr_os_file_t handle);
/** The file has one more, or one less, cursor that was opened by a handle. */
void smmap__handle_keep_locked(smmap__file_t *file, int more);
/** Close the handle of a file, which is idle. Lets the lock go meanwhile. 0: somebody reads by it,
    so it stays open, and the lock was kept. */
int smmap__handle_close_relock(smmap__file_t *file);
/** Close every idle handle, waiting for those who read by them. Lets the lock go meanwhile.
    Returns how many. */
apr_size_t smmap__handle_close_idle_relock(smmap_manager_t *manager);
/** Take a file that is about to be freed out of the list of idle handles. */
void smmap__handle_unlist_locked(smmap__file_t *file);
/** Open by name, or (name: NULL) duplicate, a handle for which one was reserved. */
apr_status_t smmap__handle_open(smmap_manager_t *manager, const smmap__path_t *path,
                                apr_os_file_t native, apr_os_file_t *handle);
/** Close a handle that no file got, and give its reservation back. */
void smmap__handle_discard(smmap_manager_t *manager, apr_os_file_t handle);
/** What a handle's file is now. with_birth: also ask for the time of birth, and for all that is
    to be known of its id; otherwise that is as APR has it, and good for nothing. */
apr_status_t smmap__handle_identify(smmap_manager_t *manager, apr_os_file_t handle, int with_birth,
                                    smmap__identity_t *identity);
/** How long is a file whose size the system does not tell? Reads all of it. */
apr_status_t smmap__handle_count(apr_os_file_t handle, apr_off_t *size);
/** Begin to use the file's handle: it is opened again by name if need be, and the file is
    measured. The file's lock is held. On success the handle stays open until
    smmap__handle_leave(). */
apr_status_t smmap__handle_enter(smmap__file_t *file, const smmap__path_t *path,
                                 apr_os_file_t *handle);
/** End that. */
void smmap__handle_leave(smmap__file_t *file);

/* fork.c */

/** Is this process a child, and the manager its parent's? */
static inline int smmap__forked(const smmap_manager_t *manager)
{
    return smmap__os_forks() != manager->forks;
}
/** In a child: may the manager's structures be touched? No, where another thread of the parent
    held the lock when the process was forked. */
int smmap__fork_usable(smmap_manager_t *manager);

/* registry.c: the files of a manager, by identity */

/** The file that has a name, or (name: NULL) that a handle of the caller's is open on, counted
    for one more cursor, and the manager for one more reference. Made when it is not known. */
apr_status_t smmap__file_join(smmap_manager_t *manager, smmap__path_t *path,
                              apr_os_file_t native, smmap__file_t **file);
/** Count one more cursor on a file that some cursor is on already. */
void smmap__file_join_locked(smmap__file_t *file, int by_handle);
/** One cursor less. The manager's reference is still the caller's to drop. */
void smmap__file_leave_locked(smmap__file_t *file, int by_handle, smmap__reclaim_t *reclaim);
/** Open it again if need be, and take its size. */
apr_status_t smmap__file_measure(smmap__file_t *file, const smmap__path_t *path);
/** The file's lock. */
void smmap__file_lock(smmap__file_t *file);
void smmap__file_unlock(smmap__file_t *file);
/** Put the file into the trash when nothing holds it any more. */
void smmap__file_reap_locked(smmap__file_t *file, smmap__reclaim_t *reclaim);
/** Take a file out of the registry: a cursor that is opened now does not find it. */
void smmap__file_forget_locked(smmap__file_t *file);
/** The file has a new size: windows that are wrong now can no longer be found. */
void smmap__file_resize_locked(smmap__file_t *file, apr_off_t size, smmap__reclaim_t *reclaim);
/** Free a file that was put into a reclaim; its handle is closed by then. */
void smmap__file_free(smmap__file_t *file);
/** Are these the same file? Pinned: a handle or a mapping kept its id from being given anew. Where
    the id does not tell, the file must not have changed. */
int smmap__identity_same(const smmap__identity_t *known, const smmap__identity_t *now, int pinned);

/* release.c */

/** The system's name for a file, to be freed; NULL: it has none, or there is no memory. */
char *smmap__canonical_path_of(apr_os_file_t handle);

/* find.c: regions by place and by address, and who pins them */

/** The number of the window that holds an offset. */
static inline apr_uint64_t smmap__window_number(const smmap__file_t *file, apr_off_t offset)
{
    return file->shift != 0 ? (apr_uint64_t)offset >> file->shift
                            : (apr_uint64_t)offset / (apr_uint64_t)file->window;
}
/** Where a window begins. */
static inline apr_off_t smmap__window_begin(const smmap__file_t *file, apr_uint64_t number)
{
    return file->shift != 0 ? (apr_off_t)(number << file->shift)
                            : (apr_off_t)number * file->window;
}
/** The offset just behind a region. */
apr_off_t smmap__region_end(const smmap__region_t *region);
/** The region that is mapped already and holds [offset, end), or NULL. */
smmap__region_t *smmap__region_find_locked(const smmap__file_t *file, apr_off_t offset,
                                           apr_off_t end);
/** The region at an address, or NULL. */
smmap__region_t *smmap__region_at_locked(const smmap_manager_t *manager, uintptr_t address);
/** Note a hit: the region is visited the next time the hand comes by. */
void smmap__region_mark_visited_locked(smmap__region_t *region);
/** Make it known: table, queue, address. Its slot or chain was prepared. */
void smmap__region_attach_locked(smmap__region_t *region);
/** Make it known by address alone: it is its cursor's, and goes when that lets go of it. */
void smmap__region_attach_private_locked(smmap__region_t *region);
/** Was it visited since the last time? Clears the bit. */
int smmap__region_test_and_clear_visited_locked(smmap__region_t *region);
/** Put it out of sight; 0: somebody has just hit it. */
int smmap__region_unlink_locked(smmap__region_t *region);
/** Put a taken one back: it is in use. */
void smmap__region_relink_locked(smmap__region_t *region);
/** A taken one that nobody pins goes into the reclaim. */
void smmap__region_evict_locked(smmap__region_t *region, smmap__reclaim_t *reclaim);
/** Put it on the retired list, whoever pins it. To be followed by the heavy fence and a sweep. */
void smmap__region_retire_locked(smmap__region_t *region);
/** Mark each region that is pinned now with a new epoch, and return that. */
unsigned smmap__region_mark_pinned_locked(smmap_manager_t *manager);
/** Does a region of the file keep its id from being given to another? Memory does not; nor does a
    mapping whose pages were all replaced after faults, so with the guard nothing is said. */
static inline int smmap__file_pinned(const smmap__file_t *file)
{
    return file->regions > file->buffered_regions && file->manager->guard == SMMAP_GUARD_OFF;
}
/** Nobody finds the regions of a file any more that reach past an offset. */
void smmap__region_retire_past_locked(smmap__file_t *file, apr_off_t end, smmap__reclaim_t *reclaim);
/** What is retired and not pinned goes into the reclaim. */
void smmap__retired_sweep_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim);
/** The same for the region at one address, which a cursor has let go of. */
void smmap__retired_release_locked(smmap_manager_t *manager, uintptr_t address,
                                 smmap__reclaim_t *reclaim);

/* region.c */

/** Map the region for [offset, end) and pin it. whole: in one piece even where it crosses a
    window's end; otherwise what a window holds from offset on. */
apr_status_t smmap__region_obtain(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t end,
                                  int whole, smmap__region_t **region);

/* heap.c */

/** In `memory` of a mapping: it is of smmap__heap_map(). */
#define SMMAP__HEAP 2
/** Is it a status that says that there is no room left for a mapping? */
static inline int smmap__exhausted(apr_status_t status)
{
    /* EAGAIN: the process may not lock more memory, and locks all it maps. */
    return APR_STATUS_IS_ENOMEM(status) || APR_STATUS_IS_EMFILE(status) ||
           APR_STATUS_IS_ENFILE(status) || APR_STATUS_IS_EAGAIN(status);
}
/** Is it that of a hard limit on mappings? */
static inline int smmap__limited(apr_status_t status)
{
    return status == SMMAP_ELIMIT_BYTES || status == SMMAP_ELIMIT_REGIONS;
}
/** Memory of the heap in the place of a mapping. */
apr_status_t smmap__heap_map(const smmap_manager_t *manager, smmap__os_mapping_t *mapping,
                               apr_size_t length);
/** Unmap, or give back what smmap__heap_map() made. Zeroes the mapping. */
apr_status_t smmap__mapping_unmap(smmap__os_mapping_t *mapping);

/* guard.c */

/** A guarded copy from the cursor's window was not certain (MAYBE, or not made yet), or met a
    fault at an offset of the window (FAULTED, *copied): find out, or read.
    @param copied (in, out) the fault; what was copied. */
apr_status_t smmap__guard_again(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, smmap__os_copied_t made, apr_size_t *copied);
/** A guarded cursor has come to a window: is all of it there? */
void smmap__guard_enter(smmap__cursor_t *cursor);
/** It is about to leave it: is what was read there good? */
void smmap__guard_leave(smmap__cursor_t *cursor);
/** End the guard without asking. */
void smmap__guard_drop(smmap__cursor_t *cursor);

/* trace.c */

/** Report a move, or write it down; not in a child. To be called where cursor->traced is set. */
void smmap__trace(smmap__cursor_t *cursor, smmap_move_t move, apr_off_t offset,
                  apr_size_t length);
/** Begin to write moves down, if that is asked for. What goes wrong is counted. */
void smmap__trace_open(smmap_manager_t *manager);
/** Write the rest. In a child: only close the file. */
void smmap__trace_close(smmap_manager_t *manager);
void smmap__trace_free(smmap_manager_t *manager);

/* read.c, ahead.c */

/** Read by the system. *copied is what was read, on an error, too. */
apr_status_t smmap__read_direct(smmap__cursor_t *cursor, apr_off_t offset, void *to,
                                apr_size_t size, apr_size_t *copied);

/** Use the file's handle without a lock; 0: it is closed, and nothing is to be ended. */
int smmap__reading_begin(smmap__file_t *file, apr_os_file_t *handle);
void smmap__reading_end(smmap__file_t *file);
/** A sequential cursor came into the window at `begin`: ask for the one behind it. */
void smmap__prefetch_next(smmap__cursor_t *cursor, apr_off_t begin);

/* hit.c */

/** Move to the window of the grid that holds [offset, offset + size), without a lock. 0: it is
    not mapped, or is on its way out, or does not hold all; the cursor is as it was, or empty. */
int smmap__hit(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size);

/* look.c */

/** Is the window in use memory, which shows no file? As `memory` of a mapping. */
int smmap__cursor_memory(const smmap__cursor_t *cursor);

/* move.c */

/** The same, for all cursors and windows. size: what the cursor is to show, 0 for all. */
int smmap__move_lockless(smmap__cursor_t *cursor, apr_off_t offset, apr_off_t length,
                       apr_size_t size);
/** A move to a window that was just leaving: the cursor's pin says so, and now it is empty. */
void smmap__pin_failed(smmap__cursor_t *cursor, uintptr_t address);
/** The cursor has left a window (NULL: none) that may be retired. Returns APR_SUCCESS. */
apr_status_t smmap__window_left(smmap_manager_t *manager, const unsigned char *window);
/** smmap_cursor_use() and smmap_cursor_require(), where it may be no hit. lost: the address of
    a window as for smmap__pin_failed(), or 0. */
apr_status_t smmap__move_use(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                               uintptr_t lost);
apr_status_t smmap__move_require(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size,
                                   uintptr_t lost);
/** smmap_cursor_use() for arguments that were checked, and not reported. */
apr_status_t smmap__move_checked(smmap__cursor_t *cursor, apr_off_t offset, apr_size_t size);
/** Let go of the window, if there is one. */
void smmap__cursor_empty(smmap__cursor_t *cursor);

/* cursor.c */

/** A copy that no pool owns; see smmap_cursor_copy(). */
apr_status_t smmap__cursor_clone(smmap__cursor_t **clone, const smmap_cursor_t *cursor);
/** Close and free it. */
void smmap__cursor_free(smmap__cursor_t *cursor);

#endif
