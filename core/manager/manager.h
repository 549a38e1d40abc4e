/*
 * What the manager itself is asked: its creation and end, and looking at all it has.
 *
 *   options.c   what the options mean
 *   stats.c     statistics and settings
 *   pinned.c    who pins what
 *   drop.c      letting go of files by path
 *   manager.c   creation and destruction
 */
#ifndef SMMAP_CORE_MANAGER_MANAGER_H
#define SMMAP_CORE_MANAGER_MANAGER_H

#include "core/cursor/cursor.h"

/** Set all of a new manager that follows from options (NULL: defaults) and the machine. Statuses
    as for smmap_manager_create(). */
apr_status_t smmap__options_apply(smmap_manager_t *manager, const smmap_options_t *options);
/** In paranoid mode: write to stderr what is still pinned. */
void smmap__pinned_report(smmap_manager_t *manager);

#endif
