/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: facts about the machine and the process, and the watch of forks.
 *
 * A process made without the C library (a bare clone) is not seen. No lock is used: a child could
 * inherit it locked.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/auxv.h>
#endif

void smmap__os_info(smmap__os_info_t *info)
{
    struct rlimit files;
    long page = sysconf(_SC_PAGESIZE);

    info->page_size = page > 0 ? (apr_size_t)page : 4096;
    info->granularity = info->page_size;
    info->address_bits = (int)sizeof(void *) * 8;
    info->shrink = SMMAP__OS_SHRINK_FAULTS;
    info->lexical_dots = 0;
    info->case_insensitive = 0; /* on macOS it depends on the volume */
    info->max_open_files = 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
        info->max_open_files = files.rlim_cur < APR_SIZE_MAX ? (apr_size_t)files.rlim_cur : 0;
        info->max_open_files += files.rlim_cur == 0; /* 0 is for what is not known */
    }
}

int smmap__os_environment_is_trusted(void)
{
#ifdef __linux__
    /* Covers file capabilities too, which comparing ids would miss. */
    return getauxval(AT_SECURE) == 0;
#else
    return getuid() == geteuid() && getgid() == getegid();
#endif
}

apr_int64_t smmap__os_clock(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_MONOTONIC, &now) == 0
               ? (apr_int64_t)now.tv_sec * 1000000000 + now.tv_nsec
               : 0;
}

int smmap__os_cancel_disable(void)
{
    return smmap__posix_cancel_disable();
}

void smmap__os_cancel_restore(int state)
{
    smmap__posix_cancel_restore(state);
}

void smmap__os_cancel_point(void)
{
#ifdef PTHREAD_CANCEL_DISABLE
    pthread_testcancel();
#endif
}

static atomic_int forks_watched;
static void (*watch_child)(void);

static void child_forked(void)
{
    smmap__posix_guard_forked();
    smmap__posix_stale_forked();
    watch_child();
}

/* pthread_atfork() fails when memory is short, so the next call tries again. Two threads that
   make the first call at the same time register twice. */
apr_status_t smmap__os_fork_watch(void (*before)(void), void (*in_parent)(void),
                                  void (*in_child)(void))
{
    int error = 0;

    if (!atomic_load(&forks_watched)) {
        watch_child = in_child;
        error = pthread_atfork(before, in_parent, child_forked);
        if (error == 0) {
            atomic_store(&forks_watched, 1);
        }
    }
    return error;
}
