/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An intrusive doubly linked list, circular through its head.
 *
 * APR_RING would be this, but its offsets are computed from a null pointer and cast
 * qualifiers away, which compilers warn of.
 */
#ifndef SMMAP_CORE_BASE_LIST_H
#define SMMAP_CORE_BASE_LIST_H

#include <stddef.h>

/** In each element, and the head of a list. */
typedef struct smmap__link_t {
    struct smmap__link_t *next;
    struct smmap__link_t *previous;
} smmap__link_t;

/** The element that a member of it is at, as of a link or a node of a hash table. */
#define SMMAP__ELEMENT(member_at, type, member) \
    ((type *)(void *)((char *)(member_at)-offsetof(type, member)))

/** Make a head that has no elements. */
static inline void smmap__list_init(smmap__link_t *list)
{
    list->next = list;
    list->previous = list;
}

/** Add an element that is in no list, at the end. */
static inline void smmap__list_append(smmap__link_t *list, smmap__link_t *link)
{
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}

/** Take an element out. */
static inline void smmap__list_remove(smmap__link_t *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

/** The element after one, or after the head the first; NULL: there is none. */
static inline smmap__link_t *smmap__list_next(const smmap__link_t *list, const smmap__link_t *link)
{
    return link->next != list ? link->next : NULL;
}

#endif
