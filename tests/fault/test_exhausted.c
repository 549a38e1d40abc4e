/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The system's own limits, reached in fact, each in a child process: descriptors, address
 * space, mappings, memory. First everything is made from what is left, then calls are
 * refused with a status that names the limit; copies go on; and when the pressure ends, all
 * of it works again and the counters are exact. Memory checkers keep much memory of their own, so
 * these tests are not for them.
 */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static const char *name_of(int number)
{
    static char name[20];

    snprintf(name, sizeof name, "file%d", number);
    return name;
}

static int can_exhaust(void)
{
    if (test_has_asan() || test_is_light()) {
        test_skip("a memory checker needs more address space than the test leaves");
        return 0;
    }
    return 1;
}

/* Does the sentence for a status name this? */
static int names(apr_status_t status, const char *word)
{
    char sentence[400];

    return strstr(smmap_strerror(status, sentence, sizeof sentence), word) != NULL;
}

/* In a child: the file is holes, and the manager works as if nothing had been. */
static void works_again(const char *path, apr_size_t window)
{
    smmap_cursor_t *after = cursor_open(manager, path);
    int i;

    for (i = 0; i < 5; i++) {
        NEED_OK(smmap_cursor_use(after, (apr_off_t)(window * (apr_size_t)i * 3), 0));
        NEED(smmap_cursor_region_size(after) == window);
        NEED(*smmap_cursor_data(after) == 0);
    }
    smmap_cursor_close(after);
    counts_check();
    NEED_OK(smmap_manager_collect(manager, NULL));
    NEED(manager_stats(manager).regions == 0 && manager_stats(manager).mapped_bytes == 0);
    NEED(manager_stats(manager).buffered_regions == 0);
    NEED(native_count_mappings(path) == 0);
    counts_check();
}

static int few_descriptors(void *data)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *cursors[40];
    int i;

    (void)data;
    options.max_open_files = SMMAP_UNLIMITED;
    manager = manager_make(&options);
    NEED(native_limit_handles(6));
    for (i = 0; i < 40; i++) {
        NEED_OK(smmap_cursor_open(&cursors[i], manager, test_path(name_of(i)), test_pool));
    }
    for (i = 0; i < 40; i++) {
        NEED_OK(smmap_cursor_use(cursors[i], 0, 0));
        NEED(smmap_cursor_size(cursors[i]) == 10 + (apr_size_t)i);
    }
    NEED(manager_stats(manager).retries > 0);
    NEED(manager_stats(manager).open_failures == 0);
    if (!fake_present()) {
        NEED(native_limit_handles(-1));
        manager = manager_make(NULL);
        NEED(smmap_manager_max_open_files(manager) == 8);
    }
    return 0;
}

static int one_descriptor(void *path)
{
    smmap_manager_t *small = manager_sliding(smmap_granularity(), 0, 0, SMMAP_LIMITS_HARD);
    smmap_cursor_t *only = NULL;

    if (!native_limit_handles(1)) {
        return 2;
    }
    if (smmap_cursor_open(&only, small, path, test_pool) != APR_SUCCESS) {
        return 3;
    }
    return smmap_cursor_use(only, 0, 0) == APR_SUCCESS && cursor_shows(only, &file) ? 0 : 4;
}

static int can_have_few_descriptors(void)
{
    if (test_is_light()) {
        test_skip("light counts are for checkers, and valgrind keeps descriptors of its own, so "
                  "the limit cannot be set that low");
        return 0;
    }
    return 1;
}

/* A handle is a handle: opening a file takes one descriptor, not two for a moment. */
static void one_descriptor_in_fact(void)
{
    if (!can_have_few_descriptors()) {
        return;
    }
    file = file_make("file", 100);
    CHECK_NUMBER(test_in_child(one_descriptor, (void *)(size_t)file.path), 0);
}

static void few_descriptors_in_fact(void)
{
    int i;

    if (!can_have_few_descriptors()) {
        return;
    }
    fake_set_birth(1);
    for (i = 0; i < 40; i++) {
        file_make(name_of(i), 10 + (apr_size_t)i);
    }
    CHECK_NUMBER(test_in_child(few_descriptors, NULL), 0);
}

/* 512 MiB of windows do not fit. */
static int little_memory(void *data)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_off_t window;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = 16 << 20;
    manager = manager_make(&options);
    cursor = cursor_open(manager, data);
    if (!native_limit_memory(100 << 20)) {
        return 1;
    }
    for (window = 0; window < 32; window++) {
        NEED_OK(smmap_cursor_use(cursor, window << 24, 0));
        NEED(*smmap_cursor_data(cursor) == 0);
        smmap_cursor_release(cursor);
    }
    NEED(manager_stats(manager).retries > 0);
    NEED(manager_stats(manager).evictions > 0);
    NEED(manager_stats(manager).map_failures == 0);
    /* A window that fits only in part. */
    options.window_size = 256 << 20;
    manager = manager_make(&options);
    cursor = cursor_open(manager, data);
    NEED_OK(smmap_cursor_use(cursor, 300 << 20, 0));
    NEED(smmap_cursor_region_size(cursor) < 256 << 20);
    NEED(manager_stats(manager).shrunk_maps == 1);
    return 0;
}

static void little_memory_in_fact(void)
{
    int result;

    NEEDS_REAL();
    if (!can_exhaust()) {
        return;
    }
    file = file_make("file", 0);
    NEED(file_resize(file.path, 512 << 20));
    result = test_in_child(little_memory, (void *)(apr_uintptr_t)file.path);
    if (result == 1) {
        test_skip("this system does not tell, or does not limit, the address space in use");
        return;
    }
    CHECK_NUMBER(result, 0);
}

/* Windows are pinned until nothing is left: whole ones, parts, granules, memory of the heap. */
enum { PINS = 3000, NO_LIMIT = 90 };

static smmap_cursor_t *pins[PINS];

static int pin_all(const char *path, apr_size_t window)
{
    unsigned char bytes[100];
    apr_status_t status = APR_SUCCESS;
    smmap_stats_t stats;
    apr_size_t got = 0;
    int count;
    int i;

    for (count = 0; count < PINS; count++) {
        status = smmap_cursor_use(pins[count], (apr_off_t)window * count, 0);
        if (status != APR_SUCCESS) {
            break;
        }
        NEED(*smmap_cursor_data(pins[count]) == 0);
    }
    if (count == PINS) {
        return NO_LIMIT;
    }
    NEED(APR_STATUS_IS_ENOMEM(status));
    NEED(names(status, "address space") && names(status, "vm.max_map_count"));
    NEED(names(status, "ulimit -v") && names(status, "lower"));
    stats = manager_stats(manager);
    /* What the heap had left was used. */
    NEED(stats.buffered_regions > 0 || fake_memory_failed() > 0);
    NEED(stats.retries > 0);
    NEED(stats.pinned_regions == stats.regions && stats.regions == (apr_size_t)count);
    /* A copy needs no mapping. */
    for (i = 0; i < 10; i++) {
        memset(bytes, 1, sizeof bytes);
        NEED_OK(smmap_cursor_read(cursor, (apr_off_t)window * (PINS - i) - 300, bytes,
                                  sizeof bytes, &got));
        NEED(got == sizeof bytes && bytes[0] == 0 && bytes[99] == 0);
    }
    NEED(manager_stats(manager).bypassed_reads >= 10);
    counts_check();
    /* All but a few let go: the rest is found by eviction, the limit is still there. */
    for (i = 4; i < count; i++) {
        smmap_cursor_release(pins[i]);
    }
    for (i = 0; i < 100; i++) {
        NEED_OK(smmap_cursor_use(cursor, (apr_off_t)window * 10 * i, 0));
    }
    for (i = 0; i < 4; i++) {
        NEED(*smmap_cursor_data(pins[i]) == 0);
        smmap_cursor_release(pins[i]);
    }
    smmap_cursor_release(cursor);
    counts_check();
    native_give_mappings();
    native_limit_none();
    works_again(path, window);
    return 0;
}

static void prepare(const char *path, apr_size_t window)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    void *blocks[40];
    int i;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = window;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = SMMAP_UNLIMITED;
    manager = manager_make(&options);
    cursor = cursor_open(manager, path);
    for (i = 0; i < PINS; i++) {
        pins[i] = cursor_open(manager, path);
    }
    /* The heap keeps some of what it is given back, as it does in any program. */
    for (i = 0; i < 40; i++) {
        blocks[i] = malloc(10000);
    }
    while (i > 0) {
        free(blocks[--i]);
    }
}

static int address_space(void *path)
{
    int result;

    prepare(path, 1 << 20);
    if (!native_limit_memory((50 << 20) + (700 << 10))) {
        return NO_LIMIT;
    }
    result = pin_all(path, 1 << 20);
    NEED(manager_stats(manager).shrunk_maps > 0);
    return result;
}

/* Without a limit but that of the addresses. */
static int all_addresses(void *path)
{
    int result;

    prepare(path, 4 << 20);
    result = pin_all(path, 4 << 20);
    NEED(manager_stats(manager).shrunk_maps > 0);
    return result;
}

static int few_mappings(void *path)
{
    prepare(path, smmap_granularity());
    return native_take_mappings(100) ? pin_all(path, smmap_granularity()) : NO_LIMIT;
}

static void exhaust(int (*run)(void *), apr_off_t window, const char *what)
{
    int result;

    file = file_make("file", 0);
    if (!file_resize(file.path, window * PINS)) {
        test_skip("the file system has no files that large");
        return;
    }
    result = test_in_child(run, (void *)(apr_uintptr_t)file.path);
    if (result == NO_LIMIT) {
        test_skip("this system has no limit of %s, or does not tell", what);
        return;
    }
    CHECK_NUMBER(result, 0);
}

static void address_space_in_fact(void)
{
    NEEDS_REAL();
    if (can_exhaust()) {
        exhaust(address_space, 1 << 20, "address space");
    }
}

static void all_addresses_in_fact(void)
{
    NEEDS_REAL();
    if (smmap_is_64bit()) {
        test_skip("a 64-bit program does not run out of addresses");
    } else if (can_exhaust()) {
        exhaust(all_addresses, 4 << 20, "addresses");
    }
}

static void few_mappings_in_fact(void)
{
    NEEDS_REAL();
    if (can_exhaust()) {
        exhaust(few_mappings, (apr_off_t)smmap_granularity(), "mappings");
    }
}

/* As many windows as the system has mappings, one by one; of those that are let go of, some
   have to go. */
static int all_mappings(void *path)
{
    const apr_size_t unit = smmap_granularity();
    apr_off_t i;

    prepare(path, unit);
    for (i = 0; i < 70000; i++) {
        NEED_OK(smmap_cursor_use(cursor, i * (apr_off_t)unit, 0));
        NEED(*smmap_cursor_data(cursor) == 0);
        NEED(smmap_cursor_region_size(cursor) == unit);
    }
    if (manager_stats(manager).evictions == 0) {
        return NO_LIMIT;
    }
    NEED(manager_stats(manager).peak_regions > 60000);
    NEED(manager_stats(manager).retries > 0 && manager_stats(manager).map_failures == 0);
    counts_check();
    smmap_cursor_release(cursor);
    works_again(path, unit);
    return 0;
}

static void all_mappings_in_fact(void)
{
    int result;

    NEEDS_REAL();
    if (!can_exhaust()) {
        return;
    }
    file = file_make("file", 0);
    NEED(file_resize(file.path, (apr_off_t)smmap_granularity() * 70000));
    result = test_in_child(all_mappings, (void *)(apr_uintptr_t)file.path);
    if (result == NO_LIMIT) {
        test_skip("70000 mappings are not too many here");
        return;
    }
    CHECK_NUMBER(result, 0);
}

/* The C library has no memory for tables, regions, pools. */
static int no_memory(void *path)
{
    unsigned char bytes[100];
    apr_size_t refused = 0;
    apr_size_t got;
    int i;

    prepare(path, 1 << 20);
    if (!native_limit_memory(10 << 20)) {
        return NO_LIMIT;
    }
    NEED_OK(smmap_cursor_use(pins[0], 5, 0));
    native_take_memory();
    for (i = 1; i < 200; i++) {
        apr_status_t status = smmap_cursor_use(pins[i], (apr_off_t)i << 20, 0);

        NEED(status == APR_SUCCESS || APR_STATUS_IS_ENOMEM(status));
        NEED(smmap_cursor_is_valid(pins[i]) == (status == APR_SUCCESS));
        refused += status != APR_SUCCESS;
    }
    NEED(refused > 100);
    NEED_OK(smmap_cursor_read(pins[0], 7, bytes, sizeof bytes, &got));
    NEED(bytes[0] == 0 && bytes[99] == 0);
    native_give_memory();
    counts_check();
    for (i = 0; i < 200; i++) {
        smmap_cursor_release(pins[i]);
    }
    native_limit_none();
    works_again(path, 1 << 20);
    return 0;
}

static void no_memory_in_fact(void)
{
    NEEDS_REAL();
    if (can_exhaust()) {
        exhaust(no_memory, 1 << 20, "memory");
    }
}

/* Handles that must stay open use up all descriptors. */
static int all_descriptors(void *path)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *by_handle[10];
    apr_os_file_t handles[10];
    smmap_cursor_t *late = NULL;
    apr_status_t status = APR_SUCCESS;
    int count;

    options.max_open_files = SMMAP_UNLIMITED;
    manager = manager_make(&options);
    for (count = 0; count < 10; count++) {
        handles[count] = file_open(test_path(name_of(count)));
    }
    if (!native_limit_handles(5)) {
        return NO_LIMIT;
    }
    for (count = 0; count < 10; count++) {
        by_handle[count] = NULL;
        status = smmap_cursor_open_handle(&by_handle[count], manager, handles[count], test_pool);
        if (status != APR_SUCCESS) {
            break;
        }
    }
    NEED(count == 5 && APR_STATUS_IS_EMFILE(status));
    NEED(names(status, "descriptors") && names(status, "ulimit -n"));
    NEED(names(status, "close cursors") && by_handle[count] == NULL);
    NEED(APR_STATUS_IS_EMFILE(smmap_cursor_open(&late, manager, path, test_pool)));
    NEED(late == NULL && manager_stats(manager).open_failures == 2);
    counts_check();
    smmap_cursor_close(by_handle[0]);
    NEED_OK(smmap_cursor_open(&late, manager, path, test_pool));
    NEED_OK(smmap_cursor_use(late, 0, 0));
    NEED(*smmap_cursor_data(late) == file.data[0]);
    native_limit_none();
    for (count = 1; count < 5; count++) {
        NEED_OK(smmap_cursor_use(by_handle[count], 0, 0));
        smmap_cursor_close(by_handle[count]);
    }
    counts_check();
    return 0;
}

static void all_descriptors_in_fact(void)
{
    int i;

    NEEDS_REAL();
    NEEDS_LASTING_WINDOWS(); /* else a handle is renewed, which takes one more */
    if (!can_exhaust()) {
        return;
    }
    for (i = 0; i < 10; i++) {
        file_make(name_of(i), 10 + (apr_size_t)i);
    }
    file = file_make("late", 100);
    CHECK_NUMBER(test_in_child(all_descriptors, (void *)(apr_uintptr_t)file.path), 0);
}

static const test_case_t cases[] = {{"one_descriptor_in_fact", one_descriptor_in_fact},
                                    {"few_descriptors_in_fact", few_descriptors_in_fact},
                                    {"all_descriptors_in_fact", all_descriptors_in_fact},
                                    {"little_memory_in_fact", little_memory_in_fact},
                                    {"no_memory_in_fact", no_memory_in_fact},
                                    {"address_space_in_fact", address_space_in_fact},
                                    {"all_addresses_in_fact", all_addresses_in_fact},
                                    {"few_mappings_in_fact", few_mappings_in_fact},
                                    {"all_mappings_in_fact", all_mappings_in_fact},
                                    {NULL, NULL}};

const test_module_t test_exhausted = {"exhausted", cases};
