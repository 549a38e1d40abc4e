/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that are no ordinary ones: those that the system makes up, and says a wrong size of; block
 * devices; the largest there can be.
 */
#include "tests/support/harness.h"

#include "core/file/file.h"

#include <apr_strings.h>

#include <stdio.h>
#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

/* Files that the system makes up say that they are empty, and are not. */
static void sizeless(void)
{
    static const char path[] = "/proc/version";
    static const smmap_guard_t guards[] = {SMMAP_GUARD_OFF, SMMAP_GUARD_ON, SMMAP_GUARD_STRICT};
    unsigned char bytes[4096];
    unsigned char copy[sizeof bytes];
    const char *other;
    apr_size_t there = 0;
    apr_finfo_t info;
    apr_size_t got;
    apr_size_t i;
    FILE *plain;

    if (apr_stat(&info, path, APR_FINFO_SIZE, test_pool) != APR_SUCCESS || info.size != 0) {
        test_skip("there is no /proc/version");
        return;
    }
    plain = fopen(path, "rb");
    NEED(plain != NULL);
    there = fread(bytes, 1, sizeof bytes, plain);
    fclose(plain);
    NEED(there > 10 && there < sizeof bytes);
    for (i = 0; i < 3; i++) {
        smmap_options_t options = SMMAP_OPTIONS_INIT;

        options.guard = guards[i];
        options.max_open_files = 1;
        manager = manager_make(&options);
        cursor = cursor_open(manager, path);
        CHECK_NUMBER(smmap_cursor_file_size(cursor), there);
        CHECK_OK(smmap_cursor_read(cursor, 3, copy, there - 3, &got));
        CHECK(got == there - 3 && memcmp(copy, bytes + 3, got) == 0);
        CHECK_NUMBER(manager_stats(manager).regions, 0);
        NEED_OK(smmap_cursor_use(cursor, 0, 0));
        CHECK_NUMBER(smmap_cursor_size(cursor), there);
        CHECK(memcmp(smmap_cursor_data(cursor), bytes, there) == 0);
        CHECK_NUMBER(manager_stats(manager).buffered, 1);
        CHECK_STATUS(smmap_cursor_use(cursor, (apr_off_t)there, 0), APR_EOF);
        /* Its handle is closed for another file, and opened again. */
        other = apr_psprintf(test_pool, "other%d", (int)i);
        NEED_OK(smmap_cursor_use(cursor_open(manager, file_make(other, 10).path), 0, 0));
        CHECK_OK(smmap_cursor_refresh(cursor));
        CHECK_NUMBER(smmap_cursor_file_size(cursor), there);
        CHECK_OK(smmap_cursor_read(cursor, 0, copy, there, &got));
        CHECK(got == there && memcmp(copy, bytes, got) == 0);
        counts_check();
        CHECK_OK(manager_destroy(manager));
        smmap_cursor_close(cursor);
    }
}

/* The first line of a file, without the library. */
static apr_size_t plain_line(const char *path, char *line, int size)
{
    FILE *plain = fopen(path, "rb");

    line[0] = '\0';
    if (plain != NULL) {
        if (fgets(line, size, plain) == NULL) {
            line[0] = '\0';
        }
        fclose(plain);
    }
    return strlen(line);
}

/* A file of /proc whose bytes change, while its times do not: a refresh shows them. */
static void sizeless_and_changing(void)
{
    static const char path[] = "/proc/uptime";
    char line[100];
    char before[5];
    apr_size_t got;
    int i;

    if (plain_line(path, line, sizeof line) < sizeof before) {
        test_skip("there is no /proc/uptime");
        return;
    }
    manager = manager_make(NULL);
    cursor = cursor_open(manager, path);
    for (i = 0; i < 3; i++) {
        char *copy;

        CHECK_OK(smmap_cursor_refresh(cursor));
        NEED_OK(smmap_cursor_use(cursor, 0, 0));
        got = smmap_cursor_size(cursor);
        copy = apr_pstrmemdup(test_pool, (const char *)smmap_cursor_data(cursor), got);
        CHECK_NUMBER(smmap_cursor_file_size(cursor), got);
        CHECK(copy[got - 1] == '\n');
        do {
            apr_sleep(15000);
            plain_line(path, line, sizeof line);
        } while (strncmp(line, copy, strcspn(copy, " ")) == 0);
        /* The window that is kept is as it was; what is read, and used next, is not. */
        CHECK_OK(smmap_cursor_refresh(cursor));
        CHECK(memcmp(smmap_cursor_data(cursor), copy, got) == 0);
        CHECK_OK(smmap_cursor_read(cursor, 0, line, 8, &got));
        CHECK(memcmp(line, copy, 8) != 0);
        NEED_OK(smmap_cursor_use(cursor, 0, 0));
        CHECK(memcmp(smmap_cursor_data(cursor), copy, 8) != 0);
        counts_check();
    }
}

/* Files of /sys have the size of a page, whatever they hold. */
static void sized_as_a_page(void)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    char line[100];
    apr_size_t there = plain_line(path, line, sizeof line);
    unsigned char bytes[100];
    smmap__os_info_t system;
    apr_size_t got = 0;

    NEEDS_REAL();
    smmap__os_info(&system);
    if (system.shrink == SMMAP__OS_SHRINK_REFUSED) {
        test_skip("Windows does not say which files are made up");
        return;
    }
    if (there == 0) {
        test_skip("there is no such file in /sys");
        return;
    }
    manager = manager_make(NULL);
    cursor = cursor_open(manager, path);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), there);
    CHECK_OK(smmap_cursor_read(cursor, 0, bytes, sizeof bytes, &got));
    CHECK(got == there && memcmp(bytes, line, there) == 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(smmap_cursor_size(cursor), there);
    CHECK(memcmp(smmap_cursor_data(cursor), line, there) == 0);
    CHECK_OK(smmap_cursor_refresh(cursor));
    counts_check();
}

/* The largest file that there can be. */
static void largest(void)
{
    const apr_off_t end = SMMAP__OFFSET_MAX;
    const char *path = file_make("file", 1).path;
    smmap_mode_t modes[] = {SMMAP_MODE_STATIC, SMMAP_MODE_SLIDING};
    unsigned char bytes[100];
    apr_size_t got;
    int i;

    NEEDS_REAL();
    if (sizeof end < 8 || !native_resize(path, end)) {
        FILE *made = fopen("/dev/shm/smmap-test-largest", "wb"); /* tmpfs has them, on Linux */

        path = "/dev/shm/smmap-test-largest";
        if (made != NULL) {
            fclose(made);
        }
        if (sizeof end < 8 || !native_resize(path, end)) {
            if (made != NULL) {
                native_delete(path);
            }
            test_skip("no file system here has such files");
            return;
        }
    }
    for (i = 0; i < 2; i++) {
        smmap_options_t options = SMMAP_OPTIONS_INIT;

        options.mode = modes[i];
        manager = manager_make(&options);
        cursor = cursor_open(manager, path);
        CHECK_NUMBER(smmap_cursor_file_size(cursor), end);
        if (modes[i] == SMMAP_MODE_STATIC && sizeof(apr_size_t) < 8) {
            CHECK_STATUS(smmap_cursor_use(cursor, end - 1, 0), SMMAP_ETOOLARGE);
            CHECK_STATUS(smmap_cursor_require(cursor, end - 100, 100), SMMAP_ETOOLARGE);
        } else {
            CHECK_OK(smmap_cursor_use(cursor, end - 1, 0));
            CHECK_NUMBER(smmap_cursor_size(cursor), 1);
            CHECK_OK(smmap_cursor_use(cursor, end / 2, 0));
            CHECK_OK(smmap_cursor_require(cursor, end - 100, 100));
        }
        if (modes[i] == SMMAP_MODE_SLIDING) {
            /* The system refuses what it cannot name: the rest is mapped as ever. */
            CHECK_OK(smmap_cursor_use(cursor, 0, 0));
            CHECK_NUMBER(smmap_cursor_size(cursor), smmap_manager_window_size(manager));
            CHECK_NUMBER(manager_stats(manager).buffered_regions, 0);
        }
        CHECK_STATUS(smmap_cursor_require(cursor, end - 100, 101), SMMAP_ETOOLARGE);
        CHECK_STATUS(smmap_cursor_use(cursor, end, 1), APR_EOF);
        CHECK_OK(smmap_cursor_read(cursor, end - 50, bytes, sizeof bytes, &got));
        CHECK_NUMBER(got, 50);
        counts_check();
        smmap_cursor_close(cursor);
        CHECK_OK(manager_destroy(manager));
    }
    native_delete(path);
}

/* Leave bytes on the stack that no count should be. */
static void dirty_the_stack(void)
{
    volatile unsigned char bytes[32768];
    apr_size_t i;

    for (i = 0; i < sizeof bytes; i++) {
        bytes[i] = 0x41;
    }
}

/* It is measured by reading, which may fail: of /proc, when a process has ended. */
static void sizeless_and_gone(void)
{
    static const char path[] = "/proc/version";
    apr_off_t there;
    apr_finfo_t info;

    NEEDS_FAKE();
    if (apr_stat(&info, path, APR_FINFO_SIZE, test_pool) != APR_SUCCESS || info.size != 0) {
        test_skip("there is no /proc/version");
        return;
    }
    manager = manager_make(NULL);
    cursor = cursor_open(manager, path);
    there = smmap_cursor_file_size(cursor);
    fake_fail(FAKE_READ, 1, APR_EGENERAL);
    dirty_the_stack();
    CHECK_STATUS(smmap_cursor_refresh(cursor), APR_EGENERAL);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), there);
    fake_fail(FAKE_READ, 2, APR_EGENERAL);
    CHECK_STATUS(smmap_cursor_refresh(cursor), APR_EGENERAL);
    CHECK_NUMBER(smmap_cursor_file_size(cursor), there);
    fake_fail_none();
    CHECK_OK(smmap_cursor_refresh(cursor));
    CHECK_NUMBER(smmap_cursor_file_size(cursor), there);
}

/* A block device is mapped like a file. */
static void block_device(void)
{
    char device[64];
    unsigned char copy[5000];
    apr_size_t got = 0;
    test_file_t file;

    NEEDS_REAL();
    file = file_make("file", 20 * 4096);
    native_device_make(file.path, device, sizeof device);
    /* Until it is gone again nothing ends the test. */
    manager = manager_sliding(smmap_granularity(), 0, 0, SMMAP_LIMITS_SOFT);
    cursor = NULL;
    CHECK_OK(smmap_cursor_open(&cursor, manager, device, test_pool));
    if (cursor != NULL) {
        CHECK_NUMBER(smmap_cursor_file_size(cursor), file.size);
        CHECK_OK(smmap_cursor_use(cursor, (apr_off_t)file.size - 4096, 0));
        CHECK(cursor_shows(cursor, &file));
        CHECK_OK(smmap_cursor_read(cursor, 100, copy, sizeof copy, &got));
        CHECK(got == sizeof copy && memcmp(copy, file.data + 100, got) == 0);
        CHECK_OK(smmap_cursor_refresh(cursor));
        CHECK_NUMBER(smmap_cursor_file_size(cursor), file.size);
        CHECK_NUMBER(manager_stats(manager).buffered, 0);
        counts_check();
        smmap_cursor_close(cursor);
    }
    CHECK_OK(manager_destroy(manager));
    CHECK(native_device_remove(device));
}

/* One that does not end is not counted for ever. */
static void endless(void)
{
    const apr_off_t most = (apr_off_t)64 * 1024 * 1024;
    const char *path = file_make("file", 1).path;
    apr_os_file_t handle = NO_HANDLE;
    smmap__identity_t identity;

    NEED(file_resize(path, most));
    NEED_OK(smmap__os_file_open(&handle, path));
    CHECK_OK(smmap__content_read(handle, &identity, NULL));
    CHECK_NUMBER(identity.facts.size, most);
    NEED(file_resize(path, most + 1));
    CHECK_STATUS(smmap__content_read(handle, &identity, NULL), SMMAP_ENOTREGULAR);
    CHECK_OK(smmap__os_file_close(handle));
}

typedef struct user_t {
    apr_thread_t *thread;
    smmap_cursor_t *cursor;
    apr_size_t bad;
} user_t;

static void *APR_THREAD_FUNC go_on(apr_thread_t *thread, void *data)
{
    user_t *user = data;
    apr_size_t i;

    (void)thread;
    for (i = 0; i < test_count(2000); i++) {
        user->bad += smmap_cursor_refresh(user->cursor) != APR_SUCCESS;
        if (i % 8 == 0) {
            user->bad += smmap_cursor_use(user->cursor, 0, 1) != APR_SUCCESS;
            smmap_cursor_release(user->cursor);
            user->bad += smmap_manager_collect(manager, NULL) != APR_SUCCESS;
        }
    }
    return NULL;
}

/* The bytes of such a file are kept for those who are about to make a window of them. Two threads
   measure it, a third one has a file that shares the lock of this one, and there is one handle. */
static void sizeless_by_threads(void)
{
    static const char path[] = "/proc/version";
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    user_t users[3];
    char line[100];
    int i;

    if (plain_line(path, line, sizeof line) == 0) {
        test_skip("there is no /proc/version");
        return;
    }
    options.max_open_files = 1;
    options.limits = SMMAP_LIMITS_HARD_FILES;
    manager = manager_make(&options);
    memset(users, 0, sizeof users);
    users[0].cursor = cursor_open(manager, path);
    users[1].cursor = cursor_open(manager, path);
    for (i = 0; i < SMMAP__STRIPES; i++) {
        char name[20];

        snprintf(name, sizeof name, "file%d", i);
        users[2].cursor = cursor_open(manager, file_make(name, 100).path);
    }
    for (i = 0; i < 3; i++) {
        NEED_OK(apr_thread_create(&users[i].thread, NULL, go_on, &users[i], test_pool));
    }
    for (i = 0; i < 3; i++) {
        thread_join(users[i].thread);
        CHECK_NUMBER(users[i].bad, 0);
    }
    counts_check();
}

static const test_case_t cases[] = {{"sizeless", sizeless},
                                    {"sizeless_and_changing", sizeless_and_changing},
                                    {"sized_as_a_page", sized_as_a_page},
                                    {"largest", largest},
                                    {"sizeless_and_gone", sizeless_and_gone},
                                    {"sizeless_by_threads", sizeless_by_threads},
                                    {"endless", endless},
                                    {"block_device", block_device},
                                    {NULL, NULL}};

const test_module_t test_special = {"special", cases};
