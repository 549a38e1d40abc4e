/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the holes of a sparse file are.
 */
#ifndef SMMAP_TOOLS_HOLES_H
#define SMMAP_TOOLS_HOLES_H

#include <apr_portable.h>

#include "tools/tool.h"

/** A file that may have holes, or has none. */
typedef struct tool_holes_t {
    int is_sparse;        /**< 1: it may have some */
    apr_os_file_t native; /**< then: of the file */
    apr_off_t data_begin; /**< the data that were found last */
    apr_off_t data_end;
} tool_holes_t;

/**
 * Look whether a file may have holes. It has none where that is not known.
 *
 * @param file (in) the file; stays open. Where it stands may change.
 * @param cursor (in) on a file by the same name; where it is another file, there are no holes.
 */
void tool_holes_open(tool_holes_t *holes, const tool_t *tool, apr_file_t *file,
                     const smmap_cursor_t *cursor, apr_pool_t *pool);

/** Find the data at or behind a place; what the system does not tell is data.
    @param end (in) of what is wanted; where there are no more data, they begin and end there. */
void tool_holes_find_data(tool_holes_t *holes, apr_off_t at, apr_off_t end);

#endif
