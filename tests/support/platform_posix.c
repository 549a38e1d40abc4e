/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * platform.h for POSIX systems: handles and files, but for what the fake backend needs, which
 * is in platform_posix_fake.c. Processes are in platform_posix_process.c.
 */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "harness.h"

#include "backends/posix/internal.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#endif

#define MOST_DESCRIPTORS 4096

/* Handles. */

apr_status_t native_open_null(apr_os_file_t *handle)
{
    return native_open(handle, "/dev/null", NATIVE_READ);
}

const char *native_null_path(void)
{
    return "/dev/null";
}

apr_status_t native_pipe(apr_os_file_t ends[2])
{
    return pipe(ends) == 0 ? APR_SUCCESS : errno;
}

apr_status_t native_open_alone(apr_os_file_t *handle, const char *path)
{
    (void)handle;
    (void)path;
    test_skip_now("a process cannot keep others from opening a file here");
}

apr_status_t native_open_overlapped(apr_os_file_t *handle, const char *path, int shared)
{
    (void)handle;
    (void)path;
    (void)shared;
    test_skip_now("reading by a handle waits for the bytes here");
}

int native_told(void)
{
    return 0;
}

int native_set_direct(apr_os_file_t handle)
{
#ifdef O_DIRECT
    return fcntl(handle, F_SETFL, O_DIRECT) == 0;
#else
    (void)handle;
    return 0;
#endif
}

int native_is_writable(apr_os_file_t handle)
{
    return (fcntl(handle, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

int native_is_inherited(apr_os_file_t handle)
{
    int flags = fcntl(handle, F_GETFD);

    return flags >= 0 && !(flags & FD_CLOEXEC);
}

void native_let_inherit(apr_os_file_t handle)
{
    NEED(fcntl(handle, F_SETFD, 0) == 0);
}

apr_off_t native_read(apr_os_file_t handle, void *to, apr_size_t size)
{
    return read(handle, to, size);
}

/* One question about all of them: this is asked for each failure that a test makes. */
int native_count_handles(void)
{
    struct pollfd asked[MOST_DESCRIPTORS];
    struct rlimit limit;
    int most = MOST_DESCRIPTORS;
    int count = 0;
    int known;
    int fd;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MOST_DESCRIPTORS) {
        most = (int)limit.rlim_cur;
    }
    for (fd = 0; fd < most; fd++) {
        asked[fd].fd = fd;
        asked[fd].events = 0;
        asked[fd].revents = 0;
    }
    known = poll(asked, (nfds_t)most, 0) >= 0;
    for (fd = 0; fd < most; fd++) {
        count += known ? (asked[fd].revents & POLLNVAL) == 0 : native_is_open(fd);
    }
    return count;
}

int native_count_inherited(void)
{
    int count = 0;
    int fd;

    for (fd = 0; fd < 256; fd++) {
        count += native_is_inherited(fd);
    }
    return count;
}

int native_count_mappings(const char *part)
{
    char line[8192];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    if (maps == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, part) != NULL;
    }
    fclose(maps);
    return count;
}

apr_size_t native_max_open_files(void)
{
    struct rlimit files;

    NEED(getrlimit(RLIMIT_NOFILE, &files) == 0);
    return files.rlim_cur == RLIM_INFINITY ? 0 : (apr_size_t)files.rlim_cur;
}

const char *native_doubts_birth(void)
{
    return NULL;
}

int native_tells_generations(const char *path)
{
    int yes = 0;
#ifdef __linux__
    long number;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file >= 0) {
        yes = ioctl(file, (smmap__posix_request_t)FS_IOC_GETVERSION, &number) == 0;
        close(file);
    }
#else
    (void)path;
#endif
    return yes;
}

int native_says_too_long(apr_status_t status)
{
    return APR_STATUS_IS_ENAMETOOLONG(status);
}

/* Files. */

int native_resize(const char *path, apr_off_t size)
{
    return truncate(path, (off_t)size) == 0;
}

int native_cut(const char *path, apr_off_t size)
{
    return native_resize(path, size);
}

/* By pages behind the end of a file, in their place. */
void native_lose(const volatile unsigned char *pages, apr_size_t size)
{
    void *place = (void *)(apr_uintptr_t)pages;
    FILE *empty = tmpfile();

    NEED(empty != NULL);
    NEED(mmap(place, size, PROT_READ, MAP_SHARED | MAP_FIXED, fileno(empty), 0) == place);
    fclose(empty);
}

int native_guards_pointers(void)
{
    return 1;
}

const char *native_unmappable(void)
{
    static const char *const candidates[] = {"/sys/kernel/notes",
                                             "/sys/firmware/acpi/tables/DSDT",
                                             "/sys/firmware/acpi/tables/FACP"};
    apr_size_t i;

    for (i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        int fd = open(candidates[i], O_RDONLY);
        struct stat info;
        void *memory;

        if (fd < 0) {
            continue;
        }
        if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
            memory = mmap(NULL, (apr_size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
            if (memory == MAP_FAILED) {
                close(fd);
                return candidates[i];
            }
            munmap(memory, (apr_size_t)info.st_size);
        }
        close(fd);
    }
    return NULL;
}

apr_status_t native_rename(const char *from, const char *to)
{
    return rename(from, to) == 0 ? APR_SUCCESS : errno;
}

apr_status_t native_delete(const char *path)
{
    return unlink(path) == 0 ? APR_SUCCESS : errno;
}

apr_status_t native_symlink(const char *target, const char *path)
{
    return symlink(target, path) == 0 ? APR_SUCCESS : errno;
}

apr_status_t native_fifo(const char *path)
{
    return mkfifo(path, 0644) == 0 ? APR_SUCCESS : errno;
}

apr_status_t native_socket(apr_os_file_t *handle, const char *path)
{
    struct sockaddr_un address;

    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) {
        test_skip_now("the directory's name is too long for a socket");
    }
    strcpy(address.sun_path, path);
    *handle = socket(AF_UNIX, SOCK_STREAM, 0); /* not every system has SOCK_CLOEXEC */
    NEED(*handle >= 0 && fcntl(*handle, F_SETFD, FD_CLOEXEC) == 0);
    return bind(*handle, (struct sockaddr *)(void *)&address, sizeof address) == 0 ? APR_SUCCESS
                                                                                   : errno;
}

void native_lease(apr_os_file_t *handle, const char *path)
{
#if defined(__linux__) && defined(F_SETLEASE)
    signal(SIGIO, SIG_IGN); /* by which the holder is asked to give it up */
    *handle = open(path, O_RDWR | O_CLOEXEC);
    NEED(*handle >= 0);
    if (fcntl(*handle, F_SETLEASE, F_WRLCK) == 0) {
        return;
    }
    close(*handle);
    test_skip_now("this file system gives no lease on a file");
#else
    (void)handle;
    (void)path;
    test_skip_now("leases on files are known on Linux alone");
#endif
}

void native_forbid(const char *path)
{
    NEED(chmod(path, 0) == 0);
}

#ifdef __APPLE__
#define TIME_OF(info, which) (info).st_##which##timespec
#else
#define TIME_OF(info, which) (info).st_##which##tim
#endif

void native_times(const char *path, native_times_t *times)
{
    struct stat info;

    NEED(stat(path, &info) == 0);
    times->seconds[0] = TIME_OF(info, a).tv_sec;
    times->nanoseconds[0] = TIME_OF(info, a).tv_nsec;
    times->seconds[1] = TIME_OF(info, m).tv_sec;
    times->nanoseconds[1] = TIME_OF(info, m).tv_nsec;
    times->changed =
        (apr_int64_t)TIME_OF(info, c).tv_sec * 1000000000 + (apr_int64_t)TIME_OF(info, c).tv_nsec;
}

int native_is_stacked(const char *path)
{
#ifdef __linux__
    struct statfs info;

    return statfs(path, &info) == 0 &&
           ((unsigned long)info.f_type & 0xffffffffu) == 0x794c7630; /* overlayfs */
#else
    (void)path;
    return 0;
#endif
}

int native_knows_changes(void)
{
    return 1;
}

void native_set_times(const char *path, const native_times_t *times)
{
    struct timespec set[2];
    int i;

    for (i = 0; i < 2; i++) {
        set[i].tv_sec = (time_t)times->seconds[i];
        set[i].tv_nsec = (long)times->nanoseconds[i];
    }
    NEED(utimensat(AT_FDCWD, path, set, 0) == 0);
}

apr_off_t native_disk_bytes(const char *path)
{
    struct stat info;

    NEED(stat(path, &info) == 0);
    return (apr_off_t)info.st_blocks * 512;
}

const char *native_spelling(const char *path, int number)
{
    return number == 0 ? apr_psprintf(test_pool, "//%s", path) : NULL;
}

void native_device_make(const char *path, char *device, apr_size_t size)
{
    char command[600];
    FILE *answer;

    snprintf(command, sizeof command, "losetup --find --show --read-only '%s' 2>/dev/null", path);
    answer = popen(command, "r");
    device[0] = '\0';
    if (answer != NULL) {
        if (fgets(device, (int)size, answer) != NULL) {
            device[strcspn(device, "\n")] = '\0';
        }
        pclose(answer);
    }
    if (device[0] == '\0') {
        test_skip_now("no loop device can be made, for which losetup and root are needed");
    }
}

int native_device_remove(const char *device)
{
    char command[100];

    snprintf(command, sizeof command, "losetup --detach '%s'", device);
    return system(command) == 0;
}
