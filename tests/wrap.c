/*
 * See wrap.h: which call fails, and the functions that the linker puts before the real ones.
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

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* Each kind, and the errors it may have. */

#define NAME(text, constant) text,
static const char *const names[] = {WRAP_CALLS(NAME)};

enum { MOST_ERRORS = 6 };

static const int errors[WRAP_ANY][MOST_ERRORS] = {
    [WRAP_OPEN] = {EMFILE, ENFILE, EACCES, EIO, EINTR, 0},
    [WRAP_FCNTL] = {EMFILE, EBADF, 0},
    [WRAP_IOCTL] = {EIO, ENOMEM, 0},
    [WRAP_CLOSE] = {EIO, EINTR, 0},
    [WRAP_FSTAT] = {EIO, ENOMEM, 0},
    [WRAP_STATX] = {EIO, ENOSYS, ENOMEM, 0},
    [WRAP_PREAD] = {EIO, ENOMEM, 0},
    [WRAP_MMAP] = {ENOMEM, EACCES, EAGAIN, ENFILE, 0},
    [WRAP_MMAP_MEMORY] = {ENOMEM, EAGAIN, 0},
    [WRAP_MUNMAP] = {ENOMEM, EINVAL, 0},
    [WRAP_MADVISE] = {EAGAIN, EIO, ENOMEM, 0},
    [WRAP_FADVISE] = {EIO, EINVAL, 0},
    [WRAP_MINCORE] = {EAGAIN, ENOMEM, 0},
    [WRAP_MEMBARRIER] = {ENOSYS, EPERM, 0},
    [WRAP_GETRLIMIT] = {EPERM, 0},
    [WRAP_SIGACTION] = {EINVAL, 0},
    [WRAP_ATFORK] = {ENOMEM, 0},
    [WRAP_CALLOC] = {ENOMEM, 0},
    [WRAP_POOL] = {ENOMEM, 0},
    [WRAP_MUTEX] = {ENOMEM, EAGAIN, 0},
    [WRAP_COND] = {ENOMEM, EAGAIN, 0},
    [WRAP_APR_STAT] = {EACCES, EIO, ENOMEM, 0},
    [WRAP_APR_INFO] = {EIO, ENOMEM, 0},
    [WRAP_APR_PUT] = {ENOMEM, 0},
    [WRAP_APR_MERGE] = {ENOMEM, ENAMETOOLONG, 0},
};

const char *wrap_name(wrap_call_t call)
{
    return call == WRAP_ANY ? "any call" : names[call];
}

const int *wrap_errors(wrap_call_t call)
{
    return errors[call];
}

int wrap_is_error(int error)
{
    int call;
    int i;

    for (call = 0; call < WRAP_ANY; call++) {
        for (i = 0; errors[call][i] != 0; i++) {
            if (errors[call][i] == error) {
                return 1;
            }
        }
    }
    return 0;
}

/* Orders. They are given while one thread runs, and read by all. */

static atomic_size_t calls[WRAP_ANY + 1]; /* the last: all together */
static atomic_size_t failed;
static atomic_size_t mappings;
static atomic_size_t blocks;
static atomic_size_t pools;

static atomic_int fail_kind = WRAP_ANY + 1; /* none */
static atomic_size_t fail_at;
static atomic_int fail_error;
static atomic_int fail_forever;
static atomic_int all_kind = WRAP_ANY + 1;
static atomic_int all_error;
static atomic_uint rate; /* 0: none at random */
static atomic_ullong random_state;

void wrap_fail(wrap_call_t call, apr_size_t which, int error, int forever)
{
    atomic_store(&fail_at, atomic_load(&calls[call]) + which);
    atomic_store(&fail_error, error);
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_kind, (int)call);
}

void wrap_fail_all(wrap_call_t call, int error)
{
    atomic_store(&all_error, error);
    atomic_store(&all_kind, error != 0 ? (int)call : WRAP_ANY + 1);
}

void wrap_fail_random(apr_uint64_t seed, unsigned one_in)
{
    atomic_store(&random_state, seed);
    atomic_store(&rate, one_in);
}

void wrap_fail_none(void)
{
    atomic_store(&fail_kind, WRAP_ANY + 1);
    atomic_store(&all_kind, WRAP_ANY + 1);
    atomic_store(&rate, 0);
}

apr_size_t wrap_failed(void)
{
    return atomic_load(&failed);
}

apr_size_t wrap_calls(wrap_call_t call)
{
    return atomic_load(&calls[call]);
}

void wrap_reset(void)
{
    int call;

    wrap_fail_none();
    atomic_store(&failed, 0);
    for (call = 0; call <= WRAP_ANY; call++) {
        atomic_store(&calls[call], 0);
    }
}

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

/* One draw: splitmix64. */
static int draw(wrap_call_t call, unsigned one_in)
{
    unsigned long long mixed = atomic_fetch_add(&random_state, 0x9e3779b97f4a7c15ULL);
    unsigned count = 0;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    mixed ^= mixed >> 31;
    if (mixed % one_in != 0) {
        return 0;
    }
    while (errors[call][count] != 0) {
        count++;
    }
    return errors[call][(mixed >> 32) % count];
}

/* Count a call. 0: it is to be made; else its error. */
static int refuse(wrap_call_t call)
{
    apr_size_t now = atomic_fetch_add(&calls[call], 1) + 1;
    apr_size_t among_all = atomic_fetch_add(&calls[WRAP_ANY], 1) + 1;
    int kind = atomic_load(&fail_kind);
    apr_size_t at = atomic_load(&fail_at);
    unsigned one_in = atomic_load(&rate);
    int error = 0;

    if (kind == WRAP_ANY) {
        now = among_all;
    }
    if (kind == (int)call || kind == WRAP_ANY) {
        error = now == at || (now > at && atomic_load(&fail_forever)) ? atomic_load(&fail_error)
                                                                      : 0;
    }
    if (error == 0 && one_in != 0) {
        error = draw(call, one_in);
    }
    if (error != 0) {
        atomic_fetch_add(&failed, 1);
    } else if (atomic_load(&all_kind) == (int)call) {
        error = atomic_load(&all_error);
    }
    return error;
}

/* Set and taken by a test that has no threads. */
static void (*hooked)(void);
static wrap_call_t hooked_call;

void wrap_when(wrap_call_t call, void (*hook)(void))
{
    hooked_call = call;
    hooked = hook;
}

static int fails(wrap_call_t call)
{
    int error;

    if (hooked != NULL && call == hooked_call) {
        void (*hook)(void) = hooked;

        hooked = NULL;
        hook();
    }
    error = refuse(call);

    if (error != 0) {
        errno = error;
    }
    return error != 0;
}

/* Files. */

int REAL(open)(const char *path, int flags, ...);
int WRAP(open)(const char *path, int flags, ...);
int WRAP(open)(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list arguments;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return fails(WRAP_OPEN) ? -1 : REAL(open)(path, flags, mode);
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
    return command == F_DUPFD_CLOEXEC && fails(WRAP_FCNTL) ? -1
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
    return fails(WRAP_IOCTL) ? -1 : __real_ioctl(fd, request, argument);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int error = refuse(WRAP_CLOSE);
    int result = __real_close(fd);

    if (error != 0) {
        errno = error;
        return -1;
    }
    return result;
}

int REAL(fstat)(int fd, struct stat *info);
int WRAP(fstat)(int fd, struct stat *info);
int WRAP(fstat)(int fd, struct stat *info)
{
    return fails(WRAP_FSTAT) ? -1 : REAL(fstat)(fd, info);
}

struct statx;
int __real_statx(int directory, const char *path, int flags, unsigned mask, struct statx *info);
int __wrap_statx(int directory, const char *path, int flags, unsigned mask, struct statx *info);
int __wrap_statx(int directory, const char *path, int flags, unsigned mask, struct statx *info)
{
    return fails(WRAP_STATX) ? -1 : __real_statx(directory, path, flags, mask, info);
}

ssize_t REAL(pread)(int fd, void *to, size_t size, off_t offset);
ssize_t WRAP(pread)(int fd, void *to, size_t size, off_t offset);
ssize_t WRAP(pread)(int fd, void *to, size_t size, off_t offset)
{
    int error = refuse(WRAP_PREAD);

    if (error > 0) {
        errno = error;
        return -1;
    }
    return REAL(pread)(fd, to, error == WRAP_SHORT && size > 1 ? size / 2 : size, offset);
}

int REAL(posix_fadvise)(int fd, off_t offset, off_t length, int advice);
int WRAP(posix_fadvise)(int fd, off_t offset, off_t length, int advice);
int WRAP(posix_fadvise)(int fd, off_t offset, off_t length, int advice)
{
    int error = refuse(WRAP_FADVISE);

    return error != 0 ? error : REAL(posix_fadvise)(fd, offset, length, advice);
}

/* Mappings. */

void *REAL(mmap)(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *WRAP(mmap)(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *WRAP(mmap)(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    void *address = MAP_FAILED;

    if (!fails(flags & MAP_ANONYMOUS ? WRAP_MMAP_MEMORY : WRAP_MMAP)) {
        address = REAL(mmap)(at, length, protection, flags, fd, offset);
    }
    if (address != MAP_FAILED && !(flags & MAP_FIXED)) {
        atomic_fetch_add(&mappings, 1);
    }
    return address;
}

int __real_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length)
{
    int result = fails(WRAP_MUNMAP) ? -1 : __real_munmap(address, length);

    if (result == 0) {
        atomic_fetch_sub(&mappings, 1);
    }
    return result;
}

int __real_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice)
{
    return fails(WRAP_MADVISE) ? -1 : __real_madvise(address, length, advice);
}

int __real_mincore(void *address, size_t length, unsigned char *pages);
int __wrap_mincore(void *address, size_t length, unsigned char *pages);
int __wrap_mincore(void *address, size_t length, unsigned char *pages)
{
    return fails(WRAP_MINCORE) ? -1 : __real_mincore(address, length, pages);
}

/* The process. */

/* A barrier that fails is left alone: it is none, and the library relies on it. So is what
   else there is; numbers and addresses all fit into a long. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    const int is_registering = 1 << 4;
    long argument[6];
    va_list arguments;
    int i;

    va_start(arguments, number);
    if (number == SYS_membarrier) {
        int command = va_arg(arguments, int);
        int flags = va_arg(arguments, int);

        va_end(arguments);
        if (command == is_registering && fails(WRAP_MEMBARRIER)) {
            return -1;
        }
        return __real_syscall(number, command, flags);
    }
    for (i = 0; i < 6; i++) {
        argument[i] = va_arg(arguments, long);
    }
    va_end(arguments);
    return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                          argument[5]);
}

int REAL(getrlimit)(int resource, struct rlimit *limit);
int WRAP(getrlimit)(int resource, struct rlimit *limit);
int WRAP(getrlimit)(int resource, struct rlimit *limit)
{
    return fails(WRAP_GETRLIMIT) ? -1 : REAL(getrlimit)(resource, limit);
}

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return fails(WRAP_SIGACTION) ? -1 : __real_sigaction(number, action, old);
}

int __real_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    int error = refuse(WRAP_ATFORK);

    return error != 0 ? error : __real_pthread_atfork(before, parent, child);
}

/* Memory and locks. */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    void *memory = fails(WRAP_CALLOC) ? NULL : __real_calloc(count, size);

    if (memory != NULL) {
        atomic_fetch_add(&blocks, 1);
    }
    return memory;
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
    int error = refuse(WRAP_POOL);
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
        int error = refuse(KIND);                   \
                                                    \
        return error != 0 ? error : __real_##NAME ARGUMENTS; \
    }

WRAP_APR(apr_thread_mutex_create, WRAP_MUTEX,
         (apr_thread_mutex_t **mutex, unsigned int flags, apr_pool_t *pool), (mutex, flags, pool))
WRAP_APR(apr_thread_cond_create, WRAP_COND, (apr_thread_cond_t **cond, apr_pool_t *pool),
         (cond, pool))
WRAP_APR(apr_stat, WRAP_APR_STAT,
         (apr_finfo_t *info, const char *path, apr_int32_t wanted, apr_pool_t *pool),
         (info, path, wanted, pool))
WRAP_APR(apr_file_info_get, WRAP_APR_INFO,
         (apr_finfo_t *info, apr_int32_t wanted, apr_file_t *file), (info, wanted, file))
WRAP_APR(apr_os_file_put, WRAP_APR_PUT,
         (apr_file_t **file, apr_os_file_t *handle, apr_int32_t flags, apr_pool_t *pool),
         (file, handle, flags, pool))
WRAP_APR(apr_filepath_merge, WRAP_APR_MERGE,
         (char **merged, const char *root, const char *added, apr_int32_t flags,
          apr_pool_t *pool),
         (merged, root, added, flags, pool))
