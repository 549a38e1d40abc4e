/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX, signal chaining: the handlers that ours replaced, and how a signal reaches them.
 *
 * previous[] holds each handler once. smmap__posix_chain_install() adds the one that it replaces,
 * or notes that it was found again. The one found last is called first. At the end is mostly
 * SIG_DFL: the process then ends as it would have without us, by the same fault at the same place.
 *
 * A handler that replaces ours probably calls ours for the faults that it does not know. When we
 * replace it in turn, the two would call each other forever. So while previous handlers run,
 * si_errno of the siginfo_t, which the system leaves 0, holds a token of this signal, and the
 * thread remembers the token and which handlers it has called: a signal that comes back with that
 * token goes to the next one. A token is not used again, so what a thread remembers of a handler
 * that left by longjmp() means nothing to the next signal.
 *
 * Several copies of the library can be in one process (plugins, each linked with its own), and
 * hold each other. They share the token: the first to forward a signal makes it, and each
 * remembers for itself whom it has called. One that finds nobody else writes UNHANDLED or IGNORED
 * into si_errno and returns; who called it goes on with the next handler of its own, and the one
 * that made the token does in the end what the last answer says. A copy that another one calls
 * back has nothing to add: its own call further out goes on with what it found before, which is
 * older than what the other may still have. The token says who is called, so that this is told
 * apart from a handler of somebody else's that passes a fault on to us and expects it to be
 * handled.
 *
 * SIG_DFL and SIG_IGN hide what was found before them, but only from their own copy: the program
 * may have installed a handler since, which another copy has found. There is none if the signal
 * came from the handler installed last to the one that it replaced, and so on, to here: then the
 * system's action is the program's last word. OLDER in the token says that it came another way.
 *
 * Invariants: entries are only added, each is complete before previous_count counts it, and
 * afterwards only `spent` and `found` change. Installing is serialized by the caller.
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

#if SMMAP__POSIX_SENT_LIKE_FAULTS && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { PREVIOUS_MOST = 16, ALL_CALLED = (1 << PREVIOUS_MOST) - 1 };

typedef struct previous_t {
    struct sigaction action;
    atomic_int spent;  /* SA_RESETHAND: it was called once, and is not called again */
    atomic_uint found; /* when we replaced it last: a number that grows */
} previous_t;

static previous_t previous[PREVIOUS_MOST];
static atomic_uint previous_count;
static _Atomic(uintptr_t) own_handler;

/* In si_errno: a tag in the highest byte, OLDER, some bits of the address of the handler that is
   called, and below them a number; or an answer. */
enum {
    TOKEN_TAG = 0x53000000,
    TOKEN_OLDER = 0x00800000,
    TOKEN_CALLED = 0x007fe000,
    TOKEN_NUMBER = 0x00001fff,
    UNHANDLED = TOKEN_TAG,
    IGNORED = TOKEN_TAG | TOKEN_OLDER
};

static int is_answer(int value)
{
    return value == UNHANDLED || value == IGNORED;
}

/* One that no signal has or had: the copies of the library begin far from each other. */
static int token_make(void)
{
    static atomic_uint used;
    unsigned number =
        (unsigned)((uintptr_t)previous >> 4) * 2654435761U + atomic_fetch_add(&used, 1);

    number &= TOKEN_NUMBER;
    return TOKEN_TAG + (int)(number != 0 ? number : 1);
}

/* The bits of TOKEN_CALLED for a handler. */
static int called_bits(uintptr_t handler)
{
    return (int)((unsigned)(handler >> 4) * 2654435761U >> 9) & TOKEN_CALLED;
}

/* What a thread remembers: the token's number, and a bit for each entry called. */
static uintptr_t remember(int token, unsigned called)
{
    return (uintptr_t)(token & TOKEN_NUMBER) << PREVIOUS_MOST | called;
}

/* What has been called with a token in this thread; 0: nothing yet. */
static unsigned called_with(int token)
{
    const uintptr_t called = smmap__posix_word(SMMAP__POSIX_FORWARDED) ^ remember(token, 0);

    return called >> PREVIOUS_MOST == 0 ? (unsigned)called : 0;
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

#if SMMAP__POSIX_SENT_LIKE_FAULTS

/* The kernel reads a set of signals before it finds that it shall do nothing with it. On Darwin
   pthread_sigmask() is that system call; glibc's reads the set itself. */
static int is_readable(uintptr_t address)
{
    const sigset_t *word = (const sigset_t *)(address & ~(uintptr_t)7);
    const int nothing = -1;

#ifdef __linux__
    return syscall(SYS_rt_sigprocmask, nothing, word, NULL, 8) == 0 || errno != EFAULT;
#else
    return pthread_sigmask(nothing, word, NULL) != EFAULT;
#endif
}

#else
#define is_readable(address) 0 /* not asked: si_code tells */
#endif

int smmap__posix_was_sent(const siginfo_t *info)
{
#ifdef BUS_MCEERR_AO
    if (info->si_signo == SIGBUS && info->si_code == BUS_MCEERR_AO) {
        return 1; /* a page is broken that nobody has touched */
    }
#endif
    return info->si_code <= 0 || is_readable((uintptr_t)info->si_addr);
}

/* Let the system act as if there were no handler. */
static void default_action(int number, const siginfo_t *info)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
    /* A fault is raised again when we return; a signal that was sent is not. */
    if (smmap__posix_was_sent(info)) {
        raise(number);
    }
}

void smmap__posix_call(const struct sigaction *action, int number, siginfo_t *info, void *context)
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

/* The entry that was found last, of those not called yet. */
static previous_t *next_of(unsigned called)
{
    unsigned i = atomic_load_explicit(&previous_count, memory_order_acquire);
    previous_t *next = NULL;

    while (i-- > 0) {
        previous_t *entry = &previous[i];

        if (!(called & 1U << i) &&
            (next == NULL || atomic_load(&entry->found) > atomic_load(&next->found))) {
            next = entry;
        }
    }
    return next;
}

/* What the system would do with a signal, in the place of an entry; 0: the entry is to be called.
   It decides for SIG_DFL, for SIG_IGN (it ignores no fault), and for a handler that wanted one call
   alone, and had it. */
static int answer_of(previous_t *entry, const siginfo_t *info)
{
    if (is_ignored(&entry->action) && smmap__posix_was_sent(info)) {
        return IGNORED;
    }
    return is_default(&entry->action) || is_ignored(&entry->action) ||
                   ((unsigned)entry->action.sa_flags & (unsigned)SA_RESETHAND &&
                    atomic_exchange(&entry->spent, 1) != 0)
               ? UNHANDLED
               : 0;
}

void smmap__posix_chain_forward(int number, siginfo_t *info, void *context)
{
    const uintptr_t outer = smmap__posix_word(SMMAP__POSIX_FORWARDED);
    const int came_with = info->si_errno;
    const int is_ours = (came_with & ~(TOKEN_OLDER | TOKEN_CALLED | TOKEN_NUMBER)) != TOKEN_TAG;
    const int token = is_ours ? token_make() : came_with & ~(TOKEN_OLDER | TOKEN_CALLED);
    const unsigned called_before = called_with(token);
    unsigned called = called_before;
    int is_settled = is_ours; /* the answer is what happens; otherwise it is for who called us */
    int answer = UNHANDLED;   /* 0: somebody handled it */
    previous_t *entry;

    if (!is_ours && called_before != 0 &&
        (came_with & TOKEN_CALLED) == called_bits(atomic_load(&own_handler))) {
        info->si_errno = UNHANDLED; /* what is left here is for the call further out */
        return;
    }
    while (answer != 0 && (entry = next_of(called)) != NULL) {
        const int is_older = called != 0 || (!is_ours && (came_with & TOKEN_OLDER));

        called |= 1U << (entry - previous);
        answer = answer_of(entry, info);
        if (answer != 0) {
            is_settled |= !is_older;
            called = ALL_CALLED;
        }
        smmap__posix_word_set(SMMAP__POSIX_FORWARDED, remember(token, called));
        if (answer == 0) {
            info->si_errno = token | called_bits((uintptr_t)entry->action.sa_sigaction) |
                             (is_older ? TOKEN_OLDER : 0);
            smmap__posix_call(&entry->action, number, info, context);
            answer = is_answer(info->si_errno) ? info->si_errno : 0;
            called = called_with(token); /* more, if it came back to us meanwhile */
        }
    }
    info->si_errno = answer == 0 || is_settled ? came_with : answer;
    if (answer == UNHANDLED && is_settled) {
        default_action(number, info);
    }
    if (called_before == 0) {
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

/* The entry of a handler, or a new one, which is not counted yet. NULL: there is no room. */
static previous_t *entry_of(const struct sigaction *action)
{
    const unsigned count = atomic_load(&previous_count);
    unsigned i;

    for (i = 0; i < count; i++) {
        if (is_same(&previous[i].action, action)) {
            return &previous[i];
        }
    }
    if (count == PREVIOUS_MOST) {
        return NULL;
    }
    previous[count].action = *action;
    return &previous[count];
}

apr_status_t smmap__posix_chain_install(int number, smmap__posix_handler_t *handler)
{
    static unsigned finds;
    struct sigaction ours;
    struct sigaction installed;
    previous_t *entry;

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
    entry = entry_of(&installed);
    if (entry == NULL) {
        return APR_ENOSPC;
    }
    atomic_store(&entry->found, ++finds);
    atomic_store(&entry->spent, 0); /* it was installed anew */
    atomic_store(&own_handler, (uintptr_t)handler);
    if (entry == &previous[atomic_load(&previous_count)]) {
        atomic_fetch_add_explicit(&previous_count, 1, memory_order_release);
    }
    return sigaction(number, &ours, NULL) == 0 ? APR_SUCCESS : errno;
}
