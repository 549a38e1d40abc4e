/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sequence: each operation is done by the library, and compared with what the oracle
 * expected. See model.h.
 */
#include "model.h"

#include <apr_general.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/memory.h"

#define ROOM ((apr_size_t)4 << 20)

static apr_size_t old_blocks; /* of memory, before the sequence */

static apr_uint64_t tally[KINDS];

const apr_uint64_t *model_tally(void)
{
    return tally;
}

int model_is_paranoid(void)
{
    const char *value = getenv("SMMAP_PARANOID");

    return value != NULL && *value != '\0' && strcmp(value, "0") != 0;
}

static int step(const operation_t *o)
{
    const unsigned char *shown;
    outcome_t seen;
    apr_size_t failed = fake_memory_failed();

    tally[o->kind]++;
    if (o->kind >= DO_FILE_MAKE && o->kind <= DO_FILE_DIRECTORY) {
        model_candidates_disk(o);
        return 1;
    }
    fake_events_clear();
    if (o->allocation != 0 && !model_is_paranoid()) { /* its own may fail, too */
        fake_memory_fail(o->allocation);
    }
    model_perform(o, &seen, &shown);
    fake_memory_fail_none();
    return model_explain(o, &seen, shown, fake_memory_failed() != failed);
}

/* The oracle itself must have nothing left, else it is at fault. */
static int oracle_is_empty(const world_t *world)
{
    int i;

    if (world->live_handles != 0) {
        return model_wrong("the oracle itself has handles left");
    }
    for (i = 0; i < REGIONS; i++) {
        if (world->regions[i].used) {
            return model_wrong("the oracle itself has regions left");
        }
    }
    return 1;
}

/* So many regions that the system would not unmap that the oracle's table could become full? */
static int is_crowded(void)
{
    const world_t *world = model_candidate(0);
    int used = 0;
    int i;

    for (i = 0; i < REGIONS; i++) {
        used += world->regions[i].used;
    }
    return used > REGIONS / 2;
}

static int let_unmap(void)
{
    operation_t clear;

    memset(&clear, 0, sizeof clear);
    clear.kind = DO_FAULT_NONE;
    clear.cursor = clear.other = clear.buffer = NONE;
    return step(&clear);
}

/* Everything goes, the pools one after the other, and nothing must be left. */
static int finish(unsigned order)
{
    operation_t clear;
    int i;

    if (!let_unmap()) {
        return 0;
    }
    memset(&clear, 0, sizeof clear);
    clear.cursor = clear.other = clear.buffer = NONE;
    clear.kind = DO_CLEAR_POOL;
    for (i = 0; i < POOLS; i++) {
        clear.pool = (int)(order + (unsigned)i) % POOLS;
        if (!step(&clear)) {
            return 0;
        }
    }
    for (i = 0; model_candidate(i) != NULL; i++) {
        if (!oracle_is_empty(model_candidate(i))) {
            return 0;
        }
    }
    if (fake_memory_blocks() != old_blocks) {
        return model_wrong("%lld blocks of memory are left",
                     (long long)(fake_memory_blocks() - old_blocks));
    }
    if (fake_memory_pools() != 0) {
        return model_wrong("a pool is left");
    }
    return 1;
}

static void start(const unsigned char record[RECORD], operation_t files[3])
{
    world_t *world = model_candidates_begin();
    int i;

    for (i = 0; i < ALL_CURSORS; i++) {
        world->cursors[i].region = NONE;
    }
    model_complaint_clear();
    model_disk_clear();
    model_stat_reset();
    fake_reset();
    fake_memory_reset();
    /* A manager that could not unmap a window to its end leaves it behind. */
    world->live_mappings = fake_live_mappings();
    world->live_bytes = fake_live_bytes();
    world->live_handles = fake_live_handles();
    old_blocks = fake_memory_blocks();
    model_decode_first(world, record, files);
    fake_set_granularity(world->granularity);
    for (i = 0; i < FAKE_ANY; i++) {
        fake_take((fake_call_t)i, model_takes(world, i));
    }
}

int model_run(const unsigned char *bytes, apr_size_t size, int verbose)
{
    unsigned char record[RECORD] = {0};
    operation_t operation;
    operation_t files[3];
    apr_size_t at = RECORD;
    int number = 1;
    int good = 1;
    int i;

    memcpy(record, bytes, size < RECORD ? size : RECORD);
    start(record, files);
    if (verbose) {
        printf("  granularity %lld\n", (long long)model_candidate(0)->granularity);
    }
    for (i = 0; i < 3; i++) {
        if (verbose) {
            model_print(&files[i], 0);
        }
        model_candidates_disk(&files[i]);
    }
    for (i = 0; i < POOLS; i++) {
        if (apr_pool_create(&model_real.pools[i], NULL) != APR_SUCCESS) {
            abort();
        }
    }
    for (; good && size >= at + RECORD; at += RECORD) {
        int times = model_repeats(bytes + at);

        for (; good && times > 0; times--) {
            if (is_crowded() && !let_unmap()) {
                good = 0;
                break;
            }
            model_decode(model_candidate(0), bytes + at, &operation);
            if (!model_candidates_are_few()) {
                operation.allocation = 0;
            }
            if (verbose) {
                model_print(&operation, number);
            }
            good = step(&operation);
        }
        if (!good) {
            model_wrong(" (operation %d, %s)", number, model_kind_name((int)operation.kind));
        }
        number++;
    }
    if (good) {
        good = finish(record[0] / 64u);
    }
    if (good) {
        for (i = 0; i < POOLS; i++) {
            apr_pool_destroy(model_real.pools[i]);
        }
    }
    return good;
}

int model_begin(void)
{
    if (apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "model: cannot start APR\n");
        return 0;
    }
    model_real.scratch = malloc(ROOM);
    if (model_real.scratch == NULL) {
        fprintf(stderr, "model: out of memory\n");
        return 0;
    }
    return model_disk_begin();
}

void model_end(void)
{
    model_disk_end();
    free(model_real.scratch);
    apr_terminate();
}
