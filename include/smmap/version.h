/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The version of the headers, and a function that returns the version of the library.
 *
 * The build reads the three numbers from this file; they are defined nowhere else.
 */
#ifndef SMMAP_VERSION_H
#define SMMAP_VERSION_H

#include "smmap/export.h"

#define SMMAP_VERSION_MAJOR 0
#define SMMAP_VERSION_MINOR 2
#define SMMAP_VERSION_PATCH 0

#define SMMAP_VERSION_QUOTE(number) #number
#define SMMAP_VERSION_JOIN(major, minor, patch) \
    SMMAP_VERSION_QUOTE(major) "." SMMAP_VERSION_QUOTE(minor) "." SMMAP_VERSION_QUOTE(patch)

/** The version of the headers that you compile with, for example "1.2.3". */
#define SMMAP_VERSION_STRING \
    SMMAP_VERSION_JOIN(SMMAP_VERSION_MAJOR, SMMAP_VERSION_MINOR, SMMAP_VERSION_PATCH)

/** The version of the headers as one number that grows, for example 0x010203 for 1.2.3. */
#define SMMAP_VERSION_NUMBER \
    (SMMAP_VERSION_MAJOR * 0x10000 + SMMAP_VERSION_MINOR * 0x100 + SMMAP_VERSION_PATCH)

/** 1 if the headers are of this version or a later one, 0 otherwise; also for `#if`. */
#define SMMAP_VERSION_AT_LEAST(major, minor, patch) \
    (SMMAP_VERSION_NUMBER >= (major)*0x10000 + (minor)*0x100 + (patch))

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library at run time.
 *
 * @param major (out) major version. May be NULL.
 * @param minor (out) minor version. May be NULL.
 * @param patch (out) patch version. May be NULL.
 * @return the version as text, for example "1.2.3"; static memory.
 * Threads: any. Never fails.
 */
SMMAP_API const char *smmap_version(int *major, int *minor, int *patch);

#ifdef __cplusplus
}
#endif

#endif
