/*
 * What the files of the POSIX backend share.
 */
#ifndef SMMAP_BACKENDS_POSIX_GUARD_H
#define SMMAP_BACKENDS_POSIX_GUARD_H

#include <apr_errno.h>

#include <signal.h>

/** A handler of the kind SA_SIGINFO. */
typedef void smmap__posix_handler_t(int number, siginfo_t *info, void *context);

/** A mapping is about to be unmapped: it is no longer known as patched. */
void smmap__posix_guard_forget(const unsigned char *mapping);

/** In a child that was just forked. */
void smmap__posix_guard_forked(void);

/** Make a handler the first for a signal. Not by two threads at once. */
apr_status_t smmap__posix_chain_install(int number, smmap__posix_handler_t *handler);

/** In that handler: to whoever was first before. */
void smmap__posix_chain_pass(int number, siginfo_t *info, void *context);

#endif
