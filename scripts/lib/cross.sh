# shellcheck shell=bash
# Lanes for Linux on another processor: clang compiles for it, qemu-user runs what comes out. The
# cross compilers of gcc conflict with gcc-multilib, which the lane m32 needs; these packages do not.
#
# APR, CUnit and zlib are built once, and kept outside the tree.

. "$top/scripts/lib/sources.sh"

cross_things="gcc clang make autotools pkg-config apr cunit zlib git qemu-user sources"

cross_possible()
{
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        echo "it is for Linux on x86-64"
        return 1
    elif ! has_commands apt-get; then
        echo "APR, CUnit and zlib are built from the source packages of Debian or Ubuntu"
        return 1
    fi
}

# cross_prefix TRIPLE: where the libraries are or will be. What they are made of is in the name, the
# text of this file too.
cross_prefix()
{
    local apr cunit zlib
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) &&
        zlib=$(source_version zlib1g-dev) || return 1
    source_cache "$1-clang-$(clang -dumpversion)-apr-$apr-cunit-$cunit-zlib-$zlib-$(
        cksum <"$top/scripts/lib/cross.sh" | cut -d ' ' -f 1)"
}

# cross_build TRIPLE PREFIX
cross_build()
{
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev zlib:zlib1g-dev &&
        cross_apr "$1" "$2" && cross_zlib "$1" "$2" &&
        AR=$1-ar build_cunit "$2" "clang --target=$1" &&
        clang "--target=$1" -shared -fPIC -O1 -Wall -Wextra -Werror \
            "$source/tests/support/qemu_sigbus.c" -o "$2/lib/qemu_sigbus.so" -ldl
}

# What APR's configure would find out by running a program: each is so on Linux with glibc.
cross_apr()
{
    local iovec=16
    case $1 in
    arm*) iovec=8 ;;
    esac
    mkdir apr-build
    (cd apr-build && ../apr/configure --build=x86_64-pc-linux-gnu --host="$1" --prefix="$2" \
        CC="clang --target=$1" AR="$1-ar" RANLIB="$1-ranlib" CFLAGS="-O2 -g" --disable-static \
        ac_cv_file__dev_zero=yes ac_cv_func_setpgrp_void=yes ac_cv_struct_rlimit=yes \
        ac_cv_sizeof_struct_iovec=$iovec ac_cv_strerror_r_rc_int=no apr_cv_epoll=yes \
        apr_cv_tcp_nodelay_with_cork=yes apr_cv_process_shared_works=yes apr_cv_use_lfs64=yes \
        apr_cv_mutex_robust_shared=yes apr_cv_mutex_recursive=yes &&
        make -j "$jobs" && make install)
}

cross_zlib()
{
    (cd zlib && CC="clang --target=$1" AR=$1-ar RANLIB=$1-ranlib CFLAGS="-O2 -g -fPIC" \
        ./configure --static --prefix="$2" && make -j "$jobs" libz.a && make install)
}

# cross_run TRIPLE QEMU: build, and run what there is, with the counts for checkers.
cross_run()
{
    local libraries runner
    libraries=$(cross_prefix "$1") || return 1
    built_once "$libraries" "APR, CUnit and zlib for $1" cross_build "$1" "$libraries" || return 1
    runner="$2 -L /usr/$1 -E LD_PRELOAD=$libraries/lib/qemu_sigbus.so"
    runner="$runner -E LD_LIBRARY_PATH=$libraries/lib:$build/.libs"
    build_all --build=x86_64-pc-linux-gnu --host="$1" --enable-werror --with-apr="$libraries" \
        --with-cunit="$libraries" --with-zlib="$libraries" --without-glib CC="clang --target=$1" \
        CXX=none AR="$1-ar" RANLIB="$1-ranlib" NM="$1-nm" TEST_RUNNER="$runner" || return 1
    say "    skipped: tests/cli/bench.sh because an emulator's times say nothing"
    run_tests SMMAP_TEST_LIGHT=1 TESTS="$(list_tests '' | sed 's,tests/cli/bench.sh,,')"
}
