# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="Windows x64 by mingw-w64 and autotools: static library and DLL, all suites under Wine"
lane_things="gcc make autotools pkg-config cmake apr cunit zlib git mingw mingw-c++ mingw-zlib wine
    sources"

lane_possible()
{
    builds_libraries
}

# same NATIVE WINDOWS ARGUMENT...: this system's program and the script that runs the one for
# Windows, paths below their builds, print the same and end with the same code.
same()
{
    local native=$1 windows=$2 native_code windows_code
    shift 2
    "$programs/$native" "$@" >"$build/native.out" </dev/null
    native_code=$?
    "$build/$windows" "$@" >"$build/windows.raw" </dev/null
    windows_code=$?
    # Lines end as they do on Windows where the C library writes them; smmap writes them
    # through APR, as they are.
    case $native in
    smmap) cp "$build/windows.raw" "$build/windows.out" ;;
    *) sed 's/\r$//' "$build/windows.raw" >"$build/windows.out" ;;
    esac
    echo "$* : exit codes $native_code and $windows_code, $(wc -c <"$build/native.out") bytes"
    test "$native_code" -eq "$windows_code" && test -s "$build/native.out" &&
        cmp "$build/native.out" "$build/windows.out"
}

# On a file of 3 MB with the text at known places, and one with a few lines.
same_find()
{
    (
        cd "$build" || exit 1
        head -c 3000000 /dev/zero | tr '\0' 'x' >find.dat
        for at in 0 1048570 2097149 2999994; do
            printf needle | dd of=find.dat bs=1 seek=$at conv=notrunc 2>/dev/null
        done
        cp "$source/README.md" find.txt
        same smmap tests/run-smmap find needle find.dat &&
            same smmap tests/run-smmap find --window-size 64K --max-memory 128K needle find.dat &&
            same smmap tests/run-smmap find -c smmap find.dat find.txt &&
            same smmap tests/run-smmap find --hex '6e 65 65' find.dat &&
            same smmap tests/run-smmap find nowhere-in-there find.dat find.txt -c
    )
}

same_pack()
{
    (
        cd "$build" || exit 1
        rm -rf pack && mkdir pack && "$source/scripts/make-pack" --objects 400 pack &&
            same examples/packscan tests/run-packscan --verify-list "$(find pack -name '*.pack')"
    )
}

# For moments, to see that it runs: no wrong byte, and all of it measured or named.
bench_works()
{
    (
        cd "$build" && tests/run-smmap bench --quick --workload random-35,seq-warm,copy-uniform \
            --contender raw,sliding,map-unmap --repeat 1 --seconds 0.01 --dir . \
            >bench.out </dev/null || exit 1
        cat bench.out
        for name in random-35 seq-warm copy-uniform; do
            grep -q "^$name: " bench.out || exit 1
        done
        test "$(grep -c '^  libsmmap, sliding  *[12]  *[0-9.e]' bench.out)" -eq 4
    )
}

# A program outside of the tree, linked with what was installed, static and DLL.
consumer()
{
    local kind=$1 prefix=$2
    shift 2
    # The headers of APR are not ours to warn about. What pkg-config says is a list of words.
    # shellcheck disable=SC2046
    x86_64-w64-mingw32-gcc -static-libgcc -Wall -Wextra -Werror \
        "$source/tests/package/consumer/consumer.c" -o "$prefix/bin/consumer.exe" \
        $(PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig:$libraries/$kind/lib/pkgconfig" \
            pkg-config --cflags --libs smmap | sed "s,-I *$libraries,-isystem $libraries,g") &&
        WINEPATH="$libraries/shared/bin" wine "$prefix/bin/consumer.exe" \
            "$(wine_path "$source/README.md")"
}

# The classes for C++, with the static library. What has std::thread is GCC for POSIX threads.
# shellcheck disable=SC2046 # a list of words
cxx17()
{
    local prefix=$build/prefix
    x86_64-w64-mingw32-g++-posix -static -std=c++17 -Wall -Wextra -Wconversion -Wshadow \
        -Wold-style-cast -Wzero-as-null-pointer-constant -Werror \
        "$source/tests/package/header_cxx17.cpp" -o "$prefix/bin/cxx17.exe" \
        $(PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig:$libraries/static/lib/pkgconfig" \
            pkg-config --cflags --libs smmap | sed "s,-I *$libraries,-isystem $libraries,g") &&
        wine "$prefix/bin/cxx17.exe" "$(wine_path "$build/cxx17.dat")"
}

lane_run()
{
    . "$top/scripts/lib/mingw.sh"
    . "$top/scripts/lib/wine.sh"
    wine_begin || return 1
    run_mingw
    local answer=$?
    wine_end
    return $answer
}

run_mingw()
{
    local libraries host=x86_64-w64-mingw32 answer=0 windows_build
    libraries=$(mingw_prefix $host) && mingw_libraries $host "$libraries" || return 1

    windows_build=$build
    build_all --host=$host --enable-werror --disable-shared --prefix="$build/prefix" \
        PKG_CONFIG_LIBDIR="$libraries/static/lib/pkgconfig" CC="$host-gcc -static-libgcc" ||
        return 1
    # Tests that map much are slow under Wine, so there are fewer rounds.
    run_tests SMMAP_TEST_LIGHT=1 \
        TESTS="tests/suite-fake.exe tests/suite-windows.exe tests/package/exports.sh" || answer=1
    say "    skipped: tests/package/guide.sh, headers.sh because they run what this system's" \
        "compiler made"
    say "    skipped: tests/cli/command.sh because it is about POSIX paths, signals and messages"

    say "building the same for this system, to compare"
    native_build || return 1
    step "smmap find prints the same" same_find || answer=1
    step "packscan prints the same" same_pack || answer=1
    step "smmap bench runs" bench_works || answer=1
    make -C "$build" install >/dev/null && step "a program with the static library" \
        consumer static "$build/prefix" || answer=1
    step "a program with smmap.hpp" cxx17 || answer=1

    # The DLL and its users share one APR, so that must be a DLL, too. The programs of the tests
    # take in the objects of the library in each build, so they are not made again.
    build=$windows_build/dll
    configure_build --host=$host --enable-werror --disable-static --prefix="$build/prefix" \
        PKG_CONFIG_LIBDIR="$libraries/shared/lib/pkgconfig" --with-cunit="$libraries/static" \
        CC="$host-gcc -static-libgcc" && make_targets all || return 1
    run_tests TESTS="tests/package/exports.sh" check_PROGRAMS= check_LIBRARIES= || answer=1
    make -C "$build" install >/dev/null && step "a program with the DLL" \
        consumer shared "$build/prefix" || answer=1
    WINEPATH="$libraries/shared/bin" step "the command with the DLL" same_find || answer=1
    build=$windows_build
    return $answer
}
