/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paranoid mode, and what smmap says about who holds a pin.
 *
 * A touch that must end the process is made in a child. That everything else is as
 * without the mode is what the whole suite shows when it runs with SMMAP_PARANOID=1.
 */
#include "tests/support/harness.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "tests/fake/backend.h"
#include "tests/fake/memory.h"

static apr_size_t unit;
static test_file_t file;
static smmap_manager_t *manager;
static smmap_cursor_t *cursor;

static void begin(int paranoid, apr_size_t windows)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    unit = smmap_granularity();
    file = file_make("file", windows * unit + 123);
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.paranoid = paranoid;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
}

/* The byte is kept, as valgrind leaves out loads of which nothing comes. */
static volatile unsigned touched;

static unsigned touch(const unsigned char *byte)
{
    touched = *(const volatile unsigned char *)byte;
    return touched;
}

/* Does a child die of the last touch of this? Otherwise it returns 0; 98: a check failed. The
   sanitizers end it in ways of their own. */
static int ends(int (*run)(void *))
{
    int result = test_in_child(run, NULL);

    return result != 0 && result != 98;
}

static int touch_after_release(void *unused)
{
    const unsigned char *byte;

    (void)unused;
    begin(1, 2);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    byte = smmap_cursor_data(cursor);
    CHECK_NUMBER(touch(byte), file.data[7]);
    smmap_cursor_release(cursor);
    touch(byte);
    return 0;
}

static int touch_after_moving(void *unused)
{
    const unsigned char *byte;

    (void)unused;
    begin(1, 2);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    byte = smmap_cursor_data(cursor);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    touch(byte);
    return 0;
}

/* The window is unmapped, and others are mapped afterwards: none of them comes there. */
static int touch_after_unmapping(void *unused)
{
    const unsigned char *byte;
    apr_size_t i;

    (void)unused;
    begin(1, 40);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    byte = smmap_cursor_data(cursor);
    smmap_cursor_release(cursor);
    NEED_OK(smmap_manager_collect(manager, NULL));
    CHECK_NUMBER(smmap_manager_regions(manager), 0);
    for (i = 1; i < 40; i++) {
        smmap_cursor_t *more = cursor_open(manager, file.path);

        NEED_OK(smmap_cursor_use(more, (apr_off_t)(i * unit), 0));
        CHECK(smmap_cursor_data(more) != byte - 7);
    }
    touch(byte);
    return 0;
}

static int touch_after_the_copy_went(void *unused)
{
    smmap_cursor_t *twin;
    const unsigned char *byte;

    (void)unused;
    begin(1, 2);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    byte = smmap_cursor_data(cursor);
    NEED_OK(smmap_cursor_copy(&twin, cursor, test_pool));
    smmap_cursor_close(cursor);
    touch(byte); /* the other one has it */
    smmap_cursor_close(twin);
    touch(byte);
    return 0;
}

static int touch_after_the_manager_went(void *unused)
{
    const unsigned char *byte;

    (void)unused;
    begin(1, 2);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    byte = smmap_cursor_data(cursor);
    NEED_OK(manager_destroy(manager));
    touch(byte); /* it is pinned */
    smmap_cursor_release(cursor);
    touch(byte);
    return 0;
}

static void faults(void)
{
    CHECK(ends(touch_after_release));
    CHECK(ends(touch_after_moving));
    CHECK(ends(touch_after_the_copy_went));
}

static void faults_after_unmapping(void)
{
    NEEDS_REAL();
    CHECK(ends(touch_after_unmapping));
    CHECK(ends(touch_after_the_manager_went));
}

/* What is said of a touch that ends the process. */

static int says_to_file(int (*run)(void *))
{
    return freopen(test_path("said"), "w", stderr) != NULL ? run(NULL) : 98;
}

static int touch_second_window(void *collected)
{
    const unsigned char *byte;

    begin(1, 3);
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit + 7, 0));
    byte = smmap_cursor_data(cursor);
    smmap_cursor_release(cursor);
    if (collected != NULL) {
        NEED_OK(smmap_manager_collect(manager, NULL));
    }
    touch(byte + 2);
    return 0;
}

static int say_second_window(void *unused)
{
    (void)unused;
    return says_to_file(touch_second_window);
}

static int touch_second_collected(void *unused)
{
    (void)unused;
    return touch_second_window(&unit);
}

static int say_second_collected(void *unused)
{
    (void)unused;
    return says_to_file(touch_second_collected);
}

/* A window that is pinned again, and then a fault in it that is none of ours. */
static int write_to_it(void *unused)
{
    (void)unused;
    begin(1, 2);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    smmap_cursor_release(cursor);
    NEED_OK(smmap_cursor_use(cursor, 7, 0));
    touch(smmap_cursor_data(cursor));
    *(volatile unsigned char *)(uintptr_t)smmap_cursor_data(cursor) =
        1; /* it is not to be written */
    return 0;
}

static int say_written(void *unused)
{
    (void)unused;
    return says_to_file(write_to_it);
}

/* Where in the page it was touched; s390x tells a handler the page alone. */
#if defined(__s390x__)
#define IN_PAGE 0
#else
#define IN_PAGE 9
#endif

/* Does a report start with the path and the offset? */
static void check_said(int is_ours)
{
    char text[2000];
    char expected[2000];
    FILE *said = fopen(test_path("said"), "r");
    apr_size_t size = said != NULL ? fread(text, 1, sizeof text - 1, said) : 0;

    NEED(said != NULL);
    fclose(said);
    text[size] = '\0';
    unit = smmap_granularity();
    apr_snprintf(expected, sizeof expected,
                 "smmap: stale pointer to %s, offset %" APR_SIZE_T_FMT
                 ": no cursor pins this window any more\n",
                 test_path("file"), unit + IN_PAGE);
    if (is_ours) {
        CHECK(strncmp(text, expected, strlen(expected)) == 0);
        CHECK((strstr(text, "it was used here") == NULL) ==
              (strstr(text, "let go of here") == NULL));
    } else {
        CHECK(strstr(text, "smmap:") == NULL);
    }
}

static void reported(void)
{
    NEEDS_REAL();
    CHECK(ends(say_second_window));
    check_said(1);
    CHECK(ends(say_second_collected));
    check_said(1);
    CHECK(ends(say_written));
    check_said(0);
}

/* In each order of taking and letting go, what is pinned can be touched. */
static void pinned_bytes(void)
{
    smmap_cursor_t *twin;
    smmap_cursor_t *third;

    begin(1, 3);
    twin = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 5, 0));
    NEED_OK(smmap_cursor_use(twin, 9, 0));
    CHECK(smmap_cursor_data(twin) == smmap_cursor_data(cursor) + 4);
    smmap_cursor_release(cursor);
    CHECK(region_shows(twin, &file));
    NEED_OK(smmap_cursor_copy(&third, twin, test_pool));
    smmap_cursor_release(twin);
    CHECK(region_shows(third, &file));
    smmap_cursor_release(third);
    /* Nobody had it; it is still mapped, and found. */
    CHECK_NUMBER(smmap_manager_regions(manager), 1);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(region_shows(cursor, &file));
    CHECK_NUMBER(manager_stats(manager).maps, 1);
    CHECK_NUMBER(manager_stats(manager).hits, 2);
    NEED_OK(smmap_cursor_assign(twin, cursor));
    smmap_cursor_close(cursor);
    CHECK(region_shows(twin, &file));
    counts_check();
}

static void defaults(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.paranoid = 1;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_mode(manager), SMMAP_MODE_SLIDING);
    CHECK_NUMBER(smmap_manager_window_size(manager), smmap_granularity());
    options.window_size = 3 * smmap_granularity();
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_window_size(manager), options.window_size);
    options.mode = SMMAP_MODE_STATIC;
    manager = manager_make(&options);
    CHECK_NUMBER(smmap_manager_mode(manager), SMMAP_MODE_STATIC);
    CHECK_NUMBER(smmap_manager_window_size(manager), 0);
}

/* The system does not give access: a status, and the cursor is empty. It does not take it:
   then the window can be touched as without the mode. */
static void access_refused(void)
{
    NEEDS_FAKE();
    begin(1, 3);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    smmap_cursor_release(cursor);
    fake_fail(FAKE_ACCESS, 1, APR_ENOMEM);
    CHECK_STATUS(smmap_cursor_use(cursor, 0, 0), APR_ENOMEM);
    CHECK(!smmap_cursor_is_valid(cursor));
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    CHECK(region_shows(cursor, &file));
    fake_fail(FAKE_ACCESS, 1, APR_ENOMEM);
    smmap_cursor_release(cursor);
    NEED_OK(smmap_cursor_use(cursor, 9, 0));
    CHECK(region_shows(cursor, &file));
    counts_check();
}

/* Who pins what. */

typedef struct seen_t {
    apr_size_t entries;
    apr_size_t cursors;
    apr_size_t places;
    apr_size_t windows; /* a bit for each window of the file */
    int wrong;
} seen_t;

static void note(void *context, const smmap_pinned_t *pinned)
{
    seen_t *seen = context;

    seen->entries++;
    seen->cursors += pinned->cursors;
    seen->places += pinned->origin != NULL && *pinned->origin != '\0';
    seen->windows |= (apr_size_t)1 << (apr_size_t)pinned->window_begin / unit;
    seen->wrong += pinned->path == NULL || strcmp(pinned->path, file.path) != 0 ||
                   pinned->window_size != unit || pinned->window_begin % (apr_off_t)unit != 0;
}

static seen_t who_pins(void)
{
    seen_t seen;

    memset(&seen, 0, sizeof seen);
    NEED_OK(smmap_manager_pinned(manager, note, &seen));
    CHECK_NUMBER(seen.wrong, 0);
    return seen;
}

static void pin_three(smmap_cursor_t **twin)
{
    smmap_cursor_t *other = cursor_open(manager, file.path);

    *twin = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_use(*twin, 10, 0));
    NEED_OK(smmap_cursor_use(other, (apr_off_t)(2 * unit), 0));
}

static void told(void)
{
    int paranoid;

    fake_set_birth(1);
    for (paranoid = 0; paranoid < 2; paranoid++) {
        smmap_cursor_t *twin;
        seen_t seen;

        begin(paranoid, 4);
        CHECK_NUMBER(who_pins().entries, 0);
        pin_three(&twin);
        seen = who_pins();
        CHECK_NUMBER(seen.cursors, 3);
        CHECK_NUMBER(seen.windows, 1 | 4);
        if (paranoid) {
            CHECK_NUMBER(seen.entries, 3);
        }
        smmap_cursor_release(cursor);
        CHECK_NUMBER(who_pins().cursors, 2);
        smmap_cursor_close(twin);
        CHECK_NUMBER(who_pins().cursors, 1);
        CHECK_NUMBER(who_pins().windows, 4);
        /* Those that cannot be found any more are reported, too. */
        NEED(file_resize(file.path, (apr_off_t)(2 * unit)));
        CHECK_OK(smmap_cursor_refresh(cursor));
        CHECK_NUMBER(who_pins().windows, 4);
        /* And those of a file that another one with its number has taken the place of. */
        if (fake_present()) {
            fake_set_birth(2 + paranoid);
            cursor_open(manager, file.path);
            CHECK_NUMBER(manager_stats(manager).files, 2);
            CHECK_NUMBER(who_pins().windows, 4);
        }
    }
    CHECK_STATUS(smmap_manager_pinned(NULL, note, NULL), APR_EINVAL);
    CHECK_STATUS(smmap_manager_pinned(manager, NULL, NULL), APR_EINVAL);
}

/* That a soft limit is passed is said, once, and only then. */
static int is_said(void *unused)
{
    char text[400] = "";
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_cursor_t *other;
    FILE *said;

    (void)unused;
    NEED(freopen(test_path("said"), "w", stderr) != NULL);
    begin(1, 4);
    options.window_size = unit;
    options.max_mapped_bytes = unit;
    options.paranoid = 1;
    manager = manager_make(&options);
    cursor = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    NEED_OK(smmap_cursor_use(cursor, (apr_off_t)unit, 0));
    CHECK(ftell(stderr) <= 0);
    other = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(other, 0, 0));
    NEED_OK(smmap_cursor_use(other, (apr_off_t)(2 * unit), 0));
    fflush(stderr);
    said = fopen(test_path("said"), "r");
    NEED(said != NULL && fgets(text, sizeof text, said) != NULL);
    CHECK(strstr(text, "a soft limit was passed") != NULL);
    CHECK(fgets(text, sizeof text, said) == NULL);
    fclose(said);
    smmap_cursor_release(cursor);
    smmap_cursor_release(other);
    return 0;
}

static void soft_limit(void)
{
    NEEDS_REAL();
    CHECK_NUMBER(test_in_child(is_said, NULL), 0);
}

/* In paranoid mode with the places, where the system tells them. */
static void told_with_places(void)
{
    smmap_cursor_t *twin;
    seen_t seen;

    begin(1, 4);
    pin_three(&twin);
    seen = who_pins();
    if (seen.places == 0) {
        test_skip("this system does not tell the caller of a function");
        return;
    }
    CHECK_NUMBER(seen.places, 3);
}

/* Without memory for a watch the window is had, and told without its place; without memory for
   the answer there is none, and nothing else is lost. */
static void without_memory(void)
{
    smmap_cursor_t *twin;
    seen_t seen;

    begin(1, 4);
    twin = cursor_open(manager, file.path);
    NEED_OK(smmap_cursor_use(cursor, 0, 0));
    fake_memory_fail(1);
    NEED_OK(smmap_cursor_use(twin, 10, 0)); /* its pin is the first's neighbour */
    fake_memory_fail_none();
    CHECK(region_shows(twin, &file));
    seen = who_pins();
    CHECK_NUMBER(seen.entries, 2);
    CHECK_NUMBER(seen.cursors, 2);
    CHECK(seen.places <= 1);
    fake_memory_fail(1);
    CHECK_STATUS(smmap_manager_pinned(manager, note, &seen), APR_ENOMEM);
    fake_memory_fail_none();
    CHECK_NUMBER(who_pins().cursors, 2);
    counts_check();
}

static const test_case_t cases[] = {{"faults", faults},
                                    {"faults_after_unmapping", faults_after_unmapping},
                                    {"reported", reported},
                                    {"pinned_bytes", pinned_bytes},
                                    {"defaults", defaults},
                                    {"access_refused", access_refused},
                                    {"told", told},
                                    {"soft_limit", soft_limit},
                                    {"told_with_places", told_with_places},
                                    {"without_memory", without_memory},
                                    {NULL, NULL}};

const test_module_t test_paranoid = {"paranoid", cases};
