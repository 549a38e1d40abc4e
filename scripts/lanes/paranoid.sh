# shellcheck shell=bash
lane_about="the whole suite with SMMAP_PARANOID=1: what nobody pins cannot be touched"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    native_build || return 1
    build=$programs
    export SMMAP_PARANOID=1
    # Of the scripts, those that read files with the library.
    run_tests TESTS="$(list_tests '[^h]$|kept|command|packscan')"
}
