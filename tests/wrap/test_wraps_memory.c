/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much memory there is for the process, as Linux tells it: /proc and /sys are read from a
 * directory of the test, so that each arrangement of control groups can be had. Then each call of
 * the system fails once. And how it is given back: mappings that are neighbours, by one call.
 */
#include "config.h"

#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/posix/internal.h"
#include "wrap.h"

static char root[400];
static char name[1200];

static const char *name_of(const char *path)
{
    snprintf(name, sizeof name, "%s%s", root, path);
    return name;
}

/* Write a file, with the directories that it is in. */
static void put(const char *path, const char *text)
{
    char *at;
    FILE *file;

    name_of(path);
    for (at = strchr(name + strlen(root) + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(name, 0700);
        *at = '/';
    }
    file = fopen(name, "w");
    NEED(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void begin(const char *directory)
{
    test_file_t file = file_make(directory, 1);

    snprintf(root, sizeof root, "%s.d", file.path);
    NEED(mkdir(root, 0700) == 0);
    wrap_root(root);
}

static void memory_is(apr_uint64_t most, int pressed)
{
    smmap__os_memory_t memory;

    NEED_OK(smmap__os_memory(&memory));
    CHECK_NUMBER(memory.most, most);
    CHECK_NUMBER(memory.pressed, pressed);
}

static apr_uint64_t of_machine(void)
{
    return (apr_uint64_t)sysconf(_SC_PHYS_PAGES) * (apr_uint64_t)sysconf(_SC_PAGESIZE);
}

static void version_2(void)
{
    begin("two");
    memory_is(of_machine(), 0); /* there is no /proc */
    put("/proc/self/cgroup", "0::/a/b\n");
    memory_is(of_machine(), 0);
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.high", "max\n");
    memory_is(of_machine(), 0);
    put("/sys/fs/cgroup/a/memory.max", "7340032\n");
    memory_is(7340032, 0);
    put("/sys/fs/cgroup/a/b/memory.high", "6291456\n");
    memory_is(6291456, 0);
    put("/sys/fs/cgroup/a/memory.high", "5242880\n");
    memory_is(5242880, 0);
    put("/sys/fs/cgroup/a/b/memory.max", "0\n");
    memory_is(0, 0);
    put("/sys/fs/cgroup/a/b/memory.max", "4194304\n");
    put("/proc/pressure/memory", "some avg10=10.00 avg60=0.01 avg300=0.27 total=19943661\n"
                                 "full avg10=0.00 avg60=0.00 avg300=0.04 total=5376419\n");
    memory_is(4194304, 1);
    put("/sys/fs/cgroup/a/b/memory.pressure", "some avg10=9.99 avg60=50.00 total=1\n");
    memory_is(4194304, 0);
    put("/sys/fs/cgroup/a/b/memory.pressure", "some avg10=100.00 avg60=0.00 total=1\n");
    memory_is(4194304, 1);
    /* A group that is not there, as in a container: the top is the container's. */
    put("/proc/self/cgroup", "0::/docker/0123\n");
    put("/sys/fs/cgroup/memory.max", "3145728\n");
    memory_is(3145728, 1);
    put("/proc/self/cgroup", "0::/../../x\n");
    memory_is(3145728, 1);
    put("/proc/self/cgroup", "0::/\n");
    memory_is(3145728, 1);
}

static void version_1(void)
{
    begin("one");
    put("/proc/self/cgroup", "9:name=memory:/wrong\n8:memory2,cpu:/wrong\n4:hugetlb,memory:/a/b\n"
                             "0::/");
    put("/sys/fs/cgroup/memory/wrong/memory.limit_in_bytes", "1\n");
    memory_is(of_machine(), 0);
    put("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    memory_is(of_machine(), 0);
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "7340032\n");
    memory_is(7340032, 0);
    put("/proc/pressure/memory", "some avg10=42.00 avg60=0.01 avg300=0.27 total=19943661\n");
    memory_is(7340032, 1); /* of the machine: version 1 tells none of groups */
    put("/proc/self/cgroup", "4:memory:/docker/0123\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "6291456\n");
    memory_is(6291456, 0);
}

/* What could not be read must not count as no limit; pressure is only a hint. */
static void each_fails(void)
{
    static const wrap_call_t kinds[] = {WRAP_OPEN, WRAP_PREAD};
    int handles = native_count_handles();
    apr_size_t refused = 0;
    apr_size_t failed;
    int i;

    begin("fails");
    put("/proc/self/cgroup", "4:memory:/a/b\n0::/c/d\n");
    put("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8388608\n");
    put("/sys/fs/cgroup/c/d/memory.max", "5242880\n");
    put("/sys/fs/cgroup/c/d/memory.high", "max\n");
    put("/sys/fs/cgroup/c/memory.max", "7340032\n");
    put("/sys/fs/cgroup/c/d/memory.pressure", "some avg10=90.00\n");
    for (i = 0; i < 2; i++) {
        const int *error = wrap_errors(kinds[i]);

        for (; *error > 0; error++) {
            apr_size_t which = 0;

            do {
                smmap__os_memory_t memory = {0, 0};
                apr_status_t status;

                failed = wrap_failed();
                which++;
                wrap_fail(kinds[i], which, *error, 0);
                status = smmap__os_memory(&memory);
                CHECK(status == APR_SUCCESS ? memory.most == 5242880
                                            : status == *error && memory.most == 0);
                refused += status != APR_SUCCESS;
                CHECK_NUMBER(native_count_handles(), handles);
            } while (wrap_failed() != failed);
            CHECK(which > 5);
        }
    }
    CHECK(refused > 10);
    wrap_fail_none();
    memory_is(5242880, 1);
}

/* A manager that cannot ask has the default; one that could keeps what it was told. */
static void manager_that_follows(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    const apr_size_t standard = smmap_manager_max_mapped_bytes(manager_make(NULL));
    const apr_size_t limit = 64 * smmap_granularity();
    test_file_t file = file_make("followed", 2 * limit);
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    char number[32];

    begin("manager");
    put("/proc/self/cgroup", "0::/\n");
    snprintf(number, sizeof number, "%lu\n", (unsigned long)limit * 4);
    put("/sys/fs/cgroup/memory.max", number);
    options.max_mapped_bytes = SMMAP_LIMIT_AUTO;
    wrap_fail(WRAP_OPEN, 1, EMFILE, 0);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager_make(&options)), standard);
    wrap_fail_none();
    options.window_size = limit; /* a look for each */
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), limit);
    cursor = cursor_open(manager, file.path);
    put("/sys/fs/cgroup/memory.max", "max\n");
    wrap_fail(WRAP_OPEN, 1, EMFILE, 0);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK_NUMBER(smmap_manager_max_mapped_bytes(manager), limit);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)limit, 0));
    CHECK(smmap_manager_max_mapped_bytes(manager) > limit);
    CHECK_NUMBER(wrap_failed(), 2);
}

/* A mapping of four granules, seen as four. The first has a last page that is not whole. */
static void quarter(smmap__os_mapping_t *quarters, apr_os_file_t handle)
{
    const apr_size_t unit = smmap_granularity();
    smmap__os_mapping_t whole = {NULL, 0, 0};
    int i;

    NEED_OK(smmap__os_map(&whole, handle, 0, 4 * unit));
    for (i = 0; i < 4; i++) {
        quarters[i].address = whole.address + (apr_size_t)i * unit;
        quarters[i].length = i == 0 ? unit - 1 : unit;
        quarters[i].memory = 0;
    }
}

/* Neighbours in memory go by one call, in either direction, with their patches, but nothing that is
   of another kind; and if the system refuses that, one by one. */
static void neighbours(void)
{
    const apr_size_t unit = smmap_granularity();
    test_file_t file = file_make("neighbours", 4 * unit);
    apr_os_file_t handle = file_open(file.path);
    smmap__os_mapping_t quarters[4];
    smmap__os_mapping_t of[4];
    apr_uintptr_t patched;
    apr_size_t fault;
    unsigned done = 7;

    quarter(quarters, handle);
    of[0] = quarters[1];
    of[1] = quarters[2];
    of[2] = quarters[0];
    of[3] = quarters[3];
    of[3].memory = 1;
    patched = (apr_uintptr_t)of[1].address;
    NEED(smmap__posix_patch(patched, unit, patched + 5, (apr_uintptr_t)sysconf(_SC_PAGESIZE)));
    NEED(smmap__os_guard_patched(of[1].address, &fault));
    wrap_reset();
    CHECK_OK(smmap__os_unmap_run(of, 4, &done));
    CHECK_NUMBER(done, 3);
    CHECK_NUMBER(wrap_calls(WRAP_MUNMAP), 1);
    CHECK(of[0].address == NULL && of[1].address == NULL && of[2].address == NULL);
    CHECK(!smmap__os_guard_patched(quarters[2].address, &fault));
    CHECK(memcmp(of[3].address, file.data + 3 * unit, unit) == 0);
    CHECK_OK(smmap__os_unmap_run(&of[3], 1, &done));
    CHECK(done == 1 && of[3].address == NULL);

    quarter(quarters, handle);
    wrap_fail(WRAP_MUNMAP, 1, ENOMEM, 0);
    CHECK_OK(smmap__os_unmap_run(quarters, 4, &done));
    CHECK(done == 1 && quarters[0].address == NULL);
    CHECK(memcmp(quarters[1].address, file.data + unit, 3 * unit) == 0);
    wrap_fail(WRAP_MUNMAP, 1, ENOMEM, 1);
    CHECK_STATUS(smmap__os_unmap_run(quarters + 1, 3, &done), ENOMEM);
    CHECK_NUMBER(done, 0);
    wrap_fail_none();
    CHECK(memcmp(quarters[1].address, file.data + unit, 3 * unit) == 0);
    CHECK_OK(smmap__os_unmap_run(quarters + 1, 3, &done));
    file_close(handle);
}

/* And so do windows. The system chooses their addresses: some are neighbours. */
static void windows_that_are_neighbours(void)
{
    enum { WINDOWS = 64 };
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    test_file_t file;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_size_t count = 0;
    apr_off_t i;

    options.window_size = smmap_granularity();
    file = file_make("windows", WINDOWS * options.window_size);
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    for (i = 0; i < WINDOWS; i++) {
        NEED_OK(smmap_cursor_use(cursor, i * (apr_off_t)options.window_size, 0));
    }
    smmap_cursor_release(cursor);
    CHECK_NUMBER(smmap_manager_regions(manager), WINDOWS);
    wrap_reset();
    NEED_OK(smmap_manager_collect(manager, &count));
    CHECK_NUMBER(count, WINDOWS);
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    /* In paranoid mode addresses are kept. */
    CHECK(test_is_paranoid() || wrap_calls(WRAP_MUNMAP) < WINDOWS / 2);
}

static const test_case_t cases[] = {{"version_2", version_2},
                                    {"version_1", version_1},
                                    {"each_fails", each_fails},
                                    {"manager_that_follows", manager_that_follows},
                                    {"neighbours", neighbours},
                                    {"windows_that_are_neighbours", windows_that_are_neighbours},
                                    {NULL, NULL}};

const test_module_t test_wraps_memory = {"wraps_memory", cases};
