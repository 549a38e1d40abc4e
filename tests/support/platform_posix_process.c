/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * platform.h for POSIX systems: processes, what can be taken from them, and what the runner
 * wants.
 */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "harness.h"

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Processes. */

int native_fork(int (*run)(void *), void *argument)
{
    int state;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(60);
        _exit(run(argument));
    }
    NEED(child > 0);
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

int native_started_program_has(const char *part)
{
    char command[400];
    int state;

    if (access("/proc/self/fd", R_OK) != 0) {
        return -1;
    }
    snprintf(command, sizeof command, "ls -l /proc/self/fd | grep -q '%s'", part);
    fflush(NULL);
    state = system(command);
    NEED(WIFEXITED(state) && WEXITSTATUS(state) <= 1);
    return WEXITSTATUS(state) == 0;
}

int native_limit_handles(int more)
{
    struct rlimit limit;
    int next = more < 0 ? 0 : open("/dev/null", O_RDONLY);

    if (next < 0 || (more >= 0 && close(next) != 0) || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    limit.rlim_cur = more < 0 ? 0 : (rlim_t)next + (rlim_t)more;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int native_limit_memory(apr_size_t more)
{
    struct rlimit limit;
    unsigned long pages = 0;
    int scanned;
    FILE *statm = fopen("/proc/self/statm", "r");

    if (statm == NULL) {
        return 0;
    }
    scanned = fscanf(statm, "%lu", &pages);
    fclose(statm);
    if (scanned != 1) {
        return 0;
    }
    if (getrlimit(RLIMIT_AS, &limit) != 0) {
        return 0;
    }
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)more;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

int native_refuse_fences(int slow_ones)
{
#if defined(__linux__) && defined(SYS_membarrier)
    const unsigned number = slow_ones ? SYS_sched_setaffinity : SYS_membarrier;
    struct sock_filter steps[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}, /* the number of the call */
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog filter = {4, steps};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
#else
    (void)slow_ones;
    return 0;
#endif
}

apr_size_t native_waits(void)
{
    struct rusage usage;

    NEED(getrusage(RUSAGE_SELF, &usage) == 0);
    return (apr_size_t)usage.ru_nvcsw;
}

void native_limit_file_size(apr_off_t size)
{
    struct rlimit limit = {(rlim_t)size, (rlim_t)size};

    NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

void native_limit_none(void)
{
    struct rlimit limit;

    NEED(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    NEED(setrlimit(RLIMIT_AS, &limit) == 0);
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Pages of memory that differ from their neighbours, so that each is a mapping. */
enum { MOST_PAGES = 200000 };
static void *pages_taken[MOST_PAGES];
static unsigned page_count;

int native_take_mappings(unsigned leave)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned i;

    for (page_count = 0; page_count < MOST_PAGES; page_count++) {
        void *taken = mmap(NULL, page, page_count % 2 != 0 ? PROT_READ : PROT_NONE,
                           MAP_PRIVATE | MAP_ANON, -1, 0);

        if (taken == MAP_FAILED) {
            break;
        }
        pages_taken[page_count] = taken;
    }
    if (page_count == MOST_PAGES || page_count < leave) {
        native_give_mappings();
        return 0;
    }
    for (i = 0; i < leave; i++) {
        munmap(pages_taken[--page_count], page);
    }
    return 1;
}

void native_give_mappings(void)
{
    while (page_count > 0) {
        munmap(pages_taken[--page_count], (size_t)sysconf(_SC_PAGESIZE));
    }
}

/* A chain of blocks: each begins with the address of the one before. */
static void **memory_taken;

void native_take_memory(void)
{
    size_t size;

    for (size = (size_t)1 << 20; size >= sizeof(void *); size /= 2) {
        void **block;

        while ((block = malloc(size)) != NULL) {
            *block = memory_taken;
            memory_taken = block;
        }
    }
}

void native_give_memory(void)
{
    while (memory_taken != NULL) {
        void **block = memory_taken;

        memory_taken = *block;
        free(block);
    }
}

int native_become_nobody(int effective)
{
    if (effective) {
        return setegid(65534) == 0 && seteuid(65534) == 0;
    }
    return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
}

int native_is_root(void)
{
    return geteuid() == 0;
}

void native_alarm(unsigned seconds)
{
    alarm(seconds);
}

void native_exit(int code)
{
    _exit(code);
}

/* For the runner. */

static volatile sig_atomic_t interrupted;

int native_child_start(native_child_t *child, native_order_t *order,
                       int (*run)(const native_order_t *order))
{
    int ends[2];
    pid_t process;

    fflush(stdout);
    if (pipe(ends) != 0) {
        return 0;
    }
    process = fork();
    if (process == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        close(ends[0]);
        order->report = fdopen(ends[1], "w");
        exit(order->report == NULL ? 1 : run(order));
    }
    close(ends[1]);
    child->process = process;
    child->from = fdopen(ends[0], "r");
    return process > 0 && child->from != NULL;
}

int native_child_main(int argc, char **argv, int (*run)(const native_order_t *order))
{
    (void)argc;
    (void)argv;
    (void)run;
    return -1;
}

int native_child_wait(native_child_t *child, char *how, apr_size_t size)
{
    int state = 0;

    while (waitpid((pid_t)child->process, &state, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0) {
        return 1;
    }
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGALRM) {
        snprintf(how, size, "was still busy after some minutes");
    } else if (WIFSIGNALED(state)) {
        snprintf(how, size, "died of signal %d", WTERMSIG(state));
    } else {
        snprintf(how, size, "ended with exit code %d (a memory checker's, or a failed start)",
                 WEXITSTATUS(state));
    }
    return 0;
}

static void on_signal(int number)
{
    interrupted = number;
}

void native_catch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
}

int native_interrupted(void)
{
    return interrupted != 0;
}

void native_end_interrupted(native_child_t *child, void (*clean_up)(void))
{
    int number = interrupted;

    kill((pid_t)child->process, SIGKILL);
    waitpid((pid_t)child->process, NULL, 0);
    clean_up();
    signal(number, SIG_DFL);
    raise(number);
}

int native_make_root(char *path, apr_size_t size)
{
    const char *base = getenv("TMPDIR");

    snprintf(path, size, "%s/smmap-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    return mkdtemp(path) != NULL && chmod(path, 0755) == 0;
}

void native_line_buffered(FILE *file)
{
    setvbuf(file, NULL, _IOLBF, 0);
}
