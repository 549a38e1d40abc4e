# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Running programs for Windows with Wine, in a directory of the lane: what the user keeps in
# ~/.wine is neither read nor written, and no lane ends the server of another.

# wine_begin: make the directory, and start one server that stays. Without it each program
# that is read through a pipe would wait seconds for Wine's services to end.
wine_begin()
{
    export WINEPREFIX=$work/wine-$lane WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
    export LC_ALL=C.UTF-8 # the names of files, to Wine
    unset DISPLAY
    mkdir -p "$WINEPREFIX"
    wineserver -p && wine cmd /c exit </dev/null >/dev/null 2>&1
}

# wine_end: end the server, and with it what still runs in this directory.
wine_end()
{
    wineserver -k
    wineserver -w
}

# wine_path FILE: how a program for Windows calls it.
wine_path()
{
    echo "Z:$1" | tr / '\\'
}
