/*
 * The version of the headers, and a question for the version of the library.
 *
 * configure.ac reads the three numbers from this file: they stand nowhere else.
 */
#ifndef SMMAP_VERSION_H
#define SMMAP_VERSION_H

#include "smmap/export.h"

#define SMMAP_VERSION_MAJOR 0
#define SMMAP_VERSION_MINOR 1
#define SMMAP_VERSION_PATCH 0

#define SMMAP_VERSION_QUOTE(number) #number
#define SMMAP_VERSION_JOIN(major, minor, patch) \
    SMMAP_VERSION_QUOTE(major) "." SMMAP_VERSION_QUOTE(minor) "." SMMAP_VERSION_QUOTE(patch)

/** The version of the headers that you compile with, as text: "1.2.3". */
#define SMMAP_VERSION_STRING \
    SMMAP_VERSION_JOIN(SMMAP_VERSION_MAJOR, SMMAP_VERSION_MINOR, SMMAP_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that you run with.
 *
 * @param major (out) major number; a change of it breaks programs. May be NULL.
 * @param minor (out) minor number; a change of it adds functions. May be NULL.
 * @param patch (out) patch number. May be NULL.
 * @return the same as text, "1.2.3"; static memory.
 * Threads: any. Never fails.
 */
SMMAP_API const char *smmap_version(int *major, int *minor, int *patch);

#ifdef __cplusplus
}
#endif

#endif
