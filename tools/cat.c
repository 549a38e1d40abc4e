/*
 * `smmap cat`: parts of files to standard output.
 *
 * The bytes go from the window to the system in one step, without a copy of ours.
 * When the file is cut short meanwhile, the system therefore refuses the write, where
 * a copy would have been a fault that ends the program.
 */
#include "tools/tool.h"

typedef struct cat_t {
    console_t *console;
    smmap_cursor_t *cursor;
    apr_off_t end;       /* of the piece that is written next */
    apr_status_t status; /* an error of the file, not of the output */
} cat_t;

static int piece(void *baton, const unsigned char *data, apr_size_t size)
{
    cat_t *cat = baton;
    apr_status_t status = console_write(cat->console, data, size);

    cat->end += (apr_off_t)size;
    if (status == APR_SUCCESS) {
        return 1;
    }
    /* The file may have been cut short under the window: then the system could not read
       the memory that it was to write, and the output is not to blame. */
    if (smmap_cursor_refresh(cat->cursor) == APR_SUCCESS &&
        smmap_cursor_file_size(cat->cursor) < cat->end) {
        console_forgive(cat->console);
        cat->status = SMMAP_ETRUNCATED;
    }
    return 0;
}

static apr_status_t visit(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor)
{
    apr_off_t end;
    apr_status_t status;
    cat_t cat;

    (void)path;
    cat.console = walk->tool->console;
    cat.cursor = cursor;
    cat.status = APR_SUCCESS;
    tool_walk_range(walk->tool->settings, smmap_cursor_file_size(cursor), &cat.end, &end);
    status = tool_walk_bytes(walk, cursor, piece, &cat);
    return status != APR_SUCCESS ? status : cat.status;
}

static int run(tool_t *tool)
{
    tool_walk_t walk = {0};

    walk.tool = tool;
    walk.visit = visit;
    return tool_walk_files(&walk, 0) ? TOOL_OK : TOOL_ERROR;
}

static const option_t options[] = {{"offset", 0, "SIZE",
                                    "start at this offset of each file; negative: at so\n"
                                    "many bytes before its end; default: 0",
                                    option_offset, TOOL_FIELD(offset), 0, 0},
                                   {"length", 0, "SIZE", "write at most so many bytes of each file",
                                    option_size, TOOL_FIELD(length), 0, ~(apr_uint64_t)0},
                                   {NULL, 0, NULL, NULL, NULL, 0, 0, 0}};

const tool_command_t tool_cat = {
    "cat",
    "[OPTION]... FILE...",
    "write files, or parts of them, to standard output",
    "A range beyond the end of a file is empty, and one that starts before its first\n"
    "byte starts there; neither is an error.\n"
    "\n"
    "Exit code: 0 success, 2 an error (the other files are still written).",
    options,
    1,
    0,
    run};
