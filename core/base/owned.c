/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that a pool owns; see owned.h.
 *
 * The list of a pool is found by a key in the pool's user data. The key has an address of this
 * copy of the library in it, as a process may have several.
 */
#include "core/base/owned.h"

#include <apr_strings.h>

#include <string.h>

typedef struct list_t {
    smmap__owned_t objects;
    apr_pool_t *pool;
    char key[40];
} list_t;

static smmap__owned_t *owned_of(smmap__link_t *link)
{
    return SMMAP__ELEMENT(link, smmap__owned_t, link);
}

static apr_status_t destroy_all(void *data)
{
    list_t *list = data;

    while (list->objects.link.previous != &list->objects.link) {
        smmap__owned_t *owned = owned_of(list->objects.link.previous);

        smmap__disown(owned);
        owned->destroy(owned);
    }
    /* Cleanups that run after this one may make objects, which then need a list of their own. */
    apr_pool_userdata_setn(NULL, list->key, NULL, list->pool);
    return APR_SUCCESS;
}

/* The list of a pool, made when there is none. */
static smmap__link_t *list_of(apr_pool_t *pool)
{
    static const char here;
    list_t *list;
    list_t made;
    void *found = NULL;

    apr_snprintf(made.key, sizeof made.key, "libsmmap %pp", (const void *)&here);
    apr_pool_userdata_get(&found, made.key, pool);
    list = found;
    if (list == NULL) {
        list = apr_pcalloc(pool, sizeof *list);
        memcpy(list->key, made.key, sizeof made.key);
        list->pool = pool;
        smmap__list_init(&list->objects.link);
        apr_pool_userdata_setn(list, list->key, NULL, pool);
        apr_pool_cleanup_register(pool, list, destroy_all, apr_pool_cleanup_null);
    }
    return &list->objects.link;
}

void smmap__own(smmap__owned_t *owned, void *object, void (*destroy)(smmap__owned_t *owned),
                apr_pool_t *pool)
{
    owned->destroy = destroy;
    if (pool != NULL) {
        smmap__list_append(list_of(pool), &owned->link);
        owned_of(owned->link.previous)->next_object = object;
    }
}

void smmap__disown(smmap__owned_t *owned)
{
    if (owned->link.next != NULL) {
        owned_of(owned->link.previous)->next_object = owned->next_object;
        smmap__list_remove(&owned->link);
        owned->link.next = NULL;
    }
}
