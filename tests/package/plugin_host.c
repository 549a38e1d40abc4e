/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program with a SIGBUS handler of its own, which loads plugins:
 *
 *     plugin_host FILE ACTION...      +PATH load and start; -PATH unload; handler: install it
 *
 * Afterwards it meets a fault that has nothing to do with any of them: FILE is made and cut.
 * Exit codes: 0 its handler was called, and a child was forked; 1 it was not; 2 bad usage.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf way_out;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(way_out, 1);
}

static int install(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_fault;
    return sigaction(SIGBUS, &action, NULL) == 0;
}

/* The handle of each plugin is found by its path once more. */
static int load_or_unload(const char *action)
{
    void *plugin = dlopen(action + 1, RTLD_NOW | RTLD_LOCAL);
    void *symbol;
    int (*start)(void);

    if (plugin == NULL) {
        fprintf(stderr, "plugin_host: %s\n", dlerror());
        return 0;
    }
    if (action[0] == '-') {
        dlclose(plugin); /* what was just opened, and what was loaded before */
        return dlclose(plugin) == 0;
    }
    symbol = dlsym(plugin, "plugin_start");
    memcpy(&start, &symbol, sizeof start);
    return symbol != NULL && start();
}

int main(int argc, char **argv)
{
    volatile unsigned char *bytes;
    volatile unsigned char sink;
    long page = sysconf(_SC_PAGESIZE);
    int state = 1;
    pid_t child;
    int fd;
    int i;

    if (argc < 3) {
        return 2;
    }
    signal(SIGBUS, SIG_DFL); /* a sanitizer's handler ends the process */
    for (i = 2; i < argc; i++) {
        if (!(strcmp(argv[i], "handler") == 0 ? install() : load_or_unload(argv[i]))) {
            fprintf(stderr, "plugin_host: %s failed\n", argv[i]);
            return 2;
        }
    }
    fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, page) != 0) {
        return 2;
    }
    bytes = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED || ftruncate(fd, 0) != 0) {
        return 2;
    }
    if (sigsetjmp(way_out, 1) == 0) {
        sink = bytes[0];
        (void)sink;
        return 1;
    }
    child = fork();
    if (child == 0) {
        _exit(0);
    }
    return child > 0 && waitpid(child, &state, 0) == child && state == 0 ? 0 : 1;
}
