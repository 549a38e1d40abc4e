/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: backtraces, for the reports of paranoid mode.
 *
 * backtrace() belongs to the C library where there is one (glibc, macOS, the BSDs; not musl). Its
 * first call may load another library, and allocate.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#endif
#endif

/* Weak as in stay_loaded.c: a static program has none. */
#if defined(__ELF__)
#pragma weak dladdr
#define HAS_DLADDR (dladdr != NULL)
#else
#define HAS_DLADDR 1
#endif

unsigned smmap__os_backtrace(void **frames, unsigned most)
{
#ifdef HAS_BACKTRACE
    void *all[64];
    int wanted = (int)most + 1;
    int count = backtrace(all, wanted < 64 ? wanted : 64);

    /* The first is this function. */
    if (count <= 1) {
        return 0;
    }
    memcpy(frames, all + 1, (size_t)(count - 1) * sizeof *frames);
    return (unsigned)(count - 1);
#else
    (void)frames;
    (void)most;
    return 0;
#endif
}

void smmap__posix_print_frames(int fd, void *const *frames, unsigned count)
{
#ifdef HAS_BACKTRACE
    backtrace_symbols_fd(frames, (int)count, fd);
#else
    (void)fd;
    (void)frames;
    (void)count;
#endif
}

unsigned smmap__posix_caller(void *const *frames, unsigned count)
{
    static const char here = 0;
    Dl_info ours;
    Dl_info info;
    unsigned i;

    /* A static copy is in the same file as its callers. */
    if (!HAS_DLADDR || dladdr(&here, &ours) == 0 || ours.dli_fname == NULL ||
        strstr(ours.dli_fname, "libsmmap") == NULL) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (dladdr(frames[i], &info) != 0 && info.dli_fbase != ours.dli_fbase) {
            return i;
        }
    }
    return 0;
}

void smmap__os_symbolize(const void *frame, char *text, apr_size_t size)
{
#ifdef HAS_BACKTRACE
    void *frames[1] = {(void *)(uintptr_t)frame};
    char **names = backtrace_symbols(frames, 1);

    if (names != NULL) {
        snprintf(text, size, "%s", names[0]);
        free(names);
        return;
    }
#endif
    snprintf(text, size, "%p", frame);
}
