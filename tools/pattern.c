/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for a pattern of bytes in one piece of memory.
 *
 * Two ways are used, and the data decide between them.
 *
 * By its rarest byte: memchr() looks for one byte of the pattern, a second byte
 * is checked, then all of it. C libraries make memchr() as fast as memory is, so
 * this wins as long as the byte is rare. Which byte is rare is not guessed from a
 * table of English: a sample of the data itself is counted.
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
 * Invariant: both ways report the same matches; they may change places between
 * any two calls.
 */
#include "tools/pattern.h"

#include <apr_strings.h>
#include <string.h>

/* Bytes of data that are counted to find the rarest byte of the pattern. */
#define SAMPLE ((apr_size_t)4096)
/* A false start is charged as this many bytes for each byte of the pattern, up to a limit.
   Measured on random letters: with patterns of 3, 12 and 36 bytes the two ways are equally
   fast when the rarest byte comes every 4, 48 and 100 or more bytes. */
#define FALSE_START ((apr_size_t)3)
#define FALSE_START_MAX ((apr_size_t)256)
/* Work that may be done in advance, so that a few unlucky bytes do not decide. */
#define CREDIT ((apr_size_t)8192)
/* How often another byte is chosen before the Two-Way algorithm takes over. */
#define CHOICES 3

struct tool_pattern_t {
    unsigned char *bytes;
    apr_size_t size;

    /* by the rarest byte */
    apr_size_t rare;   /* where that byte stands in the pattern */
    apr_size_t second; /* where the byte stands that is checked next */
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
}

tool_pattern_t *tool_pattern_create(const unsigned char *bytes, apr_size_t size, apr_pool_t *pool)
{
    tool_pattern_t *pattern = apr_pcalloc(pool, sizeof(*pattern));

    pattern->bytes = apr_pmemdup(pool, bytes, size);
    pattern->size = size;
    pattern->charge = size > FALSE_START_MAX / FALSE_START ? FALSE_START_MAX : size * FALSE_START;
    prepare_two_way(pattern);
    return pattern;
}

apr_size_t tool_pattern_size(const tool_pattern_t *pattern)
{
    return pattern->size;
}

void tool_pattern_restart(tool_pattern_t *pattern)
{
    pattern->choices = 0;
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

/* Choose the pattern's rarest byte, and another one, by what the data hold. */
static void choose_rare(tool_pattern_t *pattern, const unsigned char *data, apr_size_t size)
{
    apr_size_t count[256] = {0};
    apr_size_t i;

    if (size > SAMPLE) {
        size = SAMPLE;
    }
    for (i = 0; i < size; i++) {
        count[data[i]] += 4;
    }
    for (i = 0; i < 256; i++) {
        count[i] += commonness((unsigned char)i);
    }
    pattern->rare = 0;
    for (i = 1; i < pattern->size; i++) {
        if (count[pattern->bytes[i]] < count[pattern->bytes[pattern->rare]]) {
            pattern->rare = i;
        }
    }
    /* The same byte a second time says little: as good as the most common one. */
    count[pattern->bytes[pattern->rare]] = ~(apr_size_t)0;
    pattern->second = pattern->rare == 0 ? pattern->size - 1 : 0;
    for (i = 0; i < pattern->size; i++) {
        if (i != pattern->rare &&
            count[pattern->bytes[i]] < count[pattern->bytes[pattern->second]]) {
            pattern->second = i;
        }
    }
    pattern->choices++;
    pattern->work = 0;
    pattern->passed = 0;
}

/*
 * By the rarest byte. Returns the match or TOOL_PATTERN_NONE; or, when the byte turned out
 * not to be rare, TOOL_PATTERN_NONE with `*from` at the place to go on from.
 */
static apr_size_t next_by_rare(tool_pattern_t *pattern, const unsigned char *data, apr_size_t size,
                               apr_size_t *from)
{
    const unsigned char *bytes = pattern->bytes;
    unsigned char rare = bytes[pattern->rare];
    unsigned char second = bytes[pattern->second];
    apr_size_t last = size - pattern->size; /* the last place where a match can start */
    apr_size_t at = *from;

    while (at <= last) {
        const unsigned char *hit;
        apr_size_t found;

        if (pattern->work > pattern->passed + CREDIT) {
            *from = at;
            return TOOL_PATTERN_NONE;
        }
        hit = memchr(data + at + pattern->rare, rare, last - at + 1);
        if (hit == NULL) {
            break;
        }
        found = (apr_size_t)(hit - data) - pattern->rare;
        pattern->work += pattern->charge;
        if (data[found + pattern->second] == second) {
            pattern->work += pattern->size; /* at most; how far memcmp() goes is not known */
            if (memcmp(data + found, bytes, pattern->size) == 0) {
                pattern->passed += found - at; /* tool_pattern_step() adds the match */
                return found;
            }
        }
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
        while (i < length && bytes[i] == data[at + i]) {
            i++;
        }
        if (i < length) {
            at += i - pattern->suffix + 1;
            known = 0;
            continue;
        }
        i = pattern->suffix;
        while (i > known && bytes[i - 1] == data[at + i - 1]) {
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
    if (pattern->size == 1) {
        const unsigned char *hit = memchr(data + from, pattern->bytes[0], size - from);

        return hit == NULL ? TOOL_PATTERN_NONE : (apr_size_t)(hit - data);
    }
    if (pattern->choices == 0) {
        choose_rare(pattern, data, size);
    }
    while (pattern->choices <= CHOICES) {
        apr_size_t start = from;
        apr_size_t found = next_by_rare(pattern, data, size, &from);

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
