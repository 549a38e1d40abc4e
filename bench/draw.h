/*
 * Drawing: pictures of lines, bars and text, as SVG that needs nothing else to be shown.
 */
#ifndef SMMAP_BENCH_DRAW_H
#define SMMAP_BENCH_DRAW_H

#include <apr_file_io.h>

#include "bench/bench.h"

/** A picture being written. */
typedef struct draw_t {
    apr_file_t *file;
    apr_status_t status; /**< the first error */
    apr_pool_t *pool;
} draw_t;

/** How a contender looks, everywhere the same. */
typedef struct draw_style_t {
    const char *name;
    const char *color;
    int width; /**< of its line, in tenths */
    int dashed;
} draw_style_t;

/** From numbers to places on an axis. */
typedef struct draw_axis_t {
    double low;
    double high;
    int logarithmic;
    double from; /**< where `low` is */
    double to;
} draw_axis_t;

/** A line of a curve. */
typedef struct draw_line_t {
    const char *name;
    const draw_style_t *style;
    double x[16];
    double y[16];
    int count;
    double label; /**< where its name goes */
} draw_line_t;

apr_status_t draw_open(draw_t *draw, const char *path, int width, int height, const char *title,
                       apr_pool_t *pool);
apr_status_t draw_close(draw_t *draw);

const draw_style_t *draw_style(const char *contender);

/** Text at a place. anchor: start, middle or end. */
void draw_text(draw_t *draw, double x, double y, const char *anchor, int size, const char *color,
               const char *text);
void draw_line(draw_t *draw, double x1, double y1, double x2, double y2, const char *color,
               int width, int dashed);
void draw_box(draw_t *draw, double x, double y, double width, double height, const char *color);
void draw_dot(draw_t *draw, double x, double y, const char *color);

/** The place of a value. */
double draw_at(const draw_axis_t *axis, double value);
/** Widen an axis to whole powers of ten. */
void draw_axis_decades(draw_axis_t *axis);
/** A time in words: "180 ns", "1.8 us". */
const char *draw_time(double nanoseconds, apr_pool_t *pool);
/** A number with blanks between thousands. */
const char *draw_count(double count, apr_pool_t *pool);

/** Lines in a frame, with both axes and their names at the right ends. x_of and y_of write the
    numbers at the axes. */
void draw_curves(draw_t *draw, double left, double top, double width, double height,
                 const char *title, draw_axis_t *x, draw_axis_t *y, draw_line_t *lines, int count,
                 const char *(*y_of)(double value, apr_pool_t *pool), const char *x_name);

#endif
