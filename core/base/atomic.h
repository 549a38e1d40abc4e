/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Atomics for the core, in the few forms that it uses: C11's, or, for Microsoft's
 * compiler, whose C has none without an experimental switch, its intrinsics (atomic_msvc.h).
 * Both headers have the same types and functions, with the orders that this one states.
 *
 * A word is as wide as a pointer. Unless it is said otherwise a load acquires
 * and a store releases. Counters are relaxed: they order nothing.
 *
 * ThreadSanitizer does not know fences. Under it a published pin is exchanged,
 * sequentially consistent, which it does know; see smmap__publish().
 */
#ifndef SMMAP_CORE_BASE_ATOMIC_H
#define SMMAP_CORE_BASE_ATOMIC_H

#include <apr.h>

#include <stdint.h>

/** Bytes in a cache line; only speed depends on it. */
#define SMMAP__LINE 64

#if defined(__SANITIZE_THREAD__)
#define SMMAP__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SMMAP__TSAN 1
#endif
#endif
#ifndef SMMAP__TSAN
#define SMMAP__TSAN 0
#endif

#if defined(_MSC_VER)
#include "core/base/atomic_msvc.h"
#else
#include <stdatomic.h>

/** Before the type of a static variable: each thread has its own. */
#define SMMAP__THREAD_LOCAL _Thread_local

typedef _Atomic(uintptr_t) smmap__word_t;
typedef _Atomic(apr_int64_t) smmap__offset_t;
typedef _Atomic(apr_size_t) smmap__count_t;

static inline uintptr_t smmap__load(const smmap__word_t *word)
{
    return atomic_load_explicit((smmap__word_t *)(uintptr_t)word, memory_order_acquire);
}

static inline void smmap__store(smmap__word_t *word, uintptr_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

/** Replace `old` by `value`; 0 when the word was something else. A full fence. */
static inline int smmap__replace(smmap__word_t *word, uintptr_t old, uintptr_t value)
{
    return atomic_compare_exchange_strong(word, &old, value);
}

static inline apr_off_t smmap__offset_load(const smmap__offset_t *offset)
{
    return (apr_off_t)atomic_load_explicit((smmap__offset_t *)(uintptr_t)offset,
                                           memory_order_acquire);
}

static inline void smmap__offset_store(smmap__offset_t *offset, apr_off_t value)
{
    atomic_store_explicit(offset, value, memory_order_release);
}

static inline apr_size_t smmap__count_load(const smmap__count_t *count)
{
    return atomic_load_explicit((smmap__count_t *)(uintptr_t)count, memory_order_relaxed);
}

static inline void smmap__count_store(smmap__count_t *count, apr_size_t value)
{
    atomic_store_explicit(count, value, memory_order_relaxed);
}

/* For a counter of users: these four are sequentially consistent, with each other and with
   smmap__replace(). */

static inline void smmap__count_raise(smmap__count_t *count)
{
    atomic_fetch_add(count, 1);
}

static inline void smmap__count_lower(smmap__count_t *count)
{
    atomic_fetch_sub(count, 1);
}

static inline apr_size_t smmap__count_load_ordered(const smmap__count_t *count)
{
    return atomic_load((smmap__count_t *)(uintptr_t)count);
}

static inline uintptr_t smmap__load_ordered(const smmap__word_t *word)
{
    return atomic_load((smmap__word_t *)(uintptr_t)word);
}

/**
 * Store a word so that a thread that reads it after its heavy fence sees it, or
 * else what we read from here on is what that thread wrote before its fence.
 * asymmetric: the heavy fence makes every processor execute a barrier, so that
 * here it is enough to stop the compiler.
 */
static inline void smmap__publish(smmap__word_t *word, uintptr_t value, int asymmetric)
{
#if SMMAP__TSAN
    (void)asymmetric;
    atomic_exchange(word, value);
#else
    atomic_store_explicit(word, value, memory_order_release);
    if (asymmetric) {
        atomic_signal_fence(memory_order_seq_cst);
    } else {
        atomic_thread_fence(memory_order_seq_cst);
    }
#endif
}

#endif

/** Ask for the memory of a word that is written soon. */
static inline void smmap__prefetch(const smmap__word_t *word)
{
#if defined(__GNUC__)
    __builtin_prefetch((const void *)(uintptr_t)word, 1);
#else
    (void)word;
#endif
}

#endif
