/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search through one file after the other, each match found exactly once.
 *
 * A file comes in pieces that overlap: a piece is searched for matches that start before a place
 * (`starts`), behind which it has as many bytes as the longest pattern needs, and the bytes that
 * are wanted around a match; the next piece begins there. So no match lies across two pieces, and
 * each starts in exactly one.
 *
 * What was found in a piece is kept until its bytes are known to be the file's; where they are not,
 * it is dropped, and the piece is searched again as other bytes.
 *
 * Holes are skipped, but for the bytes before their ends in which a match may start; not where a
 * pattern has zeroes alone.
 *
 * Invariant: `at` is where the next match may start; it never goes back but to the start of a piece
 * that was dropped.
 */
#include "tools/search.h"

#include <stdlib.h>
#include <string.h>

/* How much is found before it has to be printed. */
#define MATCHES_MOST ((apr_size_t)16384)
#define BYTES_MOST ((apr_size_t)1 << 20)

struct tool_search_t {
    const tool_t *tool;
    const tool_plan_t *plan;
    tool_patterns_t *patterns;
    tool_source_t *source;
    apr_size_t tail; /* what a match needs behind its first byte */
    int skips;       /* 1: nothing can be found in a hole */
};

void tool_found_clear(tool_found_t *found)
{
    found->count = 0;
    found->used = 0;
    found->bytes_used = 0;
}

void tool_found_free(tool_found_t *found)
{
    free(found->matches);
    free(found->bytes);
    memset(found, 0, sizeof(*found));
}

static int has_other_than_zero(const struct tool_bytes_t *pattern)
{
    apr_size_t i = 0;

    while (i < pattern->size && pattern->bytes[i] == 0) {
        i++;
    }
    return i < pattern->size;
}

tool_search_t *tool_search_create(const tool_t *tool, const tool_plan_t *plan, apr_pool_t *pool)
{
    tool_search_t *search = apr_pcalloc(pool, sizeof(*search));
    int i;

    search->tool = tool;
    search->plan = plan;
    search->patterns = tool_patterns_create(&plan->patterns, pool);
    search->tail = tool_patterns_longest(search->patterns) - 1 + plan->context;
    search->skips = 1;
    for (i = 0; i < plan->patterns.count; i++) {
        search->skips &= has_other_than_zero(&plan->patterns.patterns[i]);
    }
    search->source = tool_source_create(tool, plan->context, search->tail, pool);
    return search;
}

/* Room for one more; 0: there is no memory, or enough is kept. */
static int make_room(void **memory, apr_size_t *room, apr_size_t used, apr_size_t more,
                     apr_size_t unit)
{
    if (used + more > *room) {
        apr_size_t wanted = 2 * (used + more);
        void *made = realloc(*memory, wanted * unit);

        if (made == NULL) {
            return 0;
        }
        *memory = made;
        *room = wanted;
    }
    return 1;
}

/* 0: there is no room for it. */
static int keep(const tool_plan_t *plan, const tool_view_t *view, apr_size_t at, apr_size_t length,
                tool_found_t *found)
{
    apr_size_t before = at < plan->context ? at : plan->context;
    apr_size_t kept = view->size - (at - before);
    tool_match_t *match;

    if (kept > before + length + plan->context) {
        kept = before + length + plan->context;
    }
    if (!plan->keeps_bytes) {
        kept = 0;
    }
    if (found->used == MATCHES_MOST || (found->used > 0 && found->bytes_used + kept > BYTES_MOST) ||
        !make_room((void **)&found->matches, &found->room, found->used, 1, sizeof(*match)) ||
        !make_room((void **)&found->bytes, &found->bytes_room, found->bytes_used, kept, 1)) {
        return 0;
    }
    match = &found->matches[found->used++];
    match->offset = view->begin + (apr_off_t)at;
    match->length = length;
    match->before = before;
    match->kept = kept;
    match->bytes = found->bytes_used;
    if (kept > 0) {
        memcpy(found->bytes + found->bytes_used, view->data + at - before, kept);
        found->bytes_used += kept;
    }
    return 1;
}

/* Add what is in a piece from *at on, up to `most` matches; *at becomes where to go on. 0: there
   was no room for all. */
static int search_piece(tool_search_t *search, const tool_view_t *view, apr_uint64_t most,
                        tool_found_t *found, apr_off_t *at)
{
    const tool_plan_t *plan = search->plan;
    apr_off_t next = *at;
    apr_size_t length = 0;

    if (next < view->starts) {
        tool_patterns_use(search->patterns, view->data, view->size,
                          (apr_size_t)(next - view->begin),
                          (apr_size_t)(view->starts - view->begin));
    }
    for (; next < view->starts && most > 0; most--) {
        apr_size_t hit = tool_patterns_next(search->patterns, &length);

        if (hit == TOOL_PATTERN_NONE) {
            next = view->starts;
            break;
        }
        if (plan->keeps && !keep(plan, view, hit, length, found)) {
            *at = view->begin + (apr_off_t)hit;
            return 0;
        }
        found->count++;
        next = view->begin + (apr_off_t)hit + (plan->patterns.overlap ? 1 : (apr_off_t)length);
    }
    *at = next;
    return 1;
}

apr_status_t tool_search_file(tool_search_t *search, const char *path, tool_found_t *found,
                              tool_search_piece_t *piece, void *baton, apr_pool_t *pool)
{
    apr_uint64_t left = search->plan->limit;
    apr_off_t begin;
    apr_off_t end;
    apr_off_t at;
    apr_status_t status = tool_source_open(search->source, path, &begin, &end, pool);

    found->is_open = status == APR_SUCCESS;
    if (status != APR_SUCCESS) {
        return status;
    }
    tool_patterns_restart(search->patterns, tool_source_is_large(search->source));
    for (at = begin; at < end && left > 0;) {
        tool_found_t before = *found;
        tool_view_t view;
        apr_off_t first;
        apr_off_t back;
        int has_room;

        if (search->skips) {
            at = tool_source_skip(search->source, at, end,
                                  tool_patterns_longest(search->patterns) - 1);
        }
        first = at;
        back = at - begin;
        if (back > (apr_off_t)search->plan->context) {
            back = (apr_off_t)search->plan->context;
        }
        tool_source_view(search->source, at, (apr_size_t)back, end, &view);
        has_room = search_piece(search, &view, left, found, &at);
        if (!tool_source_check(search->source, at - first)) {
            found->count = before.count;
            found->used = before.used;
            found->bytes_used = before.bytes_used;
            at = first;
            continue;
        }
        left -= found->count - before.count;
        if (!has_room && found->used == 0) {
            return APR_ENOMEM;
        }
        if (has_room && view.is_end) {
            return view.status;
        }
        if (!piece(baton, found, (apr_uint64_t)(at - begin), !has_room)) {
            return APR_SUCCESS;
        }
    }
    return APR_SUCCESS;
}
