/*
 * `smmap cat`: parts of files to standard output.
 */
#include "tools/tool.h"

static int piece(void *baton, const unsigned char *data, apr_size_t size)
{
    return console_write(baton, data, size) == APR_SUCCESS;
}

static apr_status_t visit(tool_walk_t *walk, const char *path, smmap_cursor_t *cursor)
{
    (void)path;
    return tool_walk_bytes(walk, cursor, piece, walk->tool->console);
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
    0,
    run};
