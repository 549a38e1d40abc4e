/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much of a file is in memory, and how much of it is a hole.
 */
#ifndef SMMAP_TOOLS_MEMORY_H
#define SMMAP_TOOLS_MEMORY_H

#include "tools/tool.h"

/** The most cells that a map may have. */
#define TOOL_CELLS_MOST 240

/** One file. */
typedef struct tool_memory_t {
    apr_off_t size;                    /**< set by the caller */
    int cells;                         /**< set by the caller, at most TOOL_CELLS_MOST */
    apr_uint64_t resident;             /**< bytes in memory */
    apr_uint64_t holes;                /**< bytes for which nothing is stored */
    int resident_known;                /**< 1: the system told */
    int holes_known;                   /**< 1: the system told */
    double in_memory[TOOL_CELLS_MOST]; /**< bytes of each cell that are in memory */
    double hole[TOOL_CELLS_MOST];      /**< bytes of each cell that are in a hole */
} tool_memory_t;

/**
 * Ask what is resident.
 *
 * @return APR_SUCCESS, also when the user ended it; APR_ENOTIMPL: the system does not tell;
 *         otherwise what is wrong with the file.
 */
apr_status_t tool_memory_ask(tool_memory_t *memory, const tool_t *tool, const char *path,
                             tool_progress_t *progress, apr_pool_t *pool);

/** Ask for the holes. What goes wrong makes them unknown. */
void tool_memory_holes(tool_memory_t *memory, const char *path, tool_progress_t *progress,
                       apr_pool_t *pool);

#endif
