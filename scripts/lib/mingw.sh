# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What the lanes for Windows by mingw-w64 share: APR and CUnit for it, and a build with them.
#
# No distribution has APR or CUnit for Windows. They are built from the source packages
# once, and kept outside the tree:
#
#     PREFIX/static   APR as a static library, and CUnit
#     PREFIX/shared   APR as a DLL, which a program and a libsmmap that is one must share

. "$top/scripts/lib/sources.sh"

# mingw_prefix HOST: where they are or will be. What it is made of is in the name, the text
# of this file too.
mingw_prefix()
{
    local apr cunit
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) || return 1
    source_cache "$1-gcc-$("$1-gcc" -dumpversion)-apr-$apr-cunit-$cunit-$(
        cksum <"$top/scripts/lib/mingw.sh" | cut -d ' ' -f 1)"
}

# mingw_libraries HOST PREFIX: build them there, unless they are there.
mingw_libraries()
{
    built_once "$2" "APR and CUnit for $1" mingw_build "$1" "$2"
}

mingw_build()
{
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev && mingw_build_apr "$1" "$2" &&
        mingw_build_cunit "$1" "$2/static"
}

# APR by its own CMake files, which are made for Visual Studio:
# - they run a program of the build to make a table; here one that the compiler of this
#   system made takes its place, so that Wine is not needed;
# - they count on headers that mingw's windows.h leaves out, and that APR includes itself
#   for Visual Studio alone;
# - the version of the DLL is put together in a way that windres does not know.
# Their installation wants more than these two libraries.
mingw_build_apr()
{
    local host=$1 prefix=$2 flags version kind
    flags="-O2 -g -DWIN32_LEAN_AND_MEAN -DFD_SETSIZE=1024 -DHAVE_ATOMIC_BUILTINS=1"
    flags="$flags -DHAVE_ATOMIC_BUILTINS64=1 -static-libgcc"
    flags="$flags -include winsock2.h -include ws2tcpip.h -include mswsock.h -include iphlpapi.h"
    version=$(sed -n 's/^#define APR_[MP][A-Z]*_VERSION *\([0-9]*\)$/\1/p' \
        apr/include/apr_version.h | tr '\n' . | sed 's/\.$//')
    sed -i 's/COMMAND \$<TARGET_FILE:gen_test_char>/COMMAND gen_test_char/' apr/CMakeLists.txt &&
        sed -i 's/ ##, /, /; s/##APR_/APR_/' apr/include/apr_version.h &&
        gcc -DWIN32 -o gen_test_char apr/tools/gen_test_char.c || return 1
    cat >toolchain.cmake <<TOOLCHAIN
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR ${host%%-*})
set(CMAKE_C_COMPILER $host-gcc)
set(CMAKE_RC_COMPILER $host-windres)
set(CMAKE_FIND_ROOT_PATH /usr/$host)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR $PWD/gen_test_char)
TOOLCHAIN
    cmake -S apr -B apr-build -G "Unix Makefiles" -DCMAKE_TOOLCHAIN_FILE="$PWD/toolchain.cmake" \
        -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX="$prefix" -DINSTALL_PDB=OFF \
        -DAPR_INSTALL_PRIVATE_H=OFF "-DCMAKE_C_FLAGS=$flags" \
        "-DCMAKE_C_STANDARD_LIBRARIES=-liphlpapi -lkernel32 -lshell32 -ladvapi32" &&
        make -C apr-build -j "$jobs" apr-1 libapr-1 || return 1
    for kind in static shared; do
        mkdir -p "$prefix/$kind/lib/pkgconfig" "$prefix/$kind/include/apr-1" &&
            cp apr/include/apr*.h apr-build/apr.h "$prefix/$kind/include/apr-1/" || return 1
        cat >"$prefix/$kind/lib/pkgconfig/apr-1.pc" <<PC
prefix=$prefix/$kind
Name: APR
Description: Apache Portable Runtime for $host, $kind
Version: $version
Cflags: -I\${prefix}/include/apr-1
PC
    done
    sed -i 's/^Cflags:/& -DAPR_DECLARE_STATIC/' "$prefix/static/lib/pkgconfig/apr-1.pc" &&
        echo "Libs: -L\${prefix}/lib -lapr-1 -lws2_32 -lmswsock -lrpcrt4 -liphlpapi" \
            >>"$prefix/static/lib/pkgconfig/apr-1.pc" &&
        echo "Libs: -L\${prefix}/lib -lapr-1" >>"$prefix/shared/lib/pkgconfig/apr-1.pc" &&
        cp apr-build/libapr-1.a "$prefix/static/lib/" &&
        mkdir "$prefix/shared/bin" &&
        cp apr-build/liblibapr-1.dll "$prefix/shared/bin/" &&
        cp apr-build/liblibapr-1.dll.a "$prefix/shared/lib/libapr-1.dll.a"
}

mingw_build_cunit()
{
    AR=$1-ar build_cunit "$2" "$1-gcc" || return 1
    cat >"$2/lib/pkgconfig/cunit.pc" <<PC
prefix=$2
Name: CUnit
Description: CUnit for $1, static
Version: $(cunit_version)
Libs: -L\${prefix}/lib -lcunit
Cflags: -I\${prefix}/include
PC
}
