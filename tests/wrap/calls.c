/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See wrap.h: the functions that the linker puts before the real ones, and what they gave out.
 *
 * For large files the C library has functions of other names (open64). In a 64-bit program
 * they are the same, and both go to one of ours (wrapped.txt); in a 32-bit one the objects of
 * the library call those alone, and those are wrapped (wrapped-32.txt).
 */
#include "config.h"

#include "wrap.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_portable.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* __real_open64, __wrap_open64 there; else without the 64. */
#define JOIN(one, other) one##other
#if defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64 && !defined(__LP64__)
#define REAL(name) JOIN(__real_##name, 64)
#define WRAP(name) JOIN(__wrap_##name, 64)
#else
#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name
#endif

/* One that fails with -1, or what else says so, and an error in errno. */
#define CALL(TYPE, THEIRS, OURS, KIND, FAILED, PARAMETERS, ARGUMENTS) \
    TYPE THEIRS PARAMETERS;                                           \
    TYPE OURS PARAMETERS;                                             \
    TYPE OURS PARAMETERS                                              \
    {                                                                 \
        return wrap_fails(KIND) ? (FAILED) : THEIRS ARGUMENTS;        \
    }
#define PLAIN(TYPE, NAME, KIND, FAILED, PARAMETERS, ARGUMENTS) \
    CALL(TYPE, __real_##NAME, __wrap_##NAME, KIND, FAILED, PARAMETERS, ARGUMENTS)

static atomic_size_t mappings;
static atomic_size_t blocks;
static atomic_size_t pools;

apr_size_t wrap_live_mappings(void)
{
    return atomic_load(&mappings);
}

apr_size_t wrap_live_blocks(void)
{
    return atomic_load(&blocks);
}

apr_size_t wrap_live_pools(void)
{
    return atomic_load(&pools);
}

void wrap_live_reset(void)
{
    atomic_store(&mappings, 0);
    atomic_store(&blocks, 0);
    atomic_store(&pools, 0);
}

/* Files. */

static const char *other_root;

void wrap_root(const char *directory)
{
    other_root = directory;
}

int REAL(open)(const char *path, int flags, ...);
int WRAP(open)(const char *path, int flags, ...);
int WRAP(open)(const char *path, int flags, ...)
{
    mode_t mode = 0;
    char moved[2000];

    if (other_root != NULL &&
        (strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0)) {
        snprintf(moved, sizeof moved, "%s%s", other_root, path);
        path = moved;
    }
    if (flags & O_CREAT) {
        va_list arguments;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return wrap_fails(WRAP_OPEN) ? -1 : REAL(open)(path, flags, mode);
}

int REAL(fcntl)(int fd, int command, ...);
int WRAP(fcntl)(int fd, int command, ...);
int WRAP(fcntl)(int fd, int command, ...)
{
    va_list arguments;
    int argument;

    /* All that is asked for in this program has an int, or nothing; the library duplicates. */
    va_start(arguments, command);
    argument = va_arg(arguments, int);
    va_end(arguments);
    return command == F_DUPFD_CLOEXEC && wrap_fails(WRAP_FCNTL) ? -1
                                                           : REAL(fcntl)(fd, command, argument);
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return wrap_fails(WRAP_IOCTL) ? -1 : __real_ioctl(fd, request, argument);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int error = wrap_refuse(WRAP_CLOSE);
    int result = __real_close(fd);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return result;
}

CALL(int, REAL(fstat), WRAP(fstat), WRAP_FSTAT, -1, (int fd, struct stat *info), (fd, info))
CALL(int, REAL(stat), WRAP(stat), WRAP_STAT, -1, (const char *path, struct stat *info),
     (path, info))
CALL(int, REAL(fstatfs), WRAP(fstatfs), WRAP_FSTATFS, -1, (int fd, struct statfs *info),
     (fd, info))
PLAIN(int, dup3, WRAP_DUP3, -1, (int fd, int other, int flags), (fd, other, flags))
PLAIN(int, faccessat, WRAP_FACCESSAT, -1, (int directory, const char *path, int mode, int flags),
      (directory, path, mode, flags))

PLAIN(char *, realpath, WRAP_REALPATH, NULL, (const char *path, char *real), (path, real))

struct statx;
PLAIN(int, statx, WRAP_STATX, -1,
      (int directory, const char *path, int flags, unsigned mask, struct statx *info),
      (directory, path, flags, mask, info))

ssize_t REAL(pread)(int fd, void *to, size_t size, off_t offset);
ssize_t WRAP(pread)(int fd, void *to, size_t size, off_t offset);
ssize_t WRAP(pread)(int fd, void *to, size_t size, off_t offset)
{
    int error = wrap_refuse(WRAP_PREAD);

    if (error > 0) {
        errno = error;
        return -1;
    }
    return REAL(pread)(fd, to, error == WRAP_SHORT && size > 1 ? size / 2 : size, offset);
}

ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    int fails = wrap_fails(WRAP_WRITE);

    if (fails && errno > 0) {
        return -1;
    }
    return fails && errno == WRAP_NOTHING
               ? 0
               : __real_write(fd, from, fails && size > 1 ? size / 2 : size);
}

int REAL(posix_fadvise)(int fd, off_t offset, off_t length, int advice);
int WRAP(posix_fadvise)(int fd, off_t offset, off_t length, int advice);
int WRAP(posix_fadvise)(int fd, off_t offset, off_t length, int advice)
{
    int error = wrap_refuse(WRAP_FADVISE);

    return error != 0 ? error : REAL(posix_fadvise)(fd, offset, length, advice);
}

/* Mappings. They are counted in pages: one call may unmap several. */

static size_t pages_of(size_t length)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (length + page - 1) / page;
}

void *REAL(mmap)(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *WRAP(mmap)(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *WRAP(mmap)(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    void *address = MAP_FAILED;

    if (!wrap_fails(flags & MAP_ANONYMOUS ? WRAP_MMAP_MEMORY : WRAP_MMAP)) {
        address = REAL(mmap)(at, length, protection, flags, fd, offset);
    }
    /* (Shared memory is the page of zeros, which the process keeps.) */
    if (address != MAP_FAILED && !(flags & MAP_FIXED) &&
        !(flags & MAP_SHARED && flags & MAP_ANONYMOUS)) {
        atomic_fetch_add(&mappings, pages_of(length));
    }
    return address;
}

int __real_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length)
{
    int result = wrap_fails(WRAP_MUNMAP) ? -1 : __real_munmap(address, length);

    if (result == 0) {
        atomic_fetch_sub(&mappings, pages_of(length));
    }
    return result;
}

PLAIN(int, madvise, WRAP_MADVISE, -1, (void *address, size_t length, int advice),
      (address, length, advice))
PLAIN(int, mincore, WRAP_MINCORE, -1, (void *address, size_t length, unsigned char *pages),
      (address, length, pages))
PLAIN(int, mprotect, WRAP_MPROTECT, -1, (void *address, size_t length, int allowed),
      (address, length, allowed))
PLAIN(int, munlock, WRAP_MUNLOCK, -1, (const void *address, size_t length), (address, length))

/* The process. */

/* Numbers and addresses all fit into a long. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    enum { GLOBAL = 1 << 0, REGISTER = 1 << 4, CACHESTAT = 451 };
    wrap_call_t call = WRAP_ANY;
    long argument[6];
    va_list arguments;
    int i;

    va_start(arguments, number);
    for (i = 0; i < 6; i++) {
        argument[i] = va_arg(arguments, long);
    }
    va_end(arguments);
    if (number == SYS_membarrier) {
        call = (int)argument[0] == REGISTER ? WRAP_MEMBARRIER
               : (int)argument[0] == GLOBAL ? WRAP_BARRIER_GLOBAL
                                            : WRAP_BARRIER;
    } else if (number == SYS_sched_getaffinity) {
        call = WRAP_GETAFFINITY;
    } else if (number == SYS_sched_setaffinity) {
        call = WRAP_SETAFFINITY;
    } else if (number == SYS_mremap) {
        call = WRAP_MREMAP;
    } else if (number == CACHESTAT) {
        call = WRAP_CACHESTAT;
#ifdef SYS_preadv2
    } else if (number == SYS_preadv2) {
        call = WRAP_PREADV2;
#endif
#ifdef SYS_mmap
    } else if (number == SYS_mmap) { /* the way around ThreadSanitizer */
        call = WRAP_MMAP_MEMORY;
#endif
    }
    if (call != WRAP_ANY && wrap_fails(call)) {
        return -1;
    }
    return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                          argument[5]);
}

CALL(int, REAL(getrlimit), WRAP(getrlimit), WRAP_GETRLIMIT, -1,
     (int resource, struct rlimit *limit), (resource, limit))
PLAIN(int, sigaction, WRAP_SIGACTION, -1,
      (int number, const struct sigaction *action, struct sigaction *old), (number, action, old))
PLAIN(int, nanosleep, WRAP_NANOSLEEP, -1, (const struct timespec *wait, struct timespec *left),
      (wait, left))
PLAIN(int, dladdr, WRAP_DLADDR, 0, (const void *address, Dl_info *info), (address, info))
PLAIN(void *, dlopen, WRAP_DLOPEN, NULL, (const char *path, int flags), (path, flags))
PLAIN(int, backtrace, WRAP_BACKTRACE, 0, (void **frames, int most), (frames, most))

int __real_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    int error = wrap_refuse(WRAP_ATFORK);

    return error != 0 ? error : __real_pthread_atfork(before, parent, child);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
                          void *argument)
{
    int error = wrap_refuse(WRAP_THREAD);

    return error != 0 ? error : __real_pthread_create(thread, how, run, argument);
}

/* Memory and locks. */

static void *counted(void *memory)
{
    if (memory != NULL) {
        atomic_fetch_add(&blocks, 1);
    }
    return memory;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return wrap_fails(WRAP_MALLOC) ? NULL : counted(__real_malloc(size));
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return wrap_fails(WRAP_CALLOC) ? NULL : counted(__real_calloc(count, size));
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
    if (memory != NULL) {
        atomic_fetch_sub(&blocks, 1);
    }
    __real_free(memory);
}

/* A block, too: the C library allocates it, and the library frees it. */
char **__real_backtrace_symbols(void *const *frames, int count);
char **__wrap_backtrace_symbols(void *const *frames, int count);
char **__wrap_backtrace_symbols(void *const *frames, int count)
{
    return wrap_fails(WRAP_SYMBOLS) ? NULL : counted(__real_backtrace_symbols(frames, count));
}

static apr_status_t pool_gone(void *unused)
{
    (void)unused;
    atomic_fetch_sub(&pools, 1);
    return APR_SUCCESS;
}

apr_status_t __real_apr_pool_create_unmanaged_ex(apr_pool_t **pool, apr_abortfunc_t abort_fn,
                                                 apr_allocator_t *allocator);
apr_status_t __wrap_apr_pool_create_unmanaged_ex(apr_pool_t **pool, apr_abortfunc_t abort_fn,
                                                 apr_allocator_t *allocator);
apr_status_t __wrap_apr_pool_create_unmanaged_ex(apr_pool_t **pool, apr_abortfunc_t abort_fn,
                                                 apr_allocator_t *allocator)
{
    int error = wrap_refuse(WRAP_POOL);
    apr_status_t status;

    if (error != 0) {
        return error;
    }
    status = __real_apr_pool_create_unmanaged_ex(pool, abort_fn, allocator);
    if (status == APR_SUCCESS) {
        atomic_fetch_add(&pools, 1);
        apr_pool_cleanup_register(*pool, NULL, pool_gone, apr_pool_cleanup_null);
    }
    return status;
}

/* The rest of APR: status __wrap_NAME(parameters), which may fail as KIND. */
#define WRAP_APR(NAME, KIND, PARAMETERS, ARGUMENTS) \
    apr_status_t __real_##NAME PARAMETERS;          \
    apr_status_t __wrap_##NAME PARAMETERS;          \
    apr_status_t __wrap_##NAME PARAMETERS           \
    {                                               \
        int error = wrap_refuse(KIND);                   \
                                                    \
        return error != 0 ? error : __real_##NAME ARGUMENTS; \
    }

WRAP_APR(apr_thread_mutex_create, WRAP_MUTEX,
         (apr_thread_mutex_t **mutex, unsigned int flags, apr_pool_t *pool), (mutex, flags, pool))
WRAP_APR(apr_thread_cond_create, WRAP_COND, (apr_thread_cond_t **cond, apr_pool_t *pool),
         (cond, pool))
WRAP_APR(apr_filepath_merge, WRAP_APR_MERGE,
         (char **merged, const char *root, const char *added, apr_int32_t flags,
          apr_pool_t *pool),
         (merged, root, added, flags, pool))
WRAP_APR(apr_filepath_get, WRAP_APR_GET, (char **path, apr_int32_t flags, apr_pool_t *pool),
         (path, flags, pool))

/* The clock, which does not fail, but may be set. A test sets it that has no threads. */

static struct {
    apr_interval_time_t tick;
    apr_size_t which;
    apr_interval_time_t jump;
    apr_size_t reads;
    apr_time_t now;
} wrapped_clock;

void wrap_clock(apr_interval_time_t tick, apr_size_t which, apr_interval_time_t jump)
{
    wrapped_clock.now = apr_time_now();
    wrapped_clock.which = which;
    wrapped_clock.jump = jump;
    wrapped_clock.reads = 0;
    wrapped_clock.tick = tick;
}

apr_size_t wrap_clock_reads(void)
{
    return wrapped_clock.reads;
}

apr_time_t __real_apr_time_now(void);
apr_time_t __wrap_apr_time_now(void);
apr_time_t __wrap_apr_time_now(void)
{
    if (wrapped_clock.tick == 0) {
        return __real_apr_time_now();
    }
    wrapped_clock.reads++;
    wrapped_clock.now += wrapped_clock.tick;
    if (wrapped_clock.reads == wrapped_clock.which) {
        wrapped_clock.now += wrapped_clock.jump;
    }
    if (wrapped_clock.reads > 1000) {
        wrapped_clock.now += apr_time_from_sec(3600); /* so that a wait for it ends, which is bad */
    }
    return wrapped_clock.now;
}
