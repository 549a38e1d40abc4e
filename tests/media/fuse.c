/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file system in user space whose files make trouble on demand, for the media program. It
 * needs libfuse 3 and is built by the lane chaos alone.
 *
 *   good     is what it should be, and so are good0 to good9
 *   broken   answers EIO from its middle on; until it is repaired
 *   slow     a read of its second half waits; until the gate is opened. After a minute it
 *            answers EIO, as the test must have forgotten it
 *   direct   is opened with direct_io, so the system refuses to map it (ENODEV)
 *   spoiled  as direct, and as broken
 *   waiting  as text, how many reads are waiting
 *
 * To remove a file of these names is an order: repair, break, open-gate, close-gate. It is
 * obeyed when unlink() returns.
 *
 * The server runs in the foreground, and ends when it is unmounted, or when the process goes
 * that has started it.
 */
#define FUSE_USE_VERSION 31

#include <fuse.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "bytes.h"

enum { SIZE = 4 << 20, MIDDLE = SIZE / 2, MOST_SECONDS = 60 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int broken = 1;
static int gate_closed = 1;
static int waiting;

static const char *const orders[] = {"/repair", "/break", "/open-gate", "/close-gate"};

static int is_order(const char *path)
{
    size_t i;

    for (i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (strcmp(path, orders[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_file(const char *path)
{
    return strncmp(path, "/good", 5) == 0 || strcmp(path, "/broken") == 0 ||
           strcmp(path, "/slow") == 0 || strcmp(path, "/direct") == 0 ||
           strcmp(path, "/spoiled") == 0 || strncmp(path, "/unnumbered", 11) == 0;
}

/* The inode; of some files there is none. */
static ino_t number_of(const char *path)
{
    ino_t number = 1;

    if (strncmp(path, "/unnumbered", 11) == 0) {
        return 0;
    }
    for (; *path != '\0'; path++) {
        number = number * 31 + (unsigned char)*path;
    }
    return number;
}

static void *start(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->entry_timeout = 0;
    config->attr_timeout = 0;
    config->negative_timeout = 0;
    config->use_ino = 1;
    return NULL;
}

static int examine(const char *path, struct stat *info, struct fuse_file_info *file)
{
    (void)file;
    memset(info, 0, sizeof *info);
    info->st_ino = number_of(path);
    if (strcmp(path, "/") == 0) {
        info->st_mode = S_IFDIR | 0755;
        info->st_nlink = 2;
        return 0;
    }
    if (!is_file(path) && !is_order(path) && strcmp(path, "/waiting") != 0) {
        return -ENOENT;
    }
    info->st_mode = S_IFREG | 0644;
    info->st_nlink = 1;
    info->st_size = is_file(path) ? SIZE : 0;
    return 0;
}

static int open_file(const char *path, struct fuse_file_info *file)
{
    file->direct_io = strcmp(path, "/direct") == 0 || strcmp(path, "/spoiled") == 0 ||
                      strcmp(path, "/waiting") == 0;
    /* Otherwise to open a file waits for those of its pages that hang. */
    file->keep_cache = strcmp(path, "/slow") == 0;
    return 0;
}

static int obey(const char *path)
{
    if (!is_order(path)) {
        return -EPERM;
    }
    pthread_mutex_lock(&lock);
    if (strcmp(path, "/repair") == 0 || strcmp(path, "/break") == 0) {
        broken = path[1] == 'b';
    } else {
        gate_closed = path[1] == 'c';
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Wait at the gate, if need be; is the file broken? */
static int pass(const char *path, int second_half)
{
    struct timespec end;
    int is_broken;
    int late = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += MOST_SECONDS;
    pthread_mutex_lock(&lock);
    if (second_half && strcmp(path, "/slow") == 0) {
        waiting++;
        while (gate_closed && late == 0) {
            late = pthread_cond_timedwait(&changed, &lock, &end);
        }
        waiting--;
    }
    is_broken = late != 0 || (broken && second_half && (strcmp(path, "/broken") == 0 ||
                                                        strcmp(path, "/spoiled") == 0));
    pthread_mutex_unlock(&lock);
    return is_broken;
}

static int read_file(const char *path, char *to, size_t size, off_t offset,
                     struct fuse_file_info *file)
{
    size_t i;

    (void)file;
    if (strcmp(path, "/waiting") == 0) {
        char text[32];
        int length;

        pthread_mutex_lock(&lock);
        length = snprintf(text, sizeof text, "%d", waiting);
        pthread_mutex_unlock(&lock);
        if (offset >= length) {
            return 0;
        }
        size = size < (size_t)length ? size : (size_t)length;
        memcpy(to, text, size);
        return (int)size;
    }
    if (offset >= SIZE) {
        return 0;
    }
    if (size > (size_t)(SIZE - offset)) {
        size = (size_t)(SIZE - offset);
    }
    if (pass(path, offset + (off_t)size > MIDDLE)) {
        return -EIO;
    }
    for (i = 0; i < size; i++) {
        to[i] = (char)media_byte((uint64_t)offset + i);
    }
    return (int)size;
}

static const struct fuse_operations operations = {
    .init = start,
    .getattr = examine,
    .open = open_file,
    .read = read_file,
    .unlink = obey,
};

int main(int argc, char **argv)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        perror("prctl");
        return 2;
    }
    return fuse_main(argc, argv, &operations, NULL);
}
