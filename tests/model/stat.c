/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measuring a file, for the model: apr_file_info_get() defined here takes the place of APR's,
 * as the program's symbols go before those of a shared library. So it can be counted and made
 * to fail, and it returns the model's own ids and times. The core measures files by nothing
 * else. See model.h.
 */
#include "model.h"

#include <apr_file_info.h>
#include <apr_portable.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static apr_size_t calls;
static apr_size_t fails_at;
static int fails_on;
static apr_status_t fails_with;

void model_stat_fail(apr_size_t which, int forever, apr_status_t status)
{
    fails_at = calls + which;
    fails_on = forever;
    fails_with = status;
}

void model_stat_fail_none(void)
{
    fails_at = 0;
}

void model_stat_reset(void)
{
    calls = 0;
    fails_at = 0;
}

apr_size_t model_stat_calls(void)
{
    return calls;
}

apr_status_t apr_file_info_get(apr_finfo_t *info, apr_int32_t wanted, apr_file_t *file)
{
    apr_os_file_t handle;
    struct stat is;
    apr_uint64_t id;
    apr_status_t status = apr_os_file_get(&handle, file);

    calls++;
    if (fails_at != 0 && (calls == fails_at || (calls > fails_at && fails_on))) {
        return fails_with;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (fstat(handle, &is) != 0) {
        return errno;
    }
    memset(info, 0, sizeof *info);
    info->filetype = S_ISREG(is.st_mode) ? APR_REG : S_ISDIR(is.st_mode) ? APR_DIR : APR_UNKFILE;
    info->device = is.st_dev;
    info->size = is.st_size;
    model_disk_tell((apr_uint64_t)is.st_ino, &id, &info->mtime, &info->ctime);
    info->inode = (apr_ino_t)id;
    info->valid = wanted;
    return APR_SUCCESS;
}
