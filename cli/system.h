/*
 * What APR does not know of a system.
 */
#ifndef SMMAP_CLI_SYSTEM_H
#define SMMAP_CLI_SYSTEM_H

#include <apr_portable.h>

/** Is this a terminal? */
int system_is_terminal(apr_os_file_t file);

/** The columns of a terminal now; 0: it does not tell. */
int system_columns(apr_os_file_t file);

#endif
