/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the Windows backend offer each other. Calls run one way: every file may call
 * system.c, and no other. Include this header first: it selects the version of the headers of
 * the system, Windows 7.
 *
 * What newer systems alone have is looked up where it is used, so that the library loads on
 * older ones.
 */
#ifndef SMMAP_BACKENDS_WINDOWS_INTERNAL_H
#define SMMAP_BACKENDS_WINDOWS_INTERNAL_H

#define _WIN32_WINNT 0x0601

#include "backends/backend.h"

#include <windows.h>

/** The longest path or name in UTF-16, with its terminator. */
#define SMMAP__WINDOWS_PATH_MAX 32768

/** An error of the system as a status. The macro of APR evaluates its argument twice, and mixes
    signed and unsigned numbers. */
static inline apr_status_t smmap__windows_status(DWORD error)
{
    return APR_FROM_OS_ERROR((apr_status_t)error);
}

/** A function of unknown type, to be cast to its own. Not FARPROC: some compilers warn when that
    is cast. */
typedef void smmap__windows_function_t(void);

/** A function of kernel32 that not every Windows has, or NULL. */
smmap__windows_function_t *smmap__windows_function(const char *name);

/** The same of ntdll. */
smmap__windows_function_t *smmap__windows_nt_function(const char *name);

/** Is this Wine? A few answers of it cannot be relied on; docs/internals/windows.md lists them. */
int smmap__windows_is_wine(void);

#endif
