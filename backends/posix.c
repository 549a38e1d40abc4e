/*
 * The POSIX backend: Linux, macOS and the BSDs.
 *
 * mmap, munmap, madvise, mincore, pread and little else. All that is special to
 * one system is in this file, behind the contract of backend.h.
 *
 * The guard against faults is in posix_guard.c. State is kept here for forks alone,
 * which are counted.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif

/* The bits of mincore's answer that say "in memory": one bit on Linux and the
   BSDs; macOS sets others too, for pages that were referenced or modified. */
#ifdef MINCORE_INCORE
#define INCORE_BIT MINCORE_INCORE
#else
#define INCORE_BIT 1
#endif

/* One pread of more than this is an error on macOS, and is cut on Linux. */
#define READ_MOST ((apr_size_t)0x40000000)

void smmap__os_info(smmap__os_info_t *info)
{
    struct rlimit files;
    long page = sysconf(_SC_PAGESIZE);

    info->page_size = page > 0 ? (apr_size_t)page : 4096;
    info->granularity = info->page_size;
    info->address_bits = (int)sizeof(void *) * 8;
    info->shrink = SMMAP__OS_SHRINK_FAULTS;
    info->lexical_dots = 0;
    info->case_insensitive = 0; /* on some volumes of macOS it is otherwise, and nobody tells */
    info->max_open_files = 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
        info->max_open_files = files.rlim_cur < APR_SIZE_MAX ? (apr_size_t)files.rlim_cur : 0;
    }
}

int smmap__os_environment_is_trusted(void)
{
#ifdef __linux__
    /* Capabilities of the file count too, and only the kernel knows of them. */
    return getauxval(AT_SECURE) == 0;
#else
    return getuid() == geteuid() && getgid() == getegid();
#endif
}

#ifdef O_PATH
/* On Linux somebody may hold a lease on a file (F_SETLEASE): who opens it waits until that is
   given up, which the system asks for, and enforces in time; but not blocking, he is told EAGAIN.
   So this one is opened in the usual way, where it is a file. What was looked at is what is
   opened: no FIFO can take its place in between. */
static int open_leased(const char *path)
{
    char name[32];
    struct stat info;
    int seen = open(path, O_PATH | O_CLOEXEC);
    int fd = -1;
    int error = EAGAIN;

    if (seen < 0) {
        return -1;
    }
    if (fstat(seen, &info) == 0 && S_ISREG(info.st_mode)) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", seen);
        do {
            fd = open(name, O_RDONLY | O_CLOEXEC);
        } while (fd < 0 && errno == EINTR);
        error = errno != ENOENT ? errno : EAGAIN; /* there is no /proc */
    }
    close(seen);
    errno = error;
    return fd;
}
#endif

apr_status_t smmap__os_file_open(apr_os_file_t *file, const char *path)
{
    /* Not blocking: a FIFO may have taken a file's place since the core looked. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

#ifdef O_PATH
    if (fd < 0 && errno == EAGAIN) {
        fd = open_leased(path);
    }
#endif
    if (fd < 0) {
        return errno;
    }
    *file = fd;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_dup(apr_os_file_t *copy, apr_os_file_t file)
{
    int fd = fcntl(file, F_DUPFD_CLOEXEC, 0);

    if (fd < 0) {
        return errno;
    }
    *copy = fd;
    return APR_SUCCESS;
}

apr_status_t smmap__os_file_close(apr_os_file_t file)
{
    return close(file) == 0 ? APR_SUCCESS : errno;
}

/* fstat says 0 of a block device. */
static apr_status_t device_size(apr_off_t *size, apr_os_file_t file)
{
#ifdef __linux__
    apr_uint64_t bytes = 0;

    if (ioctl(file, BLKGETSIZE64, &bytes) != 0) {
        return errno;
    }
    *size = (apr_off_t)bytes;
    return APR_SUCCESS;
#else
    (void)size;
    (void)file;
    return APR_ENOTIMPL;
#endif
}

apr_status_t smmap__os_file_size(apr_off_t *size, apr_os_file_t file)
{
    struct stat info;

    if (fstat(file, &info) != 0) {
        return errno;
    }
    *size = (apr_off_t)info.st_size;
    return S_ISBLK(info.st_mode) ? device_size(size, file) : APR_SUCCESS;
}

int smmap__os_is_stream(apr_os_file_t file)
{
    (void)file; /* APR says so itself */
    return 0;
}

smmap__os_id_t smmap__os_file_id(apr_dev_t *device, apr_ino_t *inode, apr_os_file_t file)
{
    (void)device;
    (void)inode;
    (void)file;
    return SMMAP__OS_ID_UNIQUE;
}

apr_status_t smmap__os_file_open_attributes(apr_os_file_t *handle, const char *path)
{
    (void)handle;
    (void)path;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_canonical_path(char *place, apr_size_t size, apr_os_file_t file)
{
    (void)place;
    (void)size;
    (void)file;
    return APR_ENOTIMPL;
}

#if defined(__linux__) && defined(STATX_BTIME)
/* Linux takes the time of birth from a clock that ticks every few milliseconds, and ext4 gives
   an id to the next file at once: within a tick, two files can have one id and one birth. But
   their generations differ, where the file system counts them: ext4, XFS, Btrfs. */
static apr_status_t generation(apr_uint64_t *number, apr_os_file_t file)
{
    long said = 0;

    if (ioctl(file, FS_IOC_GETVERSION, &said) == 0) {
        *number = (apr_uint64_t)said;
        return APR_SUCCESS;
    }
    *number = 0;
    /* Those that say that there is none. EPERM and EACCES come from sandboxes. */
    return errno == ENOTTY || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS ||
                   errno == EPERM || errno == EACCES
               ? APR_SUCCESS
               : errno;
}
#endif

apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file)
{
#if defined(__linux__) && defined(STATX_BTIME)
    struct statx info;
    apr_uint64_t number;
    apr_status_t status;

    if (statx(file, "", AT_EMPTY_PATH, STATX_BTIME, &info) != 0) {
        /* EPERM comes from sandboxes that were written before the call was. */
        return errno == ENOSYS || errno == EPERM ? APR_ENOTIMPL : errno;
    }
    if (!(info.stx_mask & STATX_BTIME)) {
        return APR_ENOTIMPL;
    }
    status = generation(&number, file);
    if (status != APR_SUCCESS) {
        return status;
    }
    /* The factor is odd, so of one time each generation makes another number. */
    *birth = (apr_int64_t)((apr_uint64_t)info.stx_btime.tv_sec * 1000000000 +
                           info.stx_btime.tv_nsec +
                           number * APR_UINT64_C(0x9E3779B97F4A7C15));
    return APR_SUCCESS;
#elif defined(__APPLE__)
    struct stat info;

    if (fstat(file, &info) != 0) {
        return errno;
    }
    *birth = (apr_int64_t)info.st_birthtimespec.tv_sec * 1000000000 +
             (apr_int64_t)info.st_birthtimespec.tv_nsec;
    return APR_SUCCESS;
#else
    (void)birth;
    (void)file;
    return APR_ENOTIMPL;
#endif
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    /* Shared: a private mapping of a file shows the same bytes, but may copy
       pages on some systems, and counts against the commit limit on others. */
    void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, file, (off_t)offset);

    if (address == MAP_FAILED) {
        return errno == ENODEV ? APR_ENOTIMPL : errno;
    }
    mapping->address = address;
    mapping->length = length;
    mapping->memory = 0;
    return APR_SUCCESS;
}

apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length)
{
    void *address =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (address == MAP_FAILED) {
        return errno;
    }
    mapping->address = address;
    mapping->length = length;
    mapping->memory = 1;
    return APR_SUCCESS;
}

apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping)
{
    if (mapping->address != NULL) {
        /* Before, as the address may be another mapping's at once. Nobody reads from it. */
        smmap__posix_guard_forget(mapping->address);
        if (munmap(mapping->address, mapping->length) != 0) {
            return errno;
        }
    }
    mapping->address = NULL;
    mapping->length = 0;
    mapping->memory = 0;
    return APR_SUCCESS;
}

apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice)
{
    int native;

    switch (advice) {
    case SMMAP__OS_SEQUENTIAL:
        native = MADV_SEQUENTIAL;
        break;
    case SMMAP__OS_RANDOM:
        native = MADV_RANDOM;
        break;
    case SMMAP__OS_WILLNEED:
        native = MADV_WILLNEED;
        break;
    case SMMAP__OS_DONTNEED:
        native = MADV_DONTNEED;
        break;
    case SMMAP__OS_NORMAL:
    default:
        native = MADV_NORMAL;
        break;
    }
    return madvise(mapping->address + offset, length, native) == 0 ? APR_SUCCESS : errno;
}

apr_status_t smmap__os_file_advise(apr_os_file_t file, apr_off_t offset, apr_off_t length,
                                   smmap__os_advice_t advice)
{
#if defined(__APPLE__)
    struct radvisory range;

    if (advice != SMMAP__OS_WILLNEED) {
        return APR_ENOTIMPL;
    }
    range.ra_offset = (off_t)offset;
    range.ra_count = length < 0x7fffffff ? (int)length : 0x7fffffff;
    return fcntl(file, F_RDADVISE, &range) == 0 ? APR_SUCCESS : errno;
#elif defined(POSIX_FADV_WILLNEED)
    return posix_fadvise(file, (off_t)offset, (off_t)length,
                         advice == SMMAP__OS_WILLNEED ? POSIX_FADV_WILLNEED
                                                      : POSIX_FADV_DONTNEED);
#else
    (void)file;
    (void)offset;
    (void)length;
    (void)advice;
    return APR_ENOTIMPL;
#endif
}

apr_status_t smmap__os_read(apr_os_file_t file, apr_off_t offset, void *buffer, apr_size_t length,
                            apr_size_t *nread)
{
    unsigned char *to = buffer;
    apr_size_t done = 0;
    apr_status_t status = APR_SUCCESS;

    /* Not a retry: a short count is pread's way of saying "go on". */
    while (done < length) {
        apr_size_t step = length - done < READ_MOST ? length - done : READ_MOST;
        ssize_t got = pread(file, to + done, step, (off_t)offset + (off_t)done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = errno;
        }
        if (got <= 0) {
            break;
        }
        done += (apr_size_t)got;
    }
    *nread = done;
    return status;
}

apr_status_t smmap__os_peek(apr_os_file_t file, apr_size_t *nread)
{
    unsigned char byte;

    return smmap__os_read(file, 0, &byte, 1, nread);
}

apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages)
{
    apr_size_t page = (apr_size_t)sysconf(_SC_PAGESIZE);
    apr_size_t count = length / page + (length % page != 0);
    apr_size_t i;

#ifdef __linux__
    int failed = mincore(mapping->address + offset, length, pages);
#else
    int failed = mincore(mapping->address + offset, length, (void *)pages);
#endif

    if (failed != 0) {
        return errno;
    }
    for (i = 0; i < count; i++) {
        pages[i] = (pages[i] & INCORE_BIT) != 0;
    }
    return APR_SUCCESS;
}

/*
 * The fences. Linux: membarrier(2), the private expedited command, which makes
 * every running thread of this process execute a full barrier; it must be
 * registered once. The light fence is then a fence for the compiler alone.
 * Elsewhere, and under ThreadSanitizer, which does not know the call, both are
 * full fences.
 */
#if defined(__SANITIZE_THREAD__)
#define ASYMMETRIC 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ASYMMETRIC 0
#endif
#endif
#ifndef ASYMMETRIC
#if defined(__linux__) && defined(SYS_membarrier)
#define ASYMMETRIC 1
#else
#define ASYMMETRIC 0
#endif
#endif

#if ASYMMETRIC
/* From linux/membarrier.h, which old C libraries do not have. */
enum { PRIVATE_EXPEDITED = 1 << 3, REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

/* Registers the process; has the same effect however often it is done. */
int smmap__os_fence_asymmetric(void)
{
    return syscall(SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0) == 0;
}

void smmap__os_fence_heavy(void)
{
    if (syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0) != 0) {
        atomic_thread_fence(memory_order_seq_cst);
    }
}
#else
int smmap__os_fence_asymmetric(void)
{
    return 0;
}

void smmap__os_fence_heavy(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}
#endif

/*
 * Forks. The handler runs in the child, before fork() returns there. What makes a process
 * without telling the C library (a bare clone) is not seen.
 */
static atomic_uint forks;
static atomic_int forks_watched;

static void count_fork(void)
{
    smmap__posix_guard_forked();
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

/* Asked for again when it failed: it wants memory, and later there may be some. No lock, which
   a child could inherit; two threads that ask first at one time make each fork count twice. */
apr_status_t smmap__os_fork_watch(void)
{
    int error = 0;

    if (!atomic_load(&forks_watched)) {
        error = pthread_atfork(NULL, NULL, count_fork);
        if (error == 0) {
            atomic_store(&forks_watched, 1);
        }
    }
    return error;
}

unsigned smmap__os_forks(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}
