/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for a pattern of bytes in one piece of memory.
 *
 * Two ways are used, and the data decide between them.
 *
 * By three rare bytes: where they stand (triple.c), all of the pattern is compared. This is as fast
 * as memory is, as long as they are rare. Which bytes are rare is not guessed from a table of
 * English: a sample of the data itself is counted.
 *
 * By the Two-Way algorithm of Crochemore and Perrin (1991), with a table of
 * shifts for the last byte: linear in the size of the data for every pattern and
 * all data, and faster than linear when the pattern is long. It takes over when
 * the first way has to look at too many false starts; how many is too many is
 * counted as work against the bytes it got through, so that no input can make a
 * search quadratic.
 *
 * A search for overlapping matches stays linear too: the next match can start no
 * earlier than one period of the pattern behind the last one, and where the
 * pattern repeats itself, what the two share is not compared again.
 *
 * Where the case of letters does not matter, the pattern has small letters only, and each byte of
 * the data is made one when it is compared.
 *
 * Invariant: both ways report the same matches; they may change places between
 * any two calls.
 */
#include "tools/pattern.h"

#include <apr_strings.h>
#include <string.h>

#include "tools/triple.h"

/* Bytes of data that are counted to find the rarest byte of the pattern. */
#define SAMPLE ((apr_size_t)4096)
/* A false start is charged as so many bytes, besides those that are compared. Measured on an AMD
   EPYC (Zen 3), with text in which all but one byte of the pattern stand that often: the Two-Way
   algorithm is as fast where they come every 24 bytes, for patterns of 4 to 8 bytes, and where they
   come every 48, 80, 250 and 1000, for patterns of 16, 32, 64 and 256. */
#define FALSE_START_LEAST ((apr_size_t)24)
#define FALSE_START_MOST ((apr_size_t)1024)
#define FALSE_START(size) (3 * (size))
/* Bytes that are compared before the next look whether it was enough. */
#define COMPARED ((apr_size_t)64)
/* Work that may be done in advance, so that a few unlucky bytes do not decide. */
#define CREDIT ((apr_size_t)8192)
/* The same, for the look for the rarest byte alone. */
#define RARE_CREDIT ((apr_int64_t)65536)
/* Bytes of a long pattern of which the others are chosen. */
#define OTHERS_MOST ((apr_size_t)32)
/* How often another byte is chosen before the Two-Way algorithm takes over. */
#define CHOICES 3

struct tool_pattern_t {
    unsigned char *bytes;
    apr_size_t size;

    int folds;               /* 1: the case of letters does not matter */
    unsigned char fold[256]; /* what a byte of the data is compared as */

    /* by three rare bytes */
    tool_triple_t triple;
    int choices;       /* choices made in this file; more than CHOICES: Two-Way */
    apr_size_t charge; /* for a false start */
    apr_size_t work;   /* done since the last choice */
    apr_size_t passed; /* bytes that were got through since the last choice */

    /* Two-Way */
    apr_size_t suffix;     /* where the critical factorization cuts the pattern */
    apr_size_t period;     /* of the pattern, or a lower bound of it */
    int periodic;          /* 1: `period` is exact, and bytes are remembered */
    apr_size_t shift[256]; /* by the byte under the pattern's last one */
};

/*
 * Where the largest suffix of the pattern starts, less one, in the order of byte values or
 * (`reverse`) in the opposite order; and the period of that suffix.
 */
static apr_size_t largest_suffix(const unsigned char *bytes, apr_size_t size, int reverse,
                                 apr_size_t *period)
{
    apr_size_t best = ~(apr_size_t)0; /* start of the best suffix, less one: -1 */
    apr_size_t candidate = 0;         /* start of the one compared with it, less one */
    apr_size_t step = 1;              /* offset in both that is compared now */

    *period = 1;
    while (candidate + step < size) {
        unsigned char a = bytes[candidate + step];
        unsigned char b = bytes[best + step];

        if (a == b) {
            if (step == *period) {
                candidate += *period;
                step = 1;
            } else {
                step++;
            }
        } else if (reverse ? a > b : a < b) {
            candidate += step;
            step = 1;
            *period = candidate - best;
        } else {
            best = candidate++;
            step = 1;
            *period = 1;
        }
    }
    return best;
}

/* Cut the pattern where its local period equals its global one, and fill the shifts. */
static void prepare_two_way(tool_pattern_t *pattern)
{
    const unsigned char *bytes = pattern->bytes;
    apr_size_t size = pattern->size;
    apr_size_t period;
    apr_size_t period_reverse;
    apr_size_t cut = largest_suffix(bytes, size, 0, &period) + 1;
    apr_size_t cut_reverse = largest_suffix(bytes, size, 1, &period_reverse) + 1;
    apr_size_t i;

    if (cut_reverse > cut) {
        cut = cut_reverse;
        period = period_reverse;
    }
    pattern->suffix = cut;
    pattern->periodic = cut + period <= size && memcmp(bytes, bytes + period, cut) == 0;
    if (!pattern->periodic) {
        /* The true period is larger than either part; this shift is safe and enough. */
        period = (cut > size - cut ? cut : size - cut) + 1;
    }
    pattern->period = period < size ? period : size;
    for (i = 0; i < 256; i++) {
        pattern->shift[i] = size;
    }
    for (i = 0; i < size; i++) {
        pattern->shift[bytes[i]] = size - 1 - i;
    }
    for (i = 0; i < 256; i++) {
        pattern->shift[i] = pattern->shift[pattern->fold[i]];
    }
}

tool_pattern_t *tool_pattern_create(const unsigned char *bytes, apr_size_t size, int folds,
                                    apr_pool_t *pool)
{
    tool_pattern_t *pattern = apr_pcalloc(pool, sizeof(*pattern));
    apr_size_t i;

    pattern->bytes = apr_pmemdup(pool, bytes, size);
    pattern->size = size;
    pattern->folds = folds;
    pattern->charge = FALSE_START(size) < FALSE_START_LEAST  ? FALSE_START_LEAST
                      : FALSE_START(size) > FALSE_START_MOST ? FALSE_START_MOST
                                                             : FALSE_START(size);
    for (i = 0; i < 256; i++) {
        pattern->fold[i] = (unsigned char)(folds && i >= 'A' && i <= 'Z' ? i + 0x20 : i);
    }
    for (i = 0; i < size; i++) {
        pattern->bytes[i] = pattern->fold[bytes[i]];
    }
    prepare_two_way(pattern);
    return pattern;
}

apr_size_t tool_pattern_size(const tool_pattern_t *pattern)
{
    return pattern->size;
}

void tool_pattern_restart(tool_pattern_t *pattern, int is_large)
{
    /* To count a sample costs as much as to search a small file: what was chosen before will do,
       until it turns out that it does not. */
    pattern->choices = is_large || pattern->choices == 0 ? 0 : 1;
    pattern->work = 0;
    pattern->passed = 0;
}

/* Breaks ties where the sample holds none of two bytes: what most files hold more of. */
static apr_size_t commonness(unsigned char byte)
{
    if (byte == 0) {
        return 3;
    }
    if (byte == ' ' || (byte >= 'a' && byte <= 'z')) {
        return 2;
    }
    return byte == 0xff || (byte > ' ' && byte < 0x7f) ? 1 : 0;
}

static void set_byte(tool_pattern_t *pattern, int which, apr_size_t at)
{
    unsigned char byte = pattern->bytes[at];

    pattern->triple.at[which] = at;
    pattern->triple.byte[which] = byte;
    pattern->triple.mask[which] = pattern->folds && byte >= 'a' && byte <= 'z' ? 0x20 : 0;
}

/* Another byte to look for, besides the first `chosen` ones: that which stands least often where it
   should, in the sample, where they are; of those the rarest. */
static apr_size_t choose_next(const tool_pattern_t *pattern, const unsigned char *data,
                              apr_size_t size, int chosen, const apr_size_t *count)
{
    const apr_size_t *at = pattern->triple.at;
    apr_size_t most = pattern->size < OTHERS_MOST ? pattern->size : OTHERS_MOST;
    apr_size_t first = at[0] < most ? 0 : at[0] - most + 1;
    apr_size_t together[OTHERS_MOST] = {0};
    apr_size_t next = at[chosen - 1];
    apr_size_t start;
    apr_size_t i;

    for (start = 0; start + pattern->size <= size; start++) {
        if (pattern->fold[data[start + at[0]]] == pattern->bytes[at[0]] &&
            pattern->fold[data[start + at[chosen - 1]]] == pattern->bytes[at[chosen - 1]]) {
            for (i = 0; i < most; i++) {
                together[i] += pattern->fold[data[start + first + i]] == pattern->bytes[first + i];
            }
        }
    }
    for (i = 0; i < most; i++) {
        apr_size_t now = first + i;

        if (now != at[0] && now != at[chosen - 1] &&
            (next == at[chosen - 1] || together[i] < together[next - first] ||
             (together[i] == together[next - first] &&
              count[pattern->bytes[now]] < count[pattern->bytes[next]]))) {
            next = now;
        }
    }
    return next;
}

/* Choose the pattern's rarest byte, and two others, by what the data hold. */
static void choose_rare(tool_pattern_t *pattern, const unsigned char *data, apr_size_t size)
{
    apr_size_t count[256] = {0};
    apr_size_t rare = 0;
    apr_size_t i;
    int chosen;

    if (size > SAMPLE) {
        size = SAMPLE;
    }
    for (i = 0; i < size; i++) {
        count[pattern->fold[data[i]]] += 4;
    }
    for (i = 0; i < 256; i++) {
        count[i] += commonness((unsigned char)i);
    }
    for (i = 1; i < pattern->size; i++) {
        if (count[pattern->bytes[i]] < count[pattern->bytes[rare]]) {
            rare = i;
        }
    }
    pattern->triple.rare = count[pattern->bytes[rare]] < 4 ? RARE_CREDIT : 0;
    set_byte(pattern, 0, rare);
    for (chosen = 1; chosen < TOOL_TRIPLE; chosen++) {
        set_byte(pattern, chosen, choose_next(pattern, data, size, chosen, count));
    }
    pattern->triple.folds = pattern->folds;
    pattern->choices++;
    pattern->work = 0;
    pattern->passed = 0;
}

/* How many bytes of the pattern stand at a place, or a few less: all, when it is a match. */
static apr_size_t compare(const tool_pattern_t *pattern, const unsigned char *data)
{
    apr_size_t size = pattern->size;
    apr_size_t i = 0;

    if (pattern->folds) {
        while (i < size && pattern->fold[data[i]] == pattern->bytes[i]) {
            i++;
        }
        return i;
    }
    for (; i < size; i += COMPARED) {
        apr_size_t part = size - i < COMPARED ? size - i : COMPARED;

        if (memcmp(data + i, pattern->bytes + i, part) != 0) {
            return i;
        }
    }
    return size;
}

/*
 * By three rare bytes. Returns the match or TOOL_PATTERN_NONE; or, when they turned out
 * not to be rare, TOOL_PATTERN_NONE with `*from` at the place to go on from.
 */
static apr_size_t next_by_triple(tool_pattern_t *pattern, const unsigned char *data,
                                 apr_size_t size, apr_size_t *from)
{
    apr_size_t last = size - pattern->size; /* the last place where a match can start */
    apr_size_t at = *from;

    while (at <= last) {
        apr_size_t found;
        apr_size_t same;

        if (pattern->work > pattern->passed + CREDIT) {
            *from = at;
            return TOOL_PATTERN_NONE;
        }
        found = tool_triple_next(&pattern->triple, data, at, last);
        if (found > last) {
            pattern->passed += found - at;
            break;
        }
        same = compare(pattern, data + found);
        if (same == pattern->size) {
            pattern->work += same;
            pattern->passed += found - at; /* tool_pattern_step() adds the match */
            return found;
        }
        pattern->work += pattern->charge + same;
        pattern->passed += found - at + 1;
        at = found + 1;
    }
    *from = size;
    return TOOL_PATTERN_NONE;
}

static apr_size_t next_two_way(const tool_pattern_t *pattern, const unsigned char *data,
                               apr_size_t size, apr_size_t at, apr_size_t known)
{
    const unsigned char *bytes = pattern->bytes;
    apr_size_t length = pattern->size;
    apr_size_t last = size - length;

    while (at <= last) {
        apr_size_t shift = pattern->shift[data[at + length - 1]];
        apr_size_t i;

        if (shift > 0) {
            /* A shift below the period would cut into the remembered part, which holds
               whole periods: nothing can match before that part is left behind. */
            at += known != 0 && shift < pattern->period ? length - pattern->period : shift;
            known = 0;
            continue;
        }
        i = pattern->suffix > known ? pattern->suffix : known;
        while (i < length && bytes[i] == pattern->fold[data[at + i]]) {
            i++;
        }
        if (i < length) {
            at += i - pattern->suffix + 1;
            known = 0;
            continue;
        }
        i = pattern->suffix;
        while (i > known && bytes[i - 1] == pattern->fold[data[at + i - 1]]) {
            i--;
        }
        if (i <= known) {
            return at;
        }
        at += pattern->period;
        known = pattern->periodic ? length - pattern->period : 0;
    }
    return TOOL_PATTERN_NONE;
}

apr_size_t tool_pattern_next(tool_pattern_t *pattern, const unsigned char *data, apr_size_t size,
                             apr_size_t from, apr_size_t known)
{
    if (size < pattern->size || from > size - pattern->size) {
        return TOOL_PATTERN_NONE;
    }
    if (pattern->choices == 0) {
        choose_rare(pattern, data, size);
    }
    while (pattern->choices <= CHOICES) {
        apr_size_t start = from;
        apr_size_t found = next_by_triple(pattern, data, size, &from);

        if (found != TOOL_PATTERN_NONE || from > size - pattern->size) {
            return found;
        }
        if (from != start) {
            known = 0;
        }
        choose_rare(pattern, data + from, size - from);
    }
    return next_two_way(pattern, data, size, from, known);
}

apr_size_t tool_pattern_step(tool_pattern_t *pattern, int overlap, apr_size_t *known)
{
    apr_size_t step = overlap ? pattern->period : pattern->size;

    *known = overlap && pattern->periodic ? pattern->size - pattern->period : 0;
    pattern->passed += step;
    return step;
}
