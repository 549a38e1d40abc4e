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
