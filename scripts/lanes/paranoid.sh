# shellcheck shell=bash
lane_about="the whole suite with SMMAP_PARANOID=1: what nobody pins cannot be touched"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    native_build || return 1
    build=$native_programs
    export SMMAP_PARANOID=1
    run_tests
}
