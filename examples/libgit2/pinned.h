/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The windows of packs, for the two files that take the place of libgit2's mwindow.c.
 *
 * One manager has the limits and maps; its windows are shared by all packs and repositories. Each
 * pack has a short list of windows, each a cursor of libsmmap with the pin it has. A window that
 * nobody uses keeps its pin, so opening it again is a comparison and an addition, without a lock
 * and without a call of the library.
 *
 * What holds:
 * - Whoever opens a window of a file has the file's lock, or is the only one who knows the file
 *   (the indexer). Closing takes no lock.
 * - inuse_cnt counts the users of a window; or it has the bit EMPTY: there is no pin; or the bit
 *   BUSY: whoever has set it may change the window.
 * - Lists grow and shrink under git__mwindow_mutex, so with it all windows of all registered files
 *   can be looked at. When the lists would pin more than half of what may be mapped, a file reuses
 *   a window of its own; a file that has none empties those of all files that nobody uses. Eviction
 *   needs room to choose in.
 *
 * A name that ends in _locked needs git__mwindow_mutex.
 */
#ifndef PINNED_H
#define PINNED_H

#include "mwindow.h"

#include <limits.h>

#if defined(GIT_WIN32) || !defined(GIT_THREADS)
#error "this needs the locks of POSIX, and its names for open files"
#endif

/* In inuse_cnt. Users who try to enter such a window add to it for a moment. */
#define PINNED_EMPTY ((size_t)1 << (sizeof(size_t) * CHAR_BIT - 1))
#define PINNED_BUSY (PINNED_EMPTY >> 1)

extern size_t git_mwindow__window_size;
extern size_t git_mwindow__mapped_limit;
extern git_mutex git__mwindow_mutex;
/* `mapped` and `open_windows` count what the lists have pinned. */
extern git_mwindow_ctl git_mwindow__mem_ctl;

GIT_INLINE(size_t) pinned_users(git_mwindow *window)
{
    return __atomic_load_n(&window->inuse_cnt, __ATOMIC_ACQUIRE) & ~(PINNED_EMPTY | PINNED_BUSY);
}

GIT_INLINE(void) pinned_leave(git_mwindow *window)
{
    __atomic_fetch_sub(&window->inuse_cnt, 1, __ATOMIC_RELEASE);
}

GIT_INLINE(size_t) pinned_last_use(git_mwindow *window)
{
    return __atomic_load_n(&window->last_used, __ATOMIC_RELAXED);
}

/* Become a user of the window, unless it is empty or busy. */
GIT_INLINE(bool) pinned_enter(git_mwindow *window)
{
    if (!(__atomic_fetch_add(&window->inuse_cnt, 1, __ATOMIC_ACQUIRE) &
          (PINNED_EMPTY | PINNED_BUSY)))
        return true;
    pinned_leave(window);
    return false;
}

/* Lock git__mwindow_mutex. -1: failed, and said so. */
int pinned_lock(void);
void pinned_unlock(void);

/* A window with `extra` bytes from `offset` on in one piece, and with one user. For who has the
   file's lock, and has not found one in the list. NULL: failed, and said why. */
git_mwindow *pinned_open(git_mwindow_file *mwf, off64_t offset, size_t extra);

/* Has one of the file's windows a user? */
bool pinned_in_use_locked(git_mwindow_file *mwf);

/* Free the windows of a file. For who has its lock, or is the only one to use it. */
int pinned_free_locked(git_mwindow_file *mwf);

/* Destroy the manager. */
void pinned_shutdown(void);

#endif
