/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the system says that a process has; see leftover.h. On Linux /proc/self tells, and
 * mallinfo2() of the C library, from glibc 2.33 on.
 */
#include "config.h"

#include "leftover.h"

#include "backends/backend.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* The number of open descriptors, without the one that counts them. */
static int count_descriptors(apr_size_t *count)
{
    DIR *directory = opendir("/proc/self/fd");
    const struct dirent *entry;

    *count = 0;
    if (directory == NULL) {
        return 0;
    }
    while ((entry = readdir(directory)) != NULL) {
        *count += entry->d_name[0] != '.';
    }
    closedir(directory);
    *count -= 1;
    return 1;
}

/* Lines of the file are `addresses rights offset device inode path`; anonymous memory has the
   inode 0. */
static int count_mappings(apr_size_t *count, apr_size_t *deleted)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[8192];

    *count = 0;
    *deleted = 0;
    if (maps == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long inode = 0;

        if (sscanf(line, "%*s %*s %*s %*s %llu", &inode) == 1 && inode != 0) {
            *count += 1;
            *deleted += strstr(line, " (deleted)") != NULL;
        }
    }
    fclose(maps);
    return 1;
}

leftover_t leftover_now(void)
{
    void *frames[1];
    leftover_t now = {0, 0, 0, 0, 0};

    /* What stays once it is there: in paranoid mode the first look for a caller loads a library, and
       the guard has a page of zeros. */
    smmap__os_backtrace(frames, 1);
    smmap__os_guard_install();
    now.known = count_descriptors(&now.descriptors) && count_mappings(&now.mappings, &now.deleted);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 33))
    now.heap = mallinfo2().uordblks;
#endif
    return now;
}
