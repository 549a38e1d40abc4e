/*
 * The real files of the model, and what the system says about them. See model.h.
 *
 * A file's bytes follow from its key and the offset, and never change: what is added
 * after it was cut is what was there before. So a byte that is shown can be of no
 * other file, and of no other place (the pattern repeats after a prime).
 *
 * The fake maps by copying, so unlike a real mapping it does not keep the file: after
 * the last path and handle are gone the system would give the file's id to a new one.
 * For as long as there are regions of a deleted file, a descriptor here stands for them.
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
static char spare[3010];
static unsigned char pattern[PERIOD];
static int held[INODES];
static unsigned last_key;

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
    snprintf(spare, sizeof spare, "%s/new", directory);
    for (i = 0; i < INODES; i++) {
        held[i] = -1;
    }
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
    for (i = 0; i < INODES; i++) {
        if (held[i] >= 0) {
            close(held[i]);
            held[i] = -1;
        }
    }
    last_key = 0;
}

void model_disk_end(void)
{
    model_disk_clear();
    unlink(names[PATHS - 1]);
    unlink(spare);
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

static void take_facts(inode_t *inode, int fd)
{
    struct stat is;

    if (fstat(fd, &is) != 0) {
        die("examine", directory);
    }
    inode->id = (apr_uint64_t)is.st_ino;
    inode->size = is.st_size;
    /* As model_stat.c has them. */
    apr_time_ansi_put(&inode->mtime, is.st_mtime);
    apr_time_ansi_put(&inode->ctime, is.st_ctime);
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);

    if (fd < 0) {
        die("open", path);
    }
    return fd;
}

static int in_use(const world_t *w, int inode)
{
    int i;

    for (i = 0; i < FILES; i++) {
        if (w->files[i].used && w->files[i].open && w->files[i].inode == inode) {
            return 1;
        }
    }
    for (i = 0; i < REGIONS; i++) {
        if (w->regions[i].used && w->regions[i].inode == inode) {
            return 1;
        }
    }
    return 0;
}

void model_disk_settle(const world_t *w)
{
    int i;

    for (i = 0; i < INODES; i++) {
        if (held[i] >= 0 && !in_use(w, i)) {
            close(held[i]);
            held[i] = -1;
        }
    }
}

static int free_inode(const world_t *w)
{
    int i;

    for (i = 0; i < INODES; i++) {
        if (!w->inodes[i].used || (w->inodes[i].links == 0 && held[i] < 0 && !in_use(w, i))) {
            return i;
        }
    }
    return NONE;
}

/* The path is about to lead nowhere, or elsewhere; call finish with what this returns. */
static int part_begin(const world_t *w, int path)
{
    return w->paths[path].kind == PATH_FILE ? open_file(names[path], O_RDONLY) : -1;
}

static void part_finish(world_t *w, int path, int fd)
{
    int number = w->paths[path].inode;

    if (fd < 0) {
        return;
    }
    take_facts(&w->inodes[number], fd);
    if (--w->inodes[number].links == 0 && in_use(w, number)) {
        held[number] = fd;
    } else {
        close(fd);
    }
}

/* Operations. */

static void make(world_t *w, int path, apr_off_t size)
{
    int number = free_inode(w);
    inode_t *inode = &w->inodes[number];
    int old;
    int fd;

    if (number == NONE || w->paths[path].kind == PATH_DIRECTORY) {
        return;
    }
    memset(inode, 0, sizeof *inode);
    inode->used = 1;
    inode->links = 1;
    inode->key = ++last_key;
    fd = open_file(spare, O_RDWR | O_CREAT | O_EXCL);
    write_bytes(fd, spare, inode->key, 0, size);
    old = part_begin(w, path);
    if (rename(spare, names[path]) != 0) {
        die("rename", spare);
    }
    part_finish(w, path, old);
    take_facts(inode, fd);
    close(fd);
    w->paths[path].kind = PATH_FILE;
    w->paths[path].inode = number;
}

static void change(world_t *w, int path, kind_t kind, apr_off_t size)
{
    inode_t *inode = &w->inodes[w->paths[path].inode];
    int fd;

    if (w->paths[path].kind != PATH_FILE) {
        return;
    }
    fd = open_file(names[path], O_RDWR);
    if (kind == DO_FILE_GROW && size > inode->size) {
        write_bytes(fd, names[path], inode->key, inode->size, size);
    } else if (kind == DO_FILE_CUT && size < inode->size) {
        if (ftruncate(fd, (off_t)size) != 0) {
            die("cut", names[path]);
        }
    } else if (kind == DO_FILE_TOUCH) {
        struct timespec times[2] = {{0, 0}, {1000000 + (time_t)size, 0}};

        if (futimens(fd, times) != 0) {
            die("touch", names[path]);
        }
    }
    take_facts(inode, fd);
    close(fd);
}

static void delete(world_t *w, int path)
{
    int old = part_begin(w, path);

    if (w->paths[path].kind == PATH_DIRECTORY ? rmdir(names[path]) != 0
                                              : old >= 0 && unlink(names[path]) != 0) {
        die("delete", names[path]);
    }
    part_finish(w, path, old);
    w->paths[path].kind = PATH_NONE;
}

static void link_to(world_t *w, int path, int other)
{
    int fd;

    if (w->paths[path].kind != PATH_FILE || w->paths[other].kind != PATH_NONE) {
        return;
    }
    if (link(names[path], names[other]) != 0) {
        die("link", names[path]);
    }
    w->paths[other] = w->paths[path];
    w->inodes[w->paths[path].inode].links++;
    fd = open_file(names[path], O_RDONLY);
    take_facts(&w->inodes[w->paths[path].inode], fd);
    close(fd);
}

void model_disk_do(world_t *w, const operation_t *operation)
{
    int path = operation->path == PATHS - 1 ? 0 : operation->path;
    int other = operation->other_path == PATHS - 1 ? 0 : operation->other_path;

    switch (operation->kind) {
    case DO_FILE_MAKE:
        make(w, path, operation->size);
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
