/*
 * Paranoid mode; see paranoid.c. Where nothing else is said, for managers with paranoia alone.
 */
#ifndef SMMAP_CORE_PARANOID_H
#define SMMAP_CORE_PARANOID_H

#include "core/core.h"

/** How much of a stack a watch remembers. */
#define SMMAP__FRAMES 12

/** In paranoid mode: where in the program a cursor took its window. */
struct smmap__pin_origin_t {
    smmap__pin_origin_t *next; /* in the manager's list */
    smmap__pin_origin_t **link; /* what points to this one */
    uintptr_t window;     /* 0: none now */
    unsigned frame_count;
    void *frames[SMMAP__FRAMES]; /* the innermost first */
};

/** Do options or environment ask for it? */
int smmap__paranoid_wanted(const smmap_options_t *options);
apr_status_t smmap__paranoid_open(smmap_manager_t *manager);
/** For any manager. */
void smmap__paranoid_free(smmap_manager_t *manager);
/** A cursor has pinned a window: its bytes can be touched from now on. Takes the lock. */
apr_status_t smmap__paranoid_enter(smmap__cursor_t *cursor, uintptr_t window);
/** It pins it no longer. Takes the lock. */
void smmap__paranoid_leave(smmap__cursor_t *cursor, uintptr_t window);
/** The cursor goes. For any manager. */
void smmap__paranoid_forget_locked(smmap__cursor_t *cursor);
/** Unmap, but keep others from the addresses for a while. Takes the lock. */
apr_status_t smmap__paranoid_unmap(smmap_manager_t *manager, smmap__os_mapping_t *mapping);
/** Give all such addresses back: they are wanted. Takes the lock. */
void smmap__paranoid_unquarantine(smmap_manager_t *manager);
/** Write to stderr who pins what. */
void smmap__paranoid_report(smmap_manager_t *manager);

#endif
