# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the release archive: distcheck by clang, warnings as errors; install, uninstall"
lane_things="compiler c++ clang make autotools pkg-config apr cunit zlib git python3"

# One file list of an installed tree, for comparisons.
files_in()
{
    (cd "$1" && find . ! -type d | LC_ALL=C sort)
}

# consumer NAME COMPILER LANGUAGE [static]: compile, link and run tests/package/consumer.
# What pkg-config says is a list of words.
# shellcheck disable=SC2046,SC2086
consumer()
{
    local program=$build/consumer-$1 libs
    # To the compiler the static library is a file; -lsmmap would choose the shared one.
    libs=$(pkg-config --libs smmap) || return 1
    if [ "${4:-}" = static ]; then
        libs=$(pkg-config --static --libs smmap | sed "s,-lsmmap,$prefix/lib/libsmmap.a,")
    fi
    $2 -x "$3" "$source/tests/package/consumer/consumer.c" -x none \
        $(pkg-config --cflags smmap) -o "$program" $libs || return 1
    env LD_LIBRARY_PATH="$prefix/lib" DYLD_LIBRARY_PATH="$prefix/lib" \
        "$program" "$build/$archive" || return 1
    # The static one starts without the library. Without a file to read it says how to
    # use it and ends with 2; a loader that misses a library ends with something else.
    if [ "${4:-}" = static ]; then
        env LD_LIBRARY_PATH= DYLD_LIBRARY_PATH= "$program"
        test $? -eq 2
    fi
}

# Only what is under DESTDIR is written, and it is what `make install` installs.
staged()
{
    local stage=$build/stage
    rm -rf "$stage"
    (cd "$unpacked" && make install DESTDIR="$stage") || return 1
    test ! -e "$prefix" || { echo "it wrote into the prefix itself"; return 1; }
    files_in "$stage$prefix" >"$build/staged"
    grep '/man3/smmap_cursor_open\.3$' "$build/staged"
}

installed()
{
    (cd "$unpacked" && make install) || return 1
    files_in "$prefix" >"$build/installed"
    diff "$build/staged" "$build/installed"
}

uninstalled()
{
    (cd "$unpacked" && make uninstall) || return 1
    files_in "$prefix" >"$build/left"
    cat "$build/left"
    test ! -s "$build/left"
}

# Every file of the tree is in the archive, but for what is only for the repository.
complete()
{
    sed 's,^\./,,' "$work/source.list" |
        grep -vE '^(\.gitignore|\.gitattributes|\.ci/.*|\.github/.*)$' |
        LC_ALL=C sort >"$build/in-tree"
    tar -tf "$build/$archive" | sed 's,^[^/]*/,,' | grep -v '/$' |
        LC_ALL=C sort >"$build/in-archive"
    LC_ALL=C comm -23 "$build/in-tree" "$build/in-archive" >"$build/forgotten"
    echo "not in the archive:"
    cat "$build/forgotten"
    test -s "$build/in-tree" && test ! -s "$build/forgotten"
}

# Another build directory, another time, another umask; and the archive makes itself again.
# shellcheck disable=SC2086 # places is a list of words
reproducible()
{
    local again=$build/again
    rm -rf "$again"
    mkdir -p "$again/tree" && cd "$again" || return 1
    (umask 077 && "$source/configure" $places >/dev/null && make dist >/dev/null) &&
        cmp "$archive" "$build/$archive" && tar -xf "$archive" && cd "${archive%.tar.gz}" &&
        ./configure $places >/dev/null && make dist >/dev/null &&
        cmp "$archive" "$build/$archive" && rm -rf "$again"
}

# Each source file names its licence, in its first lines. A script is a file that says so itself.
licences()
{
    local file
    sed 's,^\./,,' "$work/source.list" | while read -r file; do
        case $file in
        *.[ch] | *.[ch]pp | *.py | *.pyi | *.rb | *.sh | *.awk | *.m4 | *.ac | *.am | *.mk) ;;
        *.cmake | *CMakeLists.txt) ;;
        *) head -c 2 "$source/$file" | grep -q '^#!' || continue ;;
        esac
        echo "$file"
        head -n 4 "$source/$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' ||
            echo "$file" >&3
    done >"$build/sources" 3>"$build/no-licence"
    echo "no line SPDX-License-Identifier: BSD-3-Clause at the top:"
    cat "$build/no-licence"
    test -s "$build/sources" && test ! -s "$build/no-licence"
}

# With nothing but static libraries; a system may not have APR's.
# shellcheck disable=SC2046 # what pkg-config says is a list of words
all_static()
{
    local program=$build/consumer-all-static
    "${CC:-cc}" -static "$source/tests/package/consumer/consumer.c" -o "$program" \
        $(pkg-config --static --cflags --libs smmap) && "$program" "$build/$archive"
}

# shellcheck disable=SC2086 # places is a list of words
lane_run()
{
    local prefix archive unpacked places with=in_unpacked
    places=$(configure_places)
    native_build || return 1
    say "make distcheck"
    rm -f "$build"/libsmmap-*.tar.gz
    # Another compiler than the lane native's. Tests that fail show their logs.
    test ! -x /bin/dash || export CONFIG_SHELL=/bin/dash
    step "make distcheck" env VERBOSE=1 make -C "$programs" -j "$jobs" distcheck \
        DISTCHECK_CONFIGURE_FLAGS="--enable-werror --disable-static CC=clang CXX=clang++ \
            CFLAGS='-O2 -g -Wthread-safety'" || return 1
    archive=$(cd "$programs" && ls libsmmap-*.tar.gz) && mv "$programs/$archive" "$build" ||
        return 1
    step "the archive is complete" complete
    step "the archive is the same when it is made again" in_subshell reproducible
    step "each source file names its licence" licences

    # From here on as a user would do it, with the shell that configure prefers: unpack, configure
    # and build in the source directory.
    unset CONFIG_SHELL
    prefix=$build/prefix
    rm -rf "$prefix"
    unpacked=$build/${archive%.tar.gz}
    rm -rf "$unpacked"
    tar -xf "$build/$archive" -C "$build" || return 1
    say "building in the source directory"
    if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null && [ -f /usr/include/zlib.h ]; then
        with=with_little
    else
        say "    skipped: a system without CUnit, zlib, autotools, perl and python because only" \
            "root of Linux can hide them"
    fi
    step "configure in the source directory" \
        $with ./configure CFLAGS=-O0 --prefix="$prefix" --libdir="$prefix/lib" $places || return 1
    step "make in the source directory" $with make -j "$jobs" || return 1
    step "make install with DESTDIR" staged
    step "make install" installed || return 1

    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    step "smmap.pc has the version of the header" same_version
    step "a program in C" consumer c "${CC:-cc} -std=c90 -pedantic-errors -Wall -Wextra -Werror" c
    step "a program in C, static library" consumer static "${CC:-cc}" c static
    case $("${CC:-cc}" -print-file-name=libapr-1.a) in
    */*) step "a program in C, all static" all_static ;;
    *) say "    skipped: a program that is all static because APR is not" ;;
    esac
    step "a program in C++" consumer cxx "${CXX:-c++} -Wall -Wextra -Werror" c++
    step "the installed command" env LD_LIBRARY_PATH="$prefix/lib" "$prefix/bin/smmap" --version
    step "make uninstall leaves nothing" uninstalled
    rm -rf "$unpacked" "$prefix"
}

in_subshell()
{
    ("$@")
}

in_unpacked()
{
    (cd "$unpacked" && "$@")
}

# with_little COMMAND...: as on a system that has a compiler, make and APR. What CUnit and zlib bring,
# what configure is made by, and interpreters are hidden from this command, and from no other.
with_little()
{
    echo '#error This is hidden.' >"$build/hidden"
    # shellcheck disable=SC2016 # the shell inside expands them
    in_unpacked unshare -m sh -c '
        for name in /usr/include/CUnit/CUnit.h /usr/include/zlib.h /usr/bin/auto* /usr/bin/aclocal* \
            /usr/bin/libtool* /usr/bin/m4 /usr/bin/perl* /usr/bin/python* /usr/local/bin/python* \
            /usr/bin/pkg*conf* $(command -v python3); do
            test ! -f "$name" || mount --bind "$0" "$name" || exit 1
        done
        exec "$@"' "$build/hidden" "$@"
}

same_version()
{
    local version
    version=$(pkg-config --modversion smmap) || return 1
    echo "smmap.pc says $version"
    test "$version" = "$(sed -n 's/^#define SMMAP_VERSION_[A-Z]* \([0-9]*\)$/\1/p' \
        "$source/include/smmap/version.h" | tr '\n' . | sed 's/\.$//')"
}
