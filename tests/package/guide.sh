#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The programs in README.md and docs/guide: each compiles without warnings, links with the shared
# library, and its commands print what the page says.
#
# In a page, a block ```c is a program, whose name is in its first line (in README.md: first), and
# a block ```console is commands, behind "$ ", and what they print on standard output. The block
# ```cpp in README.md is the first program again, in C++17.
#
# Reads top_srcdir, SMMAP_LIBDIR (where the libraries are), CC, CXX, CFLAGS, LDFLAGS, APR_CFLAGS,
# APR_LIBS, and TEST_RUNNER (what runs programs, or nothing) from the environment, as `make check`
# and ctest set them.
# shellcheck disable=SC2317 # check() calls the functions
set -eu

: "${top_srcdir:=.}" "${SMMAP_LIBDIR:=${top_builddir:-.}/.libs}" "${CC:=cc}" "${CXX:=none}"
: "${CFLAGS=}" "${LDFLAGS=}" "${APR_CFLAGS=}" "${APR_LIBS=}"
# shellcheck source=../support/lib.sh source-path=SCRIPTDIR
. "$top_srcdir/tests/support/lib.sh"

make_work guide
unset SMMAP_PARANOID SMMAP_TRACE
top=$(cd "$top_srcdir" && pwd)
libraries=$(cd "$SMMAP_LIBDIR" && pwd)
export DYLD_LIBRARY_PATH="$libraries"
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# block PAGE KIND
block()
{
    sed -n '/^```'"$2"'$/,/^```$/{/^```/!p;}' "$1"
}

# The flags are lists, so they are not quoted.
# shellcheck disable=SC2086
build()
{
    ${2:-$CC} $CFLAGS -I"$top/include" $APR_CFLAGS "$1.${3:-c}" -o "$1" $LDFLAGS \
        -L"$libraries" -lsmmap $APR_LIBS
}

# shellcheck disable=SC2086
says_in_cxx()
{
    printf abCde >data
    test "$(${TEST_RUNNER:-} ./cxx data)" = "the byte in the middle is 43"
}

# Commands run here, one after the other, and what they print stands behind them again.
says()
{
    block "$1" console >expected
    grep '^\$ ' expected | sed 's/^\$ //' | while IFS= read -r command; do
        printf '$ %s\n' "$command"
        echo "$command" | sed "s|\./|${TEST_RUNNER:+$TEST_RUNNER }./|" >command
        sh ./command </dev/null || true
    done >printed
    diff expected printed
}

cd "$work"
for page in "$top"/README.md "$top"/docs/guide/*.md; do
    rm -f program*.c
    awk '/^```c$/ { file = "program" ++n ".c"; next } /^```$/ { file = "" }
        file { print >file }' "$page"
    name=
    for program in program*.c; do
        test -s "$program" || continue
        name=$(sed -n '1s|^/\* \([a-z]*\)\.c:.*|\1|p' "$program")
        name=${name:-first}
        mv "$program" "$name.c"
        check "$name: it compiles and links" build "$name"
    done
    test -z "$name" || check "${page##*/}: its commands print what it says" says "$page"
done
block "$top/README.md" cpp >cxx.cpp
if [ "$CXX" = none ]; then
    skip "README.md in C++" "there is no C++ compiler"
else
    check "README.md in C++: it compiles and links" build cxx "$CXX -std=c++17" cpp
    check "README.md in C++: it prints the byte" says_in_cxx
fi
finish
