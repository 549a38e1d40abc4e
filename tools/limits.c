/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limits in force, and where each comes from.
 */
#include <string.h>

#include <apr_env.h>

#include "cli/size.h"
#include "cli/system.h"
#include "tools/tool.h"

/* The library takes a part of what the system allows, between these two. */
#define OPEN_FILES_PART 4
#define OPEN_FILES_LEAST 8

/* Does the environment ask for paranoid mode, in which a window is one granule by default? */
static int is_paranoid(apr_pool_t *pool)
{
    char *value;

    return apr_env_get(&value, "SMMAP_PARANOID", pool) == APR_SUCCESS && *value != '\0' &&
           strcmp(value, "0") != 0;
}

static int follows_system(apr_uint64_t files)
{
    apr_uint64_t most = system_open_files();

    return most != 0 && (files == most / OPEN_FILES_PART ||
                         (files == OPEN_FILES_LEAST && most / OPEN_FILES_PART < files));
}

const char *tool_limit_format(const tool_limit_t *limit, char *text)
{
    return limit->value == (apr_uint64_t)SMMAP_UNLIMITED ? "unlimited"
           : limit->value == TOOL_WHOLE_FILE             ? "whole file"
           : limit->is_size                              ? size_format(limit->value, text)
                                                         : number_format(limit->value, text, NULL);
}

int tool_limits(const tool_t *tool, tool_limit_t limits[TOOL_LIMITS_MOST])
{
    const smmap_options_t *given = &tool->settings->given;
    apr_uint64_t window = smmap_manager_window_size(tool->manager);
    apr_uint64_t files = smmap_manager_max_open_files(tool->manager);
    const tool_limit_t all[TOOL_LIMITS_MOST] = {
        {"window_size", window == 0 ? TOOL_WHOLE_FILE : window, 1,
         window == 0                    ? "--mode"
         : given->window_size != 0      ? "--window-size"
         : is_paranoid(tool->pool)      ? "SMMAP_PARANOID"
         : given->max_mapped_bytes != 0 ? "--max-memory"
                                        : "default"},
        {"max_mapped_bytes", smmap_manager_max_mapped_bytes(tool->manager), 1,
         given->max_mapped_bytes != 0 ? "--max-memory" : "default"},
        {"max_regions", smmap_manager_max_regions(tool->manager), 0,
         given->max_regions != 0 ? "--max-regions" : "default"},
        {"max_open_files", files, 0,
         given->max_open_files != 0 ? "--max-open-files"
         : follows_system(files)    ? "RLIMIT_NOFILE"
                                    : "default"},
        {"address_space", system_address_space(), 1, "RLIMIT_AS"}};

    memcpy(limits, all, sizeof(all));
    return all[TOOL_LIMITS_MOST - 1].value != 0 ? TOOL_LIMITS_MOST : TOOL_LIMITS_MOST - 1;
}
