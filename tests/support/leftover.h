/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the system says that a process has: descriptors, mappings of files, memory. Taken
 * before and after a piece of work, it tells what was left behind, whatever the library counts.
 */
#ifndef SMMAP_TESTS_LEFTOVER_H
#define SMMAP_TESTS_LEFTOVER_H

#include <apr.h>

typedef struct leftover_t {
    int known;              /**< 0: this system does not tell (there is no /proc) */
    apr_size_t descriptors; /**< that are open */
    apr_size_t mappings;    /**< of files and of shared memory */
    apr_size_t deleted;     /**< of these, of files that have no name any more */
    apr_size_t heap;        /**< bytes that malloc has given out; 0: it does not tell, as under
                                 a sanitizer */
} leftover_t;

/** Bytes by which the heap may differ between two laps that leave nothing: what the C library
    keeps for each thread counts as given out. What the library itself has is counted exactly,
    by fake/memory.c. */
enum { LEFTOVER_HEAP = 65536 };

leftover_t leftover_now(void);

#endif
