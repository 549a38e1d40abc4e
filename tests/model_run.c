/*
 * A sequence: each operation is done by the library, and compared with what the oracle
 * expected of it.
 * See model.h.
 */
#include "model.h"

#include <apr_general.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_memory.h"

#define ROOM ((apr_size_t)4 << 20)

static world_t world;
static world_t before; /* the operation that is being done */

static apr_size_t old_blocks; /* of memory, before the sequence */

static apr_uint64_t tally[KINDS];

const apr_uint64_t *model_tally(void)
{
    return tally;
}

/* Expect, with one of the allocations failing (0: none), and compare. */
static int explains(const operation_t *o, const outcome_t *seen, const unsigned char *shown,
                    unsigned fails)
{
    outcome_t expected;

    world.allocation = 0;
    world.allocation_fails = fails;
    world.event_count = 0;
    world.piece_count = 0;
    model_expect(&world, o, &expected);
    if (world.overflow) {
        return model_wrong("a table of the model is too small");
    }
    return model_compare(&world, o, &expected, seen, shown);
}

/* An allocation failed; which one, so that it explains what was seen? One that changes nothing
   is tried last, as some leave no trace at first. */
static int explains_failure(const operation_t *o, const outcome_t *seen,
                            const unsigned char *shown)
{
    unsigned fails = 1;
    int good;

    do {
        world = before;
        model_complaint_clear();
        good = explains(o, seen, shown, fails);
    } while (!good && world.allocation >= fails++);
    return good;
}

static int step(const operation_t *o)
{
    const unsigned char *shown;
    outcome_t seen;
    apr_size_t failed = fake_memory_failed();
    int good;

    tally[o->kind]++;
    if (o->kind >= DO_FILE_MAKE && o->kind <= DO_FILE_DIRECTORY) {
        model_disk_do(&world, o);
        return 1;
    }
    fake_events_clear();
    if (o->allocation != 0) {
        before = world;
        fake_memory_fail(o->allocation);
    }
    model_perform(o, &seen, &shown);
    fake_memory_fail_none();
    if (fake_memory_failed() == failed) {
        good = explains(o, &seen, shown, 0);
    } else {
        good = explains_failure(o, &seen, shown);
    }
    return good;
}

/* Everything goes, the pools one after the other, and nothing must be left. */
static int finish(unsigned order)
{
    operation_t clear;
    int i;

    memset(&clear, 0, sizeof clear);
    clear.kind = DO_FAULT_NONE;
    clear.cursor = clear.other = clear.buffer = NONE;
    if (!step(&clear)) {
        return 0;
    }
    clear.kind = DO_CLEAR_POOL;
    for (i = 0; i < POOLS; i++) {
        clear.pool = (int)(order + (unsigned)i) % POOLS;
        if (!step(&clear)) {
            return 0;
        }
    }
    if (world.live_handles != 0) {
        return model_wrong("the oracle itself has handles left"); /* a fault of the model */
    }
    for (i = 0; i < REGIONS; i++) {
        if (world.regions[i].used) {
            return model_wrong("the oracle itself has regions left");
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

static void start(void)
{
    int i;

    memset(&world, 0, sizeof world);
    for (i = 0; i < ALL_CURSORS; i++) {
        world.cursors[i].region = NONE;
    }
    model_complaint_clear();
    model_disk_clear();
    model_stat_reset();
    fake_reset();
    fake_memory_reset();
    /* A manager that could not unmap a window to its end leaves it behind. */
    world.live_mappings = fake_live_mappings();
    world.live_bytes = fake_live_bytes();
    world.live_handles = fake_live_handles();
    old_blocks = fake_memory_blocks();
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

    start();
    memcpy(record, bytes, size < RECORD ? size : RECORD);
    model_decode_first(&world, record, files);
    fake_set_granularity(world.granularity);
    if (verbose) {
        printf("  granularity %lld\n", (long long)world.granularity);
    }
    for (i = 0; i < 3; i++) {
        if (verbose) {
            model_print(&files[i], 0);
        }
        model_disk_do(&world, &files[i]);
    }
    for (i = 0; i < POOLS; i++) {
        if (apr_pool_create(&model_real.pools[i], NULL) != APR_SUCCESS) {
            abort();
        }
    }
    for (; good && size >= at + RECORD; at += RECORD) {
        int times = model_repeats(bytes + at);

        for (; good && times > 0; times--) {
            model_decode(&world, bytes + at, &operation);
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
    model_real.room = malloc(ROOM);
    if (model_real.room == NULL) {
        fprintf(stderr, "model: out of memory\n");
        return 0;
    }
    return model_disk_begin();
}

void model_end(void)
{
    model_disk_end();
    free(model_real.room);
    apr_terminate();
}
