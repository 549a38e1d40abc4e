/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where tests of windows begin: a file, and a sliding manager whose windows are as small as they
 * can be. The variables are of the running test; a begin_* function sets them.
 */
#ifndef SMMAP_TESTS_FIXTURE_H
#define SMMAP_TESTS_FIXTURE_H

#include "harness.h"

extern apr_size_t unit; /**< the granularity, and the size of a window */
extern test_file_t file;
extern smmap_manager_t *manager; /**< not of begin_file() */
extern smmap_cursor_t *mover;    /**< on the file; not of begin_file() and begin_windows() */

/** A file of some windows and an odd end. */
void begin_file(apr_size_t count);
/** The same, and no limit that matters. */
void begin_windows(apr_size_t count);
/** A file of 24 windows, `most` of them allowed by the one limit or the other; 0: a default. */
void begin_limited(apr_size_t most_bytes, apr_size_t most_regions, smmap_limits_t limits);
/** A file of 8 windows. most: handles that may be open; birth: what the fake backend says
    about all files, 0: it does not know. */
void begin_handles(apr_size_t most, apr_int64_t birth);
/** A file of 16 units in windows of 4, under the guard; without zeroes, so that one is seen. */
void begin_guarded(smmap_mode_t mode);

/** As in begin_handles(). */
smmap_manager_t *manager_handles(apr_size_t most);
/** As in begin_guarded(). */
smmap_manager_t *manager_guarded(smmap_mode_t mode);
/** Cut the file short. */
void file_cut(apr_size_t size);

/** A sliding manager without limits that matter, and a cursor on the file, in pools. */
smmap_manager_t *manager_in(apr_pool_t *pool);
smmap_cursor_t *cursor_in(smmap_manager_t *of, apr_pool_t *pool);

/** Where a window begins. */
apr_off_t at_window(apr_size_t index);
/** Move the mover to a window. */
apr_status_t window_use(apr_size_t window);
/** The same, look at it, and let it go. */
void window_touch(apr_size_t window);
/** Touching this window must cost that one, and nothing else. With the fake backend alone. */
void window_costs(apr_size_t window, apr_size_t victim);
/** A cursor of its own that pins a window. */
smmap_cursor_t *window_pin(apr_size_t window);
/** Another file takes the only handle. */
void take_handle(void);
/** Wait until the clock of the file system has moved on from a file's last change. */
void later_than(const char *path);
/** 1 when a cursor says in all ways that it has no window. */
int cursor_is_empty(const smmap_cursor_t *cursor);
/** The same of the mover, which is still on a file. */
int mover_is_empty(void);

#endif
