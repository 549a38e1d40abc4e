/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backends/backend.h, rule by rule: files and handles. See test_contract.c.
 */
#include "tests/support/harness.h"

#include <apr_time.h>

#include "backends/backend.h"

#include <apr_file_info.h>
#include <apr_file_io.h>

#include <string.h>

#include "tests/fake/backend.h"

/* A file of two granules and an odd end. */
static test_file_t some_file(void)
{
    return file_make("file", 2 * smmap_granularity() + 1234);
}

static void read_is_positional(void)
{
    test_file_t file = some_file();
    apr_os_file_t fd = file_open(file.path);
    apr_os_file_t copy = NO_HANDLE;
    unsigned char *bytes = apr_palloc(test_pool, file.size + 16);
    apr_size_t rounds = test_count(100);
    apr_size_t nread;
    apr_size_t i;

    native_set_place(fd, 77);
    NEED_OK(smmap__os_file_dup(&copy, fd));
    for (i = 0; i < rounds; i++) {
        apr_size_t offset = (apr_size_t)random_below(file.size + 100);
        apr_size_t length = (apr_size_t)random_below(file.size) + 1;
        apr_size_t left = offset < file.size ? file.size - offset : 0;
        apr_size_t wanted = length < left ? length : left;

        memset(bytes, 0, file.size + 16);
        nread = 12345;
        CHECK_OK(smmap__os_read(copy, (apr_off_t)offset, bytes, length, &nread));
        CHECK_NUMBER(nread, wanted);
        CHECK(wanted == 0 || memcmp(bytes, file.data + offset, wanted) == 0);
        CHECK(bytes[wanted] == 0 && bytes[wanted + 1] == 0);
    }
    CHECK_NUMBER(native_place(fd), 77);
    nread = 12345;
    CHECK_OK(smmap__os_read(copy, (apr_off_t)1 << 40, bytes, 10, &nread));
    CHECK_NUMBER(nread, 0);
    CHECK_OK(smmap__os_file_close(copy));
    file_close(fd);
}

static void peek_moves_nothing(void)
{
    test_file_t file = some_file();
    apr_os_file_t fd = file_open(file.path);
    apr_size_t nread = 12345;

    native_set_place(fd, 77);
    CHECK_OK(smmap__os_peek(fd, &nread));
    CHECK_NUMBER(nread, 1);
    CHECK_NUMBER(native_place(fd), 77);
    file_close(fd);
    fd = file_open(file_make("empty", 0).path);
    CHECK_OK(smmap__os_peek(fd, &nread));
    CHECK_NUMBER(nread, 0);
    file_close(fd);
    NEED_OK(native_open(&fd, file.path, NATIVE_WRITE));
    CHECK(says_bad_handle(smmap__os_peek(fd, &nread)));
    file_close(fd);
}

/* The caller may make it so after we have our duplicate. */
static void direct_handle(void)
{
    test_file_t file = file_make("file", 100000);
    apr_os_file_t copy = NO_HANDLE;
    unsigned char *bytes = apr_palloc(test_pool, file.size);
    apr_size_t nread = 0;
    apr_os_file_t handle;

    NEEDS_REAL();
    handle = file_open(file.path);
    NEED_OK(smmap__os_file_dup(&copy, handle));
    if (native_set_direct(handle)) {
        CHECK_OK(smmap__os_peek(handle, &nread));
        CHECK_NUMBER(nread, 1);
        CHECK_OK(smmap__os_read(copy, 4097, bytes, 70001, &nread));
        CHECK(nread == 70001 && memcmp(bytes, file.data + 4097, nread) == 0);
        CHECK_OK(smmap__os_read(copy, 99990, bytes, 100, &nread));
        CHECK(nread == 10 && memcmp(bytes, file.data + 99990, nread) == 0);
        CHECK_OK(smmap__os_read(copy, 200001, bytes, 100, &nread));
        CHECK_NUMBER(nread, 0);
    } else {
        test_skip("no reads have to be aligned here");
    }
    CHECK_OK(smmap__os_file_close(copy));
    file_close(handle);
}

/* Reading by such a handle would go on after the call had come back, and tell its port. */
static void overlapped_handle(void)
{
    test_file_t file = some_file();
    apr_os_file_t handle = NO_HANDLE;
    apr_os_file_t copy = NO_HANDLE;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    unsigned char bytes[64];
    apr_size_t nread = 0;

    NEEDS_REAL();
    NEED_OK(native_open_overlapped(&handle, file.path, 1));
    CHECK_OK(smmap__os_peek(handle, &nread));
    CHECK_NUMBER(nread, 1);
    NEED_OK(smmap__os_file_dup(&copy, handle));
    CHECK_OK(smmap__os_read(copy, 100, bytes, sizeof bytes, &nread));
    CHECK(nread == sizeof bytes && memcmp(bytes, file.data + 100, sizeof bytes) == 0);
    CHECK_OK(smmap__os_file_close(copy));
    NEED_OK(smmap_manager_create(&manager, NULL, test_pool));
    NEED_OK(smmap_cursor_open_handle(&cursor, manager, handle, test_pool));
    CHECK_OK(smmap_cursor_read(cursor, 200, bytes, sizeof bytes, &nread));
    CHECK(nread == sizeof bytes && memcmp(bytes, file.data + 200, sizeof bytes) == 0);
    smmap_manager_destroy(manager);
    CHECK_NUMBER(native_told(), 0);
    file_close(handle);
}

/* It cannot be opened again, and a copy of it would be read by as it is. */
static void overlapped_handle_alone(void)
{
    test_file_t file = some_file();
    apr_os_file_t handle = NO_HANDLE;
    apr_os_file_t copy = NO_HANDLE;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t nread = 12345;

    NEEDS_REAL();
    NEED_OK(native_open_overlapped(&handle, file.path, 0));
    CHECK_STATUS(smmap__os_peek(handle, &nread), APR_ENOTIMPL);
    CHECK_NUMBER(nread, 12345);
    CHECK_STATUS(smmap__os_file_dup(&copy, handle), APR_ENOTIMPL);
    CHECK(copy == NO_HANDLE);
    NEED_OK(smmap_manager_create(&manager, NULL, test_pool));
    CHECK_STATUS(smmap_cursor_open_handle(&cursor, manager, handle, test_pool), APR_ENOTIMPL);
    smmap_manager_destroy(manager);
    CHECK_NUMBER(native_told(), 0);
    file_close(handle);
}

/* Where the caller opened its file without sharing, its own handle is read. */
static void handle_that_is_not_shared(void)
{
    test_file_t file = some_file();
    apr_os_file_t handle = NO_HANDLE;
    apr_os_file_t copy = NO_HANDLE;
    unsigned char bytes[64];
    apr_size_t nread = 12345;

    NEEDS_REAL();
    NEED_OK(native_open_alone(&handle, file.path));
    native_set_place(handle, 77);
    CHECK_OK(smmap__os_peek(handle, &nread));
    CHECK_NUMBER(nread, 1);
    CHECK_NUMBER(native_place(handle), 77);
    NEED_OK(smmap__os_file_dup(&copy, handle));
    CHECK_OK(smmap__os_read(copy, 100, bytes, sizeof bytes, &nread));
    CHECK(nread == sizeof bytes && memcmp(bytes, file.data + 100, sizeof bytes) == 0);
    CHECK_OK(smmap__os_file_close(copy));
    file_close(handle);
}

static int open_fifo(void *path)
{
    apr_os_file_t handle = NO_HANDLE;
    apr_status_t status = smmap__os_file_open(&handle, path);

    return status == APR_SUCCESS ? smmap__os_file_close(handle) : 0; /* either will do */
}

static void open_for_reading(void)
{
    test_file_t file = some_file();
    unsigned char bytes[64];
    apr_os_file_t handle = NO_HANDLE;
    apr_size_t nread = 0;

    CHECK(says_missing(smmap__os_file_open(&handle, test_path("missing"))));
    CHECK(handle == NO_HANDLE);
    NEED_OK(smmap__os_file_open(&handle, file.path));
    CHECK(!native_is_inherited(handle));
    CHECK(!native_is_writable(handle));
    CHECK_OK(smmap__os_read(handle, 100, bytes, sizeof bytes, &nread));
    CHECK(nread == sizeof bytes && memcmp(bytes, file.data + 100, sizeof bytes) == 0);
    CHECK_OK(smmap__os_file_close(handle));
    CHECK(!native_is_open(handle));
}

/* In a child, as it might wait for a writer. */
static void open_of_a_fifo(void)
{
    NEED_OK(native_fifo(test_path("fifo")));
    CHECK_NUMBER(test_in_child(open_fifo, (void *)(size_t)test_path("fifo")), 0);
}

static void *APR_THREAD_FUNC give_up(apr_thread_t *thread, void *lease)
{
    (void)thread;
    apr_sleep(100000);
    native_close(*(apr_os_file_t *)lease);
    return NULL;
}

/* It is waited for. */
static void open_of_a_leased_file(void)
{
    test_file_t file = some_file();
    apr_os_file_t lease;
    apr_os_file_t handle = NO_HANDLE;
    apr_thread_t *thread;

    NEEDS_REAL();
    native_lease(&lease, file.path);
    NEED_OK(apr_thread_create(&thread, NULL, give_up, &lease, test_pool));
    CHECK_OK(smmap__os_file_open(&handle, file.path));
    thread_join(thread);
    NEED(handle != NO_HANDLE);
    CHECK(!native_is_inherited(handle));
    CHECK_OK(smmap__os_file_close(handle));
}

static void dup_is_another_handle(void)
{
    test_file_t file = some_file();
    apr_os_file_t fd = file_open(file.path);
    smmap__os_mapping_t mapping = {NULL, 0, 0};
    unsigned char bytes[64];
    apr_os_file_t copy = NO_HANDLE;
    apr_size_t nread = 0;

    /* The caller's may be inherited; the copy is not. */
    native_let_inherit(fd);
    NEED_OK(smmap__os_file_dup(&copy, fd));
    CHECK(copy != fd);
    CHECK(!native_is_inherited(copy));
    file_close(fd);
    CHECK_OK(smmap__os_read(copy, 100, bytes, sizeof bytes, &nread));
    CHECK_NUMBER(nread, sizeof bytes);
    CHECK(memcmp(bytes, file.data + 100, sizeof bytes) == 0);
    CHECK_OK(smmap__os_map(&mapping, copy, 0, file.size));
    CHECK_OK(smmap__os_file_close(copy));
    CHECK(!native_is_open(copy));
    CHECK(memcmp(mapping.address, file.data, file.size) == 0);
    CHECK_OK(smmap__os_unmap(&mapping));
}

static void dup_takes_any_handle(void)
{
    apr_os_file_t copy = NO_HANDLE;
    apr_os_file_t ends[2];
    char byte = 0;

    NEED_OK(native_pipe(ends));
    NEED_OK(smmap__os_file_dup(&copy, ends[0]));
    file_close(ends[0]);
    CHECK(native_write(ends[1], "x", 1) == 1);
    CHECK(native_read(copy, &byte, 1) == 1 && byte == 'x');
    CHECK_OK(smmap__os_file_close(copy));
    file_close(ends[1]);
}

static void ids_tell(void)
{
    apr_os_file_t handles[3];
    smmap__os_facts_t facts[3];
    smmap__os_facts_t again;
    int i;

    for (i = 0; i < 3; i++) {
        handles[i] = file_open(file_make(i < 2 ? "file" : "other", 10).path);
        NEED_OK(smmap__os_examine(&facts[i], handles[i], 1));
        CHECK(facts[i].kind == SMMAP__OS_FILE && facts[i].id != SMMAP__OS_ID_NONE);
        CHECK_NUMBER(facts[i].size, 10);
    }
    CHECK(facts[0].device == facts[1].device && facts[0].inode == facts[1].inode);
    CHECK(facts[0].device == facts[2].device && facts[0].inode != facts[2].inode);
    /* By path, and by handle without what costs more. */
    NEED_OK(smmap__os_examine(&again, handles[2], 0));
    CHECK(again.kind == SMMAP__OS_FILE && again.size == 10);
    CHECK(again.mtime == facts[2].mtime && again.ctime == facts[2].ctime);
    NEED_OK(smmap__os_examine_path(&again, test_path("other")));
    CHECK(again.kind == SMMAP__OS_FILE);
    if (again.id != SMMAP__OS_ID_NONE) {
        CHECK(again.device == facts[2].device && again.inode == facts[2].inode);
        CHECK(again.mtime == facts[2].mtime && again.ctime == facts[2].ctime && again.size == 10);
    }
    for (i = 0; i < 3; i++) {
        file_close(handles[i]);
    }
}

/* Times of the past, set by hand: the time of change tells when that was. */
static void times_tell(void)
{
    smmap__os_facts_t before;
    smmap__os_facts_t facts;
    native_times_t times;
    const char *path = file_make("file", 10).path;
    apr_os_file_t fd = file_open(path);

    NEED_OK(smmap__os_examine(&before, fd, 1));
    native_times(path, &times);
    times.seconds[0] -= 2000000; /* when it was read */
    times.seconds[1] -= 1000000; /* when it was written */
    native_set_times(path, &times);
    NEED_OK(smmap__os_examine(&facts, fd, 1));
    CHECK(facts.mtime < before.mtime);
    if (native_knows_changes()) {
        CHECK(facts.ctime > facts.mtime);
        CHECK(facts.ctime >= before.ctime);
    }
    file_close(fd);
}

static void places(void)
{
    test_file_t file = some_file();
    apr_os_file_t handle = NO_HANDLE;
    char of_directory[4096];
    char of_file[4096];
    char small[4];
    apr_status_t status = smmap__os_file_open_attributes(&handle, test_dir());

    if (APR_STATUS_IS_ENOTIMPL(status)) {
        CHECK_STATUS(smmap__os_file_canonical_path(small, sizeof small, handle), APR_ENOTIMPL);
        test_skip("this system has as many names for a file as there are paths");
        return;
    }
    NEED_OK(status);
    CHECK_OK(smmap__os_file_canonical_path(of_directory, sizeof of_directory, handle));
    CHECK(smmap__os_file_canonical_path(small, sizeof small, handle) != APR_SUCCESS);
    CHECK_OK(smmap__os_file_close(handle));
    handle = file_open(file.path);
    CHECK_OK(smmap__os_file_canonical_path(of_file, sizeof of_file, handle));
    CHECK(strncmp(of_file, of_directory, strlen(of_directory)) == 0);
    CHECK(strcmp(of_file + strlen(of_directory), "/file") == 0);
    file_close(handle);
    handle = NO_HANDLE;
    CHECK(says_missing(smmap__os_file_open_attributes(&handle, test_path("missing"))));
    CHECK(handle == NO_HANDLE);
}

static void birth_stays(void)
{
    test_file_t file = some_file();
    apr_os_file_t fd = file_open(file.path);
    smmap__os_facts_t first;
    smmap__os_facts_t second;
    apr_int64_t generation;

    if (!fake_present() && native_doubts_birth() != NULL) {
        file_close(fd);
        test_skip("%s", native_doubts_birth());
        return;
    }
    fake_set_birth(APR_INT64_C(1700000000123456789));
    NEED_OK(smmap__os_examine(&first, fd, 1));
    generation = smmap__os_generation(fd);
    if (first.birth == 0) {
        file_close(fd);
        test_skip("this file system keeps no time of birth");
        return;
    }
    /* Writing into a file is not its birth. */
    file_write(file.path, 10, "changed", 7);
    CHECK(file_resize(file.path, 5000));
    NEED_OK(smmap__os_examine(&second, fd, 1));
    CHECK(first.birth == second.birth);
    CHECK(smmap__os_generation(fd) == generation);
    CHECK(second.size == 5000);
    file_close(fd);
}

/* Of files that are made one after the other, faster than the clock of births ticks. They may
   well have one id. */
static void birth_of_the_next(void)
{
    smmap__os_facts_t before;
    apr_int64_t generation_before = 0;
    apr_size_t same = 0;
    int i;

    NEEDS_REAL();
    if (!native_tells_generations(some_file().path)) {
        test_skip("this file system does not tell apart files that were made at one moment");
        return;
    }
    for (i = 0; i < 100; i++) {
        test_file_t file = file_make("next", 10);
        apr_os_file_t fd = file_open(file.path);
        smmap__os_facts_t facts;
        apr_int64_t generation = smmap__os_generation(fd);

        NEED_OK(smmap__os_examine(&facts, fd, 1));
        same += i > 0 && facts.birth == before.birth && generation == generation_before &&
                facts.inode == before.inode;
        before = facts;
        generation_before = generation;
        file_close(fd);
        file_delete(file.path);
    }
    CHECK_NUMBER(same, 0);
}

static const test_case_t cases[] = {
    {"read_is_positional", read_is_positional},
    {"peek_moves_nothing", peek_moves_nothing},
    {"direct_handle", direct_handle},
    {"overlapped_handle", overlapped_handle},
    {"overlapped_handle_alone", overlapped_handle_alone},
    {"handle_that_is_not_shared", handle_that_is_not_shared},
    {"open_for_reading", open_for_reading},
    {"open_of_a_fifo", open_of_a_fifo},
    {"open_of_a_leased_file", open_of_a_leased_file},
    {"dup_is_another_handle", dup_is_another_handle},
    {"dup_takes_any_handle", dup_takes_any_handle},
    {"ids_tell", ids_tell},
    {"times_tell", times_tell},
    {"places", places},
    {"birth_stays", birth_stays},
    {"birth_of_the_next", birth_of_the_next},
    {NULL, NULL}};

const test_module_t test_contract_files = {"contract_files", cases};
