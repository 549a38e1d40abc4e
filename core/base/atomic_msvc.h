/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Atomics for Microsoft's compiler, and for clang in its place. See atomic.h, which
 * includes this header and states the orders.
 *
 * An aligned word of the machine is read and written as a whole; what is to be added is
 * the order. On x86 a load acquires and a store releases by themselves, so it is enough to
 * stop the compiler; ARM64 gets a barrier, dmb, behind the load or before the store. The
 * functions _Interlocked... are sequentially consistent among themselves, and on x86 full
 * fences.
 *
 * A value is in a structure, so that no plain assignment to it compiles.
 */
#ifndef SMMAP_CORE_BASE_ATOMIC_MSVC_H
#define SMMAP_CORE_BASE_ATOMIC_MSVC_H

#include <intrin.h>

/** Before the type of a static variable: each thread has its own. */
#define SMMAP__THREAD_LOCAL __declspec(thread)

typedef struct smmap__word_t {
    volatile uintptr_t value;
} smmap__word_t;

typedef struct smmap__offset_t {
    volatile __int64 value;
} smmap__offset_t;

typedef struct smmap__count_t {
    volatile apr_size_t value;
} smmap__count_t;

/** What was read before it is read before what follows; what was written before it is
    written before what follows. */
static inline void smmap__order(void)
{
#if defined(_M_ARM64)
    __dmb(_ARM64_BARRIER_ISH);
#elif defined(_M_IX86) || defined(_M_X64)
    _ReadWriteBarrier();
#else
#error "atomics for this processor are not written yet"
#endif
}

/** The full fence, which also keeps a load behind a store. */
static inline void smmap__fence(void)
{
#if defined(_M_ARM64)
    __dmb(_ARM64_BARRIER_ISH);
#else
    volatile long here = 0;

    _InterlockedOr(&here, 0); /* faster than mfence, and there without SSE2 */
#endif
}

static inline uintptr_t smmap__load(const smmap__word_t *word)
{
    uintptr_t value = word->value;

    smmap__order();
    return value;
}

static inline void smmap__store(smmap__word_t *word, uintptr_t value)
{
    smmap__order();
    word->value = value;
}

static inline int smmap__replace(smmap__word_t *word, uintptr_t old, uintptr_t value)
{
    return _InterlockedCompareExchangePointer((void *volatile *)&word->value, (void *)value,
                                              (void *)old) == (void *)old;
}

/* In 32 bits two halves could be of two values: only the locked instruction takes all 64. It
   writes, so there the size of a file is not read as cheaply as it could be. */

static inline apr_off_t smmap__offset_load(const smmap__offset_t *offset)
{
#if defined(_WIN64)
    apr_off_t value = offset->value;

    smmap__order();
    return value;
#else
    return _InterlockedCompareExchange64((volatile __int64 *)(uintptr_t)&offset->value, 0, 0);
#endif
}

static inline void smmap__offset_store(smmap__offset_t *offset, apr_off_t value)
{
#if defined(_WIN64)
    smmap__order();
    offset->value = value;
#else
    __int64 seen = offset->value;
    __int64 before;

    while ((before = _InterlockedCompareExchange64(&offset->value, value, seen)) != seen) {
        seen = before;
    }
#endif
}

static inline apr_size_t smmap__count_load(const smmap__count_t *count)
{
    return count->value;
}

static inline void smmap__count_store(smmap__count_t *count, apr_size_t value)
{
    count->value = value;
}

static inline void smmap__count_raise(smmap__count_t *count)
{
#if defined(_WIN64)
    _InterlockedIncrement64((volatile __int64 *)&count->value);
#else
    _InterlockedIncrement((volatile long *)&count->value);
#endif
}

static inline void smmap__count_lower(smmap__count_t *count)
{
#if defined(_WIN64)
    _InterlockedDecrement64((volatile __int64 *)&count->value);
#else
    _InterlockedDecrement((volatile long *)&count->value);
#endif
}

/* What they are to be ordered with are the locked instructions above. On x86 no load passes
   those; on ARM64 the barrier in front says so. */

static inline apr_size_t smmap__count_load_ordered(const smmap__count_t *count)
{
    apr_size_t value;

    smmap__order();
    value = count->value;
    smmap__order();
    return value;
}

static inline uintptr_t smmap__load_ordered(const smmap__word_t *word)
{
    smmap__order();
    return smmap__load(word);
}

static inline void smmap__publish(smmap__word_t *word, uintptr_t value, int asymmetric)
{
    smmap__store(word, value);
    if (asymmetric) {
        _ReadWriteBarrier();
    } else {
        smmap__fence();
    }
}

#endif
