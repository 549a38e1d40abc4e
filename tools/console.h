/*
 * Standard output and standard error.
 */
#ifndef SMMAP_TOOL_CONSOLE_H
#define SMMAP_TOOL_CONSOLE_H

#include <apr_errno.h>
#include <apr_pools.h>

/** The compiler compares a format with what is printed, where it can. */
#if defined(__GNUC__)
#define TOOL_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#else
#define TOOL_PRINTF(format, first)
#endif

/** The two streams; opaque. */
typedef struct tool_console_t tool_console_t;

/** Get hold of the two streams. They are not closed when the pool goes. */
apr_status_t tool_console_open(tool_console_t **console, apr_pool_t *pool);

/** Print to standard output, through a buffer. After an error nothing more is written. */
void tool_console_print(tool_console_t *console, const char *data, apr_size_t size);
void tool_console_printf(tool_console_t *console, const char *format, ...)
    TOOL_PRINTF(2, 3);

/**
 * Write to standard output at once, straight from the caller's memory.
 *
 * @return APR_SUCCESS or the error, which is also kept. Memory that the system cannot read
 *         (a file was cut short while it is mapped) is such an error here, where a copy
 *         would have been a fault.
 */
apr_status_t tool_console_write(tool_console_t *console, const unsigned char *data,
                                apr_size_t size);

/** Write out what is in the buffer. */
void tool_console_flush(tool_console_t *console);

/** The first error of standard output, or APR_SUCCESS. */
apr_status_t tool_console_status(const tool_console_t *console);

/** Forget the error: it was not one of standard output. */
void tool_console_forgive(tool_console_t *console);

/** Print to standard error, behind what was printed to standard output so far. */
void tool_console_error(tool_console_t *console, const char *format, ...)
    TOOL_PRINTF(2, 3);

/** 1 when a progress bar makes sense: standard error is a terminal. */
int tool_console_can_draw(const tool_console_t *console);

/** Draw this text as the bar, in place of the one before. It goes away before any output. */
void tool_console_draw(tool_console_t *console, const char *text);

/** Take the bar away. */
void tool_console_erase(tool_console_t *console);

/**
 * Take the bar away, write out the buffer and close standard output, which may bring an
 * error to light that writing did not.
 *
 * @return the first error of standard output, or APR_SUCCESS.
 */
apr_status_t tool_console_close(tool_console_t *console);

#endif
