/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages for status codes, and the version that was built.
 *
 * Each message says what happened and, where there is one, the remedy. The
 * table is in the order of the codes in smmap/status.h.
 */
#include "core/base/base.h"

#include <apr_strings.h>

#include "smmap/status.h"
#include "smmap/version.h"

static const struct {
    apr_status_t status;
    const char *text;
} messages[] = {
    {SMMAP_ECLOSED, "the manager was destroyed"},
    {SMMAP_ENOFILE, "no file: none was given, or none is known by that path"},
    {SMMAP_ENOTREGULAR, "not a regular file with a size, so it cannot be mapped"},
    {SMMAP_ESTALE, "the path names another file than when it was opened"},
    {SMMAP_ETRUNCATED, "the file was cut short while it was open"},
    {SMMAP_ELIMIT_BYTES, "the hard limit of mapped bytes leaves no room; raise it, unpin windows "
                         "or use smaller ones"},
    {SMMAP_ELIMIT_REGIONS, "the hard limit of mapped regions leaves no room; raise it or unpin "
                           "windows"},
    {SMMAP_ELIMIT_FILES, "the hard limit of open files leaves no room; raise it or close cursors"},
    {SMMAP_ETOOLARGE, "larger than this machine can address, or one call takes, in one piece"},
    {SMMAP_ESPLIT, "the bytes cross the end of a window; read them as a copy"},
    {SMMAP_ENOWINDOW, "no window is in use"},
    {SMMAP_EFAULT, "a page of the file could not be read when it was touched"},
    {SMMAP_EWOULDBLOCK, "not there yet: it would have to be waited for"},
};

/* What the system has run out of. It says the same, by whatever code, for limits that differ,
   and not which; so the sentence names those that it can be. */

static int is_memory(apr_status_t status)
{
    return APR_STATUS_IS_ENOMEM(status) ? 1 : 0;
}

static int is_descriptors(apr_status_t status)
{
    return APR_STATUS_IS_EMFILE(status) ? 1 : 0;
}

static int is_all_files(apr_status_t status)
{
    return APR_STATUS_IS_ENFILE(status) ? 1 : 0;
}

static const struct {
    int (*is)(apr_status_t status);
    const char *text;
} shortages[] = {
    {is_memory, "out of memory, address space (ulimit -v) or mappings (vm.max_map_count on Linux); "
                "raise that limit, or lower the manager's limits of bytes or regions or its "
                "window size, or unpin windows"},
    {is_descriptors, "the process has no more descriptors (ulimit -n); raise that limit, lower "
                     "max_open_files or close cursors that were opened by handle"},
    {is_all_files, "the whole system has no more open files (fs.file-max on Linux); raise that "
                   "limit or lower max_open_files"},
};

char *smmap_strerror(apr_status_t status, char *buffer, apr_size_t size)
{
    apr_size_t i;

    if (buffer == NULL || size == 0) {
        return buffer;
    }
    for (i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (messages[i].status == status) {
            apr_cpystrn(buffer, messages[i].text, size);
            return buffer;
        }
    }
    for (i = 0; i < sizeof shortages / sizeof shortages[0]; i++) {
        if (shortages[i].is(status)) {
            apr_cpystrn(buffer, shortages[i].text, size);
            return buffer;
        }
    }
    if (status >= APR_OS_START_USERERR && status < APR_OS_START_CANONERR) {
        /* Of some library: APR would only say that it does not know it. */
        apr_snprintf(buffer, size, "unknown status %d", status);
        return buffer;
    }
    apr_strerror(status, buffer, size);
    return buffer;
}

const char *smmap_version(int *major, int *minor, int *patch)
{
    if (major != NULL) {
        *major = SMMAP_VERSION_MAJOR;
    }
    if (minor != NULL) {
        *minor = SMMAP_VERSION_MINOR;
    }
    if (patch != NULL) {
        *patch = SMMAP_VERSION_PATCH;
    }
    return SMMAP_VERSION_STRING;
}
