/* SPDX-License-Identifier: BSD-3-Clause */
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

/** Does this terminal obey the sequences of ANSI for colours? */
int system_colours(apr_os_file_t file);

/**
 * The next bytes of a file that are not in a hole.
 *
 * @param at (in) where to look from on.
 * @param begin, end (out) what was found.
 * @return APR_SUCCESS; APR_EOF: from there on all is a hole; APR_ENOTIMPL: the system does not
 *         tell.
 */
apr_status_t system_next_data(apr_os_file_t file, apr_off_t at, apr_off_t *begin, apr_off_t *end);

/**
 * Make a hole at the end of a file that we write to, and go behind it.
 *
 * @return 1; 0: nothing was done, as it is no file, is only appended to, or holds something here.
 */
int system_skip(apr_os_file_t file, apr_off_t bytes);

/** How many files the process may have open (RLIMIT_NOFILE); 0: unknown, or no limit. */
apr_uint64_t system_open_files(void);

/** How much the process may map (RLIMIT_AS); 0: unknown, or no limit. */
apr_uint64_t system_address_space(void);

#endif
