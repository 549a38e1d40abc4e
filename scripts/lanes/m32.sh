# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="a 32-bit program (-m32): small windows, few addresses; the whole suite"
lane_things="gcc make autotools pkg-config apr cunit git m32 m32-zlib sources"

lane_possible()
{
    builds_libraries || return 1
    if ! runs_32_bit; then
        echo "this kernel runs no 32-bit programs"
        return 1
    fi
}

# Does the kernel run 32-bit programs? This one is an ELF header, a program header and three instructions,
# which call exit(0), so that no compiler is needed.
runs_32_bit()
{
    local program answer
    program=$(mktemp "${TMPDIR:-/tmp}/smmap-m32.XXXXXX") || return 1
    {
        printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0'
        printf '\124\200\4\10\64\0\0\0\0\0\0\0\0\0\0\0\64\0\40\0\1\0\0\0\0\0\0\0'
        printf '\1\0\0\0\0\0\0\0\0\200\4\10\0\200\4\10\135\0\0\0\135\0\0\0\5\0\0\0\0\20\0\0'
        printf '\270\1\0\0\0\61\333\315\200'
    } >"$program"
    chmod +x "$program"
    "$program" 2>/dev/null
    answer=$?
    rm -f "$program"
    return $answer
}

lane_run()
{
    local prefix
    . "$top/scripts/lib/m32.sh"
    prefix=$(m32_prefix) || return 1
    m32_libraries "$prefix" || return 1
    # Programs that are linked without libtool find the 32-bit APR by this.
    export LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    # That something may be used uninitialized is a guess of the optimizer. In 32-bit code
    # gcc 12 guesses so wherever a status that is never 0 comes from another file; the
    # lane cmake has it as an error.
    # With setarch, configure believes in a 32-bit machine and does not think of a
    # cross build, so that what it builds may run.
    configure_prefix="setarch i686"
    build_all --enable-werror --with-apr="$prefix" --with-cunit="$prefix" \
        CC="gcc -m32" CXX="g++ -m32" \
        CFLAGS="-O2 -g -Wno-error=maybe-uninitialized" && run_tests
}
