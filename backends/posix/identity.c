/*
 * POSIX: what tells one file from another.
 *
 * Device and inode, as APR reports them, identify a file while it is open. Once it is deleted
 * the next file may get its inode; the birth time tells the two apart, where there is one.
 */
#include "config.h"

#include "backends/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

smmap__os_id_t smmap__os_file_id(apr_dev_t *device, apr_ino_t *inode, apr_os_file_t file)
{
    (void)device;
    (void)inode;
    (void)file;
    return SMMAP__OS_ID_UNIQUE;
}

apr_status_t smmap__os_file_canonical_path(char *path, apr_size_t size, apr_os_file_t file)
{
    (void)path;
    (void)size;
    (void)file;
    return APR_ENOTIMPL;
}

#if defined(__linux__) && defined(STATX_BTIME)

/* The birth time comes from a clock that ticks every few milliseconds, and ext4 reuses an inode
   at once: within a tick, two files can have the same inode and birth time. The inode
   generation differs, on file systems that have one: ext4, XFS, Btrfs. */
static apr_status_t generation(apr_uint64_t *number, apr_os_file_t file)
{
    long version = 0;

    *number = 0;
    if (ioctl(file, FS_IOC_GETVERSION, &version) == 0) {
        *number = (apr_uint64_t)version;
        return APR_SUCCESS;
    }
    /* The file system has none; EPERM and EACCES come from sandboxes. */
    return errno == ENOTTY || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS ||
                   errno == EPERM || errno == EACCES
               ? APR_SUCCESS
               : errno;
}

apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file)
{
    struct statx info;
    apr_uint64_t number;
    apr_status_t status;

    if (statx(file, "", AT_EMPTY_PATH, STATX_BTIME, &info) != 0) {
        /* EPERM comes from sandboxes that are older than the call. */
        return errno == ENOSYS || errno == EPERM ? APR_ENOTIMPL : errno;
    }
    if (!(info.stx_mask & STATX_BTIME)) {
        return APR_ENOTIMPL;
    }
    status = generation(&number, file);
    if (status != APR_SUCCESS) {
        return status;
    }
    /* The factor is odd, so different generations of the same time give different numbers. */
    *birth = (apr_int64_t)((apr_uint64_t)info.stx_btime.tv_sec * 1000000000 +
                           info.stx_btime.tv_nsec + number * APR_UINT64_C(0x9E3779B97F4A7C15));
    return APR_SUCCESS;
}

#elif defined(__APPLE__)

apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file)
{
    struct stat info;

    if (fstat(file, &info) != 0) {
        return errno;
    }
    *birth = (apr_int64_t)info.st_birthtimespec.tv_sec * 1000000000 +
             (apr_int64_t)info.st_birthtimespec.tv_nsec;
    return APR_SUCCESS;
}

#else

apr_status_t smmap__os_file_birth(apr_int64_t *birth, apr_os_file_t file)
{
    (void)birth;
    (void)file;
    return APR_ENOTIMPL;
}

#endif
