/*
 * What a miss costs the library itself: a victim is chosen, taken out of the tables and
 * freed, a region is made and put in, and nothing is mapped at all.
 *
 * For each number of windows there is a manager that keeps so many, and a file with more
 * of them. They are visited in turn, so that each one is a miss: in order, or scattered,
 * which is harder on the caches. All managers are alive together and measured in turn.
 *
 * One thing cannot be left out: on each miss the file is measured, which APR asks the
 * system for. It takes the same time whatever the number of windows, and would hide
 * how the rest grows. So it is measured by itself, and ratios are shown with and
 * without it.
 */
#include <apr_time.h>

#include <apr_strings.h>

#include "bench/bench.h"
#include "bench/bookkeeping.h"
#include "bench/null_backend.h"

#define PAGE ((apr_size_t)4096)
/* An odd number: multiplied by it, all windows come once, far from each other. */
#define SCATTER APR_UINT64_C(0x9E3779B1)
/* Misses between two looks at the clock. */
#define CHUNK 512

static const apr_uint32_t sizes[] = {100, 1000, 10000, 100000, 1000000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* One manager, full. */
typedef struct keeper_t {
    apr_uint32_t windows;
    int scattered;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_uint64_t mask; /* windows of the file, less one */
    apr_uint64_t next;
    double samples[BENCH_REPEAT_MOST];
} keeper_t;

static apr_status_t visit(keeper_t *keeper, apr_uint32_t count)
{
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    for (i = 0; i < count && status == APR_SUCCESS; i++) {
        apr_uint64_t window = keeper->scattered ? keeper->next * SCATTER : keeper->next;

        keeper->next++;
        status = smmap_cursor_use(keeper->cursor, (apr_off_t)((window & keeper->mask) * PAGE), 1);
    }
    return status;
}

static apr_uint64_t misses_of(const keeper_t *keeper)
{
    smmap_stats_t stats = SMMAP_STATS_INIT;

    smmap_manager_stats(keeper->manager, &stats);
    return stats.misses;
}

static int open_keeper(books_t *books, keeper_t *keeper, apr_uint32_t windows, int scattered)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_uint64_t all = 256;
    apr_os_file_t handle;
    apr_status_t status;

    while (all < windows + windows / 4 + 64) {
        all *= 2;
    }
    keeper->windows = windows;
    keeper->scattered = scattered;
    keeper->mask = all - 1;
    keeper->next = 0;
    options.mode = SMMAP_MODE_SLIDING;
    options.window_size = PAGE;
    options.max_mapped_bytes = SMMAP_UNLIMITED;
    options.max_regions = windows;
    if (!books_hole(books, (apr_off_t)(all * PAGE), &handle)) {
        return 0;
    }
    status = smmap_manager_create(&keeper->manager, &options, books->pool);
    if (status == APR_SUCCESS) {
        status = smmap_cursor_open_handle(&keeper->cursor, keeper->manager, handle, books->pool);
    }
    while (status == APR_SUCCESS && keeper->next < all) {
        status = visit(keeper, 64);
    }
    return status == APR_SUCCESS ? 1 : books_complain(books, "filling the windows", status);
}

/* The same question, by itself. */
typedef struct asker_t {
    apr_os_file_t handle;
    apr_allocator_t *allocator;
    double samples[BENCH_REPEAT_MOST];
} asker_t;

/* As the library asks for a file's size. */
static apr_status_t ask(const asker_t *asker)
{
    apr_os_file_t handle = asker->handle;
    apr_pool_t *scratch;
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t status = apr_pool_create_unmanaged_ex(&scratch, NULL, asker->allocator);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_os_file_put(&file, &handle, APR_FOPEN_READ, scratch);
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(&info,
                                   APR_FINFO_IDENT | APR_FINFO_SIZE | APR_FINFO_TYPE |
                                       APR_FINFO_MTIME | APR_FINFO_CTIME,
                                   file);
    }
    apr_pool_destroy(scratch);
    return status;
}

static int measure_asking(books_t *books, asker_t *asker, int repetition)
{
    double wanted = books->settings->seconds * APR_USEC_PER_SEC;
    apr_status_t status = APR_SUCCESS;
    apr_uint64_t count = 0;
    apr_time_t began = apr_time_now();
    apr_time_t now;

    do {
        int i;

        for (i = 0; i < CHUNK && status == APR_SUCCESS; i++) {
            status = ask(asker);
        }
        count += CHUNK;
        now = apr_time_now();
    } while (status == APR_SUCCESS && (double)(now - began) < wanted);
    asker->samples[repetition] = (double)(now - began) * 1000.0 / (double)count;
    return status == APR_SUCCESS ? 1 : books_complain(books, "measuring a file", status);
}

/* One sample of one keeper. */
static int measure(books_t *books, keeper_t *keeper, int repetition)
{
    double wanted = books->settings->seconds * APR_USEC_PER_SEC;
    apr_uint64_t missed = misses_of(keeper);
    apr_uint64_t count = 0;
    apr_status_t status = APR_SUCCESS;
    apr_time_t began;
    apr_time_t now;

    status = visit(keeper, CHUNK); /* the processor's caches were someone else's */
    missed += CHUNK;
    began = apr_time_now();
    do {
        if (status == APR_SUCCESS) {
            status = visit(keeper, CHUNK);
        }
        count += CHUNK;
        now = apr_time_now();
    } while (status == APR_SUCCESS && (double)(now - began) < wanted);
    if (status != APR_SUCCESS) {
        return books_complain(books, "a miss", status);
    }
    if (misses_of(keeper) != missed + count) {
        tool_console_error(books->console,
                           "smmap-bookkeeping: %u windows: %" APR_UINT64_T_FMT
                           " calls, but %" APR_UINT64_T_FMT " misses\n",
                           (unsigned)keeper->windows, count, misses_of(keeper) - missed);
        return 0;
    }
    keeper->samples[repetition] = (double)(now - began) * 1000.0 / (double)count;
    return 1;
}

/* The median of the ratios within each repetition, less what asking took in it. */
static double ratio(const keeper_t *keeper, const keeper_t *smallest, const double *less,
                    int repeat)
{
    double ratios[BENCH_REPEAT_MOST];
    int i;

    for (i = 0; i < repeat; i++) {
        double minus = less != NULL ? less[i] : 0;
        double base = smallest->samples[i] - minus;

        ratios[i] = base > 0 ? (keeper->samples[i] - minus) / base : 0;
    }
    return bench_percentile(ratios, repeat, 0.5);
}

static void print(books_t *books, const keeper_t *keeper, const keeper_t *smallest,
                  const asker_t *asker)
{
    int repeat = books->settings->repeat;
    double asking = bench_percentile(asker->samples, repeat, 0.5);
    double median = bench_percentile(keeper->samples, repeat, 0.5);
    double spread = (bench_percentile(keeper->samples, repeat, 0.9) -
                     bench_percentile(keeper->samples, repeat, 0.1)) /
                    median;
    double whole = ratio(keeper, smallest, NULL, repeat);
    double own = ratio(keeper, smallest, asker->samples, repeat);
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

int books_cost(books_t *books)
{
    keeper_t *keepers = apr_pcalloc(books->pool, 2 * SIZES * sizeof(*keepers));
    asker_t asker;
    int count = 0;
    int repetition;
    int i;

    for (i = 0; i < (int)(2 * SIZES); i++) {
        apr_uint32_t windows = sizes[i % (int)SIZES];

        if (windows <= books->settings->most_windows) {
            if (!open_keeper(books, &keepers[count++], windows, i >= (int)SIZES)) {
                return 0;
            }
        }
    }
    if (!books_hole(books, (apr_off_t)PAGE, &asker.handle) ||
        apr_allocator_create(&asker.allocator) != APR_SUCCESS) {
        return 0;
    }
    for (repetition = 0; repetition < books->settings->repeat; repetition++) {
        if (!measure_asking(books, &asker, repetition)) {
            return 0;
        }
        for (i = 0; i < count; i++) {
            if (!measure(books, &keepers[i], repetition)) {
                return 0;
            }
        }
    }
    books_print(books,
                "Time for a miss (evict and map) without a system behind it, median of %d.\n"
                "own: less %.0f ns, in which the system is asked for the size of the file.\n\n"
                "    windows  visited         ns  spread     own  x 100 win.  own x 100 win.\n",
                books->settings->repeat,
                bench_percentile(asker.samples, books->settings->repeat, 0.5));
    for (i = 0; i < count; i++) {
        print(books, &keepers[i], &keepers[i < count / 2 ? 0 : count / 2], &asker);
    }
    apr_allocator_destroy(asker.allocator);
    for (i = 0; i < count; i++) {
        smmap_manager_destroy(keepers[i].manager);
        smmap_cursor_close(keepers[i].cursor);
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
