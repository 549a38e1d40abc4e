/*
 * Drawing, as SVG. There are no scripts, no style sheets and no fonts from
 * elsewhere, and a white ground, so that the picture looks the same on any page.
 */
#include "bench/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define GRID "#dddddd"
#define INK "#222222"
#define LEADER "#bbbbbb"
#define LABEL_STEP 14
/* The width of lines from which they are this library's. */
#define OURS 25

/* Colours that also those can tell apart who see fewer of them (Okabe and Ito's). */
static const draw_style_t styles[] = {
    {"raw", "#000000", 15, 1},        {"static", "#56b4e9", 25, 0},
    {"sliding", "#0072b2", 35, 0},    {"sliding-ahead", "#5b9bd5", 25, 0},
    {"mutex+list", "#d55e00", 20, 0}, {"python-smmap", "#cc79a7", 20, 0},
    {"gmapped", "#999999", 15, 0},    {"map-unmap", "#e69f00", 20, 0},
    {"open-read", "#999999", 20, 0},  {"pread-64", "#009e73", 20, 0},
    {"pread-4k", "#70bfa4", 20, 0},   {"pread-1m", "#009e73", 20, 0},
    {NULL, "#777777", 15, 0}};

const draw_style_t *draw_style(const char *contender)
{
    const draw_style_t *style = styles;

    while (style->name != NULL && strcmp(style->name, contender) != 0) {
        style++;
    }
    return style;
}

static void put(draw_t *draw, const char *format, ...) TOOL_PRINTF(2, 3);

static void put(draw_t *draw, const char *format, ...)
{
    const char *text;
    va_list arguments;

    va_start(arguments, format);
    text = apr_pvsprintf(draw->pool, format, arguments);
    va_end(arguments);
    if (draw->status == APR_SUCCESS) {
        draw->status = apr_file_write_full(draw->file, text, strlen(text), NULL);
    }
}

apr_status_t draw_open(draw_t *draw, const char *path, int width, int height, const char *title,
                       apr_pool_t *pool)
{
    draw->pool = pool;
    draw->status = apr_file_open(&draw->file, path,
                                 APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_WRITE |
                                     APR_FOPEN_BINARY | APR_FOPEN_BUFFERED,
                                 APR_FPROT_OS_DEFAULT, pool);
    put(draw,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\">\n"
        "<title>%s</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
        width, height, width, height, title, width, height);
    return draw->status;
}

apr_status_t draw_close(draw_t *draw)
{
    put(draw, "</svg>\n");
    if (draw->status == APR_SUCCESS) {
        draw->status = apr_file_close(draw->file);
    }
    return draw->status;
}

void draw_text(draw_t *draw, double x, double y, const char *anchor, int size, const char *color,
               const char *text)
{
    put(draw,
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"%s\">%s</text>\n",
        x, y, anchor, size, color, text);
}

void draw_line(draw_t *draw, double x1, double y1, double x2, double y2, const char *color,
               int width, int dashed)
{
    put(draw,
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
        "stroke-width=\"%.1f\"%s/>\n",
        x1, y1, x2, y2, color, width / 10.0, dashed ? " stroke-dasharray=\"5 3\"" : "");
}

void draw_box(draw_t *draw, double x, double y, double width, double height, const char *color)
{
    put(draw, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y,
        width, height, color);
}

void draw_dot(draw_t *draw, double x, double y, const char *color)
{
    put(draw, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x, y, color);
}

double draw_at(const draw_axis_t *axis, double value)
{
    double part = axis->logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
                                    : (value - axis->low) / (axis->high - axis->low);

    return axis->from + part * (axis->to - axis->from);
}

void draw_axis_decades(draw_axis_t *axis)
{
    axis->low = pow(10, floor(log10(axis->low) + 1e-9));
    axis->high = pow(10, ceil(log10(axis->high) - 1e-9));
    if (axis->high < axis->low * 10) {
        axis->high = axis->low * 10;
    }
}

const char *draw_time(double nanoseconds, apr_pool_t *pool)
{
    static const char *const units[] = {"ns", "&#181;s", "ms", "s"};
    double value = nanoseconds;
    int digits;
    int unit = 0;

    while (value >= 999.5 && unit < 3) {
        value /= 1000;
        unit++;
    }
    digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    if (fabs(log10(value) - floor(log10(value) + 0.5)) < 1e-6) {
        digits = value < 0.5 ? 1 : 0; /* a power of ten, at an axis */
    }
    return apr_psprintf(pool, "%.*f %s", digits, value, units[unit]);
}

const char *draw_count(double count, apr_pool_t *pool)
{
    if (count >= 1e6 && fmod(count, 1e6) < 0.5) {
        return apr_psprintf(pool, "%.0f million", count / 1e6);
    }
    if (count >= 10000) {
        return apr_psprintf(pool, "%.0f %03.0f", floor(count / 1000), fmod(count, 1000));
    }
    return apr_psprintf(pool, "%.0f", count);
}

static void draw_y_axis(draw_t *draw, const draw_axis_t *x, const draw_axis_t *y,
                        const char *(*y_of)(double value, apr_pool_t *pool))
{
    double step = y->high > 8 ? ceil(y->high / 8) : 1;
    double value = y->low;

    while (value <= y->high * 1.0001) {
        double at = draw_at(y, value);

        draw_line(draw, x->from, at, x->to, at, GRID, 10, 0);
        draw_text(draw, x->from - 6, at + 4, "end", 11, INK, y_of(value, draw->pool));
        value = y->logarithmic ? value * 10 : value + step;
    }
}

/* A number at the axis for each place where there is a point. */
static void draw_x_axis(draw_t *draw, const draw_axis_t *x, const draw_axis_t *y,
                        const draw_line_t *lines, int count)
{
    double done[64];
    int done_count = 0;
    int i;
    int j;
    int k;

    for (i = 0; i < count; i++) {
        for (j = 0; j < lines[i].count; j++) {
            for (k = 0; k < done_count && fabs(done[k] - lines[i].x[j]) > 0.5; k++) {
                continue;
            }
            if (k == done_count && done_count < 64) {
                double at = draw_at(x, lines[i].x[j]);

                done[done_count++] = lines[i].x[j];
                draw_line(draw, at, y->from, at, y->from + 4, INK, 10, 0);
                draw_text(draw, at, y->from + 17, "middle", 11, INK,
                          draw_count(lines[i].x[j], draw->pool));
            }
        }
    }
    draw_line(draw, x->from, y->from, x->to, y->from, INK, 10, 0);
}

static int by_label(const void *a, const void *b)
{
    const draw_line_t *one = a;
    const draw_line_t *other = b;

    return one->label < other->label ? -1 : one->label > other->label;
}

/* Names at the right ends, none over another. */
static void place_labels(const draw_axis_t *y, draw_line_t *lines, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        lines[i].label = draw_at(y, lines[i].y[lines[i].count - 1]);
    }
    qsort(lines, (apr_size_t)count, sizeof(*lines), by_label);
    for (i = 1; i < count; i++) {
        if (lines[i].label < lines[i - 1].label + LABEL_STEP) {
            lines[i].label = lines[i - 1].label + LABEL_STEP;
        }
    }
    /* Pushed out below: back up again. */
    for (i = count - 1; i >= 0; i--) {
        double most = i == count - 1 ? y->from : lines[i + 1].label - LABEL_STEP;

        if (lines[i].label > most) {
            lines[i].label = most;
        }
    }
}

static void draw_curve(draw_t *draw, const draw_line_t *line, const draw_axis_t *x,
                       const draw_axis_t *y)
{
    const char *color = line->style->color;
    double end_x = 0;
    double end_y = 0;
    int i;

    for (i = 0; i < line->count; i++) {
        double at_x = draw_at(x, line->x[i]);
        double at_y = draw_at(y, line->y[i]);

        if (i > 0) {
            draw_line(draw, end_x, end_y, at_x, at_y, color, line->style->width,
                      line->style->dashed);
        }
        draw_dot(draw, at_x, at_y, color);
        end_x = at_x;
        end_y = at_y;
    }
    draw_line(draw, end_x + 5, end_y, x->to + 14, line->label, LEADER, 8, 1);
    draw_text(draw, x->to + 18, line->label + 4, "start", 11, color, line->name);
}

void draw_curves(draw_t *draw, double left, double top, double width, double height,
                 const char *title, draw_axis_t *x, draw_axis_t *y, draw_line_t *lines, int count,
                 const char *(*y_of)(double value, apr_pool_t *pool), const char *x_name)
{
    int i;

    x->from = left + 62;
    x->to = left + width - 150;
    y->from = top + height - 44;
    y->to = top + 34;
    draw_text(draw, left + 10, top + 18, "start", 14, INK, title);
    draw_y_axis(draw, x, y, y_of);
    draw_x_axis(draw, x, y, lines, count);
    draw_text(draw, (x->from + x->to) / 2, y->from + 35, "middle", 11, INK, x_name);
    place_labels(y, lines, count);
    /* Ours are the wide ones: on top. */
    for (i = 0; i < count; i++) {
        if (lines[i].style->width < OURS) {
            draw_curve(draw, &lines[i], x, y);
        }
    }
    for (i = 0; i < count; i++) {
        if (lines[i].style->width >= OURS) {
            draw_curve(draw, &lines[i], x, y);
        }
    }
}
