/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media program: what becomes of reads when the disk, or the server of a file system, fails.
 *
 *   main.c    the program, and what its checks stand on
 *   disk.c    a file system on an image that is cut short beneath it
 *   user.c    a file system in user space: fuse.c
 *   full.c    a tmpfs that is full
 *   stacked.c an overlayfs, whose files are copied when they are written
 *   media.sh  mounts them, runs the program, and unmounts them, whatever happens
 *
 * A check makes a manager, and tells what is wrong by stress_bad(). Afterwards the counters
 * must be those of the backend, and nothing may be left.
 */
#ifndef SMMAP_TESTS_MEDIA_H
#define SMMAP_TESTS_MEDIA_H

#include "tests/stress/stress.h"

/** A cursor of a check, and its path. */
typedef struct media_file_t {
    char path[4200];
    smmap_cursor_t *cursor;
} media_file_t;

typedef struct media_t {
    const char *directory; /* what is mounted */
    const char *image;     /* what it lies on; or the limit of a group */
    apr_size_t page;
    unsigned char *bytes;  /* room for media_most */
} media_t;

enum { MEDIA_MOST = 4 << 20 };

extern media_t media;

/** Make stress.manager. windows: of how many pages; 0: static mode. */
void media_manage(smmap_guard_t guard, apr_size_t windows, apr_size_t max_files);
/** Account for all, and destroy it. faults: the guarded reads that met one, SIZE_MAX: any. */
void media_settle(apr_size_t faults);
/** The path of a file. */
void media_path(media_file_t *file, const char *name);
/** Open a cursor on it. */
void media_open(media_file_t *file, const char *name);
void media_close(media_file_t *file);
/** A status must be this one. */
void media_status(apr_status_t got, apr_status_t wanted, const char *what);
/** A copy must be all there and right. */
void media_reads(media_file_t *file, apr_off_t offset, apr_size_t size);
/** A copy must be refused by the system's EIO, of a fault where there is one; what came before
    must be right. */
void media_refuses(media_file_t *file, apr_off_t offset, apr_size_t size);
/** Reading a page by pointer must end by a status, SMMAP_EFAULT or APR_SUCCESS. */
void media_points(media_file_t *file, apr_off_t offset, apr_status_t wanted);
/** Are these the bytes of the file from offset on? */
void media_same(const unsigned char *bytes, apr_off_t offset, apr_size_t size, const char *what);

/** The checks of each kind; a list ends without a name. */
extern const stress_scenario_t media_disk[];
extern const stress_scenario_t media_user[];
extern const stress_scenario_t media_full[];
extern const stress_scenario_t media_stacked[];
extern const stress_scenario_t media_group[];

/** Write the file that media_disk reads, before it is mounted as it will be. 0: it could not. */
int media_disk_make(void);
/** The same for media_stacked. */
int media_stacked_make(void);

#endif
