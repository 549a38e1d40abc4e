# shellcheck shell=bash
lane_about="clang, all warnings as errors, the whole suite"
lane_things="clang make autotools pkg-config apr cunit zlib git"

lane_run()
{
    build_and_test --enable-werror CC=clang CXX=clang++ CFLAGS="-O2 -g -Wthread-safety"
}
