#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Plugins that use the guard, in a program with a SIGBUS handler of its own: it is called for
# faults that are not ours, whatever the number of copies of the library, also after plugins were
# unloaded. In a static program the guard works, too.
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

make_work plugin

# The flags are lists, so they are not quoted.
# shellcheck disable=SC2086
compile()
{
    $CC $CFLAGS -I"$top_srcdir/include" $APR_CFLAGS "$@"
}

# plugin NAME WITH...
plugin()
{
    plugin_name=$1
    shift
    # shellcheck disable=SC2086
    compile -fPIC -shared "$top_srcdir/tests/package/plugin.c" -o "$work/$plugin_name.so" \
        $LDFLAGS "$@" $APR_LIBS >"$work/$plugin_name.log" 2>&1
}

# copy NAME: one that contains the library.
copy()
{
    plugin "$1" -Wl,--whole-archive "$SMMAP_LIBDIR/libsmmap.a" -Wl,--no-whole-archive \
        -Wl,-Bsymbolic -Wl,--exclude-libs,ALL
}

# shellcheck disable=SC2086
host()
{
    (cd "$work" && LD_LIBRARY_PATH="$SMMAP_LIBDIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
        ${TEST_RUNNER:-} ./host cut "$@")
}

# It has no dynamic loader to ask.
static_program()
{
    echo 'int plugin_start(void); int main(void) { return !plugin_start(); }' >"$work/main.c"
    # shellcheck disable=SC2086
    compile -static "$work/main.c" "$top_srcdir/tests/package/plugin.c" -o "$work/static" \
        $LDFLAGS "$SMMAP_LIBDIR/libsmmap.a" $APR_LIBS -lpthread >"$work/static.log" 2>&1 ||
        return 0 # there is no static APR here
    ${TEST_RUNNER:-} "$work/static"
}

# shellcheck disable=SC2086
compile "$top_srcdir/tests/package/plugin_host.c" -o "$work/host" $LDFLAGS -ldl
if [ -e "$SMMAP_LIBDIR/libsmmap.so" ]; then
    check "a plugin links" plugin shared -L"$SMMAP_LIBDIR" -lsmmap
    check "one plugin" host handler +./shared.so
    check "one plugin, unloaded" host handler +./shared.so -./shared.so
    check "loaded twice" host handler +./shared.so -./shared.so +./shared.so
else
    skip "plugins with the shared library" "it is not built, or has another name here"
fi
if [ -e "$SMMAP_LIBDIR/libsmmap.a" ] && copy one && copy two && copy three; then
    check "one copy" host handler +./one.so
    check "one copy, unloaded" host handler +./one.so -./one.so
    check "two copies" host handler +./one.so +./two.so
    check "two copies, the first unloaded" host handler +./one.so +./two.so -./one.so
    check "two copies, both unloaded" host handler +./one.so +./two.so -./two.so -./one.so
    check "two copies, each started again" host handler +./one.so +./two.so +./one.so +./two.so
    check "three copies" host handler +./one.so +./two.so +./three.so +./one.so -./two.so
    check "two copies, started again and again over the handler" \
        host +./one.so handler +./two.so +./one.so +./two.so +./one.so
    check "two copies below the handler, one above" \
        host +./one.so +./two.so handler +./three.so +./one.so +./three.so +./one.so
    check "three copies, started again and again over the handler" \
        host +./one.so handler +./two.so +./three.so +./one.so +./two.so -./one.so +./three.so
    check "a static program" static_program
else
    skip "plugins with copies of their own" "the static library cannot be linked into a plugin"
fi
finish
