/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media program, see media.h: its arguments, the frame around each check, and what the
 * checks have in common. media.sh mounts what it reads, then calls it.
 *
 * Exit code: 0 all passed, 1 something failed, 2 bad arguments, or it could not start.
 */
#include "media.h"

#include <apr_general.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/fake/memory.h"
#include "tests/support/leftover.h"
#include "bytes.h"

enum { SECONDS_OF_A_HANG = 120 };

media_t media;
static char last_words[300];

static void usage(FILE *out, const char *program)
{
    fprintf(out,
            "usage: %s disk-make DIRECTORY\n"
            "       %s disk DIRECTORY IMAGE\n"
            "       %s user DIRECTORY\n"
            "       %s full DIRECTORY\n"
            "       %s stacked-make DIRECTORY\n"
            "       %s stacked DIRECTORY\n"
            "       %s group DIRECTORY FILE\n"
            "       %s list disk|user|full|stacked|group\n"
            "  disk-make  write the file for disk; then mount it anew, read-only\n"
            "  disk       DIRECTORY is a file system on the file IMAGE, which is cut short\n"
            "  user       it is served by media-fuse\n"
            "  full       it is a tmpfs of 1 MiB\n"
            "  stacked-make  write the files for stacked: the lower layer\n"
            "  stacked    it is an overlayfs\n"
            "  group      this process is in a control group, and FILE is its limit of memory\n"
            "  list       print the checks and end\n"
            "tests/media/media.sh mounts them. Exit codes: 0 all passed, 1 something failed,\n"
            "2 bad arguments, or it could not start.\n",
            program, program, program, program, program, program, program, program);
}

void media_manage(smmap_guard_t guard, apr_size_t windows, apr_size_t max_files)
{
    const smmap_options_t options = SMMAP_OPTIONS_INIT;

    stress.options = options;
    stress.options.guard = guard;
    stress.options.mode = windows == 0 ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING;
    stress.options.window_size = windows * media.page;
    stress.options.max_open_files = max_files;
    stress_manage();
}

void media_settle(apr_size_t faults)
{
    smmap_stats_t stats = stress_stats();
    stress_truth_t truth = truth_now();

    stress_agree(&stats, &truth);
    if (faults != SIZE_MAX) {
        stress_equal("faults", stats.faults, faults);
    }
    media_status(smmap_manager_destroy(stress.manager), APR_SUCCESS, "destroying the manager");
    truth = truth_now();
    stress_equal("mappings that are left", truth.mappings, 0);
    stress_equal("handles that are left", truth.handles, 0);
}

void media_path(media_file_t *file, const char *name)
{
    snprintf(file->path, sizeof file->path, "%s/%s", media.directory, name);
}

void media_open(media_file_t *file, const char *name)
{
    media_path(file, name);
    file->cursor = NULL;
    media_status(smmap_cursor_open(&file->cursor, stress.manager, file->path, stress.pool),
                 APR_SUCCESS, name);
}

void media_close(media_file_t *file)
{
    smmap_cursor_close(file->cursor);
    file->cursor = NULL;
}

void media_status(apr_status_t got, apr_status_t wanted, const char *what)
{
    char text[160];

    if (got != wanted) {
        stress_bad("%s: status %d, not %d: %s", what, (int)got, (int)wanted,
                   smmap_strerror(got, text, sizeof text));
    }
}

void media_same(const unsigned char *bytes, apr_off_t offset, apr_size_t size, const char *what)
{
    apr_size_t i;

    for (i = 0; i < size; i++) {
        unsigned char right = media_byte((apr_uint64_t)offset + i);

        if (bytes[i] != right) {
            stress_bad("%s: byte %lld is %02x, not %02x", what,
                       (long long)offset + (long long)i, bytes[i], right);
            return;
        }
    }
}

void media_reads(media_file_t *file, apr_off_t offset, apr_size_t size)
{
    apr_size_t got = 0;

    memset(media.bytes, 0, size);
    media_status(smmap_cursor_read(file->cursor, offset, media.bytes, size, &got), APR_SUCCESS,
                 "a copy that should be good");
    stress_equal("bytes that were copied", got, size);
    media_same(media.bytes, offset, got, "a copy");
}

void media_refuses(media_file_t *file, apr_off_t offset, apr_size_t size)
{
    apr_off_t before = smmap_cursor_fault(file->cursor);
    apr_size_t got = size;
    apr_off_t fault;

    memset(media.bytes, 0, size);
    media_status(smmap_cursor_read(file->cursor, offset, media.bytes, size, &got),
                 APR_FROM_OS_ERROR(EIO), "a copy that should fail");
    stress_most("bytes that were copied", got, size - 1);
    media_same(media.bytes, offset, got, "a copy that failed");
    fault = smmap_cursor_fault(file->cursor);
    if (fault != before && (fault < offset || fault >= offset + (apr_off_t)size)) {
        stress_bad("a fault at %lld in a copy of %llu bytes at %lld", (long long)fault,
                   (unsigned long long)size, (long long)offset);
    }
    if (strcmp(smmap_cursor_path(file->cursor), file->path) != 0) {
        stress_bad("the file is called %s", smmap_cursor_path(file->cursor));
    }
}

void media_points(media_file_t *file, apr_off_t offset, apr_status_t wanted)
{
    const volatile unsigned char *from;
    apr_status_t status;
    apr_size_t i = 0;

    media_status(smmap_cursor_begin_guard(file->cursor), APR_SUCCESS, "begin_guard");
    status = smmap_cursor_use(file->cursor, offset, media.page);
    media_status(status, APR_SUCCESS, "use");
    if (status == APR_SUCCESS) {
        from = smmap_cursor_data(file->cursor);
        for (i = 0; i < smmap_cursor_size(file->cursor); i++) {
            media.bytes[i] = from[i];
        }
    }
    media_status(smmap_cursor_end_guard(file->cursor), wanted, "end_guard");
    if (wanted == APR_SUCCESS) {
        media_same(media.bytes, offset, i, "a pointer");
    } else {
        apr_off_t fault = smmap_cursor_fault(file->cursor);

        if (fault < offset || fault >= offset + (apr_off_t)media.page) {
            stress_bad("a fault at %lld, and touched was the page at %lld", (long long)fault,
                       (long long)offset);
        }
        stress_equal("a window after a fault", (apr_uint64_t)smmap_cursor_is_valid(file->cursor),
                     0);
    }
}

static void on_signal(int number)
{
    if (write(STDOUT_FILENO, last_words, strlen(last_words)) < 0) {
        /* Nothing that could be done about it. */
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* 1: all went well. */
static int run(const stress_scenario_t *check)
{
    leftover_t before = leftover_now();
    leftover_t after;

    if (apr_pool_create_unmanaged_ex(&stress.pool, NULL, NULL) != APR_SUCCESS) {
        printf("no pool\n");
        exit(2);
    }
    snprintf(last_words, sizeof last_words, "ended by a signal in: %s\n", check->name);
    atomic_store(&stress.bad, 0);
    alarm(SECONDS_OF_A_HANG);
    truth_begin();
    check->lap();
    alarm(0);
    apr_pool_destroy(stress.pool);
    after = leftover_now();
    stress_equal("memory that is left", fake_memory_blocks(), 0);
    stress_equal("pools that are left", fake_memory_pools(), 0);
    stress_equal("descriptors of the process", after.descriptors, before.descriptors);
    stress_equal("mappings of files", after.mappings, before.mappings);
    printf("%s: %s (%s)\n", atomic_load(&stress.bad) == 0 ? "passed" : "FAILED", check->name,
           check->about);
    return atomic_load(&stress.bad) == 0;
}

/* The checks of a kind, or NULL. */
static const stress_scenario_t *checks_of(const char *kind)
{
    if (strcmp(kind, "user") == 0) {
        return media_user;
    }
    if (strcmp(kind, "full") == 0) {
        return media_full;
    }
    if (strcmp(kind, "stacked") == 0) {
        return media_stacked;
    }
    if (strcmp(kind, "group") == 0) {
        return media_group;
    }
    return strcmp(kind, "disk") == 0 ? media_disk : NULL;
}

static int list(const stress_scenario_t *check)
{
    for (; check != NULL && check->name != NULL; check++) {
        printf("%s\n", check->name);
    }
    return check != NULL ? 0 : 2;
}

int main(int argc, char **argv)
{
    const stress_scenario_t *check = NULL;
    unsigned passed = 0;
    unsigned count = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        usage(stdout, argv[0]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "list") == 0) {
        return list(checks_of(argv[2]));
    }
    check = argc > 1 ? checks_of(argv[1]) : NULL;
    if (check != NULL ? argc != (check == media_disk || check == media_group ? 4 : 3)
                      : argc != 3 || (strcmp(argv[1], "disk-make") != 0 &&
                                      strcmp(argv[1], "stacked-make") != 0)) {
        usage(stderr, argv[0]);
        return 2;
    }
    media.image = argv[3]; /* of disk and group alone */
    media.directory = argv[2];
    media.page = smmap_page_size();
    media.bytes = malloc(MEDIA_MOST);
    if (media.bytes == NULL || apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "%s: cannot start\n", argv[0]);
        return 2;
    }
    if (check == NULL) {
        return (argv[1][0] == 'd' ? media_disk_make() : media_stacked_make()) ? 0 : 2;
    }
    /* So that nothing is mounted any more when media.sh was killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGALRM, on_signal);
    signal(SIGBUS, on_signal);
    setvbuf(stdout, NULL, _IOLBF, 0);
    stress.unit = smmap_granularity();
    stress.seed = 1;
    for (; check->name != NULL; check++) {
        passed += (unsigned)run(check);
        count++;
    }
    free(media.bytes);
    apr_terminate();
    printf("%u passed, %u failed\n", passed, count - passed);
    return passed == count ? 0 : 1;
}
