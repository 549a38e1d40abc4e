/*
 * Targets: ratios that should not be passed, and what was measured.
 */
#ifndef SMMAP_BENCH_TARGET_H
#define SMMAP_BENCH_TARGET_H

#include <apr_file_io.h>

#include "tools/console.h"

/** One of them. */
typedef struct target_t {
    const char *what;  /**< what is compared with what */
    double bound;      /**< the most it may be, or the least */
    int at_least;      /**< 1: the least */
    double measured;   /**< 0: it was not measured */
    const char *where; /**< where that was, or why it was not measured; may be NULL */
} target_t;

/** Does it hold? Only of those that were measured. */
int target_is_met(const target_t *target);
/** A table for the terminal, and one for a page. */
void target_print(const target_t *targets, int count, tool_console_t *console);
const char *target_markdown(const target_t *targets, int count, apr_pool_t *pool);

#endif
