#!/bin/sh
# The example in the README is examples/first.c to the letter, links with the shared
# library, and does what it says.
#
# Reads top_srcdir, SMMAP_LIBDIR (where the libraries are), CC, CFLAGS, LDFLAGS, APR_CFLAGS,
# APR_LIBS, and TEST_RUNNER (what runs programs, or nothing) from the environment, as `make check`
# and ctest set them.
# shellcheck disable=SC2317 # check() calls the functions
set -eu

: "${top_srcdir:=.}" "${SMMAP_LIBDIR:=${top_builddir:-.}/.libs}" "${CC:=cc}"
: "${CFLAGS=}" "${LDFLAGS=}" "${APR_CFLAGS=}" "${APR_LIBS=}"
# shellcheck source=../support/lib.sh source-path=SCRIPTDIR
. "$top_srcdir/tests/support/lib.sh"

make_work readme

# The flags are lists, so they are not quoted.
# shellcheck disable=SC2086
build()
{
    $CC $CFLAGS -I"$top_srcdir/include" $APR_CFLAGS "$work/readme.c" -o "$work/first" \
        $LDFLAGS -L"$SMMAP_LIBDIR" -lsmmap $APR_LIBS
}

# shellcheck disable=SC2086
says()
{
    said=$(LD_LIBRARY_PATH="$SMMAP_LIBDIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
        DYLD_LIBRARY_PATH="$SMMAP_LIBDIR" ${TEST_RUNNER:-} "$work/first" "$work/data")
    echo "said: $said"
    [ "$said" = "the byte in the middle is 43" ]
}

sed -n '/^```c$/,/^```$/p' "$top_srcdir/README.md" | sed '1d;$d' > "$work/readme.c"
printf 'abCde' > "$work/data"
check "the README shows examples/first.c" cmp "$work/readme.c" "$top_srcdir/examples/first.c"
check "it compiles and links" build
check "it shows the byte in the middle" says
finish
