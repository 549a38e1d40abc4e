/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * platform.h for POSIX systems: what the fake backend needs. It is also linked where there
 * is no harness: in the stress programs and the model.
 */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static apr_status_t give(int fd, apr_os_file_t *handle)
{
    *handle = fd;
    return fd >= 0 ? APR_SUCCESS : errno;
}

apr_status_t native_open(apr_os_file_t *handle, const char *path, native_use_t use)
{
    static const int flags[] = {O_RDONLY | O_NONBLOCK, O_WRONLY, O_WRONLY | O_CREAT | O_TRUNC,
                                O_RDONLY, O_WRONLY | O_CREAT | O_APPEND};

    return give(open(path, flags[use] | O_CLOEXEC, 0644), handle);
}

apr_status_t native_dup(apr_os_file_t *copy, apr_os_file_t handle)
{
    return give(fcntl(handle, F_DUPFD_CLOEXEC, 0), copy);
}

apr_status_t native_close(apr_os_file_t handle)
{
    return close(handle) == 0 ? APR_SUCCESS : errno;
}

int native_is_open(apr_os_file_t handle)
{
    return fcntl(handle, F_GETFD) >= 0;
}

int native_is_stream(apr_os_file_t handle)
{
    (void)handle;
    return 0;
}

apr_size_t native_number(apr_os_file_t handle)
{
    return (apr_size_t)handle;
}

apr_off_t native_place(apr_os_file_t handle)
{
    return lseek(handle, 0, SEEK_CUR);
}

void native_set_place(apr_os_file_t handle, apr_off_t place)
{
    if (lseek(handle, (off_t)place, SEEK_SET) != place) {
        abort(); /* it was at that place before */
    }
}

apr_off_t native_write(apr_os_file_t handle, const void *from, apr_size_t size)
{
    return write(handle, from, size);
}

apr_status_t native_read_at(apr_os_file_t handle, apr_off_t offset, void *to, apr_size_t size,
                            apr_size_t *got)
{
    apr_size_t done = 0;

    while (done < size) {
        ssize_t step = pread(handle, (char *)to + done, size - done,
                             (off_t)(offset + (apr_off_t)done));

        if (step < 0 && errno == EINTR) {
            continue;
        }
        if (step < 0) {
            return errno;
        }
        if (step == 0) {
            break;
        }
        done += (apr_size_t)step;
    }
    *got = done;
    return APR_SUCCESS;
}

apr_status_t native_facts(apr_os_file_t handle, apr_off_t *size, apr_uint64_t *id, int *regular)
{
    struct stat info;

    if (fstat(handle, &info) != 0) {
        return errno;
    }
    *size = info.st_size;
    *id = (apr_uint64_t)info.st_ino;
    *regular = S_ISREG(info.st_mode);
    return APR_SUCCESS;
}

void *native_aligned(apr_size_t alignment, apr_size_t size)
{
    void *memory;

    return posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

void native_aligned_free(void *memory)
{
    free(memory);
}

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

void fake_lock(void)
{
    pthread_mutex_lock(&the_lock);
}

void fake_unlock(void)
{
    pthread_mutex_unlock(&the_lock);
}

apr_status_t native_protect(void *memory, apr_size_t size, int allowed)
{
    return mprotect(memory, size, allowed ? PROT_READ | PROT_WRITE : PROT_NONE) == 0 ? APR_SUCCESS
                                                                                     : errno;
}

static pthread_once_t watched = PTHREAD_ONCE_INIT;
static void (*watchers[3])(void);

static void watch(void)
{
    pthread_atfork(watchers[0], watchers[1], watchers[2]);
}

void native_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    fake_lock();
    watchers[0] = before;
    watchers[1] = in_parent;
    watchers[2] = in_child;
    fake_unlock();
    pthread_once(&watched, watch);
}
