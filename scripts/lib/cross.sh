# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Lanes for Linux on another processor: clang compiles for it, qemu-user runs what comes out. The
# cross compilers of gcc conflict with gcc-multilib, which the lane m32 needs; these packages do not.
#
# APR, CUnit and zlib are built once, and kept outside the tree.

. "$top/scripts/lib/sources.sh"

cross_things="gcc clang make autotools pkg-config apr cunit zlib git qemu-user sources"

lane_possible()
{
    builds_libraries
}

# cross_prefix TRIPLE: where the libraries are or will be. What they are made of is in the name, and
# how.
cross_prefix()
{
    local apr cunit zlib
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) &&
        zlib=$(source_version zlib1g-dev) || return 1
    source_cache "$1-clang-$(clang -dumpversion)-apr-$apr-cunit-$cunit-zlib-$zlib-$(
        declare -f cross_build cross_apr cross_zlib build_cunit | cksum | cut -d ' ' -f 1)"
}

# cross_build TRIPLE PREFIX
cross_build()
{
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev zlib:zlib1g-dev &&
        cross_apr "$1" "$2" && cross_zlib "$1" "$2" &&
        AR=$1-ar build_cunit "$2" "clang --target=$1"
}

# What APR's configure would find out by running a program: each is so on Linux with glibc. Without
# the compiler's atomics APR takes its own, which clang makes wrong code of for s390x. APR reads
# directories by 32-bit offsets on 32-bit processors, but those that qemu passes on have 64.
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
        apr_cv_mutex_robust_shared=yes apr_cv_mutex_recursive=yes \
        ap_cv__atomic_builtins=yes ap_cv__atomic_builtins64=yes &&
        make CFLAGS="-O2 -g -D_FILE_OFFSET_BITS=64" file_io/unix/dir.lo &&
        make -j "$jobs" && make install)
}

cross_zlib()
{
    (cd zlib && CC="clang --target=$1" AR=$1-ar RANLIB=$1-ranlib CFLAGS="-O2 -g -fPIC" \
        ./configure --static --prefix="$2" && make -j "$jobs" libz.a && make install)
}

# cross_programs TRIPLE QEMU: build, or take what another lane has built. Sets programs, and
# runner, a list of words.
cross_programs()
{
    local libraries
    programs=$work/$1
    libraries=$(cross_prefix "$1") || return 1
    with_lock "$1-libraries" built_once "$libraries" "APR, CUnit and zlib for $1" \
        cross_build "$1" "$libraries" || return 1
    runner="$2 -L /usr/$1 -E LD_PRELOAD=$programs/qemu.so"
    runner="$runner -E LD_LIBRARY_PATH=$libraries/lib:$programs/.libs"
    shared_build "$1" check-programs --build=x86_64-pc-linux-gnu --host="$1" --enable-werror \
        --with-apr="$libraries" --with-cunit="$libraries" --with-zlib="$libraries" \
        CC="clang --target=$1" CXX=none AR="$1-ar" RANLIB="$1-ranlib" NM="$1-nm" \
        TEST_RUNNER="$runner" && with_lock "$1-qemu" cross_preload "$1"
}

# Once: another lane may be running programs with it.
cross_preload()
{
    test "$programs/qemu.so" -nt "$source/tests/support/qemu.c" ||
        clang "--target=$1" -shared -fPIC -O1 -Wall -Wextra -Werror \
            "$source/tests/support/qemu.c" -o "$programs/qemu.so" -ldl
}

# cross_run TRIPLE QEMU: all that there is, with the counts for checkers.
cross_run()
{
    cross_programs "$@" || return 1
    build=$work/$1
    case $1 in
    arm*) export SMMAP_TEST_SKIP=$source/tests/support/qemu-32.txt ;;
    esac
    say "    skipped: tests/cli/bench.sh because an emulator's times say nothing"
    run_tests SMMAP_TEST_LIGHT=1 TESTS="$(list_tests '' | sed 's,tests/cli/bench.sh,,')"
}

# cross_pages BYTES: as on a processor with pages of another size, what asks the system.
cross_pages()
{
    cross_programs aarch64-linux-gnu qemu-aarch64 || return 1
    build=$work/aarch64-linux-gnu
    export QEMU_PAGESIZE=$1 SMMAP_TEST_SKIP=$source/tests/support/qemu-pages.txt
    step "programs see pages of $1 bytes" pages_are "$1"
    run_tests SMMAP_TEST_LIGHT=1 \
        TESTS="tests/suite-posix tests/stress/stress-posix tests/cli/command.sh"
}

pages_are()
{
    "$build/tests/run-smmap" info --json "$source/README.md" | tee /dev/stderr |
        grep -q "\"page_size\":$1,"
}
