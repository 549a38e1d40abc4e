/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the holes of a sparse file are, for `smmap cat` and `smmap find`: they are not read.
 *
 * A hole is asked for with a handle of the command's own, and counts only where that is on the same
 * file as the cursor.
 */
#include "tools/holes.h"

#include <apr_file_io.h>

#include "cli/system.h"

/* Fewer blocks than bytes: there may be holes. */
void tool_holes_open(tool_holes_t *holes, const tool_t *tool, apr_file_t *file,
                     const smmap_cursor_t *cursor, apr_pool_t *pool)
{
    apr_finfo_t info;
    smmap_cursor_t *other;

    holes->data_begin = holes->data_end = 0;
    holes->is_sparse =
        apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_CSIZE | APR_FINFO_TYPE, file) ==
            APR_SUCCESS &&
        info.filetype == APR_REG && info.csize < info.size &&
        apr_os_file_get(&holes->native, file) == APR_SUCCESS &&
        smmap_cursor_open_handle(&other, tool->manager, holes->native, pool) == APR_SUCCESS &&
        smmap_cursor_file_number(other) == smmap_cursor_file_number(cursor);
}

void tool_holes_find_data(tool_holes_t *holes, apr_off_t at, apr_off_t end)
{
    apr_status_t status = APR_ENOTIMPL;

    if (holes->is_sparse) {
        status = system_next_data(holes->native, at, &holes->data_begin, &holes->data_end);
    }
    if (APR_STATUS_IS_EOF(status)) {
        holes->data_begin = holes->data_end = end;
    } else if (status != APR_SUCCESS) {
        holes->data_begin = at;
        holes->data_end = end;
    }
}
