# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# libgit2 1.5 from Debian's or Ubuntu's source package: as it is, and with examples/libgit2 in the
# place of its mwindow.c. Source it after lanes.sh and sources.sh; it needs the things in
# libgit2_things.

# shellcheck disable=SC2034 # for a lane
libgit2_things="gcc make autotools pkg-config apr git cmake python3 zlib http-parser pcre2 sources"

# What is not there, or would need a network, is left out.
libgit2_options="-DBUILD_SHARED_LIBS=OFF -DBUILD_CLI=OFF -DUSE_SSH=OFF -DUSE_HTTPS=OFF
    -DUSE_GSSAPI=OFF -DUSE_NTLMCLIENT=OFF -DUSE_SHA256=Builtin -DUSE_HTTP_PARSER=system
    -DREGEX_BACKEND=pcre2 -DCMAKE_BUILD_TYPE=RelWithDebInfo"
libgit2_libraries="-lhttp_parser -lpcre2-8 -lz -lrt -lpthread"

# libgit2_version: of the original archive; Debian's patches are not applied.
libgit2_version()
{
    apt-cache show libgit2-1.5 2>/dev/null | sed -n 's/^Version: \(.*\)-[^-]*$/\1/p' | head -n 1 |
        grep .
}

# libgit2_possible: can it be built here? It says why not.
libgit2_possible()
{
    builds_libraries || return 1
    if ! libgit2_version >/dev/null; then
        echo "apt knows no libgit2 1.5, for which examples/libgit2 was written"
        return 1
    fi
}

# libgit2_suite PROGRAM LOG: run libgit2's own tests, those that need no network. They make and
# remove many small files, in memory where that is possible: it is ten times as fast. Fails if the
# program did not come to its end; failed tests are not looked at.
libgit2_suite()
{
    local dir place=/dev/shm
    test -w "$place" || place=${TMPDIR:-/tmp}
    dir=$(mktemp -d "$place/smmap-libgit2.XXXXXX") || return 1
    (cd "$dir" && TMPDIR=$dir timeout 300 "$1" -t -xonline) >"$2" 2>&1
    rm -rf "$dir"
    grep -qx "1\.\.$(grep -cE '^(not )?ok ' "$2")" "$2"
}

# libgit2_results LOG: of each test a line "ok NAME", "failed NAME" or "skipped NAME".
libgit2_results()
{
    sed -n -e 's/^ok [0-9]* - # SKIP /skipped /p' -e 's/^ok [0-9]* - /ok /p' \
        -e 's/^not ok [0-9]* - /failed /p' "$1"
}

# For one of its tests libgit2's own repository has to be one, with packs.
libgit2_repository()
{
    git init -q "$1" && (
        cd "$1" || exit 1
        for part in src .; do
            git add -f "$part" &&
                git -c user.name=lane -c user.email=lane@example.com commit -qm "$part" &&
                git repack -dq || exit 1
        done
    )
}

# A list of words in the options.
# shellcheck disable=SC2086
libgit2_make()
{
    fetch_sources libgit2:libgit2-1.5 && mkdir -p "$1" && mv libgit2 "$1/source" &&
        libgit2_repository "$1/source" &&
        cmake -S "$1/source" -B "$1/build" $libgit2_options &&
        make -C "$1/build" -j "$jobs" libgit2_tests libgit2package &&
        libgit2_suite "$1/build/libgit2_tests" "$1/results.log"
}

# libgit2_stock: build it and run its tests, once. Sets stock, its directory: `results.log`,
# `build/libgit2.a` and what it was made of.
libgit2_stock()
{
    stock=$(source_cache "libgit2-$(libgit2_version)-$(source_version zlib1g-dev)" \
        "$(source_version libhttp-parser-dev)-$(source_version libpcre2-dev)" \
        "gcc-$(gcc -dumpversion)" "$(echo "$libgit2_options" | cksum | sed 's/ .*//')") &&
        built_once "$stock" "libgit2 and the results of its tests" libgit2_make "$stock"
}

# libgit2_ours TREE LIBSMMAP DIR: compile what is ours into DIR/*.o. LIBSMMAP is the directory of a
# build. Sets ours: what to link before libgit2.a, a list of words. The linker then has no need of
# the mwindow.o in there.
# shellcheck disable=SC2046,SC2086
libgit2_ours()
{
    local file includes
    includes=$(sed -n 's/^C_INCLUDES = //p' \
        "$stock/build/src/libgit2/CMakeFiles/libgit2.dir/flags.make" | sed 's/-I/-isystem /g')
    test -n "$includes" || return 1
    rm -rf "$3"
    mkdir -p "$3"
    for file in "$1"/examples/libgit2/*.c; do
        gcc -std=gnu11 -O2 -g -DNDEBUG -Wall -Wextra -Wshadow -Werror $includes -I"$1/include" \
            $(apr-1-config --cppflags --includes) -c "$file" \
            -o "$3/$(basename "$file" .c).o" || return 1
    done
    ours="$(echo "$3"/*.o) $2/.libs/libsmmap.a"
}
