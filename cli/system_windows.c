/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: consoles.
 */
#include "cli/system.h"

#include <windows.h>

int system_is_terminal(apr_os_file_t file)
{
    DWORD mode;

    return GetConsoleMode(file, &mode) != 0;
}

int system_columns(apr_os_file_t file)
{
    CONSOLE_SCREEN_BUFFER_INFO info;

    if (!GetConsoleScreenBufferInfo(file, &info)) {
        return 0;
    }
    return info.srWindow.Right - info.srWindow.Left + 1;
}

int system_colours(apr_os_file_t file)
{
    DWORD mode;

    return GetConsoleMode(file, &mode) && (mode & 4) != 0; /* virtual terminal sequences */
}

apr_status_t system_next_data(apr_os_file_t file, apr_off_t at, apr_off_t *begin, apr_off_t *end)
{
    (void)file;
    (void)at;
    (void)begin;
    (void)end;
    return APR_ENOTIMPL;
}

int system_skip(apr_os_file_t file, apr_off_t bytes)
{
    (void)file;
    (void)bytes;
    return 0;
}

apr_uint64_t system_open_files(void)
{
    return 0;
}

apr_uint64_t system_address_space(void)
{
    return 0;
}
