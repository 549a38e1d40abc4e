/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only door to the environment. In a program with more rights than the user who started it
 * (set-user-ID), the environment is that user's, and is ignored.
 */
#include "core/base/base.h"

#include <apr_env.h>

const char *smmap__environment(const char *name, apr_pool_t *pool)
{
    char *value;

    return smmap__os_environment_is_trusted() && apr_env_get(&value, name, pool) == APR_SUCCESS
               ? value
               : "";
}
