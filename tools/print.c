/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `find` prints of a file: lines for people and for other programs, JSON, and bytes.
 *
 * The bytes around a match are printed as `hexdump -C` prints them: 16 to a line, and each line at
 * a multiple of 16; what was not asked for is left blank.
 *
 * What comes before a number is the same for each match of a file, so it is made once. Invariant:
 * `before` is that of `path`, or `path` is NULL.
 */
#include "tools/print.h"

#include <string.h>

#include <apr_strings.h>

#include "cli/output.h"
#include "cli/size.h"

#define ROW 16

/* The colours of grep. */
#define COLOR_PATH "\033[35m"
#define COLOR_NUMBER "\033[32m"
#define COLOR_MATCH "\033[1;31m"
#define COLOR_NONE "\033[m"

struct tool_printer_t {
    const tool_settings_t *settings;
    console_t *console;
    int color;
    const char *path;
    const char *before;
    apr_size_t before_size;
    apr_pool_t *pool; /* for `before` */
};

tool_printer_t *tool_printer_create(const tool_t *tool)
{
    tool_printer_t *printer = apr_pcalloc(tool->pool, sizeof(*printer));

    printer->settings = tool->settings;
    printer->console = tool->console;
    printer->color =
        !tool->settings->json &&
        (tool->settings->color == TOOL_COLOR_ALWAYS ||
         (tool->settings->color == TOOL_COLOR_AUTO && console_can_color(tool->console)));
    return apr_pool_create(&printer->pool, tool->pool) == APR_SUCCESS ? printer : NULL;
}

static void print(const tool_printer_t *printer, const char *text)
{
    console_print(printer->console, text, strlen(text));
}

static void print_color(const tool_printer_t *printer, const char *color)
{
    if (printer->color) {
        print(printer, color);
    }
}

/* These bytes in digits; returns what is behind the last one. */
static char *put_hex(char *to, const unsigned char *bytes, apr_size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (; size > 0; size--, bytes++) {
        *to++ = digits[*bytes >> 4];
        *to++ = digits[*bytes & 15];
    }
    *to = '\0';
    return to;
}

/* What comes before a number, or the end of the line: behind a path is this character, or in JSON
   this member's name. */
static void print_before(tool_printer_t *printer, const char *path, char behind, const char *member)
{
    const char *text = tool_walk_name(path);
    int has_member = member != NULL;

    if (printer->path != path) {
        apr_pool_clear(printer->pool);
        printer->path = path;
        if (!printer->settings->json) {
            text = console_name(printer->console, text, printer->pool);
        }
        printer->before =
            printer->settings->json
                ? apr_pstrcat(printer->pool, "{\"path\":", json_quote(text, printer->pool),
                              has_member ? ",\"" : NULL, member, "\":", NULL)
            : printer->settings->no_filename && has_member ? ""
            : printer->color ? apr_pstrcat(printer->pool, COLOR_PATH, text, COLOR_NONE, NULL)
                             : text;
        printer->before_size = strlen(printer->before);
    }
    console_print(printer->console, printer->before, printer->before_size);
    if (!printer->settings->json && !(printer->settings->no_filename && has_member)) {
        console_print(printer->console, printer->settings->null ? "" : &behind, 1);
    }
}

static void print_number(const tool_printer_t *printer, apr_uint64_t number, int is_hex)
{
    char text[SIZE_TEXT];
    apr_size_t length;
    const char *digits = number_format(number, text, &length);

    if (is_hex) {
        length = (apr_size_t)apr_snprintf(text, sizeof(text), "0x%" APR_UINT64_T_HEX_FMT, number);
        digits = text;
    }
    print_color(printer, COLOR_NUMBER);
    console_print(printer->console, digits, length);
    print_color(printer, COLOR_NONE);
}

/* One line of bytes: those of the file from `row` on, of which [begin, end) are there. */
static void print_row(const tool_printer_t *printer, apr_off_t row, apr_off_t begin, apr_off_t end,
                      const unsigned char *bytes, const tool_match_t *match)
{
    int column;
    int pass;

    console_printf(printer->console, "  %08" APR_UINT64_T_HEX_FMT " ", (apr_uint64_t)row);
    for (pass = 0; pass < 2; pass++) {
        for (column = 0; column < ROW; column++) {
            apr_off_t at = row + column;
            int is_there = at >= begin && at < end;
            int is_match = at >= match->offset && at < match->offset + (apr_off_t)match->length;
            unsigned char byte = is_there ? bytes[at - begin] : ' ';
            char text[4] = "   ";

            if (pass == 1) {
                text[0] = (char)(byte < ' ' || byte >= 0x7f ? '.' : byte);
                text[1] = '\0';
            } else if (is_there) {
                put_hex(text + 1, &byte, 1);
            }
            print_color(printer, is_there && is_match ? COLOR_MATCH : "");
            print(printer, text);
            print_color(printer, is_there && is_match ? COLOR_NONE : "");
            if (pass == 0 && column == ROW / 2 - 1) {
                print(printer, " ");
            }
        }
        print(printer, pass == 0 ? "  |" : "|\n");
    }
}

static void print_rows(const tool_printer_t *printer, const tool_match_t *match,
                       const unsigned char *bytes)
{
    apr_off_t begin = match->offset - (apr_off_t)match->before;
    apr_off_t end = begin + (apr_off_t)match->kept;
    apr_off_t row;

    for (row = begin - begin % ROW; row < end; row += ROW) {
        print_row(printer, row, begin, end, bytes, match);
    }
}

static void print_json_bytes(const tool_printer_t *printer, const char *member,
                             const unsigned char *bytes, apr_size_t size)
{
    char text[2 * 64 + 1];

    print(printer, member);
    while (size > 0) {
        apr_size_t part = size < 64 ? size : 64;

        put_hex(text, bytes, part);
        print(printer, text);
        bytes += part;
        size -= part;
    }
}

static void print_json(const tool_printer_t *printer, const tool_match_t *match,
                       const unsigned char *bytes)
{
    print(printer, ",\"length\":");
    print_number(printer, match->length, 0);
    if (printer->settings->has_context) {
        apr_size_t behind = match->before + match->length;

        print_json_bytes(printer, ",\"before\":\"", bytes, match->before);
        print_json_bytes(printer, "\",\"match\":\"", bytes + match->before, match->length);
        print_json_bytes(printer, "\",\"after\":\"", bytes + behind, match->kept - behind);
        print(printer, "\"");
    }
    print(printer, "}\n");
}

void tool_printer_matches(tool_printer_t *printer, const char *path, const tool_found_t *found)
{
    const tool_settings_t *settings = printer->settings;
    apr_size_t i;

    for (i = 0; i < found->used && console_status(printer->console) == APR_SUCCESS; i++) {
        const tool_match_t *match = &found->matches[i];
        const unsigned char *bytes = match->kept > 0 ? found->bytes + match->bytes : NULL;

        print_before(printer, path, ':', "offset");
        print_number(printer, (apr_uint64_t)match->offset,
                     settings->hex_offsets && !settings->json);
        if (settings->json) {
            print_json(printer, match, bytes);
            continue;
        }
        print(printer, "\n");
        if (settings->has_context) {
            print_rows(printer, match, bytes);
        }
    }
}

void tool_printer_count(tool_printer_t *printer, const char *path, apr_uint64_t count)
{
    print_before(printer, path, ':', "count");
    print_number(printer, count, 0);
    print(printer, printer->settings->json ? "}\n" : "\n");
}

void tool_printer_path(tool_printer_t *printer, const char *path)
{
    print_before(printer, path, '\n', NULL);
    print(printer, printer->settings->json ? "}\n" : "");
}
