/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real files of the model, and what the system says about them. See model.h.
 *
 * A file's bytes follow from its key and the offset, and never change: what is added
 * after it was cut is what was there before. So a byte that is shown can be of no
 * other file, and of no other place (the pattern repeats after a prime).
 *
 * Ids and times are not the system's, so that a sequence does the same wherever and as
 * often as it runs: an id is given to a new file when the old one has no path, no handle
 * and no region any more, and the operation says so; times are steps of a clock that
 * goes on with each change. stat.c tells them to the library.
 */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PERIOD = 262139, STEP = 7919 };

static char directory[3000];
static char names[PATHS][3010];
static char replacement[3010];
static unsigned char pattern[PERIOD];
static unsigned last_key;
static apr_uint64_t last_id;
static apr_time_t clock_now;

/* What the library is told of each, by number of the inode; real 0: nothing. */
static struct {
    apr_uint64_t real;
    apr_uint64_t id;
    apr_time_t mtime;
    apr_time_t ctime;
} told[INODES];

static void die(const char *what, const char *path)
{
    fprintf(stderr, "model: cannot %s %s: %s\n", what, path, strerror(errno));
    exit(2);
}

int model_disk_begin(void)
{
    const char *base = getenv("TMPDIR");
    apr_uint64_t state = 1;
    int i;

    snprintf(directory, sizeof directory, "%s/smmap-model-XXXXXX",
             base != NULL && *base != '\0' ? base : "/tmp");
    if (mkdtemp(directory) == NULL) {
        fprintf(stderr, "model: cannot make the directory %s: %s\n", directory, strerror(errno));
        return 0;
    }
    for (i = 0; i < PERIOD; i++) {
        state = state * APR_UINT64_C(6364136223846793005) + APR_UINT64_C(1442695040888963407);
        pattern[i] = (unsigned char)(state >> 56);
    }
    for (i = 0; i < PATHS; i++) {
        snprintf(names[i], sizeof names[i], "%s/%c", directory, 'a' + i);
    }
    snprintf(replacement, sizeof replacement, "%s/new", directory);
    if (symlink("a", names[PATHS - 1]) != 0) {
        die("make", names[PATHS - 1]);
    }
    return 1;
}

const char *model_disk_path(int path)
{
    return names[path];
}

void model_disk_clear(void)
{
    int i;

    for (i = 0; i < PATHS - 1; i++) {
        if (unlink(names[i]) != 0 && errno != ENOENT) {
            rmdir(names[i]);
        }
    }
    unlink(replacement); /* of a sequence that was ended in the middle */
    memset(told, 0, sizeof told);
    last_key = 0;
    last_id = 0;
    clock_now = 0;
}

void model_disk_end(void)
{
    model_disk_clear();
    unlink(names[PATHS - 1]);
    rmdir(directory);
}

/* Bytes. */

static apr_size_t place(unsigned key, apr_off_t offset)
{
    return (apr_size_t)(((apr_uint64_t)offset + (apr_uint64_t)key * STEP) % PERIOD);
}

int model_disk_shows(unsigned key, apr_off_t offset, const unsigned char *data, apr_size_t size)
{
    while (size > 0) {
        apr_size_t at = place(key, offset);
        apr_size_t part = PERIOD - at < size ? PERIOD - at : size;

        if (memcmp(data, pattern + at, part) != 0) {
            return 0;
        }
        data += part;
        offset += (apr_off_t)part;
        size -= part;
    }
    return 1;
}

static void write_bytes(int fd, const char *path, unsigned key, apr_off_t offset, apr_off_t end)
{
    while (offset < end) {
        apr_size_t at = place(key, offset);
        apr_size_t part = PERIOD - at;
        ssize_t written;

        if ((apr_off_t)part > end - offset) {
            part = (apr_size_t)(end - offset);
        }
        written = pwrite(fd, pattern + at, part, (off_t)offset);
        if (written <= 0) {
            die("write to", path);
        }
        offset += written;
    }
}

/* Facts. */

void model_disk_tell(apr_uint64_t real, apr_uint64_t *id, apr_time_t *mtime, apr_time_t *ctime)
{
    int i;

    for (i = 0; i < INODES && told[i].real != real; i++) {
    }
    *id = i < INODES ? told[i].id : 0;
    *mtime = i < INODES ? told[i].mtime : 0;
    *ctime = i < INODES ? told[i].ctime : 0;
}

/* An inode was changed: its bytes (and size), or its paths alone. */
static void changed(world_t *w, int number, int bytes)
{
    inode_t *inode = &w->inodes[number];

    inode->ctime = ++clock_now;
    if (bytes) {
        inode->mtime = clock_now;
    }
    told[number].mtime = inode->mtime;
    told[number].ctime = inode->ctime;
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);

    if (fd < 0) {
        die("open", path);
    }
    return fd;
}

static int free_inode(const world_t *w)
{
    int i;

    for (i = 0; i < INODES; i++) {
        if (!w->inodes[i].used || (w->inodes[i].links == 0 && !model_in_use(i))) {
            return i;
        }
    }
    return NONE;
}

/* The smallest id that no file has, or one that none ever had. */
static apr_uint64_t choose_id(const world_t *w, int again)
{
    apr_uint64_t id;
    int i;

    for (id = 1; again && id <= last_id; id++) {
        for (i = 0; i < INODES; i++) {
            if (w->inodes[i].used && w->inodes[i].id == id &&
                (w->inodes[i].links > 0 || model_in_use(i))) {
                break;
            }
        }
        if (i == INODES) {
            return id;
        }
    }
    return ++last_id;
}

/* A path leads nowhere any more, or elsewhere. */
static void unlinked(world_t *w, int path)
{
    if (w->paths[path].kind == PATH_FILE) {
        w->inodes[w->paths[path].inode].links--;
        changed(w, w->paths[path].inode, 0);
    }
}

/* Operations. */

/* choice 1: with the id of a file that is gone; 3: and with its times. */
static void make(world_t *w, int path, apr_off_t size, int choice)
{
    int number = free_inode(w);
    inode_t *inode = &w->inodes[number];
    struct stat is;
    int old = NONE;
    int fd;
    int i;

    if (number == NONE || w->paths[path].kind == PATH_DIRECTORY) {
        return;
    }
    fd = open_file(replacement, O_RDWR | O_CREAT | O_EXCL);
    if (fstat(fd, &is) != 0) {
        die("examine", replacement);
    }
    for (i = 0; i < INODES; i++) {
        if (told[i].real == (apr_uint64_t)is.st_ino) {
            told[i].real = 0;
        }
    }
    memset(inode, 0, sizeof *inode);
    inode->id = choose_id(w, choice & 1);
    for (i = 0; i < INODES && choice == 3; i++) {
        if (i != number && w->inodes[i].used && w->inodes[i].id == inode->id) {
            old = i;
        }
    }
    inode->real = (apr_uint64_t)is.st_ino;
    inode->used = 1;
    inode->links = 1;
    inode->size = size;
    inode->key = ++last_key;
    told[number].real = inode->real;
    told[number].id = inode->id;
    write_bytes(fd, replacement, inode->key, 0, size);
    close(fd);
    if (rename(replacement, names[path]) != 0) {
        die("rename", replacement);
    }
    unlinked(w, path);
    changed(w, number, 1);
    if (old != NONE) {
        /* Nothing but perhaps its size tells it from the one that is gone. */
        told[number].mtime = inode->mtime = w->inodes[old].mtime;
        told[number].ctime = inode->ctime = w->inodes[old].ctime;
    }
    w->paths[path].kind = PATH_FILE;
    w->paths[path].inode = number;
}

static void change(world_t *w, int path, kind_t kind, apr_off_t size)
{
    int number = w->paths[path].inode;
    inode_t *inode = &w->inodes[number];
    int fd;

    if (w->paths[path].kind != PATH_FILE || (kind == DO_FILE_GROW && size <= inode->size) ||
        (kind == DO_FILE_CUT && size >= inode->size)) {
        return;
    }
    fd = open_file(names[path], O_RDWR);
    if (kind == DO_FILE_GROW) {
        write_bytes(fd, names[path], inode->key, inode->size, size);
    } else if (kind == DO_FILE_CUT && ftruncate(fd, (off_t)size) != 0) {
        die("cut", names[path]);
    }
    close(fd);
    if (kind != DO_FILE_TOUCH) {
        inode->size = size;
    }
    changed(w, number, 1);
}

static void delete(world_t *w, int path)
{
    if (w->paths[path].kind == PATH_DIRECTORY ? rmdir(names[path]) != 0
                                              : w->paths[path].kind == PATH_FILE &&
                                                    unlink(names[path]) != 0) {
        die("delete", names[path]);
    }
    unlinked(w, path);
    w->paths[path].kind = PATH_NONE;
}

static void link_to(world_t *w, int path, int other)
{
    if (w->paths[path].kind != PATH_FILE || w->paths[other].kind != PATH_NONE) {
        return;
    }
    if (link(names[path], names[other]) != 0) {
        die("link", names[path]);
    }
    w->paths[other] = w->paths[path];
    w->inodes[w->paths[path].inode].links++;
    changed(w, w->paths[path].inode, 0);
}

void model_disk_do(world_t *w, const operation_t *operation)
{
    int path = operation->path == PATHS - 1 ? 0 : operation->path;
    int other = operation->other_path == PATHS - 1 ? 0 : operation->other_path;

    switch (operation->kind) {
    case DO_FILE_MAKE:
        make(w, path, operation->size, operation->choice);
        break;
    case DO_FILE_GROW:
    case DO_FILE_CUT:
    case DO_FILE_TOUCH:
        change(w, path, operation->kind, operation->size);
        break;
    case DO_FILE_DELETE:
        delete(w, path);
        break;
    case DO_FILE_LINK:
        link_to(w, path, other);
        break;
    case DO_FILE_DIRECTORY:
        if (w->paths[path].kind == PATH_NONE && mkdir(names[path], 0755) == 0) {
            w->paths[path].kind = PATH_DIRECTORY;
        }
        break;
    default:
        break;
    }
}
