/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The candidates: the worlds that explain all that was seen so far. See model.h.
 *
 * When an allocation failed, more than one of the oracle's own may explain what was seen,
 * and they need not leave the same things behind. An example: a cursor is opened on a known
 * file that was cut. Whether there is no memory for a new file, before the known one is looked
 * up, or for measuring the known one, after that: the status is the same, and so are all
 * counters and calls. But what was measured was used last, so it is the last whose handle is
 * closed, which shows many operations later.
 *
 * So there may be several worlds, one for each explanation. All of them go through the
 * operations that follow. A world that does not explain what is seen then was wrong, and is
 * dropped; when none is left, the library is wrong. Worlds that differ in nothing that can
 * ever be seen are merged.
 *
 * Invariant: there is at least one world. All worlds have the same files on the disk, the same
 * cursors, buffers and managers, and the same values of all that is compared.
 */
#include "model.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORLDS = 512, /* a failed allocation in a read of a hundred windows can leave fifty */
    FEW = 4, /* with more worlds than these, no allocation is made to fail */
    SERIALS = FILES + REGIONS + ALL_CURSORS + MANAGERS + BUFFERS
};

static world_t now[WORLDS];
static int count;
static world_t next[WORLDS]; /* while an operation is explained */
static int next_count;

world_t *model_candidates_begin(void)
{
    memset(&now[0], 0, sizeof now[0]);
    count = 1;
    return &now[0];
}

const world_t *model_candidate(int number)
{
    return number < count ? &now[number] : NULL;
}

int model_candidates_are_few(void)
{
    return count <= FEW;
}

/* The same world, with the same names for everything. */

static int by_value(const void *left, const void *right)
{
    unsigned a = *(const unsigned *)left;
    unsigned b = *(const unsigned *)right;

    return a < b ? -1 : a > b;
}

/* Only the order of serial numbers matters: let them be 1, 2, 3 ... */
static void number_anew(world_t *w)
{
    unsigned *all[SERIALS];
    unsigned sorted[SERIALS];
    int total = 0;
    int i;

    for (i = 0; i < FILES; i++) {
        all[total++] = &w->files[i].idle_since;
    }
    for (i = 0; i < REGIONS; i++) {
        all[total++] = &w->regions[i].serial;
    }
    for (i = 0; i < ALL_CURSORS; i++) {
        all[total++] = &w->cursors[i].serial;
    }
    for (i = 0; i < MANAGERS; i++) {
        all[total++] = &w->managers[i].serial;
    }
    for (i = 0; i < BUFFERS; i++) {
        all[total++] = &w->buffers[i].serial;
    }
    for (i = 0; i < total; i++) {
        sorted[i] = *all[i];
    }
    qsort(sorted, (size_t)total, sizeof sorted[0], by_value);
    for (i = 0; i < total; i++) {
        /* Those that are not used have 0, and all others differ. */
        if (*all[i] != 0) {
            const unsigned *found =
                bsearch(all[i], sorted, (size_t)total, sizeof sorted[0], by_value);

            *all[i] = (unsigned)(found - sorted) + 1;
        }
    }
    w->serial = SERIALS;
}

static void clear_rest(int *list, int length)
{
    memset(list + length, 0, (size_t)(REGIONS - length) * sizeof list[0]);
}

/* Forget what will not be looked at again. */
static void tidy(world_t *w)
{
    int i;

    for (i = 0; i < MANAGERS; i++) {
        omanager_t *manager = &w->managers[i];

        if (!manager->used) {
            memset(manager, 0, sizeof *manager);
        }
        clear_rest(manager->queue, manager->length);
        clear_rest(manager->retired, manager->retired_length);
        clear_rest(manager->unmap_failed, manager->unmap_failed_length);
    }
    for (i = 0; i < FILES; i++) {
        ofile_t *file = &w->files[i];

        if (!file->used) {
            memset(file, 0, sizeof *file);
        }
        if (!file->idle) {
            file->idle_since = 0;
        }
        if (!file->open) {
            file->inode = 0;
        }
    }
    for (i = 0; i < REGIONS; i++) {
        if (!w->regions[i].used) {
            memset(&w->regions[i], 0, sizeof w->regions[i]);
        }
    }
    for (i = 0; i < ALL_CURSORS; i++) {
        if (!w->cursors[i].used) {
            memset(&w->cursors[i], 0, sizeof w->cursors[i]);
            w->cursors[i].region = NONE;
        }
    }
    for (i = 0; i < BUFFERS; i++) {
        if (!w->buffers[i].used) {
            memset(&w->buffers[i], 0, sizeof w->buffers[i]);
        }
    }
    number_anew(w);
}

/* The last of the next worlds may be one that is there already. */
static void merge_last(void)
{
    world_t *last = &next[next_count - 1];
    int i;

    tidy(last);
    for (i = 0; i < next_count - 1; i++) {
        /* What comes behind is of the one operation. */
        if (memcmp(&next[i], last, offsetof(world_t, allocation)) == 0) {
            next_count--;
            return;
        }
    }
}

/* Explaining. */

/* Expect, with one of the allocations failing (0: none), and compare. */
static int explains(world_t *w, const operation_t *o, const outcome_t *seen,
                    const unsigned char *shown, unsigned fails)
{
    outcome_t expected;

    model_complaint_clear();
    w->allocation = 0;
    w->allocation_fails = fails;
    w->event_count = 0;
    w->piece_count = 0;
    model_expect(w, o, &expected);
    if (w->overflow) {
        return model_wrong("a table of the model is too small");
    }
    return model_compare(w, o, &expected, seen, shown);
}

static int explain_success(const operation_t *o, const outcome_t *seen, const unsigned char *shown)
{
    int kept = 0;
    int i;

    for (i = 0; i < count; i++) {
        if (explains(&now[i], o, seen, shown, 0)) {
            if (kept < i) {
                now[kept] = now[i];
            }
            kept++;
        }
    }
    if (kept > 0) {
        count = kept;
    }
    return kept > 0;
}

/* One of the allocations failed; or one that the oracle does not have, so none. */
static int explain_failure(const operation_t *o, const outcome_t *seen, const unsigned char *shown)
{
    int i;

    next_count = 0;
    for (i = 0; i < count; i++) {
        unsigned fails = 0;
        unsigned most;

        do {
            world_t *trial = &next[next_count];

            if (next_count == WORLDS) {
                return model_wrong("there are too many worlds in the model");
            }
            *trial = now[i];
            fails++;
            if (explains(trial, o, seen, shown, fails)) {
                next_count++;
                merge_last();
            }
            most = trial->allocation;
        } while (most >= fails);
    }
    if (next_count == 0) {
        return 0;
    }
    memcpy(now, next, (size_t)next_count * sizeof now[0]);
    count = next_count;
    return 1;
}

int model_explain(const operation_t *o, const outcome_t *seen, const unsigned char *shown,
                  int failed)
{
    int good = failed ? explain_failure(o, seen, shown) : explain_success(o, seen, shown);

    if (good) {
        model_complaint_clear();
    }
    return good;
}

/* Files. */

int model_in_use(int inode)
{
    int number;
    int i;

    for (number = 0; number < count; number++) {
        const world_t *w = &now[number];

        for (i = 0; i < FILES; i++) {
            if (w->files[i].used && w->files[i].open && w->files[i].inode == inode) {
                return 1;
            }
        }
        for (i = 0; i < REGIONS; i++) {
            if (w->regions[i].used && w->regions[i].inode == inode) {
                return 1;
            }
        }
    }
    return 0;
}

void model_candidates_disk(const operation_t *o)
{
    int i;

    model_disk_do(&now[0], o);
    for (i = 1; i < count; i++) {
        memcpy(now[i].paths, now[0].paths, sizeof now[i].paths);
        memcpy(now[i].inodes, now[0].inodes, sizeof now[i].inodes);
    }
}
