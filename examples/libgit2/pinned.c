/*
 * Windows of packs that are not in the list of their pack: room for them, the manager, the cursors.
 * See pinned.h.
 */
#include "pinned.h"

#include <smmap/smmap.h>

#include "vector.h"

/* Windows that a file keeps; more only while more are in use. */
#define WINDOWS_KEPT 4

typedef struct pinned_window {
    git_mwindow base;       /* what libgit2 sees; first */
    smmap_cursor_t *cursor; /* NULL: none was opened, or it is out of date */
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

/* A limit can change; another size of windows makes a new manager. Cursors of the old one answer
   SMMAP_ECLOSED, and are opened anew; what is pinned stays mapped meanwhile. */
static apr_status_t update_manager_locked(void)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_status_t status;
    bool same_size = manager && manager_window_size == git_mwindow__window_size;
    if (same_size && manager_mapped_limit == git_mwindow__mapped_limit)
        return APR_SUCCESS;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = git_mwindow__window_size;
    /* To libsmmap 0 is its default, to libgit2 a limit that is always exceeded. */
    options.max_mapped_bytes = git_mwindow__mapped_limit ? git_mwindow__mapped_limit : 1;
    /* libgit2 has its own limit of files, and closes them itself. */
    options.max_open_files = SMMAP_UNLIMITED;
    if (same_size) {
        status = smmap_manager_set_limits(manager, &options);
    } else {
        smmap_manager_destroy(manager);
        manager = NULL;
        status = smmap_manager_create(&manager, &options, NULL);
    }
    manager_window_size = options.window_size;
    manager_mapped_limit = git_mwindow__mapped_limit;
    return status;
}

static bool is_empty(git_mwindow *window)
{
    return (__atomic_load_n(&window->inuse_cnt, __ATOMIC_ACQUIRE) & PINNED_EMPTY) != 0;
}

static void count_locked(git_mwindow *window)
{
    git_mwindow_ctl *ctl = &git_mwindow__mem_ctl;
    ctl->mapped += window->window_map.len;
    ctl->open_windows++;
    ctl->mmap_calls++;
    if (ctl->mapped > ctl->peak_mapped)
        ctl->peak_mapped = ctl->mapped;
    if (ctl->open_windows > ctl->peak_open_windows)
        ctl->peak_open_windows = ctl->open_windows;
}

/* Give up the pin, if nobody uses the window. */
static bool empty_locked(git_mwindow *window)
{
    size_t nobody = 0;
    if (!__atomic_compare_exchange_n(&window->inuse_cnt, &nobody, PINNED_EMPTY, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    git_mwindow__mem_ctl.mapped -= window->window_map.len;
    git_mwindow__mem_ctl.open_windows--;
    smmap_cursor_release(((pinned_window *)window)->cursor);
    return true;
}

static void empty_windows_locked(git_mwindow_file *mwf)
{
    git_mwindow *window;
    for (window = mwf->windows; window; window = window->next)
        empty_locked(window);
}

static void make_room_locked(git_mwindow_file *mwf)
{
    git_mwindow_ctl *ctl = &git_mwindow__mem_ctl;
    git_mwindow_file *file;
    size_t i, more = git_mwindow__window_size, limit = git_mwindow__mapped_limit / 2;
    if ((uint64_t)mwf->size < more)
        more = (size_t)mwf->size;
    if (more <= limit && ctl->mapped <= limit - more)
        return;
    empty_windows_locked(mwf);
    git_vector_foreach(&ctl->windowfiles, i, file) empty_windows_locked(file);
}

/* An empty window for who has the lock of the file: an empty one, one more, or the one whose last
   use is the longest time ago. */
static pinned_window *claim_locked(git_mwindow_file *mwf)
{
    git_mwindow *window, *oldest = NULL;
    size_t count = 0;
    for (window = mwf->windows; window; window = window->next) {
        count++;
        if (is_empty(window))
            return (pinned_window *)window;
        if (pinned_users(window) == 0 &&
            (!oldest || pinned_last_use(window) < pinned_last_use(oldest)))
            oldest = window;
    }
    if (count >= WINDOWS_KEPT && oldest && empty_locked(oldest))
        return (pinned_window *)oldest;
    if ((window = git__calloc(1, sizeof(pinned_window))) == NULL)
        return NULL;
    window->inuse_cnt = PINNED_EMPTY;
    window->next = mwf->windows;
    mwf->windows = window;
    return (pinned_window *)window;
}

/* A window with `extra` bytes in one piece. */
static apr_status_t move(pinned_window *window, off64_t offset, size_t extra)
{
    apr_status_t status = smmap_cursor_use(window->cursor, offset, 0);
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
    pinned_window *window;
    apr_status_t status;
    do {
        if (pinned_lock() < 0)
            return NULL;
        make_room_locked(mwf);
        status = update_manager_locked();
        window = claim_locked(mwf);
        /* By handle: libgit2 goes on reading packs that were deleted or renamed. */
        if (window && !window->cursor && status == APR_SUCCESS)
            status = smmap_cursor_open_handle(&window->cursor, manager, mwf->fd, NULL);
        pinned_unlock();
        if (!window)
            return NULL;
        if (status == APR_SUCCESS && (status = move(window, offset, extra)) == SMMAP_ECLOSED) {
            smmap_cursor_close(window->cursor);
            window->cursor = NULL;
        }
    } while (status == SMMAP_ECLOSED);
    if (status != APR_SUCCESS) {
        set_error(status);
        return NULL;
    }
    if (pinned_lock() < 0) {
        smmap_cursor_release(window->cursor);
        return NULL;
    }
    count_locked(&window->base);
    __atomic_add_fetch(&git_mwindow__mem_ctl.used_ctr, 1, __ATOMIC_RELAXED);
    pinned_unlock();
    __atomic_fetch_add(&window->base.inuse_cnt, 1 - PINNED_EMPTY, __ATOMIC_RELEASE);
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
        empty_locked(window);
        smmap_cursor_close(((pinned_window *)window)->cursor);
        git__free(window);
    }
    /* The handle has a name, even where the file has none any more. */
    p_snprintf(path, sizeof(path), "/dev/fd/%d", mwf->fd);
    if (manager)
        smmap_manager_drop(manager, path, NULL);
    return 0;
}
