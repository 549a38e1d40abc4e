# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="CMake, -O3, warnings as errors: the suite, find_package, the same files as autotools"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git cmake python3"

files_in()
{
    (cd "$1" && find . ! -type d | LC_ALL=C sort)
}

# The sources that a build has compiled, from the top, sorted. The makefiles of automake keep
# a list for each object, whose first source is that of the object. tests/media is built by the
# lane chaos alone; distcheck may be at work in libsmmap-*.
compiled_by_autotools()
{
    find "$programs" -name 'libsmmap-*' -prune -o -name '*.P*o' -print | while read -r file; do
        grep -v '^#' "$file" | tr ' ' '\n' | grep '\.c$' | head -n 1
    done | sed 's,^.*/source/,,' | grep -v '^tests/media/' | LC_ALL=C sort -u
}

compiled_by_cmake()
{
    sed -n 's,^ *"file": "\(.*\)"\,*$,\1,p' "$build/compile_commands.json" |
        sed "s,^$source/,," | LC_ALL=C sort -u
}

same_sources()
{
    compiled_by_autotools >"$build/sources.autotools"
    compiled_by_cmake >"$build/sources.cmake"
    diff "$build/sources.autotools" "$build/sources.cmake" && test -s "$build/sources.cmake"
}

same_tests()
{
    make -s -C "$programs" list-tests | LC_ALL=C sort >"$build/tests.autotools"
    (cd "$build" && ctest -N) | sed -n 's/^ *Test *#[0-9]*: //p' |
        LC_ALL=C sort >"$build/tests.cmake"
    diff "$build/tests.autotools" "$build/tests.cmake" && test -s "$build/tests.cmake"
}

# exported FILE: names and kinds, without addresses.
exported()
{
    case "$1" in
    *.dylib) nm -gU "$1" ;;
    *) nm -D --defined-only "$1" ;;
    esac | awk '{ print $(NF - 1), $NF }' | LC_ALL=C sort
}

# shared LIBDIR: the shared library in it.
shared()
{
    local file
    for file in "$1/libsmmap.so" "$1/libsmmap.dylib"; do
        test ! -f "$file" || echo "$file"
    done
}

same_symbols()
{
    exported "$(shared "$programs/.libs")" >"$build/symbols.autotools"
    exported "$(shared "$build")" >"$build/symbols.cmake"
    diff "$build/symbols.autotools" "$build/symbols.cmake" && test -s "$build/symbols.cmake"
}

# module PREFIX: all that pkg-config says about an installed library.
module()
{
    PKG_CONFIG_PATH="$1/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    export PKG_CONFIG_PATH
    pkg-config --modversion smmap && pkg-config --cflags --libs smmap &&
        pkg-config --static --libs smmap
}

# The list is the same but for a file of libtool's own; the files for CMake and what smmap.pc says
# are the same, too.
same_layout()
{
    local one=$build/stage-autotools$prefix two=$build/stage-cmake$prefix
    (cd "$programs" && make install DESTDIR="$build/stage-autotools") &&
        DESTDIR="$build/stage-cmake" cmake --install "$build" || return 1
    files_in "$one" | grep -v '^\./lib/libsmmap\.la$' >"$build/files.autotools"
    files_in "$two" >"$build/files.cmake"
    diff "$build/files.autotools" "$build/files.cmake" && test -s "$build/files.cmake" &&
        grep '/man3/smmap_cursor_open\.3$' "$build/files.cmake" &&
        diff -r "$one/lib/cmake" "$two/lib/cmake" &&
        (module "$one") >"$build/module.autotools" &&
        (module "$two") >"$build/module.cmake" &&
        diff "$build/module.autotools" "$build/module.cmake" && cat "$build/module.cmake"
}

# What was installed with a DESTDIR is somewhere else then, and works there: also where the way to
# lib/ is a link, as on systems that have /lib in /usr.
moved()
{
    local place=$build/moved-$1
    rm -rf "$place"
    mkdir "$place" && mv "$build/stage-$1$prefix" "$place/usr" && ln -s usr/lib "$place/lib" &&
        cmake_consumer "outside-$1" "$place/usr" "" "$source/README.md" &&
        cmake_consumer "outside-$1" "" "" "$source/README.md" \
            -Dsmmap_DIR="$place/lib/cmake/smmap" &&
        grep "smmap_DIR.*=$place/lib/" "$build/outside-$1/build/CMakeCache.txt"
}

# finds WORDS, refuses WORDS MESSAGE: what find_package(smmap WORDS REQUIRED) does.
finds()
{
    rm -rf "$build/finds"
    cmake -S "$source/tests/package/consumer" -B "$build/finds" -DCMAKE_PREFIX_PATH="$prefix" \
        -DSMMAP_WANTED="$(echo "$1" | tr ' ' ';')"
}

refuses()
{
    echo "find_package(smmap $1)"
    ! finds "$1" >"$build/refused" 2>&1 || return 1
    tr -s '\n ' ' ' <"$build/refused" | grep -F "$2"
}

# Before 1.0 the minor version has to be the same.
versions()
{
    local version minor
    version=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion smmap) || return 1
    minor=${version%.*}
    finds "$minor" && finds "$version EXACT" && finds "0.0.1...$version" &&
        refuses "$version.1" "considered but not accepted" &&
        refuses "${minor%.*}.$((${minor#*.} + 1))" "considered but not accepted" &&
        refuses "${minor%.*}.0.0" "considered but not accepted" &&
        refuses "0.0.1...<$version" "considered but not accepted"
}

components()
{
    finds "COMPONENTS shared static" &&
        finds "COMPONENTS shared OPTIONAL_COMPONENTS other" &&
        refuses "COMPONENTS static other" \
            "smmap has no component 'other'; its components are shared and static." &&
        mv "$prefix/lib/libsmmap.a" "$build/kept.a" &&
        refuses "COMPONENTS static" "The static library of smmap is not installed here." &&
        finds "" && mv "$build/kept.a" "$prefix/lib/libsmmap.a"
}

# As a part of another project: nothing of it is installed but on demand, and the rest is looked at
# by the project.
part_of_project()
{
    local place=$build/part
    cmake_consumer part "" "" "$source/README.md" -DSMMAP_TREE="$source" -DCMAKE_BUILD_TYPE= &&
        DESTDIR="$place/stage" cmake --install "$place/build" &&
        test "$(files_in "$place/stage" | sed 's,.*/,,')" = consumer &&
        cmake -S "$place/source" -B "$place/build" -DSMMAP_INSTALL=ON -DSMMAP_COMMAND=ON &&
        cmake --build "$place/build" -j "$jobs" &&
        DESTDIR="$place/stage" cmake --install "$place/build" &&
        files_in "$place/stage" >"$place/files" && grep '/bin/smmap$' "$place/files" &&
        grep '/cmake/smmap/smmap-config.cmake$' "$place/files"
}

# What pkg-config says is a list of words.
# shellcheck disable=SC2046
pkg_config_consumer()
{
    PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    export PKG_CONFIG_PATH
    "${CC:-cc}" "$source/tests/package/consumer/consumer.c" -o "$build/consumer-pkg-config" \
        $(pkg-config --cflags --libs smmap) &&
        env LD_LIBRARY_PATH="$prefix/lib" DYLD_LIBRARY_PATH="$prefix/lib" \
            "$build/consumer-pkg-config" "$source/README.md" &&
        ! pkg-config --cflags smmap | grep -E -e '-D(_GNU_SOURCE|_REENTRANT|LINUX|DARWIN)'
}

# smmap.pc says where it was installed, not where that was planned.
other_prefix()
{
    cmake --install "$build" --prefix "$build/elsewhere" &&
        PKG_CONFIG_PATH="$build/elsewhere/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" \
            pkg-config --variable=prefix smmap | grep -x "$build/elsewhere" &&
        rm -rf "$build/elsewhere"
}

in_subshell()
{
    ("$@")
}

# The preset that the README names, as far as it can be seen without building all again.
preset()
{
    (cd "$source" && cmake --list-presets && cmake --preset linux -B "$build/preset")
}

# Where vcpkg has the libraries, and in the order in which Visual Studio is told to look: the one
# for debugging is not taken for the other.
debug_libraries()
{
    local place=$build/vcpkg name
    rm -rf "$place"
    mkdir -p "$place/installed/include/CUnit" "$place/installed/lib" "$place/installed/debug/lib" &&
        touch "$place/installed/include/apr_general.h" "$place/installed/include/CUnit/CUnit.h" &&
        touch "$place"/installed/{,debug/}lib/{libapr-1,cunit}.lib || return 1
    cat >"$place/CMakeLists.txt" <<PROJECT
cmake_minimum_required(VERSION 3.20)
project(vcpkg NONE)
set(WIN32 ON)
set(MSVC ON)
set(CMAKE_FIND_LIBRARY_PREFIXES "" lib)
set(CMAKE_FIND_LIBRARY_SUFFIXES .lib)
set(CMAKE_PREFIX_PATH "$place/installed/debug" "$place/installed")
set(CMAKE_MODULE_PATH "$source/cmake")
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS ON)
foreach(name APR CUnit)
  find_package(\${name} REQUIRED)
  get_target_property(release \${name}::\${name} IMPORTED_LOCATION)
  get_target_property(debug \${name}::\${name} IMPORTED_LOCATION_DEBUG)
  get_filename_component(release "\${release}" REALPATH)
  get_filename_component(debug "\${debug}" REALPATH)
  file(APPEND "$place/found" "\${release}\n\${debug}\n")
endforeach()
PROJECT
    cmake -S "$place" -B "$place/build" || return 1
    for name in libapr-1 cunit; do
        printf '%s\n' "$place/installed/lib/$name.lib" "$place/installed/debug/lib/$name.lib"
    done | diff - "$place/found"
}

# With one library alone, as a project that takes this one in does it.
one_kind()
{
    cmake -S "$source" -B "$build/only-$1" -G "Unix Makefiles" -DBUILD_SHARED_LIBS="$2" \
        -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$build/only-$1/prefix" \
        -DCMAKE_INSTALL_LIBDIR=lib &&
        cmake --build "$build/only-$1" -j "$jobs" &&
        cmake --install "$build/only-$1" &&
        (cd "$build/only-$1/prefix/lib" && ls libsmmap*) >"$build/only-$1/list" || return 1
    cat "$build/only-$1/list"
    if [ "$2" = ON ]; then
        ! grep -q '\.a$' "$build/only-$1/list"
    else
        ! grep -qv '\.a$' "$build/only-$1/list"
    fi && cmake_consumer "outside-$1" "$build/only-$1/prefix" "" "$source/README.md"
}

lane_run()
{
    local prefix=$work/prefix inlined=-minline-all-stringops apr
    . "$top/scripts/lib/ctest.sh"
    apr=$(brew_prefix apr)
    # Where the compiler makes copies without a call, the guard must still find its way out.
    "${CC:-cc}" -Werror $inlined -x c -c /dev/null -o /dev/null 2>/dev/null || inlined=
    CFLAGS=$inlined cmake_build -DCMAKE_BUILD_TYPE=Release -DSMMAP_WERROR=ON \
        -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
        ${apr:+-DAPR_ROOT="$apr"} || return 1
    # The command is made of the same sources as the lane native's, which runs these scripts.
    ctest_run -E '/(bench|packscan)\.sh$'

    say "building with autotools, to compare"
    native_build || return 1
    step "the same sources are compiled" same_sources
    step "the same tests are run" same_tests
    step "the same symbols are exported" same_symbols
    rm -rf "$prefix" "$build/stage-autotools" "$build/stage-cmake"
    step "the same files are installed and say the same" same_layout
    step "what autotools installed, moved" moved autotools
    step "what CMake installed, moved" moved cmake

    step "cmake --install" cmake --install "$build" || return 1
    step "the installed command" "$prefix/bin/smmap" --version
    step "find_package: a project outside the tree" \
        cmake_consumer outside "$prefix" "" "$source/README.md"
    step "find_package: versions" versions
    step "find_package: components" components
    step "a part of another project" part_of_project
    step "pkg-config: a program outside the tree" in_subshell pkg_config_consumer
    step "cmake --install --prefix" other_prefix
    step "vcpkg's two libraries are told apart" debug_libraries
    step "the shared library alone" one_kind shared ON
    step "the static library alone" one_kind static OFF
    step "the presets" preset
    rm -rf "$prefix"
}
