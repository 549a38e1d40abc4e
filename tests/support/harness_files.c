/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files for the tests, and whether a cursor shows their bytes.
 *
 * They are made by plain calls of the system and not by the library's own: what
 * the library says is compared with what was written.
 */
#include "harness.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <string.h>

static void write_all(apr_os_file_t handle, apr_off_t offset, const unsigned char *data,
                      apr_size_t size)
{
    native_set_place(handle, offset);
    while (size > 0) {
        apr_off_t written = native_write(handle, data, size);

        NEED(written > 0);
        data += written;
        size -= (apr_size_t)written;
    }
}

test_file_t file_make(const char *name, apr_size_t size)
{
    test_file_t file;
    apr_size_t i;
    apr_os_file_t handle;

    file.path = test_path(name);
    file.size = size;
    file.data = apr_palloc(test_pool, size + 8);
    for (i = 0; i < size; i += 8) {
        apr_uint64_t bytes = random_number();

        memcpy(file.data + i, &bytes, sizeof bytes);
    }
    NEED_OK(native_open(&handle, file.path, NATIVE_MAKE));
    write_all(handle, 0, file.data, size);
    NEED_OK(native_close(handle));
    return file;
}

void file_write(const char *path, apr_off_t offset, const void *data, apr_size_t size)
{
    apr_os_file_t handle;

    NEED_OK(native_open(&handle, path, NATIVE_WRITE));
    write_all(handle, offset, data, size);
    NEED_OK(native_close(handle));
}

int file_resize(const char *path, apr_off_t size)
{
    return native_resize(path, size);
}

void file_rename(const char *from, const char *to)
{
    NEED_OK(native_rename(from, to));
}

void file_delete(const char *path)
{
    NEED_OK(native_delete(path));
}

void file_link(const char *from, const char *to)
{
    NEED_OK(apr_file_link(from, to));
}

apr_os_file_t file_open(const char *path)
{
    apr_os_file_t handle;

    NEED_OK(native_open(&handle, path, NATIVE_READ));
    return handle;
}

void file_close(apr_os_file_t handle)
{
    NEED_OK(native_close(handle));
}

apr_uint64_t file_id(const char *path)
{
    apr_os_file_t handle = file_open(path);
    apr_uint64_t id = 0;
    apr_off_t size;
    int regular;

    CHECK_OK(native_facts(handle, &size, &id, &regular));
    file_close(handle);
    return id;
}

void directory_make(const char *path)
{
    NEED_OK(apr_dir_make(path, APR_FPROT_OS_DEFAULT, test_pool));
}

void directory_remove(const char *path)
{
    NEED_OK(apr_dir_remove(path, test_pool));
}

void directory_enter(const char *path)
{
    NEED_OK(apr_filepath_set(path, test_pool));
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

static void remove_tree(const char *path, apr_pool_t *pool)
{
    apr_dir_t *directory;
    apr_finfo_t info;

    if (apr_dir_open(&directory, path, pool) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, directory) == APR_SUCCESS) {
        const char *name = apr_pstrcat(pool, path, "/", info.name, NULL);

        if (strcmp(info.name, ".") == 0 || strcmp(info.name, "..") == 0) {
            continue;
        }
        if (apr_file_remove(name, pool) != APR_SUCCESS) {
            remove_tree(name, pool);
        }
    }
    apr_dir_close(directory);
    apr_dir_remove(path, pool);
}

void harness_remove_tree(const char *path)
{
    apr_pool_t *pool;

    if (apr_pool_create(&pool, NULL) == APR_SUCCESS) {
        remove_tree(path, pool);
        apr_pool_destroy(pool);
    }
}
