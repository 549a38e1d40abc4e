/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions: windows that are mapped. Where they are found, which go when room is wanted, how
 * they are unmapped.
 *
 *   queue.c      the eviction queue (SIEVE)
 *   heap.c       a window in memory of the heap, the last resort
 *   paranoid.c   paranoid mode: quarantined addresses
 *   region.c     regions by window and by address; their states (see types.h)
 *   reclaim.c    unmapping and freeing, with the lock let go
 *   evict.c      limits: reserving room, choosing victims
 *   limit.c      the limit that follows the machine
 *   clear.c      giving up all that nobody pins
 *   measure.c    using a file's handle; sizes that change
 */
#ifndef SMMAP_CORE_REGION_REGION_H
#define SMMAP_CORE_REGION_REGION_H

#include "core/file/file.h"

/* queue.c: the list and the hand alone; bits and pins are looked at in evict.c. The caller holds
   the manager's lock. */

void smmap__queue_init(smmap__queue_t *queue);
/** Add a region that is in no queue, as the newest. */
void smmap__queue_add(smmap__queue_t *queue, smmap__region_t *region);
/** Take a region out. */
void smmap__queue_remove(smmap__queue_t *queue, smmap__region_t *region);
/** The region at the hand, which goes on to the next one; NULL: the queue is empty. */
smmap__region_t *smmap__queue_step(smmap__queue_t *queue);
/** The oldest region, or NULL. */
smmap__region_t *smmap__queue_first(const smmap__queue_t *queue);
/** The one that was mapped after a region, or NULL. */
smmap__region_t *smmap__queue_next(const smmap__queue_t *queue, const smmap__region_t *region);

/* heap.c */

/** Memory of the heap in the place of a mapping. */
apr_status_t smmap__heap_map(const smmap_manager_t *manager, smmap__os_mapping_t *mapping,
                             apr_size_t length);
/** Unmap, or free what smmap__heap_map() made. Zeroes the mapping. */
apr_status_t smmap__mapping_unmap(smmap__os_mapping_t *mapping);

/* paranoid.c; but for wanted and free for managers in paranoid mode alone */

/** Do options or environment ask for paranoid mode? */
int smmap__paranoid_wanted(const smmap_manager_t *manager, const smmap_options_t *options);
/** APR_ENOMEM. */
apr_status_t smmap__paranoid_open(smmap_manager_t *manager);
/** For any manager. */
void smmap__paranoid_free(smmap_manager_t *manager);
/** Unmap, but keep others from the addresses for a while. */
apr_status_t smmap__paranoid_unmap(smmap_manager_t *manager,
                                   smmap__os_mapping_t *mapping) SMMAP__LOCKS;
/** Give all such addresses back: they are wanted. */
void smmap__paranoid_unquarantine(smmap_manager_t *manager) SMMAP__LOCKS;
/** Say on standard error that a soft limit was passed, once. */
void smmap__paranoid_warn(smmap_manager_t *manager) SMMAP__LOCKS;

/* region.c */

/** The key of a region in the table by address. */
apr_uint64_t smmap__region_key(smmap__hash_node_t *node);
/** The same for the table of spans. */
apr_uint64_t smmap__region_span_key(smmap__hash_node_t *node);
/** The offset just behind a region. */
apr_off_t smmap__region_end(const smmap__region_t *region);
/** The region that is mapped already and holds [offset, end), or NULL. */
smmap__region_t *smmap__region_find_locked(const smmap__file_t *file, apr_off_t offset,
                                           apr_off_t end) SMMAP__LOCKED;
/** The region at an address, or NULL. */
smmap__region_t *smmap__region_at_locked(const smmap_manager_t *manager,
                                         uintptr_t address) SMMAP__LOCKED;
/** Make it known: table, queue, address. Its slot or chain was prepared. */
void smmap__region_attach_locked(smmap__region_t *region) SMMAP__LOCKED;
/** Make it known by address alone: it is the pin's, which is on it alone, and goes when that
    leaves. */
void smmap__region_attach_private_locked(smmap__region_t *region, smmap__pin_t *pin) SMMAP__LOCKED;
/** Note a hit: the hand passes it over the next time. */
void smmap__region_mark_visited_locked(smmap__region_t *region) SMMAP__LOCKED;
/** Was it visited since the last time? Clears the bit. */
int smmap__region_test_and_clear_visited_locked(smmap__region_t *region) SMMAP__LOCKED;
/** Put it out of sight; 0: somebody has just hit it. */
int smmap__region_unlink_locked(smmap__region_t *region) SMMAP__LOCKED;
/** Put an unlinked one back: it is in use. */
void smmap__region_relink_locked(smmap__region_t *region) SMMAP__LOCKED;
/** Put an unlinked one that nobody pins on the reclaim list. */
void smmap__region_evict_locked(smmap__region_t *region, smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** Nobody is to find it, whoever pins it. To be followed by smmap__retired_sweep_locked(). */
void smmap__region_retire_locked(smmap__region_t *region) SMMAP__LOCKED;
/** Count the pins on each region that is pinned now, under a new epoch, and return that. With the
    fence it is the evictor's half of the protocol in base/pins.h; without it a pin may be missed.
    The statistics say afterwards how many regions and bytes are pinned. */
unsigned smmap__region_count_pins_locked(smmap_manager_t *manager, int with_fence) SMMAP__LOCKED;
/** Put the regions that were just retired and that nobody pins on the reclaim list. file: they
    all are of this one; NULL: of any. */
void smmap__retired_sweep_locked(smmap_manager_t *manager, const smmap__file_t *file,
                                 smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** The manager was destroyed: nobody is to find any of its windows. What is pinned goes with its
    pin. */
void smmap__retire_all_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** A pin whose flag was found set has left a window, or two: a retired one goes if nobody else pins
    it. */
void smmap__pin_left_locked(smmap__pin_t *pin, smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** A pin that was just set to the window of another pin. */
void smmap__pin_copied_locked(smmap__pin_t *pin, const smmap__pin_t *from) SMMAP__LOCKED;

/* reclaim.c */

/** Unmap, close and free what is on the list, and credit the counters. */
void smmap__reclaim_relock(smmap_manager_t *manager, smmap__reclaim_t *reclaim) SMMAP__RELOCK;
/** Put the regions that the system would not unmap before on the list, for one more attempt. */
void smmap__reclaim_retry_locked(smmap_manager_t *manager, smmap__reclaim_t *reclaim) SMMAP__LOCKED;

/* evict.c */

/** Reserve a region of `bytes`, evicting what has to go.
    @param waited (in, out) how long the call has waited for that; wait until it is as long as the
           manager's limit_wait says. NULL: do not wait. */
apr_status_t smmap__budget_reserve_relock(smmap_manager_t *manager, apr_size_t bytes,
                                          apr_interval_time_t *waited) SMMAP__RELOCK;
/** Evict until no more is mapped than that, or `most` bytes were unmapped, or all else is pinned.
    What was unmapped is counted in `reclaim`. */
void smmap__budget_lower_relock(smmap_manager_t *manager, apr_size_t bytes, apr_size_t regions,
                                apr_size_t most, smmap__reclaim_t *reclaim) SMMAP__RELOCK;
/** Give a reservation back that came to nothing. */
void smmap__budget_release_locked(smmap_manager_t *manager, apr_size_t bytes) SMMAP__LOCKED;

/* limit.c */

/** The limit of mapped bytes that the machine has room for now, or `otherwise` where it cannot be
    told; at least a window. Without the lock: it asks the system. */
apr_size_t smmap__limit_ask(const smmap_manager_t *manager, apr_size_t otherwise);
/** Follow the machine from now on, or stop. The limit is set. */
void smmap__limit_begin_locked(smmap_manager_t *manager, int on) SMMAP__LOCKED;
/** A miss is about to map that much: if it is time, look at the machine, and change the limit. */
void smmap__limit_follow_relock(smmap_manager_t *manager, apr_size_t bytes) SMMAP__RELOCK;

/* clear.c */

/** Put every region that is not pinned on the reclaim list, and those that the system would not
    unmap before. */
void smmap__evict_unpinned_locked(smmap_manager_t *manager,
                                  smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** The same for a list of files; returns how many of their regions are pinned. */
apr_size_t smmap__evict_files_locked(smmap_manager_t *manager, smmap__link_t *files,
                                     smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** The system has refused memory or a mapping: unmap all that nobody pins, to ask once more. */
void smmap__make_room_relock(smmap_manager_t *manager) SMMAP__RELOCK;

/* measure.c */

/** Begin to use the file's handle: it is opened again by path if need be, and the file is
    measured, with the file's lock held meanwhile. On success the handle stays open until
    smmap__handle_end_use_relock(). Returns with the manager's lock held. */
apr_status_t smmap__handle_enter_lock(smmap__file_t *file, const smmap__path_t *path,
                                      apr_os_file_t *handle) SMMAP__FILE_LOCKS SMMAP__LOCK;
/** End that; nothing is locked before and after. */
void smmap__handle_leave(smmap__file_t *file) SMMAP__LOCKS;
/** Open it again if need be, and take its size. */
apr_status_t smmap__file_measure(smmap__file_t *file,
                                 const smmap__path_t *path) SMMAP__FILE_LOCKS SMMAP__LOCKS;

#endif
