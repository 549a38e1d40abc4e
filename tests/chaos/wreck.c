/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The children of the chaos program, which wreck the files.
 *
 * Each file belongs to one child, so its versions are made one after the other, and between
 * two steps of that child nothing else changes it. A new version is a new file, never an old
 * one that is written over; a file that grows gets bytes written behind its end, no hole.
 *
 * The children touch no library but the C library, and read nothing through a mapping.
 */
#include "chaos.h"

#include "backends/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

/* What a child knows of a file. */
typedef struct victim_t {
    unsigned number;
    unsigned version; /* 0: it is deleted */
    unsigned last;    /* the newest version there was */
    apr_off_t size;
    struct timespec times[2];
} victim_t;

static int leave_alone; /* a new file */

int chaos_prepare(void)
{
    const char *base = getenv("TMPDIR");
    int good = 0;
#ifdef __linux__
    char path[4200];
    long number;
    int file;

    snprintf(path, sizeof path, "%s/smmap-chaos-XXXXXX",
             base != NULL && *base != '\0' ? base : "/tmp");
    file = mkstemp(path);
    if (file >= 0) {
        good = ioctl(file, (smmap__posix_request_t)FS_IOC_GETVERSION, &number) == 0;
        close(file);
        unlink(path);
    }
#else
    (void)base;
#endif
    leave_alone = !good;
    return good;
}

static void need(int holds, const char *what, const char *path)
{
    if (!holds) {
        fprintf(stderr, "a child: %s %s: %s\n", what, path, strerror(errno));
        _exit(3);
    }
}

static apr_off_t random_size(apr_uint64_t *random, apr_off_t below)
{
    apr_off_t size = (apr_off_t)(stress_random(random) % (apr_uint64_t)below);

    return chaos.whole_pages ? size - size % (apr_off_t)chaos.page : size;
}

/* Write [from, to) of a version, in pieces of random size. */
static void write_bytes(int into, const victim_t *victim, const char *path, unsigned version,
                        apr_off_t from, apr_off_t to, apr_uint64_t *random)
{
    unsigned char bytes[16384];

    while (from < to) {
        apr_off_t part = 1 + (apr_off_t)(stress_random(random) % sizeof bytes);

        if (part > to - from) {
            part = to - from;
        }
        chaos_fill(bytes, victim->number, version, from, (apr_size_t)part);
        need(pwrite(into, bytes, (size_t)part, (off_t)from) == (ssize_t)part, "write", path);
        from += part;
    }
}

/* Each reader has ended the call that it is in, or there is none any more. */
static void wait_for_readers(void)
{
    unsigned before[STRESS_MOST_THREADS];
    unsigned i;

    for (i = 0; i < chaos.readers; i++) {
        before[i] = atomic_load(&chaos.shared->turns[i]);
    }
    for (i = 0; i < chaos.readers; i++) {
        while (atomic_load(&chaos.shared->turns[i]) == before[i] &&
               atomic_load(&chaos.shared->readers) != 0 && !atomic_load(&chaos.shared->stop) &&
               getppid() == chaos.parent) {
            usleep(20);
        }
    }
}

/* Remember its times, and close it. */
static void done_with(int file, victim_t *victim, const char *path)
{
    struct stat info;

    need(fstat(file, &info) == 0, "examine", path);
    victim->times[0] = SMMAP__POSIX_TIME(&info, a);
    victim->times[1] = SMMAP__POSIX_TIME(&info, m);
    need(close(file) == 0, "close", path);
}

/* A new file at `path`, with the next version. like: with the size and times of that one. */
static void make_version(victim_t *victim, const char *path, const victim_t *like,
                         apr_uint64_t *random)
{
    apr_off_t most = (apr_off_t)(CHAOS_PAGES * chaos.page);
    int into;

    victim->version = victim->last + 1;
    victim->last = victim->version;
    victim->size = like != NULL ? like->size : random_size(random, most) + 1;
    atomic_store(&chaos.shared->made[victim->number], victim->version);
    into = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    need(into >= 0, "create", path);
    write_bytes(into, victim, path, victim->version, 0, victim->size, random);
    if (like != NULL) {
        need(futimens(into, like->times) == 0, "set the times of", path);
    }
    done_with(into, victim, path);
    if (leave_alone) {
        usleep(20000);
    }
}

/* The path leads to the newest version. */
static void tell(const victim_t *victim)
{
    atomic_store(&chaos.shared->named[victim->number], victim->version);
}

static void resize(victim_t *victim, chaos_wreck_t wreck, apr_uint64_t *random)
{
    const char *path = chaos.paths[victim->number];
    apr_off_t most = (apr_off_t)(CHAOS_PAGES * chaos.page);
    int into = open(path, O_RDWR | O_CLOEXEC);

    need(into >= 0, "open", path);
    if (wreck == WRECK_CUT) {
        victim->size = random_size(random, victim->size + 1);
        need(ftruncate(into, (off_t)victim->size) == 0, "cut", path);
        wait_for_readers();
    } else if (victim->size < most) {
        apr_off_t size = victim->size + 1 + random_size(random, most - victim->size);

        write_bytes(into, victim, path, victim->version, victim->size, size, random);
        victim->size = size;
    }
    done_with(into, victim, path);
}

static void replace(victim_t *victim, chaos_wreck_t wreck, apr_uint64_t *random)
{
    const victim_t old = *victim;

    make_version(victim, chaos.spare[victim->number], wreck == WRECK_REPLACE_ALIKE ? &old : NULL,
                 random);
    need(rename(chaos.spare[victim->number], chaos.paths[victim->number]) == 0, "rename to",
         chaos.paths[victim->number]);
    tell(victim);
}

/* One thing at random; what is deleted comes back next. */
static void perform(victim_t *victim, apr_uint64_t *random)
{
    chaos_wreck_t wreck = (chaos_wreck_t)(stress_random(random) % WRECK_DELETE);
    const victim_t old = *victim;
    int again = victim->last < CHAOS_VERSIONS && !chaos.same_files;

    if (victim->version == 0) {
        wreck = stress_random(random) % 2 == 0 ? WRECK_RECREATE : WRECK_RECREATE_ALIKE;
        make_version(victim, chaos.paths[victim->number],
                     wreck == WRECK_RECREATE_ALIKE ? &old : NULL, random);
        tell(victim);
    } else if (again && stress_random(random) % 6 == 0) {
        wreck = WRECK_DELETE;
        need(unlink(chaos.paths[victim->number]) == 0, "delete", chaos.paths[victim->number]);
        victim->version = 0;
        /* Whoever opens the path now finds nothing, or what comes next. */
        atomic_store(&chaos.shared->named[victim->number], victim->last + 1);
    } else if (again && (wreck == WRECK_REPLACE || wreck == WRECK_REPLACE_ALIKE)) {
        replace(victim, wreck, random);
    } else {
        wreck = stress_random(random) % 2 == 0 ? WRECK_CUT : WRECK_GROW;
        resize(victim, wreck, random);
    }
    atomic_fetch_add(&chaos.shared->wrecks[wreck], 1);
}

static victim_t victims[CHAOS_FILES];

void chaos_make(apr_uint64_t seed)
{
    unsigned f;

    for (f = 0; f < CHAOS_FILES; f++) {
        victims[f].number = f;
        victims[f].last = 0;
        make_version(&victims[f], chaos.paths[f], NULL, &seed);
        tell(&victims[f]);
    }
}

int chaos_wreck(unsigned child, apr_uint64_t seed)
{
    apr_uint64_t random = seed;

    /* It also ends when the parent has died, which cannot tell its children to stop. */
    while (!atomic_load(&chaos.shared->stop) && getppid() == chaos.parent) {
        unsigned f = child + CHAOS_CHILDREN * (unsigned)(stress_random(&random) %
                                                         (CHAOS_FILES / CHAOS_CHILDREN));

        if (atomic_load(&chaos.shared->readers) != 0) {
            perform(&victims[f], &random);
        }
        if (stress_random(&random) % 4 == 0) {
            usleep((useconds_t)(stress_random(&random) % 500));
        }
    }
    return 0;
}
