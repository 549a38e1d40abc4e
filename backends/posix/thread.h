/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: what the handler of faults knows of its own thread: one word for each use.
 *
 * A handler may read and write them between any two instructions. With glibc and on FreeBSD they
 * are thread-local variables of the TLS model "initial-exec": part of each thread's own block from
 * its start, so that the first access, which may be in a handler, allocates nothing. Elsewhere
 * (macOS, which creates thread-local variables at their first access; musl) they are values of
 * keys: pthread_getspecific() is a load from the thread's own block there.
 *
 * Only their own thread reads and writes them. Until smmap__posix_words_make() they are 0.
 */
#ifndef SMMAP_BACKENDS_POSIX_THREAD_H
#define SMMAP_BACKENDS_POSIX_THREAD_H

#include <apr_errno.h>

#include <pthread.h>
#include <stdint.h>

typedef enum smmap__posix_word_t {
    SMMAP__POSIX_COPIES,    /**< guard.c: the innermost copy */
    SMMAP__POSIX_GUARDS,    /**< guard.c: the innermost guarded mapping */
    SMMAP__POSIX_MASK,      /**< mask.c: what is known of the signal mask */
    SMMAP__POSIX_FORWARDED, /**< signal_chain.c: how deep a signal was forwarded */
    SMMAP__POSIX_WORDS
} smmap__posix_word_t;

#if (defined(__GLIBC__) || defined(__FreeBSD__)) && !defined(SMMAP_GUARD_KEYS)

extern _Thread_local volatile uintptr_t smmap__posix_words[SMMAP__POSIX_WORDS]
    __attribute__((tls_model("initial-exec")));

static inline uintptr_t smmap__posix_word(smmap__posix_word_t word)
{
    return smmap__posix_words[word];
}

static inline void smmap__posix_word_set(smmap__posix_word_t word, uintptr_t value)
{
    smmap__posix_words[word] = value;
}

#else

#define SMMAP__POSIX_KEYS 1

extern pthread_key_t smmap__posix_keys[SMMAP__POSIX_WORDS];
extern volatile int smmap__posix_have_keys;

static inline uintptr_t smmap__posix_word(smmap__posix_word_t word)
{
    return smmap__posix_have_keys ? (uintptr_t)pthread_getspecific(smmap__posix_keys[word]) : 0;
}

static inline void smmap__posix_word_set(smmap__posix_word_t word, uintptr_t value)
{
    if (smmap__posix_have_keys) {
        pthread_setspecific(smmap__posix_keys[word], (const void *)value);
    }
}

#endif

/** Make the words before the first handler is installed. Calls must not overlap. */
apr_status_t smmap__posix_words_make(void);

#endif
