# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The source packages of Debian or Ubuntu, for libraries that a lane builds for another
# machine. Source this file; a lane that uses it needs the thing `sources`.

# source_version PACKAGE: the version of a binary package that is installed; it tells which
# source is going to be built.
source_version()
{
    if ! dpkg-query -W -f '${Version}\n' "$1" 2>/dev/null; then
        echo "the package $1 tells which version to build; it is not installed" >&2
        return 1
    fi
}

# source_cache NAME PART...: the directory in which a build is kept, outside of the tree.
# What it depends on is in its name.
source_cache()
{
    local name
    name=$(IFS=-; echo "$*" | tr -d '~:+')
    echo "${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/libsmmap/$name"
}

# built_once PREFIX WHAT COMMAND...: run what builds into PREFIX, in a temporary directory, unless it
# is there. A file that is made last tells so: a build that was interrupted is never taken for a
# finished one.
built_once()
{
    local prefix=$1 what=$2 dir answer=0
    shift 2
    test ! -f "$prefix/complete" || return 0
    rm -rf "$prefix"
    say "making $what (once; kept in $prefix)"
    dir=$(mktemp -d "${TMPDIR:-/tmp}/smmap-built.XXXXXX") || return 1
    (cd "$dir" && "$@") && touch "$prefix/complete" || answer=1
    test $answer -eq 0 || rm -rf "$prefix"
    rm -rf "$dir"
    return $answer
}

# download_sources PACKAGE...: the newest version of each that the mirror has; it can be late with
# the newest of the list. Uses $options, a list of words.
# shellcheck disable=SC2086
download_sources()
{
    local package version found
    for package in "$@"; do
        found=0
        for version in $(apt-cache $options showsrc --only-source "$package" |
            sed -n 's/^Version: //p' | sort -ruV); do
            apt-get $options source --download-only "$package=$version" && found=1 && break
        done
        test $found -eq 1 || return 1
    done
}

# apt_lines TYPE PACKAGE...: write sources.list here, with lines of the type deb or deb-src: the
# places that have these binary packages.
apt_lines()
{
    local type=$1 keyring
    shift
    for keyring in /usr/share/keyrings/debian-archive-keyring.gpg \
        /usr/share/keyrings/ubuntu-archive-keyring.gpg; do
        test ! -f "$keyring" || break
    done
    # "500 http://deb.debian.org/debian bookworm/main amd64 Packages"
    apt-cache policy "$@" | sed -n \
        's,^ *-*[0-9][0-9]* \([a-z].*\) \([^ /]*\)/\([^ ]*\) [a-z0-9]* Packages$,\1 \2 \3,p' |
        sort -u | while read -r uri suite component; do
        echo "$type [signed-by=$keyring] $uri $suite $component"
    done >sources.list
    if [ ! -s sources.list ]; then
        echo "apt does not know where these come from: $*" >&2
        return 1
    fi
}

# fetch_sources PACKAGE:BINARY...: fetch the original archives of source packages into this
# directory, checked by apt, and unpack each into a directory of the package's name. BINARY
# is a package made of it, which tells apt where it comes from. Most systems have no list of
# source packages, so apt is given one of its own, in a directory of its own: nothing of the
# system changes, and it needs no root.
fetch_sources()
{
    local options pair sources='' binaries=''
    for pair in "$@"; do
        sources="$sources ${pair%%:*}"
        binaries="$binaries ${pair#*:}"
    done
    mkdir -p lists/partial cache/archives/partial
    # shellcheck disable=SC2086
    apt_lines deb-src $binaries || return 1
    options="-o Dir::Etc::sourcelist=$PWD/sources.list -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache -o APT::Sandbox::User="
    # shellcheck disable=SC2086
    {
        try_often apt-get $options update &&
            try_often download_sources $sources
    } || return 1
    rm -f ./*.asc
    for pair in $sources; do
        mkdir "$pair" && tar -xf "${pair}"_*.orig.tar.* -C "$pair" --strip-components=1 || return 1
    done
}

# cunit_version: of the archive that was fetched.
cunit_version()
{
    echo cunit_*.orig.tar.* | sed 's/cunit_\([0-9.-]*[0-9]\).*/\1/'
}

# build_cunit PREFIX COMPILER: a static CUnit from the source in ./cunit. Its own makefiles want one
# certain version of automake; it has eight files. A list of words in COMPILER; AR is used.
# shellcheck disable=SC2086
build_cunit()
{
    local root=cunit version
    test -d "$root/Sources" || root=cunit/CUnit
    version=$(cunit_version)
    mkdir cunit-build
    (cd cunit-build && for file in "../$root"/Sources/{Automated,Basic,Console,Framework}/*.c; do
        $2 -O2 -g -w -fPIC -I"../$root/Headers" -DVERSION="\"$version\"" -c "$file" || exit 1
    done) || return 1
    test -f cunit-build/Util.o &&
        mkdir -p "$1/lib" "$1/include/CUnit" &&
        ${AR:-ar} rcs "$1/lib/libcunit.a" cunit-build/*.o &&
        cp "$root"/Headers/*.h "$1/include/CUnit/"
}
