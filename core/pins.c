/*
 * Pins; see pins.h for what they are.
 *
 * Invariant: a pin that is free, or was never given out, holds no window and no
 * hits, so that a walk over whole chunks needs to know nothing about which are
 * in use.
 */
#include "core/pins.h"

#include <string.h>

#include "core/memory.h"

enum { PINS_IN_CHUNK = 63 }; /* with the head a page */

struct smmap__pin_chunk_t {
    void *block; /* what was allocated; the chunk is the first line in it */
    smmap__pin_chunk_t *next;
    char padding[SMMAP__LINE - 2 * sizeof(void *)];
    smmap__pin_t pins[PINS_IN_CHUNK];
};

static int add_chunk(smmap__pins_t *pins)
{
    char *block = smmap__alloc(sizeof(smmap__pin_chunk_t) + SMMAP__LINE);
    smmap__pin_chunk_t *chunk;
    int i;

    if (block == NULL) {
        return 0;
    }
    chunk = (smmap__pin_chunk_t *)(void *)(block + (SMMAP__LINE - (uintptr_t)block % SMMAP__LINE));
    chunk->block = block;
    chunk->next = pins->chunks;
    pins->chunks = chunk;
    for (i = PINS_IN_CHUNK - 1; i >= 0; i--) {
        chunk->pins[i].next = pins->free;
        pins->free = &chunk->pins[i];
    }
    return 1;
}

smmap__pin_t *smmap__pin_make(smmap__pins_t *pins)
{
    smmap__pin_t *pin;

    if (pins->free == NULL && !add_chunk(pins)) {
        return NULL;
    }
    pin = pins->free;
    pins->free = pin->next;
    pin->next = NULL;
    return pin;
}

void smmap__pin_drop(smmap__pins_t *pins, smmap__pin_t *pin)
{
    smmap__store(&pin->window, 0);
    smmap__count_store(&pin->hits, 0);
    smmap__count_store(&pin->direct_reads, 0);
    smmap__count_store(&pin->prefetches, 0);
    pin->next = pins->free;
    pins->free = pin;
}

apr_size_t smmap__pins_on(const smmap__pins_t *pins, const void *window)
{
    const smmap__pin_chunk_t *chunk;
    apr_size_t count = 0;
    int i;

    for (chunk = pins->chunks; chunk != NULL; chunk = chunk->next) {
        for (i = 0; i < PINS_IN_CHUNK; i++) {
            count += smmap__load(&chunk->pins[i].window) == (uintptr_t)window;
        }
    }
    return count;
}

void smmap__pins_each(const smmap__pins_t *pins, void (*call)(void *context, uintptr_t window),
                      void *context)
{
    const smmap__pin_chunk_t *chunk;
    int i;

    for (chunk = pins->chunks; chunk != NULL; chunk = chunk->next) {
        for (i = 0; i < PINS_IN_CHUNK; i++) {
            uintptr_t window = smmap__load(&chunk->pins[i].window);

            if (window != 0) {
                call(context, window);
            }
        }
    }
}

void smmap__pin_count(const smmap__pin_t *pin, smmap_stats_t *stats)
{
    stats->hits += smmap__count_load(&pin->hits);
    stats->direct_reads += smmap__count_load(&pin->direct_reads);
    stats->prefetches += smmap__count_load(&pin->prefetches);
}

void smmap__pins_count(const smmap__pins_t *pins, smmap_stats_t *stats)
{
    const smmap__pin_chunk_t *chunk;
    int i;

    for (chunk = pins->chunks; chunk != NULL; chunk = chunk->next) {
        for (i = 0; i < PINS_IN_CHUNK; i++) {
            smmap__pin_count(&chunk->pins[i], stats);
        }
    }
}

void smmap__pins_destroy(smmap__pins_t *pins)
{
    while (pins->chunks != NULL) {
        smmap__pin_chunk_t *next = pins->chunks->next;

        smmap__free(pins->chunks->block);
        pins->chunks = next;
    }
    pins->free = NULL;
}
