/*
 * What the parts of the Windows backend share.
 */
#ifndef SMMAP_BACKENDS_WINDOWS_H
#define SMMAP_BACKENDS_WINDOWS_H

#include <apr_errno.h>

#include <windows.h>

/** An error of the system as a status. APR's macro evaluates its argument twice, and mixes
    signed and unsigned numbers. */
static inline apr_status_t smmap__windows_status(DWORD error)
{
    return APR_FROM_OS_ERROR((apr_status_t)error);
}

/** A function of kernel32 that not every Windows has, or NULL. */
FARPROC smmap__windows_function(const char *name);
/** The same of ntdll. */
FARPROC smmap__windows_nt_function(const char *name);

/** Wine answers a few questions in a way of its own. */
static inline int smmap__windows_is_wine(void)
{
    return smmap__windows_nt_function("wine_get_version") != NULL;
}

#endif
