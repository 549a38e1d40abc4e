/*
 * The POSIX backend for paranoid mode: who may touch a mapping, and who called.
 *
 * backtrace() is the C library's, where it has one (glibc, macOS, the BSDs; not musl). The
 * first call may load another library, and allocate.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix_guard.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#endif
#endif

apr_status_t smmap__os_protect(const smmap__os_mapping_t *mapping, int allowed)
{
    int usual = mapping->memory ? PROT_READ | PROT_WRITE : PROT_READ;

    return mprotect(mapping->address, mapping->length, allowed ? usual : PROT_NONE) == 0
               ? APR_SUCCESS
               : errno;
}

apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping)
{
    smmap__posix_guard_forget(mapping->address);
    /* In one step, so that nobody else gets the addresses in between. */
    return mmap(mapping->address, mapping->length, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED
               ? APR_SUCCESS
               : errno;
}

apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *barred)
{
    if (barred->length != 0 && munmap(barred->address, barred->length) != 0) {
        return errno;
    }
    memset(barred, 0, sizeof *barred);
    return APR_SUCCESS;
}

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
