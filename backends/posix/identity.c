/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: what a file is, and what tells it from another.
 *
 * Device and inode identify a file while it is open. Once it is deleted the next file may get its
 * inode; the birth time tells the two apart, where there is one.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#endif

#define READABLE (S_IRUSR | S_IRGRP | S_IROTH)

static apr_int64_t number_of(apr_int64_t seconds, apr_int64_t nanoseconds)
{
    return (apr_int64_t)((apr_uint64_t)seconds * 1000000000 + (apr_uint64_t)nanoseconds);
}

static smmap__os_kind_t kind_of(unsigned mode)
{
    return S_ISREG(mode) ? SMMAP__OS_FILE : S_ISBLK(mode) ? SMMAP__OS_DISK : SMMAP__OS_OTHER;
}

/* Only files whose pages are memory can be sealed. `blocks` are of 512 bytes. */
static int holes_fill(int file, apr_uint64_t blocks, apr_uint64_t size)
{
#ifdef F_GET_SEALS
    return blocks < size / 512 && fcntl(file, F_GET_SEALS) >= 0;
#else
    (void)file;
    (void)blocks;
    (void)size;
    return 0;
#endif
}

static void from_stat(smmap__os_facts_t *facts, int file, const struct stat *info)
{
    memset(facts, 0, sizeof *facts);
    facts->kind = kind_of(info->st_mode);
    facts->readable = (info->st_mode & READABLE) == READABLE;
    facts->device = info->st_dev;
    facts->inode = info->st_ino;
    facts->size = (apr_off_t)info->st_size;
    facts->holes_fill =
        holes_fill(file, (apr_uint64_t)info->st_blocks, (apr_uint64_t)info->st_size);
    facts->mtime = number_of(SMMAP__POSIX_TIME(info, m).tv_sec, SMMAP__POSIX_TIME(info, m).tv_nsec);
    facts->ctime = number_of(SMMAP__POSIX_TIME(info, c).tv_sec, SMMAP__POSIX_TIME(info, c).tv_nsec);
#ifdef __APPLE__
    facts->birth =
        number_of(SMMAP__POSIX_TIME(info, birth).tv_sec, SMMAP__POSIX_TIME(info, birth).tv_nsec);
#endif
}

/* statx() tells all in one call. Where there is none, the birth is not known on Linux. */
#if defined(__linux__) && defined(STATX_BTIME)

/* From linux/stat.h, since 6.8: a number that the system gives to one mount and never again. The
   field is older. An emulator may tell of it, and not set it. */
#ifdef STATX_MNT_ID
enum { MOUNT_ID_UNIQUE = 0x4000 };
#define MOUNT_FORGET(info) ((info)->stx_mnt_id = 0)
#define MOUNT_OF(info) ((info)->stx_mnt_id)
#else
enum { MOUNT_ID_UNIQUE = 0 };
#define MOUNT_FORGET(info) ((void)(info))
#define MOUNT_OF(info) ((void)(info), (apr_uint64_t)0)
#endif

/* mount (out): the number of the file's mount, or 0. */
static int examine(smmap__os_facts_t *facts, int file, const char *path, apr_uint64_t *mount)
{
    struct statx info;
    struct stat less;

    *mount = 0;
    MOUNT_FORGET(&info);
    if (statx(file, path, *path == '\0' ? AT_EMPTY_PATH : 0,
              STATX_BASIC_STATS | STATX_BTIME | MOUNT_ID_UNIQUE, &info) == 0) {
        *mount = (info.stx_mask & MOUNT_ID_UNIQUE) != 0 ? MOUNT_OF(&info) : 0;
        memset(facts, 0, sizeof *facts);
        facts->kind = kind_of(info.stx_mode);
        facts->readable = (info.stx_mode & READABLE) == READABLE;
        facts->device = makedev(info.stx_dev_major, info.stx_dev_minor);
        facts->inode = info.stx_ino;
        facts->size = (apr_off_t)info.stx_size;
        facts->mtime = number_of(info.stx_mtime.tv_sec, info.stx_mtime.tv_nsec);
        facts->ctime = number_of(info.stx_ctime.tv_sec, info.stx_ctime.tv_nsec);
        facts->holes_fill = holes_fill(file, info.stx_blocks, info.stx_size);
        if ((info.stx_mask & STATX_BTIME) != 0) {
            facts->birth = number_of(info.stx_btime.tv_sec, info.stx_btime.tv_nsec);
        }
        return 0;
    }
    /* EPERM and EACCES come from sandboxes that are older than the call. */
    if ((errno != ENOSYS && errno != EPERM && errno != EACCES) ||
        (*path == '\0' ? fstat(file, &less) : stat(path, &less)) != 0) {
        return errno;
    }
    from_stat(facts, file, &less);
    return 0;
}

#else

static int examine(smmap__os_facts_t *facts, int file, const char *path, apr_uint64_t *mount)
{
    struct stat info;

    *mount = 0;
    if ((*path == '\0' ? fstat(file, &info) : stat(path, &info)) != 0) {
        return errno;
    }
    from_stat(facts, file, &info);
    return 0;
}

#endif

#ifdef __linux__

/* From linux/magic.h and file systems of their own. */
static int is_remote(unsigned long magic)
{
    static const unsigned long magics[] = {
        0x65735546, /* FUSE, virtiofs */ 0x6969, /* NFS */ 0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */ 0x517b,           /* SMB */ 0x01021997, /* 9P */
        0x00c36400, /* Ceph */ 0x5346414f /* AFS */};
    unsigned i;

    for (i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (magic == magics[i]) {
            return 1;
        }
    }
    return 0;
}

enum { STACKED = 1, INVENTED = 2, REMOTE = 4, UNMAPPABLE = 8, KINDS = 16 };

static unsigned kinds_of(unsigned long magic)
{
    unsigned kinds = magic == OVERLAYFS_SUPER_MAGIC ? STACKED : 0;

    /* FUSE: its servers, too, make up files, such as those of /proc in a container. */
    if (magic == SYSFS_MAGIC || magic == 0x62656570 /* configfs */ ||
        magic == 0x65735546 /* FUSE */) {
        kinds |= INVENTED;
    }
    /* hugetlbfs: what is mapped of it must end with a huge page to be unmapped. */
    if (magic == HUGETLBFS_MAGIC) {
        kinds |= UNMAPPABLE;
    }
    return is_remote(magic) ? kinds | REMOTE : kinds;
}

/* The number of the mount that was asked last, times KINDS, and what it is. */
static atomic_uintptr_t last_mount;

/* File systems without a disk of their own have devices of the major number 0. One that does not
   tell what it is may be any of them: then care is taken for all. */
static void add_file_system(smmap__os_facts_t *facts, int file, apr_uint64_t mount)
{
    const uintptr_t last = atomic_load_explicit(&last_mount, memory_order_relaxed);
    unsigned kinds = STACKED | INVENTED;
    struct statfs system;

    if (major(facts->device) != 0) {
        return;
    }
    if (mount != 0 && last / KINDS == mount) {
        kinds = (unsigned)(last % KINDS);
    } else if (fstatfs(file, &system) == 0) {
        kinds = kinds_of((unsigned long)system.f_type & 0xffffffffu);
        if (mount <= UINTPTR_MAX / KINDS) { /* not in 32 bits */
            atomic_store_explicit(&last_mount, (uintptr_t)mount * KINDS + kinds,
                                  memory_order_relaxed);
        }
    }
    facts->stacked = (kinds & STACKED) != 0;
    facts->invented = (kinds & INVENTED) != 0;
    facts->remote = (kinds & REMOTE) != 0;
    facts->unmappable = (kinds & UNMAPPABLE) != 0;
}

#endif

apr_status_t smmap__os_examine(smmap__os_facts_t *facts, apr_os_file_t file, int identify)
{
    smmap__os_facts_t found;
    apr_uint64_t mount;
    int error = examine(&found, file, "", &mount);

    smmap__posix_mask_forget();
    if (error != 0) {
        return error;
    }
    if (found.kind == SMMAP__OS_DISK && smmap__os_file_size(&found.size, file) != APR_SUCCESS) {
        found.kind = SMMAP__OS_OTHER;
    }
    if (found.inode == 0) {
        found.id = SMMAP__OS_ID_NONE; /* a FUSE server that numbers no files */
    }
#ifdef __linux__
    if (identify && found.kind == SMMAP__OS_FILE) {
        add_file_system(&found, file, mount);
    }
#else
    (void)identify;
    (void)mount;
#endif
    *facts = found;
    return APR_SUCCESS;
}

/* The birth time comes from a clock that ticks every few milliseconds, and ext4 reuses an inode
   at once: within a tick, two files can have the same inode and birth time. The inode
   generation differs, on file systems that have one: ext4, XFS, Btrfs. */
apr_int64_t smmap__os_generation(apr_os_file_t file)
{
#ifdef __linux__
    long version = 0;

    if (ioctl(file, (smmap__posix_request_t)FS_IOC_GETVERSION, &version) == 0) {
        return (apr_int64_t)((unsigned long)version & 0xffffffffu) + 1;
    }
    /* EPERM and EACCES come from sandboxes. */
    return errno == ENOTTY || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS ||
                   errno == EPERM || errno == EACCES
               ? SMMAP__OS_GENERATION_NONE
               : 0;
#else
    (void)file;
    return SMMAP__OS_GENERATION_NONE;
#endif
}

apr_status_t smmap__os_examine_path(smmap__os_facts_t *facts, const char *path)
{
    apr_uint64_t mount;

    return *path == '\0' ? ENOENT : examine(facts, AT_FDCWD, path, &mount);
}

apr_status_t smmap__os_file_renew(apr_os_file_t file)
{
#ifdef __linux__
    char name[32];
    int error = 0;
    int fd;

    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? errno : APR_ENOTIMPL;
    }
    if (dup3(fd, file, O_CLOEXEC) < 0) {
        error = errno;
    }
    close(fd);
    return error;
#else
    (void)file;
    return APR_ENOTIMPL;
#endif
}

apr_status_t smmap__os_file_canonical_path(char *path, apr_size_t size, apr_os_file_t file)
{
    (void)path;
    (void)size;
    (void)file;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_real_path(char *real, const char *path)
{
    int cancel = smmap__posix_cancel_disable();
    int error = realpath(path, real) != NULL ? APR_SUCCESS : errno;

    smmap__posix_cancel_restore(cancel);
    return error;
}
