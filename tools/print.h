/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `find` prints of a file.
 */
#ifndef SMMAP_TOOL_PRINT_H
#define SMMAP_TOOL_PRINT_H

#include "tools/search.h"

/** How it is printed; opaque. */
typedef struct tool_printer_t tool_printer_t;

tool_printer_t *tool_printer_create(const tool_t *tool);

/** A line for each match, and the bytes around it if they are wanted. */
void tool_printer_matches(tool_printer_t *printer, const char *path, const tool_found_t *found);

/** The number of matches. */
void tool_printer_count(tool_printer_t *printer, const char *path, apr_uint64_t count);

/** The path alone. */
void tool_printer_path(tool_printer_t *printer, const char *path);

#endif
