/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bad input: it gets a status, and changes nothing. Files that cannot be opened
 * or mapped, handles that are none, windows and limits of odd sizes.
 */
#include "tests/support/harness.h"

#include <errno.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <stdio.h>
#include <string.h>

#include "tests/fake/backend.h"

/* Opening it must fail; what failed last is returned. */
static apr_status_t open_fails(smmap_manager_t *manager, const char *path)
{
    smmap_cursor_t *untouched = (smmap_cursor_t *)(void *)&untouched;
    smmap_cursor_t *cursor = untouched;
    smmap_stats_t before = manager_stats(manager);
    apr_status_t status = smmap_cursor_open(&cursor, manager, path, test_pool);
    smmap_stats_t after = manager_stats(manager);

    CHECK(status != APR_SUCCESS);
    CHECK(cursor == untouched);
    CHECK_NUMBER(after.cursors, before.cursors);
    CHECK_NUMBER(after.files, before.files);
    CHECK_NUMBER(after.open_files, before.open_files);
    CHECK_NUMBER(after.regions, before.regions);
    counts_check();
    return status;
}

static apr_status_t handle_fails(smmap_manager_t *manager, apr_os_file_t fd)
{
    smmap_cursor_t *untouched = (smmap_cursor_t *)(void *)&untouched;
    smmap_cursor_t *cursor = untouched;
    apr_status_t status = smmap_cursor_open_handle(&cursor, manager, fd, test_pool);

    CHECK(status != APR_SUCCESS);
    CHECK(cursor == untouched);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    CHECK_NUMBER(manager_stats(manager).files, 0);
    CHECK_NUMBER(manager_stats(manager).open_files, 0);
    counts_check();
    return status;
}

static void missing(void)
{
    smmap_manager_t *manager = manager_make(NULL);
    char name[5000];

    CHECK(says_missing(open_fails(manager, test_path("missing"))));
    CHECK(says_missing(open_fails(manager, test_path("no/such/directory"))));
    file_make("file", 10);
    CHECK(APR_STATUS_IS_ENOTDIR(open_fails(manager, test_path("file/below"))));
    memset(name, 'n', 300);
    name[300] = '\0';
    CHECK(native_says_too_long(open_fails(manager, test_path(name))));
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK(native_says_too_long(open_fails(manager, name)));
    CHECK_NUMBER(manager_stats(manager).opens, 0);
}

static void links_to_nothing(void)
{
    smmap_manager_t *manager = manager_make(NULL);

    NEED_OK(native_symlink("nowhere", test_path("dangling")));
    CHECK(says_missing(open_fails(manager, test_path("dangling"))));
    NEED_OK(native_symlink("loop", test_path("loop")));
    CHECK_STATUS(open_fails(manager, test_path("loop")), APR_FROM_OS_ERROR(ELOOP));
    NEED_OK(native_symlink(test_dir(), test_path("link")));
    CHECK_STATUS(open_fails(manager, test_path("link")), SMMAP_ENOTREGULAR);
    CHECK_NUMBER(manager_stats(manager).opens, 0);
}

static void null_arguments(void)
{
    smmap_manager_t *manager = manager_make(NULL);
    test_file_t file = file_make("file", 10);
    smmap_cursor_t *cursor = NULL;
    apr_os_file_t fd = file_open(file.path);

    CHECK_STATUS(smmap_cursor_open(NULL, manager, file.path, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open(&cursor, NULL, file.path, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open(&cursor, manager, NULL, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open(&cursor, manager, "", test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open_handle(NULL, manager, fd, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_open_handle(&cursor, NULL, fd, test_pool), APR_EINVAL);
    CHECK_STATUS(smmap_cursor_refresh(NULL), APR_EINVAL);
    CHECK(cursor == NULL);
    CHECK_NUMBER(manager_stats(manager).cursors, 0);
    CHECK_NUMBER(manager_stats(manager).opens, 0);
    file_close(fd);
}

static void directory_and_devices(void)
{
    smmap_manager_t *manager = manager_make(NULL);

    CHECK_STATUS(open_fails(manager, test_dir()), SMMAP_ENOTREGULAR);
    CHECK_STATUS(open_fails(manager, "/"), SMMAP_ENOTREGULAR);
    if (native_null_path() != NULL) {
        CHECK_STATUS(open_fails(manager, native_null_path()), SMMAP_ENOTREGULAR);
    }
    CHECK_NUMBER(manager_stats(manager).opens, manager_stats(manager).closes);
}

/* In a child, so that one that waits for a writer is noticed. */
static int open_fifo(void *path)
{
    return open_fails(manager_make(NULL), path) == SMMAP_ENOTREGULAR ? 0 : 1;
}

static void fifo(void)
{
    const char *path = test_path("fifo");

    NEED_OK(native_fifo(path));
    CHECK_NUMBER(test_in_child(open_fifo, (void *)(apr_uintptr_t)path), 0);
}

static void unix_socket(void)
{
    const char *path = test_path("socket");
    apr_os_file_t handle;

    NEED_OK(native_socket(&handle, path));
    CHECK_STATUS(open_fails(manager_make(NULL), path), SMMAP_ENOTREGULAR);
    file_close(handle);
}

static int open_forbidden(void *data)
{
    smmap_manager_t *manager = manager_make(NULL);
    smmap_cursor_t *cursor = NULL;

    (void)data;
    if (!native_become_nobody(0)) {
        return 2;
    }
    /* Where the directories on the way are closed to us the test would tell nothing. */
    if (smmap_cursor_open(&cursor, manager, test_path("open"), test_pool) != APR_SUCCESS) {
        return 2;
    }
    return APR_STATUS_IS_EACCES(open_fails(manager, test_path("closed"))) ? 0 : 1;
}

static void no_permission(void)
{
    test_file_t file = file_make("closed", 10);
    int result;

    file_make("open", 10);
    native_forbid(file.path);
    result = test_in_child(open_forbidden, NULL);
    if (result == 2) {
        test_skip("no other user could be found that reaches the directory of the tests");
        return;
    }
    CHECK_NUMBER(result, 0);
}

static void bad_handles(void)
{
    smmap_manager_t *manager = manager_make(NULL);
    test_file_t file = file_make("file", 10);
    apr_os_file_t ends[2];
    apr_os_file_t fd = file_open(file.path);

    file_close(fd);
    CHECK(says_bad_handle(handle_fails(manager, fd)));
    CHECK(says_bad_handle(handle_fails(manager, NO_HANDLE)));
    CHECK(says_bad_handle(handle_fails(manager, (apr_os_file_t)(1 << 30))));
    NEED_OK(native_open(&fd, test_dir(), NATIVE_DIRECTORY));
    CHECK_STATUS(handle_fails(manager, fd), SMMAP_ENOTREGULAR);
    file_close(fd);
    NEED_OK(native_open_null(&fd));
    CHECK_STATUS(handle_fails(manager, fd), SMMAP_ENOTREGULAR);
    file_close(fd);
    NEED_OK(native_pipe(ends));
    CHECK_STATUS(handle_fails(manager, ends[0]), SMMAP_ENOTREGULAR);
    file_close(ends[0]);
    file_close(ends[1]);
}

static void handle_for_writing(void)
{
    smmap_manager_t *manager = manager_make(NULL);
    test_file_t file = file_make("file", 10);
    smmap_cursor_t *cursor = NULL;
    apr_os_file_t fd;

    NEED_OK(native_open(&fd, file.path, NATIVE_WRITE));
    /* Refused at once or when it is to be read, as the system likes. */
    if (smmap_cursor_open_handle(&cursor, manager, fd, test_pool) == APR_SUCCESS) {
        CHECK(smmap_cursor_use(cursor, 0, 0) != APR_SUCCESS);
        CHECK(!smmap_cursor_is_valid(cursor));
        CHECK_NUMBER(manager_stats(manager).regions, 0);
        CHECK_NUMBER(manager_stats(manager).map_failures, 1);
    }
    counts_check();
    file_close(fd);
}

static void empty_file(void)
{
    smmap_mode_t mode;

    for (mode = SMMAP_MODE_STATIC; mode <= SMMAP_MODE_SLIDING; mode++) {
        smmap_options_t options = SMMAP_OPTIONS_INIT;
        test_file_t file = file_make(mode == SMMAP_MODE_STATIC ? "one" : "two", 0);
        smmap_buffer_t *buffer = NULL;
        smmap_manager_t *manager;
        smmap_cursor_t *cursor;

        options.mode = mode;
        manager = manager_make(&options);
        cursor = cursor_open(manager, file.path);
        CHECK(smmap_cursor_is_associated(cursor));
        CHECK_NUMBER(smmap_cursor_file_size(cursor), 0);
        CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_EOF);
        CHECK_STATUS(smmap_cursor_use(cursor, 1, 0), APR_EOF);
        CHECK_STATUS(smmap_cursor_require(cursor, 0, 1), APR_EOF);
        CHECK_OK(smmap_cursor_refresh(cursor));
        CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_EOF);
        CHECK_STATUS(smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, test_pool), APR_EOF);
        CHECK(buffer == NULL);
        CHECK_NUMBER(manager_stats(manager).maps, 0);
        CHECK_NUMBER(manager_stats(manager).map_failures, 0);
        counts_check();
    }
}

static void odd_names(void)
{
    static const char *const names[] = {"with space", "new\nline", "-dash", "\xc3\xa4\xe2\x82\xac",
                                        "back\\slash", "%s%n", "..."};
    smmap_manager_t *manager = manager_make(NULL);
    apr_size_t known = 0;
    apr_size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        apr_os_file_t made;
        smmap_cursor_t *cursor;
        test_file_t file;

        if (native_open(&made, test_path(names[i]), NATIVE_MAKE) != APR_SUCCESS) {
            continue; /* not every system knows every name */
        }
        known++;
        file_close(made);
        file = file_make(names[i], 50 + i);
        cursor = cursor_open(manager, file.path);
        CHECK(strcmp(smmap_cursor_path(cursor), file.path) == 0);
        CHECK_OK(smmap_cursor_use(cursor, 0, 0));
        CHECK(cursor_shows(cursor, &file));
        CHECK_NUMBER(smmap_cursor_size(cursor), 50 + i);
    }
    CHECK(known >= 4);
}

/* Longer than what Windows takes as it is. */
static void long_path(void)
{
    static const char bytes[] = "at the end of a long path";
    smmap_manager_t *manager = manager_make(NULL);
    const char *directory = test_dir();
    smmap_cursor_t *cursor;
    apr_file_t *made;
    const char *path;
    apr_size_t size = sizeof bytes;
    int i;

    for (i = 0; i < 6; i++) {
        directory = apr_psprintf(test_pool, "%s/%d%060d", directory, i, i);
        directory_make(directory);
    }
    path = apr_pstrcat(test_pool, directory, "/file", NULL);
    CHECK(strlen(path) > 360);
    NEED_OK(apr_file_open(&made, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_BINARY,
                          APR_FPROT_OS_DEFAULT, test_pool));
    NEED_OK(apr_file_write(made, bytes, &size));
    NEED_OK(apr_file_close(made));
    cursor = cursor_open(manager, path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(smmap_cursor_size(cursor), sizeof bytes);
    CHECK(memcmp(smmap_cursor_data(cursor), bytes, sizeof bytes) == 0);
    CHECK_NUMBER(manager_stats(manager).files, 1);
    cursor = NULL;
    path = apr_pstrcat(test_pool, directory, "/missing", NULL);
    CHECK(says_missing(smmap_cursor_open(&cursor, manager, path, test_pool)));
    CHECK(cursor == NULL);
}

/* Long because of what is not needed in it. */
static void long_path_with_dots(void)
{
    smmap_manager_t *manager = manager_make(NULL);
    test_file_t file = file_make("file", 1000);
    smmap_cursor_t *cursor;
    char *path = apr_pcalloc(test_pool, 2000);
    char *end;
    int i;

    NEEDS_REAL();
    directory_make(test_path("one"));
    strcpy(path, test_dir());
    end = path + strlen(path);
    for (i = 0; i < 100; i++) {
        strcpy(end, "/one/./..");
        end += strlen(end);
    }
    strcpy(end, "/file");
    cursor = cursor_open(manager, path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    smmap_cursor_release(cursor);
    CHECK_OK(smmap_manager_drop(manager, path, NULL));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    CHECK_NUMBER(smmap_manager_open_files(manager), 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
}

/* All of the file, through any window and below any limit that make a manager. */
static void odd_sizes(void)
{
    apr_size_t unit = smmap_granularity();
    test_file_t file = file_make("file", 5 * unit + 1);
    apr_size_t windows[8];
    apr_size_t limits[7];
    apr_size_t w;
    apr_size_t l;

    windows[0] = SMMAP_DEFAULT;
    windows[1] = 1;
    windows[2] = unit - 1;
    windows[3] = unit + 1;
    windows[4] = 5 * unit;
    windows[5] = 5 * unit + 1;
    windows[6] = 100 * unit;
    windows[7] = 3 * unit;
    limits[0] = SMMAP_DEFAULT;
    limits[1] = 1;
    limits[2] = unit - 1;
    limits[3] = unit;
    limits[4] = 2 * unit + 1;
    limits[5] = 100 * unit;
    limits[6] = SMMAP_UNLIMITED;
    for (w = 0; w < 8; w++) {
        for (l = 0; l < 7; l++) {
            smmap_manager_t *manager =
                manager_sliding(windows[w], limits[l], 1 + w % 3, SMMAP_LIMITS_SOFT);
            smmap_cursor_t *cursor = cursor_open(manager, file.path);
            apr_off_t offset = 0;

            while (offset < (apr_off_t)file.size) {
                NEED_OK(smmap_cursor_use(cursor, offset, 0));
                NEED(cursor_shows(cursor, &file));
                offset = smmap_cursor_end(cursor);
            }
            CHECK_NUMBER(offset, file.size);
            NEED_OK(smmap_cursor_require(cursor, 1, file.size - 1));
            CHECK(cursor_shows(cursor, &file));
            counts_check();
            CHECK_OK(manager_destroy(manager));
            smmap_cursor_close(cursor);
        }
    }
}

/* A handle that cannot be read by is refused, and spoils nothing for others. */
static void handle_not_for_reading(void)
{
    test_file_t file = file_make("file", 100);
    smmap_manager_t *manager = manager_make(NULL);
    smmap_cursor_t *cursor = NULL;
    apr_os_file_t fd;

    NEED_OK(native_open(&fd, file.path, NATIVE_WRITE));
    CHECK_STATUS(smmap_cursor_open_handle(&cursor, manager, fd, test_pool), APR_EBADF);
    CHECK(cursor == NULL);
    cursor = cursor_open(manager, file.path);
    CHECK_STATUS(smmap_cursor_open_handle(&cursor, manager, fd, test_pool), APR_EBADF);
    file_close(fd);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(cursor_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).cursors, 1);
    counts_check();
}

static int open_known(void *path)
{
    smmap_manager_t *knowing = manager_make(NULL);
    smmap_cursor_t *cursor = cursor_open(knowing, path);

    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    cursor = NULL;
    if (!native_become_nobody(1)) {
        return 2;
    }
    return smmap_cursor_open(&cursor, knowing, path, test_pool) == APR_EACCES ? 0 : 1;
}

/* A file that the manager knows is still refused to a user who may not read it. */
static void no_permission_for_a_known_file(void)
{
    test_file_t file = file_make("file", 100);
    int result;

    if (!native_is_root()) {
        test_skip("only root can become another user");
        return;
    }
    native_forbid(file.path);
    result = test_in_child(open_known, (void *)(size_t)file.path);
    if (result == 2) {
        test_skip("no other user could be taken on");
        return;
    }
    CHECK_NUMBER(result, 0);
}

/* Other ways to write a path lead to the same file. */
static void other_spellings(void)
{
    test_file_t file = file_make("file", 100);
    smmap_manager_t *manager = manager_make(NULL);
    smmap_cursor_t *plain = cursor_open(manager, file.path);
    const char *path;
    int met = 0;
    int i;

    NEED_OK(smmap_cursor_use(plain, 0, 0));
    for (i = 0; (path = native_spelling(file.path, i)) != NULL; i++) {
        smmap_cursor_t *cursor = NULL;
        apr_file_t *there;

        /* Is there anybody on the network? */
        if (apr_file_open(&there, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, test_pool) !=
            APR_SUCCESS) {
            printf("  %s cannot be opened here at all\n", path);
            continue;
        }
        apr_file_close(there);
        CHECK_OK(smmap_cursor_open(&cursor, manager, path, test_pool));
        NEED(cursor != NULL);
        CHECK_OK(smmap_cursor_use(cursor, 0, 0));
        CHECK(cursor_shows(cursor, &file));
        met++;
        if (!IS_NETWORK_PATH(path)) {
            CHECK_NUMBER(manager_stats(manager).files, 1);
            CHECK_NUMBER(manager_stats(manager).regions, 1);
        }
    }
    CHECK(met > 0);
}

static const test_case_t cases[] = {{"missing", missing},
                                    {"links_to_nothing", links_to_nothing},
                                    {"handle_not_for_reading", handle_not_for_reading},
                                    {"no_permission_for_a_known_file",
                                     no_permission_for_a_known_file},
                                    {"null_arguments", null_arguments},
                                    {"directory_and_devices", directory_and_devices},
                                    {"fifo", fifo},
                                    {"unix_socket", unix_socket},
                                    {"no_permission", no_permission},
                                    {"bad_handles", bad_handles},
                                    {"handle_for_writing", handle_for_writing},
                                    {"empty_file", empty_file},
                                    {"odd_names", odd_names},
                                    {"long_path", long_path},
                                    {"long_path_with_dots", long_path_with_dots},
                                    {"odd_sizes", odd_sizes},
                                    {"other_spellings", other_spellings},
                                    {NULL, NULL}};

const test_module_t test_input = {"input", cases};
