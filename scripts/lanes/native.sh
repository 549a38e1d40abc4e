# shellcheck shell=bash
lane_about="this system's compiler, the whole suite (the default)"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    native_build && run_tests
}
