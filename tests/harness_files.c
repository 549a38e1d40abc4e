/*
 * Files for the tests, and whether a cursor shows their bytes.
 *
 * They are made by plain calls of the system and not by the library's own: what
 * the library says is compared with what was written.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_all(int fd, apr_off_t offset, const unsigned char *data, apr_size_t size)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, data, size, (off_t)offset);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        NEED(written > 0);
        data += written;
        offset += written;
        size -= (apr_size_t)written;
    }
}

test_file_t file_make(const char *name, apr_size_t size)
{
    test_file_t file;
    apr_size_t i;
    int fd;

    file.path = test_path(name);
    file.size = size;
    file.data = apr_palloc(test_pool, size + 8);
    for (i = 0; i < size; i += 8) {
        apr_uint64_t bytes = random_number();

        memcpy(file.data + i, &bytes, sizeof bytes);
    }
    fd = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    NEED(fd >= 0);
    write_all(fd, 0, file.data, size);
    NEED(close(fd) == 0);
    return file;
}

void file_write(const char *path, apr_off_t offset, const void *data, apr_size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    NEED(fd >= 0);
    write_all(fd, offset, data, size);
    NEED(close(fd) == 0);
}

int file_resize(const char *path, apr_off_t size)
{
    return truncate(path, (off_t)size) == 0;
}

void file_rename(const char *from, const char *to)
{
    NEED(rename(from, to) == 0);
}

void file_delete(const char *path)
{
    NEED(unlink(path) == 0);
}

int file_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    NEED(fd >= 0);
    return fd;
}

static int shows(const unsigned char *data, apr_off_t begin, apr_size_t size,
                 const test_file_t *file)
{
    if (data == NULL || size == 0 || begin < 0 || (apr_uint64_t)begin > file->size ||
        size > file->size - (apr_size_t)begin) {
        return 0;
    }
    return memcmp(data, file->data + begin, size) == 0;
}

int cursor_shows(const smmap_cursor_t *cursor, const test_file_t *file)
{
    return shows(smmap_cursor_data(cursor), smmap_cursor_offset(cursor),
                 smmap_cursor_size(cursor), file);
}

int region_shows(const smmap_cursor_t *cursor, const test_file_t *file)
{
    apr_off_t begin = smmap_cursor_region_begin(cursor);

    return shows(smmap_cursor_at(cursor, begin), begin, smmap_cursor_region_size(cursor), file);
}
