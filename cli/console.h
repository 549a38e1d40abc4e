/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Standard output and standard error.
 */
#ifndef SMMAP_CLI_CONSOLE_H
#define SMMAP_CLI_CONSOLE_H

#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_pools.h>

/** The compiler compares a format with what is printed, where it can. */
#if defined(__GNUC__)
#define CONSOLE_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#else
#define CONSOLE_PRINTF(format, first)
#endif

/** The two streams; opaque. */
typedef struct console_t console_t;

/** Get hold of the two streams. They are not closed when the pool goes. */
apr_status_t console_open(console_t **console, apr_pool_t *pool);

/** Print to standard output, through a buffer. After an error nothing more is written. */
void console_print(console_t *console, const char *data, apr_size_t size);
void console_printf(console_t *console, const char *format, ...) CONSOLE_PRINTF(2, 3);

/**
 * Write to standard output at once, straight from the caller's memory.
 *
 * @return APR_SUCCESS or the error, which is also kept.
 */
apr_status_t console_write(console_t *console, const unsigned char *data, apr_size_t size);

/**
 * Make a hole of so many bytes at the end of standard output.
 *
 * @return 1; 0: it is no file, or not at its end, and nothing was done.
 */
int console_skip(console_t *console, apr_off_t bytes);

/** Is this the file that standard output is? Never where that is none. */
int console_is_output(const console_t *console, apr_file_t *file);

/** Write out what is in the buffer. */
void console_flush(console_t *console);

/** The first error of standard output, or APR_SUCCESS. */
apr_status_t console_status(const console_t *console);

/** Print to standard error, behind what was printed to standard output so far; with '?' for what a
    terminal would obey, but for the ends of lines. */
void console_error(console_t *console, const char *format, ...) CONSOLE_PRINTF(2, 3);

/** 1 when a progress bar makes sense: standard error is a terminal. */
int console_can_draw(const console_t *console);

/** The columns of the terminal that standard error (0) or output (1) is; 0: it is none. Asked for
    each time, as they may change. */
int console_columns(const console_t *console, int output);

/** The name of a file for standard output: as it is, but on a terminal with '?' for what that would
    obey. */
const char *console_name(const console_t *console, const char *name, apr_pool_t *pool);

/** Are colours wanted on standard output? Only on a terminal, and never with NO_COLOR. */
int console_can_color(const console_t *console);

/** Draw "PART % [====    ] text" in one line of the terminal, cut where it is too narrow.
    It takes the place of the one before, and is erased before any output. */
void console_bar(console_t *console, double part, const char *text);

/**
 * Take the bar away, write out the buffer and close standard output, which may bring an
 * error to light that writing did not.
 *
 * @return the first error of standard output, or APR_SUCCESS.
 */
apr_status_t console_close(console_t *console);

#endif
