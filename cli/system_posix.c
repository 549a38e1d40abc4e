/*
 * POSIX systems: terminals.
 */
#include "config.h"

#include "cli/system.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int system_is_terminal(apr_os_file_t file)
{
    return isatty(file);
}

int system_columns(apr_os_file_t file)
{
#ifdef TIOCGWINSZ
    struct winsize size;

    if (ioctl(file, TIOCGWINSZ, &size) == 0) {
        return size.ws_col;
    }
#endif
    (void)file;
    return 0;
}
