/*
 * POSIX, signal chaining: the handlers that ours replaced, and how a signal reaches them.
 *
 * previous[] is a stack. smmap__posix_chain_install() pushes the handler that it replaces; the
 * top of the stack is called first. At the bottom is mostly SIG_DFL: the process then ends as it
 * would have without us, by the same fault at the same place.
 *
 * A handler that replaces ours probably calls ours for the faults that it does not know. When we
 * replace it in turn, the two would call each other forever. So while a previous handler runs,
 * si_errno of the siginfo_t, which the system leaves 0, holds the depth in the stack that it was
 * taken from, and a signal that comes back with it is forwarded one entry deeper. Thread-local
 * state would not do: it would be stale after a handler that leaves by longjmp().
 *
 * Invariants: entries are only added, each is complete before previous_count counts it, and
 * afterwards only `spent` changes. Installing is serialized by the caller.
 *
 * Signal safety: forwarding runs in signal handlers. It calls sigaction, sigaddset,
 * pthread_sigmask, raise and memset, which POSIX lists as async-signal-safe.
 */
#include "config.h"

#include "backends/posix/internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { PREVIOUS_MOST = 16 };

typedef struct previous_t {
    struct sigaction action;
    atomic_int spent; /* SA_RESETHAND: it was called once, and is not called again */
} previous_t;

static previous_t previous[PREVIOUS_MOST];
static atomic_uint previous_count;

#define CHAIN_MARK 0x534d4d00 /* in si_errno; the lowest byte is the depth */

/* SIG_DFL and SIG_IGN are the same in sa_handler and sa_sigaction, which share storage. */
static int is_default(const struct sigaction *action)
{
    return action->sa_handler == SIG_DFL;
}

static int is_ignored(const struct sigaction *action)
{
    return action->sa_handler == SIG_IGN;
}

/* Let the system act as if there were no handler. */
static void default_action(int number, const siginfo_t *info)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
    /* A fault is raised again when we return; a signal that was sent is not. */
    if (info->si_code <= 0) {
        raise(number);
    }
}

/* Call a handler with the signal mask that the system would have set for it. */
static void call_previous(previous_t *entry, int number, siginfo_t *info, void *context,
                          unsigned depth)
{
    const struct sigaction *action = &entry->action;
    sigset_t mask = action->sa_mask;
    sigset_t saved_mask;
    int saved_errno = info->si_errno;

    if (!(action->sa_flags & SA_NODEFER)) {
        sigaddset(&mask, number);
    }
    pthread_sigmask(SIG_BLOCK, &mask, &saved_mask);
    info->si_errno = CHAIN_MARK + (int)depth + 1;
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(number, info, context);
    } else {
        action->sa_handler(number);
    }
    info->si_errno = saved_errno;
    pthread_sigmask(SIG_SETMASK, &saved_mask, NULL);
}

void smmap__posix_chain_forward(int number, siginfo_t *info, void *context)
{
    unsigned count = atomic_load_explicit(&previous_count, memory_order_acquire);
    unsigned depth = 0;
    previous_t *entry;

    if ((info->si_errno & ~0xff) == CHAIN_MARK) {
        depth = (unsigned)(info->si_errno & 0xff);
    }
    entry = depth < count ? &previous[count - 1 - depth] : NULL;
    if (entry == NULL || is_default(&entry->action) ||
        ((unsigned)entry->action.sa_flags & (unsigned)SA_RESETHAND &&
         atomic_exchange(&entry->spent, 1) != 0)) {
        default_action(number, info);
    } else if (is_ignored(&entry->action)) {
        /* The system does not ignore faults either. */
        if (info->si_code > 0) {
            default_action(number, info);
        }
    } else {
        call_previous(entry, number, info, context, depth);
    }
}

static int is_same(const struct sigaction *one, const struct sigaction *other)
{
    if ((one->sa_flags & SA_SIGINFO) != (other->sa_flags & SA_SIGINFO)) {
        return 0;
    }
    return one->sa_flags & SA_SIGINFO ? one->sa_sigaction == other->sa_sigaction
                                      : one->sa_handler == other->sa_handler;
}

/* Is the handler in the stack, and can a signal get down to it? SIG_DFL and SIG_IGN forward
   nothing, so what is below them does not count. */
static int is_known(const struct sigaction *action)
{
    unsigned i = atomic_load(&previous_count);
    int is_final = is_default(action) || is_ignored(action);

    while (i-- > 0) {
        const struct sigaction *entry = &previous[i].action;

        if (is_same(entry, action)) {
            return 1;
        }
        if (is_final || is_default(entry) || is_ignored(entry)) {
            return 0;
        }
    }
    return 0;
}

apr_status_t smmap__posix_chain_install(int number, smmap__posix_handler_t *handler)
{
    struct sigaction ours;
    struct sigaction installed;
    unsigned count = atomic_load(&previous_count);

    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = handler;
    /* On the alternate stack where the thread has one. SA_NODEFER, so that the handler can
       raise the signal again. */
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    if (sigaction(number, NULL, &installed) != 0) {
        return errno;
    }
    if (is_same(&installed, &ours)) {
        return APR_SUCCESS;
    }
    if (!is_known(&installed)) {
        if (count == PREVIOUS_MOST) {
            return APR_ENOSPC;
        }
        previous[count].action = installed;
        atomic_store_explicit(&previous_count, count + 1, memory_order_release);
    }
    return sigaction(number, &ours, NULL) == 0 ? APR_SUCCESS : errno;
}
