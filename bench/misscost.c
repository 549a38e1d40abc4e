/*
 * What a miss costs the library itself: a victim is chosen, taken out of the tables and
 * freed, a region is made and put in, and nothing is mapped at all.
 *
 * For each number of windows there is a manager that keeps so many (keeper.c). All are
 * alive together and measured in turn. A second question is what it takes when many
 * cursors are open, as who evicts looks at what the cursors have.
 *
 * One thing cannot be left out: on each miss the file is measured, which APR asks the
 * system for. It takes the same time whatever the number of windows, and would hide
 * how the rest grows. So it is measured by itself, and ratios are shown with and
 * without it.
 */
#include <apr_strings.h>

#include "bench/keeper.h"
#include "bench/null_backend.h"

static const apr_uint32_t sizes[] = {100, 1000, 10000, 100000, 1000000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void print(books_t *books, const keeper_t *keeper, const keeper_t *smallest,
                  const asker_t *asker)
{
    int repeat = books->settings->repeat;
    double asking = bench_percentile(asker->samples, repeat, 0.5);
    double median = bench_percentile(keeper->samples, repeat, 0.5);
    double spread = (bench_percentile(keeper->samples, repeat, 0.9) -
                     bench_percentile(keeper->samples, repeat, 0.1)) /
                    median;
    double whole = keeper_ratio(keeper, smallest, NULL, repeat);
    double own = keeper_ratio(keeper, smallest, asker, repeat);
    const char *order = keeper->scattered ? "scattered" : "in order";

    books_print(books, "  %9u  %-10s %7.0f %6.0f %% %7.0f %10.2f %13.2f\n",
                (unsigned)keeper->windows, order, median, spread * 100, median - asking, whole,
                own);
    books_add(books, apr_psprintf(books->pool,
                                  "\"measure\":\"miss_cost\",\"windows\":%u,\"order\":\"%s\","
                                  "\"ns_per_miss\":%.1f,\"spread\":%.4f,\"ratio_to_100\":%.4f,"
                                  "\"own_ns_per_miss\":%.1f,\"own_ratio_to_100\":%.4f,"
                                  "\"asking_ns\":%.1f,\"repetitions\":%d",
                                  (unsigned)keeper->windows, order, median, spread, whole,
                                  median - asking, own, asking, repeat));
}

/* Measure all in turns, and what asking takes. 0: failed, and said so. */
static int take_turns(books_t *books, keeper_t *keepers, int count, asker_t *asker)
{
    int repetition;
    int i;

    if (!asker_open(books, asker)) {
        return 0;
    }
    for (repetition = 0; repetition < books->settings->repeat; repetition++) {
        if (!asker_measure(books, asker, repetition)) {
            return 0;
        }
        for (i = 0; i < count; i++) {
            if (!keeper_measure(books, &keepers[i], repetition)) {
                return 0;
            }
        }
    }
    return 1;
}

static int close_all(books_t *books, keeper_t *keepers, int count, asker_t *asker)
{
    int i;

    asker_close(asker);
    for (i = 0; i < count; i++) {
        keeper_close(&keepers[i]);
    }
    books_print(books, "\n");
    if (null_backend_alive() != 0) {
        tool_console_error(books->console,
                           "smmap-bookkeeping: %" APR_UINT64_T_FMT " mappings were left behind\n",
                           null_backend_alive());
        return 0;
    }
    return 1;
}

int books_cost(books_t *books)
{
    keeper_t *keepers = apr_pcalloc(books->pool, 2 * SIZES * sizeof(*keepers));
    asker_t asker;
    int count = 0;
    int i;

    for (i = 0; i < (int)(2 * SIZES); i++) {
        apr_uint32_t windows = sizes[i % (int)SIZES];

        if (windows <= books->settings->most_windows) {
            keepers[count].windows = windows;
            keepers[count].scattered = i >= (int)SIZES;
            if (!keeper_open(books, &keepers[count++])) {
                return 0;
            }
        }
    }
    if (!take_turns(books, keepers, count, &asker)) {
        return 0;
    }
    books_print(books,
                "Time for a miss (evict and map) without a system behind it, median of %d.\n"
                "own: less %.0f ns, in which the system is asked for the size of the file.\n\n"
                "    windows  visited         ns  spread     own  x 100 win.  own x 100 win.\n",
                books->settings->repeat,
                bench_percentile(asker.samples, books->settings->repeat, 0.5));
    for (i = 0; i < count; i++) {
        const keeper_t *smallest = &keepers[i < count / 2 ? 0 : count / 2];

        print(books, &keepers[i], smallest, &asker);
        if (keepers[i].windows == 1000000) {
            books_target(books, "own time for a miss, 1 000 000 windows / 100", 1.5,
                         keeper_ratio(&keepers[i], smallest, &asker, books->settings->repeat),
                         keepers[i].scattered ? "scattered" : "in order");
        }
    }
    return close_all(books, keepers, count, &asker);
}

/* How many cursors there are besides the one that misses, and whether they have windows. */
static const struct {
    apr_uint32_t others;
    int pinning;
} crowds[] = {{10, 0}, {10000, 0}, {10, 1}, {10000, 1}};
#define CROWDS ((int)(sizeof(crowds) / sizeof(crowds[0])))
/* Windows that are kept; twice as many as there are cursors. */
#define CROWD_WINDOWS 20000

int books_cursors(books_t *books)
{
    keeper_t *keepers = apr_pcalloc(books->pool, CROWDS * sizeof(*keepers));
    int repeat = books->settings->repeat;
    asker_t asker;
    int i;

    for (i = 0; i < CROWDS; i++) {
        keepers[i].windows = CROWD_WINDOWS;
        keepers[i].others = crowds[i].others;
        keepers[i].pinning = crowds[i].pinning;
        if (!keeper_open(books, &keepers[i])) {
            return 0;
        }
    }
    if (!take_turns(books, keepers, CROWDS, &asker)) {
        return 0;
    }
    books_print(books,
                "The same, %d windows in order, with other cursors open.\n\n"
                "    cursors                   ns     own   own x 10 cursors\n",
                CROWD_WINDOWS);
    for (i = 0; i < CROWDS; i++) {
        const keeper_t *keeper = &keepers[i];
        double median = bench_percentile(keeper->samples, repeat, 0.5);
        double own = median - bench_percentile(asker.samples, repeat, 0.5);
        double ratio = keeper_ratio(keeper, &keepers[i - i % 2], &asker, repeat);

        books_print(books, "  %9u  %-13s %7.0f %7.0f %18.2f\n", (unsigned)keeper->others,
                    keeper->pinning ? "with a window" : "empty", median, own, ratio);
        books_add(books, apr_psprintf(books->pool,
                                      "\"measure\":\"cursors\",\"cursors\":%u,\"pinning\":%s,"
                                      "\"windows\":%u,\"ns_per_miss\":%.1f,"
                                      "\"own_ns_per_miss\":%.1f,\"own_ratio_to_10\":%.4f",
                                      (unsigned)keeper->others, keeper->pinning ? "true" : "false",
                                      (unsigned)keeper->windows, median, own, ratio));
    }
    return close_all(books, keepers, CROWDS, &asker);
}
