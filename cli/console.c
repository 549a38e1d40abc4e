/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Standard output and standard error.
 *
 * Standard output is buffered here and not in the C library or in APR, so that each write is
 * seen and the first error is kept: a command that prints its result to a full disk has
 * failed. What is printed after an error is dropped, and commands check console_status() now
 * and then, so that they stop soon.
 *
 * Invariant: while the progress bar is on the screen, nothing else is written to it. Each
 * output erases the bar first; standard output does so only where it may be the same
 * terminal.
 */
#include "cli/console.h"

#include <string.h>

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_poll.h>
#include <apr_strings.h>

#include "cli/size.h"
#include "cli/system.h"
#include "cli/utf8.h"

#define BUFFER ((apr_size_t)65536)
/* The widest bar, and what a line has where nobody tells, in columns. */
#define BAR_MOST 40
#define COLUMNS 80

typedef struct stream_t {
    apr_os_file_t native;
    int is_terminal;
} stream_t;

struct console_t {
    apr_file_t *out;
    apr_file_t *err;
    apr_pool_t *scratch;  /* for formatting; cleared after each use */
    apr_status_t status;  /* first error of `out` */
    int wrote;            /* 1: something was to be written to `out` */
    apr_finfo_t out_info; /* type and identity, as far as they are known */
    int can_draw;
    stream_t stdout_;
    stream_t stderr_;
    int can_color;
    int columns;     /* where the terminal does not tell */
    int drawn;       /* columns of the bar on the screen; 0: there is none */
    apr_size_t used; /* bytes in the buffer */
    char buffer[BUFFER];
};

static void look_at(stream_t *stream, apr_file_t *file)
{
    stream->is_terminal =
        apr_os_file_get(&stream->native, file) == APR_SUCCESS && system_is_terminal(stream->native);
}

apr_status_t console_open(console_t **console, apr_pool_t *pool)
{
    console_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status = apr_file_open_stderr(&made->err, pool);
    apr_uint64_t columns = COLUMNS;
    char *text = NULL;
    int dumb;

    if (status == APR_SUCCESS) {
        status = apr_file_open_stdout(&made->out, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_pool_create(&made->scratch, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_file_info_get(&made->out_info, APR_FINFO_TYPE | APR_FINFO_IDENT, made->out);
    if (status != APR_SUCCESS && status != APR_INCOMPLETE) {
        made->out_info.valid = 0;
        made->out_info.filetype = APR_NOFILE;
    }
    look_at(&made->stdout_, made->out);
    look_at(&made->stderr_, made->err);
    dumb = apr_env_get(&text, "TERM", pool) == APR_SUCCESS && strcmp(text, "dumb") == 0;
    /* The bar needs a terminal that can go back to the start of its line. */
    made->can_draw = made->stderr_.is_terminal && !dumb;
    made->can_color = made->stdout_.is_terminal && !dumb && system_colours(made->stdout_.native) &&
                      (apr_env_get(&text, "NO_COLOR", pool) != APR_SUCCESS || *text == '\0');
    if (apr_env_get(&text, "COLUMNS", pool) == APR_SUCCESS) {
        (void)count_parse(text, 1000, &columns);
    }
    made->columns = columns > 0 ? (int)columns : COLUMNS;
    *console = made;
    return APR_SUCCESS;
}

int console_can_draw(const console_t *console)
{
    return console->can_draw;
}

int console_columns(const console_t *console, int output)
{
    const stream_t *stream = output ? &console->stdout_ : &console->stderr_;
    int columns = stream->is_terminal ? system_columns(stream->native) : 0;

    return columns > 0 || !stream->is_terminal ? columns : console->columns;
}

const char *console_name(const console_t *console, const char *name, apr_pool_t *pool)
{
    return console->stdout_.is_terminal ? utf8_make_plain(apr_pstrdup(pool, name), "") : name;
}

int console_can_color(const console_t *console)
{
    return console->can_color;
}

/* The columns of a text are its characters, and for those that may be wide, one more: too many is
   a short bar, too few would wrap a line and leave it on the screen. Cuts the text behind `most`
   columns; returns how many there are. */
static int cut(char *text, int most)
{
    int columns = 0;

    while (*text != '\0') {
        apr_size_t length = utf8_length(text);
        int more = length > 2 ? 2 : 1;

        if (columns + more > most) {
            *text = '\0';
            break;
        }
        columns += more;
        text += length > 0 ? length : 1;
    }
    return columns;
}

/* Draw a line in place of the one before, and blanks over what is left of that. */
static void draw(console_t *console, char *text)
{
    int most = console_columns(console, 0) - 1; /* in the last one the cursor would wrap */
    int columns = cut(text, most);
    int blanks = console->drawn < most - columns ? console->drawn : most - columns;
    char *line;

    line = apr_psprintf(console->scratch, "\r%s%*s", text, blanks > 0 ? blanks : 0, "");
    (void)apr_file_write_full(console->err, line, strlen(line), NULL);
    apr_pool_clear(console->scratch);
    console->drawn = columns;
}

void console_bar(console_t *console, double part, const char *text)
{
    char bar[BAR_MOST + 1];
    char line[512];
    int room = console_columns(console, 0) - 1;

    apr_snprintf(line, sizeof(line), "100 %% [] %s", text);
    room -= cut(line, (int)sizeof(line));
    room = room < 0 ? 0 : room > BAR_MOST ? BAR_MOST : room;
    memset(bar, ' ', (apr_size_t)room);
    memset(bar, '=', (apr_size_t)(part * room));
    bar[room] = '\0';
    apr_snprintf(line, sizeof(line), "%3d %% [%s] %s", (int)(part * 100), bar, text);
    draw(console, line);
}

static void erase(console_t *console)
{
    char nothing[] = "";

    if (console->drawn > 0) {
        draw(console, nothing);
        (void)apr_file_write_full(console->err, "\r", 1, NULL);
    }
}

/* The reader of a stream that does not block is slow. */
static apr_status_t wait_for_reader(console_t *console)
{
    apr_pollfd_t poll;
    apr_int32_t ready;

    memset(&poll, 0, sizeof(poll));
    poll.p = console->scratch;
    poll.desc_type = APR_POLL_FILE;
    poll.reqevents = APR_POLLOUT;
    poll.desc.f = console->out;
    return apr_poll(&poll, 1, &ready, -1);
}

static void write_out(console_t *console, const void *data, apr_size_t size)
{
    const char *from = data;
    apr_size_t written = 0;
    apr_status_t status;

    console->wrote = 1;
    if (console->status != APR_SUCCESS) {
        return;
    }
    /* A character device: a terminal, or something where writing too much does no harm. */
    if (console->out_info.filetype == APR_CHR) {
        erase(console);
    }
    do {
        from += written;
        size -= written;
        written = 0;
        status = apr_file_write_full(console->out, from, size, &written);
        if (APR_STATUS_IS_TIMEUP(status) || APR_STATUS_IS_EAGAIN(status)) {
            status = wait_for_reader(console);
        } else {
            size = 0;
        }
    } while (status == APR_SUCCESS && size > 0);
    console->status = status;
}

int console_is_output(const console_t *console, apr_file_t *file)
{
    apr_int32_t wanted = APR_FINFO_TYPE | APR_FINFO_IDENT;
    apr_finfo_t info;

    return console->out_info.filetype == APR_REG &&
           apr_file_info_get(&info, wanted, file) == APR_SUCCESS &&
           (console->out_info.valid & info.valid & wanted) == wanted &&
           console->out_info.device == info.device && console->out_info.inode == info.inode;
}

void console_flush(console_t *console)
{
    if (console->used > 0) {
        write_out(console, console->buffer, console->used);
        console->used = 0;
    }
}

void console_print(console_t *console, const char *data, apr_size_t size)
{
    if (size > BUFFER - console->used) {
        console_flush(console);
    }
    if (size > BUFFER) {
        write_out(console, data, size);
        return;
    }
    memcpy(console->buffer + console->used, data, size);
    console->used += size;
}

void console_printf(console_t *console, const char *format, ...)
{
    const char *text;
    va_list arguments;

    va_start(arguments, format);
    text = apr_pvsprintf(console->scratch, format, arguments);
    va_end(arguments);
    console_print(console, text, strlen(text));
    apr_pool_clear(console->scratch);
}

apr_status_t console_write(console_t *console, const unsigned char *data, apr_size_t size)
{
    console_flush(console);
    write_out(console, data, size);
    return console->status;
}

int console_skip(console_t *console, apr_off_t bytes)
{
    console_flush(console);
    return console->status == APR_SUCCESS && system_skip(console->stdout_.native, bytes);
}

apr_status_t console_status(const console_t *console)
{
    return console->status;
}

void console_error(console_t *console, const char *format, ...)
{
    char *text;
    va_list arguments;

    console_flush(console);
    erase(console);
    va_start(arguments, format);
    text = apr_pvsprintf(console->scratch, format, arguments);
    va_end(arguments);
    utf8_make_plain(text, "\n");
    /* When this fails there is nowhere left to say so. */
    (void)apr_file_write_full(console->err, text, strlen(text), NULL);
    apr_pool_clear(console->scratch);
}

apr_status_t console_close(console_t *console)
{
    apr_status_t status;

    console_flush(console);
    erase(console);
    status = apr_file_close(console->out);
    /* A stream that was closed from the start matters only to those who write. */
    if (console->status == APR_SUCCESS && console->wrote) {
        console->status = status;
    }
    return console->status;
}
