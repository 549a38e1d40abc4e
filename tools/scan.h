/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search through a file that comes in pieces.
 */
#ifndef SMMAP_TOOL_SCAN_H
#define SMMAP_TOOL_SCAN_H

#include "tools/pattern.h"

/** A search that goes on from piece to piece; opaque. */
typedef struct tool_scan_t tool_scan_t;

/**
 * What is called for each match, in the order of their offsets.
 *
 * @param baton (in) what tool_scan_create() was given.
 * @param offset (in) where the match starts, counted from the first byte fed.
 * @return 0 to stop the search, anything else to go on.
 */
typedef int tool_scan_match_t(void *baton, apr_off_t offset);

/**
 * @param overlap (in) 1: matches may share bytes; 0: a match starts behind the one before it.
 */
tool_scan_t *tool_scan_create(tool_pattern_t *pattern, int overlap, tool_scan_match_t *match,
                              void *baton, apr_pool_t *pool);

/** Begin with another file. */
void tool_scan_restart(tool_scan_t *scan);

/**
 * Search the next piece. It need not live on after the call.
 *
 * @return 1: go on; 0: the callback stopped the search.
 */
int tool_scan_feed(tool_scan_t *scan, const unsigned char *data, apr_size_t size);

#endif
