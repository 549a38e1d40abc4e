# shellcheck shell=bash
lane_about="clang, all warnings as errors, the whole suite"
lane_things="clang make autotools pkg-config apr cunit zlib git"

lane_run()
{
    # The benchmark compiles; that it runs is seen in the lanes native, asan and cmake.
    # shellcheck disable=SC2046 # a list of words
    build_all $(configure_places) --enable-werror CC=clang CXX=clang++ \
        CFLAGS="-O2 -g -Wthread-safety" &&
        run_tests TESTS="$(list_tests . | sed 's,tests/cli/bench\.sh ,,')"
}
