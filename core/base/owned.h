/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that a pool frees when it is cleared or destroyed, and that can be freed before, in
 * any order.
 *
 * apr_pool_cleanup_kill() searches the cleanups of a pool from the newest on, so a program that
 * closes the oldest of n objects pays for n. Here a pool has one cleanup for all of its objects,
 * which are in a list.
 *
 * A pool is used by one thread at a time, and so are its objects while they are made or freed.
 * An object without a pool is in no list.
 */
#ifndef SMMAP_CORE_BASE_OWNED_H
#define SMMAP_CORE_BASE_OWNED_H

#include <apr_pools.h>

#include "core/base/list.h"

/** In each object. Zeroed: no pool owns it. */
typedef struct smmap__owned_t {
    smmap__link_t link;
    void (*destroy)(struct smmap__owned_t *owned);
    void *next_object; /* of the next link; leak checkers look for beginnings of blocks */
} smmap__owned_t;

/**
 * Let a pool own an object.
 *
 * @param object (in) that owned is in.
 * @param destroy (in) frees the object; called when the pool goes, the newest object first. The
 *        object is in no list by then.
 * @param pool (in) NULL: none.
 */
void smmap__own(smmap__owned_t *owned, void *object, void (*destroy)(smmap__owned_t *owned),
                apr_pool_t *pool);
/** Let no pool own it any more. */
void smmap__disown(smmap__owned_t *owned);

#endif
