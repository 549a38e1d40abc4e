# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="AddressSanitizer and UndefinedBehaviorSanitizer, leaks too: suites, model, command"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    . "$top/scripts/lib/sanitizers.sh"
    # The lanes stress and chaos run their programs of this build, and for longer. headers.sh runs
    # the compiler alone.
    asan_build && run_tests TESTS="$(build=$programs list_tests \
        '^tests/(suite|model|cli|package/[^h])')"
}
