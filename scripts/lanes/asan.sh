# shellcheck shell=bash
lane_about="AddressSanitizer and UndefinedBehaviorSanitizer, leaks too, the whole suite"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    . "$top/scripts/lib/sanitizers.sh"
    asan_build && run_tests
}
