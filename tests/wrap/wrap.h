/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * suite-wrap: the core on the real POSIX backend, with its memory and its locks, where each
 * call that any of them makes of the C library or of APR can be made to fail.
 *
 * The linker does it: `--wrap=mmap` sends what an object of this program calls mmap to
 * __wrap_mmap, in wrap.c, which fails or calls the real one. It works for what is linked
 * statically, so the objects of the library are in the program; what libapr calls inside
 * itself it does not reach, so the functions of APR that the core calls are wrapped as a
 * whole. The program's own calls go through the same door: nothing but the library may call
 * what is wrapped while something is set to fail.
 *
 * What is wrapped is in wrapped.txt, what need not be in unfailing.txt; tests/package/exports.sh
 * fails for a function that is in neither.
 */
#ifndef SMMAP_TESTS_WRAP_H
#define SMMAP_TESTS_WRAP_H

#include <apr.h>
#include <apr_time.h>

/** What can fail: X(name of the function, constant). The scenario calls those before WRAP_REST,
    test_wraps_rest.c makes the others fail. */
#define WRAP_CALLS(X)                                     \
    X("open", WRAP_OPEN)                                  \
    X("fcntl", WRAP_FCNTL)                                \
    X("ioctl", WRAP_IOCTL)                                \
    X("close", WRAP_CLOSE)                                \
    X("fstat", WRAP_FSTAT)                                \
    X("statx", WRAP_STATX)                                \
    X("stat", WRAP_STAT)                                  \
    X("pread", WRAP_PREAD)                                \
    X("mmap of a file", WRAP_MMAP)                        \
    X("mmap of memory", WRAP_MMAP_MEMORY)                 \
    X("munmap", WRAP_MUNMAP)                              \
    X("madvise", WRAP_MADVISE)                            \
    X("posix_fadvise", WRAP_FADVISE)                      \
    X("mincore", WRAP_MINCORE)                            \
    X("mprotect", WRAP_MPROTECT)                          \
    X("backtrace", WRAP_BACKTRACE)                        \
    X("membarrier (registering)", WRAP_MEMBARRIER)        \
    X("membarrier", WRAP_BARRIER)                         \
    X("getrlimit", WRAP_GETRLIMIT)                        \
    X("sigaction", WRAP_SIGACTION)                        \
    X("pthread_atfork", WRAP_ATFORK)                      \
    X("malloc", WRAP_MALLOC)                              \
    X("calloc", WRAP_CALLOC)                              \
    X("apr_pool_create_unmanaged_ex", WRAP_POOL)          \
    X("apr_thread_mutex_create", WRAP_MUTEX)              \
    X("apr_thread_cond_create", WRAP_COND)                \
    X("apr_filepath_merge", WRAP_APR_MERGE)               \
    X("membarrier (global)", WRAP_BARRIER_GLOBAL)         \
    X("sched_getaffinity", WRAP_GETAFFINITY)              \
    X("sched_setaffinity", WRAP_SETAFFINITY)              \
    X("nanosleep", WRAP_NANOSLEEP)                        \
    X("fstatfs", WRAP_FSTATFS)                            \
    X("dup3", WRAP_DUP3)                                  \
    X("faccessat", WRAP_FACCESSAT)                        \
    X("write", WRAP_WRITE)                                \
    X("munlock", WRAP_MUNLOCK)                            \
    X("mremap", WRAP_MREMAP)                              \
    X("dladdr", WRAP_DLADDR)                              \
    X("dlopen", WRAP_DLOPEN)                              \
    X("backtrace_symbols", WRAP_SYMBOLS)                  \
    X("apr_filepath_get", WRAP_APR_GET)                   \
    X("realpath", WRAP_REALPATH)                          \
    X("cachestat", WRAP_CACHESTAT)                        \
    X("preadv2", WRAP_PREADV2)                            \
    X("pthread_create", WRAP_THREAD)

#define WRAP_CONSTANT(text, constant) constant,
typedef enum wrap_call_t {
    WRAP_CALLS(WRAP_CONSTANT) WRAP_ANY, /**< whichever comes; and how many kinds there are */
    WRAP_REST = WRAP_BARRIER_GLOBAL
} wrap_call_t;

const char *wrap_name(wrap_call_t call);

/** In the place of an error: pread and write do less than they are asked for, but a byte; write
    does nothing. */
#define WRAP_SHORT (-1)
#define WRAP_NOTHING (-2)

/** Fail the `which`-th call from now on (1: the next) with an error of the system; forever: and
    each one after it. Close closes all the same, as the system's does. */
void wrap_fail(wrap_call_t call, apr_size_t which, int error, int forever);
/** Besides that: each call of this kind; 0: none. For systems that lack something. */
void wrap_fail_all(wrap_call_t call, int error);
/** Fail about one call in `rate` of each kind that tells an error, for all threads, with one of
    those that it may have. */
void wrap_fail_random(apr_uint64_t seed, unsigned rate);
/** Call a function within the next call of a kind, once. */
void wrap_when(wrap_call_t call, void (*hook)(void));
/** From now on the clock of APR shows `tick` microseconds more each time that it is read, and, when
    it is read for the `which`-th time, `jump` more: somebody set it. tick 0: it is the real one.
    After a thousand it goes so fast that who waits for it does not wait for long. */
void wrap_clock(apr_interval_time_t tick, apr_size_t which, apr_interval_time_t jump);
/** How often it was read since. */
apr_size_t wrap_clock_reads(void);
/** From now on the library finds what is in /proc and /sys in this directory; NULL: where it is. */
void wrap_root(const char *directory);
/** No more failures of any sort. */
void wrap_fail_none(void);

/** How many were failed, wrap_fail_all() apart, and how many calls there were, since
    wrap_reset(). */
apr_size_t wrap_failed(void);
apr_size_t wrap_calls(wrap_call_t call);
/** The calls of the system alone, of all kinds. */
apr_size_t wrap_system_calls(void);
void wrap_reset(void);

/** The errors that a kind of call may have; the list ends with 0. */
const int *wrap_errors(wrap_call_t call);
/** Is it one that any of them may have? */
int wrap_is_error(int error);

/** What was given out and not given back. Mappings, and memory in the place of one, in pages. */
apr_size_t wrap_live_mappings(void);
apr_size_t wrap_live_blocks(void);
apr_size_t wrap_live_pools(void);
/** What is there now does not count: a CUnit that is linked statically allocates here, too. */
void wrap_live_reset(void);

/* For calls.c. */

/** Count a call. 0: it is to be made; else its error. */
int wrap_refuse(wrap_call_t call);
/** The same, with the error in errno; 1: there is one. */
int wrap_fails(wrap_call_t call);

#endif
