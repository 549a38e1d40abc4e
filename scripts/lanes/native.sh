# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="this system's compiler, the whole suite (the default)"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git shells"

lane_run()
{
    native_build || return 1
    step "includes and calls run one way" "$top/scripts/floors" "$build"
    # One word of make's, of many tests.
    run_tests ${quick:+TESTS="$(list_tests '[^h]$')"}
}
