/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several patterns that are searched for together: each on its own, and the first match of all is
 * the next one. So each costs a pass over the data, which are in the processor's cache by then.
 *
 * Of matches at one place the longest counts, as with grep. Where they do not overlap, the next one
 * starts behind it, whichever pattern it is of.
 */
#include "tools/patterns.h"

#include <string.h>

typedef struct member_t {
    tool_pattern_t *pattern;
    apr_size_t hit;  /* its next match; TOOL_PATTERN_NONE: there is none */
    int is_known;    /* 1: `hit` is; 0: it is to be looked for */
    apr_size_t from; /* from here on */
    apr_size_t same; /* how many bytes there are known to be those of the pattern */
} member_t;

struct tool_patterns_t {
    member_t *members;
    int count;
    int overlap;
    apr_size_t longest;
    const unsigned char *data;
    apr_size_t size;
    apr_size_t end;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

const char *tool_pattern_unhex(const char *text, unsigned char **bytes, apr_size_t *size,
                               apr_pool_t *pool)
{
    unsigned char *out = apr_palloc(pool, strlen(text) / 2 + 1);
    apr_size_t count = 0;

    while (*text != '\0') {
        int high;
        int low;

        if (*text == ' ') {
            text++;
            continue;
        }
        high = hex_digit(text[0]);
        low = high < 0 ? -1 : hex_digit(text[1]);
        if (high < 0) {
            return "has something that is not a hexadecimal digit";
        }
        if (text[1] == '\0' || text[1] == ' ') {
            return "has half a byte: two digits make one";
        }
        if (low < 0) {
            return "has something that is not a hexadecimal digit";
        }
        out[count++] = (unsigned char)(high * 16 + low);
        text += 2;
    }
    *bytes = out;
    *size = count;
    return NULL;
}

tool_patterns_t *tool_patterns_create(const tool_patterns_plan_t *plan, apr_pool_t *pool)
{
    tool_patterns_t *patterns = apr_pcalloc(pool, sizeof(*patterns));
    int i;

    patterns->members = apr_pcalloc(pool, (apr_size_t)plan->count * sizeof(*patterns->members));
    patterns->count = plan->count;
    patterns->overlap = plan->overlap;
    for (i = 0; i < plan->count; i++) {
        apr_size_t size = plan->patterns[i].size;

        patterns->members[i].pattern =
            tool_pattern_create(plan->patterns[i].bytes, size, plan->folds, pool);
        patterns->longest = size > patterns->longest ? size : patterns->longest;
    }
    return patterns;
}

apr_size_t tool_patterns_longest(const tool_patterns_t *patterns)
{
    return patterns->longest;
}

void tool_patterns_restart(tool_patterns_t *patterns, int is_large)
{
    int i;

    for (i = 0; i < patterns->count; i++) {
        tool_pattern_restart(patterns->members[i].pattern, is_large);
    }
}

void tool_patterns_use(tool_patterns_t *patterns, const unsigned char *data, apr_size_t size,
                       apr_size_t from, apr_size_t end)
{
    int i;

    patterns->data = data;
    patterns->size = size;
    patterns->end = end;
    for (i = 0; i < patterns->count; i++) {
        patterns->members[i].is_known = 0;
        patterns->members[i].from = from;
        patterns->members[i].same = 0;
    }
}

static void look(const tool_patterns_t *patterns, member_t *member)
{
    /* Nothing is found that starts at the end or behind it. */
    apr_size_t reach = patterns->end + tool_pattern_size(member->pattern) - 1;

    member->hit = tool_pattern_next(member->pattern, patterns->data,
                                    reach < patterns->size ? reach : patterns->size, member->from,
                                    member->same);
    member->is_known = 1;
}

apr_size_t tool_patterns_next(tool_patterns_t *patterns, apr_size_t *length)
{
    member_t *best = NULL;
    apr_size_t hit;
    int i;

    for (i = 0; i < patterns->count; i++) {
        member_t *member = &patterns->members[i];

        if (!member->is_known) {
            look(patterns, member);
        }
        if (best == NULL || member->hit < best->hit ||
            (member->hit == best->hit &&
             tool_pattern_size(member->pattern) > tool_pattern_size(best->pattern))) {
            best = member;
        }
    }
    hit = best->hit;
    if (hit == TOOL_PATTERN_NONE) {
        return hit;
    }
    *length = tool_pattern_size(best->pattern);
    for (i = 0; i < patterns->count; i++) {
        member_t *member = &patterns->members[i];

        if (member->hit == hit && (patterns->overlap || member == best)) {
            member->from =
                hit + tool_pattern_step(member->pattern, patterns->overlap, &member->same);
            member->is_known = 0;
        } else if (!patterns->overlap && member->hit < hit + *length) {
            member->from = hit + *length;
            member->same = 0;
            member->is_known = 0;
        }
    }
    return hit;
}
