/*
 * POSIX, signal chaining: the handlers that ours replaced, and how a signal reaches them.
 *
 * previous[] is a stack. smmap__posix_chain_install() pushes the handler that it replaces; the
 * top of the stack is called first. At the bottom is mostly SIG_DFL: the process then ends as it
 * would have without us, by the same fault at the same place.
 *
 * A handler that replaces ours probably calls ours for the faults that it does not know. When we
 * replace it in turn, the two would call each other forever. So while previous handlers run,
 * si_errno of the siginfo_t, which the system leaves 0, holds a token of this signal, and the
 * thread remembers the token and how deep in the stack it has come: a signal that comes back with
 * that token is forwarded one entry deeper. A token is not used again, so what a thread remembers
 * of a handler that left by longjmp() means nothing to the next signal.
 *
 * Several copies of the library can be in one process (plugins, each linked with its own), and be
 * in each other's stacks. They share the token: the first to forward a signal makes it, and each
 * remembers for itself how deep it has come. One that finds nothing deeper writes UNHANDLED into
 * si_errno and returns; who called it goes on with the next entry of its own, and the one that
 * made the token does in the end what the system would do.
 *
 * Invariants: entries are only added, each is complete before previous_count counts it, and
 * afterwards only `spent` changes. Installing is serialized by the caller.
 *
 * Signal safety: forwarding runs in signal handlers. It calls sigaction, sigaddset,
 * pthread_sigmask, raise and memset, which POSIX lists as async-signal-safe.
 */
#include "config.h"

#include "backends/posix/internal.h"
#include "backends/posix/thread.h"

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

/* In si_errno: a tag in the highest byte, and below it a number. */
enum { TOKEN_TAG = 0x53000000, TOKEN_NUMBER = 0x00ffffff, UNHANDLED = TOKEN_TAG };

/* One that no signal has or had: the copies of the library begin far from each other. */
static int token_make(void)
{
    static atomic_uint used;
    unsigned number = (unsigned)((uintptr_t)previous >> 4) * 2654435761U + atomic_fetch_add(&used, 1);

    number &= TOKEN_NUMBER;
    return TOKEN_TAG + (int)(number != 0 ? number : 1);
}

/* What a thread remembers: the number of the token, and the depth in the lowest byte. */
static uintptr_t remember(int token, unsigned depth)
{
    return (uintptr_t)(token & TOKEN_NUMBER) << 8 | depth;
}

/* How deep a token has come in this thread; 0: nowhere yet. */
static unsigned depth_of(int token)
{
    uintptr_t remembered = smmap__posix_word(SMMAP__POSIX_FORWARDED);

    return remembered >> 8 == (uintptr_t)(token & TOKEN_NUMBER) ? (unsigned)(remembered & 0xff) : 0;
}

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
static void call_previous(const struct sigaction *action, int number, siginfo_t *info,
                          void *context)
{
    sigset_t mask = action->sa_mask;
    sigset_t saved_mask;

    if (!(action->sa_flags & SA_NODEFER)) {
        sigaddset(&mask, number);
    }
    pthread_sigmask(SIG_BLOCK, &mask, &saved_mask);
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(number, info, context);
    } else {
        action->sa_handler(number);
    }
    pthread_sigmask(SIG_SETMASK, &saved_mask, NULL);
}

/* One entry. For SIG_DFL, SIG_IGN and a handler that wanted one call alone, and had it, the system
   decides: it does not ignore faults either. */
static void forward_to(previous_t *entry, int number, siginfo_t *info, void *context)
{
    if (is_ignored(&entry->action) && info->si_code <= 0) {
        return;
    }
    if (is_default(&entry->action) || is_ignored(&entry->action) ||
        ((unsigned)entry->action.sa_flags & (unsigned)SA_RESETHAND &&
         atomic_exchange(&entry->spent, 1) != 0)) {
        default_action(number, info);
    } else {
        call_previous(&entry->action, number, info, context);
    }
}

void smmap__posix_chain_forward(int number, siginfo_t *info, void *context)
{
    const unsigned count = atomic_load_explicit(&previous_count, memory_order_acquire);
    const uintptr_t outer = smmap__posix_word(SMMAP__POSIX_FORWARDED);
    const int came_with = info->si_errno;
    const int is_ours = (came_with & ~TOKEN_NUMBER) != TOKEN_TAG;
    const int token = is_ours ? token_make() : came_with;
    const unsigned come = depth_of(token);
    unsigned depth = come;

    do {
        if (depth >= count) {
            if (is_ours) {
                info->si_errno = came_with;
                default_action(number, info);
            } else {
                info->si_errno = UNHANDLED;
            }
            break;
        }
        smmap__posix_word_set(SMMAP__POSIX_FORWARDED, remember(token, depth + 1));
        info->si_errno = token;
        forward_to(&previous[count - 1 - depth], number, info, context);
        depth = depth_of(token); /* deeper, if it came back to us meanwhile */
    } while (info->si_errno == UNHANDLED);
    if (info->si_errno == token) {
        info->si_errno = came_with;
    }
    if (come == 0) {
        smmap__posix_word_set(SMMAP__POSIX_FORWARDED, outer); /* of a signal that this one met */
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
