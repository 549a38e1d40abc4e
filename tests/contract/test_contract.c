/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backends/backend.h, rule by rule. The suite of the real backend and that of the
 * fake one run the same tests: what the core is tested with keeps the contract
 * that the real one keeps.
 *
 * The rules about files and handles are in test_contract_files.c, the fences in
 * test_fences.c.
 */
#include "tests/support/harness.h"

#include "backends/backend.h"

#include <apr_thread_proc.h>

#include <string.h>

#include "tests/fake/backend.h"

static smmap__os_info_t info;

/* A file of some granules and an odd end. */
static test_file_t granules(apr_size_t count)
{
    smmap__os_info(&info);
    return file_make("file", count * info.granularity + 1234);
}

static void facts(void)
{
    smmap__os_info_t again;

    memset(&info, 0xee, sizeof info);
    smmap__os_info(&info);
    CHECK(info.page_size > 0 && (info.page_size & (info.page_size - 1)) == 0);
    CHECK(info.granularity > 0 && (info.granularity & (info.granularity - 1)) == 0);
    CHECK(info.granularity % info.page_size == 0);
    CHECK_NUMBER(info.address_bits, 8 * sizeof(void *));
    CHECK(info.shrink == SMMAP__OS_SHRINK_FAULTS || info.shrink == SMMAP__OS_SHRINK_REFUSED);
    memset(&again, 0x11, sizeof again);
    smmap__os_info(&again);
    CHECK_NUMBER(again.page_size, info.page_size);
    CHECK_NUMBER(again.granularity, info.granularity);
    CHECK_NUMBER(again.address_bits, info.address_bits);
    CHECK_NUMBER(again.shrink, info.shrink);
    CHECK_NUMBER(smmap_granularity(), info.granularity);
    CHECK_NUMBER(smmap_page_size(), info.page_size);
    if (!fake_present()) {
        CHECK_NUMBER(info.max_open_files, native_max_open_files());
    }
}

/* The machine has memory for what this process has taken already. */
static void memory_there_is(void)
{
    smmap__os_memory_t told = {0, 2};

    NEEDS_REAL();
    NEED_OK(smmap__os_memory(&told));
    CHECK(told.most >= (apr_uint64_t)1 << 25);
    CHECK(told.most < (apr_uint64_t)1 << 50);
    CHECK(told.pressed == 0 || told.pressed == 1);
}

static void map_shows_the_file(void)
{
    test_file_t file = granules(4);
    apr_os_file_t fd = file_open(file.path);
    apr_size_t lengths[6];
    apr_size_t offset;
    apr_size_t i;

    lengths[0] = 1;
    lengths[1] = info.page_size - 1;
    lengths[2] = info.page_size;
    lengths[3] = info.page_size + 1;
    lengths[4] = info.granularity;
    lengths[5] = file.size; /* cut to what is left */
    for (offset = 0; offset < file.size; offset += info.granularity) {
        for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            apr_size_t left = file.size - offset;
            apr_size_t length = lengths[i] < left ? lengths[i] : left;
            smmap__os_mapping_t mapping = {NULL, 0, 0};

            NEED_OK(smmap__os_map(&mapping, fd, (apr_off_t)offset, length));
            NEED(mapping.address != NULL);
            CHECK_NUMBER(mapping.length, length);
            CHECK((apr_uintptr_t)mapping.address % info.granularity == 0);
            CHECK(memcmp(mapping.address, file.data + offset, length) == 0);
            CHECK_OK(smmap__os_unmap(&mapping));
        }
    }
    file_close(fd);
}

static void map_outlives_the_handle(void)
{
    test_file_t file = granules(2);
    apr_os_file_t fd = file_open(file.path);
    smmap__os_mapping_t mapping = {NULL, 0, 0};

    NEED_OK(smmap__os_map(&mapping, fd, 0, file.size));
    file_close(fd);
    CHECK(memcmp(mapping.address, file.data, file.size) == 0);
    CHECK_OK(smmap__os_unmap(&mapping));
}

/* Unmapped by the pool: deleting what is mapped may end the test. */
static apr_status_t unmap_last(void *data)
{
    CHECK_OK(smmap__os_unmap(data));
    return APR_SUCCESS;
}

static void map_outlives_the_name(void)
{
    static smmap__os_mapping_t mapping;
    test_file_t file = granules(2);
    apr_os_file_t fd = file_open(file.path);

    NEED_OK(smmap__os_map(&mapping, fd, 0, file.size));
    apr_pool_cleanup_register(test_pool, &mapping, unmap_last, apr_pool_cleanup_null);
    file_close(fd);
    file_delete(file.path);
    CHECK(memcmp(mapping.address, file.data, file.size) == 0);
    apr_pool_cleanup_run(test_pool, &mapping, unmap_last);
}

/* What was cut since it was measured. */
static void map_past_the_end(void)
{
    smmap__os_mapping_t mapping = {NULL, 0, 0};
    test_file_t file;
    apr_os_file_t fd;
    int i;

    NEEDS_REAL(); /* to the fake it is a mistake of the core */
    file = granules(2);
    fd = file_open(file.path);
    for (i = 0; i < 3; i++) {
        apr_off_t offset = i == 0 ? (apr_off_t)(4 * info.granularity) : 0;
        apr_status_t status = smmap__os_map(&mapping, fd, offset, 3 * info.granularity);

        CHECK(status == APR_SUCCESS || status == APR_EOF);
        CHECK(mapping.length == (status == APR_SUCCESS ? 3 * info.granularity : 0));
        CHECK_OK(smmap__os_unmap(&mapping));
        NEED(i == 0 || file_resize(file.path, 0)); /* the last turn maps an empty one */
    }
    file_close(fd);
}

static void memory(void)
{
    smmap__os_mapping_t mapping = {NULL, 0, 0};
    apr_size_t bad = 0;
    apr_size_t i;

    smmap__os_info(&info);
    NEED_OK(smmap__os_map_anonymous(&mapping, 3 * info.page_size + 5));
    CHECK_NUMBER((apr_uintptr_t)mapping.address % info.granularity, 0);
    CHECK_NUMBER(mapping.length, 3 * info.page_size + 5);
    CHECK_NUMBER(mapping.memory, 1);
    for (i = 0; i < mapping.length; i++) {
        bad += mapping.address[i] != 0;
        mapping.address[i] = (unsigned char)i;
    }
    CHECK_NUMBER(bad, 0);
    CHECK_OK(smmap__os_unmap(&mapping));
    CHECK(mapping.address == NULL);
    CHECK_NUMBER(mapping.memory, 0);
}

static void size_of_a_file(void)
{
    test_file_t file = granules(1);
    apr_os_file_t fd = file_open(file.path);
    apr_off_t size = 0;

    CHECK_OK(smmap__os_file_size(&size, fd));
    CHECK_NUMBER(size, file.size);
    file_write(file.path, (apr_off_t)file.size, "x", 1);
    CHECK_OK(smmap__os_file_size(&size, fd));
    CHECK_NUMBER(size, file.size + 1);
    file_close(fd);
    size = 7;
    CHECK(says_bad_handle(smmap__os_file_size(&size, NO_HANDLE)));
    CHECK_NUMBER(size, 7);
}

static void map_many(void)
{
    test_file_t file = granules(8);
    apr_os_file_t fd = file_open(file.path);
    smmap__os_mapping_t mappings[64];
    apr_size_t i;
    apr_size_t j;

    /* The same range twice, and overlapping ones, are mappings of their own. */
    for (i = 0; i < 64; i++) {
        apr_size_t offset = i % 8 * info.granularity;

        NEED_OK(smmap__os_map(&mappings[i], fd, (apr_off_t)offset, file.size - offset));
        for (j = 0; j < i; j++) {
            CHECK(mappings[j].address != mappings[i].address);
        }
    }
    for (i = 0; i < 64; i += 2) {
        CHECK_OK(smmap__os_unmap(&mappings[i]));
    }
    for (i = 1; i < 64; i += 2) {
        apr_size_t offset = i % 8 * info.granularity;

        CHECK(memcmp(mappings[i].address, file.data + offset, file.size - offset) == 0);
        CHECK_OK(smmap__os_unmap(&mappings[i]));
    }
    file_close(fd);
}

static void unmap_zeroes(void)
{
    test_file_t file = granules(1);
    apr_os_file_t fd = file_open(file.path);
    smmap__os_mapping_t mapping = {NULL, 0, 0};

    CHECK_OK(smmap__os_unmap(&mapping));
    NEED_OK(smmap__os_map(&mapping, fd, 0, 100));
    CHECK_OK(smmap__os_unmap(&mapping));
    CHECK(mapping.address == NULL);
    CHECK_NUMBER(mapping.length, 0);
    CHECK_OK(smmap__os_unmap(&mapping));
    file_close(fd);
}

/* A result is written on success alone. */
static int untouched(const void *result, apr_size_t size)
{
    const unsigned char *bytes = result;
    apr_size_t i;

    for (i = 0; i < size; i++) {
        if (bytes[i] != 0xc3) {
            return 0;
        }
    }
    return 1;
}

static void failures_change_nothing(void)
{
    test_file_t file = granules(1);
    apr_os_file_t directory;
    smmap__os_mapping_t mapping;
    unsigned char bytes[16];
    apr_os_file_t copy;
    apr_size_t nread;
    smmap__os_facts_t facts;

    NEED_OK(native_open(&directory, test_dir(), NATIVE_DIRECTORY));
    memset(&mapping, 0xc3, sizeof mapping);
    memset(&copy, 0xc3, sizeof copy);
    memset(&nread, 0xc3, sizeof nread);
    memset(&facts, 0xc3, sizeof facts);
    CHECK(says_bad_handle(smmap__os_map(&mapping, NO_HANDLE, 0, 100)));
    CHECK(smmap__os_map(&mapping, directory, 0, 100) != APR_SUCCESS);
    CHECK(untouched(&mapping, sizeof mapping));
    CHECK(says_bad_handle(smmap__os_file_dup(&copy, NO_HANDLE)));
    CHECK(untouched(&copy, sizeof copy));
    CHECK(says_bad_handle(smmap__os_read(NO_HANDLE, 0, bytes, sizeof bytes, &nread)));
    CHECK_NUMBER(nread, 0);
    nread = 9;
    CHECK(smmap__os_read(directory, 0, bytes, sizeof bytes, &nread) != APR_SUCCESS);
    CHECK_NUMBER(nread, 0);
    CHECK(says_bad_handle(smmap__os_peek(NO_HANDLE, &nread)));
    CHECK(smmap__os_peek(directory, &nread) != APR_SUCCESS);
    CHECK(says_bad_handle(smmap__os_examine(&facts, NO_HANDLE, 0)));
    CHECK(says_bad_handle(smmap__os_examine(&facts, NO_HANDLE, 1)));
    CHECK(says_missing(smmap__os_examine_path(&facts, test_path("missing"))));
    CHECK(untouched(&facts, sizeof facts));
    CHECK_OK(smmap__os_examine_path(&facts, test_dir()));
    CHECK(facts.kind == SMMAP__OS_OTHER);
    CHECK(says_bad_handle(smmap__os_file_close(NO_HANDLE)));
    file_close(directory);
    CHECK(file.size > 0);
    fake_forgive(); /* closing what is not open was meant */
}

static void advise_changes_no_bytes(void)
{
    static const smmap__os_advice_t advices[] = {SMMAP__OS_NORMAL, SMMAP__OS_SEQUENTIAL,
                                                 SMMAP__OS_RANDOM, SMMAP__OS_WILLNEED,
                                                 SMMAP__OS_DONTNEED};
    test_file_t file = granules(4);
    apr_os_file_t fd = file_open(file.path);
    smmap__os_mapping_t mapping = {NULL, 0, 0};
    apr_size_t i;

    NEED_OK(smmap__os_map(&mapping, fd, 0, file.size));
    for (i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        apr_status_t whole = smmap__os_advise(&mapping, 0, file.size, advices[i]);
        apr_status_t middle =
            smmap__os_advise(&mapping, info.page_size, info.page_size, advices[i]);
        apr_status_t end = smmap__os_advise(&mapping, file.size / info.page_size * info.page_size,
                                            file.size % info.page_size, advices[i]);

        CHECK(whole == APR_SUCCESS || APR_STATUS_IS_ENOTIMPL(whole));
        CHECK(middle == APR_SUCCESS || APR_STATUS_IS_ENOTIMPL(middle));
        CHECK(end == APR_SUCCESS || APR_STATUS_IS_ENOTIMPL(end));
        CHECK(memcmp(mapping.address, file.data, file.size) == 0);
    }
    CHECK_NUMBER(mapping.length, file.size);
    CHECK_OK(smmap__os_unmap(&mapping));
    file_close(fd);
}

static void residency_sees_what_was_touched(void)
{
    test_file_t file = granules(4);
    apr_os_file_t fd = file_open(file.path);
    smmap__os_mapping_t mapping = {NULL, 0, 0};
    apr_size_t pages = (file.size + info.page_size - 1) / info.page_size;
    unsigned char *seen = apr_palloc(test_pool, pages + 2);
    apr_size_t missing = 0;
    apr_status_t status;
    apr_size_t i;

    NEED_OK(smmap__os_map(&mapping, fd, 0, file.size));
    CHECK(memcmp(mapping.address, file.data, file.size) == 0); /* touches all of it */
    memset(seen, 0xc3, pages + 2);
    status = smmap__os_residency(&mapping, 0, file.size, seen);
    CHECK(status == APR_SUCCESS || APR_STATUS_IS_ENOTIMPL(status));
    if (status == APR_SUCCESS) {
        for (i = 0; i < pages; i++) {
            missing += seen[i] == 0;
        }
        CHECK_NUMBER(missing, 0);
        CHECK(untouched(seen + pages, 2));
        CHECK_OK(smmap__os_residency_is_told(fd)); /* it is our own file */
        /* A part: one byte for each page begun, and no more. */
        memset(seen, 0xc3, pages + 2);
        CHECK_OK(smmap__os_residency(&mapping, info.page_size, info.page_size + 1, seen));
        CHECK(seen[0] != 0 && seen[1] != 0);
        CHECK(untouched(seen + 2, pages));
    }
    CHECK_OK(smmap__os_unmap(&mapping));
    file_close(fd);
}

static int in_memory(const smmap__os_mapping_t *mapping, apr_size_t offset)
{
    unsigned char page = 0xc3;

    NEED_OK(smmap__os_residency(mapping, offset, info.page_size, &page));
    return page != 0;
}

static void residency_sees_what_was_not(void)
{
    const apr_size_t size = 64 << 20;
    smmap__os_mapping_t mapping = {NULL, 0, 0};
    apr_size_t last;
    test_file_t file;
    apr_os_file_t fd;

    NEEDS_REAL();
    smmap__os_info(&info);
    last = size - info.page_size;
    file = file_make("sparse", 0);
    NEED(file_resize(file.path, (apr_off_t)size));
    fd = file_open(file.path);
    NEED_OK(smmap__os_map(&mapping, fd, 0, size));
    file_close(fd);
    /* So that touching one page does not read the others. */
    if (smmap__os_advise(&mapping, 0, size, SMMAP__OS_RANDOM) != APR_SUCCESS) {
        test_skip("this system cannot be told not to read ahead");
    } else {
        CHECK(mapping.address[last] == 0);
        CHECK(in_memory(&mapping, last));
        CHECK(!in_memory(&mapping, size / 4));
        CHECK(!in_memory(&mapping, size / 2));
    }
    CHECK_OK(smmap__os_unmap(&mapping));
}

/* Threads that map, read and unmap at the same time. */

typedef struct worker_t {
    const test_file_t *file;
    apr_os_file_t fd;
    apr_size_t rounds;
    apr_size_t bad;
    unsigned salt;
} worker_t;

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_size_t granules_in = worker->file->size / info.granularity;
    apr_size_t i;

    (void)thread;
    for (i = 0; i < worker->rounds; i++) {
        apr_size_t offset = (i * 7 + worker->salt) % granules_in * info.granularity;
        apr_size_t length = worker->file->size - offset;
        smmap__os_mapping_t mapping = {NULL, 0, 0};
        unsigned char bytes[128];
        apr_size_t nread = 0;

        worker->bad += smmap__os_map(&mapping, worker->fd, (apr_off_t)offset, length) != 0;
        worker->bad += mapping.address == NULL ||
                       memcmp(mapping.address, worker->file->data + offset, length) != 0;
        worker->bad += smmap__os_read(worker->fd, (apr_off_t)offset, bytes, 128, &nread) != 0;
        worker->bad += nread != 128 || memcmp(bytes, worker->file->data + offset, 128) != 0;
        worker->bad += smmap__os_unmap(&mapping) != 0;
        smmap__os_fence_heavy();
    }
    return NULL;
}

static void threads(void)
{
    test_file_t file = granules(8);
    apr_os_file_t fd = file_open(file.path);
    worker_t workers[4];
    apr_thread_t *started[4];
    unsigned i;

    for (i = 0; i < 4; i++) {
        workers[i].file = &file;
        workers[i].fd = fd;
        workers[i].rounds = test_count(100);
        workers[i].bad = 0;
        workers[i].salt = i;
        NEED_OK(apr_thread_create(&started[i], NULL, work, &workers[i], test_pool));
    }
    for (i = 0; i < 4; i++) {
        thread_join(started[i]);
        CHECK_NUMBER(workers[i].bad, 0);
    }
    file_close(fd);
}

static const test_case_t cases[] = {
    {"facts", facts},
    {"memory_there_is", memory_there_is},
    {"map_shows_the_file", map_shows_the_file},
    {"map_outlives_the_handle", map_outlives_the_handle},
    {"map_outlives_the_name", map_outlives_the_name},
    {"map_past_the_end", map_past_the_end},
    {"memory", memory},
    {"size_of_a_file", size_of_a_file},
    {"map_many", map_many},
    {"unmap_zeroes", unmap_zeroes},
    {"failures_change_nothing", failures_change_nothing},
    {"advise_changes_no_bytes", advise_changes_no_bytes},
    {"residency_sees_what_was_touched", residency_sees_what_was_touched},
    {"residency_sees_what_was_not", residency_sees_what_was_not},
    {"threads", threads},
    {NULL, NULL}};

const test_module_t test_contract = {"contract", cases};
