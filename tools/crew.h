/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search through many files, by one thread or several.
 */
#ifndef SMMAP_TOOL_CREW_H
#define SMMAP_TOOL_CREW_H

#include "tools/search.h"

/** What to search, and what to do with what is found; it is done in the thread that called, and in
    the order of the files. */
typedef struct tool_crew_t {
    const tool_t *tool;
    const tool_plan_t *plan;
    const char *const *paths;
    int count;
    /** Something was found. 0: stop. */
    int (*found)(void *baton, const char *path, const tool_found_t *found);
    /** A file is done, or could not be read. 0: stop. */
    int (*done)(void *baton, const char *path, int was_opened, apr_status_t status);
    void *baton;
} tool_crew_t;

/** Search them all, with as many threads as the settings want. */
void tool_crew_run(const tool_crew_t *crew);

#endif
