/*
 * The pictures: bars of all workloads, and curves over windows, over threads and over
 * the number of windows that are kept. A picture that there are no numbers for is
 * not made.
 */
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "bench/draw.h"

#define INK "#222222"
#define GREY "#666666"

#define PANEL_WIDTH 520
#define ROW 20
#define PANEL_HEAD 32
#define PANEL_FOOT 34

/* Titles are XML. */
static const char *escape(const char *text, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 6 * strlen(text) + 1);
    char *to = escaped;

    for (; *text != '\0'; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                                            : NULL;

        if (entity != NULL) {
            memcpy(to, entity, strlen(entity));
            to += strlen(entity);
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return escaped;
}

static int is_drawn(const bench_result_t *result, const bench_workload_t *workload, int threads)
{
    return result->workload == workload && result->threads == threads && result->skip == NULL;
}

static int rows_of(const bench_results_t *results, const bench_workload_t *workload)
{
    int rows = 0;
    int i;

    for (i = 0; i < results->count; i++) {
        rows += is_drawn(&results->items[i], workload, 1);
    }
    return rows;
}

static double panel_height(int rows)
{
    return rows == 0 ? 0 : PANEL_HEAD + rows * ROW + PANEL_FOOT;
}

static void draw_bar(draw_t *draw, const draw_axis_t *x, const bench_result_t *result, double y)
{
    const char *color = draw_style(result->contender->name)->color;
    const char *text = draw_time(result->median, draw->pool);
    double end = draw_at(x, result->median);
    double high = draw_at(x, result->high);

    if (result->ratio_to_limit > 0 &&
        strcmp(result->contender->name, result->workload->limit) != 0) {
        text = apr_psprintf(draw->pool, "%s  (%s &#215;)", text,
                            bench_number(result->ratio_to_limit, draw->pool));
    }
    draw_text(draw, x->from - 8, y + 14, "end", 12, INK,
              escape(result->contender->title, draw->pool));
    draw_box(draw, x->from, y + 4, end - x->from, ROW - 7, color);
    draw_line(draw, draw_at(x, result->low), y + ROW / 2.0, high, y + ROW / 2.0, GREY, 10, 0);
    draw_text(draw, (high > end ? high : end) + 6, y + 14, "start", 11, INK, text);
}

static void draw_panel(draw_t *draw, const bench_results_t *results,
                       const bench_workload_t *workload, double left, double top)
{
    draw_axis_t x = {1e30, 0, 1, left + 170, left + PANEL_WIDTH - 130};
    double bottom = top + PANEL_HEAD;
    double value;
    int i;

    for (i = 0; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];

        if (is_drawn(result, workload, 1)) {
            /* The shortest bar must be seen too. */
            x.low = result->low * 0.8 < x.low ? result->low * 0.8 : x.low;
            x.high = result->high > x.high ? result->high : x.high;
            bottom += ROW;
        }
    }
    draw_axis_decades(&x);
    draw_text(draw, left + 10, top + 20, "start", 13, INK, escape(workload->title, draw->pool));
    for (value = x.low; value <= x.high * 1.001; value *= 10) {
        double at = draw_at(&x, value);

        draw_line(draw, at, top + PANEL_HEAD - 2, at, bottom + 4, "#dddddd", 10, 0);
        draw_text(draw, at, bottom + 17, "middle", 10, GREY, draw_time(value, draw->pool));
    }
    bottom = top + PANEL_HEAD;
    for (i = 0; i < results->count; i++) {
        if (is_drawn(&results->items[i], workload, 1)) {
            draw_bar(draw, &x, &results->items[i], bottom);
            bottom += ROW;
        }
    }
}

/* All workloads, in two columns. */
static apr_status_t bars(const bench_results_t *results, const char *path, apr_pool_t *pool)
{
    double heights[2] = {30, 30};
    const bench_workload_t *workload;
    draw_t draw;
    int pass;

    /* The first time only to see how high it gets. */
    for (pass = 0; pass < 2; pass++) {
        double tallest = heights[0] > heights[1] ? heights[0] : heights[1];

        if (pass == 1) {
            apr_status_t status =
                draw_open(&draw, path, 2 * PANEL_WIDTH, (int)tallest, "Time for one access", pool);

            if (status != APR_SUCCESS) {
                return status;
            }
            draw_text(&draw, 10, 20, "start", 12, GREY,
                      "Time for one access by one thread, logarithmic, with 10th and 90th "
                      "percentile. In brackets: times the raw pointer; misses: map + unmap; "
                      "files: open, read, close");
            heights[0] = heights[1] = 30;
        }
        for (workload = bench_workloads; workload->name != NULL; workload++) {
            int column = heights[1] < heights[0];
            int rows = rows_of(results, workload);

            if (pass == 1 && rows > 0) {
                draw_panel(&draw, results, workload, column * PANEL_WIDTH, heights[column]);
            }
            heights[column] += panel_height(rows);
        }
    }
    return draw_close(&draw);
}

/* Add a point to a contender's line, which is made when it is the first. */
static void add_point(draw_line_t *lines, int *count, const bench_contender_t *contender, double x,
                      double y)
{
    int i;

    for (i = 0; i < *count && strcmp(lines[i].style->name, contender->name) != 0; i++) {
        continue;
    }
    if (i == *count) {
        memset(&lines[i], 0, sizeof(lines[i]));
        lines[i].name = contender->title;
        lines[i].style = draw_style(contender->name);
        (*count)++;
    }
    if (lines[i].count < 16) {
        lines[i].x[lines[i].count] = x;
        lines[i].y[lines[i].count++] = y;
    }
}

static void fit(draw_axis_t *axis, double value)
{
    axis->low = value < axis->low ? value : axis->low;
    axis->high = value > axis->high ? value : axis->high;
}

/* Time over windows, of the workloads of one kind. */
static apr_status_t over_windows(const bench_results_t *results, bench_kind_t kind,
                                 const char *path, const char *title, const char *x_name,
                                 apr_pool_t *pool)
{
    draw_axis_t x = {1e30, 0, 1, 0, 0};
    draw_axis_t y = {1e30, 0, 1, 0, 0};
    draw_line_t lines[32];
    int count = 0;
    draw_t draw;
    int i;

    for (i = 0; i < results->count; i++) {
        const bench_result_t *result = &results->items[i];

        if (result->workload->kind == kind && result->workload->windows > 2 &&
            result->threads == 1 && result->skip == NULL) {
            double windows = (double)result->workload->windows;

            add_point(lines, &count, result->contender, windows, result->median);
            fit(&x, windows);
            fit(&y, result->median);
        }
    }
    if (count == 0 || !(x.low < x.high)) {
        return APR_SUCCESS;
    }
    draw_axis_decades(&y);
    if (draw_open(&draw, path, 760, 420, title, pool) == APR_SUCCESS) {
        draw_curves(&draw, 0, 6, 760, 410, title, &x, &y, lines, count, draw_time, x_name);
    }
    return draw_close(&draw);
}

static const char *write_scaling(double value, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%.0f &#215;", value);
}

/* Throughput over threads, a panel for each workload. */
static apr_status_t over_threads(const bench_results_t *results, const char *path, apr_pool_t *pool)
{
    const bench_workload_t *shown[16];
    int shown_count = 0;
    const bench_workload_t *workload;
    int most = 1;
    draw_t draw;
    int i;
    int j;

    for (workload = bench_workloads; workload->name != NULL; workload++) {
        if (workload->threads && rows_of(results, workload) > 0 && shown_count < 16) {
            shown[shown_count++] = workload;
        }
    }
    for (i = 0; i < results->count; i++) {
        if (results->items[i].skip == NULL && results->items[i].scaling > 0 &&
            results->items[i].threads > most) {
            most = results->items[i].threads;
        }
    }
    if (shown_count == 0 || most == 1) {
        return APR_SUCCESS;
    }
    draw_open(&draw, path, 1040, 30 + 300 * ((shown_count + 1) / 2),
              "Throughput with several threads", pool);
    draw_text(&draw, 10, 20, "start", 12, GREY,
              "Throughput of all threads together, against one thread of the same contender. "
              "Grey and dashed: as many times as there are threads.");
    for (j = 0; j < shown_count; j++) {
        draw_axis_t x = {1, most, 0, 0, 0};
        draw_axis_t y = {0, most, 0, 0, 0};
        draw_line_t lines[32];
        int count = 0;

        for (i = 0; i < results->count; i++) {
            const bench_result_t *result = &results->items[i];

            if (result->workload == shown[j] && result->skip == NULL &&
                result->contender->threads && result->scaling > 0) {
                add_point(lines, &count, result->contender, result->threads, result->scaling);
                fit(&y, result->scaling);
            }
        }
        if (count > 0) {
            draw_curves(&draw, j % 2 * 520, 30 + j / 2 * 300, 520, 290,
                        escape(shown[j]->title, pool), &x, &y, lines, count, write_scaling,
                        "threads");
            draw_line(&draw, draw_at(&x, 1), draw_at(&y, 1), draw_at(&x, most), draw_at(&y, most),
                      "#bbbbbb", 10, 1);
        }
    }
    return draw_close(&draw);
}

int bench_svg_write(bench_t *bench, const bench_results_t *results)
{
    const char *directory = bench->settings->svg;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, bench->pool);
    char reason[256];

    if (status == APR_SUCCESS) {
        status = bars(results, apr_pstrcat(pool, directory, "/bars.svg", NULL), pool);
    }
    if (status == APR_SUCCESS) {
        status =
            over_windows(results, BENCH_RANDOM, apr_pstrcat(pool, directory, "/windows.svg", NULL),
                         "A random byte, by the number of windows (one thread)",
                         "windows, all of them mapped", pool);
    }
    if (status == APR_SUCCESS) {
        status =
            over_windows(results, BENCH_MISS, apr_pstrcat(pool, directory, "/miss.svg", NULL),
                         "A miss: evict a window, map another, touch it", "windows kept", pool);
    }
    if (status == APR_SUCCESS) {
        status = over_threads(results, apr_pstrcat(pool, directory, "/threads.svg", NULL), pool);
    }
    if (status != APR_SUCCESS) {
        tool_console_error(bench->console, "%s: pictures in %s: %s\n", bench_program, directory,
                           smmap_strerror(status, reason, sizeof(reason)));
    }
    apr_pool_destroy(pool);
    return status == APR_SUCCESS;
}
