/*
 * Managers that are full of windows, so that each visit to a window is a miss; and what
 * a miss takes. For measuring without a system (null_backend.c).
 */
#ifndef SMMAP_BENCH_KEEPER_H
#define SMMAP_BENCH_KEEPER_H

#include "bench/bench.h"
#include "bench/bookkeeping.h"

/** Bytes in a window of a keeper. */
#define KEEPER_WINDOW ((apr_size_t)4096)

/** One manager, full. The first four are set before keeper_open(). */
typedef struct keeper_t {
    apr_uint32_t windows; /**< that are kept */
    int scattered;        /**< 1: visited here and there; 0: in order */
    apr_uint32_t others;  /**< cursors that are open besides the one that visits */
    int pinning;          /**< 1: each of them has a window */
    apr_pool_t *pool;     /**< of all that follows */
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    apr_uint64_t mask; /**< windows that are visited in turn, less one */
    apr_uint64_t next;
    double samples[BENCH_REPEAT_MOST];
} keeper_t;

/** Make it and fill it. 0: failed, and said so. */
int keeper_open(books_t *books, keeper_t *keeper);
/** One sample, of the repetition with this number. 0: failed, and said so. */
int keeper_measure(books_t *books, keeper_t *keeper, int repetition);
void keeper_close(keeper_t *keeper);

/** The one thing that the system is asked for in a miss of a keeper: how large the file is. */
typedef struct asker_t {
    apr_os_file_t handle;
    apr_allocator_t *allocator;
    double samples[BENCH_REPEAT_MOST];
} asker_t;

int asker_open(books_t *books, asker_t *asker);
int asker_measure(books_t *books, asker_t *asker, int repetition);
void asker_close(asker_t *asker);

/** How much longer than another one's a miss takes, the median of the ratios within each
    repetition. asker: less what asking took in it; NULL: as a whole. */
double keeper_ratio(const keeper_t *keeper, const keeper_t *other, const asker_t *asker,
                    int repeat);

#endif
