/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.h and version.h: sentences for status codes, and the version.
 */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODES (SMMAP_END_STATUS - SMMAP_START_STATUS)

static void range(void)
{
    /* In the part of APR's range that is for applications. */
    CHECK(SMMAP_START_STATUS >= APR_OS_START_USERERR);
    CHECK(SMMAP_END_STATUS <= APR_OS_START_CANONERR);
    CHECK(SMMAP_ENOWINDOW < SMMAP_END_STATUS);
}

static void own_texts(void)
{
    char texts[CODES][200];
    char of_apr[200];
    char *got;
    int i;
    int j;

    for (i = 1; i < CODES; i++) {
        got = smmap_strerror(SMMAP_START_STATUS + i, texts[i], sizeof texts[i]);
        CHECK(got == texts[i]);
        CHECK(strlen(texts[i]) > 8);
        /* A sentence of its own, not what APR says about a code that it does not know. */
        apr_strerror(SMMAP_START_STATUS + i, of_apr, sizeof of_apr);
        CHECK(strcmp(texts[i], of_apr) != 0);
        for (j = 1; j < i; j++) {
            CHECK(strcmp(texts[i], texts[j]) != 0);
        }
    }
}

static void falls_back_to_apr(void)
{
    static const apr_status_t codes[] = {APR_ENOENT, APR_EACCES,   APR_EINVAL,
                                         APR_EOF,    APR_ENOTIMPL, APR_EBADF};
    char ours[200];
    char theirs[200];
    apr_size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        smmap_strerror(codes[i], ours, sizeof ours);
        apr_strerror(codes[i], theirs, sizeof theirs);
        CHECK(strcmp(ours, theirs) == 0);
        CHECK(ours[0] != '\0');
    }
}

/* What the system has run out of: which limits that can be, and what to do. */
static void shortages(void)
{
    char text[400];

    smmap_strerror(APR_ENOMEM, text, sizeof text);
    CHECK(strstr(text, "address space (ulimit -v)") != NULL);
    CHECK(strstr(text, "vm.max_map_count") != NULL && strstr(text, "unpin windows") != NULL);
    smmap_strerror(APR_EMFILE, text, sizeof text);
    CHECK(strstr(text, "ulimit -n") != NULL && strstr(text, "lower max_open_files") != NULL);
    smmap_strerror(APR_ENFILE, text, sizeof text);
    CHECK(strstr(text, "fs.file-max") != NULL && strstr(text, "lower max_open_files") != NULL);
}

static void unknown_codes(void)
{
    /* Codes that neither the library nor APR has a text for. */
    static const apr_status_t codes[] = {SMMAP_START_STATUS, SMMAP_END_STATUS,
                                         SMMAP_START_STATUS + 9999, APR_OS_START_USERERR + 5};
    char text[200];
    char number[40];
    apr_size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        snprintf(number, sizeof number, "%d", (int)codes[i]);
        smmap_strerror(codes[i], text, sizeof text);
        CHECK(strstr(text, number) != NULL);
    }
}

static void small_buffers(void)
{
    static const apr_status_t codes[] = {SMMAP_ESTALE, SMMAP_ELIMIT_BYTES, APR_ENOENT,
                                         SMMAP_END_STATUS};
    char whole[300];
    char cut[300];
    apr_size_t size;
    apr_size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        smmap_strerror(codes[i], whole, sizeof whole);
        for (size = 0; size < strlen(whole) + 3; size++) {
            apr_size_t kept = size > strlen(whole) ? strlen(whole) : size - (size > 0);

            memset(cut, '#', sizeof cut);
            CHECK(smmap_strerror(codes[i], cut, size) == cut);
            if (size > 0) {
                CHECK_NUMBER(strlen(cut), kept);
                CHECK(strncmp(cut, whole, kept) == 0);
            }
            /* Nothing behind the buffer was written. */
            CHECK(cut[size] == '#' && cut[size + 1] == '#');
        }
    }
}

static void version(void)
{
    int major = -1;
    int minor = -1;
    int patch = -1;
    char text[60];

    snprintf(text, sizeof text, "%d.%d.%d", SMMAP_VERSION_MAJOR, SMMAP_VERSION_MINOR,
             SMMAP_VERSION_PATCH);
    CHECK(strcmp(SMMAP_VERSION_STRING, text) == 0);
    CHECK(SMMAP_VERSION_AT_LEAST(SMMAP_VERSION_MAJOR, SMMAP_VERSION_MINOR, SMMAP_VERSION_PATCH));
    CHECK(!SMMAP_VERSION_AT_LEAST(SMMAP_VERSION_MAJOR, SMMAP_VERSION_MINOR + 1, 0));
    CHECK(!SMMAP_VERSION_AT_LEAST(SMMAP_VERSION_MAJOR + 1, 0, 0));
    CHECK(strcmp(smmap_version(&major, &minor, &patch), text) == 0);
    CHECK_NUMBER(major, SMMAP_VERSION_MAJOR);
    CHECK_NUMBER(minor, SMMAP_VERSION_MINOR);
    CHECK_NUMBER(patch, SMMAP_VERSION_PATCH);
    CHECK(strcmp(smmap_version(NULL, NULL, NULL), text) == 0);
    major = -1;
    smmap_version(&major, NULL, NULL);
    CHECK_NUMBER(major, SMMAP_VERSION_MAJOR);
}

static const test_case_t cases[] = {{"range", range},
                                    {"own_texts", own_texts},
                                    {"falls_back_to_apr", falls_back_to_apr},
                                    {"shortages", shortages},
                                    {"unknown_codes", unknown_codes},
                                    {"small_buffers", small_buffers},
                                    {"version", version},
                                    {NULL, NULL}};

const test_module_t test_status = {"status", cases};
