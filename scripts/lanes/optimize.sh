# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="gcc -flto, clang -flto, -Os and -O0, by CMake: the suites, stress and chaos"
lane_things="gcc clang lld llvm make apr cunit zlib git cmake"

# variant NAME FLAGS [ARGUMENT...]: a build with these flags, and its tests.
variant()
{
    local build=$build/$1 flags=$2
    shift 2
    say "$flags"
    cmake_build -DSMMAP_WERROR=ON -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$flags" "$@" || return 1
    ctest_run -R 'suite-|stress|chaos|exports'
}

lane_run()
{
    local llvm answer=0
    . "$top/scripts/lib/ctest.sh"
    llvm=$(llvm_version)
    export SMMAP_TEST_LIGHT=1
    variant gcc-lto "-O2 -flto" -DCMAKE_C_COMPILER=gcc -DCMAKE_AR="$(command -v gcc-ar)" \
        -DCMAKE_RANLIB="$(command -v gcc-ranlib)" || answer=1
    variant clang-lto "-O2 -flto" -DCMAKE_C_COMPILER=clang \
        -DCMAKE_AR="$(command -v "llvm-ar-$llvm")" \
        -DCMAKE_RANLIB="$(command -v "llvm-ranlib-$llvm")" \
        -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld || answer=1
    variant Os -Os || answer=1
    variant O0 -O0 || answer=1
    return $answer
}
