# shellcheck shell=bash
lane_about="clang, all warnings as errors, the programs of the suite, the headers"
lane_things="clang make autotools pkg-config apr cunit zlib git"

lane_run()
{
    # The scripts are about the command, which the lanes native and asan run.
    # shellcheck disable=SC2046 # a list of words
    build_all $(configure_places) --enable-werror --disable-static CC=clang CXX=clang++ \
        CFLAGS="-O2 -g -Wthread-safety" &&
        run_tests TESTS="$(list_tests '[^h]$|/package/')"
}
