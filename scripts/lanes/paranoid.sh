# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the whole suite with SMMAP_PARANOID=1: what nobody pins cannot be touched"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    native_build || return 1
    build=$programs
    export SMMAP_PARANOID=1
    # With light counts, and one granularity, suite-fake takes 1937 to 1943 of the core's branches
    # in this mode; with full counts, in four times the time, 1951.
    export SMMAP_TEST_LIGHT=1
    # Of the scripts, those that read files with the library.
    run_tests TESTS="$(list_tests '[^h]$|kept|command|packscan')"
}
