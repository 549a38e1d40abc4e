/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the manager itself is asked: its creation and end, and looking at all it has.
 *
 *   options.c   what the options mean
 *   stats.c     statistics and settings
 *   pinned.c    who pins what
 *   drop.c      letting go of files by path
 *   places.c    where directories really are, for it
 *   manager.c   creation and destruction
 *   mend.c      what is left of it in a forked child
 */
#ifndef SMMAP_CORE_MANAGER_MANAGER_H
#define SMMAP_CORE_MANAGER_MANAGER_H

#include "core/cursor/cursor.h"

/** Set all of a new manager that follows from options (NULL: defaults) and the machine. Statuses
    as for smmap_manager_create(). */
apr_status_t smmap__options_apply(smmap_manager_t *manager, const smmap_options_t *options);
/** In paranoid mode: write to stderr what is still pinned. */
void smmap__pinned_report(smmap_manager_t *manager);

/** In a forked child, with the lock held. */
void smmap__manager_mend(smmap_manager_t *manager);

typedef struct smmap__directory_t smmap__directory_t;

/** Where a path leads, and where the directories of files are. Zeroed: nothing is known. */
typedef struct smmap__places_t {
    char *real;                /* of the path; NULL: not known */
    smmap__hash_t directories; /* where that is known */
    smmap__directory_t *first; /* of these */
} smmap__places_t;

/** Find them out, without the lock. APR_ENOMEM. */
apr_status_t smmap__places_find(smmap__places_t *places, smmap_manager_t *manager,
                                const char *path) SMMAP__LOCKS;
/** Is the file where the path leads, or below it? */
int smmap__places_hold_locked(const smmap__places_t *places,
                              const smmap__file_t *file) SMMAP__LOCKED;
void smmap__places_free(smmap__places_t *places);

#endif
