# shellcheck shell=bash
lane_about="gcc, all warnings as errors, the whole suite"
lane_things="gcc make autotools pkg-config apr cunit zlib git"

lane_possible()
{
    if [ "$(uname -s)" = Darwin ] && gcc --version 2>/dev/null | grep -qi clang; then
        echo "gcc is clang on this system"
        return 1
    fi
}

lane_run()
{
    build_and_test --enable-werror CC=gcc CXX=g++ CFLAGS="-O2 -g"
}
