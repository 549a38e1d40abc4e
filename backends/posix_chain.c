/*
 * The signal handlers that were there before ours, and how a signal gets to them.
 *
 * previous[] is a stack, to which smmap__posix_chain_install() adds whoever was first when
 * it was called. The last is asked first. What is at the bottom is mostly SIG_DFL: then
 * the process ends as it would have without us, by the same fault at the same place.
 *
 * A handler that was installed over ours probably calls ours when it does not know a
 * fault. When we are put before it once more, that would be a circle. So while a handler
 * is called, si_errno of the siginfo_t, which the system leaves 0, says how deep in the
 * stack we are, and whoever comes back with it is sent one deeper. This needs no memory
 * of the thread, which would be wrong when a handler does not return but jumps.
 *
 * Installing is serialized by the caller. The rest runs in signal handlers: it calls
 * sigaction, pthread_sigmask and raise, which POSIX lists as safe there.
 */
#include "config.h"

#include "backends/posix_guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Who was first before us. The last is asked first. An entry never changes but for `spent`. */
enum { PREVIOUS_MOST = 16 };

typedef struct previous_t {
    struct sigaction action;
    atomic_int spent; /* it wanted to be called once (SA_RESETHAND), and was */
} previous_t;

static previous_t previous[PREVIOUS_MOST];
static atomic_uint previous_count;

#define CHAIN_MARK 0x534d4d00 /* in si_errno; its last byte is the depth */

/* The two constants stand in the same place, whatever the kind. */
static int is_default(const struct sigaction *action)
{
    return action->sa_handler == SIG_DFL;
}

static int is_ignored(const struct sigaction *action)
{
    return action->sa_handler == SIG_IGN;
}

/* As if nobody had handled it. */
static void default_action(int number, const siginfo_t *info)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
    /* A fault comes again when we return. What was sent would not. */
    if (info->si_code <= 0) {
        raise(number);
    }
}

static void call(previous_t *entry, int number, siginfo_t *info, void *context, unsigned depth)
{
    const struct sigaction *action = &entry->action;
    sigset_t mask = action->sa_mask;
    sigset_t before;
    int said = info->si_errno;

    if (!(action->sa_flags & SA_NODEFER)) {
        sigaddset(&mask, number);
    }
    pthread_sigmask(SIG_BLOCK, &mask, &before);
    info->si_errno = CHAIN_MARK + (int)depth + 1;
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(number, info, context);
    } else {
        action->sa_handler(number);
    }
    info->si_errno = said;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void smmap__posix_chain_pass(int number, siginfo_t *info, void *context)
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
        call(entry, number, info, context, depth);
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

/* Is it in the stack above the last one that calls nobody? */
static int is_known(const struct sigaction *action)
{
    unsigned i = atomic_load(&previous_count);
    int is_last = is_default(action) || is_ignored(action);

    while (i-- > 0) {
        const struct sigaction *below = &previous[i].action;

        if (is_same(below, action)) {
            return 1;
        }
        if (is_last || is_default(below) || is_ignored(below)) {
            return 0;
        }
    }
    return 0;
}

apr_status_t smmap__posix_chain_install(int number, smmap__posix_handler_t *handler)
{
    struct sigaction ours;
    struct sigaction first;
    unsigned count = atomic_load(&previous_count);

    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = handler;
    /* On the stack for signals where the thread has one. Not deferred, so that the handler
       can raise the signal again. */
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    if (sigaction(number, NULL, &first) != 0) {
        return errno;
    }
    if (is_same(&first, &ours)) {
        return APR_SUCCESS;
    }
    if (!is_known(&first)) {
        if (count == PREVIOUS_MOST) {
            return APR_ENOSPC;
        }
        previous[count].action = first;
        atomic_store_explicit(&previous_count, count + 1, memory_order_release);
    }
    return sigaction(number, &ours, NULL) == 0 ? APR_SUCCESS : errno;
}
