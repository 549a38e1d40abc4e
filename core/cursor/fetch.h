/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading ahead in threads: fetch.c, fetch_thread.c, fetch_queue.c.
 */
#ifndef SMMAP_CORE_CURSOR_FETCH_H
#define SMMAP_CORE_CURSOR_FETCH_H

#include "core/cursor/cursor.h"
#include "smmap/fetch.h"

/** The most bytes of a piece. */
#define SMMAP__PIECE (1024 * 1024)

/** Fewer pieces than these, but for a run, are not worth another thread. */
#define SMMAP__WORK 4

/** Some bytes to be read at once. */
typedef struct smmap__piece_t {
    apr_off_t offset;
    apr_size_t length;
    apr_size_t source; /* which of the fetch */
} smmap__piece_t;

/** Where pieces are read from; counted as a cursor of the file. */
typedef struct smmap__source_t {
    const smmap__cursor_t *cursor; /* who wants them; NULL: it was closed */
    smmap__file_t *file;
    smmap__path_t *path;
} smmap__source_t;

/** What one call asked for. */
typedef struct smmap__fetch_t {
    smmap__link_t link;
    smmap__source_t *sources;
    smmap__piece_t *pieces;
    apr_size_t source_count;
    apr_size_t piece_count;
    smmap_fetched_t *callback; /* NULL: none */
    void *context;
    /* Under the lock. */
    apr_size_t taken; /* pieces that a thread has in hand, or had */
    apr_size_t done;  /* of these: read or given up */
    apr_size_t work;  /* pieces not taken; of a run but SMMAP__WORK of them, while it is not slow */
    apr_status_t status;
    int slow;   /* runs are read piece by piece */
    int waited; /* its caller waits, and frees it */
} smmap__fetch_t;

/* fetch_queue.c */

/** Does the piece have a neighbour, in front of it or behind, in its source? */
int smmap__fetch_is_in_run(const smmap__fetch_t *fetch, apr_size_t piece);
/** Have a fetch read. */
void smmap__fetch_add_locked(smmap_manager_t *manager, smmap__fetch_t *fetch) SMMAP__LOCKED;
/** Take pieces of one source: `most` of them at most that are in no run, or those of a whole run;
    *first (out) is their first. NULL: there are none. */
smmap__fetch_t *smmap__fetch_take_locked(smmap_manager_t *manager, apr_size_t most,
                                         const smmap__piece_t **first,
                                         apr_size_t *count) SMMAP__LOCKED;
/** The last pieces that were taken are to be taken one by one, as they are read slowly. 0: others
    were taken after them, and the caller keeps them. */
int smmap__fetch_give_back_locked(smmap_manager_t *manager, smmap__fetch_t *fetch,
                                  const smmap__piece_t *pieces, apr_size_t count) SMMAP__LOCKED;
/** Pieces that were taken were read. 1: these were the last ones, and the caller frees the fetch
    with the lock let go. */
int smmap__fetch_done_locked(smmap_manager_t *manager, smmap__fetch_t *fetch, apr_size_t count,
                             apr_status_t status) SMMAP__LOCKED;
/** Free a fetch that is in no list, and call back. */
void smmap__fetch_free(smmap_manager_t *manager, smmap__fetch_t *fetch) SMMAP__LOCKS;

/* fetch_thread.c */

/** Start as many threads as are of use. Fails only if there is none. */
apr_status_t smmap__fetch_start_relock(smmap_manager_t *manager) SMMAP__RELOCK;

#endif
