# shellcheck shell=bash
lane_about="gcc -O3, all warnings as errors, the programs of the suite"
lane_things="gcc make autotools pkg-config apr cunit zlib git"

lane_possible()
{
    if [ "$(uname -s)" = Darwin ] && gcc --version 2>/dev/null | grep -qi clang; then
        echo "gcc is clang on this system"
        return 1
    fi
}

# Where the compiler makes a copy without a call, the guard must still find its way out of it.
# What is made for this goes again, so that the next build makes its own.
guard_of_inlined_copies()
{
    local made="$build/backends/posix/*guard.*o $build/libbackend.la $build/tests/suite-posix"
    local answer=0
    # Patterns.
    # shellcheck disable=SC2086
    rm -f $made
    (cd "$build" && make tests/suite-posix CFLAGS="-O2 -g -minline-all-stringops" &&
        tests/suite-posix --only guard &&
        tests/suite-posix --only pointers && tests/suite-posix --only faults) || answer=1
    # shellcheck disable=SC2086
    rm -f $made
    return $answer
}

lane_run()
{
    local answer=0
    # At -O2, with the scripts and the shared library, they are the lane native where cc is gcc.
    # shellcheck disable=SC2046 # a list of words
    build_all $(configure_places) --enable-werror --disable-shared CC=gcc CXX=g++ \
        CFLAGS="-O3 -g" || return 1
    run_tests TESTS="$(list_tests '[^h]$')" || answer=1
    if [ "$(uname -m)" = x86_64 ]; then
        step "the guard where copies are made in place" guard_of_inlined_copies || answer=1
    else
        say "    skipped: the guard where copies are made in place because the option is for x86"
    fi
    return $answer
}
