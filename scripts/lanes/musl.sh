# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="Linux with musl as its C library: the whole suite"
lane_things="gcc make autotools pkg-config apr cunit zlib git musl sources"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "musl is for Linux"
        return 1
    elif ! has_commands apt-get; then
        echo "APR, CUnit and zlib are built from the source packages of Debian or Ubuntu"
        return 1
    fi
}

# Where APR, CUnit and zlib for musl are or will be. The versions are in the name.
musl_prefix()
{
    local apr cunit zlib musl
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) &&
        zlib=$(source_version zlib1g-dev) && musl=$(source_version musl-dev) || return 1
    source_cache "musl-$musl-apr-$apr-cunit-$cunit-zlib-$zlib-gcc-$(gcc -dumpversion)"
}

# musl-gcc looks for no headers but musl's, which are not those of the kernel.
kernel_headers()
{
    local name place
    mkdir -p "$1"
    for name in linux asm asm-generic mtd; do
        place=/usr/include/$name
        test -d "$place" || place=/usr/include/$(gcc -print-multiarch)/$name
        ln -s "$place" "$1/$name" || return 1
    done
}

musl_apr()
{
    mkdir apr-build
    (cd apr-build && ../apr/configure CC="$compiler" CFLAGS="-O2 -g" --prefix="$1" --disable-static &&
        make -j "$jobs" && make install)
}

musl_zlib()
{
    (cd zlib && CC=$compiler CFLAGS="-O2 -g -fPIC" ./configure --static --prefix="$1" &&
        make -j "$jobs" libz.a && make install)
}

musl_libraries()
{
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev zlib:zlib1g-dev &&
        kernel_headers "$1/kernel" && musl_apr "$1" && musl_zlib "$1" && build_cunit "$1" "$compiler"
}

lane_run()
{
    local libraries compiler
    . "$top/scripts/lib/sources.sh"
    libraries=$(musl_prefix) || return 1
    compiler="musl-gcc -idirafter $libraries/kernel"
    built_once "$libraries" "APR, CUnit and zlib for musl" musl_libraries "$libraries" || return 1
    # Programs that are linked without libtool find APR by LDFLAGS, too.
    build_all --enable-werror --with-apr="$libraries" --with-cunit="$libraries" \
        --with-zlib="$libraries" CC="$compiler" CXX=none LDFLAGS="-Wl,-rpath,$libraries/lib" &&
        run_tests
}
