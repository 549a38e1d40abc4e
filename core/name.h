/*
 * The names of files; see name.c.
 */
#ifndef SMMAP_CORE_NAME_H
#define SMMAP_CORE_NAME_H

#include <apr_errno.h>

#include "smmap/manager.h"

/** An absolute path, shared by a cursor and its copies. The text stands behind it. */
typedef struct smmap__path_t {
    apr_size_t users; /* under the manager's lock */
} smmap__path_t;

/** Make a name of a path: absolute, with one user; and without . and .., where these are text. */
apr_status_t smmap__path_make(smmap_manager_t *manager, const char *text, smmap__path_t **path);
/** The text of a name. */
const char *smmap__path_text(const smmap__path_t *path);

#endif
