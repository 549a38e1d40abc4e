/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: how much memory there is for this process. No state; each call asks anew.
 *
 * On Linux control groups limit it: version 1 has the controller `memory` in a tree of its own,
 * version 2 one tree for all. The limit of each ancestor counts, too. The trees are looked for
 * where systemd and container runtimes mount them. In a container /proc/self/cgroup may tell a path
 * of the host, which is not there: then the parts of it that are missing are passed over, and what
 * is left is the top of the tree, which is the container's own group.
 *
 * What is not there limits nothing. What is there and cannot be read is an error: a limit that was
 * not seen must not count as none.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/sysctl.h>
#include <sys/types.h>
#endif

#ifdef __linux__

#define TREE_1 "/sys/fs/cgroup/memory"
#define TREE_2 "/sys/fs/cgroup"

/* NAME_SIZE: for the longest tree, or the longest name of a file. */
enum { TEXT_SIZE = 4096, NAME_SIZE = 32, NUMBER_SIZE = 64, PRESSED_PERCENT = 10 };

/* Read a file of the kernel's, as far as it fits, and terminate it. */
static int read_text(char *text, size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got;
    int error;

    if (fd < 0) {
        return errno;
    }
    do {
        got = pread(fd, text + length, size - 1 - length, (off_t)length);
        error = got < 0 ? errno : 0;
        length += got > 0 ? (size_t)got : 0;
    } while (got > 0 && length < size - 1);
    close(fd);
    text[length] = '\0';
    return error;
}

/* Read a file of a group; its path has NAME_SIZE bytes of room behind it, and stays as it is. */
static int read_of_group(char *text, char *group, const char *name)
{
    const size_t length = strlen(group);
    int error;

    strcpy(group + length, name);
    error = read_text(text, NUMBER_SIZE, group);
    group[length] = '\0';
    return error;
}

/* The number in a file of a group lowers `most`; there may be no such file, or the word `max`. */
static int lower(apr_uint64_t *most, char *group, const char *name)
{
    char text[NUMBER_SIZE];
    int error = read_of_group(text, group, name);

    if (error == 0 && text[0] >= '0' && text[0] <= '9') {
        apr_uint64_t number = strtoull(text, NULL, 10);

        *most = number < *most ? number : *most;
    }
    return error != ENOENT ? error : 0;
}

/* The limits of a group and of those above it. */
static int lower_up(apr_uint64_t *most, char *group, size_t top, int version)
{
    char *last = strrchr(group, '/');
    int error;

    if (last != NULL && last[1] == '\0') {
        *last = '\0';
    }
    for (;;) {
        if (version == 1) {
            error = lower(most, group, "/memory.limit_in_bytes");
        } else {
            error = lower(most, group, "/memory.max");
            error = error == 0 ? lower(most, group, "/memory.high") : error;
        }
        last = strrchr(group, '/');
        if (error != 0 || strlen(group) <= top || last == NULL) {
            return error;
        }
        *last = '\0';
    }
}

/* Did threads wait for memory in a tenth of the last ten seconds? 0 also where nobody tells. */
static int is_pressed(char *group)
{
    static const char before[] = "some avg10=";
    char text[NUMBER_SIZE];

    if (read_of_group(text, group, "/memory.pressure") != 0 &&
        read_text(text, sizeof text, "/proc/pressure/memory") != 0) {
        return 0;
    }
    return strncmp(text, before, sizeof before - 1) == 0 &&
           strtoul(text + sizeof before - 1, NULL, 10) >= PRESSED_PERCENT;
}

/* Does a line `NUMBER:CONTROLLERS:PATH` have the controller `memory`? */
static int has_memory(const char *controllers, const char *end)
{
    static const char name[] = "memory";
    const size_t length = sizeof name - 1;

    while (controllers < end) {
        const size_t here = strcspn(controllers, ",:");

        if (here == length && memcmp(controllers, name, length) == 0) {
            return 1;
        }
        controllers += here + 1;
    }
    return 0;
}

static int lower_to_groups(smmap__os_memory_t *memory)
{
    char text[TEXT_SIZE];
    char group[TEXT_SIZE + 2 * NAME_SIZE];
    char *line = text;
    int error = read_text(text, sizeof text, "/proc/self/cgroup");

    while (error == 0 && *line != '\0') {
        char *end = line + strcspn(line, "\n");
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        const int next = *end != '\0';

        *end = '\0';
        if (path != NULL && path == controllers + 1) {
            snprintf(group, sizeof group - NAME_SIZE, TREE_2 "%s", path + 1);
            memory->pressed = is_pressed(group);
            error = lower_up(&memory->most, group, sizeof TREE_2 - 1, 2);
        } else if (path != NULL && has_memory(controllers + 1, path)) {
            snprintf(group, sizeof group - NAME_SIZE, TREE_1 "%s", path + 1);
            error = lower_up(&memory->most, group, sizeof TREE_1 - 1, 1);
        }
        line = end + next;
    }
    return error != ENOENT ? error : 0;
}

#endif

apr_status_t smmap__os_memory(smmap__os_memory_t *memory)
{
    smmap__os_memory_t found = {0, 0};
    int error = 0;
    int cancel;

#ifdef __APPLE__
    size_t size = sizeof found.most;

    if (sysctlbyname("hw.memsize", &found.most, &size, NULL, 0) != 0) {
        return errno;
    }
#elif defined(_SC_PHYS_PAGES)
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);

    if (pages <= 0 || page <= 0) {
        return APR_ENOTIMPL;
    }
    found.most = (apr_uint64_t)pages * (apr_uint64_t)page;
#else
    return APR_ENOTIMPL;
#endif
    cancel = smmap__posix_cancel_disable();
#ifdef __linux__
    error = lower_to_groups(&found);
#endif
    smmap__posix_cancel_restore(cancel);
    if (error == 0) {
        *memory = found;
    }
    return error;
}
