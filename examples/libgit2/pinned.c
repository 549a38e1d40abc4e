/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows of packs that are not in the list of their pack: room for them, the manager, the cursors.
 * See pinned.h.
 */
#include "pinned.h"

#include <smmap/smmap.h>

#include "vector.h"

/* Windows that a file keeps; more only while more are in use. */
#define WINDOWS_KEPT 8
/* What is copied where no window is mapped, at most. */
#define COPY_SIZE ((size_t)16 * 1024)

typedef struct pinned_window {
    git_mwindow base;       /* what libgit2 sees; first */
    smmap_cursor_t *cursor; /* NULL: none was opened, or it is out of date */
    unsigned char *copy;    /* room for COPY_SIZE bytes, or NULL */
} pinned_window;

/* Made when it is needed first, with these options. */
static smmap_manager_t *manager;
static size_t manager_window_size, manager_mapped_limit;

int pinned_lock(void)
{
    if (git_mutex_lock(&git__mwindow_mutex) == 0)
        return 0;
    git_error_set(GIT_ERROR_THREAD, "failed to lock the windows");
    return -1;
}

void pinned_unlock(void)
{
    git_mutex_unlock(&git__mwindow_mutex);
}

static void set_error(apr_status_t status)
{
    char text[256];
    if (APR_STATUS_IS_ENOMEM(status))
        git_error_set_oom();
    else
        git_error_set(GIT_ERROR_OS, "failed to open a window of a pack: %s",
                      smmap_strerror(status, text, sizeof(text)));
}

void pinned_shutdown(void)
{
    smmap_manager_destroy(manager);
    manager = NULL;
}

static bool is_manager_current(void)
{
    return __atomic_load_n(&manager_window_size, __ATOMIC_RELAXED) == git_mwindow__window_size &&
           __atomic_load_n(&manager_mapped_limit, __ATOMIC_RELAXED) == git_mwindow__mapped_limit;
}

/* A limit can change; another size of windows makes a new manager. Cursors of the old one answer
   SMMAP_ECLOSED, and are opened anew; what is pinned stays mapped meanwhile. */
static apr_status_t update_manager_locked(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    size_t limit = git_mwindow__mapped_limit;
    apr_status_t status;
    if (manager && is_manager_current())
        return APR_SUCCESS;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = git_mwindow__window_size;
    /* To libsmmap 0 is its default, to libgit2 a limit that is always exceeded. */
    options.max_mapped_bytes = limit ? limit : 1;
    /* libgit2 has its own limit of files, and closes them itself. */
    options.max_open_files = SMMAP_UNLIMITED;
    if (manager && manager_window_size == options.window_size) {
        status = smmap_manager_set_limits(manager, &options);
    } else {
        smmap_manager_destroy(manager);
        manager = NULL;
        status = smmap_manager_create(&manager, &options, NULL);
    }
    __atomic_store_n(&manager_window_size, options.window_size, __ATOMIC_RELAXED);
    __atomic_store_n(&manager_mapped_limit, limit, __ATOMIC_RELAXED);
    return status;
}

static void count(const git_mwindow *window)
{
    __atomic_add_fetch(&git_mwindow__mem_ctl.mapped, window->window_map.len, __ATOMIC_RELAXED);
    __atomic_add_fetch(&git_mwindow__mem_ctl.open_windows, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&git_mwindow__mem_ctl.used_ctr, 1, __ATOMIC_RELAXED);
}

static void uncount(const git_mwindow *window)
{
    __atomic_sub_fetch(&git_mwindow__mem_ctl.mapped, window->window_map.len, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&git_mwindow__mem_ctl.open_windows, 1, __ATOMIC_RELAXED);
}

static bool become_busy(git_mwindow *window, size_t from)
{
    return __atomic_compare_exchange_n(&window->inuse_cnt, &from, PINNED_BUSY, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Make the window one's own, if nobody uses it. */
static bool claim(git_mwindow *window)
{
    if (become_busy(window, PINNED_EMPTY))
        return true;
    if (!become_busy(window, 0))
        return false;
    uncount(window);
    return true;
}

/* Give up the pin of a window that one has claimed. */
static void give_up(git_mwindow *window)
{
    smmap_cursor_release(((pinned_window *)window)->cursor);
    __atomic_fetch_add(&window->inuse_cnt, PINNED_EMPTY - PINNED_BUSY, __ATOMIC_RELEASE);
}

static void empty_windows_locked(git_mwindow_file *mwf)
{
    git_mwindow *window;
    for (window = mwf->windows; window; window = window->next)
        if (claim(window))
            give_up(window);
}

/* May the lists pin one more window of this file? */
static bool has_room(git_mwindow_file *mwf)
{
    size_t more = git_mwindow__window_size, limit = git_mwindow__mapped_limit / 2;
    if ((uint64_t)mwf->size < more)
        more = (size_t)mwf->size;
    return more <= limit &&
           __atomic_load_n(&git_mwindow__mem_ctl.mapped, __ATOMIC_RELAXED) <= limit - more;
}

/* Claim a window for who has the lock of the file: an empty one, or, if the list is long or there
   is no room for more, the one whose last use is the longest time ago. */
static pinned_window *claim_listed(git_mwindow_file *mwf)
{
    git_mwindow *window, *empty = NULL, *oldest = NULL;
    size_t length = 0;
    for (window = mwf->windows; window; window = window->next) {
        size_t state = __atomic_load_n(&window->inuse_cnt, __ATOMIC_RELAXED);
        length++;
        if (state == PINNED_EMPTY)
            empty = window;
        else if (state == 0 && (!oldest || pinned_last_use(window) < pinned_last_use(oldest)))
            oldest = window;
    }
    if (oldest && ((!empty && length >= WINDOWS_KEPT) || !has_room(mwf)) && claim(oldest))
        return (pinned_window *)oldest;
    return empty && has_room(mwf) && claim(empty) ? (pinned_window *)empty : NULL;
}

/* A claimed window with a cursor. `window` is NULL, or was claimed. */
static apr_status_t prepare_locked(git_mwindow_file *mwf, pinned_window **window)
{
    git_mwindow_ctl *ctl = &git_mwindow__mem_ctl;
    git_mwindow *other;
    git_mwindow_file *file;
    size_t i;
    apr_status_t status = update_manager_locked();
    if (!*window && !has_room(mwf)) {
        empty_windows_locked(mwf);
        git_vector_foreach(&ctl->windowfiles, i, file) empty_windows_locked(file);
    }
    for (other = mwf->windows; other && !*window; other = other->next)
        if (become_busy(other, PINNED_EMPTY))
            *window = (pinned_window *)other;
    if (!*window) {
        if ((*window = git__calloc(1, sizeof(pinned_window))) == NULL)
            return APR_ENOMEM;
        (*window)->base.inuse_cnt = PINNED_BUSY;
        (*window)->base.next = mwf->windows;
        mwf->windows = &(*window)->base;
    }
    /* By handle: libgit2 goes on reading packs that were deleted or renamed. */
    return (*window)->cursor || status != APR_SUCCESS
               ? status
               : smmap_cursor_open_handle(&(*window)->cursor, manager, mwf->fd, NULL);
}

/* Where no window is mapped, copy some bytes instead. libsmmap knows when a window is worth
   mapping: while there is room, or once it was read from often; then it is pinned. Threads that
   map and unmap wait for one another in the system. */
static bool copy(pinned_window *window, off64_t offset, size_t extra)
{
    size_t size;
    if (extra > COPY_SIZE || (!window->copy && !(window->copy = git__malloc(COPY_SIZE))) ||
        smmap_cursor_read(window->cursor, offset, window->copy, COPY_SIZE, &size) != APR_SUCCESS ||
        size < extra || smmap_cursor_at(window->cursor, offset))
        return false;
    window->base.offset = offset;
    window->base.window_map.len = size;
    window->base.window_map.data = window->copy;
    return true;
}

/* A window with `extra` bytes in one piece. */
static apr_status_t move(pinned_window *window, off64_t offset, size_t extra)
{
    apr_status_t status = smmap_cursor_try_use(window->cursor, offset, 0);
    if (status == SMMAP_EWOULDBLOCK) {
        if (copy(window, offset, extra))
            return APR_SUCCESS;
        status = smmap_cursor_use(window->cursor, offset, 0);
    }
    if (status == APR_SUCCESS && smmap_cursor_size(window->cursor) < extra)
        status = smmap_cursor_require(window->cursor, offset, extra);
    if (status == APR_SUCCESS) {
        window->base.offset = smmap_cursor_region_begin(window->cursor);
        window->base.window_map.len = smmap_cursor_region_size(window->cursor);
        window->base.window_map.data = (void *)smmap_cursor_at(window->cursor, window->base.offset);
    }
    return status;
}

git_mwindow *pinned_open(git_mwindow_file *mwf, off64_t offset, size_t extra)
{
    pinned_window *window = claim_listed(mwf);
    apr_status_t status = APR_SUCCESS;
    do {
        if (!window || !window->cursor || !is_manager_current()) {
            if (pinned_lock() < 0) {
                if (window)
                    give_up(&window->base);
                return NULL;
            }
            status = prepare_locked(mwf, &window);
            pinned_unlock();
        }
        if (status == APR_SUCCESS && (status = move(window, offset, extra)) == SMMAP_ECLOSED) {
            smmap_cursor_close(window->cursor);
            window->cursor = NULL;
        }
    } while (status == SMMAP_ECLOSED);
    if (status != APR_SUCCESS) {
        if (window)
            give_up(&window->base);
        set_error(status);
        return NULL;
    }
    count(&window->base);
    __atomic_fetch_add(&window->base.inuse_cnt, 1 - PINNED_BUSY, __ATOMIC_RELEASE);
    return &window->base;
}

bool pinned_in_use_locked(git_mwindow_file *mwf)
{
    git_mwindow *window;
    for (window = mwf->windows; window; window = window->next)
        if (pinned_users(window) != 0)
            return true;
    return false;
}

/* What was mapped is unmapped now, not when room is needed: the file may have been deleted, and
   takes up its place on the disk. */
int pinned_free_locked(git_mwindow_file *mwf)
{
    char path[32];
    GIT_ASSERT(!pinned_in_use_locked(mwf));
    if (!mwf->windows)
        return 0;
    while (mwf->windows) {
        git_mwindow *window = mwf->windows;
        mwf->windows = window->next;
        if (claim(window))
            give_up(window);
        smmap_cursor_close(((pinned_window *)window)->cursor);
        git__free(((pinned_window *)window)->copy);
        git__free(window);
    }
    /* The handle has a name, even where the file has none any more. */
    p_snprintf(path, sizeof(path), "/dev/fd/%d", mwf->fd);
    if (manager)
        smmap_manager_drop(manager, path, NULL);
    return 0;
}
