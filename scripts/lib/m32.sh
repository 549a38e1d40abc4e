# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# APR and CUnit as 32-bit libraries for x86 Linux. Distributions have them for 64 bit
# alone, unless a second architecture is added to the package manager, which we do not
# do to somebody's machine. They are built from the source packages once, and kept
# outside the tree.

. "$top/scripts/lib/sources.sh"

# m32_prefix: where they are or will be. The versions are in the name.
m32_prefix()
{
    local apr cunit
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) || return 1
    source_cache "m32-apr-$apr-cunit-$cunit-gcc-$(gcc -dumpversion)"
}

# m32_libraries PREFIX: build them there, unless they are there.
m32_libraries()
{
    built_once "$1" "APR and CUnit for 32 bit" m32_build "$1"
}

m32_build()
{
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev && m32_build_apr "$1" &&
        build_cunit "$1" "gcc -m32"
}

# setarch makes configure believe in a 32-bit machine; with --host it would be a cross build.
m32_build_apr()
{
    mkdir apr-build
    (cd apr-build &&
        setarch i686 ../apr/configure CC="gcc -m32" CFLAGS="-O2 -g" --prefix="$1" \
            --disable-static &&
        make -j "$jobs" && make install)
}
