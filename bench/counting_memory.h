/*
 * Memory for the core that is counted, in the place of core/base/memory.c.
 */
#ifndef SMMAP_BENCH_COUNTING_MEMORY_H
#define SMMAP_BENCH_COUNTING_MEMORY_H

#include "core/base/memory.h"

/** Bytes that the core has now, as it asked for them; what malloc adds is not in it. Not those of
    pools, of which there is a fixed number in each manager. */
apr_size_t counting_memory_bytes(void);

#endif
