#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The public headers, as a program outside of this tree meets them: each alone and all
# together, as C from C90 on and as C++ from C++98 on, with every warning as an error;
# and a program in C90 and one in C++ that link with the shared library and run. The classes of
# smmap.hpp are for C++17 and have a program of their own.
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

make_work headers

# The headers of APR are not ours to warn about.
apr_flags=$(printf '%s\n' "$APR_CFLAGS" | sed 's/-I */-isystem /g')

warnings="-pedantic-errors -Wall -Wextra -Werror -Wshadow -Wconversion -Wpointer-arith
    -Wcast-qual -Wwrite-strings -Wundef -Wredundant-decls"
c_warnings="$warnings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition"

# The flags are lists, so they are not quoted.
# shellcheck disable=SC2086
compile()
{
    compiler=$1
    shift
    $compiler $CFLAGS "$@" $apr_flags -I"$top_srcdir/include" -c -o "$work/object.o"
}

# Does the compiler know this standard?
knows()
{
    echo 'int smmap_probe;' >"$work/probe.$2"
    # shellcheck disable=SC2086
    $1 $CFLAGS "$3" -c -o "$work/probe.o" "$work/probe.$2" >/dev/null 2>&1
}

# headers COMPILER SUFFIX STANDARD WARNINGS: each is included twice, to see its guard.
headers()
{
    for header in "$top_srcdir"/include/smmap/*.h; do
        name=smmap/$(basename "$header")
        printf '#include <%s>\n#include <%s>\nextern int smmap_probe;\nint smmap_probe = 0;\n' \
            "$name" "$name" >"$work/one.$2"
        # shellcheck disable=SC2086
        check "<$name> with $1 $3" compile "$1" "$3" $4 "$work/one.$2"
    done
}

# run COMPILER SOURCE STANDARD WARNINGS: the program gets the path of a file that it may make.
# shellcheck disable=SC2086
run()
{
    compile "$1" $3 $4 "$2" &&
        $1 $CFLAGS $3 $LDFLAGS -o "$work/program" "$work/object.o" -L"$SMMAP_LIBDIR" -lsmmap \
            $APR_LIBS &&
        LD_LIBRARY_PATH="$SMMAP_LIBDIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
            DYLD_LIBRARY_PATH="$SMMAP_LIBDIR" ${TEST_RUNNER:-} "$work/program" "$work/file"
}

# Every function of a manager, a cursor or a buffer is called in smmap.hpp. In the place of
# smmap_cursor_peek() it has the inline function that this one is made of.
wrapped()
{
    grep -E '^smmap_(manager|cursor|buffer)_' "$top_srcdir/tests/package/exports.txt" |
        grep -v '^smmap_cursor_peek$' >"$work/functions"
    while read -r name; do
        grep -q "${name}[^a-z_]" "$top_srcdir/include/smmap/smmap.hpp" || echo "not there: $name"
    done <"$work/functions" >"$work/missing"
    cat "$work/missing"
    test -s "$work/functions" && test ! -s "$work/missing"
}

for standard in c90 c99 c11 c17; do
    if knows "$CC" c "-std=$standard"; then
        headers "$CC" c "-std=$standard" "$c_warnings"
    else
        skip "headers as $standard" "$CC does not know it"
    fi
done
check "tests/package/header_c90.c with $CC runs" \
    run "$CC" "$top_srcdir/tests/package/header_c90.c" -std=c90 "$c_warnings"

if [ "$CXX" = none ]; then
    skip "headers as C++" "there is no C++ compiler"
else
    for standard in c++98 c++11 c++17 c++20; do
        if knows "$CXX" cpp "-std=$standard"; then
            headers "$CXX" cpp "-std=$standard" "$warnings"
        else
            skip "headers as $standard" "$CXX does not know it"
        fi
    done
    check "tests/package/header_cxx.cpp with $CXX runs" \
        run "$CXX" "$top_srcdir/tests/package/header_cxx.cpp" -std=c++98 "$warnings"
    for standard in c++17 c++20; do
        if knows "$CXX" cpp "-std=$standard"; then
            check "tests/package/header_cxx17.cpp with $CXX -std=$standard runs" \
                run "$CXX" "$top_srcdir/tests/package/header_cxx17.cpp" \
                "-std=$standard -pthread" \
                "$warnings -Wold-style-cast -Wzero-as-null-pointer-constant"
        else
            skip "smmap.hpp as $standard" "$CXX does not know it"
        fi
    done
fi
check "smmap.hpp has all functions" wrapped

finish
