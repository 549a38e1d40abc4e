/*
 * Objects that a pool owns; see owned.h.
 *
 * The list of a pool is found by a key in the pool's user data. The key has an address of this
 * copy of the library in it, as a process may have several.
 */
#include "core/base/owned.h"

#include <apr_strings.h>

enum { KEY_MOST = 40 };

static apr_status_t destroy_all(void *data)
{
    smmap__link_t *list = data;

    while (list->previous != list) {
        smmap__owned_t *owned = SMMAP__ELEMENT(list->previous, smmap__owned_t, link);

        smmap__disown(owned);
        owned->destroy(owned);
    }
    return APR_SUCCESS;
}

/* The list of a pool, made when there is none. */
static smmap__link_t *list_of(apr_pool_t *pool)
{
    static const char here;
    char key[KEY_MOST];
    void *list = NULL;

    apr_snprintf(key, sizeof key, "libsmmap %pp", (const void *)&here);
    apr_pool_userdata_get(&list, key, pool);
    if (list == NULL) {
        list = apr_palloc(pool, sizeof(smmap__link_t));
        smmap__list_init(list);
        apr_pool_userdata_set(list, key, NULL, pool);
        apr_pool_cleanup_register(pool, list, destroy_all, apr_pool_cleanup_null);
    }
    return list;
}

void smmap__own(smmap__owned_t *owned, void (*destroy)(smmap__owned_t *owned), apr_pool_t *pool)
{
    owned->destroy = destroy;
    if (pool != NULL) {
        smmap__list_append(list_of(pool), &owned->link);
    }
}

void smmap__disown(smmap__owned_t *owned)
{
    if (owned->link.next != NULL) {
        smmap__list_remove(&owned->link);
        owned->link.next = NULL;
    }
}
