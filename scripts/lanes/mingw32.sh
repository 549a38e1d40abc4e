# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="Windows x86 by mingw-w64: everything compiles and links; nothing is run"
lane_things="gcc make autotools pkg-config cmake apr cunit git mingw mingw-zlib sources"

lane_possible()
{
    builds_libraries
}

# What came out is a program, or a DLL, for 32-bit Windows.
is_for_x86()
{
    i686-w64-mingw32-objdump -f "$1" | grep -q 'file format pei-i386'
}

dll_build()
{
    configure_build "$@" && make_targets all
}

lane_run()
{
    local libraries host=i686-w64-mingw32 file
    . "$top/scripts/lib/mingw.sh"
    libraries=$(mingw_prefix $host) && mingw_libraries $host "$libraries" || return 1
    step "the static library and its programs" \
        build_all --host=$host --enable-werror --disable-shared TEST_RUNNER=false \
        PKG_CONFIG_LIBDIR="$libraries/static/lib/pkgconfig" \
        CC="$host-gcc -static-libgcc" || return 1
    for file in smmap tests/suite-windows tests/suite-fake examples/packscan; do
        step "$file.exe is for x86" is_for_x86 "$build/$file.exe"
    done
    build=$build/dll
    # The programs of the tests take in the objects of the library, so they are the same.
    step "the DLL" \
        dll_build --host=$host --enable-werror --disable-static TEST_RUNNER=false \
        PKG_CONFIG_LIBDIR="$libraries/shared/lib/pkgconfig" --with-cunit="$libraries/static" \
        CC="$host-gcc -static-libgcc" || return 1
    step "libsmmap-0.dll is for x86" is_for_x86 "$build/.libs/libsmmap-0.dll"
    say "    skipped: the tests because there is no Wine for 32-bit programs without a second" \
        "architecture"
}
