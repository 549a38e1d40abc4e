# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="builds that few people make: blanks in paths, Ninja, read-only sources, C11, C++20"
lane_things="gcc clang make autotools pkg-config apr cunit zlib git cmake ninja"

# A copy of the sources, and of the configure script, in $1.
sources_in()
{
    rm -rf "$1"
    mkdir -p "$1" && (cd "$source" && tar -cf - .) | (cd "$1" && tar -xpf -)
}

# shows COMMAND FILE: the command reads a file.
shows()
{
    "$1" cat "$2" | cmp - "$2"
}

# In the source directory, as configure refuses any other one with blanks in its name.
blanks_autotools()
{
    local place="$build/with a blank/autotools"
    sources_in "$place" && (cd "$place" && ./configure --prefix="$build/prefix" &&
        make -j "$jobs" && shows ./smmap README.md) || return 1
    mkdir -p "$place/elsewhere"
    ! (cd "$place/elsewhere" && "$place/configure") >"$build/refused" 2>&1 &&
        grep 'unsafe srcdir' "$build/refused"
}

# A project that joins its sources (CMAKE_UNITY_BUILD) can take this one in.
blanks_cmake()
{
    local place="$build/with a blank"
    sources_in "$place/cmake" && (
        cd "$place" && cmake -S cmake -B "a build" -G Ninja -DCMAKE_UNITY_BUILD=ON \
            -DSMMAP_WERROR=ON -DCMAKE_INSTALL_PREFIX="$place/a prefix" &&
            cmake --build "a build" -j "$jobs" && cmake --install "a build" &&
            cd "a build" && ctest -R '/(suite-posix|readme|exports)' --output-on-failure
    ) && shows "$place/a prefix/bin/smmap" "$source/README.md" &&
        cmake_consumer "with a blank/consumer" "$place/a prefix" "" "$source/README.md"
}

# Nobody's: a user who can write neither to the sources nor to what belongs to others.
read_only()
{
    local place=$build/read-only who='' answer=0
    rm -rf "$place"
    sources_in "$place/source" && mkdir "$place/build" && chmod -R a-w "$place/source" || return 1
    if [ "$(id -u)" -eq 0 ]; then
        who="setpriv --reuid=65534 --regid=65534 --clear-groups"
        chown 65534 "$place/build"
    fi
    # shellcheck disable=SC2086 # a list of words
    (cd "$place/build" && $who ../source/configure --disable-shared CCACHE_DISABLE=1 &&
        $who env CCACHE_DISABLE=1 make -j "$jobs" && shows ./smmap ../source/README.md) || answer=1
    chmod -R u+w "$place/source"
    return $answer
}

strict_c11()
{
    (
        build=$build/c11
        configure_build --enable-werror CFLAGS="-O2 -std=c11 -pedantic-errors" &&
            make_targets check-programs
    )
}

# With all warnings that a careful program may have. APR's headers are not ours to warn about.
# shellcheck disable=SC2046 # lists of words
cxx()
{
    cat >"$build/program.cpp" <<'PROGRAM'
#include <apr_general.h>
#include <smmap/smmap.h>

#include <cstdio>

int main(int argc, char **argv)
{
    apr_pool_t *pool = nullptr;
    smmap_manager_t *manager = nullptr;
    smmap_cursor_t *cursor = nullptr;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    apr_size_t got = 0;
    unsigned char byte = 0;

    options.max_open_files = SMMAP_UNLIMITED;
    options.max_mapped_bytes = 1 << 20;
    if (argc < 2 || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, nullptr) != APR_SUCCESS ||
        smmap_manager_create(&manager, &options, pool) != APR_SUCCESS ||
        smmap_cursor_open(&cursor, manager, argv[1], pool) != APR_SUCCESS ||
        smmap_cursor_use(cursor, 0, 1) != APR_SUCCESS ||
        smmap_cursor_read(cursor, 0, &byte, 1, &got) != APR_SUCCESS ||
        byte != *smmap_cursor_at(cursor, 0) || smmap_cursor_at(cursor, SMMAP_TO_END) != nullptr) {
        return 1;
    }
    std::printf("%02x\n", static_cast<unsigned>(byte));
    apr_terminate();
    return 0;
}
PROGRAM
    "$1" -std="$2" -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
        -Wold-style-cast -Wcast-qual -Wundef -Wzero-as-null-pointer-constant \
        -I"$source/include" $(apr-1-config --cppflags) \
        $(apr-1-config --includes | sed 's/-I/-isystem /g') \
        "$build/program.cpp" -o "$build/program" "$programs/.libs/libsmmap.a" \
        $(apr-1-config --link-ld --libs) -pthread &&
        test "$("$build/program" "$source/README.md")" = 23 # the sign #
}

lane_run()
{
    local compiler standard
    . "$top/scripts/lib/ctest.sh"
    export SMMAP_TEST_LIGHT=1
    native_build || return 1
    for compiler in g++ clang++; do
        for standard in c++11 c++20; do
            step "a program in $standard, all warnings, by $compiler" cxx $compiler $standard
        done
    done
    say "building"
    step "autotools in a directory with a blank in its name" blanks_autotools
    step "CMake, Ninja, unity, blanks in all paths" blanks_cmake
    step "another user's sources, which cannot be written to" read_only
    step "strict C11" strict_c11
}
