/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Annotations that let clang check at compile time who holds which lock (-Wthread-safety,
 * an error in the lane distcheck). To other compilers they are nothing.
 *
 * The two kinds of lock are one capability each, for all managers: no thread ever holds the
 * locks of two managers. A third one is no lock: smmap__may_relock is held wherever
 * the manager's lock may be let go and taken again. smmap__manager_lock() gives both. So
 *
 *   name_locked   needs the manager's lock, and cannot let it go
 *   name_relock   needs the lock and lets it go meanwhile: what was read before may have
 *                 changed when it returns
 *   name_unlock   needs the lock, and returns without it
 *   name_lock     returns with the lock
 */
#ifndef SMMAP_CORE_BASE_CAPABILITY_H
#define SMMAP_CORE_BASE_CAPABILITY_H

#if defined(__clang__) && !defined(_MSC_VER)
#define SMMAP__ATTRIBUTE(x) __attribute__((x))
#else
#define SMMAP__ATTRIBUTE(x)
#endif

struct SMMAP__ATTRIBUTE(capability("mutex")) smmap__capability_t {
    int unused;
};

/* Never defined: they stand in annotations alone. */
extern struct smmap__capability_t smmap__file_mutex;
extern struct smmap__capability_t smmap__manager_mutex;
extern struct smmap__capability_t smmap__may_relock;

/** After the declaration of a function. */
#define SMMAP__LOCKED SMMAP__ATTRIBUTE(requires_capability(smmap__manager_mutex))
#define SMMAP__RELOCK SMMAP__ATTRIBUTE(requires_capability(smmap__manager_mutex, smmap__may_relock))
#define SMMAP__UNLOCK SMMAP__ATTRIBUTE(release_capability(smmap__manager_mutex, smmap__may_relock))
#define SMMAP__LOCK SMMAP__ATTRIBUTE(acquire_capability(smmap__manager_mutex, smmap__may_relock))
/** It takes the manager's lock itself. */
#define SMMAP__LOCKS SMMAP__ATTRIBUTE(locks_excluded(smmap__manager_mutex))
/** The same for a file's lock, which is taken before the manager's. */
#define SMMAP__FILE_LOCKED SMMAP__ATTRIBUTE(requires_capability(smmap__file_mutex))
#define SMMAP__FILE_LOCK SMMAP__ATTRIBUTE(acquire_capability(smmap__file_mutex))
#define SMMAP__FILE_UNLOCK SMMAP__ATTRIBUTE(release_capability(smmap__file_mutex))
#define SMMAP__FILE_LOCKS SMMAP__ATTRIBUTE(locks_excluded(smmap__file_mutex))
/** After a field: it is the manager's lock that protects it. */
#define SMMAP__GUARDED SMMAP__ATTRIBUTE(guarded_by(smmap__manager_mutex))
/** Not checked: nobody else is here (before a structure is shared, or after; a forked child), or
    the lock itself. */
#define SMMAP__UNCHECKED SMMAP__ATTRIBUTE(no_thread_safety_analysis)

#endif
