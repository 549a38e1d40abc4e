/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libgit2's windows into packs, on libsmmap: what libgit2 1.5 calls in its mwindow.c, in the place
 * of which this file and pinned.c are linked. Here: the windows that are open, the limit of open
 * files, and the packs. See pinned.h for what holds.
 */
#include "mwindow.h"

#include "pack.h"
#include "pinned.h"
#include "runtime.h"
#include "strmap.h"
#include "vector.h"

#define MIB ((size_t)1024 * 1024)

/* A pack, and the thread that opened it. */
typedef struct opened_pack {
    struct opened_pack *next;
    struct git_pack_file *pack;
    size_t thread;
} opened_pack;

/* libgit2's options; it writes them without a lock. */
size_t git_mwindow__window_size = sizeof(void *) >= 8 ? 1024 * MIB : 32 * MIB;
size_t git_mwindow__mapped_limit = sizeof(void *) >= 8 ? 8 * (1024 * MIB) : 256 * MIB;
size_t git_mwindow__file_limit = 0; /* 0: none */

/* For all that follows. */
git_mutex git__mwindow_mutex;
git_mwindow_ctl git_mwindow__mem_ctl;
static opened_pack *opened_packs;
/* Of the opened packs one for each name. */
git_strmap *git__pack_cache = NULL;

static void global_shutdown(void)
{
    pinned_shutdown();
    git_vector_free(&git_mwindow__mem_ctl.windowfiles);
    memset(&git_mwindow__mem_ctl, 0, sizeof(git_mwindow__mem_ctl));
    git_strmap_free(git__pack_cache);
    git__pack_cache = NULL;
    git_mutex_free(&git__mwindow_mutex);
}

int git_mwindow_global_init(void)
{
    int error;
    if ((error = git_mutex_init(&git__mwindow_mutex)) != 0 ||
        (error = git_strmap_new(&git__pack_cache)) < 0)
        return error;
    return git_runtime_shutdown_register(global_shutdown);
}

/*
 * Windows
 */

int git_mwindow_contains(git_mwindow *win, off64_t offset, off64_t extra)
{
    uint64_t skipped = (uint64_t)offset - (uint64_t)win->offset;
    return skipped <= win->window_map.len && (uint64_t)extra <= win->window_map.len - skipped;
}

/* At the end of the file less than `extra` bytes may be left. */
unsigned char *git_mwindow_open(git_mwindow_file *mwf, git_mwindow **cursor, off64_t offset,
                                size_t extra, unsigned int *left)
{
    git_mwindow *window = *cursor;
    size_t skipped;
    if (offset < 0 || offset >= mwf->size) {
        git_error_set(GIT_ERROR_ODB, "the offset is outside of the pack");
        return NULL;
    }
    if (extra > (uint64_t)(mwf->size - offset))
        extra = (size_t)(mwf->size - offset);
    if (!window || !git_mwindow_contains(window, offset, extra)) {
        git_mwindow_close(cursor);
        for (window = mwf->windows; window; window = window->next)
            if (git_mwindow_contains(window, offset, extra) && pinned_enter(window))
                break;
        if (!window && (window = pinned_open(mwf, offset, extra)) == NULL)
            return NULL;
        /* A counter that every use moved would go from processor to processor. */
        __atomic_store_n(&window->last_used,
                         __atomic_load_n(&git_mwindow__mem_ctl.used_ctr, __ATOMIC_RELAXED),
                         __ATOMIC_RELAXED);
        *cursor = window;
    }
    skipped = (size_t)(offset - window->offset);
    if (left)
        *left = (unsigned int)min(window->window_map.len - skipped, UINT_MAX);
    return (unsigned char *)window->window_map.data + skipped;
}

void git_mwindow_close(git_mwindow **window)
{
    if (*window)
        pinned_leave(*window);
    *window = NULL;
}

/*
 * Files
 */

static void forget_file_locked(git_mwindow_file *mwf)
{
    git_vector *files = &git_mwindow__mem_ctl.windowfiles;
    git_mwindow_file *file;
    size_t i;
    git_vector_foreach(files, i, file)
    {
        if (file == mwf) {
            git_vector_remove(files, i);
            break;
        }
    }
}

int git_mwindow_free_all(git_mwindow_file *mwf)
{
    int error;
    if (pinned_lock() < 0)
        return -1;
    forget_file_locked(mwf);
    error = pinned_free_locked(mwf);
    pinned_unlock();
    return error;
}

/* The latest use of a file's windows. */
static size_t last_use_locked(git_mwindow_file *mwf)
{
    git_mwindow *window;
    size_t latest = 0;
    for (window = mwf->windows; window; window = window->next)
        latest = max(latest, pinned_last_use(window));
    return latest;
}

/* Close the file whose last use is the longest time ago; one that has no window, or is in use, is
   not closed. Its lock is not waited for: who has it may wait for git__mwindow_mutex. */
static bool close_oldest_file_locked(void)
{
    git_vector *files = &git_mwindow__mem_ctl.windowfiles;
    git_mwindow_file *file, *oldest = NULL;
    size_t i;
    bool closed = false;
    git_vector_foreach(files, i, file) if (file->windows && !pinned_in_use_locked(file) &&
                                           (!oldest || last_use_locked(file) <
                                                           last_use_locked(oldest))) oldest = file;
    if (!oldest || pthread_mutex_trylock(&oldest->lock) != 0)
        return false;
    if (!pinned_in_use_locked(oldest)) {
        forget_file_locked(oldest);
        pinned_free_locked(oldest);
        p_close(oldest->fd);
        oldest->fd = -1;
        closed = true;
    }
    git_mutex_unlock(&oldest->lock);
    return closed;
}

int git_mwindow_file_register(git_mwindow_file *mwf)
{
    git_vector *files = &git_mwindow__mem_ctl.windowfiles;
    int error;
    if (pinned_lock() < 0)
        return -1;
    while (git_mwindow__file_limit && git_vector_length(files) >= git_mwindow__file_limit &&
           close_oldest_file_locked())
        ;
    error = git_vector_insert(files, mwf);
    pinned_unlock();
    return error;
}

void git_mwindow_file_deregister(git_mwindow_file *mwf)
{
    if (pinned_lock() < 0)
        return;
    forget_file_locked(mwf);
    pinned_unlock();
}

/*
 * Packs. Repositories that a thread opens share a pack that they have in common. Another thread
 * gets a pack of its own, with locks of its own: libgit2 locks a pack for each look at a window,
 * and threads would wait for one another. The windows they share all the same.
 */

static opened_pack *find_pack_locked(const char *name)
{
    size_t thread = git_thread_currentid();
    opened_pack *opened;
    for (opened = opened_packs; opened; opened = opened->next)
        if (opened->thread == thread && strcmp(opened->pack->pack_name, name) == 0)
            break;
    return opened;
}

static int open_pack_locked(opened_pack **out, const char *name, const char *path)
{
    opened_pack *opened = git__calloc(1, sizeof(*opened));
    int error;
    GIT_ERROR_CHECK_ALLOC(opened);
    opened->thread = git_thread_currentid();
    if ((error = git_packfile_alloc(&opened->pack, path)) < 0) {
        git__free(opened);
        return error;
    }
    if (!git_strmap_exists(git__pack_cache, name) &&
        (error = git_strmap_set(git__pack_cache, opened->pack->pack_name, opened->pack)) < 0) {
        git_packfile_free(opened->pack, false);
        git__free(opened);
        return error;
    }
    opened->next = opened_packs;
    opened_packs = opened;
    *out = opened;
    return 0;
}

/* `path` is that of the pack's index. */
int git_mwindow_get_pack(struct git_pack_file **out, const char *path)
{
    opened_pack *opened;
    char *name;
    int error;
    if ((error = git_packfile__name(&name, path)) < 0)
        return error;
    if ((error = pinned_lock()) == 0) {
        if ((opened = find_pack_locked(name)) != NULL ||
            (error = open_pack_locked(&opened, name, path)) == 0) {
            git_atomic32_inc(&opened->pack->refcount);
            *out = opened->pack;
        }
        pinned_unlock();
    }
    git__free(name);
    return error;
}

static void close_pack_locked(struct git_pack_file *pack)
{
    opened_pack **link = &opened_packs, *opened;
    while ((*link)->pack != pack)
        link = &(*link)->next;
    opened = *link;
    *link = opened->next;
    git__free(opened);
    if (git_strmap_get(git__pack_cache, pack->pack_name) == pack)
        git_strmap_delete(git__pack_cache, pack->pack_name);
}

int git_mwindow_put_pack(struct git_pack_file *pack)
{
    bool last;
    if (pinned_lock() < 0)
        return -1;
    last = git_atomic32_dec(&pack->refcount) == 0;
    if (last)
        close_pack_locked(pack);
    pinned_unlock();
    if (last)
        git_packfile_free(pack, false);
    return 0;
}
