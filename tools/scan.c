/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search through a file that comes in pieces, each match found exactly once.
 *
 * A match that lies in one piece is found in place, without a copy. For those that
 * cross the end of a piece (or of many: a piece may be shorter than the pattern),
 * the last bytes of all that came before, one less than the pattern has, are kept:
 * the carry. The next piece's first bytes, again one less than the pattern has,
 * are put behind it, and this join is searched.
 *
 * Why exactly once: a match that lies whole in the pieces before is not in the
 * join's reach, as the carry is too short to hold one. A match in the join starts
 * in the carry, as the bytes behind it are too few as well. One that starts in the
 * new piece is found there, or starts in the next carry. So the three sets do not
 * meet, and they come in the order of their offsets.
 *
 * Invariant: `next` is where the next match may start; it never goes back.
 */
#include "tools/scan.h"

#include <string.h>

struct tool_scan_t {
    tool_pattern_t *pattern;
    int overlap;
    tool_scan_match_t *match;
    void *baton;

    apr_uint64_t position; /* bytes fed so far */
    apr_uint64_t next;     /* where the next match may start */
    apr_size_t carried;    /* bytes in the carry */
    unsigned char *join;   /* the carry, and room for as many bytes behind it */
};

tool_scan_t *tool_scan_create(tool_pattern_t *pattern, int overlap, tool_scan_match_t *match,
                              void *baton, apr_pool_t *pool)
{
    tool_scan_t *scan = apr_pcalloc(pool, sizeof(*scan));

    scan->pattern = pattern;
    scan->overlap = overlap;
    scan->match = match;
    scan->baton = baton;
    scan->join = apr_palloc(pool, 2 * tool_pattern_size(pattern));
    return scan;
}

void tool_scan_restart(tool_scan_t *scan)
{
    tool_pattern_restart(scan->pattern);
    scan->position = 0;
    scan->next = 0;
    scan->carried = 0;
}

/* Report the matches in one piece of memory that starts at `base` in the file. */
static int search(tool_scan_t *scan, const unsigned char *data, apr_size_t size, apr_uint64_t base)
{
    apr_size_t known = 0;

    for (;;) {
        apr_uint64_t from = scan->next > base ? scan->next - base : 0;
        apr_size_t at;

        if (from >= size) {
            return 1;
        }
        at = tool_pattern_next(scan->pattern, data, size, (apr_size_t)from, known);
        if (at == TOOL_PATTERN_NONE) {
            return 1;
        }
        scan->next = base + at + tool_pattern_step(scan->pattern, scan->overlap, &known);
        if (!scan->match(scan->baton, (apr_off_t)(base + at))) {
            return 0;
        }
    }
}

int tool_scan_feed(tool_scan_t *scan, const unsigned char *data, apr_size_t size)
{
    apr_size_t keep = tool_pattern_size(scan->pattern) - 1;
    apr_size_t head = size < keep ? size : keep;
    apr_size_t joined = scan->carried + head;

    memcpy(scan->join + scan->carried, data, head);
    if (scan->carried > 0 && !search(scan, scan->join, joined, scan->position - scan->carried)) {
        return 0;
    }
    if (!search(scan, data, size, scan->position)) {
        return 0;
    }
    if (size >= keep) {
        memcpy(scan->join, data + size - keep, keep);
        scan->carried = keep;
    } else {
        scan->carried = joined < keep ? joined : keep;
        memmove(scan->join, scan->join + joined - scan->carried, scan->carried);
    }
    scan->position += size;
    return 1;
}
