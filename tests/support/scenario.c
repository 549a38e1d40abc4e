/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See scenario.h. Nothing in here but the library asks the system for anything while calls
 * fail: the files are there before, and so is the handle that cursors are opened by.
 */
#include "scenario.h"

#include <apr_strings.h>

#include <string.h>

#include "tests/fake/backend.h"

static apr_size_t unit;
static test_file_t one;
static test_file_t two;
static apr_os_file_t handle_on_one;

int scenario_done(scenario_t *run, apr_status_t status, const void *made)
{
    if (status == APR_SUCCESS) {
        return 1;
    }
    run->failed++;
    run->wrong += status != run->injected || made != NULL;
    if (status != run->injected && run->unexpected == APR_SUCCESS) {
        run->unexpected = status;
    }
    return 0;
}

/* Move to an offset, or, where `required` is not 0, to so many bytes in one piece. */
static void move(scenario_t *run, smmap_cursor_t *cursor, const test_file_t *file,
                 apr_off_t offset, apr_size_t required)
{
    apr_status_t status;

    if (cursor == NULL) {
        return;
    }
    status = required != 0 ? smmap_cursor_require(cursor, offset, required)
                           : smmap_cursor_use(cursor, offset, 0);
    if (scenario_done(run, status, NULL)) {
        run->wrong += !cursor_shows(cursor, file) || !region_shows(cursor, file);
    } else {
        run->wrong += smmap_cursor_is_valid(cursor) || !smmap_cursor_is_associated(cursor);
    }
}

static void copy_out(scenario_t *run, smmap_cursor_t *cursor, const test_file_t *file,
                     apr_off_t offset, apr_size_t size)
{
    unsigned char *bytes = apr_palloc(run->pool, size);
    apr_size_t got = 0;

    if (cursor == NULL) {
        return;
    }
    if (scenario_done(run, smmap_cursor_read(cursor, offset, bytes, size, &got), NULL)) {
        run->wrong += got != size;
    }
    run->wrong += memcmp(bytes, file->data + offset, got) != 0; /* also before an error */
}

static smmap_cursor_t *opened(scenario_t *run, smmap_manager_t *manager, const test_file_t *file)
{
    smmap_cursor_t *cursor = NULL;

    scenario_done(run, smmap_cursor_open(&cursor, manager, file->path, run->pool), cursor);
    return cursor;
}

static smmap_cursor_t *opened_by_handle(scenario_t *run, smmap_manager_t *manager)
{
    smmap_cursor_t *cursor = NULL;

    scenario_done(run, smmap_cursor_open_handle(&cursor, manager, handle_on_one, run->pool),
                  cursor);
    return cursor;
}

static void read_buffer(scenario_t *run, const smmap_cursor_t *cursor)
{
    smmap_buffer_t *buffer = NULL;
    const unsigned char *data = NULL;
    unsigned char *bytes = apr_palloc(run->pool, one.size);
    unsigned char byte = 0;
    apr_size_t got = 0;

    scenario_done(run, smmap_buffer_create(&buffer, cursor, 7, SMMAP_TO_END, run->pool), buffer);
    if (buffer == NULL) {
        return;
    }
    scenario_done(run, smmap_buffer_read(buffer, 0, bytes, one.size, &got), NULL);
    run->wrong += memcmp(bytes, one.data + 7, got) != 0; /* also what came before an error */
    if (scenario_done(run, smmap_buffer_slice(buffer, 2 * (apr_off_t)unit, 9, &data), data)) {
        run->wrong += memcmp(data, one.data + 7 + 2 * unit, 9) != 0;
    }
    if (scenario_done(run, smmap_buffer_byte(buffer, -1, &byte), NULL)) {
        run->wrong += byte != one.data[one.size - 1];
    }
    if (!scenario_done(run, smmap_buffer_begin_access(buffer, NULL, 3, 5), NULL)) {
        run->wrong += smmap_buffer_size(buffer) != 0;
    }
}

/* By pointer, between begin and end; a window that is left on the way is asked about, too. */
static void read_guarded(scenario_t *run, smmap_cursor_t *cursor)
{
    if (cursor == NULL || !scenario_done(run, smmap_cursor_begin_guard(cursor), NULL)) {
        return;
    }
    move(run, cursor, &one, (apr_off_t)unit, 0);
    move(run, cursor, &one, (apr_off_t)(4 * unit), 0);
    if (!scenario_done(run, smmap_cursor_end_guard(cursor), NULL)) {
        run->wrong += smmap_cursor_is_valid(cursor) != 0;
    }
}

/* What not every system does, and need not be done. */
static void may_be_done(scenario_t *run, apr_status_t status)
{
    if (fake_present() || !APR_STATUS_IS_ENOTIMPL(status)) {
        scenario_done(run, status, NULL);
    }
}

static void hint_and_advise(scenario_t *run, smmap_manager_t *manager, smmap_cursor_t *cursor)
{
    smmap_range_t range;
    apr_size_t bytes = 0;

    may_be_done(run, smmap_cursor_hint(cursor, SMMAP_ACCESS_SEQUENTIAL));
    move(run, cursor, &one, 0, 0);
    move(run, cursor, &one, (apr_off_t)(2 * unit), 0);
    may_be_done(run, smmap_cursor_advise(cursor, 0, (apr_off_t)(2 * unit), SMMAP_WILL_NEED));
    range.cursor = cursor;
    range.offset = 3;
    range.length = (apr_off_t)(3 * unit);
    scenario_done(run, smmap_manager_fetch(manager, &range, 1, SMMAP_FETCH_WAIT, NULL, NULL), NULL);
    if (smmap_cursor_is_valid(cursor)) {
        may_be_done(run, smmap_cursor_resident(cursor, &bytes));
    }
    may_be_done(run, smmap_cursor_hint(cursor, SMMAP_ACCESS_RANDOM));
    move(run, cursor, &one, (apr_off_t)(5 * unit), 0);
    may_be_done(run, smmap_cursor_hint(cursor, SMMAP_ACCESS_NORMAL));
}

static void play(scenario_t *run, smmap_manager_t *manager)
{
    smmap_cursor_t *first = opened(run, manager, &one);
    smmap_cursor_t *second = opened(run, manager, &two); /* takes the only handle */
    smmap_cursor_t *third = opened_by_handle(run, manager);
    smmap_cursor_t *copy = NULL;
    const char *name;
    apr_size_t pinned = 0;
    apr_size_t i;

    move(run, third, &one, (apr_off_t)unit - 3, unit + 6);
    smmap_cursor_close(third);
    /* With one handle for two files each of these has to open its file again. */
    for (i = 0; i < 6; i++) {
        move(run, first, &one, (apr_off_t)(i * unit + 1), 0);
        move(run, second, &two, (apr_off_t)(i / 2 * unit), 0);
    }
    copy_out(run, first, &one, 5, 2 * unit); /* under pressure: past the windows */
    move(run, first, &one, (apr_off_t)(3 * unit) - 3, 5);
    if (first != NULL) {
        scenario_done(run, smmap_cursor_copy(&copy, first, run->pool), copy);
        scenario_done(run, smmap_cursor_refresh(first), NULL);
        hint_and_advise(run, manager, first);
        read_buffer(run, first);
    }
    if (copy != NULL && second != NULL) {
        scenario_done(run, smmap_cursor_assign(copy, second), NULL);
        move(run, copy, &two, 5, 0);
    }
    scenario_done(run, smmap_manager_collect(manager, NULL), NULL);
    copy_out(run, first, &one, (apr_off_t)unit + 1, 3 * unit);
    if (run->guard != SMMAP_GUARD_OFF && native_guards_pointers()) {
        read_guarded(run, first);
    }
    name = strrchr(one.path, '/');
    name = apr_psprintf(run->pool, "%.*s/.%s", (int)(name - one.path), one.path, name);
    scenario_done(run, smmap_manager_drop(manager, name, &pinned), NULL);
    move(run, first, &one, 0, 0);
    smmap_cursor_close(first);
    move(run, second, &two, (apr_off_t)two.size - 1, 0);
}

/* After all failures: it works, all of it. */
static void works(scenario_t *run, smmap_manager_t *manager)
{
    smmap_cursor_t *cursor = NULL;
    apr_off_t offset;

    CHECK_OK(smmap_cursor_open(&cursor, manager, one.path, run->pool));
    for (offset = 0; cursor != NULL && offset < (apr_off_t)one.size;
         offset = smmap_cursor_end(cursor)) {
        NEED_OK(smmap_cursor_use(cursor, offset, 0));
        CHECK(cursor_shows(cursor, &one));
    }
    counts_check();
}

void scenario_play(scenario_t *run)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;
    apr_status_t status;

    NEED_OK(apr_pool_create(&run->pool, test_pool));
    options.mode = run->mode;
    options.guard = run->guard;
    options.paranoid = run->paranoid;
    options.window_size = unit;
    options.max_regions = 3;
    options.max_open_files = 1;
    status = smmap_manager_create(&manager, &options, run->pool);
    if (scenario_done(run, status, manager)) {
        manager_track(manager, run->pool);
        play(run, manager);
        run->relent();
        run->stats = manager_stats(manager);
        run->made = 1;
        counts_check();
        works(run, manager);
    }
    run->relent();
    apr_pool_destroy(run->pool);
    CHECK_OK(run->unexpected);
    CHECK_NUMBER(run->wrong, 0);
}

static apr_status_t close_handle(void *handle)
{
    file_close(*(apr_os_file_t *)handle);
    return APR_SUCCESS;
}

void scenario_begin(void)
{
    apr_os_file_t *handle = apr_palloc(test_pool, sizeof *handle);

    unit = smmap_granularity();
    one = file_make("one", 6 * unit + 11);
    two = file_make("two", 3 * unit);
    *handle = handle_on_one = file_open(one.path);
    apr_pool_cleanup_register(test_pool, handle, close_handle, apr_pool_cleanup_null);
}
