/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pins; see pins.h for what they are, and the proof.
 *
 * A chunk holds the words of its groups side by side, so that a walk touches nothing
 * else, and behind them what their cursors count, which only statistics read. A group
 * is eight pins: a line of words, lines of counters, a thread. A thread's groups with a
 * free pin are in a ring; one of them is in a list, for its thread, so threads in one list
 * do not go through each other's groups. A group that is wholly free is for any thread.
 * Chunks are given back when all their groups are free, but for one.
 *
 * Invariant: a pin that is free holds no window and has counted nothing, so that a
 * walk over whole chunks needs to know nothing about which are in use.
 */
#include "core/base/pins.h"

#include "backends/backend.h"
#include "core/base/memory.h"

enum { PINS = 8, GROUPS = 8 };

struct smmap__pin_group_t {
    smmap__pin_t pins[PINS];
    smmap__link_t ring; /* of its thread's, while some pins are free, not all */
    smmap__link_t link; /* of the one in the list, and of unused ones; next: NULL in the others */
    smmap__pin_chunk_t *chunk;
    uintptr_t thread;
    unsigned free; /* a bit for each pin */
    char padding[SMMAP__LINE];
};

struct smmap__pin_chunk_t {
    smmap__word_t windows[GROUPS * PINS];
    smmap__pin_group_t groups[GROUPS];
    void *block; /* what was allocated; the chunk is at the first line in it */
    smmap__link_t link;
    unsigned used; /* groups that a thread has */
};

enum { ALL_FREE = (1 << PINS) - 1 };

/* Some address that no other thread has. */
static uintptr_t this_thread(void)
{
    static SMMAP__THREAD_LOCAL char here;

    return (uintptr_t)&here;
}

static int add_chunk(smmap__pins_t *pins)
{
    char *block = smmap__alloc(sizeof(smmap__pin_chunk_t) + SMMAP__LINE);
    smmap__pin_chunk_t *chunk;
    int i;
    int k;

    if (block == NULL) {
        return 0;
    }
    chunk = (smmap__pin_chunk_t *)(void *)(block + (SMMAP__LINE - (uintptr_t)block % SMMAP__LINE));
    chunk->block = block;
    smmap__list_append(&pins->chunks, &chunk->link);
    pins->spare = chunk;
    for (i = GROUPS - 1; i >= 0; i--) {
        smmap__pin_group_t *group = &chunk->groups[i];

        for (k = 0; k < PINS; k++) {
            group->pins[k].window = &chunk->windows[i * PINS + k];
            group->pins[k].group = group;
        }
        group->chunk = chunk;
        group->free = ALL_FREE;
        smmap__list_append(&pins->unused, &group->link);
    }
    return 1;
}

static void free_chunk(smmap__pin_chunk_t *chunk)
{
    smmap__list_remove(&chunk->link);
    smmap__free(chunk->block);
}

static smmap__link_t *list_of(smmap__pins_t *pins, uintptr_t thread)
{
    return &pins->open[smmap__hash_bits(thread >> 6) >> 58];
}

void smmap__pins_init(smmap__pins_t *pins)
{
    int i;

    smmap__list_init(&pins->chunks);
    smmap__list_init(&pins->unused);
    pins->spare = NULL;
    for (i = 0; i < SMMAP__PIN_BUCKETS; i++) {
        smmap__list_init(&pins->open[i]);
    }
}

/* A group of this thread with a free pin; NULL: there is none. */
static smmap__pin_group_t *first_of(smmap__pins_t *pins, uintptr_t thread)
{
    smmap__link_t *list = list_of(pins, thread);
    smmap__link_t *link = list;

    while ((link = smmap__list_next(list, link)) != NULL) {
        smmap__pin_group_t *group = SMMAP__ELEMENT(link, smmap__pin_group_t, link);

        if (group->thread == thread) {
            return group;
        }
    }
    return NULL;
}

/* It has a pin to give. */
static void enter_ring(smmap__pins_t *pins, smmap__pin_group_t *group)
{
    smmap__pin_group_t *first = first_of(pins, group->thread);

    if (first != NULL) {
        smmap__list_append(&first->ring, &group->ring);
    } else {
        smmap__list_init(&group->ring);
        smmap__list_append(list_of(pins, group->thread), &group->link);
    }
}

/* It is full, or wholly free. */
static void leave_ring(smmap__pins_t *pins, smmap__pin_group_t *group)
{
    smmap__link_t *next = smmap__list_next(&group->ring, &group->ring);

    smmap__list_remove(&group->ring);
    if (group->link.next != NULL) {
        smmap__list_remove(&group->link);
        group->link.next = NULL;
        if (next != NULL) {
            smmap__list_append(list_of(pins, group->thread),
                               &SMMAP__ELEMENT(next, smmap__pin_group_t, ring)->link);
        }
    }
}

/* A group of this thread with a free pin; if there is none, one that no thread has. */
static smmap__pin_group_t *find_group(smmap__pins_t *pins, uintptr_t thread)
{
    smmap__pin_group_t *group = first_of(pins, thread);

    if (group != NULL ||
        (smmap__list_next(&pins->unused, &pins->unused) == NULL && !add_chunk(pins))) {
        return group;
    }
    group = SMMAP__ELEMENT(pins->unused.previous, smmap__pin_group_t, link);
    smmap__list_remove(&group->link);
    group->link.next = NULL;
    if (group->chunk->used++ == 0) {
        pins->spare = NULL; /* it was this one */
    }
    group->thread = thread;
    enter_ring(pins, group);
    return group;
}

smmap__pin_t *smmap__pin_make(smmap__pins_t *pins, smmap__link_t *list)
{
    smmap__pin_group_t *group = find_group(pins, this_thread());
    unsigned number = 0;

    if (group == NULL) {
        return NULL;
    }
    while (!(group->free >> number & 1)) {
        number++;
    }
    group->free &= ~(1u << number);
    if (group->free == 0) {
        leave_ring(pins, group);
    }
    smmap__list_append(list, &group->pins[number].link);
    return &group->pins[number];
}

int smmap__pin_is_near(const smmap__pin_t *pin)
{
    return pin->group->thread == this_thread();
}

/* So that what many cursors took does not stay, and is not walked through. */
static void chunk_is_unused(smmap__pins_t *pins, smmap__pin_chunk_t *chunk)
{
    int i;

    if (pins->spare == NULL) {
        pins->spare = chunk;
        return;
    }
    for (i = 0; i < GROUPS; i++) {
        smmap__list_remove(&chunk->groups[i].link);
    }
    free_chunk(chunk);
}

void smmap__pin_drop(smmap__pins_t *pins, smmap__pin_t *pin)
{
    smmap__pin_group_t *group = pin->group;

    smmap__store(pin->window, 0);
    smmap__count_store(&pin->hits, 0);
    smmap__count_store(&pin->bypassed_reads, 0);
    smmap__count_store(&pin->prefetches, 0);
    smmap__store(&pin->retired, 0);
    smmap__list_remove(&pin->link);
    if (group->free == 0) {
        enter_ring(pins, group);
    }
    group->free |= 1u << (pin - group->pins);
    if (group->free == ALL_FREE) {
        leave_ring(pins, group);
        smmap__list_append(&pins->unused, &group->link);
        if (--group->chunk->used == 0) {
            chunk_is_unused(pins, group->chunk);
        }
    }
}

apr_size_t smmap__pins_on(const smmap__link_t *list, const void *window)
{
    smmap__link_t *link = smmap__list_next(list, list);
    apr_size_t count = 0;

    for (; link != NULL; link = smmap__list_next(list, link)) {
        count += smmap__load(SMMAP__ELEMENT(link, smmap__pin_t, link)->window) == (uintptr_t)window;
    }
    return count;
}

static int is_in(const smmap__pin_set_t *set, uintptr_t window)
{
    return set->only != 0 ? window == set->only
                          : window != 0 && (set->bits & smmap__pin_bit(window)) != 0;
}

void smmap__pins_each_of(const smmap__link_t *list, const smmap__pin_set_t *set,
                         smmap__pin_visitor_t *call, void *context)
{
    smmap__link_t *link = smmap__list_next(list, list);

    for (; link != NULL; link = smmap__list_next(list, link)) {
        smmap__pin_t *pin = SMMAP__ELEMENT(link, smmap__pin_t, link);
        uintptr_t window = smmap__load(pin->window);

        if (is_in(set, window)) {
            call(context, pin, window);
        }
    }
}

void smmap__pins_each(const smmap__pins_t *pins, const smmap__pin_set_t *set,
                      smmap__pin_visitor_t *call, void *context)
{
    smmap__link_t *link = smmap__list_next(&pins->chunks, &pins->chunks);
    int i;

    for (; link != NULL; link = smmap__list_next(&pins->chunks, link)) {
        smmap__pin_chunk_t *chunk = SMMAP__ELEMENT(link, smmap__pin_chunk_t, link);

        for (i = 0; i < GROUPS * PINS; i++) {
            uintptr_t window = smmap__load(&chunk->windows[i]);

            if (is_in(set, window)) {
                call(context, &chunk->groups[i / PINS].pins[i % PINS], window);
            }
        }
    }
}

void smmap__pins_scan(const smmap__pins_t *pins, const smmap__pin_set_t *set,
                      smmap__pin_visitor_t *call, void *context)
{
    smmap__os_fence_heavy();
    smmap__pins_each(pins, set, call, context);
}

void smmap__pin_count(const smmap__pin_t *pin, smmap_stats_t *stats)
{
    stats->hits += smmap__count_load(&pin->hits);
    stats->bypassed_reads += smmap__count_load(&pin->bypassed_reads);
    stats->prefetches += smmap__count_load(&pin->prefetches);
}

void smmap__pins_count(const smmap__pins_t *pins, smmap_stats_t *stats)
{
    smmap__link_t *link = smmap__list_next(&pins->chunks, &pins->chunks);
    int i;
    int k;

    for (; link != NULL; link = smmap__list_next(&pins->chunks, link)) {
        const smmap__pin_chunk_t *chunk = SMMAP__ELEMENT(link, smmap__pin_chunk_t, link);

        for (i = 0; i < GROUPS; i++) {
            for (k = 0; k < PINS; k++) {
                smmap__pin_count(&chunk->groups[i].pins[k], stats);
            }
        }
    }
}

void smmap__pins_destroy(smmap__pins_t *pins)
{
    smmap__link_t *link;

    while ((link = smmap__list_next(&pins->chunks, &pins->chunks)) != NULL) {
        free_chunk(SMMAP__ELEMENT(link, smmap__pin_chunk_t, link));
    }
}
