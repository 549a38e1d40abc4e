/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where tests of windows begin; see fixture.h.
 */
#include "fixture.h"

#include "tests/fake/backend.h"

apr_size_t unit;
test_file_t file;
smmap_manager_t *manager;
smmap_cursor_t *mover;

void begin_file(apr_size_t count)
{
    unit = smmap_granularity();
    file = file_make("file", count * unit + 123);
}

void begin_windows(apr_size_t count)
{
    begin_file(count);
    manager = manager_sliding(unit, 0, 0, SMMAP_LIMITS_SOFT);
}

void begin_limited(apr_size_t most_bytes, apr_size_t most_regions, smmap_limits_t limits)
{
    unit = smmap_granularity();
    file = file_make("file", 24 * unit);
    manager = manager_sliding(unit, most_bytes * unit, most_regions, limits);
    mover = cursor_open(manager, file.path);
}

smmap_manager_t *manager_handles(apr_size_t most)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    options.max_open_files = most;
    return manager_make(&options);
}

void begin_handles(apr_size_t most, apr_int64_t birth)
{
    unit = smmap_granularity();
    fake_set_birth(birth);
    manager = manager_handles(most);
    file = file_make("file", 8 * unit);
    mover = cursor_open(manager, file.path);
}

smmap_manager_t *manager_in(apr_pool_t *pool)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = unit;
    return manager_make_in(&options, pool);
}

smmap_cursor_t *cursor_in(smmap_manager_t *of, apr_pool_t *pool)
{
    return cursor_open_in(of, file.path, pool);
}

smmap_manager_t *manager_guarded(smmap_mode_t mode)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;

    options.mode = mode;
    options.window_size = 4 * unit;
    options.guard = SMMAP_GUARD_ON;
    return manager_make(&options);
}

void begin_guarded(smmap_mode_t mode)
{
    apr_size_t i;

    unit = smmap_granularity();
    fake_set_birth(1);
    /* Not the same twice: Windows does not let a mapped file be made anew. */
    file = file_make(mode == SMMAP_MODE_STATIC ? "static" : "file", 16 * unit);
    for (i = 0; i < file.size; i++) {
        file.data[i] |= 1;
    }
    file_write(file.path, 0, file.data, file.size);
    manager = manager_guarded(mode);
    mover = cursor_open(manager, file.path);
}

void file_cut(apr_size_t size)
{
    NEED(native_cut(file.path, (apr_off_t)size));
}

apr_off_t at_window(apr_size_t index)
{
    return (apr_off_t)(index * unit);
}

apr_status_t window_use(apr_size_t window)
{
    return smmap_cursor_use(mover, at_window(window), 0);
}

void window_touch(apr_size_t window)
{
    NEED_OK(smmap_cursor_use(mover, at_window(window) + 1, 0));
    CHECK(region_shows(mover, &file));
    smmap_cursor_release(mover);
}

void window_costs(apr_size_t window, apr_size_t victim)
{
    fake_events_clear();
    window_touch(window);
    CHECK_NUMBER(fake_victim_count(), 1);
    CHECK_NUMBER(fake_victim(0), at_window(victim));
}

smmap_cursor_t *window_pin(apr_size_t window)
{
    smmap_cursor_t *cursor = cursor_open(manager, file.path);

    NEED_OK(smmap_cursor_use(cursor, at_window(window), 0));
    return cursor;
}

void take_handle(void)
{
    CHECK_NUMBER(smmap_manager_max_open_files(manager), 1);
    smmap_cursor_close(cursor_open(manager, file_make("thief", 10).path));
}

void later_than(const char *path)
{
    native_times_t then;
    native_times_t now;

    native_times(path, &then);
    do {
        file_make("probe", 1);
        native_times(test_path("probe"), &now);
        file_delete(test_path("probe"));
    } while (now.changed == then.changed);
}

int cursor_is_empty(const smmap_cursor_t *cursor)
{
    return !smmap_cursor_is_valid(cursor) && smmap_cursor_data(cursor) == NULL &&
           smmap_cursor_offset(cursor) == 0 && smmap_cursor_size(cursor) == 0 &&
           smmap_cursor_end(cursor) == 0 && smmap_cursor_region_begin(cursor) == 0 &&
           smmap_cursor_region_size(cursor) == 0 && smmap_cursor_region_clients(cursor) == 0 &&
           !smmap_cursor_includes(cursor, 0) && smmap_cursor_at(cursor, 0) == NULL;
}

int mover_is_empty(void)
{
    return cursor_is_empty(mover) && smmap_cursor_is_associated(mover);
}
