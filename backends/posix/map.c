/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: mappings, their advice, residency and protection, and quarantined addresses.
 *
 * No state. Before a mapping goes, it is taken out of the table of patches.c: afterwards its
 * address may belong to another mapping at once.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The bit of mincore() that says "in memory". Linux and the BSDs set no other; macOS does, for
   pages that were referenced or modified. */
#ifdef MINCORE_INCORE
#define INCORE_BIT MINCORE_INCORE
#else
#define INCORE_BIT 1
#endif

/* Is there no room for a mapping, whatever the file is? EAGAIN: too much memory is locked. */
static int is_of_room(int error)
{
    return error == ENOMEM || error == EAGAIN || error == EMFILE || error == ENFILE;
}

apr_status_t smmap__os_map(smmap__os_mapping_t *mapping, apr_os_file_t file, apr_off_t offset,
                           apr_size_t length)
{
    /* Shared: a private mapping shows the same bytes, but may copy pages on some systems, and
       counts against the commit limit on others. */
    void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, file, (off_t)offset);

    /* Some refuse these alone: sealed files, as EPERM, and file systems. ENODEV comes from those
       where what is mapped would not follow the file: there a private mapping would not either. */
    if (address == MAP_FAILED && errno != ENODEV && !is_of_room(errno)) {
        address = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, (off_t)offset);
    }
    smmap__posix_guard_look_again();
    if (address == MAP_FAILED) {
        return is_of_room(errno) || errno == EBADF ? errno : APR_ENOTIMPL;
    }
    mapping->address = address;
    mapping->length = length;
    mapping->memory = 0;
    return APR_SUCCESS;
}

apr_status_t smmap__os_map_anonymous(smmap__os_mapping_t *mapping, apr_size_t length)
{
    void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (address == MAP_FAILED) {
        return errno;
    }
    mapping->address = address;
    mapping->length = length;
    mapping->memory = 1;
    return APR_SUCCESS;
}

apr_status_t smmap__os_unmap(smmap__os_mapping_t *mapping)
{
    if (mapping->address != NULL) {
        smmap__posix_patch_forget(mapping->address);
        if (munmap(mapping->address, mapping->length) != 0) {
            return errno;
        }
    }
    memset(mapping, 0, sizeof *mapping);
    return APR_SUCCESS;
}

/* Just behind its last page. */
static unsigned char *end_of(const smmap__os_mapping_t *mapping, apr_size_t page)
{
    return mapping->address + (mapping->length + page - 1) / page * page;
}

apr_status_t smmap__os_unmap_run(smmap__os_mapping_t *mappings, unsigned count, unsigned *done)
{
    const apr_size_t page = (apr_size_t)sysconf(_SC_PAGESIZE);
    unsigned char *begin = mappings->address;
    unsigned char *end = end_of(mappings, page);
    apr_status_t status;
    unsigned run = 1;
    unsigned i;

    /* What is of another kind may be memory of the heap. */
    for (; run < count && mappings[run].memory == mappings->memory; run++) {
        if (mappings[run].address == end) {
            end = end_of(&mappings[run], page);
        } else if (end_of(&mappings[run], page) == begin) {
            begin = mappings[run].address;
        } else {
            break;
        }
    }
    if (run > 1) {
        for (i = 0; i < run; i++) {
            smmap__posix_patch_forget(mappings[i].address);
        }
        if (munmap(begin, (apr_size_t)(end - begin)) == 0) {
            memset(mappings, 0, run * sizeof *mappings);
            *done = run;
            return APR_SUCCESS;
        }
    }
    status = smmap__os_unmap(mappings);
    *done = status == APR_SUCCESS;
    return status;
}

apr_status_t smmap__os_advise(const smmap__os_mapping_t *mapping, apr_size_t offset,
                              apr_size_t length, smmap__os_advice_t advice)
{
    static const int native[] = {
        [SMMAP__OS_NORMAL] = MADV_NORMAL,     [SMMAP__OS_SEQUENTIAL] = MADV_SEQUENTIAL,
        [SMMAP__OS_RANDOM] = MADV_RANDOM,     [SMMAP__OS_WILLNEED] = MADV_WILLNEED,
        [SMMAP__OS_DONTNEED] = MADV_DONTNEED,
    };

    return madvise(mapping->address + offset, length, native[advice]) == 0 ? APR_SUCCESS : errno;
}

apr_status_t smmap__os_residency(const smmap__os_mapping_t *mapping, apr_size_t offset,
                                 apr_size_t length, unsigned char *pages)
{
    apr_size_t page = (apr_size_t)sysconf(_SC_PAGESIZE);
    apr_size_t count = length / page + (length % page != 0);
    apr_size_t i;

#ifdef __linux__
    int failed = mincore(mapping->address + offset, length, pages);
#else
    int failed = mincore(mapping->address + offset, length, (void *)pages);
#endif

    if (failed != 0) {
        return errno;
    }
    for (i = 0; i < count; i++) {
        pages[i] = (pages[i] & INCORE_BIT) != 0;
    }
    return APR_SUCCESS;
}

apr_status_t smmap__os_residency_is_told(apr_os_file_t file)
{
#ifdef __linux__
    char name[32];
    struct stat info;

    if (fstat(file, &info) != 0) {
        return errno;
    }
    if (info.st_uid == geteuid()) {
        return APR_SUCCESS;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    return faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) == 0 ? APR_SUCCESS : APR_ENOTIMPL;
#else
    (void)file;
    return APR_SUCCESS;
#endif
}

apr_status_t smmap__os_protect(const smmap__os_mapping_t *mapping, int allowed)
{
    int usual = mapping->memory ? PROT_READ | PROT_WRITE : PROT_READ;

    return mprotect(mapping->address, mapping->length, allowed ? usual : PROT_NONE) == 0
               ? APR_SUCCESS
               : errno;
}

apr_status_t smmap__os_quarantine(smmap__os_mapping_t *mapping)
{
    smmap__posix_patch_forget(mapping->address);
    /* In one step, so that no other mapping gets the addresses in between. */
    return mmap(mapping->address, mapping->length, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED
               ? APR_SUCCESS
               : errno;
}

apr_status_t smmap__os_unquarantine(smmap__os_mapping_t *quarantined)
{
    if (quarantined->length != 0 && munmap(quarantined->address, quarantined->length) != 0) {
        return errno;
    }
    memset(quarantined, 0, sizeof *quarantined);
    return APR_SUCCESS;
}
