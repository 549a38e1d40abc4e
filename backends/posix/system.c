/*
 * POSIX: facts about the machine and the process, and the count of forks.
 *
 * The count is the only state. A pthread_atfork() handler raises it in the child, before fork()
 * returns there. A process made without the C library (a bare clone) is not counted. No lock is
 * used: a child could inherit it locked.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <pthread.h>
#include <sys/resource.h>
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

int smmap__os_cancel_disable(void)
{
    int state = 0;

#ifdef PTHREAD_CANCEL_DISABLE
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
#endif
    return state;
}

void smmap__os_cancel_restore(int state)
{
#ifdef PTHREAD_CANCEL_DISABLE
    pthread_setcancelstate(state, NULL);
#else
    (void)state;
#endif
}

void smmap__os_cancel_point(void)
{
#ifdef PTHREAD_CANCEL_DISABLE
    pthread_testcancel();
#endif
}

static atomic_uint forks;
static atomic_int forks_watched;

static void count_fork(void)
{
    smmap__posix_guard_forked();
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

/* pthread_atfork() fails when memory is short, so the next call tries again. Two threads that
   make the first call at the same time register twice; each fork then counts twice, which does
   no harm. */
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
