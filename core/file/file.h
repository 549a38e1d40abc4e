/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files: what they are told apart by, how they are found, and their native handles.
 *
 *   path.c       the paths that files were opened by
 *   identity.c   what tells a file from another; measuring it
 *   file.c       the registry: joining and leaving files; freeing them
 *   idle.c       handles that can be closed, by last use
 *   handle.c     native handles under their limit; reading by them without a lock
 */
#ifndef SMMAP_CORE_FILE_FILE_H
#define SMMAP_CORE_FILE_FILE_H

#include "core/lock.h"

/* path.c */

/** Make a path absolute, with one user; and without . and .., where these are text. Where the
    current directory has no path, or one that is too long, it stays as it is, and is lost. */
apr_status_t smmap__path_make(smmap_manager_t *manager, const char *text, smmap__path_t **path);
/** Must the handle stay open of what was opened by it? NULL: by a handle. */
static inline int smmap__path_is_lost(const smmap__path_t *path)
{
    return path == NULL || path->is_lost;
}
/** Its text. */
static inline const char *smmap__path_text(const smmap__path_t *path)
{
    return (const char *)(path + 1);
}
/** A number of a part of a path, the same for each that is equal on this system. */
apr_uint64_t smmap__path_key(const smmap_manager_t *manager, const char *path, apr_size_t length);
/** One user less; the last one frees it. NULL is ignored. */
void smmap__path_unref_locked(smmap__path_t *path) SMMAP__LOCKED;

/* identity.c */

/** Is a file the one that was identified, with this generation (0: not known)? Unless a handle or a
    mapping kept its id from being given to another, what the system tells must say so. */
int smmap__identity_same_locked(const smmap__file_t *file, const smmap__identity_t *current,
                                apr_int64_t generation) SMMAP__LOCKED;
/** The generation of an identified file, by its handle. */
apr_int64_t smmap__identity_generation(const smmap__identity_t *identity, apr_os_file_t handle);
/** Are copies of its bytes outdated, and, on a stacked file system, its mappings? */
int smmap__identity_changed(const smmap__identity_t *known, const smmap__identity_t *now);
/** What a handle's file is. before: as it was seen just before it was opened; NULL: it was not.
    On a stacked file system the handle may be renewed. */
apr_status_t smmap__identify(apr_os_file_t handle, const smmap__os_facts_t *before,
                             smmap__identity_t *identity);
/** The same for a handle of the caller's, which is left as it is. */
apr_status_t smmap__identify_callers(apr_os_file_t native, smmap__identity_t *identity);
/** What a known file is now, by a handle of ours. The file's lock is held. content (out): what a
    sizeless one holds, with one user, or NULL. */
apr_status_t smmap__identify_again(const smmap__file_t *file, apr_os_file_t handle,
                                   smmap__identity_t *identity, smmap__content_t **content);
/** Can it be read by this handle, and does it hold what its size says? Files that the system
    makes up cannot be mapped, and are as long as what can be read. */
apr_status_t smmap__identity_probe(smmap_manager_t *manager, apr_os_file_t handle,
                                   smmap__identity_t *identity);
/** Measure a file whose size the system does not tell: read all of it. kept (out; or NULL): its
    bytes, with one user; NULL: there are none. */
apr_status_t smmap__content_read(apr_os_file_t handle, smmap__identity_t *identity,
                                 smmap__content_t **kept);
/** One user less; the last one frees it. NULL is ignored. */
void smmap__content_unref_locked(smmap__content_t *content) SMMAP__LOCKED;
/** The system's path for a file, to be freed; NULL: it has none, or there is no memory. */
char *smmap__canonical_path_of(apr_os_file_t handle);

/* file.c */

/** The registry of a new manager. APR_ENOMEM. */
apr_status_t smmap__registry_init(smmap__registry_t *registry);
/** A file that is in no registry and that no cursor is on; NULL when memory is out. */
smmap__file_t *smmap__file_make(smmap_manager_t *manager, const smmap__identity_t *identity);
/** Free a file that nobody can find; its handle is closed. */
void smmap__file_free(smmap__file_t *file);
/** The file that has an identity's device and id, or NULL. Files without an id are not found. */
smmap__file_t *smmap__file_lookup_locked(smmap_manager_t *manager,
                                         const smmap__identity_t *identity) SMMAP__LOCKED;
/** Make a new file known. */
void smmap__file_register_locked(smmap__file_t *file) SMMAP__LOCKED;
/** Put it, which is in no list, into the registry's list that it belongs to. */
void smmap__file_list_locked(smmap__file_t *file) SMMAP__LOCKED;
/** A cursor that is opened from now on does not find the file. */
void smmap__file_forget_locked(smmap__file_t *file) SMMAP__LOCKED;
/** Count one more cursor on a file, and a reference of its manager. */
void smmap__file_join_locked(smmap__file_t *file, int by_handle) SMMAP__LOCKED;
/** One cursor less. The manager's reference is still the caller's to drop. */
void smmap__file_leave_locked(smmap__file_t *file, int by_handle,
                              smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** The file was opened by this path last (NULL: not known to be anywhere). */
void smmap__file_set_path_locked(smmap__file_t *file, smmap__path_t *path) SMMAP__LOCKED;
/** Put the file on the reclaim list if nothing holds it any more. */
void smmap__file_reap_locked(smmap__file_t *file, smmap__reclaim_t *reclaim) SMMAP__LOCKED;
/** Close and free the files of a reclaim list, without the lock. Returns how many there were;
    *handles (out) had open handles. */
apr_size_t smmap__files_reclaim(smmap__reclaim_t *reclaim, apr_size_t *handles) SMMAP__LOCKS;
/** Count what smmap__files_reclaim() returned. */
void smmap__files_reclaimed_locked(smmap_manager_t *manager, apr_size_t files,
                                   apr_size_t handles) SMMAP__LOCKED;
/** Does our handle or a region keep the file's id from being given to another? Memory does not; nor
    does a mapping whose pages were all replaced after faults, so with the guard nothing is said. */
static inline int smmap__file_pinned(const smmap__file_t *file)
{
    return file->handle_open ||
           (file->regions > file->buffered_regions && file->manager->guard == SMMAP_GUARD_OFF);
}

/* idle.c */

/** Put the file where it belongs after handle_open, busy or kept has changed. */
void smmap__idle_update_locked(smmap__file_t *file) SMMAP__LOCKED;
/** Take a file out that is about to be freed. */
void smmap__idle_remove_locked(smmap__file_t *file) SMMAP__LOCKED;
/** The least recently used file whose handle can be closed; NULL: there is none. */
smmap__file_t *smmap__idle_first_locked(smmap_manager_t *manager) SMMAP__LOCKED;
/** The one that was used next after it, or NULL. */
smmap__file_t *smmap__idle_next_locked(const smmap__file_t *file) SMMAP__LOCKED;

/* handle.c */

/** Reserve one open handle, closing idle ones. */
apr_status_t smmap__handle_reserve_relock(smmap_manager_t *manager) SMMAP__RELOCK;
/** Close idle handles until no more are open than the limit allows, or none is idle. */
void smmap__handle_lower_relock(smmap_manager_t *manager) SMMAP__RELOCK;
/** Give a reservation back that came to nothing. */
void smmap__handle_return_locked(smmap_manager_t *manager) SMMAP__LOCKED;
/** Open by path, or (path: NULL) duplicate, a handle for which one was reserved, and identify its
    file. before (in): what was seen at the path; NULL: nothing.
    APR_SUCCESS also where the file cannot be identified: *identified (out) is the status; but
    what a path names and is no file is closed again: SMMAP_ENOTREGULAR. */
apr_status_t smmap__handle_open(smmap_manager_t *manager, const char *path, apr_os_file_t native,
                                apr_os_file_t *handle, const smmap__os_facts_t *before,
                                smmap__identity_t *identity, apr_status_t *identified) SMMAP__LOCKS;
/** Close a handle that no file got, and give its reservation back. */
void smmap__handle_discard(smmap_manager_t *manager, apr_os_file_t handle) SMMAP__LOCKS;
/** Give a handle, for which one was reserved, to a file that has none. */
void smmap__handle_install_locked(smmap__file_t *file, apr_os_file_t handle) SMMAP__LOCKED;
/** Open the file of a closed handle again, if it is still the same one. */
apr_status_t smmap__handle_reopen_relock(smmap__file_t *file,
                                         const smmap__path_t *path) SMMAP__RELOCK;
/** The open handle is in use from now on, and stays open. */
void smmap__handle_begin_use_locked(smmap__file_t *file) SMMAP__LOCKED;
/** It is no longer. */
void smmap__handle_end_use_relock(smmap__file_t *file) SMMAP__RELOCK;
/** Close the handle of a file, which is idle. 0: somebody reads by it, so it stays open, and the
    lock was kept. */
int smmap__handle_close_relock(smmap__file_t *file) SMMAP__RELOCK;
/** Close every idle handle, waiting for those that read by them. */
void smmap__handle_close_idle_relock(smmap_manager_t *manager) SMMAP__RELOCK;

static inline void smmap__reading_end(smmap__file_t *file)
{
    smmap__count_lower(&file->readers);
}

/** Use the file's handle without a lock; 0: it is closed, and nothing is to be ended. */
static inline int smmap__reading_begin(smmap__file_t *file, apr_os_file_t *handle)
{
    uintptr_t published;

    smmap__count_raise(&file->readers);
    published = smmap__load_ordered(&file->published_handle);
    if (published == 0) {
        smmap__reading_end(file);
        return 0;
    }
    *handle = (apr_os_file_t)(published - 1);
    return 1;
}

#endif
