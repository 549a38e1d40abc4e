/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generated traces. They go to 1000 windows of one file:
 *
 *   zipf       Zipf's law with a skew of 0.99, shuffled
 *   uniform    each window with the same probability
 *   loop       all windows in order, again and again
 *   two-phase  the first half of the time Zipf over one half of the windows, then over
 *              the other half
 *
 * and three in which a few hot windows are read at random beside a scan, which reads all
 * others in order. Caching helps only if the hot windows fit, and the policy matters only if
 * the scan brings more windows than the rest has room for before a hot window is read again.
 * In the last two that is so at each size, as the hot windows are half as many as are kept:
 *
 *   hot-scan   nine of ten references go to 50 hot windows
 *   hot-thin   three of ten go to the hot windows
 *   hot-burst  two references to each hot window on average; then a scan of twice as many
 *              windows as are kept; and so on
 */
#include "bench/core/trace.h"

#include "bench/zipf.h"

#define WINDOWS TRACE_WINDOWS
#define HOT 50u
#define SKEW 0.99

/* What a rule goes by. */
typedef struct given_t {
    const double *table; /* of Zipf's law */
    apr_uint32_t count;  /* references in all */
    apr_uint32_t room;   /* windows that are kept */
} given_t;

/* One reference. */
typedef apr_uint32_t rule_t(const given_t *given, apr_uint32_t number);

static apr_uint32_t zipf(const given_t *given, apr_uint32_t number)
{
    return bench_zipf_pick(given->table, WINDOWS, bench_part(11, number));
}

static apr_uint32_t uniform(const given_t *given, apr_uint32_t number)
{
    (void)given;
    return (apr_uint32_t)(bench_part(12, number) * WINDOWS);
}

static apr_uint32_t loop(const given_t *given, apr_uint32_t number)
{
    (void)given;
    return number % WINDOWS;
}

static apr_uint32_t two_phase(const given_t *given, apr_uint32_t number)
{
    apr_uint32_t window = bench_zipf_pick(given->table, WINDOWS, bench_part(14, number)) / 2;

    return number < given->count / 2 ? window : WINDOWS / 2 + window;
}

/* The i-th window of a scan beside so many hot ones. */
static apr_uint32_t scanned(apr_uint32_t hot, apr_uint32_t i)
{
    return hot + i % (WINDOWS - hot);
}

static apr_uint32_t hot_scan(const given_t *given, apr_uint32_t number)
{
    (void)given;
    if (number % 10 == 9) {
        return scanned(HOT, number / 10);
    }
    return (apr_uint32_t)(bench_part(13, number) * HOT);
}

static apr_uint32_t hot_of(const given_t *given)
{
    return given->room < 2 ? 1 : given->room / 2;
}

static apr_uint32_t hot_thin(const given_t *given, apr_uint32_t number)
{
    apr_uint32_t hot = hot_of(given);

    if (number % 10 < 3) {
        return (apr_uint32_t)(bench_part(16, number) * hot);
    }
    return scanned(hot, number / 10 * 7 + number % 10 - 3);
}

static apr_uint32_t hot_burst(const given_t *given, apr_uint32_t number)
{
    apr_uint32_t hot = hot_of(given);
    apr_uint32_t touches = 2 * hot;
    apr_uint32_t burst = 2 * given->room;
    apr_uint32_t at = number % (touches + burst);

    if (at < touches) {
        return (apr_uint32_t)(bench_part(17, number) * hot);
    }
    return scanned(hot, number / (touches + burst) * burst + at - touches);
}

static const struct {
    const char *name;
    rule_t *rule;
} rules[] = {{"zipf", zipf},           {"uniform", uniform},   {"loop", loop},
             {"two-phase", two_phase}, {"hot-scan", hot_scan}, {"hot-thin", hot_thin},
             {"hot-burst", hot_burst}};

int trace_made_count(void)
{
    return (int)(sizeof(rules) / sizeof(rules[0]));
}

void trace_make(trace_t *trace, int which, apr_uint32_t count, apr_size_t window_size,
                apr_uint32_t room, apr_pool_t *pool)
{
    const given_t given = {bench_zipf_make(WINDOWS, SKEW, pool), count, room};
    apr_uint32_t *order = bench_shuffle(WINDOWS, 15, pool);
    apr_uint32_t *references = apr_palloc(pool, count * sizeof(*references));
    apr_uint32_t i;

    for (i = 0; i < count; i++) {
        references[i] = rules[which].rule(&given, i);
        if (rules[which].rule != loop) {
            references[i] = order[references[i]];
        }
    }
    trace->name = rules[which].name;
    trace->list.references = references;
    trace->list.count = count;
    trace->list.windows = WINDOWS;
    trace->window_size = window_size;
    trace->file_count = 1;
    trace->file_sizes = apr_palloc(pool, sizeof(*trace->file_sizes));
    trace->file_sizes[0] = (apr_off_t)window_size * WINDOWS;
    trace->window_file = apr_pcalloc(pool, WINDOWS * sizeof(*trace->window_file));
    trace->window_begin = apr_palloc(pool, WINDOWS * sizeof(*trace->window_begin));
    for (i = 0; i < WINDOWS; i++) {
        trace->window_begin[i] = (apr_off_t)window_size * i;
    }
}
