# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="what a POSIX system without Linux's own calls compiles, as far as this one shows it"
lane_things="gcc make autotools pkg-config apr cunit zlib git"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "this system has no calls of Linux anyway"
        return 1
    fi
}

# Without statx, membarrier and the like; and with pthread's keys for words of a thread, as on
# macOS. The headers of the C library stay as they are.
lane_run()
{
    build_all --enable-werror CC=gcc \
        CPPFLAGS="-U__linux__ -U__linux -Ulinux -DSMMAP_GUARD_KEYS" || return 1
    export SMMAP_TEST_SKIP=$source/tests/support/not-linux.txt
    say "    skipped: tests/cli, tests/package because all that differs is in the library"
    run_tests SMMAP_TEST_LIGHT=1 TESTS="$(list_tests '[^h]$|kept')"
}
