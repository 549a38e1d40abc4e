/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paranoid mode: the windows that nobody pins, and who let go of them last, for the report of a
 * stale pointer. What the POSIX and the Windows backend have in common; it calls nothing of the
 * system. Included by one file of each, which has the lock.
 *
 * An entry stands in one of WAYS places that follow from its address. Where all are taken one is
 * given up: of a window that is not found here nothing is told, and all else is as it was. The
 * handler reads without the lock, when the process is about to end: of an entry that is just being
 * written it may tell something wrong, but the path always ends.
 */
#ifndef SMMAP_BACKENDS_STALE_H
#define SMMAP_BACKENDS_STALE_H

#include <stdint.h>
#include <string.h>

#include "backends/backend.h"

enum { STALE_SETS = 512, STALE_WAYS = 4, STALE_PATH = 512, STALE_FRAMES = 12 };
/* Room for a line of the report. */
enum { STALE_LINE = STALE_PATH + 128 };

typedef struct stale_t {
    volatile uintptr_t begin; /* 0: free */
    volatile uintptr_t end;
    apr_off_t offset; /* in the file */
    unsigned frame_count;
    void *frames[STALE_FRAMES];
    char path[STALE_PATH];
} stale_t;

static stale_t stale_entries[STALE_SETS][STALE_WAYS];

/* The set of an address; windows start at a multiple of 4096 at least. */
static stale_t *stale_set(uintptr_t address)
{
    uintptr_t page = address >> 12;

    return stale_entries[(page ^ (page >> 9)) % STALE_SETS];
}

/* With the lock. */
static void stale_write(const smmap__os_stale_t *stale)
{
    uintptr_t address = (uintptr_t)stale->address;
    stale_t *set = stale_set(address);
    stale_t *entry = &set[(address >> 21) % STALE_WAYS];
    apr_size_t size = strlen(stale->path);
    apr_size_t cut = size < STALE_PATH ? 0 : size - STALE_PATH + 1;
    int i;

    for (i = STALE_WAYS - 1; i >= 0; i--) {
        if (set[i].begin == 0 || set[i].begin == address) {
            entry = &set[i];
        }
    }
    for (i = 0; i < STALE_WAYS; i++) {
        if (&set[i] != entry && set[i].begin == address) {
            set[i].begin = 0;
        }
    }
    entry->begin = 0;
    entry->end = address + stale->length;
    entry->offset = stale->offset;
    entry->frame_count = stale->frame_count < STALE_FRAMES ? stale->frame_count : STALE_FRAMES;
    memcpy(entry->frames, stale->frames, entry->frame_count * sizeof entry->frames[0]);
    memcpy(entry->path, stale->path + cut, size - cut); /* its last bytes are the better ones */
    entry->path[size - cut] = '\0';
    entry->begin = address;
}

/* With the lock. */
static void stale_erase(uintptr_t address)
{
    stale_t *set = stale_set(address);
    int i;

    for (i = 0; i < STALE_WAYS; i++) {
        if (set[i].begin == address) {
            set[i].begin = 0;
        }
    }
}

/* The entry that a fault is in, or NULL. Async-signal-safe, as the next one is. */
static const stale_t *stale_find(uintptr_t fault)
{
    int i;

    for (i = 0; i < STALE_SETS * STALE_WAYS; i++) {
        const stale_t *entry = &stale_entries[i / STALE_WAYS][i % STALE_WAYS];

        if (entry->begin != 0 && fault >= entry->begin && fault < entry->end) {
            return entry;
        }
    }
    return NULL;
}

static char *stale_append(char *to, const char *end, const char *text)
{
    while (*text != '\0' && to < end) {
        *to++ = *text++;
    }
    return to;
}

/* The first line of the report; its length. */
static apr_size_t stale_line(const stale_t *entry, uintptr_t fault, char line[STALE_LINE])
{
    apr_uint64_t offset = (apr_uint64_t)entry->offset + (fault - entry->begin);
    char digits[24];
    char *digit = digits + sizeof digits - 1;
    char *to = line;
    const char *end = line + STALE_LINE;

    *digit = '\0';
    do {
        *--digit = (char)('0' + (int)(offset % 10));
        offset /= 10;
    } while (offset != 0);
    to = stale_append(to, end, "smmap: stale pointer to ");
    to = stale_append(to, end, entry->path[0] != '\0' ? entry->path : "a file without a path");
    to = stale_append(to, end, ", offset ");
    to = stale_append(to, end, digit);
    to = stale_append(to, end, ": no cursor pins this window any more\n");
    return (apr_size_t)(to - line);
}

#endif
